//! Finds the end of a log, and tells what a crash leaves behind from what somebody changed.
//!
//! What a crash leaves is a tail of the last segment: bytes that were never synced, of which the
//! disk kept some. It stays where it is, and the next segment says how much of this one counts.

use std::io;
use std::sync::Arc;

use guardrail_core::record::Kind;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::options::FileOptions;
use super::position::{BEHIND_SEAL, Last, Position, Stop};
use super::segment::{self, Header};
use super::snapshot;
use super::syncing::Syncing;
use super::tail::{Tail, has_lost_block};
use super::writer::{New, Writer};
use crate::chain::Intent;
use crate::hash::Hash;
use crate::line;
use crate::merkle::Frontier;
use crate::storage::{Storage, StorageFile};
use crate::store::StoreError;

/// What opening a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Intents without an outcome: whether these steps ran is to be found out, and not to be assumed.
    /// Where other processes have the log open, these are also the steps that run now.
    pub in_doubt: Vec<(Uuid, Intent)>,
    /// The log had not been closed, or a sync of it had failed.
    pub unclean: bool,
    /// Bytes behind the last line that do not count.
    pub torn_bytes: u64,
}

/// The details of a record that says how a log was opened again.
#[derive(Serialize)]
struct Recovered<'r> {
    cause: &'r str,
    segment: u32,
    good_bytes: u64,
    torn_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    torn_sha256: Option<Hash>,
    /// The first of the intents without an outcome, and how many there are.
    in_doubt: Vec<InDoubt<'r>>,
    in_doubt_total: usize,
}

#[derive(Serialize)]
struct InDoubt<'r> {
    id: Uuid,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_id: Option<&'r str>,
}

/// The details of a record that says what was pruned.
#[derive(Deserialize)]
struct Pruned {
    segment: u32,
    sequence: u64,
    head: Hash,
    root: Hash,
    frontier: Vec<Hash>,
}

/// How many intents a `recovered` record names.
const NAMED: usize = 100;
const CHUNK: usize = 1 << 20;

impl Writer {
    /// Opens the log in a storage, under its lock, which is held by the caller.
    pub(crate) fn open(
        storage: Arc<dyn Storage>,
        options: Arc<FileOptions>,
        syncing: Arc<Syncing>,
        alone: bool,
    ) -> Result<(Self, Recovery), StoreError> {
        let hint = syncing.shared().read(storage.as_ref()).map_err(StoreError::Unavailable)?;
        let (newest, position, segments) = match snapshot::told(storage.as_ref(), &hint) {
            Some((told, position)) => (walk_on(storage.as_ref(), told)?, Some(position), Vec::new()),
            None => {
                let names = storage.list().map_err(StoreError::Unavailable)?;
                let segments: Vec<u32> = names.iter().filter_map(|name| segment::number(name)).collect();
                let Some(&newest) = segments.last() else {
                    let created = Self::create(storage, options, syncing);
                    return created.map(|writer| (writer, Recovery::default()));
                };
                (newest, snapshot::newest(storage.as_ref(), &names), segments)
            }
        };
        let Header { log_id, key, .. } = identity(storage.as_ref(), &options, newest)?;
        let other_key = key != options.key;
        if other_key {
            may_change_key(key.as_deref(), &options, alone)?;
        }
        if hint.segment.is_none() {
            first_since_boot(storage.as_ref(), &syncing, newest)?;
        }
        if let Some(found) = position.as_ref().map(|position| position.chain.size)
            && found != hint.snapshot
        {
            // Whoever opens the log next need not look for it.
            let _ = syncing.shared().set_snapshot(storage.as_ref(), found);
        }
        let (position, file) = start(storage.as_ref(), &options, position, &segments)?;
        let mut writer = Self {
            storage,
            options,
            syncing,
            log_id,
            position,
            file,
            room: 0,
            buffer: Vec::new(),
            scratch: Vec::new(),
            distrust: hint.poisoned,
            fresh: true,
        };
        writer.check_gaps(&segments)?;
        writer.syncing.set_recovering(true);
        let recovery = writer.recover(alone)?;
        writer.syncing.set_recovering(false);
        // Where recovering began a segment, that one names the key already.
        if other_key && writer.position.segment == newest {
            writer.rotate()?;
        }
        Ok((writer, recovery))
    }

    fn create(
        storage: Arc<dyn Storage>,
        options: Arc<FileOptions>,
        syncing: Arc<Syncing>,
    ) -> Result<Self, StoreError> {
        if !options.create {
            let why = "there is no log in this directory";
            return Err(StoreError::Unavailable(io::Error::new(io::ErrorKind::NotFound, why)));
        }
        if options.origin.is_empty() || options.origin.contains(|c: char| c.is_whitespace() || c == '+') {
            let why = "the origin of a log is a name without spaces and `+`, such as example.org/agents";
            return Err(StoreError::Unavailable(io::Error::new(io::ErrorKind::InvalidInput, why)));
        }
        syncing.shared().cure(storage.as_ref()).map_err(StoreError::NotWritten)?;
        let new = New::make(storage.as_ref(), &options, 1).map_err(StoreError::NotWritten)?;
        let mut writer = Self {
            position: Position::new(&options.origin),
            log_id: options.log_id.unwrap_or_else(Uuid::new_v4),
            file: Arc::clone(&new.file),
            room: options.segment_bytes + super::writer::BALLAST,
            buffer: Vec::new(),
            scratch: Vec::new(),
            distrust: false,
            fresh: false,
            storage,
            options,
            syncing,
        };
        writer.begin_with(&new, 0, None)?;
        Ok(writer)
    }

    /// That no segment is missing between the position and the newest.
    fn check_gaps(&self, segments: &[u32]) -> Result<(), StoreError> {
        let later = segments.iter().filter(|&&number| number > self.position.segment);
        for (number, &found) in (self.position.segment + 1..).zip(later) {
            if number != found {
                return Err(StoreError::Tampered {
                    segment: number,
                    byte: 0,
                    why: "the segment is not there, and later ones are".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Reads what follows the position, and makes sure of it.
    fn recover(&mut self, alone: bool) -> Result<Recovery, StoreError> {
        let torn = self.catch_up()?;
        // Whoever gave the last segment its name may not have come to make that durable.
        self.syncing.sync_names()?;
        // Another process may have been told of a loss since this one looked, and the system tells it to
        // nobody who opens the file later.
        if self.is_poisoned()? && !self.distrust {
            if torn.is_some() {
                return Err(StoreError::Poisoned(self.syncing.shared().why(self.storage.as_ref())));
            }
            self.distrust = true;
        }
        let mut recovery = Recovery { torn_bytes: torn.unwrap_or_default(), ..Recovery::default() };
        let open = self.position.last == Last::Other;
        recovery.unclean = torn.is_some() || self.distrust || alone && open;
        if torn.is_none() && self.distrust {
            self.repair("a sync failed")?;
        } else if torn.is_none() && alone && open {
            self.declare("it was not closed", self.position.segment, self.position.end, 0, None)?;
        }
        let shared = self.syncing.shared();
        shared.set(self.storage.as_ref(), self.position.segment).map_err(StoreError::NotWritten)?;
        if self.distrust {
            shared.cure(self.storage.as_ref()).map_err(StoreError::NotWritten)?;
            self.distrust = false;
        }
        // Where there is no room now, appending says so.
        let room = self.options.segment_bytes + super::writer::BALLAST;
        if self.file.reserve(room).is_ok() {
            self.room = room;
        }
        let intents = self.position.chain.intents.iter();
        recovery.in_doubt = intents.map(|(id, intent)| (*id, intent.clone())).collect();
        Ok(recovery)
    }

    fn is_poisoned(&self) -> Result<bool, StoreError> {
        let hint = self.syncing.shared().read(self.storage.as_ref()).map_err(StoreError::Unavailable)?;
        Ok(hint.poisoned)
    }

    /// Moves the position to the end of the log. Where that is torn, the next segment is begun; says
    /// how many bytes were torn then. The lock is held.
    pub(super) fn catch_up(&mut self) -> Result<Option<u64>, StoreError> {
        let before = self.position.segment;
        loop {
            let mut stop = self.scan().map_err(StoreError::Unavailable)?;
            if self.position.end == 0 && stop == Stop::End {
                stop = Stop::Bad("the segment has no first line");
            }
            let next = self.position.segment + 1;
            match self.storage.open(&segment::name(next)) {
                Ok(file) => {
                    let file: Arc<dyn StorageFile> = Arc::from(file);
                    let first = segment::first_sequence(file.as_ref()).map_err(StoreError::Unavailable)?;
                    if first.is_some() {
                        self.follow_segment(&stop, file)?;
                    } else if stop == Stop::End {
                        // It got its name, and the disk lost its first line: nothing in it counts.
                        self.leave_for(file)?;
                    } else {
                        return Err(self.tampered("this is no line, and the next segment has no first line"));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if self.position.segment != before {
                        // Whoever began it may not have come to make its name durable.
                        self.syncing.sync_names()?;
                    }
                    self.prove()?;
                    return self.mend(&stop);
                }
                Err(error) => return Err(StoreError::Unavailable(error)),
            }
        }
    }

    /// Moves the position on in its segment.
    pub(super) fn scan(&mut self) -> io::Result<Stop> {
        self.position.scan(self.file.as_ref(), &mut self.scratch)
    }

    /// Goes on to the next segment, if its first line says of this one what is so.
    fn follow_segment(&mut self, stop: &Stop, file: Arc<dyn StorageFile>) -> Result<(), StoreError> {
        let old = &self.position;
        let line = segment::line_at(file.as_ref(), 0).map_err(StoreError::Unavailable)?.unwrap_or_default();
        let header: Option<Header> = segment::details(&line);
        let previous =
            header.filter(|header| header.log_id == self.log_id).and_then(|header| header.previous);
        let Some(previous) = previous else {
            return Err(StoreError::Tampered {
                segment: old.segment + 1,
                byte: 0,
                why: "this is not the first line of the log's next segment".to_owned(),
            });
        };
        let size = self.file.size().map_err(StoreError::Unavailable)?;
        let torn = size.saturating_sub(old.end);
        let same = previous.segment == old.segment
            && previous.good_bytes == old.end
            && previous.records == old.chain.size - old.first
            && previous.head == old.chain.head
            && previous.torn_bytes == torn;
        let sealed = old.last == Last::Seal && torn > 0;
        let digest = if torn > 0 && same { Some(self.torn_digest(size)?) } else { None };
        if !same || sealed || previous.torn_sha256 != digest {
            let why = match stop {
                Stop::End => "the next segment says that other lines stand here",
                Stop::Bad(why) => why,
            };
            return Err(self.tampered(why));
        }
        self.leave_for(file)
    }

    /// Goes on in the next segment, once this one is durable: whoever wrote it may have been killed
    /// before.
    fn leave_for(&mut self, next: Arc<dyn StorageFile>) -> Result<(), StoreError> {
        self.sync()?;
        self.position.next_segment();
        self.file = next;
        self.room = 0;
        self.fresh = true;
        Ok(())
    }

    /// Makes certain that the disk has the lines of the segment, where its file was opened after others
    /// wrote to it. A crash may still take them, and if a sync of them failed before, the system
    /// says so to nobody who comes later: what nobody is known to have made durable is
    /// written again. Nothing is built on them before.
    fn prove(&mut self) -> Result<(), StoreError> {
        if self.fresh {
            let hint = self.syncing.shared().read(self.storage.as_ref()).map_err(StoreError::Unavailable)?;
            let end = self.position.end;
            let durable = match self.syncing.shared().durable(&hint) {
                Some((segment, durable)) if segment == self.position.segment => durable.min(end),
                _ => 0,
            };
            self.write_again(durable, end)?;
            self.fresh = false;
            self.sync().inspect_err(|_| self.fresh = true)?;
        }
        Ok(())
    }

    /// Deals with the end of the last segment. The lock is held, so nobody is about to write there.
    fn mend(&mut self, stop: &Stop) -> Result<Option<u64>, StoreError> {
        let Stop::Bad(why) = stop else { return Ok(None) };
        let size = self.file.size().map_err(StoreError::Unavailable)?;
        // A seal is the last that is written to a segment, and no crash makes a file longer than what
        // was written to it.
        if self.position.is_sealed() {
            return Err(self.tampered(BEHIND_SEAL));
        }
        if !self.is_torn(size)? {
            return Err(self.tampered(why));
        }
        let torn = size.saturating_sub(self.position.end);
        self.repair("the tail was torn")?;
        Ok(Some(torn))
    }

    /// Whether what follows the good lines is the trace of a crash: either there is no whole line in
    /// it, or the disk lost whole blocks of it, which then read as zeros.
    fn is_torn(&self, size: u64) -> Result<bool, StoreError> {
        const BLOCK: u64 = 512;
        let mut tail = Tail::new(self.file.as_ref(), self.position.end, size);
        // Everything that is left is read by lines; the first may begin with anything.
        let mut lost = false;
        while let Some((offset, line, complete)) = tail.next().map_err(StoreError::Unavailable)? {
            lost = lost || has_lost_block(line, offset, BLOCK, offset + line.len() as u64 == size);
            if complete && line::read(line).is_some() && !line.contains(&0) {
                return Ok(lost);
            }
        }
        Ok(true)
    }

    /// Ends the last segment where its good lines end, and begins the next, which says so.
    fn repair(&mut self, cause: &str) -> Result<(), StoreError> {
        self.distrust |= self.is_poisoned()?;
        let size = self.file.size().map_err(StoreError::Unavailable)?;
        let (segment, end) = (self.position.segment, self.position.end);
        // What does not count is described by its digest, so it has to stay as it is.
        self.write_again(if self.distrust { 0 } else { end }, size)?;
        self.sync()?;
        let torn = size.saturating_sub(end);
        let digest = if torn > 0 { Some(self.torn_digest(size)?) } else { None };
        let new = self.new_segment()?;
        self.begin(new, torn, digest)?;
        self.declare(cause, segment, end, torn, digest)
    }

    /// Appends a record that the log was opened again after something had gone wrong, durably.
    fn declare(
        &mut self,
        cause: &str,
        segment: u32,
        good_bytes: u64,
        torn_bytes: u64,
        torn_sha256: Option<Hash>,
    ) -> Result<(), StoreError> {
        let intents = self.position.chain.intents.clone();
        let in_doubt = intents.iter().take(NAMED).map(|(id, intent)| InDoubt {
            id: *id,
            seq: intent.sequence,
            plan_id: intent.plan_id.as_deref().filter(|plan| plan.len() <= 256),
        });
        let recovered = Recovered {
            cause,
            segment,
            good_bytes,
            torn_bytes,
            torn_sha256,
            in_doubt: in_doubt.collect(),
            in_doubt_total: intents.len(),
        };
        self.stage_own(Kind::Recovered, &recovered);
        self.flush()?;
        self.sync()
    }

    /// Writes bytes of the last segment in their places again. After a sync that failed they may be in
    /// memory alone, and the next sync would not write them. Where the segment is append-only by attribute, it
    /// is enough that the disk is seen to have them.
    fn write_again(&self, from: u64, to: u64) -> Result<(), StoreError> {
        let name = segment::name(self.position.segment);
        let mut buffer = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(CHUNK).min(CHUNK)];
        let mut offset = from;
        while offset < to {
            let length = usize::try_from(to - offset).unwrap_or(CHUNK).min(CHUNK);
            let part = buffer.get_mut(..length).unwrap_or_default();
            let read = self.file.read_at(part, offset).map_err(StoreError::Unavailable)?;
            if read == 0 {
                return Err(self.tampered("the segment is shorter than it was"));
            }
            let part = part.get(..read).unwrap_or_default();
            match self.storage.write_again(&name, part, offset) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    self.see_on_disk(&name, part, offset)?;
                }
                written => written.map_err(StoreError::NotWritten)?,
            }
            offset += read as u64;
        }
        Ok(())
    }

    /// That the disk has these bytes, by reading past the system's memory.
    fn see_on_disk(&self, name: &str, bytes: &[u8], offset: u64) -> Result<(), StoreError> {
        let why = match self.storage.is_on_disk(name, bytes, offset) {
            Ok(true) => return Ok(()),
            Ok(false) => "the disk does not have all that memory shows of it".to_owned(),
            Err(error) => {
                format!("it cannot be seen whether the disk has all that memory shows of it ({error})")
            }
        };
        Err(StoreError::NotWritten(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "{name} is append-only by attribute, and {why}: take the attribute away (chattr -a), open the log once, and set it again"
            ),
        )))
    }

    fn torn_digest(&self, size: u64) -> Result<Hash, StoreError> {
        let mut digest = Sha256::new();
        let mut buffer = vec![0; CHUNK];
        let mut offset = self.position.end;
        while offset < size {
            let length = usize::try_from(size - offset).unwrap_or(CHUNK).min(CHUNK);
            let part = buffer.get_mut(..length).unwrap_or_default();
            let read = self.file.read_at(part, offset).map_err(StoreError::Unavailable)?;
            if read == 0 {
                break;
            }
            digest.update(part.get(..read).unwrap_or_default());
            offset += read as u64;
        }
        Ok(Hash(digest.finalize().into()))
    }

    /// Reads the end of the log anew, after lines were counted that could not be written.
    pub(super) fn reload(&mut self) -> Result<(), StoreError> {
        let names = self.storage.list().map_err(StoreError::Unavailable)?;
        let segments: Vec<u32> = names.iter().filter_map(|name| segment::number(name)).collect();
        let position = snapshot::newest(self.storage.as_ref(), &names);
        let (position, file) = start(self.storage.as_ref(), &self.options, position, &segments)?;
        (self.position, self.file, self.room, self.fresh) = (position, file, 0, true);
        self.check_gaps(&segments)?;
        self.catch_up().map(drop)
    }
}

/// The newest first line. It must have the origin that is asked for.
fn identity(storage: &dyn Storage, options: &FileOptions, newest: u32) -> Result<Header, StoreError> {
    for number in [newest, newest.saturating_sub(1)] {
        let file = match storage.open(&segment::name(number)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(StoreError::Unavailable)?,
        };
        let line = segment::line_at(file.as_ref(), 0).map_err(StoreError::Unavailable)?;
        let Some(header) = line.as_deref().and_then(segment::details::<Header>) else { continue };
        if header.origin != options.origin {
            let why = format!("this is the log {:?}, not {:?}", header.origin, options.origin);
            return Err(StoreError::Unavailable(io::Error::new(io::ErrorKind::InvalidInput, why)));
        }
        return Ok(header);
    }
    Err(StoreError::Tampered { segment: newest, byte: 0, why: "no segment here has a first line".to_owned() })
}

/// The last segment, from one that others told of: later ones may be there, and name another key.
fn walk_on(storage: &dyn Storage, told: u32) -> Result<u32, StoreError> {
    let mut newest = told;
    loop {
        match storage.open(&segment::name(newest + 1)) {
            Ok(_) => newest += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(newest),
            Err(error) => return Err(StoreError::Unavailable(error)),
        }
    }
}

/// That a log may go on under another key than the one it has.
fn may_change_key(key: Option<&str>, options: &FileOptions, alone: bool) -> Result<(), StoreError> {
    let (kind, why) = if !options.change_key {
        (io::ErrorKind::InvalidInput, "open it with that, or let it go on under another (change_key)")
    } else if !alone {
        (io::ErrorKind::WouldBlock, "to change that, close the log everywhere else first")
    } else {
        return Ok(());
    };
    let named = |key: Option<&str>| key.map_or_else(|| "no key".to_owned(), |key| format!("the key {key}"));
    let (has, given) = (named(key), named(options.key.as_deref()));
    let why = format!("this log is signed by {has}, and was to be opened with {given}: {why}");
    Err(StoreError::Unavailable(io::Error::new(kind, why)))
}

/// Lets others know that all there is comes from the disk, since nobody has written since the machine
/// started. The lock is held, and nothing is written before.
fn first_since_boot(storage: &dyn Storage, syncing: &Syncing, newest: u32) -> Result<(), StoreError> {
    let size = storage.open(&segment::name(newest)).and_then(|file| file.size());
    let size = size.map_err(StoreError::Unavailable)?;
    let shared = syncing.shared();
    shared.set_durable(storage, newest, size).map_err(StoreError::NotWritten)?;
    shared.set(storage, newest).map_err(StoreError::NotWritten)
}

/// Where reading begins: at a snapshot that the log confirms, at the log's start, or at the first segment
/// that stayed when those before were pruned. `segments` are those that are there, sorted; they are of use
/// only without a snapshot.
fn start(
    storage: &dyn Storage,
    options: &FileOptions,
    snapshot: Option<Position>,
    segments: &[u32],
) -> Result<(Position, Arc<dyn StorageFile>), StoreError> {
    let position = match snapshot {
        Some(position) => position,
        None if segments.first().is_none_or(|first| *first == 1) => {
            let mut position = Position::new(&options.origin);
            position.next_segment();
            position
        }
        None => behind_pruned(storage, options, segments)?,
    };
    let file = storage.open(&segment::name(position.segment)).map_err(StoreError::Unavailable)?;
    Ok((position, Arc::from(file)))
}

/// The position before the first segment that a `pruned` record says has stayed. What a crash kept of
/// segments before it is not read: no open plan and no intent needs them. That the record is right is
/// seen at the checkpoints behind it.
fn behind_pruned(
    storage: &dyn Storage,
    options: &FileOptions,
    segments: &[u32],
) -> Result<Position, StoreError> {
    for &number in segments.iter().rev() {
        let file = storage.open(&segment::name(number)).map_err(StoreError::Unavailable)?;
        let lines =
            segment::lines_with(file.as_ref(), b",\"kind\":\"pruned\",").map_err(StoreError::Unavailable)?;
        for line in lines.iter().rev() {
            // The words may stand anywhere in a line.
            let is_pruned = line::read(line).is_some_and(|line| line.kind == Kind::Pruned.as_str());
            let Some(pruned) = segment::details::<Pruned>(line).filter(|_| is_pruned) else { continue };
            let Pruned { segment: first, sequence, head, root, frontier } = pruned;
            let Ok(frontier) = Frontier::from_hashes(sequence, frontier) else { continue };
            if frontier.root() != root || !segments.contains(&first) || first > number {
                continue;
            }
            let file = storage.open(&segment::name(first)).map_err(StoreError::Unavailable)?;
            let top =
                segment::line_at(file.as_ref(), 0).map_err(StoreError::Unavailable)?.unwrap_or_default();
            if line::read(&top).is_some_and(|top| (top.sequence, top.prev) == (sequence, head)) {
                return Ok(Position::behind(&options.origin, first, head, frontier));
            }
        }
    }
    let first = segments.first().copied().unwrap_or_default();
    Err(StoreError::Damaged(format!(
        "the segments before {first} are gone, and no record says that they were pruned: restore them from a backup"
    )))
}
