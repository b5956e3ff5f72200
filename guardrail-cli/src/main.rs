//! The `guardrail` program: a front for people (`explain`), for other programs (`check`), for whoever
//! writes policies (`policy`), for other frameworks' settings (`openclaw`), for plans that are run
//! (`run`, `plan`) with the secrets they need (`secrets`), for a bad day (`stop`, `resume`) and for
//! whoever looks at what was recorded (`audit`) or keeps it (`backup`).
//!
//! It adds no judgement of its own: arguments and lines become requests, evaluations become
//! drawings, JSON and an exit status.

mod answer;
mod arguments;
mod audit;
mod backup;
mod check;
mod explain;
mod lines;
mod openclaw;
mod policy;
mod recording;
mod run;
mod secrets;
mod stop;
mod verdict;

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Task};

/// The exit status of a run that could not read or write what it had to.
const FAILED: u8 = 1;

fn main() -> ExitCode {
    // A second start of this program becomes a command of a plan, once its limits are set.
    #[cfg(target_os = "linux")]
    guardrail_exec::launch_if_asked();
    let outcome = match Arguments::parse().task {
        Task::Explain(task) => explain::run(&task),
        Task::Check(task) => check::run(&task),
        Task::Audit(task) => audit::run(&task),
        Task::Policy(task) => policy::run(&task),
        Task::Backup(task) => backup::run(&task),
        Task::OpenClaw(task) => openclaw::run(&task),
        Task::Stop(task) => stop::stop(&task),
        Task::Resume(task) => stop::resume(&task),
        Task::Run(task) => run::run(&task),
        Task::Plan(task) => run::plan(&task),
        Task::Secrets(task) => secrets::run(&task),
    };
    match outcome {
        Ok(status) => ExitCode::from(status),
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody left to tell where this fails.
            let _ = writeln!(std::io::stderr(), "guardrail: {error}");
            ExitCode::from(FAILED)
        }
    }
}
