//! Checks every knowledge file and packs them: an index of names, each tool's head on its own, and
//! each of its commands on its own, so that starting up reads the index and a tool or command is
//! decoded when it is first met. What is known of documents is one piece, and so is what runtimes obey;
//! what takes commands back is one for each tool.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

use guardrail_schema::{DocumentFile, EnvironmentFile, ToolFile, WaysFile};

fn main() {
    if let Err(message) = pack() {
        eprintln!("{message}");
        process::exit(1);
    }
}

fn pack() -> Result<(), String> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(|e| e.to_string())?);
    println!("cargo::rerun-if-changed=tools");
    println!("cargo::rerun-if-changed=documents");
    println!("cargo::rerun-if-changed=undo");
    println!("cargo::rerun-if-changed=environment.toml");
    let mut files = Vec::new();
    collect(&root.join("tools"), &mut files)?;
    files.sort();

    let mut errors = Vec::new();
    let environment = environment(&root.join("environment.toml")).unwrap_or_else(|error| {
        errors.push(format!("environment.toml: {error}"));
        EnvironmentFile { variables: Vec::new(), runtimes: Vec::new(), secrets: Vec::new() }
    });
    let mut blob = Vec::new();
    let mut tools = Vec::new();
    // Aliases and commands that behave alike are stored once.
    let mut bodies: BTreeMap<Vec<u8>, (u32, u32)> = BTreeMap::new();
    let mut names: BTreeMap<String, (u32, PathBuf)> = BTreeMap::new();
    let mut calls = Vec::new();
    for path in files {
        let shown = path.strip_prefix(&root).unwrap_or(&path).to_path_buf();
        let mut tool = match read(&path) {
            Ok(file) => file.tool,
            Err(error) => {
                errors.push(format!("{}: {error}", shown.display()));
                continue;
            }
        };
        for runtime in tool.runtimes.iter().flatten() {
            if !environment.runtimes.iter().any(|known| known.name == *runtime) {
                errors.push(format!("{}: runtime: `{runtime}` is not in environment.toml", shown.display()));
            }
        }
        calls.append(&mut tool.calls);
        let place = u32::try_from(tools.len()).map_err(|e| e.to_string())?;
        for name in &tool.names {
            if let Some((_, other)) = names.insert(name.clone(), (place, shown.clone())) {
                errors.push(format!("{}: name: `{name}` is also in {}", shown.display(), other.display()));
            }
        }
        let mut paths = Vec::new();
        for mut command in std::mem::take(&mut tool.commands) {
            let path = std::mem::take(&mut command.path);
            let bytes = postcard::to_allocvec(&command).map_err(|e| e.to_string())?;
            let place = *bodies.entry(bytes).or_insert_with_key(|bytes| append(&mut blob, bytes));
            paths.push((path.join(" "), place));
        }
        let head = postcard::to_allocvec(&(&tool, paths)).map_err(|e| e.to_string())?;
        tools.push(append(&mut blob, &head));
    }
    let mut documents = Vec::new();
    let mut files = Vec::new();
    collect(&root.join("documents"), &mut files)?;
    files.sort();
    for path in files {
        let text = fs::read_to_string(&path).map_err(|e| e.to_string())?;
        match DocumentFile::parse(&text) {
            Ok(file) => documents.push(file.document),
            Err(error) => errors.push(format!("{}: {error}", path.display())),
        }
    }
    let mut ways: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut files = Vec::new();
    collect(&root.join("undo"), &mut files)?;
    files.sort();
    for path in files {
        let text = fs::read_to_string(&path).map_err(|e| e.to_string())?;
        let file = match WaysFile::parse(&text) {
            Ok(file) => file.ways,
            Err(error) => {
                errors.push(format!("{}: {error}", path.display()));
                continue;
            }
        };
        let bytes = postcard::to_allocvec(&file).map_err(|e| e.to_string())?;
        let place = append(&mut blob, &bytes);
        for name in std::iter::once(file.tool).chain(file.also) {
            if !names.contains_key(&name) {
                errors.push(format!("{}: tool: no tool is named `{name}`", path.display()));
            }
            if ways.insert(name.clone(), place).is_some() {
                errors.push(format!("{}: tool: `{name}` has another file", path.display()));
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors.join("\n"));
    }
    let ways: Vec<(String, (u32, u32))> = ways.into_iter().collect();
    let bytes = postcard::to_allocvec(&ways).map_err(|e| e.to_string())?;
    let ways = append(&mut blob, &bytes);
    let bytes = postcard::to_allocvec(&documents).map_err(|e| e.to_string())?;
    let documents = append(&mut blob, &bytes);
    let bytes = postcard::to_allocvec(&environment.runtimes).map_err(|e| e.to_string())?;
    let runtimes = append(&mut blob, &bytes);
    let bytes = postcard::to_allocvec(&environment.secrets).map_err(|e| e.to_string())?;
    let secrets = append(&mut blob, &bytes);
    let names: Vec<(String, u32)> = names.into_iter().map(|(name, (place, _))| (name, place)).collect();
    let index = (names, tools, environment.variables, calls, documents, runtimes, secrets, ways);
    let index = postcard::to_allocvec(&index).map_err(|e| e.to_string())?;
    let out = PathBuf::from(env::var("OUT_DIR").map_err(|e| e.to_string())?);
    fs::write(out.join("index.bin"), index).map_err(|e| e.to_string())?;
    fs::write(out.join("tools.bin"), blob).map_err(|e| e.to_string())
}

/// Adds `bytes` to the blob; where they are.
fn append(blob: &mut Vec<u8>, bytes: &[u8]) -> (u32, u32) {
    let start = blob.len() as u32;
    blob.extend_from_slice(bytes);
    (start, blob.len() as u32)
}

fn read(path: &Path) -> Result<ToolFile, String> {
    let text = fs::read_to_string(path).map_err(|e| e.to_string())?;
    ToolFile::parse(&text).map_err(|e| e.to_string())
}

fn environment(path: &Path) -> Result<EnvironmentFile, String> {
    let text = fs::read_to_string(path).map_err(|e| e.to_string())?;
    EnvironmentFile::parse(&text).map_err(|e| e.to_string())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))? {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "toml") {
            files.push(path);
        }
    }
    Ok(())
}
