//! Detectors for secrets nobody registered. Each hangs on a literal that has to be there (its
//! *trigger*), so that a text without any costs one search; from there it reads forward.
//!
//! A detector errs on the side of covering, with two bounds. What is no secret stays readable:
//! references (`$TOKEN`), blanks (`<token>`, `***`), names and prose. And no replacement hides a
//! command: outside quotes none covers a shell operator, nowhere one covers a substitution.

mod authorization;
mod pair;
mod pem;
mod token;
mod userinfo;
mod value;

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::kind::Kind;
use super::prefix::Prefixes;
use super::view::{More, View};

/// The most bytes a detector reads from its trigger on before it has decided. It bounds what a
/// stream holds back.
pub(super) const DECISION: usize = 1024;

/// A secret that was found.
#[derive(Clone, Debug)]
pub(super) struct Match {
    /// Where its trigger starts, at or before `start`.
    pub(super) trigger: usize,
    /// The first byte to replace.
    pub(super) start: usize,
    /// One past the last byte known to belong to it.
    pub(super) end: usize,
    pub(super) kind: Kind,
    /// How it goes on after `end`.
    pub(super) tail: Tail,
    /// Whether `end` may still move.
    pub(super) open: bool,
}

impl Match {
    pub(super) fn new(trigger: usize, range: Range<usize>, kind: Kind, tail: Tail) -> Self {
        Self { trigger, start: range.start, end: range.end, kind, tail, open: tail != Tail::Closed }
    }

    /// Whether its tail ends where it ends from any byte inside of it. Others cannot nest in
    /// their like.
    pub(super) const fn is_memoryless(&self) -> bool {
        matches!(self.tail, Tail::Run(_) | Tail::Bare)
    }

    /// Moves `end` over what has arrived.
    pub(super) fn advance(&mut self, view: View<'_>) {
        let end = &mut self.end;
        let done = match &mut self.tail {
            _ if !self.open => return,
            Tail::Closed => Ok(()),
            Tail::Run(class) => class.advance(view, end),
            Tail::Bare => value::advance_bare(view, end),
            Tail::Quoted(quote) => value::advance_quoted(view, end, *quote),
            Tail::Pem { in_run } => pem::advance(view, end, in_run),
        };
        self.open = done.is_err();
    }
}

/// How a secret goes on once it is certain that it is one. Of a tail nothing is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// It does not.
    Closed,
    /// As long as bytes are of a class.
    Run(Class),
    /// As an unquoted value does.
    Bare,
    /// Up to its closing quote.
    Quoted(value::Quote),
    /// As the body of a PEM block does.
    Pem {
        /// Whether the last byte was base64.
        in_run: bool,
    },
}

/// A class of bytes that tokens are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Letters and digits.
    Alphanumeric,
    /// Those and `_`.
    Word,
    /// Those and `-`.
    Token,
    /// Those and `.`, `=`: several base64url segments.
    Segments,
    /// Base64 in its standard alphabet.
    Base64,
    /// Letters, digits and `/`.
    Path,
}

impl Class {
    pub(super) const fn has(self, b: u8) -> bool {
        match self {
            Self::Alphanumeric => b.is_ascii_alphanumeric(),
            Self::Word => b.is_ascii_alphanumeric() || b == b'_',
            Self::Token => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'),
            Self::Segments => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'='),
            Self::Base64 => b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='),
            Self::Path => b.is_ascii_alphanumeric() || b == b'/',
        }
    }

    fn advance(self, view: View<'_>, end: &mut usize) -> Result<(), More> {
        while view.at(*end)?.is_some_and(|b| self.has(b)) {
            *end += 1;
        }
        Ok(())
    }
}

/// What reads on from a trigger.
#[derive(Clone, Copy, Debug)]
enum Detector {
    Token(&'static token::Shape),
    AwsAccessKey,
    Jwt,
    Pair(&'static pair::Key),
    Url,
    UserFlag,
    Authorization,
    Bearer,
    Pem,
}

/// All detectors and the search for their triggers.
pub(super) struct Detectors {
    search: AhoCorasick,
    detectors: Vec<Detector>,
    prefixes: Prefixes,
}

/// The detectors, compiled on first use. `None` only where the searcher refused its patterns,
/// which a test excludes.
pub(super) static DETECTORS: LazyLock<Option<Detectors>> = LazyLock::new(Detectors::compile);

impl Detectors {
    fn compile() -> Option<Self> {
        let mut triggers: Vec<(&str, Detector)> = Vec::new();
        triggers.extend(token::SHAPES.iter().map(|shape| (shape.literal, Detector::Token(shape))));
        triggers.extend(token::AWS_PREFIXES.iter().map(|p| (*p, Detector::AwsAccessKey)));
        triggers.push(("eyJ", Detector::Jwt));
        triggers.extend(pair::KEYS.iter().map(|key| (key.literal, Detector::Pair(key))));
        triggers.push(("://", Detector::Url));
        triggers.extend([" -u ", "--user", "--proxy-user"].map(|flag| (flag, Detector::UserFlag)));
        triggers.push(("authorization", Detector::Authorization));
        triggers.push(("bearer ", Detector::Bearer));
        triggers.push((pem::BEGIN, Detector::Pem));

        let search = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(triggers.iter().map(|(literal, _)| literal))
            .ok()?;
        let prefixes =
            Prefixes::new(triggers.iter().map(|(literal, _)| literal.to_ascii_lowercase().into_bytes()));
        let detectors = triggers.into_iter().map(|(_, detector)| detector).collect();
        Some(Self { search, detectors, prefixes })
    }

    /// Calls `each` for every trigger that starts at or after `base`, in the order in which
    /// they end, with what its detector says.
    pub(super) fn for_each(
        &self,
        view: View<'_>,
        base: usize,
        mut each: impl FnMut(usize, Result<Option<Match>, More>),
    ) {
        let haystack = view.bytes().get(base..).unwrap_or_default();
        for found in self.search.find_overlapping_iter(haystack) {
            let Some(detector) = self.detectors.get(found.pattern().as_usize()) else { continue };
            let (start, end) = (base + found.start(), base + found.end());
            let says = match detector {
                Detector::Token(shape) => token::token(view, start, shape),
                Detector::AwsAccessKey => token::aws_access_key(view, start),
                Detector::Jwt => token::jwt(view, start),
                Detector::Pair(key) => pair::pair(view, start, end, key),
                Detector::Url => userinfo::url(view, start, end),
                Detector::UserFlag => userinfo::user_flag(view, start, end),
                Detector::Authorization => authorization::authorization(view, start, end),
                Detector::Bearer => authorization::bearer(view, start, end),
                Detector::Pem => pem::pem(view, start, end),
            };
            each(start, says);
            // An AWS secret key has no mark of its own: it is known by the id it follows.
            if matches!(detector, Detector::AwsAccessKey) {
                each(start, token::aws_secret_key(view, start));
            }
        }
    }

    /// The beginnings of all triggers, in lower case.
    pub(super) const fn prefixes(&self) -> &Prefixes {
        &self.prefixes
    }
}
