//! Variables that are not simply what is assigned to them: names of other variables
//! (`declare -n`), texts whose case changes.

use crate::lower::environment::{self, Attribute, Binding, Found};
use crate::lower::lowerer::Lowerer;
use crate::lower::scope::is_name;
use crate::lower::{Origin, Word};
use crate::shell::Span;

/// References to references to ... that are followed.
const MOST_HOPS: usize = 8;

impl<'a> Lowerer<'a> {
    /// The variable that a name stands for where it is a reference whose target is known.
    pub(super) fn target_of(&self, name: &'a [u8]) -> Option<&'a [u8]> {
        let mut name = name;
        for _ in 0..MOST_HOPS {
            match self.environments.lookup(self.state.environment, name) {
                Found::Bound(binding) if binding.attribute == Attribute::Reference => {
                    name = binding.value.as_known().filter(|target| is_name(target))?;
                }
                _ => return Some(name),
            }
        }
        None
    }

    /// What is read through a reference.
    pub(super) fn referred(&mut self, name: &'a [u8], binding: &Binding<'a>, span: Span) -> Binding<'a> {
        if let Some(target) = self.target_of(name) {
            return self.variable(target, span);
        }
        // It may be itself what it holds, or what one of the names stands for that it may hold.
        let mut value = Word { from: binding.value.from, maybe: binding.value.maybe, ..Word::unknown(span) };
        for target in binding.value.maybe {
            if let Some(target) = Some(*target).filter(|target| is_name(target))
                && let Some(target) = self.target_of(target)
            {
                let held = self.variable(target, span).value;
                value = environment::merge(self.arena, &value, &held);
            }
        }
        let itself = self.arena.alloc_slice_copy(&[Origin::Variable(name)]);
        let from = environment::union(self.arena, value.from, itself);
        Binding {
            value: Word { from, ..Word { maybe: value.maybe, ..Word::unknown(span) } },
            elements: None,
            ..*binding
        }
    }

    /// Assigns through a reference; one that refers to nothing yet then refers to what is named.
    pub(super) fn assign_referred(
        &mut self,
        name: &'a [u8],
        binding: &Binding<'a>,
        value: Word<'a>,
        elements: Option<&'a [Word<'a>]>,
    ) -> bool {
        if let Some(target) = self.target_of(name) {
            return self.assign(target, value, elements);
        }
        if !binding.set || binding.value.as_known() == Some(b"") {
            self.refer(name, value, binding.exported);
            return binding.exported;
        }
        match binding.value.as_known() {
            Some(target) => {
                let from = self.traces(&value);
                self.assign_reference(Some(target), from);
            }
            None => {
                self.stray(&value);
                self.rebind_referring(name, binding);
                self.assign_each(name, binding.value.maybe, &value);
            }
        }
        binding.exported
    }

    /// Binds what may be a reference, and may be none: it stays one, and to what, is uncertain.
    pub(super) fn rebind_referring(&mut self, name: &'a [u8], binding: &Binding<'a>) {
        let held = binding.value;
        let maybe: &'a [&'a [u8]] = match held.as_known() {
            Some(text) => self.arena.alloc_slice_copy(&[text]),
            None => held.maybe,
        };
        let value = Word { from: held.from, maybe, ..Word::unknown(held.span) };
        let attribute = Attribute::Reference;
        self.rebind(name, Binding { value, elements: None, set: true, attribute, ..*binding });
    }

    /// Each of these variables may be the one that was assigned.
    fn assign_each(&mut self, name: &'a [u8], targets: &[&'a [u8]], value: &Word<'a>) {
        for target in targets {
            let end = target.iter().position(|byte| *byte == b'[').unwrap_or(target.len());
            let Some(target) = target.get(..end).filter(|target| is_name(target) && *target != name) else {
                continue;
            };
            let old = self.raw_at(self.state.environment, target);
            let assigned = Binding { exported: true, ..Binding::of(self.value_of(value)) };
            let either = self.merge_bindings(&old, &assigned);
            self.rebind(target, either);
        }
    }

    /// Makes `name` a reference to what `target` names: its subscript is evaluated at each use.
    pub(super) fn refer(&mut self, name: &'a [u8], target: Word<'a>, exported: bool) {
        let source = self.reading;
        self.reference(&target, source);
        for text in target.maybe {
            self.reference(&Word::known(text, target.span), source);
        }
        let value = self.value_of(&target);
        self.rebind(name, Binding { exported, attribute: Attribute::Reference, ..Binding::of(value) });
    }

    /// The constants that a variable may hold that keeps its old value, or changes the case of
    /// the new one.
    pub(super) fn in_either_case(&self, old: &Word<'a>, new: &Word<'a>) -> &'a [&'a [u8]] {
        let mut either = environment::merge(self.arena, old, new);
        let known = new.as_known();
        for text in known.iter().chain(new.maybe) {
            if text.iter().any(u8::is_ascii_alphabetic) {
                for text in [text.to_ascii_lowercase(), text.to_ascii_uppercase()] {
                    let text = Word::known(self.arena.alloc_slice_copy(&text), new.span);
                    either = environment::merge(self.arena, &either, &text);
                }
            }
        }
        match either.as_known() {
            Some(text) => self.arena.alloc_slice_copy(&[text]),
            None => either.maybe,
        }
    }
}
