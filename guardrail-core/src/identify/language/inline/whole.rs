//! A whole JavaScript text as one row of tokens, code inside of its templates included, and the
//! expressions in it: what a value can be, without knowing what its names hold.

use super::dialect::Syntax;
use super::lex::{Token, Unreadable, tokens};

/// Templates in templates that are looked into.
const MAX_DEPTH: usize = 3;

/// One token of the row; ends of lines are none, only told of.
#[derive(Debug)]
struct Part<'t> {
    token: Token<'t>,
    source: &'t [u8],
    /// Nothing stands between it and the one before.
    glued: bool,
    /// A line ended before it.
    fresh: bool,
    /// The bracket that belongs to this one.
    partner: usize,
    /// The bracket that is open around it.
    outer: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Whole<'t> {
    parts: Vec<Part<'t>>,
    /// Names of properties that the text itself may fill with a function.
    pub(super) keys: Vec<&'t [u8]>,
}

impl<'t> Whole<'t> {
    pub(super) fn of(text: &'t [u8]) -> Result<Self, Unreadable> {
        let mut whole = Self { parts: Vec::new(), keys: Vec::new() };
        whole.add(text, 0)?;
        whole.pair()?;
        Ok(whole)
    }

    fn push(&mut self, token: Token<'t>, source: &'t [u8], glued: bool, fresh: bool) {
        self.parts.push(Part { token, source, glued, fresh, partner: 0, outer: None });
    }

    /// `` `a${b}c` `` stands in the row as ``(`a${b}c` + (b))``, which is what it is.
    fn add(&mut self, text: &'t [u8], depth: usize) -> Result<(), Unreadable> {
        let mut end = 0;
        for one in tokens(Syntax::JavaScript, text)? {
            if one.token == Token::Newline {
                continue;
            }
            let gap = text.get(end..one.at.start).ok_or(Unreadable)?;
            let source = text.get(one.at.clone()).ok_or(Unreadable)?;
            let (glued, fresh) = (gap.is_empty() && end > 0, gap.contains(&b'\n'));
            end = one.at.end;
            let codes = match one.token {
                Token::Template(body) => codes(body)?,
                _ => Vec::new(),
            };
            if codes.is_empty() {
                self.push(one.token, source, glued, fresh);
                continue;
            }
            if depth >= MAX_DEPTH || self.parts.last().is_some_and(|last| is_operand(last.token)) && !fresh {
                return Err(Unreadable);
            }
            self.push(Token::Mark(b'('), b"(", false, fresh);
            self.push(one.token, source, false, false);
            for code in codes {
                self.push(Token::Mark(b'+'), b"+", false, false);
                self.push(Token::Mark(b'('), b"(", false, false);
                self.add(code, depth + 1)?;
                self.push(Token::Mark(b')'), b")", false, false);
            }
            self.push(Token::Mark(b')'), b")", false, false);
        }
        Ok(())
    }

    /// Finds what closes each bracket.
    fn pair(&mut self) -> Result<(), Unreadable> {
        let mut open: Vec<usize> = Vec::new();
        for at in 0..self.parts.len() {
            let outer = open.last().copied();
            let Some(part) = self.parts.get_mut(at) else { break };
            part.outer = outer;
            match part.token {
                Token::Mark(b'(' | b'[' | b'{') => open.push(at),
                Token::Mark(close @ (b')' | b']' | b'}')) => {
                    let from = open.pop().ok_or(Unreadable)?;
                    part.partner = from;
                    part.outer = open.last().copied();
                    let opens = self.parts.get_mut(from).ok_or(Unreadable)?;
                    opens.partner = at;
                    let fits = matches!(
                        (opens.token, close),
                        (Token::Mark(b'('), b')') | (Token::Mark(b'['), b']') | (Token::Mark(b'{'), b'}')
                    );
                    if !fits {
                        return Err(Unreadable);
                    }
                }
                _ => {}
            }
        }
        if open.is_empty() { Ok(()) } else { Err(Unreadable) }
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    pub(super) fn token(&self, at: usize) -> Option<Token<'t>> {
        self.parts.get(at).map(|part| part.token)
    }

    /// The token so many before that one.
    pub(super) fn back(&self, at: usize, by: usize) -> Option<Token<'t>> {
        self.token(at.checked_sub(by)?)
    }

    pub(super) fn name(&self, at: usize) -> Option<&'t [u8]> {
        match self.token(at) {
            Some(Token::Name(name)) => Some(name),
            _ => None,
        }
    }

    pub(super) fn is(&self, at: usize, mark: u8) -> bool {
        self.token(at) == Some(Token::Mark(mark))
    }

    pub(super) fn was(&self, at: usize, mark: u8) -> bool {
        self.back(at, 1) == Some(Token::Mark(mark))
    }

    pub(super) fn source(&self, at: usize) -> &'t [u8] {
        self.parts.get(at).map_or(&[], |part| part.source)
    }

    pub(super) fn is_glued(&self, at: usize) -> bool {
        self.parts.get(at).is_some_and(|part| part.glued)
    }

    pub(super) fn is_fresh(&self, at: usize) -> bool {
        self.parts.get(at).is_some_and(|part| part.fresh)
    }

    pub(super) fn partner(&self, at: usize) -> usize {
        self.parts.get(at).map_or(at, |part| part.partner)
    }

    pub(super) fn outer(&self, at: usize) -> Option<usize> {
        self.parts.get(at).and_then(|part| part.outer)
    }

    /// `x.name`, `x?.name`
    pub(super) fn is_member(&self, at: usize) -> bool {
        self.was(at, b'.')
    }

    pub(super) fn is_spread(&self, at: usize) -> bool {
        self.token(at) == Some(Token::Operator) && self.source(at).starts_with(b".")
    }

    /// `=`, `+=`, `??=`: what stands before it is given another value.
    pub(super) fn assigns(&self, at: usize) -> bool {
        match self.token(at) {
            Some(Token::Mark(b'=')) => true,
            Some(Token::Operator) => {
                let source = self.source(at);
                source.ends_with(b"=") && !matches!(source, b"==" | b"===" | b"!=" | b"!==" | b"<=" | b">=")
            }
            _ => false,
        }
    }

    /// The places from `from` to `end` that stand in no bracket, those of opening ones included.
    pub(super) fn top(&self, from: usize, end: usize) -> impl Iterator<Item = usize> {
        let mut next = from;
        std::iter::from_fn(move || {
            let at = next;
            if at >= end {
                return None;
            }
            let opens = matches!(self.token(at), Some(Token::Mark(b'(' | b'[' | b'{')));
            next = if opens { self.partner(at) + 1 } else { at + 1 };
            Some(at)
        })
    }

    /// What stands between commas, of the brackets that open there.
    pub(super) fn inside(&self, open: usize) -> Vec<(usize, usize)> {
        self.between_commas(open + 1, self.partner(open))
    }

    pub(super) fn between_commas(&self, from: usize, end: usize) -> Vec<(usize, usize)> {
        let mut start = from;
        let mut found = Vec::new();
        for at in self.top(from, end) {
            if self.is(at, b',') {
                found.push((start, at));
                start = at + 1;
            }
        }
        if start < end {
            found.push((start, end));
        }
        found
    }

    /// Where the value ends that starts there.
    pub(super) fn value_end(&self, from: usize) -> usize {
        let mut questions = 0_usize;
        let mut last = from;
        for at in self.top(from, self.len()) {
            let token = self.token(at);
            match token {
                Some(Token::Mark(b',' | b';' | b')' | b']' | b'}')) => return at,
                Some(Token::Mark(b'?')) if !self.opens_chain(at) && !self.is_doubled(at) => questions += 1,
                Some(Token::Mark(b':')) if questions == 0 => return at,
                Some(Token::Mark(b':')) => questions -= 1,
                _ => {}
            }
            // A line that ends where nothing is missing, and before nothing that goes on.
            if at > from && self.is_fresh(at) {
                let whole = match self.token(last) {
                    Some(Token::Mark(b'(' | b'[' | b'{')) => true,
                    Some(Token::Name(name)) => !is_keyword(name),
                    Some(token) => is_operand(token),
                    None => true,
                };
                let goes_on = match token {
                    Some(Token::Mark(mark)) => b".([+-*%<>^|&?:=".contains(&mark),
                    Some(Token::Operator) => !self.is_spread(at),
                    Some(Token::Arrow | Token::Template(_)) => true,
                    Some(Token::Name(name)) => matches!(name, b"in" | b"instanceof"),
                    _ => false,
                };
                if whole && !goes_on {
                    return at;
                }
            }
            last = at;
        }
        self.len()
    }

    /// `?.`
    pub(super) fn opens_chain(&self, at: usize) -> bool {
        self.is(at, b'?') && self.is(at + 1, b'.') && self.is_glued(at + 1)
    }

    /// One of two such marks side by side.
    pub(super) fn is_doubled(&self, at: usize) -> bool {
        self.is_first(at) || at > 0 && self.is_first(at - 1)
    }

    pub(super) fn is_first(&self, at: usize) -> bool {
        matches!(self.token(at), Some(Token::Mark(_)))
            && self.token(at) == self.token(at + 1)
            && self.is_glued(at + 1)
    }

    /// `x => ...`, `async (a, b) => ...`, `function (a) { ... }`, and nothing behind it.
    pub(super) fn is_function(&self, from: usize, end: usize) -> bool {
        let start = match (self.name(from), self.token(from + 1)) {
            (Some(b"async"), Some(Token::Name(_) | Token::Mark(b'('))) => from + 1,
            _ => from,
        };
        if self.name(start) == Some(b"function") {
            let mut at = start + 1;
            at += usize::from(self.is(at, b'*'));
            at += usize::from(self.name(at).is_some());
            if !self.is(at, b'(') {
                return false;
            }
            let body = self.partner(at) + 1;
            return self.is(body, b'{') && self.partner(body) + 1 == end;
        }
        let arrow = match self.token(start) {
            Some(Token::Name(_)) => start + 1,
            Some(Token::Mark(b'(')) => self.partner(start) + 1,
            _ => return false,
        };
        let body = arrow + 1;
        arrow < end
            && self.token(arrow) == Some(Token::Arrow)
            && body < end
            && (!self.is(body, b'{') || self.partner(body) + 1 == end)
    }
}

/// A value ends there.
pub(super) fn is_operand(token: Token<'_>) -> bool {
    match token {
        Token::Name(name) => !is_keyword(name),
        Token::Text(_)
        | Token::Template(_)
        | Token::Number
        | Token::Regex
        | Token::Mark(b')' | b']' | b'}') => true,
        _ => false,
    }
}

/// Words behind which a value starts.
pub(super) fn is_keyword(name: &[u8]) -> bool {
    matches!(
        name,
        b"async"
            | b"await"
            | b"case"
            | b"catch"
            | b"const"
            | b"delete"
            | b"do"
            | b"else"
            | b"for"
            | b"function"
            | b"if"
            | b"in"
            | b"instanceof"
            | b"let"
            | b"new"
            | b"of"
            | b"return"
            | b"switch"
            | b"throw"
            | b"typeof"
            | b"var"
            | b"void"
            | b"while"
            | b"with"
            | b"yield"
    )
}

/// The pieces of code in a template.
fn codes(body: &[u8]) -> Result<Vec<&[u8]>, Unreadable> {
    let mut found = Vec::new();
    let mut place = 0;
    while let Some(rest) = body.get(place..).filter(|rest| !rest.is_empty()) {
        match rest {
            [b'\\', ..] => place += 2,
            [b'$', b'{', code @ ..] => {
                let end =
                    code.iter().position(|byte| matches!(byte, b'}' | b'{' | b'\\')).ok_or(Unreadable)?;
                if code.get(end) != Some(&b'}') {
                    return Err(Unreadable);
                }
                found.push(code.get(..end).ok_or(Unreadable)?);
                place += end + 3;
            }
            _ => place += 1,
        }
    }
    Ok(found)
}
