//! Approvers and the plan's machine together: votes are recorded one by one, and what approvers let
//! through the machine still judges.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "../../guardrail-core/tests/plan_book/mod.rs"]
mod plan_book;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use guardrail_approve::{AutoApprover, Chain, DenyAll, Grants, Inbox, Quorum, block_on};
use guardrail_core::plan::{Approver, Asked, Machine, Next, Preparation, Principal, Question, Say, State};
use guardrail_core::record::Timestamp;
use guardrail_core::redact::Redactor;
use plan_book::*;

/// The time of now, as the suite's questions have it.
fn now() -> Timestamp {
    guardrail_approve::conformance::question().asked_at
}

/// Asks until the plan no longer waits, as a runner does.
fn approve(book: &Book, machine: &mut Machine, approver: &dyn Approver) {
    let mut text = machine.revision().text(&Redactor::new(), 100_000);
    while matches!(machine.next(now()), Next::Ask | Next::Wait(_)) {
        let (question, change) = machine.ask(approver.name(), &text, now()).unwrap();
        book.change(machine, |_| Ok(change));
        match block_on(approver.ask(&question)) {
            Asked::Replied(reply) => match reply.vote(&question, approver.name()) {
                Some(vote) => book.change(machine, |machine| machine.vote(vote, now())),
                None => book.change(machine, |machine| machine.remark(reply.principal, reply.say, now())),
            },
            Asked::TimedOut => break,
            Asked::NoChannel(reason) => book.change(machine, |machine| machine.no_channel(reason, now())),
            other => panic!("{other:?}"),
        }
        text = machine.revision().text(&Redactor::new(), 100_000);
    }
}

fn proposed(book: &Book, preparation: &Preparation) -> Machine {
    let revision = prepare(scale(), preparation).unwrap();
    let mut machine = Machine::new(revision.clone());
    book.change(&mut machine, |machine| machine.propose(revision, now()));
    machine
}

fn by_two() -> Preparation {
    let mut preparation = captured("3");
    preparation.demands.medium.approvers = 2;
    preparation
}

/// People who each say something once, as soon as they are asked.
fn people(inbox: Arc<Inbox>, says: Vec<(&'static str, Say)>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for (who, say) in says {
            let open: Question = loop {
                if let Some(open) = inbox.open().pop() {
                    break open;
                }
                thread::sleep(Duration::from_millis(1));
            };
            let _ = inbox.answer(open.reply(Principal::person(who), say, now()));
        }
    })
}

#[test]
fn a_quorum_fills_one_vote_at_a_time() {
    let book = Book::default();
    let mut machine = proposed(&book, &by_two());
    let inbox = Arc::new(Inbox::new("window"));
    let voters = ["anna", "bert"].map(Principal::person);
    let quorum = Quorum::of(voters.clone()).asks(inbox.clone());
    let yes = || Say::Approve(None);
    let says =
        vec![("eve", yes()), ("anna", Say::Explain(None)), ("anna", yes()), ("ANNA", yes()), ("bert", yes())];
    let people = people(inbox, says);
    approve(&book, &mut machine, &quorum);
    people.join().unwrap();
    assert_eq!(machine.state(), State::Approved);
    assert_eq!(machine.life().approved_by(), voters);
    assert_eq!(book.read(&machine).state(), State::Approved);
}

#[test]
fn after_a_restart_the_votes_that_were_recorded_count() {
    let book = Book::default();
    let mut machine = proposed(&book, &by_two());
    let first = Arc::new(Inbox::new("window"));
    let anna = people(first.clone(), vec![("anna", Say::Approve(None))]);
    let (question, change) =
        machine.ask("window", &machine.revision().text(&Redactor::new(), 100_000), now()).unwrap();
    book.change(&mut machine, |_| Ok(change));
    let Asked::Replied(reply) = block_on(first.ask(&question)) else { panic!("anna answers") };
    book.change(&mut machine, |machine| machine.vote(reply.vote(&question, "window").unwrap(), now()));
    anna.join().unwrap();
    // Everything but the log is gone.
    drop(first);
    let mut machine = book.read(&machine);
    let second = Arc::new(Inbox::new("window"));
    let people = people(second.clone(), vec![("anna", Say::Approve(None)), ("bert", Say::Approve(None))]);
    approve(&book, &mut machine, &*second);
    people.join().unwrap();
    assert_eq!(machine.state(), State::Approved);
}

#[test]
fn escalation_does_not_lower_what_is_needed_and_a_no_is_final() {
    let book = Book::default();
    let mut machine = proposed(&book, &by_two());
    let (first, second) = (Arc::new(Inbox::new("first")), Arc::new(Inbox::new("second")));
    let chain = Chain::of(first.clone()).then(Duration::from_millis(100), second.clone());
    let both = [
        people(first.clone(), vec![("anna", Say::Approve(None))]),
        people(second, vec![("bert", Say::Reject(Some("not today".into())))]),
    ];
    approve(&book, &mut machine, &chain);
    both.into_iter().for_each(|person| person.join().unwrap());
    assert_eq!(machine.state(), State::Rejected);
    assert!(first.open().is_empty());
}

#[test]
fn who_may_not_say_yes_ends_in_no_channel_or_no() {
    for (approver, state) in [
        (Box::new(AutoApprover) as Box<dyn Approver>, State::NoChannel),
        (Box::new(Grants::default()), State::NoChannel),
        (Box::new(DenyAll), State::Rejected),
        (Box::new(Quorum::of([Principal::person("anna")]).asks(Arc::new(Inbox::new("x")))), State::NoChannel),
    ] {
        let book = Book::default();
        let mut machine = proposed(&book, &by_two());
        approve(&book, &mut machine, &*approver);
        assert_eq!(machine.state(), state, "{}", approver.name());
    }
}

#[test]
fn the_machine_takes_no_late_vote_from_anybody() {
    let book = Book::default();
    let mut machine = proposed(&book, &captured("3"));
    let (question, change) =
        machine.ask("window", &machine.revision().text(&Redactor::new(), 100_000), now()).unwrap();
    book.change(&mut machine, |_| Ok(change));
    let vote = question.reply(anna(), Say::Approve(None), now()).vote(&question, "window").unwrap();
    assert!(machine.vote(vote, question.answer_by + TimeDelta::seconds(1)).is_err());
}
