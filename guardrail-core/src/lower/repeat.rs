//! Loops: what a body assigns is uncertain from its first command on, since a round came before.

use std::collections::BTreeMap;

use crate::lower::environment::{self, Attribute, Binding, Node};
use crate::lower::lowerer::{Lowerer, Mark, State};
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
    values: BTreeMap<&'a [u8], Vec<Word<'a>>>,
    /// Some of it reached another name only in the last round that was read: any of them may hold it.
    pooled: bool,
    /// All else was known when the last round started.
    settled: bool,
    /// What else than text they held, where they held it.
    attributes: Vec<(&'a [u8], Attribute)>,
    /// The directories that were entered.
    directories: &'a [Origin<'a>],
    /// Something opaque ran.
    everything: bool,
    /// The directory or the positional parameters changed.
    moved: bool,
    count: u32,
}

/// Values of one name that are compared with each other.
const MOST_COMPARED: usize = 32;

impl<'a> Rounds<'a> {
    /// Takes in what a name was assigned; whether that is news.
    fn add(&mut self, name: &'a [u8], value: &Word<'a>) -> bool {
        let placed = value.lead != Lead::Text || value.prefix().contains(&b'/');
        let is_file = |origin: &&Origin<'a>| matches!(origin, Origin::Files(..));
        let found = value.from.iter().any(|origin| is_file(&origin));
        if !(placed || found || value.as_known().is_some() || !value.maybe.is_empty()) {
            return false;
        }
        let known = self.values.entry(name).or_default();
        let news = known.len() < MOST_COMPARED && {
            let holds = |text: &&'a [u8]| {
                known.iter().any(|held| held.as_known() == Some(*text) || held.maybe.contains(text))
            };
            let text = value.as_known();
            let same = |held: &Word<'a>| (held.value, held.lead) == (value.value, value.lead);
            (placed && !known.iter().any(same))
                || !text.iter().chain(value.maybe).all(holds)
                || !value
                    .from
                    .iter()
                    .filter(is_file)
                    .all(|origin| known.iter().any(|held| held.from.contains(origin)))
        };
        if news || known.len() >= MOST_COMPARED {
            known.push(*value);
        }
        news
    }
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
            let moves = (self.moves, self.looks_back);
            let entered = std::mem::take(&mut self.entered);
            self.tentative = tentative || rounds.count == 0;
            body(self);
            self.tentative = tentative;
            let moved = (self.moves, self.looks_back) != moves;
            rounds.directories = environment::union(self.arena, rounds.directories, self.entered);
            self.entered = environment::union(self.arena, entered, self.entered);
            if !self.end_round(&mut rounds, bindings, moved) || tentative || self.program.exhausted.is_some()
            {
                break;
            }
            if rounds.count >= MAX_ROUNDS {
                break;
            }
            rounds.everything |= rounds.count + 1 == MAX_ROUNDS && !rounds.settled;
            self.roll_back(&base.2);
            self.around = base.1;
            self.around.context.in_loop = in_loop;
        }
        self.end_rounds(&base.0, &base.2, &rounds);
        self.around = base.1;
    }

    /// The state a round starts in; how many bindings there were then.
    #[inline(never)]
    fn begin_round(&mut self, base: &State<'a>, rounds: &Rounds<'a>) -> usize {
        self.state = *base;
        if rounds.everything {
            self.forget(true);
        }
        let pool =
            if rounds.pooled { rounds.values.values().flatten().copied().collect() } else { Vec::new() };
        let pool = (!pool.is_empty()).then(|| self.any_of(Word::unknown(Span::default()), &pool));
        for &(name, harmless) in &rounds.assigned {
            let refers = rounds.attributes.contains(&(name, Attribute::Reference));
            let old = if refers {
                self.raw_at(base.environment, name)
            } else {
                self.binding_at(base.environment, name)
            };
            let mut from = old.value.from;
            if !harmless {
                let variable = self.arena.alloc_slice_copy(&[Origin::Variable(name)]);
                from = environment::union(self.arena, from, variable);
                if rounds.fed.contains(&name) {
                    from = environment::union(self.arena, from, &[Origin::Input]);
                }
            }
            let values = rounds.values.get(name).map_or(&[][..], Vec::as_slice);
            let either = self.any_of(old.value, pool.as_ref().map_or(values, std::slice::from_ref));
            let from = environment::union(self.arena, from, either.from);
            let maybe = match either.as_known() {
                Some(text) => self.arena.alloc_slice_copy(&[text]),
                None => either.maybe,
            };
            let value = Word { from, maybe, ..Word::unknown(Span::default()) };
            let mut binding = Binding { value, elements: None, set: true, ..old };
            // The round before may have declared it.
            for (_, attribute) in rounds.attributes.iter().filter(|(known, _)| *known == name) {
                let declared = Binding { attribute: *attribute, ..binding };
                binding.attribute = self.merge_bindings(&binding, &declared).attribute;
            }
            self.rebind(name, binding);
        }
        if rounds.moved {
            self.state.directory = self.any_directory(&base.directory, rounds);
            self.state.previous = None;
            self.state.positional = self.any_positional(&base.positional);
        }
        self.environments.len()
    }

    /// One of several values, with the paths that they are.
    fn any_of(&self, first: Word<'a>, others: &[Word<'a>]) -> Word<'a> {
        let mut either = first;
        let mut from = first.from;
        for value in others {
            either = environment::merge(self.arena, &either, value);
            from = environment::union(self.arena, from, self.traces(value));
        }
        Word { from: environment::union(self.arena, from, either.from), ..either }
    }

    /// Takes in what a round did; whether that is more than was known when it started.
    #[inline(never)]
    fn end_round(&self, rounds: &mut Rounds<'a>, bindings: usize, moved: bool) -> bool {
        let mut wiped = false;
        let mut fed = false;
        let mut spread = false;
        let mut fresh: Vec<(&'a [u8], bool)> = Vec::new();
        for node in self.environments.since(bindings) {
            match node {
                Node::Variable { passing: true, .. } => {}
                Node::Variable { name, binding, .. } => {
                    let value = &binding.value;
                    spread |= rounds.add(name, value);
                    // Paths go along with what they were assigned.
                    let foreign =
                        |origin: &Origin<'_>| !matches!(origin, Origin::Variable(_) | Origin::Files(..));
                    if value.from.iter().any(foreign) && !rounds.fed.contains(name) {
                        rounds.fed.push(name);
                        fed = true;
                    }
                    let declared = (*name, binding.attribute);
                    // Read-only alone it simply holds its text.
                    let plain = match declared.1 {
                        Attribute::Plain | Attribute::Associative => true,
                        Attribute::Altering => value.as_known().is_some(),
                        _ => false,
                    };
                    if !plain && !rounds.attributes.contains(&declared) {
                        rounds.attributes.push(declared);
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
        // `a=$b; b=$c`: what a name holds it may have from one that was assigned a round before.
        rounds.settled = !grew;
        if spread && rounds.count > 1 && rounds.count < MAX_ROUNDS {
            rounds.pooled |= rounds.count + 1 == MAX_ROUNDS;
            grew = true;
        }
        grew
    }

    /// The state behind the loop, which may have had no round at all.
    #[inline(never)]
    fn end_rounds(&mut self, base: &State<'a>, mark: &Mark, rounds: &Rounds<'a>) {
        let end = self.state;
        self.state = *base;
        self.state.environment = self.blur(base.environment, mark.bindings);
        if rounds.moved || end.directory.value != base.directory.value {
            self.state.directory = self.any_directory(&base.directory, rounds);
            self.state.previous = None;
            self.state.positional = self.any_positional(&base.positional);
        }
        self.state.export_all |= end.export_all;
        self.state.stayed |= end.stayed;
        self.state.strict &= end.strict;
    }

    /// Where a shell stands that may have gone to any of the directories of a loop.
    fn any_directory(&self, base: &Word<'a>, rounds: &Rounds<'a>) -> Word<'a> {
        let before = self.directory_traces(base);
        let from = environment::union(self.arena, before, rounds.directories);
        Word { from, ..Word::unknown(base.span) }
    }
}
