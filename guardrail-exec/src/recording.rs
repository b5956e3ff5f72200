//! An executor that runs nothing and remembers what it was asked to run.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use guardrail_core::plan::{
    Command, Ended, Execution, Executor, OutputSink, Permit, Refusal, Slot, Stop, StopLevel,
};
use uuid::Uuid;

/// Runs nothing, says that everything succeeded without a word, and remembers it: for tests of what
/// stands in front of an executor.
///
/// ```
/// use guardrail_core::plan::Stop;
/// use guardrail_exec::RecordingExecutor;
/// # #[cfg(feature = "conformance")] {
/// use guardrail_core::plan::Command;
/// use guardrail_exec::conformance::{execute, permit, pins};
///
/// let executor = RecordingExecutor::new();
/// let command = Command::argv(["rm", "-rf", "build"]);
/// let (execution, _) =
///     execute(&executor, permit(command.clone(), pins(&command, "/".as_ref(), &[])), &Stop::new());
/// assert!(execution.succeeded());
/// assert_eq!(executor.ran()[0].command.typed(), "rm -rf build");
/// # }
/// ```
#[derive(Debug, Default)]
pub struct RecordingExecutor {
    ran: Mutex<Vec<Asked>>,
}

/// What an executor was asked to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The permit's id.
    pub permit: Uuid,
    /// Where it stands in its plan.
    pub slot: Slot,
    /// The directory.
    pub cwd: String,
    /// The command.
    pub command: Command,
}

impl Asked {
    /// What a permit is for.
    #[must_use]
    pub fn of(permit: &Permit) -> Self {
        let command = Command {
            action: permit.action().clone(),
            cwd: Some(permit.cwd().to_owned()),
            environment: permit.environment().clone(),
            inherit: permit.inherit().to_vec(),
            credentials: permit.credentials().to_vec(),
            limits: permit.limits().clone(),
            sandbox: permit.sandbox().clone(),
        };
        Self { permit: permit.id(), slot: permit.slot(), cwd: permit.cwd().to_owned(), command }
    }
}

impl RecordingExecutor {
    /// One that was asked nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What it was asked to run so far, in this order; what was stopped before is not among it.
    #[must_use]
    pub fn ran(&self) -> Vec<Asked> {
        self.ran.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Executor for RecordingExecutor {
    fn name(&self) -> &str {
        "recording"
    }

    async fn execute(&self, permit: Permit, _: &mut dyn OutputSink, stop: &Stop) -> Execution {
        if stop.level() >= StopLevel::End {
            return Execution::refused(Refusal::Stopped);
        }
        self.ran.lock().unwrap_or_else(PoisonError::into_inner).push(Asked::of(&permit));
        Execution::ended(Ended::Exited(0), 0.0)
    }
}
