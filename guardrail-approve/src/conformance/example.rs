//! An approver that holds the contract, and one for each way of breaking it.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use guardrail_core::plan::{Approver, Asked, Digest, Principal, Question, Reply, Say, Shown};
use uuid::Uuid;

use super::{Act, Bench, Outcome, Scene, Who, check, checks, is_open, question};
use crate::wait::{now, until};

/// In the order of the clauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    WrongName,
    NoIsYes,
    SilenceIsYes,
    AsksTooLate,
    LostIsSilence,
    GarbageIsYes,
    LateCounts,
    CountsTwice,
    Replays,
    AnotherQuestion,
    AnotherDigest,
    AnotherText,
    Cut,
    Requester,
    Owner,
    Stranger,
    Revoked,
    Tampered,
    Excluded,
    StaysBusy,
    LosesTheSecond,
}

const ALL: [Broken; 21] = [
    Broken::WrongName,
    Broken::NoIsYes,
    Broken::SilenceIsYes,
    Broken::AsksTooLate,
    Broken::LostIsSilence,
    Broken::GarbageIsYes,
    Broken::LateCounts,
    Broken::CountsTwice,
    Broken::Replays,
    Broken::AnotherQuestion,
    Broken::AnotherDigest,
    Broken::AnotherText,
    Broken::Cut,
    Broken::Requester,
    Broken::Owner,
    Broken::Stranger,
    Broken::Revoked,
    Broken::Tampered,
    Broken::Excluded,
    Broken::StaysBusy,
    Broken::LosesTheSecond,
];

#[derive(Clone, PartialEq)]
struct Message {
    question: Uuid,
    digest: Digest,
    shown: Digest,
    who: &'static str,
    /// `None` where it is no answer.
    yes: Option<bool>,
}

#[derive(Default)]
struct Example {
    broken: Option<Broken>,
    gone: bool,
    revoked: AtomicBool,
    busy: AtomicBool,
    box_: Mutex<Vec<Message>>,
    said: Mutex<Vec<Message>>,
    ids: Mutex<BTreeSet<(Uuid, Digest)>>,
}

impl Example {
    fn is(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    /// The reply that a message is, if it may count.
    fn counts(&self, question: &Question, message: &Message) -> Option<Reply> {
        let Message { question: id, digest, shown, who, yes } = message.clone();
        let known = self.ids.lock().unwrap().contains(&(id, question.digest));
        if !known && !self.is(Broken::AnotherQuestion) && !self.is(Broken::LateCounts) {
            return None;
        }
        if (digest != question.digest && !self.is(Broken::AnotherDigest) && !self.is(Broken::AnotherQuestion))
            && !self.is(Broken::LateCounts)
        {
            return None;
        }
        let yes = match yes {
            None if self.is(Broken::GarbageIsYes) => true,
            None => return None,
            Some(yes) => yes || self.is(Broken::NoIsYes),
        };
        if who == "eve" && !self.is(Broken::Stranger) {
            return None;
        }
        if self.revoked.load(Ordering::Acquire) && !self.is(Broken::Revoked) {
            return None;
        }
        let who = Principal::person(if self.is(Broken::WrongName) { "somebody" } else { who });
        if who.is_namesake(&question.requester) && !self.is(Broken::Requester) {
            return None;
        }
        let say = if yes { Say::Approve(None) } else { Say::Reject(None) };
        let again = question.approved_by.iter().any(|voter| voter.is_namesake(&who));
        if yes {
            let second = question.owner.as_ref() == Some(&who) && !question.approved_by.is_empty();
            let wrong = (!question.complete && !self.is(Broken::Cut))
                || (shown != question.shown
                    && !self.is(Broken::AnotherText)
                    && !self.is(Broken::AnotherQuestion)
                    && !self.is(Broken::LateCounts))
                || (again && !self.is(Broken::CountsTwice) && !self.is(Broken::Replays))
                || (second && !self.is(Broken::Owner));
            if wrong {
                return None;
            }
        }
        Some(question.reply(who, say, now()))
    }
}

/// Says that it is no longer asked, unless that is what is broken.
struct Busy<'e>(&'e Example);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        if !self.0.is(Broken::StaysBusy) {
            self.0.busy.store(false, Ordering::Release);
        }
    }
}

#[async_trait]
impl Approver for Example {
    fn name(&self) -> &str {
        "example"
    }

    async fn ask(&self, question: &Question) -> Asked {
        if self.gone && !self.is(Broken::LostIsSilence) {
            return Asked::NoChannel("it is gone".into());
        }
        if !question.need.allows_channel("example") && !self.is(Broken::Excluded) {
            return Asked::NoChannel("not here".into());
        }
        if Shown::digest_of(&question.text) != question.shown && !self.is(Broken::Tampered) {
            return Asked::NoChannel("another text".into());
        }
        let yes = || Asked::Replied(question.reply(Principal::person("anna"), Say::Approve(None), now()));
        if !is_open(question) && self.is(Broken::AsksTooLate) {
            return yes();
        }
        while self.busy.swap(true, Ordering::AcqRel) && is_open(question) {
            until(Instant::now() + Duration::from_millis(5)).await;
        }
        let _busy = Busy(self);
        self.ids.lock().unwrap().insert((question.id, question.digest));
        while is_open(question) {
            {
                let mut messages = self.box_.lock().unwrap();
                let counts = |message: &Message| self.counts(question, message);
                if let Some((place, reply)) =
                    messages.iter().enumerate().find_map(|(place, message)| Some((place, counts(message)?)))
                {
                    messages.remove(place);
                    if self.is(Broken::LosesTheSecond) {
                        // Whatever comes until somebody asks again is lost.
                        drop(messages);
                        std::thread::sleep(Duration::from_millis(200));
                        self.box_.lock().unwrap().clear();
                    }
                    return Asked::Replied(reply);
                }
            }
            until(Instant::now() + Duration::from_millis(5)).await;
        }
        if self.is(Broken::SilenceIsYes) { yes() } else { Asked::TimedOut }
    }
}

impl Scene for Example {
    fn approver(&self) -> &dyn Approver {
        self
    }

    fn reviewer(&self, who: Who) -> Principal {
        Principal::person(if who == Who::First { "anna" } else { "bert" })
    }

    fn act(&self, question: &Question, who: Who, act: Act) -> bool {
        let mut message = Message {
            question: question.id,
            digest: question.digest,
            shown: question.shown,
            who: if who == Who::First { "anna" } else { "bert" },
            yes: Some(true),
        };
        let other = Digest::of_content(b"other");
        match act {
            Act::Approve => {}
            Act::Reject => message.yes = Some(false),
            Act::Garbage => message.yes = None,
            Act::AnotherQuestion => message.question = Uuid::nil(),
            Act::AnotherDigest => message.digest = other,
            Act::AnotherText => message.shown = other,
            Act::Stranger => message.who = "eve",
            Act::Revoked => self.revoked.store(true, Ordering::Release),
            Act::Replay => match self.said.lock().unwrap().last() {
                Some(said) => message = said.clone(),
                None => return false,
            },
        }
        self.said.lock().unwrap().push(message.clone());
        self.box_.lock().unwrap().push(message);
        true
    }
}

struct Examples(Option<Broken>);

impl Bench for Examples {
    fn scene(&self) -> Box<dyn Scene> {
        Box::new(Example { broken: self.0, ..Example::default() })
    }

    fn question(&self) -> Question {
        let mut question = question();
        question.answer_by = now() + chrono::TimeDelta::seconds(6);
        question
    }

    fn lost(&self) -> Option<Box<dyn Scene>> {
        Some(Box::new(Example { broken: self.0, gone: true, ..Example::default() }))
    }
}

#[test]
fn an_approver_that_holds_the_contract_passes_in_full() {
    let report = check(&Examples(None));
    assert!(report.holds_in_full(), "{report}");
}

#[test]
fn each_check_bites() {
    assert_eq!(ALL.len(), checks::ALL.len());
    std::thread::scope(|scope| {
        for (broken, (clause, check)) in ALL.into_iter().zip(checks::ALL) {
            scope.spawn(move || {
                let found = check(&Examples(Some(broken)));
                assert!(matches!(found, Err(checks::Stop::Broken(_))), "{broken:?} was not found: {clause}");
            });
        }
    });
}

#[test]
fn what_cannot_be_brought_about_is_said() {
    struct Mute;
    impl Scene for Mute {
        fn approver(&self) -> &dyn Approver {
            &crate::AutoApprover
        }
        fn reviewer(&self, _: Who) -> Principal {
            Principal::service("auto")
        }
        fn act(&self, _: &Question, _: Who, _: Act) -> bool {
            false
        }
        fn waits(&self) -> bool {
            false
        }
    }
    struct Mutes;
    impl Bench for Mutes {
        fn scene(&self) -> Box<dyn Scene> {
            Box::new(Mute)
        }
    }
    let report = check(&Mutes);
    assert!(report.holds() && !report.holds_in_full());
    assert!(report.untested().contains(&"a yes is that of the one who gave it, to what was shown"));
    assert_eq!(report.to_string().matches("SKIPPED").count(), report.untested().len());
    let clause = |wanted: &str| {
        report.findings().iter().find(|(clause, _)| clause.starts_with(wanted)).unwrap().1.clone()
    };
    assert_eq!(clause("nobody says yes to a text that was cut"), Outcome::Held);
}
