//! The commands of the clients that SQL is written to: psql's and mysql's behind a backslash,
//! those that are words, and those that are lines.

use std::borrow::Cow;

use super::super::cursor::Cursor;
use super::super::{Act, Found, Known, Statement, StatementKind};
use super::lex::{Lexed, Lexer, Reading};
use super::secret;
use super::statement::{self, Around};

/// Words that are commands of a client where a statement could start: of mysql, of cqlsh and of SQL*Plus.
const WORDS: &[&str] = &[
    "system",
    "source",
    "tee",
    "pager",
    "edit",
    "delimiter",
    "connect",
    "capture",
    "login",
    "host",
    "spool",
];

/// Words that are, too, and change nothing but what is shown.
const TAME_WORDS: &[&str] = &[
    "notee",
    "nopager",
    "prompt",
    "status",
    "warnings",
    "nowarning",
    "rehash",
    "clear",
    "ego",
    "exit",
    "quit",
    "charset",
];

/// Takes a line that is a command in words, if the next one is; false if not.
pub(super) fn line<'t>(cursor: &mut Cursor<'t>, found: &mut Vec<Found<'t>>) -> bool {
    let mut ahead = *cursor;
    ahead.eat_while(|byte| byte.is_ascii_whitespace());
    let start = ahead.position();
    let word = ahead.eat_while(|byte| byte.is_ascii_alphabetic());
    let is_in = |words: &[&str]| words.iter().any(|one| one.as_bytes().eq_ignore_ascii_case(word));
    if !(3..=9).contains(&word.len())
        || ahead.peek().is_some_and(|byte| !byte.is_ascii_whitespace() && byte != b';')
    {
        return false;
    }
    let harmful = is_in(WORDS);
    let rest = ahead.rest().split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    let rest = rest.strip_suffix(b";").unwrap_or(rest);
    let tame = rest.is_empty() && is_in(TAME_WORDS);
    if !(harmful || tame) {
        return false;
    }
    let argument = known(rest);
    to_other_clients(&mut ahead);
    *cursor = ahead;
    if harmful {
        let word = word.to_ascii_lowercase();
        let act = match word.as_slice() {
            b"system" | b"host" => Act::Shell(argument),
            b"source" => Act::Load(argument),
            b"capture" | b"spool" if rest.is_empty() || rest.eq_ignore_ascii_case(b"off") => return true,
            b"tee" | b"capture" | b"spool" => Act::Write(first_argument(rest)),
            b"pager" if rest.is_empty() => return true,
            b"pager" => Act::Shell(argument),
            b"edit" => Act::Shell(None),
            b"connect" | b"login" => Act::Network(None),
            // What ends a statement from here on is not `;`.
            _ => Act::Opaque,
        };
        found.push(Found { act, at: start..ahead.position() });
    }
    true
}

/// Takes a command behind a backslash that was just taken at `start`; says whether it ends the
/// statement before it.
pub(super) fn backslash<'t>(
    cursor: &mut Cursor<'t>,
    start: usize,
    reading: Reading,
    any: bool,
    found: &mut Vec<Found<'t>>,
) -> bool {
    let word = cursor.rest().iter().take(2).all(u8::is_ascii_alphabetic);
    // Who uses psql's commands where the database is not known does not mean mysql's letters.
    if reading.is_mysql() && !(any && word) {
        return letter(cursor, start, any, found);
    }
    let from = cursor.position();
    match cursor.peek() {
        Some(b';') => {
            cursor.skip(1);
            return true;
        }
        Some(b'!') => {
            cursor.skip(1);
            let command = known(cursor.eat_while(|byte| byte != b'\n'));
            found.push(Found { act: Act::Shell(command), at: start..cursor.position() });
            return false;
        }
        Some(byte) if byte.is_ascii_alphabetic() => {
            cursor.eat_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+'));
        }
        // What is in this line is all that it can be.
        Some(b'\n') | None => {}
        Some(_) => cursor.skip(1),
    }
    let name = cursor.since(from);
    // What only ends a command before it is taken with that; else psql throws the rest of the line away.
    if name == b"\\" {
        cursor.eat_while(|byte| byte != b'\n');
        found.push(Found { act: Act::Opaque, at: start..cursor.position() });
        return false;
    }
    let arguments_start = cursor.position();
    let substituted = arguments(cursor);
    let arguments = cursor.since(arguments_start).trim_ascii();
    cursor.eat_all(b"\\\\");
    let first = first_argument(arguments);
    let plain = name.strip_suffix(b"+").unwrap_or(name);
    let statement = |kind| Act::Statement(Statement { kind, everything: false, object: None, class: None });
    let act = match plain {
        b"" => None,
        b"." | b"i" | b"ir" | b"include" | b"include_relative" => Some(Act::Load(first)),
        b"e" | b"edit" | b"ef" | b"ev" => Some(Act::Shell(None)),
        b"copy" => {
            copy(arguments, start, cursor.position(), found);
            None
        }
        b"o" | b"out" | b"w" | b"write" | b"g" | b"gx" | b"T" if !arguments.is_empty() => output(arguments),
        b"s" if !arguments.is_empty() => Some(Act::Write(first)),
        b"P" if !arguments.is_empty() => Some(Act::Shell(known(arguments))),
        // Executes what the query returns.
        b"gexec" => Some(statement(StatementKind::Execute)),
        b"lo_import" => {
            found.push(Found { act: Act::Read(first), at: start..cursor.position() });
            Some(statement(StatementKind::Function))
        }
        b"lo_export" => Some(Act::Write(None)),
        b"lo_unlink" => Some(statement(StatementKind::Function)),
        b"password" => Some(statement(StatementKind::Alter)),
        b"c" | b"connect" | b"r" if !arguments.is_empty() => Some(Act::Network(None)),
        b"getenv" => Some(Act::Environment),
        // What is no variable of psql's own becomes text of later statements.
        b"set" if !arguments.is_empty() && !OWN_VARIABLES.contains(&first_word(arguments)) => {
            Some(Act::Opaque)
        }
        // What is written from here on lies elsewhere than it says.
        b"cd" if !arguments.is_empty() => Some(Act::Opaque),
        // To mycli, runs a statement that was kept.
        b"f" if arguments.first().is_some_and(u8::is_ascii_alphanumeric) => Some(Act::Opaque),
        // With the passwords that they are for.
        b"deu" | b"dRs" if name.ends_with(b"+") => Some(statement(StatementKind::Secret)),
        // To mysql, `\d //` changes what ends a statement.
        b"d" if !arguments
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'*' | b'"' | b'?')) =>
        {
            Some(Act::Opaque)
        }
        _ if TAME.contains(&plain) || plain.first() == Some(&b'd') => None,
        _ => Some(Act::Opaque),
    };
    let end = cursor.position();
    if let Some(act) = act {
        found.push(Found { act, at: start..end });
    }
    if let Some(command) = substituted {
        found.push(Found { act: Act::Shell(known(command)), at: start..end });
    }
    matches!(plain, b"g" | b"G" | b"gx" | b"gexec" | b"gdesc" | b"watch" | b"crosstabview")
}

/// Takes a command of mysql behind a backslash: one letter, behind which the statement goes on. Those with arguments have
/// them up to the next `;`, and what is behind that is a statement too.
fn letter<'t>(cursor: &mut Cursor<'t>, start: usize, any: bool, found: &mut Vec<Found<'t>>) -> bool {
    let Some(letter) = cursor.next() else { return false };
    let line = cursor.rest().split(|byte| *byte == b'\n').next().unwrap_or_default();
    let arguments = line.trim_ascii();
    let act = match letter {
        b'!' => Some(Act::Shell(known(arguments))),
        b'.' => Some(Act::Load(first_argument(arguments))),
        b'e' => Some(Act::Shell(None)),
        b'T' if !arguments.is_empty() => Some(Act::Write(first_argument(arguments))),
        b'P' if !arguments.is_empty() => Some(Act::Shell(known(arguments))),
        b'r' if !arguments.is_empty() => Some(Act::Network(None)),
        // What ends a statement from here on. (To psql, a name is described.)
        b'd' if !arguments.iter().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'*' | b'"' | b'?' | b'+' | b' ')
        }) =>
        {
            Some(Act::Opaque)
        }
        _ => None,
    };
    if matches!(letter, b'!' | b'.' | b'T' | b'P' | b'r' | b'd' | b'u' | b'C' | b'R') {
        let end = line.iter().position(|byte| *byte == b';').map_or(line.len(), |end| end + 1);
        cursor.skip(end);
    } else if any
        && letter != b'G'
        && (arguments.starts_with(b"|") || !arguments.iter().any(|byte| matches!(byte, b' ' | b';')))
    {
        // To psql, this is an argument.
        cursor.skip(line.len());
    }
    if let Some(act) = act {
        found.push(Found { act, at: start..cursor.position() });
    }
    matches!(letter, b'g' | b'G' | b';')
}

/// Variables that psql looks at itself, and lets nobody set to what it does not understand.
const OWN_VARIABLES: &[&[u8]] = &[
    b"AUTOCOMMIT",
    b"COMP_KEYWORD_CASE",
    b"ECHO",
    b"ECHO_HIDDEN",
    b"FETCH_COUNT",
    b"HIDE_TABLEAM",
    b"HIDE_TOAST_COMPRESSION",
    b"HISTCONTROL",
    b"HISTSIZE",
    b"ON_ERROR_ROLLBACK",
    b"ON_ERROR_STOP",
    b"QUIET",
    b"SHOW_ALL_RESULTS",
    b"SHOW_CONTEXT",
    b"SINGLESTEP",
    b"VERBOSITY",
    b"WATCH_INTERVAL",
];

/// Commands behind a backslash that change nothing but what is shown. All that start with `d`
/// describe.
const TAME: &[&[u8]] = &[
    b"o",
    b"out",
    b"w",
    b"g",
    b"gx",
    b"G",
    b"s",
    b"c",
    b"r",
    b"P",
    b"T",
    b"l",
    b"list",
    b"z",
    b"x",
    b"t",
    b"a",
    b"f",
    b"H",
    b"h",
    b"help",
    b"?",
    b"q",
    b"quit",
    b"p",
    b"print",
    b"pset",
    b"echo",
    b"qecho",
    b"warn",
    b"timing",
    b"conninfo",
    b"copyright",
    b"errverbose",
    b"encoding",
    b"gdesc",
    b"crosstabview",
    b"if",
    b"elif",
    b"else",
    b"endif",
    b"sf",
    b"sv",
    b"watch",
    b"set",
    b"unset",
    b"reset",
    b"cd",
    b"u",
    b"C",
    b"n",
    b"W",
    b"R",
    b"#",
    b"\\",
    b":",
    b"bind",
    b"connect",
];

/// Moves behind the arguments of a command: to the end of the line or the next command. Says what
/// stands between backquotes, which psql gives to a shell.
fn arguments<'t>(cursor: &mut Cursor<'t>) -> Option<&'t [u8]> {
    let mut command = None;
    while let Some(byte) = cursor.peek() {
        if matches!(byte, b'\n' | b'\\') {
            break;
        }
        cursor.skip(1);
        if !matches!(byte, b'\'' | b'"' | b'`') {
            continue;
        }
        let start = cursor.position();
        while let Some(inner) = cursor.peek().filter(|inner| *inner != byte && *inner != b'\n') {
            let escapes = inner == b'\\' && byte == b'\'' && cursor.peek_at(1) != Some(b'\n');
            cursor.skip(if escapes { 2 } else { 1 });
        }
        if byte == b'`' {
            command = command.or(Some(cursor.since(start)));
        }
        cursor.eat(byte);
    }
    command
}

/// `\copy t from program 'command'`, `\copy (query) to 'file'`.
fn copy<'t>(arguments: &'t [u8], start: usize, end: usize, found: &mut Vec<Found<'t>>) {
    let mut push = |act| found.push(Found { act, at: start..end });
    let mut cursor = Cursor::new(arguments);
    let mut depth = 0_u32;
    while let Some(byte) = cursor.next() {
        match byte {
            b'\'' | b'"' => {
                cursor.eat_while(|inner| inner != byte);
                cursor.eat(byte);
            }
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if byte.is_ascii_alphabetic() => {
                let from = cursor.position().saturating_sub(1);
                cursor.eat_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                let word = cursor.since(from);
                let reads = word.eq_ignore_ascii_case(b"from");
                if depth > 0 || !(reads || word.eq_ignore_ascii_case(b"to")) {
                    continue;
                }
                let query = arguments.get(..from).unwrap_or_default().trim_ascii();
                let rest = cursor.rest().trim_ascii();
                let target =
                    rest.split(|byte| byte.is_ascii_whitespace() || *byte == b';').next().unwrap_or_default();
                let is = |names: &[&[u8]]| names.iter().any(|name| name.eq_ignore_ascii_case(target));
                if is(&[b"program"]) {
                    push(Act::Shell(first_argument(rest.get(7..).unwrap_or_default().trim_ascii())));
                } else if !is(&[b"stdin", b"pstdin", b"stdout", b"pstdout"]) {
                    let file = first_argument(rest);
                    push(if reads { Act::Read(file) } else { Act::Write(file) });
                }
                if reads {
                    let object = Some(Cow::Borrowed(query));
                    push(Act::Statement(Statement {
                        kind: StatementKind::Copy,
                        everything: false,
                        object,
                        class: None,
                    }));
                }
                push_query(query, start, end, found);
                return;
            }
            _ => {}
        }
    }
    push(Act::Opaque);
}

/// What the query of a `\copy` does.
fn push_query<'t>(query: &'t [u8], start: usize, end: usize, found: &mut Vec<Found<'t>>) {
    let mut lexer = Lexer::new(query, Reading::POSTGRES);
    let mut tokens = Vec::new();
    while let Lexed::Token(token) = lexer.next(|| false) {
        tokens.push(token);
    }
    let mut inner = Vec::new();
    // A table, and not a query.
    if !query.starts_with(b"(") {
        if secret::read(&tokens, None).is_some() {
            let secret =
                Statement { kind: StatementKind::Secret, everything: false, object: None, class: None };
            found.push(Found { act: Act::Statement(secret), at: start..end });
        }
        return;
    }
    let around = Around { reading: Reading::POSTGRES, used: None, depth: 0 };
    statement::read(query, &tokens, around, &mut inner);
    found.extend(inner.into_iter().map(|one| Found { act: one.act, at: start..end }));
}

/// Where output goes: `file`, or `| command`, behind options in brackets.
fn output(arguments: &[u8]) -> Option<Act<'_>> {
    let arguments = if arguments.first() == Some(&b'(') {
        let Some(end) = arguments.iter().position(|byte| *byte == b')') else { return Some(Act::Opaque) };
        arguments.get(end + 1..).unwrap_or_default().trim_ascii_start()
    } else {
        arguments
    };
    if arguments.is_empty() {
        return None;
    }
    match arguments.strip_prefix(b"|") {
        Some(command) => Some(Act::Shell(known(command))),
        None => Some(Act::Write(first_argument(arguments))),
    }
}

/// To another client, the line of a command is a statement that ends at `;`, and what follows is
/// the next one.
pub(super) fn to_other_clients(cursor: &mut Cursor<'_>) {
    let mut quote = None;
    while let Some(byte) = cursor.peek() {
        match quote {
            _ if byte == b'\n' => break,
            Some(open) if byte == open => quote = None,
            None if matches!(byte, b'\'' | b'"') => quote = Some(byte),
            None if byte == b';' => {
                cursor.skip(1);
                break;
            }
            _ => {}
        }
        cursor.skip(1);
    }
}

fn first_word(arguments: &[u8]) -> &[u8] {
    arguments.split(u8::is_ascii_whitespace).next().unwrap_or_default()
}

/// A constant, without the blanks around it.
pub(super) fn known(text: &[u8]) -> Known<'_> {
    let text = text.trim_ascii();
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}

/// The first argument of a command, if no variable or escape is in it.
pub(super) fn first_argument(arguments: &[u8]) -> Known<'_> {
    let quote = arguments.first().copied().filter(|first| matches!(first, b'\'' | b'"'));
    let argument = match quote {
        Some(quote) => {
            let mut parts = arguments.get(1..)?.split(|byte| *byte == quote);
            let inner = parts.next()?;
            // Two quotes stand for one, and a word may go on behind a quote.
            if parts
                .next()
                .is_some_and(|behind| !matches!(behind.first(), None | Some(b' ' | b'\t' | b';' | b')')))
            {
                return None;
            }
            if parts.next().is_some() && arguments.get(inner.len() + 2) == Some(&quote) {
                return None;
            }
            inner
        }
        None => arguments.split(u8::is_ascii_whitespace).next()?,
    };
    let argument = if quote.is_none() { argument.strip_suffix(b";").unwrap_or(argument) } else { argument };
    let plain = !argument.iter().any(|byte| matches!(byte, b'\\' | b'`'))
        && (quote.is_some() || argument.first() != Some(&b':'));
    (plain && !argument.is_empty()).then_some(Cow::Borrowed(argument))
}

/// Lines that clients take for commands wherever they stand, also in the middle of a statement: `:!! command` and
/// `:r file` of sqlcmd, `!sh command` of beeline, `!command` of SQL*Plus.
pub(super) fn lines<'t>(text: &'t [u8], found: &mut Vec<Found<'t>>) {
    let mut start = 0;
    for line in text.split(|byte| *byte == b'\n') {
        let at = start..start + line.len();
        start = at.end + 1;
        let line = line.trim_ascii();
        let (word, rest) = line.split_at(line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len()));
        let act = match word.to_ascii_lowercase().as_slice() {
            [b':', b'!', b'!', ..] | [b'!', b'!', ..] => {
                let bangs = line.iter().position(|byte| !matches!(byte, b':' | b'!')).unwrap_or(line.len());
                Act::Shell(known(line.get(bangs..).unwrap_or_default()))
            }
            b"!sh" => Act::Shell(known(rest)),
            [b'!', first, ..] if first.is_ascii_alphabetic() || matches!(first, b'/' | b'.') => {
                Act::Shell(known(line.get(1..).unwrap_or_default()))
            }
            b":r" if !rest.is_empty() => Act::Load(first_argument(rest.trim_ascii())),
            b":out" | b":error" | b":perftrace" if !rest.is_empty() => {
                Act::Write(first_argument(rest.trim_ascii()))
            }
            b":connect" => Act::Network(None),
            b":setvar" => Act::Opaque,
            b":ed" => Act::Shell(None),
            _ => continue,
        };
        found.push(Found { act, at });
    }
}
