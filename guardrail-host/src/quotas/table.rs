//! The file with all counts: of one size, locked for as long as one action is counted.
//!
//! A key has its page of 64 records, by its first byte, and may lie anywhere in it. A record whose
//! time is over makes room for another one; where there is no room it is refused. What an agent can
//! make as many keys of as it likes ([`Counts::Repeats`]) has pages of its own, so that it fills those alone.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use guardrail_core::quota::{Charge, Counts, QuotaRefusal};

use super::record::{self, Count, CountRecord};

const MAGIC: &[u8; 16] = b"guardrail quota1";
/// Bytes in front of the first page.
const HEAD: usize = 4_096;
const PAGE: usize = 64 * record::BYTES;
const PAGES: usize = 256;
const LENGTH: usize = HEAD + PAGES * PAGE;
/// The name of the file in its directory.
const NAME: &str = "counts";
/// The directory of what runs, beside it.
pub(super) const RUNNING: &str = "running";
/// A clock may be set back by so many milliseconds before nothing is counted any more.
const SLACK: i64 = 60_000;

/// A file of counts that is locked, until it is dropped.
#[derive(Debug)]
pub(super) struct Table {
    file: File,
    path: PathBuf,
    /// The latest moment that anybody counted at, in milliseconds.
    latest: i64,
}

/// Makes a directory for counts, with everything in it at once, where there is none or an empty one.
pub(super) fn make(directory: &Path) -> Result<(), QuotaRefusal> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let named = |error: io::Error| unavailable(&directory.display(), &error);
    if directory.join(NAME).symlink_metadata().is_ok() {
        let about = std::fs::metadata(directory).map_err(named)?;
        if about.mode() & 0o022 != 0 {
            let why = "others may put files of theirs in it; it has to be the guard's own (0700)";
            return Err(unavailable(&directory.display(), &why));
        }
        return Ok(());
    }
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
    let name = directory.file_name().ok_or_else(|| named(io::ErrorKind::InvalidInput.into()))?;
    let mut made = name.to_owned();
    made.push(format!(".new-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    let made = parent.unwrap_or(Path::new(".")).join(made);
    let filled = || -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(&made)?;
        DirBuilder::new().mode(0o700).create(made.join(RUNNING))?;
        write_empty(&made.join(NAME))?;
        File::open(&made)?.sync_all()?;
        // It takes the place of an empty directory, and of nothing else.
        std::fs::rename(&made, directory)
    };
    let outcome = filled();
    if outcome.is_err() {
        let _ = std::fs::remove_dir_all(&made);
    }
    match outcome {
        Err(error) if directory.join(NAME).symlink_metadata().is_err() => Err(match error.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => missing(directory),
            _ => named(error),
        }),
        // Somebody else was faster.
        _ => Ok(()),
    }
}

/// Puts an empty file in the place of the counts: everything that was counted is forgotten.
pub(super) fn forget(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory.join(RUNNING)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let fresh = directory.join(format!("{NAME}.new-{}", std::process::id()));
    let outcome = write_empty(&fresh).and_then(|()| std::fs::rename(&fresh, directory.join(NAME)));
    if outcome.is_err() {
        let _ = std::fs::remove_file(&fresh);
    }
    outcome.and_then(|()| File::open(directory)?.sync_all())
}

fn write_empty(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut all = head(0).to_vec();
    // Zeros that are written have their place on the disk: a full one does not stop the counting.
    all.resize(LENGTH, 0);
    file.write_all(&all)?;
    file.sync_all()
}

fn head(latest: i64) -> [u8; 32] {
    let mut body = MAGIC.to_vec();
    body.extend(latest.to_le_bytes());
    body.extend(record::sum(&body).to_le_bytes());
    let mut head = [0; 32];
    head.iter_mut().zip(body).for_each(|(to, from)| *to = from);
    head
}

/// Flags without which nothing is opened here: no link is followed, and no pipe waited for.
pub(super) fn no_surprises() -> i32 {
    (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed()
}

impl Table {
    /// Locks the counts of a directory at a moment in milliseconds, waiting no longer than `patience`
    /// for others.
    pub(super) fn lock(directory: &Path, clock: i64, patience: Duration) -> Result<Self, QuotaRefusal> {
        let path = directory.join(NAME);
        let named = |error: io::Error| unavailable(&path.display(), &error);
        let mut options = OpenOptions::new();
        // Opened for each action: a lock belongs to an open file, and threads must not share one.
        let file = match options.read(true).write(true).custom_flags(no_surprises()).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(missing(directory)),
            other => other.map_err(named)?,
        };
        let until = Instant::now().checked_add(patience);
        let mut pause = Duration::from_micros(100);
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(named(error)),
                Err(TryLockError::WouldBlock) if until.is_some_and(|until| Instant::now() >= until) => {
                    let why = "another process has held it for too long; end that one";
                    return Err(unavailable(&path.display(), &why));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(pause),
            }
            pause = (pause * 2).min(Duration::from_millis(4));
        }
        let about = file.metadata().map_err(named)?;
        if !about.is_file() || about.mode() & 0o022 != 0 {
            let why = "others may write to it, or it is no file; it has to be the guard's own (0600)";
            return Err(unavailable(&path.display(), &why));
        }
        let mut bytes = [0; 32];
        file.read_exact_at(&mut bytes, 0).map_err(|_| damaged(&path))?;
        let latest = bytes.get(16..24).and_then(|b| b.try_into().ok()).map(i64::from_le_bytes);
        let latest = latest.filter(|latest| bytes == head(*latest) && about.len() == LENGTH as u64);
        let latest = latest.ok_or_else(|| damaged(&path))?;
        if clock < latest.saturating_sub(SLACK) {
            let shown = |at| chrono::DateTime::from_timestamp_millis(at).unwrap_or_default();
            let why = format!(
                "the clock says {}, and something was counted at {}: set the clock right, or forget the \
                 counts (`guardrail resume --forget`)",
                shown(clock).format("%F %T UTC"),
                shown(latest).format("%F %T UTC"),
            );
            return Err(unavailable(&path.display(), &why));
        }
        let table = Self { file, path, latest: latest.max(clock) };
        if table.latest > latest {
            table.file.write_all_at(&head(table.latest), 0).map_err(|error| table.failed(&error))?;
        }
        Ok(table)
    }

    /// What time it is for counting, in milliseconds: it never goes back.
    pub(super) const fn now(&self) -> i64 {
        self.latest
    }

    /// What is counted for a charge.
    pub(super) fn find(&self, charge: &Charge) -> Result<Option<Count>, QuotaRefusal> {
        Ok(self.search(charge)?.1)
    }

    /// Keeps a count in place of what was there, up to a moment in milliseconds.
    pub(super) fn put(&self, charge: &Charge, count: Count, over_at: i64) -> Result<(), QuotaRefusal> {
        let (place, _) = self.search(charge)?;
        self.write(place, &CountRecord { key: charge.key, over_at, count }.to_bytes())
    }

    /// Drops what is counted for a charge.
    pub(super) fn remove(&self, charge: &Charge) -> Result<(), QuotaRefusal> {
        match self.search(charge)? {
            (_, None) => Ok(()),
            (place, Some(_)) => self.write(place, &[0; record::BYTES]),
        }
    }

    /// The place of a charge, and what is there for it.
    fn search(&self, charge: &Charge) -> Result<(u64, Option<Count>), QuotaRefusal> {
        let key = charge.key;
        let half = PAGES / 2;
        let of_agents = if charge.quota.counts == Counts::Repeats { half } else { 0 };
        let page = HEAD + (of_agents + usize::from(key.0[0]) % half) * PAGE;
        let mut bytes = vec![0; PAGE];
        self.file.read_exact_at(&mut bytes, page as u64).map_err(|error| self.failed(&error))?;
        let mut free = None;
        for (at, bytes) in bytes.chunks_exact(record::BYTES).enumerate() {
            let place = (page + at * record::BYTES) as u64;
            match CountRecord::from_bytes(bytes).map_err(|_| damaged(&self.path))? {
                Some(record) if record.key == key => {
                    let holds = record.over_at > self.latest;
                    return Ok((place, holds.then_some(record.count)));
                }
                Some(record) if record.over_at > self.latest => {}
                _ => free = free.or(Some(place)),
            }
        }
        let full = "there is no room for another count: too many different things were done lately; some \
                    of them will be over soon";
        free.map(|place| (place, None)).ok_or_else(|| unavailable(&self.path.display(), &full))
    }

    fn write(&self, place: u64, bytes: &[u8; record::BYTES]) -> Result<(), QuotaRefusal> {
        self.file.write_all_at(bytes, place).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> QuotaRefusal {
        unavailable(&self.path.display(), error)
    }
}

/// That something cannot be counted, where and why.
pub(super) fn unavailable(place: &dyn std::fmt::Display, why: &dyn std::fmt::Display) -> QuotaRefusal {
    QuotaRefusal::Unavailable { reason: format!("{place}: {why}") }
}

fn missing(directory: &Path) -> QuotaRefusal {
    let why = "the counts are gone. Find out who took them; then a person makes new ones \
               (`guardrail resume --forget`)";
    unavailable(&directory.display(), &why)
}

fn damaged(path: &Path) -> QuotaRefusal {
    let why = "it is damaged. Find out by whom; then a person forgets what was counted (`guardrail resume \
               --forget`)";
    unavailable(&path.display(), &why)
}
