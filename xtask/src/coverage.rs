//! `cargo xtask coverage`: how much is known, and what is not.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use guardrail_core::{Guard, Request, Risk};
use guardrail_schema::{Command, Origin, Ways, WaysFile};

use crate::tree::{self, Entry};
use crate::{Outcome, model, outcome};

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
struct Counts {
    medium: usize,
    high: usize,
    dry_run: usize,
    capture: usize,
    inverse: usize,
    by_hand: usize,
    none: usize,
    missing: usize,
}

impl Counts {
    fn add(&mut self, said: &Said, risk: Risk) {
        *(if risk == Risk::Medium { &mut self.medium } else { &mut self.high }) += 1;
        self.dry_run += usize::from(said.dry_run);
        self.capture += usize::from(said.capture);
        // Each command counts once among these: by the surest that is known of it.
        *(if said.inverse {
            &mut self.inverse
        } else if said.by_hand {
            &mut self.by_hand
        } else if said.none {
            &mut self.none
        } else {
            &mut self.missing
        }) += 1;
    }

    fn row(&self, name: &str) -> String {
        let Self { medium, high, dry_run, capture, inverse, by_hand, none, missing } = self;
        format!(
            "| {name} | {medium} | {high} | {dry_run} | {capture} | {inverse} | {by_hand} | {none} | {missing} |\n"
        )
    }

    fn join(&mut self, other: &Self) {
        self.medium += other.medium;
        self.high += other.high;
        self.dry_run += other.dry_run;
        self.capture += other.capture;
        self.inverse += other.inverse;
        self.by_hand += other.by_hand;
        self.none += other.none;
        self.missing += other.missing;
    }
}

/// What is known of a command's ways, whatever its flags.
#[derive(Default)]
struct Said {
    dry_run: bool,
    capture: bool,
    inverse: bool,
    by_hand: bool,
    none: bool,
}

impl Said {
    fn of(command: Option<&Command>, path: &[&str], ways: Option<&Ways>) -> Self {
        let mut said = Self::default();
        if let Some(command) = command {
            said.dry_run = command.dry_run.is_some();
            said.capture = command.capture.is_some();
            said.inverse = command.inverse.is_some();
        }
        let mut back = false;
        for way in ways.into_iter().flat_map(|ways| ways.of(path)) {
            said.dry_run |= way.dry_run.is_some();
            if way.is_back() && !back {
                // The first rule that asks for nothing is the last one that may hold.
                back = way.when.is_empty();
                said.capture |= way.capture.is_some();
                said.inverse |= !way.inverse.is_empty();
                said.by_hand |= way.by_hand.is_some() || way.backup.is_some();
                said.none |= way.irreversible.is_some();
            }
        }
        said
    }

    fn is_missing(&self) -> bool {
        !(self.inverse || self.by_hand || self.none)
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
    text += &ways(entries, guard)?;
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

/// The ways that are said of a tool.
fn ways_of<'a>(undo: &'a [(PathBuf, String, WaysFile)], name: &str) -> Option<&'a Ways> {
    let named = |ways: &&Ways| ways.tool == name || ways.also.iter().any(|also| also == name);
    undo.iter().map(|(_, _, file)| &file.ways).find(named)
}

/// The commands of a tool that are not Low when called with plain operands, and what is said of their ways.
fn asked(entry: &Entry, guard: &Guard, ways: Option<&Ways>) -> Outcome<Vec<(String, Risk, Said)>> {
    let mut all = Vec::new();
    if let Some(operations) = model::operations(entry.name())? {
        for path in operations {
            let words: Vec<&str> = path.split(' ').collect();
            let line = format!("{} {path}", entry.name());
            let risk = guard.evaluate(&Request::argv(line.split(' '))).risk;
            if risk > Risk::Low {
                all.push((line, risk, Said::of(None, &words, ways)));
            }
        }
    } else {
        for command in entry.file.tool.commands.iter().filter(|command| command.runs) {
            let plain = outcome::plain(guard, entry.name(), command);
            if plain.risk > Risk::Low {
                let path: Vec<&str> = command.path.iter().map(String::as_str).collect();
                let line = format!("{} {}", entry.name(), path.join(" "));
                all.push((line, plain.risk, Said::of(Some(command), &path, ways)));
            }
        }
    }
    Ok(all)
}

/// Prints the commands of which nobody has said what takes them back, of these tools or families, or of all.
///
/// # Errors
///
/// Where a file cannot be read.
pub fn missing(names: &[&str]) -> Outcome<()> {
    let entries = tree::tools()?;
    let guard = tree::guard(&entries)?;
    let undo = tree::undo()?;
    let wanted = |entry: &&Entry| {
        names.is_empty() || names.iter().any(|name| entry.family == *name || entry.name() == *name)
    };
    for entry in entries.iter().filter(wanted).filter(|entry| !entry.only_calls()) {
        for (line, risk, said) in asked(entry, &guard, ways_of(&undo, entry.name()))? {
            if said.is_missing() {
                println!("{risk}\t{line}");
            }
        }
    }
    Ok(())
}

/// Which commands can be rehearsed and taken back.
fn ways(entries: &[Entry], guard: &Guard) -> Outcome<String> {
    let undo = tree::undo()?;
    let mut rows = String::new();
    let mut all = Counts::default();
    for entry in entries.iter().filter(|entry| !entry.only_calls()) {
        let mut of = Counts::default();
        for (_, risk, said) in asked(entry, guard, ways_of(&undo, entry.name()))? {
            of.add(&said, risk);
        }
        if of.medium + of.high > 0 {
            rows += &of.row(entry.name());
            all.join(&of);
        }
    }
    Ok(format!(
        "\n## Ways to look first, and ways back\n\nCommands that are Medium, or High and worse, when called with plain operands; of `aws`, `az` and \
         `gcloud` the\noperations of their models. How many of them have a rehearsal (`dry run`) and a command that tells the state before\n\
         (`capture`); and each of them once: whether a command takes it back (`inverse`), a person does in a way that is\nwritten down (`by hand`), \
         it is stated that nothing does, and why (`none`), or nobody has looked (`missing`).\n\n\
         | tool | Medium | High | dry run | capture | inverse | by hand | none | missing |\n|---|---|---|---|---|---|---|---|---|\n{}{rows}",
        all.row("**all**")
    ))
}
