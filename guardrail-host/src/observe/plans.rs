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
    over: VecDeque<String>,
    forgotten: u64,
}

#[derive(Debug)]
struct Known {
    life: Life,
    /// Its last record.
    at: u64,
    /// Since when it waits for approval.
    asked: Option<Timestamp>,
}

/// That a plan is somewhere else now.
#[derive(Debug, PartialEq)]
pub(super) struct Moved {
    pub(super) to: State,
    /// How long it waited for approval, in seconds, where that is over.
    pub(super) waited: Option<f64>,
}

/// A plan that waits for approval.
#[derive(Debug, PartialEq)]
pub(super) struct Waiting {
    pub(super) plan: PlanId,
    pub(super) revision: u32,
    pub(super) since: Timestamp,
}

impl Plans {
    /// The last record of a plan that is followed.
    pub(super) fn at(&self, plan: &str) -> Option<u64> {
        Some(self.known.get(plan)?.at)
    }

    /// Reads a plan anew.
    pub(super) fn forget(&mut self, plan: &str) {
        self.known.remove(plan);
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
        if !self.known.contains_key(plan) {
            if self.known.len() >= MOST + MOST_OVER {
                self.forgotten += 1;
                return None;
            }
            self.known.insert(plan.to_owned(), Known { life: Life::default(), at: sequence, asked: None });
        }
        let known = self.known.get_mut(plan)?;
        let before = known.life.state();
        // What begins in the middle, or does not fit what was seen, is not followed further.
        if known.life.apply(event).is_err() {
            self.known.remove(plan);
            return None;
        }
        known.at = sequence;
        let to = known.life.state();
        if to == before {
            return None;
        }
        let asked = if to == State::AwaitingApproval { known.asked.replace(at) } else { known.asked.take() };
        let waited = asked.filter(|_| before == State::AwaitingApproval).map(|asked| seconds(at - asked));
        if to.is_final() {
            self.over.push_back(plan.to_owned());
            while self.over.len() > MOST_OVER {
                let oldest = self.over.pop_front();
                let is_over =
                    |plan: &String| self.known.get(plan).is_some_and(|it| it.life.state().is_final());
                if let Some(oldest) = oldest.filter(is_over) {
                    self.known.remove(&oldest);
                }
            }
        }
        Some(Moved { to, waited })
    }

    /// The plans that wait for approval.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Waiting> {
        self.known.values().filter_map(|known| {
            let content = known.life.revision()?;
            Some(Waiting { plan: content.id, revision: content.number, since: known.asked? })
        })
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
