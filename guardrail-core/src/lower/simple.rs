//! Simple commands: their words, assignments and redirections, and what the command word names.

use crate::lower::builtin_names::{binds, is_builtin, is_declaration, is_special, may_be_builtin};
use crate::lower::environment::{self, Attribute, Binding, Node};
use crate::lower::expand::{Declared, Mode, assigns};
use crate::lower::lowerer::{Lowerer, Unit};
use crate::lower::scope::is_dynamic_number;
use crate::lower::{Assignment, Context, Input, Invocation, InvocationId, Resolution, SourceId, Value, Word};
use crate::shell::{self, Part, Slice, Span};

impl<'a> Lowerer<'a> {
    /// Takes the place of an invocation, so that what its words run comes behind it.
    pub(super) fn reserve(&mut self, source: SourceId, span: Span) -> Option<InvocationId> {
        if self.program.invocations.len() >= self.limits.invocations as usize {
            self.exhaust(source, span);
            return None;
        }
        let around = &self.around;
        let invocation = Invocation {
            words: &[],
            assignments: &[],
            redirects: around.redirects,
            source,
            span,
            parent: around.parent,
            stdin: around.stdin,
            stdout: around.stdout,
            environment: self.state.environment,
            directory: self.state.directory,
            resolution: Resolution::Nothing,
            context: Context { stayed: self.state.stayed, ..around.context },
            place: around.place,
        };
        let id = InvocationId(self.program.invocations.len() as u32);
        self.program.invocations.push(invocation);
        self.program.written.push(id);
        Some(id)
    }

    pub(super) fn simple(
        &mut self,
        unit: Unit<'_, 'a>,
        command: &shell::Command,
        assignments: Slice<shell::Assignment>,
        words: Slice<shell::Word>,
    ) {
        if !self.spend(2 + words.len() as u32, unit.source, command.span) {
            return;
        }
        let Some(id) = self.reserve(unit.source, command.span) else { return };
        let current = self.current.replace(id);
        let reveals = self.reveals;
        let declared = self.declared.len();

        let written = unit.script.words(words);
        let literal = written.first().and_then(|word| literal_name(unit, word));
        self.reveals = !matches!(literal, Some(b"[" | b"test"));
        let base = self.words.len();
        match literal {
            Some(name) if is_declaration(name) || matches!(name, b"command" | b"builtin") => {
                self.declaration_words(unit, written);
            }
            _ => self.expand_words(unit, written),
        }
        let words = self.take_words(base);

        let outer = self.around;
        let redirects = unit.script.redirects(command.redirects);
        // Most have none, and then nothing around them changes.
        let redirected = if redirects.is_empty() { None } else { Some(self.redirect(unit, redirects)) };
        self.reveals = false;
        let before = self.state.environment;
        let bindings = self.environments.len();
        let assignments = unit.script.assignments(assignments);
        let assigned: &'a [Assignment<'a>] =
            if assignments.is_empty() { &[] } else { self.assign_all(unit, assignments, words.is_empty()) };
        self.reveals = reveals;

        let name = words.first().and_then(Word::as_known);
        let resolution = match words.first() {
            None => Resolution::Nothing,
            Some(_) => self.resolve(name),
        };
        if name.is_none() || resolution != Resolution::Program {
            self.environments.stay(bindings);
        }
        let directory = self.state.directory;
        let environment = self.state.environment;
        let around = redirected.as_ref().unwrap_or(&outer);
        if let Some(invocation) = self.program.invocations.get_mut(id.0 as usize) {
            invocation.words = words;
            invocation.assignments = assigned;
            invocation.redirects = around.redirects;
            invocation.stdin = around.stdin;
            invocation.stdout = around.stdout;
            invocation.environment = environment;
            invocation.directory = directory;
            invocation.resolution = resolution;
        }
        if let Some(last) = words.last() {
            if let Some(from) = self.seen.last_arguments {
                let last = self.any_text(std::slice::from_ref(last));
                self.seen.last_arguments = Some(environment::union(self.arena, from, last));
            }
            let persists = resolution == Resolution::Builtin && name == Some(b"exec") && words.len() == 1;
            if let Some(around) = redirected {
                self.around = around;
            }
            self.run(id, unit.source, words, declared);
            // `exec` with redirections alone changes the streams of this very shell.
            if persists && around.context.conditional {
                // If it runs at all.
                let (before, after) = (outer.stdin, around.stdin);
                if !same_input(&before, &after) {
                    let unknown = Word { from: &[super::Origin::Input], ..Word::unknown(command.span) };
                    self.around.stdin = Input::File(unknown);
                }
                self.around.stdout = around.stdout.or(outer.stdout);
            }
            if !persists {
                let parent = self.around.parent;
                self.around = outer;
                debug_assert_eq!(parent, outer.parent);
            }
            if !assigned.is_empty() {
                let names: Vec<&[u8]> = assigned.iter().map(|assignment| assignment.name).collect();
                self.drop_names(environment, before, &names);
                if resolution == Resolution::Builtin && name.is_some_and(is_special) {
                    self.may_stay(assigned);
                }
            }
        }
        self.declared.truncate(declared);
        self.current = current;
    }

    /// In front of a special builtin an assignment stays, to shells that keep to the standard.
    #[inline(never)]
    fn may_stay(&mut self, assigned: &[Assignment<'a>]) {
        for assignment in assigned {
            let old = self.binding_at(self.state.environment, assignment.name);
            let new = Binding::of(self.value_of(&assignment.value));
            let either = self.merge_bindings(&old, &new);
            self.rebind(assignment.name, either);
        }
    }

    /// What a command word names here. Unknown ones name a program, to say the least.
    pub(super) fn resolve(&mut self, name: Option<&[u8]>) -> Resolution {
        let Some(name) = name else { return Resolution::Program };
        if !self.functions.is_empty() && self.is_function(name) {
            return Resolution::Function;
        }
        if is_builtin(name) { Resolution::Builtin } else { Resolution::Program }
    }

    fn is_function(&mut self, name: &[u8]) -> bool {
        let mut found = Vec::new();
        self.environments.functions(self.state.environment, name, &mut found)
    }

    /// What a command does to the shell that runs it.
    pub(super) fn run(&mut self, id: InvocationId, source: SourceId, words: &'a [Word<'a>], declared: usize) {
        let Some((first, _)) = words.split_first() else { return };
        let name = match first.value {
            Value::Known(name) => name,
            Value::Partial { prefix, suffix } if prefix.contains(&b'/') || suffix.contains(&b'/') => return,
            _ if first.lead != super::Lead::Text => return,
            // It could be `eval`, `export`, a function: then nothing is certain any more.
            Value::Partial { prefix, suffix }
                if self.functions.is_empty() && !may_be_builtin(prefix, suffix) =>
            {
                return;
            }
            _ => {
                self.forget(true);
                return;
            }
        };
        if !self.functions.is_empty() && self.call_functions(id, name, words) {
            return;
        }
        if is_builtin(name) {
            self.builtin(id, source, name, words, declared);
            // What it binds is judged here, since nobody may see it again as it is: what joins the
            // branches knows less of it.
            if binds(name)
                && let Some(invocation) = self.program.invocations.get_mut(id.0 as usize)
            {
                invocation.environment = self.state.environment;
            }
        }
    }

    // ---- assignments

    /// Lowers assignments in order; each sees the ones before it. Bare ones stay.
    fn assign_all(
        &mut self,
        unit: Unit<'_, 'a>,
        assignments: &[shell::Assignment],
        bare: bool,
    ) -> &'a [Assignment<'a>] {
        let base = self.assignments.len();
        for assignment in assignments {
            let name = unit.bytes(assignment.name);
            let (value, elements) = self.assigned_value(unit, assignment, name);
            let exported = if bare {
                self.assign(name, value, elements)
            } else {
                self.rebind_passing(name, Binding { elements, exported: true, ..Binding::of(value) });
                true
            };
            let value = Word { span: assignment.value.span, ..value };
            self.assignments.push(Assignment { name, value, exported, span: assignment.span });
        }
        let taken = self.arena.alloc_slice_copy(self.assignments.get(base..).unwrap_or_default());
        self.assignments.truncate(base);
        taken
    }

    fn assigned_value(
        &mut self,
        unit: Unit<'_, 'a>,
        assignment: &shell::Assignment,
        name: &'a [u8],
    ) -> (Word<'a>, Option<&'a [Word<'a>]>) {
        let span = assignment.value.span;
        if let Some(subscript) = assignment.subscript {
            let key = self.evaluate_subscript(unit, unit.script.parts(subscript), name, assignment.span);
            let value = self.single(unit, &assignment.value, Mode::Assignment);
            let mut old = self.variable(name, span).value;
            if let Some(key) = key {
                old = environment::merge(self.arena, &old, &key);
                old.from = environment::union(self.arena, old.from, self.flowed(&key));
            }
            let mut from = environment::union(self.arena, old.from, self.flowed(&value));
            if value.lead != super::Lead::Text {
                from = environment::union(self.arena, from, self.traces(&value));
            }
            let either = environment::merge(self.arena, &old, &value);
            return (Word { from, maybe: either.maybe, ..Word::unknown(span) }, None);
        }
        if let [Part::Array { words, .. }] = unit.script.parts(assignment.value.parts) {
            return self.array(unit, *words, name, assignment.append, span);
        }
        let value = self.single(unit, &assignment.value, Mode::Assignment);
        if assignment.append { (self.appended(name, &value), None) } else { (value, None) }
    }

    /// What stands in brackets; of a list by names it is a text that may be asked for again.
    fn evaluate_subscript(
        &mut self,
        unit: Unit<'_, 'a>,
        subscript: &[Part],
        name: &[u8],
        span: Span,
    ) -> Option<Word<'a>> {
        let associative = match self.environments.lookup(self.state.environment, name) {
            environment::Found::Bound(binding) => binding.attribute == Attribute::Associative,
            _ => false,
        };
        if associative {
            return Some(self.text(unit, subscript, span));
        }
        self.arithmetic_parts(unit, subscript, span);
        None
    }

    /// `NAME+=value`.
    pub(super) fn appended(&mut self, name: &'a [u8], value: &Word<'a>) -> Word<'a> {
        let old = self.variable(name, value.span);
        if old.elements.is_some() {
            let from = environment::union(self.arena, old.value.from, value.from);
            return Word { from, ..Word::unknown(value.span) };
        }
        if old.attribute == Attribute::MaybeInteger {
            self.number(value, None);
        }
        if old.attribute == Attribute::Integer || is_dynamic_number(name) {
            // What it held before was evaluated when it got there.
            let before = old.value.as_known().and_then(|_| self.number(&old.value, None));
            let sum = match (self.number(value, None), before) {
                (Some(value), Some(old)) => Some(old.wrapping_add(value)),
                _ => None,
            };
            return sum.map_or(Word::unknown(value.span), |sum| self.decimal(sum, value.span));
        }
        let mut field = self.open_field(value.span);
        self.push_value(&mut field, &old.value);
        self.push_value(&mut field, value);
        self.close_single(field)
    }

    /// `(a b c)` or `+=(a b c)`: the value (the first element's) and the elements, if they can be told apart.
    pub(super) fn array(
        &mut self,
        unit: Unit<'_, 'a>,
        words: Slice<shell::Word>,
        name: &'a [u8],
        append: bool,
        span: Span,
    ) -> (Word<'a>, Option<&'a [Word<'a>]>) {
        let base = self.words.len();
        let mut plain = true;
        for word in unit.script.words(words) {
            if self.keyed_element(unit, word) {
                plain = false;
            } else {
                self.expand_word(unit, word);
            }
        }
        let elements = self.take_words(base);
        let old = append.then(|| self.variable(name, span));
        let mut from = old.map_or(&[][..], |old| old.value.from);
        for element in elements {
            from = environment::union(self.arena, from, element.from);
        }
        let all: &'a [Word<'a>] = match old {
            None => elements,
            Some(old) => match old.elements {
                Some(before) => self.arena.alloc_slice_copy(&[before, elements].concat()),
                None => {
                    plain = false;
                    elements
                }
            },
        };
        plain &= all.iter().all(|word| !word.splits && word.pattern.is_none()) && all.len() <= 4096;
        if !plain {
            let any = self.one_of(elements);
            let either = match old {
                Some(old) => environment::merge(self.arena, &old.value, &any),
                None => environment::merge(self.arena, &any, &Word::unknown(span)),
            };
            from = environment::union(self.arena, from, either.from);
            for element in elements.iter().take(environment::MOST_MAYBE) {
                from = environment::union(self.arena, from, self.traces(element));
            }
            return (Word { from, maybe: either.maybe, ..Word::unknown(span) }, None);
        }
        let first = match all.first() {
            Some(first) => Word { span, ..*first },
            None => Word::known(b"", span),
        };
        (first, Some(all))
    }

    /// `[key]=value` within an array: the key is arithmetic.
    fn keyed_element(&mut self, unit: Unit<'_, 'a>, word: &shell::Word) -> bool {
        let parts = unit.script.parts(word.parts);
        let opens =
            matches!(parts.first(), Some(Part::Literal(span)) if unit.bytes(*span).first() == Some(&b'['));
        if opens {
            let value = self.single(unit, word, Mode::Assignment);
            if let Some(text) = value.as_known() {
                self.subscripts(text, unit.source, word.span);
            }
            // Key and value are each a text of their own.
            let close = |text: &[u8]| text.windows(2).position(|pair| pair == b"]=");
            match value.value {
                Value::Known(text) if close(text).is_some() => {
                    let (key, rest) = text.split_at(close(text).unwrap_or_default());
                    for piece in [key.get(1..), rest.get(2..)] {
                        self.words.push(Word::known(piece.unwrap_or_default(), word.span));
                    }
                }
                Value::Partial { prefix, suffix } if close(prefix).is_some() => {
                    let at = close(prefix).unwrap_or_default();
                    let from = self.with_files(value.from, super::Lead::Text, suffix);
                    let prefix = prefix.get(at + 2..).unwrap_or_default();
                    let value = Value::Partial { prefix, suffix };
                    let word = Word { pattern: None, ..Word::unknown(word.span) };
                    self.words.push(Word { value, from, ..word });
                }
                _ => self.words.push(Word { pattern: None, ..value }),
            }
        }
        opens
    }

    // ---- declaration builtins

    /// Words of which those of the form `name=value` are assignments: not split, no globs.
    fn declaration_words(&mut self, unit: Unit<'_, 'a>, words: &[shell::Word]) {
        let base = self.words.len();
        // `command export x=$y` counts as well; `command ls x=$y` does not.
        let declares = words.iter().find_map(|word| match literal_name(unit, word) {
            Some(b"command" | b"builtin") => None,
            Some(text) if text.first() == Some(&b'-') => None,
            name => Some(name.is_some_and(is_declaration)),
        });
        for word in words {
            let parts = unit.script.parts(word.parts);
            let assignment = match parts.first() {
                Some(Part::Literal(span)) if declares == Some(true) => {
                    let text = unit.bytes(*span);
                    assigns(text).then_some(text)
                }
                _ => None,
            };
            match assignment {
                Some(text) if !self.has_alternatives(unit, parts) => {
                    self.declared_word(unit, word, text, base);
                }
                _ => self.expand_word(unit, word),
            }
        }
    }

    fn declared_word(&mut self, unit: Unit<'_, 'a>, word: &shell::Word, text: &'a [u8], base: usize) {
        let equals = text.iter().position(|byte| *byte == b'=').unwrap_or(text.len());
        let (left, right) = text.split_at((equals + 1).min(text.len()));
        let name = text.get(..equals).unwrap_or_default();
        let append = name.last() == Some(&b'+');
        let name = name.strip_suffix(b"+").unwrap_or(name);
        let parts = unit.script.parts(word.parts);
        let (value, elements) = match parts {
            [_, Part::Array { words, .. }] if right.is_empty() => {
                self.array(unit, *words, name, append, word.span)
            }
            _ => {
                let separating = std::mem::replace(&mut self.separating, false);
                let mut field = self.open_field(word.span);
                self.assigned_text(&mut field, right, parts.len() == 1);
                for part in parts.get(1..).unwrap_or_default() {
                    match part {
                        Part::Literal(span) => {
                            let text = unit.bytes(*span);
                            self.push_text(&mut field, text, false);
                        }
                        part => self.part(&mut field, unit, part, Mode::Assignment),
                    }
                }
                self.separating = separating;
                let value = self.close_single(field);
                if append { (self.appended(name, &value), None) } else { (value, None) }
            }
        };
        let mut field = self.open_field(word.span);
        self.push_text(&mut field, left, false);
        self.push_value(&mut field, &value);
        if parts.len() == 1 && value.as_known() == Some(right) && !append {
            self.discard(&field);
            self.words.push(Word::known(text, word.span));
        } else {
            let word = self.close_single(field);
            self.words.push(word);
        }
        let index = self.words.len() - 1 - base;
        self.declared.push(Declared { index, name, value, elements });
    }

    /// Appends a function that is defined from here on.
    pub(super) fn define(&mut self, function: environment::Function<'a>) {
        if !self
            .functions
            .iter()
            .any(|(known, _)| known.source == function.source && known.body == function.body)
        {
            self.functions.push((function, false));
        }
        self.state.environment =
            self.environments.push(self.state.environment, Node::Function { function, certain: true });
    }
}

/// Whether two inputs provably are one.
fn same_input(a: &Input<'_>, b: &Input<'_>) -> bool {
    match (a, b) {
        (Input::Inherited, Input::Inherited) | (Input::Empty, Input::Empty) => true,
        (Input::Channel(a), Input::Channel(b)) => a == b,
        _ => false,
    }
}

/// The command word as the shell's grammar sees it: one unquoted literal.
fn literal_name<'a>(unit: Unit<'_, 'a>, word: &shell::Word) -> Option<&'a [u8]> {
    match unit.script.parts(word.parts) {
        [Part::Literal(span)] => Some(unit.bytes(*span)),
        _ => None,
    }
}
