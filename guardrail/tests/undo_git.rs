//! What the knowledge of tools derives as ways back, through a whole plan: git commands in a real repository are
//! put forward without one, approved, run, and taken back when a later step fails.

#![cfg(all(feature = "exec", feature = "audit", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod house;

use std::process::Command as Process;
use std::sync::Arc;
use std::time::Duration;

use guardrail::Guard;
use guardrail::exec::{Fate, LocalWorld, ProcessExecutor, Report, Runner, Unseen, block_on};
use guardrail::plan::{Check, Command, Expect, Plan, Say, State, Step, Stop};
use house::*;

fn git(house: &House, words: &[&str]) -> String {
    let output = Process::new("git").current_dir(house.work()).args(words).output().unwrap();
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A repository with a commit, two branches, a tag and a setting; `None` where there is no git.
fn repository() -> Option<(tempfile::TempDir, House)> {
    if Process::new("git").arg("--version").output().is_err() {
        println!("SKIPPED: there is no git here");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let house = House::at(folder.path());
    git(&house, &["init", "-q", "-b", "main"]);
    for (key, value) in [
        ("user.name", "Anna"),
        ("user.email", "anna@example.org"),
        ("commit.gpgsign", "false"),
        ("core.hooksPath", "/dev/null"),
        ("shop.colour", "blue"),
    ] {
        git(&house, &["config", key, value]);
    }
    house.write("a.txt", "one\n");
    house.write("kept.txt", "kept\n");
    git(&house, &["add", "."]);
    git(&house, &["commit", "-q", "-m", "First"]);
    git(&house, &["branch", "old"]);
    git(&house, &["tag", "v0"]);
    Some((folder, house))
}

/// All of a repository that a person would miss.
fn state(house: &House) -> Vec<String> {
    let mut state: Vec<String> = [
        &["rev-parse", "HEAD"][..],
        &["symbolic-ref", "HEAD"],
        &["for-each-ref"],
        &["status", "--porcelain"],
        &["ls-files", "--stage"],
        &["config", "--local", "--list"],
    ]
    .iter()
    .map(|words| git(house, words))
    .collect();
    // Where settings stand in their file says nothing.
    let mut settings: Vec<String> = state.pop().unwrap().lines().map(str::to_owned).collect();
    settings.sort_unstable();
    state.append(&mut settings);
    state.extend(["a.txt", "b.txt", "kept.txt"].map(|name| house.read(name)));
    state
}

fn step(words: &[&str]) -> Step {
    Step::new(words.join(" "), Command::argv(words.iter().copied()))
}

fn run(house: &House, plan: Plan, says: impl IntoIterator<Item = Say>) -> Report {
    let log = Arc::new(house.log());
    let runner = Runner::builder(
        Arc::new(Guard::new()),
        log,
        Arc::new(house.plans()),
        Arc::new(ProcessExecutor::new()),
    )
    .world(Arc::new(LocalWorld::new()))
    .approver(answers(says))
    .poll(Duration::from_millis(20))
    .build();
    let name = block_on(runner.propose(plan, origin())).unwrap().name;
    block_on(runner.drive(name, &Stop::new(), &Unseen)).unwrap()
}

fn yes() -> Say {
    Say::Approve(None)
}

fn changes(house: &House) -> Plan {
    let look = |name: &str| Check::new(format!("{name} is there"), Command::argv(["ls", name]));
    let renamed = step(&["git", "mv", "a.txt", "b.txt"]).before(look("a.txt")).behind(look("b.txt"));
    house
        .plan("Rename and release")
        .reason("the name was wrong")
        .step(renamed)
        .step(step(&["git", "config", "--unset", "shop.colour"]).behind(look("kept.txt")))
        .step(step(&["git", "commit", "-q", "-m", "Rename"]))
        .step(step(&["git", "tag", "v1"]))
        .step(step(&["git", "branch", "topic"]))
        .step(step(&["git", "branch", "-d", "old"]))
        .step(step(&["git", "tag", "-d", "v0"]))
}

#[test]
fn a_later_step_fails_and_everything_is_as_it_was() {
    let Some((_folder, house)) = repository() else { return };
    let before = state(&house);
    let plan = changes(&house).step(step(&["git", "rev-parse", "--verify", "refs/heads/nowhere"]));
    let report = run(&house, plan, [yes(), yes()]);
    assert_eq!(report.state, State::RolledBack, "{:?}", report.failures);
    assert!(report.failures[0].starts_with("step 8: "), "{:?}", report.failures);
    let undone = report.steps.iter().filter(|step| step.fate == Fate::Undone).count();
    assert!(undone >= 7, "{:?}", report.steps);
    assert_eq!(state(&house), before);
    house.verify();
}

#[test]
fn what_was_done_does_not_hold_and_everything_is_as_it_was() {
    let Some((_folder, house)) = repository() else { return };
    let before = state(&house);
    let mut plan = changes(&house);
    let wrong = Check::new("the tag", Command::argv(["git", "tag", "--list"]));
    plan.steps[6] = plan.steps[6].clone().behind(wrong.expect(Expect::Contains("v9".into())));
    let report = run(&house, plan, [yes(), yes()]);
    assert_eq!(report.state, State::RolledBack, "{:?}", report.failures);
    assert_eq!(state(&house), before);
    house.verify();
}

#[test]
fn nothing_fails_and_nothing_is_taken_back() {
    let Some((_folder, house)) = repository() else { return };
    let report = run(&house, changes(&house), [yes()]);
    assert_eq!(report.state, State::Succeeded, "{:?}", report.failures);
    assert_eq!((house.read("a.txt"), house.read("b.txt")), (String::new(), "one\n".into()));
    assert_eq!(git(&house, &["tag", "--list"]), "v1\n");
    assert_eq!(git(&house, &["log", "-1", "--format=%s"]), "Rename\n");
    house.verify();
}

/// The way back of a command that was refused would delete what it found.
#[test]
fn what_was_there_before_is_not_taken_back() {
    for refused in [&["git", "tag", "v0"][..], &["git", "branch", "old"], &["git", "mv", "a.txt", "kept.txt"]]
    {
        let Some((_folder, house)) = repository() else { return };
        let before = state(&house);
        let report = run(&house, house.plan("Once more").step(step(refused)), [yes(), yes()]);
        assert!(!matches!(report.state, State::Succeeded), "{refused:?}");
        assert_eq!(state(&house), before, "{refused:?}: {:?} {:?}", report.state, report.failures);
    }
}
