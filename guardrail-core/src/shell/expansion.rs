//! Everything that begins with `$` or a backquote, and process substitution.

use bumpalo::collections::Vec as BumpVec;

use crate::Limits;
use crate::shell::cursor::{self, Parser};
use crate::shell::word::{Fence, Quoting};
use crate::shell::{
    Item, NestedId, Parameter, ParameterOperator, Part, ProblemKind, Script, Slice, Span, SubstitutionStyle,
};

/// What `((` turned out to begin.
pub(super) enum Parentheses {
    /// Arithmetic, up to and including `))`.
    Arithmetic(Slice<Part>),
    /// Two parentheses that close apart from each other. The cursor is where it was.
    Apart,
}

/// How `${` goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    /// With a name.
    Name,
    /// With `#` and a name.
    Length,
    /// With a subscript that does not end.
    Bad,
}

impl<'t> Parser<'t> {
    /// The expansion at the `$` under the cursor; `None` if the `$` stands for itself.
    pub(super) fn dollar(&mut self, quoting: Quoting) -> Option<Part> {
        let start = self.at;
        let next = self.past_joins(start + 1);
        let byte = self.byte(next)?;
        match byte {
            b'(' => {
                let second = self.past_joins(next + 1);
                self.at = next + 1;
                if self.byte(second) != Some(b'(') {
                    return Some(self.command_substitution(start));
                }
                self.at = second + 1;
                if let Parentheses::Arithmetic(parts) = self.double_parenthesis(start) {
                    return Some(Part::Arithmetic { parts, bracket: false, span: self.span_from(start) });
                }
                self.back_to(next + 1);
                Some(self.attempt(start, (Quoting::Soft, Fence::parentheses(), b')'), |parser| {
                    parser.command_substitution(start)
                }))
            }
            b'{' => {
                self.at = next + 1;
                Some(self.braced(start, quoting))
            }
            b'[' => {
                self.at = next + 1;
                Some(self.bracket_arithmetic(start))
            }
            b'\'' if quoting.is_bare() => {
                self.at = next + 1;
                Some(Part::AnsiQuoted(self.ansi_quoted(start)))
            }
            b'\'' if matches!(quoting, Quoting::Soft | Quoting::SoftBrace) => {
                self.at = next + 1;
                Some(self.soft_ansi(start))
            }
            b'"' if quoting.is_bare() => {
                self.at = next;
                Some(self.double_quoted(start, true))
            }
            _ if cursor::is(byte, cursor::NAME_START) => {
                self.at = next;
                let name = self.name();
                Some(self.plain_parameter(start, name))
            }
            b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' => {
                self.at = next + 1;
                Some(self.plain_parameter(start, Span::new(next, next + 1)))
            }
            _ => None,
        }
    }

    fn plain_parameter(&mut self, start: usize, name: Span) -> Part {
        let span = self.span_from(start);
        self.push_parameter(Parameter {
            name,
            indirect: false,
            subscript: None,
            operator: ParameterOperator::Plain,
            arguments: [Slice::EMPTY; 2],
            span,
        })
    }

    /// `$'...'` where the shell puts the decoded text in place and then expands it: an escape can
    /// spell a command substitution.
    fn soft_ansi(&mut self, start: usize) -> Part {
        let inside = self.ansi_quoted(start);
        let text = inside.of(self.text);
        let spells = |pair: &[u8]| matches!(pair, [b'\\', b'0'..=b'7' | b'x' | b'u' | b'U' | b'c']);
        if text.iter().any(|byte| matches!(byte, b'$' | b'`')) || text.windows(2).any(spells) {
            let span = self.span_from(start);
            self.note(ProblemKind::BadSubstitution, span);
            return Part::Opaque(span);
        }
        Part::AnsiQuoted(inside)
    }

    /// `$[ ... ]`; the cursor is behind the bracket.
    fn bracket_arithmetic(&mut self, start: usize) -> Part {
        if !self.enter() {
            return Part::Opaque(self.span_from(start));
        }
        let parts = self.run(Quoting::Soft, Fence::subscript());
        if !self.eat(b']') {
            self.fail(ProblemKind::UnterminatedExpansion, self.span_from(start));
        }
        self.leave();
        Part::Arithmetic { parts, bracket: true, span: self.span_from(start) }
    }

    /// What follows `((`: arithmetic if the parentheses close together, as the shell decides it.
    pub(super) fn double_parenthesis(&mut self, start: usize) -> Parentheses {
        let inner = self.at;
        if self.refuted.contains(&inner) {
            return Parentheses::Apart;
        }
        if !self.enter() {
            return Parentheses::Arithmetic(Slice::EMPTY);
        }
        let problems = self.out.problems.len();
        let mark = self.mark();
        let parts = self.run(Quoting::Soft, Fence::parentheses());
        self.leave();
        if self.peek() != Some(b')') {
            self.fail(ProblemKind::UnterminatedExpansion, self.span_from(start));
        } else if self.peek_second() == Some(b')') {
            self.eat_all(b"))");
        } else {
            self.rewind(&mark, problems);
            self.refuted.insert(inner);
            return Parentheses::Apart;
        }
        Parentheses::Arithmetic(parts)
    }

    /// `$( list )`; the cursor is behind the parenthesis.
    fn command_substitution(&mut self, start: usize) -> Part {
        match self.enclosed(start) {
            Some(body) => Part::CommandSubstitution {
                body,
                style: SubstitutionStyle::Dollar,
                span: self.span_from(start),
            },
            None => Part::Opaque(self.span_from(start)),
        }
    }

    /// `<( list )` and `>( list )`; the cursor is at the first byte.
    pub(super) fn process_substitution(&mut self) -> Part {
        let start = self.at;
        let output = self.eat(b'>');
        if !output {
            self.at += 1;
        }
        self.eat(b'(');
        let read = |parser: &mut Self| match parser.enclosed(start) {
            Some(body) => Part::ProcessSubstitution { body, output, span: parser.span_from(start) },
            None => Part::Opaque(parser.span_from(start)),
        };
        if self.peek() != Some(b'(') {
            return read(self);
        }
        self.attempt(start, (Quoting::Soft, Fence::parentheses(), b')'), read)
    }

    /// A list and the `)` behind it.
    fn enclosed(&mut self, start: usize) -> Option<Slice<Item>> {
        if !self.enter() {
            return None;
        }
        let outer = (self.pending_base, self.closer);
        (self.pending_base, self.closer) = (self.pending.len(), Some(b')'));
        let body = self.list();
        match self.peek() {
            Some(b')') => self.at += 1,
            Some(_) => self.unexpected(),
            None => self.fail(ProblemKind::UnterminatedExpansion, self.span_from(start)),
        }
        if self.pending.len() > self.pending_base {
            // bash warns, and takes the lines behind the substitution.
            self.note(ProblemKind::UnterminatedHereDocument, self.span_from(start));
        }
        (self.pending_base, self.closer) = outer;
        self.leave();
        Some(body)
    }

    /// `` `list` ``; the cursor is at the first backquote.
    pub(super) fn backquoted(&mut self, quoting: Quoting) -> Part {
        let start = self.at;
        let inner = start + 1;
        let mut at = inner;
        let mut escaped = false;
        let close = loop {
            match self.byte(at) {
                Some(b'`') => break at,
                Some(b'\\') => {
                    escaped |= self.byte(at + 1).is_some_and(|byte| loses_backslash(byte, quoting));
                    at += 2;
                }
                Some(_) => at += 1,
                None => {
                    self.at = self.end;
                    self.fail(ProblemKind::UnterminatedExpansion, Span::new(start, inner));
                    return Part::Opaque(self.span_from(start));
                }
            }
        };
        if !self.enter() {
            return Part::Opaque(self.span_from(start));
        }
        let span = Span::new(start, close + 1);
        let part = if escaped {
            self.charge(span.len());
            let script = self.unescaped(span, quoting);
            self.at = self.end.min(close + 1);
            Part::Backquoted { script, span }
        } else {
            let (body, _) = self.region(inner, close, Self::program);
            self.at = self.end.min(close + 1);
            Part::CommandSubstitution { body, style: SubstitutionStyle::Backquote, span }
        };
        self.leave();
        part
    }

    /// Reads what is between the backquotes of `span` as a script of its own.
    fn unescaped(&mut self, span: Span, quoting: Quoting) -> NestedId {
        let raw = Span { start: span.start + 1, end: span.end - 1 }.of(self.text);
        let mut text = BumpVec::with_capacity_in(raw.len(), self.arena);
        let mut bytes = raw.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            match bytes.peek() {
                Some(&next) if byte == b'\\' => {
                    if !loses_backslash(next, quoting) {
                        text.push(byte);
                    }
                    text.push(next);
                    bytes.next();
                }
                _ => text.push(byte),
            }
        }
        let script = self.nested_script(text.into_bump_slice());
        let limit = script.problems.iter().find(|problem| problem.kind.is_limit());
        if let Some(kind) = limit.map(|problem| problem.kind) {
            self.note(kind, span);
        } else if !script.problems.is_empty() {
            self.note(ProblemKind::BadSubstitution, span);
        }
        let id = NestedId(self.out.nested.len() as u32);
        self.out.nested.push(script);
        id
    }

    /// Reads another text, out of the same budget.
    fn nested_script(&mut self, text: &'t [u8]) -> Script<'t> {
        let limits = Limits { bytes: text.len(), ..Limits::STANDARD };
        let mut parser = Parser::new(self.arena, text, &limits);
        (parser.fuel, parser.depth, parser.max_depth) = (self.fuel, self.depth, self.max_depth);
        let body = parser.program();
        self.fuel = parser.fuel;
        if parser.exhausted {
            self.charge(1);
        }
        parser.finish(body)
    }

    /// `${...}`; the cursor is behind the brace.
    fn braced(&mut self, start: usize, quoting: Quoting) -> Part {
        if !self.enter() {
            return Part::Opaque(self.span_from(start));
        }
        let part = match self.peek() {
            Some(b' ' | b'\t' | b'\n') => {
                self.function_substitution(start, SubstitutionStyle::Funsub, quoting)
            }
            Some(b'|') => {
                self.at += 1;
                self.function_substitution(start, SubstitutionStyle::Valsub, quoting)
            }
            _ => {
                let parameter = self.parameter_expansion(start, quoting);
                self.push_parameter(parameter)
            }
        };
        self.leave();
        part
    }

    /// `${ list; }` and `${| list; }`. A body that is no list is an error only when it runs, and
    /// so is any in bash before 5.3: there the text merely has to end like a `${ }`.
    fn function_substitution(&mut self, start: usize, style: SubstitutionStyle, quoting: Quoting) -> Part {
        let quoting = if quoting == Quoting::Bare { quoting } else { Quoting::SoftBrace };
        self.attempt(start, (quoting, Fence::until(b'}'), b'}'), |parser| {
            let outer = (parser.pending_base, parser.closer);
            (parser.pending_base, parser.closer) = (parser.pending.len(), Some(b'}'));
            let body = parser.list();
            (parser.pending_base, parser.closer) = outer;
            if !parser.eat(b'}') {
                parser.unexpected();
            }
            Part::CommandSubstitution { body, style, span: parser.span_from(start) }
        })
    }

    /// Reads a substitution of which bash only looks for the end before it runs. If it is no
    /// program, then its text up to that end is opaque.
    fn attempt(
        &mut self,
        start: usize,
        (quoting, fence, close): (Quoting, Fence, u8),
        read: impl FnOnce(&mut Self) -> Part,
    ) -> Part {
        let open = self.at;
        let problems = self.out.problems.len();
        let mark = self.mark();
        if !self.refuted.contains(&open) {
            let part = read(self);
            if !self.halted || self.hit_limit(problems) {
                return part;
            }
            self.rewind(&mark, problems);
            self.refuted.insert(open);
        }
        if self.enter() {
            self.run(quoting, fence);
            self.forget(&mark);
            self.leave();
        }
        if self.eat(close) {
            self.note(ProblemKind::BadSubstitution, self.span_from(start));
        } else {
            self.fail(ProblemKind::UnterminatedExpansion, self.span_from(start));
        }
        Part::Opaque(self.span_from(start))
    }

    /// `${(e)x}`: to zsh the text in `x` is expanded once more, with the commands in it; to `P` it is a name.
    fn zsh_flags(&mut self, start: usize) {
        if self.peek() != Some(b'(') {
            return;
        }
        let flags = self.text.get(self.at..self.end).unwrap_or_default();
        let flags = flags.split(|byte| *byte == b')').next().unwrap_or_default();
        if flags.iter().any(|flag| matches!(flag, b'e' | b'%' | b'P')) {
            self.note(ProblemKind::Zsh, self.span_from(start));
        }
    }

    /// What is between `${` and `}`, and the brace.
    fn parameter_expansion(&mut self, start: usize, quoting: Quoting) -> Parameter {
        let (word, pattern) = match quoting {
            Quoting::Bare => (Quoting::Bare, Quoting::Bare),
            _ => (Quoting::SoftBrace, Quoting::Pattern),
        };
        let mut parameter = Parameter {
            name: Span::new(self.at, self.at),
            indirect: false,
            subscript: None,
            operator: ParameterOperator::Plain,
            arguments: [Slice::EMPTY; 2],
            span: Span::default(),
        };
        self.zsh_flags(start);
        let head = self.parameter_head(&mut parameter);
        let (length, bad) = (head == Head::Length, head == Head::Bad || parameter.name.is_empty());
        let fence = Fence::until(b'}');
        let colon =
            self.peek() == Some(b':') && matches!(self.peek_second(), Some(b'-' | b'=' | b'?' | b'+'));
        if colon {
            self.at += 1;
        }
        parameter.operator = match self.peek() {
            _ if bad => ParameterOperator::Bad,
            Some(b'}') if length => ParameterOperator::Length,
            Some(b'}') if parameter.indirect && self.is_keys(&parameter) => ParameterOperator::Keys,
            Some(b'}') => ParameterOperator::Plain,
            _ if length => ParameterOperator::Bad,
            Some(b'-') => self.operator(ParameterOperator::Default { colon }),
            Some(b'=') => self.operator(ParameterOperator::Assign { colon }),
            Some(b'?') => self.operator(ParameterOperator::Error { colon }),
            Some(b'+') => self.operator(ParameterOperator::Alternate { colon }),
            Some(byte @ (b'#' | b'%')) => {
                self.at += 1;
                let longest = self.eat(byte);
                match byte {
                    b'#' => ParameterOperator::RemovePrefix { longest },
                    _ => ParameterOperator::RemoveSuffix { longest },
                }
            }
            Some(byte @ (b'^' | b',' | b'~')) => {
                self.at += 1;
                ParameterOperator::Case { which: byte, all: self.eat(byte) }
            }
            Some(b'/') => {
                self.at += 1;
                let which = match self.peek() {
                    Some(b'/') => b'a',
                    Some(byte @ (b'#' | b'%')) => byte,
                    _ => b'/',
                };
                if which != b'/' {
                    self.at += 1;
                }
                ParameterOperator::Replace { which }
            }
            Some(b':') if self.peek_second() != Some(b'}') => self.operator(ParameterOperator::Substring),
            Some(b'@') => self.transform(&parameter),
            Some(b'*') if parameter.indirect && self.peek_second() == Some(b'}') => {
                self.operator(ParameterOperator::Names)
            }
            _ => ParameterOperator::Bad,
        };
        match parameter.operator {
            ParameterOperator::Replace { .. } => {
                // The first byte of a pattern may be the slash that would end it.
                let base = self.scratch.parts.len();
                if self.peek() == Some(b'/') {
                    self.push_part(Part::Literal(Span::new(self.at, self.at + 1)));
                    self.at += 1;
                }
                self.scan(pattern, fence.or(b'/'));
                let first = self.commit_parts(base);
                let second = if self.eat(b'/') { self.run(pattern, fence) } else { Slice::EMPTY };
                parameter.arguments = [first, second];
            }
            ParameterOperator::Substring => {
                let first = self.run(Quoting::SoftBrace, fence.or(b':'));
                let second = if self.eat(b':') { self.run(Quoting::SoftBrace, fence) } else { Slice::EMPTY };
                parameter.arguments = [first, second];
            }
            ParameterOperator::RemovePrefix { .. }
            | ParameterOperator::RemoveSuffix { .. }
            | ParameterOperator::Case { .. } => {
                parameter.arguments = [self.run(pattern, fence), Slice::EMPTY];
            }
            _ => parameter.arguments = [self.run(word, fence), Slice::EMPTY],
        }
        if !self.eat(b'}') {
            self.fail(ProblemKind::UnterminatedExpansion, self.span_from(start));
        }
        parameter.span = self.span_from(start);
        parameter
    }

    fn operator(&mut self, operator: ParameterOperator) -> ParameterOperator {
        self.at += 1;
        operator
    }

    /// `@` and the letter behind it.
    fn transform(&mut self, parameter: &Parameter) -> ParameterOperator {
        let letter = self.past_joins(self.at + 1);
        match self.byte(letter) {
            Some(b'}') if parameter.indirect && parameter.subscript.is_none() => {
                self.at = letter;
                ParameterOperator::Names
            }
            Some(byte)
                if byte.is_ascii_alphabetic() && self.byte(self.past_joins(letter + 1)) == Some(b'}') =>
            {
                self.at = letter + 1;
                ParameterOperator::Transform(byte)
            }
            _ => ParameterOperator::Bad,
        }
    }

    /// The name, with what may stand before it and its subscript.
    fn parameter_head(&mut self, parameter: &mut Parameter) -> Head {
        let second = self.peek_second();
        let mut length = false;
        match (self.peek(), second) {
            (Some(b'#'), Some(byte)) => {
                let third = self.byte(self.past_joins(self.past_joins(self.at + 1) + 1));
                let special =
                    matches!(byte, b'-' | b'?' | b'#' | b'@' | b'*' | b'$' | b'!') && third == Some(b'}');
                length = special || cursor::is(byte, cursor::NAME_START | cursor::DIGIT);
            }
            (Some(b'!'), Some(byte)) => {
                parameter.indirect = cursor::is(byte, cursor::NAME_START | cursor::DIGIT)
                    || matches!(byte, b'#' | b'?' | b'@' | b'*');
            }
            _ => {}
        }
        if length || parameter.indirect {
            self.at += 1;
        }
        match self.peek() {
            Some(byte) if cursor::is(byte, cursor::NAME_START) => {
                parameter.name = self.name();
                if self.peek() == Some(b'[') {
                    self.at += 1;
                    parameter.subscript = Some(self.run(Quoting::SoftBrace, Fence::subscript().or(b'}')));
                    if !self.eat(b']') {
                        return Head::Bad;
                    }
                }
            }
            Some(b'0'..=b'9') => {
                let start = self.at;
                while matches!(self.peek(), Some(b'0'..=b'9')) {
                    self.at += 1;
                }
                parameter.name = self.span_from(start);
                if parameter.name.of(self.text).contains(&b'\\') {
                    self.note(ProblemKind::SplitName, parameter.name);
                }
            }
            // `${$(` and its kin are no name, but an expansion where none can be.
            Some(b'$') if matches!(self.peek_second(), Some(b'(' | b'{' | b'[' | b'\'' | b'"')) => {}
            Some(b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => {
                parameter.name = Span::new(self.at, self.at + 1);
                self.at += 1;
            }
            _ => {}
        }
        if length { Head::Length } else { Head::Name }
    }

    /// Whether the subscript is `[@]` or `[*]`.
    fn is_keys(&self, parameter: &Parameter) -> bool {
        let Some(subscript) = parameter.subscript else { return false };
        matches!(self.out.parts(subscript), [Part::Literal(span)] if matches!(span.of(self.text), b"@" | b"*"))
    }
}

/// Whether a backquote takes the backslash before `byte` away before its text is read.
fn loses_backslash(byte: u8, quoting: Quoting) -> bool {
    matches!(byte, b'\\' | b'$' | b'`') || (byte == b'"' && quoting == Quoting::Double)
}

#[cfg(test)]
mod tests {
    use crate::shell::{ParameterOperator as Operator, Part, ProblemKind, outlined, parsed};

    #[test]
    fn every_operator_is_told_apart() {
        for (text, operator) in [
            ("$x", Operator::Plain),
            ("${x}", Operator::Plain),
            ("${#}", Operator::Plain),
            ("${#x}", Operator::Length),
            ("${#-}", Operator::Length),
            ("${x-a}", Operator::Default { colon: false }),
            ("${x:-a}", Operator::Default { colon: true }),
            ("${x:=a}", Operator::Assign { colon: true }),
            ("${x?a}", Operator::Error { colon: false }),
            ("${x:+a}", Operator::Alternate { colon: true }),
            ("${x##a}", Operator::RemovePrefix { longest: true }),
            ("${x%a}", Operator::RemoveSuffix { longest: false }),
            ("${x/a/b}", Operator::Replace { which: b'/' }),
            ("${x//a}", Operator::Replace { which: b'a' }),
            ("${x/#a/b}", Operator::Replace { which: b'#' }),
            ("${x: -1}", Operator::Substring),
            ("${x::2}", Operator::Substring),
            ("${x,,}", Operator::Case { which: b',', all: true }),
            ("${x@P}", Operator::Transform(b'P')),
            ("${!x*}", Operator::Names),
            ("${!x@}", Operator::Names),
            ("${!x[@]}", Operator::Keys),
            ("${x:}", Operator::Bad),
            ("${x y}", Operator::Bad),
            ("${}", Operator::Bad),
            ("${(U)x}", Operator::Bad),
        ] {
            let script = parsed(text);
            assert_eq!(
                script.parameters.last().map(|parameter| parameter.operator),
                Some(operator),
                "{text}"
            );
            assert_eq!(script.problems(), [], "{text}");
        }
    }

    #[test]
    fn what_zsh_would_expand_once_more_is_told() {
        for text in ["${(e)x}", "\"${(%)x}\"", "${(Ue)x}"] {
            let script = parsed(text);
            let kinds: Vec<_> = script.problems().iter().map(|problem| problem.kind).collect();
            assert_eq!(kinds, [ProblemKind::Zsh], "{text}");
        }
    }

    #[test]
    fn double_parentheses_are_arithmetic_only_if_they_close_together() {
        assert_eq!(outlined("$((a))"), "Sequence simple <|$((<|a>>; ");
        assert_eq!(
            outlined("$((a); (b))"),
            "Sequence simple <|Dollar[Sequence subshell[Sequence simple <|a>; ]; \
             Sequence subshell[Sequence simple <|b>; ]; ]>; "
        );
        assert_eq!(parsed("$((a) b)").problems()[0].kind, ProblemKind::BadSubstitution);
    }

    #[test]
    fn backquotes_are_unescaped_before_they_are_read() {
        assert_eq!(
            outlined(r"`a \`b \\\`c\\\`\``"),
            "Sequence simple <|`[Sequence simple <|a> <|`[Sequence simple <|b> <|`[Sequence simple <|c>; ]>; ]>; ]>; "
        );
        // Only between double quotes does a quote lose its backslash.
        assert_eq!(
            outlined(r#""`a \"b\"`""#),
            "Sequence simple <|\"<|`[Sequence simple <|a> <|\"<|b>>; ]>>; "
        );
        assert_eq!(outlined(r#"`a \"b`"#), "Sequence simple <|`[Sequence simple <|a> <|\\\\\"|b>; ]>; ");
    }

    #[test]
    fn an_escape_that_could_spell_a_substitution_is_opaque() {
        for text in [r#""${x:-$'\x24(rm)'}""#, r#""${x:-$'$(rm)'}""#, r"$(( $'\44(rm)' ))"] {
            let script = parsed(text);
            assert_eq!(script.problems()[0].kind, ProblemKind::BadSubstitution, "{text}");
            assert!(script.parts.iter().any(|part| matches!(part, Part::Opaque(_))), "{text}");
        }
        assert_eq!(parsed(r#""${x:-$'a\n'}" ${x:-$'\x24(rm)'}"#).problems(), []);
    }

    #[test]
    fn function_substitutions_end_at_a_brace_without_a_delimiter() {
        assert_eq!(outlined("a${ b; }c"), "Sequence simple <|a|Funsub[Sequence simple <|b>; ]|c>; ");
        assert_eq!(outlined("${|b;}"), "Sequence simple <|Valsub[Sequence simple <|b>; ]>; ");
        assert_eq!(parsed("${ b }").problems()[0].kind, ProblemKind::BadSubstitution);
    }
}
