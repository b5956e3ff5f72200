//! The tree beside the log: the hashes of all lines, and the roots of each 256 and each 65,536.
//!
//! With them, a proof needs a few hundred hashes, whatever the size of the log. Nothing in these
//! files is believed: a proof is checked against a root from elsewhere before it is given out.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{Nodes, NotStored, ProofError, perfect, verify_consistency, verify_inclusion};
use crate::hash::Hash;

const HASH: u64 = 32;
/// How many levels one file stands above the one before.
const STEP: u32 = 8;
const NAMES: [&str; 3] = ["00", "08", "16"];

/// The files of a tree.
#[derive(Debug)]
pub struct TreeFiles {
    path: PathBuf,
    files: [File; 3],
}

/// Why the tree beside a log did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// A file could not be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The directory of the tree.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
    /// The tree does not reach so far.
    #[error("{0}: bring the tree up to the log first")]
    NotStored(#[from] NotStored),
    /// What it holds does not lead to the root.
    #[error("the stored tree is not that of the log, and has to be made anew: {0}")]
    Wrong(#[from] ProofError),
}

impl TreeFiles {
    /// Opens the tree in a directory, or begins one. What a crash left incomplete is completed.
    ///
    /// # Errors
    ///
    /// [`TreeError::Io`].
    pub fn open(path: &Path) -> Result<Self, TreeError> {
        let failed = |error| TreeError::Io { path: path.to_owned(), error };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let open = |name: &str| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
            let file = path.join(name);
            options.open(&file).map_err(|error| failed(owned_by_others(&file, error)))
        };
        let [leaves, lower, upper] = NAMES;
        let tree = Self { path: path.to_owned(), files: [open(leaves)?, open(lower)?, open(upper)?] };
        tree.complete()?;
        Ok(tree)
    }

    /// How many leaves it holds.
    ///
    /// # Errors
    ///
    /// [`TreeError::Io`].
    pub fn size(&self) -> Result<u64, TreeError> {
        let [leaves, ..] = &self.files;
        self.count(leaves)
    }

    /// Appends the hashes of further lines.
    ///
    /// # Errors
    ///
    /// [`TreeError::Io`]. Opening the tree again puts it right.
    pub fn extend(&mut self, leaves: &[Hash]) -> Result<(), TreeError> {
        let [file, ..] = &self.files;
        self.write(file, self.count(file)?, leaves)?;
        self.complete()
    }

    /// Keeps only so many leaves, where there are more.
    ///
    /// # Errors
    ///
    /// [`TreeError::Io`].
    pub fn cut(&mut self, size: u64) -> Result<(), TreeError> {
        let [file, ..] = &self.files;
        if self.count(file)? > size {
            file.set_len(size * HASH).map_err(|error| self.failed(error))?;
        }
        self.complete()
    }

    /// The hash of a leaf.
    ///
    /// # Errors
    ///
    /// [`TreeError::NotStored`] and [`TreeError::Io`].
    pub fn leaf(&self, index: u64) -> Result<Hash, TreeError> {
        self.node(0, index)
    }

    /// The proof that a leaf is in the tree of a size, checked against its root.
    ///
    /// # Errors
    ///
    /// [`TreeError::Wrong`] where the stored hashes do not lead to the root.
    pub fn inclusion(&self, leaf: u64, size: u64, root: &Hash) -> Result<Vec<Hash>, TreeError> {
        let proof = super::inclusion(self, leaf, size)?;
        verify_inclusion(self.leaf(leaf)?, leaf, size, &proof, root)?;
        Ok(proof)
    }

    /// The proof that one tree is the beginning of another, checked against both roots.
    ///
    /// # Errors
    ///
    /// [`TreeError::Wrong`] where the stored hashes do not lead to the roots.
    pub fn consistency(&self, old: (u64, &Hash), new: (u64, &Hash)) -> Result<Vec<Hash>, TreeError> {
        let proof = super::consistency(self, old.0, new.0)?;
        verify_consistency(old.0, old.1, new.0, new.1, &proof)?;
        Ok(proof)
    }

    /// Makes the upper files what the lower ones give.
    fn complete(&self) -> Result<(), TreeError> {
        let mut below = None;
        for file in &self.files {
            if let Some(below) = below {
                let wanted = self.count(below)? >> STEP;
                let mut there = self.count(file)?;
                if there > wanted {
                    file.set_len(wanted * HASH).map_err(|error| self.failed(error))?;
                    there = wanted;
                }
                let mut roots = Vec::new();
                for index in there..wanted {
                    roots.push(perfect(&mut self.read(below, index << STEP, 1 << STEP)?));
                }
                self.write(file, there, &roots)?;
            }
            below = Some(file);
        }
        Ok(())
    }

    fn failed(&self, error: io::Error) -> TreeError {
        TreeError::Io { path: self.path.clone(), error }
    }

    fn count(&self, file: &File) -> Result<u64, TreeError> {
        Ok(file.metadata().map_err(|error| self.failed(error))?.len() / HASH)
    }

    fn write(&self, file: &File, at: u64, hashes: &[Hash]) -> Result<(), TreeError> {
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
        file.write_all_at(&bytes, at * HASH).map_err(|error| self.failed(error))
    }

    fn read(&self, file: &File, at: u64, count: usize) -> Result<Vec<Hash>, TreeError> {
        let mut bytes = vec![0; count * HASH as usize];
        file.read_exact_at(&mut bytes, at * HASH).map_err(|error| self.failed(error))?;
        Ok(bytes.as_chunks().0.iter().map(|bytes| Hash(*bytes)).collect())
    }
}

/// Says so where a file belongs to another user: a proof that root asked for leaves files that the log's own
/// user cannot write.
fn owned_by_others(file: &Path, error: io::Error) -> io::Error {
    let owner = fs::symlink_metadata(file).map(|metadata| metadata.uid());
    match owner {
        Ok(owner) if error.kind() == io::ErrorKind::PermissionDenied => {
            let (user, name) = (rustix::process::geteuid().as_raw(), file.display());
            let why = if owner == user {
                format!("{name} may not be written ({error})")
            } else {
                format!(
                    "{name} belongs to user {owner}, and this is user {user}: give it to the log's user (chown), or run this as that user"
                )
            };
            io::Error::new(io::ErrorKind::PermissionDenied, why)
        }
        _ => error,
    }
}

impl Nodes for TreeFiles {
    type Error = TreeError;

    fn node(&self, level: u32, index: u64) -> Result<Hash, TreeError> {
        let missing = || NotStored { leaf: index.checked_shl(level).unwrap_or(u64::MAX) };
        // The highest file that is not above the level.
        let (base, file) = match (level / STEP, &self.files) {
            (0, [leaves, ..]) => (0, leaves),
            (1, [_, lower, _]) => (STEP, lower),
            (_, [.., upper]) => (2 * STEP, upper),
        };
        let count = 1_u64.checked_shl(level - base).ok_or_else(missing)?;
        let begin = index.checked_mul(count).ok_or_else(missing)?;
        if begin.checked_add(count).is_none_or(|end| self.count(file).is_ok_and(|there| there < end)) {
            return Err(missing().into());
        }
        let count = usize::try_from(count).map_err(|_| missing())?;
        Ok(perfect(&mut self.read(file, begin, count)?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::{mth, path, some_leaves, subproof};
    use super::super::{Frontier, root};
    use super::*;

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("guardrail-tree-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn proofs_come_from_the_files() {
        let path_of = directory("proofs");
        let leaves = some_leaves(66_000);
        let mut tree = TreeFiles::open(&path_of).unwrap();
        for part in leaves.chunks(7_001) {
            tree.extend(part).unwrap();
        }
        assert_eq!(tree.size().unwrap(), 66_000);
        for size in [1, 255, 256, 257, 65_536, 66_000] {
            let head = mth(&leaves[..size]);
            assert_eq!(root(&tree, size as u64).unwrap(), head, "{size}");
            for leaf in [0, 255, 256, 65_999] {
                if leaf < size {
                    let proof = tree.inclusion(leaf as u64, size as u64, &head).unwrap();
                    assert_eq!(proof, path(leaf, &leaves[..size]));
                }
            }
            for old in [1, 254, 65_536] {
                if old <= size {
                    let before = mth(&leaves[..old]);
                    let proof = tree.consistency((old as u64, &before), (size as u64, &head)).unwrap();
                    assert_eq!(proof, subproof(old, &leaves[..size], true));
                }
            }
        }
        assert!(matches!(
            tree.inclusion(66_000, 66_001, &Hash([0; 32])),
            Err(TreeError::NotStored(NotStored { leaf: 66_000 }))
        ));
        fs::remove_dir_all(path_of).unwrap();
    }

    #[test]
    fn files_of_another_user_are_named_with_what_to_do() {
        let path = directory("owner");
        drop(TreeFiles::open(&path).unwrap());
        let file = path.join("00");
        let refused = |kind: io::ErrorKind| owned_by_others(&file, kind.into()).to_string();
        assert!(refused(io::ErrorKind::PermissionDenied).contains("may not be written"));
        assert!(!refused(io::ErrorKind::NotFound).contains("user"));
        if std::os::unix::fs::chown(&file, Some(4_711), None).is_err() {
            println!("SKIPPED: only root can give a file to another user");
            return;
        }
        let why = refused(io::ErrorKind::PermissionDenied);
        assert!(why.contains("belongs to user 4711") && why.contains("chown"), "{why}");
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn what_was_changed_is_not_proved() {
        let path = directory("changed");
        let leaves = some_leaves(600);
        let mut tree = TreeFiles::open(&path).unwrap();
        tree.extend(&leaves).unwrap();
        let head = mth(&leaves);
        tree.inclusion(3, 600, &head).unwrap();
        for name in ["00", "08"] {
            let file = OpenOptions::new().read(true).write(true).open(path.join(name)).unwrap();
            let mut byte = [0];
            file.read_exact_at(&mut byte, 40).unwrap();
            file.write_all_at(&[byte[0] ^ 1], 40).unwrap();
            // Leaf 1 and the second 256 leaves are needed for the proof of leaf 3.
            assert!(matches!(tree.inclusion(3, 600, &head), Err(TreeError::Wrong(_))));
            file.write_all_at(&byte, 40).unwrap();
        }
        tree.inclusion(3, 600, &head).unwrap();
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_crash_between_the_files_is_put_right() {
        let path = directory("crash");
        let leaves = some_leaves(2_000);
        TreeFiles::open(&path).unwrap().extend(&leaves).unwrap();
        for (name, bytes) in [("00", 1_000 * 32 + 7), ("08", 33), ("08", 0), ("16", 32)] {
            OpenOptions::new().write(true).open(path.join(name)).unwrap().set_len(bytes).unwrap();
            let mut tree = TreeFiles::open(&path).unwrap();
            let size = tree.size().unwrap() as usize;
            tree.extend(&leaves[size..]).unwrap();
            let mut frontier = Frontier::default();
            leaves.iter().for_each(|leaf| frontier.push(*leaf));
            assert_eq!(root(&tree, 2_000).unwrap(), frontier.root());
            tree.inclusion(700, 2_000, &frontier.root()).unwrap();
        }
        let mut tree = TreeFiles::open(&path).unwrap();
        tree.cut(300).unwrap();
        assert_eq!(root(&tree, 300).unwrap(), mth(&leaves[..300]));
        assert_eq!(tree.size().unwrap(), 300);
        fs::remove_dir_all(path).unwrap();
    }
}
