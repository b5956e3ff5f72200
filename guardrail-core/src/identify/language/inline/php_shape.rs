//! Shapes of PHP: what calls a function that it is given, constants, and texts with variables.

use super::dialect::{Dialect, lists};
use super::lex::{Lexed, Token, php_element};
use super::shape::{each_argument, is_mark, matching};

/// Functions that call what they are given: it must be written there as a function, or be the name of
/// one that only computes.
pub(super) fn calls_back(dialect: &Dialect, name: &[u8], rest: &[Lexed<'_>]) -> bool {
    let [Lexed { token: Token::Mark(b'('), .. }, inside @ ..] = rest else { return false };
    // A function that is long need not end near by, but then nothing can stand behind it.
    let Some(end) = closes(inside) else { return false };
    let arguments: Vec<_> = each_argument(inside.get(..end).unwrap_or_default()).collect();
    // `...$x` and `callback: $x` say what no place says.
    let odd = |argument: &&[Lexed<'_>]| {
        matches!(
            argument,
            [Lexed { token: Token::Operator, .. }, ..]
                | [Lexed { token: Token::Name(_), .. }, Lexed { token: Token::Mark(b':'), .. }, ..]
        )
    };
    if arguments.iter().any(odd) {
        return false;
    }
    let one = |at: usize| arguments.get(at).copied().unwrap_or_default();
    match name {
        b"array_map" => {
            is_function(dialect, one(0)) || matches!(one(0), [Lexed { token: Token::Name(b"null"), .. }])
        }
        // Without a function it keeps what is not empty.
        b"array_filter" if arguments.len() == 1 => true,
        b"filter_var" => checks(one(1)),
        b"preg_replace" => is_pattern(one(0)),
        _ => is_function(dialect, one(1)),
    }
}

/// Where the bracket closes that opened just before these tokens.
fn closes(tokens: &[Lexed<'_>]) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, one) in tokens.iter().enumerate() {
        match one.token {
            Token::Mark(b'(' | b'[' | b'{') => depth += 1,
            Token::Mark(b')' | b']' | b'}') if depth == 0 => return Some(index),
            Token::Mark(b')' | b']' | b'}') => depth -= 1,
            _ => {}
        }
    }
    None
}

/// `fn($x) => ...`, `function ($x) { ... }` and nothing behind it, or `"trim"`.
fn is_function(dialect: &Dialect, argument: &[Lexed<'_>]) -> bool {
    match argument {
        [Lexed { token: Token::Text(name) | Token::Template(name), .. }] => {
            // A name that is none of a function calls nothing.
            name.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
                && std::str::from_utf8(name).is_ok()
                && lists(dialect.words, name)
        }
        // All that follows is what it gives out.
        [Lexed { token: Token::Name(b"fn"), .. }, Lexed { token: Token::Mark(b'('), .. }, ..] => true,
        [Lexed { token: Token::Name(b"function"), .. }, rest @ ..] => {
            let body = rest.iter().position(|one| one.token == Token::Mark(b'{'));
            body.is_some_and(|body| {
                let inside = rest.get(body + 1..).unwrap_or_default();
                closes(inside).is_some_and(|end| end + 1 == inside.len())
            })
        }
        _ => false,
    }
}

/// `FILTER_VALIDATE_INT`: another filter calls a function.
fn checks(argument: &[Lexed<'_>]) -> bool {
    matches!(
        argument,
        [Lexed { token: Token::Name(name), .. }] if name.starts_with(b"FILTER_VALIDATE_")
    )
}

/// A pattern in full, without the flag that once ran what is put in.
fn is_pattern(argument: &[Lexed<'_>]) -> bool {
    match argument {
        [Lexed { token: Token::Text(text) | Token::Template(text), .. }] => {
            let flags = text.iter().rev().take_while(|byte| byte.is_ascii_alphabetic());
            !flags.into_iter().any(|flag| *flag == b'e') && !text.contains(&b'$')
        }
        _ => false,
    }
}

/// Variables that PHP fills itself.
pub(super) fn is_global(name: &[u8]) -> bool {
    matches!(name, b"GLOBALS" | b"_ENV" | b"_SERVER" | b"this")
}

/// Constants of PHP's own families, which are numbers and texts.
pub(super) fn is_php_constant(name: &[u8]) -> bool {
    const FAMILIES: &[&[u8]] = &[
        b"ARRAY_FILTER_",
        b"DATE_",
        b"ENT_",
        b"FILE_IGNORE_",
        b"FILE_SKIP_",
        b"FILTER_FLAG_",
        b"FILTER_NULL_",
        b"FILTER_VALIDATE_",
        b"GLOB_",
        b"JSON_",
        b"MB_CASE_",
        b"PATHINFO_",
        b"PHP_URL_",
        b"PREG_",
        b"SORT_",
        b"STR_PAD_",
        b"T_",
    ];
    FAMILIES.iter().any(|family| name.starts_with(family))
        && name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// `new DateTime(`: a class that only computes.
pub(super) fn makes_date(rest: &[Lexed<'_>]) -> bool {
    matches!(
        rest,
        [
            Lexed {
                token: Token::Name(
                    b"DateTime" | b"DateTimeImmutable" | b"DateInterval" | b"DateTimeZone" | b"Exception"
                ),
                ..
            },
            behind @ ..,
        ] if is_mark(behind, b'(') && behind.get(1..).and_then(matching).is_some()
    )
}

/// A text in which nothing stands but plain variables and their elements.
pub(super) fn php_template(body: &[u8]) -> bool {
    let mut place = 0;
    while let Some(rest) = body.get(place..).filter(|rest| !rest.is_empty()) {
        place += match rest {
            [b'\\', ..] => 2,
            [b'$', b'{', ..] => return false,
            [b'{', code @ ..] if code.first() == Some(&b'$') => match php_element(code) {
                // Its variables are looked at as the others are.
                Some(_) => 1,
                None => return false,
            },
            [b'$', name @ ..] => {
                let length =
                    name.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
                if is_global(name.get(..length).unwrap_or_default()) {
                    return false;
                }
                1 + length
            }
            _ => 1,
        };
    }
    true
}
