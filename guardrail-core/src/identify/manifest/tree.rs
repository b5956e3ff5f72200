//! YAML and JSON to a tree. Nothing is expanded: an alias is one more edge to the node it names,
//! so a text costs what it is long, whatever it would unfold to.

use std::cell::Cell;

use bumpalo::Bump;
use granit_parser::{Event, Parser};

/// Bytes that one document text may have.
const MOST_BYTES: usize = 1 << 20;

/// Nodes in one text.
const MOST_NODES: usize = 1 << 16;

/// Nodes that are looked at, aliases followed.
const MOST_STEPS: u32 = 1 << 19;

/// Collections inside collections.
const MOST_DEPTH: usize = 64;

/// The place of a node in its tree.
pub(super) type NodeId = u32;

/// What a text holds.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    /// The root of each document.
    pub(super) documents: Vec<NodeId>,
    /// Why it could not all be read, or may be read in another way by others.
    pub(super) problem: Option<Problem>,
    /// How many nodes may still be looked at.
    fuel: Cell<u32>,
}

/// Why a text cannot be taken at its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It is beyond what one evaluation may cost.
    TooLarge,
    /// It cannot be read, or can be read in several ways.
    Unreadable(&'static str),
}

/// A value.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    /// Its bytes in the text.
    pub(super) at: (u32, u32),
    pub(super) value: Value<'a>,
    /// Whether what it says cannot be told: a hole, a template, a tag that decodes it.
    pub(super) unknown: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Scalar(&'a str),
    Sequence(Vec<NodeId>),
    /// Keys with their values, each as often as it stands there.
    Mapping(Vec<(NodeId, NodeId)>),
}

impl<'a> Tree<'a> {
    /// Reads a text. Zero bytes in it are pieces that cannot be known.
    pub(super) fn read(arena: &'a Bump, bytes: &[u8]) -> Self {
        let fuel = Cell::new(MOST_STEPS);
        let mut tree = Self { nodes: Vec::new(), documents: Vec::new(), problem: None, fuel };
        if bytes.len() > MOST_BYTES {
            tree.problem = Some(Problem::TooLarge);
            return tree;
        }
        let holes: Vec<usize> =
            bytes.iter().enumerate().filter(|(_, b)| **b == 0).map(|(at, _)| at).collect();
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(_) => {
                tree.problem = Some(Problem::Unreadable("is no text in UTF-8"));
                return tree;
            }
        };
        let filled: &'a str = match holes.as_slice() {
            [] => arena.alloc_str(text),
            _ => arena.alloc_str(&text.replace('\0', "x")),
        };
        tree.problem = ambiguity(filled);
        Builder { arena, tree: &mut tree, open: Vec::new(), anchors: Vec::new(), holes: &holes }.read(filled);
        tree
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node<'a>> {
        self.nodes.get(id as usize)
    }

    /// The text of a scalar.
    pub(super) fn text(&self, id: NodeId) -> Option<&'a str> {
        match self.node(id)?.value {
            Value::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// Pays for looking at a node; false once that was too often.
    pub(super) fn spend(&self) -> bool {
        let left = self.fuel.get().checked_sub(1);
        self.fuel.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Whether it was looked at more often than is allowed.
    pub(super) fn is_spent(&self) -> bool {
        self.fuel.get() == 0
    }

    /// Every value that a key of a mapping has: its own, and those that it merges in (`<<`).
    pub(super) fn values(&self, of: NodeId, key: &str) -> Vec<NodeId> {
        let mut found = Vec::new();
        let mut mappings = vec![of];
        while let Some(id) = mappings.pop() {
            let Some(Node { value: Value::Mapping(entries), .. }) = self.node(id) else { continue };
            for &(name, value) in entries {
                match self.text(name) {
                    _ if !self.spend() => return found,
                    Some(text) if text == key => found.push(value),
                    Some("<<") => mappings.extend(self.merged(value)),
                    _ => {}
                }
            }
        }
        found
    }

    /// The mappings that the value of a `<<` stands for.
    pub(super) fn merged(&self, value: NodeId) -> Vec<NodeId> {
        match self.node(value).map(|node| &node.value) {
            Some(Value::Mapping(_)) => vec![value],
            Some(Value::Sequence(several)) => several.clone(),
            _ => Vec::new(),
        }
    }
}

/// What readers of YAML do not agree about, so that the one who acts may see something else.
fn ambiguity(text: &str) -> Option<Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains(['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}']) {
        return Some(Problem::Unreadable(
            "holds characters that only some readers take for the end of a line",
        ));
    }
    // Some divide the text at these before they look at anything else.
    let divides = |line: &str| {
        line.strip_prefix("---").is_some_and(|rest| {
            let rest = rest.trim();
            !rest.is_empty() && !rest.starts_with('#')
        })
    };
    if text.split(['\n', '\r']).any(divides) {
        return Some(Problem::Unreadable("divides documents where only some readers do"));
    }
    None
}

/// A collection that has not ended.
struct Open {
    id: NodeId,
    children: Vec<NodeId>,
    mapping: bool,
}

struct Builder<'t, 'a> {
    arena: &'a Bump,
    tree: &'t mut Tree<'a>,
    open: Vec<Open>,
    /// What each anchor names, by its number, which only grows.
    anchors: Vec<(usize, NodeId)>,
    holes: &'t [usize],
}

impl<'a> Builder<'_, 'a> {
    fn read(&mut self, text: &'a str) {
        let mut options = granit_parser::options! {
            disallow_directives: true,
            flow_nesting_limit: MOST_DEPTH,
            block_nesting_limit: MOST_DEPTH,
        };
        options.set_emit_comments(false);
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let skipped = text.len() - body.len();
        let mut parser = Parser::new_from_str_with_options(body, options);
        loop {
            match parser.next_event() {
                None | Some(Ok((Event::StreamEnd, _))) => break,
                Some(Ok((event, place))) => {
                    let at = place.byte_range().unwrap_or(0..0);
                    let tagged = tagged(&event);
                    if !self.event(event, (at.start + skipped) as u32, (at.end + skipped) as u32, tagged) {
                        break;
                    }
                }
                Some(Err(_)) => {
                    self.problem("cannot be read as YAML or JSON from here on");
                    break;
                }
            }
        }
        // What had begun before it broke off counts as far as it goes.
        while !self.open.is_empty() {
            self.close();
        }
    }

    fn problem(&mut self, why: &'static str) {
        self.tree.problem.get_or_insert(Problem::Unreadable(why));
    }

    fn event(&mut self, event: Event<'a>, start: u32, end: u32, tagged: bool) -> bool {
        let (value, anchor, mapping) = match event {
            Event::Scalar(text, _, anchor, _) => {
                let text: &'a str = match text {
                    std::borrow::Cow::Borrowed(text) => text,
                    std::borrow::Cow::Owned(text) => self.arena.alloc_str(&text),
                };
                (Value::Scalar(text), anchor, None)
            }
            Event::SequenceStart(_, anchor, _) => (Value::Sequence(Vec::new()), anchor, Some(false)),
            Event::MappingStart(_, anchor, _) => (Value::Mapping(Vec::new()), anchor, Some(true)),
            Event::SequenceEnd | Event::MappingEnd => {
                self.close();
                return true;
            }
            Event::Alias(anchor) => {
                let place = self.anchors.binary_search_by_key(&anchor, |(number, _)| *number).ok();
                match place.and_then(|place| self.anchors.get(place)) {
                    Some(&(_, id)) if !self.open.iter().any(|open| open.id == id) => self.child(id),
                    _ => self.problem("has an alias that stands inside of what it names"),
                }
                return true;
            }
            _ => return true,
        };
        if self.tree.nodes.len() >= MOST_NODES || self.open.len() >= MOST_DEPTH {
            self.tree.problem = Some(Problem::TooLarge);
            return false;
        }
        let id = self.tree.nodes.len() as NodeId;
        let holed = mapping.is_none() && {
            let first = self.holes.partition_point(|hole| *hole < start as usize);
            self.holes.get(first).is_some_and(|hole| *hole < end as usize)
        };
        // Templates, and what was no text.
        let template =
            matches!(value, Value::Scalar(text) if text.contains("{{") || text.contains('\u{fffd}'));
        self.tree.nodes.push(Node { at: (start, end), value, unknown: holed || template || tagged });
        if anchor != 0 {
            self.anchors.push((anchor, id));
        }
        match mapping {
            Some(mapping) => self.open.push(Open { id, children: Vec::new(), mapping }),
            None => self.child(id),
        }
        true
    }

    fn child(&mut self, id: NodeId) {
        match self.open.last_mut() {
            Some(open) => open.children.push(id),
            None => self.tree.documents.push(id),
        }
    }

    fn close(&mut self) {
        let Some(Open { id, children, mapping }) = self.open.pop() else { return };
        let value = if mapping {
            let pairs: Vec<_> =
                children.chunks(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect();
            self.keys(&pairs);
            Value::Mapping(pairs)
        } else {
            Value::Sequence(children)
        };
        if let Some(node) = self.tree.nodes.get_mut(id as usize) {
            node.value = value;
        }
        self.child(id);
    }

    /// Which of two equal keys counts, and what a key is that is no text, depends on who reads.
    fn keys(&mut self, pairs: &[(NodeId, NodeId)]) {
        let mut names: Vec<&str> = Vec::with_capacity(pairs.len());
        for &(key, _) in pairs {
            match self.tree.node(key) {
                Some(Node { value: Value::Scalar(text), unknown: false, .. }) => names.push(text),
                _ => self.problem("has a key that cannot be told"),
            }
        }
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            self.problem("names a key twice, of which readers take one or the other");
        }
    }
}

/// Whether a tag makes something else of a value than stands there. Those of the core schema say
/// what a reader would take it for anyway.
fn tagged(event: &Event<'_>) -> bool {
    event.tag().is_some_and(|tag| tag.core_suffix().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(tree: &Tree<'_>, id: NodeId) -> String {
        let node = tree.node(id).unwrap();
        let mark = if node.unknown { "?" } else { "" };
        match &node.value {
            Value::Scalar(text) => format!("{mark}{text}"),
            Value::Sequence(items) => {
                let items: Vec<_> = items.iter().map(|id| outline(tree, *id)).collect();
                format!("{mark}[{}]", items.join(" "))
            }
            Value::Mapping(pairs) => {
                let pairs: Vec<_> = pairs
                    .iter()
                    .map(|(k, v)| format!("{}:{}", outline(tree, *k), outline(tree, *v)))
                    .collect();
                format!("{mark}{{{}}}", pairs.join(" "))
            }
        }
    }

    fn read(text: &str) -> (String, Option<Problem>) {
        let arena = Bump::new();
        let tree = Tree::read(&arena, text.as_bytes());
        let documents: Vec<_> = tree.documents.iter().map(|id| outline(&tree, *id)).collect();
        (documents.join(" | "), tree.problem)
    }

    #[test]
    fn documents_come_as_trees() {
        for (text, expected) in [
            ("a: 1\nb: [x, {c: d}]\n---\ne", "{a:1 b:[x {c:d}]} | e"),
            ("\u{feff}{\"a\": \"\\u0062\"}\r\n", "{a:b}"),
            ("a: &x [1]\nb: *x", "{a:[1] b:[1]}"),
            ("a: \0b\nc: \"\0\"\nd: |\n  x\n  \0\ne: f", "{a:?xb c:?x d:?x\nx\n e:f}"),
            ("a: !!binary Yg==\nb: !!str c\nd: !x e", "{a:?Yg== b:c d:?e}"),
            ("a: b-{{ c }}", "{a:?b-{{ c }}}"),
            ("", ""),
        ] {
            assert_eq!(read(text), (expected.to_owned(), None), "{text}");
        }
    }

    #[test]
    fn what_readers_disagree_about_is_said() {
        for text in [
            "a: 1\na: 2",
            "{\"a\": 1, \"a\": 2}",
            "a: b # c\u{2028}kind: d",
            "a: b\n---junk",
            "a: b\n--- {c: d}",
            "%YAML 1.1\n---\na: b",
            "a: &x [*x]",
            "a: *y",
            "[a, b]: c",
            "\0: c",
            "a: [",
            "{{ x }}: y",
        ] {
            assert!(matches!(read(text).1, Some(Problem::Unreadable(_))), "{text:?}: {:?}", read(text));
        }
        // What stood before it is not forgotten.
        assert_eq!(read("a: b\n---\nc: {d: e").0, "{a:b} | {c:{d:e}}");
    }

    #[test]
    fn what_is_too_much_is_not_read() {
        let many = "- a\n".repeat(MOST_NODES + 1);
        assert_eq!(read(&many).1, Some(Problem::TooLarge));
        assert_eq!(read(&"x".repeat(MOST_BYTES + 1)).1, Some(Problem::TooLarge));
        for open in ["[", "{a: ", "- "] {
            let text = open.repeat(5_000);
            assert!(read(&text).1.is_some(), "{open}");
        }
        // Each line doubles what the one before it stands for.
        let mut bomb = "a0: &a0 [x, x]\n".to_owned();
        for at in 1..200 {
            bomb.push_str(&format!("a{at}: &a{at} [*a{}, *a{}]\n", at - 1, at - 1));
        }
        assert_eq!(read_only(&bomb), None);
    }

    fn read_only(text: &str) -> Option<Problem> {
        let arena = Bump::new();
        Tree::read(&arena, text.as_bytes()).problem
    }
}
