//! A process that stands still, or dies, between a sync that failed and telling the others of it.

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
