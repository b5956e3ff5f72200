//! Appends lines: one thread at a time, under the lock that all processes share.

use std::io;
use std::sync::Arc;

use guardrail_core::record::{Condition, Kind};
use uuid::Uuid;

use super::options::FileOptions;
use super::position::{Last, Position, Stop};
use super::segment::{self, Checkpoint, Header, Previous, Seal};
use super::snapshot;
use super::syncing::{Durable, Syncing};
use crate::chain::Note;
use crate::line::{self, MAX_LINE};
use crate::storage::{Storage, StorageFile};
use crate::store::{Acknowledged, Appended, Body, StoreError};

/// So much of a segment's room is left to lines that the store itself writes, so that a full disk
/// does not keep it from closing.
pub(crate) const BALLAST: u64 = 16 << 10;

/// How many names a segment that is begun can have where none goes away.
const OTHER_NAMES: u32 = 1_000;

/// A segment under a name that does not count yet.
pub(super) struct New {
    pub(super) name: String,
    pub(super) file: Arc<dyn StorageFile>,
}

impl New {
    /// A file for a segment, with room on the disk.
    pub(super) fn make(storage: &dyn Storage, options: &FileOptions, segment: u32) -> io::Result<Self> {
        let create = |name: String| storage.create(&name).map(|file| Self { name, file: Arc::from(file) });
        let name = segment::new_name(segment);
        let is_taken = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
        let new = match create(name.clone()) {
            // Of somebody who did not come to the end.
            Err(error) if is_taken(&error) => match storage.remove(&name) {
                // The directory is append-only by attribute: it stays there, and another name is as good.
                Err(refused) if refused.kind() == io::ErrorKind::PermissionDenied => {
                    let mut others = (1..=OTHER_NAMES).map(|number| create(format!("{name}.{number}")));
                    let free = others.find(|made| !made.as_ref().is_err_and(is_taken));
                    free.unwrap_or(Err(error))?
                }
                removed => removed.and_then(|()| create(name))?,
            },
            made => made?,
        };
        if let Err(error) = new.file.reserve(options.segment_bytes + BALLAST) {
            let _ = storage.remove(&new.name);
            return Err(error);
        }
        Ok(new)
    }
}

/// Bodies to be appended together, and their condition.
pub(crate) type Asked<'a> = (&'a [Body<'a>], &'a Condition);

/// The end of a log in files, and what is needed to move it on.
pub(crate) struct Writer {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) options: Arc<FileOptions>,
    pub(super) syncing: Arc<Syncing>,
    pub(super) log_id: Uuid,
    pub(super) position: Position,
    /// The segment of the position.
    pub(super) file: Arc<dyn StorageFile>,
    /// How many bytes of it are reserved on the disk.
    pub(super) room: u64,
    /// Lines that the position counts and the file has not yet.
    pub(super) buffer: Vec<u8>,
    /// Where lines of others are read.
    pub(super) scratch: Vec<u8>,
    /// A sync failed before the log was opened, and reading may show what the disk does not have.
    pub(super) distrust: bool,
    /// The file was opened after others wrote to it, and what it shows is not proved to be on the disk.
    pub(super) fresh: bool,
}

impl Writer {
    /// Appends lines for everybody who asks, in their order, and says for each what came of it.
    /// Nothing is synced; what is to be synced is the file of the position.
    pub(crate) fn commit(&mut self, asked: &[Asked<'_>]) -> Vec<Result<Appended, StoreError>> {
        let mut results = Vec::with_capacity(asked.len());
        let _held = match self.enter() {
            Ok(held) => held,
            Err(error) => {
                results.extend(asked.iter().map(|_| Err(error.again())));
                return results;
            }
        };
        // From here on the results depend on a write that is to come.
        let mut pending = 0;
        for (bodies, condition) in asked {
            let result = self.prepare(bodies).and_then(|bytes| {
                if self.is_full_for(bytes) {
                    let flushed = self.flush();
                    if let Err(error) = &flushed {
                        fail(results.get_mut(pending..), error);
                    }
                    pending = results.len();
                    flushed.and_then(|()| self.rotate())?;
                }
                self.reserve(bytes)?;
                self.stage(bodies, condition)
            });
            results.push(result);
        }
        if let Err(error) = self.flush() {
            fail(results.get_mut(pending..), &error);
        } else if self.checkpoint_due() {
            match self.stage_checkpoint().and_then(|()| self.flush()) {
                // Without room for the checkpoint the lines are there all the same.
                Ok(()) | Err(StoreError::NotWritten(_)) => {}
                Err(error) => fail(results.get_mut(pending..), &error),
            }
        }
        results
    }

    /// Takes the lock, and reads what others appended.
    pub(crate) fn enter(&mut self) -> Result<Option<Box<dyn Send>>, StoreError> {
        self.syncing.check()?;
        let held = if self.options.exclusive {
            None
        } else {
            let held = self.storage.lock().map_err(StoreError::NotWritten)?;
            self.refresh()?;
            Some(held)
        };
        if self.position.last == Last::Seal {
            self.begin_next()?;
        }
        Ok(held)
    }

    fn refresh(&mut self) -> Result<(), StoreError> {
        let shared = self.syncing.shared();
        let hint = shared.read(self.storage.as_ref()).map_err(StoreError::NotWritten)?;
        if hint.poisoned {
            return Err(StoreError::Poisoned(self.syncing.poisoned_elsewhere()));
        }
        if hint.segment == Some(self.position.segment) {
            let size = self.file.size().map_err(StoreError::NotWritten)?;
            if size == self.position.end {
                return Ok(());
            }
            if size < self.position.end {
                return Err(self.tampered("the segment is shorter than it was"));
            }
            // Others appended here. Whoever begins another segment says so before.
            let stop = self.scan().map_err(StoreError::NotWritten)?;
            if stop == Stop::End && self.position.last != Last::Seal {
                return Ok(());
            }
        }
        self.catch_up()?;
        self.syncing
            .shared()
            .set(self.storage.as_ref(), self.position.segment)
            .map_err(StoreError::NotWritten)
    }

    /// Makes the next lines of a batch for one who asks.
    fn stage(&mut self, bodies: &[Body<'_>], condition: &Condition) -> Result<Appended, StoreError> {
        self.position.chain.check(condition).map_err(StoreError::Conflict)?;
        let now = (self.options.clock)();
        for body in bodies {
            self.position.push(&mut self.buffer, body, now);
        }
        let chain = &self.position.chain;
        Ok(Appended {
            last: chain.size.saturating_sub(1),
            timestamp: chain.timestamp,
            hash: chain.head,
            acknowledged: Acknowledged::Buffered,
        })
    }

    /// Checks that bodies can be lines, and says how many bytes they need.
    fn prepare(&self, bodies: &[Body<'_>]) -> Result<u64, StoreError> {
        self.syncing.check()?;
        // Some lines of the store's own may come before.
        let overhead = line::overhead(self.position.chain.size + bodies.len() as u64 + 8);
        let mut bytes = 0;
        for body in bodies {
            let line = overhead + body.json.len();
            if line > MAX_LINE {
                return Err(StoreError::TooLong { bytes: line, most: MAX_LINE });
            }
            body.check()?;
            bytes += line as u64 + 1;
        }
        Ok(bytes)
    }

    /// Whether so many bytes go into the next segment. One segment takes at least one batch.
    fn is_full_for(&self, bytes: u64) -> bool {
        let full = self.position.end + bytes > self.options.segment_bytes;
        self.position.last == Last::Seal || full && self.position.chain.size > self.position.first + 1
    }

    /// Sees to it that the disk has room, before anything is written.
    fn reserve(&mut self, bytes: u64) -> Result<(), StoreError> {
        let needed = self.position.end + bytes + BALLAST;
        if needed > self.room {
            let room = needed.max(self.options.segment_bytes + BALLAST);
            self.file.reserve(room).map_err(StoreError::NotWritten)?;
            self.room = room;
        }
        Ok(())
    }

    /// Hands the staged lines to the operating system.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.syncing.check().inspect_err(|_| self.buffer.clear())?;
        let mut rest = self.buffer.as_slice();
        let error = loop {
            match self.file.append(rest) {
                Ok(0) => break io::Error::from(io::ErrorKind::WriteZero),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error,
            }
            if rest.is_empty() {
                self.buffer.clear();
                return Ok(());
            }
        };
        let untouched = rest.len() == self.buffer.len();
        self.buffer.clear();
        if untouched && is_full(&error) {
            // The position counts lines that are not there: it is read anew.
            return match self.reload() {
                Ok(()) => Err(StoreError::NotWritten(error)),
                Err(_) => Err(self.syncing.poison(error)),
            };
        }
        Err(self.syncing.poison(error))
    }

    /// Ends the segment and begins the next.
    pub(super) fn rotate(&mut self) -> Result<(), StoreError> {
        if self.position.last == Last::Seal {
            return self.begin_next();
        }
        // Whether the disk has room for it is to be known before this one is sealed.
        let new = self.new_segment()?;
        if let Err(error) = self.stage_checkpoint() {
            let _ = self.storage.remove(&new.name);
            return Err(error);
        }
        let (first, size) = (self.position.first, self.position.chain.size);
        let seal = Seal::new(first, size, self.position.from, self.position.chain.timestamp);
        self.stage_own(Kind::Seal, &seal);
        if let Err(error) = self.flush() {
            let _ = self.storage.remove(&new.name);
            return Err(error);
        }
        self.sync()?;
        self.begin(new, 0, None)
    }

    /// Begins the segment after a sealed one.
    pub(super) fn begin_next(&mut self) -> Result<(), StoreError> {
        // Whoever sealed this one may have been killed before it was durable.
        self.sync()?;
        let new = self.new_segment()?;
        self.begin(new, 0, None)
    }

    /// The file of the next segment.
    pub(super) fn new_segment(&self) -> Result<New, StoreError> {
        New::make(self.storage.as_ref(), &self.options, self.position.segment + 1)
            .map_err(StoreError::NotWritten)
    }

    /// Writes the first line of the next segment, and gives it its name. Everything before is durable
    /// already. If this fails, the position is as before.
    pub(super) fn begin(
        &mut self,
        new: New,
        torn_bytes: u64,
        torn_sha256: Option<crate::hash::Hash>,
    ) -> Result<(), StoreError> {
        let before = self.position.clone();
        let begun = self.begin_with(&new, torn_bytes, torn_sha256);
        match begun {
            Ok(()) => {
                self.file = new.file;
                self.room = self.options.segment_bytes + BALLAST;
                self.fresh = false;
                Ok(())
            }
            Err(error) => {
                self.position = before;
                let _ = self.storage.remove(&new.name);
                Err(error)
            }
        }
    }

    pub(super) fn begin_with(
        &mut self,
        new: &New,
        torn_bytes: u64,
        torn_sha256: Option<crate::hash::Hash>,
    ) -> Result<(), StoreError> {
        let old = &self.position;
        let previous = (old.segment > 0).then(|| Previous {
            segment: old.segment,
            good_bytes: old.end,
            records: old.chain.size - old.first,
            head: old.chain.head,
            torn_bytes,
            torn_sha256,
        });
        let kind = if previous.is_some() { Kind::Segment } else { Kind::Genesis };
        let header = Header {
            log_id: self.log_id,
            origin: self.options.origin.clone(),
            segment: old.segment + 1,
            max_segment_bytes: self.options.segment_bytes,
            key: self.options.key.clone(),
            previous,
        };
        let mut text = Vec::new();
        self.position.next_segment();
        let body = Body {
            json: segment::body(kind, &header).map_err(StoreError::NotWritten)?.into(),
            note: Note::default(),
        };
        self.position.push(&mut text, &body, (self.options.clock)());
        snapshot::write_all(new.file.as_ref(), &text).map_err(StoreError::NotWritten)?;
        self.syncing.sync(new.file.as_ref(), Durable(None))?;
        let segment = self.position.segment;
        // Others look for the new segment from here on. They may not see it otherwise, since nothing
        // tells it in a segment with a torn tail.
        self.syncing.shared().set(self.storage.as_ref(), segment).map_err(StoreError::NotWritten)?;
        self.storage.rename(&new.name, &segment::name(segment)).map_err(StoreError::NotWritten)?;
        self.syncing.sync_names()?;
        // Where this fails, the whole segment is taken for doubtful, which it is not.
        let _ = self.syncing.shared().set_durable(self.storage.as_ref(), segment, self.position.end);
        Ok(())
    }

    fn checkpoint_due(&self) -> bool {
        // Where a segment was sealed and the next could not be begun, nothing may follow here.
        let due = self.position.records >= self.options.checkpoint_records
            || self.position.bytes >= self.options.checkpoint_bytes;
        due && !self.position.is_sealed()
    }

    /// Makes a checkpoint of all lines so far the next line. They are durable before their snapshot is
    /// there: recovery believes it without reading them, and a crash may keep the checkpoint and lose
    /// what was written in one go before it.
    pub(super) fn stage_checkpoint(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        self.sync()?;
        // Without a snapshot, opening reads more.
        let index = snapshot::keep(self.storage.as_ref(), &self.position).ok();
        let size = self.position.chain.size;
        let root = self.position.frontier.root();
        let note = self.options.sign.as_ref().and_then(|sign| sign(&self.options.origin, size, &root));
        self.stage_own(Kind::Checkpoint, &Checkpoint { size, root, index, note });
        if index.is_some() {
            // Without it, opening lists the directory.
            let _ = self.syncing.shared().set_snapshot(self.storage.as_ref(), size);
        }
        match self.storage.list() {
            Ok(names) => {
                snapshot::clear(self.storage.as_ref(), &names);
                self.check_end(&names)
            }
            Err(_) => Ok(()),
        }
    }

    /// That no segment stands behind the last one. Opening the log may have looked no further than what
    /// the processes tell each other.
    fn check_end(&self, names: &[String]) -> Result<(), StoreError> {
        let last = names.iter().rev().find_map(|name| segment::number(name));
        match last {
            Some(last) if last > self.position.segment => {
                let why = format!("{} stands behind the last segment: verify the log", segment::name(last));
                Err(self.syncing.poison(io::Error::other(why)))
            }
            _ => Ok(()),
        }
    }

    /// The file of the position, and what a sync of it makes durable. Nothing is staged.
    pub(crate) fn written(&self) -> (Arc<dyn StorageFile>, Durable) {
        let written = (self.position.segment, self.position.end);
        (Arc::clone(&self.file), Durable(Some(written).filter(|_| !self.fresh)))
    }

    /// Makes all lines of the segment durable. Nothing is staged.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let (file, durable) = self.written();
        self.syncing.sync(file.as_ref(), durable)
    }

    /// Makes a line of the store's own the next.
    pub(super) fn stage_own(&mut self, kind: Kind, details: &impl serde::Serialize) {
        // What the store writes is always JSON.
        let json = segment::body(kind, details).unwrap_or_default().into();
        let now = (self.options.clock)();
        self.position.push(&mut self.buffer, &Body { json, note: Note::default() }, now);
    }

    /// Writes a checkpoint, unless nothing was appended since the last.
    pub(crate) fn close(&mut self) -> Result<(), StoreError> {
        let _held = self.enter()?;
        if self.position.last != Last::Checkpoint {
            self.stage_checkpoint()?;
            self.flush()?;
        }
        Ok(())
    }

    pub(super) fn tampered(&self, why: &str) -> StoreError {
        StoreError::Tampered { segment: self.position.segment, byte: self.position.end, why: why.to_owned() }
    }
}

/// What was staged and could not be written failed.
fn fail(results: Option<&mut [Result<Appended, StoreError>]>, error: &StoreError) {
    for result in results.into_iter().flatten().filter(|result| result.is_ok()) {
        *result = Err(error.again());
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
