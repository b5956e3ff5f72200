//! Syncs, one at a time in a process, and what becomes of a log when one fails.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::hint::Shared;
use crate::storage::{Storage, StorageFile};
use crate::store::StoreError;

/// A segment, and how many of its bytes a sync makes durable; nothing where that is not to be said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Durable(pub(crate) Option<(u32, u64)>);

/// Syncs the files of a log.
///
/// The operating system reports that a write was lost to one sync of each open file and then forgets
/// it. So a process syncs one at a time, and after a failure never again.
pub(crate) struct Syncing {
    storage: Arc<dyn Storage>,
    shared: Shared,
    turn: Mutex<()>,
    poison: OnceLock<String>,
    /// The log is being opened, and the poison of before is not taken away yet.
    recovering: AtomicBool,
}

impl Syncing {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        let shared = Shared::new(storage.as_ref());
        Self {
            storage,
            shared,
            turn: Mutex::new(()),
            poison: OnceLock::new(),
            recovering: AtomicBool::new(false),
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Whether this process may still acknowledge.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.poison.get().map_or(Ok(()), |why| Err(StoreError::Poisoned(why.clone())))
    }

    /// Makes what was written to a file durable, and lets others know how much of which segment that is.
    /// Whoever says so must have opened the file before these bytes were written, or have
    /// written them again since.
    pub(crate) fn sync(&self, file: &dyn StorageFile, durable: Durable) -> Result<(), StoreError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.check()?;
        // A sync can say yes although the file system could not note that the file has grown.
        if let Err(error) = file.sync().and_then(|()| file.probe()) {
            return Err(self.poison(error));
        }
        let mark = || {
            let Durable(Some((segment, end))) = durable else { return Ok(()) };
            // Where this fails, an older mark stays, and that is as true.
            let _ = self.shared.set_durable(self.storage.as_ref(), segment, end);
            Ok(())
        };
        if self.recovering.load(Ordering::Relaxed) {
            return mark();
        }
        // Another process may have been told of a loss that this one was not told of.
        match self.shared.read(self.storage.as_ref()) {
            Ok(hint) if !hint.poisoned => mark(),
            Ok(_) => Err(StoreError::Indeterminate(io::Error::other(self.poisoned_elsewhere()))),
            Err(error) => Err(self.poison(error)),
        }
    }

    /// Begins or ends a recovery, in which the poison of before does not count.
    pub(crate) fn set_recovering(&self, recovering: bool) {
        self.recovering.store(recovering, Ordering::Relaxed);
    }

    /// Makes names durable, as [`sync`](Self::sync) does it for files.
    pub(crate) fn sync_names(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.check()?;
        self.storage.sync_names().map_err(|error| self.poison(error))
    }

    /// Ends all acknowledging, here and in every other process.
    pub(crate) fn poison(&self, error: io::Error) -> StoreError {
        let why = error.to_string();
        // Where this fails too, the others find out by their own syncs and probes.
        let _ = self.shared.poison(self.storage.as_ref(), &why);
        let _ = self.poison.set(why);
        StoreError::Indeterminate(error)
    }

    /// Ends all acknowledging here, after another process did.
    pub(crate) fn poisoned_elsewhere(&self) -> String {
        let why = self.shared.why(self.storage.as_ref());
        let _ = self.poison.set(why.clone());
        why
    }
}
