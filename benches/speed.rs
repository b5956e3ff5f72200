//! `cargo bench -p agent-guardrail-benches --bench speed`: the list of commands, start-up, and
//! hostile inputs.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use guardrail::shell::{Bump, parse};
use guardrail::{Guard, Limits, Request};
use guardrail_benches::peer::Peer;
use guardrail_benches::{commands, hostile};

fn main() {
    divan::main();
}

/// All commands of the list once, on a warm guard.
#[divan::bench]
fn evaluate(bencher: Bencher<'_, '_>) {
    let guard = Guard::new();
    let requests: Vec<_> = commands().into_iter().map(Request::shell).collect();
    bencher.counter(ItemsCount::new(requests.len())).bench_local(|| {
        for request in &requests {
            let _ = black_box(guard.evaluate(black_box(request)));
        }
    });
}

/// The parser alone.
#[divan::bench]
fn parse_alone(bencher: Bencher<'_, '_>) {
    let commands = commands();
    bencher.counter(ItemsCount::new(commands.len())).bench_local(|| {
        for command in &commands {
            black_box(parse(&Bump::new(), black_box(command.as_bytes()), &Limits::STANDARD));
        }
    });
}

/// The list of patterns, which knows none of what an evaluation says.
#[divan::bench]
fn peer_patterns(bencher: Bencher<'_, '_>) {
    let Ok(peer) = Peer::new() else { return };
    let commands = commands();
    bencher.counter(ItemsCount::new(commands.len())).bench_local(|| {
        for command in &commands {
            black_box(peer.evaluate(black_box(command)));
        }
    });
}

/// A new guard and its first answer, as in a hook that is started for each command.
#[divan::bench(args = ["ls -la", "git status | head -5", "kubectl get pods -n shop"])]
fn start(command: &str) -> guardrail::Evaluation {
    Guard::new().evaluate(&Request::shell(black_box(command)))
}

/// A new list of patterns and its first answer.
#[divan::bench]
fn peer_start() -> Option<usize> {
    Some(Peer::new().ok()?.evaluate(black_box("git status | head -5")))
}

/// What no agent writes by accident.
#[divan::bench(args = hostile().into_iter().map(|(name, text)| Hostile { name, text }), sample_count = 10)]
fn hostile_input(bencher: Bencher<'_, '_>, hostile: &Hostile) {
    let guard = Guard::new();
    let request = Request::shell(hostile.text.as_str());
    bencher.counter(BytesCount::of_str(&hostile.text)).bench_local(|| guard.evaluate(black_box(&request)));
}

struct Hostile {
    name: String,
    text: String,
}

impl std::fmt::Display for Hostile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}
