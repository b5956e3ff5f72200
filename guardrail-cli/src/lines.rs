//! Lines from a reader, each in bounded memory.

use std::io::{self, BufRead};

/// Bytes that one request may have.
pub(crate) const LONGEST: usize = 16 << 20;

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'b> {
    /// A line without its newline. The last one may have had none.
    Whole(&'b [u8]),
    /// A line of more than the allowed bytes; it was read past and forgotten.
    TooLong,
}

/// Reads lines of up to `longest` bytes.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: R,
    longest: usize,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(crate) const fn new(reader: R, longest: usize) -> Self {
        Self { reader, longest, buffer: Vec::new() }
    }

    /// The next line; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let mut too_long = false;
        let mut any = false;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                break;
            }
            any = true;
            let mut parts = chunk.splitn(2, |byte| *byte == b'\n');
            let part = parts.next().unwrap_or_default();
            let ended = parts.next().is_some();
            let used = part.len() + usize::from(ended);
            too_long |= part.len() > self.longest - self.buffer.len();
            if too_long {
                // A buffer that once grew large is not kept for the lines to come.
                self.buffer = Vec::new();
            } else {
                self.buffer.extend_from_slice(part);
            }
            self.reader.consume(used);
            if ended {
                break;
            }
        }
        Ok(any.then_some(if too_long { Line::TooLong } else { Line::Whole(&self.buffer) }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(text: &str, longest: usize) -> Vec<Option<String>> {
        // A tiny buffer, so that lines come in pieces.
        let mut lines = Lines::new(BufReader::with_capacity(3, text.as_bytes()), longest);
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push(match line {
                Line::Whole(bytes) => Some(String::from_utf8(bytes.to_vec()).unwrap()),
                Line::TooLong => None,
            });
        }
        all
    }

    fn some(text: &str) -> Option<String> {
        Some(text.into())
    }

    #[test]
    fn empty_lines_count_and_the_last_needs_no_newline() {
        assert_eq!(lines("one\n\nthree", 9), [some("one"), some(""), some("three")]);
        assert_eq!(lines("one\n", 9), [some("one")]);
        assert_eq!(lines("", 9), []);
    }

    #[test]
    fn a_long_line_is_forgotten_and_the_rest_goes_on() {
        assert_eq!(lines("12345678\n123456789\n1\n1234567890", 8), [some("12345678"), None, some("1"), None]);
    }
}
