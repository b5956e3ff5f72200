//! Variables and functions at every point of a program: one persistent list of bindings, newest
//! first, so that a subshell or a branch costs nothing and an invocation keeps its snapshot.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::lower::{EnvironmentId, Lead, Origin, Value, Word};
use crate::shell::{CommandId, Span};

/// What a variable holds.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// Its value; the first element of an array.
    pub value: Word<'a>,
    /// The elements of an array, where they are known one by one.
    pub elements: Option<&'a [Word<'a>]>,
    /// Whether programs started from here on see it.
    pub exported: bool,
    /// Whether it is set at all: `unset x` binds a value that is provably missing.
    pub set: bool,
    pub(super) attribute: Attribute,
}

/// What a later assignment to a variable does beside storing the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Attribute {
    #[default]
    Plain,
    /// `declare -i`: assigned text is evaluated as arithmetic.
    Integer,
    /// The same on one of several paths.
    MaybeInteger,
    /// `declare -A`: subscripts are text, not arithmetic.
    Associative,
    /// Read-only, or changed in case: the text is not what the variable then holds.
    Altering,
    /// `declare -n`: what it holds is the name of another variable, or may be.
    Reference,
}

impl<'a> Binding<'a> {
    pub(super) const fn of(value: Word<'a>) -> Self {
        Self { value, elements: None, exported: false, set: true, attribute: Attribute::Plain }
    }
}

/// What a name stands for at one point.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'a> {
    /// The script bound it.
    Bound(Binding<'a>),
    /// It may have been changed to anything.
    Forgotten,
    /// As the request came.
    Missing,
}

/// A function as it was defined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function<'a> {
    pub(super) name: &'a [u8],
    pub(super) source: u32,
    pub(super) body: CommandId,
    /// Its whole definition, for the order of the text.
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Node<'a> {
    Variable {
        name: &'a [u8],
        binding: Binding<'a>,
        /// Bound in front of a program, which alone sees it.
        passing: bool,
    },
    Function {
        function: Function<'a>,
        certain: bool,
    },
    FunctionRemoved {
        name: &'a [u8],
    },
    /// Something opaque ran: variables and functions may be anything. With `functions` false
    /// only the variables.
    Forgotten {
        functions: bool,
    },
    /// A child shell: it sees only what is exported.
    Child,
}

/// A node with what is known of the chain behind it. Nodes are named by their places, counted from one; zero is
/// none, and whoever stands behind another in a chain has the smaller number.
#[derive(Clone, Copy, Debug)]
struct Link<'a> {
    node: Node<'a>,
    before: u32,
    /// How many nodes are behind it.
    depth: u32,
    /// A node farther back, so that any of them is a few jumps away.
    jump: u32,
    /// The nearest node, itself counted, of each kind that concerns every name.
    forgotten: u32,
    forgotten_functions: u32,
    child: u32,
}

/// All snapshots of one analysis.
#[derive(Debug)]
pub(super) struct Environments<'a> {
    nodes: BumpVec<'a, Link<'a>>,
    /// The nodes that bind each name of a variable, in order, so that no lookup walks past the others.
    variables: BTreeMap<&'a [u8], Vec<u32>>,
    /// Those names, in the order in which they were first bound.
    names: Vec<&'a [u8]>,
    /// The nodes that define or remove each function.
    functions: BTreeMap<&'a [u8], Vec<u32>>,
    /// Nodes visited since somebody last asked: what lookups cost, paid for in fuel.
    visited: Cell<u32>,
}

impl<'a> Environments<'a> {
    pub(super) fn new(arena: &'a Bump) -> Self {
        Self {
            nodes: BumpVec::new_in(arena),
            variables: BTreeMap::new(),
            names: Vec::new(),
            functions: BTreeMap::new(),
            visited: Cell::new(0),
        }
    }

    pub(super) fn push(&mut self, before: EnvironmentId, node: Node<'a>) -> EnvironmentId {
        let id = self.nodes.len() as u32 + 1;
        let mut link = Link {
            node,
            before: before.0,
            depth: 1,
            jump: 0,
            forgotten: 0,
            forgotten_functions: 0,
            child: 0,
        };
        if let Some(behind) = self.link(before.0) {
            let depth = |id: u32| self.link(id).map_or(0, |link| link.depth);
            let far = self.link(behind.jump).map_or(0, |link| link.jump);
            // Two jumps of one length make one of twice that.
            let even = behind.depth - depth(behind.jump) == depth(behind.jump) - depth(far);
            link = Link {
                depth: behind.depth + 1,
                jump: if even { far } else { before.0 },
                forgotten: behind.forgotten,
                forgotten_functions: behind.forgotten_functions,
                child: behind.child,
                ..link
            };
        }
        match node {
            Node::Forgotten { functions } => {
                link.forgotten = id;
                link.forgotten_functions = if functions { id } else { link.forgotten_functions };
            }
            Node::Child => link.child = id,
            _ => {}
        }
        if let Node::Variable { name, .. } = node
            && !self.variables.contains_key(name)
        {
            self.names.push(name);
        }
        if let Some(places) = self.places(&node) {
            places.push(id);
        }
        self.nodes.push(link);
        EnvironmentId(id)
    }

    fn link(&self, id: u32) -> Option<&Link<'a>> {
        self.nodes.get((id as usize).checked_sub(1)?)
    }

    /// The nodes about the same name.
    fn places(&mut self, node: &Node<'a>) -> Option<&mut Vec<u32>> {
        match node {
            Node::Variable { name, .. } => Some(self.variables.entry(*name).or_default()),
            Node::Function { function, .. } => Some(self.functions.entry(function.name).or_default()),
            Node::FunctionRemoved { name } => Some(self.functions.entry(*name).or_default()),
            Node::Forgotten { .. } | Node::Child => None,
        }
    }

    /// Whether a node stands in the chain of a snapshot.
    fn is_behind(&self, node: u32, environment: EnvironmentId) -> bool {
        let Some(depth) = self.link(node).map(|link| link.depth) else { return false };
        let mut at = environment.0;
        while at > node {
            self.visit(1);
            let Some(link) = self.link(at) else { return false };
            let far = self.link(link.jump).is_some_and(|far| far.depth >= depth);
            at = if far { link.jump } else { link.before };
        }
        at == node
    }

    /// Those of some nodes that stand in the chain of a snapshot, newest first.
    fn among<'s>(
        &'s self,
        nodes: Option<&'s Vec<u32>>,
        environment: EnvironmentId,
    ) -> impl Iterator<Item = (u32, &'s Node<'a>)> + 's {
        let nodes = nodes.map_or(&[][..], Vec::as_slice);
        let newest = nodes.partition_point(|node| *node <= environment.0);
        let nodes = nodes.get(..newest).unwrap_or_default().iter().rev().copied();
        let behind = nodes.filter(move |node| {
            self.visit(1);
            self.is_behind(*node, environment)
        });
        behind.filter_map(|node| Some((node, &self.link(node)?.node)))
    }

    /// The newest binding stands in front of a command.
    pub(super) fn pass(&mut self) {
        if let Some(Link { node: Node::Variable { passing, .. }, .. }) = self.nodes.last_mut() {
            *passing = true;
        }
    }

    /// What was bound in front of a command since there were `mark` nodes may be more than passing:
    /// the command runs in this shell.
    pub(super) fn stay(&mut self, mark: usize) {
        for link in self.nodes.get_mut(mark..).unwrap_or_default() {
            if let Node::Variable { passing, .. } = &mut link.node {
                *passing = false;
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn truncate(&mut self, len: usize) {
        while self.nodes.len() > len {
            let Some(link) = self.nodes.pop() else { break };
            if let Some(places) = self.places(&link.node) {
                places.pop();
            }
        }
    }

    /// The nodes made since there were `mark` of them, whatever snapshot they belong to.
    pub(super) fn since(&self, mark: usize) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.get(mark..).unwrap_or_default().iter().map(|link| &link.node)
    }

    /// The functions defined since there were `mark` nodes, each once, at its last place: handlers
    /// carry what others carried along.
    pub(super) fn functions_since(&self, mark: usize) -> Vec<Function<'a>> {
        let nodes = self.nodes.get(mark..).unwrap_or_default();
        self.visit(nodes.len());
        let mut seen = BTreeSet::new();
        let mut functions: Vec<_> = nodes
            .iter()
            .rev()
            .filter_map(|link| match &link.node {
                Node::Function { function, .. } => Some(*function),
                _ => None,
            })
            .filter(|function| seen.insert((function.source, function.body)))
            .collect();
        functions.reverse();
        functions
    }

    /// Counts nodes that were looked at or copied.
    pub(super) fn visit(&self, nodes: usize) {
        let nodes = u32::try_from(nodes).unwrap_or(u32::MAX);
        self.visited.set(self.visited.get().saturating_add(nodes));
    }

    pub(super) fn take_visited(&self) -> u32 {
        self.visited.take()
    }

    /// The nodes from `environment` back to (not including) `base`, newest first.
    pub(super) fn chain(
        &self,
        environment: EnvironmentId,
        base: EnvironmentId,
    ) -> impl Iterator<Item = &Node<'a>> {
        let mut at = environment.0;
        std::iter::from_fn(move || {
            if at == base.0 || at == 0 {
                return None;
            }
            self.visited.set(self.visited.get() + 1);
            let link = self.link(at)?;
            at = link.before;
            Some(&link.node)
        })
    }

    /// Whether something opaque ran before a snapshot.
    pub(super) fn is_forgotten(&self, environment: EnvironmentId) -> bool {
        self.link(environment.0).is_some_and(|link| link.forgotten > 0)
    }

    /// The names of all variables that were bound anywhere, in the order in which they first were.
    pub(super) fn names(&self) -> &[&'a [u8]] {
        &self.names
    }

    /// What was bound last, whatever may have become of it since, and the place of that.
    pub(super) fn newest(&self, environment: EnvironmentId, name: &[u8]) -> Option<(u32, Binding<'a>)> {
        match self.among(self.variables.get(name), environment).next()? {
            (id, Node::Variable { binding, .. }) => Some((id, *binding)),
            _ => None,
        }
    }

    pub(super) fn lookup(&self, environment: EnvironmentId, name: &[u8]) -> Found<'a> {
        let (forgotten, child) = self.link(environment.0).map_or((0, 0), |link| (link.forgotten, link.child));
        match self.among(self.variables.get(name), environment).next() {
            Some((id, Node::Variable { binding, .. })) if id > forgotten => {
                // Not exported here, but the caller's environment may still hold an older value.
                if child > id && !binding.exported { Found::Forgotten } else { Found::Bound(*binding) }
            }
            _ if forgotten > 0 => Found::Forgotten,
            _ => Found::Missing,
        }
    }

    /// Adds the functions `name` may stand for to `found`, newest first. True where it certainly
    /// is one of them.
    pub(super) fn functions(
        &self,
        environment: EnvironmentId,
        name: &[u8],
        found: &mut Vec<Function<'a>>,
    ) -> bool {
        let Some(link) = self.link(environment.0) else { return false };
        let seen = self.among(self.functions.get(name), environment);
        for (id, node) in seen.take_while(|(id, _)| *id > link.child) {
            match node {
                Node::Function { function, certain } => {
                    if !found.iter().any(|f| f.source == function.source && f.body == function.body) {
                        found.push(*function);
                    }
                    if *certain {
                        return link.forgotten_functions < id;
                    }
                }
                _ => return false,
            }
        }
        false
    }
}

/// How many origins of one word are kept.
pub(super) const MOST_ORIGINS: usize = 64;

/// Stands for the files that were found in more places than are kept.
pub(super) const EVERYWHERE: Origin<'static> = Origin::Files(Lead::Text, b"/**");

/// Adds what flows into `from`, each origin once. Bounded: past a handful the kinds matter, not the count.
pub(super) fn union<'a>(arena: &'a Bump, a: &'a [Origin<'a>], b: &'a [Origin<'a>]) -> &'a [Origin<'a>] {
    if a.len() >= MOST_ORIGINS && a.last() == Some(&EVERYWHERE) {
        return a;
    }
    if b.iter().all(|origin| a.contains(origin)) {
        return a;
    }
    if a.is_empty() {
        return b;
    }
    let mut all: Vec<Origin<'a>> = a.to_vec();
    for origin in b {
        if all.contains(origin) {
            continue;
        }
        if all.len() < MOST_ORIGINS {
            all.push(*origin);
        } else if let (Origin::Files(..), Some(last)) = (origin, all.last_mut()) {
            *last = EVERYWHERE;
        }
    }
    arena.alloc_slice_copy(&all)
}

/// How many of the constants that a word may be are kept.
pub(super) const MOST_MAYBE: usize = 16;

/// The constants that a word may be, if it is one of two; and where there are too many, the first
/// that is left out. A number is only a number.
fn either<'a>(arena: &'a Bump, a: &Word<'a>, b: &Word<'a>) -> (&'a [&'a [u8]], Option<&'a [u8]>) {
    let mut all: Vec<&'a [u8]> = Vec::new();
    let mut more = None;
    for word in [a, b] {
        let known = word.as_known();
        for text in known.iter().chain(word.maybe) {
            if all.contains(text) {
                continue;
            }
            if all.len() < MOST_MAYBE {
                all.push(text);
            } else if !super::scope::is_integer(text) {
                more = more.or(Some(*text));
            }
        }
    }
    match all.as_slice() {
        all if all == a.maybe => (a.maybe, more),
        all => (arena.alloc_slice_copy(all), more),
    }
}

/// What is known of a word that is one of two.
pub(super) fn merge<'a>(arena: &'a Bump, a: &Word<'a>, b: &Word<'a>) -> Word<'a> {
    let merged = merge_ends(arena, a, b);
    if merged.as_known().is_some() {
        return merged;
    }
    let (maybe, more) = either(arena, a, b);
    let from = match more {
        Some(text) => union(arena, merged.from, arena.alloc_slice_copy(&[Origin::Files(Lead::Text, text)])),
        None => merged.from,
    };
    Word { maybe, from, ..merged }
}

/// The same, but that no more constants are kept than the first may be.
pub(super) fn merge_ends<'a>(arena: &'a Bump, a: &Word<'a>, b: &Word<'a>) -> Word<'a> {
    if a.value == b.value
        && a.lead == b.lead
        && a.from.is_empty()
        && b.from.is_empty()
        && let Value::Known(_) = a.value
    {
        return *a;
    }
    let mut from = union(arena, a.from, b.from);
    if (a.value, a.lead) != (b.value, b.lead) {
        for word in [a, b] {
            from = union(arena, from, path_of(arena, word));
        }
    }
    let ((a_prefix, a_suffix), (b_prefix, b_suffix)) = (ends(&a.value), ends(&b.value));
    let prefix_len = a_prefix.iter().zip(b_prefix).take_while(|(x, y)| x == y).count();
    let mut suffix_len = a_suffix.iter().rev().zip(b_suffix.iter().rev()).take_while(|(x, y)| x == y).count();
    for value in [&a.value, &b.value] {
        if let Value::Known(known) = value {
            suffix_len = suffix_len.min(known.len() - prefix_len.min(known.len()));
        }
    }
    let prefix = a_prefix.get(..prefix_len).unwrap_or_default();
    let suffix = a_suffix.get(a_suffix.len() - suffix_len..).unwrap_or_default();
    let lead = if a.lead == b.lead { a.lead } else { Lead::Text };
    let value = if prefix.is_empty() && suffix.is_empty() && lead == Lead::Text {
        Value::Unknown
    } else if a.lead == b.lead {
        Value::Partial { prefix, suffix }
    } else {
        Value::Partial { prefix: &[], suffix }
    };
    let choice = is_choice(a) && is_choice(b);
    let maybe = a.maybe;
    let splits = a.splits || b.splits;
    Word { lead, splits, from, choice, maybe, value, ..Word::unknown(a.span) }
}

/// The path that a word is as far as it is known, where it may be lost among others. Constants are kept
/// as they are.
fn path_of<'a>(arena: &'a Bump, word: &Word<'a>) -> &'a [Origin<'a>] {
    let path: &'a [u8] = match word.value {
        Value::Partial { suffix, .. } if word.lead != Lead::Text => suffix,
        Value::Partial { prefix, suffix } if prefix.contains(&b'/') && word.pattern.is_none() => {
            arena.alloc_slice_copy(&[prefix, b"*", suffix].concat())
        }
        _ => return &[],
    };
    arena.alloc_slice_copy(&[Origin::Files(word.lead, path)])
}

/// Whether a word is one of a script's constants that nothing can make a flag of, or several words.
fn is_choice(word: &Word<'_>) -> bool {
    let plain = |text: &[u8]| {
        text.first().is_some_and(|first| *first != b'-') && text.iter().all(|&byte| is_plain(byte))
    };
    word.choice || (word.from.is_empty() && word.as_known().is_some_and(plain))
}

/// Whether a byte is never a blank or a glob, nor anything else to a shell.
pub(super) const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'.' | b'_' | b'-' | b'/' | b':' | b'@' | b'+' | b',' | b'%')
}

fn ends<'a>(value: &Value<'a>) -> (&'a [u8], &'a [u8]) {
    match *value {
        Value::Known(known) => (known, known),
        Value::Partial { prefix, suffix } => (prefix, suffix),
        Value::Unknown => (&[], &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &'static [u8]) -> Word<'static> {
        Word::known(text, Span::default())
    }

    #[test]
    fn one_of_two_keeps_the_common_ends() {
        let arena = Bump::new();
        let merged = merge(&arena, &known(b"/tmp/a.log"), &known(b"/tmp/bc.log"));
        assert_eq!(merged.value, Value::Partial { prefix: b"/tmp/", suffix: b".log" });
        let merged = merge(&arena, &known(b"aa"), &known(b"aaa"));
        assert_eq!(merged.value, Value::Partial { prefix: b"aa", suffix: b"" });
        assert_eq!(merge(&arena, &known(b"a"), &known(b"b")).value, Value::Unknown);
        assert_eq!(merge(&arena, &known(b"a"), &known(b"a")).value, Value::Known(b"a"));
    }

    #[test]
    fn a_child_sees_only_what_is_exported() {
        let arena = Bump::new();
        let mut all = Environments::new(&arena);
        let plain = Node::Variable { name: b"x", binding: Binding::of(known(b"1")), passing: false };
        let exported = Node::Variable {
            name: b"y",
            binding: Binding { exported: true, ..Binding::of(known(b"2")) },
            passing: false,
        };
        let at = all.push(EnvironmentId(0), plain);
        let at = all.push(at, exported);
        let at = all.push(at, Node::Child);
        assert!(matches!(all.lookup(at, b"x"), Found::Forgotten));
        assert!(matches!(all.lookup(at, b"y"), Found::Bound(_)));
        assert!(matches!(all.lookup(at, b"z"), Found::Missing));
    }

    /// A tree of snapshots, in which every lookup gives what a walk along the chain gives.
    #[test]
    fn a_lookup_is_a_walk() {
        let arena = Bump::new();
        let mut all = Environments::new(&arena);
        const NAMES: [&[u8]; 3] = [b"x", b"y", b"z"];
        let mut state = 7_u32;
        let mut random = move |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        for round in 0..600_u32 {
            let name = NAMES[random(3) as usize];
            let exported = random(2) == 0;
            let node = match random(12) {
                0 => Node::Child,
                1 => Node::Forgotten { functions: exported },
                _ => Node::Variable {
                    name,
                    binding: Binding { exported, ..Binding::of(known(b"1")) },
                    passing: false,
                },
            };
            // Mostly on from the last one, as in a script; sometimes from one long before.
            let from = if random(4) == 0 { random(round + 1) } else { round };
            all.push(EnvironmentId(from), node);
            if random(40) == 0 {
                let len = all.len();
                all.push(EnvironmentId(len as u32), Node::Child);
                all.truncate(len);
            }
        }
        for at in 0..=600 {
            for name in NAMES {
                let walked = || {
                    let mut child = false;
                    for node in all.chain(EnvironmentId(at), EnvironmentId(0)) {
                        match node {
                            Node::Variable { name: bound, binding, .. } if *bound == name => {
                                return if child && !binding.exported { 1 } else { 2 };
                            }
                            Node::Forgotten { .. } => return 1,
                            Node::Child => child = true,
                            _ => {}
                        }
                    }
                    0
                };
                let found = match all.lookup(EnvironmentId(at), name) {
                    Found::Missing => 0,
                    Found::Forgotten => 1,
                    Found::Bound(_) => 2,
                };
                assert_eq!(found, walked(), "{at}");
            }
        }
    }
}
