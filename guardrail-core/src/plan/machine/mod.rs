//! The machine that takes a plan through its life.
//!
//! It decides and does nothing: every decision is a [`Change`] with records that the caller has
//! to make durable first, on a condition that holds only if nobody else was faster. Only the
//! [`Receipt`] for them moves the machine, and only the receipt for an [`Intent`] gives a
//! [`Permit`].

mod decide;
mod next;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::approver::{Choice, Question, QuestionCommand, Vote};
use super::event::{Event, OutcomeVerdict, RevisionContent, Shape, What};
use super::executor::{Ended, Execution, Refusal};
use super::expect;
use super::history::{self, HistoryError};
use super::life::{Illegal, InFlight, Life};
use super::permit::{Authority, Parts, Permit};
use super::revision::{Look, Prepared, Revision, Versions};
use super::state::State;
use super::text::Shown;
use super::{Digest, Part, Slot};
use crate::Risk;
use crate::evaluation::Decision;
use crate::record::{Condition, Receipt, Record, Recorded, Timestamp};

pub use next::Next;

/// A plan with its life.
///
/// Several may stand for the same plan, in one process or in many: the condition of each change
/// lets only one of them go on, and the others have to read the log again.
#[derive(Debug)]
pub struct Machine {
    revision: Revision,
    life: Life,
    at: Option<u64>,
}

/// Something that was decided and is not recorded yet.
#[derive(Debug)]
#[must_use = "what is not recorded has not happened"]
pub struct Change {
    records: Vec<Record>,
    condition: Condition,
    base: Option<u64>,
    after: Life,
    revision: Option<Revision>,
}

/// The decision that a command is to start, not recorded yet.
#[derive(Debug)]
#[must_use = "what is not recorded has not happened"]
pub struct Intent {
    change: Change,
    flight: InFlight,
}

/// Why the machine refuses something.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It cannot happen now.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// What would run is no longer what was approved. The plan is to be made stale.
    #[error("what would run is not what was approved: {}", .0.join("; "))]
    Drift(Vec<String>),
    /// The approval was not used in time.
    #[error("the approval is no longer valid")]
    Expired,
    /// Only what looks and does nothing may run now.
    #[error("{0} does more than look, or the policy does not simply allow it")]
    NotALook(Slot),
    /// The plan has no such command.
    #[error("{0} is not in the plan")]
    NoSuchCommand(Slot),
    /// These captures have to be made first.
    #[error("{} of the state before has to be captured first", .0.len())]
    Uncaptured(Vec<Slot>),
    /// The revision is of another plan.
    #[error("that is another plan")]
    AnotherPlan,
    /// The plan went on in the meantime: read the log again.
    #[error("the plan went on in the meantime")]
    Moved,
    /// The receipt is for something else.
    #[error("the receipt is not for this")]
    AnotherReceipt,
}

impl Change {
    /// What has to be recorded, all of it at once.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// On which condition.
    #[must_use]
    pub const fn condition(&self) -> &Condition {
        &self.condition
    }
}

impl Intent {
    /// The id of the permit that it may become.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.flight.id
    }

    /// Which command is to start.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        self.flight.slot
    }

    /// What has to be recorded, all of it at once.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        self.change.records()
    }

    /// On which condition.
    #[must_use]
    pub const fn condition(&self) -> &Condition {
        self.change.condition()
    }
}

impl Machine {
    /// A plan of which nothing is recorded yet.
    #[must_use]
    pub fn new(revision: Revision) -> Self {
        Self { revision, life: Life::default(), at: None }
    }

    /// A plan as the log has it, with its latest revision, whose digest
    /// [`latest`](history::latest) gives.
    ///
    /// A command that was about to start and has no outcome is under way for all that the log
    /// knows: [`next`](Self::next) says so, and nothing else runs until [`doubt`](Self::doubt).
    ///
    /// # Errors
    ///
    /// [`HistoryError`] where the log holds what cannot have happened, or the revision is another.
    pub fn resume(revision: Revision, records: &[Recorded]) -> Result<Self, HistoryError> {
        let (events, at) = history::events(records, &revision.id().to_string())?;
        let life = Life::fold(&events)?;
        if life.revision().map(|content| content.digest) != Some(revision.digest()) {
            return Err(HistoryError::AnotherRevision);
        }
        Ok(Self { revision, life, at })
    }

    /// Its latest revision.
    #[must_use]
    pub const fn revision(&self) -> &Revision {
        &self.revision
    }

    /// Its life.
    #[must_use]
    pub const fn life(&self) -> &Life {
        &self.life
    }

    /// Where it is.
    #[must_use]
    pub fn state(&self) -> State {
        self.life.state()
    }

    /// The place of its last record in the log.
    #[must_use]
    pub const fn sequence(&self) -> Option<u64> {
        self.at
    }

    /// Records that the plan is being prepared, so that its captures can be made.
    ///
    /// # Errors
    ///
    /// [`Refused`] where it was put forward already.
    pub fn draft(&self, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::Drafted { content: content(&self.revision) }])
    }

    /// Puts the first revision forward. From a draft it is the draft's with its captures made;
    /// without a draft it is the machine's own.
    ///
    /// # Errors
    ///
    /// [`Refused`] where a capture is missing, or it was put forward already.
    pub fn propose(&self, revision: Revision, now: Timestamp) -> Result<Change, Refused> {
        self.put_forward(revision, now)
    }

    /// Puts another revision forward. Nobody has said yes to it.
    ///
    /// # Errors
    ///
    /// [`Refused`] where a capture is missing, something of the plan was done already, or the
    /// revision is not the next one of this plan.
    pub fn revise(&self, revision: Revision, now: Timestamp) -> Result<Change, Refused> {
        self.put_forward(revision, now)
    }

    fn put_forward(&self, revision: Revision, now: Timestamp) -> Result<Change, Refused> {
        if revision.id() != self.revision.id() || revision.origin() != self.revision.origin() {
            return Err(Refused::AnotherPlan);
        }
        let missing = revision.uncaptured();
        if !missing.is_empty() {
            return Err(Refused::Uncaptured(missing));
        }
        let mut change =
            self.change_of(&revision, now, vec![What::Proposed { content: content(&revision) }])?;
        change.revision = Some(revision);
        Ok(change)
    }

    /// A question for an approver, with the text that it is to show. It may be put to approvers
    /// once the change is recorded. Asking again gives nobody more time.
    ///
    /// # Errors
    ///
    /// [`Refused`] where it is not to be approved now.
    pub fn ask(&self, via: &str, text: &Shown, now: Timestamp) -> Result<(Question, Change), Refused> {
        let need = self.revision.need();
        let own = self.revision.plan().times.approval_seconds;
        let seconds = need.answer_seconds.unwrap_or(own).min(own);
        let window = i64::try_from(seconds).ok().and_then(chrono::TimeDelta::try_seconds);
        let latest = window.and_then(|window| now.checked_add_signed(window)).unwrap_or(now);
        let answer_by = self.life.answer_by().unwrap_or(latest);
        let id = self.id(b"question", via.as_bytes());
        let asked = What::Asked {
            question: id,
            shown: text.digest(),
            complete: text.is_complete(),
            via: via.to_owned(),
            answer_by,
        };
        let change = self.change(now, vec![asked])?;
        let revision = &self.revision;
        let command = |prepared: &Prepared| QuestionCommand {
            slot: prepared.slot,
            text: text.line(&prepared.command.typed()),
            evaluation: prepared.evaluation.clone(),
        };
        let question = Question {
            id,
            plan: revision.id(),
            revision: revision.number(),
            digest: revision.digest(),
            title: text.line(&revision.shown(&revision.plan().title)),
            reason: text.line(&revision.plan().reason),
            risk: revision.risk(),
            need: revision.need().clone(),
            approved_by: self.life.approved_by().to_vec(),
            requester: revision.origin().requester.clone(),
            owner: revision.origin().owner.clone(),
            text: text.text().to_owned(),
            shown: text.digest(),
            complete: text.is_complete(),
            commands: revision.commands().iter().map(command).collect(),
            asked_at: now,
            answer_by,
        };
        Ok((question, change))
    }

    /// The decision to start the command that is due, after one more look at it: `look` is how it
    /// is judged now and what its names stand for now, `versions` the rules of now.
    ///
    /// # Errors
    ///
    /// [`Refused::Drift`] where it is no longer what was approved, [`Refused::Expired`] where it is
    /// too late, and others where the command may not run now.
    pub fn intent(
        &self,
        slot: Slot,
        look: &Look,
        versions: &Versions,
        now: Timestamp,
    ) -> Result<Intent, Refused> {
        let prepared = self.revision.command(slot).ok_or(Refused::NoSuchCommand(slot))?;
        let going = self.state() != State::RollingBack && self.state() != State::Monitoring;
        let due = self.life.due() == Some(slot);
        if due && going && self.life.valid_until().is_none_or(|until| now > until) {
            return Err(Refused::Expired);
        }
        // Undoing has to be possible under rules that have changed; it must not have become worse.
        let drift = self.revision.drift(slot, look, versions, going);
        if !drift.is_empty() {
            return Err(Refused::Drift(drift));
        }
        let looks = slot.part.looks_only() || slot.part == Part::DryRun;
        let authority = if looks && is_look(prepared) { Authority::Look } else { Authority::Approval };
        self.intent_of(prepared, authority, false, now)
    }

    /// The decision to run a command that only looks, outside of the plan's course: a capture of
    /// a draft, a rehearsal before anybody is asked, a check while somebody thinks.
    ///
    /// # Errors
    ///
    /// [`Refused`] where it does more than look, or the plan is over or busy.
    pub fn look(&self, slot: Slot, look: &Look, now: Timestamp) -> Result<Intent, Refused> {
        let prepared = self.revision.command(slot).ok_or(Refused::NoSuchCommand(slot))?;
        let drift = prepared.pins.drift(&look.pins);
        if !drift.is_empty() {
            return Err(Refused::Drift(drift));
        }
        let allowed = look.evaluation.risk == Risk::Low && look.evaluation.decision == Decision::Allow;
        // Nobody has said yes to it, and with a secret nothing is only a look.
        if !is_look(prepared) || !allowed || !prepared.command.credentials.is_empty() {
            return Err(Refused::NotALook(slot));
        }
        self.intent_of(prepared, Authority::Look, true, now)
    }

    fn intent_of(
        &self,
        prepared: &Prepared,
        authority: Authority,
        aside: bool,
        now: Timestamp,
    ) -> Result<Intent, Refused> {
        let slot = prepared.slot;
        let flight = InFlight { id: self.id(b"permit", slot.to_string().as_bytes()), slot, authority, aside };
        let what = What::Intent { id: flight.id, slot, authority, aside };
        Ok(Intent { change: self.change(now, vec![what])?, flight })
    }

    /// What became of a command.
    ///
    /// # Errors
    ///
    /// [`Refused`] where that command is not under way.
    pub fn outcome(&self, id: Uuid, execution: &Execution, now: Timestamp) -> Result<Change, Refused> {
        let flight = self.life.in_flight().filter(|flight| flight.id == id);
        let flight = flight.ok_or_else(|| Illegal("that command is not under way".to_owned()))?;
        let (verdict, failures) = self.judge(flight, execution);
        let what = What::Outcome {
            id,
            slot: flight.slot,
            verdict,
            ended: execution.ended.clone(),
            failures,
            duration_seconds: execution.duration_seconds,
        };
        let mut change = self.change(now, vec![what])?;
        if let Some(record) = change.records.first_mut() {
            record.result = history::result(execution);
        }
        Ok(change)
    }

    /// What the end of a command means to its plan.
    fn judge(&self, flight: InFlight, execution: &Execution) -> (OutcomeVerdict, Vec<String>) {
        let failed = |failure: String| (OutcomeVerdict::Failed, vec![failure]);
        match &execution.ended {
            Ended::NotStarted(Refusal::Drift(differences)) => {
                return (OutcomeVerdict::Drifted, differences.clone());
            }
            Ended::NotStarted(refusal) => return (OutcomeVerdict::NotStarted, vec![refusal.to_string()]),
            Ended::Stopped => return (OutcomeVerdict::Stopped, vec![expect::ended(&Ended::Stopped)]),
            Ended::Lost(reason) => return (OutcomeVerdict::Lost, vec![reason.clone()]),
            Ended::Exited(_) | Ended::Signalled(_) | Ended::OverLimit(_) => {}
        }
        if flight.slot.part == Part::Capture {
            let Some(capture) = self.revision.capture(flight.slot) else {
                return failed("it is not in the plan".to_owned());
            };
            return match capture.value(execution) {
                Err(failure) => failed(failure),
                Ok(now) => {
                    let then = flight.slot.step.and_then(|step| self.revision.captured(step, &capture.name));
                    if capture.hold && !flight.aside && then != Some(now.as_str()) {
                        let name = &capture.name;
                        (OutcomeVerdict::Drifted, vec![format!("`{name}` is no longer what it was")])
                    } else {
                        (OutcomeVerdict::Passed, Vec::new())
                    }
                }
            };
        }
        let expected = self.revision.command(flight.slot).map_or(&[][..], |prepared| &prepared.expect);
        let failures = expect::failures(expected, execution);
        if failures.is_empty() {
            (OutcomeVerdict::Passed, failures)
        } else {
            (OutcomeVerdict::Failed, failures)
        }
    }

    /// A change has been recorded.
    ///
    /// # Errors
    ///
    /// [`Refused`] where the receipt is for something else, or the machine has moved since the
    /// change was decided. The machine stays as it is.
    pub fn recorded(&mut self, change: Change, receipt: &Receipt) -> Result<(), Refused> {
        if change.base != self.at {
            return Err(Refused::Moved);
        }
        let holds = |record: &Record| record.id.is_some_and(|id| receipt.holds(id));
        if !change.records.iter().all(holds) {
            return Err(Refused::AnotherReceipt);
        }
        self.life = change.after;
        self.at = Some(receipt.last());
        if let Some(revision) = change.revision {
            self.revision = revision;
        }
        Ok(())
    }

    /// An intent has been recorded: the right to run its command, once.
    ///
    /// # Errors
    ///
    /// As for [`recorded`](Self::recorded); there is no permit then.
    #[allow(clippy::needless_pass_by_value, reason = "a receipt gives one permit")]
    pub fn permit(&mut self, intent: Intent, receipt: Receipt) -> Result<Permit, Refused> {
        let Intent { change, flight } = intent;
        let valid_until = match self.state() {
            State::RollingBack | State::Monitoring => None,
            _ => self.life.valid_until(),
        };
        self.recorded(change, &receipt)?;
        let prepared = self.revision.command(flight.slot).ok_or(Refused::NoSuchCommand(flight.slot))?.clone();
        Ok(Permit::new(Parts {
            id: flight.id,
            plan: self.revision.id(),
            revision: self.revision.number(),
            digest: self.revision.digest(),
            slot: flight.slot,
            authority: flight.authority,
            risk: prepared.evaluation.risk,
            cwd: prepared.cwd,
            command: prepared.command,
            pins: prepared.pins,
            valid_until,
            sequence: receipt.last(),
        }))
    }

    fn change(&self, now: Timestamp, whats: Vec<What>) -> Result<Change, Refused> {
        self.change_of(&self.revision, now, whats)
    }

    fn change_of(&self, revision: &Revision, now: Timestamp, whats: Vec<What>) -> Result<Change, Refused> {
        let before = self.state();
        let mut after = self.life.clone();
        let mut events = Vec::with_capacity(whats.len() + 1);
        for what in whats {
            let event = Event { at: now, what };
            after.apply(&event)?;
            events.push(event);
        }
        let state = after.state();
        if state != before && state.is_marked() {
            events.push(Event { at: now, what: What::Reached { state } });
        }
        let plan_id = self.revision.id().to_string();
        let mut records = Vec::with_capacity(events.len());
        for (place, event) in events.iter().enumerate() {
            let id = match &event.what {
                // The intent's record carries the id of its permit.
                What::Intent { id, .. } => *id,
                _ => self.id(b"record", &place.to_be_bytes()),
            };
            records.push(history::record(event, id, revision));
        }
        let condition = Condition::PlanAt { plan_id, sequence: self.at };
        Ok(Change { records, condition, base: self.at, after, revision: None })
    }

    /// An id that only this machine's next record can have. Ids are made from what they are for,
    /// since there is no randomness here; the log lets one record have the place.
    fn id(&self, kind: &[u8], what: &[u8]) -> Uuid {
        let mut hash = Sha256::new();
        for part in [
            b"guardrail plan id 1",
            kind,
            self.revision.id().uuid.as_bytes(),
            &self.at.map_or(0, |at| at.saturating_add(1)).to_be_bytes(),
            what,
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let bytes: [u8; 32] = hash.finalize().into();
        let mut id = [0; 16];
        id.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
        uuid::Builder::from_custom_bytes(id).into_uuid()
    }
}

fn is_look(prepared: &Prepared) -> bool {
    prepared.evaluation.risk == Risk::Low && prepared.evaluation.decision == Decision::Allow
}

fn content(revision: &Revision) -> RevisionContent {
    let origin = revision.origin();
    RevisionContent {
        id: revision.id(),
        number: revision.number(),
        digest: revision.digest(),
        document: Digest::of_content(&revision.document()),
        risk: revision.risk(),
        need: revision.need().clone(),
        requester: origin.requester.clone(),
        owner: origin.owner.clone(),
        valid_seconds: revision.plan().times.valid_seconds,
        shape: Shape::of(revision.plan()),
    }
}

/// Whether a vote is a yes; for records.
pub(super) const fn is_yes(vote: &Vote) -> bool {
    matches!(vote.choice, Choice::Approve)
}
