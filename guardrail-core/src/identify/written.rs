//! Code that the script itself writes to a file before it runs that file: where the text is
//! known, it is judged as text that was given; where it cannot be, that is said.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::{Language, Role};

use crate::identify::Identifier;
use crate::identify::call::{Argument, Call, Feed, FeedSource, Given, Standing};
use crate::identify::unwrap::{Inner, is_general_purpose};
use crate::lower::{
    Entry, FileName, Inherit, Input, Invocation, Redirect, RedirectKind, Resolution, Roots, SourceId, Word,
};
use crate::shell::Span;

/// A file that a call runs, looked at once everything that may write it is known.
pub(super) struct Execution<'a> {
    /// The place of the call among the calls.
    call: usize,
    inner: Inner<'a>,
    /// `None` where the system looks at the file itself for what runs it.
    language: Option<Language>,
    word: Word<'a>,
    /// The words behind it, which the code finds as its own.
    arguments: &'a [Word<'a>],
    /// The texts that were followed.
    done: Vec<&'a [u8]>,
    unknown: bool,
}

/// What a script writes to one file.
struct Written {
    name: FileName,
    /// What may stand in it at one time or another.
    texts: Vec<Vec<u8>>,
    /// The redirection that wrote last, which goes on where it was.
    last: Option<(SourceId, Span)>,
    /// Something is written to it that cannot be known.
    unknown: bool,
}

/// Texts that are followed for one file.
const MOST_TEXTS: usize = 8;

/// Bytes that are kept of what is written to one file.
const MOST_BYTES: usize = 64 << 10;

/// Files of which it is remembered what is written to them.
const MOST_FILES: usize = 256;

/// Files that run. What their comparison with those that are written costs is paid for in fuel.
const MOST_RUNS: usize = 4096;

/// Scripts that write scripts that write scripts.
const MOST_ROUNDS: u32 = 12;

impl<'a, 'k> Identifier<'a, 'k> {
    /// A call that runs the file that `word` names, with the operands behind it.
    pub(super) fn runs_file(
        &mut self,
        inner: Inner<'a>,
        language: Option<Language>,
        word: Word<'a>,
        behind: &[Argument<'a, 'k>],
    ) {
        let operands = behind.iter().filter(|argument| argument.given == Given::Operand);
        let arguments = Vec::from_iter(operands.map(|argument| argument.word));
        self.runs(inner, language, word, self.arena.alloc_slice_copy(&arguments));
    }

    /// A module that a text loads. Many texts load the same ones.
    pub(super) fn runs_module(&mut self, inner: Inner<'a>, language: Language, word: Word<'a>) {
        // Where two names are alike, so is what may be written to both.
        let name = FileName::of(&word, &inner.directory, self.lowerer.roots());
        if self.modules.insert((language, name)) {
            self.runs(inner, Some(language), word, &[]);
        }
    }

    /// A command that is named by its path.
    pub(super) fn runs_itself(&mut self, call: &Call<'a, 'k>, invocation: &Invocation<'a>) {
        if let (Some((&first, arguments)), true) = (invocation.words.split_first(), call.standing.is_file()) {
            let inner = self.inner(call, invocation);
            self.runs(inner, None, first, arguments);
        }
    }

    fn runs(
        &mut self,
        inner: Inner<'a>,
        language: Option<Language>,
        word: Word<'a>,
        arguments: &'a [Word<'a>],
    ) {
        self.push_execution(Execution::new(self.calls.len(), inner, language, word, arguments));
    }

    /// A call that writes what will run.
    pub(super) fn runs_at(
        &mut self,
        call: usize,
        inner: Inner<'a>,
        language: Option<Language>,
        word: Word<'a>,
    ) {
        let execution = Execution::new(call, inner, language, word, &[]);
        // That nobody knows what is written there is said of the write.
        self.push_execution(Execution { unknown: true, ..execution });
    }

    fn push_execution(&mut self, execution: Execution<'a>) {
        if self.executions.len() >= MOST_RUNS {
            return self.lowerer.exhaust(SourceId(0), Span::default());
        }
        self.executions.push(execution);
    }

    /// Follows what was written to files that run. Whether that may have brought anything new.
    pub(super) fn written_code(&mut self) -> bool {
        self.obeyed();
        if self.executions.is_empty() || self.rounds >= MOST_ROUNDS {
            return false;
        }
        self.rounds += 1;
        let (written, lost) = self.files();
        let steps = written.len() * self.executions.len() / 64;
        if written.is_empty() || !self.lowerer.spend(steps as u32, SourceId(0), Span::default()) {
            return false;
        }
        let before = (self.lowerer.program.invocations.len(), self.lowerer.program.sources.len());
        let mut executions = std::mem::take(&mut self.executions);
        for execution in &mut executions {
            self.execute(execution, &written, lost);
        }
        executions.append(&mut self.executions);
        self.executions = executions;
        before != (self.lowerer.program.invocations.len(), self.lowerer.program.sources.len())
    }

    fn execute(&mut self, execution: &mut Execution<'a>, written: &[Written], lost: bool) {
        let Some(slot) = self.calls.get_mut(execution.call) else { return };
        let none = Call::new(self.arena, slot.invocation, slot.source, slot.named, 0);
        let mut call = std::mem::replace(slot, none);
        if let Some(&invocation) = self.lowerer.program.invocation(call.invocation) {
            let roots = self.lowerer.roots();
            let name = FileName::of(&execution.word, &execution.inner.directory, roots);
            let mut unknown = lost;
            for file in written.iter().filter(|file| file.name.may_be(&name)) {
                unknown |= file.unknown;
                for text in &file.texts {
                    self.execute_text(execution, &mut call, &invocation, text);
                }
            }
            if unknown && !execution.unknown {
                execution.unknown = true;
                let language = execution.language.unwrap_or(Language::Other);
                let span = execution.word.span;
                call.feeds.push(Feed { language, from: FeedSource::Unknown, span });
            }
        }
        if let Some(slot) = self.calls.get_mut(execution.call) {
            *slot = call;
        }
    }

    fn execute_text(
        &mut self,
        execution: &mut Execution<'a>,
        call: &mut Call<'a, 'k>,
        invocation: &Invocation<'a>,
        text: &[u8],
    ) {
        if text.is_empty() || execution.done.contains(&text) || self.is_inside(invocation.source, text) {
            return;
        }
        let text: &'a [u8] = self.arena.alloc_slice_copy(text);
        execution.done.push(text);
        let Execution { inner, word, .. } = *execution;
        match execution.language {
            Some(Language::Shell) | None => {
                if let (None, Some(interpreter)) = (execution.language, interpreter(text)) {
                    let mut words = BumpVec::new_in(self.arena);
                    words.extend(interpreter.map(|piece| Word::known(piece, word.span)));
                    words.push(word);
                    words.extend_from_slice_copy(execution.arguments);
                    let before = self.lowerer.program.invocations.len();
                    self.child(call, invocation, inner, words.into_bump_slice(), invocation.stdin);
                    if self.lowerer.program.invocations.len() > before {
                        return;
                    }
                }
                let mut positional = vec![word];
                positional.extend_from_slice(execution.arguments);
                let builtin = invocation.resolution == Resolution::Builtin;
                self.lowerer.source(
                    text,
                    Entry {
                        environment: inner.environment,
                        inherit: if builtin { Inherit::Everything } else { Inherit::Exported },
                        positional: self.arena.alloc_slice_copy(&positional),
                        parent: Some((call.invocation, word.span)),
                        stdin: invocation.stdin,
                        stdout: invocation.stdout,
                        directory: inner.directory,
                        context: invocation.context,
                        place: inner.place,
                    },
                );
            }
            Some(language) => {
                self.code(call, invocation, inner, language, Word::known(text, word.span), &[]);
            }
        }
    }

    /// Whether a source is that text, or lies in it.
    fn is_inside(&self, source: SourceId, text: &[u8]) -> bool {
        let mut at = Some(source);
        while let Some(source) = at.and_then(|id| self.lowerer.program.source(id)) {
            if source.text == text {
                return true;
            }
            at = source.within.map(|(around, _)| around);
        }
        false
    }

    /// All files that the script writes, with what; and whether there are more.
    fn files(&self) -> (Vec<Written>, bool) {
        let roots = self.lowerer.roots();
        let mut files: Vec<Written> = Vec::new();
        let mut calls = self.calls.iter().peekable();
        for (index, invocation) in self.lowerer.program.invocations.iter().enumerate() {
            self.redirected(&mut files, invocation, roots);
            while let Some(call) = calls.next_if(|call| call.invocation.0 as usize <= index) {
                if call.invocation.0 as usize == index {
                    self.copied(&mut files, call, invocation, roots);
                }
            }
            if files.len() >= MOST_FILES {
                return (files, true);
            }
        }
        (files, false)
    }

    /// What goes to a file by redirection.
    fn redirected(&self, files: &mut Vec<Written>, invocation: &Invocation<'a>, roots: Roots<'_>) {
        let writes = |redirect: &&Redirect<'a>| {
            redirect.kind.writes() && (redirect.both || redirect.descriptor != Some(2))
        };
        for redirect in invocation.redirects.iter().filter(writes) {
            let output = self.lowerer.output_of(invocation);
            let place = (redirect.source, redirect.span);
            for target in redirect.targets() {
                let name = FileName::of(&target, &invocation.directory, roots);
                let append = redirect.kind == RedirectKind::Append;
                let Some(file) = named(files, name) else { continue };
                let goes_on = append || file.last == Some(place);
                file.last = Some(place);
                file.unknown |= !output.exact;
                for text in &output.texts {
                    file.take(text, goes_on);
                }
            }
        }
    }

    /// What goes from files and from standard input to files that the words name.
    fn copied(
        &self,
        files: &mut Vec<Written>,
        call: &Call<'a, 'k>,
        invocation: &Invocation<'a>,
        roots: Roots<'_>,
    ) {
        if !call.arguments.iter().any(|argument| *argument.role == Role::Write) {
            return;
        }
        let runs = call.feeds.iter().any(|feed| is_general_purpose(feed.language))
            || call.command.is_some_and(|command| command.stdin.is_some())
            || call.arguments.iter().any(|a| matches!(a.role, Role::Code(_) | Role::Script(_)));
        let of = |word: &Word<'a>| FileName::of(word, &invocation.directory, roots);
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut unknown = false;
        let mut sources: Vec<FileName> = Vec::new();
        for argument in &call.arguments {
            if matches!(argument.role, Role::Read | Role::Delete) {
                let name = of(&argument.word);
                for file in files.iter().filter(|file| file.name.may_be(&name)) {
                    texts.extend_from_slice(&file.texts);
                    unknown |= file.unknown;
                }
                sources.push(name);
            }
        }
        if sources.is_empty() && !runs {
            let output = match invocation.stdin {
                Input::Text(_) | Input::Channel(_) => {
                    self.lowerer.output_of(&Invocation { words: &[], redirects: &[], ..*invocation })
                }
                _ => return,
            };
            unknown |= match invocation.stdin {
                Input::Text(text) => text.as_known().is_none(),
                Input::Channel(channel) => self.lowerer.channel_text(channel).is_none(),
                _ => true,
            };
            texts.extend(output.texts.iter().map(|text| text.to_vec()));
        }
        if texts.is_empty() && !unknown {
            return;
        }
        texts.truncate(MOST_TEXTS);
        for argument in call.arguments.iter().filter(|argument| *argument.role == Role::Write) {
            let name = of(&argument.word);
            // It may be a directory.
            let below = sources.iter().map(|source| name.join(source.leaf()));
            for name in below.chain(std::iter::once(name.clone())).take(MOST_TEXTS) {
                let Some(file) = named(files, name) else { continue };
                file.unknown |= unknown;
                for text in &texts {
                    file.take(text, true);
                    file.keep(text.clone());
                }
            }
        }
    }
}

impl<'a> Execution<'a> {
    const fn new(
        call: usize,
        inner: Inner<'a>,
        language: Option<Language>,
        word: Word<'a>,
        arguments: &'a [Word<'a>],
    ) -> Self {
        Self { call, inner, language, word, arguments, done: Vec::new(), unknown: false }
    }
}

impl Written {
    const fn new(name: FileName) -> Self {
        Self { name, texts: Vec::new(), last: None, unknown: false }
    }

    /// Takes in what is written: behind what may stand there, or in its place.
    fn take(&mut self, text: &[u8], goes_on: bool) {
        if !goes_on || self.texts.is_empty() {
            return self.keep(text.to_vec());
        }
        for at in 0..self.texts.len() {
            let Some(old) = self.texts.get_mut(at) else { break };
            if old.len() + text.len() > MOST_BYTES {
                self.unknown = true;
            } else if old.ends_with(b"\n") && !old.ends_with(b"\\\n") {
                // Whoever ran it before has run these lines.
                old.extend_from_slice(text);
            } else {
                let longer = [old.as_slice(), text].concat();
                self.keep(longer);
            }
        }
    }

    fn keep(&mut self, text: Vec<u8>) {
        if self.texts.len() >= MOST_TEXTS {
            self.unknown = true;
        } else if !self.texts.contains(&text) {
            self.texts.push(text);
        }
    }
}

/// `$0 $1 ...` for the code at `index`: the plain words behind it, with the shell's own name where
/// there is none.
pub(super) fn positional<'a>(
    arena: &'a Bump,
    arguments: &[Argument<'a, '_>],
    index: usize,
) -> &'a [Word<'a>] {
    let mut words = BumpVec::new_in(arena);
    words.extend(
        arguments
            .iter()
            .skip(index + 1)
            .filter(|a| *a.role == Role::Text && matches!(a.name, "name" | "argument"))
            .map(|a| a.word),
    );
    if words.is_empty() {
        words.push(Word::known(b"sh", Span::default()));
    }
    words.into_bump_slice()
}

/// The same of a shell that reads its code from its input: `bash -s -- a b`.
pub(super) fn given_positional<'a>(
    arena: &'a Bump,
    call: &Call<'a, '_>,
    language: Language,
) -> &'a [Word<'a>] {
    let given = call.arguments.iter().filter(|a| *a.role == Role::Text && a.name == "argument");
    let given = given.filter(|_| language == Language::Shell).map(|argument| argument.word);
    let mut words = BumpVec::from_iter_in(given, arena);
    if !words.is_empty() {
        words.insert(0, Word::known(b"sh", call.named));
    }
    words.into_bump_slice()
}

fn named(files: &mut Vec<Written>, name: FileName) -> Option<&mut Written> {
    match files.iter().position(|file| file.name == name) {
        Some(at) => files.get_mut(at),
        None => {
            files.push(Written::new(name));
            files.last_mut()
        }
    }
}

/// The words of a first line `#!...`.
fn interpreter(text: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let line = text.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let mut words = line.split(|byte| matches!(byte, b' ' | b'\t' | b'\r')).filter(|word| !word.is_empty());
    let first = words.next()?;
    Some(std::iter::once(first).chain(words))
}

impl Standing {
    /// Whether the file that is named runs, and not one that is known by its name.
    pub(super) const fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Elsewhere | Self::Nameless)
    }
}
