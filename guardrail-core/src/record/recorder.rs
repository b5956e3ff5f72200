//! Who keeps records: the trait, the proof it gives, and the conditions it checks.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Record, Timestamp};

/// Keeps records so that they survive the machine.
///
/// `guardrail-audit` implements it over files and over memory. An implementation of your own must
/// hold that
///
/// * records are appended in order, and all of a call that is answered with a [`Receipt`] are there. A
///   crash before the answer may leave the first of them and lose the rest, so a record must not rely
///   on one behind it in the same call;
/// * when [`record`](Self::record) returns a [`Receipt`], they are durable;
/// * a plan is open from its first record to the one that [closes](super::Status::closes_plan) it. A record of
///   it that comes later does not open it again; only the one that begins to undo it does
///   ([`Kind::Rollback`](super::Kind::Rollback) with [`Status::Started`](super::Status::Started));
/// * a [`Condition`] is checked and the records appended as one step, for every process that
///   shares the log: of two calls with the same condition on the same plan at most one succeeds.
#[async_trait]
pub trait Recorder: Send + Sync {
    /// Appends records, if the condition holds.
    ///
    /// # Errors
    ///
    /// [`RecordError`] says whether something may have been written nevertheless. Whatever it
    /// says, nothing that needed the record may go on.
    async fn record(&self, records: &[Record], condition: &Condition) -> Result<Receipt, RecordError>;

    /// Everything that was recorded of a plan, in order.
    ///
    /// # Errors
    ///
    /// [`RecordError::Unavailable`] where the log cannot be read.
    async fn history(&self, plan_id: &str) -> Result<Vec<Recorded>, RecordError>;

    /// The plans whose last record left them open, with the sequence number of that record.
    ///
    /// # Errors
    ///
    /// [`RecordError::Unavailable`] where the log cannot be read.
    async fn open_plans(&self) -> Result<Vec<(String, u64)>, RecordError>;
}

/// What must hold for records to be appended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    #[default]
    Always,
    /// The last record of a plan has this sequence number, whether the plan is open or closed; `None`: the
    /// plan has no record yet, so that its id can be used once. This is the compare-and-swap on which a
    /// permit is spent once. A recorder may forget a closed plan once its last record was pruned.
    PlanAt {
        /// The plan.
        plan_id: String,
        /// Its last record.
        sequence: Option<u64>,
    },
}

/// The proof that records are durable, and their place in the log.
///
/// A permit is made from nothing less. It is made by recorders alone; one that makes it before the
/// records are durable breaks its contract, which no type can prevent.
#[derive(Debug, PartialEq, Eq)]
pub struct Receipt {
    log: Uuid,
    first: u64,
    last: u64,
    timestamp: Timestamp,
    hash: [u8; 32],
    ids: Vec<Uuid>,
    redacted: u64,
}

impl Receipt {
    /// For a recorder that has just made `records` durable in the log `log`: the last of them has
    /// the sequence number `last`, the time `timestamp` and the RFC 6962 leaf hash `hash`.
    #[must_use]
    pub fn of_durable(
        records: &[Record],
        log: Uuid,
        last: u64,
        timestamp: Timestamp,
        hash: [u8; 32],
    ) -> Self {
        let before = u64::try_from(records.len()).unwrap_or(u64::MAX).saturating_sub(1);
        Self {
            log,
            first: last.saturating_sub(before),
            last,
            timestamp,
            hash,
            ids: records.iter().filter_map(|record| record.id).collect(),
            redacted: 0,
        }
    }

    /// The same receipt of a recorder that took so many secrets out of the records.
    #[must_use]
    pub fn with_redacted(self, redacted: u64) -> Self {
        Self { redacted, ..self }
    }

    /// The log's id.
    #[must_use]
    pub const fn log(&self) -> Uuid {
        self.log
    }

    /// The sequence number of the first record.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The sequence number of the last record.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// The time the log gave the last record.
    #[must_use]
    pub const fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The hash of the last record's line.
    #[must_use]
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// How many secrets the recorder took out of the records.
    #[must_use]
    pub const fn redacted(&self) -> u64 {
        self.redacted
    }

    /// Whether a record with this id is among those that were made durable.
    #[must_use]
    pub fn holds(&self, id: Uuid) -> bool {
        self.ids.contains(&id)
    }
}

/// A record with its place in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its sequence number.
    pub sequence: u64,
    /// When it was appended.
    pub timestamp: Timestamp,
    /// What was appended, without its secrets.
    pub record: Record,
}

/// Why records were not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The condition did not hold; nothing was written.
    #[error("plan {plan_id} is at {}, not at {}", place(*found), place(*expected))]
    Conflict {
        /// The plan.
        plan_id: String,
        /// What the caller took to be its last record.
        expected: Option<u64>,
        /// Its last record.
        found: Option<u64>,
    },
    /// A record cannot be kept as it is; nothing was written.
    #[error("the record cannot be kept: {reason}")]
    Invalid {
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// Nothing was written.
    #[error("not recorded: {reason}")]
    NotRecorded {
        /// Why.
        reason: String,
    },
    /// The records may or may not be in the log.
    #[error("it is not known whether this was recorded: {reason}")]
    Indeterminate {
        /// Why.
        reason: String,
    },
    /// The log cannot be read.
    #[error("the log cannot be read: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
}

fn place(sequence: Option<u64>) -> String {
    sequence.map_or_else(|| "no record".to_owned(), |sequence| format!("record {sequence}"))
}

/// The SHA-256 digest of a document, by which it is found again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentDigest(pub [u8; 32]);

impl fmt::Display for DocumentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DocumentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DocumentDigest({self})")
    }
}

/// Keeps whole plans beside the log, by content. The log has their digests.
///
/// What is put here holds secrets by reference only.
#[async_trait]
pub trait PlanStore: Send + Sync {
    /// Keeps a document and gives its digest; durable when it returns.
    ///
    /// # Errors
    ///
    /// [`RecordError::NotRecorded`] where it could not be kept.
    async fn put(&self, document: &[u8]) -> Result<DocumentDigest, RecordError>;

    /// The document of a digest; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`RecordError::Unavailable`] where it cannot be read, or is no longer what was put.
    async fn fetch(&self, digest: &DocumentDigest) -> Result<Option<Vec<u8>>, RecordError>;
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    #[test]
    fn a_receipt_knows_what_it_is_for() {
        let id = Uuid::from_u128(7);
        let mut intent = Record::new(Kind::Intent);
        intent.id = Some(id);
        let records = [Record::new(Kind::Note), intent];
        let receipt = Receipt::of_durable(&records, Uuid::nil(), 41, Timestamp::UNIX_EPOCH, [0; 32]);
        assert_eq!((receipt.first(), receipt.last()), (40, 41));
        assert!(receipt.holds(id));
        assert!(!receipt.holds(Uuid::nil()));
    }

    #[test]
    fn a_conflict_says_both_places() {
        let error = RecordError::Conflict { plan_id: "p".into(), expected: Some(3), found: None };
        assert_eq!(error.to_string(), "plan p is at no record, not at record 3");
    }
}
