//! The names of simulated files: what processes see, and what a power cut leaves.

use std::collections::BTreeMap;

use super::random::Random;

/// One directory. A name leads to the number of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    seen: BTreeMap<String, usize>,
    kept: BTreeMap<String, usize>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Create(String, usize),
    Rename(String, String, usize),
    Remove(String),
}

impl Names {
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.seen.get(name).copied()
    }

    pub(super) fn list(&self) -> impl Iterator<Item = (&String, usize)> {
        self.seen.iter().map(|(name, &file)| (name, file))
    }

    pub(super) fn create(&mut self, name: &str, file: usize) {
        self.change(Change::Create(name.to_owned(), file));
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if let Some(file) = self.find(from) {
            self.change(Change::Rename(from.to_owned(), to.to_owned(), file));
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.change(Change::Remove(name.to_owned()));
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.pending.push(change);
    }

    /// All names are on the disk.
    pub(super) fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            change.apply(&mut self.kept);
        }
    }

    /// A sync that failed, or lied: each change is on the disk or lost for good.
    pub(super) fn fail_sync(&mut self, random: &mut Random) {
        let pending = std::mem::take(&mut self.pending);
        Self::leave(&pending, &mut self.kept, random);
    }

    /// What a power cut leaves: a journal keeps the first so many changes, other file systems any.
    pub(super) fn after_crash(&self, random: &mut Random) -> Self {
        let mut left = self.kept.clone();
        Self::leave(&self.pending, &mut left, random);
        Self { seen: left.clone(), kept: left, pending: Vec::new() }
    }

    fn leave(pending: &[Change], left: &mut BTreeMap<String, usize>, random: &mut Random) {
        // A file system without a journal may have linked a file anew and not yet removed its old name.
        let linked = |change: &Change, left: &mut BTreeMap<String, usize>| {
            if let Change::Rename(_, to, file) = change {
                left.insert(to.clone(), *file);
            }
        };
        if random.once_in(2) {
            let first = random.below(pending.len() + 1);
            pending.iter().take(first).for_each(|change| change.apply(left));
        } else {
            for change in pending {
                match random.below(5) {
                    0 | 1 => change.apply(left),
                    2 => linked(change, left),
                    _ => {}
                }
            }
        }
    }
}

impl Change {
    /// It is about the file that had the name when it was made, whichever changes came before.
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Create(name, file) => {
                names.insert(name.clone(), *file);
            }
            Self::Rename(from, to, file) => {
                if names.get(from) == Some(file) {
                    names.remove(from);
                }
                names.insert(to.clone(), *file);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}
