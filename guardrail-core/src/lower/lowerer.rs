//! [`Lowerer`]: the state of the shell while its program is read, and what bounds the reading.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::Limits;
use crate::lower::environment::{Environments, Function, Node};
use crate::lower::expand::Declared;
use crate::lower::seen::Seen;
use crate::lower::substitution::Shell;
use crate::lower::*;
use crate::shell::{self, Script, Span};

/// What the request says about the world: facts, not guesses.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The home directory of whoever runs the request.
    pub home: Option<&'a [u8]>,
    /// The working directory, absolute.
    pub directory: Option<&'a [u8]>,
    /// Environment variables with their values.
    pub variables: &'a [(&'a [u8], &'a [u8])],
}

/// How a source that is read relates to the shell around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inherit {
    /// The same shell (`eval`, `source`) or a copy of it (a subshell): all variables and functions.
    Everything,
    /// A shell of its own: what is exported.
    Exported,
}

/// Where a source is entered: the state its shell starts in.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The variables around it.
    pub environment: EnvironmentId,
    /// Which of them it sees.
    pub inherit: Inherit,
    /// `$0`, `$1`, ...; empty where they are unknown.
    pub positional: &'a [Word<'a>],
    /// The invocation that reads it, with the span of the word it came from.
    pub parent: Option<(InvocationId, Span)>,
    /// Where its standard input comes from.
    pub stdin: Input<'a>,
    /// Where its standard output goes.
    pub stdout: Option<ChannelId>,
    /// The directory it starts in.
    pub directory: Word<'a>,
    /// Where in the control flow it stands.
    pub context: Context,
    /// Where it runs.
    pub place: Place,
}

impl Entry<'_> {
    /// The request's own text.
    #[must_use]
    pub const fn request() -> Self {
        Self {
            environment: EnvironmentId(0),
            inherit: Inherit::Everything,
            positional: &[],
            parent: None,
            stdin: Input::Inherited,
            stdout: None,
            directory: Word::known(b"", Span { start: 0, end: 0 }),
            context: Context::OF_THE_REQUEST,
            place: Place::Here,
        }
    }
}

/// Positional parameters, `$0` first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Positional<'a> {
    pub(super) words: &'a [Word<'a>],
    /// What may follow: `None` where there provably is no more, else what it is made of.
    pub(super) rest: Option<&'a [Origin<'a>]>,
}

impl Positional<'_> {
    pub(super) const UNKNOWN: Self = Self { words: &[], rest: Some(&[Origin::Input]) };
}

/// What the shell itself holds at one point of the program.
#[derive(Clone, Copy, Debug)]
pub(super) struct State<'a> {
    pub(super) environment: EnvironmentId,
    pub(super) directory: Word<'a>,
    /// The directory before, where it is known.
    pub(super) previous: Option<&'a Word<'a>>,
    pub(super) positional: Positional<'a>,
    /// Nothing behind this point runs on this path: `exit`, `return`, `break`.
    pub(super) dead: bool,
    /// `set -a`.
    pub(super) export_all: bool,
    /// `shopt -s lastpipe`.
    pub(super) last_pipe: bool,
    /// A `cd` may have failed where the request stands, and then this still does.
    pub(super) stayed: bool,
    /// `set -e`: what fails is the end.
    pub(super) strict: bool,
}

/// What stands around a command in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) context: Context,
    pub(super) parent: Option<InvocationId>,
    pub(super) place: Place,
    pub(super) stdin: Input<'a>,
    pub(super) stdout: Option<ChannelId>,
    pub(super) redirects: &'a [Redirect<'a>],
}

/// A source while it is read.
#[derive(Clone, Copy)]
pub(super) struct Unit<'s, 'a> {
    pub(super) script: &'s Script<'a>,
    pub(super) text: &'a [u8],
    pub(super) source: SourceId,
}

impl<'a> Unit<'_, 'a> {
    pub(super) fn bytes(&self, span: Span) -> &'a [u8] {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }
}

/// A function call that is being inlined.
pub(super) struct Call<'a> {
    pub(super) function: Function<'a>,
    /// How many copies of the shell it stands in, and whether something sent it to the background, or
    /// it may not run at all.
    pub(super) shells: usize,
    pub(super) context: Context,
    /// Names that are the call's own.
    pub(super) locals: Vec<&'a [u8]>,
    /// The states its `return`s left in.
    pub(super) returns: Vec<State<'a>>,
}

/// Code that runs later: read once the whole source is known.
#[derive(Clone, Copy)]
pub(super) struct Deferred<'a> {
    pub(super) text: &'a [u8],
    pub(super) by: InvocationId,
    pub(super) span: Span,
    pub(super) state: State<'a>,
    pub(super) around: Surroundings<'a>,
    /// How many bindings existed then: whatever is bound later may hold when it runs.
    pub(super) bindings: usize,
    /// The directories that had been entered by then.
    pub(super) entered: &'a [Origin<'a>],
}

/// How far everything that only grows had grown, so that a trial can be taken back.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) bindings: usize,
    sources: usize,
    invocations: usize,
    written: usize,
    notes: usize,
    problems: usize,
    channels: usize,
    functions: usize,
    deferred: usize,
}

/// Reads shell sources into one [`Program`]. Everything in it is borrowed from the arena.
pub struct Lowerer<'a> {
    /// What was found so far.
    pub program: Program<'a>,
    pub(super) arena: &'a Bump,
    pub(super) limits: Limits,
    pub(super) known: Known<'a>,
    pub(super) environments: Environments<'a>,
    pub(super) state: State<'a>,
    pub(super) around: Surroundings<'a>,
    /// The script of each source, kept because functions are called after it was read.
    pub(super) scripts: BumpVec<'a, Option<&'a Script<'a>>>,
    /// Every function definition met, and whether anything calls it.
    pub(super) functions: Vec<(Function<'a>, bool)>,
    pub(super) calls: Vec<Call<'a>>,
    pub(super) deferred: Vec<Deferred<'a>>,
    /// What the shell's own variables may hold of it.
    pub(super) seen: Seen<'a>,
    /// The source that is being read.
    pub(super) reading: SourceId,
    /// The invocation whose words are being expanded.
    pub(super) current: Option<InvocationId>,
    /// Whether secrets in the words being expanded are worth a note.
    pub(super) reveals: bool,
    /// Whether the word being expanded may become several: where not, `"$@"` is joined.
    pub(super) separating: bool,
    /// Whether substitutions are remembered: the alternatives of a brace expansion share them.
    pub(super) remembers: bool,
    /// Whether any `IFS` was ever bound: where not, it need not be looked up.
    pub(super) separators_bound: bool,
    /// Whether a star may match hidden files: `shopt -s dotglob`, `GLOBIGNORE`.
    pub(super) hidden_match: bool,
    /// In the first, tentative pass of a loop: loops inside of it need no second.
    pub(super) tentative: bool,
    /// How many loops were met.
    pub(super) loops: u32,
    /// Counts changes of directory and of positional parameters, for loops.
    pub(super) moves: u32,
    /// Counts where a loop asks for what a later command of it left behind.
    pub(super) looks_back: u32,
    /// The directories that were entered in the command that is being read.
    pub(super) entered: &'a [Origin<'a>],
    pub(super) depth: u32,
    steps: u32,

    /// The shells that wait for a subshell to end.
    pub(super) shells: Vec<Shell<'a>>,

    // Scratch, used as stacks: a nested user leaves them as long as it found them.
    pub(super) words: BumpVec<'a, Word<'a>>,
    pub(super) buffer: BumpVec<'a, u8>,
    /// The texts of words with holes, each with its [`HOLE`](super::field::HOLE)s.
    pub(super) templates: BumpVec<'a, &'a [u8]>,
    pub(super) origins: BumpVec<'a, Origin<'a>>,
    pub(super) globs: BumpVec<'a, u32>,
    /// What each hole of the open fields may be.
    pub(super) choices: BumpVec<'a, &'a [&'a [u8]]>,
    pub(super) assignments: BumpVec<'a, Assignment<'a>>,
    pub(super) redirects: BumpVec<'a, Redirect<'a>>,
    pub(super) declared: Vec<Declared<'a>>,
    /// What the substitutions of a word with braces came to: it runs once for the analysis.
    pub(super) substituted: Vec<(Span, Word<'a>)>,
}

/// Nesting through lists, words and inlined calls together. The stack a level takes is bounded,
/// so this bounds the stack (half a megabyte is enough even for a debug build). Real scripts nest a
/// dozen levels.
pub(super) const MAX_DEPTH: u32 = 48;

/// Constants longer than this are unknown: `x=$x$x` must not grow for ever.
pub(super) const MAX_CONSTANT: usize = 64 << 10;

impl<'a> Lowerer<'a> {
    /// A lowerer with an empty program.
    #[must_use]
    #[inline]
    pub fn new(arena: &'a Bump, limits: &Limits, known: &Known<'a>) -> Self {
        let entry = Entry::request();
        Self {
            program: Program::new(arena),
            arena,
            limits: *limits,
            known: *known,
            environments: Environments::new(arena),
            state: State::entered(&entry, entry.environment),
            around: Surroundings::entered(&entry),
            scripts: BumpVec::with_capacity_in(2, arena),
            functions: Vec::new(),
            calls: Vec::new(),
            deferred: Vec::new(),
            seen: Seen::default(),
            reading: SourceId(0),
            current: None,
            reveals: true,
            separating: true,
            remembers: false,
            separators_bound: false,
            hidden_match: false,
            tentative: false,
            loops: 0,
            moves: 0,
            looks_back: 0,
            entered: &[],
            depth: 0,
            steps: limits.lower_steps,
            shells: Vec::new(),
            words: BumpVec::with_capacity_in(16, arena),
            buffer: BumpVec::new_in(arena),
            templates: BumpVec::new_in(arena),
            origins: BumpVec::new_in(arena),
            globs: BumpVec::new_in(arena),
            choices: BumpVec::new_in(arena),
            assignments: BumpVec::new_in(arena),
            redirects: BumpVec::new_in(arena),
            declared: Vec::new(),
            substituted: Vec::new(),
        }
    }

    /// Reads `text` as shell source and appends its invocations; the source id.
    pub fn source(&mut self, text: &'a [u8], entry: Entry<'a>) -> SourceId {
        let environment = match entry.inherit {
            Inherit::Everything => entry.environment,
            Inherit::Exported => {
                let child = self.environments.push(entry.environment, Node::Child);
                // No shell takes its separators from the environment.
                let separators = Word::known(b" \t\n", Span::default());
                if self.separators_bound { self.bind(child, b"IFS", separators, false) } else { child }
            }
        };
        let state = std::mem::replace(&mut self.state, State::entered(&entry, environment));
        let around = std::mem::replace(&mut self.around, Surroundings::entered(&entry));
        let calls = std::mem::take(&mut self.calls);
        let functions = self.functions.len();
        let (layer, within) = match entry.parent {
            Some((id, span)) => {
                let host = self.program.invocation(id).map_or(SourceId(0), |invocation| invocation.source);
                (self.layer_of(host) + 1, Some((host, span)))
            }
            None => (0, None),
        };
        let id = self.read(text, entry.parent, within, layer);
        self.finish(functions);
        self.state = state;
        self.around = around;
        self.calls = calls;
        id
    }

    /// Appends an invocation made of words that exist already: an argv request, a wrapper's child.
    pub fn invocation(&mut self, invocation: Invocation<'a>) -> InvocationId {
        let last = InvocationId((self.program.invocations.len() as u32).saturating_sub(1));
        if self.program.invocations.len() >= self.limits.invocations as usize || self.is_too_deep(&invocation)
        {
            self.exhaust(invocation.source, invocation.span);
            return last;
        }
        self.program.invocations.push(invocation);
        InvocationId(self.program.invocations.len() as u32 - 1)
    }

    /// Whether an invocation lies in more wrappers than the depth limit.
    fn is_too_deep(&self, invocation: &Invocation<'a>) -> bool {
        let mut parent = invocation.parent;
        for _ in 0..self.limits.depth {
            let Some(id) = parent else { return false };
            parent = self.program.invocation(id).and_then(|invocation| invocation.parent);
        }
        parent.is_some()
    }

    /// A new channel.
    pub fn channel(&mut self) -> ChannelId {
        self.program.channels.push(self.around.context.in_loop);
        ChannelId(self.program.channels.len() as u32 - 1)
    }

    /// Where the names of files start from.
    pub(crate) const fn roots(&self) -> Roots<'a> {
        Roots { cwd: self.known.directory, home: self.known.home }
    }

    // ---- reading sources

    fn read(
        &mut self,
        text: &'a [u8],
        parent: Option<(InvocationId, Span)>,
        within: Option<(SourceId, Span)>,
        layer: u32,
    ) -> SourceId {
        let (id, may_read) = self.begin_source(text, parent, within, layer);
        if !may_read {
            return id;
        }
        let script: &'a Script<'a> = self.arena.alloc(shell::parse(self.arena, text, &self.limits));
        for problem in script.problems() {
            self.program.problems.push((id, *problem));
        }
        if let Some(slot) = self.scripts.get_mut(id.0 as usize) {
            *slot = Some(script);
        }
        self.seen.expect(text);
        let unit = Unit { script, text, source: id };
        let reading = std::mem::replace(&mut self.reading, id);
        self.list(unit, script.body());
        self.reading = reading;
        id
    }

    fn begin_source(
        &mut self,
        text: &'a [u8],
        parent: Option<(InvocationId, Span)>,
        within: Option<(SourceId, Span)>,
        layer: u32,
    ) -> (SourceId, bool) {
        let id = SourceId(self.program.sources.len() as u32);
        self.program.sources.push(Source { text, parent, layer, within });
        self.scripts.push(None);
        if layer > self.limits.layers {
            let (source, span) = within.unwrap_or((id, Span::default()));
            self.note(NoteKind::TooManyLayers, source, span);
            return (id, false);
        }
        // Parsing costs time too; the request's own text is bounded by its length alone.
        let cost = if id.0 == 0 { 1 } else { 4 + text.len() as u32 / 32 };
        (id, self.spend(cost, id, Span::default()))
    }

    /// Reads text that runs in this very shell, here and now: what it binds stays.
    pub(super) fn inline(
        &mut self,
        text: &'a [u8],
        by: Option<InvocationId>,
        host: SourceId,
        span: Span,
    ) -> SourceId {
        if !self.enter(host, span) {
            return host;
        }
        let current = self.current.take();
        let parent = self.around.parent;
        self.around.parent = by.or(parent);
        let layer = self.layer_of(host) + u32::from(by.is_some());
        let id = self.read(text, by.map(|by| (by, span)), Some((host, span)), layer);
        self.around.parent = parent;
        self.current = current;
        self.leave();
        id
    }

    /// Reads text that undergoes expansion and nothing else: a subscript, a prompt.
    pub(super) fn template(&mut self, text: &'a [u8], host: SourceId, span: Span) -> Word<'a> {
        if !self.enter(host, span) {
            return Word::unknown(span);
        }
        let layer = self.layer_of(host) + 1;
        let (id, may_read) = self.begin_source(text, None, Some((host, span)), layer);
        let mut value = Word::unknown(span);
        if may_read {
            let (script, word) = shell::parse_template(self.arena, text, &self.limits);
            for problem in script.problems() {
                self.program.problems.push((id, *problem));
            }
            let script: &'a Script<'a> = self.arena.alloc(script);
            if let Some(slot) = self.scripts.get_mut(id.0 as usize) {
                *slot = Some(script);
            }
            let unit = Unit { script, text, source: id };
            let reading = std::mem::replace(&mut self.reading, id);
            value = self.text(unit, script.parts(word.parts), word.span);
            self.reading = reading;
        }
        self.leave();
        Word { span, ..value }
    }

    /// What only the end of a source tells: handlers that run later, functions nothing called.
    fn finish(&mut self, functions: usize) {
        let last = self.state;
        let around = self.around;
        while let Some(deferred) = self.deferred.pop() {
            self.state = deferred.state;
            self.state.dead = false;
            self.moved_since(deferred.entered);
            self.around = deferred.around;
            self.around.context.deferred = true;
            // Nothing of it is read any more then.
            if self.program.exhausted.is_none() {
                self.state.environment =
                    self.environment_later(deferred.state.environment, deferred.bindings);
            }
            let host = self.program.invocation(deferred.by).map_or(SourceId(0), |by| by.source);
            self.inline(deferred.text, Some(deferred.by), host, deferred.span);
        }
        let mut at = functions;
        while let Some((function, called)) = self.functions.get(at).copied() {
            at += 1;
            if !called {
                self.around = around;
                self.state = last;
                self.state.dead = false;
                self.uncalled(function);
            }
        }
    }

    // ---- bounds

    /// Pays for work. False once nothing may be read any more.
    pub(crate) fn spend(&mut self, steps: u32, source: SourceId, span: Span) -> bool {
        if self.program.exhausted.is_some() {
            return false;
        }
        let steps = steps.saturating_add(self.environments.take_visited() / 32);
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                true
            }
            None => {
                self.exhaust(source, span);
                false
            }
        }
    }

    pub(crate) fn exhaust(&mut self, source: SourceId, span: Span) {
        self.program.exhausted.get_or_insert((source, span));
    }

    /// One level deeper; each success owes a [`Self::leave`].
    pub(super) fn enter(&mut self, source: SourceId, span: Span) -> bool {
        if self.depth >= MAX_DEPTH {
            self.exhaust(source, span);
            return false;
        }
        self.depth += 1;
        true
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn note(&mut self, kind: NoteKind, source: SourceId, span: Span) {
        self.note_about(Note { kind, source, span, invocation: self.current, channel: None });
    }

    pub(super) fn note_about(&mut self, about: Note) {
        // Tentative passes and repeated inlining see the same place again.
        let same = |note: &Note| Note { invocation: about.invocation, ..*note } == about;
        if !self.program.notes.iter().rev().take(16).any(same) {
            self.program.notes.push(about);
        }
    }

    pub(super) fn layer_of(&self, source: SourceId) -> u32 {
        self.program.source(source).map_or(0, |source| source.layer)
    }

    // ---- trials

    pub(super) fn mark(&self) -> Mark {
        Mark {
            bindings: self.environments.len(),
            sources: self.program.sources.len(),
            invocations: self.program.invocations.len(),
            written: self.program.written.len(),
            notes: self.program.notes.len(),
            problems: self.program.problems.len(),
            channels: self.program.channels.len(),
            functions: self.functions.len(),
            deferred: self.deferred.len(),
        }
    }

    pub(super) fn roll_back(&mut self, mark: &Mark) {
        self.environments.truncate(mark.bindings);
        self.program.sources.truncate(mark.sources);
        self.scripts.truncate(mark.sources);
        self.program.invocations.truncate(mark.invocations);
        self.program.written.truncate(mark.written);
        self.program.notes.truncate(mark.notes);
        self.program.problems.truncate(mark.problems);
        self.program.channels.truncate(mark.channels);
        self.functions.truncate(mark.functions);
        self.deferred.truncate(mark.deferred);
    }
}

impl<'a> State<'a> {
    fn entered(entry: &Entry<'a>, environment: EnvironmentId) -> Self {
        let positional = if entry.positional.is_empty() {
            Positional::UNKNOWN
        } else {
            Positional { words: entry.positional, rest: None }
        };
        Self {
            environment,
            directory: entry.directory,
            previous: None,
            positional,
            dead: false,
            export_all: false,
            last_pipe: false,
            stayed: entry.context.stayed,
            strict: false,
        }
    }
}

impl<'a> Surroundings<'a> {
    fn entered(entry: &Entry<'a>) -> Self {
        Self {
            context: entry.context,
            parent: entry.parent.map(|(id, _)| id),
            place: entry.place,
            stdin: entry.stdin,
            stdout: entry.stdout,
            redirects: &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The simple commands of a script that no invocation stands for.
    fn missed(text: &str) -> Vec<String> {
        let arena = Bump::new();
        let script = shell::parse(&arena, text.as_bytes(), &Limits::STANDARD);
        if !script.problems().is_empty() {
            return Vec::new();
        }
        let mut lowerer = Lowerer::new(&arena, &Limits::STANDARD, &Known::default());
        lowerer.source(text.as_bytes(), Entry::request());
        if lowerer.program.exhausted.is_some() {
            return Vec::new();
        }
        let spans: Vec<Span> = lowerer
            .program
            .invocations
            .iter()
            .filter(|invocation| invocation.source == SourceId(0))
            .map(|invocation| invocation.span)
            .collect();
        let simple = |command: &&shell::Command| matches!(command.kind, shell::CommandKind::Simple { .. });
        let missing = script.commands.iter().filter(simple).filter(|command| !spans.contains(&command.span));
        missing
            .map(|command| String::from_utf8_lossy(command.span.of(text.as_bytes())).into_owned())
            .collect()
    }

    fn token() -> impl Strategy<Value = &'static str> {
        proptest::sample::select(vec![
            "a ",
            "b",
            " ",
            "; ",
            " && ",
            " || ",
            " | ",
            " &\n",
            "(c)",
            "{ d; }",
            "$(e)",
            "\"$(g)\"",
            "`h`",
            "${x:-$(i)}",
            "${x#$(j)}",
            "${x/$(k)/$(l)}",
            "${x:$(m):$(n)}",
            "${x[$(o)]}",
            "$(($(p)+1))",
            "<(q)",
            ">(r)",
            "x=",
            "y=1 ",
            "z[$(s)]=",
            "if t; then u; fi",
            "while v; do w; done",
            "for i in $(a); do $i; done",
            "f() { a; }",
            "f ",
            "case $(a) in $(b)) c;; esac",
            "[[ $(a) == b ]]",
            "(( $(a) ))",
            "eval ",
            "'d'",
            "{1,2}",
            "$x ",
            "\"$@\" ",
            "return",
            "exit",
            "break",
            "local ",
            "export ",
            "> $(a) ",
            "<<< $(b) ",
            "x=($(a) b) ",
            "unset ",
            "{a,$(b)}",
            "${x@P}",
            "${!x}",
            "${x^$(a)}",
            "${x:=$(b)}",
            "${x:+$(c)}",
            "${x:?$(d)}",
            "coproc a",
            "read ",
            "exec ",
            "trap 'a' EXIT",
            "~",
            "*",
            "@",
            "${@:$(a)}",
            "${y[@]/$(a)/b}",
            "declare -A m=([$(a)]=$(b))",
        ])
    }

    proptest! {
        #[test]
        fn every_simple_command_is_an_invocation(tokens in proptest::collection::vec(token(), 1..12)) {
            let text = tokens.concat();
            prop_assert_eq!(missed(&text), Vec::<String>::new(), "{}", text);
        }
    }

    #[test]
    fn commands_in_odd_places() {
        for text in [
            "echo ${x:+$(a)}; x=; echo ${x:+$(b)} ${y-$(c)}; y=1; echo ${y-$(d)} ${y:-${z:-$(e)}}",
            "x=1; echo ${x:=$(a)} ${x:?$(b)} ${#x[$(c)]} ${!x[$(d)]}",
            "set --; for i; do a; done; \"$@\"; echo ${@:$(b)} ${*#$(c)}",
            "false && a || b; case x in y) c;& z) d;;& *) e; esac",
            "exit; a; return; b; f() { return; c; }; f",
            "((0 && x[$(a)])); ((1 ? 2 : y[$(b)])); echo $((0 * z[$(c)]))",
            "[[ a == $(b) || -n $(c) && ! $(d) =~ $(e) ]]",
            "f() { g; }; g() { f; a; }; h() { h; b; }",
        ] {
            assert_eq!(missed(text), Vec::<String>::new(), "{text}");
        }
    }
}
