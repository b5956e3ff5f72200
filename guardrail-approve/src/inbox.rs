//! Answers that come in by a door of the host: its own window, chat or web page. The approver waits,
//! the host hands in what an authenticated person said.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::task::{Poll, Waker};

use async_trait::async_trait;
use guardrail_core::plan::{Approver, Asked, Digest, Question, Reply, Say};
use uuid::Uuid;

use crate::admit::{Unfit, beforehand, fits};
use crate::wait::{before, lock, moment, now};

/// How many answers to one question wait to be taken.
const MOST_ANSWERS: usize = 64;

/// An approver for hosts that have their own way of talking to people.
///
/// [`ask`](Approver::ask) waits; [`open`](Self::open) gives what waits, to be shown whole; and
/// [`answer`](Self::answer) takes what somebody said whom the host has authenticated. Of several
/// answers each is given out by one call of `ask`, so that each is recorded before the next.
///
/// **How would an agent get past it?** By calling `answer`, or by acting as a person in the host's
/// window. The inbox must not be within an agent's reach, and its name in a reply must come from
/// the host's own login, never from the text of a message.
///
/// ```
/// use guardrail_approve::{Inbox, block_on, conformance};
/// use guardrail_core::plan::{Approver, Asked, Principal, Say};
///
/// let inbox = std::sync::Arc::new(Inbox::new("window"));
/// let question = conformance::question();
/// let window = std::sync::Arc::clone(&inbox);
/// let person = std::thread::spawn(move || loop {
///     if let Some(open) = window.open().first() {
///         println!("{}", open.text);
///         let yes = open.reply(Principal::person("anna"), Say::Approve(None), open.asked_at);
///         break window.answer(yes).unwrap();
///     }
/// });
/// assert!(matches!(block_on(inbox.ask(&question)), Asked::Replied(_)));
/// person.join().unwrap();
/// ```
#[derive(Debug)]
pub struct Inbox {
    name: String,
    matters: Mutex<Matters>,
}

/// Why an answer was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotTaken {
    /// Nobody waits for an answer to that question.
    #[error("there is no such question, or it is over")]
    NoSuchQuestion,
    /// It cannot count.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// Too many answers to it wait to be taken.
    #[error("there are too many answers to it already")]
    Full,
}

/// What is decided about: one revision, as one text. Questions about it may be put several times.
pub(crate) type Matter = (Uuid, Digest, Digest);

pub(crate) const fn matter(question: &Question) -> Matter {
    (question.plan.uuid, question.digest, question.shown)
}

#[derive(Debug, Default)]
struct Matters {
    open: BTreeMap<Matter, Open>,
    ids: BTreeMap<Uuid, Matter>,
}

#[derive(Debug)]
struct Open {
    question: Question,
    ids: Vec<Uuid>,
    answers: VecDeque<Reply>,
    wakers: Vec<Waker>,
    waiting: usize,
}

impl Matters {
    fn close(&mut self, matter: &Matter) {
        if let Some(open) = self.open.remove(matter) {
            self.ids.retain(|id, _| !open.ids.contains(id));
            open.wakers.into_iter().for_each(Waker::wake);
        }
    }
}

/// Says that a call of `ask` waits, for as long as it does.
struct Waiting<'i>(&'i Inbox, Matter);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(open) = lock(&self.0.matters).open.get_mut(&self.1) {
            open.waiting = open.waiting.saturating_sub(1);
        }
    }
}

impl Inbox {
    /// An inbox of this name, by which policies know it as a channel.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), matters: Mutex::default() }
    }

    /// The questions that wait for an answer.
    #[must_use]
    pub fn open(&self) -> Vec<Question> {
        let matters = lock(&self.matters);
        matters.open.values().filter(|open| open.waiting > 0).map(|open| open.question.clone()).collect()
    }

    /// Takes an answer. That it is taken does not mean that it counts: the plan may be over.
    ///
    /// # Errors
    ///
    /// [`NotTaken`] says why it was not.
    pub fn answer(&self, reply: Reply) -> Result<(), NotTaken> {
        let now = now();
        let mut matters = lock(&self.matters);
        let matter = matters.ids.get(&reply.question).copied().ok_or(NotTaken::NoSuchQuestion)?;
        let open = matters.open.get_mut(&matter).ok_or(NotTaken::NoSuchQuestion)?;
        fits(&open.question, &reply, now)?;
        let agrees = |reply: &Reply| matches!(reply.say, Say::Approve(_));
        let again = |before: &Reply| agrees(before) && before.principal.is_namesake(&reply.principal);
        if agrees(&reply) && open.answers.iter().any(again) {
            return Err(Unfit::Twice.into());
        }
        if matches!(reply.say, Say::Reject(_) | Say::Stop(_)) {
            // A no is heard first, whatever else waits.
            open.answers.push_front(reply);
        } else if open.answers.len() < MOST_ANSWERS {
            open.answers.push_back(reply);
        } else {
            return Err(NotTaken::Full);
        }
        let wakers = std::mem::take(&mut open.wakers);
        drop(matters);
        wakers.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// The question that has this id, while it is open.
    #[cfg_attr(not(feature = "webhook"), allow(dead_code, reason = "callbacks ask for it"))]
    pub(crate) fn question(&self, id: Uuid) -> Option<Question> {
        let matters = lock(&self.matters);
        let open = matters.open.get(matters.ids.get(&id)?)?;
        Some(open.question.clone())
    }

    /// Opens a question, and closes all that is over. Gives whether nobody was asked about this
    /// text of this revision before.
    pub(crate) fn enter(&self, question: &Question) -> bool {
        let now = now();
        let this = matter(question);
        let mut matters = lock(&self.matters);
        let is_over = |(matter, open): (&Matter, &Open)| {
            let another = matter.0 == this.0 && *matter != this;
            (another || open.question.answer_by < now).then_some(*matter)
        };
        let over: Vec<Matter> = matters.open.iter().filter_map(is_over).collect();
        over.iter().for_each(|matter| matters.close(matter));
        matters.ids.insert(question.id, this);
        let mut new = false;
        let open = matters.open.entry(this).or_insert_with(|| {
            new = true;
            Open {
                question: question.clone(),
                ids: Vec::new(),
                answers: VecDeque::new(),
                wakers: Vec::new(),
                waiting: 0,
            }
        });
        open.question = question.clone();
        if !open.ids.contains(&question.id) {
            open.ids.push(question.id);
        }
        new
    }

    /// Waits for the next answer to a question that was entered.
    pub(crate) async fn wait(&self, question: &Question) -> Asked {
        let this = matter(question);
        if let Some(open) = lock(&self.matters).open.get_mut(&this) {
            open.waiting += 1;
        }
        let _waiting = Waiting(self, this);
        let next = std::future::poll_fn(|context| {
            let mut matters = lock(&self.matters);
            let Some(open) = matters.open.get_mut(&this) else {
                return Poll::Ready(Asked::NoChannel("another revision was put forward".to_owned()));
            };
            let now = now();
            while let Some(mut reply) = open.answers.pop_front() {
                // It may have been put under another id: the revision and the text are the same.
                reply.question = question.id;
                if fits(question, &reply, now).is_err() {
                    continue;
                }
                // Behind these there is nothing more to say to this text.
                if !matches!(reply.say, Say::Approve(_) | Say::Explain(_) | Say::Show) {
                    matters.close(&this);
                }
                return Poll::Ready(Asked::Replied(reply));
            }
            open.wakers.push(context.waker().clone());
            Poll::Pending
        });
        before(moment(question.answer_by), next).await.unwrap_or(Asked::TimedOut)
    }

    /// Closes a question that could not be delivered.
    #[cfg_attr(not(feature = "webhook"), allow(dead_code, reason = "deliveries fail"))]
    pub(crate) fn close(&self, question: &Question) {
        lock(&self.matters).close(&matter(question));
    }
}

#[async_trait]
impl Approver for Inbox {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ask(&self, question: &Question) -> Asked {
        if let Some(asked) = beforehand(question, &self.name, now()) {
            return asked;
        }
        self.enter(question);
        self.wait(question).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block_on;
    use crate::conformance::question;
    use guardrail_core::plan::Principal;

    #[test]
    fn answers_are_given_out_one_by_one_and_a_no_first() {
        let inbox = Inbox::new("test");
        let first = question();
        assert!(inbox.enter(&first));
        let yes = |name: &str| first.reply(Principal::person(name), Say::Approve(None), first.asked_at);
        inbox.answer(yes("anna")).unwrap();
        assert_eq!(inbox.answer(yes("ANNA")), Err(Unfit::Twice.into()));
        inbox.answer(yes("bert")).unwrap();
        let Asked::Replied(reply) = block_on(inbox.ask(&first)) else { panic!("anna said yes") };
        assert_eq!(reply.principal.name, "anna");
        // Recorded, and asked again under another id: the answer to the earlier one still counts.
        let mut second = first.clone();
        second.id = Uuid::from_u128(2);
        second.approved_by.push(reply.principal);
        let no = second.reply(Principal::person("carl"), Say::Reject(None), second.asked_at);
        inbox.enter(&second);
        inbox.answer(no).unwrap();
        let Asked::Replied(reply) = block_on(inbox.ask(&second)) else { panic!("carl said no") };
        assert_eq!(reply.principal.name, "carl");
        assert_eq!(inbox.answer(yes("dora")), Err(NotTaken::NoSuchQuestion), "it is over");
    }

    #[test]
    fn another_revision_ends_the_waiting_for_the_one_before() {
        let inbox = Inbox::new("test");
        let old = question();
        inbox.enter(&old);
        let mut new = old.clone();
        new.id = Uuid::from_u128(3);
        new.digest = Digest::of_content(b"another");
        inbox.enter(&new);
        assert!(matches!(block_on(inbox.wait(&old)), Asked::NoChannel(_)));
        let late = old.reply(Principal::person("anna"), Say::Approve(None), old.asked_at);
        assert_eq!(inbox.answer(late), Err(NotTaken::NoSuchQuestion));
    }

    #[test]
    fn nothing_waits_behind_an_ask_that_was_dropped() {
        let inbox = Inbox::new("test");
        let question = question();
        let mut ask = inbox.ask(&question);
        let mut context = std::task::Context::from_waker(Waker::noop());
        assert!(ask.as_mut().poll(&mut context).is_pending());
        assert_eq!(inbox.open().len(), 1);
        drop(ask);
        assert!(inbox.open().is_empty());
    }
}
