//! `guardrail stop` and `guardrail resume`: the emergency stop, for whoever is there.

use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use clap::Args;
use guardrail_host::quotas::{EmergencyStop, FileQuotas};

use crate::recording::Recording;
use crate::run::arguments::Place;
use crate::run::{confirm, house};

/// `guardrail stop`.
#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// Why, for whoever is refused and for the log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    at: At,
}

/// `guardrail resume`.
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Also forget everything that was counted: for counts that are damaged or gone
    #[arg(long)]
    forget: bool,
    #[command(flatten)]
    at: At,
}

/// What is stopped, and where that is recorded.
#[derive(Debug, Args)]
struct At {
    /// The directory of the counts [default: `quotas` in the log's directory]
    #[arg(long, value_name = "DIR")]
    quotas: Option<PathBuf>,
    /// The directory of the audit log that it is recorded in; without it, it is not recorded, and the
    /// counts are those of ~/.local/state/guardrail
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// The signing key of that log, as `audit keys generate` wrote it
    #[arg(long, value_name = "FILE", requires = "log")]
    log_key: Option<PathBuf>,
}

impl At {
    fn directory(&self) -> io::Result<PathBuf> {
        match (&self.quotas, &self.log) {
            (Some(quotas), _) => Ok(quotas.clone()),
            (None, Some(log)) => Ok(log.join("quotas")),
            (None, None) => {
                let log = house::directory(&Place { log: None, log_key: None })?;
                // It may be the first thing that is ever said to this machine.
                match std::fs::DirBuilder::new().mode(0o700).create(&log) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                    _ => Ok(log.join("quotas")),
                }
            }
        }
    }

    fn recording(&self) -> io::Result<Option<Recording>> {
        self.log.as_deref().map(|log| Recording::open(log, self.log_key.as_deref())).transpose()
    }
}

/// Sets the emergency stop and returns the exit status.
pub(crate) fn stop(task: &Stop) -> io::Result<u8> {
    let directory = task.at.directory()?;
    // Before anything that may fail, such as the log.
    let set = EmergencyStop::of(&directory).set(&house::person(), task.reason.as_deref(), chrono::Utc::now());
    let record = match set {
        Ok(record) => record,
        // A log that was never there is made, and with it the directory.
        Err(error) if error.kind() == io::ErrorKind::NotFound && task.at.log.is_some() => {
            drop(task.at.recording()?);
            EmergencyStop::of(&directory).set(&house::person(), task.reason.as_deref(), chrono::Utc::now())?
        }
        Err(error) => return Err(error),
    };
    writeln!(io::stdout(), "stopped: nothing begins in {}", directory.display())?;
    if let Some(recording) = task.at.recording()? {
        recording.note(&record)?;
    }
    Ok(0)
}

/// Lifts the emergency stop, once a person has said on their terminal that they mean it, and returns
/// the exit status.
pub(crate) fn resume(task: &Resume) -> io::Result<u8> {
    let directory = task.at.directory()?;
    let by = house::person();
    let stop = EmergencyStop::of(&directory);
    let now = || stop.state().map_or_else(|| "it is not stopped".to_owned(), |state| state.to_string());
    let state = now();
    let forget = if task.forget { " and forget all that was counted" } else { "" };
    confirm(&format!("{by}: lift the emergency stop of {}{forget} ({state})?", directory.display()))?;
    // The yes was to what was shown, and not to what somebody else stopped meanwhile.
    if now() != state {
        return Err(io::Error::other("it was stopped or lifted meanwhile: nothing was done; look again"));
    }
    let recording = task.at.recording()?;
    let forgot = task.forget.then(|| {
        let why = task.reason.as_deref().map_or_else(String::new, |why| format!(": {why}"));
        format!("everything that was counted is forgotten{why}")
    });
    stop.lift(&by, forgot.as_deref().or(task.reason.as_deref()), |record| {
        recording.as_ref().map_or(Ok(()), |recording| recording.note(record))?;
        if task.forget { FileQuotas::forget(&directory) } else { Ok(()) }
    })?;
    writeln!(io::stdout(), "resumed: {}", directory.display())?;
    Ok(0)
}
