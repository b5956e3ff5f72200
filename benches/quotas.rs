//! `cargo bench -p agent-guardrail-benches --bench quotas`: what it costs to ask whether something may
//! begin: to find out what it counts against, and to count it, in a file that processes share.

use std::fmt::Write as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use divan::{Bencher, black_box};
use guardrail::host::quotas::FileQuotas;
use guardrail::policy::{Layer, Policy, PolicyError};
use guardrail::quota::Quotas as _;
use guardrail::{Guard, Request};

fn main() {
    divan::main();
}

/// Quotas of each kind in turn, that are never used up.
fn guard(count: usize) -> Result<Guard, PolicyError> {
    let mut text = String::new();
    for n in 0..count {
        let what = ["executions", "repeats", "failures", "running", "executions"];
        let counts = what.get(n % what.len()).copied().unwrap_or_default();
        let more = match counts {
            "failures" => "most = 1000000\nrest = '1m'",
            "running" => "most = 8",
            _ => "most = 4000000000\nwithin = '1m'",
        };
        let _ = writeln!(text, "[[quota]]\nname = 'quota-{n}'\ncounts = '{counts}'\nby = 'actor'\n{more}");
    }
    let policy = Policy::builder().layer(Layer::User, &text)?.build()?;
    Ok(Guard::builder().policy(policy)?.build())
}

fn request() -> Request {
    Request {
        actor: Some("agent-1".into()),
        ..Request::shell("kubectl -n shop scale deployment/api --replicas=5")
    }
}

/// What a request counts against.
#[divan::bench(args = [0, 1, 5, 20])]
fn usage(bencher: Bencher<'_, '_>, count: usize) {
    let Ok(guard) = guard(count) else { return };
    let request = request();
    bencher.bench(|| black_box(guard.usage(black_box(&request))));
}

/// Counting it, with nobody else in the way, and giving back what it holds. None of it waits.
#[divan::bench(args = [0, 1, 5, 20])]
fn admit(bencher: Bencher<'_, '_>, count: usize) {
    let (Ok(guard), Ok(folder)) = (guard(count), tempfile::tempdir()) else { return };
    let Ok(quotas) = FileQuotas::open(&folder.path().join("quotas")) else { return };
    let usage = guard.usage(&request());
    bencher.bench(|| {
        let admission = pin!(quotas.admit(black_box(&usage)));
        match Future::poll(admission, &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(admission) => drop(black_box(admission)),
            Poll::Pending => {}
        }
    });
}
