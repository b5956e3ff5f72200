//! What a word of a command line is for: the roles of operands and flag values.

use serde::{Deserialize, Serialize};

use crate::Language;

/// What a program does with a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Nothing that matters: a pattern, a number, a format.
    Text,
    /// A path it reads.
    Read,
    /// A path it creates or changes.
    Write,
    /// A path it deletes.
    Delete,
    /// A path it reads and sends to a network.
    Upload,
    /// Text it sends to a network; `@path` sends that file.
    Send,
    /// The directory that its other paths start from.
    Directory,
    /// A list of directories between `:` where programs or modules are searched.
    SearchPath,
    /// `source:target[:ro]` or `type=bind,source=...`: a host path made visible in a container.
    Mount,
    /// An address it talks to.
    Url,
    /// A host it talks to.
    Host,
    /// Where it connects and what it signs in with: a URL, `name=value` pairs, or no more than a name.
    Connection,
    /// One word that names a program it starts.
    Program,
    /// This word and all behind it are another command's words.
    Argv,
    /// `NAME=value` for the environment of the command it starts.
    Assignment,
    /// Source text it runs.
    Code(Language),
    /// This word and all behind it, joined by blanks, are source text it runs.
    Words(Language),
    /// Text split into words that stand in place of this flag and its value (`env -S`).
    Split,
    /// A path to source text it runs.
    Script(Language),
    /// A path to a text that describes objects (`-` is standard input), which it reads.
    Document(Language),
    /// The text that stands for an input line in the words of the wrapped command (`xargs -I{}`).
    Placeholder,
    /// The name of a thing (`namespace`, `release`, `unit`, ...): a facet that effects and cases
    /// refer to by the operand's or flag's name.
    Name,
}

impl Role {
    /// Whether it names a server that the program talks to.
    #[must_use]
    pub const fn is_address(&self) -> bool {
        matches!(self, Self::Url | Self::Host | Self::Connection)
    }
}

/// How many words an operand takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Count {
    /// Exactly one.
    One,
    /// One or none (`?`).
    Optional,
    /// Any number (`...`).
    Many,
}

/// One operand of a command: `"source: read..."`, `"pattern: text"`, `"release"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operand {
    /// The name that effects, cases and templates use.
    pub name: String,
    /// What the program does with it.
    pub role: Role,
    /// How many words it takes.
    pub count: Count,
}
