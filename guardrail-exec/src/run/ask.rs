//! Asking for approval: the question, what may come back, and what is made of it.

use std::pin::Pin;

use guardrail_core::plan::{
    Approver, Asked, Machine, NoticeKind, Question, Refused, Reply, Say, State, StopLevel,
};
use guardrail_core::record::{RecordError, Timestamp};

use super::drive::{After, Drive};
use super::observer::News;
use super::waiting::{First, first};
use super::{RunError, words};

/// How many questions are put about one revision: an approver that answers at once and never with a
/// yes or a no must not fill the log.
const MOST_QUESTIONS: u32 = 64;
/// How many answers may be none before there is nobody to ask.
const MOST_MALFORMED: u32 = 3;

impl Drive<'_> {
    /// Puts the plan to the approver, and does what the answer says.
    pub(super) async fn ask(&mut self) -> Result<After, RunError> {
        let parts = &self.runner.parts;
        let Some(approver) = parts.approver.clone() else {
            return self.no_channel("there is no approver".to_owned()).await;
        };
        let via = approver.name().to_owned();
        if !self.machine.revision().need().allows_channel(&via) {
            return self.no_channel(format!("the policy lets nobody be asked by `{via}`")).await;
        }
        if self.asked >= MOST_QUESTIONS {
            let reason = format!("asked {MOST_QUESTIONS} times, there was neither a yes nor a no");
            return self.no_channel(reason).await;
        }
        let text = self.machine.revision().text(&parts.redactor, parts.text_bytes);
        let (question, change) = self.machine.ask(&via, &text, self.now())?;
        let before = self.machine.state();
        match parts.recorder.record(change.records(), change.condition()).await {
            Ok(receipt) => self.machine.recorded(change, &receipt)?,
            Err(RecordError::Conflict { .. }) => {
                self.reload().await?;
                return Ok(After::Go);
            }
            Err(error) => return Err(error.into()),
        }
        if self.machine.state() != before {
            self.observer.saw(&News::Reached(self.machine.state()));
        }
        self.asked += 1;
        self.observer.saw(&News::Asking(&question));
        if self.asked == 1 {
            self.tell(NoticeKind::ApprovalNeeded, None, question.text.clone()).await;
        }
        let number = question.revision;
        let waits = move |machine: &Machine| {
            machine.state() == State::AwaitingApproval && machine.revision().number() == number
        };
        match self.answer(&*approver, &question, waits).await? {
            Some(asked) => self.answered(asked, &question, &via).await,
            None => Ok(After::Go),
        }
    }

    /// What an approver answers; `None` where nobody waits for it any more: time is up, the plan is
    /// to stop, or others have decided.
    pub(super) async fn answer(
        &mut self,
        approver: &dyn Approver,
        question: &Question,
        waits: impl Fn(&Machine) -> bool + Send,
    ) -> Result<Option<Asked>, RunError> {
        let mut asking: Pin<Box<_>> = approver.ask(question);
        loop {
            let left = self.left(question.answer_by);
            let piece = left.min(self.runner.parts.poll);
            let answered = {
                let mut passing = Box::pin(self.sleep(piece));
                first(asking.as_mut(), passing.as_mut()).await
            };
            if let First::One(asked) = answered {
                return Ok(Some(asked));
            }
            self.refresh().await?;
            let more = self.stop.level() > self.heeded && self.stop.level() >= StopLevel::Finish;
            if more || !waits(&self.machine) || self.left(question.answer_by).is_zero() {
                return Ok(None);
            }
        }
    }

    fn left(&self, until: Timestamp) -> std::time::Duration {
        (until - self.now()).to_std().unwrap_or_default()
    }

    async fn no_channel(&mut self, reason: String) -> Result<After, RunError> {
        self.say(&reason);
        self.change(|machine, now| machine.no_channel(reason.clone(), now)).await?;
        Ok(After::Go)
    }

    async fn answered(&mut self, asked: Asked, question: &Question, via: &str) -> Result<After, RunError> {
        match asked {
            Asked::Replied(reply) if reply.question == question.id => {
                self.replied(reply, question, via).await
            }
            Asked::Replied(_) => self.malformed("it answers another question".to_owned()).await,
            Asked::Delivered | Asked::TimedOut => {
                self.silent = true;
                Ok(After::Go)
            }
            Asked::NoChannel(reason) => self.no_channel(reason).await,
            Asked::Malformed(reason) => self.malformed(reason).await,
            _ => self.malformed("it is nothing that is known here".to_owned()).await,
        }
    }

    async fn malformed(&mut self, reason: String) -> Result<After, RunError> {
        self.malformed += 1;
        let text = format!("what came back is no answer: {reason}");
        self.note(&text, serde_json::json!({ "malformed": self.malformed })).await?;
        self.tell(NoticeKind::NotTaken, None, text.clone()).await;
        if self.malformed >= MOST_MALFORMED {
            return self.no_channel(text).await;
        }
        self.say(&text);
        Ok(After::Go)
    }

    async fn replied(&mut self, reply: Reply, question: &Question, via: &str) -> Result<After, RunError> {
        if let Some(vote) = reply.vote(question, via) {
            match self.change(|machine, now| machine.vote(vote.clone(), now)).await {
                Err(RunError::Refused(Refused::Illegal(reason))) => {
                    let text = format!("the answer of {} does not count: {reason}", reply.principal);
                    self.say(&text);
                    self.tell(NoticeKind::NotTaken, None, text).await;
                    // Asking the same again would bring the same.
                    self.silent = true;
                }
                done => done?,
            }
            return Ok(After::Go);
        }
        let (by, say) = (reply.principal.clone(), reply.say.clone());
        if let Say::Stop(reason) = say {
            let reason = reason.unwrap_or_else(|| "stopped by a reviewer".to_owned());
            self.change(|machine, now| machine.stop(by.clone(), reason.clone(), now)).await?;
            return Ok(After::Go);
        }
        self.change(|machine, now| machine.remark(by.clone(), say.clone(), now)).await?;
        match reply.say {
            Say::Explain(step) => {
                let text = words::explanation(self.machine.revision(), step);
                self.say(&text);
                self.tell(NoticeKind::Explained, step, text).await;
            }
            Say::Change { parameter, value } => {
                let flaws = match self.machine.revision().with_parameter(&parameter, value) {
                    Ok(plan) => self.next_revision(plan).await?.err(),
                    Err(flaw) => Some(vec![flaw]),
                };
                if let Some(flaws) = flaws {
                    let flaws: Vec<_> = flaws.iter().map(ToString::to_string).collect();
                    let text = format!("not changed: {}", flaws.join("; "));
                    self.say(&text);
                    self.tell(NoticeKind::NotTaken, None, text).await;
                }
            }
            // Only the agent can make of it what is meant.
            Say::Revise(text) => {
                self.say(&format!("{} asks for a change: {text}", reply.principal));
                return Ok(After::Rest);
            }
            // All of it is what every question has.
            _ => {}
        }
        Ok(After::Go)
    }
}
