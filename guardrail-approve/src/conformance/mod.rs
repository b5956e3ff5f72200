//! What every [`Approver`] must hold, as checks that an author of one can run.
//!
//! Tell the suite by a [`Bench`] how your approver is set up and, as far as you can bring that about,
//! how its reviewers answer, well and badly. What a bench cannot do is reported as not tested, and
//! never as held.
//!
//! ```
//! use std::sync::Arc;
//!
//! use guardrail_approve::conformance::{Act, Bench, Scene, Who, check};
//! use guardrail_approve::{Inbox, block_on};
//! use guardrail_core::plan::{Approver, Principal, Question, Say};
//!
//! struct Window(Inbox);
//!
//! impl Scene for Window {
//!     fn approver(&self) -> &dyn Approver {
//!         &self.0
//!     }
//!     fn reviewer(&self, who: Who) -> Principal {
//!         Principal::person(if who == Who::First { "anna" } else { "bert" })
//!     }
//!     fn act(&self, question: &Question, who: Who, act: Act) -> bool {
//!         let say = match act {
//!             Act::Approve => Say::Approve(None),
//!             Act::Reject => Say::Reject(None),
//!             _ => return false,
//!         };
//!         while self.0.open().is_empty() && guardrail_approve::conformance::is_open(question) {
//!             std::thread::yield_now();
//!         }
//!         let _ = self.0.answer(question.reply(self.reviewer(who), say, question.asked_at));
//!         true
//!     }
//! }
//!
//! struct Windows;
//!
//! impl Bench for Windows {
//!     fn scene(&self) -> Box<dyn Scene> {
//!         Box::new(Window(Inbox::new("window")))
//!     }
//! }
//!
//! # if false { // a minute is long for an example
//! let report = check(&Windows);
//! assert!(report.holds(), "{report}");
//! # }
//! ```

mod checks;
#[cfg(test)]
mod example;

use chrono::TimeDelta;
pub use guardrail_core::conformance::{Outcome, Report};
use guardrail_core::plan::{
    Approver, Digest, Need, PlanId, Principal, Question, QuestionCommand, Shown, Slot,
};
use guardrail_core::{Guard, Request};
use uuid::Uuid;

use crate::wait::now;

/// How scenes are set up. Only [`scene`](Self::scene) is required.
pub trait Bench: Sync {
    /// An approver with its reviewers, set up anew.
    fn scene(&self) -> Box<dyn Scene>;

    /// One whose channel is gone; `None` where that cannot be brought about.
    fn lost(&self) -> Option<Box<dyn Scene>> {
        None
    }

    /// A question to which it can get a yes.
    fn question(&self) -> Question {
        question()
    }
}

/// An approver, and those who answer.
pub trait Scene: Sync {
    /// The approver.
    fn approver(&self) -> &dyn Approver;

    /// As whom somebody's answers count.
    fn reviewer(&self, who: Who) -> Principal;

    /// Lets somebody act upon a question while it is being asked, on another thread: it first waits
    /// until the question is there, for as long as [`is_open`]. `false` where it cannot be brought
    /// about.
    fn act(&self, question: &Question, who: Who, act: Act) -> bool;

    /// Whether it waits for somebody. One that decides by itself is asked after an act and not
    /// while it happens.
    fn waits(&self) -> bool {
        true
    }
}

/// Two reviewers, who are distinct people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// One.
    First,
    /// The other.
    Second,
}

/// What a reviewer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// Says yes.
    Approve,
    /// Says no.
    Reject,
    /// Sends something that is no answer.
    Garbage,
    /// Says yes to another question, by what the channel has to tell questions apart.
    AnotherQuestion,
    /// Says yes to another revision's digest, as an answer to this question.
    AnotherDigest,
    /// Says yes to another text, as an answer to this question.
    AnotherText,
    /// Somebody who is no reviewer says yes.
    Stranger,
    /// The reviewer's right is taken away, and they say yes.
    Revoked,
    /// The very same bytes that once said yes come again.
    Replay,
}

/// Runs every check, each on a scene of its own. All at once, since most of them wait for silence.
#[must_use]
pub fn check(bench: &dyn Bench) -> Report {
    let run = |check: checks::Check| match check(bench) {
        Ok(()) => Outcome::Held,
        Err(checks::Stop::Broken(how)) => Outcome::Broken(how),
        Err(checks::Stop::Untested) => Outcome::Untested,
    };
    let findings = std::thread::scope(|scope| {
        let running: Vec<_> =
            checks::ALL.iter().map(|(clause, check)| (*clause, scope.spawn(move || run(*check)))).collect();
        let ended = |(clause, run): (&'static str, std::thread::ScopedJoinHandle<'_, Outcome>)| {
            (clause, run.join().unwrap_or_else(|_| Outcome::Broken("it panicked".to_owned())))
        };
        running.into_iter().map(ended).collect()
    });
    Report::new(findings)
}

/// A question about a plan of one command of medium risk, that needs one yes and may be answered for
/// half a minute from now. Each is about another plan.
#[must_use]
pub fn question() -> Question {
    question_for("kubectl -n shop scale deployment/api --replicas=5")
}

/// The same about another command.
#[must_use]
pub fn question_for(command: &str) -> Question {
    let asked_at = now();
    let evaluation = Guard::new().evaluate(&Request::shell(command).cwd("/srv"));
    let plan = PlanId::new(asked_at.date_naive(), 1, Uuid::new_v4());
    let digest = Digest::of_content(plan.uuid.as_bytes());
    let text = format!("{plan:?}\nScale the API\nits reason: it is slow\n  $ {command}\ndigest: {digest}\n");
    Question {
        id: Uuid::new_v4(),
        plan,
        revision: 1,
        digest,
        title: "Scale the API".to_owned(),
        reason: "it is slow".to_owned(),
        risk: evaluation.risk,
        need: Need { approvers: 1, ..Need::default() },
        approved_by: Vec::new(),
        requester: Principal::agent("helper"),
        owner: None,
        shown: Shown::digest_of(&text),
        text,
        complete: true,
        commands: vec![QuestionCommand { slot: Slot::action(1), text: command.to_owned(), evaluation }],
        asked_at,
        answer_by: asked_at + TimeDelta::seconds(30),
    }
}

/// Whether there is still time to answer a question.
#[must_use]
pub fn is_open(question: &Question) -> bool {
    now() < question.answer_by
}
