//! `cargo xtask manual`: is every flag that a tool's manual lists declared?
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
    /// The flags that it lists, between commas.
    #[serde(default)]
    pub flags: String,
    /// What of these is no flag of the tool, each with the reason. Written by hand; a star stands for any
    /// letters.
    #[serde(default)]
    pub not: BTreeMap<String, String>,
}

impl Manual {
    fn flags(&self) -> impl Iterator<Item = &str> {
        self.flags.split(',').map(str::trim).filter(|flag| !flag.is_empty())
    }

    /// What the page lists, and `tool` declares nowhere on the way to the command at `path`.
    fn missing(&self, tool: &Tool, path: &[&str]) -> Vec<&str> {
        self.flags()
            .filter(|flag| !self.not.keys().any(|pattern| glob(pattern, flag)) && !declares(tool, path, flag))
            .collect()
    }
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
    if manual.version.is_empty() || manual.flags().next().is_none() {
        problems.push(format!("{of}: the record is empty: cargo xtask manual --record"));
    }
    for (flag, reason) in &manual.not {
        if reason.trim().is_empty() {
            problems.push(format!("{of}: why is `{flag}` no flag of it?"));
        }
        if !manual.flags().any(|listed| glob(flag, listed)) {
            problems.push(format!("{of}: `{flag}` is not in its manual; `not` need not speak of it"));
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
        let flags: Vec<String> = manual_page::flags(&text, tool.grammar).into_iter().collect();
        let not = family.get(&page.of).map(|old| old.not.clone()).unwrap_or_default();
        let (package, version) = (package.clone(), version.clone());
        let manual = Manual { package, version, flags: flags.join(", "), not };
        let missing = manual.missing(tool, &command);
        println!("{} {}: {} flags, {} not declared", page.of, manual.version, flags.len(), missing.len());
        let keeps = task.record && (missing.is_empty() || !complete);
        if !missing.is_empty() {
            problems.push(format!("{}: {}", page.of, missing.join(", ")));
        }
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

/// Whether `tool` declares `flag` for the command at `path`, above it or below it.
fn declares(tool: &Tool, path: &[&str], flag: &str) -> bool {
    let on_the_way =
        |command: &&Command| command.path.iter().zip(path).all(|(pattern, word)| glob(pattern, word));
    let commands: Vec<&Command> = tool.commands.iter().filter(on_the_way).collect();
    let value = |spelling: &str| {
        commands.iter().find_map(|command| {
            let single = command.grammar.unwrap_or(tool.grammar) == Grammar::SingleDash;
            let same = |known: &str| {
                known == spelling
                    || (single && known.trim_start_matches('-') == spelling.trim_start_matches('-'))
            };
            let (_, at) = command.spellings.iter().find(|(known, _)| same(known))?;
            command.flags.get(usize::from(*at)).map(|flag| flag.value)
        })
    };
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
            "# The flags that manual pages list, and in which version that was compared with what is known.\n\
             # Written by `cargo xtask manual --record`; what is `not` a flag of the tool is added by hand.\n",
        );
        for (of, manual) in manuals {
            let _ = write!(text, "\n[{of:?}]\n");
            if !manual.package.is_empty() {
                let _ = writeln!(text, "package = {:?}", manual.package);
            }
            let list = wrapped(&manual.flags().collect::<Vec<_>>().join(", "));
            let _ = write!(text, "version = {:?}\nflags = \"\"\"\n{list}\"\"\"\n", manual.version);
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
