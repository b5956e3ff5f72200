//! Handing checkpoints to somebody else, since what nobody else knows can be cut off unseen.
//!
//! Whoever can write the files of a log can remove its end, or put another history in its place if they
//! have the key too. A checkpoint that stands elsewhere shows both:
//! [`Verification::anchors`](crate::verify::Verification::anchors) compares the log with it.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::note::{Note, Verifier};

/// The most bytes of a checkpoint's note.
const MOST: u64 = 1 << 20;
const ENDING: &str = ".checkpoint";

/// A place outside of the log where checkpoints are kept: another disk, a repository, an object
/// store that does not overwrite, a witness.
///
/// An implementation must never replace a checkpoint by another one of the same size.
pub trait Anchor: Send + Sync {
    /// Keeps a checkpoint, as the text of its signed note. It is kept when this returns. Keeping the
    /// same one again does nothing.
    ///
    /// # Errors
    ///
    /// [`AnchorError::Conflict`] where another one of that size is there, and [`AnchorError::Io`].
    fn publish(&self, note: &str) -> Result<(), AnchorError>;

    /// The notes of all checkpoints of a log that are kept, by their size.
    ///
    /// # Errors
    ///
    /// [`AnchorError::Io`], and [`AnchorError::Malformed`] where one is none: nothing is passed over.
    fn notes(&self, origin: &str) -> Result<Vec<String>, AnchorError>;

    /// The checkpoints of a log that are kept, by their size. With keys, each must be signed by one
    /// of them; without, they are believed for the place they are kept at.
    ///
    /// # Errors
    ///
    /// As [`notes`](Self::notes), and [`AnchorError::Malformed`] where no trusted key signed one.
    fn checkpoints(&self, origin: &str, trusted: &[Verifier]) -> Result<Vec<Checkpoint>, AnchorError> {
        let read = |note: &String| match trusted {
            [] => Checkpoint::unverified(note),
            _ => Checkpoint::verify(note, trusted),
        };
        self.notes(origin)?.iter().map(|note| Ok(read(note)?)).collect()
    }
}

/// Why a checkpoint was not kept or not found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorError {
    /// Another checkpoint of the same size is kept: the log has two histories.
    #[error(
        "another checkpoint of {size} records of {origin} is anchored: there are two histories of this log"
    )]
    Conflict {
        /// The log.
        origin: String,
        /// The size.
        size: u64,
    },
    /// What was to be kept, or is kept, is no checkpoint that is trusted.
    #[error("anchored checkpoint: {0}")]
    Malformed(#[from] CheckpointError),
    /// The place cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
}

/// Keeps checkpoints as files in a directory, best on another machine or on a medium that is written
/// once. A file is never replaced.
#[derive(Clone, Debug)]
pub struct FileAnchor {
    path: PathBuf,
}

impl FileAnchor {
    /// The directory at a path, which is made where it is not there.
    ///
    /// # Errors
    ///
    /// [`AnchorError::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AnchorError> {
        let path = path.as_ref().to_owned();
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(|error| AnchorError::Io { path: path.clone(), error })?;
        Ok(Self { path })
    }

    fn name(&self, checkpoint: &Checkpoint) -> PathBuf {
        // An origin may have slashes, and be longer than a name.
        let origin = crate::Hash::of(checkpoint.origin.as_bytes()).to_string();
        let size = checkpoint.size;
        self.path.join(format!("{}-{size:020}{ENDING}", origin.get(..16).unwrap_or_default()))
    }

    fn read(path: &Path) -> Result<String, AnchorError> {
        let mut note = String::new();
        let options = || {
            OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32).open(path)
        };
        options()
            .and_then(|file| file.take(MOST + 1).read_to_string(&mut note))
            .map_err(|error| AnchorError::Io { path: path.to_owned(), error })?;
        Ok(note)
    }
}

impl Anchor for FileAnchor {
    fn publish(&self, note: &str) -> Result<(), AnchorError> {
        let checkpoint = Checkpoint::unverified(note)?;
        let path = self.name(&checkpoint);
        let failed = |error| AnchorError::Io { path: path.clone(), error };
        // Written under another name first: a crash leaves no half of a checkpoint.
        let new = self.path.join(format!(".{}-{}", std::process::id(), uuid_name()?));
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(failed)?;
        let kept = file
            .write_all(note.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::hard_link(&new, &path));
        fs::remove_file(&new).map_err(failed)?;
        match kept {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let there = Self::read(&path)?;
                let text = |note| Note::parse(note).map(|note| note.unverified_text().to_owned());
                if text(&there).map_err(CheckpointError::from)?
                    == text(note).map_err(CheckpointError::from)?
                {
                    return Ok(());
                }
                Err(AnchorError::Conflict { origin: checkpoint.origin, size: checkpoint.size })
            }
            kept => kept.and_then(|()| fs::File::open(&self.path)?.sync_all()).map_err(failed),
        }
    }

    fn notes(&self, origin: &str) -> Result<Vec<String>, AnchorError> {
        let failed = |error| AnchorError::Io { path: self.path.clone(), error };
        let mut notes = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|ending| format!(".{}", ending.display()) == ENDING) {
                let note = Self::read(&path)?;
                let checkpoint = Checkpoint::unverified(&note)?;
                if checkpoint.origin == origin {
                    notes.push((checkpoint.size, note));
                }
            }
        }
        notes.sort();
        Ok(notes.into_iter().map(|(_, note)| note).collect())
    }
}

/// A name that nobody else has.
fn uuid_name() -> Result<String, AnchorError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| {
        let error = io::Error::other("the operating system gave no randomness");
        AnchorError::Io { path: PathBuf::new(), error }
    })?;
    Ok(uuid::Uuid::from_bytes(bytes).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hash;
    use crate::note::NoteSigner;

    #[test]
    fn checkpoints_are_kept_and_never_replaced() {
        let path = std::env::temp_dir().join(format!("guardrail-anchor-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let anchor = FileAnchor::open(&path).unwrap();
        let signer = NoteSigner::generate("example.org/log").unwrap();
        let note = |origin: &str, size, byte| {
            Checkpoint { origin: origin.into(), size, root: Hash([byte; 32]) }.sign(&signer).unwrap()
        };
        for size in [30, 4, 200] {
            anchor.publish(&note("example.org/log", size, 1)).unwrap();
        }
        anchor.publish(&note("example.org/other", 4, 2)).unwrap();
        anchor.publish(&note("example.org/log", 30, 1)).unwrap();
        assert!(matches!(
            anchor.publish(&note("example.org/log", 30, 3)),
            Err(AnchorError::Conflict { size: 30, .. })
        ));
        let trusted = [signer.verifier().clone()];
        let kept = anchor.checkpoints("example.org/log", &trusted).unwrap();
        assert_eq!(kept.iter().map(|kept| kept.size).collect::<Vec<_>>(), [4, 30, 200]);
        assert!(kept.iter().all(|kept| kept.root == Hash([1; 32])));
        let stranger = [NoteSigner::generate("example.org/log").unwrap().verifier().clone()];
        assert!(matches!(
            anchor.checkpoints("example.org/log", &stranger),
            Err(AnchorError::Malformed(CheckpointError::Note(_)))
        ));
        assert!(matches!(anchor.publish("no note"), Err(AnchorError::Malformed(_))));
        // No half of a file is left, and a broken one is not passed over.
        assert_eq!(fs::read_dir(&path).unwrap().count(), 4);
        fs::write(path.join(format!("x{ENDING}")), "broken").unwrap();
        assert!(matches!(anchor.notes("example.org/log"), Err(AnchorError::Malformed(_))));
        fs::remove_dir_all(path).unwrap();
    }
}
