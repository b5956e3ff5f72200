//! Redaction of text that arrives in pieces.

use std::fmt;

use super::Redactor;
use super::detect::Match;
use super::kind::Hits;
use super::scan::scan;
use super::view::{LOOK_BEHIND, View};

/// Redacts a stream of bytes, however it is cut into chunks: the output is the same as for the
/// whole text at once.
///
/// Held back is only what could still grow into a secret, and never more than
/// [`Redactor::hold_back_limit`] bytes. Nothing of a secret that has begun is held: it is dropped
/// as it arrives.
///
/// ```
/// use guardrail_core::redact::Redactor;
///
/// let mut stream = Redactor::new().stream();
/// let mut out = Vec::new();
/// stream.push(b"pulling https://ci:s3cr", &mut out);
/// assert_eq!(out, b"pulling https");
/// stream.push(b"3t@example.org/x.git\n", &mut out);
/// stream.finish(&mut out);
/// assert_eq!(out, b"pulling https://ci:[redacted:url-password]@example.org/x.git\n");
/// assert_eq!(stream.hits().total(), 1);
/// ```
pub struct StreamRedactor {
    redactor: Redactor,
    /// Bytes that were given out already and may be looked back at, then bytes that were not.
    buffer: Vec<u8>,
    /// How many of `buffer` were given out.
    base: usize,
    /// Bytes up to here belong to a secret whose replacement was written.
    covered: usize,
    carried: Vec<Match>,
    hits: Hits,
}

impl StreamRedactor {
    pub(super) const fn new(redactor: Redactor) -> Self {
        Self {
            redactor,
            buffer: Vec::new(),
            base: 0,
            covered: 0,
            carried: Vec::new(),
            hits: Hits { counts: Vec::new() },
        }
    }

    /// Takes the next bytes and appends to `out` what is certain by now.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        self.buffer.extend_from_slice(chunk);
        self.step(false, out);
        self.forget();
    }

    /// Ends the text: appends what was held back. The stream then starts anew, its hits
    /// excepted.
    ///
    /// Call it too where a stream falls silent and what is held should be seen; a secret that
    /// goes on after that is judged by its second half alone.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.step(true, out);
        self.buffer.clear();
        self.carried.clear();
        self.base = 0;
        self.covered = 0;
    }

    /// How many bytes are held back at the moment.
    #[must_use]
    pub fn held(&self) -> usize {
        self.buffer.len().saturating_sub(self.base.max(self.covered))
    }

    /// What was replaced so far.
    #[must_use]
    pub const fn hits(&self) -> &Hits {
        &self.hits
    }

    fn step(&mut self, complete: bool, out: &mut Vec<u8>) {
        let view = View::new(&self.buffer, complete);
        let carried = std::mem::take(&mut self.carried);
        let scan = scan(self.redactor.registered(), view, self.base, carried);
        let mut writer = Writer { view, at: self.base, covered: self.covered, out, hits: &mut self.hits };
        for found in scan.matches.iter().filter(|found| found.trigger < scan.settled) {
            // The replacement of an earlier one was written when it began.
            if found.start < self.base {
                writer.covered = writer.covered.max(found.end);
            }
        }
        for found in scan.matches.iter().filter(|f| f.start >= self.base && f.start < scan.settled) {
            writer.write(found);
        }
        writer.copy_to(scan.settled);
        self.covered = writer.covered;
        self.base = scan.settled;
        self.carried = scan
            .matches
            .into_iter()
            .filter(|f| {
                f.trigger < scan.settled && (f.open || f.end > scan.settled || f.start >= scan.settled)
            })
            .collect();
    }

    /// Drops the bytes that nothing looks at any more.
    fn forget(&mut self) {
        let gone = self.base.saturating_sub(LOOK_BEHIND);
        if gone == 0 {
            return;
        }
        self.buffer.drain(..gone);
        self.base -= gone;
        self.covered = self.covered.saturating_sub(gone);
        for found in &mut self.carried {
            found.trigger = found.trigger.saturating_sub(gone);
            found.start = found.start.saturating_sub(gone);
            found.end = found.end.saturating_sub(gone);
        }
    }
}

impl fmt::Debug for StreamRedactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is held back may be the beginning of a secret.
        f.debug_struct("StreamRedactor").field("held", &self.held()).field("hits", &self.hits).finish()
    }
}

/// Writes text with matches replaced. Matches that overlap become one replacement.
pub(super) struct Writer<'w> {
    pub(super) view: View<'w>,
    /// The first byte that was not written yet.
    pub(super) at: usize,
    pub(super) covered: usize,
    pub(super) out: &'w mut Vec<u8>,
    pub(super) hits: &'w mut Hits,
}

impl Writer<'_> {
    /// Writes up to a match and its replacement. Matches come in the order of their start.
    pub(super) fn write(&mut self, found: &Match) {
        if found.start >= self.covered && found.start < found.end {
            self.copy_to(found.start);
            self.out.extend_from_slice(found.kind.replacement().as_bytes());
            self.hits.add(found.kind, 1);
        }
        self.covered = self.covered.max(found.end);
    }

    pub(super) fn copy_to(&mut self, end: usize) {
        let start = self.at.max(self.covered);
        self.out.extend_from_slice(self.view.slice(start, end));
        self.at = self.at.max(end);
    }
}
