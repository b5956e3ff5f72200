//! Secrets out of text and of streams, and what is invisible in a text made visible.
//!
//! A [`Redactor`] knows two kinds of secret: values the embedder registered, in every form in
//! which they may show up (raw, base64, hex, percent-encoded, escaped), and the shapes that
//! well-known credentials have. It replaces each by a text that says what stood there.
//!
//! ```
//! use guardrail_core::redact::Redactor;
//!
//! let redactor = Redactor::builder().secret("correct-horse")?.build()?;
//! assert_eq!(
//!     redactor.redact("curl -H 'Authorization: Bearer 1b7ef8c2d94a' https://x/?q=correct-horse"),
//!     "curl -H 'Authorization: Bearer [redacted:authorization]' https://x/?q=[redacted:registered]",
//! );
//! // Base64 of `user:correct-horse`, as Basic authentication sends it.
//! assert_eq!(redactor.redact("dXNlcjpjb3JyZWN0LWhvcnNl"), "dXNlcjp[redacted:registered]");
//! // What only stands for a secret stays.
//! let line = "login --password \"$PASSWORD\" --token <token> # 9fceb02d0ae598e95dc970b74767f19372d61af8";
//! assert_eq!(redactor.redact(line), line);
//! # Ok::<(), guardrail_core::redact::RedactorError>(())
//! ```
//!
//! Redaction is for what people and logs see. Nothing is decided by redacted text, and a
//! replacement never covers a command: unquoted values end at shell operators, and a command
//! substitution is left readable wherever it stands.
//!
//! What it cannot do: a secret that was neither registered nor has a known shape stays, and so
//! does one that was transformed beyond the forms above (compressed, encrypted, reversed, cut).

mod detect;
mod kind;
mod prefix;
mod registered;
mod scan;
mod stream;
mod view;
mod visible;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use kind::{Hits, Kind};
pub use registered::MIN_VALUE as SHORTEST;
use registered::Registered;
use scan::scan;
pub use stream::StreamRedactor;
use stream::Writer;
use view::View;
pub use visible::{Class as InvisibleClass, InvisibleCharacters, invisible_characters, visible};

/// Replaces secrets in text. Cheap to clone; holds the registered values for as long as any
/// clone lives, and prints none of them in its `Debug` form.
#[derive(Clone, Default)]
pub struct Redactor {
    registered: Option<Arc<Registered>>,
}

/// A text without its secrets, and how many there were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted<T> {
    /// The text.
    pub text: T,
    /// What was replaced.
    pub hits: Hits,
}

impl Redactor {
    /// A redactor that knows the well-known shapes only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers secret values.
    #[must_use]
    pub fn builder() -> RedactorBuilder {
        RedactorBuilder::default()
    }

    /// The text with its secrets replaced; borrowed where there were none.
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redact_counted(text).text
    }

    /// As [`redact`](Self::redact), and says what was replaced.
    #[must_use]
    pub fn redact_counted<'t>(&self, text: &'t str) -> Redacted<Cow<'t, str>> {
        let Redacted { text: bytes, hits } = self.redact_bytes(text.as_bytes());
        let text = match bytes {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // Only a registered value that is no UTF-8 can end inside of a character.
            Cow::Owned(bytes) => Cow::Owned(
                String::from_utf8(bytes)
                    .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
            ),
        };
        Redacted { text, hits }
    }

    /// As [`redact_counted`](Self::redact_counted), for text in any encoding that extends ASCII.
    ///
    /// ```
    /// use guardrail_core::redact::{Kind, Redactor};
    ///
    /// let redacted = Redactor::new().redact_bytes(b"\xff MYSQL_PWD=hunter2 mysql");
    /// assert_eq!(&redacted.text[..], b"\xff MYSQL_PWD=[redacted:password] mysql");
    /// assert_eq!(redacted.hits.count(Kind::Password), 1);
    /// ```
    #[must_use]
    pub fn redact_bytes<'t>(&self, text: &'t [u8]) -> Redacted<Cow<'t, [u8]>> {
        let mut hits = Hits::default();
        let view = View::new(text, true);
        let matches = scan(self.registered(), view, 0, Vec::new()).matches;
        if matches.is_empty() {
            return Redacted { text: Cow::Borrowed(text), hits };
        }
        let mut out = Vec::with_capacity(text.len());
        let mut writer = Writer { view, at: 0, covered: 0, out: &mut out, hits: &mut hits };
        for found in &matches {
            writer.write(found);
        }
        writer.copy_to(text.len());
        Redacted { text: Cow::Owned(out), hits }
    }

    /// The bytes of each secret and what it is, ascending and apart: for callers that show the
    /// text with places in it, which a replaced text would move.
    ///
    /// ```
    /// use guardrail_core::redact::{Kind, Redactor};
    ///
    /// let secrets = Redactor::new().secrets("MYSQL_PWD=hunter2 mysql");
    /// assert_eq!(secrets, [(10..17, Kind::Password)]);
    /// ```
    #[must_use]
    pub fn secrets(&self, text: &str) -> Vec<(Range<usize>, Kind)> {
        let view = View::new(text.as_bytes(), true);
        let mut secrets: Vec<(Range<usize>, Kind)> = Vec::new();
        for found in scan(self.registered(), view, 0, Vec::new()).matches {
            match secrets.last_mut() {
                Some((last, _)) if found.start < last.end => last.end = last.end.max(found.end),
                _ if found.start < found.end => secrets.push((found.start..found.end, found.kind)),
                _ => {}
            }
        }
        secrets
    }

    /// A redactor for text that arrives in pieces.
    #[must_use]
    pub fn stream(&self) -> StreamRedactor {
        StreamRedactor::new(self.clone())
    }

    /// The most bytes that a [`StreamRedactor`] ever holds back.
    #[must_use]
    pub fn hold_back_limit(&self) -> usize {
        detect::DECISION.max(self.registered().map_or(0, |r| r.prefixes().longest()))
    }

    fn registered(&self) -> Option<&Registered> {
        self.registered.as_deref()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forms = self.registered().map_or(0, |r| r.prefixes().len());
        f.debug_struct("Redactor").field("registered_forms", &forms).finish()
    }
}

/// Collects the values that a [`Redactor`] looks for.
#[derive(Clone, Default)]
pub struct RedactorBuilder {
    forms: BTreeSet<Vec<u8>>,
}

impl RedactorBuilder {
    /// Adds a secret value. White space around it does not count, since files end in newlines.
    ///
    /// ```
    /// use guardrail_core::redact::Redactor;
    ///
    /// assert!(Redactor::builder().secret("abc").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// A value of fewer than four bytes, which would be found in ordinary text everywhere, is
    /// refused, so that nobody takes it for covered.
    pub fn secret(mut self, value: impl AsRef<[u8]>) -> Result<Self, RedactorError> {
        let value = value.as_ref();
        if value.trim_ascii().len() < registered::MIN_VALUE {
            return Err(RedactorError::TooShort);
        }
        registered::add_forms(value, &mut self.forms);
        Ok(self)
    }

    /// The redactor.
    ///
    /// # Errors
    ///
    /// Where the values together are more than the searcher can hold (gigabytes).
    pub fn build(self) -> Result<Redactor, RedactorError> {
        Ok(Redactor { registered: Registered::new(self.forms)?.map(Arc::new) })
    }
}

impl fmt::Debug for RedactorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactorBuilder").field("forms", &self.forms.len()).finish()
    }
}

/// Why a value could not be registered. Going on without it would print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedactorError {
    /// The value is too short to be looked for.
    #[error("a secret of fewer than {} bytes cannot be told from ordinary text", registered::MIN_VALUE)]
    TooShort,
    /// All values together are too long.
    #[error("more secret values than can be searched for")]
    TooMany,
}
