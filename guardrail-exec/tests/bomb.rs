//! A command that becomes more and more, alone: while it lasts, nobody else can start anything.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, dead_code, reason = "a test")]

#[path = "process/bench.rs"]
mod bench;

use bench::{BOTH, Bench, executor, limits};
use guardrail_core::plan::{Ended, Limit, StepLimits};

#[test]
fn one_that_becomes_more_and_more() {
    for tracking in BOTH {
        let bench = Bench::with(executor().tracking(tracking));
        let limits = StepLimits { processes: Some(40), ..limits(30, 0) };
        // It takes its time, and doubles ten times at most: nothing but being looked at holds back a
        // bomb of root's, and this must not take the machine with it where the test fails.
        let bomb = b"#!/bin/sh\ntrap '' TERM\nsleep 0.1\n[ $1 -gt 9 ] && exec sleep 60\n\
            \"$0\" $(($1 + 1)) & \"$0\" $(($1 + 1)) & wait\n";
        bench.file("bomb", bomb, 0o755);
        let execution = bench.run(bench.argv(["./bomb", "0"]).limits(limits));
        assert_eq!(execution.ended, Ended::OverLimit(Limit::Processes), "{execution:?}");
        bench.nothing_runs();
    }
}
