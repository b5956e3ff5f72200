//! A store that keeps the lines of a log in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use guardrail_core::record::{Condition, Kind, Record, Timestamp};
use uuid::Uuid;

use crate::chain::{Chain, Note};
use crate::clock;
use crate::line::{self, MAX_LINE};
use crate::store::{Acknowledged, Appended, Body, Durability, Head, Lines, Store, StoreError};

/// Keeps a log in memory, for as long as the process lives.
///
/// Nothing in it is durable, and it does not say so: whatever is asked for, it acknowledges
/// [`Buffered`](Acknowledged::Buffered), so that no receipt and no permit can come of it. For tests, and
/// where an embedder decides that a log need not outlive its process, there is
/// [`counted_as_durable`](Self::counted_as_durable).
///
/// ```
/// use guardrail_audit::{Log, MemoryStore};
/// use guardrail_core::record::{Kind, Record};
///
/// let log = Log::over(MemoryStore::counted_as_durable("example.org/test"))?;
/// let place = log.append(&Record::new(Kind::Note))?;
/// assert_eq!(place.last, 1);
///
/// let log = Log::over(MemoryStore::new("example.org/test"))?;
/// assert!(log.append(&Record::new(Kind::Note)).is_err());
/// log.append_buffered(&Record::new(Kind::Note))?;
/// # Ok::<(), guardrail_audit::LogError>(())
/// ```
#[derive(Debug)]
pub struct MemoryStore {
    log_id: Uuid,
    origin: String,
    counts: Acknowledged,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    chain: Chain,
    /// The lines, each with its newline, and where each begins.
    text: Vec<u8>,
    starts: Vec<usize>,
}

impl MemoryStore {
    /// A log of this name, with its first line, which acknowledges nothing as durable.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self::with(origin, Acknowledged::Buffered)
    }

    /// A log of this name that acknowledges as durable what is in memory: the caller has decided that
    /// its records need not outlive the process.
    #[must_use]
    pub fn counted_as_durable(origin: &str) -> Self {
        Self::with(origin, Acknowledged::Durable)
    }

    fn with(origin: &str, counts: Acknowledged) -> Self {
        let log_id = Uuid::new_v4();
        let mut kept = Kept { chain: Chain::new(origin), text: Vec::new(), starts: Vec::new() };
        let mut genesis = Record::new(Kind::Genesis);
        genesis.details = Some(serde_json::json!({
            "log_id": log_id,
            "origin": origin,
            "segment": 1,
            "max_segment_bytes": (1_u64 << 53) - 1,
        }));
        let json = serde_json::to_vec(&genesis).unwrap_or_default();
        kept.push(&Body { json: json.into(), note: Note::default() }, clock::system());
        Self { log_id, origin: origin.to_owned(), counts, kept: Mutex::new(kept) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A line is pushed whole or not at all.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn push(&mut self, body: &Body<'_>, now: Timestamp) {
        self.starts.push(self.text.len());
        self.chain.push(&mut self.text, &body.json, &body.note, now);
    }

    fn line(&self, sequence: u64) -> Option<Vec<u8>> {
        let index = usize::try_from(sequence).ok()?;
        let start = *self.starts.get(index)?;
        let end = self.starts.get(index + 1).copied().unwrap_or(self.text.len());
        Some(self.text.get(start..end.saturating_sub(1))?.to_vec())
    }
}

impl Store for MemoryStore {
    fn append(
        &self,
        bodies: &[Body<'_>],
        condition: &Condition,
        durability: Durability,
    ) -> Result<Appended, StoreError> {
        let mut kept = self.kept();
        kept.chain.check(condition).map_err(StoreError::Conflict)?;
        let overhead = line::overhead(kept.chain.size + bodies.len() as u64);
        for body in bodies {
            let bytes = overhead + body.json.len();
            if bytes > MAX_LINE {
                return Err(StoreError::TooLong { bytes, most: MAX_LINE });
            }
            body.check()?;
        }
        let now = clock::system();
        for body in bodies {
            kept.push(body, now);
        }
        let waits = matches!(durability, Durability::PerRecord | Durability::Group);
        Ok(Appended {
            last: kept.chain.size.saturating_sub(1),
            timestamp: kept.chain.timestamp,
            hash: kept.chain.head,
            acknowledged: if waits { self.counts } else { Acknowledged::Buffered },
        })
    }

    fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn head(&self) -> Result<Head, StoreError> {
        Ok(Head { log: self.log_id, origin: self.origin.clone(), chain: self.kept().chain.clone() })
    }

    fn lines(&self, from: u64) -> Result<Lines<'_>, StoreError> {
        let size = self.kept().chain.size;
        Ok(Box::new((from..size).filter_map(|sequence| self.kept().line(sequence)).map(Ok)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{self, Factory};

    struct Memories;

    impl Factory for Memories {
        type Store = MemoryStore;

        fn create(&self) -> Result<MemoryStore, StoreError> {
            Ok(MemoryStore::counted_as_durable("example.org/memory"))
        }
    }

    #[test]
    fn it_conforms_as_far_as_memory_can() {
        let report = conformance::check(&Memories);
        assert!(report.holds(), "{report}");
        // There is no other process, no crash that it survives, and no sync that fails.
        let untested = report.findings().iter().filter(|(_, found)| *found == conformance::Outcome::Untested);
        assert_eq!(untested.count(), 5, "{report}");
    }

    #[test]
    fn memory_is_not_durable_unless_it_is_said_to_count() {
        let store = MemoryStore::new("example.org/memory");
        let body = Body { json: br#"{"kind":"note"}"#.into(), note: Note::default() };
        for durability in [Durability::PerRecord, Durability::Group, Durability::OsBuffered] {
            let appended = store.append(std::slice::from_ref(&body), &Condition::Always, durability).unwrap();
            assert_eq!(appended.acknowledged, Acknowledged::Buffered);
        }
    }
}
