//! Verifying a log from its files alone, by a reading of the format of its own: nothing here is
//! shared with what writes, but the hash and the tree.

mod claims;
mod damage;
mod diagnose;
mod join;
mod json;
mod kept;
mod prefix;
mod scan;
mod source;

use std::collections::BTreeMap;
use std::io;
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use uuid::Uuid;

use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::note::Verifier;
use claims::{Header, Pruned};
use scan::{MAX_LINE, Scanned, Task};

pub use damage::{Damage, Finding, Malformed};
pub use source::{Directory, ReadAt, Source};

/// The most threads that read at once; each has a buffer of a mebibyte.
const MOST_THREADS: usize = 8;

/// What is checked. Each level checks all of the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The chain: the beginning of each line, numbers, hashes, times, headers and seals.
    Chain,
    /// And the tree: the roots of all checkpoints, and their signatures.
    Tree,
    /// And that each line is strict JSON to its end.
    #[default]
    Full,
}

/// How a log is verified.
///
/// ```no_run
/// use guardrail_audit::verify::{Directory, Verification};
///
/// let key = "example.org/log+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8".parse()?;
/// let report = Verification::new().trust([key]).log(&Directory::new("/var/log/agent"))?;
/// match report.findings.first() {
///     None => println!("{} records are as they were written", report.size),
///     Some(finding) => println!("damaged: {finding}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Verification<'v> {
    level: Level,
    threads: usize,
    keys: Vec<Verifier>,
    origin: Option<String>,
    anchors: Vec<Checkpoint>,
    progress: Option<&'v (dyn Fn(u64) + Sync)>,
}

/// What was found out about a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The log's name, as the first header says.
    pub origin: Option<String>,
    /// The log's id, as the first header says.
    pub log_id: Option<Uuid>,
    /// How many segments were read.
    pub segments: u64,
    /// How many lines were read.
    pub lines: u64,
    /// How many bytes these have.
    pub bytes: u64,
    /// The number of the first line that was read.
    pub first: u64,
    /// The number of the line behind the last that was read: the size of the log, where its end was
    /// read.
    pub size: u64,
    /// The hash of the last line.
    pub head: Option<Hash>,
    /// The root of all `size` lines, where it was computed.
    pub root: Option<Hash>,
    /// How many checkpoints were read.
    pub checkpoints: u64,
    /// So many lines, from the first of the log, stand before a checkpoint with the right root. The rest
    /// is a tail that nothing in the log confirms.
    pub confirmed: u64,
    /// So many lines stand before a checkpoint with the right root that a trusted key signed.
    pub signed: u64,
    /// So many lines stand before a checkpoint from outside with the right root. What follows
    /// can be cut off, and nobody sees it.
    pub anchored: u64,
    /// The sizes of checkpoints from outside that could not be compared, since the lines before them
    /// were pruned or not read.
    pub not_compared: Vec<u64>,
    /// How many bytes stand behind the last line of the log: what a crash left, or a write under way.
    pub tail: u64,
    /// Bytes that headers declare as torn, as segment and number of bytes.
    pub torn: Vec<(u32, u64)>,
    /// The first line that was not pruned, where some were.
    pub pruned: Option<u64>,
    /// How many checkpoints were read that were kept of pruned segments.
    pub kept: u64,
    /// Of how many of these the hashes of the lines that are gone, beside the log, give the line and the root.
    pub kept_proved: u64,
    /// What is wrong, in the order of the log: at most a hundred. The first one is the first bad place.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Why a log could not be verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A segment, or the directory, could not be read.
    #[error("{what} cannot be read: {error}")]
    Io {
        /// What could not be read.
        what: String,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
    /// There is no segment.
    #[error("there is no log here: no segment is to be found")]
    NoLog,
    /// The part that was asked for is not there.
    #[error("there is no {0} in this log")]
    NoSuchPart(String),
}

/// A segment before it is read whole.
struct Segment {
    number: u32,
    size: u64,
    /// The number and `prev` of its first line and what it says, where it can be read.
    header: Option<(u64, Header)>,
}

impl<'v> Verification<'v> {
    /// Everything is checked, as far as it can be without keys and anchors.
    #[must_use]
    pub fn new() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
        Self {
            level: Level::Full,
            threads,
            keys: Vec::new(),
            origin: None,
            anchors: Vec::new(),
            progress: None,
        }
    }

    /// Checks signatures by these keys, and wants one of them on every checkpoint.
    #[must_use]
    pub fn trust(mut self, keys: impl IntoIterator<Item = Verifier>) -> Self {
        self.keys.extend(keys);
        self
    }

    /// Checks only so much.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Reads with so many threads, from 1 to 8. As many as there are processors unless said otherwise.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.clamp(1, MOST_THREADS);
        self
    }

    /// Wants the log to have this name.
    #[must_use]
    pub fn origin(mut self, origin: &str) -> Self {
        self.origin = Some(origin.to_owned());
        self
    }

    /// Compares the log with checkpoints from outside. Whether they are authentic is for the caller to
    /// know, as [`Checkpoint::verify`] does.
    #[must_use]
    pub fn anchors(mut self, checkpoints: impl IntoIterator<Item = Checkpoint>) -> Self {
        self.anchors.extend(checkpoints);
        self
    }

    /// Tells how many bytes a segment had that was read to its end.
    #[must_use]
    pub fn progress(mut self, tell: &'v (dyn Fn(u64) + Sync)) -> Self {
        self.progress = Some(tell);
        self
    }

    /// Verifies a whole log.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] where it cannot be read. That something is wrong with it is no error; the report
    /// says so.
    pub fn log(&self, source: &dyn Source) -> Result<Report, VerifyError> {
        let segments = segments(source)?;
        let pruned = match segments.first() {
            Some(first) if first.number > 1 => last_pruned(source, &segments)?,
            _ => None,
        };
        let mut report = self.run(source, &segments, (false, None), pruned.clone())?;
        if let Some(pruned) = pruned.filter(|_| report.is_intact()) {
            kept::check(self, source, &pruned, &mut report)?;
        }
        Ok(report)
    }

    /// Verifies the segments that have the records of a range, and that they fit what surrounds
    /// them. Roots are checked only where the range begins with the log.
    ///
    /// # Errors
    ///
    /// As [`log`](Self::log), and [`VerifyError::NoSuchPart`] where no segment has such a record.
    pub fn range(&self, source: &dyn Source, range: RangeInclusive<u64>) -> Result<Report, VerifyError> {
        let mut segments = segments(source)?;
        let begins = |segment: &Segment| segment.header.as_ref().map(|(sequence, _)| *sequence);
        // Segments without a readable header belong to both sides.
        let first = segments
            .iter()
            .rposition(|segment| begins(segment).is_some_and(|begin| begin <= *range.start()))
            .unwrap_or_default();
        let last = segments
            .iter()
            .position(|segment| begins(segment).is_some_and(|begin| begin > *range.end()))
            .unwrap_or(segments.len());
        if range.is_empty() || last <= first {
            return Err(VerifyError::NoSuchPart(format!("record {} to {}", range.start(), range.end())));
        }
        let next = if last < segments.len() { segments.drain(last..).next() } else { None };
        segments.drain(..first);
        self.run(source, &segments, (true, next), None)
    }

    /// Verifies one segment, and that it fits its header and the one behind it.
    ///
    /// # Errors
    ///
    /// As [`log`](Self::log), and [`VerifyError::NoSuchPart`] where it is not there.
    pub fn segment(&self, source: &dyn Source, number: u32) -> Result<Report, VerifyError> {
        let mut segments = segments(source)?;
        let at = segments.iter().position(|segment| segment.number == number);
        let at = at.ok_or_else(|| VerifyError::NoSuchPart(format!("segment {number}")))?;
        let next = if at + 1 < segments.len() { segments.drain(at + 1..).next() } else { None };
        segments.drain(..at);
        self.run(source, &segments, (true, next), None)
    }

    fn run(
        &self,
        source: &dyn Source,
        segments: &[Segment],
        (part, next): (bool, Option<Segment>),
        pruned: Option<Pruned>,
    ) -> Result<Report, VerifyError> {
        let mut wanted: Vec<u64> = self.anchors.iter().map(|anchor| anchor.size).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let task = |index: usize| {
            let segment = segments.get(index)?;
            let follower = segments.get(index + 1).or(next.as_ref());
            let previous = follower
                .filter(|follower| follower.number == segment.number + 1)
                .and_then(|follower| follower.header.as_ref()?.1.previous.as_ref());
            let end = previous.map_or(segment.size, |previous| previous.good_bytes.min(segment.size));
            let declared = previous.is_some();
            let (level, keys, wanted) = (self.level, self.keys.as_slice(), wanted.as_slice());
            Some(Task { level, keys, wanted, segment: segment.number, end, declared, before: None })
        };
        let read = |task: Task<'_>, buffer: &mut Vec<u8>| {
            let scanned = source
                .open(task.segment)
                .and_then(|file| scan::scan(file.as_ref(), task, buffer))
                .map_err(|error| failed(task.segment, error));
            if let Some(tell) = self.progress {
                tell(task.end);
            }
            scanned
        };
        let mut join = join::Join::new(source, self, part, pruned);
        let threads = self.threads.min(segments.len());
        if threads <= 1 {
            let mut buffer = scan::buffer();
            for (index, segment) in segments.iter().enumerate() {
                if let Some(task) = task(index) {
                    let before = join.frontier_before(segment);
                    let scanned = read(Task { before: before.as_ref(), ..task }, &mut buffer)?;
                    join.add(segment, segments.get(index + 1).or(next.as_ref()), scanned, &mut buffer)?;
                }
            }
            return join.finish(next.as_ref(), &mut buffer);
        }
        let queue = Queue::default();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let mut buffer = scan::buffer();
                    while let Some((index, task)) = queue.take(2 * threads, &task) {
                        queue.put(index, read(task, &mut buffer));
                    }
                });
            }
            let mut buffer = vec![0; 2 * (MAX_LINE + 1)];
            let joined = segments.iter().enumerate().try_for_each(|(index, segment)| {
                let mut scanned = queue.get(index)?;
                if scanned.overflow
                    && let (Some(before), Some(task)) = (join.frontier_before(segment), task(index))
                {
                    scanned = read(Task { before: Some(&before), ..task }, &mut scan::buffer())?;
                }
                join.add(segment, segments.get(index + 1).or(next.as_ref()), scanned, &mut buffer)
            });
            queue.stop();
            joined?;
            join.finish(next.as_ref(), &mut buffer)
        })
    }
}

impl Default for Verification<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// Segments are read in order, and no further ahead of the one that is put together than so many, so that
/// what was found does not pile up.
#[derive(Default)]
struct Queue {
    next: AtomicUsize,
    done: Mutex<Done>,
    changed: Condvar,
}

#[derive(Default)]
struct Done {
    joined: usize,
    stopped: bool,
    found: BTreeMap<usize, Result<Scanned, VerifyError>>,
}

impl Queue {
    fn take<'t>(&self, ahead: usize, task: &impl Fn(usize) -> Option<Task<'t>>) -> Option<(usize, Task<'t>)> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let task = task(index)?;
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        while !done.stopped && index >= done.joined + ahead {
            done = self.changed.wait(done).unwrap_or_else(PoisonError::into_inner);
        }
        (!done.stopped).then_some((index, task))
    }

    fn put(&self, index: usize, scanned: Result<Scanned, VerifyError>) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.found.insert(index, scanned);
        self.changed.notify_all();
    }

    fn get(&self, index: usize) -> Result<Scanned, VerifyError> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(scanned) = done.found.remove(&index) {
                done.joined = index + 1;
                self.changed.notify_all();
                return scanned;
            }
            done = self.changed.wait(done).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn stop(&self) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.changed.notify_all();
    }
}

fn failed(segment: u32, error: io::Error) -> VerifyError {
    VerifyError::Io { what: format!("{segment:08}.jsonl"), error }
}

/// The segments that are there, with what their first lines say.
fn segments(source: &dyn Source) -> Result<Vec<Segment>, VerifyError> {
    let listed = source
        .segments()
        .map_err(|error| VerifyError::Io { what: "the directory of the log".into(), error })?;
    let mut buffer = vec![0; MAX_LINE + 1];
    let mut segments = Vec::with_capacity(listed.len());
    for (number, size) in listed {
        let file = source.open(number).map_err(|error| failed(number, error))?;
        let mut header = None;
        // Headers are short; most of the buffer would be read in vain.
        for end in [2_048, u64::MAX] {
            source::each_line(file.as_ref(), size.min(end), &mut buffer, |_, line| {
                let sequence = prefix::read(line).and_then(|prefix| prefix::number(prefix.sequence));
                header = sequence.zip(claims::details(line));
                false
            })
            .map_err(|error| failed(number, error))?;
            if header.is_some() {
                break;
            }
        }
        segments.push(Segment { number, size, header });
    }
    if segments.is_empty() { Err(VerifyError::NoLog) } else { Ok(segments) }
}

/// The pruned record that goes furthest, which says where a log begins of which the beginning is not
/// there. It is only a hint until its line was verified.
fn last_pruned(source: &dyn Source, segments: &[Segment]) -> Result<Option<Pruned>, VerifyError> {
    let mut buffer = scan::buffer();
    let mut best: Option<Pruned> = None;
    for segment in segments.iter().rev() {
        let file = source.open(segment.number).map_err(|error| failed(segment.number, error))?;
        source::each_line(file.as_ref(), segment.size, &mut buffer, |_, line| {
            if prefix::read(line).is_some_and(|prefix| prefix.kind == b"pruned")
                && let Some(pruned) = claims::details::<Pruned>(line)
                && best.as_ref().is_none_or(|best| best.segment <= pruned.segment)
            {
                best = Some(pruned);
            }
            true
        })
        .map_err(|error| failed(segment.number, error))?;
        if best.is_some() {
            break;
        }
    }
    Ok(best)
}

/// The first line of a segment.
pub(crate) fn first_line(source: &Directory, segment: u32) -> io::Result<Option<Vec<u8>>> {
    let mut first = None;
    let mut buffer = vec![0; MAX_LINE + 1];
    source::each_line(source.open(segment)?.as_ref(), u64::MAX, &mut buffer, |_, line| {
        first = Some(line.to_vec());
        false
    })?;
    Ok(first)
}

/// All lines of a segment.
pub(crate) fn segment_lines(source: &Directory, segment: u32, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    source::each_line(source.open(segment)?.as_ref(), u64::MAX, &mut scan::buffer(), |_, line| {
        each(line);
        true
    })?;
    Ok(())
}
