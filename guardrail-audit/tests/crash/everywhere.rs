//! Every fault at every call of a short run, and power cuts at every call of the recovery after it.

use guardrail_audit::storage::simulated::{Disk, Fault};

use crate::Sum;
use crate::trial::{Dice, Task, Trial, Trouble};

/// A short run, always the same: two processes one after the other, small segments, checkpoints.
fn run(seed: u64, disk: &Disk) -> Trial {
    let trial = Trial::of(4_096, 3);
    for process in 0..2 {
        if !disk.has_power() {
            break;
        }
        let task = Task { seed: seed * 2 + process, appends: 5, threads: 1, killed: false };
        trial.run(disk, &[task]);
    }
    trial
}

fn every_fault(seeds: std::ops::Range<u64>, sum: &mut Sum) {
    for seed in seeds {
        let disk = Disk::new(seed);
        run(seed, &disk);
        let calls = disk.calls();
        assert!(calls > 60, "{calls} calls are too few to see anything");
        for &fault in Fault::ALL {
            for call in 0..calls {
                let disk = Disk::new(seed);
                disk.fail(call, fault);
                let trial = run(seed, &disk);
                disk.calm();
                for _ in 0..2 {
                    let looked = sum.look(&trial, &disk.crash());
                    if let Err(wrong) = looked {
                        let disk = Disk::new(seed);
                        disk.keep_trace();
                        disk.fail(call, fault);
                        run(seed, &disk);
                        crate::show(&disk);
                        panic!("seed {seed}, {fault:?} at call {call}: {wrong}");
                    }
                }
            }
        }
    }
}

/// Recovery that is itself cut at every call, and the recovery from that.
fn every_cut_of_recovery(seeds: std::ops::Range<u64>, sum: &mut Sum) {
    for seed in seeds {
        let mut dice = Dice::new(seed);
        let disk = Disk::new(seed);
        disk.fail(20 + dice.below(60), Fault::PowerAfter);
        let trial = run(seed, &disk);
        let mut cut = 0;
        loop {
            let left = disk.crash();
            Trouble::At(cut, dice.pick(&[Fault::Power, Fault::PowerAfter])).set(&left);
            trial.run(&left, &[Task { seed, appends: 0, threads: 1, killed: true }]);
            let through = left.has_power();
            let looked = sum.look(&trial, &left.crash());
            looked.unwrap_or_else(|wrong| panic!("seed {seed}, recovery cut at call {cut}: {wrong}"));
            if through {
                break;
            }
            cut += 1;
        }
    }
}

#[test]
fn every_fault_at_every_call() {
    let mut sum = Sum::default();
    every_fault(0..1, &mut sum);
    println!("{sum:?}");
}

#[test]
fn every_call_of_a_recovery_may_be_the_last() {
    let mut sum = Sum::default();
    every_cut_of_recovery(0..8, &mut sum);
    println!("{sum:?}");
}

#[test]
#[ignore = "takes a minute: run it in release"]
fn every_fault_at_every_call_at_length() {
    let mut sum = Sum::default();
    every_fault(0..20, &mut sum);
    every_cut_of_recovery(0..500, &mut sum);
    println!("{sum:?}");
}
