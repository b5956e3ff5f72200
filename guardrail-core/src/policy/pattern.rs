//! Globs of a policy, over texts of which a piece may be unknown.

use crate::policy::truth::Truth;

/// A glob as it stands in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// Empty where it has no wildcard.
    tokens: Vec<Token>,
    /// Its text, where it has no wildcard.
    literal: Option<Box<[u8]>>,
    reading: Reading,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`: one byte, in paths none that divides.
    One,
    /// `*`: any run; in paths within one directory.
    Run,
    /// `**` in paths, and `*` elsewhere: any run whatsoever.
    Deep,
}

/// How a pattern is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Of names.
    Name,
    /// Of names in which letters of either case are alike.
    AnyCase,
    /// Of paths: `*` stays in its directory.
    Path,
}

/// A text of which a piece in the middle may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text<'t> {
    pub(crate) prefix: &'t [u8],
    /// What follows the unknown piece; `None` where all of it is known.
    pub(crate) suffix: Option<&'t [u8]>,
}

impl<'t> Text<'t> {
    pub(crate) const fn known(text: &'t [u8]) -> Self {
        Self { prefix: text, suffix: None }
    }

    pub(crate) const UNKNOWN: Self = Self { prefix: b"", suffix: Some(b"") };
}

/// A symbol of a text: a byte, or the run that is unknown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Byte(u8),
    Hole,
}

impl Pattern {
    pub(crate) fn new(text: &str, reading: Reading) -> Self {
        if !text.contains(['*', '?']) {
            let literal = match reading {
                Reading::AnyCase => text.to_ascii_lowercase(),
                _ => text.to_owned(),
            };
            return Self { tokens: Vec::new(), literal: Some(literal.into_bytes().into()), reading };
        }
        let mut tokens: Vec<Token> = Vec::with_capacity(text.len());
        for byte in text.bytes() {
            let token = match (byte, reading) {
                (b'?', _) => Token::One,
                (b'*', Reading::Path) if matches!(tokens.last(), Some(Token::Run | Token::Deep)) => {
                    tokens.pop();
                    Token::Deep
                }
                (b'*', Reading::Path) => Token::Run,
                (b'*', _) if tokens.last() == Some(&Token::Deep) => continue,
                (b'*', _) => Token::Deep,
                (byte, Reading::AnyCase) => Token::Byte(byte.to_ascii_lowercase()),
                (byte, _) => Token::Byte(byte),
            };
            tokens.push(token);
        }
        Self { tokens, literal: None, reading }
    }

    /// Its text, where it matches nothing else.
    pub(crate) fn literal(&self) -> Option<&[u8]> {
        self.literal.as_deref()
    }

    /// Whether it matches every text.
    pub(crate) fn is_everything(&self) -> bool {
        matches!(self.tokens.as_slice(), [Token::Deep])
    }

    pub(crate) fn matches(&self, text: Text<'_>) -> Truth {
        let Some(suffix) = text.suffix else {
            return self.matches_known(text.prefix).into();
        };
        if let Some(literal) = &self.literal {
            // One text of the many that it may be.
            let same = |own: &[u8], text: &[u8]| match self.reading {
                Reading::AnyCase => own.eq_ignore_ascii_case(text),
                _ => own == text,
            };
            let around = text.prefix.len() + suffix.len();
            let fits = literal.len() >= around
                && literal.get(..text.prefix.len()).is_some_and(|own| same(own, text.prefix))
                && literal.get(literal.len() - suffix.len()..).is_some_and(|own| same(own, suffix));
            return if fits { Truth::Unknown } else { Truth::False };
        }
        let hole = [Symbol::Hole];
        let symbols: Vec<Symbol> = text
            .prefix
            .iter()
            .map(|byte| Symbol::Byte(*byte))
            .chain(hole)
            .chain(suffix.iter().map(|byte| Symbol::Byte(*byte)))
            .collect();
        if self.always(&symbols) {
            Truth::True
        } else if self.possibly(&symbols) {
            Truth::Unknown
        } else {
            Truth::False
        }
    }

    pub(crate) fn matches_known(&self, text: &[u8]) -> bool {
        if let Some(literal) = &self.literal {
            return if self.reading == Reading::AnyCase {
                literal.eq_ignore_ascii_case(text)
            } else {
                **literal == *text
            };
        }
        if !self.tokens.contains(&Token::Run) {
            return self.matches_name(text);
        }
        let symbols: Vec<Symbol> = text.iter().map(|byte| Symbol::Byte(*byte)).collect();
        self.always(&symbols)
    }

    /// One kind of run: the last one seen takes a byte more where the rest does not fit.
    fn matches_name(&self, text: &[u8]) -> bool {
        let (mut p, mut t) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while t < text.len() {
            match (self.tokens.get(p), text.get(t)) {
                (Some(Token::Deep), _) => {
                    retry = Some((p + 1, t));
                    p += 1;
                }
                (Some(token), Some(&byte)) if self.takes(*token, byte) => {
                    p += 1;
                    t += 1;
                }
                _ => match retry.as_mut() {
                    Some((after, from)) => {
                        *from += 1;
                        (p, t) = (*after, *from);
                    }
                    None => return false,
                },
            }
        }
        self.tokens.get(p..).is_some_and(|rest| rest.iter().all(|token| *token == Token::Deep))
    }

    fn takes(&self, token: Token, byte: u8) -> bool {
        match token {
            Token::Byte(own) if self.reading == Reading::AnyCase => own == byte.to_ascii_lowercase(),
            Token::Byte(own) => own == byte,
            Token::One | Token::Run => byte != b'/' || self.reading != Reading::Path,
            Token::Deep => true,
        }
    }

    /// Whether it matches whatever the hole is: only a deep run swallows one.
    fn always(&self, text: &[Symbol]) -> bool {
        self.walk(text, |token, symbol| match symbol {
            Symbol::Byte(byte) => self.takes(token, byte),
            Symbol::Hole => token == Token::Deep,
        })
    }

    /// Whether it matches for some content of the hole: the places in the pattern that can be
    /// reached, symbol by symbol; a hole reaches all that lie behind.
    fn possibly(&self, text: &[Symbol]) -> bool {
        let mut reached = self.start();
        for symbol in text {
            match symbol {
                Symbol::Byte(byte) => {
                    reached = self.step(&reached, |token| self.takes(token, *byte));
                }
                Symbol::Hole => {
                    let first = reached.iter().position(|reached| *reached).unwrap_or(reached.len());
                    reached.iter_mut().skip(first).for_each(|reached| *reached = true);
                }
            }
        }
        reached.last() == Some(&true)
    }

    fn walk(&self, text: &[Symbol], takes: impl Fn(Token, Symbol) -> bool) -> bool {
        let mut reached = self.start();
        for symbol in text {
            reached = self.step(&reached, |token| takes(token, *symbol));
            if !reached.contains(&true) {
                return false;
            }
        }
        reached.last() == Some(&true)
    }

    /// Which places of the pattern can be reached before any text: up to the first that takes one.
    fn start(&self) -> Vec<bool> {
        let mut reached = vec![false; self.tokens.len() + 1];
        if let Some(first) = reached.first_mut() {
            *first = true;
        }
        self.skip_runs(&mut reached);
        reached
    }

    /// From the places reached to those reached with one symbol more.
    fn step(&self, reached: &[bool], takes: impl Fn(Token) -> bool) -> Vec<bool> {
        let mut next = vec![false; reached.len()];
        for (at, token) in self.tokens.iter().enumerate() {
            if reached.get(at) == Some(&true) && takes(*token) {
                let to = if matches!(token, Token::Run | Token::Deep) { at } else { at + 1 };
                if let Some(slot) = next.get_mut(to) {
                    *slot = true;
                }
            }
        }
        self.skip_runs(&mut next);
        next
    }

    /// A run may be empty.
    fn skip_runs(&self, reached: &mut [bool]) {
        for (at, token) in self.tokens.iter().enumerate() {
            if matches!(token, Token::Run | Token::Deep)
                && reached.get(at) == Some(&true)
                && let Some(slot) = reached.get_mut(at + 1)
            {
                *slot = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str, reading: Reading) -> Truth {
        // `…` in the text is what is unknown.
        let (prefix, suffix) = match text.split_once('…') {
            Some((prefix, suffix)) => (prefix, Some(suffix.as_bytes())),
            None => (text, None),
        };
        Pattern::new(pattern, reading).matches(Text { prefix: prefix.as_bytes(), suffix })
    }

    #[test]
    fn names_and_paths_are_matched() {
        for (pattern, text, expected) in [
            ("delete", "delete", true),
            ("delete*", "delete", true),
            ("de?ete*", "delete all", true),
            ("*a*b*c", "xxaybzc", true),
            ("*a*b*c", "xxaybz", false),
            ("", "", true),
            ("*", "a/b", true),
        ] {
            assert_eq!(matches(pattern, text, Reading::Name), expected.into(), "{pattern} {text}");
        }
        for (pattern, text, expected) in [
            ("src/*", "src/a", true),
            ("src/*", "src/a/b", false),
            ("src/**", "src/a/b", true),
            ("src/*/b?", "src/a/bc", true),
            ("src/*/b?", "src/a/c/bc", false),
            ("**/secret", "a/b/secret", true),
        ] {
            assert_eq!(matches(pattern, text, Reading::Path), expected.into(), "{pattern} {text}");
        }
        assert_eq!(matches("*.Example.com", "API.example.COM", Reading::AnyCase), Truth::True);
    }

    /// Against every short completion of the hole.
    #[test]
    fn the_unknown_agrees_with_its_completions() {
        let patterns = ["a", "a*", "*a", "?", "*", "ab", "a*b", "**/a", "a/*", "a/**", "*/b", "??"];
        let texts = ["…", "a…", "…a", "a…b", "a/…", "…/b", "a/…/b", "ab…"];
        let alphabet = ["a", "b", "/", "c"];
        let mut fillings = vec![String::new()];
        for length in 0..3 {
            let longer: Vec<String> = fillings
                .iter()
                .filter(|filling| filling.len() == length)
                .flat_map(|filling| alphabet.map(|letter| format!("{filling}{letter}")))
                .collect();
            fillings.extend(longer);
        }
        for reading in [Reading::Name, Reading::AnyCase, Reading::Path] {
            for pattern in patterns {
                for text in texts {
                    let outcomes = fillings.iter().map(|f| matches(pattern, &text.replace('…', f), reading));
                    let (mut any, mut all) = (false, true);
                    for outcome in outcomes {
                        any |= outcome == Truth::True;
                        all &= outcome == Truth::True;
                    }
                    let expected = match (any, all) {
                        (_, true) => Truth::True,
                        (true, _) => Truth::Unknown,
                        (false, _) => Truth::False,
                    };
                    assert_eq!(matches(pattern, text, reading), expected, "{pattern} {text} {reading:?}");
                }
            }
        }
    }
}
