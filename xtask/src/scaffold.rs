//! `cargo xtask new-tool`: a knowledge file from a tool's own help. What the help cannot say, the
//! effects, is left out, so that the file is refused until a person has said it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::listing::{self, Form, Listing};
use crate::{Outcome, tree};

/// Writes `guardrail-knowledge/tools/FAMILY/NAME.toml`.
///
/// # Errors
///
/// Where the tool is known, cannot be asked, or its file cannot be written.
pub fn run(name: &str, family: &str) -> Outcome<()> {
    if let Some(entry) = tree::find(&tree::tools()?, name) {
        return Err(format!("{name}: is known in {}", entry.path.display()));
    }
    let listing = listing::listings()?.remove(name).unwrap_or_else(|| Listing {
        version: vec!["--version".into()],
        ask: vec![vec!["--help".into()]],
        form: Form::Sections,
        depth: 1,
        not: Vec::new(),
    });
    let version = listing::version_of(name, &listing).unwrap_or_default();
    let root = listing::printed(name, &["--help".into()])?;
    let mut commands = BTreeMap::new();
    for path in listing::commands(name, &listing)? {
        let mut words: Vec<String> = path.split_whitespace().map(str::to_owned).collect();
        words.push("--help".into());
        let text = listing::printed(name, &words).unwrap_or_default();
        commands.insert(path, text);
    }
    let path = format!("guardrail-knowledge/tools/{family}/{name}.toml");
    tree::put(&path, &draft(name, &version, &root, &commands))?;
    println!("{path}: say what each command does (docs/adding-a-tool.md), then `cargo xtask check {name}`");
    Ok(())
}

/// The file, as far as help texts say it.
#[must_use]
pub fn draft(name: &str, version: &str, root: &str, commands: &BTreeMap<String, String>) -> String {
    let mut text = format!(
        "name    = {name:?}\nruntime = \"\"   # \"native\", or what it is written in and starts\nsummary = \"\"\nchecked = {version:?}\nfrom    = \"installed\"\n"
    );
    let global = flags(root);
    text += &lists(&global, &Flags::default());
    if commands.is_empty() {
        text += "operands = []   # what are its words? then an effect\n";
    }
    for (path, help) in commands {
        // No effect stands here, and so the file is refused until one does.
        let _ = write!(text, "\n[commands.{path:?}]\n{}", lists(&flags(help), &global));
    }
    let _ = write!(text, "\n[[examples]]\nrun    = \"{name} \"\neffect = \"\"\nrisk   = \"\"\n");
    text
}

/// The flags of a help text.
#[derive(Debug, Default)]
struct Flags {
    switches: BTreeSet<String>,
    options: BTreeSet<String>,
}

fn lists(own: &Flags, known: &Flags) -> String {
    let mut text = String::new();
    for (key, of, without) in
        [("switches", &own.switches, &known.switches), ("options ", &own.options, &known.options)]
    {
        let left: Vec<&str> = of.difference(without).map(String::as_str).collect();
        if !left.is_empty() {
            let _ = writeln!(text, "{key} = \"{}\"", left.join(" "));
        }
    }
    text
}

/// The flags that begin a line, each with its other spellings before the text about it.
fn flags(help: &str) -> Flags {
    let mut flags = Flags::default();
    for line in help.lines().map(str::trim_start).filter(|line| line.starts_with('-')) {
        let head = line.split("  ").next().unwrap_or(line);
        let takes = head.contains('=') || head.contains('<') || head.contains(" [") || {
            let last = head.split_whitespace().last().unwrap_or_default();
            !last.starts_with('-') && !last.is_empty()
        };
        let optional = head.contains("[=");
        for word in head.split([',', ' ', '|']).filter(|word| word.starts_with('-')) {
            let end = word.find(['=', '[', '<']).unwrap_or(word.len());
            let spelling = word.get(..end).unwrap_or(word);
            let fits = spelling.trim_start_matches('-').starts_with(|c: char| c.is_ascii_alphanumeric())
                && spelling.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
            if fits && optional {
                flags.options.insert(format!("{spelling}=?"));
            } else if fits && takes {
                flags.options.insert(spelling.to_owned());
            } else if fits {
                flags.switches.insert(spelling.to_owned());
            }
        }
    }
    flags
}

#[cfg(test)]
mod tests {
    use guardrail_schema::ToolFile;

    use super::*;

    const ROOT: &str =
        "Usage: x\n\nOptions:\n  -v, --verbose        say more\n  -o, --output FILE    where to\n";

    #[test]
    fn a_draft_is_refused_until_effects_are_said() {
        let commands = BTreeMap::from([("get".to_owned(), "  --all   every one\n".to_owned())]);
        let text = draft("x", "1.2", ROOT, &commands);
        assert!(text.contains("switches = \"--verbose -v\""), "{text}");
        assert!(text.contains("options  = \"--output -o\""), "{text}");
        assert!(ToolFile::parse(&text).is_err());
        let filled = text
            .replace("switches = \"--all\"", "switches = \"--all\"\neffect = \"read\"")
            .replace("effect = \"\"", "effect = \"read\"")
            .replace("risk   = \"\"", "risk = \"low\"");
        assert!(ToolFile::parse(&filled).is_ok(), "{filled}");
    }

    #[test]
    fn a_value_in_brackets_is_optional() {
        assert!(flags("  --color[=WHEN]   colours\n").options.contains("--color=?"));
    }
}
