//! Whether a `WHERE` spares any row.

use super::lex::{Kind, Token};

/// Brackets inside brackets that are looked into; deeper conditions are taken at their word.
const MAX_BRACKETS: u32 = 16;

/// Words that are no column.
const NO_COLUMNS: &[&str] = &[
    "TRUE",
    "FALSE",
    "NULL",
    "NOT",
    "IS",
    "IN",
    "AND",
    "OR",
    "XOR",
    "BETWEEN",
    "LIKE",
    "EXISTS",
    "SELECT",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "AS",
    "CURRENT_DATE",
    "CURRENT_TIMESTAMP",
    "CURRENT_TIME",
    "CURRENT_USER",
    "DISTINCT",
    "FROM",
    "INTERVAL",
    "UNKNOWN",
    "DIV",
    "MOD",
    "ANY",
    "ALL",
    "SOME",
    "VALUES",
];

/// Whether the condition may hold for every row: it names no column, or compares one with itself.
pub(super) fn always_holds(condition: &[Token<'_>]) -> bool {
    holds(condition, 0)
}

fn holds(condition: &[Token<'_>], depth: u32) -> bool {
    if depth > MAX_BRACKETS {
        return false;
    }
    let condition = unwrap(condition);
    if condition.is_empty() {
        return true;
    }
    let mut start = 0;
    let mut brackets = 0_u32;
    let mut any = false;
    // One pass over the disjunction; each part is then a conjunction.
    for (index, token) in condition.iter().enumerate() {
        match token.kind {
            Kind::Mark(b'(') => brackets += 1,
            Kind::Mark(b')') => brackets = brackets.saturating_sub(1),
            _ if brackets == 0 && is_or(condition, index) => {
                any |= conjunction_holds(condition.get(start..index).unwrap_or_default(), depth);
                start = index + 1;
            }
            _ => {}
        }
    }
    any || conjunction_holds(condition.get(start..).unwrap_or_default(), depth)
}

/// `OR`, or MySQL's `||` (which elsewhere joins strings: then what follows is no condition).
fn is_or(condition: &[Token<'_>], index: usize) -> bool {
    let Some(token) = condition.get(index) else { return false };
    let second = index.checked_sub(1).and_then(|before| condition.get(before));
    token.is("OR")
        || token.is_mark(b'|')
            && second.is_some_and(|before| before.is_mark(b'|') && before.at.end == token.at.start)
}

fn conjunction_holds(conjunction: &[Token<'_>], depth: u32) -> bool {
    let conjunction = match conjunction {
        // The first bar of `||`.
        [rest @ .., bar] if bar.is_mark(b'|') => rest,
        whole => whole,
    };
    let mut start = 0;
    let mut brackets = 0_u32;
    let mut between = false;
    let mut all = true;
    for (index, token) in conjunction.iter().enumerate() {
        match token.kind {
            Kind::Mark(b'(') => brackets += 1,
            Kind::Mark(b')') => brackets = brackets.saturating_sub(1),
            _ if brackets == 0 && token.is("BETWEEN") => between = true,
            _ if brackets == 0 && token.is("AND") => {
                if between {
                    between = false;
                    continue;
                }
                all &= atom_holds(conjunction.get(start..index).unwrap_or_default(), depth);
                start = index + 1;
            }
            _ => {}
        }
    }
    all && atom_holds(conjunction.get(start..).unwrap_or_default(), depth)
}

fn atom_holds(atom: &[Token<'_>], depth: u32) -> bool {
    let inner = unwrap(atom);
    if inner.len() < atom.len() {
        return holds(inner, depth + 1);
    }
    // A condition without a column holds for all rows or for none.
    if !atom.iter().enumerate().any(|(index, token)| is_column(atom, index, token)) {
        return true;
    }
    if let [.., like, pattern] = atom
        && like.is_any(&["LIKE", "ILIKE"])
        && pattern.kind == Kind::Text
    {
        return !pattern.text.is_empty() && pattern.text.iter().all(|byte| *byte == b'%');
    }
    let comparison = |token: &Token<'_>| matches!(token.kind, Kind::Mark(b'=' | b'<' | b'>'));
    let Some(left) = atom.iter().position(comparison) else { return false };
    let right = left + atom.iter().skip(left).take_while(|token| comparison(token)).count();
    let holds_for_equals = atom.get(left..right).unwrap_or_default().iter().any(|token| token.is_mark(b'='));
    let (left, right) = (atom.get(..left).unwrap_or_default(), atom.get(right..).unwrap_or_default());
    holds_for_equals
        && left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|(left, right)| left.kind == right.kind && left.text.eq_ignore_ascii_case(right.text))
}

fn is_column(atom: &[Token<'_>], index: usize, token: &Token<'_>) -> bool {
    let called = atom.get(index + 1).is_some_and(|next| next.is_mark(b'('));
    match token.kind {
        Kind::Name => true,
        Kind::Word => !called && !token.is_any(NO_COLUMNS),
        _ => false,
    }
}

/// Without the brackets around the whole.
fn unwrap<'s, 't>(mut tokens: &'s [Token<'t>]) -> &'s [Token<'t>] {
    for _ in 0..MAX_BRACKETS {
        let [open, inner @ .., close] = tokens else { break };
        if !open.is_mark(b'(') || !close.is_mark(b')') || !is_balanced(inner) {
            break;
        }
        tokens = inner;
    }
    tokens
}

fn is_balanced(tokens: &[Token<'_>]) -> bool {
    let mut depth = 0_usize;
    for token in tokens {
        match token.kind {
            Kind::Mark(b'(') => depth += 1,
            Kind::Mark(b')') => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => {}
        }
    }
    depth == 0
}
