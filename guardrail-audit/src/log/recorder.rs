//! A log as the recorder that the core asks for.

use async_trait::async_trait;
use guardrail_core::record::{Condition, Receipt, Record, RecordError, Recorded, Recorder};

use super::{Log, LogError};
use crate::line;
use crate::read::stats::redacted;
use crate::store::StoreError;

/// The history of a plan is read by the thread that polls: of an open plan its records alone, of a
/// closed one the whole log.
#[async_trait]
impl Recorder for Log {
    async fn record(&self, records: &[Record], condition: &Condition) -> Result<Receipt, RecordError> {
        let bodies = self.bodies(records).map_err(refused)?;
        let redacted = bodies.iter().map(|body| redacted(&body.json)).sum();
        let durable = self.append_bodies(bodies, condition).await.map_err(refused)?;
        let receipt = Receipt::of_durable(records, self.id, durable.last, durable.timestamp, durable.hash.0);
        Ok(receipt.with_redacted(redacted))
    }

    async fn history(&self, plan_id: &str) -> Result<Vec<Recorded>, RecordError> {
        self.history_of(plan_id).map_err(unreadable)
    }

    async fn open_plans(&self) -> Result<Vec<(String, u64)>, RecordError> {
        let plans = self.head().map_err(unreadable)?.chain.plans;
        let last = |(plan, records): (String, Vec<u64>)| Some((plan, *records.last()?));
        Ok(plans.into_iter().filter_map(last).collect())
    }
}

impl Log {
    /// Everything that was recorded of a plan, in order. That of an open plan is found without
    /// reading anything else; for a closed one the log is read from its start.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    pub fn history_of(&self, plan_id: &str) -> Result<Vec<Recorded>, LogError> {
        let open = self.store.open_plan(plan_id)?;
        if !open.is_empty() {
            let records = open.into_iter().filter_map(|sequence| {
                let line = self.store.line(sequence).transpose()?;
                Some(line.map_err(LogError::from).and_then(|line| recorded(&line, sequence)))
            });
            return records.collect();
        }
        // What is plain stands in the line as it is.
        let plain = plan_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
        let finder = memchr::memmem::Finder::new(plan_id);
        let mut found = Vec::new();
        for (line, sequence) in self.store.lines(self.first()?)?.zip(self.first()?..) {
            let line = line?;
            if plain && finder.find(&line).is_none() {
                continue;
            }
            let recorded = recorded(&line, sequence)?;
            if recorded.record.plan_id.as_deref() == Some(plan_id) {
                found.push(recorded);
            }
        }
        Ok(found)
    }

    /// The first line that is there.
    fn first(&self) -> Result<u64, LogError> {
        match self.store.lines(0) {
            Ok(_) => Ok(0),
            Err(StoreError::Pruned { first }) => Ok(first),
            Err(error) => Err(error.into()),
        }
    }
}

/// The record of a line.
pub(super) fn recorded(line: &[u8], sequence: u64) -> Result<Recorded, LogError> {
    let read = serde_json::from_slice::<Record>(line);
    let record = read.map_err(|error| LogError::NoRecord { sequence, error })?;
    let timestamp = line::read(line).map(|prefix| prefix.timestamp).unwrap_or_default();
    Ok(Recorded { sequence, timestamp, record })
}

fn unreadable(error: LogError) -> RecordError {
    RecordError::Unavailable { reason: error.to_string() }
}

fn refused(error: LogError) -> RecordError {
    let reason = error.to_string();
    match error {
        LogError::Store(StoreError::Conflict(conflict)) => conflict,
        LogError::Store(StoreError::TooLong { .. }) | LogError::Record(_) => RecordError::Invalid { reason },
        LogError::Store(StoreError::Indeterminate(_)) | LogError::NotDurable(_) => {
            RecordError::Indeterminate { reason }
        }
        _ => RecordError::NotRecorded { reason },
    }
}
