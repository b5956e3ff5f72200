//! Tokens of SQL, as each family of databases would see them.

use std::borrow::Cow;
use std::ops::Range;

use super::super::Known;
use super::super::cursor::Cursor;

/// Whose rules tell where strings, names and comments end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Dollar quotes, nested comments, backslashes only in `E''`.
    Postgres,
    /// Backslashes in every string, `#` comments, comments that are executed.
    MySql,
    /// Names in brackets, and nothing special.
    Sqlite,
}

impl Reading {
    pub(super) const ALL: [Self; 3] = [Self::Postgres, Self::MySql, Self::Sqlite];
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a plain name.
    Word,
    /// A name in quotes.
    Name,
    /// A string constant.
    Text,
    Number,
    Mark(u8),
}

/// One token. `text` is what stands between the quotes, if there are any.
#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t [u8],
    pub(super) at: Range<usize>,
}

impl<'t> Token<'t> {
    /// It is this keyword (given in capitals).
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword.as_bytes())
    }

    pub(super) fn is_any(&self, keywords: &[&str]) -> bool {
        self.kind == Kind::Word && keywords.iter().any(|word| self.text.eq_ignore_ascii_case(word.as_bytes()))
    }

    pub(super) fn is_mark(&self, mark: u8) -> bool {
        self.kind == Kind::Mark(mark)
    }

    pub(super) fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Name)
    }

    /// The value of a string constant, where databases agree about it.
    pub(super) fn value(&self) -> Known<'t> {
        if self.kind != Kind::Text || self.text.contains(&b'\\') {
            return None;
        }
        if self.text.windows(2).any(|pair| pair == b"''") {
            let mut value = Vec::with_capacity(self.text.len());
            let mut cursor = Cursor::new(self.text);
            while let Some(byte) = cursor.next() {
                value.push(byte);
                if byte == b'\'' {
                    cursor.eat(b'\'');
                }
            }
            return Some(Cow::Owned(value));
        }
        Some(Cow::Borrowed(self.text))
    }
}

/// What the lexer found.
#[derive(Debug)]
pub(super) enum Lexed<'t> {
    Token(Token<'t>),
    /// A string, name or comment that does not end.
    Unfinished,
    End,
}

/// A lexer for one reading.
#[derive(Debug)]
pub(super) struct Lexer<'t> {
    pub(super) cursor: Cursor<'t>,
    reading: Reading,
    /// Inside a comment that is executed.
    executed: bool,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t [u8], reading: Reading) -> Self {
        Self { cursor: Cursor::new(text), reading, executed: false }
    }

    /// The next token. `quotes` says whether a dollar quote may stand here even for databases that
    /// have none (where anything else would be an error to them).
    pub(super) fn next(&mut self, quotes: impl FnOnce() -> bool) -> Lexed<'t> {
        if !self.blanks() {
            return Lexed::Unfinished;
        }
        let start = self.cursor.position();
        let Some(byte) = self.cursor.next() else { return Lexed::End };
        let backslashes = self.reading == Reading::MySql;
        match byte {
            b'\'' => self.quoted(Kind::Text, byte, backslashes, start),
            b'"' => self.quoted(Kind::Name, byte, backslashes, start),
            b'`' if self.reading != Reading::Postgres => self.quoted(Kind::Name, byte, false, start),
            b'[' if self.reading == Reading::Sqlite => self.quoted(Kind::Name, b']', false, start),
            b'$' => self.dollar(self.reading == Reading::Postgres || quotes(), start),
            b'0'..=b'9' => {
                self.number(byte);
                self.token(Kind::Number, start)
            }
            _ if is_word(byte) => {
                self.cursor.eat_while(is_word);
                let prefix = self.cursor.since(start);
                if self.cursor.peek() == Some(b'\'')
                    && prefix.len() == 1
                    && matches!(prefix, b"E" | b"e" | b"B" | b"b" | b"X" | b"x" | b"N" | b"n")
                {
                    self.cursor.skip(1);
                    return self.quoted(
                        Kind::Text,
                        b'\'',
                        backslashes || prefix.eq_ignore_ascii_case(b"e"),
                        start,
                    );
                }
                self.token(Kind::Word, start)
            }
            _ => self.token(Kind::Mark(byte), start),
        }
    }

    fn token(&self, kind: Kind, start: usize) -> Lexed<'t> {
        Lexed::Token(Token { kind, text: self.cursor.since(start), at: start..self.cursor.position() })
    }

    /// Blanks and comments; false where a comment does not end.
    pub(super) fn blanks(&mut self) -> bool {
        loop {
            self.cursor.eat_while(|byte| byte.is_ascii_whitespace() || byte == 0x0b);
            let next = self.cursor.peek_at(1);
            let line = match self.cursor.peek() {
                Some(b'#') => self.reading == Reading::MySql,
                Some(b'-') if next == Some(b'-') => {
                    let spaced = self
                        .cursor
                        .peek_at(2)
                        .is_none_or(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control());
                    spaced || self.reading != Reading::MySql
                }
                Some(b'*') if next == Some(b'/') && self.executed => {
                    self.executed = false;
                    self.cursor.skip(2);
                    continue;
                }
                Some(b'/') if next == Some(b'*') => {
                    self.cursor.skip(2);
                    if self.reading == Reading::MySql
                        && (self.cursor.eat_all(b"!") || self.cursor.eat_all(b"M!"))
                    {
                        self.cursor.eat_while(|byte| byte.is_ascii_digit());
                        self.executed = true;
                    } else if !self.comment() {
                        return false;
                    }
                    continue;
                }
                _ => false,
            };
            if !line {
                return true;
            }
            self.cursor.eat_while(|byte| byte != b'\n' && byte != b'\r');
        }
    }

    /// The rest of a comment.
    fn comment(&mut self) -> bool {
        let mut depth = 1_usize;
        while let Some(byte) = self.cursor.next() {
            if byte == b'*' && self.cursor.eat(b'/') {
                depth -= 1;
                if depth == 0 {
                    return true;
                }
            } else if byte == b'/' && self.reading == Reading::Postgres && self.cursor.eat(b'*') {
                depth += 1;
            }
        }
        // SQLite takes the end of the text for the end of the comment.
        self.reading == Reading::Sqlite
    }

    /// The rest of a string or name whose opening quote was just taken. Two quotes stand for one.
    fn quoted(&mut self, kind: Kind, quote: u8, backslashes: bool, start: usize) -> Lexed<'t> {
        let inner = self.cursor.position();
        loop {
            match self.cursor.next() {
                None => return Lexed::Unfinished,
                Some(b'\\') if backslashes => self.cursor.skip(1),
                Some(byte) if byte == quote && (quote == b']' || !self.cursor.eat(quote)) => break,
                Some(_) => {}
            }
        }
        let end = self.cursor.position();
        Lexed::Token(Token { kind, text: self.cursor.slice(inner..end.saturating_sub(1)), at: start..end })
    }

    /// `$1`, `$tag$ text $tag$`, or a name.
    fn dollar(&mut self, quotes: bool, start: usize) -> Lexed<'t> {
        if quotes {
            let mut ahead = self.cursor;
            let digit = ahead.peek().is_some_and(|byte| byte.is_ascii_digit());
            ahead.eat_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii());
            if !digit && ahead.eat(b'$') {
                let tag = ahead.since(start);
                let inner = ahead.position();
                self.cursor = ahead;
                if !self.cursor.skip_past(tag) {
                    return Lexed::Unfinished;
                }
                let end = self.cursor.position();
                let text = self.cursor.slice(inner..end.saturating_sub(tag.len()));
                return Lexed::Token(Token { kind: Kind::Text, text, at: start..end });
            }
        }
        self.cursor.eat_while(is_word);
        self.token(Kind::Word, start)
    }

    fn number(&mut self, first: u8) {
        if first == b'0' && matches!(self.cursor.peek(), Some(b'x' | b'X')) {
            self.cursor.skip(1);
            self.cursor.eat_while(|byte| byte.is_ascii_hexdigit());
            return;
        }
        self.cursor.eat_while(|byte| byte.is_ascii_digit() || byte == b'.');
        let sign = usize::from(matches!(self.cursor.peek_at(1), Some(b'+' | b'-')));
        if matches!(self.cursor.peek(), Some(b'e' | b'E'))
            && self.cursor.peek_at(1 + sign).is_some_and(|byte| byte.is_ascii_digit())
        {
            self.cursor.skip(1 + sign);
            self.cursor.eat_while(|byte| byte.is_ascii_digit());
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}
