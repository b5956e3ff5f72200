//! What of the world decides what a command does, nailed down before it is approved: which files
//! its names stand for and what is in them, the directory, the environment.
//!
//! The core cannot look at the world. Whoever prepares a plan does, and looks again right before
//! a command starts; what differs makes the plan stale.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Digest;

/// What a command's names stood for when somebody looked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Pins {
    /// Files that are run, read as code or taken for a description of what to do: the program itself or
    /// the shell first, then others that the command names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PinnedFile>,
    /// Names that should have been pinned and could not be, each with the reason in a few words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unpinned: Vec<(String, String)>,
    /// The directory it runs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<PinnedDirectory>,
    /// The whole environment it gets, but for its credentials: what the command sets, what it
    /// inherits, and what the executor adds (`PATH` and the like).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
}

/// A file that is run, read as code, or taken for a description of what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PinnedFile {
    /// What it is to the command.
    pub role: FileRole,
    /// The name as the command has it.
    pub name: String,
    /// The absolute path it stands for, without symbolic links.
    pub path: String,
    /// The SHA-256 digest of its content.
    pub digest: Digest,
}

/// What a pinned file is to its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FileRole {
    /// The first word of an argument vector.
    Program,
    /// The shell that reads shell source.
    Shell,
    /// The interpreter that a script's first line names.
    Interpreter,
    /// An operand that is read as code.
    Script,
    /// A program that the command starts further in.
    Inner,
    /// An operand that describes what is done: a manifest, a compose file.
    Document,
}

/// The directory a command runs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PinnedDirectory {
    /// The path as the command has it.
    pub name: String,
    /// The absolute path it stands for, without symbolic links.
    pub path: String,
    /// The device it is on, where the system numbers devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<u64>,
    /// Its number on that device, where the system numbers directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inode: Option<u64>,
}

impl Pins {
    /// What differs between these and what is found now, in a sentence each; empty where nothing
    /// does.
    #[must_use]
    pub fn drift(&self, now: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for pin in &self.files {
            let same = |other: &&PinnedFile| other.role == pin.role && other.name == pin.name;
            match now.files.iter().find(same) {
                None => found.push(format!("{} is no longer there", pin.name)),
                Some(other) if other.path != pin.path => {
                    found.push(format!("{} is now {}, and was {}", pin.name, other.path, pin.path));
                }
                Some(other) if other.digest != pin.digest => {
                    found.push(format!("{} has changed", pin.path));
                }
                Some(_) => {}
            }
        }
        if found.is_empty() && self.files != now.files {
            found.push("the files that it runs are others".to_owned());
        }
        if self.unpinned != now.unpinned {
            found.push("what could not be pinned is something else".to_owned());
        }
        if self.directory != now.directory {
            found.push("the working directory is another one".to_owned());
        }
        // Values stay out of the sentence: it is shown, and one of them could be a secret.
        for name in self.environment.keys().chain(now.environment.keys()) {
            if self.environment.get(name) != now.environment.get(name) {
                let sentence = format!("the environment variable {name} has changed");
                if found.last() != Some(&sentence) && !found.contains(&sentence) {
                    found.push(sentence);
                }
            }
        }
        found
    }
}
