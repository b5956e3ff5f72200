//! Recognises harmless Perl: what runs code there is punctuation as often as it is a name, so it
//! has rules of its own.

use super::super::cursor::Cursor;
use super::dialect::{Dialect, lists};

/// Whether the text provably does nothing but compute on its input.
pub(super) fn harmless(dialect: &Dialect, text: &[u8]) -> bool {
    // Code in a pattern, in whichever kind of quotes that stands.
    let code = |part: &[u8]| matches!(part, b"(?{" | b"(??" | b"(?p" | b"(*{");
    text.iter().all(|byte| !matches!(byte, b'\r' | 0))
        && !text.windows(3).any(code)
        && Checker {
            words: dialect.words,
            modules: dialect.modules,
            cursor: Cursor::new(text),
            before: Before::Operator,
        }
        .text()
        .is_some()
}

struct Checker<'t> {
    words: &'static [&'static str],
    modules: &'static [&'static str],
    cursor: Cursor<'t>,
    before: Before,
}

/// What stands before a token, which is what says how Perl reads it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A term must follow: `/` starts a pattern.
    Operator,
    /// An operator must follow: `/` divides.
    Term,
    /// Only Perl knows.
    Either,
}

impl<'t> Checker<'t> {
    fn text(&mut self) -> Option<()> {
        loop {
            self.blanks()?;
            let Some(byte) = self.cursor.next() else { return Some(()) };
            let before = std::mem::replace(&mut self.before, Before::Operator);
            let next = self.cursor.peek();
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'_' => self.word(before)?,
                b'0'..=b'9' => {
                    self.cursor.eat_while(|byte| byte.is_ascii_digit() || byte == b'_');
                    // `1if` is two words, and `1x3` three.
                    if self.cursor.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
                        return None;
                    }
                    // `1./2` divides, `1.5./2/` does not: a dot that ends a number is left to Perl.
                    let behind = self.cursor.peek_at(1);
                    if self.cursor.peek() == Some(b'.')
                        && !behind.is_some_and(|byte| byte.is_ascii_digit() || byte == b'.')
                    {
                        return None;
                    }
                    self.before = Before::Term;
                }
                b'$' | b'@' => {
                    self.variable(byte)?;
                    self.before = Before::Term;
                }
                b'%' if before == Before::Operator => {
                    self.variable(byte)?;
                    self.before = Before::Term;
                }
                b'"' => self.quoted(byte, true)?,
                b'\'' => self.quoted(byte, false)?,
                b'/' if before == Before::Operator => {
                    self.quoted(b'/', true)?;
                    self.cursor.eat_while(|byte| byte.is_ascii_alphabetic());
                }
                b'/' | b'%' | b'*' | b'&' | b'?' | b'<' if before == Before::Term => {
                    // `<<` starts a document, and `print $x /a/` takes `$x` for a file.
                    let space = |byte: Option<u8>| byte.is_none_or(|byte| byte.is_ascii_whitespace());
                    let doubled = next == Some(byte) || next == Some(b'=');
                    if byte == b'<' && next == Some(b'<')
                        || !doubled && !space(next) && space(self.previous())
                    {
                        return None;
                    }
                    self.cursor.eat_while(|next| next == byte || matches!(next, b'=' | b'>'));
                }
                // As a term it would be a glob, which finds `=`.
                b'<' if self.cursor.eat_all(b"=>") => {}
                b'<' if before == Before::Operator => {
                    if !self.cursor.eat_all(b"STDIN>") && !self.cursor.eat_all(b">") {
                        return None;
                    }
                    self.before = Before::Term;
                }
                // `-s "file"`
                b'-' if next.is_some_and(|byte| byte.is_ascii_alphabetic()) => return None,
                b'-' if next == Some(b'>') => {
                    self.cursor.skip(1);
                    if !matches!(self.cursor.peek(), Some(b'[' | b'{')) {
                        return None;
                    }
                }
                b'+' | b'-' if next == Some(byte) => {
                    self.cursor.skip(1);
                    self.before = if before == Before::Term { Before::Term } else { Before::Operator };
                }
                // Documentation hides what follows it.
                b'=' if next.is_some_and(|byte| byte.is_ascii_alphabetic()) && self.starts_line() => {
                    return None;
                }
                b')' | b']' => self.before = Before::Term,
                b'}' => self.before = Before::Either,
                b'\n' => self.before = before,
                b'(' | b'[' | b'{' | b',' | b';' | b':' | b'.' | b'=' | b'>' | b'!' | b'~' | b'+' | b'-'
                | b'|' | b'^' => {}
                _ => return None,
            }
        }
    }

    fn blanks(&mut self) -> Option<()> {
        loop {
            self.cursor.eat_while(|byte| matches!(byte, b' ' | b'\t'));
            if self.cursor.peek() != Some(b'#') {
                return Some(());
            }
            self.cursor.eat_while(|byte| byte != b'\n');
        }
    }

    /// What stands before the byte just taken.
    fn previous(&self) -> Option<u8> {
        let at = self.cursor.position().checked_sub(2)?;
        self.cursor.slice(at..at + 1).first().copied()
    }

    /// The byte just taken stands first in its line.
    fn starts_line(&self) -> bool {
        let at = self.cursor.position().saturating_sub(1);
        at == 0 || self.cursor.slice(at - 1..at) == b"\n"
    }

    fn word(&mut self, before: Before) -> Option<()> {
        let start = self.cursor.position().saturating_sub(1);
        self.cursor.eat_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let word = self.cursor.since(start);
        let next = self.cursor.peek();
        // `{word}` and `word =>` are strings, except where they look like a quote.
        let quotes = matches!(word, b"q" | b"qq" | b"qw" | b"qr" | b"qx" | b"m" | b"s" | b"y" | b"tr");
        if quotes {
            return self.quote_operator(word);
        }
        // `isn't` is `isn::t`.
        if matches!(next, Some(b'\'' | b'\\')) || self.cursor.rest().starts_with(b"::") {
            return None;
        }
        let key = next == Some(b'}')
            && start.checked_sub(1).is_some_and(|brace| self.cursor.slice(brace..start) == b"{");
        if key {
            return Some(());
        }
        // Behind the last line of a file it starts the count of lines again.
        if word == b"close" {
            self.blanks()?;
            let name = self
                .cursor
                .eat_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'\''));
            self.before = Before::Term;
            return (name == b"ARGV").then_some(());
        }
        if !lists(self.words, word) {
            return None;
        }
        match word {
            // Where a term must stand it is no operator but a name, and `/` behind that divides.
            b"x" if before == Before::Operator => return None,
            b"use" | b"no" => {
                self.blanks()?;
                let mut ahead = self.cursor;
                let module = ahead.eat_while(|byte| byte.is_ascii_alphanumeric() || byte == b':');
                ahead.eat_while(|byte| byte.is_ascii_digit() || byte == b'.');
                ahead.eat_while(|byte| byte == b' ');
                // What is taken out of it is checked where it is used.
                if ahead.eat_all(b"qw(") {
                    ahead.eat_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b' '));
                    if !ahead.eat(b')') {
                        return None;
                    }
                    ahead.eat_while(|byte| byte == b' ');
                }
                if !lists(self.modules, module) || !matches!(ahead.peek(), None | Some(b';' | b'\n' | b'}')) {
                    return None;
                }
                self.cursor = ahead;
            }
            b"and" | b"or" | b"not" | b"xor" | b"if" | b"unless" | b"while" | b"until" | b"for"
            | b"foreach" | b"split" | b"grep" | b"map" | b"print" | b"return" | b"x" | b"cmp" | b"eq"
            | b"ne" | b"lt" | b"gt" | b"le" | b"ge" | b"push" | b"unshift" | b"join" | b"say" | b"when"
            | b"my" | b"our" | b"local" | b"scalar" | b"defined" | b"sort" | b"reverse" | b"keys"
            | b"values" | b"printf" | b"lc" | b"uc" | b"length" => {}
            _ => self.before = Before::Either,
        }
        Some(())
    }

    /// `$x`, `@x`, `%x`, `$#x`, `$_`, `$1`, `$,`; none of those that name what Perl opens or runs.
    fn variable(&mut self, sigil: u8) -> Option<()> {
        if sigil == b'$' && self.cursor.peek() == Some(b'#') {
            self.cursor.skip(1);
            if !self.cursor.peek().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_') {
                return None;
            }
        }
        let name = self.cursor.eat_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if name.is_empty() {
            return match self.cursor.next()? {
                b'&' | b',' | b'.' | b'/' | b'\\' | b';' | b'!' | b'"' | b'|' | b'+' | b'0' | b']'
                    if sigil == b'$' =>
                {
                    Some(())
                }
                b'^' if sigil == b'$' && matches!(self.cursor.next()?, b'V' | b'O' | b'T' | b'X') => Some(()),
                _ => None,
            };
        }
        // The name of the file that is read now; its elements are those that will be.
        if name == b"ARGV" && sigil == b'$' {
            let mut ahead = self.cursor;
            ahead.eat_while(|byte| byte.is_ascii_whitespace());
            return (!matches!(ahead.peek(), Some(b'[' | b'{' | b'#'))).then_some(());
        }
        let reaches = matches!(name, b"ENV" | b"ARGV" | b"SIG" | b"INC" | b"ISA" | b"ARGVOUT");
        let joined = matches!(self.cursor.peek(), Some(b'\'')) || self.cursor.rest().starts_with(b"::");
        (!reaches && !joined).then_some(())
    }

    /// `q()`, `s///`, ... whose name was just taken.
    fn quote_operator(&mut self, word: &[u8]) -> Option<()> {
        let delimiter = self.cursor.next()?;
        if word == b"qx"
            || matches!(delimiter, b'}' | b')' | b']' | b'>' | b'=' | b',' | b';' | b'#' | b'`' | b'-')
        {
            return None;
        }
        if delimiter.is_ascii_alphanumeric() || delimiter.is_ascii_whitespace() || !delimiter.is_ascii() {
            return None;
        }
        let interpolates = delimiter != b'\'' && !matches!(word, b"q" | b"qw" | b"y" | b"tr");
        // `m?(\?{...})?` is code: a backslash in front of the delimiter is no part of the pattern.
        if matches!(delimiter, b'?' | b'*') && matches!(word, b"m" | b"qr" | b"s") {
            return None;
        }
        self.quoted(delimiter, interpolates)?;
        if matches!(word, b"s" | b"y" | b"tr") {
            let second = if closing(delimiter) == delimiter { delimiter } else { self.cursor.next()? };
            if second.is_ascii_alphanumeric() || second.is_ascii_whitespace() {
                return None;
            }
            self.quoted(second, interpolates)?;
        }
        let flags = self.cursor.eat_while(|byte| byte.is_ascii_alphabetic());
        (word != b"s" || !flags.contains(&b'e')).then_some(())
    }

    /// The rest of a text that `open` started.
    fn quoted(&mut self, open: u8, interpolates: bool) -> Option<()> {
        let close = closing(open);
        let start = self.cursor.position();
        let mut depth = 0_u32;
        loop {
            match self.cursor.next()? {
                b'\\' => self.cursor.skip(1),
                byte if byte == close && depth == 0 => break,
                byte if byte == close => depth -= 1,
                byte if byte == open => depth += 1,
                _ => {}
            }
        }
        let body = self.cursor.slice(start..self.cursor.position().saturating_sub(1));
        self.before = Before::Term;
        if interpolates { interpolation(body) } else { Some(()) }
    }
}

fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        b'{' => b'}',
        b'<' => b'>',
        other => other,
    }
}

/// Whether what is interpolated into a text or pattern are plain variables.
fn interpolation(body: &[u8]) -> Option<()> {
    let mut cursor = Cursor::new(body);
    while let Some(byte) = cursor.next() {
        match byte {
            b'\\' => cursor.skip(1),
            b'$' | b'@' => {
                let name = cursor.eat_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                if name.is_empty() {
                    match cursor.peek() {
                        // An end of line in a pattern, or one of the short variables.
                        None | Some(b')' | b'|' | b' ' | b'&' | b',' | b'.' | b'/' | b';' | b'!' | b'\n') => {
                        }
                        _ => return None,
                    }
                    // Code may stand in the subscript of what is no anchor.
                    if matches!(cursor.peek_at(1), Some(b'[' | b'{' | b'-')) {
                        return None;
                    }
                    continue;
                }
                let file = name == b"ARGV" && byte == b'$';
                if !file && matches!(name, b"ENV" | b"ARGV" | b"SIG" | b"INC")
                    || cursor.rest().starts_with(b"::")
                {
                    return None;
                }
                if cursor.rest().starts_with(b"->") {
                    return None;
                }
                while let Some(open @ (b'[' | b'{')) = cursor.peek() {
                    cursor.skip(1);
                    cursor.eat(b'-');
                    cursor.eat(b'$');
                    cursor.eat_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                    if !cursor.eat(closing(open)) {
                        return None;
                    }
                }
            }
            _ => {}
        }
    }
    Some(())
}
