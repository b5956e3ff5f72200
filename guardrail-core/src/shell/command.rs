//! One command of any kind; simple commands and their assignments.

use crate::shell::cursor::{self, Parser, commit};
use crate::shell::keyword::{Found, Keyword};
use crate::shell::word::{Fence, Quoting, Site};
use crate::shell::{Assignment, CommandId, CommandKind, Part, ProblemKind, Slice, Span, Word};

/// Tables that zsh keeps under these names, of what the names of commands stand for.
const ZSH_TABLES: &[&[u8]] = &[
    b"aliases",
    b"commands",
    b"dis_aliases",
    b"dis_functions",
    b"functions",
    b"galiases",
    b"options",
    b"saliases",
];

/// What a word before the command word turned out to be.
enum Prefix {
    Assignment(Assignment),
    /// `name[subscript]` without `=` behind it.
    Word(Word),
}

impl Parser<'_> {
    /// The command under the cursor, given the reserved word that stands here.
    pub(super) fn command(&mut self, keyword: Found) -> CommandId {
        self.charge(1);
        let start = self.at;
        match keyword {
            Some((Keyword::Function, end)) => self.nested(start, |parser| parser.function(end, start)),
            Some((Keyword::Coproc, end)) => self.nested(start, |parser| parser.coproc(end, start)),
            Some((keyword, end)) if keyword.opens() => {
                self.nested(start, |parser| parser.compound(keyword, end, start))
            }
            _ if self.peek() == Some(b'(') => self.nested(start, |parser| parser.parenthesis(start)),
            _ => self.simple(),
        }
    }

    /// Reads a construct one level deeper.
    fn nested(&mut self, start: usize, read: impl FnOnce(&mut Self) -> CommandId) -> CommandId {
        if !self.enter() {
            return self.no_command(start);
        }
        let command = read(self);
        self.leave();
        command
    }

    pub(super) fn simple(&mut self) -> CommandId {
        let start = self.at;
        let mut end = start;
        let words = self.scratch.words.len();
        let assignments = self.scratch.assignments.len();
        let redirects = self.scratch.redirects.len();
        let mut site = Site::Command;
        while let Some(byte) = self.peek() {
            if self.redirect() {
                // A redirection makes bash forget that the command declares variables.
                if site == Site::Declaration {
                    site = Site::Plain;
                }
            } else if self.at_word() {
                let first = self.scratch.words.len() == words;
                match if first && cursor::is(byte, cursor::NAME_START) { self.prefix() } else { None } {
                    Some(Prefix::Assignment(assignment)) => self.scratch.assignments.push(assignment),
                    Some(Prefix::Word(word)) => self.scratch.words.push(word),
                    None => {
                        let word = self.word(site);
                        self.scratch.words.push(word);
                    }
                }
                if first && self.scratch.words.len() > words {
                    site = self.site_of_arguments(words);
                }
            } else {
                if byte == b'(' {
                    let lone = self.scratch.words.len() == words + 1
                        && self.scratch.assignments.len() == assignments
                        && self.scratch.redirects.len() == redirects;
                    if lone && self.eat_empty_parentheses() {
                        let name = self.scratch.words.pop().unwrap_or_default();
                        return self.nested(start, |parser| parser.function_body(name, start));
                    }
                    self.unexpected_parenthesis();
                }
                break;
            }
            end = self.at;
            self.skip_blanks();
        }
        let kind = CommandKind::Simple {
            assignments: commit(&mut self.scratch.assignments, assignments, &mut self.out.assignments),
            words: self.commit_words(words),
        };
        let redirects = self.commit_redirects(redirects);
        self.push_command(kind, redirects, Span::new(start, end))
    }

    /// How the words behind the command word at `scratch.words[index]` are read.
    fn site_of_arguments(&self, index: usize) -> Site {
        let name = self.scratch.words.get(index).and_then(|&word| self.literal_of(word));
        match name.as_deref() {
            Some(
                b"declare" | b"typeset" | b"local" | b"readonly" | b"export" | b"alias" | b"eval" | b"let",
            ) => Site::Declaration,
            _ => Site::Plain,
        }
    }

    /// `(` behind a word: zsh spells a process substitution `=(list)`.
    fn unexpected_parenthesis(&mut self) {
        let before = self.text.get(..self.at).unwrap_or_default();
        let zsh = before.strip_suffix(b"=").is_some_and(|left| left.ends_with(b" ") || left.ends_with(b"\t"));
        let kind = if zsh { ProblemKind::Zsh } else { ProblemKind::Unexpected };
        self.fail(kind, Span::new(self.at, self.end.min(self.at + 1)));
    }

    /// `(` and `)` with nothing but blanks between.
    pub(super) fn eat_empty_parentheses(&mut self) -> bool {
        let before = self.at;
        if self.eat(b'(') {
            // Not `skip_blanks`: a comment behind the parenthesis would be searched for its end
            // each time this is asked.
            while matches!(self.peek(), Some(b' ' | b'\t')) {
                self.at += 1;
            }
            if self.eat(b')') {
                return true;
            }
        }
        self.at = before;
        false
    }

    /// The name under the cursor. It starts with a letter or underscore.
    pub(super) fn name(&mut self) -> Span {
        let start = self.at;
        let mut joined = false;
        loop {
            let rest = self.rest();
            let more = rest.iter().position(|&byte| !cursor::is(byte, cursor::NAME_START | cursor::DIGIT));
            self.at += more.unwrap_or(rest.len());
            let next = self.past_joins(self.at);
            let goes_on = |byte| cursor::is(byte, cursor::NAME_START | cursor::DIGIT);
            if next == self.at || !self.byte(next).is_some_and(goes_on) {
                break;
            }
            joined = true;
            self.at = next;
        }
        let span = self.span_from(start);
        if joined {
            // Whoever compares the span would be deceived.
            self.note(ProblemKind::SplitName, span);
        }
        span
    }

    /// `NAME=value` in front of a command.
    fn prefix(&mut self) -> Option<Prefix> {
        let start = self.at;
        // Most command words are no assignment, and show it at their first byte behind a name.
        let rest = self.rest();
        let behind = rest.iter().find(|&&byte| !cursor::is(byte, cursor::NAME_START | cursor::DIGIT));
        if !matches!(behind, Some(b'=' | b'+' | b'[' | b'\\')) {
            return None;
        }
        let problems = self.out.problems.len();
        let name = self.name();
        let parts = self.scratch.parts.len();
        let mut subscript = None;
        if self.peek() == Some(b'[') {
            self.at += 1;
            self.push_part(Part::Literal(self.span_from(start)));
            self.scan(Quoting::SoftBrace, Fence::subscript());
            if self.peek() != Some(b']') {
                self.fail(ProblemKind::UnterminatedExpansion, self.span_from(start));
            } else {
                let bracket = self.at;
                self.at += 1;
                if self.peek() != Some(b'=')
                    && !(self.peek() == Some(b'+') && self.peek_second() == Some(b'='))
                {
                    return Some(Prefix::Word(self.rest_of_word(Site::Plain, start, bracket, parts)));
                }
            }
            subscript = Some(self.commit_parts(parts + 1));
            self.scratch.parts.truncate(parts);
        }
        let append = self.peek() == Some(b'+') && self.peek_second() == Some(b'=');
        if append {
            self.at = self.past_joins(self.at + 1);
        }
        if !self.eat(b'=') && subscript.is_none() {
            self.out.problems.truncate(problems);
            self.at = start;
            return None;
        }
        // What is put into these tables of zsh's is what a name runs from then on.
        if subscript.is_some() && ZSH_TABLES.contains(&name.of(self.text)) {
            self.note(ProblemKind::Zsh, self.span_from(start));
        }
        let value = self.value();
        Some(Prefix::Assignment(Assignment { name, subscript, append, value, span: self.span_from(start) }))
    }

    /// Whether an assignment stands here.
    pub(super) fn at_assignment(&mut self) -> bool {
        let start = self.at;
        let mark = self.mark();
        let problems = self.out.problems.len();
        let name_start = self.peek().is_some_and(|byte| cursor::is(byte, cursor::NAME_START));
        let assignment = name_start && matches!(self.prefix(), Some(Prefix::Assignment(_)));
        if self.at != start {
            self.rewind(&mark, problems);
        }
        assignment
    }

    /// What is assigned: a word that may be empty, or an array.
    fn value(&mut self) -> Word {
        let base = self.scratch.parts.len();
        let array = self.peek() == Some(b'(');
        let start = self.at;
        if array {
            let array = self.array();
            self.push_part(array);
        } else if !self.at_word() {
            return Word { parts: Slice::EMPTY, span: Span::new(start, start) };
        }
        self.rest_of_word(Site::Plain, start, self.at, base)
    }

    /// `(word word ...)`.
    pub(super) fn array(&mut self) -> Part {
        let start = self.at;
        if !self.enter() {
            return Part::Opaque(Span::new(start, self.at));
        }
        self.at += 1;
        let base = self.scratch.words.len();
        // Newlines in here are no end of a line: here-documents begin behind a later one.
        let outer = std::mem::replace(&mut self.pending_base, self.pending.len());
        loop {
            self.skip_newlines();
            if !self.at_word() {
                break;
            }
            let word = self.element();
            self.scratch.words.push(word);
        }
        self.pending_base = outer;
        let words = self.commit_words(base);
        if !self.eat(b')') {
            self.unexpected();
        }
        self.leave();
        Part::Array { words, span: self.span_from(start) }
    }

    /// An element of an array. What stands in the brackets of `[key]=value` may hold blanks.
    fn element(&mut self) -> Word {
        let start = self.at;
        if self.peek() != Some(b'[') {
            return self.word(Site::Plain);
        }
        let base = self.scratch.parts.len();
        self.at += 1;
        self.push_part(Part::Literal(self.span_from(start)));
        self.scan(Quoting::SoftBrace, Fence::subscript());
        if self.peek() != Some(b']') {
            self.fail(ProblemKind::UnterminatedExpansion, self.span_from(start));
        }
        self.rest_of_word(Site::Plain, start, self.at, base)
    }
}
