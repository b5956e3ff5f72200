//! A process that stands still, or dies, between a sync that failed and telling the others of it.

use std::sync::Arc;

use guardrail_audit::storage::simulated::{Disk, Fault, Operation};

use crate::Sum;
use crate::trial::{Task, Trial};

/// Two processes at once, the second of which may open the log at any time.
fn run(seed: u64, disk: &Disk) -> Trial {
    let trial = Trial::of(if seed.is_multiple_of(2) { 8_192 } else { 1 << 20 }, 1_000);
    let task = |number: u64| Task { seed: seed * 3 + number, appends: 6, threads: 1, killed: true };
    trial.run(disk, &[task(0), task(1), task(2)]);
    trial
}

/// Whoever opens the log, or a segment of it for the first time, hears of no sync that failed before. It
/// must not take for durable what it reads there.
#[test]
fn who_opens_a_log_between_a_failed_sync_and_its_poison_builds_on_nothing_that_is_lost() {
    let mut sum = Sum::default();
    let mut met = 0;
    for seed in 0..crate::number("GUARDRAIL_CRASH_STALLS").unwrap_or(12) {
        let disk = Disk::new(seed);
        disk.keep_trace();
        run(seed, &disk);
        for (number, call) in disk.trace().iter().enumerate() {
            if call.operation != Operation::Sync {
                continue;
            }
            let disk = Disk::new(seed);
            disk.keep_trace();
            disk.fail(number as u64, Fault::Stall);
            let trial = run(seed, &disk);
            met += usize::from(others_open(&disk));
            disk.calm();
            for _ in 0..3 {
                if let Err(wrong) = sum.look(&trial, &disk.crash()) {
                    crate::show(&disk);
                    panic!("seed {seed}, stalled after the sync at call {number}: {wrong}");
                }
            }
        }
    }
    println!("{sum:?}; another process opened a file meanwhile in {met}");
    assert!(met > 10, "no process came between: {met}");
}

/// Whether another process opened a file between the failed sync and the poison.
fn others_open(disk: &Disk) -> bool {
    let trace = disk.trace();
    let Some(at) = trace.iter().position(|call| call.fault.is_some()) else { return false };
    let process = trace[at].process;
    let until = trace.iter().skip(at + 1).take_while(|call| call.process != process);
    until.into_iter().any(|call| call.operation == Operation::Open)
}

/// Where nothing is written in place, a log opens again after a failed sync if the disk has all that memory
/// shows. Otherwise it says what to do, and opens once that was done.
#[test]
fn an_append_only_log_opens_after_a_failed_sync_or_says_what_to_do() {
    let (mut opened, mut refused) = (0, 0);
    for seed in 0..40 {
        let disk = Disk::new(seed);
        let trial = Trial::of(1 << 20, 1_000);
        disk.set_append_only(true);
        trial.run(&disk, &[Task { seed, appends: 3, threads: 1, killed: true }]);
        disk.fail_next_sync(Fault::Io);
        trial.run(&disk, &[Task { seed: seed + 1_000, appends: 3, threads: 1, killed: true }]);
        disk.calm();
        match trial.options().open_on(Arc::new(disk.process())) {
            Ok(store) => {
                opened += 1;
                drop(store);
            }
            Err(error) => {
                assert!(error.to_string().contains("chattr -a"), "seed {seed}: {error}");
                refused += 1;
                disk.set_append_only(false);
                drop(trial.options().open_on(Arc::new(disk.process())).expect("without the attribute"));
            }
        }
        trial.look(&disk.crash()).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    }
    assert!(opened > 3 && refused > 3, "{opened} opened, {refused} refused");
}
