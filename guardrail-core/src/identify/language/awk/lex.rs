//! Tokens of awk: enough of the grammar to tell a regular expression from a division.

use std::borrow::Cow;

use super::super::cursor::Cursor;

/// One token. Names and strings are ranges of the text, by way of [`Lexer::start`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Name(&'t [u8]),
    Number,
    /// What stands between the quotes.
    Text(&'t [u8]),
    Regex,
    Newline,
    /// One byte of punctuation, operators of several bytes by their meaning below.
    Mark(u8),
    /// `++` or `--`.
    Step,
    /// `&&` or `||`.
    Logic,
    /// `>>`.
    Append,
    /// `|&`.
    Coprocess,
    /// `<=`, `+=`, `==`, ...: no meaning of their own here.
    Operator,
    End,
}

/// Why no further token can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// A lexer. Copying it looks ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexer<'t> {
    cursor: Cursor<'t>,
    /// Whether a bracket expression hides a `/`.
    brackets: bool,
    /// Whether that made a difference so far.
    pub(super) ambiguous: bool,
    /// Where the last token started.
    pub(super) start: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(program: &'t [u8], brackets: bool) -> Self {
        Self { cursor: Cursor::new(program), brackets, ambiguous: false, start: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.cursor.position()
    }

    /// Goes back to where an earlier token started.
    pub(super) fn rewind(&mut self, start: usize) {
        self.cursor.rewind(start);
    }

    /// The next token. `operand` says what stands before it: `Some(true)` an operand, so that `/`
    /// divides; `Some(false)` none, so that `/` starts a regular expression; `None` that nobody
    /// agrees.
    pub(super) fn next(&mut self, operand: Option<bool>) -> Result<Token<'t>, Unreadable> {
        self.blanks()?;
        self.start = self.cursor.position();
        let Some(byte) = self.cursor.next() else { return Ok(Token::End) };
        Ok(match byte {
            b'\n' => Token::Newline,
            b'"' => self.text()?,
            b'0'..=b'9' => self.number(),
            b'.' if self.cursor.peek().is_some_and(|next| next.is_ascii_digit()) => self.number(),
            b'/' => match operand.ok_or(Unreadable)? {
                false => self.regex()?,
                true if self.cursor.eat(b'=') => Token::Operator,
                true => Token::Mark(b'/'),
            },
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => self.name(),
            b'+' | b'-' if self.cursor.eat(byte) => Token::Step,
            b'&' if self.cursor.eat(b'&') => Token::Logic,
            b'|' if self.cursor.eat(b'|') => Token::Logic,
            b'|' if self.cursor.eat(b'&') => Token::Coprocess,
            b'>' if self.cursor.eat(b'>') => Token::Append,
            b'*' if self.cursor.eat(b'*') => {
                self.cursor.eat(b'=');
                Token::Operator
            }
            b'<' | b'>' | b'=' | b'!' | b'+' | b'-' | b'*' | b'%' | b'^' if self.cursor.eat(b'=') => {
                Token::Operator
            }
            b'+' | b'-' | b'*' | b'%' | b'^' | b'~' | b'!' | b'<' | b'>' | b'=' | b'?' | b':' | b','
            | b';' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'$' | b'|' | b'@' => Token::Mark(byte),
            _ => return Err(Unreadable),
        })
    }

    /// Blanks, continued lines and comments.
    fn blanks(&mut self) -> Result<(), Unreadable> {
        loop {
            self.cursor.eat_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | 0x0c | 0x0b));
            match self.cursor.peek() {
                Some(b'\\') => {
                    self.cursor.skip(1);
                    self.cursor.eat(b'\r');
                    if !self.cursor.eat(b'\n') {
                        return Err(Unreadable);
                    }
                }
                Some(b'#') => {
                    // Whether a backslash continues a comment depends on the awk.
                    if self.cursor.eat_while(|byte| byte != b'\n').ends_with(b"\\") {
                        return Err(Unreadable);
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn name(&mut self) -> Token<'t> {
        let mut start = self.start;
        loop {
            self.cursor.eat_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let name = self.cursor.since(start);
            // gawk's namespaces: only the last part names the thing.
            if !self.cursor.eat_all(b"::") {
                return Token::Name(name);
            }
            start = self.cursor.position();
        }
    }

    fn number(&mut self) -> Token<'t> {
        self.cursor.eat_while(|byte| byte.is_ascii_digit() || byte == b'.');
        if matches!(self.cursor.peek(), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.cursor.peek_at(1), Some(b'+' | b'-')));
            if self.cursor.peek_at(1 + sign).is_some_and(|byte| byte.is_ascii_digit()) {
                self.cursor.skip(1 + sign);
                self.cursor.eat_while(|byte| byte.is_ascii_digit());
            }
        }
        Token::Number
    }

    fn text(&mut self) -> Result<Token<'t>, Unreadable> {
        let start = self.cursor.position();
        loop {
            match self.cursor.next().ok_or(Unreadable)? {
                b'"' => break,
                b'\\' => self.cursor.skip(1),
                b'\n' => return Err(Unreadable),
                _ => {}
            }
        }
        Ok(Token::Text(self.cursor.slice(start..self.cursor.position().saturating_sub(1))))
    }

    fn regex(&mut self) -> Result<Token<'t>, Unreadable> {
        loop {
            match self.cursor.next().ok_or(Unreadable)? {
                b'/' => return Ok(Token::Regex),
                b'\\' => self.cursor.skip(1),
                b'\n' => return Err(Unreadable),
                b'[' if self.brackets => self.bracket(),
                _ => {}
            }
        }
    }

    /// Moves behind a bracket expression whose `[` was just taken, if it is one.
    fn bracket(&mut self) {
        let open = self.cursor;
        self.cursor.eat(b'^');
        self.cursor.eat(b']');
        loop {
            match self.cursor.next() {
                None | Some(b'\n') => break,
                Some(b'\\') => self.cursor.skip(1),
                Some(b']') => {
                    self.ambiguous |= self.cursor.since(open.position()).contains(&b'/');
                    return;
                }
                Some(b'[') if self.cursor.peek() == Some(b':') => {
                    let mut class = self.cursor;
                    class.skip(1);
                    class.eat_while(|byte| byte.is_ascii_alphabetic());
                    if class.eat_all(b":]") {
                        self.cursor = class;
                    }
                }
                Some(_) => {}
            }
        }
        self.ambiguous = true;
    }
}

/// Adds what a string constant means to `value`; `None` where awks differ about it.
pub(super) fn decode<'t>(value: &mut Cow<'t, [u8]>, text: &'t [u8]) -> Option<()> {
    if !text.contains(&b'\\') {
        match value {
            Cow::Borrowed([]) => *value = Cow::Borrowed(text),
            _ => value.to_mut().extend_from_slice(text),
        }
        return Some(());
    }
    let out = value.to_mut();
    let mut cursor = Cursor::new(text);
    while let Some(byte) = cursor.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match cursor.next()? {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'a' => 0x07,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'v' => 0x0b,
            b'\n' => continue,
            first @ b'0'..=b'7' => {
                let mut code = u32::from(first - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = cursor.peek() else { break };
                    cursor.skip(1);
                    code = code * 8 + u32::from(digit - b'0');
                }
                u8::try_from(code).ok()?
            }
            _ => return None,
        });
    }
    Some(())
}
