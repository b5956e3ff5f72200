//! Typed replies, alone and behind a chain or a quorum.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use guardrail_approve::conformance::{Act, Bench, Scene, Who, is_open};
use guardrail_approve::{AutoApprover, Chain, Inbox, Quorum};
use guardrail_core::plan::{Approver, Digest, Principal, Question, Reply, Say};
use uuid::Uuid;

use super::person;

/// An inbox alone.
pub(crate) struct Inboxes;
/// A chain whose first member can never say yes to what is asked.
pub(crate) struct Chains;
/// A quorum with one inbox for all.
pub(crate) struct Quorums;

struct Boxed {
    inbox: Arc<Inbox>,
    front: Box<dyn Approver>,
    /// Whether the front knows who may vote.
    listed: bool,
    last: Mutex<Option<Reply>>,
}

fn boxed(listed: bool, front: impl FnOnce(Arc<Inbox>) -> Box<dyn Approver>) -> Box<dyn Scene> {
    let inbox = Arc::new(Inbox::new("window"));
    Box::new(Boxed { front: front(Arc::clone(&inbox)), inbox, listed, last: Mutex::default() })
}

impl Scene for Boxed {
    fn approver(&self) -> &dyn Approver {
        &*self.front
    }

    fn reviewer(&self, who: Who) -> Principal {
        person(who)
    }

    fn act(&self, question: &Question, who: Who, act: Act) -> bool {
        let other = Digest::of_content(b"other");
        let mut reply = question.reply(person(who), Say::Approve(None), question.asked_at);
        match act {
            Act::Approve => {}
            Act::Reject => reply.say = Say::Reject(None),
            Act::AnotherQuestion => reply.question = Uuid::new_v4(),
            Act::AnotherText => reply.shown = other,
            Act::Stranger if self.listed => reply.principal = Principal::person("eve"),
            Act::Replay => reply = self.last.lock().unwrap().clone().unwrap(),
            _ => return false,
        }
        // Whoever answers second may find that the first answer was taken, and nobody waits right now.
        let first = self.last.lock().unwrap().as_ref().is_none_or(|last| last.question != question.id);
        while first && self.inbox.open().is_empty() && is_open(question) {
            thread::sleep(Duration::from_millis(2));
        }
        let _ = self.inbox.answer(reply.clone());
        *self.last.lock().unwrap() = Some(reply);
        true
    }
}

impl Bench for Inboxes {
    fn scene(&self) -> Box<dyn Scene> {
        boxed(false, |inbox| {
            struct Alone(Arc<Inbox>);
            #[async_trait::async_trait]
            impl Approver for Alone {
                fn name(&self) -> &str {
                    self.0.name()
                }
                async fn ask(&self, question: &Question) -> guardrail_core::plan::Asked {
                    self.0.ask(question).await
                }
            }
            Box::new(Alone(inbox))
        })
    }
}

impl Bench for Chains {
    fn scene(&self) -> Box<dyn Scene> {
        boxed(false, |inbox| {
            // Nobody ever answers in the second, and the third is asked long behind the deadline.
            let silent = Arc::new(Inbox::new("silent"));
            let late = Arc::new(Inbox::new("late"));
            Box::new(
                Chain::of(Arc::new(AutoApprover))
                    .then(Duration::from_secs(3600), inbox)
                    .then(Duration::ZERO, silent)
                    .then(Duration::from_secs(3600), late),
            )
        })
    }

    fn lost(&self) -> Option<Box<dyn Scene>> {
        Some(boxed(false, |_| Box::new(Chain::of(Arc::new(AutoApprover)))))
    }
}

impl Bench for Quorums {
    fn scene(&self) -> Box<dyn Scene> {
        boxed(true, |inbox| Box::new(Quorum::of([person(Who::First), person(Who::Second)]).asks(inbox)))
    }

    fn lost(&self) -> Option<Box<dyn Scene>> {
        Some(boxed(true, |_| Box::new(Quorum::of([person(Who::First)]))))
    }
}
