//! Programs, lists and pipelines.

use crate::shell::cursor::{self, Parser, commit};
use crate::shell::keyword::{Found, Keyword};
use crate::shell::{CommandId, CommandKind, Item, Join, ProblemKind, Slice, Span, Stage};

impl Parser<'_> {
    /// The whole region as a program. After an error it goes on near by: the shell would not, but
    /// more of what was meant is found.
    pub(super) fn program(&mut self) -> Slice<Item> {
        let base = self.scratch.items.len();
        let mut error = None;
        loop {
            let problems = self.out.problems.len();
            self.items();
            if !self.halted && self.at >= self.end {
                break;
            }
            self.unexpected();
            if self.hit_limit(problems) {
                break;
            }
            (self.halted, self.end) = (false, self.region_end);
            let stuck = error == Some(self.at);
            error = Some(self.at);
            self.resume(stuck);
        }
        if self.is_cut() {
            self.fail(ProblemKind::TooLong, Span::new(self.at, self.at));
        }
        self.unread_here_documents();
        self.commit_items(base)
    }

    /// Goes on behind the token that could not stand where it does, or at it, if a command may
    /// begin with it.
    fn resume(&mut self, stuck: bool) {
        if let Some((keyword, end)) = self.keyword()
            && keyword.closes()
        {
            self.at = end;
        } else if matches!(self.peek(), Some(b'&' | b'|' | b';' | b')')) {
            self.at += 1;
        } else if stuck {
            let rest = self.rest();
            let skip = rest.iter().position(|byte| matches!(byte, b';' | b'\n'));
            self.at += skip.unwrap_or(rest.len());
        }
    }

    /// A list that must not be empty.
    pub(super) fn body(&mut self) -> Slice<Item> {
        let list = self.list();
        if list.is_empty() {
            self.unexpected();
        }
        list
    }

    /// Commands up to whatever cannot begin one.
    pub(super) fn list(&mut self) -> Slice<Item> {
        let base = self.scratch.items.len();
        self.items();
        self.commit_items(base)
    }

    fn items(&mut self) {
        let mut join = Join::Sequence;
        let mut chain = self.scratch.items.len();
        loop {
            self.skip_newlines();
            let keyword = self.keyword();
            if !self.at_command(keyword) {
                if join != Join::Sequence {
                    self.unexpected();
                }
                return;
            }
            let command = self.pipeline(keyword);
            self.scratch.items.push(Item { command, join, background: false });
            self.skip_blanks();
            join = match (self.peek(), self.peek_second()) {
                (Some(b'\n'), _) => {
                    self.newline();
                    Join::Sequence
                }
                (Some(b'&'), Some(b'&')) if self.eat_all(b"&&") => Join::And,
                (Some(b'|'), Some(b'|')) if self.eat_all(b"||") => Join::Or,
                (Some(b';'), Some(b';' | b'&')) => return,
                (Some(b';'), _) => {
                    self.at += 1;
                    Join::Sequence
                }
                (Some(b'&'), _) => {
                    self.at += 1;
                    for item in self.scratch.items.get_mut(chain..).unwrap_or_default() {
                        item.background = true;
                    }
                    Join::Sequence
                }
                _ => return,
            };
            if join == Join::Sequence {
                chain = self.scratch.items.len();
            }
        }
    }

    /// Whether a command can begin here, given the reserved word that stands here.
    fn at_command(&mut self, keyword: Found) -> bool {
        match self.peek() {
            None | Some(b')' | b';' | b'|' | b'\n') => false,
            Some(b'&') => self.peek_second() == Some(b'>'),
            Some(_) => !keyword.is_some_and(|(keyword, _)| keyword.closes()),
        }
    }

    fn pipeline(&mut self, mut keyword: Found) -> CommandId {
        let start = self.at;
        let (mut negated, mut timed, mut prefixed) = (false, false, false);
        let mut first = None;
        loop {
            match keyword {
                Some((Keyword::Bang, end)) if self.byte(self.past_joins(end)) == Some(b'(') => {
                    first = self.negated_subshell(end);
                    keyword = None;
                    if first.is_none() {
                        break;
                    }
                    negated = !negated;
                }
                Some((Keyword::Bang, end)) => {
                    self.at = end;
                    negated = !negated;
                }
                Some((Keyword::Time, end)) => {
                    self.at = end;
                    timed = true;
                    self.time_options();
                }
                _ => break,
            }
            prefixed = true;
            if first.is_some() {
                break;
            }
            self.skip_blanks();
            if matches!(self.peek(), None | Some(b'\n' | b';')) {
                // `!` and `time` may stand alone.
                let kind = CommandKind::Pipeline { stages: Slice::EMPTY, negated, timed };
                let span = self.span_from(start);
                return self.push_command(kind, Slice::EMPTY, span);
            }
            keyword = self.keyword();
            if !self.at_command(keyword) {
                self.unexpected();
                return self.no_command(start);
            }
        }
        let first = match first {
            Some(first) => first,
            None => self.command(keyword),
        };
        let stages = self.stages(first);
        if stages.len() == 1 && !prefixed {
            return first;
        }
        let end = self.out.stages(stages).last().and_then(|stage| self.out.command(stage.command));
        let span = Span::new(start, end.map_or(start, |command| command.span.end as usize));
        let kind = CommandKind::Pipeline { stages, negated, timed };
        self.push_command(kind, Slice::EMPTY, span)
    }

    fn stages(&mut self, first: CommandId) -> Slice<Stage> {
        let base = self.scratch.stages.len();
        let mut command = first;
        loop {
            self.skip_blanks();
            let piped = self.peek() == Some(b'|') && self.peek_second() != Some(b'|');
            if piped {
                self.at += 1;
            }
            let stderr = piped && self.eat(b'&');
            self.scratch.stages.push(Stage { command, stderr });
            if !piped {
                break;
            }
            self.skip_newlines();
            // `time` times whole pipelines, so it is an ordinary word inside of one.
            let keyword = self.keyword().filter(|&(keyword, _)| keyword != Keyword::Time);
            let negation = matches!(keyword, Some((Keyword::Bang, end)) if self.byte(end) != Some(b'('));
            if negation || !self.at_command(keyword) {
                self.unexpected();
                break;
            }
            command = self.command(keyword);
        }
        commit(&mut self.scratch.stages, base, &mut self.out.stages)
    }

    /// `-p` and `--` behind `time`.
    fn time_options(&mut self) {
        for option in [b"-p", b"--"] {
            self.skip_blanks();
            let before = self.at;
            if self.eat_all(option)
                && self.byte(self.at).is_some_and(|byte| !cursor::is(byte, cursor::DELIMITER))
            {
                self.at = before;
            }
        }
    }

    /// `!(list)` is a negated subshell where extended globs are off, as they are by default, and
    /// a word where they are on. It is read as the subshell, which runs something, unless only
    /// the word makes sense of what follows.
    fn negated_subshell(&mut self, open: usize) -> Option<CommandId> {
        if self.refuted.contains(&open) {
            return None;
        }
        let problems = self.out.problems.len();
        let mark = self.mark();
        self.at = open;
        let command = self.command(None);
        self.skip_blanks();
        let followed = match self.peek() {
            None | Some(b'\n' | b';' | b'&' | b'|' | b')') => true,
            Some(_) => self.keyword().is_some_and(|(keyword, _)| keyword.closes()),
        };
        if !self.halted && followed || self.hit_limit(problems) {
            return Some(command);
        }
        self.rewind(&mark, problems);
        self.refuted.insert(open);
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::shell::{Join, outlined, parsed};

    #[test]
    fn an_ampersand_sends_its_whole_chain_to_the_background() {
        let script = parsed("a; b && c & d");
        let items: Vec<_> = script.body().iter().map(|item| (item.join, item.background)).collect();
        assert_eq!(
            items,
            [(Join::Sequence, false), (Join::Sequence, true), (Join::And, true), (Join::Sequence, false)]
        );
    }

    #[test]
    fn prefixes_belong_to_the_pipeline() {
        assert_eq!(outlined("! a |& b"), "Sequence pipeline(true, false) |& simple <|a> | simple <|b>; ");
        assert_eq!(outlined("time -p ! a"), "Sequence pipeline(true, true) | simple <|a>; ");
        assert_eq!(outlined("! ! a"), "Sequence pipeline(false, false) | simple <|a>; ");
        assert_eq!(outlined("!"), "Sequence pipeline(true, false); ");
        assert_eq!(outlined("time -- -p"), "Sequence pipeline(false, true) | simple <|-p>; ");
    }

    #[test]
    fn a_glob_is_a_negated_subshell_where_that_makes_sense() {
        assert_eq!(
            outlined("!(a); b"),
            "Sequence pipeline(true, false) | subshell[Sequence simple <|a>; ]; Sequence simple <|b>; "
        );
        assert_eq!(outlined("!(a)b"), "Sequence simple <|!(<|a>|b>; ");
    }

    #[test]
    fn commands_around_an_error_are_found() {
        for (text, count) in [("a; b | | c; d", 4), ("if a; then b; c", 1), ("a; fi; b", 2), ("{ a; } b", 2)]
        {
            let script = parsed(text);
            assert!(!script.problems().is_empty(), "{text}");
            assert_eq!(script.body().len(), count, "{text}");
        }
    }
}
