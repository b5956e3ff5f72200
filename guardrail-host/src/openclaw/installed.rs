//! Which tools of the knowledge are installed, and where: the one part that looks at the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::openclaw::data::Data;
use crate::openclaw::programs::{Program, Tools};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Programs, sorted by their paths.
    pub programs: Vec<FoundProgram>,
    /// Programs that get no entries, sorted.
    pub left_out: Vec<LeftOut>,
}

/// A program that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundProgram {
    /// Its absolute path, every link followed.
    pub path: String,
    /// The names of links that lead to it, sorted: for [`Program::called`](super::Program::called).
    pub names: Vec<String>,
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
    let mut paths: BTreeSet<String> = BTreeSet::new();
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
            if let Err(error) = Program::new(tools, text) {
                leave(error.to_string());
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
                None => drop(paths.insert(text.to_owned())),
            }
        }
    }
    left_out.sort();
    left_out.dedup();
    let mut links = links(search);
    let program = |path: String| FoundProgram {
        names: links.remove(Path::new(&path)).unwrap_or_default().into_iter().collect(),
        path,
    };
    Found { programs: paths.into_iter().map(program).collect(), left_out }
}

/// What the links in the directories of programs lead to, and the names of those that have another one.
fn links(search: &OsStr) -> BTreeMap<PathBuf, BTreeSet<String>> {
    let known = Data::builtin().map(|data| data.names.folders).unwrap_or_default();
    let folders: BTreeSet<PathBuf> =
        std::env::split_paths(search).chain(known.into_iter().map(PathBuf::from)).collect();
    let mut links: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    for entry in entries.filter_map(Result::ok) {
        let linked = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let Ok(real) = fs::canonicalize(entry.path()) else { continue };
        if linked && real.file_name() != Some(&entry.file_name()) {
            links.entry(real).or_default().insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    links
}

/// The first directory on the way that somebody else than root can write to.
fn first_open(folder: &Path) -> Option<PathBuf> {
    let open = |folder: &&Path| fs::metadata(folder).map_or(true, |metadata| others_write(&metadata));
    folder.ancestors().find(open).map(Path::to_owned)
}

fn others_write(metadata: &fs::Metadata) -> bool {
    metadata.uid() != 0 || metadata.mode() & 0o022 != 0
}
