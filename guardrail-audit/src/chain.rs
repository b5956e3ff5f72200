//! The state of a log behind its last line: pure, and the same for every store.
//!
//! A store holds a [`Chain`], asks it for the next line under its own lock, and tells it of lines
//! that others appended. Everything here can be had again by reading the log.

use std::collections::BTreeMap;

use guardrail_core::record::{Condition, Kind, Record, RecordError, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::hash::Hash;
use crate::line;

/// The head of a log, and what is open in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// The number of lines so far, which is the number of the next.
    pub size: u64,
    /// The hash of the last line, or of the origin.
    pub head: Hash,
    /// The time of the last line. Time never runs back in a log.
    pub timestamp: Timestamp,
    /// The plans that are open, with the numbers of their records in order.
    pub plans: BTreeMap<String, Vec<u64>>,
    /// Intents that no outcome followed, with their record and plan.
    pub intents: BTreeMap<Uuid, Intent>,
}

/// An intent that no outcome followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its record.
    pub sequence: u64,
    /// The plan it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<String>,
}

/// What a chain keeps of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// The plan, and whether this record leaves it open.
    pub plan: Option<(String, bool)>,
    /// An intent that begins here.
    pub begins: Option<Uuid>,
    /// The intent whose outcome this is.
    pub ends: Option<Uuid>,
}

impl Note {
    /// What is to be kept of a record.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let closes = record.kind == Kind::Plan
            && record.status.as_ref().is_some_and(guardrail_core::record::Status::closes_plan);
        Self {
            plan: record.plan_id.clone().map(|plan| (plan, !closes)),
            begins: record.id.filter(|_| record.kind == Kind::Intent),
            ends: record.id.filter(|_| record.kind == Kind::Outcome),
        }
    }
}

impl Chain {
    /// The chain of a log that has no line yet.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self {
            size: 0,
            head: Hash::of_origin(origin),
            timestamp: Timestamp::UNIX_EPOCH,
            plans: BTreeMap::new(),
            intents: BTreeMap::new(),
        }
    }

    /// Appends the next line, with its newline, to `out`, and moves on.
    pub fn push(&mut self, out: &mut Vec<u8>, body: &[u8], note: &Note, now: Timestamp) {
        let start = out.len();
        let timestamp = line::clamp(now).max(self.timestamp);
        line::write(out, &self.head, self.size, timestamp, body);
        let written = out.get(start..out.len().saturating_sub(1)).unwrap_or_default();
        self.follow(Hash::of_line(written), timestamp, note);
    }

    /// Moves on over a line that was read and found to be the next.
    pub fn follow(&mut self, hash: Hash, timestamp: Timestamp, note: &Note) {
        let sequence = self.size;
        self.size += 1;
        self.head = hash;
        self.timestamp = timestamp;
        if let Some((plan, open)) = &note.plan {
            if !open {
                self.plans.remove(plan);
            } else if let Some(records) = self.plans.get_mut(plan) {
                records.push(sequence);
            } else {
                self.plans.insert(plan.clone(), vec![sequence]);
            }
        }
        if let Some(id) = note.begins {
            let plan_id = note.plan.as_ref().map(|(plan, _)| plan.clone());
            self.intents.insert(id, Intent { sequence, plan_id });
        }
        if let Some(id) = note.ends {
            self.intents.remove(&id);
        }
    }

    /// The last record of a plan that is open.
    #[must_use]
    pub fn last_of(&self, plan_id: &str) -> Option<u64> {
        self.plans.get(plan_id)?.last().copied()
    }

    /// Whether a condition holds here. A plan that was closed counts as one without records.
    ///
    /// # Errors
    ///
    /// [`RecordError::Conflict`] where it does not.
    pub fn check(&self, condition: &Condition) -> Result<(), RecordError> {
        let Condition::PlanAt { plan_id, sequence } = condition else { return Ok(()) };
        let found = self.last_of(plan_id);
        if found == *sequence {
            return Ok(());
        }
        Err(RecordError::Conflict { plan_id: plan_id.clone(), expected: *sequence, found })
    }
}
