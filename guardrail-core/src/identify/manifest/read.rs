//! A tree to the objects it describes and the fields that matter, by what is known of such
//! documents.

use bumpalo::Bump;
use guardrail_schema::{Document, Field, Objects, Role, Shape};

use super::Follow;
use super::tree::{Node, NodeId, Problem, Tree, Value};
use crate::evaluation::Change;
use crate::glob;

/// Depth to which aliases are followed.
const MOST_DEPTH: usize = 64;

/// Something that a document describes.
#[derive(Clone, Debug)]
pub(crate) struct Object<'a, 'k> {
    /// Its kind; `None` where it cannot be told.
    pub(crate) kind: Option<&'a str>,
    /// Its name; `None` where it has none that can be told.
    pub(crate) name: Option<&'a str>,
    /// Where it lies.
    pub(crate) namespace: Namespace<'a>,
    /// What the document itself says that happens to it; else the command says so.
    pub(crate) change: Option<Change>,
    /// What is known of its kind, all that matches.
    pub(crate) known: Vec<&'k Objects>,
    /// The bytes that say what it is.
    pub(crate) at: (u32, u32),
}

/// The namespace of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Namespace<'a> {
    /// This one.
    Named(&'a str),
    /// The command's own.
    Default,
    /// None: it belongs to the whole cluster.
    Cluster,
    /// It cannot be told.
    Unknown,
}

/// A field that matters, with its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldUse<'a, 'k> {
    pub(crate) field: &'k Field,
    /// The value, where it is one text.
    pub(crate) text: Option<&'a str>,
    pub(crate) at: (u32, u32),
}

/// A command that a document holds.
#[derive(Clone, Debug)]
pub(crate) struct Command<'a> {
    /// Its words with their bytes; `None` where one cannot be told.
    pub(crate) words: Vec<(Option<&'a str>, (u32, u32))>,
    /// Whether it is one text that is taken apart when it runs.
    pub(crate) text: bool,
}

/// What a text describes.
#[derive(Debug, Default)]
pub(crate) struct Contents<'a, 'k> {
    pub(crate) objects: Vec<Object<'a, 'k>>,
    pub(crate) fields: Vec<FieldUse<'a, 'k>>,
    pub(crate) commands: Vec<Command<'a>>,
    /// Other documents that it names.
    pub(crate) follow: Vec<Follow<'a, 'k>>,
    /// Values that cannot be told where they matter: the key, and where.
    pub(crate) doubts: Vec<(&'a str, (u32, u32))>,
    pub(crate) problem: Option<Problem>,
}

/// Reads the pieces of an object that is described elsewhere: a patch, or what is laid over it.
pub(super) fn pieces<'a, 'k>(arena: &'a Bump, tree: &Tree<'a>, known: &'k Document) -> Contents<'a, 'k> {
    let contents = Contents { problem: tree.problem, ..Contents::default() };
    let mut reader = Reader { arena, tree, known, contents, path: Vec::new() };
    for &root in &tree.documents {
        match tree.node(root).map(|node| &node.value) {
            Some(Value::Sequence(steps)) => steps.iter().for_each(|step| reader.step(*step)),
            Some(Value::Mapping(_)) => reader.walk(root, 0),
            _ => reader.problem("holds something that is no object"),
        }
    }
    reader.finish()
}

/// Reads what `tree` describes.
pub(super) fn read<'a, 'k>(arena: &'a Bump, tree: &Tree<'a>, known: &'k Document) -> Contents<'a, 'k> {
    let contents = Contents { problem: tree.problem, ..Contents::default() };
    let mut reader = Reader { arena, tree, known, contents, path: Vec::new() };
    for &root in &tree.documents {
        match &known.shape {
            Shape::Kinds => reader.kinds(root, None, 0),
            Shape::Sections(sections) => reader.sections(root, sections),
            Shape::Changes => reader.changes(root),
            Shape::Fields => reader.fields(root),
        }
    }
    reader.finish()
}

struct Reader<'t, 'a, 'k> {
    arena: &'a Bump,
    tree: &'t Tree<'a>,
    known: &'k Document,
    contents: Contents<'a, 'k>,
    /// The keys down to where the walk is.
    path: Vec<&'a str>,
}

impl<'a, 'k> Reader<'_, 'a, 'k> {
    fn problem(&mut self, why: &'static str) {
        self.contents.problem.get_or_insert(Problem::Unreadable(why));
    }

    fn finish(mut self) -> Contents<'a, 'k> {
        if self.tree.is_spent() {
            self.contents.problem = Some(Problem::TooLarge);
        }
        self.contents
    }

    /// A step of a JSON patch: a value with the path it goes to.
    fn step(&mut self, step: NodeId) {
        let path = self.tree.values(step, "path");
        match path.first().map(|id| self.known_text(*id)) {
            Some(Some(path)) => {
                let digits = |key: &str| key == "-" || key.bytes().all(|byte| byte.is_ascii_digit());
                let keys = path.split('/').filter(|key| !key.is_empty());
                self.path = keys.map(|key| if digits(key) { "*" } else { key }).collect();
            }
            _ => return self.problem("is a patch of what cannot be told"),
        }
        for value in self.tree.values(step, "value") {
            self.look(step, value);
            self.walk(value, 0);
        }
        // What is taken away matters where a field says so by name.
        for op in self.tree.values(step, "op") {
            let Some(node) = self.tree.node(op).filter(|_| self.known_text(op) == Some("remove")) else {
                continue;
            };
            let known = self.known;
            let removed = |field: &&Field| !field.when.is_empty() && leads(field, &self.path);
            for field in known.fields.iter().filter(|field| removed(field) && matters(field, node)) {
                self.contents.fields.push(FieldUse { field, text: Some("remove"), at: node.at });
            }
        }
        self.path.clear();
    }

    /// A document that says its kind, or a list of such.
    fn kinds(&mut self, root: NodeId, inherited: Option<&'a str>, depth: usize) {
        let Some(node) = self.tree.node(root) else { return };
        match &node.value {
            // Nothing between two separators.
            Value::Scalar(text) if !node.unknown && matches!(*text, "" | "~" | "null") => return,
            Value::Mapping(_) if depth < MOST_DEPTH => {}
            _ => return self.problem("holds something that is no object"),
        }
        let items = self.tree.values(root, "items");
        let lists = items.iter().filter_map(|id| match &self.tree.node(*id)?.value {
            Value::Sequence(items) => Some(items.clone()),
            _ => None,
        });
        let lists: Vec<Vec<NodeId>> = lists.collect();
        let kinds = self.tree.values(root, "kind");
        let listed = kinds.iter().find_map(|id| self.known_text(*id)?.strip_suffix("List"));
        for item in lists.iter().flatten() {
            self.kinds(*item, listed, depth + 1);
        }
        // Whoever applies an object with items takes it for a list, whatever it says that it is.
        if lists.is_empty() || (listed.is_none() && !kinds.is_empty()) {
            self.object(root, &kinds, inherited);
        }
    }

    fn object(&mut self, root: NodeId, kinds: &[NodeId], inherited: Option<&'a str>) {
        let metadata = self.tree.values(root, "metadata");
        let inside = |key: &str| -> Vec<NodeId> {
            metadata.iter().flat_map(|id| self.tree.values(*id, key)).collect()
        };
        let (names, namespaces) = (inside("name"), inside("namespace"));
        let name = names.first().and_then(|id| self.known_text(*id));
        let namespace = match namespaces.as_slice() {
            [] if metadata.iter().any(|id| self.tree.node(*id).is_some_and(|node| node.unknown)) => {
                Namespace::Unknown
            }
            [] => Namespace::Default,
            [only, ..] => self.known_text(*only).map_or(Namespace::Unknown, Namespace::Named),
        };
        let place = |id: NodeId| self.tree.node(id).map_or((0, 0), |node| node.at);
        let at = kinds.first().map_or_else(|| place(root), |id| place(*id));
        if kinds.is_empty() && inherited.is_none() {
            self.problem("holds an object that does not say its kind");
        }
        let mut read: Vec<Option<&'a str>> = kinds.iter().map(|id| self.known_text(*id)).collect();
        if read.is_empty() {
            read.push(inherited);
        }
        for kind in read {
            if kind.is_none() && !kinds.is_empty() {
                self.contents.doubts.push(("kind", at));
            }
            self.push(kind, name, namespace, None, at);
        }
        self.walk(root, 0);
    }

    fn push(
        &mut self,
        kind: Option<&'a str>,
        name: Option<&'a str>,
        namespace: Namespace<'a>,
        change: Option<Change>,
        at: (u32, u32),
    ) {
        let is =
            |glob: &String| kind.is_some_and(|kind| glob::matches_any_case(glob.as_bytes(), kind.as_bytes()));
        let known: Vec<&'k Objects> =
            self.known.objects.iter().filter(|objects| objects.kinds.iter().any(is)).collect();
        let cluster = known.iter().any(|objects| objects.cluster);
        let namespace = if cluster { Namespace::Cluster } else { namespace };
        self.contents.objects.push(Object { kind, name, namespace, change, known, at });
    }

    /// No objects, but what is done with those of others.
    fn fields(&mut self, root: NodeId) {
        match self.tree.node(root).map(|node| &node.value) {
            Some(Value::Mapping(_)) => self.walk(root, 0),
            Some(Value::Scalar(text)) if matches!(*text, "" | "~" | "null") => {}
            _ => self.problem("holds something that is no table of settings"),
        }
    }

    /// Objects under one key for each kind.
    fn sections(&mut self, root: NodeId, sections: &'k [(String, String)]) {
        match self.tree.node(root).map(|node| &node.value) {
            Some(Value::Mapping(_)) => {}
            _ => return self.problem("holds something that is no table of services"),
        }
        for (key, kind) in sections {
            let kind: &'a str = self.arena.alloc_str(kind);
            for section in self.tree.values(root, key) {
                let Some(Node { value: Value::Mapping(entries), .. }) = self.tree.node(section) else {
                    continue;
                };
                for &(name, _) in entries {
                    let at = self.tree.node(name).map_or((0, 0), |node| node.at);
                    self.push(Some(kind), self.known_text(name), Namespace::Cluster, None, at);
                }
            }
        }
        self.walk(root, 0);
    }

    /// The changes of a plan.
    fn changes(&mut self, root: NodeId) {
        let changes = self.tree.values(root, "resource_changes");
        if changes.is_empty() && self.tree.values(root, "planned_values").is_empty() {
            self.problem("is no plan");
        }
        for list in changes {
            let Some(Node { value: Value::Sequence(entries), .. }) = self.tree.node(list) else {
                self.problem("is a plan whose changes are no list");
                continue;
            };
            for &entry in entries {
                let one = |key: &str| {
                    let id = *self.tree.values(entry, key).first()?;
                    Some((self.known_text(id)?, self.tree.node(id)?.at))
                };
                let (kind, address) = (one("type"), one("address"));
                let at = address
                    .map_or_else(|| self.tree.node(entry).map_or((0, 0), |node| node.at), |(_, at)| at);
                if let Some(change) = self.action(entry) {
                    let kind = kind.map(|(kind, _)| kind);
                    if kind.is_none() {
                        self.contents.doubts.push(("type", at));
                    }
                    self.push(kind, address.map(|(text, _)| text), Namespace::Cluster, Some(change), at);
                }
            }
        }
        self.walk(root, 0);
    }

    /// What a change does; `None` where it does nothing. What cannot be told may destroy.
    fn action(&self, entry: NodeId) -> Option<Change> {
        let changes = self.tree.values(entry, "change");
        let actions = changes.iter().flat_map(|id| self.tree.values(*id, "actions"));
        let mut words: Vec<Option<&'a str>> = Vec::new();
        for list in actions {
            match self.tree.node(list).map(|node| &node.value) {
                Some(Value::Sequence(items)) => words.extend(items.iter().map(|id| self.known_text(*id))),
                _ => words.push(None),
            }
        }
        if words.is_empty() {
            return Some(Change::Destroy);
        }
        let known = |word: &Option<&str>| {
            matches!(word, Some("no-op" | "read" | "create" | "update" | "delete" | "forget"))
        };
        let has = |wanted: &str| words.contains(&Some(wanted));
        match (has("delete"), has("create")) {
            _ if !words.iter().all(known) => Some(Change::Destroy),
            (true, true) => Some(Change::Replace),
            (true, false) => Some(Change::Destroy),
            (false, true) => Some(Change::Create),
            // What is forgotten stays, but nobody manages it any more.
            _ if has("update") || has("forget") => Some(Change::Update),
            _ => None,
        }
    }

    /// Looks at every field below a node.
    fn walk(&mut self, id: NodeId, depth: usize) {
        if !self.tree.spend() || depth > MOST_DEPTH {
            if depth > MOST_DEPTH {
                self.contents.problem = Some(Problem::TooLarge);
            }
            return;
        }
        match self.tree.node(id).map(|node| &node.value) {
            Some(Value::Mapping(entries)) => {
                for &(key, value) in entries {
                    let name = self.tree.text(key).unwrap_or("*");
                    if name == "<<" {
                        for merged in self.tree.merged(value) {
                            self.walk(merged, depth + 1);
                        }
                        continue;
                    }
                    self.path.push(name);
                    self.look(id, value);
                    self.walk(value, depth + 1);
                    self.path.pop();
                }
            }
            Some(Value::Sequence(items)) => {
                self.path.push("*");
                for &item in items {
                    self.look(id, item);
                    self.walk(item, depth + 1);
                }
                self.path.pop();
            }
            _ => {}
        }
    }

    /// Whether the value at the end of the path matters.
    fn look(&mut self, parent: NodeId, id: NodeId) {
        let Some(node) = self.tree.node(id) else { return };
        let key = self.path.iter().rev().find(|key| **key != "*").copied().unwrap_or_default();
        let unknown = node.unknown || self.is_filled_in(node);
        let mut doubted = unknown && self.known.within.iter().any(|within| within == key);
        let known = self.known;
        for field in &known.fields {
            if !leads(field, &self.path) {
                continue;
            }
            let argv = field.role == Some(Role::Argv);
            if argv {
                self.command(field, parent, id);
            } else if let Some(role @ (Role::Document(_) | Role::Code(_))) = &field.role {
                let text = match node.value {
                    Value::Scalar(text) if !unknown => Some(text),
                    Value::Scalar(_) => None,
                    _ => continue,
                };
                // What cannot be told may be any of them.
                if text.is_none() || matters(field, node) {
                    self.contents.follow.push(Follow { role, text, pieces: field.pieces });
                }
            } else if unknown && field.role.is_none() {
                doubted |= !field.known;
            } else if matters(field, node) {
                let text = match node.value {
                    Value::Scalar(text) if !unknown => Some(text),
                    _ => None,
                };
                self.contents.fields.push(FieldUse { field, text, at: node.at });
            }
        }
        if doubted {
            self.contents.doubts.push((key, node.at));
        }
    }

    fn is_filled_in(&self, node: &Node<'a>) -> bool {
        match (&self.known.fills, &node.value) {
            (Some(sign), Value::Scalar(text)) => text.contains(sign.as_str()),
            _ => false,
        }
    }

    /// A command with what continues it.
    fn command(&mut self, field: &Field, parent: NodeId, id: NodeId) {
        let mut command = Command { words: Vec::new(), text: false };
        self.words(id, &mut command);
        if let Some(then) = &field.then {
            for more in self.tree.values(parent, then) {
                self.words(more, &mut command);
            }
        }
        if !command.words.is_empty() {
            self.contents.commands.push(command);
        }
    }

    fn words(&self, id: NodeId, command: &mut Command<'a>) {
        let Some(node) = self.tree.node(id) else { return };
        let word = |id: NodeId| {
            let node = self.tree.node(id);
            let known = node.filter(|node| !self.is_filled_in(node)).and_then(|_| self.known_text(id));
            (known, node.map_or((0, 0), |node| node.at))
        };
        match &node.value {
            Value::Sequence(items) => command.words.extend(items.iter().map(|id| word(*id))),
            Value::Scalar(text) if !text.is_empty() => {
                command.text |= command.words.is_empty();
                command.words.push(word(id));
            }
            _ => {}
        }
    }

    fn known_text(&self, id: NodeId) -> Option<&'a str> {
        let node = self.tree.node(id).filter(|node| !node.unknown)?;
        match node.value {
            Value::Scalar(text) => Some(text),
            _ => None,
        }
    }
}

/// Whether a field's path leads to where the walk is.
fn leads(field: &Field, path: &[&str]) -> bool {
    let wanted = field.path.as_slice();
    let Some(from) = path.len().checked_sub(wanted.len()) else { return false };
    if from > 0 && !field.anywhere {
        return false;
    }
    let same = |(wanted, key): (&String, &&str)| wanted == "*" || wanted == key;
    // The last tells nearly all apart.
    wanted.iter().rev().zip(path.iter().rev()).all(same)
}

/// Whether a value that is known is one that counts. A word that readers take for `false` in one
/// version and for a text in the other is on.
fn matters(field: &Field, node: &Node<'_>) -> bool {
    let text = match &node.value {
        Value::Scalar(text) => *text,
        // As empty as a text can be.
        Value::Sequence(items) if items.is_empty() => "",
        Value::Mapping(entries) if entries.is_empty() => "",
        _ => return field.when.is_empty() && field.role.is_none(),
    };
    let any =
        |globs: &[String]| globs.iter().any(|glob| glob::matches_any_case(glob.as_bytes(), text.as_bytes()));
    if field.when.is_empty() {
        let off = ["", "~", "null", "false", "no", "off", "n", "0"];
        !off.iter().any(|off| text.eq_ignore_ascii_case(off)) && !any(&field.harmless)
    } else {
        any(&field.when)
    }
}
