//! Settings: those that last as long as the session and change how it answers, and all others.

use super::super::StatementKind;
use super::lex::{Kind, Token};
use super::object::name;
use super::statement::Reader;

/// What may be set to any constant.
const HARMLESS: &[&str] = &[
    // PostgreSQL
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "transaction_timeout",
    "timezone",
    "datestyle",
    "intervalstyle",
    "client_encoding",
    "client_min_messages",
    "extra_float_digits",
    "bytea_output",
    "work_mem",
    "max_parallel_workers_per_gather",
    "jit",
    "random_page_cost",
    "default_transaction_isolation",
    "geqo",
    "from_collapse_limit",
    "join_collapse_limit",
    "plan_cache_mode",
    "application_name",
    // MySQL
    "max_execution_time",
    "max_statement_time",
    "sql_safe_updates",
    "sql_select_limit",
    "group_concat_max_len",
    "time_zone",
    "profiling",
    "optimizer_trace",
    "lc_time_names",
    "net_read_timeout",
    "net_write_timeout",
    "wait_timeout",
    "character_set_results",
    "autocommit",
    // SQL Server
    "nocount",
    "rowcount",
    "showplan_all",
    "showplan_text",
    "showplan_xml",
    "statistics",
    "dateformat",
    "datefirst",
    "language",
    "arithabort",
    "ansi_nulls",
    "ansi_warnings",
    "xact_abort",
    // DuckDB and ClickHouse
    "memory_limit",
    "threads",
    "max_threads",
    "max_memory_usage",
    "max_rows_to_read",
    "enable_progress_bar",
    "preserve_insertion_order",
    "output_format_pretty_max_rows",
    "readonly",
];

impl Reader<'_, '_, '_> {
    pub(super) fn set(&mut self, at: usize) {
        let rest = self.after(at);
        match rest {
            [role, ..] if role.is("ROLE") => self.named(StatementKind::Role, at),
            [_, role, ..] if role.is_any(&["ROLE", "AUTHORIZATION"]) => self.named(StatementKind::Role, at),
            [_, _, role, ..] if role.is("AUTHORIZATION") => self.named(StatementKind::Role, at),
            [names, ..] if names.is("NAMES") => {}
            _ if is_harmless(rest) => {}
            // MySQL's own variables are no settings; `@@` ones are.
            [first, second, ..] if first.is_mark(b'@') && !second.is_mark(b'@') => {}
            _ => self.named(StatementKind::Set, at),
        }
    }

    pub(super) fn pragma(&mut self, at: usize) {
        // `PRAGMA schema.name`
        let rest = match self.after(at) {
            [_, dot, rest @ ..] if dot.is_mark(b'.') => rest,
            rest => rest,
        };
        let reads = [
            "TABLE_INFO",
            "TABLE_XINFO",
            "TABLE_LIST",
            "INDEX_LIST",
            "INDEX_INFO",
            "INDEX_XINFO",
            "DATABASE_LIST",
            "FOREIGN_KEY_LIST",
            "FOREIGN_KEY_CHECK",
            "INTEGRITY_CHECK",
            "QUICK_CHECK",
            "COMPILE_OPTIONS",
            "FUNCTION_LIST",
            "COLLATION_LIST",
            "MODULE_LIST",
            "PRAGMA_LIST",
        ];
        if rest.first().is_some_and(is_harmless_pragma) && rest.len() <= 5 {
            return;
        }
        let acts = ["WAL_CHECKPOINT", "OPTIMIZE", "INCREMENTAL_VACUUM", "SHRINK_MEMORY"];
        let sets = rest.get(1).is_some_and(|token| {
            token.is_mark(b'=') || !rest.first().is_some_and(|pragma| pragma.is_any(&reads))
        });
        if sets || !rest.first().is_some_and(|pragma| pragma.is_name() && !pragma.is_any(&acts)) {
            let (object, _) = name(self.text, rest);
            self.statement(StatementKind::Pragma, at, None, object);
        }
    }
}

/// Whether `SET` with these tokens behind it changes nothing but the session's own answers.
fn is_harmless(rest: &[Token<'_>]) -> bool {
    let rest = match rest {
        [scope, rest @ ..] if scope.is_any(&["SESSION", "LOCAL"]) => rest,
        // `@@session.x`
        [at, second, scope, dot, rest @ ..]
            if at.is_mark(b'@') && second.is_mark(b'@') && scope.is("SESSION") && dot.is_mark(b'.') =>
        {
            rest
        }
        rest => rest,
    };
    let Some((name, values)) = rest.split_first() else { return false };
    let constant = |tokens: &[Token<'_>]| {
        tokens.len() <= 8
            && tokens.iter().all(|token| {
                matches!(token.kind, Kind::Number | Kind::Text | Kind::Word | Kind::Name)
                    || matches!(token.kind, Kind::Mark(b'=' | b',' | b'-' | b'+'))
            })
    };
    if name.is("TRANSACTION") || name.is("CHARACTERISTICS") {
        return values.iter().all(|token| {
            token.is_any(&[
                "ISOLATION",
                "LEVEL",
                "READ",
                "ONLY",
                "WRITE",
                "COMMITTED",
                "UNCOMMITTED",
                "REPEATABLE",
                "SERIALIZABLE",
                "SNAPSHOT",
                "DEFERRABLE",
                "NOT",
                "AS",
                "TRANSACTION",
            ]) || token.is_mark(b',')
        });
    }
    // Where functions are looked for: what PostgreSQL has itself comes first, unless it is named behind another.
    if name.is("SEARCH_PATH") {
        let catalog = |token: &Token<'_>| token.text.eq_ignore_ascii_case(b"pg_catalog");
        return constant(values) && !values.iter().any(catalog);
    }
    if name.is("TIME") && values.first().is_some_and(|zone| zone.is("ZONE")) {
        return constant(values);
    }
    if name.is_any(&["DEFAULT_TRANSACTION_READ_ONLY", "TRANSACTION_READ_ONLY"]) {
        return constant(values)
            && values.last().is_some_and(|value| {
                value.is_any(&["ON", "TRUE"])
                    || value.kind == Kind::Text && matches!(value.text, b"on" | b"true")
            });
    }
    let planner = name.kind == Kind::Word
        && name.text.get(..7).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"enable_"))
        && ["scan", "join", "sort", "agg", "material", "memoize", "append"]
            .iter()
            .any(|end| name.text.to_ascii_lowercase().ends_with(end.as_bytes()));
    let known =
        name.is_name() && HARMLESS.iter().any(|known| name.text.eq_ignore_ascii_case(known.as_bytes()));
    (planner || known) && constant(values)
}

/// Whether setting this pragma of SQLite's lasts no longer than the connection, and only changes how it answers.
fn is_harmless_pragma(name: &Token<'_>) -> bool {
    name.is_any(&[
        "FOREIGN_KEYS",
        "BUSY_TIMEOUT",
        "CACHE_SIZE",
        "CASE_SENSITIVE_LIKE",
        "QUERY_ONLY",
        "TEMP_STORE",
        "MMAP_SIZE",
        "READ_UNCOMMITTED",
        "THREADS",
        "ANALYSIS_LIMIT",
        "AUTOMATIC_INDEX",
        "REVERSE_UNORDERED_SELECTS",
        "HARD_HEAP_LIMIT",
        "SOFT_HEAP_LIMIT",
        "CELL_SIZE_CHECK",
        "FULL_COLUMN_NAMES",
        "SHORT_COLUMN_NAMES",
    ])
}
