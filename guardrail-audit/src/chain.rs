//! The state of a log behind its last line: pure, and the same for every store.
//!
//! A store holds a [`Chain`], asks it for the next line under its own lock, and tells it of lines
//! that others appended. Everything here can be had again by reading the log.

use std::collections::{BTreeMap, BTreeSet};

use guardrail_core::record::{Condition, Kind, Record, RecordError, Status, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use crate::closed::ClosedPlans;
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
    /// The plans that are open, with the numbers of their records in order; of one that was closed
    /// in between, those since it was opened again.
    pub plans: BTreeMap<String, Vec<u64>>,
    /// The open plans that were closed in between.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reopened: BTreeSet<String>,
    /// The plans that are closed, or were. Those of which the last record was pruned are forgotten.
    pub closed: ClosedPlans,
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
    /// The plan, and what this record is to it.
    pub plan: Option<(String, Turn)>,
    /// An intent that begins here.
    pub begins: Option<Uuid>,
    /// The intent whose outcome this is.
    pub ends: Option<Uuid>,
    /// Lines before this one are gone: the record is of kind `pruned`.
    pub pruned: Option<u64>,
}

/// What a record is to its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The plan is open, if it was not closed before.
    Goes,
    /// The plan is closed: a [`Kind::Plan`] record whose status
    /// [closes it](guardrail_core::record::Status::closes_plan).
    Closes,
    /// The plan is open, also if it was closed before: what it did is being undone.
    Reopens,
}

impl Turn {
    /// What a record of a kind and status is to its plan.
    #[must_use]
    pub fn of(kind: &Kind, status: Option<&Status>) -> Self {
        match (kind, status) {
            (Kind::Plan, Some(status)) if status.closes_plan() => Self::Closes,
            (Kind::Rollback, Some(Status::Started)) => Self::Reopens,
            _ => Self::Goes,
        }
    }
}

impl Note {
    /// What is to be kept of a record.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let turn = Turn::of(&record.kind, record.status.as_ref());
        let pruned = || record.details.as_ref()?.get("sequence")?.as_u64();
        Self {
            plan: record.plan_id.clone().map(|plan| (plan, turn)),
            begins: record.id.filter(|_| record.kind == Kind::Intent),
            ends: record.id.filter(|_| record.kind == Kind::Outcome),
            pruned: if record.kind == Kind::Pruned { pruned() } else { None },
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
            reopened: BTreeSet::new(),
            closed: ClosedPlans::default(),
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
        if let Some((plan, turn)) = &note.plan {
            self.turn(plan, *turn, sequence);
        }
        if let Some(first) = note.pruned {
            self.closed.forget_before(first);
        }
        if let Some(id) = note.begins {
            let plan_id = note.plan.as_ref().map(|(plan, _)| plan.clone());
            self.intents.insert(id, Intent { sequence, plan_id });
        }
        if let Some(id) = note.ends {
            self.intents.remove(&id);
        }
    }

    fn turn(&mut self, plan: &str, turn: Turn, sequence: u64) {
        if turn == Turn::Closes {
            self.plans.remove(plan);
            self.reopened.remove(plan);
            self.closed.insert(plan, sequence);
        } else if let Some(records) = self.plans.get_mut(plan) {
            records.push(sequence);
        } else {
            let closed = self.closed.last_of(plan).is_some();
            if closed && turn == Turn::Goes {
                // It comes late: the plan stays closed, and this is its last record.
                self.closed.insert(plan, sequence);
                return;
            }
            self.plans.insert(plan.to_owned(), vec![sequence]);
            if closed {
                self.reopened.insert(plan.to_owned());
            }
        }
    }

    /// The last record of a plan, open or closed; `None` where it has none.
    #[must_use]
    pub fn last_of(&self, plan_id: &str) -> Option<u64> {
        match self.plans.get(plan_id) {
            Some(records) => records.last().copied(),
            None => self.closed.last_of(plan_id),
        }
    }

    /// The numbers of all records of a plan that is open; none where it is not, or was closed in between:
    /// then only the log knows them all.
    #[must_use]
    pub fn records_of(&self, plan_id: &str) -> &[u64] {
        match self.plans.get(plan_id) {
            Some(records) if !self.reopened.contains(plan_id) => records,
            _ => &[],
        }
    }

    /// The first line that an open plan or an intent without an outcome needs; `None` where none does.
    #[must_use]
    pub fn first_needed(&self) -> Option<u64> {
        // Where the first record is of a plan that was closed in between is not known here.
        let plans = self.plans.iter().map(|(plan, records)| match records.first() {
            Some(first) if !self.reopened.contains(plan) => *first,
            _ => 0,
        });
        plans.chain(self.intents.values().map(|intent| intent.sequence)).min()
    }

    /// Whether a condition holds here. A plan that was closed is at its last record, as one that is open.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(chain: &mut Chain, kind: Kind, status: Status) -> u64 {
        let mut record = Record::new(kind);
        record.plan_id = Some("p".to_owned());
        record.status = Some(status);
        chain.follow(Hash([0; 32]), Timestamp::UNIX_EPOCH, &Note::of(&record));
        chain.size - 1
    }

    fn at(sequence: Option<u64>) -> Condition {
        Condition::PlanAt { plan_id: "p".to_owned(), sequence }
    }

    #[test]
    fn a_closed_plan_is_opened_by_a_rollback_alone() {
        let mut chain = Chain::new("example.org/log");
        assert!(chain.check(&at(None)).is_ok());
        let first = follow(&mut chain, Kind::Plan, Status::Proposed);
        assert_eq!((chain.records_of("p"), chain.first_needed()), (&[first][..], Some(first)));
        let closed = follow(&mut chain, Kind::Plan, Status::Succeeded);
        assert_eq!((chain.last_of("p"), chain.first_needed()), (Some(closed), None));
        for (kind, status) in [
            (Kind::Outcome, Status::Failed),
            (Kind::Plan, Status::Paused),
            (Kind::Plan, Status::Proposed),
            (Kind::Rollback, Status::Proposed),
        ] {
            let late = follow(&mut chain, kind, status);
            assert!(chain.plans.is_empty());
            assert!(chain.check(&at(None)).is_err() && chain.check(&at(Some(closed))).is_err());
            assert!(chain.check(&at(Some(late))).is_ok());
        }
        let undoing = follow(&mut chain, Kind::Rollback, Status::Started);
        assert_eq!(chain.plans["p"], [undoing]);
        // Its first records are elsewhere in the log: nothing of it may be removed.
        assert_eq!((chain.records_of("p"), chain.first_needed()), (&[][..], Some(0)));
        let read: Chain = serde_json::from_str(&serde_json::to_string(&chain).unwrap()).unwrap();
        assert_eq!(read, chain);
        let undone = follow(&mut chain, Kind::Plan, Status::RolledBack);
        assert!(chain.plans.is_empty() && chain.reopened.is_empty());
        assert!(chain.check(&at(Some(undone))).is_ok());

        let mut pruned = Record::new(Kind::Pruned);
        pruned.details = Some(serde_json::json!({ "sequence": undone }));
        chain.follow(Hash([0; 32]), Timestamp::UNIX_EPOCH, &Note::of(&pruned));
        assert_eq!(chain.last_of("p"), Some(undone));
        pruned.details = Some(serde_json::json!({ "sequence": undone + 1 }));
        chain.follow(Hash([0; 32]), Timestamp::UNIX_EPOCH, &Note::of(&pruned));
        assert!(chain.check(&at(None)).is_ok());
    }
}
