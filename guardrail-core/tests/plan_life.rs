//! Plans through their lives: as they are meant to go, and in every way they may not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod plan_book;

use guardrail_core::plan;
use guardrail_core::plan::{
    Captured, Ended, Execution, Machine, Next, Part, Principal, Refusal, Refused, Settlement, Slot, State,
};
use guardrail_core::redact::Redactor;
use guardrail_core::{Action, Risk};
use plan_book::*;

const BEFORE: &str = r#"{ "spec": { "replicas": 3 } }"#;
const AFTER: &str = r#"{ "spec": { "replicas": 5 } }"#;

#[test]
fn from_a_draft_to_success_and_every_moment_can_be_read_back() {
    let book = Book::default();
    let draft = prepare(scale(), &preparation()).unwrap();
    assert_eq!(draft.uncaptured(), [Slot::step(1, Part::Capture, 1)]);
    let mut machine = Machine::new(draft.clone());
    assert!(matches!(machine.propose(draft, at(0)), Err(Refused::Uncaptured(_))));
    book.change(&mut machine, |machine| machine.draft(at(0)));
    let Next::Capture(slot) = machine.next(at(0)) else { panic!("a capture is missing") };
    let intent = machine.look(slot, &now_at(&machine, slot), at(0));
    let permit = book.permit(&mut machine, intent);
    assert_eq!(permit.authority(), plan::Authority::Look);
    let value = machine.revision().plan().steps[0].captures[0].value(&gave(BEFORE)).unwrap();
    book.change(&mut machine, |machine| machine.outcome(permit.id(), &gave(BEFORE), at(0)));
    let mut captured = Captured::new();
    captured.insert(1, "replicas", value);
    let mut preparation = preparation();
    preparation.captured = captured;
    let revision = prepare(scale(), &preparation).unwrap();
    let back = revision.command(Slot::step(1, Part::Rollback, 1)).unwrap();
    assert!(back.command.typed().ends_with("--replicas=3"));
    book.change(&mut machine, |machine| machine.propose(revision, at(0)));
    assert_eq!(machine.next(at(1)), Next::Ask);
    let question = ask(&book, &mut machine);
    assert_eq!((question.risk, question.need.approvers), (Risk::Medium, 1));
    assert!(question.text.contains("kubectl -n shop scale deployment api --replicas=5"), "{}", question.text);
    book.change(&mut machine, |machine| machine.vote(yes(&question, anna()), at(2)));
    assert_eq!(machine.state(), State::Approved);
    let mut parts = Vec::new();
    while machine.life().due().is_some() {
        let slot = machine.life().due().unwrap();
        let output = if slot.part == Part::Post { AFTER } else { BEFORE };
        let permit = ran(&book, &mut machine, &gave(output));
        parts.push(permit.slot().part);
        let read = book.read(&machine);
        assert_eq!((read.life(), read.sequence()), (machine.life(), machine.sequence()));
    }
    assert_eq!(parts, [Part::Preflight, Part::Capture, Part::Action, Part::Post]);
    assert_eq!(machine.state(), State::Succeeded);
    let text: Vec<_> = book
        .records
        .borrow()
        .iter()
        .map(|kept| {
            let record = &kept.record;
            format!("{} {}", record.kind, record.status.clone().unwrap())
        })
        .collect();
    assert_eq!(text.last().unwrap(), "plan succeeded");
    assert!(text.contains(&"intent started".to_owned()) && text.contains(&"outcome succeeded".to_owned()));
}

#[test]
fn a_permit_carries_exactly_what_was_approved() {
    let book = Book::default();
    let mut machine = approved(&book, scale());
    run(&book, &mut machine, &gave(""));
    run(&book, &mut machine, &gave(BEFORE));
    let permit = ran(&book, &mut machine, &gave(""));
    let Action::Argv(words) = permit.action() else { panic!("an argument vector") };
    assert_eq!(words.last().unwrap(), "--replicas=5");
    assert_eq!((permit.cwd(), permit.risk(), permit.revision()), ("/srv", Risk::Medium, 1));
    assert_eq!(permit.digest(), machine.revision().digest());
    assert_eq!(permit.pins().environment["PATH"], "/usr/bin");
    assert_eq!(permit.authority(), plan::Authority::Approval);
    let kept = book.records.borrow();
    let intent = kept.iter().find(|kept| kept.record.id == Some(permit.id())).unwrap();
    assert_eq!(intent.sequence, permit.sequence());
    assert_eq!(intent.record.action.as_deref(), Some("kubectl -n shop scale deployment api --replicas=5"));
}

#[test]
fn a_failed_check_offers_the_way_back_and_it_is_taken_in_reverse() {
    let book = Book::default();
    let mut plan = scale();
    let mut second = plan.steps[0].clone();
    second.captures.clear();
    second.rollback.as_mut().unwrap().commands[0] = guardrail_core::plan::Command::argv(["ls", "second"]);
    plan.steps.push(second);
    let mut machine = approved(&book, plan);
    for output in ["", BEFORE, "", AFTER, "", "", BEFORE] {
        run(&book, &mut machine, &gave(output));
    }
    assert_eq!((machine.state(), machine.next(at(5))), (State::Failed, Next::OfferRollback));
    assert!(machine.roll_back(agent(), at(5)).is_err(), "no agent undoes");
    book.change(&mut machine, |machine| machine.roll_back(anna(), at(5)));
    let mut undone = Vec::new();
    while machine.state() == State::RollingBack {
        undone.push(ran(&book, &mut machine, &gave("")).slot().to_string());
    }
    assert_eq!(
        undone,
        ["step 2, rollback 1", "step 2, rollback check 1", "step 1, rollback 1", "step 1, rollback check 1"]
    );
    assert_eq!(machine.state(), State::RolledBack);
    assert_eq!(book.read(&machine).state(), State::RolledBack);
}

/// A command that is refused, since what it would make is there, must not have that deleted.
#[test]
fn what_a_refused_step_found_is_not_taken_back() {
    let plan = || {
        let mut plan = scale();
        let way = plan.steps[0].rollback.take().unwrap();
        plan.steps[0].rollback = Some(way.only_if_done());
        plan
    };
    let refused = Execution::ended(Ended::Exited(1), 0.5);
    let book = Book::default();
    let mut machine = approved(&book, plan());
    run(&book, &mut machine, &gave(""));
    run(&book, &mut machine, &gave(BEFORE));
    run(&book, &mut machine, &refused);
    assert_eq!((machine.state(), machine.next(at(5))), (State::Failed, Next::Look));
    assert_eq!(machine.life().touched().count(), 1);
    assert_eq!(machine.life().undoable().count(), 0);
    assert!(machine.roll_back(anna(), at(5)).is_err());

    // It did what it should, and what is looked at behind it does not hold.
    let book = Book::default();
    let mut machine = approved(&book, plan());
    for output in ["", BEFORE, "", BEFORE] {
        run(&book, &mut machine, &gave(output));
    }
    assert_eq!((machine.state(), machine.next(at(5))), (State::Failed, Next::OfferRollback));
    assert_eq!(book.read(&machine).life().undoable().collect::<Vec<_>>(), [1]);
}

#[test]
fn what_changed_between_approval_and_start_is_caught() {
    let book = Book::default();
    let machine = approved(&book, scale());
    let slot = machine.life().due().unwrap();
    let versions = machine.revision().versions().clone();
    let good = now_at(&machine, slot);
    assert!(machine.intent(slot, &good, &versions, at(3)).is_ok());
    let drift = |change: &dyn Fn(&mut plan::Look)| {
        let mut look = good.clone();
        change(&mut look);
        matches!(machine.intent(slot, &look, &versions, at(3)), Err(Refused::Drift(_)))
    };
    assert!(drift(&|look| look.pins.files[0].digest = plan::Digest::of_content(b"evil")));
    assert!(drift(&|look| look.pins.files[0].path = "/tmp/kubectl".into()));
    assert!(drift(&|look| look.pins.files.clear()));
    assert!(drift(&|look| look.pins.files.push(look.pins.files[0].clone())));
    assert!(drift(&|look| look.pins.directory.as_mut().unwrap().inode = Some(9)));
    assert!(drift(&|look| look.pins.directory = None));
    assert!(drift(&|look| look.pins.environment = [("PATH".into(), "/tmp".into())].into()));
    assert!(drift(&|look| drop(look.pins.environment.insert("BASH_ENV".into(), "/tmp/x".into()))));
    assert!(drift(&|look| look.pins.unpinned = vec![("a".into(), "b".into())]));
    assert!(drift(&|look| look.evaluation.risk = Risk::High));
    assert!(drift(&|look| look.evaluation.decision = guardrail_core::Decision::Deny));
    assert!(drift(&|look| look.evaluation.effects.clear()));
    for versions in [
        plan::Versions { policy: "p2".into(), ..versions.clone() },
        plan::Versions { knowledge: "k2".into(), ..versions.clone() },
    ] {
        assert!(matches!(machine.intent(slot, &good, &versions, at(3)), Err(Refused::Drift(_))));
    }
    assert_eq!(machine.intent(slot, &good, &versions, at(303)).err(), Some(Refused::Expired));
}

#[test]
fn state_that_moved_makes_it_stale_and_another_revision_starts_over() {
    let book = Book::default();
    let mut machine = approved(&book, scale());
    run(&book, &mut machine, &gave(""));
    run(&book, &mut machine, &gave(r#"{ "spec": { "replicas": 4 } }"#));
    assert_eq!(machine.state(), State::Stale);
    let mut preparation = captured("4");
    preparation.number = 2;
    let revision = prepare(scale(), &preparation).unwrap();
    book.change(&mut machine, |machine| machine.revise(revision, at(5)));
    assert_eq!((machine.state(), machine.next(at(5))), (State::Proposed, Next::Ask));
    assert!(machine.life().approved_by().is_empty());
    assert_eq!(book.read(&machine).state(), State::Proposed);
}

#[test]
fn votes_that_do_not_count() {
    let book = Book::default();
    let mut preparation = captured("3");
    preparation.demands.medium.approvers = 2;
    preparation.origin.owner = Some(Principal::person("olga"));
    let revision = prepare(scale(), &preparation).unwrap();
    let mut machine = Machine::new(revision.clone());
    book.change(&mut machine, |machine| machine.propose(revision.clone(), at(0)));
    let text = machine.revision().text(&Redactor::new(), 100_000);
    let (early, _) = machine.ask("test", &text, at(1)).unwrap();
    assert!(machine.vote(yes(&early, anna()), at(2)).is_err(), "nobody was asked");
    let question = ask(&book, &mut machine);
    let refuse = |machine: &Machine, vote, now, why: &str| {
        assert!(machine.vote(vote, at(now)).is_err(), "{why}");
    };
    refuse(&machine, yes(&question, agent()), 2, "an agent");
    refuse(&machine, yes(&question, Principal::person("Helper ")), 2, "a namesake of the requester");
    refuse(&machine, yes(&question, Principal::person(" ")), 2, "nobody");
    refuse(&machine, yes(&question, anna()), 602, "late");
    let mut other = yes(&question, anna());
    other.digest = plan::Digest::of_content(b"");
    refuse(&machine, other, 2, "another revision");
    let mut other = yes(&question, anna());
    other.shown = plan::Digest::of_content(b"");
    refuse(&machine, other, 2, "another text");
    let mut other = yes(&question, anna());
    other.question = uuid::Uuid::nil();
    refuse(&machine, other, 2, "another question");
    book.change(&mut machine, |machine| machine.vote(yes(&question, anna()), at(2)));
    assert_eq!(machine.state(), State::AwaitingApproval);
    refuse(&machine, yes(&question, anna()), 3, "twice");
    refuse(&machine, yes(&question, Principal::service("ANNA")), 3, "her namesake");
    refuse(&machine, yes(&question, Principal::person("olga")), 3, "the owner, second");
    book.change(&mut machine, |machine| machine.vote(yes(&question, Principal::person("bert")), at(3)));
    assert_eq!(machine.state(), State::Approved);
    refuse(&machine, yes(&question, Principal::person("carl")), 3, "it is approved");
}

#[test]
fn a_cut_text_cannot_be_approved_and_one_no_is_enough() {
    let book = Book::default();
    let revision = prepare(scale(), &captured("3")).unwrap();
    let mut machine = Machine::new(revision.clone());
    book.change(&mut machine, |machine| machine.propose(revision, at(0)));
    let text = machine.revision().text(&Redactor::new(), 200);
    assert!(!text.is_complete() && text.text().len() <= 200 && text.text().contains("cut"));
    let (question, change) = machine.ask("small", &text, at(1)).unwrap();
    book.change(&mut machine, |_| Ok(change));
    assert!(machine.vote(yes(&question, anna()), at(2)).is_err());
    let no = question.reply(anna(), plan::Say::Reject(Some("why now".into())), at(2));
    book.change(&mut machine, |machine| machine.vote(no.vote(&question, "small").unwrap(), at(2)));
    assert_eq!(machine.state(), State::Rejected);
}

#[test]
fn silence_is_no_consent_and_asking_again_gives_no_time() {
    let book = Book::default();
    let (mut machine, _) = asked(&book, scale());
    assert!(machine.time_out(at(10)).is_err());
    let text = machine.revision().text(&Redactor::new(), 100_000);
    let (question, change) = machine.ask("second", &text, at(500)).unwrap();
    book.change(&mut machine, |_| Ok(change));
    assert_eq!(question.answer_by, at(601));
    assert_eq!(machine.next(at(601)), Next::TimeOut);
    book.change(&mut machine, |machine| machine.time_out(at(601)));
    assert_eq!(machine.state(), State::TimedOut);
    assert!(machine.vote(yes(&question, anna()), at(602)).is_err());
}

#[test]
fn a_crash_leaves_a_doubt_that_only_a_person_settles() {
    for (how, state) in [
        (Settlement::Done, State::Verifying { step: Some(1) }),
        (Settlement::Failed, State::Failed),
        (Settlement::RunAgain, State::Running { step: 1 }),
    ] {
        let book = Book::default();
        let mut machine = approved(&book, scale());
        run(&book, &mut machine, &gave(""));
        run(&book, &mut machine, &gave(BEFORE));
        let slot = Slot::action(1);
        let versions = machine.revision().versions().clone();
        let intent = machine.intent(slot, &now_at(&machine, slot), &versions, at(3));
        let _permit = book.permit(&mut machine, intent);
        let mut machine = book.read(&machine);
        assert!(matches!(machine.next(at(4)), Next::InFlight(_)));
        assert!(machine.intent(slot, &now_at(&machine, slot), &versions, at(4)).is_err(), "never replayed");
        book.change(&mut machine, |machine| machine.doubt(at(4)));
        let mut machine = book.read(&machine);
        assert_eq!(machine.state(), State::InDoubt);
        assert!(machine.intent(slot, &now_at(&machine, slot), &versions, at(4)).is_err(), "never replayed");
        let post = Slot::step(1, Part::Post, 1);
        let check = machine.look(post, &now_at(&machine, post), at(4));
        let permit = book.permit(&mut machine, check);
        book.change(&mut machine, |machine| machine.outcome(permit.id(), &gave(AFTER), at(4)));
        assert_eq!(machine.state(), State::InDoubt);
        for other in [agent(), Principal::service("pipeline")] {
            assert!(machine.settle(other, how, at(5)).is_err());
        }
        book.change(&mut machine, |machine| machine.settle(anna(), how, at(5)));
        assert_eq!(machine.state(), state);
        assert_eq!(book.read(&machine).life(), machine.life());
    }
}

#[test]
fn of_two_runners_one_gets_the_permit() {
    let book = Book::default();
    let mut one = approved(&book, scale());
    let other = book.read(&one);
    let slot = one.life().due().unwrap();
    let versions = one.revision().versions().clone();
    let first = one.intent(slot, &now_at(&one, slot), &versions, at(3)).unwrap();
    let second = other.intent(slot, &now_at(&other, slot), &versions, at(3)).unwrap();
    let receipt = book.keep(first.records(), first.condition(), at(3)).unwrap();
    assert!(book.keep(second.records(), second.condition(), at(3)).is_none(), "the log refuses it");
    let stop = other.stop(anna(), "no", at(3)).unwrap();
    assert!(book.keep(stop.records(), stop.condition(), at(3)).is_none(), "and it has to read again");
    drop((second, stop));
    let _permit = one.permit(first, receipt).unwrap();
    let mut other = book.read(&other);
    book.change(&mut other, |other| other.stop(anna(), "no", at(3)));
    assert_eq!(other.state(), State::Cancelled);
}

#[test]
fn a_stop_finishes_the_step_and_cancels_the_rest() {
    let book = Book::default();
    let mut plan = scale();
    plan.steps.push(plan.steps[0].clone());
    plan.steps[1].captures.clear();
    plan.steps[1].rollback = None;
    plan.steps[1].irreversible = Some("said so".into());
    plan.steps[1].command = guardrail_core::plan::Command::argv(["ls"]);
    let mut machine = approved(&book, plan);
    run(&book, &mut machine, &gave(""));
    run(&book, &mut machine, &gave(BEFORE));
    let slot = Slot::action(1);
    let versions = machine.revision().versions().clone();
    let intent = machine.intent(slot, &now_at(&machine, slot), &versions, at(3));
    let permit = book.permit(&mut machine, intent);
    book.change(&mut machine, |machine| machine.stop(agent(), "enough", at(4)));
    assert_eq!(machine.state(), State::Running { step: 1 });
    book.change(&mut machine, |machine| machine.outcome(permit.id(), &gave(""), at(5)));
    assert_eq!((machine.state(), machine.next(at(5))), (State::Cancelled, Next::OfferRollback));
    assert_eq!(book.read(&machine).state(), State::Cancelled);
}

#[test]
fn what_did_not_start_did_nothing_and_what_drifted_is_stale() {
    for (refusal, state) in [
        (Refusal::System("no memory".into()), State::Failed),
        (Refusal::Drift(vec!["the program".into()]), State::Stale),
    ] {
        let book = Book::default();
        let mut machine = approved(&book, scale());
        run(&book, &mut machine, &gave(""));
        run(&book, &mut machine, &gave(BEFORE));
        run(&book, &mut machine, &Execution::refused(refusal));
        assert_eq!(machine.state(), state);
        assert_eq!(machine.life().touched().count(), 0);
        assert_eq!(machine.next(at(5)), Next::Look);
    }
    let book = Book::default();
    let mut machine = approved(&book, scale());
    run(&book, &mut machine, &gave(""));
    run(&book, &mut machine, &gave(BEFORE));
    run(&book, &mut machine, &Execution::ended(Ended::Lost("gone".into()), 1.0));
    assert_eq!(machine.state(), State::InDoubt);
}

#[test]
fn an_approval_that_nobody_used_expires() {
    let book = Book::default();
    let mut machine = approved(&book, scale());
    assert_eq!(machine.next(at(302)), Next::Run(Slot::step(1, Part::Preflight, 1)));
    assert!(machine.expire(at(302)).is_err());
    assert_eq!(machine.next(at(303)), Next::Expire);
    book.change(&mut machine, |machine| machine.expire(at(303)));
    assert_eq!(machine.state(), State::Expired);
}

#[test]
fn reads_need_nobody_and_nothing_else_is_let_pass() {
    let book = Book::default();
    let revision = prepare(low(), &preparation()).unwrap();
    assert!(revision.need().is_nothing());
    let mut machine = Machine::new(revision.clone());
    book.change(&mut machine, |machine| machine.propose(revision, at(0)));
    assert_eq!(machine.next(at(0)), Next::Allow);
    book.change(&mut machine, |machine| machine.allow(at(0)));
    run(&book, &mut machine, &gave(""));
    assert_eq!(machine.state(), State::Succeeded);
    let mut preparation = captured("3");
    preparation.demands.medium = preparation.demands.low;
    let revision = prepare(scale(), &preparation).unwrap();
    let mut machine = Machine::new(revision.clone());
    book.records.borrow_mut().clear();
    book.change(&mut machine, |machine| machine.propose(revision, at(0)));
    assert!(machine.allow(at(0)).is_err(), "the policy asks for a yes to what is Medium");
}

#[test]
fn a_log_that_was_edited_brings_nothing_to_run() {
    let book = Book::default();
    let machine = approved(&book, scale());
    let records = book.records.borrow().clone();
    let revision = machine.revision().clone();
    assert!(Machine::resume(revision.clone(), &records).is_ok());
    for place in 0..records.len() {
        let mut fewer = records.clone();
        fewer.remove(place);
        let read = Machine::resume(revision.clone(), &fewer);
        let marker = place == records.len() - 1;
        assert!(marker || read.is_err() || read.unwrap().life().due().is_none(), "without record {place}");
        let mut other = records.clone();
        other[place].record.status = Some(guardrail_core::record::Status::Succeeded);
        assert!(Machine::resume(revision.clone(), &other).is_err(), "record {place} with another status");
        let mut other = records.clone();
        other[place].record.details = None;
        assert!(Machine::resume(revision.clone(), &other).is_err(), "record {place} without details");
    }
    let mut twice = records.clone();
    twice.push(records[records.len() - 1].clone());
    assert!(Machine::resume(revision, &twice).is_err(), "a record twice");
}

#[test]
fn whoever_hands_out_a_secret_is_asked_and_shown() {
    use guardrail_core::plan::{Command, CredentialReference, Injection, Plan, Step};
    let reference = || CredentialReference {
        name: "vault:db/prod".parse().unwrap(),
        into: Injection::Environment("X".into()),
    };
    let plan = |command: Command| -> Plan {
        let mut plan = scale();
        plan.steps = vec![Step::new("Look", command)];
        (plan.preflight, plan.post, plan.rollback, plan.monitor) = (vec![], vec![], None, None);
        plan
    };
    // All that it takes to read a secret, if it were not asked about.
    let backwards = || Command::shell("printf %s \"$X\" | rev");
    assert!(prepare(plan(backwards()), &preparation()).unwrap().need().is_nothing());
    let revision = prepare(plan(backwards().credential(reference())), &preparation()).unwrap();
    assert_eq!((revision.need().approvers, revision.need().people), (1, 1));
    let shown = revision.text(&Redactor::new(), usize::MAX);
    assert!(shown.text().contains("with the credential vault:db/prod in X"), "{}", shown.text());
    let mut machine = Machine::new(revision.clone());
    let book = Book::default();
    book.change(&mut machine, |machine| machine.propose(revision, at(0)));
    assert_eq!(machine.next(at(1)), Next::Ask);
    assert!(machine.allow(at(1)).is_err(), "no policy says yes to it");
    // Nothing gets one before somebody was asked.
    let mut early = plan(Command::argv(["ls"]));
    early.steps[0].captures = vec![guardrail_core::plan::Capture {
        command: Command::argv(["ls"]).credential(reference()),
        ..scale().steps[0].captures[0].clone()
    }];
    let flaws = prepare(early, &preparation()).unwrap_err();
    assert!(flaws[0].ends_with("it gets no credential: it runs before anybody was asked"), "{flaws:?}");
    let mut checked = plan(Command::argv(["ls"]));
    checked.steps[0].preflight =
        vec![plan::Check::new("it is there", Command::argv(["ls"]).credential(reference()))];
    let revision = prepare(checked, &preparation()).unwrap();
    let (book, mut machine) = (Book::default(), Machine::new(revision.clone()));
    book.change(&mut machine, |machine| machine.propose(revision, at(0)));
    let slot = Slot::step(1, Part::Preflight, 1);
    let early = machine.look(slot, &now_at(&machine, slot), at(1));
    assert!(matches!(early, Err(Refused::NotALook(_))), "{early:?}");
}
