//! A log kept together with whatever it is worth little without: policies, knowledge, templates.
//!
//! An archive is a directory: `log/` as [`backup`](super::backup::backup) copies it, the other
//! files under their names, and `manifest.json`, which names each file with its digest. Nothing in
//! it is believed: what comes back is compared with the manifest, and the log is verified by the
//! verifier that shares no code with whoever wrote it.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use guardrail_core::record::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::backup::{self, BackupError};
use crate::clock;
use crate::hash::Hash;
use crate::verify::{Directory, Level, Verification, VerifyError};

/// The version of the manifest.
const VERSION: u32 = 1;
const MANIFEST: &str = "manifest.json";
const LOG: &str = "log";
/// Bytes that a manifest may have.
const LONGEST_MANIFEST: u64 = 64 << 20;
/// Bytes that a file beside the log may have.
const LONGEST_PART: u64 = 64 << 20;
/// Directories below each other in an archive.
const DEEPEST: usize = 8;
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
/// Opening a pipe must not wait for a writer.
const NO_WAIT: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();

/// A file that is kept beside the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name in the archive: `policy/user/shop.toml`. Not below `log`.
    pub name: String,
    /// Where it is.
    pub from: PathBuf,
}

/// What an archive holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this form: 1.
    pub version: u32,
    /// When the archive was made, by the clock of the machine.
    pub made: Timestamp,
    /// The log, as it was at one moment.
    pub log: LogState,
    /// Every other file of the archive, by its name.
    pub files: BTreeMap<String, FileState>,
}

/// A log at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogState {
    /// Its name.
    pub origin: Option<String>,
    /// Its id.
    pub id: Option<Uuid>,
    /// The number of its first line; not 0 where it was pruned.
    pub first: u64,
    /// The number of lines of the whole log, pruned ones included.
    pub size: u64,
    /// The hash of its last line.
    pub head: Option<Hash>,
}

/// A file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileState {
    /// Its bytes.
    pub bytes: u64,
    /// Its SHA-256 digest.
    pub sha256: Hash,
    /// Where it was copied from, for a person; nothing is written there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// An archive that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it holds.
    pub manifest: Manifest,
    /// The digest of its manifest. Who kept it elsewhere can tell this archive from any other.
    pub digest: Hash,
}

/// Why there is no archive, or no good one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// Something is there already.
    #[error("{} is there already and is not empty: nothing is overwritten", .0.display())]
    Exists(PathBuf),
    /// A part cannot be kept.
    #[error("{name:?} cannot be kept: {reason}")]
    Part {
        /// Its name.
        name: String,
        /// Why not.
        reason: String,
    },
    /// The log could not be copied.
    #[error(transparent)]
    Log(#[from] BackupError),
    /// The archive is not what was made: it was torn, changed or mixed with something else.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// It is another archive than the one that was asked for.
    #[error("this is another archive: the digest of its manifest is {found}")]
    Another {
        /// The digest of its manifest.
        found: Hash,
    },
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

/// Copies a log, live or not, and files beside it into a directory that does not exist or is empty.
///
/// The files are copied before the log, so that nothing in them is ahead of it, and each as it was
/// at one moment only if whoever writes it puts it there whole. The archive appears under its name
/// when it is whole, durable and verified. Keys of the log are not copied.
///
/// # Errors
///
/// See [`ArchiveError`]; nothing is left behind.
pub fn create(log: &Path, parts: &[Part], to: &Path) -> Result<Verified, ArchiveError> {
    appear(to, |fresh| {
        let mut sources = BTreeMap::new();
        for part in parts {
            let refused =
                |reason: &str| ArchiveError::Part { name: part.name.clone(), reason: reason.into() };
            let below =
                names(&part.name).ok_or_else(|| refused("its name is no name of a file in an archive"))?;
            if below.first() == Some(&LOG) || part.name == MANIFEST {
                return Err(refused("that name is the archive's own"));
            }
            if sources.insert(part.name.clone(), part.from.display().to_string()).is_some() {
                return Err(refused("there are two of that name"));
            }
            make_directories(fresh, &below)?;
            let metadata = std::fs::metadata(&part.from).map_err(failed(&part.from))?;
            if !metadata.is_file() || metadata.len() > LONGEST_PART {
                return Err(refused("it is no file, or a very large one"));
            }
            let file = OpenOptions::new().read(true).custom_flags(NO_WAIT).open(&part.from);
            let (bytes, _) = copy(file.map_err(failed(&part.from))?, LONGEST_PART, &fresh.join(&part.name))?;
            if bytes > LONGEST_PART {
                return Err(refused("it grew while it was copied"));
            }
        }
        backup::backup(log, &fresh.join(LOG), |_| {})?;
        let mut files = BTreeMap::new();
        for name in walk(fresh)? {
            let (bytes, sha256) = digest(&fresh.join(&name))?;
            let from = sources.get(&name).cloned();
            files.insert(name, FileState { bytes, sha256, from });
        }
        let manifest =
            Manifest { version: VERSION, made: clock::system(), log: log_state(&fresh.join(LOG))?, files };
        let text = serde_json::to_vec_pretty(&manifest)
            .map_err(|error| failed(&fresh.join(MANIFEST))(io::Error::other(error)))?;
        let path = fresh.join(MANIFEST);
        let mut file = new_file(&path)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed(&path))?;
        sync_all(fresh)?;
        verify(fresh, None)
    })
}

/// Reads all of an archive: every file of the manifest is there with its digest, nothing else is,
/// and the log is intact and ends where the manifest says. `digest` is that of the manifest, where
/// it was kept elsewhere.
///
/// # Errors
///
/// [`ArchiveError::Damaged`] with the first thing that is wrong, [`ArchiveError::Another`], and
/// [`ArchiveError::Io`].
pub fn verify(directory: &Path, digest: Option<Hash>) -> Result<Verified, ArchiveError> {
    let verified = read_manifest(directory, digest)?;
    let Manifest { log, files, .. } = &verified.manifest;
    let found = walk(directory)?;
    for (name, state) in files {
        if !found.contains(name) {
            return damaged(format!("{name:?} is missing"));
        }
        if self::digest(&directory.join(name))? != (state.bytes, state.sha256) {
            return damaged(format!("{name:?} was changed"));
        }
    }
    if let Some(name) = found.iter().find(|name| !files.contains_key(*name)) {
        return damaged(format!("{name:?} is in no manifest"));
    }
    if log_state(&directory.join(LOG))? != *log {
        return damaged("its log is not the one that the manifest names".to_owned());
    }
    Ok(verified)
}

/// Copies an archive's log and files into a directory that does not exist or is empty, under their
/// names in the archive, and nowhere else.
///
/// What is copied is compared with the manifest as it is copied, and what has come of it is
/// verified again, before it appears under its name. What was recorded after the archive was made
/// is not in the log that goes on from it: who has later checkpoints will see that.
///
/// # Errors
///
/// See [`ArchiveError`]; nothing is left behind.
pub fn restore(from: &Path, to: &Path, digest: Option<Hash>) -> Result<Verified, ArchiveError> {
    let verified = verify(from, digest)?;
    appear(to, |fresh| {
        for (name, state) in &verified.manifest.files {
            let below = names(name).unwrap_or_default();
            make_directories(fresh, &below)?;
            let (bytes, sha256) = copy(open(&from.join(name))?, state.bytes, &fresh.join(name))?;
            if (bytes, sha256) != (state.bytes, state.sha256) {
                return damaged(format!("{name:?} was changed while it was copied"));
            }
        }
        let log = log_state(&fresh.join(LOG))?;
        if log != verified.manifest.log {
            return damaged("its log is not the one that the manifest names".to_owned());
        }
        sync_all(fresh)
    })?;
    Ok(verified)
}

fn damaged<T>(what: String) -> Result<T, ArchiveError> {
    Err(ArchiveError::Damaged(what))
}

fn read_manifest(directory: &Path, expected: Option<Hash>) -> Result<Verified, ArchiveError> {
    let path = directory.join(MANIFEST);
    let file = match open(&path) {
        Err(ArchiveError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
            return damaged(format!(
                "{} has no {MANIFEST}: it is no archive, or was torn",
                directory.display()
            ));
        }
        file => file?,
    };
    let mut text = Vec::new();
    file.take(LONGEST_MANIFEST).read_to_end(&mut text).map_err(failed(&path))?;
    let digest = Hash::of(&text);
    if expected.is_some_and(|expected| expected != digest) {
        return Err(ArchiveError::Another { found: digest });
    }
    let manifest: Manifest =
        serde_json::from_slice(&text).or_else(|error| damaged(format!("{MANIFEST}: {error}")))?;
    if manifest.version != VERSION {
        return damaged(format!(
            "{MANIFEST}: this version reads version {VERSION}, not {}",
            manifest.version
        ));
    }
    if let Some(name) = manifest.files.keys().find(|name| names(name).is_none()) {
        return damaged(format!("{MANIFEST}: {name:?} is no name of a file in an archive"));
    }
    Ok(Verified { manifest, digest })
}

/// The parts of a file's name; `None` where it could lead out of the archive, or is read in more
/// than one way.
fn names(name: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = name.split('/').collect();
    let good = |part: &&str| {
        !part.is_empty()
            && !matches!(*part, "." | "..")
            && !part.contains('\\')
            && !part.contains(char::is_control)
    };
    (parts.iter().all(good) && parts.len() <= DEEPEST).then_some(parts)
}

fn log_state(log: &Path) -> Result<LogState, ArchiveError> {
    let report =
        Verification::new().level(Level::Full).log(&Directory::new(log)).map_err(|error| match error {
            VerifyError::Io { error, .. } => failed(log)(error),
            error => ArchiveError::Damaged(error.to_string()),
        })?;
    if let Some(finding) = report.findings.first() {
        return damaged(format!("its log: {finding}"));
    }
    if report.tail > 0 {
        return damaged("its log ends in the middle of a line".to_owned());
    }
    Ok(LogState {
        origin: report.origin,
        id: report.log_id,
        first: report.first,
        size: report.size,
        head: report.head,
    })
}

/// The names of all files but the manifest, sorted. Anything that is neither file nor directory is
/// damage: an archive has none.
fn walk(directory: &Path) -> Result<std::collections::BTreeSet<String>, ArchiveError> {
    let mut found = std::collections::BTreeSet::new();
    let mut left = vec![(directory.to_owned(), String::new(), 0)];
    while let Some((path, before, depth)) = left.pop() {
        for entry in std::fs::read_dir(&path).map_err(failed(&path))? {
            let entry = entry.map_err(failed(&path))?;
            let Some(name) = entry.file_name().to_str().map(|name| format!("{before}{name}")) else {
                return damaged(format!("{:?} is no name of a file in an archive", entry.file_name()));
            };
            let kind = entry.file_type().map_err(failed(&path))?;
            if kind.is_dir() && depth + 1 < DEEPEST {
                left.push((entry.path(), format!("{name}/"), depth + 1));
            } else if !kind.is_file() {
                return damaged(format!("{name:?} is neither a file nor a directory that an archive has"));
            } else if name != MANIFEST {
                found.insert(name);
            }
        }
    }
    Ok(found)
}

/// Makes a directory that appears under its name when it is whole.
fn appear<T>(to: &Path, fill: impl FnOnce(&Path) -> Result<T, ArchiveError>) -> Result<T, ArchiveError> {
    match std::fs::symlink_metadata(to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(to)(error)),
        Ok(metadata) => {
            let empty = metadata.is_dir() && std::fs::read_dir(to).map_err(failed(to))?.next().is_none();
            if !empty {
                return Err(ArchiveError::Exists(to.to_owned()));
            }
        }
    }
    let name = to.file_name().ok_or_else(|| ArchiveError::Exists(to.to_owned()))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", Uuid::new_v4()));
    let fresh = to.with_file_name(hidden);
    make_directory(&fresh)?;
    let made = fill(&fresh).and_then(|made| {
        // Fails where something has come to stand there.
        std::fs::rename(&fresh, to).map_err(failed(to))?;
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync(parent.unwrap_or(Path::new(".")))?;
        Ok(made)
    });
    if made.is_err() {
        // What is left of it is hidden, and says by its name what it is.
        let _ = std::fs::remove_dir_all(&fresh);
    }
    made
}

fn make_directories(root: &Path, parts: &[&str]) -> Result<(), ArchiveError> {
    let mut path = root.to_owned();
    for part in parts.split_last().map(|(_, above)| above).unwrap_or_default() {
        path.push(part);
        match make_directory(&path) {
            Err(ArchiveError::Io { error, .. }) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
    }
    Ok(())
}

/// Copies a file, durably, and says what it was. Of more than so many bytes it copies one more.
fn copy(from: File, most: u64, to: &Path) -> Result<(u64, Hash), ArchiveError> {
    let mut out = new_file(to)?;
    let mut hash = Sha256::new();
    let mut from = from.take(most.saturating_add(1));
    let mut buffer = vec![0; 64 << 10];
    let mut bytes = 0_u64;
    loop {
        let read = from.read(&mut buffer).map_err(failed(to))?;
        let piece = buffer.get(..read).unwrap_or_default();
        if piece.is_empty() {
            break;
        }
        hash.update(piece);
        bytes += piece.len() as u64;
        out.write_all(piece).map_err(failed(to))?;
    }
    out.sync_all().map_err(failed(to))?;
    Ok((bytes, Hash(hash.finalize().into())))
}

fn digest(path: &Path) -> Result<(u64, Hash), ArchiveError> {
    let mut hash = Sha256::new();
    let bytes = io::copy(&mut open(path)?, &mut hash).map_err(failed(path))?;
    Ok((bytes, Hash(hash.finalize().into())))
}

/// Opens a file that is one, and no link to one.
fn open(path: &Path) -> Result<File, ArchiveError> {
    let file =
        OpenOptions::new().read(true).custom_flags(NO_FOLLOW | NO_WAIT).open(path).map_err(failed(path))?;
    if !file.metadata().map_err(failed(path))?.is_file() {
        return damaged(format!("{} is no file", path.display()));
    }
    Ok(file)
}

fn new_file(path: &Path) -> Result<File, ArchiveError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed(path))
}

fn make_directory(path: &Path) -> Result<(), ArchiveError> {
    DirBuilder::new().mode(0o700).create(path).map_err(failed(path))
}

/// Makes every directory durable, the lowest first.
fn sync_all(directory: &Path) -> Result<(), ArchiveError> {
    for entry in std::fs::read_dir(directory).map_err(failed(directory))? {
        let entry = entry.map_err(failed(directory))?;
        if entry.file_type().map_err(failed(directory))?.is_dir() {
            sync_all(&entry.path())?;
        }
    }
    sync(directory)
}

fn sync(directory: &Path) -> Result<(), ArchiveError> {
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed(directory))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> ArchiveError {
    let path = path.to_owned();
    move |error| ArchiveError::Io { path: path.clone(), error }
}
