//! When something went wrong: what is known of a command that is in doubt, and the way back.

use guardrail_core::Risk;
use guardrail_core::plan::{
    Asked, Check, Machine, Need, NoticeKind, Part, PrincipalKind, Question, QuestionCommand, Reply, Say,
    Shape, Shown, Slot, StopLevel,
};

use super::drive::{After, Drive};
use super::observer::News;
use super::{RunError, words};

/// How often the way back is offered to somebody who answers with neither yes nor no.
const MOST_OFFERS: u32 = 8;

impl Drive<'_> {
    /// Runs the checks behind a command that is in doubt, so that whoever settles it knows what can
    /// be known. They only look.
    pub(super) async fn look_at_doubt(&mut self) -> Result<(), RunError> {
        let Some(doubt) = self.machine.life().in_doubt() else { return Ok(()) };
        let part = if doubt.slot.part == Part::Rollback { Part::RollbackCheck } else { Part::Post };
        let of_doubt = |slot: &Slot| slot.step == doubt.slot.step && slot.part == part;
        let slots: Vec<_> = self
            .machine
            .revision()
            .commands()
            .iter()
            .map(|prepared| prepared.slot)
            .filter(of_doubt)
            .collect();
        let mut found = Vec::new();
        for slot in slots {
            let title = words::title(self.machine.revision(), slot);
            let result = match self.command(slot, true).await {
                Ok(Some(execution)) => {
                    let prepared = self.machine.revision().command(slot);
                    let failures = prepared.map_or_else(Vec::new, |prepared| {
                        let (command, expect) = (prepared.command.clone(), prepared.expect.clone());
                        Check { name: title.clone(), command, expect }.failures(&execution)
                    });
                    if failures.is_empty() { "holds".to_owned() } else { failures.join("; ") }
                }
                // What cannot be looked at stays unknown.
                Ok(None) => "could not be looked at".to_owned(),
                Err(RunError::Refused(refused)) => refused.to_string(),
                Err(error) => return Err(error),
            };
            found.push(format!("{title}: {result}"));
        }
        let mut text = format!("nobody knows whether {} was done: a person has to say", doubt.slot);
        #[cfg(target_os = "linux")]
        if let alive @ [_, ..] = crate::survivors(doubt.id).as_slice() {
            let alive: Vec<_> = alive.iter().map(ToString::to_string).collect();
            found.push(format!("it still runs here: process {}", alive.join(", ")));
        }
        for line in found {
            text.push_str("\n  ");
            text.push_str(&line);
        }
        self.say(&text);
        self.tell(NoticeKind::InDoubt, doubt.slot.step, text).await;
        Ok(())
    }

    /// Offers the way back, and takes it on a yes.
    pub(super) async fn offer(&mut self) -> Result<After, RunError> {
        if self.offered {
            return Ok(After::Rest);
        }
        self.offered = true;
        let text = self.offer_text();
        self.tell(NoticeKind::RollbackSuggested, None, text.clone()).await;
        let parts = &self.runner.parts;
        let need = self.machine.revision().need();
        let Some(approver) = parts.approver.clone().filter(|approver| need.allows_channel(approver.name()))
        else {
            return Ok(After::Rest);
        };
        if self.heeded >= StopLevel::End {
            return Ok(After::Rest);
        }
        for _ in 0..MOST_OFFERS {
            let question = self.offer_question(&text);
            let details = serde_json::json!({ "question": question.id, "shown": question.shown });
            self.note("the way back was offered", details).await?;
            self.observer.saw(&News::Asking(&question));
            let waits = |machine: &Machine| machine.life().can_roll_back();
            let answer = self.answer(&*approver, &question, waits).await?;
            let Some(Asked::Replied(reply)) = answer else {
                // Others may have said yes by another door.
                self.refresh().await?;
                return Ok(if self.machine.life().can_roll_back() { After::Rest } else { After::Go });
            };
            if let Some(wrong) = self.wrong_with(&reply, &question) {
                self.say(&wrong);
                self.tell(NoticeKind::NotTaken, None, wrong).await;
                return Ok(After::Rest);
            }
            match &reply.say {
                Say::Approve(_) => {
                    let by = reply.principal.clone();
                    self.change(|machine, now| machine.roll_back(by.clone(), now)).await?;
                    return Ok(After::Go);
                }
                Say::Explain(step) => {
                    let text = words::explanation(self.machine.revision(), *step);
                    self.say(&text);
                    self.tell(NoticeKind::Explained, *step, text).await;
                }
                Say::Show => {}
                other => {
                    let (by, say) = (reply.principal.clone(), other.clone());
                    self.change(|machine, now| machine.remark(by.clone(), say.clone(), now)).await?;
                    return Ok(After::Rest);
                }
            }
        }
        Ok(After::Rest)
    }

    /// Why a reply to an offer does not count, in a sentence.
    fn wrong_with(&self, reply: &Reply, question: &Question) -> Option<String> {
        let critical = self.machine.revision().risk() == Risk::Critical;
        let who = &reply.principal;
        let wrong = if reply.question != question.id || reply.shown != question.shown || !question.complete {
            "it answers something else than what was asked"
        } else if self.now() > question.answer_by {
            "it came too late"
        } else if who.kind == PrincipalKind::Agent
            || who.name.trim().is_empty()
            || who.is_namesake(&question.requester)
        {
            "the requester and other agents do not decide"
        } else if critical && who.kind != PrincipalKind::Person {
            "only a person decides about what is critical"
        } else {
            return None;
        };
        Some(format!("the answer of {who} does not count: {wrong}"))
    }

    /// The commands of the way back, in the order in which they would run.
    fn way_back(&self) -> Vec<Slot> {
        Shape::of(self.machine.revision().plan()).backward(self.machine.life().undoable())
    }

    fn offer_text(&self) -> String {
        let revision = self.machine.revision();
        let redactor = &self.runner.parts.redactor;
        let mut text = format!("{} is {}", revision.id(), self.machine.state());
        if let Some(slot) = self.last {
            text.push_str(&format!(" (last: {slot}, {})", words::title(revision, slot)));
        }
        text.push_str("\nUndo what was done? This would run, in this order:\n");
        for slot in self.way_back() {
            let Some(prepared) = revision.command(slot) else { continue };
            let command = words::plain(redactor, &prepared.command.typed());
            text.push_str(&format!("  {slot}  [{}]\n", prepared.evaluation.risk));
            for line in command.lines() {
                text.push_str(&format!("    {line}\n"));
            }
        }
        text
    }

    fn offer_question(&self, text: &str) -> Question {
        let revision = self.machine.revision();
        let parts = &self.runner.parts;
        let now = self.now();
        let seconds = i64::try_from(revision.plan().times.approval_seconds).unwrap_or(i64::MAX);
        let window = chrono::TimeDelta::try_seconds(seconds);
        let answer_by = window.and_then(|window| now.checked_add_signed(window)).unwrap_or(now);
        let commands = self.way_back().into_iter().filter_map(|slot| revision.command(slot));
        Question {
            id: (parts.ids)(),
            plan: revision.id(),
            revision: revision.number(),
            digest: revision.digest(),
            title: words::plain(&parts.redactor, &format!("Undo: {}", revision.plan().title)),
            reason: words::plain(&parts.redactor, &format!("the plan is {}", self.machine.state())),
            risk: revision.risk(),
            need: Need {
                approvers: 1,
                people: u8::from(revision.risk() == Risk::Critical),
                channels: revision.need().channels.clone(),
                ..Need::default()
            },
            approved_by: Vec::new(),
            requester: revision.origin().requester.clone(),
            owner: revision.origin().owner.clone(),
            text: text.to_owned(),
            shown: Shown::digest_of(text),
            complete: text.len() <= parts.text_bytes,
            commands: commands
                .map(|prepared| QuestionCommand {
                    slot: prepared.slot,
                    text: words::plain(&parts.redactor, &prepared.command.typed()),
                    evaluation: prepared.evaluation.clone(),
                })
                .collect(),
            asked_at: now,
            answer_by,
        }
    }
}
