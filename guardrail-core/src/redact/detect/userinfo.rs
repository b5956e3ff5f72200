//! Passwords before the host of a URL, and behind the user name that a flag takes.

use super::value::{self, is_random, is_stand_in};
use super::{Match, Tail};
use crate::redact::kind::Kind;
use crate::redact::view::{More, View};

/// The longest userinfo. Tokens used as passwords stay below.
const MAX: usize = 512;

/// `scheme://user:password@host`, and `scheme://token@host`. User and host stay readable.
pub(super) fn url(view: View<'_>, at: usize, start: usize) -> Result<Option<Match>, More> {
    let is_userinfo = |b: u8| value::is_bare(b) && !matches!(b, b'/' | b'@' | b'\\');
    let mut end = view.run(start, MAX, is_userinfo)?;
    if view.at(end)? != Some(b'@') {
        return Ok(None);
    }
    // A raw `@` in a password: the last one before the path is the real one.
    while end - start < MAX {
        let next = view.run(end + 1, MAX - (end - start), is_userinfo)?;
        if view.at(next)? != Some(b'@') {
            break;
        }
        end = next;
    }
    let text = view.slice(start, end);
    if is_stand_in(text) {
        return Ok(None);
    }
    let (password, len) = match text.iter().position(|b| *b == b':') {
        Some(colon) => (start + colon + 1, text.len() - colon - 1),
        None if text.len() >= 16 && is_random(text) => (start, text.len()),
        None => return Ok(None),
    };
    let text = view.slice(password, password + len);
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let is_port = digits > 0 && matches!(text.get(digits), Some(b'?' | b'#'));
    if text.is_empty() || is_port || is_stand_in(text) {
        return Ok(None);
    }
    Ok(Some(Match::new(at, password..end, Kind::UrlPassword, Tail::Closed)))
}

/// `-u name:password`, as curl and its like take it. Containers take `-u user:group` in the same
/// place, so a plain word does not count.
pub(super) fn user_flag(view: View<'_>, at: usize, flag_end: usize) -> Result<Option<Match>, More> {
    let separator = view.at(flag_end)?;
    let start = match separator {
        Some(b' ' | b'=') => value::opening_quote(view, flag_end + 1)?,
        // The short form brought its space along.
        Some(_) if view.slice(flag_end.saturating_sub(1), flag_end) == b" " => {
            value::opening_quote(view, flag_end)?
        }
        _ => return Ok(None),
    };
    let colon =
        view.run(start, 64, |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'@' | b'+'))?;
    if colon == start || view.at(colon)? != Some(b':') {
        return Ok(None);
    }
    let password = colon + 1;
    let end = view.run(password, 128, value::is_bare)?;
    let text = view.slice(password, end);
    let is_name = text.iter().all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_' | b'/'));
    let is_number = text.iter().all(|b| b.is_ascii_digit());
    if text.len() < 4 || is_name || is_number || text.starts_with(b"/") || is_stand_in(text) {
        return Ok(None);
    }
    let tail = if end - password < 128 { Tail::Closed } else { Tail::Bare };
    Ok(Some(Match::new(at, password..end, Kind::Password, tail)))
}
