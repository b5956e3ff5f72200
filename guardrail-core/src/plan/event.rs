//! What happens to a plan: the events that its state is made of.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::approver::{Principal, Say, Vote};
use super::demands::Need;
use super::document::Plan;
use super::executor::Ended;
use super::permit::Authority;
use super::state::State;
use super::{Digest, Part, PlanId, Slot};
use crate::Risk;
use crate::record::Timestamp;

/// One thing that happened to a plan. Its state is these, folded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When, by the clock of whoever decided it. Deadlines are measured by it.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// It is being prepared.
    Drafted {
        /// The revision that is being prepared.
        content: RevisionContent,
    },
    /// A revision was put forward. All that was said to an earlier one no longer counts.
    Proposed {
        /// What was put forward.
        content: RevisionContent,
    },
    /// The policy lets it run without asking anybody.
    AllowedByPolicy,
    /// A question was put to approvers.
    Asked {
        /// The question's id.
        question: Uuid,
        /// The digest of the text that was shown.
        shown: Digest,
        /// Whether that text is the whole plan.
        complete: bool,
        /// By which approver.
        via: String,
        /// When it is too late to answer.
        answer_by: Timestamp,
    },
    /// A reviewer said something that is neither yes nor no.
    Remarked {
        /// Who.
        by: Principal,
        /// What.
        say: Say,
    },
    /// A reviewer said yes or no.
    Voted(Vote),
    /// Not enough answered in time.
    TimedOut,
    /// Nobody could be asked.
    NoChannel {
        /// Why.
        reason: String,
    },
    /// A yes was taken back.
    Revoked {
        /// By whom.
        by: Principal,
        /// Why.
        reason: String,
    },
    /// What would run is no longer what was approved.
    Stale {
        /// What differs, in a sentence each.
        reasons: Vec<String>,
    },
    /// Another plan took its place.
    Superseded {
        /// That plan.
        by: PlanId,
    },
    /// The approval was not used in time.
    Expired,
    /// It is to stop for now.
    Paused {
        /// By whom.
        by: Principal,
        /// Why.
        reason: String,
    },
    /// It may go on.
    Resumed {
        /// By whom.
        by: Principal,
    },
    /// It is to stop for good: what runs is finished, the rest is not begun.
    StopRequested {
        /// By whom.
        by: Principal,
        /// Why.
        reason: String,
    },
    /// A command is about to start.
    Intent {
        /// The id of its permit.
        id: Uuid,
        /// Which command.
        slot: Slot,
        /// On what the permit rests.
        authority: Authority,
        /// Whether somebody only wants to know; it does not bring the plan forward.
        aside: bool,
    },
    /// A command has ended.
    Outcome {
        /// The id of its permit.
        id: Uuid,
        /// Which command.
        slot: Slot,
        /// What that means to the plan.
        verdict: OutcomeVerdict,
        /// How it ended.
        ended: Ended,
        /// What is wrong, in a sentence each.
        failures: Vec<String>,
        /// How long it took, in seconds.
        duration_seconds: f64,
    },
    /// A command was about to start, and what became of it cannot be known.
    Doubted {
        /// The id of its permit.
        id: Uuid,
    },
    /// A person says what became of a command that is in doubt.
    Settled {
        /// The id of its permit.
        id: Uuid,
        /// Who.
        by: Principal,
        /// What they say.
        how: Settlement,
    },
    /// The time of watching is over.
    MonitorEnded,
    /// What was done is to be undone.
    RollbackStarted {
        /// By whom.
        by: Principal,
    },
    /// A person closed it by hand.
    Closed {
        /// Who.
        by: Principal,
        /// Why, and what state they left it in.
        reason: String,
    },
    /// The state that the record before led to, for readers of the log.
    Reached {
        /// That state.
        state: State,
    },
}

/// What a plan's life has to know of a revision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevisionContent {
    /// How the plan is called.
    pub id: PlanId,
    /// The number of the revision, from 1.
    pub number: u32,
    /// Its digest: what a yes is to.
    pub digest: Digest,
    /// The SHA-256 digest of its document, by which it is found in the store.
    pub document: Digest,
    /// The worst risk of its commands.
    pub risk: Risk,
    /// Who must say yes.
    pub need: Need,
    /// Who proposes it.
    pub requester: Principal,
    /// Whose session it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Principal>,
    /// How long a complete approval may wait to be used, in seconds.
    pub valid_seconds: u64,
    /// Which commands it has.
    pub shape: Shape,
}

/// How many commands a plan has in which part.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Checks before.
    pub preflight: u32,
    /// Its steps.
    pub steps: Vec<StepShape>,
    /// Checks behind.
    pub post: u32,
    /// Checks while it is watched, and for how many seconds that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<(u32, u64)>,
    /// Commands of its way back, and checks of that.
    pub rollback: (u32, u32),
}

/// How many commands a step has in which part, beside what it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepShape {
    /// Checks before.
    pub preflight: u32,
    /// Looks at the state before.
    pub captures: u32,
    /// Rehearsals: none or one.
    pub dry_run: u32,
    /// Checks behind.
    pub post: u32,
    /// Commands of its way back, and checks of that.
    pub rollback: (u32, u32),
    /// Whether these are for a step that did what it should, and for no other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_if_done: bool,
}

/// What the end of a command means to its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeVerdict {
    /// It did what it should.
    Passed,
    /// It did not.
    Failed,
    /// It certainly did nothing, and not because something differed.
    NotStarted,
    /// It certainly did nothing, or only looked, because something differs from what was approved.
    Drifted,
    /// It was stopped on the way.
    Stopped,
    /// What it did cannot be known.
    Lost,
}

/// What a person says of a command that is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// It was done. The plan goes on behind it.
    Done,
    /// It was done badly or in part. The plan has failed there.
    Failed,
    /// It was not done, or may be done again: run it. Only a person says so.
    RunAgain,
}

impl Shape {
    /// The shape of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let way = |rollback: &Option<super::Rollback>| {
            rollback.as_ref().map_or((0, 0), |way| (count(way.commands.len()), count(way.verification.len())))
        };
        Self {
            preflight: count(plan.preflight.len()),
            steps: plan
                .steps
                .iter()
                .map(|step| StepShape {
                    preflight: count(step.preflight.len()),
                    captures: count(step.captures.len()),
                    dry_run: u32::from(step.dry_run.is_some()),
                    post: count(step.post.len()),
                    rollback: way(&step.rollback),
                    only_if_done: step.rollback.as_ref().is_some_and(|way| way.only_if_done),
                })
                .collect(),
            post: count(plan.post.len()),
            monitor: plan
                .monitor
                .as_ref()
                .map(|monitor| (count(monitor.checks.len()), monitor.window_seconds)),
            rollback: way(&plan.rollback),
        }
    }

    /// What runs, in its order, up to the last check behind.
    #[must_use]
    pub fn forward(&self) -> Vec<Slot> {
        let mut slots = Vec::new();
        let mut part = |step, part, count| {
            slots.extend((1..=count).map(|index| Slot { step, part, index }));
        };
        part(None, Part::Preflight, self.preflight);
        for (number, step) in (1..).zip(&self.steps) {
            let at = Some(number);
            part(at, Part::Preflight, step.preflight);
            part(at, Part::Capture, step.captures);
            part(at, Part::DryRun, step.dry_run);
            part(at, Part::Action, 1);
            part(at, Part::Post, step.post);
        }
        part(None, Part::Post, self.post);
        slots
    }

    /// What runs to undo some steps, in its order: the last step first, the plan's own way back
    /// last.
    #[must_use]
    pub fn backward(
        &self,
        touched: impl IntoIterator<Item = u32, IntoIter: DoubleEndedIterator>,
    ) -> Vec<Slot> {
        let mut slots = Vec::new();
        let mut way = |step, (commands, checks): (u32, u32)| {
            slots.extend((1..=commands).map(|index| Slot { step, part: Part::Rollback, index }));
            slots.extend((1..=checks).map(|index| Slot { step, part: Part::RollbackCheck, index }));
        };
        for number in touched.into_iter().rev() {
            if let Some(step) = number.checked_sub(1).and_then(|place| self.steps.get(place as usize)) {
                way(Some(number), step.rollback);
            }
        }
        way(None, self.rollback);
        slots
    }
}
