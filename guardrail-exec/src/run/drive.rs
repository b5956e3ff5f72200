//! Driving a plan: what the machine says is next is done, until it rests.

use std::pin::pin;
use std::time::Duration;

use guardrail_core::plan::{
    Authority, Change, Machine, Next, Notice, NoticeKind, Part, PlanName, Refused, Slot, State, Stop,
    StopLevel,
};
use guardrail_core::record::{Condition, Kind, Record, RecordError, Recorded, Status, Timestamp};

use super::claims::{self, Held, Taken};
use super::observer::{News, Observer};
use super::waiting::first;
use super::{Report, RunError, Runner, words};

/// How often something is decided again because the log has moved on.
const TRIES: u32 = 32;
/// How long a notice may take.
const NOTICE: Duration = Duration::from_secs(5);

/// One call of [`Runner::drive`].
pub(super) struct Drive<'d> {
    pub(super) runner: &'d Runner,
    pub(super) name: PlanName,
    pub(super) machine: Machine,
    pub(super) stop: &'d Stop,
    pub(super) observer: &'d dyn Observer,
    /// Whether it waits for people and for other plans.
    pub(super) patient: bool,
    /// What of the stop signal was recorded.
    pub(super) heeded: StopLevel,
    /// Of the current revision: how many questions were put, and how many answers were none.
    pub(super) asked: u32,
    pub(super) malformed: u32,
    /// Whether those who were asked will answer by another door, if at all.
    pub(super) silent: bool,
    /// Whether it was said that it waits for them.
    waiting: bool,
    pub(super) offered: bool,
    /// What ran last.
    pub(super) last: Option<Slot>,
    pub(super) left: Vec<String>,
    pub(super) blocked_by: Option<String>,
    /// That a quota or the emergency stop lets nothing more begin, and nobody waits for that.
    pub(super) resting: bool,
    claimed: Option<Held>,
    /// That nobody else drives this plan.
    _lease: Held,
}

/// How the loop goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Ask the machine what is next.
    Go,
    /// It rests here.
    Rest,
}

impl Runner {
    /// Drives a plan until it rests: asks, runs what was approved step by step, checks, offers the
    /// way back and takes it on a yes, watches. It may be called for a plan in any state, also
    /// after a crash: it goes on from what the log has, and nothing of which it is not known
    /// whether it ran is run again.
    ///
    /// `stop` with [`StopLevel::Finish`] finishes the current step, cancels the rest and offers the
    /// way back; with [`StopLevel::End`] and [`StopLevel::Kill`] it ends the command as well, and
    /// offers nothing. What state that leaves is in the [`Report`].
    ///
    /// # Errors
    ///
    /// [`RunError`] where it cannot be recorded, read or claimed; the plan stays where it is.
    pub async fn drive(
        &self,
        name: PlanName,
        stop: &Stop,
        observer: &dyn Observer,
    ) -> Result<Report, RunError> {
        self.start(name, stop, observer, true).await?.go().await
    }

    /// As [`drive`](Self::drive), but rests where it would have to wait for people or for other
    /// plans: for those who drive thousands, and call again when there is something to do.
    ///
    /// # Errors
    ///
    /// As for [`drive`](Self::drive).
    pub async fn advance(
        &self,
        name: PlanName,
        stop: &Stop,
        observer: &dyn Observer,
    ) -> Result<Report, RunError> {
        self.start(name, stop, observer, false).await?.go().await
    }

    pub(super) async fn start<'d>(
        &'d self,
        name: PlanName,
        stop: &'d Stop,
        observer: &'d dyn Observer,
        patient: bool,
    ) -> Result<Drive<'d>, RunError> {
        let lease = self.parts.claims.claim(&name.to_string(), &claims::plan(&name.to_string()));
        let lease = lease.map_err(|taken| match taken {
            Taken::By { .. } => RunError::Busy(name),
            Taken::Unavailable(error) => RunError::Claims(error),
        })?;
        let (machine, _) = self.load(name).await?;
        Ok(Drive {
            runner: self,
            name,
            machine,
            stop,
            observer,
            patient,
            heeded: StopLevel::Run,
            asked: 0,
            malformed: 0,
            silent: false,
            waiting: false,
            offered: false,
            last: None,
            left: Vec::new(),
            blocked_by: None,
            resting: false,
            claimed: None,
            _lease: lease,
        })
    }
}

impl Drive<'_> {
    async fn go(mut self) -> Result<Report, RunError> {
        self.observer.saw(&News::Reached(self.machine.state()));
        loop {
            self.heed().await?;
            if self.stopped().await? || self.next().await? == After::Rest || self.resting {
                break;
            }
        }
        // Others may have decided something meanwhile; the report is what the log says.
        let (mut machine, mut records) = self.runner.load(self.name).await?;
        if machine.state().is_final() && !is_closed(&records) {
            self.machine = machine;
            self.change(Machine::mark).await?;
            (machine, records) = self.runner.load(self.name).await?;
        }
        let next = machine.next(self.now());
        let mut report = Report::of(machine.revision(), machine.life(), &next, &records);
        report.left = self.left;
        report.blocked_by = self.blocked_by;
        Ok(report)
    }

    async fn next(&mut self) -> Result<After, RunError> {
        match self.machine.next(self.now()) {
            Next::Capture(_) | Next::Propose => self.finish_draft().await?,
            Next::Allow => self.change(Machine::allow).await?,
            Next::Ask => return self.ask().await,
            Next::Wait(until) => return self.wait(until).await,
            Next::TimeOut => self.change(Machine::time_out).await?,
            Next::Run(slot) => {
                if self.claimed.is_none() {
                    return self.claim().await;
                }
                self.command(slot, false).await?;
            }
            Next::Expire => self.change(Machine::expire).await?,
            Next::InFlight(flight) if flight.authority == Authority::Look => {
                // It could only look, and may look again.
                self.command(flight.slot, false).await?;
            }
            Next::InFlight(_) => {
                self.change(Machine::doubt).await?;
                self.look_at_doubt().await?;
            }
            Next::Watch(until) => return self.watch(until).await,
            Next::EndMonitor => self.change(Machine::end_monitor).await?,
            Next::OfferRollback => return self.offer().await,
            Next::Paused if self.patient => {
                self.observer.saw(&News::Waiting("somebody to let it go on"));
                return self.pass(self.runner.parts.poll).await;
            }
            Next::Paused | Next::Settle(_) | Next::Look | Next::Nothing => return Ok(After::Rest),
        }
        Ok(After::Go)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.runner.parts.clock.now()
    }

    /// Waits for votes that come by other doors, or asks again.
    async fn wait(&mut self, until: Timestamp) -> Result<After, RunError> {
        if !self.silent {
            return self.ask().await;
        }
        if !self.patient {
            return Ok(After::Rest);
        }
        if !std::mem::replace(&mut self.waiting, true) {
            let words = format!("an answer by another door, until {}", until.format("%H:%M:%S UTC"));
            self.observer.saw(&News::Waiting(&words));
        }
        let left = (until - self.now()).to_std().unwrap_or_default();
        self.pass(left.min(self.runner.parts.poll)).await
    }

    /// One round of looking at what was done.
    async fn watch(&mut self, until: Timestamp) -> Result<After, RunError> {
        let begun = self.now();
        let monitor = self.machine.revision().plan().monitor.clone();
        let (checks, every) = monitor.map_or((0, 1), |monitor| (monitor.checks.len(), monitor.every_seconds));
        for (_, index) in (0..checks).zip(1..) {
            if self.command(Slot::plan(Part::Monitor, index), false).await?.is_none()
                || self.machine.state() != State::Monitoring
                || self.stop.level() > self.heeded
            {
                return Ok(After::Go);
            }
        }
        if !self.patient {
            return Ok(After::Rest);
        }
        let every = Duration::from_secs(every.max(1));
        let next = chrono::TimeDelta::from_std(every).ok().and_then(|every| begun.checked_add_signed(every));
        let next = next.unwrap_or(until).min(until);
        while self.now() < next && self.machine.state() == State::Monitoring {
            let left = (next - self.now()).to_std().unwrap_or_default();
            // A large window is passed in pieces, so that what others decide is noticed.
            self.pass(left.min(self.runner.parts.poll.max(Duration::from_secs(1)))).await?;
            if self.stop.level() > self.heeded {
                break;
            }
        }
        Ok(After::Go)
    }

    /// Takes what the plan works on, so that no other plan works on it at the same time.
    async fn claim(&mut self) -> Result<After, RunError> {
        let parts = &self.runner.parts;
        let resources = claims::of_plan(self.machine.revision());
        match parts.claims.claim(&self.name.to_string(), &resources) {
            Ok(held) => {
                self.claimed = Some(held);
                self.blocked_by = None;
                Ok(After::Go)
            }
            Err(Taken::Unavailable(error)) => Err(RunError::Claims(error)),
            Err(taken @ Taken::By { .. }) => {
                let words = taken.to_string();
                if self.blocked_by.as_ref() != Some(&words) {
                    self.observer.saw(&News::Waiting(&words));
                }
                self.blocked_by = Some(words);
                if !parts.wait_for_others || !self.patient {
                    return Ok(After::Rest);
                }
                self.pass(parts.poll).await
            }
        }
    }

    /// Lets time pass, until somebody stops it, and then looks at what others decided.
    pub(super) async fn pass(&mut self, duration: Duration) -> Result<After, RunError> {
        self.sleep(duration).await;
        self.refresh().await?;
        Ok(After::Go)
    }

    /// Sleeps, or wakes when it is to stop more urgently than before.
    pub(super) async fn sleep(&self, duration: Duration) {
        let further = match self.heeded {
            StopLevel::Run => StopLevel::Finish,
            StopLevel::Finish => StopLevel::End,
            StopLevel::End | StopLevel::Kill => StopLevel::Kill,
        };
        let clock = self.runner.parts.clock.clone();
        if self.heeded == StopLevel::Kill {
            clock.sleep(duration).await;
        } else {
            first(pin!(clock.sleep(duration)), pin!(self.stop.reached(further))).await;
        }
    }

    /// Records that it is to stop, where that was asked for.
    pub(super) async fn heed(&mut self) -> Result<(), RunError> {
        let level = self.stop.level();
        if level <= self.heeded {
            return Ok(());
        }
        let first = self.heeded == StopLevel::Run;
        self.heeded = level;
        if !first {
            return Ok(());
        }
        let by = self.runner.parts.stopper.clone();
        match self.change(|machine, now| machine.stop(by.clone(), "asked to stop", now)).await {
            // It is over, or has failed already: there is nothing to stop.
            Err(RunError::Refused(_)) => Ok(()),
            other => other,
        }
    }

    pub(super) async fn cancel(&mut self, reason: String) -> Result<(), RunError> {
        let by = self.runner.parts.stopper.clone();
        self.change(|machine, now| machine.stop(by.clone(), reason.clone(), now)).await
    }

    /// Decides, records, and moves. Where somebody else moved the plan first it is decided again;
    /// what is refused then was overtaken, and the plan goes on from where they left it.
    pub(super) async fn change(
        &mut self,
        mut decide: impl FnMut(&Machine, Timestamp) -> Result<Change, Refused> + Send,
    ) -> Result<(), RunError> {
        let before = self.machine.state();
        for attempt in 0..TRIES {
            let change = match decide(&self.machine, self.now()) {
                Ok(change) => change,
                Err(_) if attempt > 0 => return self.moved(before).await,
                Err(refused) => return Err(refused.into()),
            };
            match self.runner.parts.recorder.record(change.records(), change.condition()).await {
                Ok(receipt) => {
                    self.machine.recorded(change, &receipt)?;
                    return self.moved(before).await;
                }
                Err(RecordError::Conflict { .. }) => self.reload().await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(RunError::Contended(self.name))
    }

    /// Reads the plan from the log again.
    pub(super) async fn reload(&mut self) -> Result<(), RunError> {
        let number = self.machine.revision().number();
        self.machine = self.runner.load(self.name).await?.0;
        if self.machine.revision().number() != number {
            self.fresh();
        }
        Ok(())
    }

    /// Reads the plan again if the log has something new of it.
    pub(super) async fn refresh(&mut self) -> Result<(), RunError> {
        let before = self.machine.state();
        let records = self.runner.parts.recorder.history(&self.name.to_string()).await?;
        let last = records.iter().map(|record| record.sequence).max();
        if last != self.machine.sequence() {
            self.reload().await?;
            self.moved(before).await?;
        }
        Ok(())
    }

    /// Nobody was asked about a new revision.
    fn fresh(&mut self) {
        self.asked = 0;
        self.malformed = 0;
        self.silent = false;
        self.waiting = false;
        self.claimed = None;
    }

    pub(super) fn proposed(&mut self) {
        self.fresh();
        self.observer.saw(&News::Proposed(self.machine.revision()));
    }

    /// Tells those who look on, and people, where the plan is now.
    async fn moved(&mut self, before: State) -> Result<(), RunError> {
        let state = self.machine.state();
        if state == before {
            return Ok(());
        }
        self.observer.saw(&News::Reached(state));
        if let Some((kind, text)) = words::reached(self.machine.revision(), state, self.last) {
            self.tell(kind, self.last.and_then(|slot| slot.step), text).await;
        }
        Ok(())
    }

    pub(super) fn say(&self, text: &str) {
        self.observer.saw(&News::Said(text));
    }

    /// Sends a notice. Nothing depends on whether it arrives.
    pub(super) async fn tell(&self, kind: NoticeKind, step: Option<u32>, text: String) {
        let parts = &self.runner.parts;
        let Some(notifier) = &parts.notifier else { return };
        let plan = Some(self.machine.revision().id());
        let text = words::plain(&parts.redactor, &text);
        let notice = Notice { kind, at: self.now(), plan, step, text };
        let (mut telling, mut waiting) = (notifier.notify(&notice), parts.clock.sleep(NOTICE));
        first(telling.as_mut(), waiting.as_mut()).await;
    }

    /// Records something about the plan that moves nothing.
    pub(super) async fn note(&mut self, text: &str, details: serde_json::Value) -> Result<(), RunError> {
        let revision = self.machine.revision();
        let mut record = Record::new(Kind::Note);
        record.revision = Some(revision.number());
        record.actor = Some(revision.origin().requester.to_string());
        record.reason = Some(text.to_owned());
        record.details = Some(details);
        self.keep_note(record).await
    }

    /// Records something about the plan that moves nothing.
    pub(super) async fn keep_note(&mut self, mut record: Record) -> Result<(), RunError> {
        record.id.get_or_insert_with(|| (self.runner.parts.ids)());
        record.plan_id = Some(self.machine.revision().id().to_string());
        for _ in 0..TRIES {
            let plan_id = self.name.to_string();
            let condition = Condition::PlanAt { plan_id, sequence: self.machine.sequence() };
            match self.runner.parts.recorder.record(std::slice::from_ref(&record), &condition).await {
                Ok(_) => return self.reload().await,
                Err(RecordError::Conflict { .. }) => self.reload().await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(RunError::Contended(self.name))
    }
}

/// Whether the log takes the plan to be over.
fn is_closed(records: &[Recorded]) -> bool {
    let moves = |record: &&Record| !matches!(record.kind, Kind::Note | Kind::Quota);
    let last = records.iter().rev().map(|kept| &kept.record).find(moves);
    last.is_some_and(|last| last.kind == Kind::Plan && last.status.as_ref().is_some_and(Status::closes_plan))
}
