//! The knowledge files of the workspace, read, and a guard that judges by them as they stand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use guardrail_core::Guard;
use guardrail_schema::{ToolFile, WaysFile};

use crate::Outcome;

/// One knowledge file.
#[derive(Debug)]
pub struct Entry {
    /// Where it lies.
    pub path: PathBuf,
    /// The folder it lies in: `cloud`, `files`.
    pub family: String,
    /// Its text.
    pub text: String,
    /// What it says.
    pub file: ToolFile,
}

impl Entry {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or is no knowledge file.
    pub fn read(path: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file = ToolFile::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let family = path.parent().and_then(Path::file_name).unwrap_or_default();
        Ok(Self { path: path.to_owned(), family: family.to_string_lossy().into_owned(), text, file })
    }

    /// The name it is shown by.
    #[must_use]
    pub fn name(&self) -> &str {
        self.file.tool.names.first().map_or("", String::as_str)
    }

    /// The name of its file, without the ending.
    #[must_use]
    pub fn stem(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether it describes named tool calls alone, and no command line.
    #[must_use]
    pub fn only_calls(&self) -> bool {
        !self.file.tool.calls.is_empty() && self.file.tool.commands.iter().all(|command| !command.runs)
    }
}

/// The root of the workspace.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// All knowledge files, in the order of their paths.
///
/// # Errors
///
/// Where one cannot be read.
pub fn tools() -> Outcome<Vec<Entry>> {
    let mut paths = Vec::new();
    collect(&root().join("guardrail-knowledge/tools"), &mut paths)?;
    paths.sort();
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match Entry::read(&path) {
            Ok(entry) => entries.push(entry),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(entries) } else { Err(problems.join("\n")) }
}

/// The files about ways back, each with its path, in the order of their paths.
///
/// # Errors
///
/// Where one cannot be read.
pub fn undo() -> Outcome<Vec<(PathBuf, String, WaysFile)>> {
    let mut paths = Vec::new();
    collect(&root().join("guardrail-knowledge/undo"), &mut paths)?;
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file = WaysFile::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok((path, text, file))
    };
    paths.into_iter().map(read).collect()
}

/// The one that knows the tool `name`.
#[must_use]
pub fn find<'e>(entries: &'e [Entry], name: &str) -> Option<&'e Entry> {
    entries.iter().find(|entry| entry.file.tool.names.iter().any(|known| known == name))
}

/// A guard that judges by these files as they stand, and not as they were packed.
///
/// # Errors
///
/// Where two files name the same tool, each such name on a line.
pub fn guard(entries: &[Entry]) -> Outcome<Guard> {
    let mut seen = BTreeMap::new();
    let mut problems = Vec::new();
    for entry in entries {
        for name in &entry.file.tool.names {
            if let Some(other) = seen.insert(name, entry.stem()) {
                problems.push(format!("{name}: is in {other} and in {}", entry.stem()));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems.join("\n"));
    }
    let mut builder = Guard::builder();
    for entry in entries.iter().filter(|entry| entry.file.tool.calls.is_empty()) {
        builder = builder
            .dangerously_replace_tool(&entry.text)
            .map_err(|error| format!("{}: {error}", entry.path.display()))?;
    }
    for (path, text, _) in undo()? {
        builder = builder.ways(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(builder.build())
}

/// A file of `xtask/data/`.
///
/// # Errors
///
/// Where it cannot be read.
pub fn data(name: &str) -> Outcome<String> {
    let path = root().join("xtask/data").join(name);
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes `text` to `path` below the root, with the folders that lead there.
///
/// # Errors
///
/// Where it cannot be written.
pub fn put(path: &str, text: &str) -> Outcome<()> {
    let path = root().join(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Outcome<()> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            paths.push(path);
        }
    }
    Ok(())
}
