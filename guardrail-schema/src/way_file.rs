//! Reading a file of `undo/`: TOML in, checked [`Ways`] and their examples out.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Table;

use crate::keys::Keys;
use crate::{FileError, Operation, Way, Ways};

/// A file about the ways back of one tool's commands, read and checked.
#[derive(Clone, Debug)]
pub struct WaysFile {
    /// What it says.
    pub ways: Ways,
    /// A command line or more for each rule, in the order of the rules: what must be derived from
    /// each is checked.
    pub examples: Vec<Vec<WayExample>>,
}

/// An example of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayExample {
    /// A command line that the rule is about.
    pub run: String,
    /// The commands that take it back, as they must come out; nothing is said where it is `None`.
    pub back: Option<Vec<String>>,
}

/// One text or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Texts {
    fn list(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

impl WaysFile {
    /// Reads one file.
    ///
    /// # Errors
    ///
    /// [`FileError`] where the text is no TOML, has an unknown key, a rule says nothing or has no
    /// example, or says both that something takes a command back and that nothing does.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let table: Table = text
            .parse()
            .map_err(|e: toml::de::Error| FileError { key: "undo".into(), message: e.to_string() })?;
        let mut keys = Keys::new(String::new(), table);
        let tool: String = keys.require("tool")?;
        let carries = keys.take::<String>("carries")?.unwrap_or_default();
        let mut ways = Ways {
            tool,
            carries: carries.split_whitespace().map(str::to_owned).collect(),
            ..Ways::default()
        };
        let mut examples = Vec::new();
        for (index, table) in keys.take::<Vec<Table>>("ways")?.unwrap_or_default().into_iter().enumerate() {
            let (way, runs) = way(Keys::new(format!("ways[{index}]"), table))?;
            ways.ways.push(way);
            examples.push(runs);
        }
        let operations: BTreeMap<String, BTreeMap<String, Operation>> =
            keys.take("operations")?.unwrap_or_default();
        ways.operations =
            operations.into_iter().map(|(group, list)| (group, list.into_iter().collect())).collect();
        keys.finish()?;
        if ways.ways.is_empty() && ways.operations.is_empty() {
            return Err(FileError {
                key: "ways".into(),
                message: "is missing: the file says nothing".into(),
            });
        }
        Ok(Self { ways, examples })
    }
}

fn way(mut keys: Keys) -> Result<(Way, Vec<WayExample>), FileError> {
    let of: String = keys.require("of")?;
    let paths = of.split(',').map(|path| path.split_whitespace().map(str::to_owned).collect());
    let way = Way {
        of: paths.collect(),
        when: keys.take::<Table>("when")?.map_or(Ok(Vec::new()), |when| keys.conditions(when))?,
        dry_run: keys.take("dry_run")?,
        capture: keys.take("capture")?,
        may_be_missing: keys.take("may_be_missing")?.unwrap_or(false),
        inverse: keys.take::<Texts>("inverse")?.map(Texts::list).unwrap_or_default(),
        backup: keys.take("backup")?,
        by_hand: keys.take("by_hand")?,
        irreversible: keys.take("irreversible")?,
        worse: keys.take("worse")?,
        partial: keys.take("partial")?,
    };
    let runs = keys.take::<Texts>("run")?.map(Texts::list).unwrap_or_default();
    let mut back = keys.take::<Texts>("back")?.map(Texts::list);
    if !way.is_back() && way.dry_run.is_none() {
        return Err(keys.error("inverse", "is missing: a rule without one says nothing"));
    }
    if way.irreversible.is_some() && !(way.inverse.is_empty() && way.by_hand.is_none()) {
        return Err(keys.error("irreversible", "stands beside what takes it back"));
    }
    if way.of.iter().flatten().any(|word| word.matches('*').count() > 1) {
        return Err(keys.error("of", "a word has one star at most"));
    }
    let templates = [&way.dry_run, &way.capture, &way.backup];
    if runs.is_empty() && (!way.inverse.is_empty() || templates.iter().any(|template| template.is_some())) {
        return Err(keys.error("run", "is missing: a command line that shows what comes of the rule"));
    }
    if back.is_some() && way.inverse.is_empty() {
        return Err(keys.error("back", "stands beside no `inverse`"));
    }
    keys.finish()?;
    // What must come out is said of the first example.
    let examples = runs.into_iter().map(|run| WayExample { run, back: back.take() }).collect();
    Ok((way, examples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read() {
        let file = WaysFile::parse(
            r#"
tool    = "git"
carries = "-C --git-dir"

[[ways]]
of      = "reset, merge"
when    = { hard = "present" }
capture = "git rev-parse HEAD"
inverse = "git reset --hard {captured}"
run     = "git reset --hard HEAD~1"
back    = "git reset --hard {{captured.before}}"

[[ways]]
of           = ""
irreversible = "it says so"

[operations."iam"]
create-user = { inverse = "delete-user --user-name" }
"#,
        )
        .unwrap();
        assert_eq!(file.ways.carries, ["-C", "--git-dir"]);
        assert_eq!(file.ways.ways[0].of.len(), 2);
        assert_eq!(file.ways.ways[1].of, [Vec::<String>::new()]);
        assert_eq!(file.examples[0][0].back.as_deref().unwrap(), ["git reset --hard {{captured.before}}"]);
        assert_eq!(file.ways.of(&["iam", "create-user"]).count(), 1);
    }

    #[test]
    fn what_says_nothing_or_too_much_is_refused() {
        let refused = |rule: &str| {
            WaysFile::parse(&format!("tool = \"x\"\n[[ways]]\nof = \"a\"\n{rule}")).unwrap_err().to_string()
        };
        assert_eq!(refused(""), "ways[0].inverse: is missing: a rule without one says nothing");
        assert!(refused("inverse = \"x b\"").starts_with("ways[0].run: is missing"));
        assert!(refused("by_hand = \"so\"\nirreversible = \"not so\"").contains("stands beside"));
        assert_eq!(refused("by_hand = \"so\"\ninvers = \"x\""), "ways[0].invers: unknown key");
        assert!(WaysFile::parse("tool = \"x\"").is_err());
    }
}
