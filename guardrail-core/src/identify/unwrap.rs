//! What is inside a call: the command a wrapper runs, the source an interpreter is given, the
//! code it takes from a stream.

use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::{EffectKind, Inside, Language, Role};

use crate::glob;
use crate::identify::call::{Argument, Call, Feed, FeedSource, Given, LanguageAct, Unknown};
use crate::identify::language::{Act, Found};
use crate::identify::written::{given_positional, positional};
use crate::identify::{Identifier, span_of, split};
use crate::lower::{
    Entry, EnvironmentId, Form, Inherit, Input, Invocation, Lead, Origin, Place, Resolution, Value, Word,
};
use crate::shell::Span;

/// The surroundings that a call gives to what is inside it.
#[derive(Clone, Copy)]
pub(super) struct Inner<'a> {
    pub(super) environment: EnvironmentId,
    pub(super) directory: Word<'a>,
    pub(super) place: Place,
}

impl<'a, 'k> Identifier<'a, 'k> {
    pub(super) fn unwrap(&mut self, call: &mut Call<'a, 'k>, invocation: &Invocation<'a>) {
        self.unnamed_documents(call, invocation);
        self.unnamed(call, invocation);
        if invocation.stdout.is_some() {
            self.lists(call, invocation);
        }
        if call.arguments.is_empty()
            && call.flags.is_empty()
            && call.command.is_none_or(|c| c.stdin.is_none())
        {
            return;
        }
        let inner = self.inner(call, invocation);
        if let Some(split) = call.arguments.iter().find(|a| *a.role == Role::Split).map(|a| a.word) {
            self.split(call, invocation, inner, split);
            return;
        }
        self.wrapped(call, invocation, inner);
        self.placeholders(call, invocation, inner);
        let arguments: &'a [Argument<'a, 'k>] = self.arena.alloc_slice_copy(&call.arguments);
        let mut joined = false;
        for (index, argument) in arguments.iter().enumerate() {
            let inner = match argument.given {
                Given::Operand => inner,
                Given::Flag | Given::Variable => self.once(inner, argument, invocation),
            };
            match argument.role {
                Role::Document(language) => self.document_at(invocation, inner, *language, argument),
                Role::Code(language) if language.is_document() => {
                    self.document_in(call, invocation, inner, *language, argument);
                }
                Role::Code(language) => {
                    let positional = if *language == Language::Shell {
                        positional(self.arena, arguments, index)
                    } else {
                        &[]
                    };
                    self.code(call, invocation, inner, *language, argument.word, positional);
                }
                Role::Words(language) if argument.given == Given::Variable => {
                    self.code(call, invocation, inner, *language, argument.word, &[]);
                }
                Role::Words(language) if !joined => {
                    joined = true;
                    let words = self.following(call, |role| matches!(role, Role::Words(_)));
                    if call.command.is_some_and(|command| command.appends_input.is_some()) {
                        self.waiting.push_back((self.calls.len(), inner));
                    }
                    let word = self.join(words);
                    self.code(call, invocation, inner, *language, word, &[]);
                }
                Role::Script(language) => {
                    self.script(call, invocation, inner, *language, argument.word);
                    self.runs_file(inner, Some(*language), argument.word, behind(arguments, index));
                }
                Role::Program => self.program(call, invocation, inner, argument.word),
                _ => {}
            }
        }
        self.standard_input(call, invocation, inner);
    }

    pub(super) fn inner(&mut self, call: &Call<'a, 'k>, invocation: &Invocation<'a>) -> Inner<'a> {
        let mut environment = invocation.environment;
        let inside = call.command.map_or(Inside::Here, |command| command.inside);
        let place = match inside {
            Inside::Here => invocation.place,
            Inside::Container => Place::Container,
            Inside::Remote => Place::Remote,
        };
        // Another user or machine, or a flag, may have changed variables: nothing is proven of them there.
        let interpreter =
            call.arguments.iter().any(|argument| matches!(argument.role, Role::Code(Language::Shell)));
        let changes = inside != Inside::Here
            || call.effects.iter().any(|(effect, _)| effect.kind == Some(EffectKind::Privilege))
            || (!interpreter && !call.flags.is_empty());
        if changes {
            environment = self.lowerer.forgotten(environment);
        }
        for argument in &call.arguments {
            if *argument.role == Role::Assignment
                && let Some(equals) = argument.word.prefix().iter().position(|&b| b == b'=')
            {
                let (name, rest) = argument.word.prefix().split_at(equals);
                let rest = rest.get(1..).unwrap_or_default();
                let value = match argument.word.value {
                    Value::Partial { suffix, .. } => Value::Partial { prefix: rest, suffix },
                    _ => Value::Known(rest),
                };
                environment =
                    self.lowerer.bind(environment, name, Word { value, ..Word::part(argument.word) }, true);
            }
        }
        let mut directory = invocation.directory;
        for argument in call.arguments.iter().filter(|argument| *argument.role == Role::Directory) {
            directory = self.lowerer.directory_in(directory, argument.word);
        }
        if place != Place::Here {
            directory = Word::unknown(directory.span);
        }
        Inner { environment, directory, place }
    }

    /// The same tool with the words that `text` is split into, in its place.
    fn split(
        &mut self,
        call: &mut Call<'a, 'k>,
        invocation: &Invocation<'a>,
        inner: Inner<'a>,
        text: Word<'a>,
    ) {
        let pieces = text.as_known().and_then(split::split);
        // The value may be attached to its flag: it is the word whose bytes it shares.
        let holds = |word: &Word<'a>| {
            text.as_known().is_some_and(|text| word.prefix().as_ptr_range().contains(&text.as_ptr()))
        };
        let (Some(pieces), Some(at)) = (pieces, invocation.words.iter().position(holds)) else {
            return self.opaque(call, Language::Shell, text);
        };
        let mut words = BumpVec::new_in(self.arena);
        words.extend(invocation.words.first().copied());
        words.extend(pieces.into_iter().map(|piece| {
            let prefix: &'a [u8] = self.arena.alloc_slice_copy(&piece.text);
            let value =
                if piece.open { Value::Partial { prefix, suffix: b"" } } else { Value::Known(prefix) };
            let from: &'a [Origin<'a>] = if piece.open { &[Origin::Input] } else { &[] };
            Word { from, value, ..Word::known(prefix, text.span) }
        }));
        words.extend_from_slice_copy(invocation.words.get(at + 1..).unwrap_or_default());
        self.child(call, invocation, inner, words.into_bump_slice(), invocation.stdin);
    }

    /// The command that a wrapper's operands are.
    fn wrapped(&mut self, call: &mut Call<'a, 'k>, invocation: &Invocation<'a>, inner: Inner<'a>) {
        let words = self.following(call, |role| *role == Role::Argv);
        let Some(first) = words.first() else { return };
        // `builtin cd x`: the shell's own semantics have seen to it.
        let followed = |i: &Invocation<'_>| {
            i.parent == Some(call.invocation) && i.words.first().is_some_and(|word| word.span == first.span)
        };
        if invocation.resolution == Resolution::Builtin
            && self.lowerer.program.invocations.iter().any(followed)
        {
            return;
        }
        let words = match call.flags.iter().find_map(|used| used.flag.within.as_deref()) {
            Some(family) => {
                self.finds(call, inner, words);
                self.within(words, family)
            }
            None => words,
        };
        if call.command.is_some_and(|command| command.appends_input.is_some()) {
            // Who writes that input may be behind in the queue.
            return self.waiting.push_back((self.calls.len(), inner));
        }
        self.child(call, invocation, inner, words, invocation.stdin);
    }

    /// The words of a wrapped command or text: what flags give of it, then the rest of the line.
    pub(super) fn following(&self, call: &Call<'a, 'k>, wanted: impl Fn(&Role) -> bool) -> &'a [Word<'a>] {
        let given = |argument: &&Argument<'a, 'k>| argument.given != Given::Variable && wanted(argument.role);
        let mut wanted = call.arguments.iter().filter(given).peekable();
        if wanted.peek().is_none() {
            return &[];
        }
        let rest = call.rest;
        let given = wanted
            .filter(|argument| rest.is_empty() || argument.given != Given::Operand)
            .map(|argument| argument.word);
        let mut words = BumpVec::new_in(self.arena);
        words.extend(given);
        if words.is_empty() {
            return rest;
        }
        words.extend_from_slice_copy(rest);
        words.into_bump_slice()
    }

    /// Commands that a flag takes whole (find's `-exec`), with the paths that stand in them.
    fn placeholders(&mut self, call: &mut Call<'a, 'k>, invocation: &Invocation<'a>, inner: Inner<'a>) {
        for index in 0..call.flags.len() {
            let Some(&used) = call.flags.get(index) else { break };
            if used.wrapped.is_empty() {
                continue;
            }
            let words = match &used.flag.placeholder {
                None => used.wrapped,
                Some(placeholder) => {
                    let path = self.path_found(call, invocation, &placeholder.of, used.span);
                    let text = placeholder.text.as_bytes();
                    let mut words = BumpVec::new_in(self.arena);
                    words.extend(used.wrapped.iter().map(|&word| fill(word, text, path)));
                    let holds = |word: &Word<'_>| {
                        word.as_known().is_none_or(|w| w.windows(text.len().max(1)).any(|w| w == text))
                    };
                    if placeholder.appends && !used.wrapped.iter().any(holds) {
                        words.push(path);
                    }
                    words.into_bump_slice()
                }
            };
            self.child(call, invocation, inner, words, invocation.stdin);
        }
    }

    pub(super) fn child(
        &mut self,
        call: &Call<'a, 'k>,
        invocation: &Invocation<'a>,
        inner: Inner<'a>,
        words: &'a [Word<'a>],
        stdin: Input<'a>,
    ) {
        self.lowerer.invocation(Invocation {
            words,
            assignments: &[],
            redirects: &[],
            span: span_of(words),
            parent: Some(call.invocation),
            stdin,
            environment: inner.environment,
            directory: inner.directory,
            resolution: Resolution::Program,
            place: inner.place,
            ..*invocation
        });
    }

    /// Source text given as a word.
    pub(super) fn code(
        &mut self,
        call: &mut Call<'a, 'k>,
        invocation: &Invocation<'a>,
        inner: Inner<'a>,
        language: Language,
        word: Word<'a>,
        positional: &'a [Word<'a>],
    ) {
        if language != Language::Shell {
            return match word.as_known().or_else(|| self.with_digit(language, &word)) {
                Some(text) => self.small_language(call, invocation, inner, language, text, word.span),
                None => self.opaque(call, language, word),
            };
        }
        match word.value {
            Value::Known(text) => {
                let otherwise = call.command.map_or(&[][..], |command| &command.otherwise);
                if otherwise.iter().any(|glob| glob::matches(glob.as_bytes(), text)) {
                    let found = Found { act: Act::Opaque, at: 0..0 };
                    call.found.push(LanguageAct { language, found, span: word.span });
                }
                self.source(call, invocation, inner, text, word.span, positional, invocation.stdin)
            }
            // What is known of it can already be bad enough.
            Value::Partial { prefix, .. } if !prefix.is_empty() && word.lead == Lead::Text => {
                self.source(call, invocation, inner, prefix, word.span, positional, invocation.stdin);
                self.opaque(call, language, word);
            }
            _ => self.opaque(call, language, word),
        }
    }

    /// A text in a small language with a digit for the number that is not known: which one, changes nothing of what
    /// the text can do.
    fn with_digit(&self, language: Language, word: &Word<'a>) -> Option<&'a [u8]> {
        if word.form != Form::Digits || word.lead != Lead::Text || is_general_purpose(language) {
            return None;
        }
        let template = self.lowerer.known_text(word)?.text;
        // Beside it nothing may stand that it would become a part of.
        let joins = |pair: &[u8]| match pair {
            [before, 0] => before.is_ascii_alphanumeric() || matches!(before, b'_' | 0),
            [0, behind] => behind.is_ascii_digit(),
            _ => false,
        };
        let text = template.iter().map(|byte| if *byte == 0 { b'1' } else { *byte });
        (!template.windows(2).any(joins)).then(|| &*self.arena.alloc_slice_fill_iter(text))
    }

    #[expect(clippy::too_many_arguments, reason = "the surroundings of a source are many")]
    pub(super) fn source(
        &mut self,
        call: &Call<'a, 'k>,
        invocation: &Invocation<'a>,
        inner: Inner<'a>,
        text: &'a [u8],
        span: Span,
        positional: &'a [Word<'a>],
        stdin: Input<'a>,
    ) {
        self.lowerer.source(
            text,
            Entry {
                environment: inner.environment,
                inherit: Inherit::Exported,
                positional,
                parent: Some((call.invocation, span)),
                stdin,
                stdout: invocation.stdout,
                directory: inner.directory,
                context: invocation.context,
                place: inner.place,
            },
        );
    }

    fn opaque(&self, call: &mut Call<'a, 'k>, language: Language, word: Word<'a>) {
        if language == Language::Jq {
            // The worst that a filter can do is to read.
            let found = Found { act: Act::Environment, at: 0..0 };
            call.found.push(LanguageAct { language, found, span: word.span });
            return;
        }
        call.unknown.push((Unknown::Code, word.span));
        for origin in word.from {
            if let Origin::Channel(channel) = origin {
                call.feeds.push(Feed { language, from: FeedSource::Channel(*channel), span: word.span });
            }
        }
    }

    /// A path to source text. What comes through a stream and is constant is as good as a word;
    /// of the rest only where it comes from can be judged here.
    fn script(
        &mut self,
        call: &mut Call<'a, 'k>,
        invocation: &Invocation<'a>,
        inner: Inner<'a>,
        language: Language,
        word: Word<'a>,
    ) {
        self.statements(call, invocation, inner, language, &word);
        for origin in word.from {
            if let Origin::Channel(channel) = origin {
                let text = self.lowerer.channel_text(*channel);
                let from = FeedSource::Channel(*channel);
                self.streamed(call, invocation, inner, text, Feed { language, from, span: word.span });
            }
        }
        if matches!(word.as_known(), Some(b"-" | b"/dev/stdin" | b"/dev/fd/0" | b"/proc/self/fd/0")) {
            let (text, from) = match invocation.stdin {
                // It lies open in the request, as a word does.
                Input::Text(text) if text.as_known().is_some() => {
                    if invocation.resolution != Resolution::Builtin {
                        self.code(call, invocation, inner, language, text, &[]);
                    }
                    return;
                }
                Input::Text(_) => (None, FeedSource::Unknown),
                Input::Channel(channel) => (self.lowerer.channel_text(channel), FeedSource::Channel(channel)),
                _ => return self.feed(call, invocation, inner, language, word.span),
            };
            self.streamed(call, invocation, inner, text, Feed { language, from, span: word.span });
        }
    }

    fn streamed(
        &mut self,
        call: &mut Call<'a, 'k>,
        invocation: &Invocation<'a>,
        inner: Inner<'a>,
        text: Option<&'a [u8]>,
        feed: Feed<'a>,
    ) {
        match text {
            // The shell's own `source` has been followed.
            Some(_) if invocation.resolution == Resolution::Builtin => {}
            Some(text) => {
                if is_general_purpose(feed.language) {
                    let found = Found { act: Act::Opaque, at: 0..0 };
                    call.found.push(LanguageAct { language: feed.language, found, span: feed.span });
                }
                self.code(call, invocation, inner, feed.language, Word::known(text, feed.span), &[]);
            }
            None => {
                if let FeedSource::Channel(channel) = feed.from
                    && invocation.resolution != Resolution::Builtin
                {
                    for text in self.lowerer.channel_constants(channel) {
                        let word = Word::known(text, feed.span);
                        self.code(call, invocation, inner, feed.language, word, &[]);
                    }
                }
                call.feeds.push(feed);
            }
        }
    }

    /// A program named by one word; the tool chooses its operands and feeds it.
    fn program(
        &mut self,
        call: &Call<'a, 'k>,
        invocation: &Invocation<'a>,
        inner: Inner<'a>,
        word: Word<'a>,
    ) {
        let mut words = BumpVec::new_in(self.arena);
        match word.as_known() {
            Some(text) => words.extend(
                text.split(|b| matches!(b, b' ' | b'\t' | b'\n'))
                    .filter(|w| !w.is_empty())
                    .map(|w| Word::known(w, word.span)),
            ),
            None => words.push(word),
        }
        self.child(call, invocation, inner, words.into_bump_slice(), Input::Empty);
    }

    fn standard_input(&mut self, call: &mut Call<'a, 'k>, invocation: &Invocation<'a>, inner: Inner<'a>) {
        let by_flag = call.flags.iter().find_map(|used| used.flag.stdin.as_ref());
        // What a variable names is run as well, not instead.
        let given = call.arguments.iter().any(|a| {
            a.given != Given::Variable
                && matches!(a.role, Role::Code(_) | Role::Script(_) | Role::Words(_) | Role::Argv)
        });
        let by_command =
            call.command.and_then(|command| command.stdin.as_ref()).filter(|_| !given && !call.rehearsal);
        let role = by_flag.or(by_command);
        let remote = given && call.command.is_some_and(|command| command.inside == Inside::Remote);
        let sends = |role: Option<&Role>| matches!(role, Some(Role::Upload | Role::Send));
        if remote || sends(role) || sends(call.command.and_then(|command| command.stdin.as_ref())) {
            call.sends_input = match invocation.stdin {
                // Constant text is there for everybody to see.
                Input::Channel(channel) => self.lowerer.channel_text(channel).is_none(),
                Input::Text(word) => word.as_known().is_none(),
                Input::File(_) => true,
                Input::Inherited | Input::Empty => false,
            };
        }
        let Some(&Role::Code(language)) = role else { return };
        if invocation.context.vanished && matches!(invocation.stdin, Input::Inherited) {
            return;
        }
        // A diff that is not given is no code that runs.
        let given = match invocation.stdin {
            Input::Text(word) => word.as_known().is_some(),
            Input::Channel(channel) => self.lowerer.channel_text(channel).is_some(),
            _ => false,
        };
        if language == Language::Diff && !given {
            return;
        }
        if is_general_purpose(language) && matches!(invocation.stdin, Input::Channel(_)) {
            // Even harmless text: what an interpreter is fed is not what it was started with.
            let found = Found { act: Act::Opaque, at: 0..0 };
            call.found.push(LanguageAct { language, found, span: call.named });
        }
        let positional = given_positional(self.arena, call, language);
        match invocation.stdin {
            Input::Text(word) => self.code(call, invocation, inner, language, word, positional),
            Input::Channel(channel) => match self.lowerer.channel_text(channel) {
                Some(text) => {
                    let span = call.named;
                    self.code(call, invocation, inner, language, Word::known(text, span), positional);
                }
                None => {
                    for text in self.lowerer.channel_constants(channel) {
                        self.code(
                            call,
                            invocation,
                            inner,
                            language,
                            Word::known(text, call.named),
                            positional,
                        );
                    }
                    self.feed(call, invocation, inner, language, call.named);
                }
            },
            stdin => {
                if let Input::File(word) = stdin {
                    self.statements(call, invocation, inner, language, &word);
                }
                self.feed(call, invocation, inner, language, call.named);
            }
        }
    }

    fn feed(
        &mut self,
        call: &mut Call<'a, 'k>,
        invocation: &Invocation<'a>,
        inner: Inner<'a>,
        language: Language,
        span: Span,
    ) {
        let from = match invocation.stdin {
            Input::Channel(channel) => FeedSource::Channel(channel),
            Input::File(word) => {
                self.runs_file(inner, Some(language), word, &[]);
                FeedSource::File(word)
            }
            Input::Inherited => FeedSource::Inherited,
            Input::Text(_) => FeedSource::Unknown,
            Input::Empty => return,
        };
        call.feeds.push(Feed { language, from, span });
    }

    /// Words as `ssh` and `watch` join them: with one blank between.
    pub(super) fn join(&self, words: &'a [Word<'a>]) -> Word<'a> {
        let span = span_of(words);
        if let [word] = words {
            return *word;
        }
        let mut text = BumpVec::new_in(self.arena);
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                text.push(b' ');
            }
            text.extend_from_slice_copy(word.prefix());
            if word.as_known().is_none() {
                let mut from = BumpVec::new_in(self.arena);
                from.extend(words.iter().flat_map(|word| word.from.iter().copied()));
                let value = Value::Partial { prefix: text.into_bump_slice(), suffix: b"" };
                return Word { value, from: from.into_bump_slice(), ..Word::unknown(span) };
            }
        }
        Word::known(text.into_bump_slice(), span)
    }
}

/// The operands behind the script at `index`.
fn behind<'a, 'k>(arguments: &'a [Argument<'a, 'k>], index: usize) -> &'a [Argument<'a, 'k>] {
    arguments.get(index + 1..).unwrap_or_default()
}

pub(super) fn origins<'a>(arena: &'a bumpalo::Bump, stdin: &Input<'a>) -> &'a [Origin<'a>] {
    match stdin {
        Input::Channel(channel) => arena.alloc_slice_copy(&[Origin::Channel(*channel)]),
        _ => arena.alloc_slice_copy(&[Origin::Input]),
    }
}

/// A wrapped command's word with the input in place of the placeholder.
pub(super) fn fill<'a>(word: Word<'a>, placeholder: &[u8], input: Word<'a>) -> Word<'a> {
    let Some(text) = word.as_known() else { return word };
    if placeholder.is_empty() {
        return word;
    }
    if text == placeholder {
        return Word { span: word.span, splits: false, ..input };
    }
    let Some(at) = text.windows(placeholder.len()).position(|window| window == placeholder) else {
        return word;
    };
    let last = text.windows(placeholder.len()).rposition(|window| window == placeholder).unwrap_or(at);
    let value = Value::Partial {
        prefix: text.get(..at).unwrap_or_default(),
        suffix: text.get(last + placeholder.len()..).unwrap_or_default(),
    };
    // What comes in is never nothing.
    let form = if text.first() == Some(&b'-') { Form::Any } else { input.form };
    Word { value, from: input.from, form, ..word }
}

/// Languages in which a text can do anything.
pub(super) const fn is_general_purpose(language: Language) -> bool {
    !matches!(
        language,
        Language::Shell
            | Language::Sed
            | Language::Awk
            | Language::Jq
            | Language::Cron
            | Language::SystemCron
            | Language::Unit
            | Language::Diff
            | Language::Manifest
    ) && !language.is_sql()
}
