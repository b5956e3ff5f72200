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
use crate::lower::{ChannelId, Input, Invocation, Origin, Place, RedirectKind, Value, Word};
use crate::shell::Span;

/// Copies of copies, and documents that name documents.
const MOST_HOPS: u32 = 12;

/// Documents that one call names.
const MOST_NAMED: usize = 256;

/// Calls that are looked through for who wrote a file.
const MOST_CALLS: usize = 1 << 10;

impl<'a, 'k> Identifier<'a, 'k> {
    /// A path to a document.
    pub(in crate::identify) fn document_at(
        &mut self,
        call: &mut Call<'a, 'k>,
        invocation: &Invocation<'a>,
        inner: Inner<'a>,
        language: Language,
        argument: &Argument<'a, 'k>,
    ) {
        let word = argument.word;
        let given = Given { language, name: argument.name, word, pieces: false, inner, invocation, hops: 0 };
        self.at(call, &given, word, invocation, MOST_HOPS);
        // Some take several, with commas between them.
        if let Some(text) = word.as_known().filter(|text| text.contains(&b',')) {
            for piece in text.split(|byte| *byte == b',').filter(|piece| !piece.is_empty()) {
                self.at(call, &given, Word::known(piece, word.span), invocation, MOST_HOPS);
            }
        }
    }

    /// Documents that a call reads where no flag names any.
    pub(in crate::identify) fn unnamed_documents(
        &mut self,
        call: &mut Call<'a, 'k>,
        invocation: &Invocation<'a>,
    ) {
        for at in 0..call.unnamed.len() {
            let Some(&flag) = call.unnamed.get(at) else { break };
            let (Some(absent), Some(Role::Document(language))) = (&flag.absent, &flag.role) else { continue };
            let inner = self.inner(call, invocation);
            let word = Word::known(absent.as_bytes(), call.named);
            let given = Given {
                language: *language,
                name: &flag.facet,
                word,
                pieces: false,
                inner,
                invocation,
                hops: 0,
            };
            let of = Invocation { directory: inner.directory, ..*invocation };
            self.at(call, &given, word, &of, MOST_HOPS);
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
            Origin::Channel(channel) if word.prefix() == b"/dev/fd/" => Some(*channel),
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
    fn copied_into(&self, channel: ChannelId) -> Option<(Invocation<'a>, Vec<Word<'a>>)> {
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
        if is_address(&word) {
            let why = "comes from a network, where nobody has seen it";
            return self.problem(call, given, Problem::Unreadable(why));
        }
        let cwd = self.attachments.cwd;
        let here = of.directory;
        let wanted = Path::of(cwd, &here, &word);
        let known = word.as_known().is_some();
        // What a flag that cannot be told could be, it is.
        let deep = call.has_facet("recursive")
            || call.unknown.iter().any(|(unknown, _)| *unknown == Unknown::MaybeFlag);
        let about = self.knowledge.document(given.language);
        let within = about.map_or(&[][..], |about| &about.files[..]);
        let text = about.is_some_and(|about| about.printed_by.is_empty());
        let mut seen = false;
        for (path, text) in self.attachments.files.into_iter().flatten() {
            let nowhere = Word::known(b"", Span::default());
            let own = Path::of(cwd, &nowhere, &Word::known(path.as_bytes(), Span::default()));
            let is_it = known && wanted.rooted && wanted == own;
            let fits = |glob: &String| {
                own.parts.last().is_some_and(|leaf| glob::matches_any_case(glob.as_bytes(), leaf))
            };
            let inside = wanted.may_hold(&own)
                && (within.is_empty() || within.iter().any(fits))
                && (deep || within.is_empty() || !wanted.rooted || own.parts.len() <= wanted.parts.len() + 1);
            if is_it || inside {
                seen |= is_it && of.place == Place::Here;
                let beside = directory_of(path.as_bytes());
                self.document(call, given, (text.as_bytes(), Word::known(beside, word.span)), false, false);
            }
        }
        let path = spelled(self.arena, &here, &word).filter(|_| text && of.place == Place::Here);
        let verb = verb(call, given.name);
        call.documents.push(Named { path, within, deep, seen, verb });
        // All that came before is looked through for who made it.
        let earlier = self.lowerer.program.invocations.len() / 16;
        if !known || !self.lowerer.spend(earlier as u32, of.source, of.span) {
            return;
        }
        let is_file = |writer: &Invocation<'a>, word: &Word<'a>| {
            word.as_known().is_some() && Path::of(cwd, &writer.directory, word) == wanted
        };
        let texts = self.lowerer.written(is_file);
        for text in &texts {
            self.document(call, given, (text.text, here), true, text.lines);
        }
        if hops > 0 {
            self.made(call, given, &wanted, texts.is_empty(), seen, hops - 1);
        }
    }

    /// A file that this script makes of others: all of them, and a doubt where it is not plainly a
    /// copy.
    fn made(
        &mut self,
        call: &mut Call<'a, 'k>,
        given: &Given<'_, 'a, 'k>,
        wanted: &Path<'_>,
        untold: bool,
        seen: bool,
        hops: u32,
    ) {
        let cwd = self.attachments.cwd;
        let mut sources: Vec<(Invocation<'a>, Word<'a>)> = Vec::new();
        let mut doubtful = false;
        for writer in self.calls.iter().take(MOST_CALLS) {
            let Some(&of) = self.lowerer.program.invocation(writer.invocation) else { continue };
            let path = |word: &Word<'a>| Path::of(cwd, &of.directory, word);
            let reads = || {
                let read = |argument: &&Argument<'a, 'k>| matches!(argument.role, Role::Read | Role::Delete);
                writer.arguments.iter().filter(read).map(|argument| argument.word)
            };
            let writes = writer.arguments.iter().filter(|argument| *argument.role == Role::Write);
            let into = |target: &Word<'a>| {
                let target = path(target);
                target == *wanted
                    || reads().any(|source| {
                        let mut below = target.clone();
                        below.parts.extend(path(&source).parts.last());
                        below == *wanted
                    })
            };
            if writes.into_iter().any(|argument| into(&argument.word)) {
                // Whoever changes a file where it stands makes something else of what was given.
                doubtful |= reads().next().is_none() && seen && untold;
                sources.extend(reads().map(|word| (of, word)));
            }
            let printed = |kind| matches!(kind, RedirectKind::Write | RedirectKind::Append);
            if of.redirects.iter().any(|one| printed(one.kind) && path(&one.target) == *wanted) {
                match printed_files(writer) {
                    Some(words) if !words.is_empty() => {
                        sources.extend(words.into_iter().map(|word| (of, word)));
                    }
                    _ => {
                        doubtful |= untold;
                        sources.extend(reads().map(|word| (of, word)));
                    }
                }
            }
        }
        for (of, word) in sources {
            self.at(call, given, word, &of, hops);
        }
        if doubtful {
            let why = "is made by a command before it, which may write anything";
            self.problem(call, given, Problem::Unreadable(why));
        }
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

/// The files that a call provably prints as they stand, and nothing else; empty where that is its
/// standard input.
fn printed_files<'a>(call: &Call<'a, '_>) -> Option<Vec<Word<'a>>> {
    let prints = call.prints == Some(Prints::Files) && call.standing == Standing::Known;
    if !prints || !call.flags.is_empty() || !call.unknown.is_empty() || call.rehearsal {
        return None;
    }
    let mut words = Vec::new();
    for argument in &call.arguments {
        let plain = argument.word.as_known().is_some_and(|text| !matches!(text, b"" | b"-"));
        let descriptor = argument.word.prefix() == b"/dev/fd/" && !argument.word.from.is_empty();
        if *argument.role != Role::Read || !(plain || descriptor) {
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

/// Whether it is no path but an address: a scheme stands before it.
fn is_address(word: &Word<'_>) -> bool {
    let text = match word.value {
        Value::Known(text) => text,
        Value::Partial { prefix, .. } => prefix,
        Value::Unknown => return false,
    };
    let scheme = text.windows(3).position(|part| part == b"://").and_then(|at| text.get(..at));
    scheme.is_some_and(|scheme| {
        !scheme.is_empty() && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.:".contains(byte))
    })
}

/// The directory that a path lies in.
fn directory_of(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) => b"/",
        Some(at) => path.get(..at).unwrap_or_default(),
        None => b"",
    }
}
