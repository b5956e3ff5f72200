//! Redirections in every spelling.

use crate::shell::cursor::{self, Parser};
use crate::shell::heredoc::Pending;
use crate::shell::word::Site;
use crate::shell::{Descriptor, ProblemKind, Redirect, RedirectOperator, Slice, Span, Word};

impl Parser<'_> {
    /// Reads the redirection under the cursor, if there is one.
    #[inline]
    pub(super) fn redirect(&mut self) -> bool {
        match self.peek() {
            Some(b'<' | b'>' | b'0'..=b'9' | b'{' | b'&') => self.redirect_here(),
            _ => false,
        }
    }

    /// The redirections behind a compound command.
    pub(super) fn redirects(&mut self) -> Slice<Redirect> {
        let base = self.scratch.redirects.len();
        loop {
            let before = self.at;
            self.skip_blanks();
            if !self.redirect() {
                self.at = before;
                break;
            }
        }
        self.commit_redirects(base)
    }

    fn redirect_here(&mut self) -> bool {
        let start = self.at;
        let Some((descriptor, operator)) = self.descriptor() else { return false };
        self.at = operator;
        let Some(operator) = self.redirect_operator(descriptor) else {
            self.at = start;
            return false;
        };
        if let Descriptor::Variable(name) = descriptor {
            self.check_variable(name);
        }
        self.skip_blanks();
        let copies = matches!(operator, RedirectOperator::DuplicateInput | RedirectOperator::DuplicateOutput);
        // A number is what `>&` copies; elsewhere it would begin another redirection.
        let number = copies && matches!(self.peek(), Some(b'0'..=b'9'));
        let (target, operator) = if !self.at_word() || (!number && self.at_descriptor()) {
            self.unexpected();
            (Word::default(), operator)
        } else if let RedirectOperator::HereDocument { strip, .. } = operator {
            (Word::default(), self.here_document_delimiter(strip))
        } else if copies && self.peek() == Some(b'-') {
            // The dash is a token of its own: in `>&-x` a word follows.
            self.at += 1;
            (self.literal_word(Span::new(self.at - 1, self.at)), operator)
        } else {
            (self.word(Site::Plain), operator)
        };
        let span = self.span_from(start);
        self.scratch.redirects.push(Redirect { operator, descriptor, target, span });
        true
    }

    /// A span cannot say all that the braces before an operator may hold.
    fn check_variable(&mut self, name: Span) {
        let text = name.of(self.text);
        if text.contains(&b'\\') {
            self.note(ProblemKind::SplitName, name);
        }
        if text.iter().any(|byte| matches!(byte, b'$' | b'`')) {
            self.note(ProblemKind::BadSubstitution, name);
        }
    }

    /// Whether the left side of a redirection stands here, which is no word.
    pub(super) fn at_descriptor(&mut self) -> bool {
        matches!(self.peek(), Some(b'0'..=b'9' | b'{')) && self.descriptor().is_some()
    }

    /// What stands before the operator, and where that begins.
    fn descriptor(&mut self) -> Option<(Descriptor, usize)> {
        let start = self.at;
        match self.peek()? {
            b'0'..=b'9' => {
                let mut number = 0_u32;
                let mut at = start;
                while let Some(digit @ b'0'..=b'9') = self.byte(at) {
                    number = number.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
                    at = self.past_joins(at + 1);
                }
                // What is larger than a descriptor can be is a word.
                let fits = number <= i32::MAX as u32;
                (fits && self.is_operator(at)).then_some((Descriptor::Number(number), at))
            }
            b'{' => {
                let name = start + 1;
                let mut close = self.past_joins(name);
                if !self.byte(close).is_some_and(|byte| cursor::is(byte, cursor::NAME_START)) {
                    return None;
                }
                while self
                    .byte(close)
                    .is_some_and(|byte| cursor::is(byte, cursor::NAME_START | cursor::DIGIT))
                {
                    close = self.past_joins(close + 1);
                }
                if self.byte(close) == Some(b'[') {
                    close = self.past_subscript(close)?;
                }
                let at = self.past_joins(close + 1);
                if self.byte(close) != Some(b'}') || !self.is_operator(at) {
                    return None;
                }
                Some((Descriptor::Variable(Span::new(name, close)), at))
            }
            _ => Some((Descriptor::Default, start)),
        }
    }

    /// Behind the brackets that open at `from`. No real descriptor needs a long subscript, and the
    /// bound keeps a hostile text from making this search quadratic.
    fn past_subscript(&self, from: usize) -> Option<usize> {
        const LONGEST: usize = 256;
        let text = self.text.get(from..self.end)?;
        let mut pairs = 0_u32;
        let mut active = false;
        for (offset, &byte) in text.iter().take(LONGEST).enumerate() {
            match byte {
                b'[' => pairs += 1,
                b']' => pairs -= 1,
                b'\n' => return None,
                _ if cursor::is(byte, cursor::ACTIVE) => active = true,
                _ if !active && cursor::is(byte, cursor::DELIMITER) => return None,
                _ => {}
            }
            if pairs == 0 {
                return Some(from + offset + 1);
            }
        }
        None
    }

    /// Whether `at` begins a redirection rather than a process substitution.
    fn is_operator(&self, at: usize) -> bool {
        matches!(self.byte(at), Some(b'<' | b'>')) && self.byte(self.past_joins(at + 1)) != Some(b'(')
    }

    fn redirect_operator(&mut self, descriptor: Descriptor) -> Option<RedirectOperator> {
        let second = self.peek_second();
        match (self.peek()?, second) {
            (b'<' | b'>', Some(b'(')) => return None,
            (b'&', Some(b'>')) if descriptor == Descriptor::Default => {
                self.eat_all(b"&>");
                let append = self.eat(b'>');
                return Some(if append {
                    RedirectOperator::AppendOutputAndError
                } else {
                    RedirectOperator::OutputAndError
                });
            }
            (b'&', _) => return None,
            _ => {}
        }
        let input = self.eat(b'<');
        if !input {
            self.at += 1;
        }
        let operator = match (input, second) {
            (true, Some(b'<')) => {
                self.eat(b'<');
                if self.eat(b'<') {
                    return Some(RedirectOperator::HereString);
                }
                let strip = self.eat(b'-');
                return Some(RedirectOperator::HereDocument {
                    quoted: false,
                    strip,
                    delimiter: Span::default(),
                });
            }
            (true, Some(b'&')) => RedirectOperator::DuplicateInput,
            (true, Some(b'>')) => RedirectOperator::ReadWrite,
            (true, _) => return Some(RedirectOperator::Input),
            (false, Some(b'>')) => RedirectOperator::Append,
            (false, Some(b'|')) => RedirectOperator::Clobber,
            (false, Some(b'&')) => RedirectOperator::DuplicateOutput,
            (false, _) => return Some(RedirectOperator::Output),
        };
        self.at = self.past_joins(self.at) + 1;
        Some(operator)
    }

    /// The word behind `<<`. Nothing in it is expanded, so only its text is kept.
    fn here_document_delimiter(&mut self, strip: bool) -> RedirectOperator {
        let mark = self.mark();
        let delimiter = self.word(Site::Plain).span;
        self.forget(&mark);
        let pending = Pending::new(delimiter, strip, self.text);
        let quoted = pending.quoted;
        self.pending.push(pending);
        RedirectOperator::HereDocument { quoted, strip, delimiter }
    }
}

#[cfg(test)]
mod tests {
    use crate::shell::{Descriptor, ProblemKind, RedirectOperator, parsed};

    #[test]
    fn every_spelling_is_told_apart() {
        use RedirectOperator as Operator;
        for (text, operator, target) in [
            ("a <f", Operator::Input, "f"),
            ("a >f", Operator::Output, "f"),
            ("a >|f", Operator::Clobber, "f"),
            ("a >>f", Operator::Append, "f"),
            ("a <>f", Operator::ReadWrite, "f"),
            ("a <&3-", Operator::DuplicateInput, "3-"),
            ("a >&f", Operator::DuplicateOutput, "f"),
            ("a >&-f", Operator::DuplicateOutput, "-"),
            ("a &>f", Operator::OutputAndError, "f"),
            ("a &>>f", Operator::AppendOutputAndError, "f"),
            ("a <<<f", Operator::HereString, "f"),
            ("a >\\\n>f", Operator::Append, "f"),
        ] {
            let script = parsed(text);
            let redirect = script.redirects[0];
            assert_eq!(redirect.operator, operator, "{text}");
            assert_eq!(redirect.target.span.of(script.text()), target.as_bytes(), "{text}");
            assert_eq!(script.problems(), [], "{text}");
        }
    }

    #[test]
    fn a_descriptor_touches_its_operator() {
        let descriptor = |text| parsed(text).redirects[0].descriptor;
        assert_eq!(descriptor("a 12>f"), Descriptor::Number(12));
        assert_eq!(descriptor("a 1 >f"), Descriptor::Default);
        assert_eq!(descriptor("a 99999999999>f"), Descriptor::Default);
        assert!(matches!(descriptor("{fd}>f rm"), Descriptor::Variable(name) if name.len() == 2));
        assert!(matches!(descriptor("{x[y[0]]}>f rm"), Descriptor::Variable(_)));
        assert_eq!(parsed("{f\\\nd}>f rm").problems()[0].kind, ProblemKind::SplitName);
    }
}
