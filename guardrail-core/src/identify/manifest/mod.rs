//! Documents that a call is given: which texts they are, and what they describe. A document only
//! adds to what is known of a command, and never makes it less.

mod made;
mod path;
mod read;
mod source;
mod tree;

use std::collections::BTreeMap;

use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::{EffectKind, Language, Role};

pub(in crate::identify) use made::Write;
pub(crate) use read::{Contents, Namespace, Object};
pub(in crate::identify) use source::{Pending, Visit};
pub(crate) use tree::Problem;

use crate::identify::Identifier;
use crate::identify::call::{self, Argument, Call};
use crate::identify::unwrap::Inner;
use crate::lower::{Input, Invocation, Place, SourceId, Template, Word};
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

/// A file that a call takes for a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<'a, 'k> {
    /// Its path from where the request stands; `None` where that cannot be known, or where it is no file
    /// of this machine.
    pub(crate) path: Option<&'a str>,
    /// Names of the files that are read where it is a directory.
    pub(crate) within: &'k [String],
    /// Whether those of the directories below are too.
    pub(crate) deep: bool,
    /// Whether the caller gave its content.
    pub(crate) seen: bool,
    pub(crate) verb: Verb,
}

/// A document that another one names, or holds as a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Follow<'a, 'k> {
    pub(crate) role: &'k Role,
    /// The path or the text; `None` where it cannot be told.
    pub(crate) text: Option<&'a str>,
    /// Whether it is laid over an object that something else describes.
    pub(crate) pieces: bool,
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
        let word = argument.word;
        let given = Given { language, name: argument.name, word, pieces, inner, invocation, hops: 0 };
        self.text(call, &given, &argument.word);
    }

    fn text(&mut self, call: &mut Call<'a, 'k>, given: &Given<'_, 'a, 'k>, text: &Word<'a>) {
        let known = self.lowerer.known_text(text);
        let mut texts: Vec<Template<'a>> = known.into_iter().collect();
        texts.extend(text.maybe.iter().map(|text| Template { text, lines: false }));
        self.stream(call, given, &texts, known.is_some());
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
            self.document(call, given, (text.text, given.invocation.directory), true, text.lines);
        }
        if !whole {
            self.problem(call, given, Problem::Unreadable("comes from where it cannot be seen"));
        }
    }

    /// A document that cannot be seen.
    fn problem(&mut self, call: &mut Call<'a, 'k>, given: &Given<'_, 'a, 'k>, problem: Problem) {
        let contents = Contents { problem: Some(problem), ..Contents::default() };
        let verb = verb(call, given.name);
        call.manifests.push(Manifest { source: None, word: given.word.span, verb, contents });
    }

    /// A text, with the directory from which what it names is found.
    fn document(
        &mut self,
        call: &mut Call<'a, 'k>,
        given: &Given<'_, 'a, 'k>,
        (text, beside): (&'a [u8], Word<'a>),
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
        let follow = manifest.contents.follow.clone();
        call.manifests.push(manifest);
        if !follow.is_empty() {
            self.follow(call, given, &follow, beside);
        }
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
    /// How many documents stand between it and the command.
    hops: u32,
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
