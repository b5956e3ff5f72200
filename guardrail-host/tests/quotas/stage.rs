//! A directory of counts with a clock that is set by hand.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};

use guardrail_core::policy::{Layer, Policy};
use guardrail_core::quota::{Admission, Finished, QuotaRefusal, Quotas as _, Usage};
use guardrail_core::record::{Timestamp, Verdict};
use guardrail_core::{Guard, Request};
use guardrail_host::quotas::FileQuotas;
use tempfile::TempDir;

/// Where the clock begins, in milliseconds.
pub(crate) const START: i64 = 1_769_400_000_000;

pub(crate) struct Stage {
    _folder: TempDir,
    pub(crate) directory: PathBuf,
    pub(crate) guard: Guard,
    pub(crate) quotas: FileQuotas,
    clock: Arc<AtomicI64>,
}

/// Nothing here waits for anything.
pub(crate) fn done<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

pub(crate) fn guard(policy: &str) -> Guard {
    let policy = Policy::builder().layer(Layer::User, policy).unwrap().build().unwrap();
    Guard::builder().policy(policy).unwrap().build()
}

pub(crate) fn request(actor: &str, text: &str) -> Request {
    Request { actor: Some(actor.into()), ..Request::shell(text).cwd("/srv/app") }
}

impl Stage {
    pub(crate) fn new(policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("quotas");
        let clock = Arc::new(AtomicI64::new(START));
        let quotas = with_clock(&directory, &clock).unwrap();
        Self { _folder: folder, directory, guard: guard(policy), quotas, clock }
    }

    /// Another door to the same counts, as another process would have.
    pub(crate) fn reopened(&self) -> Result<FileQuotas, QuotaRefusal> {
        with_clock(&self.directory, &self.clock)
    }

    pub(crate) fn pass(&self, milliseconds: i64) {
        self.clock.fetch_add(milliseconds, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub(crate) fn usage(&self, actor: &str, text: &str) -> Usage {
        self.guard.usage(&request(actor, text))
    }

    pub(crate) fn admit(&self, actor: &str, text: &str) -> Result<Admission, QuotaRefusal> {
        done(self.quotas.admit(&self.usage(actor, text)))
    }

    /// Admits it and says how it ended.
    pub(crate) fn ends(&self, actor: &str, text: &str, ended: Finished) -> Result<(), QuotaRefusal> {
        done(self.admit(actor, text)?.finish(ended))
    }

    pub(crate) fn called(&self, actor: &str, verdict: Verdict) -> Result<(), QuotaRefusal> {
        done(self.quotas.called(&self.usage(actor, "mkdir x"), &verdict))
    }
}

fn with_clock(directory: &Path, clock: &Arc<AtomicI64>) -> Result<FileQuotas, QuotaRefusal> {
    let clock = Arc::clone(clock);
    let now = move || Timestamp::from_timestamp_millis(clock.load(Ordering::SeqCst)).unwrap();
    Ok(FileQuotas::open(directory)?.clock(now))
}

/// When a refusal says it is worth trying again, in milliseconds.
pub(crate) fn retry_at(refusal: &QuotaRefusal) -> i64 {
    refusal.retry_at().unwrap_or_else(|| panic!("{refusal}")).timestamp_millis()
}
