//! `cargo bench -p agent-guardrail-benches --bench allocations`: what one warm evaluation of each
//! command of the list allocates, and what the parser alone does.
//!
//! Apart from `percentiles`, whose times a counting allocator would make longer.

use std::alloc::System;
use std::hint::black_box;

use guardrail::shell::{Bump, parse};
use guardrail::{Guard, Limits, Request};
use guardrail_benches::commands;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let commands = commands();
    let guard = Guard::new();
    let requests: Vec<_> = commands.iter().map(|command| Request::shell(command.as_str())).collect();
    println!(
        "{} commands, allocations of one     median      p90      p99      max    bytes",
        commands.len()
    );
    let evaluated = Counts::of(&requests, |request| guard.evaluate(request));
    evaluated.print("guardrail, evaluation");
    Counts::of(&commands, |command| {
        black_box(parse(&Bump::new(), command.as_bytes(), &Limits::STANDARD));
    })
    .print("guardrail, parser alone");

    println!("\nthe ten that allocate most");
    for (count, index) in evaluated.sorted.iter().rev().take(10) {
        let command = commands.get(*index).map_or("", String::as_str);
        println!("{count:>9}  {}", command.lines().next().unwrap_or_default());
    }
}

/// The counts of all items, ascending, each with the item's place; and the mean of their bytes.
struct Counts {
    sorted: Vec<(usize, usize)>,
    bytes: usize,
}

impl Counts {
    fn of<'i, T, R>(items: &'i [T], run: impl Fn(&'i T) -> R) -> Self {
        for item in items {
            drop(black_box(run(black_box(item))));
        }
        let mut bytes = 0;
        let mut sorted: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let region = Region::new(ALLOCATOR);
                let made = black_box(run(black_box(item)));
                let change = region.change();
                drop(made);
                bytes += change.bytes_allocated;
                (change.allocations + change.reallocations, index)
            })
            .collect();
        sorted.sort_unstable();
        Self { sorted, bytes: bytes / items.len().max(1) }
    }

    fn percentile(&self, percent: usize) -> usize {
        let last = self.sorted.len().saturating_sub(1);
        self.sorted.get(last * percent / 100).map_or(0, |(count, _)| *count)
    }

    fn print(&self, what: &str) {
        let [median, p90, p99, max] = [50, 90, 99, 100].map(|percent| self.percentile(percent));
        println!("{what:<32} {median:>8} {p90:>8} {p99:>8} {max:>8} {:>8}", self.bytes);
    }
}
