//! Places that several paths reach: what holds there is what holds on each of them.

use std::collections::BTreeMap;

use crate::lower::environment::{self, Attribute, Binding, Node};
use crate::lower::lowerer::{Lowerer, Positional, State};
use crate::lower::scope::homely;
use crate::lower::{EnvironmentId, Word};
use crate::shell::Span;

/// The ends of the paths that lead to one place. They are joined where something stands there:
/// most often nothing does, and a long chain has many of them.
pub(super) struct Ends<'a> {
    first: State<'a>,
    more: Vec<State<'a>>,
}

impl<'a> Ends<'a> {
    pub(super) const fn one(end: State<'a>) -> Self {
        Self { first: end, more: Vec::new() }
    }

    pub(super) fn add(&mut self, end: State<'a>) {
        if !alike(self.more.last().unwrap_or(&self.first), &end) {
            self.more.push(end);
        }
    }

    fn iter(&self) -> impl Iterator<Item = &State<'a>> + Clone {
        std::iter::once(&self.first).chain(&self.more)
    }
}

/// Whether a second path of these adds nothing to the first.
fn alike(a: &State<'_>, b: &State<'_>) -> bool {
    a.environment == b.environment
        && same_directory(&a.directory, &b.directory)
        && same_words(&a.positional, &b.positional)
        && same_place(a.previous, b.previous)
        && (a.dead, a.export_all, a.last_pipe) == (b.dead, b.export_all, b.last_pipe)
        && (a.stayed, a.strict) == (b.stayed, b.strict)
}

/// Whether a shell stands in one place at the ends of two paths, and may stand in the same others.
fn same_directory(a: &Word<'_>, b: &Word<'_>) -> bool {
    (a.value, a.lead) == (b.value, b.lead) && (std::ptr::eq(a.from, b.from) || a.from == b.from)
}

fn same_place(a: Option<&Word<'_>>, b: Option<&Word<'_>>) -> bool {
    a.map(std::ptr::from_ref) == b.map(std::ptr::from_ref)
}

fn same_words(a: &Positional<'_>, b: &Positional<'_>) -> bool {
    std::ptr::eq(a.words, b.words) && a.rest.is_some() == b.rest.is_some()
}

/// What the paths looked at so far bind a name to.
struct Merged<'a> {
    binding: Binding<'a>,
    /// How many of them bind it, and the last that does.
    count: u32,
    newest: u32,
}

impl<'a> Lowerer<'a> {
    /// The state behind paths that all started at `base`.
    pub(super) fn state_at(&mut self, base: &State<'a>, ends: &Ends<'a>) -> State<'a> {
        // Nothing is looked up any more once the limits are reached.
        let alone = ends.more.is_empty() || self.program.exhausted.is_some();
        if alone { ends.first } else { self.meet(base, ends.iter()) }
    }

    /// The same, of ends that stand beside each other.
    pub(super) fn join(&mut self, base: &State<'a>, ends: &[State<'a>]) -> State<'a> {
        self.meet(base, ends.iter())
    }

    fn meet<'e>(&mut self, base: &State<'a>, ends: impl Iterator<Item = &'e State<'a>> + Clone) -> State<'a>
    where
        'a: 'e,
    {
        let mut living = ends.clone().filter(|end| !end.dead);
        let Some(first) = living.next() else {
            return ends.last().copied().unwrap_or(*base);
        };
        let mut joined = *first;
        let mut same = true;
        for end in living {
            same &= end.environment == first.environment;
            if !same_directory(&end.directory, &joined.directory) {
                joined.directory = self.either_directory(&joined.directory, &end.directory);
            }
            if !same_place(end.previous, joined.previous) {
                joined.previous = None;
            }
            if !same_words(&end.positional, &joined.positional) {
                joined.positional = self.any_positional(&joined.positional);
            }
            joined.export_all |= end.export_all;
            joined.last_pipe |= end.last_pipe;
            joined.stayed |= end.stayed;
            joined.strict &= end.strict;
        }
        if !same {
            let environments = ends.filter(|end| !end.dead).map(|end| end.environment);
            joined.environment = self.join_environments(base.environment, environments);
        }
        joined
    }

    /// Where the shell stands that stands in one of two places.
    pub(super) fn either_directory(&self, a: &Word<'a>, b: &Word<'a>) -> Word<'a> {
        if (a.value, a.lead) == (b.value, b.lead) {
            return Word { from: environment::union(self.arena, a.from, b.from), ..*a };
        }
        let from = environment::union(self.arena, self.directory_traces(a), self.directory_traces(b));
        Word { from, ..Word::unknown(a.span) }
    }

    /// What is bound behind paths with these environments, which all grew out of `base`.
    fn join_environments(
        &mut self,
        base: EnvironmentId,
        ends: impl Iterator<Item = EnvironmentId> + Clone,
    ) -> EnvironmentId {
        let mut bound: BTreeMap<&'a [u8], Merged<'a>> = BTreeMap::new();
        let mut referring: Vec<&'a [u8]> = Vec::new();
        let mut functions = Vec::new();
        let mut forgotten = None;
        let mut paths = 0;
        for end in ends.clone() {
            paths += 1;
            for node in self.environments.chain(end, base) {
                match node {
                    Node::Variable { name, binding, .. } if binding.attribute == Attribute::Reference => {
                        referring.push(name);
                    }
                    Node::Variable { name, binding, .. } => {
                        let value = homely(name, Word { span: Span::default(), ..binding.value });
                        let binding = Binding { value, ..*binding };
                        let merged = bound.entry(name).or_insert(Merged { binding, count: 0, newest: 0 });
                        // Of one path only the newest counts.
                        if merged.newest != paths {
                            if merged.count > 0 {
                                merged.binding = self.merge_bindings(&merged.binding, &binding);
                            }
                            merged.count += 1;
                            merged.newest = paths;
                        }
                    }
                    Node::Function { function, .. } => functions.push(*function),
                    // Whether it still is one now depends on the path taken.
                    Node::FunctionRemoved { .. } => forgotten = Some(true),
                    Node::Forgotten { functions } => {
                        forgotten = Some(*functions || forgotten == Some(true));
                    }
                    // No path leads out of a shell into another.
                    Node::Child => forgotten = Some(true),
                }
            }
        }
        let saved = std::mem::replace(&mut self.state.environment, base);
        for name in &referring {
            bound.remove(name);
        }
        for (name, merged) in bound {
            let binding = if merged.count == paths {
                merged.binding
            } else {
                let before = self.binding_at(base, name);
                self.merge_bindings(&merged.binding, &before)
            };
            self.rebind(name, binding);
        }
        referring.sort_unstable();
        referring.dedup();
        for name in referring {
            // A reference on one of the paths: what it holds is a name there, and a text elsewhere.
            let mut merged: Option<Binding<'a>> = None;
            for end in ends.clone() {
                let next = self.raw_at(end, name);
                merged = Some(merged.map_or(next, |merged| self.merge_bindings(&merged, &next)));
            }
            if let Some(binding) = merged {
                self.rebind_referring(name, &binding);
            }
        }
        // On top: what may have stayed is still seen by who looks for it.
        if let Some(functions) = forgotten {
            self.environments_forget(functions);
        }
        for function in functions.into_iter().rev() {
            let node = Node::Function { function, certain: false };
            self.state.environment = self.environments.push(self.state.environment, node);
        }
        std::mem::replace(&mut self.state.environment, saved)
    }
}
