//! How knowledge files write what a word is for: `source: read...`, `code:shell`, `release`.

use crate::{Count, Language, Operand, Role};

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
            "connection" => Self::Connection,
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

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
