//! Retention: removing old segments, so that what stays can still be proved.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use guardrail_core::record::{Condition, Kind, Record};
use serde_json::json;

use crate::chain::Note;
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::line;
use crate::merkle::{BadFrontier, Frontier, Nodes as _, TreeError, TreeFiles};
use crate::note::Verifier;
use crate::read::export::{TreeFailure, fill};
use crate::store::{Body, Durability, Store, StoreError};
use crate::verify::{Directory, Finding, Source as _, Verification, VerifyError, first_line, segment_lines};

/// What was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// The segments that are gone now.
    pub removed: Vec<u32>,
    /// The first line that stays.
    pub first: u64,
}

/// Why nothing, or not everything, was removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// The log could not be read, or the record that says what is removed could not be appended.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log could not be verified.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The log is damaged. Nothing is removed from it.
    #[error("nothing is removed from a log that is damaged: {0}")]
    Damaged(Box<Finding>),
    /// The tree beside the log cannot be used.
    #[error("the tree beside the log: {0}")]
    Tree(#[from] TreeError),
    /// The hashes of lines that were removed earlier are not there, or not those of the log.
    #[error("the tree beside the log has not the hashes of the first {0} lines, which are gone: restore it")]
    NoTree(u64),
    /// A file could not be written or removed.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
}

impl From<TreeFailure> for PruneError {
    fn from(failure: TreeFailure) -> Self {
        match failure {
            TreeFailure::Store(error) => error.into(),
            TreeFailure::Tree(error) => error.into(),
        }
    }
}

impl From<BadFrontier> for PruneError {
    fn from(bad: BadFrontier) -> Self {
        Self::NoTree(bad.size)
    }
}

/// Removes the segments whose lines are all before a number, as far as no record of an open plan and no
/// intent without an outcome is in them. `None` where there is none.
///
/// `store` is the open log of `directory`. The whole log is verified first; with keys, by its
/// signatures too. What is removed is said in a record that is durable before. The checkpoints and the
/// hashes of removed lines stay, so that later lines can still be proved, and that the log only grew.
///
/// # Errors
///
/// [`PruneError`]. After an error while files are removed, calling it again goes on.
pub fn prune(
    store: &dyn Store,
    directory: &Path,
    before: u64,
    trusted: &[Verifier],
) -> Result<Option<Pruned>, PruneError> {
    let head = store.head()?;
    let before = head.chain.first_needed().map_or(before, |needed| needed.min(before));

    let source = Directory::new(directory);
    let unread = |error| PruneError::Io { path: directory.to_owned(), error };
    let mut starts = Vec::new();
    for (segment, _) in source.segments().map_err(unread)? {
        let first = first_line(&source, segment).map_err(unread)?;
        if let Some(prefix) = first.as_deref().and_then(line::read) {
            starts.push((segment, prefix.sequence, prefix.prev));
        }
    }
    let kept = starts.iter().rposition(|(_, sequence, _)| *sequence <= before).unwrap_or_default();
    let Some(&(segment, sequence, last)) = starts.get(kept).filter(|_| kept > 0) else { return Ok(None) };
    let gone = starts.first().map_or(0, |(_, first, _)| *first);

    let frontier = checked_frontier(store, directory, &head.origin, (gone, sequence), trusted)?;
    store.append(&[said(segment, last, &frontier)], &Condition::Always, Durability::PerRecord)?;
    // A plan that was closed may have been opened again meanwhile, to be undone. What was said to be gone may
    // be there.
    if store.head()?.chain.first_needed().is_some_and(|needed| needed < sequence) {
        return Ok(None);
    }

    let removed: Vec<u32> = starts.iter().take(kept).map(|(segment, ..)| *segment).collect();
    for segment in &removed {
        keep_checkpoints(&source, directory, *segment)?;
    }
    remove(
        &removed,
        |segment| {
            let path = directory.join(format!("{segment:08}.jsonl"));
            fs::remove_file(&path).map_err(|error| PruneError::Io { path, error })
        },
        || sync_directory(directory),
    )?;
    Ok(Some(Pruned { removed, first: sequence }))
}

/// What is recorded before lines go: the first segment that stays, the hash of the last line that goes, and the
/// frontier of all that do.
fn said(segment: u32, head: Hash, frontier: &Frontier) -> Body<'static> {
    let mut record = Record::new(Kind::Pruned);
    record.details = Some(json!({
        "segment": segment, "sequence": frontier.size(), "head": head,
        "root": frontier.root(), "frontier": frontier.hashes(),
    }));
    let note = Note::of(&record);
    Body { json: serde_json::to_vec(&record).unwrap_or_default().into(), note }
}

/// Removes segments, the lowest first: each is certainly gone before the next one goes, since a file
/// system need not keep to the order, and a log with a gap does not open.
fn remove<E>(
    segments: &[u32],
    mut remove: impl FnMut(u32) -> Result<(), E>,
    mut sync: impl FnMut() -> Result<(), E>,
) -> Result<(), E> {
    segments.iter().try_for_each(|segment| remove(*segment).and_then(|()| sync()))
}

/// The frontier of the lines that will be gone, by the tree beside the log, which is brought up to there.
/// The whole log is verified, and that this frontier leads to its root.
fn checked_frontier(
    store: &dyn Store,
    directory: &Path,
    origin: &str,
    (gone, size): (u64, u64),
    trusted: &[Verifier],
) -> Result<Frontier, PruneError> {
    let mut tree = TreeFiles::open(&directory.join("tree"))?;
    let verification = Verification::new().trust(trusted.iter().cloned());
    for again in [false, true] {
        if again {
            // Hashes of lines that are still there are made anew.
            tree.cut(gone)?;
        }
        fill(store, &mut tree, size)?;
        if tree.size()? < size {
            return Err(PruneError::NoTree(gone));
        }
        let mut hashes = Vec::new();
        let mut begin = 0;
        for level in (0..64).rev().filter(|level| size & 1 << level != 0) {
            hashes.push(tree.node(level, begin >> level)?);
            begin += 1 << level;
        }
        let frontier = Frontier::from_hashes(size, hashes)?;
        let expected = Checkpoint { origin: origin.to_owned(), size, root: frontier.root() };
        let report = verification.clone().anchors([expected]).log(&Directory::new(directory))?;
        match report.findings.into_iter().next() {
            None if report.anchored == size => return Ok(frontier),
            Some(finding) if again => return Err(PruneError::Damaged(Box::new(finding))),
            _ => {}
        }
    }
    Err(PruneError::NoTree(gone))
}

/// Copies the checkpoint lines of a segment to where they stay.
fn keep_checkpoints(source: &Directory, directory: &Path, segment: u32) -> Result<(), PruneError> {
    let kept = directory.join("checkpoints");
    let path = kept.join(format!("{segment:08}.jsonl"));
    let new = kept.join(format!("{segment:08}.jsonl.new"));
    let write = || -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&kept)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        let mut written = Ok(());
        segment_lines(source, segment, &mut |line| {
            if line::read(line).is_some_and(|prefix| prefix.kind == "checkpoint") && written.is_ok() {
                written = file.write_all(line).and_then(|()| file.write_all(b"\n"));
            }
        })?;
        written?;
        file.sync_all()?;
        fs::rename(&new, &path)
    };
    write().map_err(|error| PruneError::Io { path: path.clone(), error })?;
    sync_directory(&kept)
}

fn sync_directory(path: &Path) -> Result<(), PruneError> {
    let synced = File::open(path).and_then(|directory| directory.sync_all());
    synced.map_err(|error| PruneError::Io { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use guardrail_core::record::Timestamp;

    use super::*;
    use crate::FileStore;
    use crate::storage::Storage as _;
    use crate::storage::simulated::{Disk, Fault};

    fn name(segment: u32) -> String {
        format!("{segment:08}.jsonl")
    }

    fn open(disk: &Disk) -> Result<FileStore, StoreError> {
        let options =
            FileStore::options("example.org/pruned").segment_bytes(4_096).checkpoint_every(5, 1 << 20);
        let options = options.log_id(uuid::Uuid::from_u128(7)).clock(|| Timestamp::UNIX_EPOCH);
        options.open_on(Arc::new(disk.process()))
    }

    /// Prunes a log on a simulated disk, as far as that goes. Gives the number of calls by then, and the
    /// lines that stay.
    fn pruned(disk: &Disk) -> Result<(u64, Vec<Vec<u8>>), StoreError> {
        let store = open(disk)?;
        let put = |record: &Record| {
            let json = serde_json::to_vec(record).unwrap_or_default();
            let body = Body { json: json.into(), note: Note::of(record) };
            store.append(&[body], &Condition::Always, Durability::Group)
        };
        let mut record = Record::new(Kind::Note);
        record.reason = Some("x".repeat(300));
        for _ in 0..60 {
            put(&record)?;
        }
        record.plan_id = Some("open".to_owned());
        put(&record)?;
        let lines: Vec<Vec<u8>> = store.lines(0)?.collect::<Result<_, _>>()?;
        let is_header = |line: &&Vec<u8>| line::read(line).is_some_and(|line| line.kind == "segment");
        let stays = lines.iter().filter(is_header).nth(3).and_then(|line| line::read(line));
        let stays = stays.expect("five segments");
        let mut frontier = Frontier::default();
        lines.iter().take(stays.sequence as usize).for_each(|line| frontier.push(Hash::of_line(line)));
        store.append(&[said(5, stays.prev, &frontier)], &Condition::Always, Durability::PerRecord)?;
        let process = disk.process();
        remove(&[1, 2, 3, 4], |segment| process.remove(&name(segment)), || process.sync_names())
            .map_err(StoreError::NotWritten)?;
        Ok((disk.calls(), store.lines(stays.sequence)?.collect::<Result<_, _>>()?))
    }

    #[test]
    fn a_log_that_is_cut_from_power_while_it_is_pruned_opens() {
        let disk = Disk::new(1);
        let (calls, whole) = pruned(&disk).unwrap();
        let mut gone = std::collections::BTreeSet::new();
        for back in 0..24 {
            for (seed, fault) in [(1, Fault::Power), (2, Fault::PowerAfter), (3, Fault::Kill), (4, Fault::Io)]
            {
                let disk = Disk::new(seed);
                disk.fail(calls.saturating_sub(back), fault);
                let _ = pruned(&disk);
                for _ in 0..2 {
                    let left = disk.crash();
                    let there: Vec<bool> =
                        (1..=5).map(|segment| left.contents(&name(segment)).is_some()).collect();
                    assert!(there.is_sorted(), "a gap at {fault:?}, {back} before the end: {there:?}");
                    gone.insert(there.iter().filter(|there| !**there).count());
                    for with_snapshots in [true, false] {
                        for index in left.names().iter().filter(|name| name.ends_with(".index")) {
                            if !with_snapshots {
                                left.delete(index);
                            }
                        }
                        let store = open(&left).unwrap_or_else(|error| panic!("{fault:?}, {back}: {error}"));
                        let first = line::read(&whole[0]).unwrap().sequence;
                        let lines = store.lines(first).unwrap().map(Result::unwrap);
                        assert!(lines.zip(&whole).take(5).all(|(line, before)| line == *before));
                        assert_eq!(store.head().unwrap().chain.plans.len(), 1);
                    }
                }
            }
        }
        assert_eq!(gone.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4], "every state was met");
    }
}
