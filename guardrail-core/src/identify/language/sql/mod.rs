//! Reads SQL, and the commands of its clients. Where databases disagree about where a string or a comment ends, every
//! reading counts that the text's database may have; where that is not known, all of them.

mod asking;
mod client;
mod condition;
mod dot;
mod function;
mod lex;
mod object;
#[cfg(test)]
mod oracle;
mod pure;
mod secret;
mod setting;
mod statement;

use self::lex::{Kind, Lexed, Lexer, Reading, Token};
use self::statement::Around;
use super::{Act, Found, StatementKind, join};

/// Whose SQL a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Any,
    PostgreSql,
    MySql,
    Sqlite,
}

/// Reads a text of SQL.
pub(super) fn read(text: &[u8], dialect: Dialect) -> Vec<Found<'_>> {
    let any = dialect == Dialect::Any;
    let (first, others) = Reading::of(dialect);
    let (mut found, mut finished) = read_as(text, first, any, 0);
    let features = lex::features(text);
    if features != 0 {
        let mut heard = vec![first.within(features)];
        for &reading in others {
            let within = reading.within(features);
            if heard.contains(&within) {
                continue;
            }
            heard.push(within);
            let (other, ends) = read_as(text, reading, any, 0);
            finished |= ends;
            join(&mut found, other);
        }
    }
    client::lines(text, &mut found);
    // Clients disagree about what stands behind a zero byte.
    if !finished || text.contains(&0) {
        found.push(Found { act: Act::Opaque, at: 0..text.len() });
    }
    found
}

/// What one database would see; and whether every string and comment ended.
fn read_as(text: &[u8], reading: Reading, any: bool, depth: u8) -> (Vec<Found<'_>>, bool) {
    let mut lexer = Lexer::new(text, reading);
    let mut found = Vec::new();
    let mut tokens: Vec<Token<'_>> = Vec::with_capacity(text.len().min(256) / 4);
    let mut used = None;
    loop {
        lexer.fresh = tokens.is_empty();
        if tokens.is_empty() && lexer.blanks() && client::line(&mut lexer.cursor, &mut found) {
            continue;
        }
        let token = match lexer.next(|| dollar_quotes(&tokens)) {
            Lexed::Token(token) => token,
            end => {
                statement::read(text, &tokens, Around { reading, used, depth }, &mut found);
                return (found, matches!(end, Lexed::End));
            }
        };
        match token.kind {
            Kind::Mark(b';') => {}
            Kind::Mark(b'\\') => {
                // `\u mysql` is `USE mysql`.
                if let [b'u', b' ' | b'\t', schema @ ..] = lexer.cursor.rest()
                    && reading.is_mysql()
                {
                    let word = schema.trim_ascii_start();
                    let quoted = |byte: &u8| matches!(byte, b'`' | b'\'' | b'"');
                    let word = word.split(|byte| byte.is_ascii_whitespace() || *byte == b';').next();
                    let word = word.unwrap_or_default();
                    let from = word.iter().take_while(|byte| quoted(byte)).count();
                    let word = word.get(from..).unwrap_or_default();
                    used = word.split(quoted).next();
                }
                if !client::backslash(&mut lexer.cursor, token.at.start, reading, any, &mut found) {
                    continue;
                }
            }
            Kind::Mark(b'.')
                if dot::dot(&mut lexer.cursor, token.at.start, tokens.is_empty(), &mut found) =>
            {
                continue;
            }
            _ => {
                tokens.push(token);
                continue;
            }
        }
        statement::read(text, &tokens, Around { reading, used, depth }, &mut found);
        match tokens.as_slice() {
            [verb, schema, ..] if verb.is("USE") => used = Some(schema.text),
            [verb, path, _, schema, ..] if verb.is("SET") && path.is("SEARCH_PATH") => {
                used = Some(schema.text)
            }
            _ => {}
        }
        tokens.clear();
    }
}

/// What a string does that a statement executes, as the database around it would read it. Only its statements count:
/// to the database, no client's command is one.
fn nested<'t>(text: &'t [u8], around: Around<'_>) -> Vec<Found<'t>> {
    const DEEPEST: u8 = 4;
    if around.depth >= DEEPEST {
        return vec![Found { act: Act::Opaque, at: 0..text.len() }];
    }
    let (mut found, _) = read_as(text, around.reading, false, around.depth + 1);
    found.retain(|one| match &one.act {
        Act::Statement(statement) => statement.kind != StatementKind::Unknown,
        act => *act == Act::Opaque,
    });
    found
}

/// Whether `$$` here can be nothing but a string, or an error: the body of a function, or of `DO`.
fn dollar_quotes(tokens: &[Token<'_>]) -> bool {
    match tokens {
        [first] => first.is("DO"),
        [first, .., last] => first.is("CREATE") && last.is("AS"),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use guardrail_schema::Language::{MySql, PostgreSql, Sql, Sqlite};

    use super::super::testing::{acts, check, harmless};

    /// Statements of PostgreSQL, MySQL and SQLite, each with the kind that must be found in it.
    #[rustfmt::skip]
    const LABELLED: &[(&str, &str)] = &[
        ("", "SELECT count(*) FROM orders; -- DROP TABLE x"),
        ("Delete everything", "delete/**/from/**/users;"),
        ("Delete", "DELETE FROM users WHERE id = 1"),
        ("Delete everything", "DELETE FROM users WHERE true"),
        ("Update everything", "UPDATE accounts SET balance = 0"),
        ("Update", "UPDATE accounts SET balance = 0 WHERE id IN (SELECT id FROM x)"),
        ("Drop", "DROP TABLE IF EXISTS users CASCADE"),
        ("Drop", "DROP EXTENSION postgis"),
        ("Drop", "DROP TYPE t"),
        ("Drop", "DROP TRIGGER t ON x"),
        ("Drop", "DROP SUBSCRIPTION s"),
        ("Drop", "DROP TABLESPACE ts"),
        ("Alter", "ALTER TABLE users DISABLE ROW LEVEL SECURITY"),
        ("Alter", "ALTER ROLE bob SUPERUSER"),
        ("Alter", "ALTER USER bob WITH PASSWORD 'x'"),
        ("Grant", "GRANT pg_execute_server_program TO bob"),
        ("Delete everything", "WITH a AS (SELECT 1), b AS (DELETE FROM t RETURNING id) SELECT count(*) FROM b"),
        ("Delete everything", "EXPLAIN ANALYZE DELETE FROM users"),
        ("Function", "SELECT lo_unlink(1234)"),
        ("Function", "SELECT x FROM t WHERE lo_export(1,'/tmp/x') > 0"),
        ("Function", "SELECT (SELECT dblink_exec('c','DROP TABLE x'))"),
        ("Function", "SELECT lo_import('/etc/passwd')"),
        ("Function", "SELECT setval('s', 1)"),
        ("Execute", "CALL purge_all()"),
        ("Copy", "COPY t FROM PROGRAM 'rm -rf /'"),
        ("Copy", "COPY t TO '/etc/cron.d/x'"),
        ("Execute", "DO $$ BEGIN EXECUTE 'DROP TABLE users'; END $$"),
        ("Execute", "DO LANGUAGE plpgsql 'BEGIN DELETE FROM users; END'"),
        ("Create", "CREATE EXTENSION plpythonu"),
        ("Create", "CREATE TABLE t AS SELECT * FROM users"),
        ("Create", "CREATE TRIGGER t AFTER INSERT ON x FOR EACH ROW EXECUTE FUNCTION f()"),
        ("", "SELECT 1; SELECT 2"),
        ("Role", "SET ROLE postgres"),
        ("Set", "SET session_replication_role = replica"),
        ("Maintenance", "VACUUM FULL users"),
        ("Maintenance", "REINDEX DATABASE prod"),
        ("Lock", "LOCK TABLE users IN ACCESS EXCLUSIVE MODE"),
        ("Security", "REASSIGN OWNED BY a TO b"),
        ("Security", "SECURITY LABEL ON TABLE t IS 'x'"),
        ("Unknown", "D\\u0052OP TABLE x"),
        ("Delete everything", "DELETE QUICK FROM users"),
        ("Copy", "SELECT * FROM users INTO OUTFILE '/tmp/x'"),
        ("Copy", "SELECT 0x3c INTO DUMPFILE '/var/www/x.php'"),
        ("Insert", "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t"),
        ("Function", "SELECT SLEEP(1000)"),
        ("Grant", "GRANT ALL ON *.* TO 'bob'@'%' IDENTIFIED BY 'x' WITH GRANT OPTION"),
        ("Alter", "ALTER TABLE t DROP COLUMN x"),
        ("Alter", "ALTER USER 'root'@'%' IDENTIFIED BY 'x'"),
        ("Drop", "DROP USER 'bob'@'%'"),
        ("Create", "CREATE FUNCTION sys_exec RETURNS INT SONAME 'lib.so'"),
        ("Admin", "SHUTDOWN"),
        ("Admin", "RESET MASTER"),
        ("Admin", "PURGE BINARY LOGS BEFORE NOW()"),
        ("", "SELECT \"DROP TABLE x\""),
        ("Attach", "ATTACH DATABASE '/tmp/x.db' AS x"),
        ("Pragma", "PRAGMA writable_schema = ON"),
        ("Maintenance", "VACUUM INTO '/tmp/x.db'"),
        ("Function", "SELECT writefile('/tmp/x', 'y')"),
    ];

    #[test]
    fn every_labelled_statement_is_recognised() {
        for (kind, statement) in LABELLED {
            let found = acts(Sql, statement);
            if kind.is_empty() {
                assert!(found.is_empty(), "{statement}: {found:?}");
            } else {
                let fits = |act: &String| {
                    act.starts_with(kind) && (act.contains("everything") == (kind.contains("everything")))
                };
                assert!(found.iter().any(fits), "{statement}: {found:?}");
            }
        }
    }

    #[test]
    fn reading_a_database_is_no_act() {
        harmless(
            Sql,
            &[
                "",
                ";;",
                "-- nothing\n/* at all */",
                "SELECT 1",
                "select * from users where name = 'it''s; DROP TABLE x' order by 1 limit 5;",
                "SELECT \"delete\", 'update' FROM \"drop\" -- DELETE FROM x",
                "SELECT 'C:\\dir' AS path",
                "SELECT updated_at, deleted, create_time FROM t WHERE inserted IS NOT NULL",
                "SELECT REPLACE(a, 'x', 'y'), INSERT(a, 1, 2, 'x'), truncate(1.5, 1) FROM t",
                "SELECT count(*), sum(x) FILTER (WHERE y), now(), coalesce(a, b) FROM t GROUP BY 1 HAVING max(z) > 3",
                "WITH a AS (SELECT 1), b AS MATERIALIZED (SELECT 2) SELECT * FROM a, b",
                "(SELECT 1) UNION ALL (SELECT 2)",
                "VALUES (1), (2)",
                "TABLE users",
                "SHOW TABLES; SHOW CREATE TABLE x",
                "EXPLAIN SELECT 1; EXPLAIN DELETE FROM users",
                "EXPLAIN ANALYZE SELECT 1",
                "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM t",
                "EXPLAIN (ANALYZE false) DELETE FROM t",
                "EXPLAIN FORMAT=JSON SELECT 1; DESCRIBE users; DESC users",
                "EXPLAIN QUERY PLAN DELETE FROM t",
                "BEGIN; SELECT 1; COMMIT",
                "BEGIN TRANSACTION READ ONLY; SELECT 1; ROLLBACK; END; START TRANSACTION",
                "SAVEPOINT a; RELEASE SAVEPOINT a",
                "DECLARE c CURSOR FOR SELECT 1; FETCH 5 FROM c; CLOSE c",
                "COPY t TO STDOUT",
                "COPY (SELECT * FROM t) TO STDOUT WITH CSV HEADER",
                "SELECT $1, $2::int, a[1:2], ARRAY[1,2], '{}'::jsonb #> '{a}'",
                "SELECT $tag$ it's; TRUNCATE x $tag$",
                "SELECT `delete` FROM `drop`",
                "SELECT [a b], \"c\" FROM [d]",
                "PRAGMA table_info(users); PRAGMA user_version; PRAGMA main.index_list('t')",
                "SET NAMES utf8; SET @x = 1",
                "USE shop",
                "SELECT a INTO @x FROM t",
                "\\d users",
                "\\dt+ public.*",
                "\\x\nSELECT 1\\G",
                "\\l",
                "SELECT 1 \\g",
                "\\echo 'a'; \\timing on",
                "\\set ON_ERROR_STOP on\nSELECT 1;",
                "\\pset format csv\n\\conninfo",
                "\\copy t to stdout",
                "\\q",
                ".tables",
                ".schema users\n.headers on\n.mode csv\nSELECT 1;",
                ".output stdout",
                ".ta",
                "status",
                "SELECT system, source FROM t",
                "SELECT a\n.b FROM a",
            ],
        );
    }

    #[test]
    fn changes_are_found_with_what_they_act_on() {
        check(
            Sql,
            &[
                ("INSERT INTO a.b VALUES (1)", &["Insert a.b"]),
                ("INSERT OR REPLACE INTO t SELECT 1", &["Insert t"]),
                ("REPLACE INTO t VALUES (1)", &["Update t"]),
                ("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", &["Update t"]),
                ("UPDATE ONLY t SET a = 1 WHERE id = 2", &["Update t"]),
                ("UPDATE OR IGNORE t SET a = 1", &["Update everything t"]),
                ("DELETE FROM \"my table\" WHERE id = 1", &["Delete my table"]),
                ("TRUNCATE a, b", &["Truncate everything a", "Truncate everything b"]),
                ("TRUNCATE TABLE x", &["Truncate everything TABLE x"]),
                ("DROP TABLE IF EXISTS a, s.b CASCADE", &["Drop TABLE a", "Drop TABLE s.b"]),
                ("drop database prod", &["Drop database prod"]),
                ("DROP DATABASE x WITH (FORCE)", &["Drop DATABASE x"]),
                ("DROP MATERIALIZED VIEW v", &["DropDerived MATERIALIZED VIEW v"]),
                ("DROP OWNED BY bob", &["Drop OWNED bob"]),
                ("DROP INDEX CONCURRENTLY i", &["DropDerived INDEX i"]),
                ("DROP USER 'a'@'%'", &["Drop USER 'a'@'%'"]),
                ("ALTER SYSTEM SET fsync = off", &["Alter SYSTEM SET"]),
                ("ALTER TABLE t DROP COLUMN x, ADD COLUMN y int", &["Alter TABLE t"]),
                ("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO bob", &["Alter DEFAULT PRIVILEGES GRANT"]),
                ("CREATE OR REPLACE TEMP VIEW v AS SELECT 1", &["Create VIEW v"]),
                ("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)", &["Create INDEX i"]),
                ("CREATE DEFINER=`root`@`%` PROCEDURE p() SELECT 1", &["Create root", "Create PROCEDURE p"]),
                (
                    "CREATE TABLE t (a int REFERENCES b ON DELETE CASCADE ON UPDATE SET NULL)",
                    &["Create TABLE t"],
                ),
                (
                    "CREATE FUNCTION f() RETURNS int AS $$ DELETE FROM t; $$ LANGUAGE sql",
                    &["Create FUNCTION f"],
                ),
                (
                    "CREATE FUNCTION sys_x RETURNS INT SONAME 'lib.so'",
                    &["Create FUNCTION sys_x", "load:lib.so"],
                ),
                ("GRANT SELECT ON t TO bob", &["Grant t"]),
                ("GRANT admin TO bob", &["Grant admin"]),
                ("REVOKE ALL ON a.b FROM bob", &["Revoke a.b"]),
                ("SELECT * INTO t2 FROM t", &["Create t2"]),
                ("SELECT * INTO TEMP TABLE t2 FROM t", &["Create t2"]),
                ("WITH x AS (SELECT 1) DELETE FROM t", &["Delete everything t"]),
                ("WITH x AS (DELETE FROM t WHERE id = 1 RETURNING *) SELECT * FROM x", &["Delete t"]),
                (
                    "WITH x AS (UPDATE t SET a = 1 RETURNING *) INSERT INTO y SELECT * FROM x",
                    &["Update everything t", "Insert y"],
                ),
                ("EXPLAIN (ANALYZE) UPDATE t SET a = 1", &["Update everything t"]),
                ("EXPLAIN (ANALYZE ON, VERBOSE) DELETE FROM t", &["Delete everything t"]),
                ("EXPLAIN ANALYZE WITH x AS (DELETE FROM t) SELECT 1", &["Delete everything t"]),
                ("BEGIN DELETE FROM t; END", &["Delete everything t"]),
                ("SELECT 1\nGO\nDROP TABLE x", &["Drop TABLE x"]),
                ("SELECT 1 DELETE FROM x", &["Delete everything x"]),
                ("SELECT 1; DELETE FROM a; DELETE FROM b", &["Delete everything a", "Delete everything b"]),
                ("PREPARE p AS DELETE FROM t", &["Execute p", "Delete everything t"]),
                ("EXECUTE p", &["Execute p"]),
                ("SET SESSION AUTHORIZATION bob", &["Role SESSION"]),
                ("SET GLOBAL read_only = 0", &["Set GLOBAL"]),
                ("SET @@global.x = 1", &["Set"]),
                ("RESET ROLE", &["Set ROLE"]),
                ("COMMIT PREPARED 'x'", &["Transaction"]),
                ("ROLLBACK PREPARED 'x'", &["Transaction"]),
                ("VACUUM INTO '/tmp/x.db'", &["Maintenance INTO", "write:/tmp/x.db"]),
                ("KILL 5", &["Admin"]),
                ("START SLAVE", &["Admin SLAVE"]),
                ("NOTIFY c, 'x'", &["Session c"]),
                ("FROBNICATE x", &["Unknown FROBNICATE"]),
                ("1 + 1", &["Unknown"]),
                ("HANDLER t OPEN", &[]),
                ("PRAGMA journal_mode = OFF", &["Pragma journal_mode"]),
                ("PRAGMA wal_checkpoint", &["Pragma wal_checkpoint"]),
                ("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2", &["Insert t"]),
            ],
        );
    }

    #[test]
    fn conditions_that_spare_nothing_are_seen_through() {
        for condition in [
            "true",
            "1",
            "1 = 1",
            "'a' = 'a'",
            "NOT false",
            "((1=1))",
            "id = id",
            "ID = id",
            "t.id = t.id",
            "a.b >= a.b",
            "1 = 1 OR id = 5",
            "id = 5 OR (2 > 1)",
            "id = 5 OR (x = 3 OR true)",
            "true AND 1 = 1",
            "name LIKE '%'",
            "EXISTS (SELECT 1)",
            "1 BETWEEN 0 AND 2",
            "now() = now()",
            "id = 5 || 1",
            "true RETURNING id",
            "1 LIMIT 5",
            "1 IN (1, 2)",
            "length('a') = 1",
        ] {
            for statement in ["DELETE FROM t", "UPDATE t SET a = 1"] {
                let statement = format!("{statement} WHERE {condition}");
                assert!(acts(Sql, &statement)[0].contains("everything"), "{statement}");
            }
        }
        for condition in [
            "id = 1",
            "id = other",
            "a.id = b.id",
            "id > 0 AND true",
            "true AND id = 1",
            "id IN (SELECT id FROM x)",
            "name LIKE 'a%'",
            "id BETWEEN 1 AND 5",
            "(a = 1) AND (b = 2)",
            "NOT id = 1",
            "id < id",
            "id = 1 OR id = 2",
            "id IS NOT NULL",
            "\"id\" = 1",
        ] {
            for statement in ["DELETE FROM t", "UPDATE t SET a = (SELECT 1 WHERE true)"] {
                let statement = format!("{statement} WHERE {condition}");
                assert!(!acts(Sql, &statement)[0].contains("everything"), "{statement}");
            }
        }
    }

    #[test]
    fn files_programs_and_functions_are_found() {
        check(
            Sql,
            &[
                ("COPY t FROM PROGRAM 'rm -rf /'", &["Copy t", "shell:rm -rf /"]),
                ("COPY (SELECT 1) TO PROGRAM 'it''s'", &["Copy", "shell:it's"]),
                ("COPY t TO '/etc/x'", &["Copy t", "write:/etc/x"]),
                ("COPY t FROM '/etc/passwd'", &["Copy t", "read:/etc/passwd"]),
                ("COPY t FROM STDIN", &["Copy t"]),
                ("COPY (DELETE FROM t RETURNING *) TO STDOUT", &["Delete everything t"]),
                ("SELECT 1 INTO OUTFILE '/tmp/x'", &["write:/tmp/x", "Copy /tmp/x"]),
                ("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t", &["Insert t", "read:/etc/passwd"]),
                ("LOAD 'lib.so'", &["load:lib.so", "Admin lib.so"]),
                ("SELECT pg_read_file('/etc/passwd')", &["Function pg_read_file", "read:/etc/passwd"]),
                ("SELECT pg_catalog.pg_ls_dir('.')", &["Function pg_ls_dir", "read:."]),
                ("SELECT \"pg_read_file\" ('x')", &["Function pg_read_file", "read:x"]),
                ("SELECT U&\"\\0070g_read_file\"('x')", &["Function \\0070g_read_file"]),
                ("SELECT lo_export(1, '/tmp/x')", &["Function lo_export", "write:/tmp/x"]),
                ("SELECT writefile('/tmp/x', 'y')", &["Function writefile", "write:/tmp/x"]),
                ("SELECT load_extension('x')", &["Function load_extension", "load:x"]),
                ("SELECT sys_exec('id')", &["Function sys_exec", "shell:id"]),
                ("EXEC xp_cmdshell 'id'", &["Execute xp_cmdshell", "shell:id"]),
                ("SELECT pg_sleep(10)", &["Function pg_sleep"]),
                ("UPDATE t SET a = nextval('s') WHERE id = 1", &["Update t", "Function nextval"]),
            ],
        );
    }

    #[test]
    fn databases_that_read_differently_are_all_heard() {
        for (statement, wanted) in [
            ("SELECT 'a\\'; DELETE FROM t; -- '", "Delete everything t"),
            ("SELECT 'a\\''; DELETE FROM t; -- '", "Delete everything t"),
            ("SELECT \"a\\\"; DELETE FROM t; -- \"", "Delete everything t"),
            ("SELECT 1 -- x\n; DELETE FROM t", "Delete everything t"),
            ("SELECT 1 --1; DELETE FROM t", "Delete everything t"),
            ("SELECT 1 # '\n; DELETE FROM t; # '", "Delete everything t"),
            ("/* /* */ DELETE FROM t; -- */", "Delete everything t"),
            ("SELECT 1 /*! ; DELETE FROM t */", "Delete everything t"),
            ("/*!50000 DROP TABLE t */", "Drop TABLE t"),
            ("SELECT 1 AS $$; DELETE FROM t; SELECT 1 AS $$", "Delete everything t"),
            ("SELECT `; DELETE FROM t; -- `", "Delete everything t"),
            ("SELECT [a', 1]; DELETE FROM t; -- '", "Delete everything t"),
            ("SELECT 1; /* x", "opaque"),
            ("SELECT 'x", "opaque"),
        ] {
            let found = acts(Sql, statement);
            let unsure = wanted == "opaque" && statement.contains("/* x");
            assert!(unsure || found.iter().any(|act| act == wanted), "{statement}: {found:?}");
        }
    }

    #[test]
    fn where_the_database_is_known_only_its_readings_count() {
        harmless(
            PostgreSql,
            &[
                "SELECT $$DROP TABLE users; DELETE FROM x$$",
                "SELECT $tag$ it's; TRUNCATE x $tag$",
                "SELECT E'a\\'b; DROP TABLE t' FROM x",
                "SELECT 1 -- `\n, '#', a # b, '\\' FROM t",
                "SELECT a[1] || ']; DROP TABLE t' FROM t",
                "SELECT /* /* ; DROP TABLE t */ ; DROP TABLE t */ 1",
                "\\echo a\n\\d t\n\\g",
            ],
        );
        harmless(
            MySql,
            &[
                "SELECT 'it\\'s' FROM t WHERE a = 'b'",
                "SELECT 1 # ; DROP TABLE t",
                "SHOW ENGINE INNODB STATUS\\G",
                "SELECT `; DROP TABLE t` FROM x",
            ],
        );
        harmless(
            Sqlite,
            &["SELECT [; DROP TABLE t], `; DROP TABLE t`, 'C:\\' FROM x", "SELECT 1 /* ; DROP TABLE t"],
        );
        check(
            PostgreSql,
            &[
                ("\\echo `id`", &["shell:id"]),
                ("\\set x `id`", &["opaque", "shell:id"]),
                ("SELECT $a$ x $b$", &["opaque"]),
                ("\\]SELECT '\\\nDROP TABLE t;", &["opaque", "Drop TABLE t"]),
                ("\\echo a \\\\ DROP TABLE t", &["Drop TABLE t"]),
                ("\\\\ '\nDROP TABLE t; -- '", &["opaque", "Drop TABLE t"]),
                ("\\\nDROP TABLE t", &["Drop TABLE t"]),
                ("SELECT 'a\\'; DROP TABLE t; -- '", &["Drop TABLE t"]),
                ("\u{feff}DROP TABLE t", &["Drop TABLE t"]),
            ],
        );
        for statement in [
            "\\\\;DROP TABLE t",
            "SELECT 1\\g;DROP TABLE t",
            "SELECT 1\\gDROP TABLE t",
            "\\u x;DROP TABLE t",
            "\\,;DROP TABLE t",
            "\\\nDROP TABLE t",
            "\\';DROP TABLE t;'",
            "SELECT $a$ FROM (SELECT 1 AS `$a$`) x;DROP TABLE t;-- $a$",
            "SELECT $$;DROP TABLE t;-- $$",
            "/*!99999 ' */;DROP TABLE t;-- '",
            ";--'\nDROP TABLE t;'",
            "/*! ' */;DROP TABLE t;-- '*/;DROP TABLE t",
            "SELECT '\\';DROP TABLE t;-- ' --",
        ] {
            let found = acts(MySql, statement);
            assert!(found.iter().any(|act| act == "Drop TABLE t"), "{statement}: {found:?}");
        }
        for statement in [
            "#'\nDROP TABLE t;'",
            "SELECT e'\\';DROP TABLE t;--'",
            "*/$a$]'x';\nDROP TABLE t;",
            "\u{feff} DROP TABLE t;(",
        ] {
            let found = acts(Sqlite, statement);
            assert!(found.iter().any(|act| act == "Drop TABLE t"), "{statement}: {found:?}");
        }
    }

    #[test]
    fn commands_of_the_clients_are_found() {
        check(
            Sql,
            &[
                ("\\! touch pwned", &["shell:touch pwned"]),
                ("SELECT 1 \\! id", &["shell:id"]),
                ("\\!", &["shell:?"]),
                ("\\i x.sql", &["load:x.sql"]),
                ("\\. x.sql", &["load:x.sql"]),
                ("\\o x.txt\nSELECT 1;", &["write:x.txt"]),
                ("\\o | sh", &["shell:sh"]),
                ("SELECT 1 \\g x.txt", &["write:x.txt"]),
                ("SELECT 1 \\g |sh", &["shell:sh"]),
                ("SELECT 'DROP TABLE x' \\gexec", &["Execute"]),
                ("SELECT 1 \\; DROP TABLE x", &["Drop TABLE x"]),
                ("SELECT 1\\G DROP TABLE x", &["Drop TABLE x"]),
                ("\\copy t from program 'id'", &["shell:id", "Copy t"]),
                ("\\copy t to '/tmp/x' csv", &["write:/tmp/x"]),
                ("\\copy (delete from t returning *) to stdout", &["Delete everything t"]),
                ("\\copy t from 'x.csv'", &["read:x.csv", "Copy t"]),
                ("\\set x 'DELETE FROM t'\n:x;", &["opaque", "Unknown"]),
                ("\\e", &["shell:?"]),
                ("\\c other", &["network:?"]),
                ("\\frobnicate", &["opaque"]),
                ("\\d //", &["opaque"]),
                ("\\setenv PAGER sh", &["opaque"]),
                ("system touch pwned", &["shell:touch pwned"]),
                ("SELECT 1;\nsystem id;", &["shell:id"]),
                ("system id; DROP TABLE x", &["shell:id; DROP TABLE x", "Drop TABLE x"]),
                ("source x.sql", &["load:x.sql"]),
                ("tee x.txt", &["write:x.txt"]),
                ("pager sh", &["shell:sh"]),
                ("delimiter //\nSELECT 1 // DROP TABLE x //", &["opaque", "Drop TABLE x"]),
                ("clear; DROP TABLE x", &["Unknown clear", "Drop TABLE x"]),
                (".shell touch pwned", &["shell:touch pwned"]),
                (".sh id", &["shell:id"]),
                (".system id", &["shell:id"]),
                ("SELECT 1;\n  .shell id", &["shell:id"]),
                ("SELECT 1\n.shell id", &["shell:id"]),
                (".output pwned\nSELECT 1;", &["write:pwned"]),
                (".output |sh -x", &["shell:sh -x"]),
                (".once -e", &["shell:?"]),
                (".read x.sql", &["load:x.sql"]),
                (".read '|id'", &["shell:id"]),
                (".import --csv x.csv t", &["read:x.csv", "Insert"]),
                (".import '|id' t", &["shell:id"]),
                (".load ./x.so", &["load:./x.so"]),
                (".backup main x.db", &["write:main"]),
                (".open x.db", &["Attach x.db"]),
                (".restore x.db", &["read:x.db", "Update"]),
                (".s", &["opaque"]),
                (".frobnicate", &["opaque"]),
            ],
        );
    }

    #[test]
    fn functions_nobody_knows_are_no_reads() {
        for statement in [
            "SELECT purge_all()",
            "SELECT app.lower(1)",
            "SELECT 1 FROM purge() AS x(a int)",
            "SELECT * FROM a, LATERAL purge(a.id) p",
            "SELECT DISTINCT ON (1) purge()",
            "WITH x AS (SELECT purge()) SELECT 1",
            "WITH purge(a) AS (SELECT 1) SELECT purge(2)",
            "WITH a AS (SELECT 1), purge(b) AS (SELECT 2) SELECT purge(2)",
            "EXPLAIN SELECT purge()",
            "EXPLAIN ANALYZE SELECT purge()",
            "COPY (SELECT purge()) TO STDOUT",
            "DECLARE c CURSOR FOR SELECT purge()",
            "VALUES (purge())",
            "SELECT \"Purge\" (1)",
            "SELECT U&\"!0070urge\" UESCAPE '!' (1)",
            "SELECT U&\"\\0070urge\"(1)",
            "SELECT * FROM U&\"pg\\005fshadow\"",
            "SELECT lower(purge(1))",
            "SELECT query_to_xml('DELETE FROM t', true, true, '')",
            "SELECT table_to_xml('pg_shadow', true, true, '')",
            "SELECT cursor_to_xml('c', 1, true, true, '')",
            "SELECT crosstab('SELECT 1')",
            "SELECT sha3_query('DELETE FROM t')",
            "SELECT * FROM query('DELETE FROM t')",
        ] {
            let found = acts(Sql, statement);
            assert!(found.iter().any(|act| act.starts_with("Function")), "{statement}: {found:?}");
        }
        harmless(
            Sql,
            &[
                "SELECT pg_catalog.lower('A')",
                "SELECT a::numeric(10, 2), CAST(b AS varchar(5)), x::timestamptz(3) FROM t",
                "SELECT * FROM unnest(ARRAY[1]) WITH ORDINALITY AS t(v, i)",
                "SELECT * FROM (VALUES (1)) t(a)",
                "WITH RECURSIVE tree(id, depth) AS (SELECT 1, 0) SELECT * FROM tree",
                "WITH a AS (SELECT 1), b(x, y) AS (SELECT 1, 2) SELECT * FROM a, b",
                "SELECT count(*) FILTER (WHERE a), percentile_cont(0.5) WITHIN GROUP (ORDER BY b) FROM t",
                "SELECT * FROM t WHERE a IN (1) AND b = ANY (ARRAY[1]) OR NOT (c) ORDER BY (d)",
                "SELECT trim(both 'x' FROM '/a.b/'), substring('a.b/c' FROM 'a.b'), a IS DISTINCT FROM 'x.y' FROM t",
                "SELECT toStartOfHour(ts), uniqExactIf(a, b) FROM t SETTINGS max_threads = 1",
                "SELECT SAFE.SUBSTR(a, 1), APPROX_COUNT_DISTINCT(b), SAFE_DIVIDE(a, b) FROM `p.d.t`",
                "SELECT TOP (10) ISNULL(a, 0), DATEDIFF(day, a, b) FROM [dbo].[t] WITH (NOLOCK)",
                "SELECT JSON_EXTRACT(a, '$.b'), GROUP_CONCAT(DISTINCT b SEPARATOR ','), IF(a, b, c) FROM t USE INDEX (i)",
                "SELECT json_extract(a, '$.b'), strftime('%Y', c) FROM t, json_each(t.d)",
            ],
        );
    }

    #[test]
    fn passwords_and_hashes_are_secrets() {
        for statement in [
            "SELECT * FROM pg_shadow",
            "SELECT s FROM pg_shadow s",
            "SELECT pg_shadow FROM pg_shadow",
            "SELECT row_to_json(a) FROM pg_authid a",
            "TABLE pg_authid",
            "COPY pg_shadow TO STDOUT",
            "\\copy pg_shadow to stdout",
            "\\copy (select * from pg_shadow) to stdout",
            "\\deu+",
            "SELECT rolname FROM x, pg_authid",
            "SELECT (SELECT rolpassword FROM pg_authid LIMIT 1)",
            "SELECT * FROM mysql.user",
            "SELECT * FROM `mysql`.`user`",
            "USE mysql; SELECT * FROM user",
            "SELECT user, authentication_string FROM mysql.user",
            "SELECT user FROM mysql.user WHERE authentication_string LIKE 'a%'",
            "SHOW CREATE USER root",
            "SHOW primary_conninfo",
            "SELECT name, password_hash FROM sys.sql_logins",
            "SELECT * FROM system_auth.roles",
            "EXPLAIN ANALYZE SELECT * FROM pg_shadow",
        ] {
            let found = acts(Sql, statement);
            assert!(found.iter().any(|act| act.starts_with("Secret")), "{statement}: {found:?}");
        }
        harmless(
            Sql,
            &[
                "SELECT user, host FROM mysql.user",
                "SELECT User, Host, plugin FROM mysql.user WHERE User = 'app' ORDER BY Host",
                "SELECT count(*) FROM pg_shadow",
                "SELECT usename, usesuper FROM pg_catalog.pg_shadow",
                "SELECT name, is_disabled FROM sys.sql_logins",
                "SELECT * FROM users; SELECT user FROM t; SELECT secrets FROM plans",
                "SELECT * FROM pg_roles; SELECT * FROM pg_user",
                "SHOW search_path; SHOW GRANTS",
            ],
        );
    }

    #[test]
    fn what_only_asks_may_still_lock_or_read_files() {
        check(
            Sql,
            &[
                ("SELECT * FROM t FOR UPDATE SKIP LOCKED", &["Lock"]),
                ("SELECT * FROM t FOR NO KEY UPDATE", &["Lock"]),
                ("SELECT * FROM t LOCK IN SHARE MODE", &["Lock"]),
                ("SELECT * FROM 'data.csv'", &["read:data.csv"]),
                ("FROM 'data.parquet' LIMIT 3", &["read:data.parquet"]),
                ("SELECT * FROM read_csv('a.csv')", &["read:a.csv"]),
                ("SELECT * FROM read_csv(('a.csv'))", &["read:?"]),
                ("SELECT * FROM 'https://x.example/a.csv'", &["network:?"]),
                ("SELECT getenv('HOME')", &["environment"]),
                ("SELECT * FROM url('https://x.example')", &["Function url", "network:?"]),
                ("SELECT * FROM executable('x.sh', TSV, 'a int')", &["Function executable", "shell:x.sh"]),
            ],
        );
    }

    #[test]
    fn statements_in_strings_that_are_executed_are_read() {
        for (statement, wanted) in [
            ("DO $$ BEGIN EXECUTE 'DROP TABLE users'; END $$", "Drop TABLE users"),
            ("DO $a$ BEGIN DELETE FROM t; END $a$", "Delete everything t"),
            ("EXECUTE IMMEDIATE 'DROP TABLE t'", "Drop TABLE t"),
            ("EXEC('DROP TABLE t')", "Drop TABLE t"),
            ("EXEC sp_executesql N'DELETE FROM t'", "Delete everything t"),
            ("PREPARE s FROM 'DROP TABLE t'", "Drop TABLE t"),
            ("DO $a$ DO $b$ DO $c$ DO $d$ DO $e$ DROP TABLE t $e$ $d$ $c$ $b$ $a$", "opaque"),
        ] {
            let found = acts(Sql, statement);
            assert!(found.iter().any(|act| act == wanted), "{statement}: {found:?}");
        }
    }

    #[test]
    fn settings_of_the_session_alone_are_no_changes() {
        harmless(
            Sql,
            &[
                "SET statement_timeout = '5s'; SELECT 1",
                "SET LOCAL lock_timeout TO 1000; SET SESSION work_mem = '64MB'; SET enable_seqscan = off",
                "SET search_path TO app, public",
                "SET TIME ZONE 'UTC'; SET timezone = 'UTC'; SET SESSION TRANSACTION READ ONLY",
                "SET SESSION max_execution_time = 1000; SET NOCOUNT ON; SET @@session.sql_safe_updates = 1",
                "PRAGMA query_only = ON; PRAGMA foreign_keys = 1; PRAGMA busy_timeout(500)",
                "CONSISTENCY QUORUM; TRACING ON",
            ],
        );
        for statement in [
            "SET search_path = evil, pg_catalog",
            "SET session_replication_role = replica",
            "SET standard_conforming_strings = off",
            "SET sql_mode = 'ANSI_QUOTES'",
            "SET row_security = off",
            "SET GLOBAL max_execution_time = 1",
            "SET ROLE postgres",
            "SET SESSION AUTHORIZATION postgres",
            "SET transaction_read_only = off",
            "SET statement_timeout = (SELECT 1)",
            "PRAGMA writable_schema = 1",
            "PRAGMA writable_schema(1)",
            "PRAGMA journal_mode = off",
            "PRAGMA temp_store_directory = '/x'",
        ] {
            assert!(!acts(Sql, statement).is_empty(), "{statement}");
        }
    }

    #[test]
    fn other_clients_and_databases_are_heard_too() {
        for (statement, wanted) in [
            ("SELECT 1\n:!! id\nGO", "shell:id"),
            ("!!id", "shell:id"),
            ("!sh id", "shell:id"),
            ("host id", "shell:id"),
            (":r x.sql", "load:x.sql"),
            (":out x.txt", "write:x.txt"),
            ("spool x.txt", "write:x.txt"),
            ("capture 'x.txt'", "write:x.txt"),
            ("\\set X '; DROP TABLE t'\nSELECT 1 :X", "opaque"),
            ("\\set SINGLELINE on", "opaque"),
            ("\\cd /etc\n\\o passwd", "opaque"),
            (".cd /etc\n.output passwd", "opaque"),
            ("SELECT 1 \\g (format=csv) |sh", "shell:sh"),
            ("SELECT 1 \\g (format=csv) x.txt", "write:x.txt"),
            ("\\copy t from program 'echo ''; id'", "shell:?"),
            ("\\f purge", "opaque"),
            ("PUT file:///etc/passwd @s", "network:?"),
            ("EXPORT DATABASE '/tmp/x'", "write:/tmp/x"),
            ("EXPORT DATA OPTIONS(uri='gs://x/*') AS SELECT 1", "network:?"),
            ("SELECT ''' ' '''; DROP TABLE t; -- '", "Drop TABLE t"),
            ("SELECT 1 // '\n; DROP TABLE t; -- '", "Drop TABLE t"),
            ("SELECT q'[ ' ]'; DROP TABLE t; -- '", "Drop TABLE t"),
            ("SELECT 'a\\'' /*!99999 ' */ ; DROP TABLE t; -- '", "Drop TABLE t"),
            ("SELECT 'a\\' $$ ' $$; DROP TABLE t; -- '", "Drop TABLE t"),
            ("SELECT 1 AS [a]]b' ]; DROP TABLE t; -- '", "Drop TABLE t"),
            ("SELECT '\0'; SELECT 1", "opaque"),
        ] {
            let found = acts(Sql, statement);
            assert!(found.iter().any(|act| act == wanted), "{statement}: {found:?}");
        }
    }

    #[test]
    fn hostile_texts_end_and_are_no_reads() {
        for piece in [
            "(DELETE ",
            "DELETE FROM t WHERE (",
            "/*",
            "$a$",
            "'",
            "\\copy (",
            ".import ",
            "OR (1 ",
            "DO $a$ ",
            "EXECUTE 'a' ",
            "U&\"",
            "f(",
            ":!! x\n",
        ] {
            let text = piece.repeat(65536 / piece.len());
            assert!(!acts(Sql, &text).is_empty(), "{piece}");
        }
    }
}
