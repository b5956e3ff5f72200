//! Files that a command takes for a description of what to do: read once, so that what is judged has
//! the digest that is pinned.

use std::path::{Path, PathBuf};

use guardrail_core::plan::{FileRole, PinnedFile};
use guardrail_core::{Evaluation, NamedDocument};

use crate::look::content;

/// Files that are read for one command.
const MOST_FILES: usize = 256;
/// Entries of directories that are looked at for one command.
const MOST_ENTRIES: usize = 1 << 14;
/// Directories inside directories.
const MOST_DEPTH: u32 = 16;
/// Bytes that are kept of a file: more than one evaluation reads, so that a larger one is judged as too
/// large.
const MOST_BYTES: usize = (1 << 20) + 1;

/// The documents of a command, as they were found.
#[derive(Debug, Default)]
pub struct Documents {
    /// Those that could be read: the pin, and the content.
    pub read: Vec<(PinnedFile, Vec<u8>)>,
    /// Those that are there and could not be read, each with the reason in a few words.
    pub unread: Vec<(String, String)>,
}

/// Reads the documents that an evaluation names and was not given. What is not there is left out: the
/// command will not find it either, and if it appears later that is drift.
pub(super) fn read(cwd: &Path, evaluation: &Evaluation) -> Documents {
    let mut finder = Finder { cwd, found: Documents::default(), entries: 0 };
    for named in evaluation.documents.iter().filter(|named| !named.attached) {
        let path = cwd.join(named.path.as_str());
        match path.metadata() {
            Ok(found) if found.is_dir() => {
                let root = named.path.trim_end_matches('/');
                if let Err(reason) = finder.directory(named, root, 0) {
                    // Whatever it is that could not be read, the command was to read all of this.
                    finder.unread(named.path.as_str(), reason);
                }
            }
            Ok(_) => finder.file(named.path.as_str()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => finder.unread(named.path.as_str(), error.to_string()),
        }
    }
    finder.found
}

struct Finder<'f> {
    cwd: &'f Path,
    found: Documents,
    entries: usize,
}

impl Finder<'_> {
    fn unread(&mut self, name: &str, reason: String) {
        let entry = (name.to_owned(), reason);
        if !self.found.unread.contains(&entry) {
            self.found.unread.push(entry);
        }
    }

    /// Reads the files of a directory that the command named, or of one below it. All that can be read is read,
    /// also where something else cannot be.
    fn directory(&mut self, named: &NamedDocument, name: &str, depth: u32) -> Result<(), String> {
        let path: PathBuf = self.cwd.join(if name.is_empty() { "/" } else { name });
        let entries = path.read_dir().map_err(|error| format!("`{name}`: {error}"))?;
        let mut names = Vec::new();
        let mut whole = Ok(());
        for entry in entries {
            self.entries += 1;
            if self.entries > MOST_ENTRIES || depth > MOST_DEPTH {
                whole = Err(format!("`{name}` holds more than is looked at"));
                break;
            }
            let entry = entry.map_err(|error| format!("`{name}`: {error}"))?;
            match entry.file_name().into_string() {
                Ok(leaf) => names.push((leaf, entry.path().is_dir())),
                Err(_) => whole = Err(format!("a name in `{name}` is no UTF-8")),
            }
        }
        names.sort_unstable();
        for (leaf, is_directory) in names {
            let inner = format!("{name}/{leaf}");
            if is_directory && named.deep {
                whole = whole.and(self.directory(named, &inner, depth + 1));
            } else if !is_directory && named.reads(&leaf) {
                self.file(&inner);
            }
        }
        whole
    }

    fn file(&mut self, name: &str) {
        if self.found.read.iter().any(|(pin, _)| pin.name == name) {
            return;
        }
        if self.found.read.len() >= MOST_FILES {
            return self.unread(name, "there are more documents than are looked at".to_owned());
        }
        match content::read(&self.cwd.join(name), MOST_BYTES) {
            Ok((path, digest, content)) => {
                let pin = PinnedFile { role: FileRole::Document, name: name.to_owned(), path, digest };
                self.found.read.push((pin, content));
            }
            Err(reason) => self.unread(name, reason),
        }
    }
}
