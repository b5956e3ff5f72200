//! `cargo xtask compare`: is every subcommand that a tool itself lists classified?
//!
//! What was found is kept in `xtask/data/compared.toml`, by the tool and its version, with the list
//! itself: so a test sees that nothing of it is lost later, on machines that have none of the tools.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use guardrail_schema::{Command, Origin, Tool};
use serde::Deserialize;

use crate::listing::{self, Listing};
use crate::tree::{self, Entry};
use crate::{Outcome, manual, model};

/// What was compared with one tool.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// The version that it gave itself.
    pub version: String,
    /// All that it listed, between commas.
    pub commands: String,
}

impl Compared {
    fn paths(&self) -> impl Iterator<Item = &str> {
        self.commands.split(',').map(str::trim).filter(|path| !path.is_empty())
    }
}

/// Compares the tools `names`, or with `--installed` all that can be asked and are here.
///
/// # Errors
///
/// What is missing, a line each.
pub fn run(names: &[&str], record: bool) -> Outcome<()> {
    let (entries, listings) = (tree::tools()?, listing::listings()?);
    let installed = names == ["--installed"];
    let names: Vec<&str> =
        if installed { listings.keys().map(String::as_str).collect() } else { names.to_vec() };
    let mut problems = Vec::new();
    let mut kept = records()?;
    for name in names {
        let listing = listings.get(name).ok_or_else(|| {
            format!("{name}: say in xtask/data/listings.toml how it is asked for its commands")
        })?;
        let compared = match look(name, listing) {
            Ok(compared) => compared,
            Err(error) if installed => {
                println!("SKIPPED {error}");
                continue;
            }
            Err(error) => return Err(error),
        };
        let count = compared.paths().count();
        let missing = missing(&entries, name, &compared);
        println!("{name} {}: {count} listed, {} not classified", compared.version, missing.len());
        if !missing.is_empty() {
            problems.push(format!("{name}: {}", missing.join(", ")));
        }
        kept.insert(name.to_owned(), compared);
    }
    if record {
        keep(&kept)?;
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

/// What does not hold of the records, and of the files that rest on them.
///
/// # Errors
///
/// Where the records cannot be read.
pub fn review(entries: &[Entry]) -> Outcome<Vec<String>> {
    let records = records()?;
    let mut problems = model::review(entries)?;
    problems.extend(manual::review(entries)?);
    for (name, compared) in &records {
        for path in missing(entries, name, compared) {
            problems
                .push(format!("{name}: `{path}` was listed by {}, and is not classified", compared.version));
        }
    }
    for entry in entries.iter().filter(|entry| entry.file.from == Origin::Installed) {
        let checked = &entry.file.tool.checked;
        let compared = entry.file.tool.names.iter().find_map(|name| records.get(name));
        match compared {
            None => problems.push(format!("{}: claims to be compared, and has no record", entry.name())),
            Some(compared) if compared.version != *checked => problems.push(format!(
                "{}: was compared with {}, and claims {checked}",
                entry.name(),
                compared.version
            )),
            Some(_) => {}
        }
    }
    Ok(problems)
}

/// Whether `tool` knows the command at `path`: by its name, by a glob, or as a word of a command
/// that takes words.
#[must_use]
pub fn classified(tool: &Tool, path: &str) -> bool {
    let words: Vec<&str> = path.split_whitespace().collect();
    let matches = |command: &Command, words: &[&str]| {
        command.path.len() == words.len()
            && command.path.iter().zip(words).all(|(pattern, word)| glob(pattern, word))
    };
    let runs = |command: &&Command| command.runs;
    let takes = |words: &[&str]| {
        tool.commands
            .iter()
            .filter(runs)
            .any(|c| matches(c, words) && !c.operands.is_empty() && !words.is_empty())
    };
    let group = tool.commands.iter().any(|c| {
        c.path.len() > words.len() && c.path.iter().zip(&words).all(|(pattern, word)| glob(pattern, word))
    });
    group
        || tool.commands.iter().any(|command| matches(command, &words))
        || (1..words.len()).any(|n| words.get(..n).is_some_and(takes))
}

fn missing(entries: &[Entry], name: &str, compared: &Compared) -> Vec<String> {
    let Some(entry) = tree::find(entries, name) else { return vec!["(the tool itself)".into()] };
    compared.paths().filter(|path| !classified(&entry.file.tool, path)).map(str::to_owned).collect()
}

fn look(name: &str, listing: &Listing) -> Outcome<Compared> {
    let version = listing::version_of(name, listing)?;
    let commands: BTreeSet<String> = listing::commands(name, listing)?;
    if commands.is_empty() {
        return Err(format!("{name}: nothing was found in what it lists"));
    }
    Ok(Compared { version, commands: commands.into_iter().collect::<Vec<_>>().join(", ") })
}

fn records() -> Outcome<BTreeMap<String, Compared>> {
    toml::from_str(&tree::data("compared.toml")?).map_err(|error| format!("compared.toml: {error}"))
}

fn keep(records: &BTreeMap<String, Compared>) -> Outcome<()> {
    let mut text = String::from(
        "# What tools list of themselves, and in which version that was compared with what is known.\n\
         # Written by `cargo xtask compare --record`.\n",
    );
    for (name, compared) in records {
        let _ = write!(
            text,
            "\n[{name:?}]\nversion = {:?}\ncommands = \"\"\"\n{}\"\"\"\n",
            compared.version,
            wrapped(&compared.paths().collect::<Vec<_>>().join(", "))
        );
    }
    tree::put("xtask/data/compared.toml", &text)
}

/// The list, in lines of a readable length.
pub(crate) fn wrapped(list: &str) -> String {
    let mut lines = String::new();
    let mut length = 0;
    for item in list.split(", ") {
        if length + item.len() > 110 {
            lines += "\n";
            length = 0;
        }
        length += item.len() + 2;
        lines += item;
        lines += ", ";
    }
    lines.trim_end_matches(", ").replace(", \n", ",\n")
}

/// Whether `word` is what `pattern` describes, where a star stands for any letters.
pub(crate) fn glob(pattern: &str, word: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == word,
        Some((start, rest)) => word.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len()).any(|at| tail.get(at..).is_some_and(|tail| glob(rest, tail)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use guardrail_schema::ToolFile;

    use super::*;

    #[test]
    fn what_is_not_listed_is_missing() {
        let text = "name = \"x\"\n[commands.\"get\"]\noperands = [\"name\"]\neffect = \"read\"\n[commands.\"a describe-*, b put\"]\neffect = \"read\"\n";
        let tool = ToolFile::parse(text).unwrap().tool;
        assert!(classified(&tool, "get"));
        assert!(classified(&tool, "get pods"));
        assert!(classified(&tool, "a describe-it"));
        assert!(classified(&tool, "b"));
        assert!(!classified(&tool, "b get"));
        assert!(!classified(&tool, "put"));
    }
}
