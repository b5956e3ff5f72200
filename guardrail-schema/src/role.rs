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
    /// The role a word of a knowledge file names; `None` where it is the name of a thing.
    fn reserved(word: &str) -> Option<Self> {
        if let Some((role, language)) = word.split_once(':') {
            let language = Language::from_name(language)?;
            return match role {
                "code" => Some(Self::Code(language)),
                "words" => Some(Self::Words(language)),
                "script" => Some(Self::Script(language)),
                "document" if language.is_document() => Some(Self::Document(language)),
                _ => None,
            };
        }
        Some(match word {
            "text" => Self::Text,
            "read" => Self::Read,
            "write" => Self::Write,
            "delete" => Self::Delete,
            "upload" => Self::Upload,
            "send" => Self::Send,
            "directory" => Self::Directory,
            "search-path" => Self::SearchPath,
            "mount" => Self::Mount,
            "url" => Self::Url,
            "host" => Self::Host,
            "program" => Self::Program,
            "argv" => Self::Argv,
            "split" => Self::Split,
            "assignment" => Self::Assignment,
            "placeholder" => Self::Placeholder,
            _ => return None,
        })
    }

    /// The role and the facet name of `is = "..."`: a reserved word is its own name.
    pub(crate) fn parse(word: &str) -> Result<(String, Self), String> {
        match Self::reserved(word) {
            Some(role) => Ok((word.split(':').next().unwrap_or(word).to_owned(), role)),
            None if is_name(word) => Ok((word.to_owned(), Self::Name)),
            None => Err(format!("`{word}` is neither a role nor a name (lower-case letters, digits, `-`)")),
        }
    }
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
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

impl Operand {
    /// Reads `NAME`, `ROLE`, `NAME: ROLE`, each with `?` or `...` behind it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (body, count) = if let Some(body) = text.strip_suffix("...") {
            (body, Count::Many)
        } else if let Some(body) = text.strip_suffix('?') {
            (body, Count::Optional)
        } else {
            (text, Count::One)
        };
        let (name, role) = match body.split_once(": ") {
            Some((name, role)) if is_name(name) => (name.to_owned(), Role::parse(role)?.1),
            Some((name, _)) => return Err(format!("`{name}` is not a name")),
            None => Role::parse(body)?,
        };
        Ok(Self { name, role, count })
    }
}
