//! Documents that a call is given: which texts they are, and what they describe. A document only
//! adds to what is known of a command, and never makes it less.

mod read;
mod tree;

use std::collections::BTreeMap;

use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::{EffectKind, Language};

pub(crate) use read::{Contents, Namespace, Object};
pub(crate) use tree::Problem;

use crate::glob;
use crate::identify::Identifier;
use crate::identify::call::{self, Argument, Call};
use crate::identify::unwrap::Inner;
use crate::lower::{
    ChannelId, Input, Invocation, Lead, Origin, Place, RedirectKind, SourceId, Template, Value, Word,
};
use crate::shell::Span;
use tree::Tree;

/// Bytes of documents that one evaluation reads, however often each is named.
const MOST_BYTES: usize = 4 << 20;

/// Contents of files, by their paths as the caller wrote them, and the directory they start from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attachments<'a> {
    pub(crate) files: Option<&'a BTreeMap<String, String>>,
    pub(crate) cwd: Option<&'a [u8]>,
    /// Bytes of documents read so far.
    pub(crate) read: usize,
}

/// A document that a call is given.
#[derive(Debug)]
pub(crate) struct Manifest<'a, 'k> {
    /// The source that its places point into; `None` for a file, whose text is nobody's to show.
    pub(crate) source: Option<SourceId>,
    /// The word that brings it, in the call's source.
    pub(crate) word: Span,
    /// What the command does with each object, where the document does not say.
    pub(crate) verb: Verb,
    pub(crate) contents: Contents<'a, 'k>,
}

/// What a command does with the objects of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verb {
    /// Creates or changes them.
    pub(crate) changes: bool,
    /// Restarts, scales or stops them.
    pub(crate) touches: bool,
    /// Deletes them.
    pub(crate) destroys: bool,
}

impl Verb {
    /// Whether it only looks.
    pub(crate) fn reads(self) -> bool {
        self == Self::default()
    }
}

impl Manifest<'_, '_> {
    /// Where a piece of it is shown: its source and span, in that of the call for a file.
    pub(crate) fn place(&self, call: SourceId, (start, end): (u32, u32)) -> (SourceId, Span) {
        match self.source {
            Some(source) => (source, Span { start, end }),
            None => (call, self.word),
        }
    }
}

impl<'a, 'k> Identifier<'a, 'k> {
    /// A path to a document.
    pub(super) fn document_at(
        &mut self,
        call: &mut Call<'a, 'k>,
        invocation: &Invocation<'a>,
        inner: Inner<'a>,
        language: Language,
        argument: &Argument<'a, 'k>,
    ) {
        let word = argument.word;
        let mut given = Given { language, name: argument.name, word, pieces: false, inner, invocation };
        if matches!(word.as_known(), Some(b"-" | b"/dev/stdin" | b"/dev/fd/0" | b"/proc/self/fd/0")) {
            return match invocation.stdin {
                Input::Text(text) => self.text(call, &given, &text),
                Input::Channel(channel) => self.channel(call, &given, channel),
                Input::File(file) => {
                    given.word = Word { span: word.span, ..file };
                    self.file(call, &given);
                }
                Input::Inherited => self.stream(call, &given, &[], false),
                Input::Empty => {}
            };
        }
        let channel = word.from.iter().find_map(|origin| match origin {
            Origin::Channel(channel) if word.prefix() == b"/dev/fd/" => Some(*channel),
            _ => None,
        });
        match channel {
            Some(channel) => self.channel(call, &given, channel),
            None if is_descriptor(&word) => {
                // Which of them it names, nobody has to know.
                for redirect in invocation.redirects.iter().filter(|one| one.kind == RedirectKind::Text) {
                    self.text(call, &given, &redirect.target);
                }
                self.stream(call, &given, &[], false);
            }
            None => self.file(call, &given),
        }
    }

    /// A document that is a word itself.
    pub(super) fn document_in(
        &mut self,
        call: &mut Call<'a, 'k>,
        invocation: &Invocation<'a>,
        inner: Inner<'a>,
        language: Language,
        argument: &Argument<'a, 'k>,
    ) {
        let pieces = argument.given == call::Given::Flag;
        let given = Given { language, name: argument.name, word: argument.word, pieces, inner, invocation };
        self.text(call, &given, &argument.word);
    }

    fn text(&mut self, call: &mut Call<'a, 'k>, given: &Given<'_, 'a, 'k>, text: &Word<'a>) {
        let known = self.lowerer.known_text(text);
        let mut texts: Vec<Template<'a>> = known.into_iter().collect();
        texts.extend(text.maybe.iter().map(|text| Template { text, lines: false }));
        self.stream(call, given, &texts, known.is_some());
    }

    fn channel(&mut self, call: &mut Call<'a, 'k>, given: &Given<'_, 'a, 'k>, channel: ChannelId) {
        let (texts, whole) = self.lowerer.channel_templates(channel);
        self.stream(call, given, &texts, whole);
    }

    /// What comes in, and whether that is all.
    fn stream(
        &mut self,
        call: &mut Call<'a, 'k>,
        given: &Given<'_, 'a, 'k>,
        texts: &[Template<'a>],
        whole: bool,
    ) {
        for text in texts {
            self.document(call, given, text.text, true, text.lines);
        }
        if !whole {
            let problem = Some(Problem::Unreadable("comes from where it cannot be seen"));
            let contents = Contents { problem, ..Contents::default() };
            let verb = verb(call, given.name);
            call.manifests.push(Manifest { source: None, word: given.word.span, verb, contents });
        }
    }

    /// The statements in a file of them that the caller gave. Whether it is that file, nobody knows: they add.
    pub(super) fn statements(
        &mut self,
        call: &mut Call<'a, 'k>,
        invocation: &Invocation<'a>,
        inner: Inner<'a>,
        language: Language,
        word: &Word<'a>,
    ) {
        const LONGEST: usize = 1 << 20;
        if !(language.is_sql() || language == Language::Mongo) {
            return;
        }
        for text in self.attached(invocation, word) {
            let text = text.get(..text.len().min(LONGEST)).unwrap_or_default();
            self.small_language(call, invocation, inner, language, text, word.span);
        }
    }

    /// What the caller gave of the files that a word may name.
    fn attached(&self, invocation: &Invocation<'a>, word: &Word<'a>) -> Vec<&'a [u8]> {
        let cwd = self.attachments.cwd;
        let nowhere = Word::known(b"", Span::default());
        let mut texts = Vec::new();
        for (path, text) in self.attachments.files.into_iter().flatten() {
            let own = Path::of(cwd, &nowhere, &Word::known(path.as_bytes(), Span::default()));
            if Path::of(cwd, &invocation.directory, word).may_hold(&own) {
                texts.push(text.as_bytes());
            }
        }
        texts
    }

    /// A file: as the caller gave it, and as this script writes it. Without either only its name
    /// is known, as of any other file.
    fn file(&mut self, call: &mut Call<'a, 'k>, given: &Given<'_, 'a, 'k>) {
        let cwd = self.attachments.cwd;
        let here = given.invocation.directory;
        for text in self.attached(given.invocation, &given.word) {
            self.document(call, given, text, false, false);
        }
        let wanted = Path::of(cwd, &here, &given.word);
        if given.word.as_known().is_none() {
            return;
        }
        let is_file = |writer: &Invocation<'a>, word: &Word<'a>| {
            word.as_known().is_some() && Path::of(cwd, &writer.directory, word) == wanted
        };
        for text in self.lowerer.written(is_file) {
            self.document(call, given, text.text, true, text.lines);
        }
    }

    fn document(
        &mut self,
        call: &mut Call<'a, 'k>,
        given: &Given<'_, 'a, 'k>,
        text: &'a [u8],
        shown: bool,
        lines: bool,
    ) {
        let verb = verb(call, given.name);
        self.attachments.read = self.attachments.read.saturating_add(text.len());
        let mut contents = match self.knowledge.document(given.language) {
            _ if self.attachments.read > MOST_BYTES => {
                Contents { problem: Some(Problem::TooLarge), ..Contents::default() }
            }
            Some(known) => {
                let tree = Tree::read(self.arena, text);
                let read = if given.pieces { read::pieces } else { read::read };
                read(self.arena, &tree, known)
            }
            None => {
                let problem = Some(Problem::Unreadable("is of a kind of which nothing is known"));
                Contents { problem, ..Contents::default() }
            }
        };
        if lines {
            let why = "holds what a command prints, which may be more than a value";
            contents.problem.get_or_insert(Problem::Unreadable(why));
        }
        let word = given.word.span;
        let source = shown.then(|| {
            let seen: &'a [u8] = match text.contains(&0) {
                true => {
                    let mut seen = BumpVec::from_iter_in(text.iter().copied(), self.arena);
                    seen.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b'?');
                    seen.into_bump_slice()
                }
                false => text,
            };
            self.lowerer.document(seen, call.invocation, (call.source, word))
        });
        let manifest = Manifest { source, word, verb, contents };
        if verb.changes {
            self.commands(call, given, &manifest);
        }
        call.manifests.push(manifest);
    }

    /// The commands that a document has run somewhere else.
    fn commands(&mut self, call: &Call<'a, 'k>, given: &Given<'_, 'a, 'k>, manifest: &Manifest<'a, 'k>) {
        let place = match given.language {
            Language::Compose => Place::Container,
            _ => Place::Remote,
        };
        let inner = Inner {
            environment: self.lowerer.forgotten(given.inner.environment),
            directory: Word::unknown(manifest.word),
            place,
        };
        for command in &manifest.contents.commands {
            let words = command.words.iter().map(|(text, at)| {
                let (_, span) = manifest.place(call.source, *at);
                text.map_or_else(|| Word::unknown(span), |text| Word::known(text.as_bytes(), span))
            });
            let words = BumpVec::from_iter_in(words, self.arena).into_bump_slice();
            let first = command.words.first().map_or((0, 0), |(_, at)| *at);
            let (source, _) = manifest.place(call.source, first);
            let around = Invocation { source, redirects: &[], stdout: None, ..*given.invocation };
            match words {
                [only] if command.text => match only.as_known() {
                    Some(text) => {
                        let empty = Input::Empty;
                        self.source(call, &around, inner, text, manifest.word, &[], empty);
                    }
                    None => self.child(call, &around, inner, words, Input::Empty),
                },
                words => self.child(call, &around, inner, words, Input::Empty),
            }
        }
    }
}

/// How a call names a document.
struct Given<'i, 'a, 'k> {
    language: Language,
    /// The operand or flag.
    name: &'k str,
    word: Word<'a>,
    /// Whether it is laid over an object that something else describes.
    pieces: bool,
    inner: Inner<'a>,
    invocation: &'i Invocation<'a>,
}

/// Whether a path names an open descriptor.
fn is_descriptor(word: &Word<'_>) -> bool {
    let prefix = word.prefix();
    prefix.starts_with(b"/dev/fd/")
        || (prefix.starts_with(b"/proc/") && prefix.windows(4).any(|part| part == b"/fd/"))
}

/// What the command does with what `facet` names. What its other flags do is not meant.
fn verb(call: &Call<'_, '_>, facet: &str) -> Verb {
    use EffectKind::{Delete, NetworkIn, NetworkOut, Read, ReadSecret, Restart, Stop};
    let mut verb = Verb::default();
    for (effect, _) in &call.effects {
        let of_flag =
            |flag: &guardrail_schema::Flag| flag.effects.iter().any(|own| std::ptr::eq(own, *effect));
        if call.flags.iter().any(|used| of_flag(used.flag)) {
            continue;
        }
        let meant = |target: &String| target == facet || !call.has_facet(target);
        match effect.kind {
            None | Some(Read | ReadSecret | NetworkIn | NetworkOut) => {}
            Some(Delete) => verb.destroys |= effect.target.as_ref().is_none_or(meant),
            Some(Restart | Stop) => verb.touches = true,
            Some(_) => verb.changes = true,
        }
    }
    verb
}

/// A path, its `.` and `..` resolved by its text.
#[derive(Debug, PartialEq, Eq)]
struct Path<'p> {
    /// Whether its beginning is known; else it may lie anywhere.
    rooted: bool,
    parts: Vec<&'p [u8]>,
    /// Whether the last part is a pattern.
    pattern: bool,
}

impl<'p> Path<'p> {
    fn of(cwd: Option<&'p [u8]>, directory: &Word<'p>, word: &Word<'p>) -> Self {
        let mut path = Self { rooted: true, parts: Vec::new(), pattern: word.pattern.is_some() };
        if let Some(cwd) = cwd {
            path.push(cwd);
        }
        for word in [directory, word] {
            match (word.pattern.or(word.as_known()), word.value) {
                (Some(text), _) => {
                    if text.first() == Some(&b'/') {
                        path.parts.clear();
                        path.rooted = true;
                    }
                    path.push(text);
                }
                (None, Value::Partial { suffix, .. }) => {
                    path.parts.clear();
                    path.rooted = false;
                    // What stands before its first slash is the end of something.
                    let whole = match word.lead {
                        Lead::Text => suffix.iter().position(|byte| *byte == b'/'),
                        _ => Some(0),
                    };
                    path.push(whole.and_then(|at| suffix.get(at..)).unwrap_or_default());
                }
                (None, _) => {
                    path.parts.clear();
                    path.rooted = false;
                }
            }
        }
        path
    }

    fn push(&mut self, text: &'p [u8]) {
        for part in text.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    self.parts.pop();
                }
                part => self.parts.push(part),
            }
        }
    }

    /// Whether it may name `file`, or a directory that holds it.
    fn may_hold(&self, file: &Self) -> bool {
        let same = |own: &[&[u8]], other: &[&[u8]]| {
            own.len() == other.len()
                && own.iter().zip(other).all(|(a, b)| a == b || (self.pattern && glob::matches(a, b)))
        };
        let length = self.parts.len();
        if self.rooted {
            file.parts.get(..length).is_some_and(|head| same(&self.parts, head))
        } else {
            file.parts.windows(length.max(1)).any(|window| length == 0 || same(&self.parts, window))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path<'p>(directory: &'p str, text: &'p str) -> Path<'p> {
        let word = |text: &'p str| Word::known(text.as_bytes(), Span::default());
        Path::of(Some(b"/srv/app"), &word(directory), &word(text))
    }

    #[test]
    fn paths_meet_where_they_name_the_same() {
        let file = path("", "k8s/web.yaml");
        for (directory, text) in [
            ("", "k8s/web.yaml"),
            ("k8s", "./web.yaml"),
            ("", "/srv/app/k8s/../k8s/web.yaml"),
            ("", "k8s"),
            ("", "."),
            ("/tmp", "/srv/app/k8s/"),
        ] {
            assert!(path(directory, text).may_hold(&file), "{directory} {text}");
        }
        for (directory, text) in [("", "web.yaml"), ("", "k8s/web"), ("/tmp", "k8s/web.yaml"), ("", "/k8s")] {
            assert!(!path(directory, text).may_hold(&file), "{directory} {text}");
        }
        let unknown = Word::unknown(Span::default());
        assert!(Path::of(None, &Word::known(b"", Span::default()), &unknown).may_hold(&file));
    }
}
