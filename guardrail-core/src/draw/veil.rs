//! What of a text is not printed as it is: its secrets, and what deceives the eye.

use std::borrow::Cow;
use std::ops::Range;

use crate::redact::{self, Redactor};

/// The places of one text where something else is printed, ascending and apart.
#[derive(Debug, Default)]
pub(super) struct Veil {
    places: Vec<(Range<usize>, Cow<'static, str>)>,
}

impl Veil {
    /// Finds the secrets of a text, and the characters that a reader cannot see or mistakes.
    pub(super) fn new(text: &str, redactor: &Redactor) -> Self {
        let secrets = redactor.secrets(text);
        let mut places: Vec<_> =
            secrets.into_iter().map(|(bytes, kind)| (bytes, Cow::Borrowed(kind.replacement()))).collect();
        let secret = places.len();
        for (bytes, _) in redact::invisible_characters(text) {
            let hidden = places.get(..secret).unwrap_or_default();
            let before = hidden.partition_point(|(place, _)| place.start <= bytes.start);
            let covered = before.checked_sub(1).and_then(|i| hidden.get(i));
            if covered.is_none_or(|(place, _)| place.end <= bytes.start) {
                let shown = redact::visible(text.get(bytes.clone()).unwrap_or_default()).into_owned();
                places.push((bytes, Cow::Owned(shown)));
            }
        }
        places.sort_by_key(|(bytes, _)| bytes.start);
        Self { places }
    }

    /// Where the place that covers the byte `at` ends, and what is printed instead.
    pub(super) fn at(&self, at: usize) -> Option<(usize, &str)> {
        let after = self.places.partition_point(|(bytes, _)| bytes.start <= at);
        let (bytes, shown) = self.places.get(after.checked_sub(1)?)?;
        (at < bytes.end).then_some((bytes.end, shown))
    }
}

/// Text of the requester for one line: without secrets, and with line breaks written out too.
pub(super) fn safe(text: &str, redactor: &Redactor) -> String {
    line(&redactor.redact(text))
}

/// Text that holds no secrets, for one line.
pub(super) fn line(text: &str) -> String {
    redact::visible(text).replace('\n', "\\n").replace('\t', " ")
}
