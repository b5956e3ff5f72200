//! The trait of whatever holds the lines of a log.

use std::borrow::Cow;

use guardrail_core::record::{Condition, RecordError, Timestamp};
use uuid::Uuid;

use crate::chain::Note;
use crate::hash::Hash;

/// Holds the lines of one log.
///
/// The crate has two: files and memory. The conformance suite says by test what a
/// third one must hold:
///
/// * lines are the next of the chain, whole, in order, and never change;
/// * all bodies of a call that is answered with their place are lines, next to each other. A crash
///   before the answer may leave the first of them and lose the rest; recovery keeps these, since
///   whole lines may have been acknowledged;
/// * the condition is checked and the lines appended as one step, whoever else appends;
/// * what was acknowledged as durable is read again after any crash;
/// * after an error that leaves it open whether lines are durable, nothing is acknowledged again.
pub trait Store: Send + Sync {
    /// Appends a line for each body, if the condition holds, and returns when the durability that
    /// was asked for is reached.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    fn append(
        &self,
        bodies: &[Body<'_>],
        condition: &Condition,
        durability: Durability,
    ) -> Result<Appended, StoreError>;

    /// As [`append`](Self::append), without waiting: `done` is called with what came of it, on
    /// any thread. A store that has no thread of its own for it may as well wait.
    fn append_later(
        &self,
        bodies: Vec<Body<'static>>,
        condition: Condition,
        durability: Durability,
        done: Box<dyn FnOnce(Result<Appended, StoreError>) + Send>,
    ) {
        done(self.append(&bodies, &condition, durability));
    }

    /// Makes durable whatever was appended so far.
    ///
    /// # Errors
    ///
    /// [`StoreError::Indeterminate`] and [`StoreError::Poisoned`].
    fn sync(&self) -> Result<(), StoreError>;

    /// The state behind the last line, whoever appended it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    fn head(&self) -> Result<Head, StoreError>;

    /// The lines from a sequence number on, in order, as far as there are any when it is called.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], and [`StoreError::Pruned`] where the first is no longer there.
    fn lines(&self, from: u64) -> Result<Lines<'_>, StoreError>;

    /// One line, without its newline; `None` where the log is not that long.
    ///
    /// # Errors
    ///
    /// As [`lines`](Self::lines).
    fn line(&self, sequence: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.lines(sequence)?.next().transpose()
    }

    /// The sequence numbers of all records of a plan that is open; none where it is not, or was closed in
    /// between.
    ///
    /// # Errors
    ///
    /// As [`head`](Self::head).
    fn open_plan(&self, plan_id: &str) -> Result<Vec<u64>, StoreError> {
        Ok(self.head()?.chain.records_of(plan_id).to_vec())
    }
}

/// Lines without their newlines, in order.
pub type Lines<'s> = Box<dyn Iterator<Item = Result<Vec<u8>, StoreError>> + Send + 's>;

/// A record ready to be written: redacted, serialised, small enough.
#[derive(Clone, Debug)]
pub struct Body<'b> {
    /// The JSON object, `kind` first.
    pub json: Cow<'b, [u8]>,
    /// What the chain keeps of it.
    pub note: Note,
}

impl Body<'_> {
    /// Checks that it can be a line, and is none of those that a store writes itself. Stores ask it
    /// before they write.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotWritten`] says what is wrong.
    pub fn check(&self) -> Result<(), StoreError> {
        let refuse = |why: &str| {
            Err(StoreError::NotWritten(std::io::Error::new(std::io::ErrorKind::InvalidInput, why.to_owned())))
        };
        let json = self.json.as_ref();
        let kind = json.strip_prefix(br#"{"kind":""#);
        let own: [&[u8]; 4] = [b"genesis\"", b"segment\"", b"seal\"", b"checkpoint\""];
        if kind.is_none() || json.last() != Some(&b'}') || memchr::memchr2(b'\n', 0, json).is_some() {
            return refuse("a body is a JSON object in one line that begins with its kind");
        }
        if own.iter().any(|own| kind.is_some_and(|kind| kind.starts_with(own))) {
            return refuse("records of this kind are written by the log itself");
        }
        Ok(())
    }
}

/// When an append is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// After a sync of its own.
    PerRecord,
    /// After a sync that it may share with others that wait at the same time.
    #[default]
    Group,
    /// Once it is handed to the operating system, which survives the process and not the machine.
    /// A sync follows within the interval the store was opened with.
    Interval,
    /// Once it is handed to the operating system. Nobody syncs before the segment is sealed.
    OsBuffered,
}

/// What an append reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// The lines survive a crash of the machine.
    Durable,
    /// The lines survive a crash of the process, and nothing more yet.
    Buffered,
}

/// The place of what was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The sequence number of the last line.
    pub last: u64,
    /// Its time.
    pub timestamp: Timestamp,
    /// Its hash.
    pub hash: Hash,
    /// What is certain about it.
    pub acknowledged: Acknowledged,
}

/// A log's identity, and the state behind its last line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The log's id.
    pub log: Uuid,
    /// The name it was created with.
    pub origin: String,
    /// The chain.
    pub chain: crate::chain::Chain,
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The condition did not hold; nothing was written.
    #[error(transparent)]
    Conflict(RecordError),
    /// A line would be too long; nothing was written.
    #[error(
        "a record of {bytes} bytes does not fit a line of at most {most}: cut it, or keep it in the plan store"
    )]
    TooLong {
        /// The bytes of the line.
        bytes: usize,
        /// The most there may be.
        most: usize,
    },
    /// Nothing was written, and the store goes on.
    #[error("nothing was written: {0}")]
    NotWritten(#[source] std::io::Error),
    /// The lines may or may not be durable; the store is poisoned.
    #[error("the log is poisoned, since this failed and the last lines may be lost: {0}")]
    Indeterminate(#[source] std::io::Error),
    /// The store was poisoned before, by this process or another one.
    #[error("the log is poisoned since an earlier failure: {0}; close it and open it again to recover")]
    Poisoned(String),
    /// It cannot be read.
    #[error("the log cannot be read: {0}")]
    Unavailable(#[source] std::io::Error),
    /// The lines were removed by retention.
    #[error("lines before {first} were pruned")]
    Pruned {
        /// The first that is there.
        first: u64,
    },
    /// What is there is not what was written.
    #[error("the log was damaged: {0}")]
    Damaged(String),
    /// What is there was not written by this crate, and is no trace of a crash. Nothing is appended to
    /// such a log.
    #[error(
        "the log was tampered with: {segment:08}.jsonl, byte {byte}: {why}; verify it, and keep it as it is"
    )]
    Tampered {
        /// The segment.
        segment: u32,
        /// The first byte of it that is wrong.
        byte: u64,
        /// What is wrong.
        why: String,
    },
}

impl StoreError {
    /// The same error once more, for another one whom it concerns.
    #[must_use]
    pub fn again(&self) -> Self {
        let io = |error: &std::io::Error| match error.raw_os_error() {
            Some(code) => std::io::Error::from_raw_os_error(code),
            None => std::io::Error::new(error.kind(), error.to_string()),
        };
        match self {
            Self::Conflict(RecordError::Conflict { plan_id, expected, found }) => {
                let (plan_id, expected, found) = (plan_id.clone(), *expected, *found);
                Self::Conflict(RecordError::Conflict { plan_id, expected, found })
            }
            Self::Conflict(other) => Self::NotWritten(std::io::Error::other(other.to_string())),
            Self::TooLong { bytes, most } => Self::TooLong { bytes: *bytes, most: *most },
            Self::NotWritten(error) => Self::NotWritten(io(error)),
            Self::Indeterminate(error) => Self::Indeterminate(io(error)),
            Self::Poisoned(why) => Self::Poisoned(why.clone()),
            Self::Unavailable(error) => Self::Unavailable(io(error)),
            Self::Pruned { first } => Self::Pruned { first: *first },
            Self::Damaged(why) => Self::Damaged(why.clone()),
            Self::Tampered { segment, byte, why } => {
                Self::Tampered { segment: *segment, byte: *byte, why: why.clone() }
            }
        }
    }
}
