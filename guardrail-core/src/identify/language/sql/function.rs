//! Functions that reach out of the query that calls them.

use super::super::{Act, Known};
use super::lex::Token;

/// What a function does beside returning a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Only what there is no act for: sequences, settings, locks, sessions, waiting.
    Database,
    Read,
    Write,
    Delete,
    Network,
    Load,
    Shell,
}

impl Reach {
    /// The act, where there is one, with the argument that names what it reaches for.
    pub(super) fn act<'t>(self, arguments: &[Token<'t>]) -> Option<Act<'t>> {
        let first = || argument(arguments, 0);
        Some(match self {
            Self::Database => return None,
            Self::Read => Act::Read(first()),
            // `lo_export` has the file second.
            Self::Write => Act::Write(first().or_else(|| argument(arguments, 1))),
            Self::Delete => Act::Delete(first()),
            Self::Network => Act::Network(None),
            Self::Load => Act::Load(first()),
            Self::Shell => Act::Shell(first()),
        })
    }
}

/// An argument that is one string constant.
fn argument<'t>(arguments: &[Token<'t>], place: usize) -> Known<'t> {
    let mut parts =
        arguments.get(..arguments.len().min(16)).unwrap_or_default().split(|token| token.is_mark(b','));
    let part = parts.nth(place)?;
    match part {
        [one] => one.value(),
        [one, end, ..] if end.is_mark(b')') => one.value(),
        _ => None,
    }
}

/// Whether a function of this name reaches out. What users define is not known here.
pub(super) fn reach(name: &[u8]) -> Option<Reach> {
    let mut lower = [0_u8; 48];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    // No name in the table is shorter than this, and most that are called are.
    let name: &[u8] = lower;
    if name.len() < 4 {
        return None;
    }
    if let Ok(index) = FUNCTIONS.binary_search_by(|(entry, _)| entry.as_bytes().cmp(name)) {
        return FUNCTIONS.get(index).map(|(_, reach)| *reach);
    }
    PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix.as_bytes())).map(|(_, reach)| *reach)
}

const PREFIXES: &[(&str, Reach)] = &[
    ("dblink", Reach::Network),
    ("group_replication_", Reach::Database),
    ("http_", Reach::Network),
    ("keyring_", Reach::Database),
    ("lo_", Reach::Database),
    ("pg_advisory_", Reach::Database),
    ("pg_create_", Reach::Database),
    ("pg_file_", Reach::Write),
    ("pg_logical_", Reach::Database),
    ("pg_ls_", Reach::Read),
    ("pg_replication_", Reach::Database),
    ("pg_stat_reset", Reach::Database),
    ("pg_try_advisory_", Reach::Database),
    ("pg_wal_replay_", Reach::Database),
    ("utl_", Reach::Network),
    ("xp_", Reach::Shell),
];

#[rustfmt::skip]
const FUNCTIONS: &[(&str, Reach)] = &[
    ("benchmark", Reach::Database),
    ("dbms_scheduler", Reach::Shell),
    ("edit", Reach::Shell),
    ("fsdir", Reach::Read),
    ("fts3_tokenizer", Reach::Load),
    ("get_lock", Reach::Database),
    ("lo_export", Reach::Write),
    ("lo_import", Reach::Read),
    ("load_extension", Reach::Load),
    ("load_file", Reach::Read),
    ("loread", Reach::Database),
    ("lowrite", Reach::Database),
    ("master_pos_wait", Reach::Database),
    ("nextval", Reach::Database),
    ("opendatasource", Reach::Network),
    ("openquery", Reach::Network),
    ("openrowset", Reach::Network),
    ("pg_backup_start", Reach::Database),
    ("pg_backup_stop", Reach::Database),
    ("pg_cancel_backend", Reach::Database),
    ("pg_copy_logical_replication_slot", Reach::Database),
    ("pg_copy_physical_replication_slot", Reach::Database),
    ("pg_drop_replication_slot", Reach::Database),
    ("pg_execute_server_program", Reach::Shell),
    ("pg_file_unlink", Reach::Delete),
    ("pg_import_system_collations", Reach::Database),
    ("pg_log_backend_memory_contexts", Reach::Database),
    ("pg_notify", Reach::Database),
    ("pg_promote", Reach::Database),
    ("pg_read_binary_file", Reach::Read),
    ("pg_read_file", Reach::Read),
    ("pg_reload_conf", Reach::Database),
    ("pg_rotate_logfile", Reach::Database),
    ("pg_sleep", Reach::Database),
    ("pg_sleep_for", Reach::Database),
    ("pg_sleep_until", Reach::Database),
    ("pg_start_backup", Reach::Database),
    ("pg_stat_file", Reach::Read),
    ("pg_stop_backup", Reach::Database),
    ("pg_switch_wal", Reach::Database),
    ("pg_terminate_backend", Reach::Database),
    ("query_to_xml", Reach::Database),
    ("query_to_xml_and_xmlschema", Reach::Database),
    ("query_to_xmlschema", Reach::Database),
    ("readfile", Reach::Read),
    ("release_all_locks", Reach::Database),
    ("release_lock", Reach::Database),
    ("set_config", Reach::Database),
    ("setval", Reach::Database),
    ("sleep", Reach::Database),
    ("sp_executesql", Reach::Database),
    ("sp_oacreate", Reach::Shell),
    ("sys_eval", Reach::Shell),
    ("sys_exec", Reach::Shell),
    ("sys_set", Reach::Database),
    ("ts_stat", Reach::Database),
    ("writefile", Reach::Write),
    ("zipfile", Reach::Read),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_names_fit() {
        assert!(FUNCTIONS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(FUNCTIONS.iter().all(|(name, _)| (4..=48).contains(&name.len())));
    }

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(reach(b"PG_Read_File"), Some(Reach::Read));
        assert_eq!(reach(b"lo_unlink"), Some(Reach::Database));
        assert_eq!(reach(b"count"), None);
        assert_eq!(reach(&[b'x'; 100]), None);
    }
}
