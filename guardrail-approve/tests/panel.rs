//! Chains and quorums: who is asked when, and what becomes of several answers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use guardrail_approve::conformance::question;
use guardrail_approve::{AutoApprover, Chain, DenyAll, Inbox, Quorum, block_on};
use guardrail_core::plan::{Approver, Asked, Principal, Question, Reply, Say};

fn person(name: &str) -> Principal {
    Principal::person(name)
}

fn yes(question: &Question, name: &str) -> Reply {
    question.reply(person(name), Say::Approve(None), question.asked_at)
}

fn wait_for(inbox: &Inbox) {
    while inbox.open().is_empty() {
        thread::sleep(Duration::from_millis(2));
    }
}

fn name(asked: Asked) -> String {
    match asked {
        Asked::Replied(reply) => reply.principal.name,
        other => panic!("{other:?}"),
    }
}

/// Answers with what it was given, as often as it is asked, and counts that.
struct Canned(Asked, AtomicUsize);

impl Canned {
    fn new(asked: Asked) -> Arc<Self> {
        Arc::new(Self(asked, AtomicUsize::new(0)))
    }
}

#[async_trait]
impl Approver for Canned {
    fn name(&self) -> &str {
        "canned"
    }

    async fn ask(&self, _: &Question) -> Asked {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.clone()
    }
}

/// Never answers, and never looks at the time.
struct Hung;

#[async_trait]
impl Approver for Hung {
    fn name(&self) -> &str {
        "hung"
    }

    async fn ask(&self, _: &Question) -> Asked {
        std::future::pending().await
    }
}

#[test]
fn silence_adds_a_reviewer_and_takes_none_away() {
    for (answers, expected) in [("first", "anna"), ("second", "bert")] {
        let (first, second) = (Arc::new(Inbox::new("first")), Arc::new(Inbox::new("second")));
        let chain = Chain::of(first.clone()).then(Duration::from_millis(200), second.clone());
        let question = question();
        let asked = thread::scope(|scope| {
            let asking = scope.spawn(|| block_on(chain.ask(&question)));
            wait_for(&first);
            assert!(second.open().is_empty() || answers == "second", "nobody else is asked yet");
            wait_for(&second);
            assert_eq!(first.open().len(), 1, "whoever was asked stays asked");
            match answers {
                "first" => first.answer(yes(&question, "anna")).unwrap(),
                _ => second.answer(yes(&question, "bert")).unwrap(),
            }
            asking.join().unwrap()
        });
        assert_eq!(name(asked), expected);
        assert!(first.open().is_empty() && second.open().is_empty(), "the others are asked no more");
    }
}

#[test]
fn a_no_is_the_answer_wherever_it_comes_from() {
    let inbox = Arc::new(Inbox::new("window"));
    let question = question();
    let chain = Chain::of(Arc::new(DenyAll)).then(Duration::ZERO, inbox.clone());
    assert!(matches!(block_on(chain.ask(&question)), Asked::Replied(Reply { say: Say::Reject(_), .. })));
    // A yes that is there at the same moment does not come first.
    let canned = Canned::new(Asked::Replied(yes(&question, "anna")));
    let quorum = Chain::of(canned).then(Duration::ZERO, Arc::new(DenyAll));
    assert!(matches!(block_on(quorum.ask(&question)), Asked::Replied(Reply { say: Say::Reject(_), .. })));
}

#[test]
fn who_cannot_be_reached_is_not_waited_for_and_who_was_delivered_to_is() {
    let question = question();
    let lost = || Canned::new(Asked::NoChannel("it is gone".into()));
    let far = Duration::from_secs(3600);
    let chain =
        Chain::of(lost()).then(far, lost()).then(far, Canned::new(Asked::Replied(yes(&question, "anna"))));
    assert_eq!(name(block_on(chain.ask(&question))), "anna");
    let all_lost = Chain::of(lost()).then(far, lost());
    let asked = block_on(all_lost.ask(&question));
    assert_eq!(asked, Asked::NoChannel("canned: it is gone; canned: it is gone".into()));
    let delivered = || Canned::new(Asked::Delivered);
    assert_eq!(
        block_on(Chain::of(lost()).then(Duration::ZERO, delivered()).ask(&question)),
        Asked::Delivered
    );
    let next = Canned::new(Asked::Replied(yes(&question, "anna")));
    let patient = Chain::of(delivered()).then(far, next.clone());
    let mut ask = patient.ask(&question);
    assert!(ask.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(next.1.load(Ordering::Relaxed), 0);
}

#[test]
fn a_member_that_hangs_or_raves_ends() {
    let mut short = question();
    short.answer_by = short.asked_at + chrono::TimeDelta::milliseconds(300);
    assert_eq!(block_on(Chain::of(Arc::new(Hung)).ask(&short)), Asked::TimedOut);
    let mut other = question();
    other.plan = short.plan;
    let raving = Canned::new(Asked::Replied(yes(&other, "anna")));
    let asked = block_on(Chain::of(raving.clone()).ask(&question()));
    assert!(matches!(asked, Asked::Malformed(_)), "{asked:?}");
    assert_eq!(raving.1.load(Ordering::Relaxed), 8);
}

#[test]
fn the_policy_s_channels_hold_for_each_member() {
    let mut question = question();
    question.need.channels = Some(["chain".to_owned(), "window".to_owned()].into());
    let canned = Canned::new(Asked::Replied(yes(&question, "anna")));
    let asked = block_on(Chain::of(canned.clone()).ask(&question));
    assert!(matches!(asked, Asked::NoChannel(_)));
    assert_eq!(canned.1.load(Ordering::Relaxed), 0, "it was not even asked");
}

#[test]
fn a_quorum_that_cannot_be_had_asks_nobody() {
    let canned = || Canned::new(Asked::TimedOut);
    let asked = |voters: &[Principal], change: &dyn Fn(&mut Question)| {
        let member = canned();
        let mut question = question();
        question.need.approvers = 2;
        change(&mut question);
        let asked = block_on(Quorum::of(voters.to_vec()).asks(member.clone()).ask(&question));
        (asked, member.1.load(Ordering::Relaxed))
    };
    let (anna, bert) = (person("anna"), person("bert"));
    assert_eq!(asked(&[anna.clone(), bert.clone()], &|_| ()), (Asked::TimedOut, 1));
    for (voters, change) in [
        (vec![anna.clone()], &(|_: &mut Question| ()) as &dyn Fn(&mut Question)),
        (vec![anna.clone(), person("\u{430}nna")], &|_| ()),
        (vec![anna.clone(), Principal::service("Anna ")], &|_| ()),
        (vec![anna.clone(), Principal::agent("bert")], &|_| ()),
        (vec![anna.clone(), bert.clone()], &|question| question.requester = Principal::agent("BERT")),
        (vec![anna.clone(), Principal::service("bert")], &|question| question.need.people = 2),
        (vec![anna.clone(), bert.clone()], &|question| {
            question.approved_by = vec![person("anna")];
            question.owner = Some(person("bert"));
        }),
    ] {
        let (asked, asks) = asked(&voters, change);
        assert!(matches!(asked, Asked::NoChannel(_)) && asks == 0, "{voters:?}: {asked:?}");
    }
}

#[test]
fn of_a_quorum_each_yes_is_heard_and_nobody_is_asked_behind_the_last() {
    let inbox = Arc::new(Inbox::new("window"));
    let quorum = Quorum::of([person("anna"), person("bert"), person("carl")]).asks(inbox.clone());
    let mut question = question();
    question.need.approvers = 2;
    let ask = |question: &Question, names: &[&str]| {
        thread::scope(|scope| {
            let asking = scope.spawn(|| block_on(quorum.ask(question)));
            // The first yes may end this call; the others wait for the next.
            if !names.is_empty() {
                wait_for(&inbox);
            }
            for who in names {
                let _ = inbox.answer(yes(question, who));
            }
            asking.join().unwrap()
        })
    };
    // Eve is nobody here, and Anna's second yes is none.
    let first = ask(&question, &["eve", "anna", "Anna", "bert"]);
    assert_eq!(name(first), "anna");
    question.approved_by.push(person("anna"));
    assert_eq!(name(ask(&question, &[])), "bert");
    assert!(inbox.open().is_empty());
}

#[test]
fn an_ask_that_is_dropped_asks_nobody_any_more() {
    let inbox = Arc::new(Inbox::new("window"));
    let chain = Chain::of(Arc::new(AutoApprover)).then(Duration::from_secs(60), inbox.clone());
    let question = question();
    let mut ask = chain.ask(&question);
    assert!(ask.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(inbox.open().len(), 1);
    drop(ask);
    assert!(inbox.open().is_empty());
}
