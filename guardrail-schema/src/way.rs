//! How a tool's commands are rehearsed, what of the state before them is worth keeping, and what
//! takes them back: compiled from a file of `undo/`, packed apart from what the commands do, and
//! decoded only when a way back is asked for.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::Condition;

/// What is known of the ways back of one tool's commands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ways {
    /// The tool, as its templates call it.
    pub tool: String,
    /// Further names that the same is known of.
    pub also: Vec<String>,
    /// Flags that say where the tool works (a machine, a cluster, an account, a directory), by facet
    /// name or spelling: what is derived from a command is given them too.
    pub carries: Vec<String>,
    /// Rules, in the order they are asked: the first that holds counts, for the rehearsal and for
    /// the way back each.
    pub ways: Vec<Way>,
    /// The status with which a look at what is not there ends.
    pub absent_exit: i32,
    /// What a vendor's model says of single operations: groups, sorted, each with its operations,
    /// sorted.
    pub operations: Vec<(String, Vec<(String, Operation)>)>,
}

/// A rule about some commands of a tool.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Way {
    /// The paths of the commands; words may be globs. An empty path is the tool itself.
    pub of: Vec<Vec<String>>,
    /// What must hold of the call. A facet that begins with `-` is a flag as it is spelled.
    pub when: Vec<Condition>,
    /// The flags or the command that rehearse it.
    pub dry_run: Option<String>,
    /// The command whose output tells the state before.
    pub capture: Option<String>,
    /// Whether there may be no such state, which is no reason not to go on.
    pub may_be_missing: bool,
    /// Whether what looks says the same to whoever asks: then it is asked without what stands around
    /// the command (`sudo`).
    pub anyone: bool,
    /// A look that must end as said before it: else what takes it back would do more than that.
    pub needs: Option<String>,
    /// The status that `needs` must end with.
    pub exit: i32,
    /// The commands that take it back, in this order.
    pub inverse: Vec<String>,
    /// A command that keeps what would be lost. It writes, so it is a step of its own, before.
    pub backup: Option<String>,
    /// How a person takes it back, where no command can be written down beforehand.
    pub by_hand: Option<String>,
    /// Why nothing takes it back.
    pub irreversible: Option<String>,
    /// Why the way back is judged worse than what it takes back.
    pub worse: Option<String>,
    /// Why the rehearsal is judged as bad as what it rehearses.
    pub partial: Option<String>,
}

/// What a model says of one operation: each text is the operation that is asked (`delete-user`), and the
/// flags of the first one that it is given, as they were given (`--user-name`). A flag that need not be
/// there ends in `?`; `|` stands between spellings of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "file", serde(deny_unknown_fields))]
pub struct Operation {
    /// What takes it back.
    #[serde(default)]
    pub inverse: Option<String>,
    /// What must find nothing before: else it was there already, and taking it back would take more.
    #[serde(default)]
    pub absent: Option<String>,
    /// What takes it back, by an identifier that only its output has.
    #[serde(default)]
    pub printed: Option<String>,
    /// What tells the state before.
    #[serde(default)]
    pub capture: Option<String>,
    /// The name of the operation that takes it back, where its flags are not known.
    #[serde(default)]
    pub by_name: Option<String>,
    /// The name of the operation that tells the state before, where its flags are not known.
    #[serde(default)]
    pub told: Option<String>,
}

impl Ways {
    /// The rules about the command that is called by these words, in the order they are asked,
    /// whatever its flags. What a model says of the operation comes before what a glob says.
    pub fn of<'w>(&'w self, path: &'w [&'w str]) -> impl Iterator<Item = Cow<'w, Way>> {
        let modelled = !self.operations.is_empty();
        let of = move |by_glob: bool| {
            let rules = self.ways.iter().filter(move |way| {
                way.found(path).is_some_and(|of| (modelled && of.iter().any(|w| w.contains('*'))) == by_glob)
            });
            rules.map(Cow::Borrowed)
        };
        of(false).chain(self.operation(path).map(Cow::Owned)).chain(of(true))
    }

    /// What a model says of the operation, as a rule.
    fn operation(&self, path: &[&str]) -> Option<Way> {
        let (last, group) = path.split_last()?;
        let group_name = group.join(" ");
        let at = self.operations.binary_search_by(|(name, _)| name.as_str().cmp(&group_name)).ok()?;
        let (_, operations) = self.operations.get(at)?;
        let at = operations.binary_search_by(|(name, _)| name.as_str().cmp(last)).ok()?;
        let (_, operation) = operations.get(at)?;
        let asked = |text: &String| self.asked(&group_name, text);
        let plainly = |text: &String| self.plainly(&group_name, text);
        let by_hand = if let Some(text) = &operation.printed {
            Some(format!("`{}`, with the identifier that it prints", plainly(text)))
        } else if operation.inverse.is_some() {
            Some("where it was so before, there is nothing to take back".to_owned())
        } else if let Some(text) = &operation.by_name {
            Some(format!("`{}`, for the same thing, where it was not so before", plainly(text)))
        } else if operation.capture.is_some() {
            Some("give back the values that the capture shows, by an operation of their own".to_owned())
        } else {
            let told = operation.told.as_ref();
            told.map(|text| format!("give back the values that `{}` says before", plainly(text)))
        };
        Some(Way {
            of: vec![path.iter().map(|word| (*word).to_owned()).collect()],
            capture: operation.capture.as_ref().map(asked),
            needs: operation.absent.as_ref().map(asked),
            exit: self.absent_exit,
            inverse: operation.inverse.as_ref().map(asked).into_iter().collect(),
            by_hand,
            worse: Some("it takes back just what was done, by the same identifiers".to_owned()),
            ..Way::default()
        })
    }

    /// The command line that asks an operation of the same group.
    fn asked(&self, group: &str, text: &str) -> String {
        let mut line = self.tool.clone();
        let mut words = text.split_whitespace();
        for word in group.split_whitespace().chain(words.by_ref().take(1)) {
            line.push(' ');
            line.push_str(word);
        }
        for flag in words {
            match flag.strip_prefix('=') {
                // A flag of the other operation's own.
                Some(own) => line = format!("{line} {own}"),
                None => line = format!("{line} {{{flag}}}"),
            }
        }
        line
    }

    /// The same for a person, without marks.
    fn plainly(&self, group: &str, text: &str) -> String {
        let flags = text.split_whitespace().filter(|word| !word.ends_with('?'));
        let shown = flags.map(|word| word.trim_start_matches('=').split('|').next().unwrap_or(word));
        let words: Vec<&str> =
            std::iter::once(self.tool.as_str()).chain(group.split_whitespace()).chain(shown).collect();
        words.join(" ")
    }
}

impl Way {
    /// Whether it says how the command is taken back, or that it is not.
    #[must_use]
    pub fn is_back(&self) -> bool {
        !self.inverse.is_empty()
            || self.capture.is_some()
            || self.backup.is_some()
            || self.by_hand.is_some()
            || self.irreversible.is_some()
    }

    /// The first of its paths that a command's words match.
    fn found(&self, path: &[&str]) -> Option<&Vec<String>> {
        self.of.iter().find(|of| of.len() == path.len() && of.iter().zip(path).all(|(g, w)| glob(g, w)))
    }

    /// What the stars of the path's globs stand for in the words of a command it is about.
    #[must_use]
    pub fn stars<'p>(&self, path: &[&'p str]) -> Vec<&'p str> {
        let pairs = self.found(path).into_iter().flat_map(|of| of.iter().zip(path));
        pairs
            .filter_map(|(g, word)| {
                let (before, behind) = g.split_once('*')?;
                word.strip_prefix(before)?.strip_suffix(behind)
            })
            .collect()
    }
}

/// Whether `text` matches a glob with at most one star.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, behind)) => {
            text.len() >= before.len() + behind.len() && text.starts_with(before) && text.ends_with(behind)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_of_a_model_is_a_rule() {
        let one = Operation {
            inverse: Some("delete-user --user-name --path? =--force".into()),
            ..Operation::default()
        };
        let two = Operation { printed: Some("delete-key --key-id".into()), ..Operation::default() };
        let ways = Ways {
            tool: "aws".into(),
            operations: vec![("iam".into(), vec![("create-key".into(), two), ("create-user".into(), one)])],
            ..Ways::default()
        };
        let user: Vec<_> = ways.of(&["iam", "create-user"]).collect();
        assert_eq!(user[0].inverse, ["aws iam delete-user {--user-name} {--path?} --force"]);
        let key: Vec<_> = ways.of(&["iam", "create-key"]).collect();
        assert_eq!(
            key[0].by_hand.as_deref(),
            Some("`aws iam delete-key --key-id`, with the identifier that it prints")
        );
        assert!(ways.of(&["iam", "create"]).next().is_none());
    }

    #[test]
    fn stars_are_what_they_stand_for() {
        let way = Way { of: vec![vec!["*".into(), "create-*".into()]], ..Way::default() };
        assert_eq!(way.stars(&["iam", "create-user"]), ["iam", "user"]);
        assert!(way.found(&["iam", "creat"]).is_none() && way.found(&["create-user"]).is_none());
    }
}
