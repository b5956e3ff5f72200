//! One pass over the lines of one segment, which knows nothing of the others.

use std::io;

use sha2::{Digest as _, Sha256};

use super::claims::{self, Header, Pruned};
use super::damage::{Damage, Malformed};
use super::prefix::{self, Expected, Prefix, Stamp};
use super::source::{ReadAt, each_line};
use super::{Level, json};
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::merkle::{Frontier, Range};
use crate::note::{Note, NoteError, Verifier};

/// The most bytes of a line, without its newline.
pub(super) const MAX_LINE: usize = 65_535;
/// How much is read at once.
const READ: usize = 1 << 20;
/// So many checkpoints of a segment are remembered until the lines before it are known.
const MOST_POINTS: usize = 4_096;

/// A buffer for a pass.
pub(super) fn buffer() -> Vec<u8> {
    vec![0; READ + MAX_LINE + 1]
}

/// What a pass is to do.
#[derive(Clone, Copy)]
pub(super) struct Task<'t> {
    pub(super) level: Level,
    pub(super) keys: &'t [Verifier],
    /// Sizes at which the root is asked for, in order.
    pub(super) wanted: &'t [u64],
    pub(super) segment: u32,
    /// Where the lines end, if the next header says so; else where the file does.
    pub(super) end: u64,
    pub(super) declared: bool,
    /// The frontier of the lines before, where it is known already.
    pub(super) before: Option<&'t Frontier>,
}

/// A root that is to be compared with that of the lines before a place.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) place: Place,
    pub(super) range: Range,
    /// What a checkpoint line says it is; `None` where somebody outside will say it.
    pub(super) root: Option<Hash>,
    pub(super) signed: bool,
}

/// A place in a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) line: u64,
    pub(super) sequence: u64,
}

/// Why a pass ended before the end.
#[derive(Clone, Debug)]
pub(super) enum Stop {
    /// A line does not fit what is before it: its number or `prev` is another one. A closer look says
    /// what happened.
    Unchained,
    /// Something that is plain from the line itself. The number is a byte of the line.
    Wrong(Damage, usize),
}

/// What a pass found.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) header: Option<Header>,
    /// The number, `prev` and time of the first line.
    pub(super) first: Option<(u64, Hash, Stamp)>,
    pub(super) last: Stamp,
    pub(super) lines: u64,
    /// How many bytes the lines have.
    pub(super) bytes: u64,
    /// What the next line would have to be.
    pub(super) expected: Expected,
    pub(super) range: Range,
    /// The frontier behind the last line, if that before the first was known.
    pub(super) frontier: Option<Frontier>,
    pub(super) points: Vec<Point>,
    /// There were more points than can be remembered: the pass is to be made again.
    pub(super) overflow: bool,
    pub(super) sealed: bool,
    pub(super) pruned: Vec<(Place, Pruned)>,
    pub(super) checkpoints: u64,
    /// The sizes of the last checkpoint whose root was right, and of the last that was signed too.
    pub(super) confirmed: u64,
    pub(super) signed: u64,
    pub(super) stop: Option<(Place, Stop)>,
    /// Bytes behind the last line, up to the end that was asked for.
    pub(super) rest: u64,
}

struct Pass<'t> {
    task: Task<'t>,
    found: Scanned,
    next_wanted: usize,
    roots: bool,
    /// Where the line begins.
    at: u64,
}

/// Reads the lines of a segment.
pub(super) fn scan(file: &dyn ReadAt, task: Task<'_>, buffer: &mut [u8]) -> io::Result<Scanned> {
    let mut pass = Pass {
        task,
        found: Scanned {
            header: None,
            first: None,
            last: [0; 27],
            lines: 0,
            bytes: 0,
            expected: Expected::new(0, Hash([0; 32])),
            range: Range::new(0),
            frontier: None,
            points: Vec::new(),
            overflow: false,
            sealed: false,
            pruned: Vec::new(),
            checkpoints: 0,
            confirmed: 0,
            signed: 0,
            stop: None,
            rest: 0,
        },
        next_wanted: 0,
        roots: task.level >= Level::Tree || !task.wanted.is_empty(),
        at: 0,
    };
    let (end, rest) = each_line(file, task.end, buffer, |offset, line| {
        pass.at = offset;
        match pass.line(line) {
            Ok(()) => true,
            Err(stop) => {
                pass.found.stop = Some((pass.place(), stop));
                false
            }
        }
    })?;
    pass.at = end;
    pass.at_wanted();
    let mut found = pass.found;
    found.bytes = end;
    found.rest = task.end.saturating_sub(end);
    if found.stop.is_none() && rest > 0 {
        let place = Place { offset: end, line: found.lines + 1, sequence: found.expected.sequence };
        if !task.declared && is_zero(file, end, task.end, buffer)? {
            // Room that was filled in advance.
        } else if rest > MAX_LINE {
            found.stop = Some((place, Stop::Wrong(Damage::Malformed(Malformed::TooLong), 0)));
        }
    }
    if let Some(before) = task.before
        && pass.roots
        && found.first.is_some()
    {
        let mut frontier = before.clone();
        found.frontier = frontier.extend(&found.range).then_some(frontier);
    }
    Ok(found)
}

/// Whether only NUL bytes stand between two places.
fn is_zero(file: &dyn ReadAt, from: u64, end: u64, buffer: &mut [u8]) -> io::Result<bool> {
    let mut at = from;
    while at < end {
        let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
        let read = file.read_at(buffer.get_mut(..wanted).unwrap_or_default(), at)?;
        if read == 0 {
            break;
        }
        if buffer.get(..read).unwrap_or_default().iter().any(|&byte| byte != 0) {
            return Ok(false);
        }
        at += read as u64;
    }
    Ok(true)
}

/// The digest of the bytes between two places, and how many there were.
pub(super) fn digest(file: &dyn ReadAt, from: u64, end: u64, buffer: &mut [u8]) -> io::Result<(Hash, u64)> {
    let (mut digest, mut at) = (Sha256::new(), from);
    while at < end {
        let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
        let read = file.read_at(buffer.get_mut(..wanted).unwrap_or_default(), at)?;
        if read == 0 {
            break;
        }
        digest.update(buffer.get(..read).unwrap_or_default());
        at += read as u64;
    }
    Ok((Hash(digest.finalize().into()), at - from))
}

impl Pass<'_> {
    fn place(&self) -> Place {
        Place { offset: self.at, line: self.found.lines + 1, sequence: self.found.expected.sequence }
    }

    #[inline]
    fn line(&mut self, line: &[u8]) -> Result<(), Stop> {
        let wrong = |malformed, at| Stop::Wrong(Damage::Malformed(malformed), at);
        if line.len() > MAX_LINE {
            return Err(wrong(Malformed::TooLong, 0));
        }
        let prefix = prefix::read(line).ok_or_else(|| wrong(Malformed::Prefix, 0))?;
        if self.found.first.is_none() {
            self.begin(line, &prefix)?;
        } else if !self.found.expected.is(&prefix) {
            return Err(Stop::Unchained);
        }
        if !prefix::is_time(prefix.timestamp, &self.found.last) {
            return Err(wrong(Malformed::Timestamp, 0));
        }
        if *prefix.timestamp < self.found.last {
            return Err(Stop::Wrong(Damage::TimeRunsBack, 0));
        }
        if self.found.sealed {
            return Err(Stop::Wrong(Damage::BehindSeal, 0));
        }
        if self.task.level >= Level::Full {
            json::check(line, prefix.rest).map_err(|(malformed, at)| wrong(malformed, at))?;
        }
        if self.task.wanted.get(self.next_wanted).is_some_and(|size| *size <= self.found.expected.sequence) {
            self.at_wanted();
        }
        match prefix.kind {
            b"genesis" | b"segment" if self.found.lines > 0 => {
                return Err(Stop::Wrong(Damage::WrongRecord("a header stands within a segment"), 0));
            }
            b"seal" => self.seal(line)?,
            b"checkpoint" => self.checkpoint(line)?,
            b"pruned" => self.pruned(line)?,
            _ => {}
        }
        let hash = Hash::of_line(line);
        if self.roots {
            self.found.range.push(hash);
        }
        self.found.last = *prefix.timestamp;
        self.found.lines += 1;
        self.found.expected.follow(hash);
        Ok(())
    }

    /// The first line.
    fn begin(&mut self, line: &[u8], prefix: &Prefix<'_>) -> Result<(), Stop> {
        let wrong = |what| Stop::Wrong(Damage::WrongRecord(what), 0);
        let malformed = Stop::Wrong(Damage::Malformed(Malformed::Prefix), 0);
        let (Some(sequence), Some(prev)) = (prefix::number(prefix.sequence), Hash::from_hex(prefix.prev))
        else {
            return Err(malformed);
        };
        let kind: &[u8] = if self.task.segment == 1 { b"genesis" } else { b"segment" };
        if prefix.kind != kind {
            return Err(wrong("the first line of the segment is no header"));
        }
        let header: Header =
            claims::details(line).ok_or_else(|| wrong("the header of the segment has not its details"))?;
        if header.segment != self.task.segment {
            return Err(claim("the number of the segment", header.segment, self.task.segment));
        }
        if header.previous.is_some() == (self.task.segment == 1) {
            return Err(wrong("the header must say what was before, and in the first segment not"));
        }
        self.found.header = Some(header);
        self.found.first = Some((sequence, prev, *prefix.timestamp));
        self.found.expected = Expected::new(sequence, prev);
        self.found.range = Range::new(sequence);
        self.next_wanted = self.task.wanted.partition_point(|size| *size < sequence);
        Ok(())
    }

    fn seal(&mut self, line: &[u8]) -> Result<(), Stop> {
        let wrong = "the seal has not its details";
        let seal: claims::Seal = claims::details(line).ok_or(Stop::Wrong(Damage::WrongRecord(wrong), 0))?;
        let Some((first, _, from)) = self.found.first else {
            return Err(Stop::Wrong(Damage::WrongRecord(wrong), 0));
        };
        let last = self.found.expected.sequence.wrapping_sub(1);
        for (what, claimed, found) in [
            ("the number of records in the segment", seal.records, self.found.lines),
            ("the first record of the segment", seal.first, first),
            ("the last record of the segment", seal.last, last),
        ] {
            if claimed != found {
                return Err(claim(what, claimed, found));
            }
        }
        for (what, claimed, found) in [
            ("the time of the first record", &seal.from, &from),
            ("the time of the last record", &seal.to, &self.found.last),
        ] {
            if claimed.as_bytes() != found {
                return Err(claim(what, claimed, String::from_utf8_lossy(found)));
            }
        }
        self.found.sealed = true;
        Ok(())
    }

    fn checkpoint(&mut self, line: &[u8]) -> Result<(), Stop> {
        let wrong = "the checkpoint has not its details";
        let checkpoint: claims::Checkpoint =
            claims::details(line).ok_or(Stop::Wrong(Damage::WrongRecord(wrong), 0))?;
        let sequence = self.found.expected.sequence;
        if checkpoint.size != sequence {
            return Err(claim("the size of the checkpoint", checkpoint.size, sequence));
        }
        self.found.checkpoints += 1;
        if !self.roots {
            return Ok(());
        }
        let origin = self.found.header.as_ref().map(|header| header.origin.as_str());
        let signed = note(&checkpoint, origin, self.task.keys).map_err(|damage| Stop::Wrong(damage, 0))?;
        self.point(Some(checkpoint.root), signed)
    }

    /// Compares the root here, now or later.
    fn point(&mut self, root: Option<Hash>, signed: bool) -> Result<(), Stop> {
        let size = self.found.expected.sequence;
        if let (Some(before), Some(claimed)) = (self.task.before, root) {
            let mut frontier = before.clone();
            if frontier.extend(&self.found.range) && frontier.root() != claimed {
                return Err(Stop::Wrong(Damage::WrongRoot { claimed, found: frontier.root() }, 0));
            }
            self.found.confirmed = size;
            if signed {
                self.found.signed = size;
            }
        } else if self.found.points.len() < MOST_POINTS {
            let range = self.found.range.clone();
            self.found.points.push(Point { place: self.place(), range, root, signed });
        } else {
            self.found.overflow = true;
        }
        Ok(())
    }

    /// Remembers what is needed for the roots that are asked for up to here.
    fn at_wanted(&mut self) {
        while let Some(&size) = self.task.wanted.get(self.next_wanted)
            && self.found.first.is_some()
            && size <= self.found.expected.sequence
        {
            self.next_wanted += 1;
            if size == self.found.expected.sequence {
                let range = self.found.range.clone();
                self.found.points.push(Point { place: self.place(), range, root: None, signed: false });
            }
        }
    }

    fn pruned(&mut self, line: &[u8]) -> Result<(), Stop> {
        let wrong = |what| Stop::Wrong(Damage::WrongRecord(what), 0);
        let pruned: Pruned =
            claims::details(line).ok_or_else(|| wrong("the pruned record has not its details"))?;
        match Frontier::from_hashes(pruned.sequence, pruned.frontier.clone()) {
            Ok(frontier) if frontier.root() == pruned.root => {}
            _ => return Err(wrong("the root of the pruned record does not follow from its frontier")),
        }
        if pruned.sequence > self.found.expected.sequence || pruned.segment > self.task.segment {
            return Err(wrong("the pruned record is about what comes after it"));
        }
        if self.found.pruned.len() == MOST_POINTS {
            return Err(wrong("there are too many pruned records in the segment"));
        }
        self.found.pruned.push((self.place(), pruned));
        Ok(())
    }
}

/// Whether a trusted key signed a checkpoint.
pub(super) fn note(
    checkpoint: &claims::Checkpoint,
    origin: Option<&str>,
    keys: &[Verifier],
) -> Result<bool, Damage> {
    let Some(note) = &checkpoint.note else {
        return if keys.is_empty() { Ok(false) } else { Err(Damage::Unsigned) };
    };
    let bad = |error: &dyn std::fmt::Display| Damage::BadNote(error.to_string());
    let note = Note::parse(note).map_err(|error| bad(&error))?;
    let said: Checkpoint = note.unverified_text().parse().map_err(|error| bad(&error))?;
    if Some(said.origin.as_str()) != origin {
        return Err(Damage::Spliced("the note of this checkpoint is of another log"));
    }
    if (said.size, said.root) != (checkpoint.size, checkpoint.root) {
        return Err(bad(&"it has another size or root than the checkpoint"));
    }
    if keys.is_empty() {
        return Ok(false);
    }
    match note.verify(keys) {
        Ok(_) => Ok(true),
        Err(NoteError::BadSignature(key)) => Err(Damage::BadSignature(key)),
        Err(_) => Err(Damage::Unsigned),
    }
}

pub(super) fn claim(what: &'static str, claimed: impl ToString, found: impl ToString) -> Stop {
    Stop::Wrong(wrong_claim(what, claimed, found), 0)
}

pub(super) fn wrong_claim(what: &'static str, claimed: impl ToString, found: impl ToString) -> Damage {
    Damage::WrongClaim { what, claimed: claimed.to_string(), found: found.to_string() }
}
