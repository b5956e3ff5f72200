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
    /// Nothing but a file, or what an address gives: a table to databases that query them.
    Table,
    /// Nothing but a variable of the environment.
    Environment,
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
            Self::Table => table(first()),
            Self::Environment => Act::Environment,
        })
    }

    /// Whether the act is all that it does.
    pub(super) const fn is_act_alone(self) -> bool {
        matches!(self, Self::Table | Self::Environment)
    }
}

/// What querying a table does that is a file or an address.
pub(super) fn table(name: Known<'_>) -> Act<'_> {
    match name {
        Some(name) if super::super::cursor::find(&name, b"://").is_some() && !name.starts_with(b"file:") => {
            Act::Network(None)
        }
        Some(name) if name.starts_with(b"file:") => Act::Read(None),
        name => Act::Read(name),
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
    // No name in the table is shorter than this.
    let name: &[u8] = lower;
    if name.len() < 4 {
        return matches!(name, b"url" | b"gcs" | b"oss" | b"s3").then_some(Reach::Network);
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
    ("postgres_", Reach::Network),
    ("read_", Reach::Table),
    ("pg_wal_replay_", Reach::Database),
    ("utl_", Reach::Network),
    ("xp_", Reach::Shell),
];

#[rustfmt::skip]
const FUNCTIONS: &[(&str, Reach)] = &[
    ("azureblobstorage", Reach::Network),
    ("azureblobstoragecluster", Reach::Network),
    ("benchmark", Reach::Database),
    ("bigquery", Reach::Network),
    ("catboostevaluate", Reach::Load),
    ("connectby", Reach::Database),
    ("cosn", Reach::Network),
    ("crosstab", Reach::Database),
    ("cursor_to_xml", Reach::Database),
    ("cursor_to_xmlschema", Reach::Database),
    ("database_to_xml", Reach::Database),
    ("database_to_xml_and_xmlschema", Reach::Database),
    ("dbms_scheduler", Reach::Shell),
    ("delta_scan", Reach::Table),
    ("deltalake", Reach::Network),
    ("deltalakecluster", Reach::Network),
    ("duckdb_secrets", Reach::Environment),
    ("edit", Reach::Shell),
    ("executable", Reach::Shell),
    ("executeinternal", Reach::Database),
    ("external_query", Reach::Network),
    ("file", Reach::Read),
    ("filecluster", Reach::Read),
    ("fsdir", Reach::Read),
    ("fts3_tokenizer", Reach::Load),
    ("get_lock", Reach::Database),
    ("getclienthttpheader", Reach::Environment),
    ("getenv", Reach::Environment),
    ("hdfs", Reach::Network),
    ("hdfscluster", Reach::Network),
    ("hudi", Reach::Network),
    ("iceberg", Reach::Network),
    ("iceberg_scan", Reach::Table),
    ("jdbc", Reach::Network),
    ("json_execute_serialized_sql", Reach::Database),
    ("lo_export", Reach::Write),
    ("lo_get", Reach::Database),
    ("lo_import", Reach::Read),
    ("load_extension", Reach::Load),
    ("load_file", Reach::Read),
    ("loread", Reach::Database),
    ("lowrite", Reach::Database),
    ("master_pos_wait", Reach::Database),
    ("mongodb", Reach::Network),
    ("mysql", Reach::Network),
    ("mysql_query", Reach::Network),
    ("mysql_scan", Reach::Network),
    ("nextval", Reach::Database),
    ("odbc", Reach::Network),
    ("opendatasource", Reach::Network),
    ("openquery", Reach::Network),
    ("openrowset", Reach::Network),
    ("parquet_file_metadata", Reach::Table),
    ("parquet_kv_metadata", Reach::Table),
    ("parquet_metadata", Reach::Table),
    ("parquet_scan", Reach::Table),
    ("parquet_schema", Reach::Table),
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
    ("pg_read_file_old", Reach::Read),
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
    ("postgresql", Reach::Network),
    ("query", Reach::Database),
    ("query_to_xml", Reach::Database),
    ("query_to_xml_and_xmlschema", Reach::Database),
    ("query_to_xmlschema", Reach::Database),
    ("readfile", Reach::Read),
    ("redis", Reach::Network),
    ("release_all_locks", Reach::Database),
    ("release_lock", Reach::Database),
    ("remote", Reach::Network),
    ("remotesecure", Reach::Network),
    ("s3cluster", Reach::Network),
    ("schema_to_xml", Reach::Database),
    ("schema_to_xml_and_xmlschema", Reach::Database),
    ("set_config", Reach::Database),
    ("setval", Reach::Database),
    ("sha3_query", Reach::Database),
    ("sleep", Reach::Database),
    ("sleep_ms", Reach::Database),
    ("sleepeachrow", Reach::Database),
    ("sniff_csv", Reach::Table),
    ("sp_execute_external_script", Reach::Shell),
    ("sp_executesql", Reach::Database),
    ("sp_oacreate", Reach::Shell),
    ("sqlite", Reach::Read),
    ("sqlite_scan", Reach::Read),
    ("st_read", Reach::Table),
    ("sys_eval", Reach::Shell),
    ("sys_exec", Reach::Shell),
    ("sys_set", Reach::Database),
    ("table_to_xml", Reach::Database),
    ("table_to_xml_and_xmlschema", Reach::Database),
    ("ts_rewrite", Reach::Database),
    ("ts_stat", Reach::Database),
    ("urlcluster", Reach::Network),
    ("usleep", Reach::Database),
    ("which_secret", Reach::Environment),
    ("write_log", Reach::Write),
    ("writefile", Reach::Write),
    ("wsrep_sync_wait_upto_gtid", Reach::Database),
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
