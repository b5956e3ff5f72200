//! Runs what was approved: exactly those bytes, in a clean environment, within limits, and to the
//! last child.
//!
//! It is the part of [guardrail](https://crates.io/crates/agent-guardrail) that starts processes. A
//! [`Permit`](guardrail_core::plan::Permit) goes in, and what comes back is an
//! [`Execution`](guardrail_core::plan::Execution): how the command ended, what it said, what was
//! put around it, and what was left.

#[cfg(feature = "conformance")]
pub mod conformance;
mod look;
#[cfg(target_os = "linux")]
mod process;
mod recording;
mod run;
mod scripted;

pub use look::{LocalWorld, World};
#[cfg(target_os = "linux")]
pub use process::{DEFAULT_LIMITS, ProcessExecutor, Sealing, Tracking, launch_if_asked, survivors};
pub use recording::{Asked, RecordingExecutor};
pub use run::{
    Claims, Clock, Fate, FileClaims, Held, Library, LibraryError, MemoryClaims, News, Observer, Report,
    Resource, RunError, Runner, RunnerBuilder, StepReport, SystemClock, Taken, Template, Unseen, Use,
    block_on,
};
pub use scripted::{Answer, ScriptedExecutor};
