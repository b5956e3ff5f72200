//! `guardrail audit`: looks at logs, proves what is in them, copies them. It reads
//! logs without a lock, and writes nothing to them but the tree from which it proves.

pub(crate) mod arguments;
mod copy;
mod look;
mod metrics;
mod progress;
mod proof;
pub(crate) mod time;
mod verify;

use std::fmt;
use std::io::{self, Write as _};

use arguments::{Audit, AuditTask};
use guardrail_audit::StoreError;
use guardrail_audit::read::backup::BackupError;
use guardrail_audit::read::export::ExportError;

/// The exit status of an answer that is no.
const NO: u8 = 3;

/// Why a command did not end well.
#[derive(Debug)]
enum Failure {
    /// It could not be done.
    Failed(io::Error),
    /// It was done, and the answer is no.
    No(String),
}

/// Runs the task and returns the exit status.
pub(crate) fn run(audit: &Audit) -> io::Result<u8> {
    let done = match &audit.task {
        AuditTask::Verify(task) => verify::run(task),
        AuditTask::Tail(task) => look::tail(task),
        AuditTask::Query(task) => look::query(task),
        AuditTask::Replay(task) => look::replay(task),
        AuditTask::Stats(task) => look::stats(task),
        AuditTask::Metrics(task) => metrics::metrics(task),
        AuditTask::Export(task) => copy::export(task),
        AuditTask::CheckExport(task) => copy::check_export(task),
        AuditTask::Prove(task) => proof::prove(task),
        AuditTask::CheckProof(task) => proof::check(task),
        AuditTask::Backup(task) => copy::backup(task),
        AuditTask::Restore(task) => copy::restore(task),
        AuditTask::Keys(keys) => proof::keys(&keys.task),
    };
    match done {
        Ok(()) => Ok(0),
        Err(Failure::Failed(error)) => Err(error),
        Err(Failure::No(why)) => {
            writeln!(io::stderr(), "guardrail: {why}")?;
            Ok(NO)
        }
    }
}

impl Failure {
    fn failed(error: impl fmt::Display) -> Self {
        Self::Failed(io::Error::other(error.to_string()))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged(_) | StoreError::Tampered { .. } => Self::No(error.to_string()),
            StoreError::Unavailable(error) => Self::Failed(error),
            error => Self::failed(error),
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            ExportError::Differs { .. } | ExportError::Proof(_) => Self::No(error.to_string()),
            ExportError::Io(error) => Self::Failed(error),
            error => Self::failed(error),
        }
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => error.into(),
            BackupError::Cut(_) => Self::No(error.to_string()),
            error => Self::failed(error),
        }
    }
}
