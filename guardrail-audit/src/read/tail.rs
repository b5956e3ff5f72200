//! Following a log as it grows, and checking the chain line by line.

use std::collections::VecDeque;

use super::{Entry, LineSource, files, prefix, remaining};
use crate::hash::Hash;
use crate::store::StoreError;

/// How many lines back a tail still knows what it gave out.
const REMEMBERED: usize = 65_536;

/// Follows a log: each [`poll`](Self::poll) gives what is new, across segments, and no line that does
/// not link to the one before.
///
/// ```no_run
/// use std::path::Path;
/// use guardrail_audit::read::{LogFiles, tail::{Tail, Tailed}};
///
/// let files = LogFiles::open(Path::new("/var/lib/agent/audit"))?;
/// let mut tail = Tail::from_end(&files, 10)?;
/// loop {
///     for news in tail.poll()? {
///         match news {
///             Tailed::Entry(entry) => println!("{}", String::from_utf8_lossy(&entry.line)),
///             Tailed::Withdrawn { from, .. } => println!("lines from {from} on never became durable"),
///             _ => {}
///         }
///     }
///     std::thread::sleep(std::time::Duration::from_millis(200));
/// }
/// # #[allow(unreachable_code)]
/// # Ok::<(), guardrail_audit::StoreError>(())
/// ```
pub struct Tail<'s, S: ?Sized> {
    source: &'s S,
    next: u64,
    /// Hashes of the lines before `next`, the last at the end.
    given: VecDeque<Hash>,
    most: usize,
}

/// What a poll found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Tailed {
    /// The next line.
    Entry(Box<Entry>),
    /// Lines that were given out did not survive: nobody had been told that they were durable, and a
    /// crash or a failed sync took them. Others follow in their place.
    Withdrawn {
        /// The first of them.
        from: u64,
        /// How many they were.
        count: u64,
    },
}

impl<'s, S: LineSource + ?Sized> Tail<'s, S> {
    /// Follows from a line on. That line's own link is checked where it is the log's first, or where
    /// the line before it is still there.
    ///
    /// # Errors
    ///
    /// Where the log cannot be read.
    pub fn from(source: &'s S, sequence: u64) -> Result<Self, StoreError> {
        let mut tail = Self { source, next: sequence, given: VecDeque::new(), most: REMEMBERED };
        if let Some(before) = sequence.checked_sub(1) {
            match source.lines(before) {
                Ok(mut lines) => {
                    tail.given.extend(lines.next().transpose()?.map(|line| Hash::of_line(&line)))
                }
                Err(StoreError::Pruned { first }) => tail.next = first.max(sequence),
                Err(error) => return Err(error),
            }
        }
        Ok(tail)
    }

    /// Follows from the last so many lines on.
    ///
    /// # Errors
    ///
    /// Where the log cannot be read.
    pub fn from_end(source: &'s S, lines: u64) -> Result<Self, StoreError> {
        let end = end(source)?;
        Self::from(source, end.saturating_sub(lines))
    }

    /// The number of the line that comes next.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.next
    }

    /// What is new since the last call; nothing where nothing is. An unfinished line is not read.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] where a line does not link to the one before: the tail stays where it
    /// was, and says so again when it is asked again.
    pub fn poll(&mut self) -> Result<Vec<Tailed>, StoreError> {
        let mut news = Vec::new();
        if let Some(withdrawn) = self.withdrawn()? {
            news.push(withdrawn);
        }
        let lines = match self.source.lines(self.next) {
            Err(StoreError::Pruned { first }) if self.given.is_empty() => {
                self.next = first;
                self.source.lines(first)?
            }
            lines => lines?,
        };
        for line in lines {
            // What was read before the damage is given out; the damage itself the next time.
            let taken = line.and_then(|line| self.take(line));
            match taken {
                Ok(entry) => news.push(Tailed::Entry(Box::new(entry))),
                Err(error) if news.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(news)
    }

    fn take(&mut self, line: Vec<u8>) -> Result<Entry, StoreError> {
        let found = prefix(&line)?;
        let damaged = |why: &str| Err(StoreError::Damaged(format!("line {}: {why}", self.next)));
        if found.sequence != self.next {
            return damaged(&format!("line {} stands in its place", found.sequence));
        }
        match self.given.back() {
            Some(head) if found.prev != *head => {
                return damaged("it does not link to the line before, so one of the two was changed");
            }
            _ => {}
        }
        let entry = Entry::read(line)?;
        if self.next == 0 && !is_genesis(&entry) {
            return damaged("the first line does not link to the log's origin");
        }
        self.given.push_back(entry.hash());
        if self.given.len() > self.most {
            self.given.pop_front();
        }
        self.next += 1;
        Ok(entry)
    }

    /// Goes back to where the log still is what was given out.
    fn withdrawn(&mut self) -> Result<Option<Tailed>, StoreError> {
        let Some(head) = self.given.back() else { return Ok(None) };
        // The last line that was given out is there, as it was: the usual case, at the cost of a line.
        let last = self.next.saturating_sub(1);
        if self.hash_at(last)?.as_ref() == Some(head) {
            return Ok(None);
        }
        let (end, before) = (self.next, self.given.len() as u64);
        let first = end - before;
        // Lines are withdrawn from the end alone, so that the kept ones are the first.
        let (mut kept, mut gone) = (0, before);
        while kept < gone {
            let middle = kept + (gone - kept) / 2;
            let was = usize::try_from(middle).ok().and_then(|at| self.given.get(at));
            if self.hash_at(first + middle)?.as_ref() == was { kept = middle + 1 } else { gone = middle }
        }
        if kept == 0 {
            return Err(StoreError::Damaged(format!(
                "the last {before} lines before line {end} are no longer what they were: this is another log, or it was rewritten"
            )));
        }
        self.given.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
        self.next = first + kept;
        Ok(Some(Tailed::Withdrawn { from: self.next, count: end - self.next }))
    }

    fn hash_at(&self, sequence: u64) -> Result<Option<Hash>, StoreError> {
        let line = self.source.lines(sequence)?.next().transpose()?;
        Ok(line.map(|line| Hash::of_line(&line)))
    }
}

/// The number of the line that a log will have next.
pub(crate) fn end<S: LineSource + ?Sized>(source: &S) -> Result<u64, StoreError> {
    // Grows until there is no line, then halves in between.
    let is_there = |sequence| match source.lines(sequence) {
        Ok(mut lines) => Ok(lines.next().transpose()?.is_some()),
        Err(StoreError::Pruned { .. }) => Ok(true),
        Err(error) => Err(error),
    };
    let mut high = 1;
    while is_there(high - 1)? {
        high *= 2;
    }
    let mut low = high / 2;
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if is_there(middle - 1)? { low = middle } else { high = middle }
    }
    Ok(low)
}

/// Whether the first line of a log links to the origin that it names itself.
pub(crate) fn is_genesis(entry: &Entry) -> bool {
    let origin = entry.recorded.record.details.as_ref().and_then(|details| details.get("origin"));
    let origin = origin.and_then(serde_json::Value::as_str).unwrap_or_default();
    crate::line::read(&entry.line).is_some_and(|prefix| files::is_first_of(origin, prefix.prev))
}

/// All lines from the first that is there, in their chain.
pub(crate) fn checked<S: LineSource + ?Sized>(
    source: &S,
    from: u64,
) -> Result<impl Iterator<Item = Result<(Vec<u8>, Hash), StoreError>>, StoreError> {
    let mut links = super::Links::default();
    Ok(remaining(source, from)?.map(move |line| {
        let line = line?;
        let hash = links.follow(&line)?;
        Ok((line, hash))
    }))
}
