//! Arithmetic: constants where it is simple, and the commands its subscripts would run.

use crate::lower::environment;
use crate::lower::expand::Mode;
use crate::lower::field::HOLE;
use crate::lower::lowerer::{Lowerer, Unit};
use crate::lower::scope::is_dynamic_number;
use crate::lower::{Note, NoteKind, Origin, Outputs, SourceId, Word};
use crate::shell::{Part, Slice, Span};

/// Where an expression stands, for notes and nested sources.
#[derive(Clone, Copy)]
struct Site {
    source: SourceId,
    span: Span,
}

/// Variables inside variables inside expressions deeper than this are unknown.
const MAX_NESTING: u32 = 4;

impl<'a> Lowerer<'a> {
    /// `$(( ... ))` as a word.
    pub(super) fn arithmetic_word(&mut self, unit: Unit<'_, 'a>, parts: Slice<Part>, span: Span) -> Word<'a> {
        match self.arithmetic_parts(unit, unit.script.parts(parts), span) {
            Some(value) => self.decimal(value, span),
            None => Word { outputs: Outputs::Numbers, ..Word::unknown(span) },
        }
    }

    /// Arithmetic text with its expansions; its value where that is known.
    pub(super) fn arithmetic_parts(&mut self, unit: Unit<'_, 'a>, parts: &[Part], span: Span) -> Option<i64> {
        let text = match parts {
            [] => return Some(0),
            [Part::Literal(only)] => unit.bytes(*only),
            _ => {
                if !self.enter(unit.source, span) {
                    return None;
                }
                let separating = std::mem::replace(&mut self.separating, false);
                let mut field = self.open_field(span);
                self.parts(&mut field, unit, parts, Mode::Text);
                self.separating = separating;
                self.leave();
                let from = self.field_origins(&field);
                let text: &'a [u8] = self.arena.alloc_slice_copy(self.field_text(&field));
                self.discard(&field);
                if !from.is_empty() {
                    // What is put in as text can be a subscript that runs a command.
                    self.note_arithmetic(from, unit.source, span);
                }
                text
            }
        };
        self.evaluate(text, Site { source: unit.source, span }, 0)
    }

    /// A word that the shell evaluates as arithmetic: an operand of `-eq`, an argument of `let`.
    pub(super) fn arithmetic_operand(&mut self, word: &Word<'a>, source: SourceId) -> Option<i64> {
        match word.as_known() {
            Some(text) => self.evaluate(text, Site { source, span: word.span }, 0),
            None => {
                if !word.from.is_empty() {
                    self.note_arithmetic(word.from, source, word.span);
                }
                self.evaluate_maybe(word, Site { source, span: word.span }, 0);
                None
            }
        }
    }

    /// What is assigned to a variable that only holds numbers is evaluated.
    pub(super) fn number(&mut self, value: &Word<'a>, elements: Option<&'a [Word<'a>]>) -> Option<i64> {
        let source = self.reading;
        for element in elements.unwrap_or_default() {
            self.arithmetic_operand(element, source);
        }
        if elements.is_some() { None } else { self.arithmetic_operand(value, source) }
    }

    /// Evaluates the constants that a word may be, each in a copy of the shell.
    fn evaluate_maybe(&mut self, word: &Word<'a>, site: Site, nesting: u32) {
        for text in word.maybe {
            self.evaluate_apart(text, site, nesting);
        }
    }

    /// Evaluates a text that may not be the one, in a copy of the shell.
    fn evaluate_apart(&mut self, text: &'a [u8], site: Site, nesting: u32) {
        if plain(text).is_none() && !text.is_empty() {
            self.leave_shell();
            self.around.context.conditional = true;
            self.evaluate(text, site, nesting);
            self.enter_shell();
        }
    }

    /// A value made of `from` is evaluated as arithmetic: what a tool prints may be a number.
    pub(super) fn note_arithmetic(&mut self, from: &[Origin<'a>], source: SourceId, span: Span) {
        let about =
            Note { kind: NoteKind::OpaqueArithmetic, source, span, invocation: self.current, channel: None };
        if !from.iter().all(|origin| matches!(origin, Origin::Channel(_))) {
            return self.note_about(about);
        }
        for origin in from {
            if let Origin::Channel(channel) = origin {
                self.note_about(Note { channel: Some(*channel), ..about });
            }
        }
    }

    /// A name that may carry a subscript, which is evaluated: `test -v`, `read`, `unset`, ...
    pub(super) fn reference(&mut self, word: &Word<'a>, source: SourceId) {
        match word.as_known() {
            Some(text) => {
                if text.contains(&b'[') {
                    self.subscripts(text, source, word.span);
                }
            }
            None => {
                // `$x` can be `a[$(cmd)]`; what follows a known name and bracket is arithmetic too.
                if !word.from.is_empty() {
                    self.note_arithmetic(word.from, source, word.span);
                }
            }
        }
    }

    /// Text whose subscripts are expanded and evaluated.
    pub(super) fn subscripts(&mut self, text: &'a [u8], source: SourceId, span: Span) {
        let inside =
            text.iter().position(|byte| *byte == b'[').and_then(|at| text.get(at + 1..)).unwrap_or_default();
        let end = inside.iter().rposition(|byte| *byte == b']').unwrap_or(inside.len());
        let subscript = inside.get(..end).unwrap_or_default();
        if text.iter().any(|byte| matches!(byte, b'$' | b'`')) {
            // What comes out of it is evaluated in its turn.
            let made = self.template(if subscript.is_empty() { text } else { subscript }, source, span);
            self.arithmetic_operand(&made, source);
        } else if !subscript.iter().any(|byte| matches!(byte, b'@' | b'*')) {
            self.evaluate(subscript, Site { source, span }, 1);
        }
    }

    fn evaluate(&mut self, text: &'a [u8], site: Site, nesting: u32) -> Option<i64> {
        // Most expressions are a number.
        if let Some(value) = plain(text) {
            return Some(value);
        }
        if nesting >= MAX_NESTING || !self.spend(2 + text.len() as u32 / 16, site.source, site.span) {
            return None;
        }
        if text.contains(&b'[') && text.iter().any(|byte| matches!(byte, b'$' | b'`')) {
            self.template(text, site.source, site.span);
        }
        let mut expression =
            Expression { lowerer: self, text, at: 0, site, nesting, skipping: 0, unsure: 0, depth: 0 };
        let value = expression.comma();
        expression.blank();
        if expression.at < text.len() {
            return None;
        }
        value.ok().flatten()
    }
}

/// An expression that bash would refuse, or one that is not worth reading.
struct Unreadable;

/// A value, unknown where `None`.
type Number = Result<Option<i64>, Unreadable>;

struct Expression<'l, 'a> {
    lowerer: &'l mut Lowerer<'a>,
    text: &'a [u8],
    at: usize,
    site: Site,
    nesting: u32,
    /// In an operand that provably is not evaluated.
    skipping: u32,
    /// In an operand that may not be evaluated.
    unsure: u32,
    depth: u32,
}

const MAX_DEPTH: u32 = 24;

/// Binary operators with their binding strength, longer spellings first.
const OPERATORS: &[(&[u8], u8)] = &[
    (b"==", 3),
    (b"!=", 3),
    (b"<=", 4),
    (b">=", 4),
    (b"<<", 5),
    (b">>", 5),
    (b"<", 4),
    (b">", 4),
    (b"|", 0),
    (b"^", 1),
    (b"&", 2),
    (b"+", 6),
    (b"-", 6),
    (b"*", 7),
    (b"/", 7),
    (b"%", 7),
];

impl<'a> Expression<'_, 'a> {
    fn blank(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, token: &[u8]) -> bool {
        self.blank();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn comma(&mut self) -> Number {
        let mut value = self.ternary()?;
        while self.eat(b",") {
            value = self.ternary()?;
        }
        Ok(value)
    }

    fn ternary(&mut self) -> Number {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Unreadable);
        }
        let condition = self.or()?;
        let value = if self.eat(b"?") {
            let yes = self.branch(condition.map(|value| value != 0), Self::comma)?;
            if !self.eat(b":") {
                return Err(Unreadable);
            }
            let no = self.branch(condition.map(|value| value == 0), Self::ternary)?;
            match condition {
                Some(0) => no,
                Some(_) => yes,
                None => None,
            }
        } else {
            condition
        };
        self.depth -= 1;
        Ok(value)
    }

    /// An operand that is evaluated only if `taken`.
    fn branch(&mut self, taken: Option<bool>, operand: fn(&mut Self) -> Number) -> Number {
        let counter = match taken {
            Some(true) => return operand(self),
            Some(false) => &mut self.skipping,
            None => &mut self.unsure,
        };
        *counter += 1;
        let value = operand(self);
        match taken {
            Some(_) => self.skipping -= 1,
            None => self.unsure -= 1,
        }
        value
    }

    fn or(&mut self) -> Number {
        let mut left = self.and()?;
        while self.eat(b"||") {
            let right = self.branch(left.map(|value| value == 0), Self::and)?;
            left = match (left, right) {
                (Some(value), _) if value != 0 => Some(1),
                (Some(_), Some(value)) => Some(i64::from(value != 0)),
                _ => None,
            };
        }
        Ok(left)
    }

    fn and(&mut self) -> Number {
        let operand: fn(&mut Self) -> Number = |expression| expression.binary(0);
        let mut left = operand(self)?;
        while self.eat(b"&&") {
            let right = self.branch(left.map(|value| value != 0), operand)?;
            left = match (left, right) {
                (Some(0), _) => Some(0),
                (Some(_), Some(value)) => Some(i64::from(value != 0)),
                _ => None,
            };
        }
        Ok(left)
    }

    /// The binary operator that stands here, if one does, with its strength.
    fn operator(&mut self) -> Option<(&'static [u8], u8)> {
        self.blank();
        let rest = self.rest();
        let (operator, strength) = OPERATORS.iter().find(|(operator, _)| rest.starts_with(operator))?;
        let next = rest.get(operator.len()).copied();
        // `||`, `&&`, `**` and assignments are read elsewhere.
        let other = match *operator {
            b"==" | b"!=" | b"<=" | b">=" => false,
            b"|" | b"&" | b"*" => next == rest.first().copied() || next == Some(b'='),
            _ => next == Some(b'='),
        };
        (!other).then_some((*operator, *strength))
    }

    fn binary(&mut self, least: u8) -> Number {
        let mut left = self.power()?;
        while let Some((operator, strength)) = self.operator().filter(|(_, strength)| *strength >= least) {
            self.at += operator.len();
            let right = self.binary(strength + 1)?;
            left = match (left, right) {
                (Some(left), Some(right)) => apply(operator, left, right)?,
                _ => None,
            };
        }
        Ok(left)
    }

    fn power(&mut self) -> Number {
        let base = self.unary()?;
        if !self.eat(b"**") {
            return Ok(base);
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Unreadable);
        }
        let exponent = self.power()?;
        self.depth -= 1;
        Ok(match (base, exponent) {
            (Some(base), Some(exponent)) => {
                u32::try_from(exponent).ok().map(|exponent| base.wrapping_pow(exponent))
            }
            _ => None,
        })
    }

    fn unary(&mut self) -> Number {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Unreadable);
        }
        self.blank();
        let value = match self.rest() {
            [b'+', b'+', ..] => self.step(2, 1)?,
            [b'-', b'-', ..] => self.step(2, -1)?,
            [operator @ (b'!' | b'~' | b'+' | b'-'), ..] => {
                self.at += 1;
                self.unary()?.map(|value| match operator {
                    b'!' => i64::from(value == 0),
                    b'~' => !value,
                    b'-' => value.wrapping_neg(),
                    _ => value,
                })
            }
            _ => self.primary()?,
        };
        self.depth -= 1;
        Ok(value)
    }

    /// `++x`, `--x`.
    fn step(&mut self, skip: usize, by: i64) -> Number {
        self.at += skip;
        self.blank();
        let Some(name) = self.name() else { return self.unary() };
        let subscripted = self.subscript()?;
        let value = self.read(name, subscripted)?.map(|value| value.wrapping_add(by));
        self.write(name, subscripted, value);
        Ok(value)
    }

    fn primary(&mut self) -> Number {
        self.blank();
        match self.rest() {
            [b'(', ..] => {
                self.at += 1;
                let value = self.comma()?;
                if self.eat(b")") { Ok(value) } else { Err(Unreadable) }
            }
            [HOLE, ..] => {
                self.at += 1;
                // A hole next to text makes one token with it: nothing is known of that either.
                while self.rest().first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == HOLE) {
                    self.at += 1;
                }
                Ok(None)
            }
            [b'0'..=b'9', ..] => self.number(),
            _ => match self.name() {
                Some(name) => self.variable(name),
                None => Err(Unreadable),
            },
        }
    }

    fn number(&mut self) -> Number {
        let rest = self.rest();
        let len = rest
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'_' | b'@' | &HOLE)))
            .unwrap_or(rest.len());
        let token = rest.get(..len).unwrap_or_default();
        self.at += len;
        if token.contains(&HOLE) {
            return Ok(None);
        }
        let (digits, radix) = match token {
            [b'0', b'x' | b'X', digits @ ..] => (digits, 16),
            [b'0', digits @ ..] if !digits.is_empty() => (digits, 8),
            _ => match token.iter().position(|byte| *byte == b'#') {
                // Other bases are rare and their digits peculiar.
                Some(_) => return Ok(None),
                None => (token, 10),
            },
        };
        let mut value = 0i64;
        for digit in digits {
            let Some(digit) = (*digit as char).to_digit(radix) else { return Err(Unreadable) };
            value = value.wrapping_mul(i64::from(radix)).wrapping_add(i64::from(digit));
        }
        Ok(Some(value))
    }

    fn name(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        if !rest.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_') {
            return None;
        }
        let len = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
        let name = rest.get(..len.unwrap_or(rest.len()))?;
        self.at += name.len();
        Some(name)
    }

    /// A subscript behind a name: evaluated for what it does; whether there was one.
    fn subscript(&mut self) -> Result<bool, Unreadable> {
        if self.rest().first() != Some(&b'[') {
            return Ok(false);
        }
        let mut level = 0;
        let close = self.rest().iter().position(|byte| {
            match byte {
                b'[' => level += 1,
                b']' => level -= 1,
                _ => {}
            }
            level == 0
        });
        let close = close.ok_or(Unreadable)?;
        let inside = self.rest().get(1..close).unwrap_or_default();
        self.at += close + 1;
        if self.skipping == 0 && !inside.iter().any(|byte| matches!(byte, b'$' | b'`' | b'@' | b'*')) {
            self.lowerer.evaluate(inside, self.site, self.nesting + 1);
        }
        Ok(true)
    }

    fn variable(&mut self, name: &'a [u8]) -> Number {
        let subscripted = self.subscript()?;
        self.blank();
        let rest = self.rest();
        if rest.starts_with(b"++") || rest.starts_with(b"--") {
            let by = if rest.starts_with(b"++") { 1 } else { -1 };
            self.at += 2;
            let value = self.read(name, subscripted)?;
            self.write(name, subscripted, value.map(|value| value.wrapping_add(by)));
            return Ok(value);
        }
        if rest.first() == Some(&b'=') && rest.get(1) != Some(&b'=') {
            self.at += 1;
            let value = self.ternary()?;
            self.write(name, subscripted, value);
            return Ok(value);
        }
        const COMPOUND: &[&[u8]] = &[b"<<=", b">>=", b"+=", b"-=", b"*=", b"/=", b"%=", b"&=", b"|=", b"^="];
        if let Some(operator) = COMPOUND.iter().find(|operator| rest.starts_with(operator)) {
            self.at += operator.len();
            let left = self.read(name, subscripted)?;
            let right = self.ternary()?;
            let operator = operator.get(..operator.len() - 1).unwrap_or_default();
            let value = match (left, right) {
                (Some(left), Some(right)) => apply(operator, left, right)?,
                _ => None,
            };
            self.write(name, subscripted, value);
            return Ok(value);
        }
        self.read(name, subscripted)
    }

    fn read(&mut self, name: &'a [u8], subscripted: bool) -> Number {
        if self.skipping > 0 {
            return Ok(None);
        }
        let binding = self.lowerer.variable(name, self.site.span);
        if let Some(elements) = binding.elements.filter(|_| subscripted) {
            // Which one, nobody has to know.
            let (lowerer, site) = (&mut *self.lowerer, self.site);
            if lowerer.spend(elements.len() as u32 / 4, site.source, site.span) {
                for element in elements {
                    match element.as_known() {
                        Some(text) => lowerer.evaluate_apart(text, site, self.nesting + 1),
                        None if element.from.is_empty() => {}
                        None => lowerer.note_arithmetic(element.from, site.source, site.span),
                    }
                }
            }
            return Ok(None);
        }
        match binding.value.as_known() {
            Some(b"") => Ok(Some(0)),
            Some(_) if subscripted => Ok(None),
            Some(text) => Ok(self.lowerer.evaluate(text, self.site, self.nesting + 1)),
            None => {
                // Nobody but the caller sets the caller's environment.
                let caller = |origin: &Origin<'_>| matches!(origin, Origin::Variable(_));
                let harmless = binding.value.from.iter().all(caller) || is_dynamic_number(name);
                if !harmless {
                    self.lowerer.note_arithmetic(binding.value.from, self.site.source, self.site.span);
                }
                if !is_dynamic_number(name) {
                    self.lowerer.evaluate_maybe(&binding.value, self.site, self.nesting + 1);
                }
                Ok(None)
            }
        }
    }

    fn write(&mut self, name: &'a [u8], subscripted: bool, value: Option<i64>) {
        if self.skipping > 0 {
            return;
        }
        let span = self.site.span;
        let new = match value {
            Some(value) if self.unsure == 0 && !subscripted => self.lowerer.decimal(value, span),
            _ => {
                // A number in any case, but where it may not be stored the old value may remain.
                let mut from: &'a [Origin<'a>] = &[];
                if self.unsure > 0 || subscripted {
                    let old = self.lowerer.variable(name, span).value;
                    from = environment::union(self.lowerer.arena, from, old.from);
                }
                Word { from, ..Word::unknown(span) }
            }
        };
        self.lowerer.assign(name, new, None);
    }
}

fn apply(operator: &[u8], left: i64, right: i64) -> Number {
    let shift = (right & 63) as u32;
    Ok(Some(match operator {
        b"|" => left | right,
        b"^" => left ^ right,
        b"&" => left & right,
        b"==" => i64::from(left == right),
        b"!=" => i64::from(left != right),
        b"<=" => i64::from(left <= right),
        b">=" => i64::from(left >= right),
        b"<" => i64::from(left < right),
        b">" => i64::from(left > right),
        b"<<" => left.wrapping_shl(shift),
        b">>" => left.wrapping_shr(shift),
        b"+" => left.wrapping_add(right),
        b"-" => left.wrapping_sub(right),
        b"*" => left.wrapping_mul(right),
        b"/" if right != 0 => left.wrapping_div(right),
        b"%" if right != 0 => left.wrapping_rem(right),
        _ => return Err(Unreadable),
    }))
}

fn plain(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let octal = text.len() > 1 && text.first() == Some(&b'0');
    if octal || !super::scope::is_integer(text) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}
