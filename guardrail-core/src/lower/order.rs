//! A program's invocations in the order of its text: what a person reads, and what `programs` lists.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::lower::{Invocation, InvocationId, Program, Resolution, SourceId};
use crate::shell::Span;

/// An invocation of a source, or a source inside of it, at its place in the text.
#[derive(Clone, Copy)]
enum Item {
    Invocation(InvocationId),
    Source(SourceId),
}

impl<'a> Program<'a> {
    /// The invocations in the order of the text, outer before inner: by the start of their span,
    /// the sources nested in one directly behind it. A function's body is listed once, where it is
    /// defined, however often it was inlined. Bare assignments and redirections are left out.
    #[must_use]
    pub fn in_source_order(&self) -> Vec<InvocationId> {
        self.in_source_groups().iter().filter_map(|group| group.first().copied()).collect()
    }

    /// The decoded command word of every simple command, wrapped command, builtin and function
    /// call in the order of the text; `None` where it cannot be known, or where inlined calls of
    /// one function differ in it.
    #[must_use]
    pub fn programs(&self) -> Vec<Option<&'a [u8]>> {
        let name = |id: &InvocationId| {
            let first = self.invocation(*id).and_then(|invocation| invocation.words.first());
            first.filter(|word| !word.splits).and_then(super::Word::as_known)
        };
        self.in_source_groups()
            .iter()
            .map(|group| {
                let mut names = group.iter().map(name);
                let first = names.next().flatten();
                if names.all(|other| other == first) { first } else { None }
            })
            .collect()
    }

    /// The invocations as they are, where they were found in the order of the text: one source,
    /// and each starts behind the one before it.
    fn in_order_already(&self) -> Option<Groups<'a>> {
        let sorted = self.invocations.is_sorted_by(|a, b| a.span.start < b.span.start);
        if self.sources.len() > 1 || !sorted {
            return None;
        }
        let mut groups = Groups::new(self.invocations.bump(), self.invocations.len());
        for (index, one) in self.invocations.iter().enumerate() {
            if one.resolution != Resolution::Nothing {
                groups.ids.push(InvocationId(index as u32));
                groups.ends.push(groups.ids.len());
            }
        }
        Some(groups)
    }

    /// Invocations of one place in the text together, the places in their order.
    #[must_use]
    pub fn in_source_groups(&self) -> Groups<'a> {
        if let Some(groups) = self.in_order_already() {
            return groups;
        }
        let arena = self.invocations.bump();
        let mut order = Order {
            program: self,
            arena,
            items: BumpVec::from_iter_in(self.sources.iter().map(|_| BumpVec::new_in(arena)), arena),
            nested: BumpVec::from_iter_in(self.invocations.iter().map(|_| BumpVec::new_in(arena)), arena),
            groups: Groups::new(arena, self.invocations.len()),
        };
        order.collect();
        for source in 0..self.sources.len() {
            if self.sources.get(source).is_some_and(|source| source.within.is_none()) {
                order.source(SourceId(source as u32), 0);
            }
        }
        order.groups
    }

    /// How many wrappers lie between an invocation and the text it stands in.
    fn unwrapped(&self, written: &[bool], id: InvocationId) -> u32 {
        let mut at = id;
        let mut count = 0;
        while written.get(at.0 as usize) != Some(&true) && count < 64 {
            let Some(parent) = self.invocation(at).and_then(|invocation| invocation.parent) else { break };
            at = parent;
            count += 1;
        }
        count
    }
}

/// Invocations in groups, each group those of one place in the text.
#[derive(Debug)]
pub struct Groups<'a> {
    ids: BumpVec<'a, InvocationId>,
    /// Where each group ends among them.
    ends: BumpVec<'a, usize>,
}

impl<'a> Groups<'a> {
    fn new(arena: &'a Bump, room: usize) -> Self {
        Self { ids: BumpVec::with_capacity_in(room, arena), ends: BumpVec::with_capacity_in(room, arena) }
    }

    /// How many groups there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The groups in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &[InvocationId]> {
        let mut start = 0;
        self.ends
            .iter()
            .map(move |&end| self.ids.get(std::mem::replace(&mut start, end)..end).unwrap_or_default())
    }
}

struct Order<'p, 'a> {
    program: &'p Program<'a>,
    arena: &'a Bump,
    /// For each source, what stands in it, at its place.
    items: BumpVec<'a, BumpVec<'a, (u32, u32, Item)>>,
    /// For each invocation, the sources it reads.
    nested: BumpVec<'a, BumpVec<'a, SourceId>>,
    groups: Groups<'a>,
}

impl<'a> Order<'_, 'a> {
    fn collect(&mut self) {
        let mut written = vec![false; self.program.invocations.len()];
        for id in &self.program.written {
            if let Some(slot) = written.get_mut(id.0 as usize) {
                *slot = true;
            }
        }
        for (index, invocation) in self.program.invocations.iter().enumerate() {
            let id = InvocationId(index as u32);
            let level = self.program.unwrapped(&written, id);
            if let Some(items) = self.items.get_mut(invocation.source.0 as usize) {
                items.push((invocation.span.start, level, Item::Invocation(id)));
            }
        }
        for (index, source) in self.program.sources.iter().enumerate() {
            let id = SourceId(index as u32);
            match (source.parent, source.within) {
                (Some((parent, _)), _) => {
                    if let Some(nested) = self.nested.get_mut(parent.0 as usize) {
                        nested.push(id);
                    }
                }
                // Text that the shell reads by itself stands at its own place, behind the command around it.
                (None, Some((host, span))) => {
                    if let Some(items) = self.items.get_mut(host.0 as usize) {
                        items.push((span.start, u32::MAX, Item::Source(id)));
                    }
                }
                (None, None) => {}
            }
        }
        for items in &mut self.items {
            items.sort_by_key(|(start, level, _)| (*start, *level));
        }
    }

    fn source(&mut self, id: SourceId, depth: u32) {
        if depth > 64 {
            return;
        }
        let Some(items) = self.items.get_mut(id.0 as usize) else { return };
        let items = std::mem::replace(items, BumpVec::new_in(self.arena));
        let mut at = 0;
        while let Some((start, level, item)) = items.get(at).copied() {
            at += 1;
            match item {
                Item::Source(source) => self.source(source, depth + 1),
                Item::Invocation(first) => {
                    let mut group = BumpVec::new_in(self.arena);
                    group.push(first);
                    let span = self.span(first);
                    // The same place again: another round of an inlined body.
                    while let Some((next_start, next_level, Item::Invocation(next))) = items.get(at).copied()
                    {
                        if next_start != start || next_level != level || self.span(next) != span {
                            break;
                        }
                        group.push(next);
                        at += 1;
                    }
                    let sources = self.sources_of(&group);
                    group.retain(|id| {
                        self.invocation(*id).is_some_and(|one| one.resolution != Resolution::Nothing)
                    });
                    if !group.is_empty() {
                        self.groups.ids.extend_from_slice_copy(&group);
                        self.groups.ends.push(self.groups.ids.len());
                    }
                    for source in sources {
                        self.source(source, depth + 1);
                    }
                }
            }
        }
    }

    fn invocation(&self, id: InvocationId) -> Option<&Invocation<'_>> {
        self.program.invocation(id)
    }

    fn span(&self, id: InvocationId) -> Option<Span> {
        self.invocation(id).map(|invocation| invocation.span)
    }

    /// The sources a group reads, each text once.
    fn sources_of(&mut self, group: &[InvocationId]) -> BumpVec<'a, SourceId> {
        let mut sources = BumpVec::new_in(self.arena);
        for id in group {
            let Some(nested) = self.nested.get_mut(id.0 as usize) else { continue };
            for source in std::mem::replace(nested, BumpVec::new_in(self.arena)) {
                let text = |id: SourceId| self.program.source(id).map(|source| source.text);
                if !sources.iter().any(|known| text(*known) == text(source)) {
                    sources.push(source);
                }
            }
        }
        sources
    }
}
