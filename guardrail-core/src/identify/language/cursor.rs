//! A place in a program text.

use std::ops::Range;

/// A place in `text`. Reading past the end gives `None`; no method panics.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Goes back to a place it has been.
    pub(super) fn rewind(&mut self, at: usize) {
        self.at = at.min(self.text.len());
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The byte `ahead` of the next one.
    pub(super) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at.saturating_add(ahead)).copied()
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The bytes from `start` to here.
    pub(super) fn since(&self, start: usize) -> &'t [u8] {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The bytes of a range, empty where it does not lie in the text.
    pub(super) fn slice(&self, range: Range<usize>) -> &'t [u8] {
        self.text.get(range).unwrap_or_default()
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Moves on by `bytes`, at most to the end.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes).min(self.text.len());
    }

    /// Takes `byte` if it is next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes `prefix` if it is next.
    pub(super) fn eat_all(&mut self, prefix: &[u8]) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    /// Moves on while `wanted` holds; says over what.
    pub(super) fn eat_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'t [u8] {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        self.since(start)
    }

    /// Moves behind the next `end`; false, and at the end of the text, if there is none.
    pub(super) fn skip_past(&mut self, end: &[u8]) -> bool {
        let found = find(self.rest(), end);
        match found {
            Some(offset) => self.skip(offset + end.len()),
            None => self.at = self.text.len(),
        }
        found.is_some()
    }
}

/// Where `needle` first stands in `text`.
pub(super) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    text.windows(needle.len()).position(|window| window == needle)
}
