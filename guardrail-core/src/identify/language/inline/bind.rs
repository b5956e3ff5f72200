//! The names that a text binds: assignments, loops, parameters.

use super::dialect::Syntax;
use super::lex::{Lexed, Token};

/// Collects the names that the text binds: assignments, loops, parameters.
pub(super) fn bind<'t>(syntax: Syntax, tokens: &[Lexed<'t>], bound: &mut Vec<&'t [u8]>) {
    // Inside a construct whose names are all bound, up to this.
    let mut until: Option<fn(Token<'_>) -> bool> = None;
    let mut depth = 0_usize;
    for (index, one) in tokens.iter().enumerate() {
        match one.token {
            Token::Mark(b'(' | b'[' | b'{') => depth += 1,
            Token::Mark(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        let next = tokens.get(index + 1).map(|one| one.token);
        if until.is_some_and(|end| end(one.token)) {
            until = None;
            continue;
        }
        match one.token {
            Token::Name(b"for") if syntax != Syntax::JavaScript => {
                until = Some(|token| token == Token::Name(b"in"))
            }
            Token::Name(b"lambda") if syntax == Syntax::Python => {
                until = Some(|token| token == Token::Mark(b':'))
            }
            Token::Name(b"def") if syntax == Syntax::Python => {
                bind_definition(tokens.get(index + 1..).unwrap_or_default(), bound)
            }
            Token::Name(b"const" | b"let" | b"var") if syntax == Syntax::JavaScript => {
                until = Some(|token| {
                    matches!(token, Token::Mark(b'=' | b';') | Token::Newline | Token::Name(b"of" | b"in"))
                });
            }
            Token::Name(b"function") if syntax == Syntax::JavaScript => {
                until = Some(|token| token == Token::Mark(b'{'))
            }
            Token::Mark(b'|') if syntax == Syntax::Ruby => {
                let opens = index.checked_sub(1).and_then(|before| tokens.get(before)).map(|one| one.token);
                if matches!(opens, Some(Token::Mark(b'{') | Token::Name(b"do"))) {
                    until = Some(|token| token == Token::Mark(b'|'));
                }
            }
            Token::Arrow if syntax == Syntax::JavaScript => {
                bind_parameters(tokens.get(..index).unwrap_or_default(), bound)
            }
            // `rescue Error => e`
            Token::Arrow if syntax == Syntax::Ruby => {
                let rescues = tokens
                    .get(..index)
                    .unwrap_or_default()
                    .iter()
                    .rev()
                    .take(2)
                    .any(|one| one.token == Token::Name(b"rescue"));
                if let (true, Some(Token::Name(name))) = (rescues, next) {
                    bound.push(name);
                }
            }
            Token::Name(name) => {
                let caught = index.checked_sub(1).and_then(|before| tokens.get(before)).map(|one| one.token);
                if until.is_some()
                    || matches!(next, Some(Token::Mark(b'=')))
                    || matches!(caught, Some(Token::Name(b"as")))
                    || matches!((next, caught), (Some(Token::Mark(b')')), Some(Token::Mark(b'('))))
                        && syntax == Syntax::JavaScript
                        && catches(tokens, index)
                    // In brackets, Python's are arguments behind a comma.
                    || (depth == 0 || syntax != Syntax::Python) && assigns_several(tokens, index)
                    || syntax == Syntax::Python && next == Some(Token::Mark(b':')) && annotated(caught)
                {
                    bound.push(name);
                }
            }
            _ => {}
        }
    }
}

/// `name(a, b: type = 1)`, as far as the names go.
fn bind_definition<'t>(tokens: &[Lexed<'t>], bound: &mut Vec<&'t [u8]>) {
    let mut depth = 0_usize;
    for one in tokens.iter().take(256) {
        match one.token {
            Token::Name(name) => bound.push(name),
            Token::Mark(b'(' | b'[' | b'{') => depth += 1,
            Token::Mark(b')') if depth <= 1 => return,
            Token::Mark(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            Token::Mark(b':') if depth == 0 => return,
            _ => {}
        }
    }
}

/// `name: type = ...` at the start of a statement.
fn annotated(before: Option<Token<'_>>) -> bool {
    matches!(before, None | Some(Token::Newline | Token::Mark(b';')))
}

/// `catch (e)`
fn catches(tokens: &[Lexed<'_>], index: usize) -> bool {
    index
        .checked_sub(2)
        .and_then(|before| tokens.get(before))
        .is_some_and(|one| one.token == Token::Name(b"catch"))
}

/// `a, b = ...`
fn assigns_several(tokens: &[Lexed<'_>], index: usize) -> bool {
    let mut rest = tokens.get(index + 1..).unwrap_or_default().iter().take(16);
    loop {
        match (rest.next().map(|one| one.token), rest.next().map(|one| one.token)) {
            (Some(Token::Mark(b'=')), _) => return true,
            (Some(Token::Mark(b',')), Some(Token::Name(_))) => {}
            _ => return false,
        }
    }
}

/// `x =>`, `(a, {b}) =>`
fn bind_parameters<'t>(before: &[Lexed<'t>], bound: &mut Vec<&'t [u8]>) {
    let mut depth = 0;
    for one in before.iter().rev().take(32) {
        match one.token {
            Token::Name(name) => bound.push(name),
            Token::Mark(b')' | b'}' | b']') => depth += 1,
            Token::Mark(b'(' | b'{' | b'[') => depth -= 1,
            Token::Mark(b',') => {}
            _ => return,
        }
        if depth <= 0 {
            return;
        }
    }
}
