//! What an opaque text plainly says that it does: constant arguments of well-known calls.

use std::borrow::Cow;

use super::super::{Act, Found, Known};
use super::dialect::{Deed, Dialect, Kind, Syntax};

/// Adds every act that a piece of the text tells of. What stands inside a longer piece that was
/// found before is not told twice.
pub(super) fn acts<'t>(dialect: &'static Dialect, text: &'t [u8], found: &mut Vec<Found<'t>>) {
    let whole = found.len();
    for plain in dialect.acts {
        for start in places(text, plain.text.as_bytes()) {
            let end = start + plain.text.len();
            let behind = text.get(end..).unwrap_or_default();
            let (act, end) = match plain.act {
                Kind::With(Deed::Shell) => (Act::Shell(command(behind, false)), end),
                Kind::With(Deed::Argv) => (Act::Shell(command(behind, true)), end),
                Kind::With(deed) => (deed.of(first_string(behind)), end),
                Kind::Without(deed) => (deed.of(None), end),
                Kind::Until(close) => {
                    let length = behind.iter().position(|byte| *byte == close);
                    let code = length.and_then(|length| behind.get(..length)).filter(|code| is_plain(code));
                    (Act::Shell(code.map(Cow::Borrowed)), end + length.map_or(0, |length| length + 1))
                }
                Kind::Environment => (Act::Environment, end),
            };
            add(found, whole, act, start, end);
        }
    }
    if dialect.syntax == Syntax::Python {
        imports(text, found);
    }
    if dialect.syntax == Syntax::JavaScript {
        for start in places(text, b"require(") {
            let name = first_string(text.get(start + b"require(".len()..).unwrap_or_default());
            // Others are found where packages lie.
            if let Some(name) = name.filter(|name| matches!(name.first(), Some(b'.' | b'/'))) {
                add(found, whole, Act::Load(Some(name)), start, start);
            }
        }
    }
    evaluated(dialect, text, found, whole);
    reads(dialect, text, found);
    if matches!(dialect.syntax, Syntax::Python | Syntax::Ruby | Syntax::Php) {
        for name in [&b"open("[..], b"fopen("] {
            for start in places(text, name) {
                let arguments = text.get(start + name.len()..).unwrap_or_default();
                if opens_to_write(arguments) {
                    add(found, whole, Act::Write(first_string(arguments)), start, start + name.len());
                }
            }
        }
    }
}

/// The files that an opaque text plainly reads: what it then does with them nobody can tell.
fn reads<'t>(dialect: &'static Dialect, text: &'t [u8], found: &mut Vec<Found<'t>>) {
    const ENOUGH: usize = 64;
    let mut paths: Vec<&[u8]> = Vec::new();
    for source in dialect.sources {
        for start in places(text, source.as_bytes()) {
            let behind = text.get(start + source.len()..).unwrap_or_default();
            let Some(Cow::Borrowed(path)) = first_string(behind) else { continue };
            if paths.len() < ENOUGH && !paths.contains(&path) && !opens_to_write(behind) {
                paths.push(path);
                let at = start..start + source.len();
                found.push(Found { act: Act::Read(Some(Cow::Borrowed(path))), at });
            }
        }
    }
}

/// What a text that runs text may run: what it reads, and what it fetches.
fn evaluated<'t>(dialect: &'static Dialect, text: &'t [u8], found: &mut Vec<Found<'t>>, whole: usize) {
    // `model.eval()` is a name of its own.
    let runs = |name: &&str| {
        places(text, name.as_bytes()).any(|at| {
            at.checked_sub(1).and_then(|before| text.get(before)) != Some(&b'.') || name.contains('_')
        })
    };
    let Some(name) = dialect.evaluators.iter().find(|name| runs(name)) else { return };
    for source in dialect.sources {
        for start in places(text, source.as_bytes()) {
            let behind = text.get(start + source.len()..).unwrap_or_default();
            if let Some(path) = first_string(behind) {
                add(found, whole, Act::Load(Some(path)), start, start);
            }
        }
    }
    let fetches = found.get(whole..).unwrap_or_default().iter().any(|one| matches!(one.act, Act::Network(_)));
    let starts = found.get(whole..).unwrap_or_default().iter().any(|one| matches!(one.act, Act::Shell(_)));
    if let Some(at) = places(text, name.as_bytes()).next() {
        let at = at..at + name.len();
        if fetches {
            found.push(Found { act: Act::Fetched, at });
        } else if starts {
            found.push(Found { act: Act::Printed, at });
        }
    }
}

/// The modules that Python's `import` and `from` name.
fn imports<'t>(text: &'t [u8], found: &mut Vec<Found<'t>>) {
    const ENOUGH: usize = 24;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut modules: Vec<&[u8]> = Vec::new();
    for statement in text.split(|byte| matches!(byte, b'\n' | b';' | b':')) {
        let statement = statement.trim_ascii();
        let (names, several) = if let Some(names) = statement.strip_prefix(b"import ") {
            (names, true)
        } else if let Some(names) = statement.strip_prefix(b"from ") {
            (names, false)
        } else {
            continue;
        };
        for name in names.split(|byte| *byte == b',').take(if several { ENOUGH } else { 1 }) {
            let name = name.trim_ascii_start();
            let module = name.get(..name.iter().take_while(|byte| is_name(byte)).count()).unwrap_or_default();
            if !module.is_empty() && !modules.contains(&module) && modules.len() < ENOUGH {
                modules.push(module);
            }
        }
    }
    let import = |module| Found { act: Act::Import(Cow::Borrowed(module)), at: 0..text.len() };
    found.extend(modules.into_iter().map(import));
}

fn add<'t>(found: &mut Vec<Found<'t>>, whole: usize, act: Act<'t>, start: usize, end: usize) {
    // A text that repeats itself says nothing new.
    const ENOUGH: usize = 64;
    let known = found.get(whole..).unwrap_or_default();
    if known.len() < ENOUGH && !known.iter().any(|one| one.at.contains(&start)) {
        found.push(Found { act, at: start..end });
    }
}

/// Where `piece` stands and no longer word does.
fn places<'t>(text: &'t [u8], piece: &'t [u8]) -> impl Iterator<Item = usize> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let first = piece.first().copied();
    let starts_word = first.as_ref().is_some_and(is_word);
    // Nearly every byte is another than the first one, and no more than that is looked at.
    text.iter().enumerate().filter(move |(_, byte)| Some(**byte) == first).filter_map(move |(at, _)| {
        let stands = text.get(at..).is_some_and(|rest| rest.starts_with(piece));
        let inside =
            || starts_word && at.checked_sub(1).and_then(|before| text.get(before)).is_some_and(is_word);
        (stands && !inside()).then_some(at)
    })
}

/// The constant that stands first in `text`, if it is a whole argument.
fn first_string(text: &[u8]) -> Known<'_> {
    let (&quote, rest) = text.trim_ascii_start().split_first()?;
    if !matches!(quote, b'\'' | b'"' | b'`') {
        return None;
    }
    let end = rest.iter().position(|byte| *byte == quote)?;
    let value = rest.get(..end)?;
    let behind = rest.get(end + 1..).unwrap_or_default().trim_ascii_start().first();
    let whole = matches!(behind, None | Some(b')' | b',' | b';' | b'\n' | b'}'));
    (whole && is_plain(value)).then_some(Cow::Borrowed(value))
}

/// Whether a text stands for itself in every one of the languages.
fn is_plain(text: &[u8]) -> bool {
    !text.iter().any(|byte| matches!(byte, b'\\' | b'$' | b'#' | b'{' | b'@' | b'\n'))
}

/// The command that stands first in `text`: one string for a shell, or several and a list, which
/// are the words of a program's call. With `argv`, more of them may follow that cannot be told.
fn command(text: &[u8], argv: bool) -> Known<'_> {
    let mut words: Vec<&[u8]> = Vec::new();
    let mut rest = text.trim_ascii_start();
    let mut listed = false;
    loop {
        match rest.first() {
            Some(b'[' | b'(') if !listed => {
                listed = true;
                rest = rest.get(1..).unwrap_or_default().trim_ascii_start();
            }
            Some(quote @ (b'\'' | b'"' | b'`')) => {
                let inner = rest.get(1..).unwrap_or_default();
                let word = inner.get(..inner.iter().position(|byte| byte == quote)?)?;
                if !is_plain(word) || words.len() >= MOST_WORDS {
                    return None;
                }
                words.push(word);
                rest = inner.get(word.len() + 1..).unwrap_or_default().trim_ascii_start();
                match rest.first() {
                    Some(b',') => rest = rest.get(1..).unwrap_or_default().trim_ascii_start(),
                    Some(b']' | b')') if listed => break,
                    None | Some(b')' | b';' | b'\n' | b'}') if !listed => break,
                    _ => return None,
                }
            }
            Some(b']' | b')') if listed => break,
            // `cwd=...`, a callback: no word of the command.
            _ if !listed && words.len() == 1 && (!argv || is_setting(rest)) => break,
            _ => return None,
        }
    }
    let (first, others) = words.split_first()?;
    if !listed && others.is_empty() {
        return Some(Cow::Borrowed(first));
    }
    // `execlp("rm", "rm", ...)` names the program twice.
    let base = first.rsplit(|byte| *byte == b'/').next()?;
    let others = others.strip_prefix(&[base]).unwrap_or(others);
    let mut code = Vec::new();
    for word in std::iter::once(first).chain(others) {
        if !code.is_empty() {
            code.push(b' ');
        }
        code.push(b'\'');
        for byte in *word {
            match byte {
                b'\'' => code.extend_from_slice(b"'\\''"),
                byte => code.push(*byte),
            }
        }
        code.push(b'\'');
    }
    Some(Cow::Owned(code))
}

/// `name=`, `name:` or `{`, behind which no word of a command stands.
fn is_setting(text: &[u8]) -> bool {
    let name = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let behind = text.get(name..).unwrap_or_default();
    match behind.first() {
        Some(b'{') => name == 0,
        Some(b'=' | b':') => name > 0 && !matches!(behind.get(1), Some(b'=' | b':')),
        _ => false,
    }
}

/// Words of one call that are looked at.
const MOST_WORDS: usize = 64;

/// Whether a later argument on the line is a mode that writes.
fn opens_to_write(arguments: &[u8]) -> bool {
    let near = arguments.get(..256).unwrap_or(arguments);
    let line = near.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.split(|byte| matches!(byte, b'\'' | b'"')).take(16).any(|mode| {
        (1..=3).contains(&mode.len())
            && mode.iter().all(|byte| matches!(byte, b'r' | b'w' | b'a' | b'x' | b'c' | b'b' | b't' | b'+'))
            && mode.iter().any(|byte| matches!(byte, b'w' | b'a' | b'x' | b'c' | b'+'))
    })
}
