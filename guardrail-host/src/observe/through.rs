//! What stands in front of a recorder, an executor and an approver, looks on, and changes nothing.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use guardrail_core::plan::{Approver, Asked, Execution, Executor, OutputSink, Permit, Question, Stop};
use guardrail_core::record::{Condition, Receipt, Record, RecordError, Recorded, Recorder};

use super::spans::Spanned;
use super::{MEASURES, RECORDING, Watch, table};

/// A recorder that is looked at: see [`Watch::recorder`].
pub struct WatchedRecorder {
    watch: Arc<Watch>,
    inner: Arc<dyn Recorder>,
}

/// An executor that is looked at: see [`Watch::executor`].
pub struct WatchedExecutor {
    watch: Arc<Watch>,
    inner: Arc<dyn Executor>,
}

/// An approver that is looked at: see [`Watch::approver`].
pub struct WatchedApprover {
    inner: Arc<dyn Approver>,
}

impl Watch {
    /// A recorder in front of another one, which sees what that one makes durable.
    ///
    /// What another process records in the same log, that process counts. A plan that went on elsewhere
    /// meanwhile is read from the log before what this process adds to it is counted.
    #[must_use]
    pub fn recorder(self: &Arc<Self>, inner: Arc<dyn Recorder>) -> WatchedRecorder {
        WatchedRecorder { watch: self.clone(), inner }
    }

    /// An executor in front of another one, which sees how far that one achieved what was asked for.
    #[must_use]
    pub fn executor(self: &Arc<Self>, inner: Arc<dyn Executor>) -> WatchedExecutor {
        WatchedExecutor { watch: self.clone(), inner }
    }

    /// An approver in front of another one, of the same name. How long people take is measured by the
    /// records; here is only the span (feature `tracing`) in which one is asked.
    #[must_use]
    pub fn approver(&self, inner: Arc<dyn Approver>) -> WatchedApprover {
        WatchedApprover { inner }
    }
}

impl WatchedRecorder {
    /// Reads the plans that are open in the log, so that those that wait for approval are known
    /// before anything happens to them. To be called once, when the program starts.
    ///
    /// # Errors
    ///
    /// Where the log cannot be read.
    pub async fn resume(&self) -> Result<(), RecordError> {
        for (plan, _) in self.inner.open_plans().await? {
            let history = self.inner.history(&plan).await?;
            self.watch.refold(&plan, &history);
        }
        Ok(())
    }

    /// Whether what was seen of a plan ends where these records begin.
    async fn catch_up(&self, condition: &Condition, first: u64) {
        let Condition::PlanAt { plan_id, sequence: Some(last) } = condition else { return };
        if !self.watch.lock().plans.lags(plan_id, *last) {
            return;
        }
        // Where it cannot be read it is not counted. What it was asked for is done.
        if let Ok(history) = self.inner.history(plan_id).await {
            let before: Vec<_> = history.into_iter().filter(|kept| kept.sequence < first).collect();
            self.watch.refold(plan_id, &before);
        }
    }
}

impl Watch {
    /// Reads a plan from its start; nothing of it counts.
    fn refold(&self, plan: &str, history: &[Recorded]) {
        let mut state = self.lock();
        state.plans.forget(plan);
        for Recorded { sequence, timestamp, record } in history {
            state.plans.follow(record, *sequence, *timestamp);
        }
    }
}

#[async_trait]
impl Recorder for WatchedRecorder {
    async fn record(&self, records: &[Record], condition: &Condition) -> Result<Receipt, RecordError> {
        let (span, begun) = (Spanned::record(records, condition), Instant::now());
        let outcome = span.within(self.inner.record(records, condition)).await;
        span.recorded(&outcome);
        let receipt = match outcome {
            Ok(receipt) => receipt,
            Err(error) => {
                self.watch.failed(&error);
                return Err(error);
            }
        };
        self.watch.observe(&RECORDING, &[], begun.elapsed().as_secs_f64());
        self.catch_up(condition, receipt.first()).await;
        self.watch.place(records, Some(receipt.first()), receipt.timestamp(), receipt.redacted());
        Ok(receipt)
    }

    async fn history(&self, plan_id: &str) -> Result<Vec<Recorded>, RecordError> {
        self.inner.history(plan_id).await
    }

    async fn open_plans(&self) -> Result<Vec<(String, u64)>, RecordError> {
        self.inner.open_plans().await
    }
}

#[async_trait]
impl Executor for WatchedExecutor {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn execute(&self, permit: Permit, sink: &mut dyn OutputSink, stop: &Stop) -> Execution {
        let span = Spanned::execute(&permit, self.name());
        let execution = span.within(self.inner.execute(permit, sink, stop)).await;
        span.executed(&execution);
        for (measure, achieved) in &execution.sandbox {
            let labels = [
                ("measure", table::measure(*measure).into()),
                ("achieved", table::achieved(achieved).into()),
            ];
            self.watch.add(&MEASURES, &labels, 1);
        }
        execution
    }
}

#[async_trait]
impl Approver for WatchedApprover {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn ask(&self, question: &Question) -> Asked {
        let span = Spanned::ask(question, self.name());
        let asked = span.within(self.inner.ask(question)).await;
        span.asked(&asked);
        asked
    }
}
