//! What runs at the same time: a locked file for each. The system gives a lock back when its process
//! dies, however it dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::table::no_surprises;

/// A place among what runs. It is given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    path: PathBuf,
    /// The lock goes with it.
    _file: File,
}

/// Takes one of `most` seats of a name; `None` where all are taken.
pub(super) fn take(directory: &Path, name: &str, most: u32) -> io::Result<Option<Seat>> {
    for number in 0..most {
        if let Some(seat) = seat(&directory.join(format!("{name}-{number}")))? {
            return Ok(Some(seat));
        }
    }
    Ok(None)
}

fn seat(path: &Path) -> io::Result<Option<Seat>> {
    loop {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600).custom_flags(no_surprises());
        let file = options.open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Whoever had it may have removed the file since it was opened here.
        let (ours, named) = (file.metadata()?, std::fs::symlink_metadata(path));
        if named.is_ok_and(|named| named.ino() == ours.ino() && named.dev() == ours.dev()) {
            return Ok(Some(Seat { path: path.to_owned(), _file: file }));
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A file that stays is only untidy: the lock is what counts.
        let _ = std::fs::remove_file(&self.path);
    }
}
