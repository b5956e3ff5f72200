//! Runners: plans as they are meant to go, and everything that comes between.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod stage;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use guardrail_core::plan::{
    Asked, Ended, Execution, NoticeKind, Part, Permit, Principal, Say, Settlement, State, Stop, StopLevel,
};
use guardrail_exec::{Fate, MemoryClaims, RunError, Unseen, block_on};
use stage::*;

fn fates(report: &guardrail_exec::Report) -> Vec<Fate> {
    report.steps.iter().map(|step| step.fate).collect()
}

/// Everything succeeds but what stands in the slot.
fn fails(slot: &'static str) -> impl Fn(&Permit, &Stop) -> Execution + Send + Sync {
    move |permit, _| {
        let failed = permit.slot().to_string() == slot;
        Execution::ended(Ended::Exited(i32::from(failed)), 0.1)
    }
}

#[test]
fn from_a_wish_to_what_was_done() {
    let stage = Stage::new(cluster(), [yes()]);
    let name = stage.propose(scale());
    assert_eq!(name.to_string(), format!("plan-{}-001", start().format("%Y%m%d")));
    let report = stage.drive(name).unwrap();
    assert_eq!((report.state, report.wants.as_deref()), (State::Succeeded, None));
    assert_eq!(fates(&report), [Fate::Done]);
    assert_eq!(
        stage.ran(),
        [
            "step 1, capture 1",
            "step 1, pre-flight check 1",
            "step 1, capture 1",
            "step 1",
            "step 1, post check 1",
        ]
    );
    let question = &stage.reader.asked.lock().unwrap()[0];
    assert!(question.text.contains("--replicas=3"), "the way back is filled: {}", question.text);
    assert_eq!(stage.news.kinds(), [NoticeKind::ApprovalNeeded, NoticeKind::Succeeded]);
    assert_eq!(block_on(stage.runner().report(name)).unwrap(), report, "the log alone says the same");
    let second = stage.propose(scale());
    assert_eq!(second, name.next());
}

#[test]
fn what_only_looks_needs_nobody() {
    let stage = Stage::new(|_, _| gave(""), []);
    let plan = guardrail_core::plan::Plan::new("Look").cwd("/srv");
    let look = guardrail_core::plan::Step::new("Look", guardrail_core::plan::Command::argv(["ls"]));
    let report = stage.run(plan.step(look));
    assert_eq!((report.state, stage.questions()), (State::Succeeded, 0));
}

#[test]
fn a_plan_that_lacks_something_is_refused_with_all_of_it() {
    let stage = Stage::new(|_, _| gave(""), []);
    let mut plan = scale();
    plan.steps[0].rollback = None;
    plan.steps[0].post.clear();
    let Err(RunError::Flaws(flaws)) = block_on(stage.runner().propose(plan, origin())) else {
        panic!("it lacks two parts")
    };
    assert_eq!(flaws.len(), 2, "{flaws:?}");
    assert!(stage.book.lines().is_empty(), "nothing is kept of it");
}

#[test]
fn the_knowledge_adds_what_a_plan_has_not() {
    let stage = Stage::new(cluster(), [yes()]);
    let mut plan = scale();
    let step = &mut plan.steps[0];
    (step.preflight, step.post, step.captures, step.rollback) = (vec![], vec![], vec![], None);
    let guard = Arc::new(guardrail_core::Guard::new());
    let runner =
        guardrail_exec::Runner::builder(guard, stage.book.clone(), stage.book.clone(), stage.player.clone())
            .clock(stage.clock.clone())
            .world(stage.world.clone())
            .approver(stage.reader.clone())
            .build();
    let name = block_on(runner.propose(plan, origin())).unwrap().name;
    let report = block_on(runner.drive(name, &stage.stop, &Unseen)).unwrap();
    assert_eq!(report.state, State::Succeeded);
    let plan = block_on(runner.revision(name)).unwrap().plan().clone();
    assert!(plan.steps[0].rollback.is_some() && !plan.steps[0].captures.is_empty());
}

#[test]
fn nobody_to_ask_and_no_answer_are_their_own_ends() {
    let stage = Stage::new(|_, _| gave(""), []);
    let name = stage.propose(files(1));
    let report = block_on(stage.builder().build().drive(name, &stage.stop, &Unseen)).unwrap();
    assert_eq!(report.state, State::NoChannel);
    assert_eq!(report.failures, ["there is no approver"]);

    for answer in [None, Some(Asked::Delivered), Some(Asked::TimedOut)] {
        let stage = Stage::new(|_, _| gave(""), answer.map(|asked| -> Answer { Box::new(|_| asked) }));
        assert_eq!(stage.run(files(1)).state, State::TimedOut);
        assert_eq!((stage.ran().len(), stage.questions()), (0, 1));
        assert_eq!(stage.news.kinds(), [NoticeKind::ApprovalNeeded, NoticeKind::Refused]);
    }
    let stage =
        Stage::new(|_, _| gave(""), [Box::new(|_: &_| Asked::NoChannel("no terminal".into())) as Answer]);
    let report = stage.run(files(1));
    assert_eq!((report.state, report.failures), (State::NoChannel, vec!["no terminal".to_owned()]));
    let stage = Stage::new(|_, _| gave(""), [no()]);
    assert_eq!(stage.run(files(1)).state, State::Rejected);
}

#[test]
fn answers_that_are_none_are_not_a_yes() {
    let malformed = || -> Answer { Box::new(|_| Asked::Malformed("half a line".into())) };
    let other = || -> Answer {
        Box::new(|question| {
            let mut reply = question.reply(anna(), Say::Approve(None), start());
            reply.question = uuid::Uuid::nil();
            Asked::Replied(reply)
        })
    };
    let stage = Stage::new(|_, _| gave(""), [malformed(), other(), malformed(), yes()]);
    assert_eq!(stage.run(files(1)).state, State::NoChannel);
    assert_eq!(stage.questions(), 3);

    let agent = says(Principal::agent("another"), Say::Approve(None));
    let stage = Stage::new(|_, _| gave(""), [agent]);
    assert_eq!(stage.run(files(1)).state, State::TimedOut, "an agent's yes is none");
    let stage = Stage::new(|_, _| gave(""), [says(Principal::person("Helper"), Say::Approve(None))]);
    assert_eq!(stage.run(files(1)).state, State::TimedOut, "nor is one in the requester's name");
    assert!(stage.news.kinds().contains(&NoticeKind::NotTaken));

    let why = || says(anna(), Say::Explain(None));
    let stage = Stage::new(|_, _| gave(""), (0..1000).map(|_| why()));
    assert_eq!(stage.run(files(1)).state, State::NoChannel, "whoever only asks does not fill the log");
    assert_eq!(stage.questions(), 64);
}

#[test]
fn a_reviewer_asks_why_and_changes_a_number() {
    let change = |value: i32| says(anna(), Say::Change { parameter: "replicas".into(), value: value.into() });
    let stage = Stage::new(
        cluster(),
        [says(anna(), Say::Explain(Some(1))), says(anna(), Say::Show), change(99), change(7), yes()],
    );
    let report = stage.run(scale());
    assert_eq!((report.state, report.revision), (State::Succeeded, 2));
    assert!(report.steps[0].command.ends_with("--replicas=7"), "{}", report.steps[0].command);
    let news = stage.news.0.lock().unwrap();
    let told = |kind| news.iter().find(|notice| notice.kind == kind).unwrap().text.clone();
    assert!(told(NoticeKind::Explained).contains("three are not enough"), "{}", told(NoticeKind::Explained));
    assert!(told(NoticeKind::NotTaken).contains("not between"), "{}", told(NoticeKind::NotTaken));
    let revisions: Vec<_> = stage.reader.asked.lock().unwrap().iter().map(|asked| asked.revision).collect();
    assert_eq!(revisions, [1, 1, 1, 1, 2]);
}

#[test]
fn what_only_the_agent_can_change_goes_back_to_it() {
    let wish = says(anna(), Say::Revise("do it in the other order".into()));
    let stage = Stage::new(|_, _| gave(""), [wish, yes()]);
    let name = stage.propose(files(2));
    let report = stage.drive(name).unwrap();
    assert_eq!(report.state, State::AwaitingApproval);
    assert_eq!(report.wishes, [("person:anna".to_owned(), "do it in the other order".to_owned())]);
    let mut plan = files(2);
    plan.steps.reverse();
    assert_eq!(block_on(stage.runner().revise(name, plan)).unwrap(), State::Proposed);
    let report = stage.drive(name).unwrap();
    assert_eq!((report.state, report.wishes.len()), (State::Succeeded, 0));
    assert_eq!(report.steps[0].title, "Write file-2");
}

#[test]
fn a_vote_by_another_door_lets_it_go_on() {
    let stage = Stage::new(|_, _| gave(""), [Box::new(|_: &_| Asked::Delivered) as Answer]);
    let name = stage.propose(files(1));
    let report = block_on(stage.runner().advance(name, &stage.stop, &Unseen)).unwrap();
    assert_eq!(report.state, State::AwaitingApproval);
    let question = stage.reader.asked.lock().unwrap()[0].clone();
    let vote = question.reply(anna(), Say::Approve(None), start()).vote(&question, "mail").unwrap();
    assert_eq!(block_on(stage.runner().vote(name, vote)).unwrap(), State::Approved);
    assert_eq!(stage.drive(name).unwrap().state, State::Succeeded);
}

#[test]
fn it_stops_at_the_first_error_and_goes_back_on_a_yes() {
    for (slot, kind, fates_then) in [
        ("step 2", NoticeKind::StepFailed, [Fate::Undone, Fate::Undone, Fate::NotBegun]),
        ("step 2, post check 1", NoticeKind::ValidationFailed, [Fate::Undone, Fate::Undone, Fate::NotBegun]),
    ] {
        let stage = Stage::new(fails(slot), [yes(), yes()]);
        let report = stage.run(files(3));
        assert_eq!((report.state, fates(&report)), (State::RolledBack, fates_then.to_vec()), "{slot}");
        let ran = stage.ran();
        assert_eq!(ran[ran.len() - 2..], ["step 2, rollback 1", "step 1, rollback 1"]);
        let kinds = stage.news.kinds();
        assert_eq!(kinds[1..], [kind, NoticeKind::RollbackSuggested, NoticeKind::RolledBack]);
    }
    let stage = Stage::new(fails("step 2"), [yes(), no()]);
    let report = stage.run(files(3));
    assert_eq!(
        (report.state, fates(&report)),
        (State::Failed, vec![Fate::Done, Fate::Failed, Fate::NotBegun])
    );
    let wants = report.wants.unwrap();
    assert!(wants.contains("step 1, 2"), "{wants}");
    let closed = block_on(stage.runner().close(report.plan.name, anna(), "cleaned up by hand")).unwrap();
    assert_eq!(closed, State::Closed);
}

#[test]
fn an_agent_or_a_stranger_to_the_question_undoes_nothing() {
    let answers: [Answer; 3] = [
        says(Principal::agent("another"), Say::Approve(None)),
        says(Principal::person(" helper "), Say::Approve(None)),
        Box::new(|question| {
            let mut reply = question.reply(anna(), Say::Approve(None), start());
            reply.shown = guardrail_core::plan::Digest::of_content(b"something else");
            Asked::Replied(reply)
        }),
    ];
    for answer in answers {
        let stage = Stage::new(fails("step 2"), [yes(), answer]);
        let report = stage.run(files(2));
        assert_eq!(report.state, State::Failed);
        assert!(!stage.ran().iter().any(|slot| slot.contains("rollback")));
    }
}

#[test]
fn a_way_back_that_fails_says_so_and_goes_on_where_it_failed() {
    let tries = Arc::new(AtomicU32::new(0));
    let counted = tries.clone();
    let play = move |permit: &Permit, _: &Stop| {
        let undoes = permit.slot().part == Part::Rollback && permit.slot().step == Some(1);
        let failed =
            permit.slot().to_string() == "step 2" || (undoes && counted.fetch_add(1, Ordering::SeqCst) == 0);
        Execution::ended(Ended::Exited(i32::from(failed)), 0.1)
    };
    let stage = Stage::new(play, [yes(), yes()]);
    let report = stage.run(files(2));
    assert_eq!((report.state, fates(&report)), (State::RollbackFailed, vec![Fate::NotUndone, Fate::Undone]));
    let name = report.plan.name;
    assert_eq!(block_on(stage.runner().roll_back(name, anna())).unwrap(), State::RollingBack);
    let report = stage.drive(name).unwrap();
    assert_eq!((report.state, tries.load(Ordering::SeqCst)), (State::RolledBack, 2));
    assert_eq!(stage.ran().iter().filter(|slot| *slot == "step 2, rollback 1").count(), 1);
}

#[test]
fn a_stop_finishes_the_step_and_cancels_the_rest() {
    let play = |permit: &Permit, stop: &Stop| {
        if permit.slot().to_string() == "step 2" {
            stop.request(StopLevel::Finish);
        }
        gave("")
    };
    let stage = Stage::new(play, [yes(), no()]);
    let report = stage.run(files(3));
    assert_eq!(
        (report.state, fates(&report)),
        (State::Cancelled, vec![Fate::Done, Fate::Done, Fate::NotBegun])
    );
    assert_eq!(stage.questions(), 2, "the way back was offered");
    assert_eq!(stage.ran().last().unwrap(), "step 2");
}

#[test]
fn an_emergency_stop_ends_the_command_and_says_what_is_left() {
    let play = |permit: &Permit, stop: &Stop| {
        if permit.slot().to_string() != "step 2" {
            return gave("");
        }
        stop.request(StopLevel::Kill);
        let mut execution = Execution::ended(Ended::Stopped, 0.1);
        execution.left = vec!["half a file".into()];
        execution
    };
    let stage = Stage::new(play, [yes(), yes()]);
    let report = stage.run(files(3));
    assert_eq!(report.state, State::Cancelled);
    assert_eq!(stage.questions(), 1, "nothing is asked any more");
    let summary = report.summary();
    for line in ["step 1: done", "step 2: stopped on the way", "step 3: not begun", "step 2: half a file"] {
        assert!(summary.contains(line), "{summary}");
    }
    // Whoever comes later may undo it.
    assert_eq!(block_on(stage.runner().roll_back(report.plan.name, anna())).unwrap(), State::RollingBack);
    let report = block_on(stage.runner().drive(report.plan.name, &Stop::new(), &Unseen)).unwrap();
    assert_eq!(report.state, State::RolledBack);
}

#[test]
fn a_stop_before_anybody_answered_cancels_it() {
    let stage = Stage::new(|_, _| gave(""), []);
    stage.stop.request(StopLevel::Finish);
    let report = stage.run(files(1));
    assert_eq!((report.state, stage.ran().len()), (State::Cancelled, 0));
    let stage = Stage::new(|_, _| gave(""), [says(anna(), Say::Stop(None))]);
    let report = stage.run(files(1));
    assert_eq!((report.state, stage.ran().len()), (State::Cancelled, 0));
}

#[test]
fn what_changed_after_the_yes_does_not_run() {
    let stage = Stage::new(|_, _| gave(""), [yes(), yes()]);
    let name = stage.propose(files(1));
    let world = stage.world.clone();
    *stage.reader.asked.lock().unwrap() = Vec::new();
    let stage = {
        let answer: Answer = Box::new(move |question| {
            world.0.store(true, Ordering::SeqCst);
            Asked::Replied(question.reply(anna(), Say::Approve(None), start()))
        });
        let next = Stage::on(stage.book.mended(), |_, _| gave(""), [answer, yes()]);
        Stage { world: stage.world.clone(), ..next }
    };
    let report = stage.drive(name).unwrap();
    assert_eq!((report.state, stage.ran().len()), (State::Stale, 0));
    assert!(report.failures[0].contains("/usr/bin/touch has changed"), "{:?}", report.failures);
    assert!(stage.news.kinds().contains(&NoticeKind::Stale));
    // As it is now, and with another yes.
    assert_eq!(block_on(stage.runner().revise(name, files(1))).unwrap(), State::Proposed);
    assert_eq!(stage.drive(name).unwrap().state, State::Succeeded);
}

#[test]
fn what_is_watched_may_still_fail() {
    let rounds = Arc::new(AtomicU32::new(0));
    let counted = rounds.clone();
    let play = move |permit: &Permit, _: &Stop| {
        let failed = permit.slot().part == Part::Monitor && counted.fetch_add(1, Ordering::SeqCst) == 2;
        Execution::ended(Ended::Exited(i32::from(failed)), 0.1)
    };
    let stage = Stage::new(play, [yes(), yes()]);
    let report = stage.run(watched(files(1)));
    assert_eq!((report.state, rounds.load(Ordering::SeqCst)), (State::RolledBack, 3));
    assert!(stage.news.kinds().contains(&NoticeKind::ValidationFailed));

    let stage = Stage::new(|_, _| gave(""), [yes()]);
    assert_eq!(stage.run(watched(files(1))).state, State::Succeeded);
    assert_eq!(stage.ran().iter().filter(|slot| slot.contains("monitor")).count(), 3);
}

#[test]
fn what_was_lost_is_settled_by_a_person() {
    for (how, state) in [
        (Settlement::Done, State::Succeeded),
        (Settlement::RunAgain, State::Succeeded),
        (Settlement::Failed, State::Failed),
    ] {
        let lost = Arc::new(AtomicU32::new(0));
        let counted = lost.clone();
        let play = move |permit: &Permit, _: &Stop| {
            if permit.slot().to_string() == "step 1" && counted.fetch_add(1, Ordering::SeqCst) == 0 {
                return Execution::ended(Ended::Lost("it was gone".into()), 0.1);
            }
            gave("")
        };
        let stage = Stage::new(play, [yes()]);
        let report = stage.run(files(1));
        assert_eq!((report.state, fates(&report)), (State::InDoubt, vec![Fate::InDoubt]));
        let name = report.plan.name;
        assert_eq!(stage.drive(name).unwrap().state, State::InDoubt, "driving it settles nothing");
        assert!(block_on(stage.runner().settle(name, Principal::agent("helper"), how)).is_err());
        block_on(stage.runner().settle(name, anna(), how)).unwrap();
        assert_eq!(stage.drive(name).unwrap().state, state);
        let times = if how == Settlement::RunAgain { 2 } else { 1 };
        assert_eq!(lost.load(Ordering::SeqCst), times);
    }
}

#[test]
fn one_plan_at_a_time_works_on_a_resource() {
    let claims = Arc::new(MemoryClaims::default());
    let stage = Stage::new(|_, _| gave(""), [yes(), yes(), yes()]);
    let runner =
        stage.builder().approver(stage.reader.clone()).claims(claims.clone()).refuse_conflicts().build();
    let name = stage.propose(files(1));
    let other = guardrail_exec::Claims::claim(
        &*claims,
        "plan-20260126-007",
        &[["local", "srv"].map(str::to_owned).to_vec()],
    )
    .unwrap();
    let report = block_on(runner.drive(name, &stage.stop, &Unseen)).unwrap();
    assert_eq!(report.state, State::Approved);
    assert_eq!(report.blocked_by.as_deref(), Some("local/srv is held by plan-20260126-007"));

    // One that waits is still stopped by the end of its approval.
    let patient = stage.builder().approver(stage.reader.clone()).claims(claims.clone()).build();
    let waits = stage.propose(files(1));
    let report = block_on(patient.drive(waits, &stage.stop, &Unseen)).unwrap();
    assert_eq!((report.state, stage.ran().len()), (State::Expired, 0));
    drop(other);
    let free = stage.propose(files(1));
    assert_eq!(block_on(patient.drive(free, &stage.stop, &Unseen)).unwrap().state, State::Succeeded);
}

#[test]
fn one_runner_drives_a_plan() {
    let claims = Arc::new(MemoryClaims::default());
    let stage = Stage::new(|_, _| gave(""), [yes()]);
    let runner = stage.builder().claims(claims.clone()).build();
    let name = stage.propose(files(1));
    let id = ["plan", &name.to_string()].map(str::to_owned).to_vec();
    let held = guardrail_exec::Claims::claim(&*claims, "another", &[id]).unwrap();
    let busy = block_on(runner.drive(name, &stage.stop, &Unseen));
    assert!(matches!(busy, Err(RunError::Busy(_))));
    drop(held);
    assert!(block_on(runner.drive(name, &stage.stop, &Unseen)).is_ok());
}

/// What would be done twice, if anything were.
fn done_twice(ran: &[String]) -> Vec<&String> {
    let acts = |slot: &&String| !slot.contains("check") && !slot.contains("capture");
    let twice = |slot: &&String| ran.iter().filter(|other| other == slot).count() > 1;
    ran.iter().filter(acts).filter(twice).collect()
}

#[test]
fn a_crash_at_any_record_is_continued_and_nothing_is_done_twice() {
    for (plan, answers) in [(scale(), 1), (watched(files(3)), 1)] {
        let whole = Stage::new(cluster_or_files(), (0..answers).map(|_| yes()));
        assert_eq!(whole.run(plan.clone()).state, State::Succeeded);
        let calls = whole.book.calls();
        for at in 0..calls {
            for how in [Break::Before, Break::Behind, Break::Torn] {
                let crashed = Stage::new(cluster_or_files(), (0..answers).map(|_| yes()));
                *crashed.book.breaks.lock().unwrap() = Some((at, how));
                let proposed = block_on(crashed.runner().propose(plan.clone(), origin()));
                if let Ok(id) = &proposed {
                    crashed.drive(id.name).unwrap_err();
                }
                // Another process, with what is on the disk. A stopped clock shows that no time
                // limit helps.
                let again = Stage::on(crashed.book.mended(), cluster_or_files(), (0..2).map(|_| yes()));
                let open = block_on(again.runner().open()).unwrap();
                let Some((name, _)) = open.first() else {
                    let done = again.book.lines().last().is_none_or(|line| line == "plan succeeded");
                    assert!(done, "{at} {how:?}: {:?}", again.book.lines());
                    continue;
                };
                let mut report = again.drive(*name).unwrap();
                let mut asked = false;
                if report.state == State::InDoubt {
                    let doubt = report.steps.iter().find(|step| step.fate == Fate::InDoubt).unwrap().step;
                    let began = crashed.ran().contains(&format!("step {doubt}"));
                    let how = if began { Settlement::Done } else { Settlement::RunAgain };
                    block_on(again.runner().settle(*name, anna(), how)).unwrap();
                    report = again.drive(*name).unwrap();
                    asked = true;
                }
                assert!(block_on(again.runner().open()).unwrap().is_empty(), "{at} {how:?}: it is over");
                let ran = [crashed.ran(), again.ran()].concat();
                assert_eq!(report.state, State::Succeeded, "{at} {how:?}: {:?}", again.book.lines());
                assert!(done_twice(&ran).is_empty(), "{at} {how:?} {asked}: {ran:?}");
                assert!(report.steps.iter().all(|step| step.fate == Fate::Done), "{report:?}");
            }
        }
    }
}

/// Plays both plans of the crash test; the cluster is one that stays as it is.
fn cluster_or_files() -> impl Fn(&Permit, &Stop) -> Execution + Send + Sync {
    move |permit: &Permit, _: &Stop| {
        let after = permit.slot().part == Part::Post;
        gave(if after { r#"{ "spec": { "replicas": 5 } }"# } else { r#"{ "spec": { "replicas": 3 } }"# })
    }
}
