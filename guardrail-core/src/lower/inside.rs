//! What `identify` asks of the shell's state when it unwraps commands: other environments, other
//! directories.

use std::collections::BTreeSet;

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

    /// Calls `each` with every variable that the script binds and whose name is `known`, newest
    /// first, exported or not, up to the point where anything may be bound.
    pub fn each_binding(
        &mut self,
        at: &Invocation<'a>,
        known: impl Fn(&[u8]) -> bool,
        mut each: impl FnMut(&'a [u8], Word<'a>),
    ) {
        if self.program.exhausted.is_some() {
            return;
        }
        let mut seen = BTreeSet::new();
        let mut visited: u32 = 0;
        for node in self.environments.chain(at.environment, EnvironmentId::default()) {
            visited += 1;
            match node {
                Node::Variable { name, binding, .. } => {
                    if known(name) && seen.insert(*name) && binding.set {
                        each(name, binding.value);
                    }
                }
                Node::Forgotten { .. } => break,
                Node::Function { .. } | Node::FunctionRemoved { .. } | Node::Child => {}
            }
        }
        // Every invocation looks at every variable: many of both are paid for.
        self.spend(visited, at.source, at.span);
    }

    /// The directory that `path` names from `directory`.
    pub fn directory_in(&mut self, directory: Word<'a>, path: Word<'a>) -> Word<'a> {
        let here = std::mem::replace(&mut self.state.directory, directory);
        self.go_to(&path);
        std::mem::replace(&mut self.state.directory, here)
    }
}
