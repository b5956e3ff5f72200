//! The emergency stop: a file. While it is there, nothing begins.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use guardrail_core::plan::{Principal, PrincipalKind};
use guardrail_core::quota::QuotaRefusal;
use guardrail_core::record::{Kind, Record, Status, Timestamp};
use guardrail_core::redact::visible;

use super::table::{self, no_surprises};

/// The name of the file in the directory of the counts.
const NAME: &str = "stop";
/// So much of what the file says is shown.
const SHOWN: u64 = 512;

/// The emergency stop of a directory: set while there is a file `stop` in it, whatever is in that
/// file, and also where that cannot be found out.
///
/// ```
/// use guardrail_core::plan::Principal;
/// use guardrail_host::quotas::EmergencyStop;
///
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path().join("quotas");
/// let stop = EmergencyStop::of(&directory);
/// stop.set(&Principal::person("ann"), Some("it deletes the wrong cluster"), chrono::DateTime::UNIX_EPOCH)?;
/// assert!(stop.state().is_some());
/// assert!(stop.lift(&Principal::agent("session-7"), None, |_| Ok(())).is_err());
/// stop.lift(&Principal::person("ann"), Some("it was the right one"), |_| Ok(()))?;
/// assert_eq!(stop.state(), None);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct EmergencyStop {
    directory: PathBuf,
    elsewhere: Vec<PathBuf>,
}

impl EmergencyStop {
    /// The stop of a directory of counts.
    #[must_use]
    pub fn of(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), elsewhere: Vec::new() }
    }

    /// Another file that stops as well while it is there, such as one in a directory that the agent's
    /// account cannot write to. Its directory has to be there; [`lift`](Self::lift) does not remove it.
    #[must_use]
    pub fn and(mut self, file: &Path) -> Self {
        self.elsewhere.push(file.to_owned());
        self
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.directory.join(NAME)
    }

    /// Whether it is set, as the refusal of whatever would begin.
    #[must_use]
    pub fn state(&self) -> Option<QuotaRefusal> {
        std::iter::once(&self.file())
            .chain(&self.elsewhere)
            .find_map(|file| set(file))
            .map(|reason| QuotaRefusal::Stopped { reason })
    }

    /// Sets it, whoever asks: to stop is never wrong. It holds when this returns, and also where only
    /// the reason could not be written. Gives the record of it, for the log.
    ///
    /// # Errors
    ///
    /// Where there is no such file behind it, so that nothing is stopped.
    pub fn set(&self, by: &Principal, reason: Option<&str>, at: Timestamp) -> io::Result<Record> {
        // Where the directory is damaged the file is made all the same.
        let _ = table::make(&self.directory);
        let file = self.file();
        let mut options = OpenOptions::new();
        match options.write(true).create_new(true).mode(0o600).open(&file) {
            Ok(mut file) => {
                let because = reason.map_or_else(String::new, |reason| format!(": {reason}"));
                // It stops now, whatever the disk makes of the rest.
                let _ = writeln!(file, "{by} at {}{because}", at.format("%F %T UTC"));
                let _ = file.sync_all();
                let _ = File::open(&self.directory).and_then(|directory| directory.sync_all());
            }
            // Somebody set it before.
            Err(_) if file.symlink_metadata().is_ok() => {}
            Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", file.display()))),
        }
        Ok(record(Status::Paused, by, reason))
    }

    /// Lifts it: what was refused may be tried again. `keep` is given the record of it first, for the
    /// log; where that fails, it stays set.
    ///
    /// Who `by` is has to be authenticated by the caller.
    ///
    /// # Errors
    ///
    /// Where it is no person who lifts it, it could not be recorded, or the file cannot be removed.
    pub fn lift(
        &self,
        by: &Principal,
        reason: Option<&str>,
        keep: impl FnOnce(&Record) -> io::Result<()>,
    ) -> io::Result<()> {
        if by.kind != PrincipalKind::Person {
            let why = format!("{by} cannot lift the emergency stop: only a person can");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        keep(&record(Status::Resumed, by, reason))?;
        let file = self.file();
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io::Error::new(error.kind(), format!("{}: {error}", file.display())));
            }
            _ => {}
        }
        File::open(&self.directory)?.sync_all()
    }
}

fn record(status: Status, by: &Principal, reason: Option<&str>) -> Record {
    Record {
        status: Some(status),
        approver: Some(by.to_string()),
        rule: Some("quota: stopped".to_owned()),
        reason: reason.map(str::to_owned),
        ..Record::new(Kind::Quota)
    }
}

/// Why a file counts as there; `None` where it certainly is not, in a directory that is.
fn set(file: &Path) -> Option<String> {
    match std::fs::symlink_metadata(file) {
        Ok(_) => return Some(said(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Some(format!("whether {} is there cannot be known: {error}", file.display())),
    }
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match std::fs::metadata(directory) {
        Ok(found) if found.is_dir() => None,
        Ok(_) => Some(format!("{} is no directory", directory.display())),
        Err(error) => Some(format!("{}: {error}", directory.display())),
    }
}

/// What the file says, for people.
fn said(file: &Path) -> String {
    let read = || -> io::Result<String> {
        let opened = OpenOptions::new().read(true).custom_flags(no_surprises()).open(file)?;
        let mut bytes = Vec::new();
        if opened.metadata()?.is_file() {
            opened.take(SHOWN).read_to_end(&mut bytes)?;
        }
        Ok(visible(String::from_utf8_lossy(&bytes).trim()).into_owned())
    };
    // It stops, whatever can be read of it.
    match read().unwrap_or_default() {
        text if text.is_empty() => format!("{} is there", file.display()),
        text => text,
    }
}
