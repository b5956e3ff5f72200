//! What the recogniser knows about one general-purpose language: data, no code.

use super::super::Act;
use super::super::Known;

/// How a language is written, and which of its names are harmless.
///
/// Every table of names is sorted, since it is searched.
#[derive(Debug)]
pub(super) struct Dialect {
    /// How its text falls into tokens.
    pub(super) syntax: Syntax,
    /// Keywords, and functions and constants that only compute.
    pub(super) words: &'static [&'static str],
    /// Names that mean something without being bound in the text, and are not harmless: binding
    /// them does not make them so.
    pub(super) reserved: &'static [&'static str],
    /// Names of modules and the like: only what stands in `members_of` may be taken from them.
    pub(super) roots: &'static [&'static str],
    /// Libraries that may be loaded beside the roots.
    pub(super) modules: &'static [&'static str],
    /// What may be taken from a root, as `root.member`.
    pub(super) members_of: &'static [&'static str],
    /// Those of them that read the file that their first argument names.
    pub(super) readers: &'static [&'static str],
    /// Members that are harmless on whatever a harmless text can get hold of.
    pub(super) members: &'static [&'static str],
    /// Data may be taken by any name except these, where it is not called.
    pub(super) never_members: &'static [&'static str],
    /// Calls and names that act on the world, to say what an opaque text seems to do.
    pub(super) acts: &'static [Plain],
    /// What runs text as code.
    pub(super) evaluators: &'static [&'static str],
    /// Calls that read the file named first: where text is run, it may be that one.
    pub(super) sources: &'static [&'static str],
}

impl Dialect {
    /// Whether a path names something that may be taken: of Python's trees, every kind of node.
    pub(super) fn gives(&self, path: &[u8]) -> bool {
        let node = |name: &[u8]| {
            name.first().is_some_and(u8::is_ascii_uppercase)
                && name.iter().all(u8::is_ascii_alphanumeric)
                && !name.starts_with(b"Node")
        };
        lists(self.members_of, path)
            || self.syntax == Syntax::Python && path.strip_prefix(b"ast.").is_some_and(node)
    }

    /// Whether a path names a module that something may be taken from.
    pub(super) fn holds(&self, path: &[u8]) -> bool {
        let at = self.members_of.partition_point(|member| member.as_bytes() < path);
        // What begins with the path and a dot stands near behind it in the table.
        self.members_of
            .iter()
            .skip(at)
            .take(64)
            .any(|member| member.as_bytes().strip_prefix(path).is_some_and(|rest| rest.starts_with(b".")))
    }
}

/// Which family of languages the text belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    Python,
    JavaScript,
    Ruby,
    Php,
    /// Read by its own recogniser.
    Perl,
}

/// A piece of text that tells of an act.
#[derive(Debug)]
pub(super) struct Plain {
    /// What stands in the text, from the start of a word.
    pub(super) text: &'static str,
    /// What that does.
    pub(super) act: Kind,
}

/// An act whose value is still to be found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    Shell,
    /// A program with its words, or a shell's text where there is only one.
    Argv,
    Write,
    Delete,
    Network,
    Load,
}

impl Deed {
    pub(super) fn of(self, value: Known<'_>) -> Act<'_> {
        match self {
            Self::Shell | Self::Argv => Act::Shell(value),
            Self::Write => Act::Write(value),
            Self::Delete => Act::Delete(value),
            Self::Network => Act::Network(value),
            Self::Load => Act::Load(value),
        }
    }
}

/// The acts that a plain piece of text can tell of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// The value is the constant string behind the text, if one stands there.
    With(Deed),
    /// There is no value, or none that can be told.
    Without(Deed),
    /// What stands between the text and this byte is shell source.
    Until(u8),
    Environment,
}

pub(super) const fn until(text: &'static str, close: u8) -> Plain {
    Plain { text, act: Kind::Until(close) }
}

pub(super) const fn with(text: &'static str, act: Deed) -> Plain {
    Plain { text, act: Kind::With(act) }
}

pub(super) const fn without(text: &'static str, act: Deed) -> Plain {
    Plain { text, act: Kind::Without(act) }
}

pub(super) const fn environment(text: &'static str) -> Plain {
    Plain { text, act: Kind::Environment }
}

/// Whether `name` stands in a sorted table.
pub(super) fn lists(table: &[&str], name: &[u8]) -> bool {
    table.binary_search_by(|entry| entry.as_bytes().cmp(name)).is_ok()
}
