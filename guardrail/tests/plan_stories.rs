//! The stories of a plan that does not go as it was meant to, on real processes and a real log: a
//! step fails, what was done does not hold, it was approved by mistake and is stopped.

#![cfg(all(feature = "exec", feature = "audit", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod house;

use std::sync::{Arc, Mutex};

use guardrail::exec::{Fate, News, Observer, Report, Unseen, block_on};
use guardrail::plan::{Check, Command, Expect, Plan, Rollback, Say, Slot, State, Step, Stop, StopLevel};
use house::*;

fn fates(report: &Report) -> Vec<Fate> {
    report.steps.iter().map(|step| step.fate).collect()
}

fn run(
    house: &House,
    plan: Plan,
    says: impl IntoIterator<Item = Say>,
    stop: &Stop,
    seen: &dyn Observer,
) -> Report {
    let runner = house.runner(answers(says));
    let name = block_on(runner.propose(plan, origin())).unwrap().name;
    block_on(runner.drive(name, stop, seen)).unwrap()
}

/// Puts a new configuration in the place of the old one.
fn configure() -> Step {
    let ours = |text: &str| {
        Check::new("the port", Command::argv(["cat", "app.conf"])).expect(Expect::Contains(text.into()))
    };
    Step::new("Use the new configuration", Command::argv(["cp", "app.conf.new", "app.conf"]))
        .before(ours("port=80"))
        .behind(ours("port=8080"))
        .undone_by(
            Rollback::new("the old one", [Command::argv(["cp", "app.conf.old", "app.conf"])])
                .verified_by(ours("port=80")),
        )
}

fn configured(new: &str) -> (tempfile::TempDir, House) {
    let folder = tempfile::tempdir().unwrap();
    let house = House::at(folder.path());
    house.write("app.conf", "port=80\n");
    house.write("app.conf.old", "port=80\n");
    house.write("app.conf.new", new);
    (folder, house)
}

#[test]
fn a_step_fails_and_what_was_done_is_undone_on_a_yes() {
    let (_folder, house) = configured("port=8080\n");
    house.write("reload.sh", "echo 'the service does not answer' >&2\nexit 7\n");
    let reload = Step::new("Reload", Command::argv(["bash", "reload.sh"]))
        .undone_by(Rollback::new("nothing was reloaded", [Command::argv(["touch", "reloaded-back"])]));
    let plan = house.plan("Another port").step(configure()).step(reload).step(ledger(1));
    let yes = || Say::Approve(None);
    let report = run(&house, plan, [yes(), yes()], &Stop::new(), &Unseen);
    assert_eq!(report.state, State::RolledBack);
    assert_eq!(fates(&report), [Fate::Undone, Fate::Undone, Fate::NotBegun]);
    assert_eq!(report.failures, ["step 2: it ended with status 7"]);
    assert_eq!((house.read("app.conf"), house.read("ledger")), ("port=80\n".into(), String::new()));
    house.verify();
}

#[test]
fn what_was_done_does_not_hold_and_is_undone_on_a_yes() {
    let (_folder, house) = configured("port=none\n");
    let plan = house.plan("Another port").step(configure()).step(ledger(1));
    let yes = || Say::Approve(None);
    let report = run(&house, plan.clone(), [yes(), yes()], &Stop::new(), &Unseen);
    assert_eq!(fates(&report), [Fate::Undone, Fate::NotBegun]);
    assert_eq!((report.state, house.read("app.conf")), (State::RolledBack, "port=80\n".into()));
    assert!(report.failures[0].starts_with("step 1, post check 1: "), "{:?}", report.failures);

    // On a no it stays as it is, until a person closes it.
    let report = run(&house, plan, [yes(), Say::Reject(None)], &Stop::new(), &Unseen);
    assert_eq!((report.state, house.read("app.conf")), (State::Failed, "port=none\n".into()));
    let runner = house.runner(answers([]));
    let closed = block_on(runner.close(report.plan.name, anna(), "put right by hand")).unwrap();
    assert_eq!(closed, State::Closed);
    house.verify();
}

/// Stops a plan when a command starts.
struct StopAt(Slot, StopLevel, Stop, Mutex<Option<std::thread::JoinHandle<()>>>);

impl Observer for StopAt {
    fn saw(&self, news: &News<'_>) {
        let Self(slot, level, stop, thread) = self;
        if matches!(news, News::Started { slot: started, .. } if started == slot) {
            let (stop, level) = (stop.clone(), *level);
            // From another thread, while it runs.
            *thread.lock().unwrap() = Some(std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(100));
                stop.request(level);
            }));
        }
    }
}

fn slow(number: u32, seconds: u32) -> Step {
    let mut step = ledger(number);
    step.command = Command::shell(format!("sleep {seconds}; echo 'do {number}' >> ledger"));
    step
}

#[test]
fn approved_by_mistake_and_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::at(folder.path());
    let plan = house.plan("Three lines").step(ledger(1)).step(slow(2, 1)).step(ledger(3));
    let stop = Stop::new();
    let seen = StopAt(Slot::action(2), StopLevel::Finish, stop.clone(), Mutex::default());
    let yes = || Say::Approve(None);
    let report = run(&house, plan, [yes(), yes()], &stop, &seen);
    assert_eq!(report.state, State::RolledBack);
    assert_eq!(
        house.read("ledger"),
        "do 1\ndo 2\nundo 2\nundo 1\n",
        "the step was finished, and nothing begun"
    );
    let log = house.log();
    let records: Vec<_> = log.records(0).unwrap().map(Result::unwrap).collect();
    let place = |found: &dyn Fn(&guardrail::record::Record) -> bool| {
        records.iter().position(|kept| found(&kept.record)).unwrap()
    };
    let asked = place(&|record| record.reason.as_deref() == Some("asked to stop"));
    let ended = place(&|record| record.kind.as_str() == "outcome" && record.step == Some(2));
    assert!(asked < ended, "that it is to stop was recorded at once");
    house.verify();
}

#[test]
fn an_emergency_stop_leaves_no_process_and_says_what_it_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::at(folder.path());
    let mut hard = slow(2, 1);
    // In a session of its own, and deaf.
    hard.command =
        Command::shell("trap '' TERM; (trap '' TERM; setsid sleep 600) & echo 'half' >> ledger; sleep 600");
    let plan = house.plan("Three lines").step(ledger(1)).step(hard).step(ledger(3));
    let runner = house.runner(Arc::new(Yes));
    let id = block_on(runner.propose(plan, origin())).unwrap();
    let stop = Stop::new();
    let seen = StopAt(Slot::action(2), StopLevel::Kill, stop.clone(), Mutex::default());
    let report = block_on(runner.drive(id.name, &stop, &seen)).unwrap();
    assert_eq!(
        (report.state, fates(&report)[1..].to_vec()),
        (State::Cancelled, vec![Fate::Stopped, Fate::NotBegun])
    );
    assert_eq!(house.read("ledger"), "do 1\nhalf\n", "the way back was not taken unasked");
    for line in ["step 1: done", "step 2: stopped on the way", "step 3: not begun"] {
        assert!(report.summary().contains(line), "{}", report.summary());
    }
    let records = block_on(guardrail::record::Recorder::history(&house.log(), &id.to_string())).unwrap();
    let permits = records.iter().filter_map(|kept| kept.record.id);
    let alive: Vec<u32> = permits.flat_map(guardrail::exec::survivors).collect();
    assert!(alive.is_empty(), "{alive:?}");
    house.verify();
}
