//! Where the documents of a call come from: standard input, what is copied into it, files that the
//! caller gave, files that this script makes of others, and what one document says of another.

use guardrail_schema::{Language, Prints, Role};

use super::path::{Path, spelled};
use super::{Given, Problem, verb};
use crate::glob;
use crate::identify::Identifier;
use crate::identify::call::{Argument, Call, Standing, Unknown};
use crate::identify::manifest::{Follow, Named};
use crate::identify::unwrap::Inner;
use crate::lower::{ChannelId, FileName, Input, Invocation, Origin, Place, RedirectKind, Word};
use crate::shell::Span;

/// Copies of copies, and documents that name documents.
const MOST_HOPS: u32 = 12;

/// Documents that one call names.
const MOST_NAMED: usize = 256;

/// How many bytes may be put together for one step of the lowering's.
const BYTES_A_STEP: usize = 256;

/// A file that was read as something already: as what, behind how many documents, and its name.
pub(in crate::identify) type Visit = (Language, u32, FileName);

/// A document that a call names, looked at once everything that may write it is known.
pub(in crate::identify) struct Pending<'a, 'k> {
    /// The place of the call among the calls.
    call: usize,
    language: Language,
    /// The operand or flag.
    name: &'k str,
    word: Word<'a>,
    inner: Inner<'a>,
    invocation: Invocation<'a>,
}

impl<'a, 'k> Identifier<'a, 'k> {
    /// A path to a document.
    pub(in crate::identify) fn document_at(
        &mut self,
        invocation: &Invocation<'a>,
        inner: Inner<'a>,
        language: Language,
        argument: &Argument<'a, 'k>,
    ) {
        let (name, word, invocation) = (argument.name, argument.word, *invocation);
        self.named.push(Pending { call: self.calls.len(), language, name, word, inner, invocation });
    }

    /// Documents that a call reads where no flag names any.
    pub(in crate::identify) fn unnamed_documents(
        &mut self,
        call: &Call<'a, 'k>,
        invocation: &Invocation<'a>,
    ) {
        for flag in &call.unnamed {
            let (Some(absent), Some(Role::Document(language))) = (&flag.absent, &flag.role) else { continue };
            let inner = self.inner(call, invocation);
            let word = Word::known(absent.as_bytes(), call.named);
            let of = Invocation { directory: inner.directory, ..*invocation };
            let (call, language, name) = (self.calls.len(), *language, flag.facet.as_str());
            self.named.push(Pending { call, language, name, word, inner, invocation: of });
        }
    }

    /// Looks at the documents that were named since. Whether there were any.
    pub(in crate::identify) fn documents(&mut self) -> bool {
        let named = std::mem::take(&mut self.named);
        if named.is_empty() {
            return false;
        }
        self.writes = self.all_writes();
        for one in named {
            let Some(slot) = self.calls.get_mut(one.call) else { continue };
            let none = Call::new(self.arena, slot.invocation, slot.source, slot.named, 0);
            let mut call = std::mem::replace(slot, none);
            self.visited.clear();
            self.pending(&mut call, &one);
            if let Some(slot) = self.calls.get_mut(one.call) {
                *slot = call;
            }
        }
        true
    }

    fn pending(&mut self, call: &mut Call<'a, 'k>, one: &Pending<'a, 'k>) {
        let Pending { language, name, word, inner, ref invocation, .. } = *one;
        let given = Given { language, name, word, pieces: false, inner, invocation, hops: 0 };
        self.at(call, &given, word, invocation, MOST_HOPS);
        // Some take several, with commas between them.
        if let Some(text) = word.as_known().filter(|text| text.contains(&b',')) {
            for piece in text.split(|byte| *byte == b',').filter(|piece| !piece.is_empty()) {
                self.at(call, &given, Word::known(piece, word.span), invocation, MOST_HOPS);
            }
        }
    }

    /// A document where `word` stands, which is a word of `of`.
    fn at(
        &mut self,
        call: &mut Call<'a, 'k>,
        given: &Given<'_, 'a, 'k>,
        word: Word<'a>,
        of: &Invocation<'a>,
        hops: u32,
    ) {
        if matches!(word.as_known(), Some(b"-" | b"/dev/stdin" | b"/dev/fd/0" | b"/proc/self/fd/0")) {
            return self.input(call, given, of, hops);
        }
        let channel = word.from.iter().find_map(|origin| match origin {
            Origin::Channel(channel) if word.is_pipe() => Some(*channel),
            _ => None,
        });
        match channel {
            Some(channel) => self.channel(call, given, channel, hops),
            None if is_descriptor(&word) => {
                // Which of them it names, nobody has to know.
                for redirect in of.redirects.iter().filter(|one| one.kind == RedirectKind::Text) {
                    self.text(call, given, &redirect.target);
                }
                self.stream(call, given, &[], false);
            }
            None => self.file(call, given, word, of, hops),
        }
    }

    /// What is on the standard input of an invocation.
    fn input(&mut self, call: &mut Call<'a, 'k>, given: &Given<'_, 'a, 'k>, of: &Invocation<'a>, hops: u32) {
        match of.stdin {
            Input::Text(text) => self.text(call, given, &text),
            Input::Channel(channel) => self.channel(call, given, channel, hops),
            Input::File(file) => self.file(call, given, file, of, hops),
            Input::Inherited => self.stream(call, given, &[], false),
            Input::Empty => {}
        }
    }

    fn channel(&mut self, call: &mut Call<'a, 'k>, given: &Given<'_, 'a, 'k>, channel: ChannelId, hops: u32) {
        let (texts, whole) = self.lowerer.channel_templates(channel);
        let copied = if whole || hops == 0 { None } else { self.copied_into(channel) };
        match copied {
            Some((writer, words)) if words.is_empty() => self.input(call, given, &writer, hops - 1),
            Some((writer, words)) => {
                for word in words {
                    self.at(call, given, word, &writer, hops - 1);
                }
            }
            None => self.stream(call, given, &texts, whole),
        }
    }

    /// The files that provably are all that comes through a channel, as they stand: whoever writes
    /// to it prints them and nothing else. None of them is its standard input.
    pub(super) fn copied_into(&self, channel: ChannelId) -> Option<(Invocation<'a>, Vec<Word<'a>>)> {
        let (id, writer) = self.lowerer.only_writer(channel)?;
        if writer.place != Place::Here {
            return None;
        }
        let mut calls = self.calls.iter().filter(|call| call.invocation == id);
        let call = calls.next()?;
        let words = printed_files(call)?;
        calls.next().is_none().then_some((*writer, words))
    }

    /// A file: as the caller gave it, and as this script makes it. Without either only its name
    /// is known, as of any other file.
    fn file(
        &mut self,
        call: &mut Call<'a, 'k>,
        given: &Given<'_, 'a, 'k>,
        word: Word<'a>,
        of: &Invocation<'a>,
        hops: u32,
    ) {
        if call.documents.len() >= MOST_NAMED {
            return self.problem(call, given, Problem::TooLarge);
        }
        if word.scheme().is_some() {
            let why = "comes from a network, where nobody has seen it";
            return self.problem(call, given, Problem::Unreadable(why));
        }
        let cwd = self.attachments.cwd;
        let here = of.directory;
        let name = FileName::of(&word, &here, self.lowerer.roots());
        let visit = (given.language, given.hops, name.clone());
        if self.visited.contains(&visit) {
            return;
        }
        self.visited.push(visit);
        let known = word.as_known().is_some();
        let about = self.knowledge.document(given.language);
        let within = about.map_or(&[][..], |about| &about.files[..]);
        // What a flag that cannot be told could be, it is.
        let deep = ["recursive", "R"].iter().any(|flag| call.has_facet(flag))
            || call.unknown.iter().any(|(unknown, _)| *unknown == Unknown::MaybeFlag);
        let wanted = Wanted { path: Path::of(cwd, &here, &word), known, within, deep };
        let text = about.is_some_and(|about| about.printed_by.is_empty());
        let before = call.manifests.len();
        let mut seen = false;
        for (path, text) in self.attachments.files.into_iter().flatten() {
            let nowhere = Word::known(b"", Span::default());
            let own = Path::of(cwd, &nowhere, &Word::known(path.as_bytes(), Span::default()));
            if wanted.holds(&own) {
                seen |= wanted.is(&own) && of.place == Place::Here;
                let beside = Word::known(directory_of(path.as_bytes()), word.span);
                self.document(call, given, (text.as_bytes(), beside), false, false);
            }
        }
        let path = spelled(self.arena, &here, &word);
        let named = path.filter(|_| text && of.place == Place::Here);
        let verb = verb(call, given.name);
        call.documents.push(Named { path: named, within, deep, seen, verb });
        // All writes are looked through for who made it.
        let steps = (self.writes.len() + self.calls.len()) / 16;
        if !self.lowerer.spend(steps as u32, of.source, of.span) {
            return;
        }
        let made = self.made_of(&self.writes, &wanted, &name);
        if !self.lowerer.spend(
            u32::try_from(made.bytes / BYTES_A_STEP).unwrap_or(u32::MAX),
            of.source,
            of.span,
        ) {
            return;
        }
        // A kustomization is named by its directory.
        let beside = match path {
            Some(path) if given.language == Language::Kustomization => {
                Word::known(path.as_bytes(), word.span)
            }
            _ => here,
        };
        for text in &made.texts {
            self.document(call, given, (text.text, beside), true, text.lines);
        }
        match hops.checked_sub(1) {
            Some(hops) => {
                for (of, word) in &made.sources {
                    self.at(call, given, *word, of, hops);
                }
            }
            None if made.sources.is_empty() => {}
            None => self.problem(call, given, Problem::TooLarge),
        }
        // Of what nobody has seen, nothing was believed that a change could make untrue.
        let told = call.manifests.len() > before;
        let changed = || made.changed || self.may_be_replaced(&wanted, of);
        if made.unknown || (told && changed()) {
            let why = "is made by a command before it, which may write anything";
            self.problem(call, given, Problem::Unreadable(why));
        }
    }

    /// The statements in a file of them that the caller gave. Whether it is that file, nobody knows: they add.
    pub(in crate::identify) fn statements(
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

    /// The documents that a document names.
    pub(super) fn follow(
        &mut self,
        call: &mut Call<'a, 'k>,
        given: &Given<'_, 'a, 'k>,
        follow: &[Follow<'a, 'k>],
        beside: Word<'a>,
    ) {
        // Each of them is one hop further from the command.
        let Some(hops) = MOST_HOPS.checked_sub(given.hops + 1).filter(|hops| *hops > 0) else {
            return self.problem(call, given, Problem::TooLarge);
        };
        for one in follow {
            let (language, pieces) = match one.role {
                Role::Document(language) => (*language, one.pieces),
                Role::Code(language) => (*language, true),
                _ => continue,
            };
            let inner = Given { language, pieces, hops: given.hops + 1, ..*given };
            let Some(text) = one.text else {
                self.problem(call, &inner, Problem::Unreadable("is named by a value that cannot be told"));
                continue;
            };
            let word = Word::known(text.as_bytes(), given.word.span);
            match one.role {
                Role::Code(_) => self.text(call, &inner, &word),
                _ => {
                    let of = Invocation { directory: beside, redirects: &[], ..*given.invocation };
                    self.file(call, &inner, word, &of, hops);
                }
            }
        }
    }
}

/// What a word names: a file, or the files of a directory.
pub(super) struct Wanted<'p, 'k> {
    pub(super) path: Path<'p>,
    known: bool,
    within: &'k [String],
    deep: bool,
}

impl Wanted<'_, '_> {
    /// Whether it is that very file.
    fn is(&self, own: &Path<'_>) -> bool {
        self.known && self.path.rooted && self.path == *own
    }

    /// Whether it may be that file, or a directory of which the file is read.
    pub(super) fn holds(&self, own: &Path<'_>) -> bool {
        let near = self.deep || !self.path.rooted || own.parts.len() <= self.path.parts.len() + 1;
        let read = || near && own.parts.last().is_some_and(|leaf| self.reads(leaf));
        self.path.may_hold(own) && (self.path.may_end(own) || self.within.is_empty() || read())
    }

    /// Whether a file of that name is read where it lies in the directory.
    pub(super) fn reads(&self, leaf: &[u8]) -> bool {
        self.within.is_empty() || self.within.iter().any(|glob| glob::matches_any_case(glob.as_bytes(), leaf))
    }
}

/// The files that a call provably prints as they stand, and nothing else; empty where that is its
/// standard input.
pub(super) fn printed_files<'a>(call: &Call<'a, '_>) -> Option<Vec<Word<'a>>> {
    let prints = call.prints == Some(Prints::Files) && call.standing == Standing::Known;
    if !prints || !call.flags.is_empty() || !call.unknown.is_empty() || call.rehearsal {
        return None;
    }
    let mut words = Vec::new();
    for argument in &call.arguments {
        let plain = argument.word.as_known().is_some_and(|text| !matches!(text, b"" | b"-"));
        if *argument.role != Role::Read || !(plain || argument.word.is_pipe()) {
            return None;
        }
        words.push(argument.word);
    }
    Some(words)
}

/// Whether a path names an open descriptor.
fn is_descriptor(word: &Word<'_>) -> bool {
    let prefix = word.prefix();
    prefix.starts_with(b"/dev/fd/")
        || (prefix.starts_with(b"/proc/") && prefix.windows(4).any(|part| part == b"/fd/"))
}

/// The directory that a path lies in.
fn directory_of(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) => b"/",
        Some(at) => path.get(..at).unwrap_or_default(),
        None => b"",
    }
}
