//! Runs what was approved: exactly those bytes, in a clean environment, within limits, and to the
//! last child.
//!
//! It is the part of [guardrail](https://crates.io/crates/agent-guardrail) that starts processes. A
//! [`Permit`](guardrail_core::plan::Permit) goes in, and what comes back is an
//! [`Execution`](guardrail_core::plan::Execution): how the command ended, what it said, what was put
//! around it, and what was left.
//!
//! # What it is not
//!
//! * **It is not a container.** A command runs as the account that this program runs as, on the same
//!   file system. What a plan asks for on top ([`Sandbox`](guardrail_core::plan::Sandbox)) the
//!   kernel holds, or the command does not start.
//! * **It does not judge.** What may run was decided when the permit was made; here it is made sure
//!   that this, and only this, runs.
//! * **It does not hold root.** A command that runs as root can leave its control group, take off its
//!   mark and read what this process has in memory. The report says `Partial` where that matters.
//!
//! # A minimal client
//!
//! ```no_run
//! use guardrail_core::plan::{Execution, Executor as _, NoOutput, Permit, Stop};
//! use guardrail_exec::ProcessExecutor;
//!
//! // First thing in `main`: this program can then be the launcher of its own commands.
//! # #[cfg(target_os = "linux")]
//! guardrail_exec::launch_if_asked();
//!
//! # #[cfg(target_os = "linux")]
//! async fn run(permit: Permit) -> Execution {
//!     ProcessExecutor::new().execute(permit, &mut NoOutput, &Stop::new()).await
//! }
//! ```
//!
//! # The public interface
//!
//! * **For plans:** [`Runner`] drives one from its proposal to its end; [`LocalWorld`] says what names stand
//!   for.
//! * **For real:** [`ProcessExecutor`], on Linux.
//! * **For rehearsals:** [`DryRunExecutor`] over another; [`rehearsals`] says which steps have one.
//! * **For tests of what stands in front:** [`RecordingExecutor`] and [`ScriptedExecutor`].
//! * **For executors of one's own:** the suite `conformance`, behind the feature of that name.
//! * **After a crash:** [`survivors`] finds what an earlier run of this program left running.

#[cfg(feature = "conformance")]
pub mod conformance;
mod look;
#[cfg(target_os = "linux")]
mod process;
mod recording;
mod rehearse;
mod run;
mod scripted;

pub use look::{Documents, LocalWorld, World};
#[cfg(target_os = "linux")]
pub use process::{DEFAULT_LIMITS, ProcessExecutor, Sealing, Tracking, launch_if_asked, survivors};
pub use recording::{Asked, RecordingExecutor};
pub use rehearse::{DryRunExecutor, Rehearsal, rehearsals};
pub use run::{
    Claims, Clock, Fate, FileClaims, Held, Library, LibraryError, MemoryClaims, News, Observer, Report,
    Resource, RunError, Runner, RunnerBuilder, StepReport, SystemClock, Taken, Template, Unseen, Use,
    block_on,
};
pub use scripted::{Answer, ScriptedExecutor};
