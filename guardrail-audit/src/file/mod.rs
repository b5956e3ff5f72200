//! A log in the files of one directory, for any number of threads and processes.

mod background;
mod group;
mod hint;
mod options;
mod position;
mod reading;
mod recovery;
mod segment;
mod snapshot;
mod syncing;
mod tail;
mod writer;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use guardrail_core::record::Condition;
use uuid::Uuid;

use crate::storage::{Storage, StorageFile};
use crate::store::{Acknowledged, Body, Durability, Head, Lines, Store, StoreError};
use background::Background;
use group::{Done, Group, Outcome, Request, Turn, Waiter, lock};
use syncing::Syncing;
use writer::Writer;

pub use options::{FileOptions, SignCheckpoint};
pub use recovery::Recovery;

/// A log in files.
///
/// Dropping it closes it, as [`close`](Self::close) does, and keeps silent about what fails.
pub struct FileStore {
    inner: Arc<Inner>,
    background: Background,
    recovery: Recovery,
    // Released last: whoever opens the log after this finds it closed.
    _presence: Box<dyn Send + Sync>,
}

/// What the threads of a log share.
struct Inner {
    storage: Arc<dyn Storage>,
    options: Arc<FileOptions>,
    log_id: Uuid,
    syncing: Arc<Syncing>,
    writer: Mutex<Writer>,
    group: Group,
    /// Something was written that nobody waits for.
    unsynced: AtomicBool,
    closed: AtomicBool,
}

impl FileStore {
    /// How a log of this name is opened.
    ///
    /// ```no_run
    /// use guardrail_audit::FileStore;
    ///
    /// let store = FileStore::options("example.org/agents").open("/var/lib/agents/audit")?;
    /// for (id, intent) in &store.recovery().in_doubt {
    ///     eprintln!("whether {id} ran is not known: see record {}", intent.sequence);
    /// }
    /// # Ok::<(), guardrail_audit::StoreError>(())
    /// ```
    #[must_use]
    pub fn options(origin: &str) -> FileOptions {
        FileOptions::new(origin)
    }

    fn with(storage: Arc<dyn Storage>, options: FileOptions) -> Result<Self, StoreError> {
        let options = Arc::new(options);
        let syncing = Arc::new(Syncing::new(Arc::clone(&storage)));
        let held = storage.lock().map_err(StoreError::Unavailable)?;
        let presence = storage.enter(options.exclusive).map_err(StoreError::Unavailable)?;
        let opened =
            Writer::open(Arc::clone(&storage), Arc::clone(&options), Arc::clone(&syncing), presence.alone);
        drop(held);
        let (writer, recovery) = opened?;
        let inner = Arc::new(Inner {
            storage,
            options,
            log_id: writer.log_id,
            syncing,
            writer: Mutex::new(writer),
            group: Group::default(),
            unsynced: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        });
        let background = Background::new(Arc::clone(&inner));
        Ok(Self { inner, background, recovery, _presence: presence.guard })
    }

    /// What opening found.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The log's id.
    #[must_use]
    pub fn log_id(&self) -> Uuid {
        self.inner.log_id
    }

    /// Writes a checkpoint of everything so far, and makes it durable. Nothing is written where
    /// nothing was appended since the last.
    ///
    /// # Errors
    ///
    /// As [`Store::append`].
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        let (file, durable) = {
            let mut writer = lock(&self.inner.writer);
            writer.close()?;
            writer.written()
        };
        self.inner.syncing.sync(file.as_ref(), durable)
    }

    /// Writes a checkpoint, makes everything durable and ends.
    ///
    /// # Errors
    ///
    /// As [`Store::append`]. The log is closed all the same, and recovers when it is opened again.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), StoreError> {
        if self.inner.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.background.stop();
        self.checkpoint()
    }

    /// Ends as a killed process does.
    #[cfg(test)]
    pub(crate) fn crash(self) {
        self.inner.closed.store(true, Ordering::Release);
        self.background.stop();
    }
}

impl Drop for FileStore {
    fn drop(&mut self) {
        // Nobody is there to be told.
        let _ = self.end();
    }
}

impl Inner {
    /// Appends what waits, and `own` first. Called by whoever leads; the lead is handed on.
    fn lead(
        &self,
        own: Option<(&[Body<'_>], &Condition, Durability)>,
        background: &Background,
    ) -> Option<Outcome> {
        let mut batch = Vec::new();
        if own.is_none_or(|(_, _, durability)| durability != Durability::PerRecord) {
            self.group.take(&mut batch);
        }
        let own = own.map(|(bodies, condition, _)| (bodies, condition));
        let mut outcomes = self.append_together(own, &batch);
        // Whoever waits begins before anybody is told.
        if self.group.hand_over() {
            background.lead();
        }
        let own = if own.is_some() && !outcomes.is_empty() { Some(outcomes.remove(0)) } else { None };
        for (request, outcome) in batch.into_iter().zip(outcomes) {
            request.done.tell(outcome);
        }
        own
    }

    /// One write and one sync.
    fn append_together(&self, own: Option<writer::Asked<'_>>, batch: &[Request]) -> Vec<Outcome> {
        let waiting = batch.iter().map(|request| (request.bodies.as_slice(), &request.condition));
        let asked: Vec<writer::Asked<'_>> = own.into_iter().chain(waiting).collect();
        let (mut outcomes, (file, durable)) = {
            let mut writer = lock(&self.writer);
            (writer.commit(&asked), writer.written())
        };
        if outcomes.iter().any(Result::is_ok) {
            let synced = self.syncing.sync(file.as_ref(), durable).map_err(|error| match error {
                // These lines were written, and were not synced.
                StoreError::Poisoned(why) => StoreError::Indeterminate(std::io::Error::other(why)),
                other => other,
            });
            for outcome in &mut outcomes {
                match (&synced, &mut *outcome) {
                    (Ok(()), Ok(appended)) => appended.acknowledged = Acknowledged::Durable,
                    (Err(error), Ok(_)) => *outcome = Err(error.again()),
                    (_, Err(_)) => {}
                }
            }
        }
        outcomes
    }

    /// Appends without a sync.
    fn append_buffered(&self, bodies: &[Body<'_>], condition: &Condition) -> Outcome {
        let outcome = lock(&self.writer).commit(&[(bodies, condition)]).pop();
        outcome.unwrap_or_else(|| Err(StoreError::Poisoned(String::new())))
    }

    /// Makes durable what was appended in this process.
    fn sync(&self) -> Result<(), StoreError> {
        self.unsynced.store(false, Ordering::Release);
        let (file, durable) = lock(&self.writer).written();
        self.syncing.sync(file.as_ref(), durable)
    }

    /// How far the log goes, and the file of the last line. The whole state is large where many plans
    /// are open, and reading a line needs none of it.
    fn extent(&self) -> Result<(reading::Extent, Arc<dyn StorageFile>), StoreError> {
        let mut writer = lock(&self.writer);
        drop(writer.enter()?);
        Ok((reading::Extent::of(&writer.position), Arc::clone(&writer.file)))
    }

    /// The file of the last line, and the state there, whoever appended it.
    fn current(&self) -> Result<(position::Position, Arc<dyn StorageFile>), StoreError> {
        let mut writer = lock(&self.writer);
        drop(writer.enter()?);
        Ok((writer.position.clone(), Arc::clone(&writer.file)))
    }
}

impl Store for FileStore {
    fn append(&self, bodies: &[Body<'_>], condition: &Condition, durability: Durability) -> Outcome {
        let inner = &self.inner;
        match durability {
            Durability::OsBuffered => return inner.append_buffered(bodies, condition),
            Durability::Interval => {
                let outcome = inner.append_buffered(bodies, condition);
                if outcome.is_ok() && !inner.unsynced.swap(true, Ordering::AcqRel) {
                    self.background.sync_soon();
                }
                return outcome;
            }
            Durability::PerRecord | Durability::Group => {}
        }
        let mut waiter = None;
        let leads = inner.group.lead_or_wait(|| {
            let done = Done::Thread(Arc::clone(waiter.insert(Waiter::new())));
            let bodies = bodies.iter().map(owned).collect();
            Request { bodies, condition: condition.clone(), durability, done }
        });
        if let (false, Some(waiter)) = (leads, waiter) {
            loop {
                match waiter.wait() {
                    Turn::Done(outcome) => return outcome,
                    Turn::Lead => drop(inner.lead(None, &self.background)),
                }
            }
        }
        let outcome = inner.lead(Some((bodies, condition, durability)), &self.background);
        outcome.unwrap_or_else(|| Err(StoreError::Poisoned(String::new())))
    }

    fn append_later(
        &self,
        bodies: Vec<Body<'static>>,
        condition: Condition,
        durability: Durability,
        done: Box<dyn FnOnce(Outcome) + Send>,
    ) {
        if matches!(durability, Durability::Interval | Durability::OsBuffered) {
            return done(self.append(&bodies, &condition, durability));
        }
        let request = Request { bodies, condition, durability, done: Done::Call(done) };
        self.background.enqueue(&self.inner.group, request);
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.inner.sync()
    }

    fn head(&self) -> Result<Head, StoreError> {
        let (position, _) = self.inner.current()?;
        Ok(Head { log: self.inner.log_id, origin: self.inner.options.origin.clone(), chain: position.chain })
    }

    fn lines(&self, from: u64) -> Result<Lines<'_>, StoreError> {
        let (extent, file) = self.inner.extent()?;
        reading::lines(Arc::clone(&self.inner.storage), extent, file, from)
    }

    fn open_plan(&self, plan_id: &str) -> Result<Vec<u64>, StoreError> {
        let mut writer = lock(&self.inner.writer);
        drop(writer.enter()?);
        Ok(writer.position.chain.records_of(plan_id).to_vec())
    }
}

fn owned(body: &Body<'_>) -> Body<'static> {
    Body { json: body.json.clone().into_owned().into(), note: body.note.clone() }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
