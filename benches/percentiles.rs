//! `cargo bench -p agent-guardrail-benches --bench percentiles`: how long each command of the list
//! takes, not only all of them together.
//!
//! A command's figure is the median of many warm repetitions; the percentiles are over commands.
//! What is allocated is counted by `allocations`, so that no counting takes time here.

use std::hint::black_box;
use std::time::{Duration, Instant};

use guardrail::shell::{Bump, parse};
use guardrail::{Guard, Limits, Request};
use guardrail_benches::peer::Peer;
use guardrail_benches::{commands, hostile};

/// Repetitions of each command that are timed, after as many that are not.
const TIMES: usize = 101;

fn main() {
    let commands = commands();
    let guard = Guard::new();
    let requests: Vec<_> = commands.iter().map(|command| Request::shell(command.as_str())).collect();

    let evaluated = Timings::of(&requests, |request| drop(black_box(guard.evaluate(request))));
    let parsed = Timings::of(&commands, |command| {
        black_box(parse(&Bump::new(), command.as_bytes(), &Limits::STANDARD));
    });
    println!("{} commands, nanoseconds for one   median      p90      p99      max     mean", commands.len());
    evaluated.print("guardrail, evaluation");
    parsed.print("guardrail, parser alone");
    if let Ok(peer) = Peer::new() {
        let matched = Timings::of(&commands, |command| {
            black_box(peer.evaluate(command));
        });
        matched.print("list of patterns");
        println!("mean of an evaluation / mean of the patterns: {:.1}", evaluated.mean() / matched.mean());
    }

    println!("\nthe slowest ten");
    for (time, index) in evaluated.sorted.iter().rev().take(10) {
        let command = commands.get(*index).map_or("", String::as_str);
        println!("{:>9}  {}", time.as_nanos(), command.lines().next().unwrap_or_default());
    }

    start(&commands);
    hostile_inputs(&guard);
}

/// The times of all items, ascending, each with the item's place.
struct Timings {
    sorted: Vec<(Duration, usize)>,
}

impl Timings {
    fn of<T>(items: &[T], run: impl Fn(&T)) -> Self {
        let median = |item: &T| {
            let mut times = [Duration::ZERO; TIMES];
            for _ in 0..TIMES {
                run(black_box(item));
            }
            for time in &mut times {
                let start = Instant::now();
                run(black_box(item));
                *time = start.elapsed();
            }
            times.sort_unstable();
            times.get(TIMES / 2).copied().unwrap_or_default()
        };
        let mut sorted: Vec<_> =
            items.iter().enumerate().map(|(index, item)| (median(item), index)).collect();
        sorted.sort_unstable();
        Self { sorted }
    }

    fn percentile(&self, percent: usize) -> u128 {
        let last = self.sorted.len().saturating_sub(1);
        self.sorted.get(last * percent / 100).map_or(0, |(time, _)| time.as_nanos())
    }

    fn mean(&self) -> f64 {
        let sum: Duration = self.sorted.iter().map(|(time, _)| time).sum();
        sum.as_nanos() as f64 / self.sorted.len() as f64
    }

    fn print(&self, what: &str) {
        let [median, p90, p99, max] = [50, 90, 99, 100].map(|percent| self.percentile(percent));
        println!("{what:<32} {median:>8} {p90:>8} {p99:>8} {max:>8} {:>8.0}", self.mean());
    }
}

/// A new guard and its first answer: what is decoded for it is part of it.
fn start(commands: &[String]) {
    let some: Vec<_> = commands.iter().step_by(20).collect();
    let timings = Timings::of(&some, |command| {
        drop(black_box(Guard::new().evaluate(&Request::shell(command.as_str()))));
    });
    println!("\n{} commands, a new guard for each   median      p90      p99      max     mean", some.len());
    timings.print("start and first evaluation");
}

/// The worst inputs, once each: their times vary by less than their sizes.
fn hostile_inputs(guard: &Guard) {
    println!("\nhostile input                       bytes   milliseconds");
    for (name, text) in hostile() {
        let bytes = text.len();
        let request = Request::shell(text);
        let start = Instant::now();
        let evaluation = black_box(guard.evaluate(&request));
        let time = start.elapsed();
        println!("{name:<32} {bytes:>8} {:>14.3}   {}", time.as_secs_f64() * 1e3, evaluation.risk);
    }
}
