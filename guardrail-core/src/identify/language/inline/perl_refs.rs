//! What Perl reaches through references. Where a reference is wanted, Perl takes a text for the name
//! of a variable: `$x = "ARGV"; push @$x, "id|"` starts a program with the next `<>`.
//!
//! A value is known to be a reference where nothing but its use as one ever made it. Through any
//! other value a text may only look, and only at what holds no secret.

/// How a value is used as a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Through {
    /// The elements of an array, or their number.
    Array,
    /// One element of a hash, by a name that no variable of the environment with a secret has.
    Plain,
    /// The names of the elements of a hash.
    Keys,
    /// Any of its elements.
    Any,
}

/// One way from a variable to what lies in it: `$h{a}{b}`, `@{$h{a}}`, `$_->{name}`.
#[derive(Clone, Debug)]
pub(super) struct Way<'t> {
    /// `@` or `%`, or `$` for a single value.
    sigil: u8,
    /// Empty for what no variable holds.
    name: &'t [u8],
    /// How deep the place lies that it leads to. The elements of an array lie one deep.
    level: u32,
    /// Nothing but the name stands there yet.
    fresh: bool,
    /// The values that are used as references, by their depth.
    through: Vec<(u32, Through)>,
    /// The place gets a value that need not be a reference.
    pub(super) written: bool,
    /// Something of the place is taken away, or the place is put aside.
    pub(super) target: bool,
    /// It stands in a text, where nothing is changed.
    pub(super) shown: bool,
    /// It is the first mention of a variable.
    pub(super) declared: bool,
}

impl<'t> Way<'t> {
    /// A variable.
    pub(super) fn of(sigil: u8, name: &'t [u8]) -> Self {
        let (written, target, shown, declared) = (false, false, false, false);
        let level = u32::from(sigil != b'$');
        Self { sigil, name, level, fresh: true, through: Vec::new(), written, target, shown, declared }
    }

    /// What something gives out.
    pub(super) fn of_result() -> Self {
        Self { fresh: false, ..Self::of(b'$', b"") }
    }

    /// `[...]` or `{...}` behind it.
    pub(super) fn subscript(&mut self, open: u8, key: &[u8], arrow: bool) {
        if self.fresh && !arrow {
            self.sigil = if open == b'[' { b'@' } else { b'%' };
            self.level = 1;
            self.fresh = false;
            return;
        }
        self.pass(match open {
            b'[' => Through::Array,
            _ if is_plain_key(key) => Through::Plain,
            _ => Through::Any,
        });
    }

    /// Its value is used as a reference.
    pub(super) fn pass(&mut self, through: Through) {
        self.fresh = false;
        self.through.push((self.level, through));
        self.level += 1;
    }

    /// Nothing but the name of a variable.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// A whole variable for a single value.
    fn is_scalar(&self) -> bool {
        self.sigil == b'$' && self.level == 0
    }
}

/// Everything that a text mentions, and how it changes values by other names than their own.
#[derive(Debug, Default)]
pub(super) struct Ways<'t> {
    pub(super) all: Vec<Way<'t>>,
    /// Names that loops give to one value after another.
    pub(super) loops: Vec<&'t [u8]>,
    /// Something is changed that a name only stands for, like `$_` in a loop.
    pub(super) changes_aliases: bool,
    /// `use strict`, in force up to the end: Perl itself takes no text for a reference.
    pub(super) strict: bool,
}

impl<'t> Ways<'t> {
    /// Whether no text is taken for the name of a variable where that would do harm.
    pub(super) fn are_sound(&self) -> bool {
        if self.strict {
            return true;
        }
        let aliased = |way: &Way<'t>| {
            let name = matches!(way.name, b"_" | b"a" | b"b") || self.loops.contains(&way.name);
            way.is_scalar() && way.written && !way.declared && name
        };
        let changes = self.changes_aliases || self.all.iter().any(aliased);
        self.all.iter().all(|way| {
            let looks = !way.written && !way.target && (way.shown || !changes);
            way.through.iter().all(|(level, through)| {
                *through != Through::Any && looks || self.holds_references(way, *level, changes)
            })
        })
    }

    /// Whether what lies that deep in a variable was made a reference by its use and by nothing else.
    fn holds_references(&self, way: &Way<'t>, level: u32, changes: bool) -> bool {
        // The others are given values without being named, and a single value also by a flag.
        let own =
            way.sigil != b'$' && way.name.first().is_some_and(u8::is_ascii_alphabetic) && way.name != b"F";
        own && self
            .all
            .iter()
            .filter(|other| (other.sigil, other.name) == (way.sigil, way.name))
            .all(|other| other.level > level || !other.written && (other.shown || !changes))
    }
}

/// A name that is written in full, and not like the variables of the environment that hold secrets.
fn is_plain_key(key: &[u8]) -> bool {
    let key = match key {
        [b'\'', key @ .., b'\''] | [b'"', key @ .., b'"'] => key,
        key => key,
    };
    // `http_proxy` may hold a password, and so may what starts with `npm_`.
    let secret = |part: &[u8]| {
        let part = part.to_ascii_lowercase();
        [&b"auth"[..], b"key", b"npm_", b"pass", b"proxy", b"secret", b"token"]
            .iter()
            .any(|word| part.windows(word.len()).any(|found| found == *word))
    };
    key.first().is_some_and(u8::is_ascii_lowercase)
        && key.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && !secret(key)
}
