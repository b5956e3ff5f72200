//! One command: looked at once more, its intent recorded, run, and its outcome recorded.

use std::pin::pin;

use guardrail_core::plan::{
    Ended, Event, Execution, NoticeKind, OutcomeVerdict, OutputSink, Part, Refusal, Refused, Slot, StopLevel,
    Stream, What,
};
use guardrail_core::quota::Finished;
use guardrail_core::record::{Record, RecordError};
use uuid::Uuid;

use super::admit::{Admitted, beside};
use super::drive::Drive;
use super::observer::{News, Observer};
use super::waiting::{First, first};
use super::{RunError, words};

/// How often it is tried to record what became of a command, where nothing was written.
const OUTCOME_TRIES: u32 = 8;

/// Hands output on to whoever looks on.
struct Shown<'o> {
    observer: &'o dyn Observer,
    slot: Slot,
}

impl OutputSink for Shown<'_> {
    fn output(&mut self, stream: Stream, bytes: &[u8]) {
        self.observer.saw(&News::Output { slot: self.slot, stream, bytes });
    }
}

impl Drive<'_> {
    /// Runs a command of the plan, aside or in its course. `None` where it did not run: what would
    /// run has changed, the approval has expired, a quota is used up, or the plan has moved on. The
    /// log says which.
    pub(super) async fn command(&mut self, slot: Slot, aside: bool) -> Result<Option<Execution>, RunError> {
        let Admitted::Yes(admission) = self.admit(slot).await? else { return Ok(None) };
        let parts = &self.runner.parts;
        let look = self.runner.look(self.machine.revision(), slot);
        let look = look.ok_or(Refused::NoSuchCommand(slot))?;
        let intent = if aside {
            self.machine.look(slot, &look, self.now())
        } else {
            self.machine.intent(slot, &look, &parts.guard.versions(), self.now())
        };
        let intent = match intent {
            Ok(intent) => intent,
            Err(Refused::Drift(reasons)) if !aside => {
                self.last = Some(slot);
                let reasons: Vec<_> = reasons.iter().map(|reason| format!("{slot}: {reason}")).collect();
                reasons.iter().for_each(|reason| self.say(reason));
                self.change(|machine, now| machine.stale(reasons.clone(), now)).await?;
                return Ok(None);
            }
            Err(Refused::Expired) => {
                self.change(guardrail_core::plan::Machine::expire).await?;
                return Ok(None);
            }
            Err(refused) => return Err(refused.into()),
        };
        let id = intent.id();
        let receipt = match parts.recorder.record(intent.records(), intent.condition()).await {
            Ok(receipt) => receipt,
            Err(RecordError::Conflict { .. }) => {
                self.reload().await?;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let before = self.machine.state();
        let permit = self.machine.permit(intent, receipt)?;
        self.last = Some(slot);
        let title = words::title(self.machine.revision(), slot);
        if self.machine.state() != before {
            self.observer.saw(&News::Reached(self.machine.state()));
        }
        self.observer.saw(&News::Started { slot, title: &title });

        let (executor, stop) = (parts.executor.clone(), self.stop);
        let mut sink = Shown { observer: self.observer, slot };
        // Much may have happened since it was admitted: somebody was asked, the disk was slow.
        let begin = async {
            match &parts.quotas {
                Some(quotas) if quotas.stopped().await.is_some() => Execution::refused(Refusal::Stopped),
                _ => executor.execute(permit, &mut sink, stop).await,
            }
        };
        let mut running = pin!(beside(begin, self.end_when_stopped()));
        let (execution, heard) = if self.heeded > StopLevel::Run {
            (running.await, Ok(()))
        } else {
            match first(running.as_mut(), pin!(stop.reached(StopLevel::Finish))).await {
                First::One(execution) => (execution, Ok(())),
                // That it is to stop is recorded at once; the command goes on meanwhile.
                First::Other(_) => {
                    let mut heeding = Box::pin(self.heed());
                    match first(running.as_mut(), heeding.as_mut()).await {
                        First::One(execution) => (execution, heeding.await),
                        First::Other(heard) => (running.await, heard),
                    }
                }
            }
        };
        self.left.extend(execution.left.iter().map(|left| format!("{slot}: {left}")));
        let verdict = self.ended(id, slot, &title, &execution).await?;
        if let (Some(admission), false) = (admission, matches!(execution.ended, Ended::NotStarted(_))) {
            let well = verdict == OutcomeVerdict::Passed;
            let ended = admission.finish(if well { Finished::Well } else { Finished::Badly }).await;
            // What cannot be counted now is refused when the next one asks.
            ended.unwrap_or_else(|refusal| self.say(&refusal.to_string()));
        }
        heard?;
        Ok(Some(execution))
    }

    /// Records what became of a command, and tells it.
    async fn ended(
        &mut self,
        id: Uuid,
        slot: Slot,
        title: &str,
        execution: &Execution,
    ) -> Result<OutcomeVerdict, RunError> {
        let mut judged = None;
        for attempt in 1.. {
            let recorded = self
                .change(|machine, now| {
                    let change = machine.outcome(id, execution, now)?;
                    judged = verdict(change.records());
                    Ok(change)
                })
                .await;
            let source = match recorded {
                Ok(()) => break,
                Err(RunError::Record(source)) => source,
                // Somebody took it for lost meanwhile. What became of it is said all the same.
                Err(RunError::Refused(_)) => {
                    let text = format!("{slot} ended after it was taken for lost");
                    self.note(&text, serde_json::json!({ "ended": execution.ended })).await?;
                    break;
                }
                Err(error) => return Err(error),
            };
            let again = match &source {
                RecordError::NotRecorded { .. } | RecordError::Unavailable { .. } => true,
                // It may be there: the log says so when it is read.
                RecordError::Indeterminate { .. } => match self.reload().await {
                    Ok(()) if self.machine.life().in_flight().is_none_or(|flight| flight.id != id) => break,
                    Ok(()) => true,
                    Err(_) => false,
                },
                _ => false,
            };
            if !again || attempt >= OUTCOME_TRIES {
                return Err(RunError::Unrecorded { slot, ended: execution.ended.clone(), source });
            }
            self.sleep(self.runner.parts.poll).await;
        }
        let (verdict, failures) = judged.unwrap_or((OutcomeVerdict::Lost, Vec::new()));
        self.observer.saw(&News::Ended {
            slot,
            title,
            ended: &execution.ended,
            failures: &failures,
            seconds: execution.duration_seconds,
        });
        if verdict != OutcomeVerdict::Passed && slot.part == Part::Monitor {
            let text = format!("{title}: {}", failures.join("; "));
            self.tell(NoticeKind::ValidationFailed, slot.step, text).await;
        }
        Ok(verdict)
    }
}

/// What the record of an outcome says of it.
fn verdict(records: &[Record]) -> Option<(OutcomeVerdict, Vec<String>)> {
    let event: Event = serde_json::from_value(records.first()?.details.clone()?).ok()?;
    match event.what {
        What::Outcome { verdict, failures, .. } => Some((verdict, failures)),
        _ => None,
    }
}
