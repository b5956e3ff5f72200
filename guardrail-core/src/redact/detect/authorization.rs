//! Credentials of HTTP `Authorization` headers, in requests, code and shell words.

use super::value::{self, is_credential, is_stand_in};
use super::{Match, Tail};
use crate::redact::kind::Kind;
use crate::redact::view::{More, View, is_boundary};

/// Schemes whose credential is the next word.
const SCHEMES: &[&[u8]] = &[
    b"bearer",
    b"basic",
    b"token",
    b"apikey",
    b"api-key",
    b"key",
    b"bot",
    b"oauth",
    b"dpop",
    b"ssws",
    b"splunk",
    b"geniekey",
    b"negotiate",
    b"ntlm",
];

const MAX: usize = 128;

pub(super) fn authorization(view: View<'_>, at: usize, key_end: usize) -> Result<Option<Match>, More> {
    let key_end = value::closing_quote(view, key_end)?;
    let colon = value::spaces(view, key_end)?;
    if !matches!(view.at(colon)?, Some(b':' | b'=')) {
        return Ok(None);
    }
    let start = value::opening_quote(view, value::spaces(view, colon + 1)?)?;
    let word = view.run(start, MAX, value::is_bare)?;
    let next = view.run(word, 4, |b| b == b' ')?;
    let is_scheme = SCHEMES.iter().any(|scheme| view.slice(start, word).eq_ignore_ascii_case(scheme));
    if is_scheme && next > word { credential(view, at, next, 6) } else { credential(view, at, start, 12) }
}

/// `Bearer` on its own is an English word too, so what follows has to look like a credential.
pub(super) fn bearer(view: View<'_>, at: usize, start: usize) -> Result<Option<Match>, More> {
    if is_boundary(view.before(at)) { credential(view, at, start, 16) } else { Ok(None) }
}

fn credential(view: View<'_>, at: usize, start: usize, min: usize) -> Result<Option<Match>, More> {
    let mut end = view.run(start, MAX, value::is_bare)?;
    let mut tail = Tail::Bare;
    if end - start < MAX {
        end = value::trim_end(view, start, end);
        tail = Tail::Closed;
    }
    // A call, in code that computes the header.
    if view.at(end)? == Some(b'(') {
        return Ok(None);
    }
    let text = view.slice(start, end);
    if text.len() < min || is_stand_in(text) || !is_credential(text) {
        return Ok(None);
    }
    Ok(Some(Match::new(at, start..end, Kind::Authorization, tail)))
}
