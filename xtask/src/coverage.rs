//! `cargo xtask coverage`: how much is known, and what is not.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use guardrail_core::{Guard, Risk};
use guardrail_schema::{Command, Origin};

use crate::tree::{self, Entry};
use crate::{Outcome, outcome};

/// Where the report lies.
pub const PAGE: &str = "docs/tools/coverage.md";

/// Writes the report.
///
/// # Errors
///
/// Where a file cannot be read or written.
pub fn write() -> Outcome<()> {
    let entries = tree::tools()?;
    let text = report(&entries, &tree::guard(&entries)?)?;
    tree::put(PAGE, &text)?;
    println!("{}", text.lines().take(24).collect::<Vec<_>>().join("\n"));
    Ok(())
}

/// What is counted of some files.
#[derive(Default)]
struct Counted {
    files: usize,
    names: usize,
    commands: usize,
    flags: usize,
    examples: usize,
}

impl Counted {
    fn add(&mut self, entry: &Entry) {
        let commands = &entry.file.tool.commands;
        self.files += 1;
        self.names += entry.file.tool.names.len();
        self.commands += commands.iter().filter(|command| !command.path.is_empty() && command.runs).count();
        self.flags += commands.iter().map(|command| command.spellings.len()).sum::<usize>();
        self.examples += entry.file.examples.len();
    }

    fn row(&self, name: &str) -> String {
        let Self { files, names, commands, flags, examples } = self;
        format!("| {name} | {files} | {names} | {commands} | {flags} | {examples} |\n")
    }
}

/// How many of a tool's commands that are Medium or worse have which way to look before, and back.
#[derive(Default)]
struct Ways {
    medium: usize,
    high: usize,
    dry_run: usize,
    capture: usize,
    inverse: usize,
    any: usize,
}

impl Ways {
    fn add(&mut self, command: &Command, risk: Risk) {
        *(if risk == Risk::Medium { &mut self.medium } else { &mut self.high }) += 1;
        let sets_read = command.dry_run.is_some();
        self.dry_run += usize::from(sets_read);
        self.capture += usize::from(command.capture.is_some());
        self.inverse += usize::from(command.inverse.is_some());
        self.any += usize::from(sets_read || command.capture.is_some() || command.inverse.is_some());
    }

    fn row(&self, name: &str) -> String {
        let Self { medium, high, dry_run, capture, inverse, any } = self;
        format!("| {name} | {medium} | {high} | {dry_run} | {capture} | {inverse} | {any} |\n")
    }

    fn join(&mut self, other: &Self) {
        self.medium += other.medium;
        self.high += other.high;
        self.dry_run += other.dry_run;
        self.capture += other.capture;
        self.inverse += other.inverse;
        self.any += other.any;
    }
}

/// The report.
///
/// # Errors
///
/// Where the list of programs cannot be read.
pub fn report(entries: &[Entry], guard: &Guard) -> Outcome<String> {
    let mut text = String::from(
        "# What is known of tools\n\nWritten by `cargo xtask coverage`; do not edit. A command is a subcommand, or the tool itself where \
         it has none;\nglobs count once. `aws`, `az` and `gcloud` are known by rules over their models' operations.\n\n",
    );
    let mut families: BTreeMap<&str, Counted> = BTreeMap::new();
    let mut all = Counted::default();
    let mut origins: BTreeMap<Origin, usize> = BTreeMap::new();
    for entry in entries {
        families.entry(&entry.family).or_default().add(entry);
        all.add(entry);
        *origins.entry(entry.file.from).or_default() += 1;
    }
    text += "| family | files | names | subcommands | flags | examples |\n|---|---|---|---|---|---|\n";
    for (family, counted) in &families {
        text += &counted.row(family);
    }
    text += &all.row("**all**");
    text += "\n| `from` | files | what it claims |\n|---|---|---|\n";
    for (origin, says) in [
        (Origin::Installed, "all that the tool itself lists was compared (`xtask/data/compared.toml`)"),
        (Origin::Model, "all that the vendor's model lists was compared"),
        (Origin::Manual, "read from the manual"),
        (Origin::Memory, "written by those who know it; nothing was compared"),
    ] {
        let count = origins.get(&origin).copied().unwrap_or_default();
        let _ = writeln!(text, "| `{}` | {count} | {says} |", origin.as_str());
    }
    text += &programs(entries)?;
    text += &ways(entries, guard);
    Ok(text)
}

/// Which of the programs that are commonly used nobody knows.
fn programs(entries: &[Entry]) -> Outcome<String> {
    let list = tree::data("programs.txt")?;
    let wanted: Vec<&str> =
        list.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect();
    let unknown: Vec<&str> =
        wanted.iter().copied().filter(|name| tree::find(entries, name).is_none()).collect();
    let mut text = format!(
        "\n## Programs that are commonly used\n\nOf {} in `xtask/data/programs.txt`, {} are known. Unknown, and so never Low: ",
        wanted.len(),
        wanted.len() - unknown.len()
    );
    if unknown.is_empty() {
        text += "none.\n";
    } else {
        let _ = writeln!(text, "{}.", unknown.join(", "));
    }
    Ok(text)
}

/// Which commands can be rehearsed and taken back.
fn ways(entries: &[Entry], guard: &Guard) -> String {
    let mut rows = String::new();
    let mut all = Ways::default();
    for entry in entries.iter().filter(|entry| !entry.only_calls()) {
        let mut of = Ways::default();
        for command in entry.file.tool.commands.iter().filter(|command| command.runs) {
            let plain = outcome::plain(guard, entry.name(), command);
            if plain.risk > Risk::Low {
                of.add(command, plain.risk);
            }
        }
        if of.medium + of.high > 0 {
            rows += &of.row(entry.name());
            all.join(&of);
        }
    }
    format!(
        "\n## Ways to look first, and ways back\n\nCommands that are Medium, or High and worse, when called with plain operands; and how many of \
         them have a\nrehearsal (`dry_run`), a command that keeps the state before (`capture`), one that takes it back (`inverse`), any of\n\
         these.\n\n| tool | Medium | High | dry run | capture | inverse | any |\n|---|---|---|---|---|---|---|\n{}{rows}",
        all.row("**all**")
    )
}
