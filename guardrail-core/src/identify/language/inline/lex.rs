//! Tokens of Python, JavaScript, Ruby and PHP: enough to know what is a name and what is text.

use std::ops::Range;

use super::super::cursor::Cursor;
use super::dialect::Syntax;

/// One token, as a whole in [`Lexed::at`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A name, a keyword; in PHP and Ruby without the sigil.
    Name(&'t [u8]),
    /// A variable that a sigil marks.
    Variable(&'t [u8]),
    /// What stands between quotes, as written.
    Text(&'t [u8]),
    /// The same, where code may stand inside.
    Template(&'t [u8]),
    /// Ruby's `:name`.
    Symbol(&'t [u8]),
    /// PHP's `->name`.
    Member(&'t [u8]),
    /// Ruby's `%w[a b]`.
    Words(&'t [u8]),
    Number,
    Regex,
    Newline,
    /// `=>`
    Arrow,
    /// An operator of several bytes that binds no name.
    Operator,
    Mark(u8),
}

impl Token<'_> {
    /// It is a value, so that an operator must follow.
    fn is_value(self) -> bool {
        matches!(
            self,
            Token::Number
                | Token::Text(_)
                | Token::Template(_)
                | Token::Variable(_)
                | Token::Symbol(_)
                | Token::Words(_)
                | Token::Regex
                | Token::Mark(b']')
        )
    }
}

/// Ruby's keywords that a value follows.
fn starts_expression(name: &[u8]) -> bool {
    matches!(
        name,
        b"and"
            | b"begin"
            | b"break"
            | b"case"
            | b"do"
            | b"else"
            | b"elsif"
            | b"ensure"
            | b"for"
            | b"if"
            | b"in"
            | b"loop"
            | b"next"
            | b"not"
            | b"or"
            | b"raise"
            | b"rescue"
            | b"return"
            | b"then"
            | b"unless"
            | b"until"
            | b"when"
            | b"while"
    )
}

/// Words of JavaScript behind whose brackets a statement stands.
fn starts_condition(before: Token<'_>) -> bool {
    matches!(
        before,
        Token::Name(b"if" | b"while" | b"for" | b"with" | b"switch" | b"catch" | b"await" | b"function")
    )
}

/// Text that these rules do not cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Lexed<'t> {
    pub(super) token: Token<'t>,
    pub(super) at: Range<usize>,
}

/// The tokens of a text.
pub(super) fn tokens(syntax: Syntax, text: &[u8]) -> Result<Vec<Lexed<'_>>, Unreadable> {
    let mut lexer = Lexer::of(syntax, text, 0);
    let mut tokens: Vec<Lexed<'_>> = Vec::with_capacity(text.len() / 3);
    while let Some(token) = lexer.step()? {
        tokens.push(token);
    }
    Ok(tokens)
}

/// How long the code is that stands in a text up to the bracket that closes there, read as the
/// language does: with the texts in it.
pub(super) fn code_end(syntax: Syntax, text: &[u8], depth: u32) -> Result<usize, Unreadable> {
    if depth > MAX_NESTED {
        return Err(Unreadable);
    }
    let mut lexer = Lexer::of(syntax, text, depth);
    let mut open = 0_usize;
    while let Some(one) = lexer.step()? {
        match one.token {
            Token::Mark(b'{') => open += 1,
            Token::Mark(b'}') if open == 0 => return Ok(one.at.start),
            Token::Mark(b'}') => open -= 1,
            _ => {}
        }
    }
    Err(Unreadable)
}

/// Texts in the code in texts, as deep as an honest one goes.
const MAX_NESTED: u32 = 3;

struct Lexer<'t> {
    syntax: Syntax,
    cursor: Cursor<'t>,
    before: Option<Token<'t>>,
    /// For each round bracket that is open: whether a statement stands behind it.
    open: Vec<bool>,
    /// The same of the bracket that was closed last.
    condition: bool,
    /// A line ended since the last token that counts.
    line_ended: bool,
    /// Of how many texts this is code.
    depth: u32,
    /// A pattern may have bound names.
    captures: bool,
}

impl<'t> Lexer<'t> {
    fn of(syntax: Syntax, text: &'t [u8], depth: u32) -> Self {
        let cursor = Cursor::new(text);
        Self {
            syntax,
            cursor,
            before: None,
            open: Vec::new(),
            condition: true,
            line_ended: false,
            depth,
            captures: false,
        }
    }

    /// The next token, with what it says of those behind it.
    fn step(&mut self) -> Result<Option<Lexed<'t>>, Unreadable> {
        let Some(token) = self.next()? else { return Ok(None) };
        match token.token {
            Token::Mark(b'(') => self.open.push(self.before.is_some_and(starts_condition)),
            // What was never opened may be anything.
            Token::Mark(b')') => self.condition = self.open.pop().unwrap_or(true),
            _ => {}
        }
        self.line_ended = token.token == Token::Newline;
        // In JavaScript, a line may go on with a division.
        if self.syntax != Syntax::JavaScript || token.token != Token::Newline {
            self.before = Some(token.token);
        }
        Ok(Some(token))
    }

    fn next(&mut self) -> Result<Option<Lexed<'t>>, Unreadable> {
        let spaced = self.blanks()?;
        let start = self.cursor.position();
        let Some(byte) = self.cursor.next() else { return Ok(None) };
        let token = match byte {
            b'\n' => Token::Newline,
            b'\'' | b'"' => {
                self.quoted(byte, byte == b'"' && matches!(self.syntax, Syntax::Ruby | Syntax::Php))?
            }
            b'`' if self.syntax == Syntax::JavaScript => self.quoted(b'`', true)?,
            b'0'..=b'9' => self.number(byte)?,
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => self.name(start)?,
            b'$' if self.syntax == Syntax::JavaScript => self.name(start)?,
            b'$' | b'@' if matches!(self.syntax, Syntax::Ruby | Syntax::Php) => self.variable(byte)?,
            b'/' => self.slash(spaced)?,
            b'%' | b'?' | b'<' | b':' if self.syntax == Syntax::Ruby => self.ruby_mark(byte)?,
            b'-' if self.cursor.peek() == Some(b'>') && self.syntax == Syntax::Php => {
                self.cursor.skip(1);
                let name = self.cursor.eat_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                // Behind a blank or a bracket, what is taken need not stand in the text.
                let named = name.first().is_some_and(|byte| byte.is_ascii_alphabetic());
                if !named || self.cursor.peek().is_some_and(|byte| !byte.is_ascii()) {
                    return Err(Unreadable);
                }
                Token::Member(name)
            }
            b'-' if self.cursor.peek() == Some(b'>') && self.syntax != Syntax::Python => {
                return Err(Unreadable);
            }
            b'<' if self.cursor.rest().starts_with(b"!--") || self.cursor.rest().starts_with(b"<<") => {
                return Err(Unreadable);
            }
            // A pipe into what a string names.
            b'|' if self.cursor.peek() == Some(b'>') && self.syntax == Syntax::Php => return Err(Unreadable),
            // `.5`
            b'.' if matches!(self.syntax, Syntax::Python | Syntax::JavaScript)
                && self.cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) =>
            {
                self.number(b'1')?
            }
            b'.' if self.cursor.peek() == Some(b'.') => {
                self.cursor.eat_while(|byte| byte == b'.');
                Token::Operator
            }
            b'=' if self.cursor.eat(b'>') => Token::Arrow,
            // `??=`, `||=`, `&&=`
            b'?' | b'|' | b'&'
                if self.syntax == Syntax::JavaScript && self.cursor.rest().starts_with(&[byte, b'=']) =>
            {
                self.cursor.skip(2);
                Token::Operator
            }
            b'=' if matches!(self.cursor.peek(), Some(b'=' | b'~')) => self.operator(),
            b'<' | b'>' | b'!' | b'+' | b'-' | b'*' | b'%' | b'^' | b'|' | b'&'
                if self.cursor.peek() == Some(b'=') =>
            {
                self.operator()
            }
            b':' if self.cursor.peek() == Some(b'=') => {
                self.cursor.skip(1);
                Token::Mark(b'=')
            }
            b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',' | b';' | b':' | b'.' | b'=' | b'<' | b'>'
            | b'!' | b'+' | b'-' | b'*' | b'%' | b'^' | b'|' | b'&' | b'~' | b'?' => Token::Mark(byte),
            _ => return Err(Unreadable),
        };
        Ok(Some(Lexed { token, at: start..self.cursor.position() }))
    }

    /// Blanks, comments and continued lines; says whether there were any.
    fn blanks(&mut self) -> Result<bool, Unreadable> {
        let start = self.cursor.position();
        loop {
            self.cursor.eat_while(|byte| matches!(byte, b' ' | b'\t'));
            let line = match self.cursor.peek() {
                Some(b'#') => self.syntax != Syntax::JavaScript,
                Some(b'/') if matches!(self.syntax, Syntax::JavaScript | Syntax::Php) => {
                    match self.cursor.peek_at(1) {
                        Some(b'*') => {
                            self.cursor.skip(2);
                            if !self.cursor.skip_past(b"*/") {
                                return Err(Unreadable);
                            }
                            continue;
                        }
                        next => next == Some(b'/'),
                    }
                }
                Some(b'\\') if self.cursor.peek_at(1) == Some(b'\n') => {
                    self.cursor.skip(2);
                    continue;
                }
                _ => false,
            };
            if !line {
                return Ok(self.cursor.position() > start);
            }
            // A comment may set the encoding, and some bytes beyond ASCII end a line.
            let comment = self.cursor.eat_while(|byte| byte != b'\n');
            let special = comment.starts_with(b"#[") || comment.windows(6).any(|word| word == b"coding");
            if special || !comment.is_ascii() {
                return Err(Unreadable);
            }
        }
    }

    fn number(&mut self, first: u8) -> Result<Token<'t>, Unreadable> {
        let digits = |byte: u8| byte.is_ascii_digit() || byte == b'_';
        if first == b'0' && matches!(self.cursor.peek(), Some(b'x' | b'X' | b'b' | b'B' | b'o' | b'O')) {
            self.cursor.skip(1);
            self.cursor.eat_while(|byte| byte.is_ascii_hexdigit() || byte == b'_');
        } else {
            self.cursor.eat_while(digits);
            // `1..3` is a range, `1.to_s` a call.
            if self.cursor.peek() == Some(b'.')
                && self.cursor.peek_at(1).is_some_and(|byte| byte.is_ascii_digit())
            {
                self.cursor.skip(1);
                self.cursor.eat_while(digits);
            }
            let sign = usize::from(matches!(self.cursor.peek_at(1), Some(b'+' | b'-')));
            if matches!(self.cursor.peek(), Some(b'e' | b'E'))
                && self.cursor.peek_at(1 + sign).is_some_and(digits)
            {
                self.cursor.skip(1 + sign);
                self.cursor.eat_while(digits);
            }
        }
        // `1if` is two words.
        let ends = !self.cursor.peek().is_some_and(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii());
        if ends { Ok(Token::Number) } else { Err(Unreadable) }
    }

    fn name(&mut self, start: usize) -> Result<Token<'t>, Unreadable> {
        let dollar = self.syntax == Syntax::JavaScript;
        self.cursor.eat_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || dollar && byte == b'$');
        if self.syntax == Syntax::Ruby
            && matches!(self.cursor.peek(), Some(b'?' | b'!'))
            && self.cursor.peek_at(1) != Some(b'=')
        {
            self.cursor.skip(1);
        }
        let name = self.cursor.since(start);
        match self.cursor.peek() {
            Some(quote @ (b'\'' | b'"')) if self.syntax == Syntax::Python && name.len() <= 2 => {
                let lower = name.iter().fold([0; 2], |[_, last], byte| [last, byte.to_ascii_lowercase()]);
                if !lower.iter().all(|byte| matches!(byte, 0 | b'r' | b'b' | b'u' | b'f')) {
                    return Err(Unreadable);
                }
                self.cursor.skip(1);
                self.quoted(quote, lower.contains(&b'f'))
            }
            // `don't`: what that means is for others to tell. Backslashes spell names in JavaScript.
            Some(b'\'' | b'"' | b'\\') => Err(Unreadable),
            Some(byte) if !byte.is_ascii() => Err(Unreadable),
            _ => Ok(Token::Name(name)),
        }
    }

    fn variable(&mut self, sigil: u8) -> Result<Token<'t>, Unreadable> {
        if sigil == b'@' && self.syntax == Syntax::Php {
            return Ok(Token::Operator);
        }
        // The number of the line, and what was found.
        if sigil == b'$'
            && self.syntax == Syntax::Ruby
            && matches!(self.cursor.peek(), Some(b'.' | b'&' | b'!' | b'~'))
        {
            self.cursor.skip(1);
            return Ok(Token::Variable(b"_"));
        }
        let name = self.cursor.eat_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if name.is_empty() || self.cursor.peek().is_some_and(|byte| !byte.is_ascii()) {
            return Err(Unreadable);
        }
        let known = sigil == b'@'
            || self.syntax == Syntax::Php
            || name.iter().all(u8::is_ascii_digit)
            || matches!(name, b"_" | b"stdin" | b"stdout" | b"stderr");
        if known { Ok(Token::Variable(name)) } else { Err(Unreadable) }
    }

    /// The rest of a string whose opening quote was just taken.
    fn quoted(&mut self, quote: u8, template: bool) -> Result<Token<'t>, Unreadable> {
        // Two quotes are an empty string, three start one that goes over lines.
        let triple = self.syntax == Syntax::Python && self.cursor.rest().starts_with(&[quote, quote]);
        if triple {
            self.cursor.skip(2);
        }
        let lines = triple || quote == b'`' || matches!(self.syntax, Syntax::Ruby | Syntax::Php);
        let start = self.cursor.position();
        loop {
            let end = self.cursor.position();
            match self.cursor.next().ok_or(Unreadable)? {
                b'\\' => self.cursor.skip(1),
                // Quotes in there are those of other texts.
                b'#' if template && self.syntax == Syntax::Ruby && self.cursor.eat(b'{') => {
                    let length = code_end(self.syntax, self.cursor.rest(), self.depth + 1)?;
                    self.cursor.skip(length + 1);
                }
                b'{' if template && self.syntax == Syntax::Php => {
                    self.cursor.skip(php_element(self.cursor.rest()).unwrap_or_default());
                }
                b'\n' if !lines => return Err(Unreadable),
                byte if byte == quote && (!triple || self.cursor.eat_all(&[quote, quote])) => {
                    let body = self.cursor.slice(start..end);
                    return Ok(if template { Token::Template(body) } else { Token::Text(body) });
                }
                _ => {}
            }
        }
    }

    fn operator(&mut self) -> Token<'t> {
        self.cursor.eat_while(|byte| matches!(byte, b'=' | b'~'));
        Token::Operator
    }

    /// A division or a regular expression.
    fn slash(&mut self, spaced: bool) -> Result<Token<'t>, Unreadable> {
        let divides = match (self.syntax, self.before) {
            (Syntax::Python | Syntax::Php, _) => true,
            (_, Some(before)) if before.is_value() => true,
            (Syntax::Ruby, Some(Token::Mark(b')'))) => true,
            (Syntax::JavaScript, Some(Token::Mark(b')'))) if !self.condition => true,
            (_, Some(Token::Mark(b')' | b'}' | b'+' | b'-' | b'!'))) => return Err(Unreadable),
            (Syntax::JavaScript, Some(Token::Name(b"of" | b"yield" | b"await" | b"async" | b"let"))) => {
                return Err(Unreadable);
            }
            // `break` and `let x` end where the line does, and a pattern may start the next one.
            (Syntax::JavaScript, Some(Token::Name(_))) if self.line_ended => return Err(Unreadable),
            (Syntax::JavaScript, Some(Token::Name(name))) => !matches!(
                name,
                b"return"
                    | b"typeof"
                    | b"case"
                    | b"in"
                    | b"delete"
                    | b"void"
                    | b"do"
                    | b"else"
                    | b"instanceof"
                    | b"new"
                    | b"throw"
            ),
            (_, Some(Token::Name(name))) => {
                // `puts /a/` and `a / b` look alike; only blanks on both sides or on none tell.
                let keyword = starts_expression(name);
                if !keyword && (spaced != matches!(self.cursor.peek(), Some(b' ' | b'\n'))) {
                    return Err(Unreadable);
                }
                !keyword
            }
            _ => false,
        };
        if divides {
            self.cursor.eat(b'=');
            return Ok(Token::Operator);
        }
        let mut class = false;
        loop {
            match self.cursor.next().ok_or(Unreadable)? {
                b'\\' => self.cursor.skip(1),
                b'\n' => return Err(Unreadable),
                b'#' if self.syntax == Syntax::Ruby => return Err(Unreadable),
                b'?' if self.cursor.peek() == Some(b'<') => self.captures = true,
                b'[' if self.syntax == Syntax::JavaScript => class = true,
                b']' => class = false,
                b'/' if !class => break,
                _ => {}
            }
        }
        self.cursor.eat_while(|byte| byte.is_ascii_alphabetic());
        Ok(Token::Regex)
    }

    /// Marks that start a literal in Ruby, depending on what follows.
    fn ruby_mark(&mut self, byte: u8) -> Result<Token<'t>, Unreadable> {
        let next = self.cursor.peek();
        match (byte, next) {
            // Where a value must follow, `% text ` is one.
            (b'%', Some(b' ')) => match self.before {
                Some(Token::Name(name)) if !starts_expression(name) => Ok(Token::Mark(byte)),
                Some(Token::Mark(b')')) => Ok(Token::Mark(byte)),
                Some(before) if before.is_value() => Ok(Token::Mark(byte)),
                _ => Err(Unreadable),
            },
            // `%w[a b]`: behind a name it may divide, unless that is known to print.
            (b'%', Some(b'w' | b'i')) => {
                let literal = match self.before {
                    Some(Token::Name(name)) => {
                        starts_expression(name) || prints(name) && !self.captures && self.depth == 0
                    }
                    Some(Token::Mark(b')' | b'}')) => false,
                    Some(before) => !before.is_value(),
                    None => true,
                };
                self.cursor.skip(1);
                if literal { self.words() } else { Err(Unreadable) }
            }
            // A part of a module. Only what a name holds is called by it.
            (b':', Some(b':')) if self.cursor.peek_at(1).is_some_and(|byte| byte.is_ascii_uppercase()) => {
                self.cursor.skip(1);
                Ok(Token::Mark(b'.'))
            }
            // A document starts with no blank.
            (b'<', Some(b'<')) if self.cursor.peek_at(1) == Some(b' ') => {
                self.cursor.skip(1);
                Ok(Token::Operator)
            }
            (b'<' | b'?' | b':', Some(b' ' | b'\n')) => Ok(Token::Mark(byte)),
            (b'<', Some(b'=')) => Ok(self.operator()),
            (b'<', Some(b'0'..=b'9')) => Ok(Token::Mark(byte)),
            (b':', Some(next)) if next.is_ascii_alphabetic() || next == b'_' => Ok(Token::Symbol(
                self.cursor
                    .eat_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'?' | b'!')),
            )),
            (b':', Some(operator @ (b'+' | b'*'))) => {
                self.cursor.eat(operator);
                Ok(Token::Operator)
            }
            _ => Err(Unreadable),
        }
    }

    /// The rest of `%w[a b]`, which holds texts and nothing else.
    fn words(&mut self) -> Result<Token<'t>, Unreadable> {
        let close = match self.cursor.next() {
            Some(b'[') => b']',
            Some(b'(') => b')',
            Some(b'{') => b'}',
            _ => return Err(Unreadable),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _-.:/,+@*".contains(&byte);
        let words = self.cursor.eat_while(plain);
        if self.cursor.eat(close) { Ok(Token::Words(words)) } else { Err(Unreadable) }
    }
}

/// Ruby's methods behind which `%w[` opens a list, if no variable has that name.
pub(super) fn prints(name: &[u8]) -> bool {
    matches!(name, b"p" | b"pp" | b"print" | b"puts")
}

/// How long `$x["a"][0]->b}` is: an element of a variable in a PHP text, named in full.
pub(super) fn php_element(text: &[u8]) -> Option<usize> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut cursor = Cursor::new(text);
    if !cursor.eat(b'$') {
        return None;
    }
    let name = cursor.eat_while(is_name);
    // Those that PHP fills itself hold the environment.
    if !name.first().is_some_and(u8::is_ascii_alphabetic) || matches!(name, b"GLOBALS" | b"this") {
        return None;
    }
    loop {
        match cursor.next()? {
            b'}' => return Some(cursor.position()),
            b'[' => {
                match cursor.next()? {
                    quote @ (b'\'' | b'"') => {
                        cursor.eat_while(|byte| is_name(byte) || matches!(byte, b'-' | b' ' | b'.' | b'/'));
                        if !cursor.eat(quote) {
                            return None;
                        }
                    }
                    b'$' if cursor.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) => {
                        cursor.eat_while(is_name);
                    }
                    b'-' | b'0'..=b'9' => {
                        cursor.eat_while(|byte| byte.is_ascii_digit());
                    }
                    _ => return None,
                }
                if !cursor.eat(b']') {
                    return None;
                }
            }
            b'-' => {
                if !cursor.eat(b'>') || !cursor.peek()?.is_ascii_alphabetic() {
                    return None;
                }
                cursor.eat_while(is_name);
            }
            _ => return None,
        }
    }
}
