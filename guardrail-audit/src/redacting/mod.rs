//! Records into bytes, with the secrets out before there are any.
//!
//! A [`Redacting`] writes the JSON body of a record's line. Every text and every field name, at
//! any depth, passes core's redactor on its way; [`FieldRules`] replace what is a secret by its
//! name; argument vectors are also read as the command they are, in which `--password` says what
//! the next word is. No tree of the redacted record is ever made.

mod rules;
mod tag;
mod vector;
mod write;

use std::borrow::Cow;

use guardrail_core::record::{Kind, Record};
use guardrail_core::redact::Redactor;

use crate::chain::Note;
use crate::store::Body;

pub use rules::{FieldRuleError, FieldRules};
pub use tag::TagKey;
use write::Writing;

/// The deepest that arrays and objects may be nested in a line, the line's own object included.
pub const MAX_DEPTH: usize = 100;

/// Turns records into the bodies of lines, without their secrets.
///
/// Where a secret stood there is a text like `[redacted:password#3f9a1c07]`. The digits are a tag:
/// the same secret has the same tag all over the log, and without the log's [`TagKey`] nothing can
/// be learned from it. What was replaced is also counted, by place and kind, in the record's last
/// field, `redacted`.
///
/// ```
/// use guardrail_audit::{FieldRules, Redacting};
/// use guardrail_core::record::{Kind, Record};
/// use guardrail_core::redact::Redactor;
///
/// let redacting = Redacting::new(Redactor::new(), FieldRules::standard(), None);
/// let mut record = Record::new(Kind::Evaluation);
/// record.tool = Some("mysql".into());
/// record.arguments = Some(serde_json::json!({"host": "db", "password": "hunter2"}));
/// let body = redacting.body(&record)?;
/// assert_eq!(
///     std::str::from_utf8(&body.json)?,
///     r#"{"kind":"evaluation","tool":"mysql","arguments":{"host":"db","password":"[redacted:password]"},"redacted":[{"path":"arguments.password","kind":"password","n":1}]}"#,
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Redacting {
    redactor: Redactor,
    rules: FieldRules,
    key: Option<TagKey>,
}

/// Why a record cannot be written. Nothing of a secret is in the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedactingError {
    /// The plan's id holds a secret. Replaced, it would not be found again.
    #[error("the plan's id holds a secret ({kind}): name plans by something that can be written down")]
    SecretInPlanId {
        /// What kind of secret.
        kind: &'static str,
    },
    /// The kind is no word.
    #[error("the kind of a record is a word of 1 to 64 of `a-z`, `0-9`, `_`, `-` and `.`")]
    Kind,
    /// It is too long, and has no texts that could be cut to make it short enough.
    #[error(
        "the record has {bytes} bytes with its texts cut, and may have {most}: keep what it holds in the plan store"
    )]
    TooLong {
        /// Its bytes.
        bytes: usize,
        /// How many it may have.
        most: usize,
    },
    /// Arrays and objects are nested too deep.
    #[error("`{field}` makes the record more than {MAX_DEPTH} levels deep: readers would not follow")]
    TooDeep {
        /// The field of the record.
        field: &'static str,
    },
}

impl Redacting {
    /// Redacts with these. Without a key, replaced secrets have no tags.
    #[must_use]
    pub const fn new(redactor: Redactor, rules: FieldRules, key: Option<TagKey>) -> Self {
        Self { redactor, rules, key }
    }

    /// The redactor, for texts that do not go into the log.
    #[must_use]
    pub const fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// The body of a record's line, and what the chain keeps of it.
    ///
    /// # Errors
    ///
    /// See [`RedactingError`].
    pub fn body(&self, record: &Record) -> Result<Body<'static>, RedactingError> {
        let mut json = Vec::with_capacity(512);
        self.write(record, &mut json)?;
        Ok(Body { json: Cow::Owned(json), note: Note::of(record) })
    }

    /// Appends the body of a record's line to `out`: a JSON object that begins with its kind.
    ///
    /// # Errors
    ///
    /// See [`RedactingError`]. What was appended by then is to be thrown away.
    pub fn write(&self, record: &Record, out: &mut Vec<u8>) -> Result<(), RedactingError> {
        if let Some((_, kind)) =
            record.plan_id.as_deref().and_then(|id| self.redactor.secrets(id).into_iter().next())
        {
            return Err(RedactingError::SecretInPlanId { kind: kind.name() });
        }
        if let Kind::Other(word) = &record.kind {
            let is_word = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.');
            if !(1..=64).contains(&word.len())
                || !word.bytes().all(is_word)
                || !self.redactor.secrets(word).is_empty()
            {
                return Err(RedactingError::Kind);
            }
        }
        Writing::new(self, out).record(record)
    }

    /// As [`body`](Self::body), with long texts cut so that the body has at most so many bytes: what was
    /// done, to what and why, what came of it, and the texts in `arguments` and `details`. They are cut
    /// after their secrets were replaced, since half a secret is not found, and say how much is
    /// missing and what the SHA-256 digest of the whole was.
    ///
    /// # Errors
    ///
    /// As [`body`](Self::body), and [`RedactingError::TooLong`] where it is not long texts that make it
    /// too long.
    pub fn fitting(&self, record: &Record, most: usize) -> Result<Body<'static>, RedactingError> {
        let mut body = self.body(record)?;
        for longest in [32_768, 16_384, 8_192, 4_096, 2_048, 1_024, 512, 128] {
            if body.json.len() <= most {
                return Ok(body);
            }
            let mut json = Vec::with_capacity(most);
            Writing::new(self, &mut json).cutting(longest).record(record)?;
            body.json = Cow::Owned(json);
        }
        let bytes = body.json.len();
        if bytes <= most { Ok(body) } else { Err(RedactingError::TooLong { bytes, most }) }
    }
}
