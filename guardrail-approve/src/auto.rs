//! Those who need nobody: yes to what only reads, and no to everything.

use async_trait::async_trait;
use guardrail_core::plan::{Approver, Asked, Principal, Question, Say};
use guardrail_core::{Decision, Risk};

use crate::admit::{admit, beforehand};
use crate::wait::now;

/// Says yes to plans of which every command is [`Risk::Low`], wholly known, and not denied; for
/// anything else it is no channel, so that a [`Chain`](crate::Chain) asks somebody else.
///
/// Its yes is that of a service. It never counts as a person's, and a plan of which the policy asks
/// nothing does not need it: it is for policies that ask for a yes to reads too.
///
/// **How would an agent get past it?** It decides by the evaluation alone, which the agent does not
/// write. What it can do is to have something judged Low that is not: that is the knowledge's and
/// the policy's affair.
#[derive(Clone, Copy, Debug, Default)]
pub struct AutoApprover;

#[async_trait]
impl Approver for AutoApprover {
    fn name(&self) -> &'static str {
        "auto"
    }

    async fn ask(&self, question: &Question) -> Asked {
        let now = now();
        if let Some(asked) = beforehand(question, self.name(), now) {
            return asked;
        }
        let harmless = question.risk == Risk::Low
            && !question.commands.is_empty()
            && question.commands.iter().all(|command| {
                let evaluation = &command.evaluation;
                evaluation.risk == Risk::Low && !evaluation.unknown && evaluation.decision != Decision::Deny
            });
        if !harmless {
            return Asked::NoChannel("only what reads is approved without a person".to_owned());
        }
        let reason = "every command of it only reads".to_owned();
        let reply = question.reply(Principal::service("auto"), Say::Approve(Some(reason)), now);
        match admit(question, &reply, now) {
            Ok(()) => Asked::Replied(reply),
            Err(unfit) => Asked::NoChannel(unfit.to_string()),
        }
    }
}

/// Says no to everything.
///
/// **How would an agent get past it?** It would not: a no is final for its plan, whoever else was
/// asked. An operator who wants others asked leaves it out of their chain.
#[derive(Clone, Copy, Debug, Default)]
pub struct DenyAll;

#[async_trait]
impl Approver for DenyAll {
    fn name(&self) -> &'static str {
        "deny-all"
    }

    async fn ask(&self, question: &Question) -> Asked {
        let reason = "everything that has to be asked is refused here".to_owned();
        let who = Principal::service("deny-all");
        Asked::Replied(question.reply(who, Say::Reject(Some(reason)), now()))
    }
}
