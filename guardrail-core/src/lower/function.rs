//! Functions: a call inlines the body; one that nothing calls is read once for itself.

use crate::lower::environment;
use crate::lower::environment::{Function, Node};
use crate::lower::lowerer::{Call, Lowerer, Positional, State, Surroundings, Unit};
use crate::lower::{InvocationId, NoteKind, Origin, SourceId, Word};

/// Calls inside calls that are followed; more are past the limits.
const MAX_CALLS: usize = 12;

/// Functions that one name may stand for; the others are read as ones that nothing calls.
const MAX_CANDIDATES: usize = 8;

impl<'a> Lowerer<'a> {
    /// Follows a call. True where `name` certainly is a function; else it may still be a program.
    pub(super) fn call_functions(&mut self, id: InvocationId, name: &[u8], words: &'a [Word<'a>]) -> bool {
        let mut found = Vec::new();
        let certain = self.environments.functions(self.state.environment, name, &mut found);
        if found.is_empty() {
            return false;
        }
        found.truncate(MAX_CANDIDATES);
        for function in &found {
            for (known, called) in &mut self.functions {
                *called |= known.source == function.source && known.body == function.body;
            }
        }
        let base = self.state;
        let mut ends: Vec<State<'a>> = Vec::new();
        let conditional = self.around.context.conditional;
        if !certain || found.len() > 1 {
            self.around.context.conditional = true;
        }
        for function in &found {
            self.state = base;
            self.call(id, function, words);
            ends.push(self.state);
        }
        if !certain {
            ends.push(base);
        }
        self.around.context.conditional = conditional;
        self.state = self.join(&base, &ends);
        certain
    }

    fn call(&mut self, id: InvocationId, function: &Function<'a>, words: &'a [Word<'a>]) {
        let same =
            |call: &Call<'a>| call.function.source == function.source && call.function.body == function.body;
        let outer = self.calls.iter().rev().find(|call| same(call));
        let (recursive, multiplies) = (outer.is_some(), outer.is_some_and(|outer| self.multiplies(outer)));
        let source = SourceId(function.source);
        if multiplies {
            self.note(NoteKind::Multiplies, source, function.span);
        }
        if !recursive && self.calls.len() >= MAX_CALLS {
            // Nobody has seen what it does: its definition may have come just before.
            self.exhaust(source, function.span);
            return;
        }
        if recursive {
            // The body stands already; what one more round of it leaves behind is anybody's guess.
            self.forget(false);
            return;
        }
        let Some(script) = self.scripts.get(function.source as usize).copied().flatten() else {
            self.forget(true);
            return;
        };
        let Some(text) = self.program.source(source).map(|source| source.text) else { return };
        if !self.spend(4, source, function.span) || !self.enter(source, function.span) {
            return;
        }
        let unit = Unit { script, text, source };
        let caller = self.state;
        let current = self.current.take();
        let parent = self.around.parent.replace(id);
        let reveals = std::mem::replace(&mut self.reveals, true);
        let separating = std::mem::replace(&mut self.separating, true);
        self.state.positional = self.arguments_of(words);
        self.calls.push(Call {
            function: *function,
            shells: self.shells.len(),
            context: self.around.context,
            locals: Vec::new(),
            returns: Vec::new(),
        });

        let reading = std::mem::replace(&mut self.reading, source);
        self.command(unit, function.body);
        self.reading = reading;

        let call = self.calls.pop();
        if let Some(call) = call {
            if !call.returns.is_empty() {
                let mut ends = call.returns;
                ends.push(self.state);
                self.state = self.join(&caller, &ends);
            }
            if !call.locals.is_empty() {
                self.drop_names(caller.environment, caller.environment, &call.locals);
            }
        }
        self.state.positional = caller.positional;
        self.around.parent = parent;
        self.current = current;
        self.reveals = reveals;
        self.separating = separating;
        self.leave();
    }

    /// Whether a function that calls itself leaves copies of the shell behind that do so again, and nothing
    /// but the machine's limits ends it.
    fn multiplies(&self, outer: &Call<'a>) -> bool {
        let Surroundings { context, .. } = self.around;
        let background = context.background && !outer.context.background;
        let conditional = context.conditional && !outer.context.conditional;
        background || (self.shells.len() > outer.shells && !conditional)
    }

    /// The words of a call as positional parameters. Behind one that may be several (or none),
    /// nothing can be counted.
    pub(super) fn arguments_of(&self, words: &'a [Word<'a>]) -> Positional<'a> {
        let countable = |word: &Word<'a>| !word.splits && word.pattern.is_none();
        let count = words.iter().position(|word| !countable(word)).unwrap_or(words.len());
        let (words, uncounted) = words.split_at(count);
        if uncounted.is_empty() {
            return Positional { words, rest: None };
        }
        let mut from: &'a [Origin<'a>] = &[Origin::Input];
        for word in uncounted {
            from = environment::union(self.arena, from, self.traces(word));
        }
        Positional { words, rest: Some(from) }
    }

    /// Parameters that are not known one by one any more: some of these, or what `set` gave somewhere.
    pub(super) fn any_positional(&self, known: &Positional<'a>) -> Positional<'a> {
        let mut from = environment::union(self.arena, &[Origin::Input], self.seen.given);
        from = environment::union(self.arena, from, self.any_text(known.words.get(1..).unwrap_or_default()));
        from = environment::union(self.arena, from, known.rest.unwrap_or_default());
        Positional { words: &[], rest: Some(from) }
    }

    /// A function that nothing in the program calls: whoever does later may hold any variables.
    pub(super) fn uncalled(&mut self, function: Function<'a>) {
        let source = SourceId(function.source);
        let Some(script) = self.scripts.get(function.source as usize).copied().flatten() else {
            return;
        };
        let Some(text) = self.program.source(source).map(|source| source.text) else { return };
        if !self.enter(source, function.span) {
            return;
        }
        self.around.context.uncalled = true;
        self.around.redirects = &[];
        self.around.stdin = super::Input::Inherited;
        self.state.environment =
            self.environments.push(self.state.environment, Node::Forgotten { functions: false });
        self.state.positional = Positional::UNKNOWN;
        self.state.directory = Word { from: &[], ..Word::unknown(self.state.directory.span) };
        self.calls.push(Call {
            function,
            shells: self.shells.len(),
            context: self.around.context,
            locals: Vec::new(),
            returns: Vec::new(),
        });
        let reading = std::mem::replace(&mut self.reading, source);
        self.command(Unit { script, text, source }, function.body);
        self.reading = reading;
        self.calls.pop();
        self.leave();
    }
}
