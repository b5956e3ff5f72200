//! Python's `sqlite3`: the database that is opened, and what it is asked.

use std::borrow::Cow;

use super::super::sql::{self, Dialect};
use super::super::{Act, Found};
use super::check::Checker;
use super::lex::{Lexed, Token, Unreadable};
use super::shape::{arguments, each_argument, is_mark};

impl<'t> Checker<'t> {
    /// `('file')` or `('file:name?mode=ro', uri=True)`.
    pub(super) fn connects(&mut self, rest: &[Lexed<'t>], start: usize) -> Result<usize, Unreadable> {
        let (database, options) = arguments(rest)?;
        let tame = |option: &[Lexed<'t>]| {
            matches!(
                option,
                [
                    Lexed { token: Token::Name(b"uri" | b"timeout" | b"check_same_thread"), .. },
                    Lexed { token: Token::Mark(b'='), .. },
                    Lexed { token: Token::Name(b"True" | b"False") | Token::Number, .. },
                ]
            )
        };
        let [Lexed { token: Token::Text(text), .. }] = database else { return Err(Unreadable) };
        if !options.is_none_or(|options| each_argument(options).all(tame)) {
            return Err(Unreadable);
        }
        if *text != b":memory:" {
            let path = file(text).ok_or(Unreadable)?;
            self.push(Act::Read(Some(Cow::Borrowed(path))), start, database.last());
        }
        Ok(0)
    }

    /// `('select ...'`, and whatever is put into it.
    pub(super) fn asks(&mut self, rest: &[Lexed<'t>], start: usize) -> Result<usize, Unreadable> {
        let token = match rest {
            [Lexed { token: Token::Mark(b'('), .. }, Lexed { token, .. }, behind @ ..]
                if is_mark(behind, b')') || is_mark(behind, b',') =>
            {
                *token
            }
            _ => return Err(Unreadable),
        };
        let Some(question) = self.constant(token) else {
            return if only_looks(token) { Ok(0) } else { Err(Unreadable) };
        };
        for Found { act, .. } in sql::read(question, Dialect::Sqlite) {
            self.push(act, start, rest.get(1));
        }
        Ok(0)
    }
}

/// Whether a question that is put together begins as one that changes nothing: it is one statement, or it is
/// refused, so that what is put in can't make another of it.
fn only_looks(token: Token<'_>) -> bool {
    let (Token::Text(text) | Token::Template(text)) = token else { return false };
    let mut question = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => match rest.next() {
                Some(quote @ (b'\'' | b'"')) => question.push(*quote),
                Some(b'n' | b't' | b'\n') => question.push(b' '),
                _ => return false,
            },
            b'{' if matches!(token, Token::Template(_)) => {
                if !rest.any(|byte| *byte == b'}') {
                    return false;
                }
                question.push(b'x');
            }
            _ => question.push(*byte),
        }
    }
    let selects =
        question.trim_ascii_start().get(..7).is_some_and(|word| word.eq_ignore_ascii_case(b"select "));
    selects && sql::read(&question, Dialect::Sqlite).is_empty()
}

/// The file that a name of a database stands for: what another reader could take for another file is none, and
/// neither is one that is made where there is none, but for the project's own.
fn file(text: &[u8]) -> Option<&[u8]> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-/".contains(byte);
    let address = text.strip_prefix(b"file:");
    let mut parts = address.unwrap_or(text).splitn(2, |byte| *byte == b'?');
    let path = parts.next()?;
    let must_exist = match (address, parts.next()) {
        (Some(_), Some(b"mode=ro" | b"mode=rw" | b"immutable=1" | b"mode=ro&immutable=1")) => true,
        (_, Some(_)) => return None,
        (_, None) => false,
    };
    let own = !path.starts_with(b"/") && !path.windows(2).any(|two| two == b"..");
    let known = !path.is_empty() && path.iter().all(plain) && !path.starts_with(b"//");
    (known && (own || must_exist)).then_some(path)
}
