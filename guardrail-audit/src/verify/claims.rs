//! What the records of the log itself say, read for the verifier alone.

use serde::Deserialize;
use uuid::Uuid;

use crate::hash::Hash;

/// The details of the first line of a segment.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Header {
    pub(super) log_id: Uuid,
    pub(super) origin: String,
    pub(super) segment: u32,
    pub(super) previous: Option<Previous>,
}

/// What a header says of the segment before.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Previous {
    pub(super) segment: u32,
    pub(super) good_bytes: u64,
    pub(super) records: u64,
    pub(super) head: Hash,
    pub(super) torn_bytes: u64,
    pub(super) torn_sha256: Option<Hash>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Seal {
    pub(super) records: u64,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) from: String,
    pub(super) to: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Checkpoint {
    pub(super) size: u64,
    pub(super) root: Hash,
    pub(super) note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Pruned {
    pub(super) segment: u32,
    pub(super) sequence: u64,
    pub(super) head: Hash,
    pub(super) root: Hash,
    pub(super) frontier: Vec<Hash>,
}

/// The details of a line; `None` where it has them not as they must be.
pub(super) fn details<D: for<'d> Deserialize<'d>>(line: &[u8]) -> Option<D> {
    #[derive(Deserialize)]
    struct Line<D> {
        details: D,
    }
    serde_json::from_slice::<Line<D>>(line).ok().map(|line| line.details)
}
