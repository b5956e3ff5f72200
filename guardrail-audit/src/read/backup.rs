//! A copy of a log, taken while others append to it, and the way back.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use guardrail_core::record::Timestamp;
use serde::Serialize;

use super::files::{LogFiles, Segment, open, segment_name};
use super::{LineSource as _, Links, prefix};
use crate::hash::Hash;
use crate::line::MAX_LINE;
use crate::store::StoreError;

/// What stands beside the lines and goes with them. All else is made again from the lines.
const BESIDE: &[&str] = &["plans", "checkpoints", "tree"];

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// How many segments.
    pub segments: u64,
    /// How many lines, each of them checked to link to the one before, in the copy.
    pub records: u64,
    /// How many bytes of segments.
    pub bytes: u64,
    /// How many files beside them.
    pub files: u64,
    /// The number of the first line; not 0 where the log was pruned.
    pub first: u64,
    /// The number of the last line.
    pub last: u64,
    /// The time of the last line.
    pub until: Timestamp,
    /// The hash of the last line.
    pub head: Hash,
}

/// Why a log was not copied. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Something is there already.
    #[error("{} is there already and is not empty: nothing is overwritten", .0.display())]
    Exists(PathBuf),
    /// The log cannot be read, or is damaged. A damaged log is not backed up over good backups.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A backup ends in the middle of a line.
    #[error("{} ends in the middle of a line, which no backup does: it was cut", .0.display())]
    Cut(PathBuf),
    /// The copy is not what was copied.
    #[error("the copy differs from what was copied: {0}")]
    Differs(String),
    /// The file system failed.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What happened.
        #[source]
        error: io::Error,
    },
}

/// Copies a log, live or not, into a directory that does not exist or is empty.
///
/// The copy is the log as it was at one moment: all lines up to one, with the plans and checkpoints
/// beside them. It appears under its name when it is whole, durable, and read back. Keys are not
/// copied. `watch` is told how many bytes were copied.
///
/// # Errors
///
/// See [`BackupError`].
pub fn backup(from: &Path, to: &Path, watch: impl FnMut(u64)) -> Result<Copied, BackupError> {
    copy(from, to, true, watch)
}

/// Copies a backup to where a log is to go on, into a directory that does not exist or is empty.
///
/// Whatever was recorded after the backup is not in the log that goes on from it. Who has later
/// checkpoints will see that, and is right to ask.
///
/// # Errors
///
/// See [`BackupError`].
pub fn restore(from: &Path, to: &Path, watch: impl FnMut(u64)) -> Result<Copied, BackupError> {
    copy(from, to, false, watch)
}

fn copy(from: &Path, to: &Path, live: bool, mut watch: impl FnMut(u64)) -> Result<Copied, BackupError> {
    match std::fs::read_dir(to).map(|mut entries| entries.next().is_some()) {
        Ok(true) => return Err(BackupError::Exists(to.to_owned())),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(to)(error)),
        _ => {}
    }
    let files = LogFiles::open(from)?;
    let mut name = std::ffi::OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    name.push(format!(".{}", uuid::Uuid::new_v4()));
    let fresh = to.with_file_name(name);
    make_directory(&fresh)?;
    let copied = fill(&files, &fresh, live, &mut watch).and_then(|copied| {
        let again = read_back(&fresh)?;
        if again != (copied.records, copied.last, copied.head) {
            return Err(BackupError::Differs(format!("it has {} lines up to {}", again.0, again.1)));
        }
        sync(&fresh)?;
        // Fails where something has come to stand there.
        std::fs::rename(&fresh, to).map_err(failed(to))?;
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync(parent.unwrap_or(Path::new(".")))?;
        Ok(copied)
    });
    if copied.is_err() {
        // What is left of it is hidden, and says by its name what it is.
        let _ = std::fs::remove_dir_all(&fresh);
    }
    copied
}

fn fill(files: &LogFiles, to: &Path, live: bool, watch: &mut impl FnMut(u64)) -> Result<Copied, BackupError> {
    let mut beside = 0;
    // Before the lines, so that nothing here is ahead of them.
    for name in BESIDE {
        beside += copy_directory(&files.directory().join(name), &to.join(name))?;
    }
    let segments = files.segments()?;
    let mut links = Links::default();
    let mut copied = Copied {
        segments: 0,
        records: 0,
        bytes: 0,
        files: beside,
        first: 0,
        last: 0,
        until: Timestamp::UNIX_EPOCH,
        head: Hash([0; 32]),
    };
    for segment in &segments {
        let path = to.join(segment_name(segment.number));
        let mut out = BufWriter::with_capacity(256 << 10, create(&path)?);
        lines_of(segment, live, &mut links, &mut copied, |line, copied| {
            out.write_all(line).map_err(failed(&path))?;
            watch(copied.bytes);
            Ok(())
        })?;
        if let Some(good) = segment.good {
            // What does not count is kept too: its digest stands in the next header.
            let mut rest = open(&segment.path)?;
            io::Seek::seek(&mut rest, io::SeekFrom::Start(good)).map_err(failed(&segment.path))?;
            copied.bytes += io::copy(&mut rest, &mut out).map_err(failed(&path))?;
        }
        let file = out.into_inner().map_err(|error| failed(&path)(error.into_error()))?;
        file.sync_all().map_err(failed(&path))?;
        copied.segments += 1;
    }
    // A crash or a failed sync meanwhile may have taken lines that were copied: then the copy would
    // not be a beginning of the log.
    let last = files.lines(copied.last)?.next().transpose()?.map(|line| Hash::of_line(&line));
    if last != Some(copied.head) {
        return Err(BackupError::Differs(format!(
            "line {} was withdrawn while it was copied, since it never became durable: begin again",
            copied.last
        )));
    }
    Ok(copied)
}

/// Reads the lines of a segment that count, checks them, and hands them on.
fn lines_of(
    segment: &Segment,
    live: bool,
    links: &mut Links,
    copied: &mut Copied,
    mut each: impl FnMut(&[u8], &Copied) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let file = open(&segment.path)?;
    let mut reader = BufReader::with_capacity(256 << 10, file.take(segment.good.unwrap_or(u64::MAX)));
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = MAX_LINE as u64 + 1;
        let read = reader.by_ref().take(most).read_until(b'\n', &mut line).map_err(failed(&segment.path))?;
        let Some(text) = line.strip_suffix(b"\n") else {
            if read == 0 || live && segment.good.is_none() {
                return Ok(());
            }
            return Err(BackupError::Cut(segment.path.clone()));
        };
        copied.head = links.follow(text)?;
        let found = prefix(text)?;
        if copied.records == 0 {
            copied.first = found.sequence;
        }
        copied.last = found.sequence;
        copied.until = found.timestamp;
        copied.records += 1;
        copied.bytes += line.len() as u64;
        each(&line, copied)?;
    }
}

fn read_back(directory: &Path) -> Result<(u64, u64, Hash), BackupError> {
    let files = LogFiles::open(directory)?;
    let first = files.segments()?.first().map_or(0, |segment| segment.first);
    let mut links = Links::default();
    let (mut records, mut last, mut head) = (0, 0, Hash([0; 32]));
    for line in files.lines(first)? {
        let line = line?;
        head = links.follow(&line)?;
        last = prefix(&line)?.sequence;
        records += 1;
    }
    Ok((records, last, head))
}

/// Copies the files of a directory, if there is one, and says how many. Links are not followed.
fn copy_directory(from: &Path, to: &Path) -> Result<u64, BackupError> {
    let entries = match std::fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(failed(from)(error)),
    };
    make_directory(to)?;
    let mut files = 0;
    for entry in entries {
        let entry = entry.map_err(failed(from))?;
        if !entry.file_type().map_err(failed(from))?.is_file() {
            continue;
        }
        let path = to.join(entry.file_name());
        let mut file = match open(&entry.path()) {
            Ok(file) => file,
            // It was removed meanwhile, as unfinished files are.
            Err(StoreError::Unavailable(error)) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        let mut out = create(&path)?;
        io::copy(&mut file, &mut out).map_err(failed(&path))?;
        out.sync_all().map_err(failed(&path))?;
        files += 1;
    }
    sync(to)?;
    Ok(files)
}

fn create(path: &Path) -> Result<File, BackupError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed(path))
}

fn make_directory(path: &Path) -> Result<(), BackupError> {
    DirBuilder::new().mode(0o700).create(path).map_err(failed(path))
}

fn sync(directory: &Path) -> Result<(), BackupError> {
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed(directory))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> BackupError {
    let path = path.to_owned();
    move |error| BackupError::Io { path: path.clone(), error }
}
