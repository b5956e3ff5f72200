//! Compound commands, functions and coprocesses.

use crate::shell::cursor::{Parser, commit};
use crate::shell::expansion::Parentheses;
use crate::shell::keyword::Keyword;
use crate::shell::word::{Fence, Quoting, Site};
use crate::shell::{Arm, ArmEnd, Branch, CommandId, CommandKind, Item, ProblemKind, Slice, Span, Word};

impl Parser<'_> {
    /// The compound command whose reserved word ends at `end`.
    pub(super) fn compound(&mut self, keyword: Keyword, end: usize, start: usize) -> CommandId {
        self.at = end;
        let kind = match keyword {
            Keyword::If => self.conditional(),
            Keyword::While | Keyword::Until => self.loop_while(keyword == Keyword::Until),
            Keyword::For => self.loop_for(),
            Keyword::Select => self.loop_over(true),
            Keyword::Case => self.case(),
            Keyword::OpenTest => CommandKind::Test(self.test()),
            _ => {
                let body = self.body();
                self.expect(Keyword::CloseBrace);
                CommandKind::Group(body)
            }
        };
        self.with_redirects(kind, start)
    }

    /// `( list )` or `(( expression ))`.
    pub(super) fn parenthesis(&mut self, start: usize) -> CommandId {
        self.at += 1;
        let inner = self.at;
        if self.peek() == Some(b'(') {
            self.at += 1;
            match self.double_parenthesis(start) {
                Parentheses::Arithmetic(parts) => {
                    return self.with_redirects(CommandKind::Arithmetic(parts), start);
                }
                Parentheses::Apart => self.back_to(inner),
            }
        }
        let body = self.body();
        if !self.eat(b')') {
            self.unexpected();
        }
        self.with_redirects(CommandKind::Subshell(body), start)
    }

    fn with_redirects(&mut self, kind: CommandKind, start: usize) -> CommandId {
        let redirects = self.redirects();
        let span = self.span_from(start);
        self.push_command(kind, redirects, span)
    }

    fn conditional(&mut self) -> CommandKind {
        let base = self.scratch.branches.len();
        let mut otherwise = None;
        loop {
            let condition = self.body();
            self.expect(Keyword::Then);
            let body = self.body();
            self.scratch.branches.push(Branch { condition, body });
            if self.eat_keyword(Keyword::Elif) {
                continue;
            }
            if self.eat_keyword(Keyword::Else) {
                otherwise = Some(self.body());
            }
            break;
        }
        self.expect(Keyword::Fi);
        let branches = commit(&mut self.scratch.branches, base, &mut self.out.branches);
        CommandKind::If { branches, otherwise }
    }

    fn loop_while(&mut self, until: bool) -> CommandKind {
        let condition = self.body();
        let body = self.loop_body(false);
        CommandKind::While { until, condition, body }
    }

    /// `do list done`, or `{ list }` where a `for` allows it.
    fn loop_body(&mut self, braces: bool) -> Slice<Item> {
        let braces = braces && self.eat_keyword(Keyword::OpenBrace);
        if !braces {
            self.expect(Keyword::Do);
        }
        let body = self.body();
        self.expect(if braces { Keyword::CloseBrace } else { Keyword::Done });
        body
    }

    fn loop_for(&mut self) -> CommandKind {
        self.skip_blanks();
        if !self.eat_all(b"((") {
            return self.loop_over(false);
        }
        let start = self.at - 2;
        let mut expressions = [Slice::EMPTY; 3];
        let fence = Fence::parentheses().or(b';');
        for (index, expression) in expressions.iter_mut().enumerate() {
            *expression = self.run(Quoting::Soft, fence);
            if index < 2 && !self.eat(b';') {
                self.unexpected();
            }
        }
        if !self.eat_all(b"))") {
            match self.peek() {
                Some(_) => self.unexpected(),
                None => self.fail(ProblemKind::UnterminatedExpansion, self.span_from(start)),
            }
        }
        self.skip_blanks();
        if self.peek() == Some(b';') && !matches!(self.peek_second(), Some(b';' | b'&')) {
            self.at += 1;
        }
        self.skip_newlines();
        let body = self.loop_body(true);
        CommandKind::ArithmeticFor { expressions, body }
    }

    /// `for` and `select` over words.
    fn loop_over(&mut self, select: bool) -> CommandKind {
        self.skip_blanks();
        let name = self.required_word(Site::Plain);
        self.skip_blanks();
        let mut separated = self.peek() == Some(b'\n');
        let mut words = None;
        if self.eat(b';') {
            separated = true;
            self.skip_newlines();
        } else {
            self.skip_newlines();
            if self.eat_keyword(Keyword::In) {
                separated = true;
                words = Some(self.words_of_loop());
            }
        }
        let body = self.loop_body(separated);
        CommandKind::For { select, name, words, body }
    }

    /// The words behind `in`, and the end of their line.
    fn words_of_loop(&mut self) -> Slice<Word> {
        let base = self.scratch.words.len();
        self.skip_blanks();
        while self.at_word() {
            let word = self.word(Site::Plain);
            self.scratch.words.push(word);
            self.skip_blanks();
        }
        match self.peek() {
            Some(b';') if !matches!(self.peek_second(), Some(b';' | b'&')) => self.at += 1,
            Some(b'\n') => {}
            _ => self.unexpected(),
        }
        self.skip_newlines();
        self.commit_words(base)
    }

    fn required_word(&mut self, site: Site) -> Word {
        if self.at_word() {
            return self.word(site);
        }
        self.unexpected();
        Word { parts: Slice::EMPTY, span: Span::new(self.at, self.at) }
    }

    fn case(&mut self) -> CommandKind {
        self.skip_blanks();
        let word = self.required_word(Site::Plain);
        self.skip_newlines();
        self.expect(Keyword::In);
        let base = self.scratch.arms.len();
        loop {
            self.skip_newlines();
            if self.eat_keyword(Keyword::Esac) {
                break;
            }
            let Some(arm) = self.arm() else {
                self.unexpected();
                break;
            };
            let ended = arm.1;
            self.scratch.arms.push(arm.0);
            if !ended {
                self.expect(Keyword::Esac);
                break;
            }
        }
        let arms = commit(&mut self.scratch.arms, base, &mut self.out.arms);
        CommandKind::Case { word, arms }
    }

    /// One arm, and whether it ended in `;;` or its kin.
    fn arm(&mut self) -> Option<(Arm, bool)> {
        self.eat(b'(');
        let base = self.scratch.words.len();
        loop {
            self.skip_blanks();
            if !self.at_word() {
                self.scratch.words.truncate(base);
                return None;
            }
            let word = self.word(Site::Plain);
            self.scratch.words.push(word);
            self.skip_blanks();
            if !self.eat(b'|') {
                break;
            }
        }
        let patterns = self.commit_words(base);
        if !self.eat(b')') {
            self.unexpected();
        }
        let body = self.list();
        let (end, ended) = if self.eat_all(b";;&") {
            (ArmEnd::Continue, true)
        } else if self.eat_all(b";;") {
            (ArmEnd::Break, true)
        } else if self.eat_all(b";&") {
            (ArmEnd::FallThrough, true)
        } else {
            (ArmEnd::Break, false)
        };
        Some((Arm { patterns, body, end }, ended))
    }

    /// `function name [()] body`; the reserved word ends at `end`.
    pub(super) fn function(&mut self, end: usize, start: usize) -> CommandId {
        self.at = end;
        self.skip_blanks();
        let name = self.required_word(Site::Command);
        self.skip_blanks();
        self.eat_empty_parentheses();
        self.function_body(name, start)
    }

    /// What follows `name()`: any compound command.
    pub(super) fn function_body(&mut self, name: Word, start: usize) -> CommandId {
        self.skip_newlines();
        let keyword = self.keyword();
        let compound = keyword.is_some_and(|(keyword, _)| keyword.opens());
        let body = if compound || self.peek() == Some(b'(') {
            self.command(keyword)
        } else {
            self.unexpected();
            self.no_command(self.at)
        };
        let span = self.span_from(start);
        self.push_command(CommandKind::Function { name, body }, Slice::EMPTY, span)
    }

    /// `coproc [name] command`; the reserved word ends at `end`.
    pub(super) fn coproc(&mut self, end: usize, start: usize) -> CommandId {
        self.at = end;
        self.skip_blanks();
        let keyword = self.keyword();
        let opens = |keyword: Option<(Keyword, usize)>| keyword.is_some_and(|(keyword, _)| keyword.opens());
        let mut name = None;
        let body = if opens(keyword) || self.peek() == Some(b'(') {
            self.command(keyword)
        } else if keyword.is_some_and(|(keyword, _)| keyword != Keyword::Time)
            || (!self.at_word() && !self.at_redirect())
        {
            self.unexpected();
            self.no_command(self.at)
        } else {
            // A word is the name only if a compound command follows it.
            let problems = self.out.problems.len();
            let mark = self.mark();
            let word =
                if self.at_word() && !self.at_assignment() { Some(self.word(Site::Plain)) } else { None };
            self.skip_blanks();
            let keyword = if word.is_some() { self.keyword() } else { None };
            if keyword.is_some() || (word.is_some() && self.peek() == Some(b'(')) {
                name = word;
                if opens(keyword) || keyword.is_none() {
                    self.command(keyword)
                } else {
                    self.unexpected();
                    self.no_command(self.at)
                }
            } else if self.out.problems.len() > problems {
                self.no_command(self.at)
            } else {
                self.rewind(&mark, problems);
                self.simple()
            }
        };
        let span = self.span_from(start);
        self.push_command(CommandKind::Coproc { name, body }, Slice::EMPTY, span)
    }

    fn at_redirect(&mut self) -> bool {
        match self.peek() {
            Some(b'<' | b'>') => true,
            Some(b'&') => self.peek_second() == Some(b'>'),
            _ => false,
        }
    }
}
