//! How a log in files is opened.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use guardrail_core::record::Timestamp;
use uuid::Uuid;

use super::FileStore;
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::note::{NoteSigner, Verifier};
use crate::storage::Storage;
use crate::store::StoreError;

/// Gives the time of a record.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Signs checkpoints: takes the origin, the number of lines and their root, and gives the text of
/// a C2SP signed note; `None` where it cannot sign now.
pub type SignCheckpoint = Arc<dyn Fn(&str, u64, &Hash) -> Option<String> + Send + Sync>;

/// How a log in files is opened, and made where there is none.
#[derive(Clone)]
pub struct FileOptions {
    pub(crate) origin: String,
    pub(crate) segment_bytes: u64,
    pub(crate) interval: Duration,
    pub(crate) checkpoint_records: u64,
    pub(crate) checkpoint_bytes: u64,
    pub(crate) clock: Clock,
    pub(crate) sign: Option<SignCheckpoint>,
    pub(crate) key: Option<String>,
    pub(crate) change_key: bool,
    pub(crate) log_id: Option<Uuid>,
    pub(crate) create: bool,
    pub(crate) exclusive: bool,
}

impl FileOptions {
    /// The usual options for a log of this name, as [`FileStore::options`] gives them.
    pub(crate) fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            segment_bytes: 64 << 20,
            interval: Duration::from_millis(100),
            checkpoint_records: 8_192,
            checkpoint_bytes: 8 << 20,
            clock: Arc::new(crate::clock::system),
            sign: None,
            key: None,
            change_key: false,
            log_id: None,
            create: true,
            exclusive: false,
        }
    }

    /// At how many bytes the next segment begins: 64 MiB unless said otherwise, and at least 4 KiB.
    /// So much of the disk is reserved ahead.
    #[must_use]
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes.max(4_096);
        self
    }

    /// How long what was appended with [`Durability::Interval`](crate::Durability::Interval) may
    /// wait for its sync: 100 ms unless said otherwise.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// After how many records, and after how many bytes, a checkpoint is written: 8,192 and 8 MiB
    /// unless said otherwise. Opening the log again reads what follows the last one.
    #[must_use]
    pub fn checkpoint_every(mut self, records: u64, bytes: u64) -> Self {
        self.checkpoint_records = records.max(1);
        self.checkpoint_bytes = bytes.max(1);
        self
    }

    /// Takes the time from here, and not from the system.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Signs checkpoints with a key. Its verifier key stands in the first line of every segment.
    ///
    /// A log is opened with the key that it has, or without where it has none: a checkpoint by anybody else
    /// is damage to who verifies it. [`change_key`](Self::change_key) gives it another.
    ///
    /// ```
    /// use guardrail_audit::FileStore;
    /// use guardrail_audit::note::NoteSigner;
    ///
    /// let signer = NoteSigner::generate("example.org/agents")?;
    /// let options = FileStore::options("example.org/agents").sign(signer);
    /// # Ok::<(), guardrail_audit::note::KeyError>(())
    /// ```
    #[must_use]
    pub fn sign(self, signer: NoteSigner) -> Self {
        let key = signer.verifier().clone();
        let sign = move |origin: &str, size: u64, root: &Hash| {
            // It fails on no origin that a log can have.
            Checkpoint { origin: origin.to_owned(), size, root: *root }.sign(&signer).ok()
        };
        self.sign_with(&key, Arc::new(sign))
    }

    /// As [`sign`](Self::sign), with a key that is not in this process's memory.
    #[must_use]
    pub fn sign_with(mut self, key: &Verifier, sign: SignCheckpoint) -> Self {
        self.key = Some(key.to_string());
        self.sign = Some(sign);
        self
    }

    /// Lets a log go on under the key that is given here, or without one, where it had another: a segment is
    /// begun whose first line says so. Nobody else may have the log open then. Who verifies it has to
    /// trust both keys; a log that was once not signed has checkpoints that no key confirms.
    #[must_use]
    pub fn change_key(mut self, change: bool) -> Self {
        self.change_key = change;
        self
    }

    /// The id of a log that is made, random unless said otherwise.
    #[must_use]
    pub fn log_id(mut self, id: Uuid) -> Self {
        self.log_id = Some(id);
        self
    }

    /// Whether a log is made where there is none, as it is unless said otherwise.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Keeps every other process out for as long as the log is open, and is spared the lock of every
    /// append. Unless this is said, any number of processes may have the log open.
    #[must_use]
    pub fn exclusive(mut self, exclusive: bool) -> Self {
        self.exclusive = exclusive;
        self
    }

    /// Opens the log in a directory, and recovers it where it was not closed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] where the directory cannot be used, is not the log of this origin and
    /// key, or is open elsewhere; [`StoreError::Tampered`] where what is there was not written by this
    /// crate and is no trace of a crash; [`StoreError::NotWritten`] where recovering needs to write and
    /// cannot, for example on a full disk.
    #[cfg(unix)]
    pub fn open(self, directory: impl AsRef<Path>) -> Result<FileStore, StoreError> {
        let storage = crate::storage::RealStorage::open(directory).map_err(StoreError::Unavailable)?;
        self.open_on(Arc::new(storage))
    }

    /// As [`open`](Self::open), on any storage.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_on(self, storage: Arc<dyn Storage>) -> Result<FileStore, StoreError> {
        FileStore::with(storage, self)
    }
}
