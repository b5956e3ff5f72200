//! `cargo xtask manual`: is every flag that a tool's manual lists declared, and as one that takes a value
//! where it takes one?
//!
//! What was found is kept in `xtask/data/manuals/FAMILY.toml`, by the tool (or its subcommand, where
//! that has a page of its own) and the version of the page, with the flags themselves: so a test sees
//! that nothing of it is lost later, on machines that have none of the pages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use guardrail_schema::{Command, Grammar, Origin, Tool, ValueKind};
use serde::Deserialize;

use crate::compare::{glob, wrapped};
use crate::manual_value::{Takes, declared};
use crate::tree::{self, Entry};
use crate::{Outcome, listing, manual_page};

/// Where the records lie, below the root.
const FOLDER: &str = "xtask/data/manuals";

/// What was read in one page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manual {
    /// The package that the page is of, where it came with one.
    #[serde(default)]
    pub package: String,
    /// The version that the page is about, without what a distribution adds to it.
    #[serde(default)]
    pub version: String,
    /// The flags without a value that it lists, between commas.
    #[serde(default)]
    pub switches: String,
    /// Those with a value; `=?` behind one says that the value is optional, attached only.
    #[serde(default)]
    pub options: String,
    /// Those of which it does not tell whether they take a value.
    #[serde(default)]
    pub flags: String,
    /// What of these is no flag of the tool, each with the reason; with ` value` behind it, of what the page
    /// has the value wrong, several between commas. Written by hand; a star stands for any letters.
    #[serde(default)]
    pub not: BTreeMap<String, String>,
}

/// Behind a flag in `not`: the flag is one, and the page has its value wrong.
const VALUE: &str = " value";

impl Manual {
    /// What `found` says, in the way in which it is kept.
    fn of(found: &BTreeMap<String, Takes>) -> Self {
        let join = |wanted: &[Takes]| {
            let mark = |takes| if takes == Takes::Attached { "=?" } else { "" };
            let found = found.iter().filter(|(_, takes)| wanted.contains(takes));
            found.map(|(name, takes)| format!("{name}{}", mark(*takes))).collect::<Vec<_>>().join(", ")
        };
        Self {
            switches: join(&[Takes::Nothing]),
            options: join(&[Takes::Value, Takes::Attached]),
            flags: join(&[Takes::Untold]),
            ..Self::default()
        }
    }

    /// The flags that it lists, and what it says of their values.
    fn listed(&self) -> impl Iterator<Item = (&str, Takes)> {
        let options = items(&self.options).map(|flag| match flag.strip_suffix("=?") {
            Some(flag) => (flag, Takes::Attached),
            None => (flag, Takes::Value),
        });
        let switches = items(&self.switches).map(|flag| (flag, Takes::Nothing));
        switches.chain(options).chain(items(&self.flags).map(|flag| (flag, Takes::Untold)))
    }

    /// What the page lists, and `tool` declares nowhere on the way to the command at `path`.
    fn missing(&self, tool: &Tool, path: &[&str]) -> Vec<&str> {
        let excused = |flag: &str| self.not.keys().any(|pattern| glob(pattern, flag));
        let flags = self.listed().map(|(flag, _)| flag);
        flags.filter(|flag| !excused(flag) && !declares(tool, path, flag)).collect()
    }

    /// What the page says of values that `tool` reads otherwise, a clause each.
    fn otherwise(&self, tool: &Tool, path: &[&str]) -> Vec<String> {
        let excused = |flag: &str| {
            self.not.keys().any(|key| glob(key, flag) || values(key).any(|pattern| glob(pattern, flag)))
        };
        let mut found = Vec::new();
        for (flag, takes) in self.listed().filter(|(flag, _)| !excused(flag)) {
            let kinds = kinds(tool, path, flag);
            // In Go's manner a value is attached by `=` alone, to letters, too.
            let clusters = !flag.starts_with("--") && !tool.pflag;
            if let Some(kind) =
                kinds.first().filter(|_| !kinds.iter().any(|kind| takes.agrees(clusters, *kind)))
            {
                found.push(format!("`{flag}` {}, and is declared as {}", takes.says(), declared(*kind)));
            }
        }
        found
    }
}

/// The flags of which `key` says that the page has their value wrong: `-a, --all value`.
fn values(key: &str) -> impl Iterator<Item = &str> {
    items(key.strip_suffix(VALUE).unwrap_or_default())
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|flag| !flag.is_empty())
}

/// What the command line says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Task<'w> {
    record: bool,
    pages: Option<PathBuf>,
    version: Option<String>,
    names: Vec<&'w str>,
}

impl<'w> Task<'w> {
    fn read(words: &[&'w str]) -> Outcome<Self> {
        let mut task = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word}: its value is missing"));
            match *word {
                "--record" => task.record = true,
                "--pages" => task.pages = Some(PathBuf::from(value()?)),
                "--version" => task.version = Some(upstream(value()?)),
                flag if flag.starts_with('-') => return Err(format!("{flag}: unknown flag")),
                name => task.names.push(name),
            }
        }
        Ok(task)
    }
}

/// A page to read: what it is of, and where it lies.
struct Page {
    of: String,
    path: PathBuf,
}

/// Does what the words behind `manual` say.
///
/// # Errors
///
/// What is missing, a line each.
pub fn run(words: &[&str]) -> Outcome<()> {
    let task = Task::read(words)?;
    let entries = tree::tools()?;
    let mut kept = records()?;
    let mut problems = Vec::new();
    for word in &task.names {
        let family: Vec<&str> = entries
            .iter()
            .filter(|entry| entry.family == *word)
            .flat_map(|entry| entry.file.tool.names.iter().map(String::as_str))
            .collect();
        let all = !family.is_empty();
        for name in if all { family } else { vec![*word] } {
            match read(&entries, &mut kept, &task, name, all) {
                Ok(missing) => problems.extend(missing),
                Err(error) if all => println!("SKIPPED {error}"),
                Err(error) => return Err(error),
            }
        }
    }
    if task.record {
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
    let mut problems = Vec::new();
    for (of, manual) in records()?.values().flatten() {
        problems.extend(wrong(entries, of, manual));
    }
    Ok(problems)
}

/// What does not hold of one record.
fn wrong(entries: &[Entry], of: &str, manual: &Manual) -> Vec<String> {
    let Some((entry, path)) = known(entries, of) else {
        return vec![format!("{of}: has a record of its manual, and no file knows it")];
    };
    let mut problems: Vec<String> = manual
        .missing(&entry.file.tool, &path)
        .iter()
        .map(|flag| format!("{of}: `{flag}` is in the manual of {}, and is not declared", manual.version))
        .collect();
    let otherwise = manual.otherwise(&entry.file.tool, &path);
    problems
        .extend(otherwise.iter().map(|said| format!("{of}: by the manual of {}, {said}", manual.version)));
    if manual.version.is_empty() || manual.listed().next().is_none() {
        problems.push(format!("{of}: the record is empty: cargo xtask manual --record"));
    }
    for (flag, reason) in &manual.not {
        if reason.trim().is_empty() {
            problems.push(format!("{of}: why is `{flag}` no flag of it?"));
        }
        let spoken: Vec<&str> = if flag.ends_with(VALUE) { values(flag).collect() } else { vec![flag] };
        for flag in spoken {
            if !manual.listed().any(|(listed, _)| glob(flag, listed)) {
                problems.push(format!("{of}: `{flag}` is not in its manual; `not` need not speak of it"));
            }
        }
    }
    let claimed = &entry.file.tool.checked;
    if entry.file.from == Origin::Manual && !says(claimed, &manual.version) {
        let (name, version) = (entry.name(), &manual.version);
        problems
            .push(format!("{name}: {of} was compared with the manual of {version}, and it claims {claimed}"));
    }
    problems
}

/// Reads the pages of `name` (`NAME`, or `NAME=PAGE`), prints and keeps what they list; with `complete`
/// only those of which nothing is missing. What is missing.
fn read(
    entries: &[Entry],
    kept: &mut Records,
    task: &Task<'_>,
    name: &str,
    complete: bool,
) -> Outcome<Vec<String>> {
    let (name, given) = name.split_once('=').map_or((name, None), |(name, page)| (name, Some(page)));
    let (entry, _) = known(entries, name).ok_or_else(|| format!("{name}: no file knows it"))?;
    let tool = &entry.file.tool;
    let path = match (given, &task.pages) {
        (None, pages) => manual_page::find(name, pages.as_deref())?,
        (Some(page), Some(pages)) if !Path::new(page).is_file() => manual_page::root_of(pages).join(page),
        (Some(page), _) => PathBuf::from(page),
    };
    let (package, version) = match &task.version {
        Some(version) => (String::new(), version.clone()),
        None => version_of(&path, task.pages.as_deref(), &tool.checked)?,
    };
    let family = kept.entry(entry.family.clone()).or_default();
    let mut problems = Vec::new();
    for page in pages(tool, name, path) {
        let (_, command) = known(entries, &page.of).unwrap_or((entry, Vec::new()));
        let text = manual_page::printed(&page.path)?;
        let flags = manual_page::flags(&text, tool.grammar);
        let not = family.get(&page.of).map(|old| old.not.clone()).unwrap_or_default();
        let (package, version) = (package.clone(), version.clone());
        let manual = Manual { package, version, not, ..Manual::of(&flags) };
        let missing = manual.missing(tool, &command);
        let otherwise = manual.otherwise(tool, &command);
        let (lost, wrong) = (missing.len(), otherwise.len());
        println!(
            "{} {}: {} flags, {lost} not declared, {wrong} otherwise",
            page.of,
            manual.version,
            flags.len()
        );
        let keeps = task.record && ((missing.is_empty() && otherwise.is_empty()) || !complete);
        if !missing.is_empty() {
            problems.push(format!("{}: {}", page.of, missing.join(", ")));
        }
        problems.extend(otherwise.iter().map(|said| format!("{}: {said}", page.of)));
        if flags.is_empty() {
            println!("  {}: no flag was found in it; nothing is kept", page.path.display());
        } else if keeps {
            family.insert(page.of, manual);
        }
    }
    Ok(problems)
}

/// The page of the tool, and those of its subcommands that lie beside it (`git-log.1`).
fn pages(tool: &Tool, name: &str, path: PathBuf) -> Vec<Page> {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let ending = file.strip_prefix(&manual_page::name_of(&path)).unwrap_or_default().to_owned();
    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    let mut pages = vec![Page { of: name.to_owned(), path }];
    for command in tool.commands.iter().filter(|command| !command.path.is_empty()) {
        let path = folder.join(format!("{name}-{}{ending}", command.path.join("-")));
        let of = format!("{name} {}", command.path.join(" "));
        if !of.contains('*') && path.is_file() && !pages.iter().any(|page| page.of == of) {
            pages.push(Page { of, path });
        }
    }
    pages
}

/// The package and the version of a page: by `versions.txt` beside the pages or above them (package,
/// version, and programs, a line each), or as the system's packages have it. Of several packages, the one
/// that `claimed` names is meant, or that of the page's own name.
fn version_of(page: &Path, pages: Option<&Path>, claimed: &str) -> Outcome<(String, String)> {
    let name = &manual_page::name_of(page);
    let say = "say it with --version";
    let Some(pages) = pages else {
        let ask = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            listing::printed("dpkg-query", &words)
        };
        let page = fs::canonicalize(page).map_err(|error| format!("{}: {error}", page.display()))?;
        let owner = ask(&["-S", &page.to_string_lossy()])?;
        let package = owner.split([':', ',']).next().unwrap_or_default().to_owned();
        let version = ask(&["-W", "-f", "${Version}\\n", &package])?;
        let version = version.lines().next().unwrap_or_default();
        let known = version.starts_with(|c: char| c.is_ascii_digit());
        return if known {
            Ok((package, upstream(version)))
        } else {
            Err(format!("{name}: no version; {say}"))
        };
    };
    let places = [Some(pages), pages.parent()];
    let list =
        places.into_iter().flatten().find_map(|folder| fs::read_to_string(folder.join("versions.txt")).ok());
    let list = list.ok_or_else(|| format!("{name}: no versions.txt in {}; {say}", pages.display()))?;
    let mut found = BTreeMap::new();
    for line in list.lines() {
        let mut words = line.split_whitespace();
        if let (Some(package), Some(version)) = (words.next(), words.next())
            && (package == name || words.any(|program| program == name))
        {
            found.insert(package.to_owned(), upstream(version));
        }
    }
    let meant = found
        .keys()
        .find(|package| says(claimed, package))
        .or_else(|| found.get_key_value(name).map(|own| own.0));
    let meant = meant.or_else(|| found.keys().next().filter(|_| found.len() == 1)).cloned();
    match meant.and_then(|package| found.remove_entry(&package)) {
        Some(meant) => Ok(meant),
        None if found.is_empty() => Err(format!("{name}: in no package of versions.txt; {say}")),
        None => Err(format!("{name}: in the packages {:?}; {say}", found.keys().collect::<Vec<_>>())),
    }
}

/// The version without the epoch, the revision and the marks of a distribution: `1:9.7~rc1+dfsg-3` is 9.7.
fn upstream(version: &str) -> String {
    let version = version.split_once(':').map_or(version, |(_, version)| version);
    let version = version.rsplit_once('-').map_or(version, |(version, _)| version);
    // What a distribution took back: `4.16.0-2+really2.42.4` is 2.42.4.
    let version = version.split_once("+really").map_or(version, |(_, version)| version);
    version.split(['+', '~']).next().unwrap_or_default().to_owned()
}

/// Whether `claimed` (`"coreutils 9.10, findutils 4.10.0"`) names the version, or the package.
fn says(claimed: &str, wanted: &str) -> bool {
    claimed.split([' ', ',', ';']).any(|word| word == wanted)
}

/// The file that knows `of` (`git remote add`), and the path of the command.
fn known<'e, 'n>(entries: &'e [Entry], of: &'n str) -> Option<(&'e Entry, Vec<&'n str>)> {
    if let Some(entry) = tree::find(entries, of) {
        return Some((entry, Vec::new()));
    }
    let (name, path) = of.split_once(' ')?;
    tree::find(entries, name).map(|entry| (entry, path.split(' ').collect()))
}

/// The commands of `tool` above the one at `path`, it and those below it.
fn on_the_way<'t>(tool: &'t Tool, path: &[&str]) -> Vec<&'t Command> {
    let meets = |command: &&Command| command.path.iter().zip(path).all(|(pattern, word)| glob(pattern, word));
    tool.commands.iter().filter(meets).collect()
}

/// What `command` says of the value of `flag`.
fn kind(tool: &Tool, command: &Command, flag: &str) -> Option<ValueKind> {
    let single = command.grammar.unwrap_or(tool.grammar) == Grammar::SingleDash;
    let same = |known: &str| {
        known == flag || (single && known.trim_start_matches('-') == flag.trim_start_matches('-'))
    };
    let (_, at) = command.spellings.iter().find(|(known, _)| same(known))?;
    command.flags.get(usize::from(*at)).map(|flag| flag.value)
}

/// How `tool` declares `flag` for the command at `path`; where that does not, above it and below it.
fn kinds(tool: &Tool, path: &[&str], flag: &str) -> Vec<ValueKind> {
    let commands = on_the_way(tool, path);
    let of = |own: bool| {
        let commands = commands.iter().filter(|command| !own || command.path.len() == path.len());
        commands.filter_map(|command| kind(tool, command, flag)).collect::<Vec<_>>()
    };
    let own = if path.is_empty() { Vec::new() } else { of(true) };
    if own.is_empty() { of(false) } else { own }
}

/// Whether `tool` declares `flag` for the command at `path`, above it or below it.
fn declares(tool: &Tool, path: &[&str], flag: &str) -> bool {
    let commands = on_the_way(tool, path);
    let value = |spelling: &str| commands.iter().find_map(|command| kind(tool, command, spelling));
    let name = flag.trim_start_matches('-');
    let number = !name.is_empty() && name.chars().all(|c| c.is_ascii_digit() || c == '#');
    let numbered = || value("-NUM").is_some() || (flag == "-#" && value("-1").is_some());
    if value(flag).is_some() || tool.help.as_deref() == Some(flag) || (number && numbered()) {
        return true;
    }
    // Where every word is an operand, there are no flags.
    let mut own = commands.iter().filter(|command| command.path.len() == path.len());
    if own.any(|command| command.grammar.unwrap_or(tool.grammar) == Grammar::None) {
        return true;
    }
    // `-abc` is `-a -b -c`, up to one that takes the rest as its value.
    let clusters = |command: &&Command| {
        matches!(command.grammar.unwrap_or(tool.grammar), Grammar::Getopt | Grammar::Posix | Grammar::Bundled)
    };
    if flag.starts_with("--") || name.chars().count() < 2 || !commands.iter().any(clusters) {
        return false;
    }
    for letter in name.chars() {
        match value(&format!("-{letter}")) {
            None if letter.is_ascii_digit() && value("-NUM").is_some() => {}
            None => return false,
            Some(ValueKind::None) => {}
            Some(_) => return true,
        }
    }
    true
}

/// The records of each family, by what their pages are of.
type Records = BTreeMap<String, BTreeMap<String, Manual>>;

fn records() -> Outcome<Records> {
    let folder = tree::root().join(FOLDER);
    let mut records = Records::new();
    let Ok(files) = fs::read_dir(&folder) else { return Ok(records) };
    let mut seen = BTreeSet::new();
    for file in files {
        let path = file.map_err(|error| error.to_string())?.path();
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let family: BTreeMap<String, Manual> =
            toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        for of in family.keys() {
            if !seen.insert(of.clone()) {
                return Err(format!("{}: {of} has another record in {FOLDER}", path.display()));
            }
        }
        records.insert(path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), family);
    }
    Ok(records)
}

fn keep(records: &Records) -> Outcome<()> {
    for (family, manuals) in records.iter().filter(|(_, manuals)| !manuals.is_empty()) {
        let mut text = String::from(
            "# The flags that manual pages list, and in which version that was compared with what is known:\n\
             # `switches` without a value, `options` with one (`=?`: optional, attached only), `flags` of which\n\
             # the page does not tell, or nobody has looked.\n\
             # Written by `cargo xtask manual --record`; what is `not` a flag of the tool, or `not` its value, is\n\
             # added by hand.\n",
        );
        for (of, manual) in manuals {
            let _ = write!(text, "\n[{of:?}]\n");
            if !manual.package.is_empty() {
                let _ = writeln!(text, "package = {:?}", manual.package);
            }
            let _ = writeln!(text, "version = {:?}", manual.version);
            let lists =
                [("switches", &manual.switches), ("options", &manual.options), ("flags", &manual.flags)];
            for (key, list) in lists.map(|(key, list)| (key, items(list).collect::<Vec<_>>().join(", "))) {
                if !list.is_empty() {
                    let _ = write!(text, "{key} = \"\"\"\n{}\"\"\"\n", wrapped(&list));
                }
            }
            for (flag, reason) in &manual.not {
                let _ = writeln!(text, "not.{flag:?} = {reason:?}");
            }
        }
        tree::put(&format!("{FOLDER}/{family}.toml"), &text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use guardrail_schema::ToolFile;

    use super::*;

    fn tool(text: &str) -> Entry {
        let file = ToolFile::parse(text).unwrap();
        Entry { path: PathBuf::new(), family: "x".into(), text: text.into(), file }
    }

    const X: &str = "name = \"x\"\nfrom = \"manual\"\nchecked = \"x 1.2, y 3\"\neffect = \"read\"\n\
                     switches = \"-a -b --all -NUM\"\noptions = \"-f\"\nother_flags = \"harmless\"\n\
                     [commands.\"remote add\"]\neffect = \"write\"\nswitches = \"-m\"\n";

    #[test]
    fn what_is_not_declared_is_missing() {
        let entry = tool(X);
        let flags = "--all, -5, -ab, -abfile, -abz, -m, --any".to_owned();
        let mut manual = Manual { version: "1.2".into(), flags, ..Manual::default() };
        assert_eq!(manual.missing(&entry.file.tool, &[]), ["-abz", "--any"]);
        assert_eq!(manual.missing(&entry.file.tool, &["remote", "add"]), ["-abz", "--any"]);
        assert_eq!(manual.missing(&entry.file.tool, &["get"]), ["-abz", "-m", "--any"]);
        let words = tool(&X.replace("effect = \"read\"", "effect = \"read\"\ngrammar = \"none\""));
        assert!(manual.missing(&words.file.tool, &[]).is_empty());
        manual.not.insert("--an*".into(), "of another program".into());
        assert_eq!(manual.missing(&entry.file.tool, &[]), ["-abz"]);
    }

    #[test]
    fn what_a_page_says_of_values_is_compared() {
        let entry = tool(X);
        let manual = |switches: &str, options: &str| Manual {
            version: "1.2".into(),
            switches: switches.into(),
            options: options.into(),
            ..Manual::default()
        };
        let wrong = |manual: &Manual, path: &[&str]| manual.otherwise(&entry.file.tool, path).len();
        assert_eq!(wrong(&manual("-a, --all", "-f"), &[]), 0);
        // Declared above, below, or nowhere.
        assert_eq!(wrong(&manual("-a, -m, -z", "-f"), &["remote", "add"]), 0);
        assert_eq!(wrong(&manual("-f", "-a, --all=?"), &[]), 3);
        assert_eq!(wrong(&manual("", "-m"), &["remote", "add"]), 1);
        let mut manual = manual("-f", "-a, -b, --all=?");
        manual.not.insert("-a, --al* value".into(), "the page shows it wrong".into());
        assert_eq!(wrong(&manual, &[]), 2);
        manual.not.insert("-f".into(), "of another program".into());
        assert_eq!(
            manual.otherwise(&entry.file.tool, &[]),
            ["`-b` takes a value, and is declared as a switch"]
        );
        assert_eq!(manual.missing(&entry.file.tool, &[]), Vec::<&str>::new());
        let entries = [tool(X)];
        assert_eq!(super::wrong(&entries, "x", &manual).len(), 1);
        manual.not.insert("-b, -q value".into(), "the page shows it wrong".into());
        assert_eq!(
            super::wrong(&entries, "x", &manual),
            ["x: `-q` is not in its manual; `not` need not speak of it"]
        );
    }

    #[test]
    fn a_record_keeps_what_was_found() {
        let found = [
            ("--all", Takes::Nothing),
            ("--color", Takes::Attached),
            ("--file", Takes::Value),
            ("-q", Takes::Untold),
        ];
        let found: BTreeMap<String, Takes> = found.map(|(name, takes)| (name.to_owned(), takes)).into();
        let manual = Manual::of(&found);
        assert_eq!(manual.options, "--color=?, --file");
        let again = manual.listed().map(|(name, takes)| (name.to_owned(), takes)).collect();
        assert_eq!(found, again);
    }

    #[test]
    fn a_record_that_says_too_little_or_too_much_is_noticed() {
        let entries = [tool(X)];
        let manual = Manual { version: "1.2".into(), flags: "-a".into(), ..Manual::default() };
        assert_eq!(wrong(&entries, "x", &manual), Vec::<String>::new());
        assert_eq!(wrong(&entries, "z", &manual).len(), 1);
        let older = Manual { version: "1".into(), ..manual.clone() };
        assert_eq!(wrong(&entries, "x", &older).len(), 1);
        let lost = Manual { flags: "-a, -z".into(), ..manual.clone() };
        assert_eq!(wrong(&entries, "x remote add", &lost).len(), 1);
        let mut idle = manual.clone();
        idle.not.insert("-q".into(), " ".into());
        assert_eq!(wrong(&entries, "x", &idle).len(), 2);
        assert_eq!(wrong(&entries, "x", &Manual { flags: String::new(), ..manual }).len(), 1);
    }

    #[test]
    fn versions_without_what_a_distribution_adds() {
        for (given, wanted) in [
            ("9.10-1", "9.10"),
            ("1:2.55.0-1", "2.55.0"),
            ("2.22.0~beta2-1", "2.22.0"),
            ("5.8.6+ds1-3", "5.8.6"),
            ("20240222+ds-4", "20240222"),
            ("1:4.16.0-2+really2.42.4-1", "2.42.4"),
            ("3.4", "3.4"),
        ] {
            assert_eq!(upstream(given), wanted);
        }
        assert!(says("coreutils 9.10, findutils 4.10.0", "9.10"));
        assert!(!says("coreutils 9.10", "9.1"));
    }

    #[test]
    fn the_command_line_is_read() {
        let task = Task::read(&["--record", "--pages", "/p", "cp", "files"]).unwrap();
        assert!(task.record && task.names == ["cp", "files"] && task.pages == Some("/p".into()));
        assert!(Task::read(&["--pages"]).is_err());
        assert!(Task::read(&["--other", "cp"]).is_err());
    }
}
