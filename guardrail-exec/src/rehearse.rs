//! Rehearsal: what a plan would do is tried by the dry runs that its steps have, and nothing else
//! runs.

use async_trait::async_trait;
use guardrail_core::plan::{
    Command, Execution, Executor, OutputSink, Part, Permit, Plan, Refusal, Slot, Stop, StopLevel,
};

/// Runs rehearsals and looks with another executor, and refuses everything that does something.
///
/// A permit is for one command and no other. So a step's action is not replaced by its dry run here:
/// it is refused, with a sentence that says so, and the dry run has a permit and a place of its own
/// in the plan. [`rehearsals`] says which steps have one; a step gets one from the knowledge by
/// [`Guard::derive`](guardrail_core::Guard::derive) and
/// [`Step::or_derived`](guardrail_core::plan::Step::or_derived).
///
/// ```
/// use guardrail_exec::{DryRunExecutor, RecordingExecutor};
///
/// let executor = DryRunExecutor::over(RecordingExecutor::new());
/// assert!(executor.inner().ran().is_empty());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct DryRunExecutor<E> {
    inner: E,
}

/// How one step of a plan is rehearsed.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsal {
    /// Where the rehearsal stands in the plan.
    pub slot: Slot,
    /// What the step is, in a few words.
    pub title: String,
    /// What rehearses it; `None` where nothing does, and only doing it shows what it does.
    pub command: Option<Command>,
}

/// How each step of a plan is rehearsed, in their order.
///
/// ```
/// use guardrail_core::plan::{Command, Plan, Step};
/// use guardrail_core::{Guard, Request};
/// use guardrail_exec::rehearsals;
///
/// let mut plan: Plan = serde_json::from_str(r#"{ "title": "Publish", "steps": [] }"#)?;
/// for words in [["rsync", "-a", "site/", "web:/srv/"], ["mkdir", "-m", "755", "site"]] {
///     let command = Command::argv(words);
///     let derived = Guard::new().derive(&command, &Request::argv(words));
///     plan.steps.push(Step::new(words[0], command).or_derived(derived));
/// }
/// let found = rehearsals(&plan);
/// assert_eq!(found[0].command.as_ref().unwrap().typed(), "rsync -a site/ web:/srv/ --dry-run");
/// assert_eq!(found[1].command, None, "only doing it shows what it does");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn rehearsals(plan: &Plan) -> Vec<Rehearsal> {
    (1..)
        .zip(&plan.steps)
        .map(|(number, step)| Rehearsal {
            slot: Slot::step(number, Part::DryRun, 1),
            title: step.title.clone(),
            command: step.dry_run.clone(),
        })
        .collect()
}

impl<E> DryRunExecutor<E> {
    /// Over the executor that runs rehearsals and looks.
    pub const fn over(inner: E) -> Self {
        Self { inner }
    }

    /// The executor beneath.
    pub const fn inner(&self) -> &E {
        &self.inner
    }
}

#[async_trait]
impl<E: Executor> Executor for DryRunExecutor<E> {
    fn name(&self) -> &str {
        "dry run"
    }

    async fn execute(&self, permit: Permit, sink: &mut dyn OutputSink, stop: &Stop) -> Execution {
        if stop.level() >= StopLevel::End {
            return Execution::refused(Refusal::Stopped);
        }
        let part = permit.slot().part;
        if part.looks_only() || part == Part::DryRun {
            return self.inner.execute(permit, sink, stop).await;
        }
        let slot = permit.slot();
        Execution::refused(Refusal::Unsupported(format!(
            "this is a dry run, and {slot} would be the real thing"
        )))
    }
}
