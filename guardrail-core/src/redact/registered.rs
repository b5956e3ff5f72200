//! Secret values that the embedder knows, in each form in which they may show up.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::RedactorError;
use super::prefix::Prefixes;

/// The fewest bytes of a value, raw or encoded and without white space around it, that are looked
/// for. Anything shorter turns up in ordinary text.
pub const MIN_VALUE: usize = 4;
/// An encoded fragment loses bytes at its ends, so it has to be longer to be telling.
const MIN_FRAGMENT: usize = 8;
/// A line of a multi-line value is looked for on its own from this length.
const MIN_LINE: usize = 16;

/// The searcher for all forms of all registered values.
pub(super) struct Registered {
    search: AhoCorasick,
    prefixes: Prefixes,
}

impl Registered {
    /// `None` where there is nothing to look for.
    pub(super) fn new(forms: BTreeSet<Vec<u8>>) -> Result<Option<Self>, RedactorError> {
        if forms.is_empty() {
            return Ok(None);
        }
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&forms)
            .map_err(|_| RedactorError::TooMany)?;
        Ok(Some(Self { search, prefixes: Prefixes::new(forms) }))
    }

    /// The beginnings of all forms.
    pub(super) const fn prefixes(&self) -> &Prefixes {
        &self.prefixes
    }

    /// The longest match at each position from `base` on; matches may overlap, so that all of
    /// two entangled secrets is covered.
    pub(super) fn find_all<'t>(
        &'t self,
        bytes: &'t [u8],
        base: usize,
    ) -> impl Iterator<Item = (usize, usize)> + 't {
        let mut from = base;
        std::iter::from_fn(move || {
            if from > bytes.len() {
                return None;
            }
            let found = self.search.find(Input::new(bytes).range(from..))?;
            from = found.start() + 1;
            Some((found.start(), found.end()))
        })
    }
}

/// Adds every form of `value` to `forms`.
pub(super) fn add_forms(value: &[u8], forms: &mut BTreeSet<Vec<u8>>) {
    // A value read from a file ends in a newline that the program using it drops.
    let value = value.trim_ascii();
    let mut add = |form: Vec<u8>, min: usize| {
        if form.len() >= min {
            forms.insert(form);
        }
    };
    add(value.to_vec(), MIN_VALUE);
    for line in value.split(|b| *b == b'\n').map(<[u8]>::trim_ascii) {
        if line.len() >= MIN_LINE && !line.starts_with(b"-----") {
            add(line.to_vec(), MIN_LINE);
        }
    }
    for alphabet in [STANDARD, URL_SAFE] {
        for offset in 0..3 {
            add(base64_inner(value, offset, alphabet), MIN_FRAGMENT);
        }
    }
    add(hex(value, false), MIN_FRAGMENT);
    add(hex(value, true), MIN_FRAGMENT);
    for kept in ["-._~", "-._~!'()*", "-._~!'()*;,/?:@&=+$#", "-._*"] {
        for upper in [false, true] {
            for plus in [false, true] {
                add(percent(value, kept.as_bytes(), upper, plus), MIN_VALUE);
            }
        }
    }
    if let Ok(text) = std::str::from_utf8(value) {
        for escape in [Escape::Json, Escape::JsonSlash, Escape::JsonHtml, Escape::JsonAscii] {
            add(json(text, escape), MIN_VALUE);
        }
    }
    // As a shell prints it inside single quotes.
    add(replace(value, b'\'', br"'\''"), MIN_VALUE);
    add(replace(value, b'\n', b"\r\n"), MIN_VALUE);
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The base64 characters that `value` alone determines when it stands `offset` bytes (modulo
/// three) into a longer text.
fn base64_inner(value: &[u8], offset: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let first_bit = offset * 8;
    let last_bit = first_bit + value.len() * 8;
    let sextets = first_bit.div_ceil(6)..last_bit / 6;
    let bit = |at: usize| -> usize {
        let at = at - first_bit;
        value.get(at / 8).map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1))
    };
    sextets
        .filter_map(|sextet| {
            let index = (0..6).fold(0, |index, k| index << 1 | bit(sextet * 6 + k));
            alphabet.get(index).copied()
        })
        .collect()
}

fn hex(value: &[u8], upper: bool) -> Vec<u8> {
    let mut text = String::with_capacity(value.len() * 2);
    for byte in value {
        push_hex(&mut text, *byte, upper);
    }
    text.into_bytes()
}

fn push_hex(text: &mut String, byte: u8, upper: bool) {
    // Writing to a string cannot fail.
    let _ = if upper { write!(text, "{byte:02X}") } else { write!(text, "{byte:02x}") };
}

fn percent(value: &[u8], kept: &[u8], upper: bool, plus: bool) -> Vec<u8> {
    let mut text = String::with_capacity(value.len() * 3);
    for &byte in value {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            text.push(char::from(byte));
        } else if plus && byte == b' ' {
            text.push('+');
        } else {
            text.push('%');
            push_hex(&mut text, byte, upper);
        }
    }
    text.into_bytes()
}

#[derive(Clone, Copy, PartialEq)]
enum Escape {
    /// Only what JSON demands.
    Json,
    /// `/` escaped too, as PHP does.
    JsonSlash,
    /// `<`, `>` and `&` escaped too, as Go does.
    JsonHtml,
    /// All that is not ASCII escaped too, as Python does.
    JsonAscii,
}

fn json(text: &str, escape: Escape) -> Vec<u8> {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '/' if escape == Escape::JsonSlash => out.push_str("\\/"),
            '<' | '>' | '&' if escape == Escape::JsonHtml => push_unicode(&mut out, c),
            _ if c.is_ascii_control() => push_unicode(&mut out, c),
            _ if !c.is_ascii() && escape == Escape::JsonAscii => push_unicode(&mut out, c),
            _ => out.push(c),
        }
    }
    out.into_bytes()
}

fn push_unicode(out: &mut String, c: char) {
    let mut units = [0; 2];
    for unit in c.encode_utf16(&mut units) {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\u{unit:04x}");
    }
}

fn replace(value: &[u8], from: u8, to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 8);
    for &byte in value {
        if byte == from {
            out.extend_from_slice(to);
        } else {
            out.push(byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(value: &str) -> BTreeSet<String> {
        let mut forms = BTreeSet::new();
        add_forms(value.as_bytes(), &mut forms);
        forms.into_iter().map(|form| String::from_utf8(form).unwrap()).collect()
    }

    #[test]
    fn base64_in_all_alignments() {
        // "s3cr3t-value" alone, after one byte ("a:") and so on; ends that depend on
        // neighbours are left out.
        let forms = forms("s3cr3t-value");
        assert!(forms.contains("czNjcjN0LXZhbHVl"), "{forms:?}");
        assert!(forms.contains("MzY3IzdC12YWx1Z") || forms.contains("zM2NyM3QtdmFsdW"), "{forms:?}");
        // base64("u:s3cr3t-value!") and base64("us:s3cr3t-value!") hold the other two.
        assert!(forms.iter().any(|f| "dTpzM2NyM3QtdmFsdWUh".contains(f.as_str())));
        assert!(forms.iter().any(|f| "dXM6czNjcjN0LXZhbHVlIQ==".contains(f.as_str())));
        assert!(forms.iter().any(|f| "YTpiOnMzY3IzdC12YWx1ZSE=".contains(f.as_str())));
    }

    #[test]
    fn escapes() {
        let forms = forms("p/s \"w\"&é'1");
        for expected in [
            "p%2Fs%20%22w%22%26%C3%A9%271",
            "p%2fs%20%22w%22%26%c3%a9%271",
            "p%2Fs+%22w%22%26%C3%A9%271",
            "p/s \\\"w\\\"&é'1",
            "p\\/s \\\"w\\\"&é'1",
            "p/s \\\"w\\\"\\u0026é'1",
            "p/s \\\"w\\\"&\\u00e9'1",
            "p/s \"w\"&é'\\''1",
            "702f73202277222 6c3a92731".replace(' ', "").as_str(),
        ] {
            assert!(forms.contains(expected), "{expected} is not in {forms:#?}");
        }
    }
}
