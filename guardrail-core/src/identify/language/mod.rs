//! Readers for the small languages inside command lines: what would this program text do, beyond
//! computing on its input?
//!
//! A reader proves harmlessness or says what it found. Text that it cannot read is
//! [`Act::Opaque`], never nothing. Where implementations of a language disagree about where a
//! string, a regular expression or a comment ends, every reading counts.

mod awk;
mod cron;
mod cursor;
mod diff;
mod inline;
pub(crate) mod jq;
mod makefile;
mod nesting;
mod sed;
mod sql;
mod unit;
mod windows;

use std::borrow::Cow;
use std::ops::Range;

use guardrail_schema::Language;

/// A value that a program text holds: borrowed from it, decoded, or `None` if only running it
/// would tell.
pub(crate) type Known<'t> = Option<Cow<'t, [u8]>>;

/// Constructs inside constructs that any reader follows; deeper text is [`Act::Opaque`].
const MAX_DEPTH: usize = 64;

/// What one program text would do, beyond computing on its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act<'t> {
    /// Runs shell source.
    Shell(Known<'t>),
    /// Hands what it prints to shell source, or takes what that prints: what that does counts, and nothing else.
    Pipe(Cow<'t, [u8]>),
    /// Reads a file that is not among the program's own inputs.
    Read(Known<'t>),
    /// Creates or writes a file.
    Write(Known<'t>),
    /// Deletes a file.
    Delete(Known<'t>),
    /// Opens a network connection (to the host, where that is constant).
    Network(Known<'t>),
    /// Asks a constant address.
    Fetch(&'t [u8]),
    /// Reads the process environment, which may hold secrets.
    Environment,
    /// Loads code from elsewhere: a module, an extension, a script.
    Load(Known<'t>),
    /// Loads a module by its name, which is trusted as a program's is: only what the request itself
    /// puts in its place counts.
    Import(Cow<'t, [u8]>),
    /// Runs what it fetches from a network.
    Fetched,
    /// Runs text that the programs it starts may have printed.
    Printed,
    /// Runs code that this reader does not see through, or could not be read.
    Opaque,
    /// Has an effect on a database.
    Statement(Statement<'t>),
}

/// One statement of a database language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement<'t> {
    /// What kind of statement it is.
    pub kind: StatementKind,
    /// It changes every row: there is no condition, or one that always holds.
    pub everything: bool,
    /// The name of what it acts on, as written.
    pub object: Known<'t>,
    /// The type of that object (`table`, `database`, `role`, ...), in the case of the text.
    pub class: Known<'t>,
}

/// What a statement does. A statement that only reads has no kind: it is not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum StatementKind {
    /// Adds rows (`INSERT`, `LOAD DATA`, `COPY ... FROM`, `IMPORT`).
    Insert,
    /// Changes rows (`UPDATE`, `MERGE`, `REPLACE`, upserts).
    Update,
    /// Removes rows.
    Delete,
    /// Removes all rows.
    Truncate,
    /// Removes an object.
    Drop,
    /// Removes an index or a view, which is made of other data and can be made again from it.
    DropDerived,
    /// Changes an object.
    Alter,
    /// Makes an object, or a table from a query (`SELECT ... INTO`).
    Create,
    /// Gives rights.
    Grant,
    /// Takes rights away.
    Revoke,
    /// Runs code in the database: `DO`, `CALL`, `EXECUTE`, `PREPARE`.
    Execute,
    /// Calls a function that reaches out of the query: files, processes, sequences, settings.
    Function,
    /// Moves data between a table and a file or program.
    Copy,
    /// Changes a setting of the session or of the server.
    Set,
    /// Acts as another role from here on.
    Role,
    /// `VACUUM`, `REINDEX`, `ANALYZE`, `CLUSTER`, `OPTIMIZE`, ...
    Maintenance,
    /// Takes a lock that others wait for.
    Lock,
    /// Transactions that outlive the session (`PREPARE TRANSACTION`, `XA`).
    Transaction,
    /// Reads passwords or their hashes.
    Secret,
    /// Opens or leaves another database file.
    Attach,
    /// SQLite's own settings.
    Pragma,
    /// Acts on the server: `SHUTDOWN`, `KILL`, `RESET`, `PURGE`, replication, plugins.
    Admin,
    /// Security labels and other protections.
    Security,
    /// Comments, notifications, listening: no data changes.
    Session,
    /// A statement that has no mapping here.
    Unknown,
}

/// One act, with the bytes of the program text that make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found<'t> {
    /// What would be done.
    pub act: Act<'t>,
    /// Where in the text.
    pub at: Range<usize>,
}

/// Reads `program`. Nothing found means: provably nothing but computing on its input.
///
/// It is called with these words; with none where some of them cannot be known.
#[must_use]
pub(crate) fn read<'t>(language: Language, program: &'t [u8], words: &[&[u8]]) -> Vec<Found<'t>> {
    match language {
        Language::Sed => sed::read(program),
        Language::Awk => awk::read(program),
        Language::Jq => jq::read(program),
        Language::Sql => sql::read(program, sql::Dialect::Any),
        Language::PostgreSql => sql::read(program, sql::Dialect::PostgreSql),
        Language::MySql => sql::read(program, sql::Dialect::MySql),
        Language::Sqlite => sql::read(program, sql::Dialect::Sqlite),
        Language::Cron => cron::read(program, false),
        Language::SystemCron => cron::read(program, true),
        Language::Unit => unit::read(program),
        Language::Makefile => makefile::read(program),
        Language::Diff => diff::read(program),
        Language::PowerShell => windows::powershell(program),
        Language::EncodedPowerShell => windows::encoded(program),
        Language::Cmd => windows::cmd(program),
        Language::Shell => whole(program, Act::Shell(Some(Cow::Borrowed(program)))),
        _ => inline::read(language, program, words).unwrap_or_else(|| whole(program, Act::Opaque)),
    }
}

/// One act that the whole text makes.
fn whole<'t>(program: &'t [u8], act: Act<'t>) -> Vec<Found<'t>> {
    vec![Found { act, at: 0..program.len() }]
}

/// Adds what another reading of the same text found, without repeating anything.
fn join<'t>(found: &mut Vec<Found<'t>>, other: Vec<Found<'t>>) {
    // A text with more acts than this is not read one by one.
    const ENOUGH: usize = 256;
    for one in other {
        if found.len() > ENOUGH || !found.contains(&one) {
            found.push(one);
        }
    }
    found.sort_by_key(|one| one.at.start);
}

#[cfg(test)]
mod testing {
    //! Rows of program text and what must be found in it.

    use super::{Act, Language, read};

    /// What was found, each as `kind` or `kind:value` (`?` for an unknown value).
    pub(super) fn acts(language: Language, program: &str) -> Vec<String> {
        read(language, program.as_bytes(), &[])
            .iter()
            .map(|found| {
                assert!(
                    found.at.start <= found.at.end && found.at.end <= program.len(),
                    "{program}: {found:?}"
                );
                let (kind, value) = match &found.act {
                    Act::Shell(value) => ("shell", value),
                    Act::Pipe(code) => return format!("pipe:{}", String::from_utf8_lossy(code)),
                    Act::Read(value) => ("read", value),
                    Act::Write(value) => ("write", value),
                    Act::Delete(value) => ("delete", value),
                    Act::Network(value) => ("network", value),
                    Act::Fetch(url) => return format!("fetch:{}", String::from_utf8_lossy(url)),
                    Act::Load(value) => ("load", value),
                    Act::Import(name) => return format!("import:{}", String::from_utf8_lossy(name)),
                    Act::Fetched => return "fetched".to_owned(),
                    Act::Printed => return "printed".to_owned(),
                    Act::Environment => return "environment".to_owned(),
                    Act::Opaque => return "opaque".to_owned(),
                    Act::Statement(statement) => {
                        let everything = if statement.everything { " everything" } else { "" };
                        let text = |value: &super::Known<'_>| {
                            value
                                .as_ref()
                                .map_or_else(String::new, |value| String::from_utf8_lossy(value).into_owned())
                        };
                        let words = format!(
                            "{:?}{everything} {} {}",
                            statement.kind,
                            text(&statement.class),
                            text(&statement.object)
                        );
                        return words.split_whitespace().collect::<Vec<_>>().join(" ");
                    }
                };
                let value = value.as_ref().map_or_else(|| "?".into(), |value| String::from_utf8_lossy(value));
                format!("{kind}:{value}")
            })
            .collect()
    }

    /// Every program must do exactly what stands beside it; which modules it loads need not.
    pub(super) fn check(language: Language, rows: &[(&str, &[&str])]) {
        let differs = |program: &str, wanted: &[&str]| {
            let mut found = acts(language, program);
            if !wanted.iter().any(|act| act.starts_with("import:")) {
                found.retain(|act| !act.starts_with("import:"));
            }
            found != wanted
        };
        let wrong: Vec<String> = rows
            .iter()
            .filter(|(program, wanted)| differs(program, wanted))
            .map(|(program, wanted)| {
                format!("{program}\n  wanted {wanted:?}\n  found  {:?}", acts(language, program))
            })
            .collect();
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }

    /// Every program must be found to do nothing.
    pub(super) fn harmless(language: Language, programs: &[&str]) {
        let wrong: Vec<String> = programs
            .iter()
            .map(|program| (program, acts(language, program)))
            .filter(|(_, acts)| acts.iter().any(|act| !act.starts_with("import:")))
            .map(|(program, acts)| format!("{program}\n  found {acts:?}"))
            .collect();
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const READ: &[Language] = Language::ALL;

    fn words() -> impl Strategy<Value = Vec<u8>> {
        let word = prop::sample::select(&[
            "/",
            "[",
            "]",
            "^",
            "\\",
            "\n",
            ";",
            "{",
            "}",
            "(",
            ")",
            "s",
            "w f",
            "e",
            "y",
            "print",
            "getline",
            "<",
            ">",
            "|",
            "\"",
            "'",
            "`",
            "$",
            "@",
            "#",
            "--",
            "/*",
            "*/",
            "/*!",
            "$$",
            "$a$",
            "E'",
            "DELETE",
            "FROM",
            "t",
            "WITH",
            "AS",
            "SELECT",
            "INTO",
            "COPY",
            "PROGRAM",
            ".shell",
            "\\!",
            "env",
            "\\(",
            "import",
            "def",
            "x",
            "=",
            "os",
            ".",
            "system",
            "q(",
            "<<",
            "${",
            "f\"",
            "0",
            "true",
            "U&\"",
            "UESCAPE",
            "q'[",
            "'''",
            "\\\\",
            "\n:!! ",
            "DO",
            "EXPLAIN",
            "f(",
            "pg_shadow",
            "FOR UPDATE",
            "\u{feff}",
            "db.",
            "runCommand(",
            "$out",
            ".drop(",
        ]);
        prop::collection::vec(word, 0..40).prop_map(|words| words.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic(program in prop::collection::vec(any::<u8>(), 0..200)) {
            for &language in READ {
                let _ = read(language, &program, &[]);
            }
        }

        #[test]
        fn no_sequence_of_words_makes_a_reader_panic(program in words()) {
            for &language in READ {
                for found in read(language, &program, &[]) {
                    prop_assert!(found.at.start <= found.at.end && found.at.end <= program.len());
                }
            }
        }
    }
}
