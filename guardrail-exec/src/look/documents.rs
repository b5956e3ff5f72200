//! Files that a command takes for a description of what to do: read once, so that what is judged has
//! the digest that is pinned.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Result as IoResult};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use guardrail_core::plan::{Digest, FileRole, PinnedFile};
use guardrail_core::{Evaluation, NamedDocument};
use sha2::{Digest as _, Sha256};

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
            Ok(found) if found.is_dir() => finder.directory(named, named.path.trim_end_matches('/'), 0),
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

    fn directory(&mut self, named: &NamedDocument, name: &str, depth: u32) {
        let path: PathBuf = self.cwd.join(if name.is_empty() { "/" } else { name });
        let entries = match path.read_dir() {
            Ok(entries) => entries,
            Err(error) => return self.unread(name, error.to_string()),
        };
        let mut names = Vec::new();
        for entry in entries {
            self.entries += 1;
            if self.entries > MOST_ENTRIES || depth > MOST_DEPTH {
                return self.unread(name, "it holds more than is looked at".to_owned());
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.unread(name, error.to_string()),
            };
            match entry.file_name().into_string() {
                Ok(leaf) => names.push((leaf, entry.path().is_dir())),
                Err(_) => return self.unread(name, "a name in it is no UTF-8".to_owned()),
            }
        }
        names.sort_unstable();
        for (leaf, is_directory) in names {
            let inner = format!("{name}/{leaf}");
            if is_directory && named.deep {
                self.directory(named, &inner, depth + 1);
            } else if !is_directory && named.reads(&leaf) {
                self.file(&inner);
            }
        }
    }

    fn file(&mut self, name: &str) {
        if self.found.read.iter().any(|(pin, _)| pin.name == name) {
            return;
        }
        if self.found.read.len() >= MOST_FILES {
            return self.unread(name, "there are more documents than are looked at".to_owned());
        }
        match content(&self.cwd.join(name)) {
            Ok((path, digest, content)) => {
                let pin = PinnedFile { role: FileRole::Document, name: name.to_owned(), path, digest };
                self.found.read.push((pin, content));
            }
            Err(reason) => self.unread(name, reason),
        }
    }
}

/// A file's path without symbolic links, the digest of all of it, and its first bytes.
fn content(path: &Path) -> Result<(String, Digest, Vec<u8>), String> {
    let path = path.canonicalize().map_err(|error| error.to_string())?;
    // Whatever it has become meanwhile: opening must not wait for somebody to write.
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(&path);
    let file = file.map_err(|error| error.to_string())?;
    if !file.metadata().map_err(|error| error.to_string())?.is_file() {
        return Err("it is no file".to_owned());
    }
    let (digest, content) = digest(file).map_err(|error| error.to_string())?;
    let path = path.into_os_string().into_string().map_err(|_| "its path is no UTF-8".to_owned())?;
    Ok((path, digest, content))
}

fn digest(mut file: File) -> IoResult<(Digest, Vec<u8>)> {
    let mut hash = Sha256::new();
    let mut content = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match file.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok((Digest::from_bytes(hash.finalize().into()), content));
        }
        hash.update(bytes);
        let room = MOST_BYTES.saturating_sub(content.len());
        content.extend(bytes.iter().take(room));
    }
}
