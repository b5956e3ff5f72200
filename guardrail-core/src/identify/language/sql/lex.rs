//! Tokens of SQL, as each family of databases would see them.

use std::borrow::Cow;
use std::ops::Range;

use super::super::Known;
use super::super::cursor::Cursor;
use super::Dialect;

/// Whose rules tell where strings, names and comments end: what one family of databases has that
/// others lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading(u16);

impl Reading {
    /// `$tag$ text $tag$`.
    const DOLLAR: u16 = 1;
    /// Comments in comments.
    const NESTED: u16 = 1 << 1;
    /// Backslashes escape in every string, and not only in `E''`.
    const BACKSLASH: u16 = 1 << 2;
    /// `#` comments.
    const HASH: u16 = 1 << 3;
    /// `--` is a comment only before a blank.
    const DASH_BLANK: u16 = 1 << 4;
    /// `/*! text */` is executed.
    const EXECUTED: u16 = 1 << 5;
    /// Names in backquotes.
    const BACKQUOTE: u16 = 1 << 6;
    /// Names in brackets.
    const BRACKET: u16 = 1 << 7;
    /// The end of the text ends a comment.
    const OPEN_COMMENT: u16 = 1 << 8;
    /// Strings in three quotes.
    const TRIPLE: u16 = 1 << 9;
    /// `//` comments.
    const SLASHES: u16 = 1 << 10;
    /// `q'[text]'`.
    const CHOSEN: u16 = 1 << 11;
    /// Two closing brackets stand for one.
    const BRACKET_DOUBLED: u16 = 1 << 12;
    /// The client's commands are one letter behind a backslash.
    const LETTERS: u16 = 1 << 13;

    /// Backslashes escape in `E''`.
    const ESCAPES: u16 = 1 << 14;
    /// At the beginning of a statement, a line that begins with `#` is none.
    const HASH_LINES: u16 = 1 << 15;

    pub(super) const POSTGRES: Self = Self(Self::DOLLAR | Self::NESTED | Self::ESCAPES);
    const MYSQL: u16 = Self::BACKSLASH | Self::HASH | Self::DASH_BLANK | Self::BACKQUOTE | Self::LETTERS;

    /// PostgreSQL comes first: what is read once is read as that.
    pub(super) const ALL: &[Self] = &[
        Self::POSTGRES,
        // `standard_conforming_strings = off`
        Self(Self::DOLLAR | Self::NESTED | Self::BACKSLASH | Self::ESCAPES),
        Self(Self::MYSQL | Self::EXECUTED),
        // `NO_BACKSLASH_ESCAPES`
        Self((Self::MYSQL | Self::EXECUTED) & !Self::BACKSLASH),
        // Executed by a newer server only.
        Self(Self::MYSQL),
        // SQLite
        Self(Self::BACKQUOTE | Self::BRACKET | Self::OPEN_COMMENT | Self::HASH_LINES),
        // BigQuery
        Self(Self::BACKSLASH | Self::HASH | Self::BACKQUOTE | Self::TRIPLE),
        // Snowflake, Cassandra, and ClickHouse but for `//`
        Self(Self::DOLLAR | Self::BACKSLASH | Self::SLASHES),
        Self(Self::DOLLAR | Self::BACKSLASH | Self::BACKQUOTE | Self::HASH),
        // SQL Server
        Self(Self::NESTED | Self::BRACKET | Self::BRACKET_DOUBLED),
        // Oracle
        Self(Self::CHOSEN),
    ];

    /// The readings that a text's database may have: the first one, and the others.
    pub(super) fn of(dialect: Dialect) -> (Self, &'static [Self]) {
        let some = |range: Range<usize>| Self::ALL.get(range).unwrap_or_default();
        let all = match dialect {
            Dialect::Any => Self::ALL,
            Dialect::PostgreSql => some(0..2),
            Dialect::MySql => some(2..5),
            Dialect::Sqlite => some(5..6),
        };
        (all.first().copied().unwrap_or(Self::POSTGRES), all)
    }

    /// MySQL's: its client has commands of one letter that end where the letter does.
    pub(super) const fn is_mysql(self) -> bool {
        self.has(Self::LETTERS)
    }

    const fn has(self, what: u16) -> bool {
        self.0 & what != 0
    }

    /// What of this a text can tell from its absence: readings that agree in these are one.
    pub(super) const fn within(self, features: u16) -> u16 {
        self.0 & features
    }
}

/// What a text has of the things that databases read differently.
pub(super) fn features(text: &[u8]) -> u16 {
    let mut features = 0;
    let mut comments = 0_u8;
    for (index, byte) in text.iter().enumerate() {
        let next = text.get(index + 1).copied();
        features |= match byte {
            b'\\' => Reading::BACKSLASH | Reading::LETTERS,
            b'#' => Reading::HASH | Reading::HASH_LINES,
            b'e' | b'E' if next == Some(b'\'') => Reading::ESCAPES,
            b'$' => Reading::DOLLAR,
            b'`' => Reading::BACKQUOTE,
            b'[' => Reading::BRACKET,
            b']' if next == Some(b']') => Reading::BRACKET_DOUBLED,
            b'-' if next == Some(b'-') && !text.get(index + 2).is_some_and(u8::is_ascii_whitespace) => {
                Reading::DASH_BLANK
            }
            b'/' if next == Some(b'/') => Reading::SLASHES,
            b'/' if next == Some(b'*') => {
                comments = comments.saturating_add(1);
                let executed = matches!(text.get(index + 2), Some(b'!' | b'M'));
                Reading::OPEN_COMMENT
                    | if comments > 1 { Reading::NESTED } else { 0 }
                    | if executed { Reading::EXECUTED } else { 0 }
            }
            b'\'' | b'"' if next == Some(*byte) && text.get(index + 2) == Some(byte) => Reading::TRIPLE,
            b'q' | b'Q' if next == Some(b'\'') => Reading::CHOSEN,
            _ => 0,
        };
    }
    features
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
    /// At the beginning of a statement, where mysql's client needs no blank behind `--`.
    pub(super) fresh: bool,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t [u8], reading: Reading) -> Self {
        Self { cursor: Cursor::new(text), reading, executed: false, fresh: false }
    }

    /// The next token. `quotes` says whether a dollar quote may stand here even for databases that have none (where
    /// anything else would be an error to them).
    pub(super) fn next(&mut self, quotes: impl FnOnce() -> bool) -> Lexed<'t> {
        if !self.blanks() {
            return Lexed::Unfinished;
        }
        let start = self.cursor.position();
        let Some(byte) = self.cursor.next() else { return Lexed::End };
        let backslashes = self.reading.has(Reading::BACKSLASH);
        match byte {
            b'\'' | b'"' if self.reading.has(Reading::TRIPLE) && self.cursor.eat_all(&[byte, byte]) => {
                self.triple(byte, start)
            }
            b'\'' => self.quoted(Kind::Text, byte, backslashes, start),
            b'"' => self.quoted(Kind::Name, byte, backslashes, start),
            b'`' if self.reading.has(Reading::BACKQUOTE) => self.quoted(Kind::Name, byte, false, start),
            b'[' if self.reading.has(Reading::BRACKET) => self.quoted(Kind::Name, b']', false, start),
            b'$' => self.dollar(self.reading.has(Reading::DOLLAR) || quotes(), start),
            b'0'..=b'9' => {
                self.number(byte);
                self.token(Kind::Number, start)
            }
            _ if is_word(byte) => {
                self.cursor.eat_while(is_word);
                let prefix = self.cursor.since(start);
                if self.reading.has(Reading::CHOSEN)
                    && self.cursor.peek() == Some(b'\'')
                    && matches!(prefix, b"q" | b"Q" | b"nq" | b"nQ" | b"Nq" | b"NQ")
                {
                    self.cursor.skip(1);
                    return self.chosen(start);
                }
                if self.cursor.peek() == Some(b'\'')
                    && prefix.len() == 1
                    && matches!(prefix, b"E" | b"e" | b"B" | b"b" | b"X" | b"x" | b"N" | b"n")
                {
                    self.cursor.skip(1);
                    return self.quoted(
                        Kind::Text,
                        b'\'',
                        backslashes
                            || prefix.eq_ignore_ascii_case(b"e") && self.reading.has(Reading::ESCAPES),
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
        // Clients leave out the mark of the order of bytes.
        if self.cursor.position() == 0 {
            self.cursor.eat_all(b"\xef\xbb\xbf");
        }
        loop {
            self.cursor.eat_while(|byte| byte.is_ascii_whitespace() || byte == 0x0b);
            let next = self.cursor.peek_at(1);
            let line = match self.cursor.peek() {
                Some(b'#') => {
                    self.reading.has(Reading::HASH) || self.fresh && self.reading.has(Reading::HASH_LINES)
                }
                Some(b'/') if next == Some(b'/') => self.reading.has(Reading::SLASHES),
                Some(b'-') if next == Some(b'-') => {
                    let spaced = self
                        .cursor
                        .peek_at(2)
                        .is_none_or(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control());
                    spaced || self.fresh || !self.reading.has(Reading::DASH_BLANK)
                }
                Some(b'*') if next == Some(b'/') && self.executed => {
                    self.executed = false;
                    self.cursor.skip(2);
                    continue;
                }
                Some(b'/') if next == Some(b'*') => {
                    self.cursor.skip(2);
                    if self.reading.has(Reading::EXECUTED)
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
            } else if byte == b'/' && self.reading.has(Reading::NESTED) && self.cursor.eat(b'*') {
                depth += 1;
            }
        }
        // SQLite takes the end of the text for the end of the comment.
        self.reading.has(Reading::OPEN_COMMENT)
    }

    /// The rest of a string or name whose opening quote was just taken. Two quotes stand for one.
    fn quoted(&mut self, kind: Kind, quote: u8, backslashes: bool, start: usize) -> Lexed<'t> {
        let inner = self.cursor.position();
        loop {
            match self.cursor.next() {
                None => return Lexed::Unfinished,
                Some(b'\\') if backslashes => self.cursor.skip(1),
                Some(byte) if byte == quote => {
                    let doubled = quote != b']' || self.reading.has(Reading::BRACKET_DOUBLED);
                    if !(doubled && self.cursor.eat(quote)) {
                        break;
                    }
                }
                Some(_) => {}
            }
        }
        let end = self.cursor.position();
        Lexed::Token(Token { kind, text: self.cursor.slice(inner..end.saturating_sub(1)), at: start..end })
    }

    /// The rest of a string whose three opening quotes were just taken.
    fn triple(&mut self, quote: u8, start: usize) -> Lexed<'t> {
        let inner = self.cursor.position();
        loop {
            match self.cursor.next() {
                None => return Lexed::Unfinished,
                Some(b'\\') => self.cursor.skip(1),
                Some(byte) if byte == quote && self.cursor.eat_all(&[quote, quote]) => break,
                Some(_) => {}
            }
        }
        let end = self.cursor.position();
        let text = self.cursor.slice(inner..end.saturating_sub(3));
        Lexed::Token(Token { kind: Kind::Text, text, at: start..end })
    }

    /// The rest of `q'[text]'`, of which `q'` was just taken.
    fn chosen(&mut self, start: usize) -> Lexed<'t> {
        let close = match self.cursor.next() {
            Some(b'[') => b']',
            Some(b'(') => b')',
            Some(b'{') => b'}',
            Some(b'<') => b'>',
            Some(other) => other,
            None => return Lexed::Unfinished,
        };
        let inner = self.cursor.position();
        while let Some(byte) = self.cursor.next() {
            if byte == close && self.cursor.eat(b'\'') {
                let end = self.cursor.position();
                let text = self.cursor.slice(inner..end.saturating_sub(2));
                return Lexed::Token(Token { kind: Kind::Text, text, at: start..end });
            }
        }
        Lexed::Unfinished
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
