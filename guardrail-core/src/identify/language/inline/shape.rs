//! Shapes of what stands around a name: arguments, brackets, keys.

use super::lex::{Lexed, Token, Unreadable};

/// The tokens up to the first comma outside of brackets, and those behind it.
pub(super) fn split_first<'l, 't>(arguments: &'l [Lexed<'t>]) -> (&'l [Lexed<'t>], Option<&'l [Lexed<'t>]>) {
    let mut depth = 0_usize;
    for (index, one) in arguments.iter().enumerate() {
        match one.token {
            Token::Mark(b'(' | b'[' | b'{') => depth += 1,
            Token::Mark(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            Token::Mark(b',') if depth == 0 => {
                return (
                    arguments.get(..index).unwrap_or_default(),
                    Some(arguments.get(index + 1..).unwrap_or_default()),
                );
            }
            _ => {}
        }
    }
    (arguments, None)
}

/// The first of the arguments between brackets that open here and close nearby, and those behind it.
pub(super) fn arguments<'l, 't>(
    rest: &'l [Lexed<'t>],
) -> Result<(&'l [Lexed<'t>], Option<&'l [Lexed<'t>]>), Unreadable> {
    let [Lexed { token: Token::Mark(b'('), .. }, inside @ ..] = rest else { return Err(Unreadable) };
    let end = matching(inside).ok_or(Unreadable)?;
    Ok(split_first(inside.get(..end).unwrap_or_default()))
}

/// The arguments between commas outside of brackets.
pub(super) fn each_argument<'l, 't>(arguments: &'l [Lexed<'t>]) -> impl Iterator<Item = &'l [Lexed<'t>]> {
    let mut left = Some(arguments);
    std::iter::from_fn(move || {
        let (first, rest) = split_first(left?);
        left = rest;
        Some(first)
    })
}

pub(super) fn is_comma(one: &Lexed<'_>) -> bool {
    one.token == Token::Mark(b',')
}

/// Modes and encodings with which a file is read.
pub(super) fn reads_only(mode: &[u8]) -> bool {
    matches!(
        mode,
        b"r" | b"rb"
            | b"rt"
            | b"r:gz"
            | b"r:xz"
            | b"r:bz2"
            | b"r:*"
            | b"utf8"
            | b"utf-8"
            | b"ascii"
            | b"latin1"
            | b"base64"
            | b"hex"
    )
}

/// A statement starts behind that token.
pub(super) fn starts_statement(before: Option<Token<'_>>) -> bool {
    matches!(before, None | Some(Token::Newline | Token::Mark(b';' | b':')))
}

pub(super) fn ends_import(token: Token<'_>) -> bool {
    matches!(token, Token::Newline | Token::Mark(b';'))
}

/// `(() => ...`, `(x => ...`, `(function ...`: no text that would be run.
pub(super) fn calls_function(rest: &[Lexed<'_>]) -> bool {
    let token = |at: usize| rest.get(at).map(|one| one.token);
    token(0) == Some(Token::Mark(b'('))
        && match token(1) {
            Some(Token::Name(b"function")) => true,
            Some(Token::Name(_)) => token(2) == Some(Token::Arrow),
            Some(Token::Mark(b'(')) => token(2) == Some(Token::Mark(b')')) && token(3) == Some(Token::Arrow),
            _ => false,
        }
}

/// `ARGV[0]`, `ARGV.first`: what is changed in it would be opened by others.
pub(super) fn shows_arguments(rest: &[Lexed<'_>]) -> bool {
    match rest {
        [
            Lexed { token: Token::Mark(b'['), .. },
            Lexed { token: Token::Number, .. },
            Lexed { token: Token::Mark(b']'), .. },
            next @ ..,
        ] => !matches!(
            next.first().map(|one| one.token),
            Some(Token::Mark(b'=' | b'<' | b'|' | b'.' | b',') | Token::Operator)
        ),
        [Lexed { token: Token::Mark(b'.'), .. }, Lexed { token: Token::Name(name), .. }, ..] => {
            matches!(*name, b"first" | b"last" | b"length" | b"size" | b"join" | b"inspect" | b"empty?")
        }
        _ => false,
    }
}

/// The token before that one, whatever lines end between them.
pub(super) fn before_lines<'t>(tokens: &[Lexed<'t>], index: usize) -> Option<Token<'t>> {
    let before = tokens.get(..index)?.iter().rev().map(|one| one.token);
    before.into_iter().find(|token| *token != Token::Newline)
}

/// JavaScript's `{ [k]: x }`, where that bracket closes: no `x ? a[k] : b`.
pub(super) fn closes_key(tokens: &[Lexed<'_>], index: usize) -> bool {
    if !is_mark(behind_lines(tokens.get(index + 1..).unwrap_or_default()), b':') {
        return false;
    }
    let mut depth = 0_usize;
    for at in (0..index).rev() {
        match tokens.get(at).map(|one| one.token) {
            Some(Token::Mark(b')' | b']' | b'}')) => depth += 1,
            Some(Token::Mark(b'[')) if depth == 0 => {
                return matches!(before_lines(tokens, at), None | Some(Token::Mark(b'{' | b',')));
            }
            Some(Token::Mark(b'(' | b'[' | b'{')) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// JavaScript's `Object.create(null)`, behind the first word: more would be said of what it makes.
pub(super) fn makes_bare(rest: &[Lexed<'_>]) -> bool {
    let null = [
        Token::Mark(b'.'),
        Token::Name(b"create"),
        Token::Mark(b'('),
        Token::Name(b"null"),
        Token::Mark(b')'),
    ];
    rest.len() >= null.len() && rest.iter().zip(null).all(|(one, token)| one.token == token)
}

/// JavaScript's `?.[`, of the dot at `index`.
pub(super) fn indexes_if_there(tokens: &[Lexed<'_>], index: usize) -> bool {
    let dot = tokens.get(index).map_or(0, |one| one.at.start);
    let question = index.checked_sub(1).and_then(|at| tokens.get(at));
    question.is_some_and(|one| one.token == Token::Mark(b'?') && one.at.end == dot)
        && is_mark(tokens.get(index + 1..).unwrap_or_default(), b'[')
}

/// The tokens behind the ends of lines that stand first.
pub(super) fn behind_lines<'l, 't>(rest: &'l [Lexed<'t>]) -> &'l [Lexed<'t>] {
    let lines = rest.iter().take_while(|one| one.token == Token::Newline).count();
    rest.get(lines..).unwrap_or_default()
}

/// JavaScript's `let` where it is the keyword of a declaration: names must follow.
pub(super) fn declares(before: Option<Token<'_>>, rest: &[Lexed<'_>]) -> bool {
    let follows = match rest.first().map(|one| one.token) {
        Some(Token::Mark(mark)) => matches!(mark, b'[' | b'{'),
        Some(Token::Name(name)) => !matches!(name, b"in" | b"of" | b"instanceof"),
        _ => false,
    };
    !is_declared(before) && follows
}

/// JavaScript's `of` where it is the keyword of a loop: an expression must follow.
pub(super) fn loops_over(before: Option<Token<'_>>, rest: &[Lexed<'_>]) -> bool {
    let follows = match rest.first().map(|one| one.token) {
        Some(Token::Mark(mark)) => matches!(mark, b'[' | b'(' | b'{'),
        Some(Token::Name(_) | Token::Text(_) | Token::Template(_) | Token::Number) => true,
        _ => false,
    };
    !is_declared(before) && follows
}

/// A keyword that stands there is a name.
fn is_declared(before: Option<Token<'_>>) -> bool {
    matches!(before, Some(Token::Name(b"const" | b"function" | b"let" | b"var")))
}

/// Ruby's `map(&x)` and `map &x`: which method that is, only running it would tell.
pub(super) fn passes_block(tokens: &[Lexed<'_>], index: usize) -> bool {
    let (Some(mark), Some(next)) = (tokens.get(index), tokens.get(index + 1)) else { return true };
    if matches!(next.token, Token::Symbol(_) | Token::Operator | Token::Mark(b'&' | b'.')) {
        return false;
    }
    match index.checked_sub(1).and_then(|before| tokens.get(before)) {
        None => true,
        Some(before) => match before.token {
            Token::Newline | Token::Mark(b'(' | b'[' | b'{' | b',' | b'|') => true,
            Token::Mark(b'&') => false,
            _ => before.at.end < mark.at.start && mark.at.end == next.at.start,
        },
    }
}

/// Ruby's name that only ever starts a statement with a value behind it, so that nothing binds it.
pub(super) fn is_only_called(tokens: &[Lexed<'_>], name: &[u8]) -> bool {
    tokens.iter().enumerate().filter(|(_, one)| one.token == Token::Name(name)).all(|(index, _)| {
        let starts = matches!(
            before(tokens, index),
            None | Some(
                Token::Newline
                    | Token::Mark(b';' | b'{' | b'|')
                    | Token::Name(b"do" | b"then" | b"else" | b"begin")
            )
        );
        let next = tokens.get(index + 1).map(|next| next.token);
        let bound = matches!(next, Some(Token::Mark(b'=' | b',' | b':' | b'|' | b'.' | b';' | b')')));
        starts && !bound && !matches!(next, None | Some(Token::Operator | Token::Newline | Token::Arrow))
    })
}

/// Ruby's `inject` where it is given a block, or a method by a symbol that stands there.
pub(super) fn folds_plainly(rest: &[Lexed<'_>]) -> bool {
    let block = |rest: &[Lexed<'_>]| {
        matches!(rest.first().map(|one| one.token), Some(Token::Mark(b'{') | Token::Name(b"do")))
    };
    let method = |token| matches!(token, Some(Token::Symbol(_) | Token::Operator));
    let [Lexed { token: Token::Mark(b'('), .. }, arguments @ ..] = rest else {
        return block(rest)
            || method(rest.first().map(|one| one.token))
                && !is_mark(rest.get(1..).unwrap_or_default(), b',');
    };
    let Some(end) = matching(arguments) else { return false };
    let (arguments, behind) = (arguments.get(..end).unwrap_or_default(), arguments.get(end + 1..));
    if arguments.iter().any(|one| one.token == Token::Mark(b'*')) {
        return false;
    }
    let named = method(arguments.last().map(|one| one.token));
    named || behind.is_some_and(block) && split_first(arguments).1.is_none()
}

/// Where the bracket closes that opened just before these tokens, if that is near.
pub(super) fn matching(tokens: &[Lexed<'_>]) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, one) in tokens.iter().enumerate().take(64) {
        match one.token {
            Token::Mark(b'(' | b'[' | b'{') => depth += 1,
            Token::Mark(b')' | b']' | b'}') if depth == 0 => return Some(index),
            Token::Mark(b')' | b']' | b'}') => depth -= 1,
            _ => {}
        }
    }
    None
}

pub(super) fn is_mark(rest: &[Lexed<'_>], mark: u8) -> bool {
    rest.first().is_some_and(|one| one.token == Token::Mark(mark))
}

pub(super) fn is_key(rest: &[Lexed<'_>]) -> bool {
    matches!(rest, [Lexed { token: Token::Mark(b':') | Token::Symbol(_), .. }, ..])
}

pub(super) fn ends_operand(token: Token<'_>) -> bool {
    match token {
        Token::Name(name) => !matches!(
            name,
            b"return"
                | b"of"
                | b"in"
                | b"case"
                | b"typeof"
                | b"const"
                | b"let"
                | b"var"
                | b"puts"
                | b"p"
                | b"print"
                | b"pp"
        ),
        Token::Variable(_)
        | Token::Text(_)
        | Token::Template(_)
        | Token::Mark(b')' | b']' | b'}')
        | Token::Regex => true,
        _ => false,
    }
}

/// What PHP calls when brackets follow it.
pub(super) fn calls_value(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Variable(_) | Token::Text(_) | Token::Template(_) | Token::Mark(b')' | b']' | b'}')
    )
}

pub(super) fn before<'t>(tokens: &[Lexed<'t>], index: usize) -> Option<Token<'t>> {
    index.checked_sub(1).and_then(|before| tokens.get(before)).map(|one| one.token)
}

/// Nothing goes on in the statement.
pub(super) fn ends(rest: &[Lexed<'_>]) -> bool {
    matches!(rest.first().map(|one| one.token), None | Some(Token::Newline | Token::Mark(b';')))
}

/// Where the name of what is called stands, if the tokens from `first` to `last` are a whole argument
/// of it.
pub(super) fn argument_of(tokens: &[Lexed<'_>], first: usize, last: usize) -> Option<usize> {
    let whole = tokens.get(last + 1).is_some_and(|next| matches!(next.token, Token::Mark(b')' | b',')));
    if !whole {
        return None;
    }
    let mut depth = 0_usize;
    for at in (first.saturating_sub(64)..first).rev() {
        match tokens.get(at).map(|one| one.token) {
            Some(Token::Mark(b')' | b']' | b'}')) => depth += 1,
            Some(Token::Mark(b'(')) if depth == 0 => {
                let calls = matches!(before(tokens, at), Some(Token::Name(called)) if !is_keyword(called));
                return calls.then(|| at.checked_sub(1))?;
            }
            Some(Token::Mark(b'[' | b'{')) if depth == 0 => return None,
            Some(Token::Mark(b'(' | b'[' | b'{')) => depth -= 1,
            Some(Token::Newline | Token::Mark(b';')) if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// A part of an expression, which binds nothing: `name.member`, `name[0]`, `name + 'x'`, `if name ==`,
/// `other = name`.
pub(super) fn is_value(tokens: &[Lexed<'_>], index: usize) -> bool {
    let next = tokens.get(index + 1).map(|one| one.token);
    if matches!(next, Some(Token::Mark(b'.' | b'[' | b'+'))) {
        return true;
    }
    match before(tokens, index) {
        Some(
            Token::Mark(b'+') | Token::Name(b"if" | b"elif" | b"while" | b"and" | b"or" | b"not" | b"in"),
        ) => next != Some(Token::Mark(b'=')),
        Some(Token::Mark(b'=')) => {
            matches!(next, None | Some(Token::Newline | Token::Mark(b';') | Token::Name(b"if")))
        }
        _ => false,
    }
}

/// `[(name, ...) for`: what a comprehension makes, which binds nothing.
pub(super) fn is_element(tokens: &[Lexed<'_>], index: usize) -> bool {
    let first = before(tokens, index) == Some(Token::Mark(b'('));
    let behind = tokens.get(index + 1..).unwrap_or_default();
    let opened = index.checked_sub(2).and_then(|at| tokens.get(at)).map(|one| one.token);
    first
        && is_mark(behind, b',')
        && matches!(opened, Some(Token::Mark(b'[' | b'(' | b'{')))
        && matching(behind).and_then(|end| behind.get(end + 1)).map(|one| one.token)
            == Some(Token::Name(b"for"))
}

/// Words of Python before which a bracket opens no call.
pub(super) fn is_keyword(name: &[u8]) -> bool {
    matches!(
        name,
        b"and"
            | b"as"
            | b"assert"
            | b"def"
            | b"del"
            | b"elif"
            | b"else"
            | b"except"
            | b"for"
            | b"from"
            | b"global"
            | b"if"
            | b"import"
            | b"in"
            | b"is"
            | b"lambda"
            | b"not"
            | b"or"
            | b"raise"
            | b"return"
            | b"try"
            | b"while"
            | b"with"
            | b"yield"
    )
}
