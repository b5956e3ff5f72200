//! What an opaque text plainly says that it does: constant arguments of well-known calls.

use std::borrow::Cow;

use super::super::{Act, Found, Known};
use super::dialect::{Dialect, Kind, Syntax};

/// Adds every act that a piece of the text tells of. What stands inside a longer piece that was
/// found before is not told twice.
pub(super) fn acts<'t>(dialect: &'static Dialect, text: &'t [u8], found: &mut Vec<Found<'t>>) {
    let whole = found.len();
    for plain in dialect.acts {
        for start in places(text, plain.text.as_bytes()) {
            let end = start + plain.text.len();
            let known = || first_string(text.get(end..).unwrap_or_default());
            let act = match plain.act {
                Kind::With(deed) => deed.of(known()),
                Kind::Without(deed) => deed.of(None),
                Kind::Environment => Act::Environment,
            };
            add(found, whole, act, start, end);
        }
    }
    if matches!(dialect.syntax, Syntax::Python | Syntax::Ruby | Syntax::Php) {
        for name in [&b"open("[..], b"fopen("] {
            for start in places(text, name) {
                let arguments = text.get(start + name.len()..).unwrap_or_default();
                if opens_to_write(arguments) {
                    add(found, whole, Act::Write(first_string(arguments)), start, start + name.len());
                }
            }
        }
    }
}

fn add<'t>(found: &mut Vec<Found<'t>>, whole: usize, act: Act<'t>, start: usize, end: usize) {
    // A text that repeats itself says nothing new.
    const ENOUGH: usize = 64;
    let known = found.get(whole..).unwrap_or_default();
    if known.len() < ENOUGH && !known.iter().any(|one| one.at.contains(&start)) {
        found.push(Found { act, at: start..end });
    }
}

/// Where `piece` stands and no longer word does.
fn places<'t>(text: &'t [u8], piece: &'t [u8]) -> impl Iterator<Item = usize> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let first = piece.first().copied();
    let starts_word = first.as_ref().is_some_and(is_word);
    // Nearly every byte is another than the first one, and no more than that is looked at.
    text.iter().enumerate().filter(move |(_, byte)| Some(**byte) == first).filter_map(move |(at, _)| {
        let stands = text.get(at..).is_some_and(|rest| rest.starts_with(piece));
        let inside =
            || starts_word && at.checked_sub(1).and_then(|before| text.get(before)).is_some_and(is_word);
        (stands && !inside()).then_some(at)
    })
}

/// The constant that stands first in `text`, if it is a whole argument.
fn first_string(text: &[u8]) -> Known<'_> {
    let (&quote, rest) = text.trim_ascii_start().split_first()?;
    if !matches!(quote, b'\'' | b'"' | b'`') {
        return None;
    }
    let end = rest.iter().position(|byte| *byte == quote)?;
    let value = rest.get(..end)?;
    let behind = rest.get(end + 1..).unwrap_or_default().trim_ascii_start().first();
    let whole = matches!(behind, None | Some(b')' | b',' | b';' | b'\n' | b'}'));
    let plain = !value.iter().any(|byte| matches!(byte, b'\\' | b'$' | b'#' | b'{' | b'@' | b'\n'));
    (whole && plain).then_some(Cow::Borrowed(value))
}

/// Whether a later argument on the line is a mode that writes.
fn opens_to_write(arguments: &[u8]) -> bool {
    let near = arguments.get(..256).unwrap_or(arguments);
    let line = near.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.split(|byte| matches!(byte, b'\'' | b'"')).take(16).any(|mode| {
        (1..=3).contains(&mode.len())
            && mode.iter().all(|byte| matches!(byte, b'r' | b'w' | b'a' | b'x' | b'c' | b'b' | b't' | b'+'))
            && mode.iter().any(|byte| matches!(byte, b'w' | b'a' | b'x' | b'c' | b'+'))
    })
}
