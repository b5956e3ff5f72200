//! Values: where one ends, and whether it could be a secret at all.

use crate::redact::view::{More, View};

/// How a value is quoted: the quote, and how many backslashes stand before it (a document
/// inside a string inside a string has three).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::redact) struct Quote {
    quote: u8,
    backslashes: usize,
}

/// Deeper escapes than this are not followed.
const MAX_BACKSLASHES: usize = 16;
/// How much white space may stand around a separator.
const SPACES: usize = 16;

/// Whether a byte belongs to an unquoted value. Shell operators end one, so that no
/// replacement hides what runs after it.
pub(super) const fn is_bare(b: u8) -> bool {
    !b.is_ascii_whitespace()
        && !b.is_ascii_control()
        && !matches!(b, b'"' | b'\'' | b'`' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}

/// Skips blanks, at most as many as people put around a separator.
pub(super) fn spaces(view: View<'_>, from: usize) -> Result<usize, More> {
    view.run(from, SPACES, |b| matches!(b, b' ' | b'\t'))
}

/// The quote that stands at `at`, and where it ends.
pub(super) fn quote(view: View<'_>, at: usize) -> Result<Option<(Quote, usize)>, More> {
    let after = view.run(at, MAX_BACKSLASHES, |b| b == b'\\')?;
    Ok(match view.at(after)? {
        Some(quote @ (b'"' | b'\'')) => Some((Quote { quote, backslashes: after - at }, after + 1)),
        _ => None,
    })
}

/// Skips a quote that closes a key, and the bracket that an index puts after it.
pub(super) fn closing_quote(view: View<'_>, at: usize) -> Result<usize, More> {
    match quote(view, at)? {
        Some((_, after)) => Ok(after + usize::from(view.at(after)? == Some(b']'))),
        None => Ok(at),
    }
}

/// Skips a quote that opens a value.
pub(super) fn opening_quote(view: View<'_>, at: usize) -> Result<usize, More> {
    Ok(quote(view, at)?.map_or(at, |(_, after)| after))
}

/// Where a quoted value ends that starts at `from`, looking at `max` bytes; `None` where it is
/// longer, or not closed on its line.
pub(super) fn quoted_end(view: View<'_>, from: usize, max: usize, quote: Quote) -> Result<QuotedEnd, More> {
    let mut at = from;
    while at - from < max {
        match quoted_step(view, at, quote)? {
            Step::Next(next) => at = next,
            Step::Close => return Ok(QuotedEnd::Closed(at)),
            Step::Stop => return Ok(QuotedEnd::Stopped(at)),
        }
    }
    Ok(QuotedEnd::Long(at))
}

pub(super) enum QuotedEnd {
    /// At its closing quote.
    Closed(usize),
    /// At the end of the line, or before a command substitution.
    Stopped(usize),
    /// Not in sight.
    Long(usize),
}

enum Step {
    Next(usize),
    Close,
    Stop,
}

fn quoted_step(view: View<'_>, at: usize, quote: Quote) -> Result<Step, More> {
    Ok(match view.at(at)? {
        None | Some(b'\n' | b'\r' | b'`') => Step::Stop,
        Some(b'$') if view.at(at + 1)? == Some(b'(') => Step::Stop,
        Some(b) if b == quote.quote => Step::Close,
        // A single quote knows no escapes, in most languages that log anything.
        Some(b'\\') if quote.quote == b'"' || quote.backslashes > 0 => {
            let after = view.run(at, MAX_BACKSLASHES, |b| b == b'\\')?;
            let count = after - at;
            let closes = match quote.backslashes {
                0 => count.is_multiple_of(2),
                outer => count <= outer,
            };
            match view.at(after)? {
                Some(b) if b == quote.quote && closes => Step::Close,
                Some(b) if b == quote.quote => Step::Next(after + 1),
                _ => Step::Next(after),
            }
        }
        Some(_) => Step::Next(at + 1),
    })
}

/// The tail of a long quoted value.
pub(super) fn advance_quoted(view: View<'_>, end: &mut usize, quote: Quote) -> Result<(), More> {
    while let Step::Next(next) = quoted_step(view, *end, quote)? {
        *end = next;
    }
    Ok(())
}

/// The tail of a long unquoted value.
pub(super) fn advance_bare(view: View<'_>, end: &mut usize) -> Result<(), More> {
    loop {
        match view.at(*end)? {
            Some(b'$') if view.at(*end + 1)? == Some(b'(') => return Ok(()),
            Some(b) if is_bare(b) && !matches!(b, b',' | b'}' | b']' | b'\\') => *end += 1,
            _ => return Ok(()),
        }
    }
}

/// Where an unquoted value ends, given the run of its bytes: without what belongs to the text
/// around it. The run has ended, so all of it has arrived.
pub(super) fn trim_end(view: View<'_>, start: usize, run_end: usize) -> usize {
    let text = view.slice(start, run_end);
    let mut len = text.len();
    if let Some(comma) = text.iter().enumerate().position(|(i, b)| *b == b',' && is_pair(text, i + 1)) {
        len = comma;
    }
    // The backslash of an escaped quote or newline belongs to the text around the value.
    if let Some(backslash) = text.iter().position(|b| *b == b'\\') {
        len = len.min(backslash);
    }
    while len > 0 && matches!(text.get(len - 1), Some(b',' | b'.' | b'}' | b']' | b':' | b'?' | b'!')) {
        len -= 1;
    }
    start + len
}

fn is_pair(text: &[u8], from: usize) -> bool {
    let rest = text.get(from..).unwrap_or_default();
    let name =
        rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')).count();
    name > 0 && matches!(rest.get(name), Some(b'=' | b':'))
}

/// Words that follow "password:" or "--token" in prose, help texts, schemas and code.
const WORDS: &[&str] = &[
    "accepted",
    "and",
    "any",
    "are",
    "as",
    "at",
    "auth",
    "authentication",
    "authorization",
    "bearer",
    "bool",
    "boolean",
    "by",
    "bytes",
    "can",
    "changed",
    "char",
    "disabled",
    "empty",
    "enabled",
    "env",
    "environment",
    "error",
    "expired",
    "failed",
    "false",
    "field",
    "file",
    "flag",
    "for",
    "form",
    "from",
    "has",
    "hidden",
    "hide",
    "if",
    "in",
    "incorrect",
    "input",
    "int",
    "integer",
    "invalid",
    "is",
    "it",
    "its",
    "key",
    "literal",
    "masked",
    "missing",
    "must",
    "name",
    "never",
    "nil",
    "no",
    "none",
    "not",
    "null",
    "number",
    "object",
    "off",
    "ok",
    "on",
    "option",
    "optional",
    "options",
    "or",
    "password",
    "prompt",
    "redacted",
    "removed",
    "required",
    "requires",
    "secret",
    "secretstring",
    "set",
    "should",
    "stdin",
    "str",
    "string",
    "text",
    "that",
    "the",
    "this",
    "to",
    "token",
    "true",
    "type",
    "undefined",
    "unset",
    "use",
    "user",
    "username",
    "value",
    "varchar",
    "vec",
    "was",
    "when",
    "will",
    "with",
    "wrong",
    "yes",
    "you",
    "your",
];

/// Objects whose members are looked up, in code and templates.
const ROOTS: &[&str] = &[
    "args.",
    "cfg.",
    "config.",
    "configuration.",
    "context.",
    "credentials.",
    "creds.",
    "ctx.",
    "data.",
    "each.",
    "env.",
    "environ.",
    "event.",
    "github.",
    "input.",
    "inputs.",
    "local.",
    "module.",
    "options.",
    "opts.",
    "os.",
    "output.",
    "outputs.",
    "params.",
    "process.",
    "props.",
    "req.",
    "request.",
    "res.",
    "response.",
    "secrets.",
    "self.",
    "settings.",
    "state.",
    "steps.",
    "this.",
    "user.",
    "var.",
    "vars.",
];

/// Whether a value only stands in for a secret: a reference, a blank, a word of prose.
pub(super) fn is_stand_in(value: &[u8]) -> bool {
    // A password inside of an address is the business of the address.
    let is_address = value.windows(3).any(|window| window == b"://");
    is_reference(value) || is_address || is_blank(value) || is_word_of(WORDS, value)
}

fn is_word_of(sorted: &[&str], value: &[u8]) -> bool {
    value.len() <= 16
        && std::str::from_utf8(&value.to_ascii_lowercase())
            .is_ok_and(|word| sorted.binary_search(&word).is_ok())
}

fn is_reference(value: &[u8]) -> bool {
    let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'.');
    match value {
        [b'$', rest @ ..] if rest.starts_with(b"{") || rest.starts_with(b"(") => true,
        [b'$', first, rest @ ..] => (first.is_ascii_alphabetic() || *first == b'_') && rest.iter().all(name),
        [b'%', inner @ .., b'%'] => inner.iter().all(name),
        [b'{' | b'<' | b'[', ..] => true,
        // A number written as code writes it.
        [b'0', b'x', digits @ ..] => digits.len() <= 8 && digits.iter().all(u8::is_ascii_hexdigit),
        _ => {
            let lower = value.get(..16).unwrap_or(value).to_ascii_lowercase();
            ROOTS.iter().any(|root| lower.starts_with(root.as_bytes()))
                || [&b"arn:"[..], b"op://", b"vault:", b"ssm:", b"env:", b"file:"]
                    .iter()
                    .any(|scheme| lower.starts_with(scheme))
        }
    }
}

fn is_blank(value: &[u8]) -> bool {
    let Some((first, rest)) = value.split_first() else { return true };
    let fills = matches!(first, b'*' | b'x' | b'X' | b'.' | b'-' | b'_' | b'?' | b'#' | b'=');
    // Bullets, as password fields show them, and the ellipsis.
    let bullets = std::str::from_utf8(value).is_ok_and(|v| v.chars().all(|c| matches!(c, '•' | '●' | '…')));
    (fills && rest.iter().all(|b| b == first)) || bullets
}

/// Bytes of a name in code, with what joins it to others.
pub(super) const fn is_path_segment(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':')
}

/// Whether a value that some key or flag calls a path is one.
pub(super) fn is_path(value: &[u8]) -> bool {
    let rooted = matches!(value, [b'/' | b'~', ..] | [b'.', b'/', ..] | [_, b':', b'\\' | b'/', ..]);
    rooted && !is_random(value)
}

/// Whether a value mixes kinds of characters as no name or word does.
pub(super) fn is_credential(value: &[u8]) -> bool {
    value.len() >= 20
        || value.iter().any(u8::is_ascii_digit)
        || value.iter().skip(1).any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase)
        || value.iter().any(|b| b.is_ascii_punctuation() && !matches!(b, b'-' | b'_' | b'.' | b'/' | b','))
}

/// Whether a value looks as only a generated one does: letters and digits in turns within one
/// segment, or in all three cases at length.
pub(super) fn is_random(value: &[u8]) -> bool {
    if value.len() < 8 {
        return false;
    }
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let has_upper = value.iter().any(u8::is_ascii_uppercase);
    let has_lower = value.iter().any(u8::is_ascii_lowercase);
    let turns = value
        .windows(2)
        .filter(|pair| match pair {
            [a, b] => {
                (a.is_ascii_digit() && b.is_ascii_alphabetic())
                    || (a.is_ascii_alphabetic() && b.is_ascii_digit())
            }
            _ => false,
        })
        .count();
    turns >= 3
        || (turns >= 1 && digits >= 3 && value.len() >= 10 && value.iter().all(u8::is_ascii_alphanumeric))
        || (value.len() >= 16 && digits >= 2 && has_upper && has_lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_lists_are_sorted() {
        assert!(WORDS.is_sorted());
        assert!(ROOTS.is_sorted());
    }

    #[test]
    fn random_and_not() {
        for text in ["s3cr3tv4lue", "550e8400-e29b-41d4-a716-446655440000", "abcde12345", "aB3dE5fGhIjKlMnO"]
        {
            assert!(is_random(text.as_bytes()), "{text}");
        }
        for text in ["app-tls-20240101", "next_token", "identifier", "Utf8String", "my-secret-v2", "4096"] {
            assert!(!is_random(text.as_bytes()), "{text}");
        }
    }
}
