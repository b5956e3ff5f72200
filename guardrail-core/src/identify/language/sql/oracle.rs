//! What another parser of SQL sees in a statement, ours must see at least as bad.
//!
//! sqlparser reads less than databases do, and refuses much of what matters; what it does read it reads as a grammar
//! does and not by words, so that the two go wrong in different places.

use guardrail_schema::Language::Sql;
use sqlparser::dialect::{Dialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use super::super::testing::acts;
use super::lex::{Kind, Lexed, Lexer, Reading};

/// Statements of everyday and of bad days. Which of the three databases takes them is asked of the oracle.
#[rustfmt::skip]
const STATEMENTS: &[&str] = &[
    "SELECT 1", "SELECT * FROM t", "SELECT a, count(*) FROM t GROUP BY a HAVING count(*) > 1 ORDER BY 2 DESC LIMIT 5",
    "SELECT a.x, b.y FROM a LEFT JOIN b ON a.id = b.a_id WHERE b.y IS NOT NULL", "SELECT DISTINCT x FROM t",
    "SELECT (SELECT max(x) FROM t), 'delete from t', \"drop\" FROM \"update\"", "SELECT 1 UNION ALL SELECT 2",
    "SELECT CASE WHEN a THEN 1 ELSE 2 END FROM t", "SELECT x FROM t WHERE y IN (SELECT z FROM u WHERE u.k = t.k)",
    "WITH a AS (SELECT 1 AS n), b(m) AS (SELECT n FROM a) SELECT * FROM b", "VALUES (1, 2), (3, 4)",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r",
    "SELECT row_number() OVER (PARTITION BY a ORDER BY b) FROM t", "SELECT 'it''s; DROP TABLE x'",
    "SELECT E'a\\'b; DROP TABLE x'", "SELECT $$ ; DROP TABLE x $$", "SELECT cast(a AS numeric(10, 2)) FROM t",
    "SELECT a::text, b->>'c', d #> '{e}' FROM t", "SELECT * FROM t -- ; DROP TABLE x", "SELECT /* ; DROP TABLE x */ 1",
    "SELECT * FROM generate_series(1, 3) AS g(n)", "SELECT x FROM t FOR UPDATE", "SELECT * INTO u FROM t",
    "SELECT count(*) FILTER (WHERE a > 1) FROM t", "SELECT ARRAY[1, 2], (ARRAY[3])[1]", "SELECT `a` FROM `b`",
    "INSERT INTO t VALUES (1)", "INSERT INTO t (a, b) SELECT a, b FROM u", "REPLACE INTO t VALUES (1)",
    "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 2", "INSERT INTO t (a) VALUES (1) RETURNING id",
    "INSERT IGNORE INTO t VALUES (1)", "INSERT OR REPLACE INTO t VALUES (1)",
    "INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = 2",
    "UPDATE t SET a = 1", "UPDATE t SET a = 1 WHERE id = 2", "UPDATE t SET a = (SELECT b FROM u WHERE u.id = 1)",
    "UPDATE t AS x SET a = 1 FROM u WHERE x.id = u.id", "UPDATE t SET a = 1, b = 'where' WHERE id IN (1, 2)",
    "DELETE FROM t", "DELETE FROM t WHERE id = 1", "DELETE FROM t USING u WHERE t.id = u.id", "delete from s.t",
    "DELETE FROM t WHERE id IN (SELECT id FROM u)", "DELETE FROM \"t\" WHERE \"where\" = 1", "DELETE FROM t LIMIT 5",
    "TRUNCATE TABLE t", "TRUNCATE t", "DROP TABLE t", "DROP TABLE IF EXISTS a, b CASCADE", "DROP VIEW v", "DROP INDEX i",
    "DROP SCHEMA s CASCADE", "DROP DATABASE d", "DROP FUNCTION f()", "DROP ROLE r", "DROP SEQUENCE s", "DROP TYPE t",
    "DROP EXTENSION e", "DROP TRIGGER g ON t", "DROP POLICY p ON t", "DROP PROCEDURE p", "DROP USER u",
    "CREATE TABLE t (a int PRIMARY KEY, b varchar(10) NOT NULL DEFAULT 'x')", "CREATE TABLE t AS SELECT * FROM u",
    "CREATE TABLE t (a int REFERENCES u (id) ON DELETE CASCADE)", "CREATE VIEW v AS SELECT 1", "CREATE SCHEMA s",
    "CREATE INDEX i ON t (a)", "CREATE UNIQUE INDEX i ON t (a, b)", "CREATE DATABASE d", "CREATE ROLE r LOGIN",
    "CREATE EXTENSION e", "CREATE SEQUENCE s", "CREATE TYPE t AS ENUM ('a')", "CREATE TEMPORARY TABLE t (a int)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$", "CREATE OR REPLACE VIEW v AS SELECT 1",
    "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", "CREATE POLICY p ON t USING (true)",
    "CREATE VIRTUAL TABLE t USING fts5(a)", "CREATE MATERIALIZED VIEW v AS SELECT 1", "CREATE DOMAIN d AS int",
    "ALTER TABLE t ADD COLUMN a int", "ALTER TABLE t DROP COLUMN a", "ALTER TABLE t RENAME TO u", "ALTER ROLE r SUPERUSER",
    "ALTER TABLE t ALTER COLUMN a SET DEFAULT 1", "ALTER INDEX i RENAME TO j", "ALTER TYPE t ADD VALUE 'x'",
    "ALTER TABLE t ENABLE ROW LEVEL SECURITY", "ALTER POLICY p ON t USING (false)", "ALTER SCHEMA s RENAME TO u",
    "GRANT SELECT ON t TO r", "GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA s TO r", "REVOKE ALL ON t FROM r",
    "COPY t FROM STDIN", "COPY t TO STDOUT", "COPY t TO '/tmp/x'", "COPY t FROM PROGRAM 'id'", "COPY (SELECT 1) TO STDOUT",
    "MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE", "CALL p(1)", "EXECUTE q(1)", "DISCARD ALL",
    "PREPARE q AS SELECT 1", "PREPARE q AS DELETE FROM t", "DEALLOCATE q", "LOCK TABLES t WRITE", "UNLOCK TABLES",
    "EXPLAIN SELECT 1", "EXPLAIN DELETE FROM t", "EXPLAIN ANALYZE SELECT 1", "EXPLAIN ANALYZE DELETE FROM t",
    "EXPLAIN (ANALYZE, VERBOSE) UPDATE t SET a = 1", "EXPLAIN (ANALYZE false) DELETE FROM t", "DESCRIBE t",
    "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", "WITH i AS (INSERT INTO t VALUES (1) RETURNING a) SELECT a FROM i",
    "WITH x AS (SELECT 1) DELETE FROM t", "WITH x AS (SELECT 1) UPDATE t SET a = 1", "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
    "WITH a AS (WITH b AS (DELETE FROM t RETURNING *) SELECT * FROM b) SELECT * FROM a",
    "BEGIN", "COMMIT", "ROLLBACK", "START TRANSACTION READ ONLY", "SAVEPOINT s", "RELEASE SAVEPOINT s", "SHOW TABLES",
    "SHOW search_path", "SHOW CREATE TABLE t", "SHOW COLUMNS FROM t", "SHOW DATABASES", "USE d", "SHOW VARIABLES LIKE 'a%'",
    "SET search_path TO s", "SET ROLE r", "SET x = 1", "SET NAMES utf8", "SET GLOBAL x = 1", "SET TIME ZONE 'UTC'", "RESET ALL",
    "ANALYZE t", "VACUUM t", "VACUUM FULL", "KILL 5", "FLUSH TABLES", "OPTIMIZE TABLE t", "LISTEN c", "NOTIFY c", "UNLISTEN c",
    "PRAGMA table_info(t)", "PRAGMA writable_schema = 1", "ATTACH DATABASE 'x.db' AS x", "COMMENT ON TABLE t IS 'x'",
    "DECLARE c CURSOR FOR SELECT 1", "FETCH NEXT FROM c", "CLOSE c", "INSTALL x", "LOAD x", "LOAD DATA INPATH 'x' INTO TABLE t",
];

/// What does nothing to a statement but hide what it is.
const DISGUISES: &[fn(&str) -> String] = &[
    str::to_owned,
    str::to_ascii_lowercase,
    |text| format!("/* SELECT 1; */ {text}"),
    |text| format!("-- SELECT 1;\n{text}"),
    |text| format!("  \n\t{text} ;"),
    |text| text.replacen(' ', "/**/", 1),
    |text| text.replace(' ', "\r\n"),
    |text| text.replace(" t ", " \"t;\" ").replace(" FROM t", " FROM \"s\".\"t\""),
    |text| format!("{text} /* it's */"),
];

/// Kinds of which one must have been found. Empty where nothing need be, `None` where anything must be.
fn wanted(statement: &sqlparser::ast::Statement) -> Option<Vec<&'static str>> {
    let tree = format!("{statement:?}");
    let name: String = tree.chars().take_while(char::is_ascii_alphabetic).collect();
    let mut kinds: Vec<&'static str> = Vec::new();
    let executed = name != "Explain" || tree.contains("analyze: true");
    for (node, kind) in
        [("Insert(", "Insert"), ("Update(", "Update"), ("Delete(", "Delete"), ("Merge(", "Update")]
    {
        if executed && (tree.starts_with(node) || tree.contains(&format!("body: {node}"))) {
            kinds.push(kind);
        }
    }
    if !kinds.is_empty() {
        return Some(kinds);
    }
    match name.as_str() {
        "Query" | "Explain" | "ExplainTable" | "Use" | "StartTransaction" | "Commit" | "Rollback"
        | "Savepoint" | "ReleaseSavepoint" | "Fetch" | "Close" | "Declare" | "Deallocate" | "LISTEN"
        | "UNLISTEN" | "Set" | "Pragma" | "Copy" => Some(Vec::new()),
        _ if name.starts_with("Show") => Some(Vec::new()),
        "Truncate" => Some(vec!["Truncate"]),
        "Grant" => Some(vec!["Grant"]),
        "Revoke" => Some(vec!["Revoke"]),
        _ if name.starts_with("Drop") => Some(vec!["Drop"]),
        _ if name.starts_with("Create") => Some(vec!["Create"]),
        _ if name.starts_with("Alter") => Some(vec!["Alter"]),
        _ => None,
    }
}

/// How many statements our lexer sees.
fn count(text: &str) -> usize {
    let mut lexer = Lexer::new(text.as_bytes(), Reading::POSTGRES);
    let (mut statements, mut open) = (0, false);
    while let Lexed::Token(token) = lexer.next(|| true) {
        match token.kind {
            Kind::Mark(b';') => open = false,
            _ if !open => {
                open = true;
                statements += 1;
            }
            _ => {}
        }
    }
    statements
}

fn dialects() -> [(&'static str, Box<dyn Dialect>); 3] {
    [
        ("postgresql", Box::new(PostgreSqlDialect {})),
        ("mysql", Box::new(MySqlDialect {})),
        ("sqlite", Box::new(SQLiteDialect {})),
    ]
}

/// Compares one text; says how many statements the oracle read in it.
fn compare(dialect: &dyn Dialect, text: &str, problems: &mut Vec<String>) -> usize {
    let Ok(statements) = Parser::parse_sql(dialect, text) else { return 0 };
    let found = acts(Sql, text);
    for statement in &statements {
        let kinds = match wanted(statement) {
            Some(kinds) => kinds,
            None if found.is_empty() => {
                problems.push(format!("{text}\n  oracle {statement:?}\n  ours   nothing"));
                continue;
            }
            None => continue,
        };
        for kind in kinds {
            // `REPLACE` inserts, to the oracle; to us it also takes away what was there.
            let worse = if kind == "Insert" { "Update" } else { kind };
            let seen = found.iter().any(|act| act.starts_with(kind) || act.starts_with(worse));
            // Which rows it spares: the oracle knows a `WHERE` by the grammar.
            let tree = format!("{statement:?}");
            let bare = matches!(kind, "Update" | "Delete")
                && tree.starts_with(kind)
                && tree.contains("selection: None")
                && !tree.contains("selection: Some");
            let everything = found.iter().any(|act| act.starts_with(&format!("{kind} everything")));
            if !seen || bare && !everything {
                problems.push(format!("{text}\n  oracle {kind} (all rows: {bare})\n  ours   {found:?}"));
            }
        }
    }
    statements.len()
}

#[test]
fn what_the_oracle_sees_is_seen() {
    let mut problems = Vec::new();
    for (name, dialect) in dialects() {
        let mut read = 0;
        for statement in STATEMENTS {
            for disguise in DISGUISES {
                read += usize::from(compare(&*dialect, &disguise(statement), &mut problems) > 0);
            }
        }
        // An oracle that refuses everything would prove nothing.
        assert!(read > STATEMENTS.len() * DISGUISES.len() / 3, "{name} took {read}");
    }
    assert!(problems.is_empty(), "{} of them\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn statements_are_counted_alike_and_none_hides_another() {
    let mut problems = Vec::new();
    for (name, dialect) in dialects() {
        let taken: Vec<&str> =
            STATEMENTS.iter().copied().filter(|text| Parser::parse_sql(&*dialect, text).is_ok()).collect();
        let mut pairs = 0;
        for (index, first) in taken.iter().enumerate() {
            for second in taken.iter().skip(index % 3).step_by(3) {
                let text = format!("{first}\n; {second}");
                let Ok(statements) = Parser::parse_sql(&*dialect, &text) else { continue };
                pairs += 1;
                // The oracle takes what stands behind `DECLARE` and its kin for one statement.
                let ours = count(&text);
                if ours < statements.len() {
                    problems.push(format!("{name}: {text}\n  oracle {}, ours {ours}", statements.len()));
                }
            }
        }
        for (index, first) in taken.iter().enumerate() {
            // Each before a few others: what the second does is found behind whatever the first is.
            for second in taken.iter().skip(index % 7).step_by(7) {
                compare(&*dialect, &format!("{first};{second}"), &mut problems);
            }
        }
        assert!(pairs > taken.len() * taken.len() / 6, "{name} took {pairs}");
    }
    assert!(problems.is_empty(), "{} of them\n{}", problems.len(), problems.join("\n"));
}
