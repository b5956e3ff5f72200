//! Private keys in PEM armour, also where their line breaks became spaces or `\n`.

use super::{Class, Match, Tail};
use crate::redact::kind::Kind;
use crate::redact::view::{More, View};

pub(super) const BEGIN: &str = "-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// The longest label: `ENCRYPTED PRIVATE KEY`, `PGP PRIVATE KEY BLOCK` and such.
const LABEL: usize = 40;
/// A run of base64 from this length on belongs to the body; a shorter one only right before
/// the end line. So words of a text that follows a torn block are not taken for it.
const RUN: usize = 16;
/// White space between two lines of a body, indentation of an enclosing document included.
const GAP: usize = 64;

pub(super) fn pem(view: View<'_>, at: usize, label: usize) -> Result<Option<Match>, More> {
    let label_end = view.run(label, LABEL, |b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b' ')?;
    let is_key = view.slice(label, label_end).windows(11).any(|w| w == b"PRIVATE KEY");
    if !is_key || !view.starts_with(label_end, DASHES)? {
        return Ok(None);
    }
    let body = headers(view, gap(view, label_end + DASHES.len())?)?;
    let end = view.run(body, RUN, |b| Class::Base64.has(b))?;
    if end - body < RUN {
        return Ok(None);
    }
    Ok(Some(Match::new(at, at..end, Kind::PrivateKey, Tail::Pem { in_run: true })))
}

/// Skips the headers of an encrypted key (`Proc-Type: 4,ENCRYPTED`).
fn headers(view: View<'_>, from: usize) -> Result<usize, More> {
    let mut at = from;
    for _ in 0..4 {
        let name = view.run(at, 24, |b| b.is_ascii_alphabetic() || b == b'-')?;
        if name == at || view.at(name)? != Some(b':') {
            break;
        }
        let value = view.run(name, 80, |b| !b.is_ascii_control() && !matches!(b, b'\\' | b'$' | b'`'))?;
        at = gap(view, value)?;
    }
    Ok(at)
}

/// Skips white space, written out or escaped.
fn gap(view: View<'_>, from: usize) -> Result<usize, More> {
    let mut at = from;
    while at - from < GAP {
        match view.at(at)? {
            Some(b' ' | b'\t' | b'\r') => at += 1,
            Some(b'\n') => at = mark(view, at + 1)?,
            Some(b'\\') => {
                let letter = view.run(at, 4, |b| b == b'\\')?;
                match view.at(letter)? {
                    Some(b'n' | b'r' | b't') => at = letter + 1,
                    _ => break,
                }
            }
            _ => break,
        }
    }
    Ok(at)
}

/// Skips what a diff, a mail or a comment puts at the start of each line.
fn mark(view: View<'_>, at: usize) -> Result<usize, More> {
    let skips = match view.at(at)? {
        Some(b'-') => view.at(at + 1)? != Some(b'-') || view.starts_with(at, b"------")?,
        Some(b'+' | b'>' | b'|' | b'#') => true,
        _ => false,
    };
    Ok(at + usize::from(skips))
}

/// Covers the body as far as it has arrived, and its end line. What has arrived and may yet
/// prove to be other text is not covered until it is known.
pub(super) fn advance(view: View<'_>, end: &mut usize, in_run: &mut bool) -> Result<(), More> {
    loop {
        while *in_run {
            if view.at(*end)?.is_some_and(|b| Class::Base64.has(b)) {
                *end += 1;
            } else {
                *in_run = false;
            }
        }
        let run = gap(view, *end)?;
        let run_end = view.run(run, RUN, |b| Class::Base64.has(b))?;
        if run_end - run == RUN {
            *end = run_end;
            *in_run = true;
            continue;
        }
        let line = gap(view, run_end)?;
        if view.starts_with(line, END)? {
            let label = line + END.len();
            let dashes = view.run(label, LABEL, |b| b != b'-' && !b.is_ascii_control())?;
            *end = if view.starts_with(dashes, DASHES)? { dashes + DASHES.len() } else { run_end };
        }
        return Ok(());
    }
}
