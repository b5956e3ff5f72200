//! Recognises harmless Perl: what runs code there is punctuation as often as it is a name, so it
//! has rules of its own.

use std::borrow::Cow;

use super::super::cursor::Cursor;
use super::super::{Act, Found};
use super::dialect::{Dialect, lists};
use super::perl_refs::Ways;
use super::perl_text::{closing, constant, interpolation, is_name};

/// The files that a text reads, if it provably does nothing else but compute on its input.
pub(super) fn harmless<'t>(dialect: &Dialect, text: &'t [u8]) -> Option<Vec<Found<'t>>> {
    // Code in a pattern, in whichever kind of quotes that stands.
    let code = |part: &[u8]| matches!(part, b"(?{" | b"(??" | b"(?p" | b"(*{");
    if text.iter().any(|byte| matches!(byte, b'\r' | 0)) || text.windows(3).any(code) {
        return None;
    }
    let mut checker = Checker {
        words: dialect.words,
        modules: dialect.modules,
        cursor: Cursor::new(text),
        before: Before::Operator,
        ways: Ways::default(),
        open: Vec::new(),
        chain: None,
        last: [Last::Other; 2],
        mutator: None,
        round: None,
        choice: false,
        only_uses: true,
        found: Vec::new(),
    };
    checker.text()?;
    checker.ways.are_sound().then_some(checker.found)
}

/// More brackets or variables than a one-liner has.
pub(super) const MAX_WAYS: usize = 512;

pub(super) struct Checker<'t> {
    words: &'static [&'static str],
    modules: &'static [&'static str],
    pub(super) cursor: Cursor<'t>,
    pub(super) before: Before,
    pub(super) ways: Ways<'t>,
    pub(super) open: Vec<Open>,
    /// The variable that just ended, to which a subscript may still belong.
    pub(super) chain: Option<Chain>,
    /// The tokens before, the nearest one first.
    pub(super) last: [Last<'t>; 2],
    /// A word that changes what stands behind it, which is to come.
    pub(super) mutator: Option<&'t [u8]>,
    /// A round bracket just closed; whether it was a list of new variables.
    pub(super) round: Option<bool>,
    /// There is a `?`, and what stands behind its `:` may be given a value.
    pub(super) choice: bool,
    /// Nothing but `use ...;` stood there yet.
    only_uses: bool,
    found: Vec<Found<'t>>,
}

/// What stands before a token, which is what says how Perl reads it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// A term must follow: `/` starts a pattern.
    Operator,
    /// An operator must follow: `/` divides.
    Term,
    /// Only Perl knows.
    Either,
}

/// A token, as far as what follows depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last<'t> {
    Word(&'t [u8]),
    Mark(u8),
    /// `++` or `--`
    Step,
    Text,
    Other,
}

/// A variable with its subscripts so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    pub(super) way: usize,
    /// The sigil in front of a reference that was just named: `@{$x}`, `$$x`.
    pub(super) of: Option<u8>,
    /// `keys` stands before it.
    pub(super) keys: bool,
    /// A `:` stands before it.
    pub(super) chosen: bool,
    /// `++` or `--` stands before it.
    pub(super) stepped: bool,
    /// What compares stands before it.
    pub(super) compared: bool,
    /// `->` was taken.
    pub(super) arrow: bool,
}

/// A bracket that is open.
#[derive(Clone, Copy, Debug)]
pub(super) enum Open {
    Block,
    /// `(`; whether the variables in it are new.
    Round(bool),
    Square,
    /// `[` or `{` behind a variable, and where what stands in it starts.
    Subscript(Chain, u8, usize),
    /// `(...)[`, whose elements may be references.
    Slice,
    /// `@{`: the sigil, and which way is the first in it.
    Reference(u8, Chain),
}

impl<'t> Checker<'t> {
    fn text(&mut self) -> Option<()> {
        loop {
            self.blanks()?;
            if self.cursor.peek() != Some(b'\n') {
                self.settle()?;
            }
            let start = self.cursor.position();
            let Some(byte) = self.cursor.next() else { return Some(()) };
            let before = std::mem::replace(&mut self.before, Before::Operator);
            let next = self.cursor.peek();
            if byte != b'\n' {
                self.aim(byte)?;
            }
            let last = match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                    if self.word(before)? {
                        Last::Text
                    } else {
                        Last::Word(self.cursor.since(start))
                    }
                }
                b'0'..=b'9' => {
                    self.number()?;
                    Last::Other
                }
                b'$' | b'@' => {
                    self.variable(byte)?;
                    Last::Other
                }
                b'%' if before == Before::Operator => {
                    self.variable(byte)?;
                    Last::Other
                }
                b'"' | b'\'' => {
                    self.quoted(byte, byte == b'"')?;
                    Last::Text
                }
                b'/' if before == Before::Operator => {
                    self.quoted(b'/', true)?;
                    self.cursor.eat_while(|byte| byte.is_ascii_alphabetic());
                    Last::Text
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
                    self.choice |= byte == b'?';
                    self.cursor.eat_while(|next| next == byte || matches!(next, b'=' | b'>'));
                    if self.cursor.since(start) == b"<=>" { Last::Word(b"cmp") } else { Last::Mark(byte) }
                }
                // As a term it would be a glob, which finds `=`.
                b'<' if self.cursor.eat_all(b"=>") => Last::Word(b"cmp"),
                b'<' if before == Before::Operator => {
                    self.line()?;
                    Last::Text
                }
                // `-s "file"`
                b'-' if next.is_some_and(|byte| byte.is_ascii_alphabetic()) => return None,
                b'-' if next == Some(b'>') => {
                    self.cursor.skip(1);
                    if !matches!(self.cursor.peek(), Some(b'[' | b'{')) {
                        return None;
                    }
                    self.arrow()?;
                    Last::Other
                }
                b'+' | b'-' if next == Some(byte) => {
                    self.cursor.skip(1);
                    self.before = if before == Before::Term { Before::Term } else { Before::Operator };
                    // `++($x->[0])`
                    let behind = self.cursor.rest().iter().find(|byte| !byte.is_ascii_whitespace());
                    self.ways.changes_aliases |= before != Before::Term && behind != Some(&b'$');
                    Last::Step
                }
                // Documentation hides what follows it.
                b'=' if next.is_some_and(|byte| byte.is_ascii_alphabetic()) && self.starts_line(start) => {
                    return None;
                }
                b'(' | b'[' | b'{' => {
                    self.opens(byte)?;
                    Last::Mark(byte)
                }
                b')' | b']' | b'}' => {
                    self.closes(byte)?;
                    Last::Mark(byte)
                }
                b'\n' => {
                    self.before = before;
                    continue;
                }
                b',' | b';' | b':' | b'.' | b'=' | b'>' | b'!' | b'~' | b'+' | b'-' | b'|' | b'^' => {
                    Last::Mark(byte)
                }
                _ => return None,
            };
            self.only_uses &=
                matches!(last, Last::Word(word) if word.starts_with(b"use")) || last == Last::Mark(b';');
            let [first, _] = self.last;
            self.last = [last, first];
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

    fn number(&mut self) -> Option<()> {
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
        Some(())
    }

    /// What stands before the byte just taken.
    fn previous(&self) -> Option<u8> {
        let at = self.cursor.position().checked_sub(2)?;
        self.cursor.slice(at..at + 1).first().copied()
    }

    fn starts_line(&self, at: usize) -> bool {
        at == 0 || self.cursor.slice(at - 1..at) == b"\n"
    }

    /// `<STDIN>`, `<>`, `<$file>`, whose lines go to `$_` where a loop asks for them.
    fn line(&mut self) -> Option<()> {
        if !self.cursor.eat_all(b"STDIN>") && !self.cursor.eat_all(b">") {
            // A name that a text holds may only be one that is open.
            if !self.cursor.eat(b'$') {
                return None;
            }
            let name = self.cursor.eat_while(is_name);
            if name.is_empty() || !self.cursor.eat(b'>') {
                return None;
            }
        }
        let [first, second] = self.last;
        let loops = |last| matches!(last, Last::Word(b"while" | b"until") | Last::Mark(b';'));
        self.ways.changes_aliases |= loops(first) || first == Last::Mark(b'(') && loops(second);
        self.before = Before::Term;
        Some(())
    }

    /// A word with what belongs to it; says whether it was a text.
    fn word(&mut self, before: Before) -> Option<bool> {
        let start = self.cursor.position().saturating_sub(1);
        self.cursor.eat_while(is_name);
        let word = self.cursor.since(start);
        let next = self.cursor.peek();
        // In front of an arrow every word is a text.
        let mut ahead = self.cursor;
        ahead.eat_while(|byte| matches!(byte, b' ' | b'\t'));
        if ahead.eat_all(b"=>") {
            return Some(false);
        }
        // So it is alone between the brackets of a subscript; in those of a block it is called.
        let key = next == Some(b'}')
            && matches!(self.open.last(), Some(Open::Subscript(_, b'{', inside)) if *inside == start);
        if key {
            self.before = Before::Term;
            return Some(false);
        }
        let quotes = matches!(word, b"q" | b"qq" | b"qw" | b"qr" | b"qx" | b"m" | b"s" | b"y" | b"tr");
        if quotes {
            self.quote_operator(word)?;
            return Some(true);
        }
        // `isn't` is `isn::t`.
        if matches!(next, Some(b'\'' | b'\\')) || self.cursor.rest().starts_with(b"::") {
            return None;
        }
        // Behind the last line of a file it starts the count of lines again.
        if word == b"close" {
            self.close()?;
            return Some(false);
        }
        if word == b"open" {
            self.opens_file(start)?;
            return Some(false);
        }
        // What stands in its block is read as everything else is; a text would be code.
        let tries = word == b"eval" && self.block_follows();
        if !tries && !lists(self.words, word) {
            return None;
        }
        match word {
            // Where a term must stand it is no operator but a name, and `/` behind that divides.
            b"x" if before == Before::Operator => return None,
            b"use" | b"no" => {
                self.uses(word)?;
                return Some(false);
            }
            // The name of what compares may be given by a text.
            b"sort" if matches!(self.opens_with(), None | Some(b'$' | b'#')) => return None,
            // Without a block, a text may name what is called.
            b"all" | b"any" | b"first" | b"none" | b"reduce" if self.opens_with() != Some(b'{') => {
                return None;
            }
            b"chomp" | b"chop" | b"substr" => self.ways.changes_aliases = true,
            b"each" if matches!(self.last, [Last::Mark(b'('), Last::Word(b"while" | b"until")]) => {
                self.ways.changes_aliases = true;
            }
            b"push" | b"unshift" | b"splice" | b"pop" | b"shift" | b"delete" | b"undef" | b"local" => {
                self.mutator = Some(word);
            }
            _ => {}
        }
        match word {
            b"and" | b"or" | b"not" | b"xor" | b"if" | b"unless" | b"while" | b"until" | b"for"
            | b"foreach" | b"split" | b"grep" | b"map" | b"print" | b"return" | b"x" | b"cmp" | b"eq"
            | b"ne" | b"lt" | b"gt" | b"le" | b"ge" | b"push" | b"unshift" | b"join" | b"say" | b"when"
            | b"my" | b"our" | b"local" | b"scalar" | b"defined" | b"sort" | b"reverse" | b"keys"
            | b"values" | b"printf" | b"lc" | b"uc" | b"length" | b"exists" | b"delete" | b"splice"
            | b"each" | b"eval" => {}
            _ => self.before = Before::Either,
        }
        Some(false)
    }

    fn block_follows(&self) -> bool {
        self.cursor.rest().trim_ascii_start().first() == Some(&b'{')
    }

    /// What comes next, in brackets or not, over blanks but over no comment.
    fn opens_with(&self) -> Option<u8> {
        let mut rest = self.cursor.rest().iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != b'(');
        rest.next().copied()
    }

    /// `use Module qw(a b)`
    fn uses(&mut self, word: &[u8]) -> Option<()> {
        self.blanks()?;
        let mut ahead = self.cursor;
        let module = ahead.eat_while(|byte| byte.is_ascii_alphanumeric() || byte == b':');
        ahead.eat_while(|byte| byte.is_ascii_digit() || byte == b'.');
        ahead.eat_while(|byte| byte == b' ');
        // What is taken out of it is checked where it is used.
        let listed = |byte: u8| is_name(byte) || matches!(byte, b' ' | b':');
        for (open, close) in
            [(&b"qw("[..], b')'), (b"qw/", b'/'), (b"qw{", b'}'), (b"'", b'\''), (b"\"", b'"')]
        {
            if ahead.eat_all(open) {
                let list = ahead.eat_while(listed);
                if !ahead.eat(close) || list.windows(2).any(|pair| pair == b"::") || list.contains(&b':') {
                    return None;
                }
                ahead.eat_while(|byte| byte == b' ');
                break;
            }
        }
        if !lists(self.modules, module) || !matches!(ahead.peek(), None | Some(b';' | b'\n' | b'}')) {
            return None;
        }
        self.cursor = ahead;
        self.before = Before::Either;
        if module == b"strict" {
            // It is in force up to the end of the block that it stands in.
            self.ways.strict = word == b"use" && self.only_uses && self.cursor.peek() == Some(b';');
            self.only_uses &= word == b"use";
        }
        if word == b"no" {
            self.only_uses = false;
        }
        Some(())
    }

    /// `close ARGV`, `close $file`: what is read ends.
    fn close(&mut self) -> Option<()> {
        self.blanks()?;
        let round = self.cursor.eat(b'(');
        self.cursor.eat_while(|byte| byte == b' ');
        let variable = self.cursor.eat(b'$');
        let name = self.cursor.eat_while(|byte| is_name(byte) || !variable && matches!(byte, b':' | b'\''));
        self.cursor.eat_while(|byte| byte == b' ');
        self.before = Before::Term;
        let ends = !round || self.cursor.eat(b')');
        let subscript = variable && matches!(self.cursor.peek(), Some(b'[' | b'{' | b'-' | b':' | b'\''));
        (ends && !subscript && (variable && !name.is_empty() || name == b"ARGV")).then_some(())
    }

    /// `open my $file, "<", "path"`: no less would say that it is only read.
    fn opens_file(&mut self, start: usize) -> Option<()> {
        let blank = |cursor: &mut Cursor<'t>| {
            cursor.eat_while(|byte| byte.is_ascii_whitespace());
        };
        let cursor = &mut self.cursor;
        blank(cursor);
        let round = cursor.eat(b'(');
        blank(cursor);
        if !cursor.eat_all(b"my $") || cursor.eat_while(is_name).is_empty() {
            return None;
        }
        blank(cursor);
        if !cursor.eat(b',') {
            return None;
        }
        blank(cursor);
        let mode = constant(cursor)?;
        let reads =
            [&b"<"[..], b"<:encoding(UTF-8)", b"<:encoding(utf-8)", b"<:encoding(utf8)", b"<:raw", b"<:utf8"];
        blank(cursor);
        if !reads.contains(&mode) || !cursor.eat(b',') {
            return None;
        }
        blank(cursor);
        let path = constant(cursor)?;
        blank(cursor);
        // Nothing may go on in the name.
        let ends = match cursor.peek() {
            Some(b')') => round,
            Some(b';') | None => !round,
            _ => !round && [&b"or "[..], b"|| ", b"||die"].iter().any(|word| cursor.rest().starts_with(word)),
        };
        if !ends || round && !cursor.eat(b')') {
            return None;
        }
        let end = cursor.position();
        self.found.push(Found { act: Act::Read(Some(Cow::Borrowed(path))), at: start..end });
        self.before = Before::Term;
        Some(())
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
        let changes = matches!(word, b"s" | b"y" | b"tr");
        if changes {
            let second = if closing(delimiter) == delimiter { delimiter } else { self.cursor.next()? };
            if second.is_ascii_alphanumeric() || second.is_ascii_whitespace() {
                return None;
            }
            self.quoted(second, interpolates)?;
        }
        let flags = self.cursor.eat_while(|byte| byte.is_ascii_alphabetic());
        self.ways.changes_aliases |= changes && !flags.contains(&b'r');
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
        if interpolates { interpolation(body, &mut self.ways) } else { Some(()) }
    }
}
