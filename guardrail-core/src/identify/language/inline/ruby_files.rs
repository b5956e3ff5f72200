//! Ruby's loops over the files that a pattern finds.

use super::lex::{Lexed, Token};
use super::names::{Names, is_plain};
use super::shape::before;

/// Methods that hand a block one element after another, or give out the same elements.
const PASSES_ON: &[&[u8]] = &[
    b"all?",
    b"any?",
    b"count",
    b"each",
    b"filter_map",
    b"find",
    b"flat_map",
    b"map",
    b"none?",
    b"reject",
    b"reverse",
    b"select",
    b"sort",
    b"sum",
    b"uniq",
];

/// Methods that change a text in its place, whatever name it goes by.
const CHANGES: &[&[u8]] = &[
    b"append",
    b"clear",
    b"concat",
    b"force_encoding",
    b"insert",
    b"prepend",
    b"push",
    b"replace",
    b"unshift",
];

impl<'t> Names<'t> {
    /// `Dir["lib/*.rb"].sort.each { |f| File.read(f) }`: what `f` names is one of those files, as long
    /// as no text is changed in its place.
    pub(super) fn listed_files(&mut self, tokens: &[Lexed<'t>]) {
        if tokens.iter().enumerate().any(|(index, one)| changes(tokens, index, one.token)) {
            return;
        }
        for (index, one) in tokens.iter().enumerate() {
            let rest = tokens.get(index + 1..).unwrap_or_default();
            let found = match (one.token, before(tokens, index)) {
                (Token::Name(b"Dir"), before) if before != Some(Token::Mark(b'.')) => found(rest),
                _ => None,
            };
            let Some((name, pattern)) = found else { continue };
            // It may hide nothing but a name of its own.
            if self.bound.iter().filter(|bound| **bound == name).count() == 1 {
                self.keep_found(name, pattern);
            }
        }
    }
}

/// A text is changed in its place there, or may be.
fn changes(tokens: &[Lexed<'_>], index: usize, token: Token<'_>) -> bool {
    match token {
        Token::Name(name) => name.ends_with(b"!") || CHANGES.contains(&name),
        // What may hold code of its own is looked at by itself, and too late.
        Token::Template(text) => {
            let has = |sign: &[u8]| text.windows(sign.len()).any(|part| part == sign);
            has(b"#{") && (has(b"=") || has(b"!") || has(b"<<") || CHANGES.iter().any(|name| has(name)))
        }
        // `<<`, `+=` and the like
        Token::Operator => {
            matches!(
                before(tokens, index),
                Some(Token::Mark(b']' | b'|' | b'&' | b'*')) | Some(Token::Name(_) | Token::Variable(_))
            ) && tokens.get(index).is_some_and(|one| one.at.len() == 2 && !compares(tokens, index))
        }
        // `f[0], x = ...`
        Token::Mark(b'=') => tokens
            .get(..index)
            .unwrap_or_default()
            .iter()
            .rev()
            .take_while(|one| {
                !matches!(one.token, Token::Newline | Token::Mark(b';' | b'{') | Token::Name(b"do"))
            })
            .any(|one| one.token == Token::Mark(b']')),
        _ => false,
    }
}

/// The operator is followed by a number, which no text takes.
fn compares(tokens: &[Lexed<'_>], index: usize) -> bool {
    matches!(tokens.get(index + 1).map(|one| one.token), Some(Token::Number))
}

/// `["pattern"].sort.each { |name|` behind `Dir`.
fn found<'t>(rest: &[Lexed<'t>]) -> Option<(&'t [u8], &'t [u8])> {
    let (pattern, mut rest) = match rest {
        [
            Lexed { token: Token::Mark(b'['), .. },
            Lexed { token: Token::Text(text) | Token::Template(text), .. },
            Lexed { token: Token::Mark(b']'), .. },
            rest @ ..,
        ]
        | [
            Lexed { token: Token::Mark(b'.'), .. },
            Lexed { token: Token::Name(b"glob"), .. },
            Lexed { token: Token::Mark(b'('), .. },
            Lexed { token: Token::Text(text) | Token::Template(text), .. },
            Lexed { token: Token::Mark(b')'), .. },
            rest @ ..,
        ] => (*text, rest),
        _ => return None,
    };
    // A name that starts with a bar would start a program.
    let known = is_plain(pattern)
        && !pattern.contains(&b'#')
        && pattern.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'));
    loop {
        match rest {
            [
                Lexed { token: Token::Mark(b'.'), .. },
                Lexed { token: Token::Name(name), .. },
                Lexed { token: Token::Mark(b'{') | Token::Name(b"do"), .. },
                Lexed { token: Token::Mark(b'|'), .. },
                Lexed { token: Token::Name(bound), .. },
                Lexed { token: Token::Mark(b'|'), .. },
                ..,
            ] => return (known && PASSES_ON.contains(name)).then_some((*bound, pattern)),
            [Lexed { token: Token::Mark(b'.'), .. }, Lexed { token: Token::Name(name), .. }, next @ ..]
                if matches!(*name, b"sort" | b"reverse" | b"uniq") =>
            {
                rest = next;
            }
            _ => return None,
        }
    }
}
