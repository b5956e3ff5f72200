//! Putting plans forward: a name, the parts that the knowledge proposes, a draft where its state
//! before has to be captured first, and every later revision.

use std::sync::{MutexGuard, PoisonError};

use guardrail_core::Request;
use guardrail_core::plan::{
    Captured, Execution, Flaw, Machine, Next, Origin, Part, Plan, PlanId, PlanName, Preparation, Revision,
    Slot, State, Step,
};
use guardrail_core::record::{RecordError, Timestamp};

use super::drive::Drive;
use super::{RunError, Runner};

impl Runner {
    /// Puts a plan forward, and gives it its name. What the knowledge of tools proposes around its
    /// steps is added where a step has nothing. Nobody is asked yet, and nothing runs:
    /// [`drive`](Self::drive) goes on from there.
    ///
    /// Where the state before a step has to be captured, it stays a draft until it is driven.
    ///
    /// # Errors
    ///
    /// [`RunError::Flaws`] with all that is wrong with it or missing from it, [`RunError::Quota`] where
    /// too much was asked, and [`RunError::Record`] where it cannot be kept.
    pub async fn propose(&self, plan: Plan, origin: Origin) -> Result<PlanId, RunError> {
        let plan = self.completed(plan);
        let now = self.parts.clock.now();
        let mut name = self.free_name(now).await?;
        let mut counted = false;
        loop {
            let id = PlanId { name, uuid: (self.parts.ids)() };
            let mut calls = Vec::new();
            let preparation = self.preparation(id, 1, origin.clone());
            let prepared = self.prepare_counted(plan.clone(), &preparation, &mut calls);
            // Only once, if another plan has the name.
            if !std::mem::replace(&mut counted, true) {
                self.called(&calls).await.inspect_err(|_| self.give_back(name))?;
            }
            let revision = prepared.inspect_err(|_| self.give_back(name))?;
            self.keep(&revision).await?;
            let machine = Machine::new(revision.clone());
            let change = if revision.uncaptured().is_empty() {
                machine.propose(revision, now)?
            } else {
                machine.draft(now)?
            };
            match self.parts.recorder.record(change.records(), change.condition()).await {
                Ok(_) => return Ok(id),
                // Another plan has the name.
                Err(RecordError::Conflict { .. }) => name = self.free_name(now).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What a plan would be as its first revision, without recording anything: to see what is wrong
    /// with it, what it would do, and what it needs. What has to be captured is not.
    ///
    /// # Errors
    ///
    /// [`RunError::Flaws`] with all that is wrong with it or missing from it.
    pub fn preview(&self, plan: Plan, origin: Origin) -> Result<Revision, RunError> {
        let plan = self.completed(plan);
        let id = PlanId::new(self.parts.clock.now().date_naive(), 1, uuid::Uuid::nil());
        self.prepare(plan, &self.preparation(id, 1, origin))
    }

    /// A name that was not given today, as far as this runner and the open plans know. It is not
    /// given again here.
    async fn free_name(&self, now: Timestamp) -> Result<PlanName, RunError> {
        let day = now.date_naive();
        let known = |last: &Option<PlanName>| last.filter(|last| last.day() == day);
        if known(&self.last()).is_none() {
            let open = self.parts.recorder.open_plans().await?;
            let names = open.iter().filter_map(|(id, _)| id.parse::<PlanName>().ok());
            let found = names.filter(|name| name.day() == day).max();
            let mut last = self.last();
            *last = known(&last).max(found);
        }
        let mut last = self.last();
        let name = known(&last).map_or(PlanName::new(day, 1), PlanName::next);
        *last = Some(name);
        Ok(name)
    }

    /// Takes back a name that no plan got, unless there is a later one.
    fn give_back(&self, name: PlanName) {
        let mut last = self.last();
        if *last == Some(name) {
            *last = name
                .number()
                .checked_sub(1)
                .filter(|before| *before > 0)
                .map(|before| PlanName::new(name.day(), before));
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<PlanName>> {
        self.parts.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn preparation(&self, id: PlanId, number: u32, origin: Origin) -> Preparation {
        Preparation {
            number,
            origin: origin.clone(),
            versions: self.parts.guard.versions(),
            demands: self.parts.demands,
            facts: self.parts.world.facts(),
            ..Preparation::new(id, origin.requester)
        }
    }

    /// Keeps the document of a revision, before the log speaks of it.
    pub(super) async fn keep(&self, revision: &Revision) -> Result<(), RunError> {
        self.parts.plans.put(&revision.document()).await?;
        Ok(())
    }

    /// The plan with what the knowledge of tools proposes where a step has nothing.
    pub(super) fn completed(&self, mut plan: Plan) -> Plan {
        if !self.parts.derive {
            return plan;
        }
        let facts = self.parts.world.facts();
        let cwd = plan.cwd.clone();
        let derive = |step: Step| {
            let request = Request {
                cwd: step.command.cwd.clone().or_else(|| cwd.clone()),
                ..Request::new(step.command.action.clone()).facts(facts.clone())
            };
            let derived = self.parts.guard.derive(&step.command, &request);
            step.or_derived(derived)
        };
        plan.steps = plan.steps.into_iter().map(derive).collect();
        plan
    }
}

impl Drive<'_> {
    /// Makes the captures of a draft, and puts it forward with what they gave.
    pub(super) async fn finish_draft(&mut self) -> Result<(), RunError> {
        let Some(captured) = self.captures().await? else { return Ok(()) };
        let draft = self.machine.revision();
        let mut preparation = self.runner.preparation(draft.id(), draft.number(), draft.origin().clone());
        preparation.captured = captured;
        match self.runner.prepare(draft.plan().clone(), &preparation) {
            Ok(revision) => {
                self.runner.keep(&revision).await?;
                self.change(|machine, now| machine.propose(revision.clone(), now)).await?;
                self.proposed();
                Ok(())
            }
            Err(error) => {
                self.cancel(error.to_string()).await?;
                Err(error)
            }
        }
    }

    /// What the captures of the revision give now; `None` where one cannot be made, and the plan
    /// was cancelled if it was a draft.
    async fn captures(&mut self) -> Result<Option<Captured>, RunError> {
        let mut captured = Captured::new();
        let revision = self.machine.revision().clone();
        for (number, step) in (1..).zip(&revision.plan().steps) {
            for (index, capture) in (1..).zip(&step.captures) {
                let slot = Slot::step(number, Part::Capture, index);
                let Some(execution) = self.aside(slot).await? else { return Ok(None) };
                match capture.value(&execution) {
                    Ok(value) => captured.insert(number, capture.name.clone(), value),
                    Err(reason) => {
                        let reason = format!("{slot}: {reason}");
                        self.say(&reason);
                        if self.machine.state() == State::Draft {
                            self.cancel(reason).await?;
                        }
                        return Ok(None);
                    }
                }
            }
        }
        Ok(Some(captured))
    }

    /// Runs a command that only looks, outside of the plan's course; `None` where it cannot run
    /// now.
    pub(super) async fn aside(&mut self, slot: Slot) -> Result<Option<Execution>, RunError> {
        // Another one may have been faster with the log; it has to be decided again then.
        for _ in 0..3 {
            if let Some(execution) = self.command(slot, true).await? {
                return Ok(Some(execution));
            }
            let draft = matches!(self.machine.next(self.now()), Next::Capture(_));
            if self.resting || (!draft && self.machine.state().is_final()) {
                break;
            }
        }
        Ok(None)
    }

    /// Puts the next revision of the plan forward; nobody has said yes to it. Inside it is what is
    /// wrong with that plan, where something is.
    pub(super) async fn next_revision(&mut self, plan: Plan) -> Result<Result<(), Vec<Flaw>>, RunError> {
        let before = self.machine.revision().clone();
        let mut preparation =
            self.runner.preparation(before.id(), before.number().saturating_add(1), before.origin().clone());
        // The captures of the revision before are what can be run now: the next one's have to be
        // the same.
        let counts = |plan: &Plan| plan.steps.iter().map(|step| step.captures.len()).collect::<Vec<_>>();
        if counts(&plan) != counts(before.plan()) {
            return Ok(Err(vec![other_captures()]));
        }
        let Some(captured) = self.captures().await? else {
            let message = "its state before cannot be captured".to_owned();
            return Ok(Err(vec![Flaw { slot: None, message }]));
        };
        preparation.captured = captured;
        let revision = match self.runner.prepare(plan, &preparation) {
            Ok(revision) => revision,
            Err(RunError::Flaws(flaws)) => return Ok(Err(flaws)),
            Err(error) => return Err(error),
        };
        let captures = |revision: &Revision| {
            let of = revision.commands().iter().filter(|prepared| prepared.slot.part == Part::Capture);
            of.map(|prepared| (prepared.slot, prepared.command.clone(), prepared.cwd.clone()))
                .collect::<Vec<_>>()
        };
        if captures(&revision) != captures(&before) {
            return Ok(Err(vec![other_captures()]));
        }
        self.runner.keep(&revision).await?;
        self.change(|machine, now| machine.revise(revision.clone(), now)).await?;
        self.proposed();
        Ok(Ok(()))
    }
}

fn other_captures() -> Flaw {
    Flaw {
        slot: None,
        message: "it captures something else than the revision before: propose it as another plan, which \
                  supersedes this one"
            .to_owned(),
    }
}
