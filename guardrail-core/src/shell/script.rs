//! The parsed shell program: an arena of commands, words and parts, each with its byte span.
//!
//! Everything lives in flat vectors and refers to its children by [`Slice`] (a run of
//! neighbours) or [`CommandId`], so dropping, cloning or walking a hostile tree never recurses
//! deeper than [`Limits::depth`](crate::Limits). Nothing here is decoded: a part says where the
//! text is and how it is quoted; `lower` decides what it means.

use std::marker::PhantomData;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::shell::{Problem, Span};

/// A run of neighbours in one arena of a [`Script`].
#[derive(Debug)]
pub struct Slice<T> {
    pub(crate) start: u32,
    pub(crate) len: u32,
    pub(crate) of: PhantomData<fn() -> T>,
}

impl<T> Slice<T> {
    /// The empty run.
    pub const EMPTY: Self = Self { start: 0, len: 0, of: PhantomData };

    /// How many elements there are.
    #[must_use]
    pub const fn len(self) -> usize {
        self.len as usize
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }
}

impl<T> Clone for Slice<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Slice<T> {}

/// The place of a [`Command`] in its script's arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommandId(pub(crate) u32);

/// The place of a [`Parameter`] in its script's arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterId(pub(crate) u32);

/// The place of a nested [`Script`]: a backquoted substitution's body without its backslashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NestedId(pub(crate) u32);

/// A parsed program: its text, its arenas, and what could not be accepted.
#[derive(Debug)]
pub struct Script<'s> {
    pub(crate) text: &'s [u8],
    pub(crate) body: Slice<Item>,
    pub(crate) commands: BumpVec<'s, Command>,
    pub(crate) items: BumpVec<'s, Item>,
    pub(crate) stages: BumpVec<'s, Stage>,
    pub(crate) arms: BumpVec<'s, Arm>,
    pub(crate) branches: BumpVec<'s, Branch>,
    pub(crate) words: BumpVec<'s, Word>,
    pub(crate) parts: BumpVec<'s, Part>,
    pub(crate) assignments: BumpVec<'s, Assignment>,
    pub(crate) redirects: BumpVec<'s, Redirect>,
    pub(crate) parameters: BumpVec<'s, Parameter>,
    pub(crate) nested: BumpVec<'s, Script<'s>>,
    pub(crate) problems: BumpVec<'s, Problem>,
}

impl<T> Default for Slice<T> {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// One entry of a list: a command, how it hangs on the one before it, and whether it is sent to
/// the background.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// What runs.
    pub command: CommandId,
    /// Its relation to the entry before.
    pub join: Join,
    /// Whether the and-or list it belongs to ends in `&`.
    pub background: bool,
}

/// How an [`Item`] hangs on the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// First, or after `;`, `&` or a newline: runs whatever came before.
    Sequence,
    /// After `&&`.
    And,
    /// After `||`.
    Or,
}

/// One stage of a [`CommandKind::Pipeline`].
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// What runs.
    pub command: CommandId,
    /// Whether the pipe behind it was spelled `|&` and so carries standard error too.
    pub stderr: bool,
}

/// A command of any kind, with its redirections.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// What it is.
    pub kind: CommandKind,
    /// Its redirections, in the order written.
    pub redirects: Slice<Redirect>,
    /// From its first byte to its last, redirections included (here-doc bodies are not).
    pub span: Span,
}

/// What a [`Command`] is.
#[derive(Clone, Copy, Debug)]
pub enum CommandKind {
    /// `NAME=value ... word word ...`; either may be missing.
    Simple {
        /// The assignments before the first word.
        assignments: Slice<Assignment>,
        /// The words; the first is the command word.
        words: Slice<Word>,
    },
    /// Two stages or more, or one with `!` or `time` before it (or none at all: a bare `!`).
    Pipeline {
        /// The commands between the `|`.
        stages: Slice<Stage>,
        /// An odd number of `!`.
        negated: bool,
        /// `time` or `time -p`.
        timed: bool,
    },
    /// `( list )`.
    Subshell(Slice<Item>),
    /// `{ list; }`.
    Group(Slice<Item>),
    /// `if`/`elif`/`else`: each condition with its body, and the last body.
    If {
        /// The conditions with what runs when they hold.
        branches: Slice<Branch>,
        /// What runs when none does.
        otherwise: Option<Slice<Item>>,
    },
    /// `while` and `until`.
    While {
        /// Whether it was spelled `until`.
        until: bool,
        /// The condition list.
        condition: Slice<Item>,
        /// The loop body.
        body: Slice<Item>,
    },
    /// `for NAME in words; do ...` and `select NAME in words; do ...`.
    For {
        /// Whether it was spelled `select`.
        select: bool,
        /// The loop variable.
        name: Word,
        /// The words after `in`; `None` means `"$@"`.
        words: Option<Slice<Word>>,
        /// The loop body.
        body: Slice<Item>,
    },
    /// `for ((a; b; c)); do ...`; each expression is arithmetic text with its expansions.
    ArithmeticFor {
        /// Start, condition, step.
        expressions: [Slice<Part>; 3],
        /// The loop body.
        body: Slice<Item>,
    },
    /// `case word in ... esac`.
    Case {
        /// What is matched.
        word: Word,
        /// The arms, in order.
        arms: Slice<Arm>,
    },
    /// `name() body` or `function name body`.
    Function {
        /// The function's name.
        name: Word,
        /// Its body: any compound command.
        body: CommandId,
    },
    /// `coproc [NAME] command`.
    Coproc {
        /// The name, where one was given.
        name: Option<Word>,
        /// What runs.
        body: CommandId,
    },
    /// `[[ ... ]]`: operands and operators (`&&`, `||`, `!`, `(`, `)`, `<`, `=~`, ...) as words, in order.
    Test(Slice<Word>),
    /// `(( ... ))`: arithmetic text with its expansions.
    Arithmetic(Slice<Part>),
}

/// A condition with what runs when it holds.
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    /// The condition list.
    pub condition: Slice<Item>,
    /// What runs when it succeeds.
    pub body: Slice<Item>,
}

/// One arm of a `case`.
#[derive(Clone, Copy, Debug)]
pub struct Arm {
    /// The patterns between `|`.
    pub patterns: Slice<Word>,
    /// What runs.
    pub body: Slice<Item>,
    /// How it ends.
    pub end: ArmEnd,
}

/// How a `case` arm ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArmEnd {
    /// `;;` (or the last arm without one).
    Break,
    /// `;&`: runs the next body as well.
    FallThrough,
    /// `;;&`: goes on testing the next patterns.
    Continue,
}

/// `NAME=value`, `NAME+=value`, `NAME[subscript]=value`, `NAME=(...)`.
#[derive(Clone, Copy, Debug)]
pub struct Assignment {
    /// The name alone.
    pub name: Span,
    /// The text between `[` and `]`, which is arithmetic and so can execute.
    pub subscript: Option<Slice<Part>>,
    /// Whether it was spelled `+=`.
    pub append: bool,
    /// The value; an array is a word with one [`Part::Array`].
    pub value: Word,
    /// From the name to the end of the value.
    pub span: Span,
}

/// One redirection.
#[derive(Clone, Copy, Debug)]
pub struct Redirect {
    /// The operator.
    pub operator: RedirectOperator,
    /// What is redirected: a number, a `{variable}`, or nothing (the operator's default).
    pub descriptor: Descriptor,
    /// The file, the descriptor to copy (`1`, `-`, `3-`), the here-string, or the body of the here-document.
    pub target: Word,
    /// From the descriptor to the end of the target (of the delimiter for a here-document).
    pub span: Span,
}

/// The left side of a redirection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descriptor {
    /// None written.
    Default,
    /// A number, as in `2>`. Larger than any real one reads as `u32::MAX`.
    Number(u32),
    /// `{name}>`: the shell stores a new descriptor in the variable.
    Variable(Span),
}

/// The operator of a redirection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectOperator {
    /// `<`
    Input,
    /// `>`
    Output,
    /// `>|`
    Clobber,
    /// `>>`
    Append,
    /// `<>`
    ReadWrite,
    /// `<&`
    DuplicateInput,
    /// `>&` (a file name behind it means both output and error)
    DuplicateOutput,
    /// `&>`
    OutputAndError,
    /// `&>>`
    AppendOutputAndError,
    /// `<<` and `<<-`
    HereDocument {
        /// Whether the delimiter was quoted, which makes the body literal.
        quoted: bool,
        /// Whether it was `<<-`: leading tabs are not part of the body (its parts skip them).
        strip: bool,
        /// The delimiter as written, quotes included.
        delimiter: Span,
    },
    /// `<<<`
    HereString,
}

/// A shell word: a run of parts without unquoted blanks between them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Word {
    /// Its parts, in order. None for an empty array value or an empty here-document.
    pub parts: Slice<Part>,
    /// From its first byte to its last, quotes included.
    pub span: Span,
}

/// A piece of a [`Word`] (or of arithmetic, a here-document body, a parameter's argument).
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// Unquoted text. May hold glob characters, braces, a tilde. Contains no backslash,
    /// quote, `$` that expands, or line continuation.
    /// In double quotes, here-documents and arithmetic it is plain text.
    Literal(Span),
    /// The one character (not byte) a backslash protects; the span is of that character alone.
    Escaped(Span),
    /// `'...'`: the span is of what is inside the quotes.
    SingleQuoted(Span),
    /// `$'...'`: the span is of what is inside the quotes, escapes undecoded.
    AnsiQuoted(Span),
    /// `"..."` or `$"..."`.
    DoubleQuoted {
        /// What is inside.
        parts: Slice<Part>,
        /// Whether it was spelled `$"`: translated by the locale, so only probably its own text.
        locale: bool,
        /// Quotes included.
        span: Span,
    },
    /// `$name`, `$1`, `$?`, `${...}`.
    Parameter(ParameterId),
    /// `$( list )`, `${ list; }`, `${| list; }`, or a backquoted list that needed no unescaping.
    CommandSubstitution {
        /// What runs.
        body: Slice<Item>,
        /// How it was spelled.
        style: SubstitutionStyle,
        /// Delimiters included.
        span: Span,
    },
    /// A backquoted list with backslashes in it: its unescaped text is a script of its own.
    Backquoted {
        /// The script.
        script: NestedId,
        /// Backquotes included.
        span: Span,
    },
    /// `<( list )` or `>( list )`.
    ProcessSubstitution {
        /// What runs.
        body: Slice<Item>,
        /// Whether the list reads what is written to the name (`>(`).
        output: bool,
        /// Delimiters included.
        span: Span,
    },
    /// `$(( ... ))` or `$[ ... ]`: arithmetic text with its expansions.
    Arithmetic {
        /// What is inside.
        parts: Slice<Part>,
        /// Whether it was spelled `$[`.
        bracket: bool,
        /// Delimiters included.
        span: Span,
    },
    /// `@(a|b)`, `!(a)`, `+(a)`, `*(a)`, `?(a)`.
    ExtendedGlob {
        /// `@`, `!`, `+`, `*` or `?`.
        operator: u8,
        /// What is inside, `|` as literal text.
        parts: Slice<Part>,
        /// Operator and parentheses included.
        span: Span,
    },
    /// `(a b [k]=v)` as the value of an assignment or of a declaration builtin's argument.
    Array {
        /// The elements.
        words: Slice<Word>,
        /// Parentheses included.
        span: Span,
    },
    /// Text that should have been a program but could not be read; a problem says why.
    Opaque(Span),
}

/// How a command substitution was spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubstitutionStyle {
    /// `$( )`
    Dollar,
    /// `` ` ` ``
    Backquote,
    /// `${ ; }` (bash 5.3): runs in the current shell.
    Funsub,
    /// `${| ; }` (bash 5.3): the value is `REPLY`.
    Valsub,
}

/// A parameter expansion.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The name, digits or special character (`@ * # ? - $ ! 0`). Empty for `${}`.
    pub name: Span,
    /// `${!name}`: the value names another variable.
    pub indirect: bool,
    /// The text between `[` and `]`, arithmetic for indexed arrays (and so executed).
    pub subscript: Option<Slice<Part>>,
    /// What is done with the value.
    pub operator: ParameterOperator,
    /// The operator's arguments as words (default; pattern and replacement; offset and length).
    pub arguments: [Slice<Part>; 2],
    /// From `$` to the end.
    pub span: Span,
}

/// What a [`Parameter`] does with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterOperator {
    /// `$x`, `${x}`
    Plain,
    /// `${#x}`
    Length,
    /// `${x-w}`, with `:` before it where `colon`
    Default {
        /// Whether an empty value counts as missing.
        colon: bool,
    },
    /// `${x=w}`
    Assign {
        /// Whether an empty value counts as missing.
        colon: bool,
    },
    /// `${x?w}`
    Error {
        /// Whether an empty value counts as missing.
        colon: bool,
    },
    /// `${x+w}`
    Alternate {
        /// Whether an empty value counts as missing.
        colon: bool,
    },
    /// `${x#p}`, `${x##p}`
    RemovePrefix {
        /// `##`
        longest: bool,
    },
    /// `${x%p}`, `${x%%p}`
    RemoveSuffix {
        /// `%%`
        longest: bool,
    },
    /// `${x/p/r}`, `${x//p/r}`, `${x/#p/r}`, `${x/%p/r}`
    Replace {
        /// `/` (first), `#` (prefix), `%` (suffix) or `a` (`//`: all)
        which: u8,
    },
    /// `${x:offset}`, `${x:offset:length}`: both arithmetic, and so executed.
    Substring,
    /// `${x^p}`, `${x^^p}`, `${x,p}`, `${x,,p}`, `${x~p}`, `${x~~p}`
    Case {
        /// `^`, `,` or `~`
        which: u8,
        /// Doubled
        all: bool,
    },
    /// `${x@P}` and its kin: `P` expands the value as a prompt and so can execute it.
    Transform(u8),
    /// `${!x*}`, `${!x@}`: names of variables.
    Names,
    /// `${!x[@]}`, `${!x[*]}`: keys of an array.
    Keys,
    /// Accepted by `bash -n`, but an error (or unknown) when it runs.
    Bad,
}

macro_rules! arenas {
    ($($name:ident: $field:ident, $item:ty, $doc:literal;)*) => {
        impl Script<'_> {
            $(
                #[doc = $doc]
                #[must_use]
                #[inline]
                pub fn $name(&self, slice: Slice<$item>) -> &[$item] {
                    let start = slice.start as usize;
                    self.$field.get(start..start + slice.len as usize).unwrap_or_default()
                }
            )*
        }
    };
}

arenas! {
    list: items, Item, "The entries of a list.";
    stages: stages, Stage, "The stages of a pipeline.";
    arms: arms, Arm, "The arms of a `case`.";
    branches: branches, Branch, "The branches of an `if`.";
    words: words, Word, "A run of words.";
    parts: parts, Part, "The parts of a word.";
    assignments: assignments, Assignment, "The assignments of a simple command.";
    redirects: redirects, Redirect, "The redirections of a command.";
}

impl<'s> Script<'s> {
    /// A script of nothing, with room for what most texts of this length hold.
    pub(crate) fn new(arena: &'s Bump, text: &'s [u8], words: usize) -> Self {
        Self {
            text,
            body: Slice::EMPTY,
            commands: BumpVec::with_capacity_in(4, arena),
            items: BumpVec::with_capacity_in(4, arena),
            stages: BumpVec::with_capacity_in(4, arena),
            arms: BumpVec::new_in(arena),
            branches: BumpVec::new_in(arena),
            words: BumpVec::with_capacity_in(words, arena),
            parts: BumpVec::with_capacity_in(words, arena),
            assignments: BumpVec::new_in(arena),
            redirects: BumpVec::new_in(arena),
            parameters: BumpVec::new_in(arena),
            nested: BumpVec::new_in(arena),
            problems: BumpVec::new_in(arena),
        }
    }

    /// The text the spans point into.
    #[must_use]
    pub const fn text(&self) -> &'s [u8] {
        self.text
    }

    /// The program: its top-level list.
    #[must_use]
    pub fn body(&self) -> &[Item] {
        self.list(self.body)
    }

    /// What could not be accepted, in the order found. Empty means that the whole text was read.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// A command of this script. `None` only for an id of another script.
    #[must_use]
    #[inline]
    pub fn command(&self, id: CommandId) -> Option<&Command> {
        self.commands.get(id.0 as usize)
    }

    /// A parameter expansion of this script. `None` only for an id of another script.
    #[must_use]
    #[inline]
    pub fn parameter(&self, id: ParameterId) -> Option<&Parameter> {
        self.parameters.get(id.0 as usize)
    }

    /// A nested script of this script. `None` only for an id of another script.
    #[must_use]
    pub fn nested(&self, id: NestedId) -> Option<&Script<'s>> {
        self.nested.get(id.0 as usize)
    }
}
