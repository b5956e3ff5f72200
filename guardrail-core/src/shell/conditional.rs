//! `[[ ... ]]`: operands and operators as a flat run of words, checked as bash checks them.

use crate::shell::cursor::Parser;
use crate::shell::keyword::Keyword;
use crate::shell::word::Site;
use crate::shell::{ProblemKind, Slice, Span, Word};

impl Parser<'_> {
    /// What is between `[[` and `]]`, and the latter.
    pub(super) fn test(&mut self) -> Slice<Word> {
        let base = self.scratch.words.len();
        self.test_expression();
        self.expect(Keyword::CloseTest);
        self.commit_words(base)
    }

    /// Terms joined by `&&` and `||`, and negated by `!`.
    fn test_expression(&mut self) {
        loop {
            self.skip_newlines();
            let start = self.at;
            match self.keyword() {
                // bash takes a missing operand without a word.
                Some((Keyword::CloseTest, _)) => return,
                Some((Keyword::Bang, end)) => {
                    self.at = end;
                    self.push_operator(start);
                    continue;
                }
                _ => self.test_term(),
            }
            self.skip_blanks();
            let start = self.at;
            if !self.eat_all(b"&&") && !self.eat_all(b"||") {
                return;
            }
            self.push_operator(start);
        }
    }

    fn push_operator(&mut self, start: usize) {
        let word = self.literal_word(self.span_from(start));
        self.scratch.words.push(word);
    }

    fn test_term(&mut self) {
        let start = self.at;
        if self.peek() == Some(b'(') {
            if !self.enter() {
                return;
            }
            self.at += 1;
            self.push_operator(start);
            self.test_expression();
            let close = self.at;
            if self.eat(b')') {
                self.push_operator(close);
            } else {
                self.unexpected();
            }
            self.leave();
            self.skip_newlines();
            return;
        }
        let Some(first) = self.operand(Site::Plain) else { return };
        if self.literal_of(first).is_some_and(|text| is_unary(&text)) {
            self.skip_blanks();
            self.operand(Site::Plain);
            self.skip_newlines();
            return;
        }
        self.skip_blanks();
        let Some(site) = self.binary_operator() else { return };
        self.skip_blanks();
        self.operand(site);
        self.skip_newlines();
    }

    /// An operand. Bare operators and `]]` are none.
    fn operand(&mut self, site: Site) -> Option<Word> {
        let parenthesis = site == Site::Regex && matches!(self.peek(), Some(b'(' | b'|'));
        let closes = self.keyword().is_some_and(|(keyword, _)| keyword == Keyword::CloseTest);
        if closes || (!parenthesis && !self.at_word()) || self.at_descriptor() {
            self.unexpected();
            return None;
        }
        let word = self.word(site);
        self.scratch.words.push(word);
        Some(word)
    }

    /// Takes a binary operator, if the term goes on; says where the word behind it stands.
    fn binary_operator(&mut self) -> Option<Site> {
        let start = self.at;
        match (self.peek(), self.peek_second()) {
            (None, _) | (Some(b')'), _) | (Some(b'&'), Some(b'&')) | (Some(b'|'), Some(b'|')) => return None,
            (Some(b'<' | b'>'), Some(b'(')) => {}
            (Some(b'<'), Some(b'<' | b'&' | b'>')) | (Some(b'>'), Some(b'>' | b'&' | b'|')) => {
                self.unexpected();
                return None;
            }
            (Some(b'<' | b'>'), _) => {
                self.at += 1;
                self.push_operator(start);
                return Some(Site::Plain);
            }
            _ => {}
        }
        if self.keyword().is_some_and(|(keyword, _)| keyword == Keyword::CloseTest) {
            return None;
        }
        if !self.at_word() {
            self.unexpected();
            return None;
        }
        let word = self.word(Site::Plain);
        self.scratch.words.push(word);
        match self.literal_of(word).as_deref() {
            Some(b"=~") => Some(Site::Regex),
            Some(text) if is_binary(text) => Some(Site::Plain),
            _ => {
                self.fail(ProblemKind::Unexpected, Span::new(start, self.at));
                None
            }
        }
    }
}

fn is_unary(word: &[u8]) -> bool {
    matches!(word, [b'-', letter] if b"abcdefghknoprstuvwxzGLNORS".contains(letter))
}

fn is_binary(word: &[u8]) -> bool {
    matches!(
        word,
        b"=" | b"==" | b"!=" | b"-eq" | b"-ne" | b"-lt" | b"-le" | b"-gt" | b"-ge" | b"-nt" | b"-ot" | b"-ef"
    )
}

#[cfg(test)]
mod tests {
    use crate::shell::{outlined, parsed};

    #[test]
    fn terms_are_a_flat_run_of_words() {
        assert_eq!(
            outlined("[[ ! ( a<b && -f c ) || d =~ (e f)|g ]]"),
            "Sequence test <|!> <|(> <|a> <|<> <|b> <|&&> <|-f> <|c> <|)> <|||> <|d> <|=~> <|(e f)|g>; "
        );
    }

    #[test]
    fn terms_are_checked() {
        for text in
            ["[[ a b ]]", "[[ -f ]]", "[[ a == ]]", "[[ ( a ]]", "[[ a\n]]", "[[ 2>f ]]", "[[ a b c ]]"]
        {
            assert!(!parsed(text).problems().is_empty(), "{text}");
        }
        for text in ["[[ a ]]", "[[ -f a\n]]", "[[ a &&\nb ]]", "[[ a == @(b) ]]", "[[ a -\\\neq b ]]"] {
            assert_eq!(parsed(text).problems(), [], "{text}");
        }
    }
}
