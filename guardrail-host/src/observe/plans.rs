//! Where plans are: their lives, folded from the records that go by.

use std::collections::{BTreeMap, VecDeque};

use guardrail_core::plan::{self, Event, Life, PlanId, State};
use guardrail_core::record::{Record, Timestamp};

/// So many plans that are not over are followed.
const MOST: usize = 4096;
/// So many that are over are kept, because they may still be undone.
const MOST_OVER: usize = 256;

/// The plans that are followed.
#[derive(Debug, Default)]
pub(super) struct Plans {
    known: BTreeMap<String, Known>,
    waiting: BTreeMap<String, Waiting>,
    over: VecDeque<String>,
    forgotten: u64,
}

#[derive(Debug)]
struct Known {
    life: Life,
    /// Its last record.
    at: u64,
}

/// That a plan is somewhere else now.
#[derive(Debug, PartialEq)]
pub(super) struct Moved {
    pub(super) to: State,
    /// How long it waited for approval, in seconds, where that is over.
    pub(super) waited: Option<f64>,
}

/// A plan that waits for approval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Waiting {
    pub(super) plan: PlanId,
    pub(super) revision: u32,
    pub(super) since: Timestamp,
}

impl Plans {
    /// Whether a plan whose last record is this one is not followed so far, and could be.
    pub(super) fn lags(&self, plan: &str, last: u64) -> bool {
        self.known.get(plan).map_or(self.has_room(), |known| known.at != last)
    }

    fn has_room(&self) -> bool {
        self.known.len() < MOST + MOST_OVER
    }

    /// Follows a plan no further, or from its start.
    pub(super) fn forget(&mut self, plan: &str) {
        self.known.remove(plan);
        self.waiting.remove(plan);
    }

    /// Takes the next record of a plan, and gives the event that it is, and where that brought the
    /// plan if it moved.
    pub(super) fn follow(
        &mut self,
        record: &Record,
        sequence: u64,
        at: Timestamp,
    ) -> Option<(Event, Option<Moved>)> {
        let plan = record.plan_id.as_deref()?;
        let event = plan::event(record).ok()??;
        let moved = self.apply(plan, &event, sequence, at);
        Some((event, moved))
    }

    fn apply(&mut self, plan: &str, event: &Event, sequence: u64, at: Timestamp) -> Option<Moved> {
        if !self.has_room() && !self.known.contains_key(plan) {
            // Counted once for each plan, by its first record.
            self.forgotten += u64::from(Life::default().apply(event).is_ok());
            return None;
        }
        let known = self
            .known
            .entry(plan.to_owned())
            .or_insert_with(|| Known { life: Life::default(), at: sequence });
        let before = known.life.state();
        // What begins in the middle, or does not fit what was seen, is not followed further.
        if known.life.apply(event).is_err() {
            self.forget(plan);
            return None;
        }
        known.at = sequence;
        let to = known.life.state();
        if to == before {
            return None;
        }
        let waited = self.waiting.remove(plan).map(|waiting| seconds(at - waiting.since));
        if let (State::AwaitingApproval, Some(content)) = (to, known.life.revision()) {
            let waiting = Waiting { plan: content.id, revision: content.number, since: at };
            self.waiting.insert(plan.to_owned(), waiting);
        }
        if to.is_final() {
            self.over.push_back(plan.to_owned());
            while self.over.len() > MOST_OVER {
                let oldest = self.over.pop_front();
                let is_over =
                    |plan: &String| self.known.get(plan).is_some_and(|it| it.life.state().is_final());
                if let Some(oldest) = oldest.filter(is_over) {
                    self.forget(&oldest);
                }
            }
        }
        Some(Moved { to, waited })
    }

    /// The plans that wait for approval.
    pub(super) fn waiting(&self) -> impl ExactSizeIterator<Item = Waiting> {
        self.waiting.values().copied()
    }

    /// How many plans were not followed for want of room since this was last asked.
    pub(super) fn take_forgotten(&mut self) -> u64 {
        std::mem::take(&mut self.forgotten)
    }
}

/// A time in seconds; one that ran backwards is none.
pub(super) fn seconds(delta: chrono::TimeDelta) -> f64 {
    delta.as_seconds_f64().max(0.0)
}

#[cfg(test)]
mod tests {
    use guardrail_core::Risk;
    use guardrail_core::plan::{Digest, Need, Principal, RevisionContent, Shape, What};
    use guardrail_core::record::{Kind, Status};

    use super::*;

    fn drafted(number: u32) -> Record {
        let day = Timestamp::UNIX_EPOCH.date_naive();
        let id = PlanId::new(day, number, uuid(number));
        let digest = Digest::from_bytes([7; 32]);
        let content = RevisionContent {
            id,
            number: 1,
            digest,
            document: digest,
            risk: Risk::Low,
            need: Need::default(),
            requester: Principal::agent("a"),
            owner: None,
            valid_seconds: 60,
            shape: Shape::default(),
        };
        let event = Event { at: Timestamp::UNIX_EPOCH, what: What::Drafted { content } };
        let mut record = Record::new(Kind::Plan);
        record.plan_id = Some(id.to_string());
        record.status = Some(Status::Drafted);
        record.details = Some(serde_json::to_value(event).unwrap());
        record
    }

    fn uuid(number: u32) -> uuid::Uuid {
        uuid::Uuid::from_u128(number.into())
    }

    #[test]
    fn plans_without_end_take_no_room_without_end() {
        let mut plans = Plans::default();
        for number in 1..=5000 {
            plans.follow(&drafted(number), u64::from(number), Timestamp::UNIX_EPOCH);
        }
        assert_eq!(plans.known.len(), MOST + MOST_OVER);
        assert_eq!(plans.take_forgotten(), (5000 - MOST - MOST_OVER) as u64);
        // Those for which there is no room are not read from the log again and again.
        assert!(!plans.lags("plan-19700101-5000", 7));
        assert!(plans.lags("plan-19700101-001", 7) && !plans.lags("plan-19700101-001", 1));
    }
}
