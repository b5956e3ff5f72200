//! Reading a log: query, tail, export, replay, statistics, backup, archive.
//!
//! All of it reads lines from a [`LineSource`]: any [`Store`], or [`LogFiles`], which reads the
//! files of a log without opening it, so that nothing is locked or recovered, and no segment written.

pub mod archive;
pub mod backup;
pub mod export;
mod files;
mod filter;
mod query;
pub mod replay;
pub mod stats;
pub mod tail;

use std::path::PathBuf;

use guardrail_core::record::{Record, Recorded, Timestamp};

use crate::hash::Hash;
use crate::line;
use crate::store::{Lines, Store, StoreError};

pub use files::{Identity, LogFiles};
pub use filter::Filter;
pub use query::Query;

/// Where the lines of a log can be read.
pub trait LineSource {
    /// The lines from a sequence number on, in order, as far as there are any when it is called.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], and [`StoreError::Pruned`] where the first is no longer there.
    fn lines(&self, from: u64) -> Result<Lines<'_>, StoreError>;

    /// A sequence number before which every line is earlier than a time: reading for that time can
    /// begin there. 0 is always true, and the least help.
    ///
    /// # Errors
    ///
    /// As [`lines`](Self::lines).
    fn skip_to(&self, _time: Timestamp) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// The directory of the tree beside the log, as [`TreeFiles`](crate::merkle::TreeFiles) opens it, from
    /// which its lines are proved; `None` where there is none.
    fn tree(&self) -> Option<PathBuf> {
        None
    }
}

impl<S: Store + ?Sized> LineSource for S {
    fn lines(&self, from: u64) -> Result<Lines<'_>, StoreError> {
        Store::lines(self, from)
    }
}

/// The lines from a sequence number on, or from the first that is still there.
pub(crate) fn remaining<S: LineSource + ?Sized>(source: &S, from: u64) -> Result<Lines<'_>, StoreError> {
    match source.lines(from) {
        Err(StoreError::Pruned { first }) if first > from => source.lines(first),
        lines => lines,
    }
}

/// A line that was read, and what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The line, without its newline.
    pub line: Vec<u8>,
    /// What it says.
    pub recorded: Recorded,
}

impl Entry {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] where it is none.
    pub fn read(line: Vec<u8>) -> Result<Self, StoreError> {
        let prefix = prefix(&line)?;
        let (sequence, timestamp) = (prefix.sequence, prefix.timestamp);
        let record: Record = serde_json::from_slice(&line)
            .map_err(|error| StoreError::Damaged(format!("line {sequence} is no record: {error}")))?;
        Ok(Self { line, recorded: Recorded { sequence, timestamp, record } })
    }

    /// The line's hash, which the next line quotes.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of_line(&self.line)
    }
}

/// What a line begins with.
pub(crate) fn prefix(line: &[u8]) -> Result<line::Prefix<'_>, StoreError> {
    line::read(line).ok_or_else(|| {
        let shown: String = String::from_utf8_lossy(line).chars().take(40).collect();
        StoreError::Damaged(format!("a line does not begin as lines do: {shown:?}"))
    })
}

/// Checks that lines that are read one after the other are so in the chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    /// The number and the time that come next, and the hash that is quoted.
    next: Option<(u64, Timestamp, Hash)>,
}

impl Links {
    /// Takes the next line, and gives its hash. The first line is taken as it is.
    pub(crate) fn follow(&mut self, line: &[u8]) -> Result<Hash, StoreError> {
        let prefix = prefix(line)?;
        let damaged = |why: &str| {
            Err(StoreError::Damaged(format!("line {}, {}: {why}", prefix.sequence, prefix.timestamp)))
        };
        if let Some((sequence, timestamp, head)) = self.next {
            if prefix.sequence != sequence {
                return damaged(&format!("line {sequence} is missing before it"));
            }
            if prefix.prev != head {
                return damaged("it does not link to the line before, so one of the two was changed");
            }
            if prefix.timestamp < timestamp {
                return damaged("its time is before that of the line before");
            }
        }
        let hash = Hash::of_line(line);
        self.next = Some((prefix.sequence + 1, prefix.timestamp, hash));
        Ok(hash)
    }

    /// The hash of the last line.
    pub(crate) fn head(&self) -> Option<Hash> {
        self.next.map(|(_, _, head)| head)
    }
}
