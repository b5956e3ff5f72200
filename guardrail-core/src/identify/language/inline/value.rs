//! What a JavaScript expression gives, without knowing what its names hold: data, or maybe a function.

use super::dialect::lists;
use super::lex::Token;
use super::whole::{Whole, is_keyword};

/// Methods that give text, numbers or a list on all that has them, and never one of its elements.
const GIVE_DATA: &[&str] = &[
    "charAt",
    "charCodeAt",
    "codePointAt",
    "concat",
    "digest",
    "endsWith",
    "entries",
    "every",
    "filter",
    "findIndex",
    "flat",
    "flatMap",
    "getDate",
    "getDay",
    "getFullYear",
    "getHours",
    "getMinutes",
    "getMonth",
    "getTime",
    "has",
    "includes",
    "indexOf",
    "isDirectory",
    "isFile",
    "join",
    "keys",
    "lastIndexOf",
    "localeCompare",
    "map",
    "match",
    "matchAll",
    "padEnd",
    "padStart",
    "repeat",
    "replace",
    "replaceAll",
    "reverse",
    "slice",
    "some",
    "sort",
    "split",
    "startsWith",
    "substr",
    "substring",
    "test",
    "toFixed",
    "toISOString",
    "toLocaleString",
    "toLowerCase",
    "toReversed",
    "toSorted",
    "toString",
    "toUpperCase",
    "trim",
    "trimEnd",
    "trimStart",
    "values",
];

impl Whole<'_> {
    /// Whether that can be no function: text, numbers, and lists and the like that are made there.
    pub(super) fn is_data(&self, from: usize, end: usize) -> bool {
        if from >= end || self.is_function(from, end) {
            return false;
        }
        let top: Vec<usize> = self.top(from, end).collect();
        let bad = |at: &usize| self.token(*at) == Some(Token::Arrow) || self.assigns(*at);
        if top.iter().any(bad) {
            return false;
        }
        let doubled = |mark: u8| top.iter().copied().find(|at| self.is(*at, mark) && self.is_first(*at));
        let question = |at: &usize| self.is(*at, b'?') && !self.opens_chain(*at) && !self.is_doubled(*at);
        if let Some(question) = top.iter().copied().find(question) {
            let mut depth = 0_usize;
            for at in top.iter().copied().filter(|at| *at > question) {
                match self.token(at) {
                    Some(Token::Mark(b'?')) if !self.opens_chain(at) && !self.is_doubled(at) => depth += 1,
                    Some(Token::Mark(b':')) if depth == 0 => {
                        return self.is_data(question + 1, at) && self.is_data(at + 1, end);
                    }
                    Some(Token::Mark(b':')) => depth -= 1,
                    _ => {}
                }
            }
            return false;
        }
        if let Some(at) = doubled(b'|').or_else(|| doubled(b'?')) {
            return self.is_data(from, at) && self.is_data(at + 2, end);
        }
        if let Some(at) = doubled(b'&') {
            // What is not true is no function.
            return self.is_data(at + 2, end);
        }
        let Some(operands) = self.operands(from, end) else { return false };
        match operands.as_slice() {
            [(start, end)] => match self.token(*start) {
                Some(
                    Token::Mark(b'!' | b'~' | b'+' | b'-') | Token::Name(b"typeof" | b"void" | b"delete"),
                ) => true,
                _ => self.is_data_chain(*start, *end),
            },
            _ => true,
        }
    }

    /// What stands on both sides of operators; `None` where that is not all there is.
    fn operands(&self, from: usize, end: usize) -> Option<Vec<(usize, usize)>> {
        let mut found = Vec::new();
        let mut start = from;
        loop {
            let mut at = self.operand(start)?;
            found.push((start, at));
            if at >= end {
                return (at == end).then_some(found);
            }
            match self.token(at)? {
                Token::Mark(b'+' | b'-') if self.is_first(at) => return None,
                Token::Mark(b'*' | b'<' | b'>') => {
                    while self.is_first(at) {
                        at += 1;
                    }
                }
                Token::Mark(b'+' | b'-' | b'%' | b'^' | b'|' | b'&') | Token::Name(b"in" | b"instanceof") => {
                }
                Token::Operator if !self.is_spread(at) && !self.assigns(at) => {}
                _ => return None,
            }
            start = at + 1;
        }
    }

    /// Where one operand ends.
    fn operand(&self, from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            match self.token(at)? {
                Token::Mark(b'+' | b'-') if self.is_first(at) => return None,
                Token::Mark(b'!' | b'~' | b'+' | b'-')
                | Token::Name(b"typeof" | b"void" | b"delete" | b"await") => at += 1,
                _ => break,
            }
        }
        at += usize::from(self.name(at) == Some(b"new"));
        at = match self.token(at)? {
            Token::Name(name) if is_keyword(name) => return None,
            Token::Name(_) | Token::Number | Token::Text(_) | Token::Regex | Token::Template(_) => at + 1,
            Token::Mark(b'(' | b'[' | b'{') => self.partner(at) + 1,
            _ => return None,
        };
        while let Some(next) = self.link(at)? {
            at = next;
        }
        Some(at)
    }

    /// `.name`, `?.[x]`, `(x)`: where that ends; the inner `None` where there is none.
    #[allow(clippy::option_option)]
    fn link(&self, at: usize) -> Option<Option<usize>> {
        let dot = at + usize::from(self.opens_chain(at));
        match self.token(dot) {
            Some(Token::Mark(b'.')) => match self.token(dot + 1)? {
                Token::Name(_) => Some(Some(dot + 2)),
                Token::Mark(b'[') if dot > at => Some(Some(self.partner(dot + 1) + 1)),
                _ => None,
            },
            Some(Token::Mark(b'(' | b'[')) => Some(Some(self.partner(at) + 1)),
            Some(Token::Template(_)) => None,
            _ => Some(None),
        }
    }

    fn is_data_chain(&self, from: usize, end: usize) -> bool {
        let last = end.saturating_sub(1);
        if last == from {
            return match self.token(from) {
                Some(Token::Name(name)) => {
                    matches!(name, b"true" | b"false" | b"null" | b"undefined" | b"NaN" | b"Infinity")
                }
                _ => true,
            };
        }
        match self.token(last) {
            Some(Token::Mark(b')')) => {
                let open = self.partner(last);
                if open == from {
                    return self
                        .between_commas(from + 1, last)
                        .pop()
                        .is_some_and(|(a, b)| self.is_data(a, b));
                }
                let Some(name) = open.checked_sub(1).and_then(|at| self.name(at)) else { return false };
                if self.is_member(open - 1) {
                    return lists(GIVE_DATA, name) && !self.keys.contains(&name) || self.makes(from, open);
                }
                let makes = open == from + 1
                    && matches!(
                        name,
                        b"Number" | b"String" | b"Boolean" | b"parseInt" | b"parseFloat" | b"Array"
                    );
                let makes_new = self.name(from) == Some(b"new") && open == from + 2;
                makes
                    || makes_new
                        && matches!(
                            name,
                            b"Set" | b"Map" | b"Date" | b"Array" | b"Error" | b"RegExp" | b"URL"
                        )
            }
            Some(Token::Mark(b']' | b'}')) => self.partner(last) == from,
            Some(Token::Name(name @ (b"length" | b"size"))) => {
                self.is_member(last) && !self.keys.contains(&name)
            }
            _ => false,
        }
    }

    /// A call of something global that gives data.
    fn makes(&self, from: usize, open: usize) -> bool {
        let (Some(root), Some(name)) = (self.name(from), self.name(from + 2)) else { return false };
        open == from + 3
            && self.is(from + 1, b'.')
            && match root {
                b"JSON" | b"Math" | b"path" | b"fs" => true,
                b"Object" => {
                    matches!(name, b"keys" | b"values" | b"entries" | b"groupBy" | b"hasOwn" | b"is")
                }
                _ => false,
            }
    }

    /// Whether that is a number, whatever its names hold: what is no number before stays none when
    /// it is added.
    pub(super) fn is_number(&self, from: usize, end: usize) -> bool {
        let plain = |at: usize| match self.token(at) {
            Some(Token::Mark(mark)) => !b"?|&:<>^=".contains(&mark) || self.opens_chain(at),
            Some(Token::Operator) => self.source(at) == b"/",
            Some(Token::Arrow | Token::Name(b"in" | b"instanceof")) => false,
            _ => true,
        };
        if !self.top(from, end).all(plain) {
            return false;
        }
        let Some(operands) = self.operands(from, end) else { return false };
        let adds = operands.iter().any(|(start, _)| *start > from && self.was(*start, b'+'));
        if operands.len() > 1 {
            return !adds || operands.iter().all(|(start, end)| self.is_counted(*start, *end));
        }
        self.is_counted(from, end)
    }

    fn is_counted(&self, from: usize, end: usize) -> bool {
        let last = end.saturating_sub(1);
        match (self.token(from), self.token(last)) {
            (Some(Token::Number), _) if last == from => true,
            (Some(Token::Name(b"Number" | b"parseInt" | b"parseFloat")), Some(Token::Mark(b')'))) => {
                self.partner(last) == from + 1
            }
            (Some(Token::Name(b"Math")), Some(Token::Mark(b')'))) => self.partner(last) == from + 3,
            // `fs.statSync(f).size`, `x.split('a').length`
            (_, Some(Token::Name(what @ (b"size" | b"length")))) if !self.keys.contains(&what) => {
                let Some(call) =
                    last.checked_sub(2).filter(|call| self.is(*call, b')') && self.is_member(last))
                else {
                    return false;
                };
                let open = self.partner(call);
                let Some(name) = open.checked_sub(1).and_then(|at| self.name(at)) else { return false };
                let file = self.name(from) == Some(b"fs") && open == from + 3;
                match what {
                    b"size" => file && matches!(name, b"statSync" | b"lstatSync"),
                    _ => {
                        let lists =
                            matches!(name, b"split" | b"map" | b"filter" | b"slice" | b"trim" | b"join");
                        let keys = self.name(from) == Some(b"Object")
                            && open == from + 3
                            && matches!(name, b"keys" | b"values" | b"entries");
                        let read = file && matches!(name, b"readFileSync" | b"readdirSync");
                        keys || read || lists && self.is_member(open - 1) && !self.keys.contains(&name)
                    }
                }
            }
            _ => false,
        }
    }
}
