//! Where a vault is: reading its file, locking it, and putting another in its place in one step.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{LONGEST, VaultError};
use crate::secrets::trusted::{self, Privacy};
use crate::secrets::value;

/// How long somebody else may take to change it.
const PATIENCE: Duration = Duration::from_secs(60);

/// All of a vault's file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, VaultError> {
    let file = trusted::open(path, Privacy::Secret)?;
    let bytes =
        value::read(file, LONGEST).map_err(|error| VaultError::Io { path: path.to_owned(), error })?;
    let mut bytes = bytes.ok_or_else(|| VaultError::Full { path: path.to_owned() })?;
    Ok(std::mem::take(&mut *bytes))
}

/// A vault that nobody else changes for as long as this lives.
pub(super) struct Held {
    path: PathBuf,
    directory: PathBuf,
    _lock: File,
}

impl Held {
    /// Takes it, and makes its directory where there is none.
    pub(super) fn take(path: &Path) -> Result<Self, VaultError> {
        let failed = |error| VaultError::Io { path: path.to_owned(), error };
        let path = std::path::absolute(path).map_err(failed)?;
        if let Some(parent) = path.parent().filter(|parent| !parent.exists()) {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        }
        let directory = trusted::directory_of(&path)?;
        let beside = beside(&path, "lock");
        let mut options = OpenOptions::new();
        let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let lock = options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
        let lock = lock.open(&beside).map_err(|error| VaultError::Io { path: beside, error })?;
        let until = Instant::now() + PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path, directory, _lock: lock }),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => return Err(VaultError::Busy { path }),
                Err(TryLockError::Error(error)) => return Err(VaultError::Io { path, error }),
            }
        }
    }

    /// Puts these bytes in its place: at any moment there is all of the old file or all of the new.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<(), VaultError> {
        let new = beside(&self.path, "new");
        let written = (|| {
            // What somebody who was killed left behind; the lock is ours.
            match std::fs::remove_file(&new) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&new, &self.path)?;
            File::open(&self.directory)?.sync_all()
        })();
        written.map_err(|error| VaultError::Io { path: self.path.clone(), error })
    }
}

/// The file of a vault's name and another ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}
