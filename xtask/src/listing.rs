//! What a tool itself says that it can do: its help or its completion, run and read.
//!
//! `xtask/data/listings.toml` says for each tool how to ask and how to read the answer. Programs are
//! started with their words, never through a shell, without input, and for a few seconds only.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::{Outcome, tree};

/// How long a program may take to print its help.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longer than any help that is read.
const MOST: u64 = 4 << 20;

/// How one tool is asked for what it can do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// The words that make it print its version.
    #[serde(default = "version")]
    pub version: Vec<String>,
    /// The words that make it print its commands; more than one question where the inner list is.
    #[serde(default = "help")]
    pub ask: Vec<Vec<String>>,
    /// How the answer is read.
    #[serde(default)]
    pub form: Form,
    /// How deep subcommands of subcommands are asked for, by the same words behind them.
    #[serde(default)]
    pub depth: usize,
    /// Words that the form takes for commands and that are none.
    #[serde(default)]
    pub not: Vec<String>,
}

fn version() -> Vec<String> {
    vec!["--version".into()]
}

fn help() -> Vec<Vec<String>> {
    vec![vec!["--help".into()]]
}

/// How a list of commands is laid out.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Indented names below a heading that speaks of commands, with a text behind each.
    #[default]
    Sections,
    /// Names between commas, below such a heading.
    Commas,
    /// The first word of each line.
    Lines,
    /// Every word.
    Words,
    /// `{one,two}`: the first such list.
    Braces,
    /// Indented names anywhere, with a text behind each.
    Indented,
}

/// Runs `tool` with `words`; what it printed, on whichever stream.
///
/// # Errors
///
/// Where it cannot be started, or takes too long.
pub fn printed(tool: &str, words: &[String]) -> Outcome<String> {
    let mut command = Command::new(tool);
    command.args(words);
    answer(command, format!("{tool} {}", words.join(" ")).trim_end())
}

/// Runs `command`, which errors call `name`; what it printed, on whichever stream.
///
/// # Errors
///
/// Where it cannot be started, or takes too long.
pub fn answer(mut command: Command, name: &str) -> Outcome<String> {
    let said = |error: std::io::Error| format!("{name}: {error}");
    let mut child = command
        .env("LC_ALL", "C")
        .env("PAGER", "cat")
        .env("MANPAGER", "cat")
        .env("COLUMNS", "200")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(said)?;
    let streams = (child.stdout.take(), child.stderr.take());
    let reader = |stream: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(stream) = stream {
                // What came before an error is all there is to read.
                let _ = stream.take(MOST).read_to_end(&mut bytes);
            }
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let out = reader(streams.0.map(|s| Box::new(s) as Box<dyn std::io::Read + Send>));
    let err = reader(streams.1.map(|s| Box::new(s) as Box<dyn std::io::Read + Send>));
    let start = Instant::now();
    while child.try_wait().map_err(said)?.is_none() {
        if start.elapsed() > PATIENCE {
            child.kill().map_err(said)?;
            child.wait().map_err(said)?;
            return Err(format!("{name}: took longer than {PATIENCE:?}"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
    Ok(plain(&format!("{out}\n{err}")))
}

/// The listings by the names of their tools.
///
/// # Errors
///
/// Where the file is none.
pub fn listings() -> Outcome<BTreeMap<String, Listing>> {
    toml::from_str(&tree::data("listings.toml")?).map_err(|error| format!("listings.toml: {error}"))
}

/// The version that `tool` gives itself: the first word with a digit and a dot.
///
/// # Errors
///
/// Where it cannot be asked.
pub fn version_of(tool: &str, listing: &Listing) -> Outcome<String> {
    let text = printed(tool, &listing.version)?;
    let clean = |word: &str| {
        let start = word.find(|c: char| c.is_ascii_digit()).unwrap_or(word.len());
        let rest = word.get(start..).unwrap_or_default();
        let end =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && !".-+~_".contains(c)).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default().trim_end_matches('.').to_owned()
    };
    let versions = text.split_whitespace().map(clean);
    versions
        .into_iter()
        .find(|word| word.contains('.') && word.len() > 2)
        .ok_or_else(|| format!("{tool}: no version in what it prints"))
}

/// Every command that `tool` lists, as paths of words.
///
/// # Errors
///
/// Where it cannot be asked.
pub fn commands(tool: &str, listing: &Listing) -> Outcome<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    below(tool, listing, "", listing.depth, &mut found)?;
    Ok(found)
}

fn below(
    tool: &str,
    listing: &Listing,
    path: &str,
    depth: usize,
    found: &mut BTreeSet<String>,
) -> Outcome<()> {
    let mut texts = Vec::new();
    for ask in &listing.ask {
        let words: Vec<String> =
            path.split_whitespace().map(str::to_owned).chain(ask.iter().cloned()).collect();
        texts.push(printed(tool, &words)?);
    }
    for text in texts {
        for name in names(&text, listing.form, tool, path) {
            if listing.not.contains(&name) {
                continue;
            }
            let inner = if path.is_empty() { name } else { format!("{path} {name}") };
            // A command that lists itself again has no commands of its own.
            let repeats = path.split_whitespace().last() == inner.split_whitespace().last();
            if !repeats && found.insert(inner.clone()) && depth > 0 {
                below(tool, listing, &inner, depth - 1, found)?;
            }
        }
    }
    Ok(())
}

/// The names that a text lists.
#[must_use]
pub fn names(text: &str, form: Form, tool: &str, path: &str) -> Vec<String> {
    let named = |word: &&str| is_name(word);
    match form {
        Form::Words => text.split_whitespace().filter(named).map(str::to_owned).collect(),
        Form::Lines => text
            .lines()
            .filter_map(|l| l.split_whitespace().next())
            .filter(named)
            .map(str::to_owned)
            .collect(),
        Form::Braces => {
            let list =
                text.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(list, _)| list);
            list.split(',').map(str::trim).filter(named).map(str::to_owned).collect()
        }
        Form::Commas => {
            let list = text.to_ascii_lowercase().find("commands:").and_then(|at| text.get(at + 9..));
            let list = list.unwrap_or_default().trim_start();
            let list = list.split("\n\n").next().unwrap_or_default();
            list.split(',').map(str::trim).filter(named).map(str::to_owned).collect()
        }
        Form::Sections | Form::Indented => sections(text, matches!(form, Form::Indented), tool, path),
    }
}

fn sections(text: &str, anywhere: bool, tool: &str, path: &str) -> Vec<String> {
    let (mut inside, mut indent, mut found) = (anywhere, 0, Vec::new());
    let tool = tool.rsplit('/').next().unwrap_or(tool);
    for line in text.lines() {
        let body = line.trim_start();
        let depth = line.len() - body.len();
        let heading = body.trim_end().trim_end_matches(':').to_ascii_lowercase();
        let shouts =
            body.chars().any(|c| c.is_ascii_uppercase()) && !body.chars().any(|c| c.is_ascii_lowercase());
        if (body.trim_end().ends_with(':') || shouts) && depth < 4 && !body.is_empty() && !body.contains("  ")
        {
            inside = anywhere
                || heading.ends_with("commands")
                || heading.contains("commands (")
                || heading.ends_with("subcommands")
                || heading.ends_with("command");
            indent = 0;
            continue;
        }
        if !inside || body.is_empty() {
            continue;
        }
        if depth == 0 && !anywhere {
            // A line at the margin ends a section, unless names stand there.
            let named = body.split_whitespace().next().is_some_and(is_name) && body.contains("  ");
            if !named {
                continue;
            }
        }
        if indent == 0 {
            indent = depth;
        }
        if depth > indent {
            continue;
        }
        let mut head = body.split("  ").next().unwrap_or(body).split(" - ").next().unwrap_or(body).trim();
        let own = format!("{tool} {path}");
        if let Some(rest) = head.strip_prefix(own.trim()) {
            head = rest.trim_start();
        }
        for (at, alias) in head.split([',', '|']).enumerate() {
            let word = alias.split_whitespace().next().unwrap_or_default().trim_end_matches([':', '*']);
            if is_name(word) && (at == 0 || !alias.trim().contains(' ')) {
                found.push(word.to_owned());
            }
        }
    }
    found
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c))
        && !word.ends_with(['.', ':'])
}

/// The text without colours.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("\u{1b}[") {
        out += before;
        let end = behind.find(|c: char| c.is_ascii_alphabetic()).map_or(behind.len(), |at| at + 1);
        rest = behind.get(end..).unwrap_or_default();
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_below_headings_are_commands() {
        let text = "Usage: x [flags]\n\nManagement Commands:\n  buildx*     Docker Buildx\n  system, sys Manage\n\nFlags:\n  \
                    -h, --help  help\n";
        assert_eq!(names(text, Form::Sections, "x", ""), ["buildx", "system"]);
        let text = "Commands:\n  get         one\n  put         two\n    more of it\nOptions:\n  all         no command\n";
        assert_eq!(names(text, Form::Sections, "x", ""), ["get", "put"]);
        let text = "COMMANDS\n  wrangler d1 create <name>   Create\n";
        assert_eq!(names(text, Form::Sections, "wrangler", "d1"), ["create"]);
    }

    #[test]
    fn lists_between_commas_and_braces() {
        let text = "All commands:\n\n    access, adduser,\n    audit\n\nSpecify configs";
        assert_eq!(names(text, Form::Commas, "npm", ""), ["access", "adduser", "audit"]);
        assert_eq!(names("usage: x {one,two} ...", Form::Braces, "x", ""), ["one", "two"]);
    }
}
