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
        let question = match rest {
            [Lexed { token: Token::Mark(b'('), .. }, Lexed { token, .. }, behind @ ..]
                if is_mark(behind, b')') || is_mark(behind, b',') =>
            {
                self.constant(*token).ok_or(Unreadable)?
            }
            _ => return Err(Unreadable),
        };
        for Found { act, .. } in sql::read(question, Dialect::Sqlite) {
            self.push(act, start, rest.get(1));
        }
        Ok(0)
    }
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
