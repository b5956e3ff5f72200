//! Which tools of the knowledge are installed, and where: the one part that looks at the machine.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::openclaw::programs::Tools;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Absolute paths of programs, every link followed, sorted.
    pub paths: Vec<String>,
    /// Programs that get no entries, sorted.
    pub left_out: Vec<LeftOut>,
}

/// A program that is installed and gets no entries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Where it was found.
    pub path: PathBuf,
    /// Why it gets none.
    pub why: String,
}

/// Looks for the tools of the knowledge in the directories of `search`, which is written as `PATH` is.
///
/// A program is left out where its link leads to a program of another name (`/bin/ls` to
/// `/bin/busybox`: an entry for what it leads to would hold for all that it can be), and where somebody
/// else than root could put another program in its place, as the agent itself could then.
///
/// Reads directories and links, starts nothing. What cannot be read is not there.
#[must_use]
pub fn find_programs(tools: &Tools, search: &OsStr) -> Found {
    let mut paths: BTreeMap<String, ()> = BTreeMap::new();
    let mut left_out = Vec::new();
    let mut folders: BTreeMap<PathBuf, Option<PathBuf>> = BTreeMap::new();
    for folder in std::env::split_paths(search).filter(|folder| folder.is_absolute()) {
        for name in tools.names() {
            let path = folder.join(name);
            let Ok(real) = fs::canonicalize(&path) else { continue };
            let Ok(metadata) = fs::metadata(&real) else { continue };
            if !metadata.is_file() || metadata.mode() & 0o111 == 0 {
                continue;
            }
            let mut leave = |why: String| left_out.push(LeftOut { path: path.clone(), why });
            let Some(text) = real.to_str() else {
                leave("its path is no text".into());
                continue;
            };
            let base = text.rsplit('/').next().unwrap_or_default();
            let same = tools.tool(name).is_some_and(|tool| tool.names.iter().any(|known| known == base));
            if !same {
                leave(format!("it is a link to {text}, which may be other programs too"));
                continue;
            }
            if others_write(&metadata) {
                leave("somebody else than root can change it".into());
                continue;
            }
            let open = real.parent().and_then(|parent| {
                folders.entry(parent.to_owned()).or_insert_with(|| first_open(parent)).clone()
            });
            match open {
                Some(open) => leave(format!("somebody else than root can change {}", open.display())),
                None => drop(paths.insert(text.to_owned(), ())),
            }
        }
    }
    left_out.sort();
    left_out.dedup();
    Found { paths: paths.into_keys().collect(), left_out }
}

/// The first directory on the way that somebody else than root can write to.
fn first_open(folder: &Path) -> Option<PathBuf> {
    let open = |folder: &&Path| fs::metadata(folder).map_or(true, |metadata| others_write(&metadata));
    folder.ancestors().find(open).map(Path::to_owned)
}

fn others_write(metadata: &fs::Metadata) -> bool {
    metadata.uid() != 0 || metadata.mode() & 0o022 != 0
}
