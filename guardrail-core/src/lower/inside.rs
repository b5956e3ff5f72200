//! What `identify` asks of the shell's state when it unwraps commands: other environments, other
//! directories.

use crate::lower::environment::{Binding, Found, Node};
use crate::lower::{
    Entry, EnvironmentId, Invocation, InvocationId, Lowerer, Place, Resolution, Source, SourceId, Word,
};
use crate::shell::Span;

impl<'a> Lowerer<'a> {
    /// A request that is an argument vector: `text` is how it is shown, the words point into it.
    pub fn argv(&mut self, text: &'a [u8], words: &'a [Word<'a>]) -> InvocationId {
        let entry = Entry::request();
        let source = SourceId(self.program.sources.len() as u32);
        self.program.sources.push(Source { text, parent: None, layer: 0, within: None });
        self.scripts.push(None);
        let span = match (words.first(), words.last()) {
            (Some(first), Some(last)) => first.span.join(last.span),
            _ => crate::shell::Span::default(),
        };
        let id = self.invocation(Invocation {
            words,
            assignments: &[],
            redirects: &[],
            source,
            span,
            parent: None,
            stdin: entry.stdin,
            stdout: None,
            environment: entry.environment,
            directory: entry.directory,
            resolution: if words.is_empty() { Resolution::Nothing } else { Resolution::Program },
            context: entry.context,
            place: Place::Here,
        });
        self.program.written.push(id);
        id
    }

    /// An environment in which nothing is known of any variable: another user's, another
    /// machine's.
    pub fn forgotten(&mut self, environment: EnvironmentId) -> EnvironmentId {
        self.environments.push(environment, Node::Forgotten { functions: true })
    }

    /// Whether a variable may have been set to anything.
    pub fn is_forgotten(&self, environment: EnvironmentId) -> bool {
        self.environments.is_forgotten(environment)
    }

    /// The environment with one more binding (`env NAME=value cmd`, `sudo NAME=value cmd`).
    pub fn bind(
        &mut self,
        environment: EnvironmentId,
        name: &'a [u8],
        value: Word<'a>,
        exported: bool,
    ) -> EnvironmentId {
        self.separators_bound |= name == b"IFS";
        let binding = Binding { exported, ..Binding::of(value) };
        self.environments.push(environment, Node::Variable { name, binding, passing: false })
    }

    /// What a variable holds, where the script or the request's facts say so. A variable that may
    /// have been changed to anything is bound to an unknown word; `None` is as the request came.
    #[must_use]
    pub fn lookup(&self, environment: EnvironmentId, name: &[u8]) -> Option<Binding<'a>> {
        match self.environments.lookup(environment, name) {
            Found::Bound(binding) => Some(binding),
            Found::Forgotten => Some(Binding::of(Word::unknown(Span::default()))),
            Found::Missing => self.fact(name),
        }
    }

    /// The names of all variables that the script binds, in the order in which it first does.
    #[must_use]
    pub fn bound_names(&self) -> &[&'a [u8]] {
        self.environments.names()
    }

    /// What variables of these names hold that the script binds, newest first, exported or not. What was bound
    /// before anything may have been changed counts as well: it may have stayed.
    pub fn bindings(&mut self, at: &Invocation<'a>, names: &[&'a [u8]]) -> Vec<(&'a [u8], Word<'a>)> {
        // Every invocation looks at every one of them: many of both are paid for.
        if names.is_empty() || !self.spend(names.len() as u32, at.source, at.span) {
            return Vec::new();
        }
        let newest = |name: &&'a [u8]| Some((*name, self.environments.newest(at.environment, name)?));
        let mut bound: Vec<(&'a [u8], (u32, Binding<'a>))> = names.iter().filter_map(newest).collect();
        bound.sort_by_key(|(_, (place, _))| std::cmp::Reverse(*place));
        let set = bound.into_iter().filter(|(_, (_, binding))| binding.set);
        set.map(|(name, (_, binding))| (name, binding.value)).collect()
    }

    /// The directory that `path` names from `directory`.
    pub fn directory_in(&mut self, directory: Word<'a>, path: Word<'a>) -> Word<'a> {
        let here = std::mem::replace(&mut self.state.directory, directory);
        self.go_to(&path);
        std::mem::replace(&mut self.state.directory, here)
    }
}
