//! Writing the documents, and never where OpenClaw keeps its state.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::openclaw::data::{self, Data};
use crate::openclaw::notice::{APPROVALS, FRAGMENT, NOTICE};
use crate::openclaw::word::matches;
use crate::openclaw::{Documents, OpenClawError};

/// Where OpenClaw keeps its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFolders {
    /// Folders that are named, whether they exist or not.
    named: Vec<PathBuf>,
    /// Where the usual folders lie.
    homes: Vec<PathBuf>,
}

impl StateFolders {
    /// Those of this process's environment: `$OPENCLAW_STATE_DIR`, and the usual folders in the home
    /// directory.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self::new(|name| std::env::var_os(name))
    }

    /// Those of an environment, whose variables `variable` looks up.
    pub fn new(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let state = Data::builtin().map(|data| data.state).unwrap_or_default();
        let values = |names: &[String]| -> Vec<PathBuf> {
            names.iter().filter_map(|name| variable(name)).map(PathBuf::from).collect()
        };
        let mut homes = values(&state.homes);
        homes.retain(|home| home.is_absolute());
        let mut named = Vec::new();
        for value in values(&state.variables).into_iter().filter(|value| !value.as_os_str().is_empty()) {
            match value.strip_prefix("~") {
                Ok(rest) => named.extend(homes.iter().map(|home| home.join(rest))),
                Err(_) => named.push(value),
            }
        }
        Self { named, homes }
    }

    /// The state directory that a place lies in, or is.
    fn holding(&self, state: &data::State, place: &Path) -> Option<PathBuf> {
        for named in &self.named {
            if place.starts_with(real_or(named)) || same_folder(named, place) {
                return Some(named.clone());
            }
        }
        let usual = |name: &str| state.folders.iter().any(|glob| matches(glob, name, true));
        for folder in place.ancestors() {
            if state.files.iter().any(|file| fs::symlink_metadata(folder.join(file)).is_ok()) {
                return Some(folder.to_owned());
            }
            let name = folder.file_name().is_some_and(|name| usual(&name.to_string_lossy()));
            let at_home = |parent: &Path| {
                self.homes.iter().any(|home| parent == real_or(home) || is_same(parent, home))
            };
            if name && folder.parent().is_some_and(at_home) {
                return Some(folder.to_owned());
            }
        }
        // What the usual names lead to.
        let entries = self.homes.iter().filter_map(|home| fs::read_dir(home).ok()).flatten();
        let folders =
            entries.filter_map(Result::ok).filter(|entry| usual(&entry.file_name().to_string_lossy()));
        folders.map(|entry| entry.path()).find(|folder| same_folder(folder, place))
    }
}

/// Writes the documents into a directory, which is made where there is none: files that only their
/// owner reads, and none that is there is changed. Returns what was written.
///
/// # Errors
///
/// [`OpenClawError::State`] for a place in OpenClaw's state directory, through links too;
/// [`OpenClawError::Io`] where something cannot be written, or is there.
pub fn write(
    documents: &Documents,
    out: &Path,
    states: &StateFolders,
) -> Result<Vec<PathBuf>, OpenClawError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source: std::io::Error| OpenClawError::Io { path, source }
    };
    let state = Data::builtin()?.state;
    let refuse = |place: &Path| match states.holding(&state, place) {
        Some(state) => Err(OpenClawError::State { out: out.to_owned(), state }),
        None => Ok(()),
    };
    let absolute = std::path::absolute(out).map_err(io(out))?;
    let place = real(&absolute).map_err(io(out))?;
    refuse(&place)?;
    fs::create_dir_all(&place).map_err(io(&place))?;
    // What was looked at is what is written to.
    let folder =
        rustix::fs::open(&place, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
            .map_err(|error| io(&place)(error.into()))?;
    refuse(&fs::canonicalize(&place).map_err(io(&place))?)?;
    let texts =
        [(FRAGMENT, &documents.fragment), (APPROVALS, &documents.approvals), (NOTICE, &documents.notice)];
    let mut written = Vec::new();
    for (name, text) in texts {
        let path = place.join(name);
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|error| io(&path)(error.into()))?;
        let mut file = File::from(file);
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io(&path))?;
        written.push(path);
    }
    Ok(written)
}

/// A path with the links of what exists followed. Fails for a link that leads nowhere, and for `..`
/// behind what is not there.
fn real(path: &Path) -> std::io::Result<PathBuf> {
    let mut rest: Vec<OsString> = Vec::new();
    let mut at = path;
    loop {
        let error = match fs::canonicalize(at) {
            Ok(found) => return Ok(rest.iter().rev().fold(found, |path, part| path.join(part))),
            Err(error) => error,
        };
        match (at.file_name(), at.parent()) {
            (Some(name), Some(parent)) if fs::symlink_metadata(at).is_err() => {
                rest.push(name.to_owned());
                at = parent;
            }
            _ => return Err(error),
        }
    }
}

/// The same, as it is written where that cannot be said.
fn real_or(path: &Path) -> PathBuf {
    real(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether a place is in a folder, by what the system knows it by.
fn same_folder(folder: &Path, place: &Path) -> bool {
    place.ancestors().any(|ancestor| is_same(ancestor, folder))
}

fn is_same(a: &Path, b: &Path) -> bool {
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}
