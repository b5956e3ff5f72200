//! Retention: removing old segments, so that what stays can still be proved.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use guardrail_core::record::{Condition, Kind};
use serde_json::json;

use crate::chain::Note;
use crate::checkpoint::Checkpoint;
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
    let details = json!({
        "segment": segment, "sequence": sequence, "head": last,
        "root": frontier.root(), "frontier": frontier.hashes(),
    });
    let body = json!({ "details": details }).to_string();
    let body = format!("{{\"kind\":\"{}\",{}", Kind::Pruned, body.strip_prefix('{').unwrap_or_default());
    let body =
        Body { json: body.into_bytes().into(), note: Note { pruned: Some(sequence), ..Note::default() } };
    store.append(&[body], &Condition::Always, Durability::PerRecord)?;

    let removed: Vec<u32> = starts.iter().take(kept).map(|(segment, ..)| *segment).collect();
    for segment in &removed {
        keep_checkpoints(&source, directory, *segment)?;
    }
    for segment in &removed {
        let path = directory.join(format!("{segment:08}.jsonl"));
        fs::remove_file(&path).map_err(|error| PruneError::Io { path, error })?;
    }
    sync_directory(directory)?;
    Ok(Some(Pruned { removed, first: sequence }))
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
