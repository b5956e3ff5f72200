//! Words, and the runs of parts inside quotes, expansions and arithmetic.

use std::borrow::Cow;

use crate::shell::cursor::{self, Parser};
use crate::shell::{Part, ProblemKind, Slice, Span, Word};

/// Where a word stands, which decides what may belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// Anywhere else.
    Plain,
    /// First in a command: `()` behind it makes it the name of a function.
    Command,
    /// An argument of a builtin that assigns: `name=(` begins an array.
    Declaration,
    /// Right of `=~`: parentheses and `|` belong to it.
    Regex,
}

/// What quotes and backslashes do inside a run of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    /// As in a word.
    Bare,
    /// A pattern inside double quotes: quotes work as in a word.
    Pattern,
    /// Inside double quotes.
    Double,
    /// Arithmetic, subscripts and the arguments of `${ }` inside double quotes. The shell skips
    /// `'...'` to find the end, and then expands what is between these quotes.
    Soft,
    /// The same, inside `${ }` or a subscript, where `<(` must be balanced.
    SoftBrace,
    /// A here-document.
    Body,
}

impl Quoting {
    /// Whether a backslash protects `byte`, rather than standing for itself.
    fn protects(self, byte: u8) -> bool {
        match self {
            Self::Bare | Self::Pattern => true,
            Self::Double | Self::Soft => matches!(byte, b'$' | b'`' | b'"' | b'\\'),
            Self::SoftBrace => matches!(byte, b'$' | b'`' | b'"' | b'\\' | b'}'),
            Self::Body => matches!(byte, b'$' | b'`' | b'\\'),
        }
    }

    /// Whether quotes work as in a word.
    pub(super) fn is_bare(self) -> bool {
        matches!(self, Self::Bare | Self::Pattern)
    }
}

/// Where a run of parts ends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fence {
    /// Opens a pair that `close` closes.
    open: Option<u8>,
    /// Ends the run, outside of any pair.
    close: Option<u8>,
    /// Ends the run inside of a pair, too.
    hard: Option<u8>,
    /// The same.
    split: Option<u8>,
    /// Tabs at the beginning of a line are no part of it.
    tabs: bool,
}

impl Fence {
    pub(super) const fn parentheses() -> Self {
        Self { open: Some(b'('), close: Some(b')'), hard: None, split: None, tabs: false }
    }

    pub(super) const fn subscript() -> Self {
        Self { open: Some(b'['), close: Some(b']'), hard: None, split: None, tabs: false }
    }

    pub(super) const fn until(hard: u8) -> Self {
        Self { open: None, close: None, hard: Some(hard), split: None, tabs: false }
    }

    pub(super) const fn body(tabs: bool) -> Self {
        Self { open: None, close: None, hard: None, split: None, tabs }
    }

    pub(super) const fn or(self, split: u8) -> Self {
        Self { split: Some(split), ..self }
    }
}

/// Glob qualifiers that are looked at, one behind the other.
const MOST_QUALIFIERS: usize = 16;

impl Parser<'_> {
    /// The word under the cursor; there is one.
    #[inline]
    pub(super) fn word(&mut self, site: Site) -> Word {
        let start = self.at;
        self.skip_to(cursor::DELIMITER | cursor::ACTIVE);
        match self.byte(self.at) {
            None | Some(b' ' | b'\n' | b'\t' | b';' | b')' | b'&') => {}
            Some(b'|') if site != Site::Regex => {}
            _ => {
                let base = self.scratch.parts.len();
                return self.rest_of_word(site, start, start, base);
            }
        }
        self.charge(1);
        self.literal_word(Span::new(start, self.at))
    }

    /// The word that began at `start`, whose parts from `scratch.parts[base]` on are read, and
    /// whose literal text goes on at `from`.
    pub(super) fn rest_of_word(&mut self, site: Site, start: usize, mut from: usize, base: usize) -> Word {
        loop {
            self.skip_to(cursor::DELIMITER | cursor::ACTIVE);
            let Some(byte) = self.byte(self.at) else { break };
            match byte {
                b' ' | b'\t' | b'\n' | b';' | b'&' | b')' => break,
                b'|' if site == Site::Regex => self.at += 1,
                b'|' => break,
                b'<' | b'>' if self.peek_second() == Some(b'(') => {
                    self.literal(from, self.at);
                    let part = self.process_substitution();
                    self.push_part(part);
                    from = self.at;
                }
                b'<' | b'>' => break,
                b'(' if site == Site::Regex => {
                    self.at += 1;
                    self.literal(from, self.at);
                    from = self.group();
                }
                b'(' => {
                    let bang = Span::new(start, self.at).of(self.text) == b"!";
                    if site == Site::Command && !bang && self.at_empty_parentheses() {
                        break;
                    }
                    if let Some(operator) = self.take_glob_operator(&mut from) {
                        let part = self.extended_glob(operator);
                        self.push_part(part);
                        from = self.at;
                    } else if site == Site::Declaration && self.is_assignment(start) {
                        self.literal(from, self.at);
                        let array = self.array();
                        self.push_part(array);
                        from = self.at;
                    } else {
                        break;
                    }
                }
                _ => self.special(byte, Quoting::Bare, &mut from),
            }
        }
        self.literal(from, self.at);
        let parts = self.commit_parts(base);
        let mut end = self.at;
        if from == end {
            // A line continuation at the end joins nothing to the word.
            while end > start && Span::new(start, end).of(self.text).ends_with(b"\\\n") {
                end -= 2;
            }
        }
        Word { parts, span: Span::new(start, end) }
    }

    /// The text of `word`, if nothing in it is quoted or expanded.
    pub(super) fn literal_of(&self, word: Word) -> Option<Cow<'_, [u8]>> {
        match self.out.parts(word.parts) {
            [Part::Literal(span)] => Some(Cow::Borrowed(span.of(self.text))),
            [] => None,
            // Line continuations cut it into pieces.
            pieces => {
                let mut text = Vec::with_capacity(word.span.len());
                for piece in pieces {
                    let Part::Literal(span) = piece else { return None };
                    text.extend_from_slice(span.of(self.text));
                }
                Some(Cow::Owned(text))
            }
        }
    }

    /// A run of parts up to the fence, which is not taken.
    pub(super) fn scan(&mut self, quoting: Quoting, fence: Fence) {
        let mut from = self.at;
        let mut pairs = 0_u32;
        let classes = match quoting {
            Quoting::Double | Quoting::Body if fence.tabs => cursor::ACTIVE | cursor::NEWLINE,
            Quoting::Double | Quoting::Body => cursor::ACTIVE,
            _ => cursor::ACTIVE | cursor::FENCE,
        };
        if fence.tabs {
            self.skip_tabs();
            from = self.at;
        }
        loop {
            self.skip_to(classes);
            let Some(byte) = self.byte(self.at) else { break };
            let here = Some(byte);
            if here == fence.hard || here == fence.split {
                break;
            }
            if here == fence.close {
                if pairs == 0 {
                    break;
                }
                pairs -= 1;
                self.at += 1;
            } else if here == fence.open {
                pairs += 1;
                self.at += 1;
            } else if byte == b'\n' {
                self.at += 1;
                if matches!(self.byte(self.at), Some(b'\t' | b'\\')) {
                    self.literal(from, self.at);
                    self.skip_tabs();
                    from = self.at;
                }
            } else if cursor::is(byte, cursor::ACTIVE) || matches!(byte, b'<' | b'>') {
                self.special(byte, quoting, &mut from);
            } else {
                self.at += 1;
            }
        }
        self.literal(from, self.at);
    }

    /// The same, as a slice of its own.
    pub(super) fn run(&mut self, quoting: Quoting, fence: Fence) -> Slice<Part> {
        let base = self.scratch.parts.len();
        self.scan(quoting, fence);
        self.commit_parts(base)
    }

    fn skip_tabs(&mut self) {
        // A line that a continuation moves up has its tabs at the beginning, too.
        while self.peek() == Some(b'\t') {
            self.at += 1;
        }
    }

    /// Literal text, if there is any.
    #[inline]
    fn literal(&mut self, from: usize, to: usize) {
        if from < to {
            self.push_part(Part::Literal(Span::new(from, to)));
        }
    }

    /// The byte under the cursor, which may start a quote or an expansion. Literal text began at
    /// `from`; if a part is pushed, it begins anew behind the part.
    fn special(&mut self, byte: u8, quoting: Quoting, from: &mut usize) {
        let start = self.at;
        let part = match byte {
            b'\\' => match self.byte(start + 1) {
                Some(b'\n') => {
                    self.literal(*from, start);
                    self.at = start + 2;
                    *from = self.at;
                    return;
                }
                Some(protected) if quoting.protects(protected) => {
                    self.at += 1;
                    self.at += self.character_length(protected);
                    Part::Escaped(Span::new(start + 1, self.at))
                }
                Some(_) => {
                    self.at += 2;
                    return;
                }
                // At the very end it stands for itself.
                None if quoting.is_bare() => {
                    self.at += 1;
                    Part::Escaped(Span::new(start, self.at))
                }
                None => {
                    self.at += 1;
                    return;
                }
            },
            b'$' => match self.dollar(quoting) {
                Some(part) => part,
                None => {
                    self.at += 1;
                    return;
                }
            },
            b'`' => self.backquoted(quoting),
            b'\'' if quoting.is_bare() => {
                self.at += 1;
                let inside = self.single_quoted(start);
                Part::SingleQuoted(inside)
            }
            b'\'' if matches!(quoting, Quoting::Soft | Quoting::SoftBrace) => {
                self.soft_quotes(from);
                return;
            }
            b'"' if matches!(quoting, Quoting::Double | Quoting::Body) => {
                self.at += 1;
                return;
            }
            b'"' => self.double_quoted(start, false),
            b'<' | b'>' if self.peek_second() == Some(b'(') => match quoting {
                Quoting::Bare | Quoting::Pattern => self.process_substitution(),
                Quoting::SoftBrace => {
                    // Double quotes keep it from being expanded, yet it must be well formed.
                    let mark = self.mark();
                    self.process_substitution();
                    self.forget(&mark);
                    self.charge(self.at - start);
                    return;
                }
                _ => {
                    self.at += 1;
                    return;
                }
            },
            _ => {
                self.at += 1;
                return;
            }
        };
        self.literal(*from, start);
        self.push_part(part);
        *from = self.at;
    }

    /// The length of the character at the cursor, whose first byte is `first`.
    fn character_length(&self, first: u8) -> usize {
        let length = match first {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => return 1,
        };
        let character = self.text.get(self.at..(self.at + length).min(self.end)).unwrap_or_default();
        if std::str::from_utf8(character).is_ok_and(|text| text.chars().count() == 1) { length } else { 1 }
    }

    /// What is between the single quotes; the cursor is behind the first.
    fn single_quoted(&mut self, start: usize) -> Span {
        let open = self.at;
        match self.find(open, b'\'') {
            Some(close) => {
                self.at = close + 1;
                Span::new(open, close)
            }
            None => self.unterminated_quote(start, open),
        }
    }

    /// What is between `$'` and `'`; the cursor is behind the first quote.
    pub(super) fn ansi_quoted(&mut self, start: usize) -> Span {
        let open = self.at;
        let mut at = open;
        loop {
            match self.byte(at) {
                Some(b'\\') => at += 2,
                Some(b'\'') => {
                    self.at = at + 1;
                    return Span::new(open, at);
                }
                Some(_) => at += 1,
                None => return self.unterminated_quote(start, open),
            }
        }
    }

    fn unterminated_quote(&mut self, start: usize, open: usize) -> Span {
        let inside = Span::new(open, self.end);
        self.at = self.end;
        self.fail(ProblemKind::UnterminatedQuote, Span::new(start, open));
        inside
    }

    /// `"..."`; the cursor is at the quote, the part begins at `start`.
    pub(super) fn double_quoted(&mut self, start: usize, locale: bool) -> Part {
        if !self.enter() {
            return Part::Opaque(Span::new(start, self.at));
        }
        self.at += 1;
        let parts = self.run(Quoting::Double, Fence::until(b'"'));
        if !self.eat(b'"') {
            self.fail(ProblemKind::UnterminatedQuote, Span::new(start, start + 1));
        }
        self.leave();
        Part::DoubleQuoted { parts, locale, span: self.span_from(start) }
    }

    /// `'...'` where only the search for the end respects the quotes: expansions between them
    /// are active. The quotes stay in the literal text.
    fn soft_quotes(&mut self, from: &mut usize) {
        let open = self.at;
        let Some(close) = self.find(open + 1, b'\'') else {
            self.unterminated_quote(open, open + 1);
            return;
        };
        let inside = Span::new(open + 1, close).of(self.text);
        if inside.iter().any(|byte| matches!(byte, b'$' | b'`' | b'\\')) {
            self.literal(*from, open + 1);
            self.region(open + 1, close, |parser| {
                if parser.enter() {
                    parser.scan(Quoting::Double, Fence::body(false));
                    parser.leave();
                }
                let left = Span::new(parser.at, parser.region_end);
                if !left.is_empty() {
                    parser.push_part(Part::Opaque(left));
                }
            });
            *from = close;
        }
        self.at = self.end.min(close + 1);
    }

    /// The rest of a parenthesis in a regular expression, whose `(` is taken. Returns where
    /// literal text goes on.
    fn group(&mut self) -> usize {
        let open = self.at;
        if self.enter() {
            self.scan(Quoting::Bare, Fence::parentheses());
            self.leave();
        }
        let from = self.at;
        if !self.eat(b')') {
            self.fail(ProblemKind::UnterminatedExpansion, Span::new(open, self.at));
        }
        from
    }

    fn at_empty_parentheses(&mut self) -> bool {
        let before = self.at;
        let empty = self.eat_empty_parentheses();
        self.at = before;
        empty
    }

    /// If the literal text before the `(` under the cursor ends in an operator of an extended
    /// glob: pushes the text without it, and returns it.
    fn take_glob_operator(&mut self, from: &mut usize) -> Option<u8> {
        let is_operator = |byte: &u8| matches!(byte, b'?' | b'*' | b'+' | b'@' | b'!');
        if *from < self.at {
            let operator = self.byte(self.at - 1).filter(is_operator)?;
            self.literal(*from, self.at - 1);
            return Some(operator);
        }
        // A line continuation may stand between the two.
        let Some(&Part::Literal(span)) = self.scratch.parts.last() else { return None };
        let end = span.end as usize;
        if self.past_joins(end) != self.at {
            return None;
        }
        let operator = self.byte(end - 1).filter(is_operator)?;
        self.scratch.parts.pop();
        self.literal(span.start as usize, end - 1);
        Some(operator)
    }

    /// `(a|b)` behind an operator.
    fn extended_glob(&mut self, operator: u8) -> Part {
        let start = self.at - 1;
        if !self.enter() {
            return Part::Opaque(Span::new(start, self.at));
        }
        self.at += 1;
        let open = self.at;
        let parts = self.run(Quoting::Bare, Fence::parentheses());
        if self.is_zsh_qualifier(open) {
            self.note(ProblemKind::Zsh, self.span_from(start));
        }
        if !self.eat(b')') {
            self.fail(ProblemKind::UnterminatedExpansion, self.span_from(start));
        }
        self.leave();
        Part::ExtendedGlob { operator, parts, span: self.span_from(start) }
    }

    /// Whether what begins at `open` are glob qualifiers that make zsh run code: `(e:...:)`, `(+name)`, behind others.
    fn is_zsh_qualifier(&self, open: usize) -> bool {
        let mut letter = self.past_joins(open);
        for _ in 0..MOST_QUALIFIERS {
            let next = self.past_joins(letter + 1);
            match (self.byte(letter), self.byte(next)) {
                (Some(b'e'), Some(b':' | b'\'' | b'"' | b'{' | b'[' | b'<' | b',' | b'/')) => return true,
                (Some(b'+'), Some(byte)) if byte.is_ascii_alphabetic() || byte == b'_' => return true,
                (Some(byte), _) if byte.is_ascii_alphanumeric() || b".^/@=*%,-".contains(&byte) => {
                    letter = next
                }
                _ => return false,
            }
        }
        false
    }

    /// Whether the text from `start` to the cursor is `name=`, `name+=` or `name[...]=`.
    fn is_assignment(&self, start: usize) -> bool {
        let text = Span::new(start, self.at).of(self.text);
        let Some(left) = text.strip_suffix(b"=") else { return false };
        let left = left.strip_suffix(b"+").unwrap_or(left);
        let name = match left.iter().position(|&byte| byte == b'[') {
            Some(bracket) if left.ends_with(b"]") => left.get(..bracket).unwrap_or_default(),
            Some(_) => return false,
            None => left,
        };
        name.first().is_some_and(|&byte| cursor::is(byte, cursor::NAME_START))
            && name.iter().all(|&byte| cursor::is(byte, cursor::NAME_START | cursor::DIGIT))
    }
}

#[cfg(test)]
mod tests {
    use crate::shell::{ProblemKind, outlined, parsed};

    #[test]
    fn words_keep_how_their_pieces_were_quoted() {
        assert_eq!(
            outlined("a\\é'b c'\"d $e\"$'f\\'g'$\"h\""),
            "Sequence simple <|a|\\\\xc3\\xa9|'b c|\"<|d |${e(false, Plain)<><>}>|$'f\\\\\\'g|$\"<|h>>; "
        );
    }

    #[test]
    fn continuations_vanish_inside_and_behind_a_word() {
        let script = parsed("r\\\nm\\\n -f");
        assert_eq!(outlined("r\\\nm\\\n -f"), "Sequence simple <|rm> <|-f>; ");
        assert_eq!(script.words[0].span.of(script.text()), b"r\\\nm");
    }

    #[test]
    fn single_quotes_hide_nothing_between_double_quotes() {
        assert_eq!(
            outlined("\"${x:-'$y'}\""),
            "Sequence simple <|\"<|${x(false, Default { colon: true })<|\\'|${y(false, Plain)<><>}|\\'><>}>>; "
        );
        assert_eq!(
            outlined("\"${x#'$y'}\""),
            "Sequence simple <|\"<|${x(false, RemovePrefix { longest: false })<|'$y><>}>>; "
        );
    }

    #[test]
    fn extended_globs_take_their_operator_from_the_text_before() {
        assert_eq!(outlined("a@(b|$c)d"), "Sequence simple <|a|@(<|b||${c(false, Plain)<><>}>|d>; ");
        assert_eq!(outlined("@\\\n(b)"), "Sequence simple <|@(<|b>>; ");
        assert_eq!(parsed("\"@\"(b)").problems()[0].kind, ProblemKind::Unexpected);
        for text in ["ls *(e:'rm':)", "ls *(oe:'rm':)", "ls *(+reboot)", "ls *(.+reboot)"] {
            assert_eq!(parsed(text).problems()[0].kind, ProblemKind::Zsh, "{text}");
        }
        for text in ["ls !(me.txt)", "ls +([0-9])", "ls *(foo|bar)", "ls ?(a)b"] {
            assert!(parsed(text).problems().is_empty(), "{text}");
        }
    }

    #[test]
    fn brackets_hold_blanks_where_an_assignment_could_be() {
        assert_eq!(outlined("x[a b]=c d"), "Sequence simple x<|a b>= <|c> <|d>; ");
        assert_eq!(outlined("x[a b]c d"), "Sequence simple <|x[a b]c> <|d>; ");
        assert_eq!(outlined("a x[b c]"), "Sequence simple <|a> <|x[b> <|c]>; ");
        assert_eq!(
            outlined("declare x=(a [b c]=d)"),
            "Sequence simple <|declare> <|x=|( <|a> <|[b c]=d>)>; "
        );
    }
}
