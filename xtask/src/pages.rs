//! `cargo xtask docs`: a page a tool, and an index. What a page says of a command is what the guard
//! says of it, called plainly.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use guardrail_core::Guard;
use guardrail_schema::{Command, Flag};

use crate::tree::{self, Entry};
use crate::{Outcome, coverage, outcome};

/// Where the pages lie.
pub const FOLDER: &str = "docs/tools";

/// Writes all pages, and removes those that no tool has any more.
///
/// # Errors
///
/// Where a file cannot be read or written.
pub fn write() -> Outcome<()> {
    let pages = all()?;
    let folder = tree::root().join(FOLDER);
    for old in fs::read_dir(&folder).into_iter().flatten().flatten() {
        let path = format!("{FOLDER}/{}", old.file_name().to_string_lossy());
        if !pages.contains_key(&path) {
            fs::remove_file(old.path()).map_err(|error| format!("{path}: {error}"))?;
        }
    }
    for (path, text) in &pages {
        tree::put(path, text)?;
    }
    println!("{} pages, {} bytes", pages.len(), pages.values().map(String::len).sum::<usize>());
    Ok(())
}

/// Every page by its path, the report among them.
///
/// # Errors
///
/// Where a file cannot be read, or two tools want the same page.
pub fn all() -> Outcome<BTreeMap<String, String>> {
    let entries = tree::tools()?;
    let guard = tree::guard(&entries)?;
    let mut pages = BTreeMap::new();
    let mut index = String::from(
        "# Tools\n\nWritten by `cargo xtask docs`; do not edit. What each tool's commands do to the world, as the guard judges them when\n\
         they are called with plain operands; how to rehearse them, and how to take them back. [How much is known](coverage.md).\n",
    );
    let mut family = "";
    for entry in &entries {
        if entry.family != family {
            family = &entry.family;
            let _ = write!(index, "\n## {family}\n\n");
        }
        let names = entry.file.tool.names.join(", ");
        let shown = if names.is_empty() { entry.stem() } else { names };
        let _ = writeln!(index, "- [{shown}]({}.md): {}", entry.stem(), entry.file.summary);
        let path = format!("{FOLDER}/{}.md", entry.stem());
        if pages.insert(path.clone(), page(entry, &guard)).is_some() {
            return Err(format!("{path}: two knowledge files have this name"));
        }
    }
    pages.insert(format!("{FOLDER}/README.md"), index);
    pages.insert(coverage::PAGE.to_owned(), coverage::report(&entries, &guard)?);
    Ok(pages)
}

/// The page of one tool.
fn page(entry: &Entry, guard: &Guard) -> String {
    let tool = &entry.file.tool;
    let mut text = format!("# {}\n\n", tool.names.join(", "));
    let version = if tool.checked.is_empty() { String::new() } else { format!(" {}", tool.checked) };
    let _ = writeln!(
        text,
        "{}; known{version} from {}. [Its file](../../guardrail-knowledge/tools/{}/{}.toml)",
        if entry.file.summary.is_empty() { "A tool" } else { &entry.file.summary },
        entry.file.from.as_str(),
        entry.family,
        entry.stem()
    );
    if entry.only_calls() {
        text += "\nNamed tool calls: ";
        let names: BTreeSet<&str> =
            tool.calls.iter().flat_map(|call| &call.names).map(String::as_str).collect();
        let _ = writeln!(text, "{}.", names.into_iter().collect::<Vec<_>>().join(", "));
        return text;
    }
    // Commands that say the same share a row.
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut order = Vec::new();
    for command in tool.commands.iter().filter(|command| command.runs) {
        let row = row(entry.name(), command, guard);
        let path = if command.path.is_empty() { "(itself)".to_owned() } else { command.path.join(" ") };
        if !rows.contains_key(&row) {
            order.push(row.clone());
        }
        rows.entry(row).or_default().push(path);
    }
    text += "\n| command | does | risk | rehearse | state before | take back |\n|---|---|---|---|---|---|\n";
    for row in order {
        let commands = rows.remove(&row).unwrap_or_default().join(", ");
        let _ = writeln!(text, "| {} | {row}", cell(&commands));
    }
    let flags = matter(tool.commands.iter());
    if !flags.is_empty() {
        let _ = write!(text, "\nFlags that change the answer: {}.\n", flags.join(", "));
    }
    let examples: Vec<_> = entry.file.examples.iter().filter_map(|e| Some((e.risk?, &e.run))).collect();
    if !examples.is_empty() {
        text += "\n```console\n";
        let step = examples.len().div_ceil(8);
        for (risk, run) in examples.iter().step_by(step).filter(|(_, run)| !run.contains('\n')) {
            let _ = writeln!(text, "{run}   # {risk}");
        }
        text += "```\n";
    }
    text
}

/// What stands behind the command's name.
fn row(name: &str, command: &Command, guard: &Guard) -> String {
    let plain = outcome::plain(guard, name, command);
    let kinds: Vec<&str> = plain.kinds.iter().map(|kind| kind.as_str()).collect();
    let kinds = if kinds.is_empty() { "what its words say".to_owned() } else { kinds.join(", ") };
    let code = |text: &Option<String>| {
        text.as_ref().map_or(String::new(), |text| format!("`{}`", cell(&text.replace('`', "'"))))
    };
    format!(
        "{kinds} | {}{} | {} | {} | {} |",
        plain.risk,
        if plain.known { "" } else { ", unknown" },
        code(&command.dry_run),
        code(&command.capture),
        code(&command.inverse)
    )
}

/// The flags that matter, each once, with what they add or put in place.
fn matter<'c>(commands: impl Iterator<Item = &'c Command>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut flags = Vec::new();
    for flag in commands.flat_map(|command| &command.flags) {
        let mut does: Vec<&str> =
            effects(flag).iter().filter_map(|effect| effect.kind).map(|kind| kind.as_str()).collect();
        does.dedup();
        if does.is_empty() {
            continue;
        }
        let instead = if flag.sets.is_some() { "only " } else { "" };
        let shown = format!("`{}` ({instead}{})", flag.name, does.join(", "));
        if seen.insert(shown.clone()) {
            flags.push(shown);
        }
    }
    flags.truncate(40);
    flags
}

fn effects(flag: &Flag) -> &[guardrail_schema::Effect] {
    match &flag.sets {
        Some(sets) => sets,
        None => &flag.effects,
    }
}

/// Text as it may stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('*', "\\*").replace('\n', " ")
}
