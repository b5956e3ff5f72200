//! Crashes of the log in files over the simulated disk, by chance and in every place.
//!
//! `cargo test` tries some thousands of crash points. For more, in release:
//!
//! ```text
//! GUARDRAIL_CRASH_POINTS=100000 cargo test --release -p agent-guardrail-audit --test crash -- --nocapture
//! ```
//!
//! or the ignored tests, which try a hundred thousand. A failure says the seed with which it is
//! seen again: `GUARDRAIL_CRASH_SEED=<seed>`. `GUARDRAIL_CRASH_FROM=<seed>` goes on where another run ended.
//! At the last count, 100,083 crash points of many processes (seeds 0 to 16,667) lost nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]
#![allow(clippy::indexing_slicing, clippy::string_slice, missing_docs, reason = "a test")]

mod conforming;
mod everywhere;
mod flips;
#[cfg(unix)]
mod killed;
mod ledger;
#[cfg(target_os = "linux")]
mod mounted;
mod sealed;
mod stalled;
mod trial;

use std::collections::BTreeSet;

use guardrail_audit::storage::simulated::Disk;

use ledger::kinds;
use trial::{Dice, Task, Trial, Trouble};

/// What many trials came to.
#[derive(Debug, Default)]
struct Sum {
    crashes: u64,
    lines: u64,
    acknowledged: u64,
    halves: u64,
    kinds: BTreeSet<String>,
}

impl Sum {
    fn look(&mut self, trial: &Trial, disk: &Disk) -> Result<(), String> {
        trial.wrong()?;
        let (seen, lines) = trial.look(disk)?;
        self.crashes += 1;
        self.lines += seen.lines;
        self.acknowledged += seen.acknowledged;
        self.halves += seen.halves;
        self.kinds.extend(kinds(&lines));
        Ok(())
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// How many processes, and threads in each.
#[derive(Clone, Copy)]
enum Company {
    Alone,
    Processes,
    Threads,
}

/// One trial: up to three rounds of processes that append while something goes wrong, and a look
/// at what is left after each.
fn chance(seed: u64, company: Company, sum: &mut Sum) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let gentle = dice.once_in(6);
    let trial = Trial::new(&mut dice, gentle);
    let mut disk = Disk::new(seed);
    // Of a log of its own numbers, so that older seeds stay what they were.
    disk.set_append_only(!gentle && Dice::new(seed ^ 0x0a99).once_in(8));
    if number("GUARDRAIL_CRASH_SEED").is_some() {
        disk.keep_trace();
    }
    for _ in 0..=dice.below(3) {
        Trouble::any(&mut dice, gentle).set(&disk);
        let processes = match company {
            Company::Processes => 2 + dice.below(3),
            _ => 1,
        };
        let tasks: Vec<Task> = (0..processes)
            .map(|_| Task {
                seed: dice.below(u64::MAX),
                appends: dice.below(14),
                threads: if matches!(company, Company::Threads) { 2 + dice.below(5) } else { 1 },
                killed: dice.once_in(2),
            })
            .collect();
        trial.run(&disk, &tasks);
        show(&disk);
        disk.calm();
        disk.set_room(None);
        if gentle {
            // What a machine that stays on shows is what it shows now.
            trial.wrong()?;
            continue;
        }
        // One moment has many things that it may leave.
        for _ in 0..3 {
            sum.look(&trial, &disk.crash()).map_err(|wrong| format!("after a power cut: {wrong}"))?;
        }
        disk = disk.crash();
    }
    let looked = sum.look(&trial, &disk);
    show(&disk);
    looked
}

/// The calls of a disk, where its trace is kept.
fn show(disk: &Disk) {
    for (number, call) in disk.trace().iter().enumerate() {
        let fault = call.fault.map(|fault| format!(" <- {fault:?}")).unwrap_or_default();
        println!("{number:4} [{}] {:?} {}{fault}", call.process, call.operation, call.name);
    }
}

fn try_all(points: u64, company: Company) -> Sum {
    let points = number("GUARDRAIL_CRASH_POINTS").unwrap_or(points);
    let (first, last) = match number("GUARDRAIL_CRASH_SEED") {
        Some(seed) => (seed, seed),
        None => (number("GUARDRAIL_CRASH_FROM").unwrap_or(0), u64::MAX),
    };
    let (mut sum, mut failed) = (Sum::default(), Vec::new());
    for seed in first..=last {
        if let Err(wrong) = chance(seed, company, &mut sum) {
            failed.push(format!("seed {seed}: {wrong}"));
        }
        if sum.crashes >= points || failed.len() >= 8 {
            println!("seeds {first} to {seed}");
            break;
        }
    }
    println!("{sum:?}");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    sum
}

#[test]
fn one_process_loses_nothing() {
    let sum = try_all(2_000, Company::Alone);
    for kind in ["genesis", "segment", "seal", "checkpoint", "recovered", "note", "plan"] {
        assert!(sum.kinds.contains(kind), "no {kind} in any of these logs");
    }
    assert!(sum.acknowledged > sum.crashes);
}

#[test]
fn many_processes_lose_nothing() {
    try_all(1_000, Company::Processes);
}

#[test]
fn many_threads_lose_nothing() {
    try_all(500, Company::Threads);
}

#[test]
#[ignore = "takes minutes: run it in release"]
fn one_process_loses_nothing_at_length() {
    try_all(100_000, Company::Alone);
}

#[test]
#[ignore = "takes minutes: run it in release"]
fn many_processes_lose_nothing_at_length() {
    try_all(100_000, Company::Processes);
}
