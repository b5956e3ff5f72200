//! What the objects are that a document describes: Kubernetes manifests, compose files, plans of
//! infrastructure.

use serde::{Deserialize, Serialize};

use crate::{Effect, Language, Role};

/// What is known of one kind of documents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Document {
    /// Which documents.
    pub language: Language,
    /// The version of the format that its file was checked against.
    pub checked: String,
    /// How objects are found in them.
    pub shape: Shape,
    /// Globs for the names of files that are read where a directory is named; empty where none is.
    pub files: Vec<String>,
    /// The command that prints what is read here of a file that is no text itself; empty where the file
    /// is one.
    pub printed_by: String,
    /// A beginning of an unknown piece inside of a value (`$` in compose files); what it stands
    /// for is filled in later.
    pub fills: Option<String>,
    /// What objects are, by their kind.
    pub objects: Vec<Objects>,
    /// What single fields say.
    pub fields: Vec<Field>,
    /// Keys whose value holds such fields: one that cannot be known may hold any of them.
    pub within: Vec<String>,
}

/// How objects are found in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// Each document is an object that says its `kind`, or a list of them under `items`.
    Kinds,
    /// Objects by their names, under one key for each kind: the key and the kind.
    Sections(Vec<(String, String)>),
    /// `resource_changes`, each with its `type`, `address` and `change.actions`.
    Changes,
    /// None: they say what is done with other documents.
    Fields,
}

/// What objects of a kind are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Objects {
    /// The kinds, as globs; letters of either case match.
    pub kinds: Vec<String>,
    /// Whether they belong to no namespace.
    pub cluster: bool,
    /// What creating or changing one does, beside what the command does to each.
    pub changed: Vec<Effect>,
    /// What deleting one does.
    pub deleted: Vec<Effect>,
}

/// What a field says, wherever its path leads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Field {
    /// Keys from the object down, `*` for any one key or place in a list.
    pub path: Vec<String>,
    /// Whether the path may begin anywhere below the object (`**.` before it).
    pub anywhere: bool,
    /// Globs for the values that matter; empty for all that are not off.
    pub when: Vec<String>,
    /// Globs for values that do not.
    pub harmless: Vec<String>,
    /// What the program does with the value.
    pub role: Option<Role>,
    /// Whether it counts only where its value can be told: else one that cannot be told is a doubt.
    pub known: bool,
    /// Whether a document that it names or holds is laid over an object that stands elsewhere.
    pub pieces: bool,
    /// The key beside it whose value continues it (`args` of a `command`).
    pub then: Option<String>,
    /// What it does.
    pub effects: Vec<Effect>,
}
