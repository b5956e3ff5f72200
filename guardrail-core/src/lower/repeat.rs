//! Loops: what a body assigns is uncertain from its first command on, since a round came before.

use crate::lower::environment::{self, Binding, Node};
use crate::lower::lowerer::{Lowerer, Mark, Positional, State};
use crate::lower::{Lead, LoopId, Origin, Word};
use crate::shell::Span;

/// What the rounds read so far do to the state.
#[derive(Default)]
struct Rounds<'a> {
    /// The names assigned, sorted, each with whether its values are harmless in arithmetic.
    assigned: Vec<(&'a [u8], bool)>,
    /// Those of them that were given something from outside of the script.
    fed: Vec<&'a [u8]>,
    /// What was assigned to them.
    values: Vec<(&'a [u8], Word<'a>)>,
    /// Something opaque ran.
    everything: bool,
    /// The directory or the positional parameters changed.
    moved: bool,
    count: u32,
}

/// A body is read at most so often; then everything is taken to be uncertain.
const MAX_ROUNDS: u32 = 4;

impl<'a> Lowerer<'a> {
    /// Lowers a loop body. If it assigns anything, the reading is taken back and done again with
    /// those names unknown from the start.
    pub(super) fn repeat(&mut self, body: &mut dyn FnMut(&mut Self)) {
        let base = Box::new((self.state, self.around, self.mark()));
        let tentative = self.tentative;
        self.loops += 1;
        let in_loop = Some(LoopId(self.loops));
        self.around.context.in_loop = in_loop;
        let mut rounds = Rounds::default();
        loop {
            let bindings = self.begin_round(&base.0, &rounds);
            let moves = self.moves;
            self.tentative = tentative || rounds.count == 0;
            body(self);
            self.tentative = tentative;
            let moved = self.moves != moves;
            if !self.end_round(&mut rounds, bindings, moved) || tentative || self.program.exhausted.is_some()
            {
                break;
            }
            if rounds.count >= MAX_ROUNDS {
                break;
            }
            rounds.everything |= rounds.count + 1 == MAX_ROUNDS;
            self.roll_back(&base.2);
            self.around = base.1;
            self.around.context.in_loop = in_loop;
        }
        self.end_rounds(&base.0, &base.2, rounds.moved);
        self.around = base.1;
    }

    /// The state a round starts in; how many bindings there were then.
    #[inline(never)]
    fn begin_round(&mut self, base: &State<'a>, rounds: &Rounds<'a>) -> usize {
        self.state = *base;
        if rounds.everything {
            self.forget(true);
        } else {
            for &(name, harmless) in &rounds.assigned {
                let old = self.binding_at(base.environment, name);
                let mut from = old.value.from;
                if !harmless {
                    let variable = self.arena.alloc_slice_copy(&[Origin::Variable(name)]);
                    from = environment::union(self.arena, from, variable);
                    if rounds.fed.contains(&name) {
                        from = environment::union(self.arena, from, &[Origin::Input]);
                    }
                }
                let mut either = old.value;
                for (_, value) in rounds.values.iter().filter(|(known, _)| *known == name) {
                    either = environment::merge(self.arena, &either, value);
                }
                let maybe = match either.as_known() {
                    Some(text) => self.arena.alloc_slice_copy(&[text]),
                    None => either.maybe,
                };
                let value = Word { from, maybe, ..Word::unknown(Span::default()) };
                self.rebind(name, Binding { value, elements: None, set: true, ..old });
            }
        }
        if rounds.moved {
            self.state.directory = Word::unknown(base.directory.span);
            self.state.previous = None;
            self.state.positional = Positional::UNKNOWN;
        }
        self.environments.len()
    }

    /// Takes in what a round did; whether that is more than was known when it started.
    #[inline(never)]
    fn end_round(&self, rounds: &mut Rounds<'a>, bindings: usize, moved: bool) -> bool {
        let mut wiped = false;
        let mut fed = false;
        let mut fresh: Vec<(&'a [u8], bool)> = Vec::new();
        for node in self.environments.since(bindings) {
            match node {
                Node::Variable { passing: true, .. } => {}
                Node::Variable { name, binding, .. } => {
                    let value = &binding.value;
                    if value.as_known().is_some() || !value.maybe.is_empty() {
                        rounds.values.push((name, *value));
                    }
                    let foreign = |origin: &Origin<'_>| !matches!(origin, Origin::Variable(_));
                    if value.from.iter().any(foreign) && !rounds.fed.contains(name) {
                        rounds.fed.push(name);
                        fed = true;
                    }
                    fresh.push((name, value.from.is_empty() && value.lead == Lead::Text));
                }
                Node::Forgotten { .. } | Node::FunctionRemoved { .. } => wiped = true,
                // A call above the definition meets it in the next round.
                Node::Function { .. } => wiped |= rounds.count == 0,
                Node::Child => {}
            }
        }
        let mut grew = fed || (wiped && !rounds.everything) || (moved && !rounds.moved);
        rounds.everything |= wiped;
        rounds.moved |= moved;
        fresh.sort_unstable();
        fresh.dedup();
        for (name, harmless) in fresh {
            match rounds.assigned.binary_search_by(|(known, _)| known.cmp(&name)) {
                Ok(at) => {
                    if let Some((_, known)) = rounds.assigned.get_mut(at) {
                        grew |= *known && !harmless;
                        *known &= harmless;
                    }
                }
                Err(at) => {
                    grew = true;
                    rounds.assigned.insert(at, (name, harmless));
                }
            }
        }
        rounds.count += 1;
        grew
    }

    /// The state behind the loop, which may have had no round at all.
    #[inline(never)]
    fn end_rounds(&mut self, base: &State<'a>, mark: &Mark, moved: bool) {
        let end = self.state;
        self.state = *base;
        self.state.environment = self.blur(base.environment, mark.bindings);
        if moved || end.directory.value != base.directory.value {
            self.state.directory = Word::unknown(base.directory.span);
            self.state.previous = None;
            self.state.positional = Positional::UNKNOWN;
        }
        self.state.export_all |= end.export_all;
    }
}
