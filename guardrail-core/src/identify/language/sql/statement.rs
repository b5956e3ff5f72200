//! One statement of SQL: its verb, the verbs inside it, and the functions it calls.

use std::borrow::Cow;

use super::super::{Act, Found, Known, Statement, StatementKind};
use super::condition::always_holds;
use super::lex::{Kind, Reading, Token};
use super::object::{OBJECTS, between, class, name};
use super::secret;

/// Verbs inside one statement that are looked at; with more than that, it is not readable.
const MAX_VERBS: usize = 64;

/// Verbs of what only asks, so that whatever else is done there is done by the functions it calls.
const ASKING: &[&str] = &[
    "SELECT",
    "WITH",
    "VALUES",
    "TABLE",
    "FROM",
    "EXPLAIN",
    "DESCRIBE",
    "DESC",
    "DECLARE",
    "COPY",
    "SUMMARIZE",
    "EXISTS",
];

/// Verbs in front of each other that are followed.
const MAX_PREFIXES: usize = 8;

/// What a statement stands in.
#[derive(Clone, Copy)]
pub(super) struct Around<'u> {
    pub(super) reading: Reading,
    /// The schema that a statement before it chose.
    pub(super) used: Option<&'u [u8]>,
    /// Texts around its own.
    pub(super) depth: u8,
}

/// Reads the tokens of one statement.
pub(super) fn read<'t>(text: &'t [u8], tokens: &[Token<'t>], around: Around<'_>, found: &mut Vec<Found<'t>>) {
    // `(SELECT ...) UNION ...`
    let start = tokens.iter().position(|token| !token.is_mark(b'(')).unwrap_or(tokens.len());
    let asks = tokens.get(start).is_some_and(|verb| verb.is_any(ASKING));
    let Around { used, .. } = around;
    let mut reader = Reader { text, tokens, around, found, asks, verbs: 0, prefixes: 0 };
    if let Some(first) = tokens.get(start) {
        if let Some(at) = secret::read(tokens, used) {
            let table = tokens.get(at).map(|token| Cow::Borrowed(token.text));
            reader.statement(StatementKind::Secret, at, None, table);
        }
        if let Some(verb) = reader.verb(start) {
            reader.inside(verb);
        }
        if reader.verbs > MAX_VERBS {
            reader.push(Act::Opaque, start, first.at.end);
        }
    }
}

pub(super) struct Reader<'t, 's, 'u> {
    pub(super) text: &'t [u8],
    pub(super) tokens: &'s [Token<'t>],
    around: Around<'u>,
    found: &'s mut Vec<Found<'t>>,
    /// The statement only asks.
    pub(super) asks: bool,
    verbs: usize,
    /// Verbs before the one that counts: `EXPLAIN ANALYZE`, `BEGIN`.
    prefixes: usize,
}

impl<'t, 's> Reader<'t, 's, '_> {
    /// The verb that a statement starts with. Says where the verb stands that counts, if what it says
    /// is executed at all.
    fn verb(&mut self, at: usize) -> Option<usize> {
        let rest = self.after(at);
        let Some(verb) = self.tokens.get(at) else { return Some(at) };
        if verb.kind != Kind::Word {
            // No server accepts a number by itself.
            if rest.is_empty() && verb.kind == Kind::Number {
                return None;
            }
            self.statement(StatementKind::Unknown, at, None, None);
            return Some(at);
        }
        let mut keyword = [0_u8; 16];
        let Some(keyword) = keyword.get_mut(..verb.text.len()) else {
            self.statement(StatementKind::Unknown, at, None, Some(Cow::Borrowed(verb.text)));
            return Some(at);
        };
        keyword.copy_from_slice(verb.text);
        keyword.make_ascii_uppercase();
        let keyword: &[u8] = keyword;
        let next = rest.first();
        let next_is = |words: &[&str]| next.is_some_and(|next| next.is_any(words));
        match keyword {
            b"SELECT" | b"VALUES" | b"TABLE" | b"HELP" | b"USE" | b"FETCH" | b"CLOSE" | b"LISTEN"
            | b"UNLISTEN" | b"DEALLOCATE" | b"WITH" | b"SAVEPOINT" | b"RELEASE" | b"ABORT" | b"END"
            | b"GO" | b"FROM" | b"SUMMARIZE" | b"EXISTS" | b"PRINT" | b"HANDLER" | b"DECLARE" => {}
            // Of cursors; others have users and data to move.
            b"MOVE" if !next_is(&["USER", "ROLE", "QUOTA", "SETTINGS", "ROW", "PARTITION", "PART"]) => {}
            b"SHOW" => self.show(at),
            // What the shells of Cassandra, Snowflake and ClickHouse show.
            b"CONSISTENCY" | b"TRACING" | b"PAGING" | b"EXPAND" | b"LIST" | b"LS" if rest.len() <= 12 => {}
            b"PUT" => {
                self.push(Act::Read(None), at, self.end());
                self.push(Act::Network(None), at, self.end());
            }
            b"GET" => self.push(Act::Write(None), at, self.end()),
            b"EXPORT" | b"UNLOAD" => {
                self.named(StatementKind::Copy, at);
                match rest.iter().find(|token| token.kind == Kind::Text) {
                    Some(place) if next_is(&["DATABASE"]) => {
                        self.push(Act::Write(place.value()), at, self.end());
                    }
                    _ => self.push(Act::Network(None), at, self.end()),
                }
            }
            b"DENY" => self.named(StatementKind::Revoke, at),
            b"REMOVE" | b"RM" => self.named(StatementKind::Delete, at),
            b"COMMIT" | b"ROLLBACK" => {
                if next_is(&["PREPARED"]) {
                    self.statement(StatementKind::Transaction, at, None, None);
                }
            }
            b"START" if next_is(&["TRANSACTION"]) => {}
            b"BEGIN" => {
                let brackets = [
                    "TRANSACTION",
                    "TRAN",
                    "WORK",
                    "ISOLATION",
                    "READ",
                    "NOT",
                    "DEFERRABLE",
                    "DEFERRED",
                    "IMMEDIATE",
                    "EXCLUSIVE",
                    "CONCURRENT",
                ];
                if next.is_some() && !next_is(&brackets) {
                    return self.prefixed(at + 1);
                }
            }
            b"EXPLAIN" | b"DESCRIBE" | b"DESC" => return self.explain(at),
            // Found where they stand, like those inside.
            b"INSERT" | b"UPDATE" | b"DELETE" | b"MERGE" | b"REPLACE" => self.change(at),
            b"TRUNCATE" | b"DROP" => self.remove(at, keyword == b"DROP"),
            b"ALTER" | b"CREATE" => self
                .define(at, if keyword == b"ALTER" { StatementKind::Alter } else { StatementKind::Create }),
            b"GRANT" | b"REVOKE" => {
                let kind = if keyword == b"GRANT" { StatementKind::Grant } else { StatementKind::Revoke };
                let start = rest.iter().position(|token| token.is("ON")).map_or(0, |on| on + 1);
                let rest = rest.get(start..).unwrap_or_default();
                let end = rest.iter().position(|token| token.is_any(&["TO", "FROM"])).unwrap_or(rest.len());
                self.statement(kind, at, None, between(self.text, rest.get(..end).unwrap_or_default()));
            }
            b"COPY" => self.copy(at),
            b"LOAD" => self.load(at),
            b"DO" | b"CALL" | b"EXEC" | b"EXECUTE" => {
                self.named(StatementKind::Execute, at);
                self.executed(at);
            }
            b"PREPARE" => {
                let kind = if next_is(&["TRANSACTION"]) {
                    StatementKind::Transaction
                } else {
                    StatementKind::Execute
                };
                self.named(kind, at);
                // MySQL's has the statement in a string.
                if rest.get(1).is_some_and(|from| from.is("FROM")) {
                    self.executed(at);
                }
            }
            b"SET" => self.set(at),
            b"RESET" => {
                let server = ["MASTER", "SLAVE", "REPLICA", "BINARY", "QUERY", "PERSIST"];
                self.named(if next_is(&server) { StatementKind::Admin } else { StatementKind::Set }, at);
            }
            b"DISCARD" => self.named(StatementKind::Set, at),
            b"VACUUM" | b"ANALYZE" | b"ANALYSE" | b"REINDEX" | b"CLUSTER" | b"OPTIMIZE" | b"REPAIR"
            | b"CHECKPOINT" | b"CHECK" | b"CHECKSUM" | b"REFRESH" => {
                self.named(StatementKind::Maintenance, at);
                if keyword == b"VACUUM"
                    && let Some(into) = rest.iter().position(|token| token.is("INTO"))
                {
                    let file = rest.get(into + 1).and_then(Token::value);
                    self.push(Act::Write(file), at, self.end());
                }
            }
            b"LOCK" | b"UNLOCK" => self.named(StatementKind::Lock, at),
            b"SHUTDOWN" | b"RESTART" | b"KILL" | b"PURGE" | b"FLUSH" | b"STOP" | b"START" | b"CHANGE"
            | b"INSTALL" | b"UNINSTALL" | b"BINLOG" | b"CLONE" | b"CACHE" | b"BACKUP" | b"RESTORE"
            | b"DBCC" => self.named(StatementKind::Admin, at),
            b"ATTACH" | b"DETACH" => {
                let rest = if next_is(&["DATABASE"]) { rest.get(1..).unwrap_or_default() } else { rest };
                let (object, _) = name(self.text, rest);
                self.statement(StatementKind::Attach, at, None, object);
            }
            b"PRAGMA" => self.pragma(at),
            b"XA" => self.named(StatementKind::Transaction, at),
            b"SECURITY" | b"REASSIGN" => self.named(StatementKind::Security, at),
            b"RENAME" | b"COMMENT" => self.define(at, StatementKind::Alter),
            b"IMPORT" => self.define(at, StatementKind::Create),
            b"NOTIFY" => self.named(StatementKind::Session, at),
            _ => self.statement(StatementKind::Unknown, at, None, Some(Cow::Borrowed(verb.text))),
        }
        Some(at)
    }

    /// What a statement that executes strings does by those that it holds.
    fn executed(&mut self, at: usize) {
        let texts: Vec<Token<'t>> =
            self.after(at).iter().filter(|token| token.kind == Kind::Text).take(8).cloned().collect();
        for text in texts {
            for inner in super::nested(text.text, self.around) {
                self.found.push(Found { act: inner.act, at: text.at.clone() });
            }
        }
    }

    /// The verb behind another.
    pub(super) fn prefixed(&mut self, at: usize) -> Option<usize> {
        self.prefixes += 1;
        if self.prefixes > MAX_PREFIXES {
            self.push(Act::Opaque, at, self.end());
            return Some(at);
        }
        self.verb(at)
    }

    /// Verbs and functions inside a statement. What a database would refuse there may be a second
    /// statement to a client that splits elsewhere.
    fn inside(&mut self, start: usize) {
        let tokens = self.tokens;
        let rights = tokens.get(start).is_some_and(|verb| verb.is_any(&["GRANT", "REVOKE"]));
        for (index, token) in tokens.iter().enumerate().skip(start) {
            let next = tokens.get(index + 1);
            self.call(index);
            if self.asks {
                self.asked(index);
            }
            if token.kind != Kind::Word || index == start || rights {
                continue;
            }
            let Some(first) = token.text.first().map(u8::to_ascii_uppercase) else { continue };
            // Nothing below starts with another letter.
            if !matches!(first, b'A' | b'C' | b'D' | b'E' | b'G' | b'I' | b'M' | b'R' | b'T' | b'U' | b'X') {
                continue;
            }
            let before = index.checked_sub(1).and_then(|before| tokens.get(before));
            if before.is_some_and(|before| before.is_mark(b'.')) {
                continue;
            }
            let next_is = |words: &[&str]| next.is_some_and(|next| next.is_any(words));
            let opens = before.is_some_and(|before| before.is_mark(b'('));
            let called = next.is_some_and(|next| next.is_mark(b'('));
            if token.is("INTO") {
                self.into(index);
            } else if token.is("DELETE")
                && (next_is(&["FROM", "QUICK", "LOW_PRIORITY", "IGNORE"]) || opens && !called)
                || token.is("INSERT") && (next_is(&["INTO", "OR", "IGNORE", "OVERWRITE"]) || opens && !called)
                || token.is("MERGE") && next_is(&["INTO"])
                || token.is("REPLACE") && next_is(&["INTO"]) && !before.is_some_and(|before| before.is("OR"))
                || token.is("UPDATE") && self.is_update(index)
            {
                self.change(index);
            } else if token.is("TRUNCATE") && next_is(&["TABLE"]) {
                self.remove(index, false);
            } else if token.is("DROP") && !self.alters() && next_is(OBJECTS) {
                self.remove(index, true);
            } else if token.is_any(&["ALTER", "CREATE"]) && !self.alters() && next_is(OBJECTS) {
                self.define(
                    index,
                    if token.is("ALTER") { StatementKind::Alter } else { StatementKind::Create },
                );
            } else if token.is_any(&["EXEC", "GRANT", "REVOKE"])
                && !self.alters()
                && next.is_some_and(Token::is_name)
                && before.is_some_and(|before| !before.is("AS"))
            {
                let kind = if token.is("EXEC") { StatementKind::Execute } else { StatementKind::Grant };
                self.named(kind, index);
            } else if token.text.len() > 3
                && token.text.get(..3).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"xp_"))
                && !called
            {
                self.push(Act::Shell(next.and_then(Token::value)), index, self.end());
            }
            if self.verbs > MAX_VERBS {
                return;
            }
        }
    }

    /// The statement itself alters or creates: what follows its `DROP` is a part of that.
    fn alters(&self) -> bool {
        self.tokens
            .iter()
            .take(2)
            .any(|token| token.is_any(&["ALTER", "CREATE", "COMMENT", "DROP", "SECURITY"]))
    }

    /// `UPDATE x SET`, and not `FOR UPDATE` or `ON UPDATE`.
    fn is_update(&self, index: usize) -> bool {
        let before = index.checked_sub(1).and_then(|before| self.tokens.get(before));
        if before
            .is_some_and(|before| before.is_any(&["FOR", "ON", "KEY", "NO", "BEFORE", "AFTER", "OR", "OF"]))
        {
            return false;
        }
        // `ON CONFLICT DO UPDATE SET` belongs to what inserts.
        if self.tokens.get(index + 1).is_some_and(|next| next.is("SET")) {
            return false;
        }
        self.tokens.iter().skip(index).take(12).any(|token| token.is("SET"))
            || before.is_some_and(|before| before.is_mark(b'('))
                && !self.tokens.get(index + 1).is_some_and(|next| next.is_mark(b'('))
    }

    /// `SELECT ... INTO table`, `INTO OUTFILE 'file'`, `INTO @variable`.
    fn into(&mut self, index: usize) {
        let from = index.saturating_sub(4);
        let inserts = |token: &Token<'_>| {
            token.is_any(&["INSERT", "REPLACE", "MERGE", "VACUUM", "LOAD", "INFILE", "IMPORT", "COPY"])
        };
        if self.tokens.get(from..index).unwrap_or_default().iter().any(inserts)
            || self.tokens.first().is_some_and(inserts)
                && !self.tokens.first().is_some_and(|first| first.is("COPY"))
        {
            return;
        }
        let rest = self.after(index);
        let Some(next) = rest.first() else { return };
        if next.is_any(&["OUTFILE", "DUMPFILE"]) {
            let file = rest.get(1).and_then(Token::value);
            self.push(Act::Write(file), index, self.end());
            let (object, _) = name(self.text, rest.get(1..).unwrap_or_default());
            self.statement(StatementKind::Copy, index, None, object);
        } else if !next.is_mark(b'@') {
            let skipped = rest
                .iter()
                .take_while(|token| token.is_any(&["TEMP", "TEMPORARY", "UNLOGGED", "TABLE", "STRICT"]))
                .count();
            let (object, _) = name(self.text, rest.get(skipped..).unwrap_or_default());
            self.statement(StatementKind::Create, index, None, object);
        }
    }

    /// `INSERT`, `UPDATE`, `DELETE`, `MERGE`, `REPLACE`.
    fn change(&mut self, at: usize) {
        let rest = self.after(at);
        let Some(verb) = self.tokens.get(at) else { return };
        let (kind, narrows) = match verb.text.first().map(u8::to_ascii_uppercase) {
            Some(b'I') => (StatementKind::Insert, false),
            Some(b'D') => (StatementKind::Delete, true),
            Some(b'U') => (StatementKind::Update, true),
            _ => (StatementKind::Update, false),
        };
        let modifiers = [
            "INTO",
            "FROM",
            "ONLY",
            "LOW_PRIORITY",
            "HIGH_PRIORITY",
            "DELAYED",
            "QUICK",
            "IGNORE",
            "OVERWRITE",
            "TABLE",
        ];
        let mut skipped = 0;
        while let Some(token) = rest.get(skipped) {
            // `UPDATE OR ROLLBACK t`
            skipped += match token {
                token if token.is("OR") => 2,
                token if token.is_any(&modifiers) => 1,
                _ => break,
            };
        }
        let (object, _) = name(self.text, rest.get(skipped..).unwrap_or_default());
        let everything = narrows && !self.is_narrowed(at);
        self.found_statement(Statement { kind, everything, object, class: None }, at);
    }

    /// Whether a `WHERE` of the statement whose verb stands at `at` spares anything.
    fn is_narrowed(&self, at: usize) -> bool {
        let rest = self.after(at);
        let mut depth = 0_u32;
        let mut condition = None;
        let mut end = rest.len();
        for (index, token) in rest.iter().enumerate() {
            match token.kind {
                Kind::Mark(b'(') => depth += 1,
                Kind::Mark(b')') if depth == 0 => {
                    end = index;
                    break;
                }
                Kind::Mark(b')') => depth -= 1,
                Kind::Word if depth == 0 && condition.is_none() && token.is("WHERE") => {
                    condition = Some(index + 1)
                }
                Kind::Word
                    if depth == 0
                        && condition.is_some()
                        && token.is_any(&["RETURNING", "ORDER", "LIMIT", "OPTION"]) =>
                {
                    end = index;
                    break;
                }
                _ => {}
            }
        }
        condition.is_some_and(|start| !always_holds(rest.get(start..end).unwrap_or_default()))
    }

    /// `TRUNCATE` and `DROP`, with every name in their list.
    fn remove(&mut self, at: usize, drop: bool) {
        let rest = self.after(at);
        let mut kind = if drop { StatementKind::Drop } else { StatementKind::Truncate };
        let (class, mut rest) = if drop || rest.first().is_some_and(|next| next.is("TABLE")) {
            class(self.text, rest)
        } else {
            (None, rest)
        };
        let is_derived = |class: &[u8]| {
            [&b"INDEX"[..], b"VIEW", b"MATERIALIZED VIEW"].iter().any(|name| class.eq_ignore_ascii_case(name))
        };
        // What else goes by `CASCADE` cannot be known.
        if drop && class.as_deref().is_some_and(is_derived) && !rest.iter().any(|token| token.is("CASCADE")) {
            kind = StatementKind::DropDerived;
        }
        loop {
            let (object, behind) = name(self.text, rest);
            self.found_statement(Statement { kind, everything: !drop, object, class: class.clone() }, at);
            match behind {
                [comma, others @ ..] if comma.is_mark(b',') && self.verbs <= MAX_VERBS => rest = others,
                _ => break,
            }
        }
    }

    /// `ALTER`, `CREATE` and their like.
    fn define(&mut self, at: usize, kind: StatementKind) {
        let rest = self.after(at);
        let (class, behind) = class(self.text, rest);
        let (object, _) = name(self.text, behind);
        self.statement(kind, at, class, object);
        if let Some(library) = rest.iter().position(|token| token.is("SONAME")) {
            let path = rest.get(library + 1).and_then(Token::value);
            self.push(Act::Load(path), at, self.end());
        }
    }

    /// `COPY t FROM PROGRAM 'command'`, `COPY (query) TO 'file'`.
    fn copy(&mut self, at: usize) {
        let rest = self.after(at);
        let (object, _) = name(self.text, rest);
        let mut depth = 0_u32;
        let mut act = None;
        let mut streams = false;
        let mut reads = false;
        for (index, token) in rest.iter().enumerate() {
            match token.kind {
                Kind::Mark(b'(') => depth += 1,
                Kind::Mark(b')') => depth = depth.saturating_sub(1),
                Kind::Word if depth == 0 && token.is_any(&["FROM", "TO"]) => {
                    reads = token.is("FROM");
                    let Some(target) = rest.get(index + 1) else { break };
                    if target.is("PROGRAM") {
                        act = Some(Act::Shell(rest.get(index + 2).and_then(Token::value)));
                    } else if target.is_any(&["STDIN", "STDOUT", "PSTDIN", "PSTDOUT"]) {
                        streams = true;
                    } else if reads {
                        act = Some(Act::Read(target.value()));
                    } else {
                        act = Some(Act::Write(target.value()));
                    }
                    break;
                }
                _ => {}
            }
        }
        if reads || !streams {
            self.statement(StatementKind::Copy, at, None, object);
        }
        if let Some(act) = act {
            self.push(act, at, self.end());
        }
    }

    /// `LOAD DATA INFILE 'file' INTO TABLE t`, and `LOAD 'library'`.
    fn load(&mut self, at: usize) {
        let rest = self.after(at);
        if let Some(library) = rest.first().filter(|next| next.kind == Kind::Text) {
            self.push(Act::Load(library.value()), at, self.end());
            return self.named(StatementKind::Admin, at);
        }
        if rest.first().is_some_and(|next| next.is("INDEX")) {
            return self.named(StatementKind::Maintenance, at);
        }
        // DuckDB's extensions.
        if let [_] = rest {
            return self.named(StatementKind::Execute, at);
        }
        let behind = |word: &str| {
            rest.iter()
                .position(|token| token.is(word))
                .and_then(|index| rest.get(index + 1..))
                .unwrap_or_default()
        };
        let file = behind("INFILE").first().and_then(Token::value);
        let (object, _) = name(self.text, behind("TABLE"));
        self.statement(StatementKind::Insert, at, None, object);
        self.push(Act::Read(file), at, self.end());
    }

    /// A statement whose object is the name behind its verb.
    pub(super) fn named(&mut self, kind: StatementKind, at: usize) {
        let (object, _) = name(self.text, self.after(at));
        self.statement(kind, at, None, object);
    }

    pub(super) fn statement(&mut self, kind: StatementKind, at: usize, class: Known<'t>, object: Known<'t>) {
        self.found_statement(Statement { kind, everything: false, object, class }, at);
    }

    fn found_statement(&mut self, statement: Statement<'t>, at: usize) {
        self.verbs += 1;
        let end = self.tokens.get(at).map_or(0, |verb| verb.at.end);
        self.push(Act::Statement(statement), at, end);
    }

    pub(super) fn push(&mut self, act: Act<'t>, at: usize, end: usize) {
        let start = self.tokens.get(at).map_or(end, |token| token.at.start);
        self.found.push(Found { act, at: start..end.max(start) });
    }

    /// The tokens behind one.
    pub(super) fn after(&self, at: usize) -> &'s [Token<'t>] {
        self.tokens.get(at + 1..).unwrap_or_default()
    }

    /// Where the statement ends in the text.
    fn end(&self) -> usize {
        self.tokens.last().map_or(0, |last| last.at.end)
    }
}
