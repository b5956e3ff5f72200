//! The life of a plan: its events, folded. Nothing here looks at a clock or at the world, and
//! every event that could not have happened is refused, so that a log that was tampered with
//! brings nothing to run.

mod approval;
mod course;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use uuid::Uuid;

use super::approver::{Principal, PrincipalKind};
use super::event::{Event, RevisionContent, What};
use super::permit::Authority;
use super::state::State;
use super::{Digest, Part, Slot};
use crate::Risk;
use crate::record::Timestamp;

/// A plan's state with all that further events are judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life {
    stage: Stage,
    content: Option<RevisionContent>,
    asked: Vec<Question>,
    answer_by: Option<Timestamp>,
    yes: Vec<Principal>,
    /// The roles asked for that those have.
    roles: BTreeSet<String>,
    /// When the approval was complete, or the last command ended.
    moved_at: Option<Timestamp>,
    forward: Vec<Slot>,
    cursor: usize,
    begun: bool,
    backward: Vec<Slot>,
    back: usize,
    touched: BTreeSet<u32>,
    in_flight: Option<InFlight>,
    /// The command of which nobody knows what became.
    doubt: Option<InFlight>,
    /// A look that was under way when something else happened: its outcome says nothing.
    dropped: Option<Uuid>,
    paused: bool,
    ending: Option<Ending>,
    watch_until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    New,
    Draft,
    Proposed,
    Awaiting,
    Going,
    Monitoring,
    Back,
    Doubt {
        back: bool,
    },
    At(State),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    id: Uuid,
    shown: Digest,
    complete: bool,
}

/// A command whose intent is recorded and whose outcome is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InFlight {
    /// The id of its permit.
    pub id: Uuid,
    /// Which command.
    pub slot: Slot,
    /// On what the permit rests.
    pub authority: Authority,
    /// Whether it does not bring the plan forward.
    pub aside: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    Cancel,
    Revoke,
}

/// An event that cannot happen now; what is in the way, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Illegal(pub(super) String);

fn illegal<T>(reason: impl Into<String>) -> Result<T, Illegal> {
    Err(Illegal(reason.into()))
}

impl Life {
    /// The life that these events make.
    ///
    /// # Errors
    ///
    /// [`Illegal`] at the first event that could not have happened.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Result<Self, Illegal> {
        let mut life = Self::default();
        for event in events {
            life.apply(event)?;
        }
        Ok(life)
    }

    /// Where the plan is.
    #[must_use]
    pub fn state(&self) -> State {
        match self.stage {
            Stage::New => State::Unrecorded,
            Stage::Draft => State::Draft,
            Stage::Proposed => State::Proposed,
            Stage::Awaiting => State::AwaitingApproval,
            Stage::Monitoring => State::Monitoring,
            Stage::Back => State::RollingBack,
            Stage::Doubt { .. } => State::InDoubt,
            Stage::At(state) => state,
            Stage::Going if self.paused && self.busy().is_none() => State::Paused,
            Stage::Going if !self.begun => State::Approved,
            Stage::Going => match self.forward.get(self.cursor) {
                Some(Slot { step: None, part: Part::Preflight, .. }) => State::Preflight,
                Some(Slot { step, part: Part::Post, .. }) => State::Verifying { step: *step },
                Some(Slot { step: Some(step), .. }) => State::Running { step: *step },
                _ => State::Verifying { step: None },
            },
        }
    }

    /// What is known of the latest revision.
    #[must_use]
    pub const fn revision(&self) -> Option<&RevisionContent> {
        self.content.as_ref()
    }

    /// Who has said yes to the latest revision.
    #[must_use]
    pub fn approved_by(&self) -> &[Principal] {
        &self.yes
    }

    /// When it is too late to answer, where somebody was asked.
    #[must_use]
    pub const fn answer_by(&self) -> Option<Timestamp> {
        self.answer_by
    }

    /// Until when the next command has to start, where the plan may run.
    #[must_use]
    pub fn valid_until(&self) -> Option<Timestamp> {
        let seconds = i64::try_from(self.content.as_ref()?.valid_seconds).ok()?;
        self.moved_at?.checked_add_signed(TimeDelta::try_seconds(seconds)?)
    }

    /// Until when a plan that is done is watched.
    #[must_use]
    pub const fn watch_until(&self) -> Option<Timestamp> {
        self.watch_until
    }

    /// The steps that may have done something, in order.
    pub fn touched(&self) -> impl DoubleEndedIterator<Item = u32> {
        self.touched.iter().copied()
    }

    /// Those of them that a way back would undo, in order.
    pub fn undoable(&self) -> impl DoubleEndedIterator<Item = u32> {
        let did = self.forward.get(..self.cursor).unwrap_or_default();
        let did = |step| did.iter().any(|slot| slot.part == Part::Action && slot.step == Some(step));
        self.touched().filter(move |&step| did(step) || !self.is_only_if_done(step))
    }

    fn is_only_if_done(&self, step: u32) -> bool {
        let steps = self.content.as_ref().map_or(&[][..], |content| &content.shape.steps);
        let place = step.checked_sub(1).and_then(|place| steps.get(place as usize));
        place.is_some_and(|step| step.only_if_done)
    }

    /// The command whose intent is recorded and whose outcome is not.
    #[must_use]
    pub const fn in_flight(&self) -> Option<InFlight> {
        self.in_flight
    }

    /// The command of which nobody knows what became, where the plan is in doubt.
    #[must_use]
    pub const fn in_doubt(&self) -> Option<InFlight> {
        self.doubt
    }

    /// Whether it is to stop once the command that runs has ended.
    #[must_use]
    pub const fn is_stopping(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether what was done can be undone by request.
    #[must_use]
    pub fn can_roll_back(&self) -> bool {
        let resting = match self.stage {
            Stage::Monitoring => true,
            Stage::At(state) => matches!(
                state,
                State::Failed
                    | State::Cancelled
                    | State::Revoked
                    | State::Stale
                    | State::Succeeded
                    | State::RollbackFailed
            ),
            _ => false,
        };
        resting && !self.touched.is_empty() && !self.way_back().is_empty()
    }

    /// The command that is to run next; `None` where none may.
    #[must_use]
    pub fn due(&self) -> Option<Slot> {
        match self.stage {
            Stage::Going if !self.paused && self.ending.is_none() => self.forward.get(self.cursor).copied(),
            Stage::Back => self.backward.get(self.back).copied(),
            _ => None,
        }
    }

    fn way_back(&self) -> Vec<Slot> {
        let shape = self.content.as_ref().map(|content| &content.shape);
        shape.map_or_else(Vec::new, |shape| shape.backward(self.undoable()))
    }

    /// A command that does something and may be under way.
    fn busy(&self) -> Option<InFlight> {
        self.in_flight.filter(|flight| flight.authority == Authority::Approval)
    }

    /// Adds an event.
    ///
    /// # Errors
    ///
    /// [`Illegal`] where it cannot happen now; the life may then be in no good state, and is not
    /// to be used any more.
    pub fn apply(&mut self, event: &Event) -> Result<(), Illegal> {
        let at = event.at;
        match &event.what {
            What::Drafted { content } => self.drafted(content),
            What::Proposed { content } => self.proposed(content),
            What::AllowedByPolicy => self.allowed(at),
            What::Asked { question, shown, complete, via, answer_by } => {
                let question = Question { id: *question, shown: *shown, complete: *complete };
                self.ask(question, via, *answer_by)
            }
            What::Remarked { .. } => self.stay(),
            What::Voted(vote) => self.voted(vote, at),
            What::TimedOut => match (self.stage, self.answer_by) {
                (Stage::Awaiting, Some(until)) if at >= until => self.rest(State::TimedOut),
                (Stage::Awaiting, _) => illegal("there is still time to answer"),
                _ => illegal("nobody is being waited for"),
            },
            What::NoChannel { .. } => match self.stage {
                Stage::Proposed | Stage::Awaiting => self.rest(State::NoChannel),
                _ => illegal("nobody is being asked"),
            },
            What::Revoked { by, .. } => self.revoked(by),
            What::Stale { .. } => self.stale(),
            What::Superseded { .. } => {
                if self.is_untouched() {
                    self.rest(State::Superseded)
                } else {
                    illegal("something of it was done, or it is over")
                }
            }
            What::Expired => self.expired(at),
            What::Paused { .. } => match self.stage {
                Stage::Going if !self.paused => {
                    self.paused = true;
                    self.stay()
                }
                _ => illegal("it is not going on"),
            },
            What::Resumed { by } => match self.stage {
                Stage::Going if self.paused && by.kind != PrincipalKind::Agent => {
                    self.paused = false;
                    self.stay()
                }
                _ => illegal("it is not paused, or an agent would go on"),
            },
            What::StopRequested { .. } => self.stop(),
            What::Intent { id, slot, authority, aside } => {
                self.intent(InFlight { id: *id, slot: *slot, authority: *authority, aside: *aside }, at)
            }
            What::Outcome { id, slot, verdict, .. } => self.outcome(*id, *slot, *verdict, at),
            What::Doubted { id } => self.doubted(*id),
            What::Settled { id, by, how } => self.settled(*id, by, *how, at),
            What::MonitorEnded => match (self.stage, self.watch_until) {
                (Stage::Monitoring, Some(until)) if at >= until => self.rest(State::Succeeded),
                (Stage::Monitoring, _) => illegal("the time of watching is not over"),
                _ => illegal("it is not being watched"),
            },
            What::RollbackStarted { by } => self.rollback(by),
            What::Closed { by, .. } => self.close(by),
            What::Reached { state } if *state == self.state() => self.stay(),
            What::Reached { state } => illegal(format!("it is {}, and not {state}", self.state())),
        }
    }

    fn stay(&self) -> Result<(), Illegal> {
        if self.stage == Stage::New { illegal("there is no plan yet") } else { Ok(()) }
    }

    fn rest(&mut self, state: State) -> Result<(), Illegal> {
        self.drop_look();
        self.stage = Stage::At(state);
        self.doubt = None;
        self.ending = None;
        self.paused = false;
        Ok(())
    }

    fn drop_look(&mut self) {
        if let Some(flight) = self.in_flight.take() {
            self.dropped = Some(flight.id);
        }
    }

    /// Whether it is not over, and no step of it may have done anything.
    fn is_untouched(&self) -> bool {
        let open = match self.stage {
            Stage::Draft | Stage::Proposed | Stage::Awaiting | Stage::Going => true,
            Stage::At(state) => state == State::Stale,
            _ => false,
        };
        open && self.touched.is_empty() && self.busy().is_none()
    }

    fn revoked(&mut self, by: &Principal) -> Result<(), Illegal> {
        if by.kind != PrincipalKind::Person && !self.yes.contains(by) {
            return illegal("only people, and those who said yes, can take a yes back");
        }
        match self.stage {
            Stage::Going if self.busy().is_some() => self.ending = Some(Ending::Revoke),
            Stage::Going => self.rest(State::Revoked)?,
            _ => return illegal(format!("there is nothing to take back: it is {}", self.state())),
        }
        Ok(())
    }

    fn stale(&mut self) -> Result<(), Illegal> {
        if self.busy().is_some() {
            return illegal("a command may be under way");
        }
        match self.stage {
            Stage::Proposed | Stage::Awaiting | Stage::Going => self.rest(State::Stale),
            Stage::Back => self.rest(State::RollbackFailed),
            _ => illegal(format!("it is {}", self.state())),
        }
    }

    fn expired(&mut self, at: Timestamp) -> Result<(), Illegal> {
        if self.stage != Stage::Going || self.busy().is_some() {
            return illegal("it is not waiting to go on");
        }
        if self.valid_until().is_some_and(|until| at <= until) {
            return illegal("the approval is still valid");
        }
        // What was done in part waits for a person.
        self.rest(if self.touched.is_empty() { State::Expired } else { State::Stale })
    }

    fn stop(&mut self) -> Result<(), Illegal> {
        match self.stage {
            Stage::Going | Stage::Back if self.busy().is_some() => {
                self.ending.get_or_insert(Ending::Cancel);
                Ok(())
            }
            Stage::Back => self.rest(State::RollbackFailed),
            Stage::Draft | Stage::Proposed | Stage::Awaiting | Stage::Going | Stage::Monitoring => {
                self.rest(State::Cancelled)
            }
            Stage::At(State::Failed | State::Stale) => self.rest(State::Cancelled),
            // What nobody knows is settled first, and then it stops.
            Stage::Doubt { .. } => {
                self.ending.get_or_insert(Ending::Cancel);
                Ok(())
            }
            Stage::New | Stage::At(_) => illegal(format!("it is {}", self.state())),
        }
    }

    fn rollback(&mut self, by: &Principal) -> Result<(), Illegal> {
        if !self.can_roll_back() {
            return illegal(format!("there is nothing to undo, or no way back: it is {}", self.state()));
        }
        let critical = self.content.as_ref().is_some_and(|content| content.risk == Risk::Critical);
        if by.kind == PrincipalKind::Agent || (critical && by.kind != PrincipalKind::Person) {
            return illegal("no agent undoes a plan, and what is critical only a person does");
        }
        // A way back that failed goes on where it failed; a person has asked for it.
        if self.stage != Stage::At(State::RollbackFailed) {
            self.backward = self.way_back();
            self.back = 0;
        }
        self.drop_look();
        self.stage = Stage::Back;
        self.ending = None;
        self.watch_until = None;
        Ok(())
    }

    fn close(&mut self, by: &Principal) -> Result<(), Illegal> {
        if by.kind != PrincipalKind::Person {
            return illegal("only a person closes a plan by hand");
        }
        match self.stage {
            Stage::Doubt { .. } | Stage::At(State::Failed | State::Stale | State::RollbackFailed) => {
                self.rest(State::Closed)
            }
            _ => illegal(format!("it is {}", self.state())),
        }
    }
}
