//! Up to the approval: revisions, questions and votes.

use super::{Illegal, Life, Question, Stage, illegal};
use crate::Risk;
use crate::plan::approver::{Choice, PrincipalKind, Vote};
use crate::plan::event::RevisionContent;
use crate::plan::state::State;
use crate::record::Timestamp;

impl Life {
    pub(super) fn drafted(&mut self, content: &RevisionContent) -> Result<(), Illegal> {
        if !matches!(self.stage, Stage::New | Stage::Draft) || content.number != 1 {
            return illegal("it is no draft any more");
        }
        self.drop_look();
        self.stage = Stage::Draft;
        self.content = Some(content.clone());
        Ok(())
    }

    pub(super) fn proposed(&mut self, content: &RevisionContent) -> Result<(), Illegal> {
        let number = match (self.stage, &self.content) {
            (Stage::New | Stage::Draft, _) => 1,
            (_, Some(before)) => before.number.saturating_add(1),
            _ => return illegal("there is no plan yet"),
        };
        if self.stage != Stage::New && !self.is_untouched() {
            return illegal("something of it was done, or it is over");
        }
        if content.number != number {
            return illegal(format!("the next revision is {number}, and not {}", content.number));
        }
        if self.content.as_ref().is_some_and(|before| {
            before.id != content.id || before.requester != content.requester || before.owner != content.owner
        }) {
            return illegal("another revision is of the same plan, and by the same requester");
        }
        let dropped = self.in_flight.map(|flight| flight.id).or(self.dropped);
        *self = Self {
            stage: Stage::Proposed,
            forward: content.shape.forward(),
            content: Some(content.clone()),
            dropped,
            ..Self::default()
        };
        Ok(())
    }

    pub(super) fn allowed(&mut self, at: Timestamp) -> Result<(), Illegal> {
        let nothing = self
            .content
            .as_ref()
            .is_some_and(|content| content.need.is_nothing() && content.risk == Risk::Low);
        if self.stage != Stage::Proposed || !nothing {
            return illegal("somebody has to be asked");
        }
        self.go(at);
        Ok(())
    }

    pub(super) fn go(&mut self, at: Timestamp) {
        self.drop_look();
        self.stage = Stage::Going;
        self.moved_at = Some(at);
    }

    pub(super) fn ask(&mut self, question: Question, via: &str, answer_by: Timestamp) -> Result<(), Illegal> {
        if !matches!(self.stage, Stage::Proposed | Stage::Awaiting) {
            return illegal(format!("it is {}", self.state()));
        }
        if !self.content.as_ref().is_some_and(|content| content.need.allows_channel(via)) {
            return illegal("the policy does not let anybody be asked there");
        }
        if self.asked.iter().any(|asked| asked.id == question.id) {
            return illegal("this question was asked before");
        }
        self.stage = Stage::Awaiting;
        self.asked.push(question);
        // Asking again does not give more time.
        self.answer_by.get_or_insert(answer_by);
        Ok(())
    }

    pub(super) fn voted(&mut self, vote: &Vote, at: Timestamp) -> Result<(), Illegal> {
        let (Stage::Awaiting, Some(content)) = (self.stage, &self.content) else {
            return illegal(format!("it is too late or too early for that: it is {}", self.state()));
        };
        if vote.digest != content.digest {
            return illegal("the vote is for another revision");
        }
        let Some(asked) = self.asked.iter().find(|asked| asked.id == vote.question) else {
            return illegal("the vote answers a question that was not asked");
        };
        if vote.principal.is_nobody() {
            return illegal("the voter has no name");
        }
        if vote.principal.kind == PrincipalKind::Agent || vote.principal.is_namesake(&content.requester) {
            return illegal("the requester and other agents do not vote");
        }
        if vote.choice == Choice::Reject {
            return self.rest(State::Rejected);
        }
        if self.answer_by.is_none_or(|until| at > until) {
            return illegal("the vote came too late");
        }
        if !content.need.allows_channel(&vote.via) {
            return illegal("the policy takes no yes from there");
        }
        if !asked.complete {
            return illegal("what was shown was not the whole plan");
        }
        if asked.shown != vote.shown {
            return illegal("what the voter saw is not what was to be shown");
        }
        if self.yes.iter().any(|voter| voter.is_namesake(&vote.principal)) {
            return illegal("the voter has said yes before");
        }
        let owns = content.owner.as_ref().is_some_and(|owner| owner.is_namesake(&vote.principal));
        if owns && !self.yes.is_empty() {
            return illegal("the owner of the session may give the first yes and no later one");
        }
        let need = &content.need;
        let critical = content.risk == Risk::Critical;
        self.yes.push(vote.principal.clone());
        self.roles.extend(vote.roles.iter().filter(|role| need.roles.contains(*role)).cloned());
        let people = self.yes.iter().filter(|voter| voter.kind == PrincipalKind::Person).count();
        // Whatever a configuration asks for, somebody says yes, and to what is critical a person.
        let enough = self.yes.len() >= usize::from(need.approvers.max(1))
            && people >= usize::from(need.people.max(u8::from(critical)))
            && need.roles.is_subset(&self.roles);
        if enough {
            self.go(at);
        }
        Ok(())
    }
}
