//! What a statement that only asks may do all the same: call functions, take locks, read files as tables.

use std::borrow::Cow;

use super::super::StatementKind;
use super::function::{reach, table};
use super::lex::{Kind, Token};
use super::pure::is_pure;
use super::secret;
use super::statement::Reader;

impl Reader<'_, '_, '_> {
    /// `EXPLAIN` executes what it explains only where `ANALYZE` is not provably off.
    pub(super) fn explain(&mut self, at: usize) -> Option<usize> {
        let mut index = at + 1;
        let mut analyze = false;
        let mut brackets = 0_u32;
        while let Some(token) = self.tokens.get(index) {
            if token.is_any(&["ANALYZE", "ANALYSE"]) {
                let off = |next: &Token<'_>| {
                    next.is_any(&["FALSE", "OFF"]) || next.kind == Kind::Number && next.text == b"0"
                };
                analyze |= brackets == 0 || !self.tokens.get(index + 1).is_some_and(off);
            } else if token.is_mark(b'(') {
                if self.tokens.get(index + 1).is_some_and(|next| next.is_any(&["SELECT", "WITH", "VALUES"])) {
                    break;
                }
                brackets += 1;
            } else if token.is_mark(b')') {
                brackets = brackets.saturating_sub(1);
            } else if brackets == 0
                && !token.is_any(&["VERBOSE", "EXTENDED", "PARTITIONS", "QUERY", "PLAN", "FORMAT", "FOR"])
                && !token.is_mark(b'=')
            {
                // `FORMAT = JSON`
                let format =
                    self.tokens.get(index.saturating_sub(1)).is_some_and(|before| before.is_mark(b'='));
                if !format {
                    break;
                }
            }
            index += 1;
        }
        let statement = self.tokens.get(index).is_some_and(|token| {
            token.is_any(&[
                "SELECT", "WITH", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE",
                "CREATE", "EXECUTE", "DECLARE", "REFRESH",
            ]) || token.is_mark(b'(')
        });
        if !analyze {
            // A planner may call functions to see how many rows there will be.
            for at in index..self.tokens.len() {
                self.call(at);
            }
            return None;
        }
        if statement && !self.tokens.get(index).is_some_and(|token| token.is_mark(b'(')) {
            return self.prefixed(index);
        }
        Some(at)
    }

    /// A function that may be called by the name at `index`.
    pub(super) fn call(&mut self, index: usize) {
        let Some(token) = self.tokens.get(index) else { return };
        let next_is = |mark: u8| self.tokens.get(index + 1).is_some_and(|next| next.is_mark(mark));
        // `U&"\0066"`, `U&"!0066" UESCAPE '!'`: letters by their codes may spell any name.
        let escaped = token.is("U")
            && next_is(b'&')
            && self.tokens.get(index + 2).is_some_and(|name| {
                name.kind == Kind::Name
                    && !self.tokens.get(index + 3).is_some_and(|called| called.is_mark(b'('))
                    && (name.text.contains(&b'\\')
                        || self.tokens.get(index + 3).is_some_and(|escape| escape.is("UESCAPE")))
            });
        if escaped {
            self.statement(StatementKind::Function, index, None, Some(Cow::Borrowed(token.text)));
        }
        if !(token.is_name() && next_is(b'(')) {
            return;
        }
        let name = || Some(Cow::Borrowed(token.text));
        let Some(reach) = reach(token.text).filter(|_| !self.names_columns(index)) else {
            let spelled = token.kind == Kind::Name && token.text.contains(&b'\\');
            if spelled || self.asks && self.calls_unknown(index) {
                self.statement(StatementKind::Function, index, None, name());
            }
            return;
        };
        if !reach.is_act_alone() {
            self.statement(StatementKind::Function, index, None, name());
        }
        if let Some(act) = reach.act(self.tokens.get(index + 2..).unwrap_or_default()) {
            self.push(act, index, token.at.end);
        }
    }

    /// `WITH url (a) AS (`, `INSERT INTO url (a)`: a table that is made here, with its columns.
    fn names_columns(&self, index: usize) -> bool {
        let before = index.checked_sub(1).and_then(|before| self.tokens.get(before));
        if before.is_some_and(|before| before.is_any(&["INTO", "RECURSIVE"])) {
            return true;
        }
        if !self.tokens.first().is_some_and(|first| first.is("WITH"))
            || !before.is_some_and(|before| before.is("WITH") || before.is_mark(b','))
        {
            return false;
        }
        // Nothing but names, and behind them a query.
        let rest = self.tokens.get(index + 2..).unwrap_or_default();
        let names = rest.iter().take_while(|token| token.is_name() || token.is_mark(b',')).count();
        let behind = rest.get(names..).unwrap_or_default();
        behind.first().is_some_and(|close| close.is_mark(b')'))
            && behind.get(1).is_some_and(|named| named.is("AS"))
            && behind.iter().skip(2).take(3).any(|token| {
                token.is_mark(b'(')
                    && !self.tokens.get(..index).unwrap_or_default().iter().any(|token| token.is("FROM"))
            })
    }

    /// Whether the name at `index`, before brackets, may be a function that is not known to do nothing.
    fn calls_unknown(&self, index: usize) -> bool {
        let Some(token) = self.tokens.get(index) else { return false };
        let back = |places: usize| index.checked_sub(places).and_then(|before| self.tokens.get(before));
        // `COPY (`, `EXPLAIN (`: the verb itself.
        if self.tokens.iter().take(index).all(|before| before.is_mark(b'(')) {
            return false;
        }
        let pure = is_pure(token.text);
        match back(1) {
            // A schema may have a function of any name.
            Some(dot) if dot.is_mark(b'.') => {
                let own = back(2).is_some_and(|schema| {
                    schema.is_any(&["PG_CATALOG", "INFORMATION_SCHEMA", "SAFE", "NET"])
                });
                !(own && pure)
            }
            _ if pure => false,
            // `CAST(a AS type (1))`, `FROM (...) AS t (a, b)`
            Some(named) if named.is("AS") => false,
            // `(...) t (a, b)`, but not `DISTINCT ON (a) f(b)`.
            Some(close) if close.is_mark(b')') => {
                self.tokens.iter().any(|token| token.is_any(&["DISTINCT", "TOP", "ALL"]))
            }
            // `FROM users u (a, b)`: a name behind a table's is its own.
            Some(table) if table.is_name() && self.names_table(index - 1) => false,
            // `a::type(1)`
            Some(colon) if colon.is_mark(b':') && back(2).is_some_and(|other| other.is_mark(b':')) => false,
            _ => !self.names_columns(index),
        }
    }

    /// Whether the name at `index` is a table that is asked.
    fn names_table(&self, index: usize) -> bool {
        let back = |places: usize| index.checked_sub(places).and_then(|before| self.tokens.get(before));
        let leads = self.tokens.get(index).is_some_and(|word| {
            word.is_any(&[
                "ALL",
                "ANY",
                "ARRAY",
                "BINARY",
                "CASE",
                "CAST",
                "DATE",
                "DISTINCT",
                "EXISTS",
                "EXTERNAL",
                "FINAL",
                "FOREIGN",
                "FUNCTION",
                "INTERVAL",
                "LATERAL",
                "NOT",
                "ONLY",
                "OUTER",
                "PRIOR",
                "ROW",
                "ROWS",
                "SELECT",
                "TABLE",
                "TIME",
                "TIMESTAMP",
                "VALUES",
            ])
        });
        !leads
            && back(1).is_some_and(|word| word.is_any(&["FROM", "JOIN"]))
            && !back(2).is_some_and(|word| word.is("DISTINCT"))
            && !self.is_argument(index - 1)
    }

    /// What else a statement that asks may do: lock what it reads, or read files as tables.
    pub(super) fn asked(&mut self, index: usize) {
        let Some(token) = self.tokens.get(index) else { return };
        let next = self.tokens.get(index + 1);
        let next_is = |words: &[&str]| next.is_some_and(|next| next.is_any(words));
        let after_is = |word: &str| self.tokens.get(index + 2).is_some_and(|after| after.is(word));
        let locks = token.is("FOR")
            && (next_is(&["UPDATE", "SHARE"])
                || next_is(&["NO"]) && after_is("KEY")
                || next_is(&["KEY"]) && after_is("SHARE"))
            || token.is("LOCK") && next_is(&["IN"]) && after_is("SHARE")
            || token.is_any(&["UPDLOCK", "XLOCK", "TABLOCKX", "HOLDLOCK"]);
        if locks {
            self.statement(StatementKind::Lock, index, None, None);
        }
        let Some(name) = next.filter(|next| next.kind == Kind::Text) else { return };
        let before = index.checked_sub(1).and_then(|before| self.tokens.get(before));
        let is_file = name.text.iter().any(|byte| matches!(byte, b'.' | b'/' | b':' | b'*' | b'\\'));
        if token.is_any(&["FROM", "JOIN"])
            && !self.tokens.first().is_some_and(|verb| verb.is("COPY"))
            && is_file
            && !before.is_some_and(|before| before.is("DISTINCT"))
            && !self.is_argument(index)
        {
            self.push(table(name.value()), index, name.at.end);
        }
    }

    /// `trim(both 'x' FROM 'y')`: a `FROM` that no table follows.
    fn is_argument(&self, index: usize) -> bool {
        let mut depth = 0_u32;
        for (at, token) in self.tokens.get(..index).unwrap_or_default().iter().enumerate().rev().take(32) {
            match token.kind {
                Kind::Mark(b')') => depth += 1,
                Kind::Mark(b'(') if depth == 0 => {
                    return at.checked_sub(1).and_then(|name| self.tokens.get(name)).is_some_and(|name| {
                        name.is_any(&["TRIM", "SUBSTRING", "EXTRACT", "OVERLAY", "POSITION"])
                    });
                }
                Kind::Mark(b'(') => depth -= 1,
                _ => {}
            }
        }
        false
    }

    /// `SHOW` shows; what it shows may be a secret.
    pub(super) fn show(&mut self, at: usize) {
        let rest = self.after(at);
        let hashes = matches!(rest, [create, user, ..] if create.is("CREATE") && user.is("USER"));
        let setting = rest.first().is_some_and(|name| secret::is_secret_setting(name.text));
        if hashes || setting {
            self.named(StatementKind::Secret, at);
        }
    }
}
