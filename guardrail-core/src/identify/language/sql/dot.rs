//! The commands of sqlite's shell, behind a dot.

use std::borrow::Cow;

use super::super::cursor::Cursor;
use super::super::{Act, Found, Statement, StatementKind};
use super::client::{first_argument, known, to_other_clients};

/// Commands of sqlite's shell that reach out of the database.
const DOTS: &[&str] = &[
    "archive",
    "ar",
    "auth",
    "backup",
    "cd",
    "clone",
    "connection",
    "dbconfig",
    "excel",
    "filectrl",
    "import",
    "imposter",
    "iotrace",
    "load",
    "log",
    "once",
    "open",
    "output",
    "parameter",
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
    "indexes",
    "indices",
    "intck",
    "limit",
    "lint",
    "mode",
    "nonce",
    "nullvalue",
    "print",
    "progress",
    "prompt",
    "quit",
    "schema",
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
        Some("cd") => push(Act::Opaque),
        // The value is an expression, whose functions are called.
        Some("parameter") if rest.contains(&b'(') => push(Act::Opaque),
        Some("parameter") => {}
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
