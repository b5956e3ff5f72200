//! News as lines of JSON in a file.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;

use async_trait::async_trait;
use guardrail_core::plan::{Notice, Notifier, NotifyError};
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};

use crate::wait::lock;

/// Appends each notice to a file as one line of JSON. The file is made where it is missing, with
/// mode 0600; a symbolic link is not followed. It is opened anew for each notice, so that it may be
/// rotated.
///
/// This is for people and dashboards. What has to be proved is in the audit log.
#[derive(Debug)]
pub struct LinesNotifier {
    path: PathBuf,
    writing: Mutex<()>,
}

impl LinesNotifier {
    /// To this file.
    #[must_use]
    pub fn to(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), writing: Mutex::new(()) }
    }

    fn append(&self, notice: &Notice) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(notice)?;
        line.push(b'\n');
        let flags = OFlags::WRONLY
            | OFlags::APPEND
            | OFlags::CREATE
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK
            | OFlags::NOCTTY
            | OFlags::CLOEXEC;
        let _writing = lock(&self.writing);
        let file = openat(CWD, &self.path, flags, Mode::from_raw_mode(0o600))?;
        if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
            return Err(std::io::Error::other("it is no file"));
        }
        // In one call, so that lines of several processes do not mix.
        std::fs::File::from(file).write_all(&line)
    }
}

#[async_trait]
impl Notifier for LinesNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        self.append(notice).map_err(|error| NotifyError {
            reason: format!("{} cannot be written: {error}", self.path.display()),
        })
    }
}
