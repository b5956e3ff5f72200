//! Parameter expansion: what `$x` and `${x...}` come to, as far as it can be known.

use crate::lower::ansi_c::{self, Dialect};
use crate::lower::edit::cut;
use crate::lower::environment::{self, Binding};
use crate::lower::expand::Mode;
use crate::lower::lowerer::{Lowerer, Unit};
use crate::lower::scope::{is_dynamic_number, is_name};
use crate::lower::{NoteKind, Origin, Outputs, Value, Word};
use crate::shell::{Parameter, ParameterOperator, Part, Slice, Span};

/// What a parameter expands to.
pub(super) enum Expansion<'a> {
    /// A value.
    Value(Word<'a>),
    /// These parts of its own text, in the parameter's place (`${x:-parts}`).
    Parts(Slice<Part>),
    List(List<'a>),
}

/// `$@`, `$*`, `${a[@]}`: values that become words of their own; with `joined` quotes make one of them.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    pub(super) elements: &'a [Word<'a>],
    /// What flows into values that are not among these, where there may be such.
    pub(super) rest: Option<&'a [Origin<'a>]>,
    pub(super) joined: bool,
}

/// What a parameter holds before its operator.
enum Subject<'a> {
    One(Binding<'a>),
    List(List<'a>),
}

impl<'a> Lowerer<'a> {
    /// Whether a parameter is one that may expand to no word even within quotes.
    pub(super) fn is_list(&self, unit: Unit<'_, 'a>, parameter: &Parameter) -> bool {
        let name = unit.bytes(parameter.name);
        let subscript = parameter.subscript.map(|parts| unit.script.parts(parts));
        matches!(parameter.operator, ParameterOperator::Plain | ParameterOperator::Substring)
            && (name == b"@" || matches!(subscript, Some([Part::Literal(span)]) if unit.bytes(*span) == b"@"))
    }

    pub(super) fn parameter(
        &mut self,
        unit: Unit<'_, 'a>,
        parameter: &Parameter,
        mode: Mode,
    ) -> Expansion<'a> {
        let name = unit.bytes(parameter.name);
        let span = parameter.span;
        let subject = self.subject(unit, parameter, name);
        match subject {
            Subject::One(binding) => self.operate(unit, parameter, name, binding, mode),
            Subject::List(list @ List { elements, rest, joined }) => match parameter.operator {
                ParameterOperator::Plain if !parameter.indirect => Expansion::List(list),
                ParameterOperator::Length if rest.is_none() => {
                    let count = elements.len();
                    Expansion::Value(self.decimal(count as i64, span))
                }
                ParameterOperator::Length => Expansion::Value(Word::unknown(span)),
                ParameterOperator::Substring => self.slice_list(unit, parameter, name, list),
                ParameterOperator::Default { .. } | ParameterOperator::Error { .. }
                    if !elements.is_empty()
                        && elements
                            .iter()
                            .all(|word| word.as_known().is_some_and(|text| !text.is_empty())) =>
                {
                    self.arguments(unit, parameter);
                    Expansion::List(list)
                }
                ParameterOperator::Default { .. } | ParameterOperator::Alternate { .. } => {
                    self.list_or_other(unit, parameter, name, list)
                }
                _ if self.edits(unit, parameter) && elements.len() <= environment::MOST_MAYBE => {
                    self.edited_list(unit, parameter, name, list)
                }
                _ => {
                    let from = self.arguments(unit, parameter);
                    let from = environment::union(self.arena, from, rest.unwrap_or_default());
                    self.some_of(elements, from, name, joined)
                }
            },
        }
    }

    // ---- what the name stands for

    fn subject(&mut self, unit: Unit<'_, 'a>, parameter: &Parameter, name: &'a [u8]) -> Subject<'a> {
        let span = parameter.span;
        let mut binding = match name {
            b"@" | b"*" => {
                let positional = self.state.positional;
                let elements = positional.words.get(1..).unwrap_or_default();
                return Subject::List(List { elements, rest: positional.rest, joined: name == b"*" });
            }
            b"#" => {
                let positional = self.state.positional;
                let count = positional.words.len().saturating_sub(1) as i64;
                Binding::of(match positional.rest {
                    None => self.decimal(count, span),
                    Some(_) => Word::unknown(span),
                })
            }
            // Numbers the shell makes up.
            b"?" | b"$" | b"!" => Binding::of(Word::unknown(span)),
            b"-" | b"" => self.opaque(name, span),
            b"_" => self.last_argument(span),
            _ if name.iter().all(u8::is_ascii_digit) => self.positional_parameter(name, span),
            _ => self.variable(name, span),
        };
        if let Some(subscript) = parameter.subscript {
            let parts = unit.script.parts(subscript);
            match parts {
                [Part::Literal(only)] if matches!(unit.bytes(*only), b"@" | b"*") => {
                    let joined = unit.bytes(*only) == b"*";
                    return match binding.elements {
                        Some(elements) => Subject::List(List { elements, rest: None, joined }),
                        None if binding.set && binding.value.as_known().is_some() => {
                            let elements = self.arena.alloc_slice_copy(&[binding.value]);
                            Subject::List(List { elements, rest: None, joined })
                        }
                        None => {
                            let from = self.named(binding.value.from, name);
                            // Constants that it may hold are tried as its first element.
                            let maybe =
                                if binding.value.maybe.is_empty() { None } else { Some(binding.value) };
                            let elements = self.arena.alloc_slice_fill_iter(maybe);
                            Subject::List(List { elements, rest: Some(from), joined })
                        }
                    };
                }
                _ => binding = self.element(unit, parts, name, binding, span),
            }
        } else if let Some(elements) = binding.elements.filter(|elements| elements.len() > 1) {
            // The first element to bash, all of them to zsh.
            self.spend(elements.len() as u32 / 4, unit.source, span);
            let from = self.any_text(elements);
            let from = self.named(from, name);
            binding = Binding::of(Word { from, maybe: binding.value.maybe, ..Word::unknown(span) });
        }
        if parameter.indirect {
            binding = self.indirect(unit, binding, span);
        }
        Subject::One(binding)
    }

    fn element(
        &mut self,
        unit: Unit<'_, 'a>,
        subscript: &[Part],
        name: &'a [u8],
        binding: Binding<'a>,
        span: Span,
    ) -> Binding<'a> {
        if binding.attribute == environment::Attribute::Associative {
            self.text(unit, subscript, span);
            let from = self.named(binding.value.from, name);
            return Binding::of(Word { from, maybe: binding.value.maybe, ..Word::unknown(span) });
        }
        let index = self.arithmetic_parts(unit, subscript, span);
        let found = match (index, binding.elements) {
            (Some(index), Some(elements)) => usize::try_from(index).ok().and_then(|at| elements.get(at)),
            (Some(0), None) if binding.value.as_known().is_some() => Some(&binding.value),
            _ => None,
        };
        match found {
            Some(element) => Binding::of(Word { span, ..*element }),
            None => {
                let any = match binding.elements {
                    Some(elements) => {
                        self.spend(elements.len() as u32 / 4, unit.source, span);
                        let from = self.any_text(elements);
                        Word { from, ..Word::unknown(span) }
                    }
                    None => binding.value,
                };
                let from = self.named(any.from, name);
                Binding::of(Word { from, maybe: any.maybe, ..Word::unknown(span) })
            }
        }
    }

    fn indirect(&mut self, unit: Unit<'_, 'a>, binding: Binding<'a>, span: Span) -> Binding<'a> {
        match binding.value.as_known() {
            Some(target) if is_name(target) => self.variable(target, span),
            Some(target) if !target.is_empty() && target.iter().all(u8::is_ascii_digit) => {
                self.positional_parameter(target, span)
            }
            Some(target) => {
                // `${!x}` with a subscript in `x` evaluates it.
                if target.contains(&b'[') {
                    self.subscripts(target, unit.source, span);
                }
                self.opaque(b"!", span)
            }
            None => {
                if !binding.value.from.is_empty() {
                    self.note(NoteKind::OpaqueArithmetic, unit.source, span);
                }
                let mut value = Word { from: self.named(binding.value.from, b"!"), ..Word::unknown(span) };
                for target in binding.value.maybe.iter().copied().filter(|target| is_name(target)) {
                    let held = self.variable(target, span).value;
                    value = environment::merge(self.arena, &value, &held);
                    value.from = environment::union(self.arena, value.from, self.traces(&held));
                }
                Binding::of(value)
            }
        }
    }

    /// `$_`: the last argument of a command before; in a loop that may be one further down.
    fn last_argument(&mut self, span: Span) -> Binding<'a> {
        if self.around.context.in_loop.is_some() {
            self.looks_back += 1;
        }
        let assigned = self.variable(b"_", span).value;
        let last = self.seen.last_arguments.unwrap_or_default();
        let from = environment::union(self.arena, assigned.from, last);
        Binding::of(Word { from: self.named(from, b"_"), maybe: assigned.maybe, ..Word::unknown(span) })
    }

    fn opaque(&self, name: &'a [u8], span: Span) -> Binding<'a> {
        Binding::of(Word { from: self.named(&[], name), ..Word::unknown(span) })
    }

    /// The origins with the variable itself where nothing else is known.
    pub(super) fn named(&self, from: &'a [Origin<'a>], name: &'a [u8]) -> &'a [Origin<'a>] {
        if from.is_empty() { self.arena.alloc_slice_copy(&[Origin::Variable(name)]) } else { from }
    }

    fn positional_parameter(&self, digits: &[u8], span: Span) -> Binding<'a> {
        let index = std::str::from_utf8(digits).ok().and_then(|text| text.parse::<usize>().ok());
        let positional = self.state.positional;
        // What `$0` says then, is what was assigned.
        if index == Some(0)
            && let environment::Found::Bound(binding) =
                self.environments.lookup(self.state.environment, b"BASH_ARGV0")
        {
            let value = binding.value;
            let from = environment::union(self.arena, self.traces(&value), &[Origin::Input]);
            let maybe = environment::merge(self.arena, &value, &Word::unknown(span)).maybe;
            return Binding::of(Word { from, maybe, ..Word::unknown(span) });
        }
        match (index.and_then(|index| positional.words.get(index)), positional.rest) {
            (Some(word), _) => Binding::of(Word { span, ..self.value_of(word) }),
            (None, Some(from)) => Binding::of(Word { from, ..Word::unknown(span) }),
            (None, None) => Binding { set: false, ..Binding::of(Word::known(b"", span)) },
        }
    }

    pub(super) fn decimal(&self, value: i64, span: Span) -> Word<'a> {
        use std::io::Write as _;
        let mut digits = [0u8; 20];
        let mut rest = digits.as_mut_slice();
        let written = write!(rest, "{value}");
        let left = rest.len();
        debug_assert!(written.is_ok());
        let text = digits.get(..20 - left).unwrap_or_default();
        Word::known(self.arena.alloc_slice_copy(text), span)
    }

    // ---- what the operator makes of it

    fn operate(
        &mut self,
        unit: Unit<'_, 'a>,
        parameter: &Parameter,
        name: &'a [u8],
        binding: Binding<'a>,
        mode: Mode,
    ) -> Expansion<'a> {
        // Each on a frame of its own: operands nest, and the stack may be small.
        match parameter.operator {
            ParameterOperator::Default { .. }
            | ParameterOperator::Assign { .. }
            | ParameterOperator::Error { .. }
            | ParameterOperator::Alternate { .. } => {
                self.present_or_not(unit, parameter, name, &binding, mode)
            }
            ParameterOperator::Names | ParameterOperator::Keys | ParameterOperator::Bad => {
                self.several(unit, parameter, name, &binding)
            }
            _ => {
                let value = Word { span: parameter.span, ..binding.value };
                Expansion::Value(self.each_edited(unit, parameter, name, value))
            }
        }
    }

    /// What depends on whether the variable is there.
    #[inline(never)]
    fn present_or_not(
        &mut self,
        unit: Unit<'_, 'a>,
        parameter: &Parameter,
        name: &'a [u8],
        binding: &Binding<'a>,
        mode: Mode,
    ) -> Expansion<'a> {
        let span = parameter.span;
        let value = Word { span, ..binding.value };
        let [first, _] = parameter.arguments;
        // Provably missing, provably there, or neither.
        let there = |colon: bool| match value.value {
            Value::Known(text) => Some(binding.set && !(colon && text.is_empty())),
            Value::Partial { prefix, suffix } => (!prefix.is_empty() || !suffix.is_empty()).then_some(true),
            Value::Unknown => None,
        };
        match parameter.operator {
            ParameterOperator::Default { colon } => match there(colon) {
                Some(true) => {
                    self.unused(unit, first, span);
                    Expansion::Value(value)
                }
                Some(false) => Expansion::Parts(first),
                None => Expansion::Value(self.one_or_other(unit, value, first)),
            },
            ParameterOperator::Assign { colon } => match there(colon) {
                Some(true) => {
                    self.unused(unit, first, span);
                    Expansion::Value(value)
                }
                Some(false) => {
                    let assigned = self.argument(unit, first, span, Mode::Assignment);
                    self.assign(name, assigned, None);
                    Expansion::Value(assigned)
                }
                None => {
                    let either = self.one_or_other(unit, value, first);
                    if is_name(name) {
                        self.assign(name, either, None);
                    }
                    Expansion::Value(either)
                }
            },
            ParameterOperator::Error { colon } => {
                if there(colon) == Some(true) {
                    self.unused(unit, first, span);
                } else {
                    self.argument(unit, first, span, Mode::Text);
                }
                Expansion::Value(value)
            }
            ParameterOperator::Alternate { colon } => match there(colon) {
                Some(true) => Expansion::Parts(first),
                Some(false) => {
                    self.unused(unit, first, span);
                    Expansion::Value(Word::known(b"", span))
                }
                None => {
                    let other = self.argument(unit, first, span, mode_of_argument(mode));
                    let either = environment::merge(self.arena, &other, &Word::known(b"", span));
                    Expansion::Value(Word { from: other.from, maybe: either.maybe, ..Word::unknown(span) })
                }
            },
            _ => Expansion::Value(value),
        }
    }

    /// What is made of the value.
    #[inline(never)]
    pub(super) fn edited(
        &mut self,
        unit: Unit<'_, 'a>,
        parameter: &Parameter,
        name: &'a [u8],
        value: Word<'a>,
    ) -> Word<'a> {
        let span = parameter.span;
        let [first, second] = parameter.arguments;
        match parameter.operator {
            ParameterOperator::Length => match value.as_known() {
                Some(text) if text.is_ascii() => self.decimal(text.len() as i64, span),
                _ => Word::unknown(span),
            },
            ParameterOperator::RemovePrefix { longest } => self.removal(unit, value, first, true, longest),
            ParameterOperator::RemoveSuffix { longest } => {
                let removed = self.removal(unit, value, first, false, longest);
                if longest { self.rooted(removed, name) } else { removed }
            }
            ParameterOperator::Replace { which } => self.replacement(unit, value, first, second, which),
            ParameterOperator::Substring => self.substring(unit, parameter, &value, name),
            ParameterOperator::Case { which, all } => {
                let pattern = unit.script.parts(first);
                self.argument(unit, first, span, Mode::Pattern);
                match value.as_known() {
                    Some(text) if pattern.is_empty() && text.is_ascii() => {
                        self.change_case(text, which, all, span)
                    }
                    _ => self.derived(&value, name),
                }
            }
            ParameterOperator::Transform(which) => self.transform(unit, value, name, which),
            _ => value,
        }
    }

    /// The names or subscripts that a pattern stands for.
    #[inline(never)]
    fn several(
        &mut self,
        unit: Unit<'_, 'a>,
        parameter: &Parameter,
        name: &'a [u8],
        binding: &Binding<'a>,
    ) -> Expansion<'a> {
        let value = Word { span: parameter.span, ..binding.value };
        self.arguments(unit, parameter);
        let from = self.named(value.from, name);
        let tried = if value.maybe.is_empty() { None } else { Some(value) };
        let elements = self.arena.alloc_slice_fill_iter(tried);
        Expansion::List(List { elements, rest: Some(from), joined: false })
    }

    #[inline(never)]
    fn substring(
        &mut self,
        unit: Unit<'_, 'a>,
        parameter: &Parameter,
        value: &Word<'a>,
        name: &'a [u8],
    ) -> Word<'a> {
        let [first, second] = parameter.arguments;
        let span = parameter.span;
        let offset = self.arithmetic_parts(unit, unit.script.parts(first), span);
        let length = if second.is_empty() {
            None
        } else {
            Some(self.arithmetic_parts(unit, unit.script.parts(second), span))
        };
        match (value.as_known(), offset, length) {
            (Some(text), Some(offset), None) if text.is_ascii() => cut(text, offset, None, span),
            (Some(text), Some(offset), Some(Some(length))) if text.is_ascii() => {
                cut(text, offset, Some(length), span)
            }
            (None, Some(0), Some(Some(1))) => {
                let first = self.derived(value, name);
                self.rooted(first, name)
            }
            _ => {
                let made = self.derived(value, name);
                Word { from: environment::union(self.arena, made.from, self.neighbours(value)), ..made }
            }
        }
    }

    /// The value, or if it is missing the argument: nobody knows which.
    fn one_or_other(&mut self, unit: Unit<'_, 'a>, value: Word<'a>, other: Slice<Part>) -> Word<'a> {
        let other = self.argument(unit, other, value.span, Mode::Assignment);
        // Its ends are nobody's: the variable may hold anything.
        let either = environment::merge(self.arena, &value, &other);
        let (from, outputs) = match other.as_known() {
            // A constant in its place is tried by itself.
            Some(_) if value.outputs == Outputs::Own => (either.from, Outputs::Own),
            Some(_) => (either.from, Outputs::Mixed),
            None => (environment::union(self.arena, either.from, self.traces(&other)), Outputs::Mixed),
        };
        Word { from, maybe: either.maybe, outputs, ..Word::unknown(value.span) }
    }

    pub(super) fn argument(
        &mut self,
        unit: Unit<'_, 'a>,
        parts: Slice<Part>,
        span: Span,
        mode: Mode,
    ) -> Word<'a> {
        let parts = unit.script.parts(parts);
        if parts.is_empty() {
            return Word::known(b"", span);
        }
        let separating = std::mem::replace(&mut self.separating, false);
        let mut field = self.open_field(span);
        self.parts(&mut field, unit, parts, mode);
        self.separating = separating;
        self.close_single(field)
    }

    /// An argument that provably is not expanded: what stands in it is still part of the program.
    #[inline(never)]
    pub(super) fn unused(&mut self, unit: Unit<'_, 'a>, parts: Slice<Part>, span: Span) {
        if unit.script.parts(parts).iter().all(|part| matches!(part, Part::Literal(_))) {
            return;
        }
        self.leave_shell();
        self.around.context.conditional = true;
        self.argument(unit, parts, span, Mode::Text);
        self.enter_shell();
    }

    /// Lowers arguments whose value does not matter; what flowed into them.
    fn arguments(&mut self, unit: Unit<'_, 'a>, parameter: &Parameter) -> &'a [Origin<'a>] {
        let mut from: &'a [Origin<'a>] = &[];
        for argument in parameter.arguments {
            let word = self.argument(unit, argument, parameter.span, Mode::Text);
            from = environment::union(self.arena, from, word.from);
        }
        from
    }

    fn transform(&mut self, unit: Unit<'_, 'a>, value: Word<'a>, name: &'a [u8], which: u8) -> Word<'a> {
        let span = value.span;
        match (which, value.as_known()) {
            (b'P', Some(text)) => {
                let inert = !text.iter().any(|byte| matches!(byte, b'$' | b'`' | b'\\'));
                if inert {
                    return value;
                }
                // The prompt's own escapes come first and can spell a substitution.
                let mut decoded = Vec::with_capacity(text.len());
                ansi_c::decode(text, Dialect::Format, &mut decoded);
                let expanded = self.template(text, unit.source, span);
                if decoded != text {
                    let decoded: &'a [u8] = self.arena.alloc_slice_copy(&decoded);
                    if decoded.iter().any(|byte| matches!(byte, b'$' | b'`')) {
                        self.template(decoded, unit.source, span);
                    }
                    return self.derived(&expanded, name);
                }
                expanded
            }
            (b'P', None) => {
                let number = value.from.is_empty() && value.prefix().is_empty();
                if !number && !is_dynamic_number(name) {
                    self.note(NoteKind::PromptExpansion, unit.source, span);
                }
                Word { from: value.from, ..Word::unknown(span) }
            }
            (b'E', Some(text)) => {
                let mut decoded = Vec::with_capacity(text.len());
                ansi_c::decode(text, Dialect::Quote, &mut decoded);
                Word::known(self.arena.alloc_slice_copy(&decoded), span)
            }
            (b'U', Some(text)) if text.is_ascii() => self.change_case(text, b'^', true, span),
            (b'u', Some(text)) if text.is_ascii() => self.change_case(text, b'^', false, span),
            (b'L', Some(text)) if text.is_ascii() => self.change_case(text, b',', true, span),
            _ => self.derived(&value, name),
        }
    }

    fn slice_list(
        &mut self,
        unit: Unit<'_, 'a>,
        parameter: &Parameter,
        name: &'a [u8],
        List { elements, rest, joined }: List<'a>,
    ) -> Expansion<'a> {
        let span = parameter.span;
        let [first, second] = parameter.arguments;
        let offset = self.arithmetic_parts(unit, unit.script.parts(first), span);
        let length = if second.is_empty() {
            Some(usize::MAX)
        } else {
            let length = self.arithmetic_parts(unit, unit.script.parts(second), span);
            length.and_then(|length| usize::try_from(length).ok())
        };
        // `${@:1}` begins at `$1`, but `${a[@]:0}` at the first element.
        let positional = name == b"@" || name == b"*";
        let offset = offset.and_then(|offset| usize::try_from(offset).ok());
        let offset = match offset {
            Some(0) if positional => None,
            Some(offset) if positional => Some(offset - 1),
            offset => offset,
        };
        if let (Some(offset), Some(length)) = (offset, length) {
            let tail = elements.get(offset.min(elements.len())..).unwrap_or_default();
            let sliced = tail.get(..length.min(tail.len())).unwrap_or_default();
            let rest = if sliced.len() == length { None } else { rest };
            return Expansion::List(List { elements: sliced, rest, joined });
        }
        // It may be one alone, which is then what it is.
        self.some_of(elements, rest.unwrap_or_default(), name, false)
    }

    /// Some of the elements, nobody knows which: the constants among them are tried as one.
    pub(super) fn some_of(
        &self,
        elements: &'a [Word<'a>],
        from: &'a [Origin<'a>],
        name: &'a [u8],
        joined: bool,
    ) -> Expansion<'a> {
        let any = self.one_of(elements);
        let either = environment::merge(self.arena, &any, &Word::unknown(any.span));
        let from = self.named(environment::union(self.arena, from, either.from), name);
        let tried = Word { from, maybe: either.maybe, ..Word::unknown(any.span) };
        let tried = if tried.maybe.is_empty() { None } else { Some(tried) };
        Expansion::List(List { elements: self.arena.alloc_slice_fill_iter(tried), rest: Some(from), joined })
    }
}

const fn mode_of_argument(mode: Mode) -> Mode {
    match mode {
        Mode::Fields | Mode::Argument => Mode::Assignment,
        mode => mode,
    }
}
