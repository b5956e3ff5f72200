//! Quotas and the emergency stop, as far as a runner heeds them: whether a command may begin, and that
//! one which runs is ended.

use std::future::Future;
use std::pin::pin;

use guardrail_core::plan::{Slot, StopLevel};
use guardrail_core::quota::{Admission, QuotaRefusal, Usage};
use guardrail_core::record::{Kind, Record, Status, Verdict};

use super::drive::Drive;
use super::observer::News;
use super::waiting::turn;
use super::{RunError, Runner};

/// What came of asking for a command.
pub(super) enum Admitted {
    /// It may begin; what is kept until it has ended.
    Yes(Option<Admission>),
    /// Not now.
    No,
}

impl Runner {
    /// Counts what was asked.
    pub(super) async fn called(&self, calls: &[(Usage, Verdict)]) -> Result<(), RunError> {
        let Some(quotas) = &self.parts.quotas else { return Ok(()) };
        for (usage, verdict) in calls {
            quotas.called(usage, verdict).await.map_err(RunError::Quota)?;
        }
        Ok(())
    }
}

impl Drive<'_> {
    /// Asks the quotas for a command. Where they refuse, that is recorded once, and some time passes.
    pub(super) async fn admit(&mut self, slot: Slot) -> Result<Admitted, RunError> {
        let parts = &self.runner.parts;
        let Some(quotas) = &parts.quotas else { return Ok(Admitted::Yes(None)) };
        let request = self.machine.revision().request(slot, parts.world.facts());
        let usage = request.map(|request| parts.guard.usage(&request)).unwrap_or_default();
        match quotas.admit(&usage).await {
            Ok(admission) => {
                self.blocked_by = None;
                Ok(Admitted::Yes(Some(admission)))
            }
            Err(refusal) => {
                self.refused(&refusal).await?;
                if !self.resting {
                    self.pass(self.runner.parts.poll).await?;
                }
                Ok(Admitted::No)
            }
        }
    }

    /// Whether everything is stopped: then the plan rests here, as it is.
    pub(super) async fn stopped(&mut self) -> Result<bool, RunError> {
        let Some(quotas) = &self.runner.parts.quotas else { return Ok(false) };
        let Some(refusal) = quotas.stopped().await else { return Ok(false) };
        self.refused(&refusal).await?;
        Ok(true)
    }

    /// Says and records why a command may not begin now.
    async fn refused(&mut self, refusal: &QuotaRefusal) -> Result<(), RunError> {
        // What is set by a person, or broken, does not end by waiting.
        self.resting = !self.patient || !matches!(refusal, QuotaRefusal::Spent { .. });
        let words = refusal.to_string();
        // When it is worth trying again changes all the time.
        let named = |words: &str| words.split("; again").next().unwrap_or_default().to_owned();
        let known = self.blocked_by.as_deref().map(named) == Some(named(&words));
        if !known {
            self.observer.saw(&News::Waiting(&words));
            let revision = self.machine.revision();
            if !self.machine.state().is_final() {
                let record = Record {
                    status: Some(Status::Paused),
                    revision: Some(revision.number()),
                    actor: Some(revision.origin().requester.to_string()),
                    ..refusal.put_into(Record::new(Kind::Quota))
                };
                self.keep_note(record).await?;
            }
        }
        self.blocked_by = Some(words);
        Ok(())
    }

    /// Ends what runs once everything is stopped. It is done only then.
    pub(super) fn end_when_stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let parts = &self.runner.parts;
        let (quotas, clock, poll) = (parts.quotas.clone(), parts.clock.clone(), parts.poll);
        let stop = self.stop.clone();
        async move {
            let Some(quotas) = quotas else { return };
            while quotas.stopped().await.is_none() {
                clock.sleep(poll).await;
                // A clock may have nothing to wait for.
                turn().await;
            }
            stop.request(StopLevel::End);
        }
    }
}

/// A future with another one beside it, which is dropped with it.
pub(super) async fn beside<T>(main: impl Future<Output = T>, side: impl Future<Output = ()>) -> T {
    let (mut main, mut side) = (pin!(main), pin!(side));
    let mut over = false;
    std::future::poll_fn(|context| {
        over = over || side.as_mut().poll(context).is_ready();
        main.as_mut().poll(context)
    })
    .await
}
