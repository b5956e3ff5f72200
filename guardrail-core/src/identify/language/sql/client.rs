//! The commands of the clients that SQL is written to: psql's and mysql's behind a backslash,
//! sqlite's behind a dot, and mysql's that are words.

use std::borrow::Cow;

use super::super::cursor::Cursor;
use super::super::{Act, Found, Known, Statement, StatementKind};
use super::lex::{Lexed, Lexer, Reading};

/// Words that are commands of mysql where a statement could start.
const WORDS: &[&str] = &["system", "source", "tee", "pager", "edit", "delimiter", "connect"];

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
        let act = match word.first().map(u8::to_ascii_lowercase) {
            Some(b's') if word.len() == 6 && word.eq_ignore_ascii_case(b"system") => Act::Shell(argument),
            Some(b's') => Act::Load(argument),
            Some(b't') => Act::Write(argument),
            Some(b'p') if rest.is_empty() => return true,
            Some(b'p') => Act::Shell(argument),
            Some(b'e') => Act::Shell(None),
            Some(b'c') => Act::Network(None),
            // What ends a statement from here on is not `;`.
            _ => Act::Opaque,
        };
        found.push(Found { act, at: start..ahead.position() });
    }
    true
}

/// Takes a command behind a backslash that was just taken at `start`; says whether it ends the
/// statement before it.
pub(super) fn backslash<'t>(cursor: &mut Cursor<'t>, start: usize, found: &mut Vec<Found<'t>>) -> bool {
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
        Some(_) => cursor.skip(1),
        None => {}
    }
    let name = cursor.since(from);
    let arguments_start = cursor.position();
    let substituted = arguments(cursor);
    let arguments = cursor.since(arguments_start).trim_ascii();
    // To mysql, these have no arguments: what follows is a statement.
    if matches!(name, b"G" | b"c" | b"e" | b"g" | b"n" | b"p" | b"q" | b"s" | b"t" | b"w" | b"W" | b"x")
        && (name == b"G" || arguments.contains(&b' ') && arguments.first() != Some(&b'|'))
    {
        cursor.rewind(arguments_start);
    }
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
        b"lo_import" => Some(Act::Read(first)),
        b"lo_export" => Some(Act::Write(None)),
        b"lo_unlink" => Some(statement(StatementKind::Function)),
        b"password" => Some(statement(StatementKind::Alter)),
        b"c" | b"connect" | b"r" if !arguments.is_empty() => Some(Act::Network(None)),
        b"getenv" => Some(Act::Environment),
        // psql's own variables are in capitals; others become text of later statements.
        b"set" if !arguments.is_empty() && !arguments.first().is_some_and(u8::is_ascii_uppercase) => {
            Some(Act::Opaque)
        }
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
            cursor.skip(if inner == b'\\' && byte == b'\'' { 2 } else { 1 });
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
                if query.starts_with(b"(") {
                    push_query(query, start, end, found);
                }
                return;
            }
            _ => {}
        }
    }
    push(Act::Opaque);
}

/// What the query of a `\copy` does.
fn push_query<'t>(query: &'t [u8], start: usize, end: usize, found: &mut Vec<Found<'t>>) {
    let mut lexer = Lexer::new(query, Reading::Postgres);
    let mut tokens = Vec::new();
    while let Lexed::Token(token) = lexer.next(|| false) {
        tokens.push(token);
    }
    let mut inner = Vec::new();
    super::statement::read(query, &tokens, &mut inner);
    found.extend(inner.into_iter().map(|one| Found { act: one.act, at: start..end }));
}

/// Where output goes: `file`, or `| command`.
fn output(arguments: &[u8]) -> Option<Act<'_>> {
    match arguments.strip_prefix(b"|") {
        Some(command) => Some(Act::Shell(known(command))),
        None => Some(Act::Write(first_argument(arguments))),
    }
}

/// Commands of sqlite's shell that reach out of the database.
const DOTS: &[&str] = &[
    "archive",
    "ar",
    "auth",
    "backup",
    "clone",
    "connection",
    "dbconfig",
    "excel",
    "filectrl",
    "import",
    "iotrace",
    "load",
    "log",
    "once",
    "open",
    "output",
    "read",
    "recover",
    "restore",
    "save",
    "scanstats",
    "session",
    "shell",
    "system",
    "testcase",
    "testctrl",
    "trace",
    "unmodule",
    "www",
];

/// Those that do not.
const TAME_DOTS: &[&str] = &[
    "bail",
    "binary",
    "cd",
    "changes",
    "check",
    "crlf",
    "crnl",
    "databases",
    "dbinfo",
    "dbtotxt",
    "dump",
    "echo",
    "eqp",
    "exit",
    "expert",
    "explain",
    "fullschema",
    "headers",
    "header",
    "help",
    "imposter",
    "indexes",
    "indices",
    "intck",
    "limit",
    "lint",
    "mode",
    "nonce",
    "nullvalue",
    "parameter",
    "print",
    "progress",
    "prompt",
    "quit",
    "schema",
    "selftest",
    "separator",
    "sha3sum",
    "show",
    "stats",
    "tables",
    "timeout",
    "timer",
    "version",
    "vfsinfo",
    "vfslist",
    "vfsname",
    "width",
];

/// Takes a command of sqlite's shell whose dot was just taken at `start`, if it is one; `fresh`
/// says that no statement was started before it.
pub(super) fn dot<'t>(
    cursor: &mut Cursor<'t>,
    start: usize,
    fresh: bool,
    found: &mut Vec<Found<'t>>,
) -> bool {
    let before = cursor.slice(0..start);
    let line = before.iter().rev().find(|byte| !matches!(byte, b' ' | b'\t'));
    if line.is_some_and(|byte| *byte != b'\n' && *byte != b';') {
        return false;
    }
    let mut ahead = *cursor;
    let name = ahead.eat_while(|byte| byte.is_ascii_alphanumeric());
    if name.is_empty() || !(fresh || DOTS.iter().any(|dot| dot.as_bytes() == name)) {
        return false;
    }
    let rest = ahead.rest().split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    to_other_clients(&mut ahead);
    *cursor = ahead;
    // The shell takes any beginning of a name.
    let exact = |names: &[&'static str]| names.iter().find(|one| one.as_bytes() == name).copied();
    if exact(TAME_DOTS).is_some() {
        return true;
    }
    let mut begun = DOTS.iter().filter(|one| one.as_bytes().starts_with(name));
    let command = exact(DOTS).or_else(|| match (begun.next(), begun.next()) {
        (Some(one), None) => Some(*one),
        (None, None) if TAME_DOTS.iter().any(|one| one.as_bytes().starts_with(name)) => Some(""),
        _ => None,
    });
    // `.once -e`, `.import --csv f t`
    let mut argument = rest;
    while argument.starts_with(b"-") {
        let option = argument.iter().position(|byte| *byte == b' ').unwrap_or(argument.len());
        argument = argument.get(option..).unwrap_or_default().trim_ascii_start();
    }
    let first = first_argument(argument);
    let end = cursor.position();
    let mut push = |act| found.push(Found { act, at: start..end });
    let piped = argument.trim_ascii_start().iter().find(|byte| !matches!(byte, b'"' | b'\'')) == Some(&b'|');
    let statement = |kind, object| Act::Statement(Statement { kind, everything: false, object, class: None });
    match command {
        Some("") => {}
        Some("shell" | "system") => push(Act::Shell(known(rest))),
        Some("output" | "once" | "excel" | "www" | "read" | "import" | "log" | "trace") if piped => {
            push(Act::Shell(first.map(|first| match first {
                Cow::Borrowed(text) if argument.starts_with(b"|") => {
                    Cow::Borrowed(argument.strip_prefix(b"|").unwrap_or(text))
                }
                other => Cow::Owned(other.get(1..).unwrap_or_default().to_vec()),
            })));
        }
        Some("excel" | "www") => push(Act::Shell(None)),
        Some("output" | "once" | "log" | "trace") => {
            let shows = matches!(argument, b"" | b"stdout" | b"stderr" | b"off" | b"on");
            if rest.starts_with(b"-e") || rest.starts_with(b"-x") || rest.starts_with(b"--") {
                push(Act::Shell(None));
            } else if !shows {
                push(Act::Write(first));
            }
        }
        Some("read") => push(Act::Load(first)),
        Some("load") => push(Act::Load(first)),
        Some("backup" | "save" | "clone") => push(Act::Write(first)),
        Some("import") => {
            push(Act::Read(first));
            push(statement(StatementKind::Insert, None));
        }
        Some("restore") => {
            push(Act::Read(first));
            push(statement(StatementKind::Update, None));
        }
        Some("open") => push(statement(StatementKind::Attach, first)),
        _ => push(Act::Opaque),
    }
    true
}

/// To another client, the line of a command is a statement that ends at `;`, and what follows is
/// the next one.
fn to_other_clients(cursor: &mut Cursor<'_>) {
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

/// A constant, without the blanks around it.
fn known(text: &[u8]) -> Known<'_> {
    let text = text.trim_ascii();
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}

/// The first argument of a command, if no variable or escape is in it.
fn first_argument(arguments: &[u8]) -> Known<'_> {
    let quote = arguments.first().copied().filter(|first| matches!(first, b'\'' | b'"'));
    let argument = match quote {
        Some(quote) => arguments.get(1..)?.split(|byte| *byte == quote).next()?,
        None => arguments.split(u8::is_ascii_whitespace).next()?,
    };
    let argument = if quote.is_none() { argument.strip_suffix(b";").unwrap_or(argument) } else { argument };
    let plain = !argument.iter().any(|byte| matches!(byte, b'\\' | b'`'))
        && (quote.is_some() || argument.first() != Some(&b':'));
    (plain && !argument.is_empty()).then_some(Cow::Borrowed(argument))
}
