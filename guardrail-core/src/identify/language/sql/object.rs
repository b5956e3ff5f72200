//! The names in a statement: what it acts on, and of which type that is.

use std::borrow::Cow;

use super::super::Known;
use super::lex::{Kind, Token};

/// Words between a verb and the type of its object.
const MODIFIERS: &[&str] = &[
    "OR",
    "REPLACE",
    "TEMP",
    "TEMPORARY",
    "GLOBAL",
    "LOCAL",
    "UNLOGGED",
    "UNIQUE",
    "VIRTUAL",
    "RECURSIVE",
    "TRUSTED",
    "PROCEDURAL",
    "CONSTRAINT",
    "FULLTEXT",
    "SPATIAL",
    "ONLINE",
    "OFFLINE",
    "IGNORE",
    "AGGREGATE",
    "UNDO",
    "PUBLIC",
];

/// First words of types that have several, with how many.
const LONG_TYPES: &[(&str, usize)] = &[
    ("MATERIALIZED", 2),
    ("FOREIGN", 2),
    ("EVENT", 2),
    ("ACCESS", 2),
    ("LARGE", 2),
    ("DEFAULT", 2),
    ("TEXT", 3),
    ("RESOURCE", 2),
    ("LOGFILE", 2),
    ("OWNED", 1),
];

/// Types of objects (or modifiers before them): what stands behind a `DROP` that is a verb.
pub(super) const OBJECTS: &[&str] = &[
    "TABLE",
    "DATABASE",
    "SCHEMA",
    "VIEW",
    "INDEX",
    "ROLE",
    "USER",
    "FUNCTION",
    "PROCEDURE",
    "TRIGGER",
    "SEQUENCE",
    "EXTENSION",
    "TYPE",
    "DOMAIN",
    "MATERIALIZED",
    "FOREIGN",
    "TABLESPACE",
    "POLICY",
    "RULE",
    "SERVER",
    "PUBLICATION",
    "SUBSCRIPTION",
    "LOGIN",
    "SYSTEM",
    "OR",
    "EVENT",
    "AGGREGATE",
    "OWNED",
    "TEMP",
    "TEMPORARY",
    "UNIQUE",
    "UNLOGGED",
];

/// Words between the type and the name.
const BEFORE_NAME: &[&str] = &["IF", "NOT", "EXISTS", "CONCURRENTLY", "ONLY", "FOR", "BY"];

/// The type that follows a verb, and the tokens behind it.
pub(super) fn class<'t, 's>(text: &'t [u8], tokens: &'s [Token<'t>]) -> (Known<'t>, &'s [Token<'t>]) {
    let mut rest = tokens;
    while let [first, others @ ..] = rest {
        if first.is_any(MODIFIERS) {
            rest = others;
        } else if matches!(others, [equals, ..] if equals.is_mark(b'=')) {
            // `ALGORITHM = MERGE`, `DEFINER = 'a'@'b'`
            let value =
                others.iter().skip(2).position(|token| token.kind == Kind::Word && !token.is("CURRENT_USER"));
            rest = value.and_then(|value| others.get(value + 2..)).unwrap_or_default();
        } else {
            break;
        }
    }
    let Some(first) = rest.first().filter(|first| first.kind == Kind::Word) else { return (None, rest) };
    let words = LONG_TYPES.iter().find(|(word, _)| first.is(word)).map_or(1, |(_, words)| *words);
    // `EVENT x` is one of MySQL's, `EVENT TRIGGER x` is not.
    let second = rest.get(1).is_some_and(|second| {
        second.is_any(&[
            "VIEW",
            "TABLE",
            "DATA",
            "TRIGGER",
            "METHOD",
            "OBJECT",
            "PRIVILEGES",
            "SEARCH",
            "GROUP",
        ])
    });
    let words = if second { words } else { 1 };
    let end = rest.get(words - 1).map_or(first.at.end, |last| last.at.end);
    (text.get(first.at.start..end).map(Cow::Borrowed), rest.get(words..).unwrap_or_default())
}

/// The name that comes first, in all its parts, and the tokens behind it.
pub(super) fn name<'t, 's>(text: &'t [u8], tokens: &'s [Token<'t>]) -> (Known<'t>, &'s [Token<'t>]) {
    let mut rest = tokens;
    while let [first, others @ ..] = rest {
        if !first.is_any(BEFORE_NAME) {
            break;
        }
        rest = others;
    }
    let Some((first, mut behind)) = rest
        .split_first()
        .filter(|(first, _)| first.is_name() || matches!(first.kind, Kind::Text | Kind::Mark(b'*')))
    else {
        return (None, rest);
    };
    let mut end = first.at.end;
    // `database.table`, `'user'@'host'`
    while let [mark, part, others @ ..] = behind {
        if !matches!(mark.kind, Kind::Mark(b'.' | b'@')) {
            break;
        }
        end = part.at.end;
        behind = others;
    }
    let known =
        if end == first.at.end { first.text } else { text.get(first.at.start..end).unwrap_or_default() };
    (Some(Cow::Borrowed(known)), behind)
}

/// The source between two tokens.
pub(super) fn between<'t>(text: &'t [u8], tokens: &[Token<'t>]) -> Known<'t> {
    let (first, last) = (tokens.first()?, tokens.last()?);
    text.get(first.at.start..last.at.end).map(Cow::Borrowed)
}
