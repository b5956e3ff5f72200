//! Opens files that decide something or hold a secret: nobody else may have had a hand in them.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// Why a file is not trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Untrusted {
    /// It is not there.
    #[error("{}: it is not there", .0.display())]
    Missing(PathBuf),
    /// It cannot be looked at.
    #[error("{}: {error}", path.display())]
    Io {
        /// It, or what is above it.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It, or a directory above it, is not as it should be.
    #[error("{}: {why}", path.display())]
    Unfit {
        /// It, or what is above it.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: &'static str,
    },
}

/// What others may do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Privacy {
    /// Nothing: it holds a secret.
    Secret,
    /// Read it: it decides something.
    Settings,
}

/// Opens a file. A symbolic link is not followed at its end.
pub(super) fn open(path: &Path, privacy: Privacy) -> Result<File, Untrusted> {
    let path = std::path::absolute(path).map_err(|error| io_error(path, error))?;
    let directory = directory_of(&path)?;
    let name = path.file_name().ok_or_else(|| unfit(&path, "it is no file"))?;
    open_in(&directory.join(name), privacy)
}

/// Opens a file below a directory, both without symbolic links above; none is followed below.
pub(super) fn open_below(directory: &Path, path: &Path, privacy: Privacy) -> Result<File, Untrusted> {
    for above in path.ancestors().skip(1).take_while(|above| *above != directory) {
        match above.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => return Err(unfit(above, SYMLINK)),
            Ok(_) => {}
            Err(error) => return Err(io_error(above, error)),
        }
    }
    open(path, privacy)
}

/// The directory of a file, without symbolic links, if nobody else can put something in its place.
pub(super) fn directory_of(path: &Path) -> Result<PathBuf, Untrusted> {
    let named = path.parent().ok_or_else(|| unfit(path, "it is no file"))?;
    let directory = named.canonicalize().map_err(|error| io_error(named, error))?;
    // Both ways there: a link on the way is as good as what it leads to.
    for above in named.ancestors().chain(directory.ancestors()) {
        let metadata = above.symlink_metadata().map_err(|error| io_error(above, error))?;
        if !is_ours(&metadata) {
            return Err(unfit(
                above,
                "it belongs to somebody else, who could put something else in its place",
            ));
        }
        let sticky = metadata.mode() & 0o1000 != 0;
        if metadata.is_dir() && metadata.mode() & 0o022 != 0 && !sticky {
            return Err(unfit(above, "others may write in this directory: chmod go-w"));
        }
    }
    Ok(directory)
}

const SYMLINK: &str = "it is a symbolic link";

fn open_in(path: &Path, privacy: Privacy) -> Result<File, Untrusted> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::LOOP) => return Err(unfit(path, SYMLINK)),
        Err(error) => return Err(io_error(path, error.into())),
    };
    let metadata = file.metadata().map_err(|error| io_error(path, error))?;
    if !metadata.is_file() {
        return Err(unfit(path, "it is no file"));
    }
    if !is_ours(&metadata) {
        return Err(unfit(path, "it belongs to somebody else"));
    }
    let mode = metadata.mode();
    match privacy {
        Privacy::Secret if mode & 0o077 != 0 => Err(unfit(path, "others may read or write it: chmod 600")),
        Privacy::Settings if mode & 0o022 != 0 => Err(unfit(path, "others may write it: chmod go-w")),
        _ => Ok(file),
    }
}

/// Whether it belongs to this account or to the administrator.
fn is_ours(metadata: &Metadata) -> bool {
    metadata.uid() == 0 || metadata.uid() == rustix::process::geteuid().as_raw()
}

fn unfit(path: &Path, why: &'static str) -> Untrusted {
    Untrusted::Unfit { path: path.to_owned(), why }
}

fn io_error(path: &Path, error: io::Error) -> Untrusted {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Untrusted::Missing(path.to_owned()),
        _ => Untrusted::Io { path: path.to_owned(), error },
    }
}
