//! What a command says: read as it comes, without its secrets, and kept up to a limit.

use std::os::fd::OwnedFd;

use guardrail_core::plan::{Output, Stream};
use guardrail_core::redact::{Redactor, StreamRedactor};
use rustix::io::Errno;

use super::handoff::Handoff;

/// How much is read in one go.
const CHUNK: usize = 64 << 10;

/// One stream of a command.
pub(super) struct Capture {
    stream: Stream,
    pipe: Option<OwnedFd>,
    redactor: StreamRedactor,
    /// The end of the text so far.
    kept: Vec<u8>,
    most: usize,
    bytes: u64,
    cut: bool,
    /// Whether what comes is only counted.
    muted: bool,
}

/// What there was to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// So many bytes.
    Some(usize),
    /// Nothing at the moment.
    Nothing,
    /// Nothing any more.
    End,
}

impl Capture {
    /// Reads from the reading end of a pipe, which must not block, and keeps at most `most` bytes.
    pub(super) fn new(stream: Stream, pipe: OwnedFd, redactor: &Redactor, most: usize) -> Self {
        Self {
            stream,
            pipe: Some(pipe),
            redactor: redactor.stream(),
            kept: Vec::new(),
            most,
            bytes: 0,
            cut: false,
            muted: false,
        }
    }

    /// The pipe, until its end.
    pub(super) const fn pipe(&self) -> Option<&OwnedFd> {
        self.pipe.as_ref()
    }

    /// How much came.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// From now on what comes is counted and dropped, so that the command does not wait for anybody
    /// to read while it is ended.
    pub(super) fn mute(&mut self) {
        self.muted = true;
    }

    /// Reads once.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>, handoff: &Handoff) -> Read {
        let Some(pipe) = &self.pipe else { return Read::End };
        buffer.resize(CHUNK, 0);
        match rustix::io::read(pipe, &mut *buffer) {
            Ok(0) => {
                self.pipe = None;
                Read::End
            }
            Ok(length) => {
                self.bytes = self.bytes.saturating_add(length as u64);
                if self.muted {
                    self.cut = true;
                } else {
                    let mut clean = Vec::with_capacity(length);
                    self.redactor.push(buffer.get(..length).unwrap_or_default(), &mut clean);
                    self.keep(&clean);
                    handoff.output(self.stream, clean);
                }
                Read::Some(length)
            }
            Err(Errno::AGAIN | Errno::INTR) => Read::Nothing,
            Err(_) => {
                self.pipe = None;
                self.cut = true;
                Read::End
            }
        }
    }

    /// Ends the text, and gives it.
    pub(super) fn finish(mut self, handoff: &Handoff) -> Output {
        // What is held back could be the beginning of a secret whose rest was dropped.
        if !self.muted {
            let mut clean = Vec::new();
            self.redactor.finish(&mut clean);
            self.keep(&clean);
            handoff.output(self.stream, clean);
        }
        self.shorten();
        let mut text: &[u8] = &self.kept;
        if self.cut {
            // It may begin inside of a character.
            let inside = text.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
            text = text.get(inside..).unwrap_or_default();
        }
        Output { text: String::from_utf8_lossy(text).into_owned(), bytes: self.bytes, cut: self.cut }
    }

    fn keep(&mut self, clean: &[u8]) {
        self.kept.extend_from_slice(clean);
        // Twice as much is held, so that not every chunk moves all of it.
        if self.kept.len() > self.most.saturating_mul(2) {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        let gone = self.kept.len().saturating_sub(self.most);
        if gone > 0 {
            self.kept.drain(..gone);
            self.cut = true;
        }
    }
}
