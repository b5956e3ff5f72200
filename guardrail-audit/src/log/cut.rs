//! Records into the bodies of lines, with the texts cut that are too long.

use guardrail_core::record::Record;

use super::LogError;
use crate::hash::Hash;
use crate::line::{self, MAX_LINE};
use crate::redacting::Redacting;
use crate::store::{Body, StoreError};

/// The most bytes of a body: whatever its number is, it fits a line.
const MOST: usize = MAX_LINE - line::overhead(u64::MAX);
/// The least that is kept of a text.
const LEAST: usize = 64;

/// The body of a record.
pub(super) fn body(redacting: &Redacting, record: &Record) -> Result<Body<'static>, LogError> {
    let body = redacting.body(record)?;
    if body.json.len() <= MOST {
        return Ok(body);
    }
    let bytes = body.json.len();
    let too_long = || LogError::Store(StoreError::TooLong { bytes, most: MOST });
    let mut record = record.clone();
    let texts: [fn(&mut Record) -> &mut Option<String>; 3] =
        [|record| &mut record.result, |record| &mut record.reason, |record| &mut record.action];
    for text in texts {
        let Some(whole) = text(&mut record).take() else { continue };
        // Before it is cut: half a secret is not found.
        let whole = redacting.redactor().redact(&whole).into_owned();
        let mut keep = whole.len();
        while keep > LEAST {
            keep = (keep / 2).max(LEAST);
            *text(&mut record) = Some(cut(&whole, keep));
            let body = redacting.body(&record)?;
            if body.json.len() <= MOST {
                return Ok(body);
            }
        }
        if text(&mut record).is_none() {
            *text(&mut record) = Some(whole);
        }
    }
    Err(too_long())
}

/// The start and the end of a text, with what was left out between them.
fn cut(whole: &str, keep: usize) -> String {
    let head = whole.floor_boundary(keep / 2);
    let tail = whole.ceil_boundary(whole.len() - keep / 2);
    let start = whole.get(..head).unwrap_or_default();
    let end = whole.get(tail..).unwrap_or_default();
    let digest = Hash::of(whole.as_bytes());
    format!("{start} [cut: {} of {} bytes, sha256 {digest}] {end}", tail - head, whole.len())
}

trait Boundaries {
    fn floor_boundary(&self, at: usize) -> usize;
    fn ceil_boundary(&self, at: usize) -> usize;
}

impl Boundaries for str {
    fn floor_boundary(&self, at: usize) -> usize {
        (0..=at.min(self.len())).rev().find(|&at| self.is_char_boundary(at)).unwrap_or(0)
    }

    fn ceil_boundary(&self, at: usize) -> usize {
        (at..self.len()).find(|&at| self.is_char_boundary(at)).unwrap_or(self.len())
    }
}
