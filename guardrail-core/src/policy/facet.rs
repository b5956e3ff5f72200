//! What rules ask about, and what is known of it.

use std::borrow::Cow;

use crate::policy::path::Forms;
use crate::policy::pattern::{Pattern, Reading, Text};
use crate::policy::truth::Truth;

macro_rules! facets {
    ($($name:ident = $text:literal, $reading:ident;)*) => {
        /// One thing that a rule can ask about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Facet { $($name,)* }

        impl Facet {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its key below `when`.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            pub(crate) const fn reading(self) -> Reading {
                match self { $(Self::$name => Reading::$reading,)* }
            }
        }
    };
}

// Those of the request come first, then those of an act.
facets! {
    Actor = "actor", Name;
    Channel = "channel", Name;
    Session = "session", Name;
    Skill = "skill", Name;
    CallName = "call.name", Name;
    Risk = "risk", Name;
    Environment = "environment", Name;
    Tool = "tool", Name;
    Command = "command", Name;
    Effect = "effect", Name;
    Target = "target", Path;
    Area = "area", Name;
    Scope = "scope", Name;
    SqlVerb = "sql.verb", AnyCase;
    SqlTable = "sql.table", AnyCase;
    KubernetesVerb = "kubernetes.verb", Name;
    KubernetesKind = "kubernetes.kind", AnyCase;
    KubernetesNamespace = "kubernetes.namespace", Name;
    KubernetesContext = "kubernetes.context", Name;
    HttpMethod = "http.method", AnyCase;
    HttpHost = "http.host", AnyCase;
    GitRepository = "git.repository", Name;
    GitBranch = "git.branch", Name;
}

impl Facet {
    pub(crate) const COUNT: usize = Self::ALL.len();

    /// Whether it is the same for everything in a request.
    pub(crate) fn is_of_request(self) -> bool {
        self <= Self::CallName
    }

    /// Whether it tells what something does, and so cannot be known of code that nobody sees.
    pub(crate) fn is_deed(self) -> bool {
        self >= Self::Effect
    }
}

/// A set of facets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facets(u32);

impl Facets {
    /// All there are.
    pub(crate) const ALL: Self = Self((1 << Facet::COUNT) - 1);

    pub(crate) fn insert(&mut self, facet: Facet) {
        self.0 |= 1 << facet as u32;
    }

    pub(crate) const fn has(self, facet: Facet) -> bool {
        self.0 & (1 << facet as u32) != 0
    }

    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What is known of one facet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Slot<'s> {
    /// It has none: an action on files has no namespace.
    #[default]
    Nothing,
    /// One value.
    One(Value<'s>),
    /// Several, all of them.
    Many(Vec<Value<'s>>),
    /// One thing under two names, as with `python3` and `python`.
    Alias(&'s [u8], &'s [u8]),
    /// Every value there is (`--all-namespaces`).
    Every,
    /// A path, in each way to write it.
    Path(Box<Forms>),
    /// It has one that cannot be known.
    Unknown,
}

/// A text of which a piece in the middle may be unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value<'s> {
    pub(crate) prefix: Cow<'s, [u8]>,
    pub(crate) suffix: Option<Cow<'s, [u8]>>,
}

impl<'s> Value<'s> {
    pub(crate) fn known(text: impl Into<Cow<'s, [u8]>>) -> Self {
        Self { prefix: text.into(), suffix: None }
    }

    pub(crate) fn text(&self) -> Text<'_> {
        Text { prefix: &self.prefix, suffix: self.suffix.as_deref() }
    }
}

impl<'s> Slot<'s> {
    pub(crate) fn known(text: impl Into<Cow<'s, [u8]>>) -> Self {
        Self::One(Value::known(text))
    }

    /// A static name.
    pub(crate) const fn name(text: &'static str) -> Self {
        Self::One(Value { prefix: Cow::Borrowed(text.as_bytes()), suffix: None })
    }

    /// What a caller knows, or not.
    pub(crate) fn fact(text: Option<&'s str>) -> Self {
        text.map_or(Self::Unknown, |text| Self::known(text.as_bytes()))
    }

    pub(crate) fn of(mut values: Vec<Value<'s>>) -> Self {
        match (values.pop(), values.is_empty()) {
            (None, _) => Self::Nothing,
            (Some(value), true) => Self::One(value),
            (Some(value), false) => {
                values.push(value);
                Self::Many(values)
            }
        }
    }

    pub(crate) fn values(&self) -> &[Value<'s>] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
            _ => &[],
        }
    }
}

/// Which side of doubt counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// To allow: everything there is must match.
    Allowing,
    /// To ask or deny: it is enough that something matches.
    Restricting,
}

/// Patterns of which one must match, and patterns of which none may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Patterns {
    pub(crate) any: Vec<Pattern>,
    pub(crate) none: Vec<Pattern>,
}

impl Patterns {
    pub(crate) fn new<'t>(texts: impl IntoIterator<Item = &'t str>, reading: Reading) -> Self {
        let mut patterns = Self::default();
        for text in texts {
            match text.strip_prefix('!') {
                Some(text) => patterns.none.push(Pattern::new(text, reading)),
                None => patterns.any.push(Pattern::new(text, reading)),
            }
        }
        patterns
    }

    pub(crate) fn value(&self, text: Text<'_>) -> Truth {
        let any = |patterns: &[Pattern]| {
            let mut truth = Truth::False;
            for pattern in patterns {
                truth = truth.or(pattern.matches(text));
                if truth == Truth::True {
                    break;
                }
            }
            truth
        };
        let wanted = if self.any.is_empty() { Truth::True } else { any(&self.any) };
        if self.none.is_empty() { wanted } else { wanted.and(any(&self.none).not()) }
    }

    pub(crate) fn slot(&self, slot: &Slot<'_>, side: Side) -> Truth {
        match slot {
            Slot::Nothing => self.any.is_empty().into(),
            Slot::Unknown | Slot::Path(_) => self.value(Text::UNKNOWN),
            Slot::Every => {
                let all = self.none.is_empty() && self.any.iter().any(Pattern::is_everything);
                match side {
                    Side::Allowing => all.into(),
                    Side::Restricting if self.any.is_empty() => Truth::Unknown,
                    Side::Restricting => Truth::True,
                }
            }
            Slot::One(value) => self.value(value.text()),
            Slot::Alias(one, other) => {
                let either = |patterns: &[Pattern]| {
                    patterns.iter().any(|p| p.matches_known(one) || p.matches_known(other))
                };
                ((self.any.is_empty() || either(&self.any)) && !either(&self.none)).into()
            }
            Slot::Many(values) => {
                let truths = values.iter().map(|value| self.value(value.text()));
                match side {
                    Side::Allowing => truths.fold(Truth::True, Truth::and),
                    Side::Restricting => truths.fold(Truth::False, Truth::or),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_the_set() {
        let mut names: Vec<_> = Facet::ALL.iter().map(|facet| facet.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Facet::COUNT);
        const { assert!(Facet::COUNT <= 32) };
    }

    #[test]
    fn several_values_count_by_the_side() {
        let patterns = Patterns::new(["pod"], Reading::Name);
        let both = Slot::Many(vec![Value::known(&b"pod"[..]), Value::known(&b"secret"[..])]);
        assert_eq!(patterns.slot(&both, Side::Allowing), Truth::False);
        assert_eq!(patterns.slot(&both, Side::Restricting), Truth::True);
        let others = Patterns::new(["!pod"], Reading::Name);
        assert_eq!(others.slot(&both, Side::Allowing), Truth::False);
        assert_eq!(others.slot(&both, Side::Restricting), Truth::True);
        assert_eq!(others.slot(&Slot::Nothing, Side::Restricting), Truth::True);
        assert_eq!(patterns.slot(&Slot::Unknown, Side::Allowing), Truth::Unknown);
        assert_eq!(patterns.slot(&Slot::Every, Side::Restricting), Truth::True);
        assert_eq!(patterns.slot(&Slot::Every, Side::Allowing), Truth::False);
    }
}
