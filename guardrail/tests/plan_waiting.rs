//! Many plans that wait for approval: they are all there when the log is opened again, and each of
//! them can still be approved and run.
//!
//! `GUARDRAIL_WAITING` says how many (200 by default); what it took is printed, and not judged.

#![cfg(all(feature = "exec", feature = "audit", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod house;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use guardrail::exec::{Unseen, block_on};
use guardrail::plan::{Approver, Asked, Question, State, Stop};
use house::*;

/// Somebody who is told, and will answer some day.
struct Later;

#[async_trait]
impl Approver for Later {
    fn name(&self) -> &str {
        "later"
    }

    async fn ask(&self, _: &Question) -> Asked {
        Asked::Delivered
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn plans_wait_for_approval_and_are_there_when_the_log_is_opened_again() {
    let number = std::env::var("GUARDRAIL_WAITING").ok().and_then(|text| text.parse().ok());
    let number: u32 = number.unwrap_or(200);
    let folder = tempfile::tempdir().unwrap();
    let house = House::at(folder.path());
    let began = Instant::now();
    {
        let runner = house.runner(Arc::new(Later));
        let next = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while next.fetch_add(1, Ordering::SeqCst) < number {
                        let plan = house.plan("Another line").step(ledger(1));
                        let name = block_on(runner.propose(plan, origin())).unwrap().name;
                        let report = block_on(runner.advance(name, &Stop::new(), &Unseen)).unwrap();
                        assert_eq!(report.state, State::AwaitingApproval);
                    }
                });
            }
        });
    }
    println!("{number} plans put forward and asked about in {:?}", began.elapsed());
    let (before, began) = (resident_kib(), Instant::now());
    let runner = house.runner(Arc::new(Yes));
    let opened = began.elapsed();
    let open = block_on(runner.open()).unwrap();
    println!(
        "opened again in {opened:?}, all read in {:?}, {} KiB more in memory",
        began.elapsed(),
        resident_kib().saturating_sub(before)
    );
    assert_eq!(open.len(), number as usize);
    for (name, life) in &open {
        assert_eq!(life.as_ref().unwrap().state(), State::AwaitingApproval, "{name}");
    }
    let mut names: Vec<_> = open.iter().map(|(name, _)| *name).collect();
    names.dedup();
    assert_eq!(names.len(), number as usize, "no name was given twice");
    let report = block_on(runner.drive(names[names.len() / 2], &Stop::new(), &Unseen)).unwrap();
    assert_eq!((report.state, house.read("ledger")), (State::Succeeded, "do 1\n".into()));
    assert_eq!(block_on(runner.open()).unwrap().len(), number as usize - 1);
}
