//! Here-documents: their delimiters and their bodies.

use std::borrow::Cow;

use crate::shell::cursor::Parser;
use crate::shell::word::{Fence, Quoting};
use crate::shell::{Item, Part, ProblemKind, RedirectOperator, Script, Slice, Span, Word};

/// A here-document whose body begins behind the next newline.
#[derive(Clone)]
pub(super) struct Pending<'t> {
    /// The delimiter as written.
    pub(super) delimiter: Span,
    /// The delimiter as it will stand on its line.
    line: Cow<'t, [u8]>,
    /// Whether any of the delimiter was quoted, which makes the body literal.
    pub(super) quoted: bool,
    /// Whether leading tabs do not count.
    strip: bool,
}

/// Where a body ends.
struct End {
    /// The end of its last line.
    body: usize,
    /// Where reading goes on.
    resume: usize,
    /// Whether it is as it should be.
    found: Found,
}

#[derive(PartialEq, Eq)]
enum Found {
    /// By a line that is the delimiter.
    Line,
    /// By a line in `$( )` that begins with the delimiter and closes the parenthesis. bash warns.
    Parenthesis,
    /// By the end of what may be read.
    Nothing,
}

impl<'t> Pending<'t> {
    pub(super) fn new(delimiter: Span, strip: bool, text: &'t [u8]) -> Self {
        let (line, quoted) = without_quotes(delimiter.of(text));
        Self { delimiter, line, quoted, strip }
    }

    fn is(&self, line: &[u8]) -> bool {
        *line == *self.line
    }
}

impl<'t> Parser<'t> {
    /// Reads the bodies announced before the newline that was just taken.
    pub(super) fn here_documents(&mut self) {
        let mut index = self.pending_base;
        while let Some(pending) = self.pending.get(index).cloned() {
            index += 1;
            self.here_document(&pending);
        }
        self.pending.truncate(self.pending_base);
    }

    /// Records here-documents whose body never came.
    pub(super) fn unread_here_documents(&mut self) {
        let missing = self.pending.get(self.pending_base..).unwrap_or_default();
        if let Some(pending) = missing.first() {
            let span = pending.delimiter;
            self.note(ProblemKind::UnterminatedHereDocument, span);
        }
        self.pending.truncate(self.pending_base);
    }

    fn here_document(&mut self, pending: &Pending<'_>) {
        let start = self.at;
        let end = self.end_of_body(pending);
        self.charge(end.resume.saturating_sub(start));
        let parts = if pending.quoted {
            self.literal_body(start, end.body, pending.strip)
        } else {
            self.region(start, end.body, |parser| parser.expanded_body(pending.strip)).0
        };
        self.at = self.end.min(end.resume);
        if end.found == Found::Nothing && self.regions == 0 && end.resume < self.text.len() {
            self.fail(ProblemKind::TooLong, pending.delimiter);
        } else if end.found != Found::Line {
            self.note(ProblemKind::UnterminatedHereDocument, pending.delimiter);
        }
        self.bodies.push((pending.delimiter.start, Word { parts, span: Span::new(start, end.body) }));
    }

    /// The body under the cursor as text that is expanded: the whole region.
    pub(super) fn expanded_body(&mut self, strip: bool) -> Slice<Part> {
        let base = self.scratch.parts.len();
        if self.enter() {
            self.scan(Quoting::Body, Fence::body(strip));
            self.leave();
        }
        let left = Span::new(self.at, self.region_end);
        if !left.is_empty() {
            self.scratch.parts.push(Part::Opaque(left));
        }
        self.commit_parts(base)
    }

    /// The whole text as such a body.
    pub(super) fn template(&mut self) -> Slice<Part> {
        let parts = self.expanded_body(false);
        if self.is_cut() {
            self.fail(ProblemKind::TooLong, Span::new(self.at, self.at));
        }
        parts
    }

    fn literal_body(&mut self, start: usize, end: usize, strip: bool) -> Slice<Part> {
        let base = self.scratch.parts.len();
        if !strip {
            if start < end {
                self.push_part(Part::Literal(Span::new(start, end)));
            }
            return self.commit_parts(base);
        }
        let mut from = start;
        let mut line = start;
        while line < end {
            let tabs = Span::new(line, end).of(self.text).iter().take_while(|&&byte| byte == b'\t').count();
            if tabs > 0 {
                if from < line {
                    self.push_part(Part::Literal(Span::new(from, line)));
                }
                from = line + tabs;
            }
            line = line_end(self.text, line + tabs, end).map_or(end, |newline| newline + 1);
        }
        if from < end {
            self.push_part(Part::Literal(Span::new(from, end)));
        }
        self.commit_parts(base)
    }

    /// Finds the delimiter's line. Outside of any region, the body of a quoted here-document
    /// moves the length limit along.
    fn end_of_body(&mut self, pending: &Pending<'_>) -> End {
        let start = self.at;
        let exempt = pending.quoted && self.regions == 0;
        let limit = if exempt {
            self.text.len().min(start.saturating_add(self.here_document_bytes).max(self.end))
        } else {
            self.end
        };
        let end = self.find_delimiter(pending, limit);
        if exempt {
            let body = end.resume - start;
            self.here_document_bytes = self.here_document_bytes.saturating_sub(body);
            self.region_end = self.region_end.saturating_add(body).min(self.text.len());
            self.end = self.region_end;
        }
        end
    }

    fn find_delimiter(&self, pending: &Pending<'_>, limit: usize) -> End {
        let mut start = self.at;
        while start < limit {
            let mut joined = Vec::new();
            let (first, end) = self.logical_line(start, limit, pending.quoted, &mut joined);
            let line = if joined.is_empty() { first } else { joined.as_slice() };
            let tabs = if pending.strip { line.iter().take_while(|&&byte| byte == b'\t').count() } else { 0 };
            let line = line.get(tabs..).unwrap_or_default();
            if pending.is(line) {
                return End { body: start, resume: limit.min(end + 1), found: Found::Line };
            }
            // In `$( )` the parenthesis may follow on the same line; bash warns and takes it.
            if self.closer == Some(b')')
                && joined.is_empty()
                && line.starts_with(&pending.line)
                && line.contains(&b')')
            {
                return End {
                    body: start,
                    resume: start + tabs + pending.line.len(),
                    found: Found::Parenthesis,
                };
            }
            start = end + 1;
        }
        End { body: limit, resume: limit, found: Found::Nothing }
    }

    /// The line at `start` without its newline, and where that is. In a body that is expanded a
    /// backslash joins lines; then the line is built in `joined`.
    fn logical_line(&self, start: usize, limit: usize, quoted: bool, joined: &mut Vec<u8>) -> (&[u8], usize) {
        let mut from = start;
        loop {
            let end = line_end(self.text, from, limit).unwrap_or(limit);
            let line = Span::new(from, end).of(self.text);
            let backslashes = line.iter().rev().take_while(|&&byte| byte == b'\\').count();
            if quoted || backslashes % 2 == 0 || end >= limit {
                if from != start {
                    joined.extend_from_slice(line);
                }
                return (line, end);
            }
            joined.extend_from_slice(line.get(..line.len() - 1).unwrap_or_default());
            from = end + 1;
        }
    }

    /// The finished script.
    #[inline]
    pub(super) fn finish(mut self, body: Slice<Item>) -> Script<'t> {
        if !self.bodies.is_empty() {
            self.bodies.sort_unstable_by_key(|&(delimiter, _)| delimiter);
            for redirect in &mut self.out.redirects {
                let RedirectOperator::HereDocument { delimiter, .. } = redirect.operator else { continue };
                let found = self.bodies.binary_search_by_key(&delimiter.start, |&(start, _)| start);
                if let Some(&(_, body)) = found.ok().and_then(|index| self.bodies.get(index)) {
                    redirect.target = body;
                }
            }
        }
        self.out.body = body;
        self.out
    }
}

/// The first newline in `from..end`.
fn line_end(text: &[u8], from: usize, end: usize) -> Option<usize> {
    let line = text.get(from..end)?;
    line.iter().position(|&byte| byte == b'\n').map(|offset| from + offset)
}

/// A delimiter as it stands on its line, and whether any of it was quoted.
pub(super) fn without_quotes(raw: &[u8]) -> (Cow<'_, [u8]>, bool) {
    if !raw.iter().any(|byte| matches!(byte, b'\\' | b'\'' | b'"')) {
        return (Cow::Borrowed(raw), false);
    }
    let (line, quoted) = remove_quotes(raw);
    (Cow::Owned(line), quoted)
}

fn remove_quotes(raw: &[u8]) -> (Vec<u8>, bool) {
    let mut line = Vec::with_capacity(raw.len());
    let mut quoted = false;
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek().copied()) {
            (b'\\', Some(b'\n')) => {
                bytes.next();
            }
            (b'\\', Some(next)) => {
                quoted = true;
                line.push(next);
                bytes.next();
            }
            (b'$', Some(b'\'')) => {
                quoted = true;
                bytes.next();
                decode_ansi(&mut bytes, &mut line);
            }
            (b'$', Some(b'"')) => {}
            (b'\'', _) => {
                quoted = true;
                line.extend(bytes.by_ref().take_while(|&byte| byte != b'\''));
            }
            (b'"', _) => {
                quoted = true;
                while let Some(byte) = bytes.next() {
                    match (byte, bytes.peek().copied()) {
                        (b'"', _) => break,
                        (b'\\', Some(b'\n')) => {
                            bytes.next();
                        }
                        (b'\\', Some(next @ (b'$' | b'`' | b'"' | b'\\'))) => {
                            line.push(next);
                            bytes.next();
                        }
                        _ => line.push(byte),
                    }
                }
            }
            _ => line.push(byte),
        }
    }
    (line, quoted)
}

/// The inside of `$'...'`, up to and including the closing quote.
fn decode_ansi(bytes: &mut std::iter::Peekable<impl Iterator<Item = u8>>, line: &mut Vec<u8>) {
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek().copied()) {
            (b'\'', _) => return,
            (b'\\', Some(escape)) => {
                bytes.next();
                match escape {
                    b'a' => line.push(7),
                    b'b' => line.push(8),
                    b'e' | b'E' => line.push(27),
                    b'f' => line.push(12),
                    b'n' => line.push(b'\n'),
                    b'r' => line.push(b'\r'),
                    b't' => line.push(b'\t'),
                    b'v' => line.push(11),
                    b'\\' | b'\'' | b'"' | b'?' => line.push(escape),
                    b'0'..=b'7' => line.push(number(bytes, 8, 2, u32::from(escape - b'0')) as u8),
                    b'x' => line.push(number(bytes, 16, 2, 0) as u8),
                    b'u' | b'U' => {
                        let digits = if escape == b'u' { 4 } else { 8 };
                        let character = char::from_u32(number(bytes, 16, digits, 0)).unwrap_or_default();
                        line.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                    b'c' => line.push(bytes.next().unwrap_or_default() & 0x1F),
                    _ => line.extend([b'\\', escape]),
                }
            }
            _ => line.push(byte),
        }
    }
}

fn number(
    bytes: &mut std::iter::Peekable<impl Iterator<Item = u8>>,
    radix: u32,
    digits: usize,
    first: u32,
) -> u32 {
    let mut value = first;
    for _ in 0..digits {
        let Some(digit) = bytes.peek().and_then(|&byte| char::from(byte).to_digit(radix)) else { break };
        value = value.wrapping_mul(radix).wrapping_add(digit);
        bytes.next();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::without_quotes;
    use crate::shell::{ProblemKind, outlined, parsed};

    #[test]
    fn bodies_follow_their_line_in_order() {
        assert_eq!(
            outlined("a <<E; b <<-'F'\n$x\nE\n\t\t$y\n\tF\nc"),
            "Sequence simple <|a> Default(\"here\", false, false) <|${x(false, Plain)<><>}|\\n>; \
             Sequence simple <|b> Default(\"here\", true, true) <|$y\\n>; Sequence simple <|c>; "
        );
    }

    #[test]
    fn a_continuation_can_hide_the_delimiter_or_make_it() {
        assert_eq!(parsed("a <<E\nx\\\nE\nE\nb").body().len(), 2);
        assert_eq!(parsed("a <<E\nE\\\n\nb").body().len(), 2);
        assert_eq!(parsed("a <<'E'\nE\\\n\nb").problems()[0].kind, ProblemKind::UnterminatedHereDocument);
    }

    #[test]
    fn a_parenthesis_may_follow_the_delimiter() {
        let script = parsed("a $(b <<E\nx\nE) c\nd");
        assert_eq!(script.problems()[0].kind, ProblemKind::UnterminatedHereDocument);
        assert_eq!(script.body().len(), 2);
    }

    #[test]
    fn what_cannot_be_read_in_a_body_is_opaque_and_stays_in_it() {
        let script = parsed("a <<E\n$(b; \nE\nc");
        assert_eq!(script.problems()[0].kind, ProblemKind::BadSubstitution);
        assert_eq!(script.body().len(), 2);
    }

    #[test]
    fn delimiters_lose_their_quotes() {
        for (raw, line, quoted) in [
            ("E", "E", false),
            ("\\E", "E", true),
            ("'E F'\"G\"", "E FG", true),
            ("$'E\\tF\\x41\\u00e9'", "E\tFA\u{e9}", true),
            ("$\"E\"", "E", true),
            ("E\\\nF", "EF", false),
            ("\"a\\$b\\c\"", "a$b\\c", true),
        ] {
            let (found, was_quoted) = without_quotes(raw.as_bytes());
            assert_eq!((String::from_utf8_lossy(&found).as_ref(), was_quoted), (line, quoted), "{raw}");
        }
    }
}
