//! Values of keys that are named like a secret: `password=…` in all the forms in which
//! configuration, code, shells and logs write a pair.

use super::value::{self, QuotedEnd, is_bare, is_credential, is_path, is_random, is_stand_in};
use super::{Match, Tail};
use crate::redact::kind::Kind;
use crate::redact::view::{More, View};

/// A key, or the end of one: `password` stands for `DB_PASSWORD` and `dbPassword` too.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) literal: &'static str,
    kind: Kind,
    grade: Grade,
}

/// How much the key alone says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    /// The value is a secret unless it is plainly none.
    Strong,
    /// The value is a secret where it could be a generated one.
    Named,
    /// The word has other uses; the value has to look generated.
    Weak,
    /// As `Strong`, but paths are meant as often (`PWD`).
    Path,
}

const fn key(literal: &'static str, kind: Kind, grade: Grade) -> Key {
    Key { literal, kind, grade }
}

pub(super) static KEYS: &[Key] = &[
    key("password", Kind::Password, Grade::Strong),
    key("passwd", Kind::Password, Grade::Strong),
    key("passphrase", Kind::Password, Grade::Strong),
    key("passcode", Kind::Password, Grade::Strong),
    key("_pass", Kind::Password, Grade::Strong),
    key("-pass", Kind::Password, Grade::Strong),
    key("pwd", Kind::Password, Grade::Path),
    key("secret_access_key", Kind::AwsSecretKey, Grade::Strong),
    key("secret-access-key", Kind::AwsSecretKey, Grade::Strong),
    key("secretaccesskey", Kind::AwsSecretKey, Grade::Strong),
    key("client_secret", Kind::Secret, Grade::Named),
    key("client-secret", Kind::Secret, Grade::Named),
    key("clientsecret", Kind::Secret, Grade::Named),
    key("secret_key", Kind::Secret, Grade::Named),
    key("secret-key", Kind::Secret, Grade::Named),
    key("secretkey", Kind::Secret, Grade::Named),
    key("api_key", Kind::Secret, Grade::Named),
    key("api-key", Kind::Secret, Grade::Named),
    key("apikey", Kind::Secret, Grade::Named),
    key("private_key", Kind::Secret, Grade::Named),
    key("private-key", Kind::Secret, Grade::Named),
    key("privatekey", Kind::Secret, Grade::Named),
    key("signing_key", Kind::Secret, Grade::Named),
    key("signing-key", Kind::Secret, Grade::Named),
    key("encryption_key", Kind::Secret, Grade::Named),
    key("encryption-key", Kind::Secret, Grade::Named),
    key("master_key", Kind::Secret, Grade::Named),
    key("account_key", Kind::Secret, Grade::Named),
    key("accountkey", Kind::Secret, Grade::Named),
    key("sharedaccesskey", Kind::Secret, Grade::Named),
    key("access_token", Kind::Secret, Grade::Named),
    key("access-token", Kind::Secret, Grade::Named),
    key("accesstoken", Kind::Secret, Grade::Named),
    key("refresh_token", Kind::Secret, Grade::Named),
    key("refreshtoken", Kind::Secret, Grade::Named),
    key("auth_token", Kind::Secret, Grade::Named),
    key("auth-token", Kind::Secret, Grade::Named),
    key("authtoken", Kind::Secret, Grade::Named),
    key("api_token", Kind::Secret, Grade::Named),
    key("api-token", Kind::Secret, Grade::Named),
    key("apitoken", Kind::Secret, Grade::Named),
    key("session_token", Kind::Secret, Grade::Named),
    key("_auth", Kind::Secret, Grade::Named),
    key("amz-signature", Kind::Secret, Grade::Named),
    key("goog-signature", Kind::Secret, Grade::Named),
    key("&sig", Kind::Secret, Grade::Named),
    key("?sig", Kind::Secret, Grade::Named),
    key("access_key", Kind::Secret, Grade::Weak),
    key("access-key", Kind::Secret, Grade::Weak),
    key("accesskey", Kind::Secret, Grade::Weak),
    key("credential", Kind::Secret, Grade::Weak),
    key("credentials", Kind::Secret, Grade::Weak),
    key("secret", Kind::Secret, Grade::Weak),
    key("token", Kind::Secret, Grade::Weak),
];

/// What stands before `token` where it is no secret but a place in a list, and before
/// `password` where the flag takes no value.
const NOT_SECRET: &[&[u8]] = &[
    b"next",
    b"page",
    b"starting",
    b"start",
    b"continuation",
    b"continue",
    b"sync",
    b"resume",
    b"pagination",
];
const NO_VALUE: &[&[u8]] = &[b"--no-", b"--ask-", b"--prompt-", b"--generate-", b"--show-", b"--reset-"];

/// The most bytes of a value that are weighed; whatever is longer is no name or word.
const MAX: usize = 128;

struct Context<'v> {
    key: &'static Key,
    /// The part of the key's word that stands before the trigger.
    prefix: &'v [u8],
    /// The key as written.
    name: &'v [u8],
    is_flag: bool,
}

/// What joins key and value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    /// `=` with nothing between it and the key or the value.
    Tight,
    /// `:`, `=>`, `:=`, or `=` with space around.
    Loose,
    /// `==` and `!=`: only a literal says anything.
    Comparison,
    /// The space between a flag and its value.
    Blank,
    /// `>` of an element `<password>`.
    Element,
}

pub(super) fn pair(
    view: View<'_>,
    at: usize,
    key_end: usize,
    key: &'static Key,
) -> Result<Option<Match>, More> {
    let context = context(view, at, key_end, key);
    if is_excluded(&context) {
        return Ok(None);
    }
    let Some((separator, start)) = separator(view, key_end, &context)? else { return Ok(None) };
    read(view, at, start, separator, &context)
}

fn context<'v>(view: View<'v>, at: usize, key_end: usize, key: &'static Key) -> Context<'v> {
    let before = view.before(at);
    let len = before
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        .count();
    let prefix = before.get(before.len() - len..).unwrap_or_default();
    let is_flag = prefix.starts_with(b"-") || (prefix.is_empty() && key.literal.starts_with('-'));
    Context { key, prefix, name: view.slice(at, key_end), is_flag }
}

fn is_excluded(context: &Context<'_>) -> bool {
    let prefix = context.prefix.to_ascii_lowercase();
    let stem = prefix.strip_suffix(b"_").or_else(|| prefix.strip_suffix(b"-")).unwrap_or(&prefix);
    (context.key.literal == "token" && NOT_SECRET.iter().any(|word| stem.ends_with(word)))
        || (context.is_flag && NO_VALUE.contains(&prefix.as_slice()))
}

fn separator(
    view: View<'_>,
    key_end: usize,
    context: &Context<'_>,
) -> Result<Option<(Separator, usize)>, More> {
    let closed = value::closing_quote(view, key_end)?;
    if view.at(closed)? == Some(b'>') && closed == key_end {
        return Ok(Some((Separator::Element, closed + 1)));
    }
    if view.starts_with(closed, b"%3D")? || view.starts_with(closed, b"%3d")? {
        return Ok(Some((Separator::Tight, closed + 3)));
    }
    let at = value::spaces(view, closed)?;
    let (separator, after) = match (view.at(at)?, context.is_flag) {
        (Some(b'='), _) => match view.at(at + 1)? {
            Some(b'=') => (Separator::Comparison, at + 2),
            Some(b'>') => (Separator::Loose, at + 2),
            _ if at == closed => (Separator::Tight, at + 1),
            _ => (Separator::Loose, at + 1),
        },
        (Some(b'!'), _) if view.at(at + 1)? == Some(b'=') => (Separator::Comparison, at + 2),
        (Some(b':' | b'?' | b'+'), _) if view.at(at + 1)? == Some(b'=') => (Separator::Loose, at + 2),
        (Some(b':'), _) => (Separator::Loose, at + 1),
        // An argv written as a list: `"--password", "x"`.
        (Some(b','), true) if closed > key_end => (Separator::Blank, at + 1),
        (Some(_), true) if at > closed => (Separator::Blank, at),
        _ => return listed(view, key_end),
    };
    let start = value::spaces(view, after)?;
    if separator == Separator::Tight && start > after {
        return Ok(if start - after > 1 || !context.is_flag {
            Some((Separator::Loose, start))
        } else {
            None
        });
    }
    Ok(Some((separator, start)))
}

/// `name: DB_PASSWORD` followed by `value: …`, as containers are given their environment.
fn listed(view: View<'_>, key_end: usize) -> Result<Option<(Separator, usize)>, More> {
    let quoted = value::closing_quote(view, key_end)?;
    let gap = view.run(quoted, 48, |b| b.is_ascii_whitespace() || b == b',')?;
    if gap == quoted {
        return Ok(None);
    }
    let name = value::opening_quote(view, gap)?;
    if !view.starts_with(name, b"value")? {
        return Ok(None);
    }
    let colon = value::spaces(view, value::closing_quote(view, name + 5)?)?;
    if view.at(colon)? != Some(b':') {
        return Ok(None);
    }
    Ok(Some((Separator::Loose, value::spaces(view, colon + 1)?)))
}

fn read(
    view: View<'_>,
    trigger: usize,
    at: usize,
    separator: Separator,
    context: &Context<'_>,
) -> Result<Option<Match>, More> {
    let found = |start, end, tail| Ok(Some(Match::new(trigger, start..end, context.key.kind, tail)));
    // `b"…"`, `f"…"`, `$'…'`.
    let prefixed = matches!(view.at(at)?, Some(b'b' | b'f' | b'r' | b'u' | b'L' | b'@' | b'$'))
        && matches!(view.at(at + 1)?, Some(b'"' | b'\''));
    if let Some((quote, start)) = value::quote(view, at + usize::from(prefixed))? {
        if separator == Separator::Element {
            return Ok(None);
        }
        return match value::quoted_end(view, start, MAX, quote)? {
            QuotedEnd::Closed(end) if is_secret_quoted(view.slice(start, end), separator, context) => {
                found(start, end, Tail::Closed)
            }
            // A quote that the line does not close belongs to other text, unless it was opened
            // for a value that now holds a substitution.
            QuotedEnd::Stopped(end)
                if matches!(view.at(end)?, Some(b'$' | b'`'))
                    && is_secret_quoted(view.slice(start, end), separator, context) =>
            {
                found(start, end, Tail::Closed)
            }
            QuotedEnd::Long(end) if opens_value(view.slice(start, end), context) => {
                found(start, end, Tail::Quoted(quote))
            }
            _ => Ok(None),
        };
    }
    if separator == Separator::Comparison {
        return Ok(None);
    }
    let run = view.run(at, MAX, is_bare)?;
    let text = view.slice(at, run);
    // A `$` before a parenthesis opens a substitution, which stays readable.
    if let Some(literal) = text.strip_suffix(b"$")
        && view.at(run)? == Some(b'(')
    {
        let is_secret = is_secret_bare(literal, separator, context);
        return if is_secret { found(at, run - 1, Tail::Closed) } else { Ok(None) };
    }
    if run - at == MAX {
        return if is_stand_in(text) || is_path(text) { Ok(None) } else { found(at, run, Tail::Bare) };
    }
    let end = value::trim_end(view, at, run);
    let text = view.slice(at, end);
    if separator == Separator::Element {
        let closes = view.starts_with(run, b"</")?;
        return if closes && is_secret_bare(text, separator, context) {
            found(at, end, Tail::Closed)
        } else {
            Ok(None)
        };
    }
    if is_code(view, at, run)? || is_prose(view, text, run, separator)? {
        return Ok(None);
    }
    if is_secret_bare(text, separator, context) { found(at, end, Tail::Closed) } else { Ok(None) }
}

/// A call, an index, a type, or the pointer of one.
fn is_code(view: View<'_>, at: usize, run: usize) -> Result<bool, More> {
    let text = view.slice(at, run);
    let name = text.iter().take_while(|b| value::is_path_segment(**b)).count();
    let is_pointer = matches!(text, [b'*', rest @ ..] if rest.iter().all(|b| b.is_ascii_alphabetic()));
    if name < text.len() || text.is_empty() {
        return Ok(is_pointer || name > 0 && text.get(name) == Some(&b'['));
    }
    Ok(match view.at(run)? {
        Some(b'(') => true,
        Some(b'<') => text.first().is_some_and(u8::is_ascii_uppercase),
        // A declaration: `password: usize = 12`.
        Some(b' ') => view.starts_with(run + 1, b"= ")?,
        _ => false,
    })
}

/// A word of a sentence: `password: please choose one`.
fn is_prose(view: View<'_>, text: &[u8], run: usize, separator: Separator) -> Result<bool, More> {
    if !matches!(separator, Separator::Loose) || !text.iter().all(u8::is_ascii_alphabetic) {
        return Ok(false);
    }
    Ok(view.at(run)? == Some(b' ') && view.at(run + 1)?.is_some_and(|b| b.is_ascii_alphabetic()))
}

/// Whether text inside quotes can be a value at all, and not what follows a quoted key.
fn opens_value(text: &[u8], context: &Context<'_>) -> bool {
    let is_glue = text.first().is_none_or(|b| {
        b.is_ascii_whitespace() || matches!(b, b',' | b';' | b')' | b'|' | b'&' | b'+' | b']' | b'}')
    });
    let is_sentence = text.contains(&b' ')
        && (context.key.grade != Grade::Strong
            || contains_ignore_case(text, context.key.literal.trim_start_matches(['_', '-']).as_bytes()));
    !is_glue && !is_sentence && !is_stand_in(text)
}

fn is_secret_quoted(text: &[u8], separator: Separator, context: &Context<'_>) -> bool {
    opens_value(text, context) && is_secret(text, true, separator, context)
}

fn is_secret_bare(text: &[u8], separator: Separator, context: &Context<'_>) -> bool {
    let is_flag = separator == Separator::Blank && text.starts_with(b"-");
    let is_tag = separator == Separator::Loose
        && text.starts_with(b"!")
        && text.iter().skip(1).all(u8::is_ascii_alphabetic);
    !is_flag && !is_tag && !is_stand_in(text) && is_secret(text, false, separator, context)
}

fn is_secret(text: &[u8], quoted: bool, separator: Separator, context: &Context<'_>) -> bool {
    if text.len() < 3 || is_path(text) || is_same_name(text, context) {
        return false;
    }
    // The name of a database of users is no name of a secret.
    let is_database = context.key.literal == "passwd" && context.prefix.is_empty();
    if is_database && separator == Separator::Loose && !is_credential(text) {
        return false;
    }
    // Upper-case keys are variables, and flags are asked for by name: neither is prose.
    let is_variable = separator == Separator::Tight && context.name.iter().all(|b| !b.is_ascii_lowercase());
    let is_header = separator == Separator::Loose && context.prefix.ends_with(b"-") && !context.is_flag;
    let grade = match context.key.grade {
        Grade::Weak if context.key.literal == "token" && (is_variable || is_header || context.is_flag) => {
            Grade::Named
        }
        Grade::Weak if is_variable => Grade::Named,
        Grade::Path if context.prefix.is_empty() && is_variable => return false,
        grade => grade,
    };
    match grade {
        Grade::Strong | Grade::Path => true,
        Grade::Named => {
            let is_count = text.len() < 9 && text.iter().all(u8::is_ascii_digit);
            text.len() >= 8 && !is_count && (quoted || is_credential(text))
        }
        Grade::Weak => is_random(text),
    }
}

/// `password=password`, `--token TOKEN`, `apiKey: apiKey`: the name again is a blank.
fn is_same_name(text: &[u8], context: &Context<'_>) -> bool {
    let plain = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
    };
    // `url.password`, `rsa::PrivateKey`.
    let is_member =
        text.iter().all(|b| value::is_path_segment(*b)) && text.iter().any(|b| matches!(b, b'.' | b':'));
    let text = plain(text);
    let name = plain(context.name);
    let full = [plain(context.prefix), name.clone()].concat();
    text == name || text == full || (text.ends_with(&name) && (full.ends_with(&text) || is_member))
}

fn contains_ignore_case(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}
