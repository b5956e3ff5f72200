//! Tables that hold passwords, their hashes or keys: reading them is reading a secret, unless it is plain that only
//! other columns are read.

use super::lex::{Kind, Token};
use super::pure::is_pure;

/// A table with secrets, with the schema that it must stand in (if any schema counts), and what else is in it.
struct Table {
    schemas: &'static [&'static str],
    name: &'static str,
    /// Columns that hold none.
    open: &'static [&'static str],
}

const ROLES: &[&str] = &[
    "oid",
    "rolname",
    "rolsuper",
    "rolinherit",
    "rolcreaterole",
    "rolcreatedb",
    "rolcanlogin",
    "rolreplication",
    "rolconnlimit",
    "rolvaliduntil",
    "rolbypassrls",
];
const SHADOW: &[&str] =
    &["usename", "usesysid", "usecreatedb", "usesuper", "userepl", "usebypassrls", "valuntil"];
const USERS: &[&str] = &[
    "user",
    "host",
    "plugin",
    "account_locked",
    "password_expired",
    "password_last_changed",
    "password_lifetime",
    "max_connections",
    "max_user_connections",
    "max_questions",
    "max_updates",
    "ssl_type",
    "is_role",
    "default_role",
    "select_priv",
    "insert_priv",
    "update_priv",
    "delete_priv",
    "create_priv",
    "drop_priv",
    "reload_priv",
    "shutdown_priv",
    "process_priv",
    "file_priv",
    "grant_priv",
    "super_priv",
    "repl_slave_priv",
    "create_user_priv",
];
const LOGINS: &[&str] = &[
    "name",
    "principal_id",
    "sid",
    "type",
    "type_desc",
    "is_disabled",
    "create_date",
    "modify_date",
    "default_database_name",
    "default_language_name",
    "is_policy_checked",
    "is_expiration_checked",
    "loginname",
    "sysadmin",
    "dbname",
];
const SUBSCRIPTIONS: &[&str] =
    &["oid", "subname", "subenabled", "subowner", "subdbid", "subslotname", "subpublications"];
const MAPPINGS: &[&str] =
    &["srvname", "srvid", "umid", "umuser", "usename", "authorization_identifier", "foreign_server_name"];

#[rustfmt::skip]
const TABLES: &[Table] = &[
    Table { schemas: &[], name: "pg_authid", open: ROLES },
    Table { schemas: &[], name: "pg_shadow", open: SHADOW },
    Table { schemas: &[], name: "pg_user_mapping", open: MAPPINGS },
    Table { schemas: &[], name: "pg_user_mappings", open: MAPPINGS },
    Table { schemas: &[], name: "_pg_user_mappings", open: MAPPINGS },
    Table { schemas: &[], name: "user_mapping_options", open: MAPPINGS },
    Table { schemas: &[], name: "pg_subscription", open: SUBSCRIPTIONS },
    Table { schemas: &["vault"], name: "decrypted_secrets", open: &["name", "description"] },
    Table { schemas: &["vault"], name: "secrets", open: &["name", "description"] },
    Table { schemas: &["mysql"], name: "user", open: USERS },
    Table { schemas: &["mysql"], name: "global_priv", open: &["user", "host"] },
    Table { schemas: &["mysql"], name: "servers", open: &["server_name", "host", "db", "port"] },
    Table { schemas: &["mysql"], name: "password_history", open: &["user", "host", "password_timestamp"] },
    Table { schemas: &["mysql"], name: "slave_master_info", open: &[] },
    Table { schemas: &[], name: "sql_logins", open: LOGINS },
    Table { schemas: &[], name: "syslogins", open: LOGINS },
    Table { schemas: &[], name: "sysxlogins", open: LOGINS },
    Table { schemas: &[], name: "user$", open: &["name", "user#"] },
    Table { schemas: &[], name: "user_history$", open: &[] },
    Table { schemas: &[], name: "link$", open: &[] },
    Table { schemas: &["system"], name: "users", open: &["username", "isrole", "name", "id"] },
    Table { schemas: &["system"], name: "named_collections", open: &["name"] },
    Table { schemas: &["system_auth"], name: "roles", open: &["role", "can_login", "is_superuser", "member_of"] },
    Table { schemas: &["system_auth"], name: "credentials", open: &[] },
];

/// Keywords of a query that names columns and nothing else.
const WORDS: &[&str] = &[
    "SELECT", "DISTINCT", "FROM", "WHERE", "AND", "OR", "NOT", "IS", "NULL", "IN", "LIKE", "ILIKE", "ORDER",
    "GROUP", "BY", "ASC", "DESC", "LIMIT", "OFFSET", "TRUE", "FALSE", "COUNT", "NULLS", "LAST", "FIRST",
    "BETWEEN",
];

/// The first token that names a table with secrets, unless nothing but its open columns is read.
///
/// `used` is the schema that a statement before this one chose.
pub(super) fn read(tokens: &[Token<'_>], used: Option<&[u8]>) -> Option<usize> {
    let (at, table) = tokens.iter().enumerate().find_map(|(at, token)| table(tokens, at, token, used))?;
    (!only_open(tokens, at, table)).then_some(at)
}

fn table(
    tokens: &[Token<'_>],
    at: usize,
    token: &Token<'_>,
    used: Option<&[u8]>,
) -> Option<(usize, &'static Table)> {
    const SHORTEST: usize = 4;
    if !token.is_name() || token.text.len() < SHORTEST {
        return None;
    }
    let before = |places: usize| at.checked_sub(places).and_then(|place| tokens.get(place));
    let schema = match before(1) {
        Some(dot) if dot.is_mark(b'.') => before(2).map(|schema| schema.text),
        _ => used,
    };
    let of = |table: &&Table| {
        table.schemas.is_empty()
            || schema.is_some_and(|schema| {
                table.schemas.iter().any(|name| schema.eq_ignore_ascii_case(name.as_bytes()))
            })
    };
    TABLES.iter().filter(|table| is(token, table.name)).find(of).map(|table| (at, table))
}

fn is(token: &Token<'_>, name: &str) -> bool {
    token.is_name() && token.text.eq_ignore_ascii_case(name.as_bytes())
}

/// Whether every word of a query is a keyword, an open column of the table or the table itself behind `FROM`.
fn only_open(tokens: &[Token<'_>], at: usize, table: &Table) -> bool {
    let dotted =
        at.checked_sub(1).and_then(|before| tokens.get(before)).is_some_and(|before| before.is_mark(b'.'));
    let first = if dotted { at.saturating_sub(2) } else { at };
    let named = |index: usize| (first..=at).contains(&index);
    let behind_from =
        first.checked_sub(1).and_then(|before| tokens.get(before)).is_some_and(|from| from.is("FROM"));
    behind_from
        && tokens.first().is_some_and(|token| token.is("SELECT"))
        && tokens.iter().enumerate().all(|(index, token)| match token.kind {
            _ if named(index) => true,
            Kind::Text | Kind::Number => true,
            // `count(*)` reads no column; any other star reads them all.
            Kind::Mark(b'*') => index
                .checked_sub(2)
                .and_then(|before| tokens.get(before))
                .is_some_and(|count| count.is("COUNT")),
            Kind::Mark(mark) => matches!(mark, b',' | b'(' | b')' | b'=' | b'<' | b'>' | b'!'),
            Kind::Word | Kind::Name => {
                token.is_any(WORDS)
                    || table.open.iter().any(|column| is(token, column))
                    || tokens.get(index + 1).is_some_and(|next| next.is_mark(b'(')) && is_pure(token.text)
            }
        })
}

/// Whether the name of a setting says that a secret is in it.
pub(super) fn is_secret_setting(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    ["secret", "passw", "passphrase", "conninfo", "token", "private", "api_key", "apikey"]
        .iter()
        .any(|word| super::super::cursor::find(&name, word.as_bytes()).is_some())
}
