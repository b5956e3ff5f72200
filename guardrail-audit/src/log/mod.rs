//! The log as an embedder uses it: records in, proofs of durability out.

mod appending;
mod recorder;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use guardrail_core::record::{Condition, Record, Recorded, Timestamp};
use guardrail_core::redact::Redactor;
use uuid::Uuid;

use crate::chain::Intent;
use crate::hash::Hash;
use crate::line::{self, MAX_LINE};
use crate::redacting::{FieldRules, Redacting, RedactingError};
use crate::store::{Acknowledged, Appended, Body, Durability, Head, Lines, Store, StoreError};

pub use appending::Appending;

/// An audit log over any [`Store`].
///
/// Records lose their secrets before there are any bytes of them. A record that does not fit a line is
/// refused, unless it is what it says that is too long, and not its names: see
/// [`Redacting::fitting`].
///
/// ```
/// use guardrail_audit::{FileStore, Log};
/// use guardrail_core::record::{Kind, Record};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("audit");
/// let log = Log::over(FileStore::options("example.org/agents").open(path)?)?;
/// let mut record = Record::new(Kind::Note);
/// record.reason = Some("deployed with --password=hunter2".into());
/// let durable = log.append(&record)?;
///
/// let found = log.records(durable.last)?.next().ok_or("nothing")??;
/// assert_eq!(found.record.reason.as_deref(), Some("deployed with --password=[redacted:password]"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Log {
    store: Arc<dyn Store>,
    redacting: Redacting,
    id: Uuid,
    durability: Durability,
}

/// Where records stand in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The sequence number of the first.
    pub first: u64,
    /// That of the last.
    pub last: u64,
    /// The time of the last.
    pub timestamp: Timestamp,
    /// The hash of the last one's line.
    pub hash: Hash,
}

/// Records that survive a crash of the machine. Only this crate makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Durable(Place);

/// Records that survive a crash of the process, and nothing more yet. Only this crate makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Buffered(Place);

impl std::ops::Deref for Durable {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.0
    }
}

impl std::ops::Deref for Buffered {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.0
    }
}

/// Why a log did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The record cannot be written as it is.
    #[error(transparent)]
    Record(#[from] RedactingError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The records were appended, to a store that cannot make them durable.
    #[error("records up to {} were appended and are not durable: the store keeps them in memory", .0.last)]
    NotDurable(Buffered),
    /// A line is no record.
    #[error("line {sequence} cannot be read as a record: {error}")]
    NoRecord {
        /// Its number.
        sequence: u64,
        /// Why.
        error: serde_json::Error,
    },
}

/// Records out of a log, in order.
pub type Records<'l> = Box<dyn Iterator<Item = Result<Recorded, LogError>> + Send + 'l>;

impl Log {
    /// A log over a store, with the usual redaction: every detector, the usual field rules, no key for
    /// tags.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    pub fn over(store: impl Store + 'static) -> Result<Self, LogError> {
        Self::with(Arc::new(store), Redacting::new(Redactor::new(), FieldRules::standard(), None))
    }

    /// A log over a store, with a redaction of the caller's.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    pub fn with(store: Arc<dyn Store>, redacting: Redacting) -> Result<Self, LogError> {
        let id = store.head()?.log;
        Ok(Self { store, redacting, id, durability: Durability::Group })
    }

    /// Gives every durable append a sync of its own, which it else may share with others that wait at
    /// the same time.
    #[must_use]
    pub const fn sync_each(mut self, each: bool) -> Self {
        self.durability = if each { Durability::PerRecord } else { Durability::Group };
        self
    }

    /// The log's id.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Appends a record, and waits until it is durable.
    ///
    /// # Errors
    ///
    /// See [`LogError`]. Whatever it says, nothing that needed the record may go on.
    pub fn append(&self, record: &Record) -> Result<Durable, LogError> {
        self.append_batch(std::slice::from_ref(record), &Condition::Always)
    }

    /// Appends records next to each other, if the condition holds, and waits until they are durable.
    /// If it fails, none counts; only a crash before the answer can leave the first of them.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn append_batch(&self, records: &[Record], condition: &Condition) -> Result<Durable, LogError> {
        let bodies = self.bodies(records)?;
        durable(records.len(), self.store.append(&bodies, condition, self.durability))
    }

    /// As [`append_batch`](Self::append_batch), as a future of any runtime, or of none. The records are
    /// appended whether or not it is polled.
    ///
    /// # Errors
    ///
    /// Where a record cannot be written as it is. The future gives the other errors.
    pub fn append_async(&self, records: &[Record], condition: &Condition) -> Result<Appending, LogError> {
        Ok(self.append_bodies(self.bodies(records)?, condition))
    }

    fn append_bodies(&self, bodies: Vec<Body<'static>>, condition: &Condition) -> Appending {
        let (appending, done) = Appending::new(bodies.len());
        self.store.append_later(bodies, condition.clone(), self.durability, done);
        appending
    }

    /// Appends a record and does not wait for the disk. It is synced within the interval that the
    /// store was opened with.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn append_buffered(&self, record: &Record) -> Result<Buffered, LogError> {
        self.buffered(record, Durability::Interval)
    }

    /// Appends a record that nobody syncs before others are, or [`sync`](Self::sync) is called.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn append_unsynced(&self, record: &Record) -> Result<Buffered, LogError> {
        self.buffered(record, Durability::OsBuffered)
    }

    fn buffered(&self, record: &Record, durability: Durability) -> Result<Buffered, LogError> {
        let bodies = self.bodies(std::slice::from_ref(record))?;
        let appended = self.store.append(&bodies, &Condition::Always, durability)?;
        Ok(Buffered(place(1, &appended)))
    }

    /// Makes durable whatever was appended so far.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn sync(&self) -> Result<(), LogError> {
        Ok(self.store.sync()?)
    }

    /// The state behind the last line.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    pub fn head(&self) -> Result<Head, LogError> {
        Ok(self.store.head()?)
    }

    /// Intents that no outcome followed. After a crash, whether these steps ran is to be found out, and
    /// never to be assumed.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    pub fn in_doubt(&self) -> Result<Vec<(Uuid, Intent)>, LogError> {
        Ok(self.store.head()?.chain.intents.into_iter().collect())
    }

    /// The lines from a sequence number on, without their newlines.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read, or the first was pruned.
    pub fn lines(&self, from: u64) -> Result<Lines<'_>, LogError> {
        Ok(self.store.lines(from)?)
    }

    /// The records from a sequence number on, those that the log itself writes too.
    ///
    /// # Errors
    ///
    /// As [`lines`](Self::lines).
    pub fn records(&self, from: u64) -> Result<Records<'_>, LogError> {
        let lines = self.store.lines(from)?;
        Ok(Box::new(lines.zip(from..).map(|(line, sequence)| recorder::recorded(&line?, sequence))))
    }

    fn bodies(&self, records: &[Record]) -> Result<Vec<Body<'static>>, LogError> {
        // Whatever its number is, it fits a line.
        const MOST: usize = MAX_LINE - line::overhead(u64::MAX);
        let body = |record| {
            self.redacting.fitting(record, MOST).map_err(|error| match error {
                RedactingError::TooLong { bytes, most } => StoreError::TooLong { bytes, most }.into(),
                error => LogError::Record(error),
            })
        };
        records.iter().map(body).collect()
    }
}

fn place(count: usize, appended: &Appended) -> Place {
    let before = u64::try_from(count).unwrap_or(u64::MAX).saturating_sub(1);
    Place {
        first: appended.last.saturating_sub(before),
        last: appended.last,
        timestamp: appended.timestamp,
        hash: appended.hash,
    }
}

fn durable(count: usize, outcome: Result<Appended, StoreError>) -> Result<Durable, LogError> {
    let appended = outcome?;
    let place = place(count, &appended);
    match appended.acknowledged {
        Acknowledged::Durable => Ok(Durable(place)),
        Acknowledged::Buffered => Err(LogError::NotDurable(Buffered(place))),
    }
}
