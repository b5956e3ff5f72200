//! What a script would start: invocations with decoded words, and the edges between them.
//!
//! All of it is borrowed from one arena that lives as long as one evaluation, so the types are
//! small and `Copy`, and nothing is freed one by one.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::shell::{Problem, Span};

/// The place of an [`Invocation`] in [`Program::invocations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvocationId(pub u32);

/// The place of a [`Source`] in [`Program::sources`]. `0` is the request itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// A stream that connects invocations: one pipe, one substitution, or one process substitution.
/// Every invocation whose `stdout` names it writes to it; every `stdin` or [`Origin`] that names
/// it reads from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u32);

/// A loop of the shell; every loop that is met has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoopId(pub u32);

/// A snapshot of variables: a node of a persistent list, newest binding first. `0` is the
/// environment that the request came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct EnvironmentId(pub u32);

/// Everything one request would start.
#[derive(Debug)]
pub struct Program<'a> {
    /// Every invocation found so far. Wrapped commands and nested sources are appended as they
    /// are discovered; for the order of the text see [`Program::in_source_order`].
    pub invocations: BumpVec<'a, Invocation<'a>>,
    /// Every text that was read as a program, the request's first.
    pub sources: BumpVec<'a, Source<'a>>,
    /// The innermost loop that each channel is opened in, by its id: once in every round.
    pub channels: BumpVec<'a, Option<LoopId>>,
    /// What the shell itself does beside starting invocations.
    pub notes: BumpVec<'a, Note>,
    /// What could not be read, with the source it stands in.
    pub problems: BumpVec<'a, (SourceId, Problem)>,
    /// A limit of the lowering was hit (with the place): the program is incomplete.
    pub exhausted: Option<(SourceId, Span)>,
    /// The invocations that stand in a text as simple commands, in the order found; the others
    /// were unwrapped from them.
    pub(crate) written: BumpVec<'a, InvocationId>,
}

/// One text that was read as a program.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The text its spans point into.
    pub text: &'a [u8],
    /// The invocation that would run it (`bash -c`, `eval`, `ssh`, ...), with the span of the
    /// word it came from, in that invocation's source.
    pub parent: Option<(InvocationId, Span)>,
    /// Sources inside sources up to here; the request itself is 0.
    pub layer: u32,
    /// The source it stands in, and where: also for text that the shell itself reads (backquotes,
    /// subscripts) and that so has no parent. `None` for the request.
    pub within: Option<(SourceId, Span)>,
}

/// One program (or builtin, or function) that would start.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// The argument vector; the first is the command word. Empty for bare assignments or
    /// redirections.
    pub words: &'a [Word<'a>],
    /// `NAME=value` before the words (only for this invocation), or bare (for the shell).
    pub assignments: &'a [Assignment<'a>],
    /// Its own redirections and those of the compound commands around it, outermost first.
    pub redirects: &'a [Redirect<'a>],
    /// The source its spans point into.
    pub source: SourceId,
    /// The whole simple command. For a wrapped command: its first to its last word.
    pub span: Span,
    /// The invocation it was unwrapped from: a wrapper, a function call, `bash -c`, `eval`.
    pub parent: Option<InvocationId>,
    /// Where its standard input comes from.
    pub stdin: Input<'a>,
    /// The channel its standard output goes to; `None` is the caller's.
    pub stdout: Option<ChannelId>,
    /// The variables it would see, prefix assignments included.
    pub environment: EnvironmentId,
    /// The working directory, as a path from the request's own: a known empty value is that
    /// directory itself; unknown after `cd "$x"`.
    pub directory: Word<'a>,
    /// What the command word names.
    pub resolution: Resolution,
    /// Where in the control flow it stands.
    pub context: Context,
    /// Where it runs, if a wrapper took it elsewhere (set by `identify`).
    pub place: Place,
}

/// What the command word of an [`Invocation`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Whatever `PATH` (or the slash in the word) finds.
    Program,
    /// A builtin of the shell.
    Builtin,
    /// A function of this script; its body follows as invocations of their own.
    Function,
    /// Nothing: bare assignments or redirections.
    Nothing,
}

/// Where in the control flow an [`Invocation`] stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// After `&&` or `||`, in a branch, an arm, or a loop body: may not run.
    pub conditional: bool,
    /// The innermost loop whose body it stands in: may run more than once.
    pub in_loop: Option<LoopId>,
    /// Sent to the background.
    pub background: bool,
    /// In a function body that nothing in this script calls.
    pub uncalled: bool,
    /// In a handler that runs later: `trap`, an alias.
    pub deferred: bool,
    /// What another invocation becomes if its unknown words are certain constants.
    pub possible: bool,
    /// Words that are most likely there are thought away.
    pub vanished: bool,
    /// A `cd` before it may have failed where the request stands, and then it runs there.
    pub stayed: bool,
}

impl Context {
    /// What the request itself stands in: nothing.
    pub(crate) const OF_THE_REQUEST: Self = Self {
        conditional: false,
        in_loop: None,
        background: false,
        uncalled: false,
        deferred: false,
        possible: false,
        vanished: false,
        stayed: false,
    };
}

/// Where an invocation runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// On this machine, in this file system.
    #[default]
    Here,
    /// In a container or a chroot: other files, perhaps with mounts of ours.
    Container,
    /// On another machine.
    Remote,
}

/// Where standard input comes from.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Whatever the caller has.
    Inherited,
    /// Nothing (`<&-`, `< /dev/null`).
    Empty,
    /// What other invocations write.
    Channel(ChannelId),
    /// A here-document or here-string.
    Text(Word<'a>),
    /// A file; the redirect's target.
    File(Word<'a>),
}

/// One decoded word.
#[derive(Clone, Copy, Debug)]
pub struct Word<'a> {
    /// What it would be when the program starts.
    pub value: Value<'a>,
    /// Where it was written, in the source of its invocation.
    pub span: Span,
    /// What the value leads with, where that is a place rather than text.
    pub lead: Lead,
    /// Unquoted expansion: it may become no word, or several.
    pub splits: bool,
    /// Unquoted glob: the pattern as decoded; it may become many words, each matching it.
    pub pattern: Option<&'a [u8]>,
    /// What flowed into the unknown pieces. Empty for constants.
    pub from: &'a [Origin<'a>],
    /// Each unknown piece is one of several constants of the script, none of which is empty,
    /// begins with `-` or holds a blank or a glob (`$x` in `for x in dev test`).
    pub choice: bool,
    /// Constants of the script that the whole word may be, where it cannot be known. Not all it
    /// may be: each is judged beside the unknown, never in its place.
    pub maybe: &'a [&'a [u8]],
    /// What its unknown pieces are made of.
    pub outputs: Outputs,
    /// What is known of its unknown pieces, though not their values.
    pub form: Form,
}

/// What is known of what no value is known of. Each holds what stands before it as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Nothing.
    #[default]
    Any,
    /// Nothing that the word may become begins with `-`, be it one word, several or none.
    Tame,
    /// Words of letters, digits and `._~^-/:@`, each piece of which between `/`, `:` and `@` begins with a letter or a
    /// digit; or nothing.
    Ids,
    /// A number, or nothing. One below zero begins with `-`, and is then a flag of digits alone.
    Digits,
}

/// What the unknown pieces of a [`Word`] are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outputs {
    /// Anything.
    #[default]
    Mixed,
    /// Nothing but what comes through the channels in [`Word::from`]; the text beside it holds nothing that a
    /// shell would change, and no flag begins with it. So where no word that comes through them begins with a dash, no
    /// word of this one does.
    Words,
    /// The same, and each piece is one of the words that come through, never none.
    Piece,
    /// The first word of a line that comes through, or nothing.
    First,
    /// Nothing but numbers that the shell itself works out.
    Numbers,
    /// A variable that the request does not set, as it stands.
    Own,
    /// The name of the pipe of a process substitution.
    Pipe,
}

/// What a word would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Exactly this.
    Known(&'a [u8]),
    /// It starts and ends like this; what lies between is unknown and may be empty.
    Partial {
        /// The known beginning.
        prefix: &'a [u8],
        /// The known end.
        suffix: &'a [u8],
    },
    /// Anything.
    Unknown,
}

/// What a [`Word`] leads with. For anything but `Text` the value is `Partial` with an empty
/// prefix, and the suffix is what follows the place (`/x` in `~/x`), if that is all there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lead {
    /// Nothing but its own text.
    #[default]
    Text,
    /// `~` or `$HOME`, where the home directory is not among the facts.
    Home,
    /// `~user`.
    OtherHome,
    /// `$PWD` or `~+`, where it is not among the facts.
    WorkingDirectory,
}

/// What flowed into a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// The output of other invocations.
    Channel(ChannelId),
    /// A variable that this script does not set to a constant.
    Variable(&'a [u8]),
    /// What a builtin such as `read` took from its input, or a positional parameter.
    Input,
    /// The names of files that a glob matches: what the pattern leads with, and its text. Also
    /// paths of which nothing but this is kept, one on each line.
    Files(Lead, &'a [u8]),
}

/// `NAME=value`.
#[derive(Clone, Copy, Debug)]
pub struct Assignment<'a> {
    /// The variable.
    pub name: &'a [u8],
    /// The value.
    pub value: Word<'a>,
    /// Whether programs started from here on see it (a prefix, `export`, `declare -x`).
    pub exported: bool,
    /// Name and value.
    pub span: Span,
}

/// A redirection, lowered.
#[derive(Clone, Copy, Debug)]
pub struct Redirect<'a> {
    /// What it does.
    pub kind: RedirectKind,
    /// The descriptor; the operator's default where none was written. `None` for `{name}>`.
    pub descriptor: Option<u32>,
    /// Whether standard output and standard error both go there (`&>`, `>& file`).
    pub both: bool,
    /// The file, or the text of a here-document or here-string.
    pub target: Word<'a>,
    /// The source it stands in: not always that of the invocation, since what `eval` runs writes
    /// where the group around `eval` does.
    pub source: SourceId,
    /// As written.
    pub span: Span,
}

impl<'a> Redirect<'a> {
    /// The file that it names, and each that it may be.
    pub(crate) fn targets(&self) -> impl Iterator<Item = Word<'a>> + use<'a> {
        let span = self.target.span;
        let maybe = self.target.maybe.iter().map(move |text| Word::known(text, span));
        std::iter::once(self.target).chain(maybe)
    }
}

impl RedirectKind {
    /// Whether it opens a file in which something may then be written.
    pub(crate) const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::Append | Self::ReadWrite)
    }
}

/// What a [`Redirect`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectKind {
    /// Opens a file to read.
    Read,
    /// Creates or truncates a file.
    Write,
    /// Creates or appends to a file.
    Append,
    /// Opens a file for both, creating it.
    ReadWrite,
    /// Copies, moves or closes a descriptor: no file is touched.
    Descriptor,
    /// A here-document or here-string.
    Text,
}

/// Something the shell itself does that matters beside the invocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// What.
    pub kind: NoteKind,
    /// The source the span points into.
    pub source: SourceId,
    /// Where.
    pub span: Span,
    /// The invocation it belongs to, where there is one.
    pub invocation: Option<InvocationId>,
    /// The stream that the value comes from, where all of it comes from that one.
    pub channel: Option<ChannelId>,
}

/// What a [`Note`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// Text that is run as a program and cannot be known (`eval "$x"`, a subscript, `trap "$x"`).
    OpaqueCode,
    /// `${x@P}`: a value that cannot be known is expanded as a prompt, and so may execute.
    PromptExpansion,
    /// A value that cannot be known is evaluated as arithmetic, whose subscripts may execute.
    OpaqueArithmetic,
    /// A variable whose name says that it holds a secret is expanded where output or another
    /// program receives it. The span is of the expansion.
    SecretVariable,
    /// Sources inside sources deeper than the limit.
    TooManyLayers,
    /// A function that starts itself in processes of their own, without end. The span is of the function.
    Multiplies,
}

impl<'a> Word<'a> {
    /// A constant.
    #[must_use]
    pub const fn known(value: &'a [u8], span: Span) -> Self {
        Self {
            value: Value::Known(value),
            span,
            lead: Lead::Text,
            splits: false,
            pattern: None,
            from: &[],
            choice: false,
            maybe: &[],
            outputs: Outputs::Mixed,
            form: Form::Any,
        }
    }

    /// A word nothing is known of.
    #[must_use]
    pub const fn unknown(span: Span) -> Self {
        Self {
            value: Value::Unknown,
            span,
            lead: Lead::Text,
            splits: false,
            pattern: None,
            from: &[],
            choice: false,
            maybe: &[],
            outputs: Outputs::Mixed,
            form: Form::Any,
        }
    }

    /// For what is cut out of a word: nothing is known of how it begins.
    pub(crate) const fn part(word: Self) -> Self {
        Self { outputs: Outputs::Mixed, form: Form::Any, ..word }
    }

    /// The exact value, where it is one.
    #[must_use]
    pub const fn as_known(&self) -> Option<&'a [u8]> {
        match self.value {
            Value::Known(value) => Some(value),
            _ => None,
        }
    }

    /// It names the pipe of a process substitution and nothing else, as no text with something unknown in it does.
    #[must_use]
    pub fn is_pipe(&self) -> bool {
        self.outputs == Outputs::Pipe
    }

    /// What it is known to begin with; empty where nothing is.
    #[must_use]
    pub const fn prefix(&self) -> &'a [u8] {
        match self.value {
            Value::Known(value) => value,
            Value::Partial { prefix, .. } => prefix,
            Value::Unknown => &[],
        }
    }

    /// What it is known to end with; empty where nothing is.
    pub(crate) const fn suffix(&self) -> &'a [u8] {
        match self.value {
            Value::Known(value) => value,
            Value::Partial { suffix, .. } => suffix,
            Value::Unknown => &[],
        }
    }

    /// The scheme that stands before `://`, where it is no path but an address.
    pub(crate) fn scheme(&self) -> Option<&'a [u8]> {
        let text = self.prefix();
        let scheme = text.windows(3).position(|part| part == b"://").and_then(|at| text.get(..at))?;
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.:".contains(byte);
        (!scheme.is_empty() && scheme.iter().all(plain)).then_some(scheme)
    }

    /// Whether nothing flowed into it but variables of the caller's.
    pub(crate) fn is_of_variables(&self) -> bool {
        self.from.iter().all(|origin| matches!(origin, Origin::Variable(_)))
    }

    /// Whether nothing that it may become begins with `-`.
    pub(crate) const fn is_tame(&self) -> bool {
        !matches!(self.form, Form::Any)
    }

    /// Whether it is a variable of the caller's that holds an address by its name, with nothing in front of it.
    pub(crate) const fn begins_with_own_address(&self) -> bool {
        matches!((self.form, self.from), (Form::Tame, [Origin::Variable(_)]))
    }

    /// Whether it is nothing but that.
    pub(crate) const fn is_own_address(&self) -> bool {
        self.begins_with_own_address() && matches!(self.value, Value::Unknown)
    }

    /// Whether it could begin with `-` once it is known. A word that may vanish or split could
    /// put another in its place.
    #[must_use]
    pub fn may_be_flag(&self) -> bool {
        match self.value {
            Value::Known(value) => value.first() == Some(&b'-'),
            _ if self.lead != Lead::Text => false,
            _ if self.choice => self.prefix().first() == Some(&b'-'),
            Value::Partial { prefix, .. } => {
                prefix.first().is_none_or(|&b| b == b'-') || (self.splits && self.pattern.is_none())
            }
            Value::Unknown => true,
        }
    }
}

impl<'a> Program<'a> {
    /// A program of nothing.
    #[must_use]
    pub fn new(arena: &'a Bump) -> Self {
        Self {
            // Most requests are a command or two.
            invocations: BumpVec::with_capacity_in(4, arena),
            sources: BumpVec::with_capacity_in(2, arena),
            channels: BumpVec::new_in(arena),
            notes: BumpVec::new_in(arena),
            problems: BumpVec::new_in(arena),
            exhausted: None,
            written: BumpVec::with_capacity_in(4, arena),
        }
    }

    /// An invocation by its id. `None` only for an id of another program.
    #[must_use]
    pub fn invocation(&self, id: InvocationId) -> Option<&Invocation<'a>> {
        self.invocations.get(id.0 as usize)
    }

    /// A source by its id. `None` only for an id of another program.
    #[must_use]
    pub fn source(&self, id: SourceId) -> Option<&Source<'a>> {
        self.sources.get(id.0 as usize)
    }
}
