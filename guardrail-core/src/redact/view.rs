//! The part of a text that has arrived so far. Every detector reads through it, which is what
//! makes a stream and a whole text give one answer: a byte that has not arrived is an error,
//! so no detector can decide by what it has not seen.

/// A byte that was needed has not arrived yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct More;

/// How far back a detector may look from its trigger. A stream keeps as many bytes that it
/// has already given out.
pub(super) const LOOK_BEHIND: usize = 32;

/// Bytes of a text, and whether they are all of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'b> {
    bytes: &'b [u8],
    complete: bool,
}

impl<'b> View<'b> {
    pub(super) const fn new(bytes: &'b [u8], complete: bool) -> Self {
        Self { bytes, complete }
    }

    pub(super) const fn bytes(self) -> &'b [u8] {
        self.bytes
    }

    pub(super) const fn is_complete(self) -> bool {
        self.complete
    }

    /// The byte at `i`; `None` past the end of the text.
    #[inline]
    pub(super) fn at(self, i: usize) -> Result<Option<u8>, More> {
        match self.bytes.get(i) {
            Some(&byte) => Ok(Some(byte)),
            None if self.complete => Ok(None),
            None => Err(More),
        }
    }

    /// Whether `literal` stands at `i`; only as many bytes are needed as agree.
    pub(super) fn starts_with(self, i: usize, literal: &[u8]) -> Result<bool, More> {
        for (k, &expected) in literal.iter().enumerate() {
            if self.at(i + k)? != Some(expected) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Where a run of bytes in `class` that starts at `from` ends, looking at no more than
    /// `max` of them.
    pub(super) fn run(self, from: usize, max: usize, class: impl Fn(u8) -> bool) -> Result<usize, More> {
        let mut i = from;
        while i - from < max && self.at(i)?.is_some_and(&class) {
            i += 1;
        }
        Ok(i)
    }

    /// The bytes before `i`, [`LOOK_BEHIND`] at most.
    pub(super) fn before(self, i: usize) -> &'b [u8] {
        self.bytes.get(i.saturating_sub(LOOK_BEHIND)..i).unwrap_or_default()
    }

    /// The bytes from `start` to `end`; empty where the view does not have them.
    pub(super) fn slice(self, start: usize, end: usize) -> &'b [u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }
}

/// Bytes of a word in most languages and tokens.
pub(super) const fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// Whether a token may begin after `before`. A letter there means that it is the middle of some
/// word, unless the letter ends an escape: `\n`, `%3D`, or a terminal's colour sequence.
pub(super) fn is_boundary(before: &[u8]) -> bool {
    match before {
        [.., b'\\', b'n' | b't' | b'r'] => true,
        [.., b'%', hi, lo] if hi.is_ascii_hexdigit() && lo.is_ascii_hexdigit() => true,
        [rest @ .., b'm'] => {
            let digits = rest.iter().rev().take_while(|b| b.is_ascii_digit() || **b == b';').count();
            rest.iter().rev().nth(digits) == Some(&b'[')
        }
        [.., last] => !is_word(*last),
        [] => true,
    }
}
