//! Whether a reply may count: the checks that every approver makes before it hands one on. The
//! plan's machine makes them again; an approver makes them so that what cannot count does not end
//! the waiting for what can.

use guardrail_core::plan::{Asked, Principal, PrincipalKind, Question, Reply, Say, Shown};
use guardrail_core::record::Timestamp;

/// Why a reply does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// It answers another question.
    #[error("it answers another question")]
    AnotherQuestion,
    /// What was shown was not the whole plan.
    #[error("what was shown was not the whole plan, and nobody can say yes to a part")]
    Cut,
    /// The reviewer saw another text.
    #[error("the reviewer saw another text than the one that was to be shown")]
    AnotherText,
    /// The time to answer is over.
    #[error("it came too late")]
    Late,
    /// The reviewer has no name that can be seen.
    #[error("the reviewer has no name")]
    Nobody,
    /// It comes from an agent.
    #[error("agents do not vote")]
    Agent,
    /// The reviewer is the one who asks, or could be taken for them.
    #[error("the one who asks does not vote, and nobody who could be taken for them")]
    Requester,
    /// The reviewer, or somebody who could be taken for them, has said yes already.
    #[error("the reviewer has said yes already")]
    Twice,
    /// The owner of the session may give the first yes and no later one.
    #[error("the owner of the session may give the first yes and no later one")]
    OwnerLater,
}

/// Whether a reply to a question may count at `now`.
///
/// A no counts even where it is late or where the text was cut: refusing needs less than agreeing.
///
/// # Errors
///
/// [`Unfit`] says why it does not count.
///
/// ```
/// use guardrail_approve::{Unfit, admit};
/// use guardrail_core::plan::{Principal, Say};
/// # use guardrail_approve::conformance;
///
/// let question = conformance::question();
/// let yes = question.reply(Principal::person("anna"), Say::Approve(None), question.asked_at);
/// assert_eq!(admit(&question, &yes, question.asked_at), Ok(()));
/// let own = question.reply(question.requester.clone(), Say::Approve(None), question.asked_at);
/// assert_eq!(admit(&question, &own, question.asked_at), Err(Unfit::Agent));
/// ```
pub fn admit(question: &Question, reply: &Reply, now: Timestamp) -> Result<(), Unfit> {
    if reply.question != question.id {
        return Err(Unfit::AnotherQuestion);
    }
    fits(question, reply, now)
}

/// As [`admit`], for a reply that is known to answer the question, or one that was put before with
/// the same digest and the same text.
pub(crate) fn fits(question: &Question, reply: &Reply, now: Timestamp) -> Result<(), Unfit> {
    may_speak(question, &reply.principal)?;
    if matches!(reply.say, Say::Reject(_)) {
        return Ok(());
    }
    if now > question.answer_by {
        return Err(Unfit::Late);
    }
    if !matches!(reply.say, Say::Approve(_)) {
        return Ok(());
    }
    if !question.complete {
        return Err(Unfit::Cut);
    }
    if reply.shown != question.shown {
        return Err(Unfit::AnotherText);
    }
    may_agree(question, &reply.principal)
}

/// Whether somebody may answer at all.
pub(crate) fn may_speak(question: &Question, principal: &Principal) -> Result<(), Unfit> {
    if principal.is_nobody() {
        return Err(Unfit::Nobody);
    }
    if principal.kind == PrincipalKind::Agent {
        return Err(Unfit::Agent);
    }
    if principal.is_namesake(&question.requester) {
        return Err(Unfit::Requester);
    }
    Ok(())
}

/// Whether somebody who may speak may say yes, after those who have.
pub(crate) fn may_agree(question: &Question, principal: &Principal) -> Result<(), Unfit> {
    if question.approved_by.iter().any(|voter| voter.is_namesake(principal)) {
        return Err(Unfit::Twice);
    }
    let owns = question.owner.as_ref().is_some_and(|owner| owner.is_namesake(principal));
    if owns && !question.approved_by.is_empty() {
        return Err(Unfit::OwnerLater);
    }
    Ok(())
}

/// What there is to say to a question before anybody is asked; `None` where it may be put.
pub(crate) fn beforehand(question: &Question, name: &str, now: Timestamp) -> Option<Asked> {
    if !question.need.allows_channel(name) {
        return Some(Asked::NoChannel(format!("the policy lets nobody be asked in `{name}`")));
    }
    if Shown::digest_of(&question.text) != question.shown {
        return Some(Asked::NoChannel(
            "the text of the question is not the one that was recorded".to_owned(),
        ));
    }
    (now > question.answer_by).then_some(Asked::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::question;

    fn of(question: &Question, name: &str, say: Say) -> Reply {
        question.reply(Principal::person(name), say, question.asked_at)
    }

    #[test]
    fn what_cannot_count_does_not() {
        let now = question().asked_at;
        let yes = || Say::Approve(None);
        let check = |change: &dyn Fn(&mut Question, &mut Reply)| {
            let mut question = question();
            let mut reply = of(&question, "anna", yes());
            change(&mut question, &mut reply);
            admit(&question, &reply, now)
        };
        assert_eq!(check(&|_, _| ()), Ok(()));
        let other = guardrail_core::plan::Digest::of_content(b"");
        assert_eq!(check(&|_, reply| reply.question = uuid::Uuid::nil()), Err(Unfit::AnotherQuestion));
        assert_eq!(check(&|_, reply| reply.shown = other), Err(Unfit::AnotherText));
        assert_eq!(check(&|question, _| question.complete = false), Err(Unfit::Cut));
        assert_eq!(
            check(&|question, _| question.answer_by = now - chrono::TimeDelta::seconds(1)),
            Err(Unfit::Late)
        );
        assert_eq!(check(&|_, reply| reply.principal.name = "\u{200b}".into()), Err(Unfit::Nobody));
        assert_eq!(check(&|_, reply| reply.principal.kind = PrincipalKind::Agent), Err(Unfit::Agent));
        assert_eq!(
            check(&|question, _| question.requester = Principal::agent("\u{430}nna")),
            Err(Unfit::Requester)
        );
        assert_eq!(
            check(&|question, _| question.approved_by = vec![Principal::service("ANNA")]),
            Err(Unfit::Twice)
        );
        let owned = |question: &mut Question, others: &[&str]| {
            question.owner = Some(Principal::person("anna"));
            question.approved_by = others.iter().map(|name| Principal::person(*name)).collect();
        };
        assert_eq!(check(&|question, _| owned(question, &[])), Ok(()));
        assert_eq!(check(&|question, _| owned(question, &["bert"])), Err(Unfit::OwnerLater));
    }

    #[test]
    fn a_no_needs_less() {
        let mut question = question();
        question.complete = false;
        question.answer_by = question.asked_at - chrono::TimeDelta::seconds(1);
        question.approved_by = vec![Principal::person("anna")];
        let no = of(&question, "anna", Say::Reject(None));
        assert_eq!(admit(&question, &no, question.asked_at), Ok(()));
        let own = of(&question, &question.requester.name.clone(), Say::Reject(None));
        assert_eq!(admit(&question, &own, question.asked_at), Err(Unfit::Requester));
    }

    #[test]
    fn a_question_that_was_tampered_with_is_not_put() {
        let mut question = question();
        let now = question.asked_at;
        assert_eq!(beforehand(&question, "x", now), None);
        question.text.push(' ');
        assert!(matches!(beforehand(&question, "x", now), Some(Asked::NoChannel(_))));
    }
}
