//! Each limit, by something that goes past it.

use guardrail_core::plan::{Command, Ended, Execution, Limit, StepLimits};
use guardrail_exec::DEFAULT_LIMITS;

use crate::bench::{Bench, executor, limits};

fn run(bench: &Bench, command: Command, more: StepLimits) -> Execution {
    let wall = limits(60, 1);
    let execution = bench.run(command.limits(StepLimits {
        wall_seconds: wall.wall_seconds,
        grace_seconds: wall.grace_seconds,
        ..more
    }));
    bench.nothing_runs();
    execution
}

#[test]
fn processor_time() {
    let bench = Bench::new();
    let limits = StepLimits { cpu_seconds: Some(1), ..StepLimits::default() };
    let execution = run(&bench, bench.shell("while :; do :; done"), limits.clone());
    assert_eq!(execution.ended, Ended::OverLimit(Limit::Cpu));
    // One that does not listen to the first signal gets the second.
    let execution = run(&bench, bench.shell("trap '' XCPU; while :; do :; done"), limits);
    assert_eq!(execution.ended, Ended::OverLimit(Limit::Cpu));
}

#[test]
fn the_size_of_a_file() {
    let bench = Bench::new();
    let limits = StepLimits { file_bytes: Some(100_000), ..StepLimits::default() };
    let command = bench.argv(["dd", "if=/dev/zero", "of=big", "bs=1000", "count=1000"]);
    let execution = run(&bench, command, limits);
    assert_eq!(execution.ended, Ended::OverLimit(Limit::FileSize), "{execution:?}");
    assert_eq!(std::fs::metadata(bench.at("big")).unwrap().len(), 100_000);
}

#[test]
fn memory_of_one_and_of_all() {
    let bench = Bench::new();
    let limits = StepLimits { memory_bytes: Some(60_000_000), ..StepLimits::default() };
    let execution = run(&bench, bench.argv(["tail", "/dev/zero"]), limits.clone());
    let refused = matches!(execution.ended, Ended::Exited(status) if status != 0);
    assert!(refused || execution.ended == Ended::OverLimit(Limit::Memory), "{execution:?}");
    // None of these has too much; all of them together have.
    let one = "(head -c 30000000 /dev/zero | tail -c 30000000 | sleep 600) &";
    let execution = run(&bench, bench.shell(&format!("{one} {one} {one} wait")), limits);
    assert_eq!(execution.ended, Ended::OverLimit(Limit::Memory), "{execution:?}");
}

#[test]
fn open_files_and_cores() {
    let bench = Bench::new();
    let limits = StepLimits { open_files: Some(17), ..StepLimits::default() };
    let execution = run(&bench, bench.shell("ulimit -n; ulimit -Hn; ulimit -c"), limits);
    assert_eq!(execution.stdout.text, "17\n17\n0\n");
}

#[test]
fn the_executors_own_limits_win_where_they_are_stricter() {
    let strict = StepLimits { wall_seconds: Some(1), grace_seconds: Some(1), ..DEFAULT_LIMITS };
    let bench = Bench::with(executor().limits(strict));
    let execution = bench.run(bench.argv(["sleep", "600"]).limits(limits(500, 500)));
    assert_eq!(execution.ended, Ended::OverLimit(Limit::Wall));
}

#[test]
fn limits_hold_for_what_it_starts() {
    let bench = Bench::new();
    let limits = StepLimits { open_files: Some(19), ..StepLimits::default() };
    let execution = run(&bench, bench.shell("(sh -c 'sh -c \"ulimit -n\"')"), limits);
    assert_eq!(execution.stdout.text, "19\n");
}

#[test]
fn what_is_kept_is_the_end_and_what_is_told_is_all() {
    let bench = Bench::with(executor().keep(1000));
    let (execution, heard) = bench.heard(bench.shell("seq 1 100000; printf é"));
    assert!(execution.stdout.cut && execution.stdout.text.ends_with("99999\n100000\né"));
    assert_eq!(execution.stdout.text.len(), 1000);
    assert_eq!(execution.stdout.bytes, 588_897);
    assert_eq!(heard.stdout.len(), 588_897);
}

#[test]
fn progress_is_told() {
    let bench = Bench::new();
    let (execution, heard) = bench.heard(bench.argv(["sleep", "2.5"]));
    assert!(execution.succeeded() && heard.told >= 1, "{}", heard.told);
}
