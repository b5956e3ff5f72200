//! An invocation understood through the knowledge base.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::{self as schema, Command, Flag, Language, Mark, Prints, Role, Scope};

use crate::identify::language::Found;
use crate::identify::manifest::{Manifest, Named};
use crate::knowledge::KnownTool;
use crate::lower::{ChannelId, InvocationId, Origin, SourceId, Word};
use crate::shell::Span;

/// One invocation with what is known of its tool. An embedder's tool that adds to a built-in one
/// gives a second call for the same invocation.
#[derive(Debug)]
pub(crate) struct Call<'a, 'k> {
    pub(crate) invocation: InvocationId,
    pub(crate) source: SourceId,
    pub(crate) standing: Standing,
    pub(crate) tool: Option<&'k KnownTool>,
    pub(crate) command: Option<&'k Command>,
    /// The words that name the tool and its subcommand.
    pub(crate) named: Span,
    /// The words of its subcommand, as they were given.
    pub(crate) path: &'a [&'a [u8]],
    /// Words with what the tool does with them.
    pub(crate) arguments: BumpVec<'a, Argument<'a, 'k>>,
    /// The words of the command it wraps, behind its operands; the first is an argument too.
    pub(crate) rest: &'a [Word<'a>],
    /// The words of the program that its subcommand is, where it is none of its own.
    pub(crate) external: &'a [Word<'a>],
    /// Flags in the order given.
    pub(crate) flags: BumpVec<'a, FlagUse<'a, 'k>>,
    /// Effects of the command, of its cases and flags, with the words that say so.
    pub(crate) effects: BumpVec<'a, (&'k schema::Effect, Span)>,
    /// Those of them that hold only if a word that cannot be known is what they ask for.
    pub(crate) possible: BumpVec<'a, &'k schema::Effect>,
    /// Whether what comes in on standard input goes out to a network.
    pub(crate) sends_input: bool,
    /// Whether a flag provably put harmless effects in place of the command's own.
    pub(crate) rehearsal: bool,
    /// The files whose names it prints, of a tool that walks directories.
    pub(crate) lists: &'a [Origin<'a>],
    /// What it provably prints.
    pub(crate) prints: Option<Prints>,
    /// Whether that holds beside every flag that was given.
    pub(crate) keeps_form: bool,
    /// Whether the script sets a variable that means something to it.
    pub(crate) influenced: bool,
    pub(crate) marks: Marks,
    /// Where stated effects land.
    pub(crate) scope: Scope,
    pub(crate) unknown: BumpVec<'a, (Unknown, Span)>,
    /// What programs in small languages would do.
    pub(crate) found: BumpVec<'a, LanguageAct<'a>>,
    /// Code that is taken from a stream.
    pub(crate) feeds: BumpVec<'a, Feed<'a>>,
    /// Flags that are not given, and stand for documents all the same.
    pub(crate) unnamed: BumpVec<'a, &'k Flag>,
    /// Documents it is given, with what they describe.
    pub(crate) manifests: BumpVec<'a, Manifest<'a, 'k>>,
    /// The files among them.
    pub(crate) documents: BumpVec<'a, Named<'a, 'k>>,
}

/// How far an invocation could be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The tool is known, and its name is trusted to be it.
    Known,
    /// The base name is that of a known tool, but the path is not where tools are.
    Elsewhere,
    /// No knowledge of that name; a bare name.
    Unknown,
    /// No knowledge, and a path to a file outside of the trusted directories.
    File,
    /// The command word cannot be known.
    Nameless,
    /// A function of the script, or no command at all: what it does is seen elsewhere.
    Nothing,
}

/// A word with what the tool does with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Argument<'a, 'k> {
    /// The operand's or flag's facet name.
    pub(crate) name: &'k str,
    pub(crate) role: &'k Role,
    pub(crate) word: Word<'a>,
    pub(crate) given: Given,
}

/// Where a word of a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Operand,
    /// The value of a flag.
    Flag,
    /// The value of an environment variable, which may mean nothing to this call.
    Variable,
}

/// A flag as it was given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlagUse<'a, 'k> {
    pub(crate) flag: &'k Flag,
    pub(crate) value: Option<Word<'a>>,
    /// The second value, of a flag that takes two.
    pub(crate) second: Option<Word<'a>>,
    /// The wrapped command's words, of a flag that takes a whole command.
    pub(crate) wrapped: &'a [Word<'a>],
    pub(crate) span: Span,
}

/// A piece of a call that could not be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// The subcommand is not in the tool's file.
    Subcommand(guardrail_schema::Risk),
    /// A flag that is not in the tool's file.
    Flag,
    /// A word that could be a flag, where one of the tool's flags raises the risk.
    MaybeFlag,
    /// A word that could become several, in front of one that decides what this does.
    Several,
    /// A word behind all those that the command takes.
    Operand,
    /// A `key=value` whose key is not listed.
    Key,
    /// Code that cannot be seen.
    Code,
}

/// Something a program in a small language would do.
#[derive(Clone, Debug)]
pub(crate) struct LanguageAct<'a> {
    pub(crate) language: Language,
    pub(crate) found: Found<'a>,
    pub(crate) span: Span,
}

/// Code that is taken from a stream or a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feed<'a> {
    pub(crate) language: Language,
    pub(crate) from: FeedSource<'a>,
    pub(crate) span: Span,
}

/// Where a [`Feed`] comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FeedSource<'a> {
    /// What other invocations write.
    Channel(ChannelId),
    /// A file given as standard input.
    File(Word<'a>),
    /// Whatever the caller has.
    Inherited,
    /// Text that cannot be known.
    Unknown,
}

/// A set of [`Mark`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks(u8);

impl Marks {
    pub(crate) fn insert(&mut self, mark: Mark) {
        self.0 |= 1 << mark as u8;
    }

    pub(crate) const fn has(self, mark: Mark) -> bool {
        self.0 & (1 << mark as u8) != 0
    }
}

impl<'a, 'k> Call<'a, 'k> {
    /// A call of which nothing is known yet. Most have no more than one effect for each word.
    #[inline]
    pub(crate) fn new(
        arena: &'a Bump,
        invocation: InvocationId,
        source: SourceId,
        named: Span,
        words: usize,
    ) -> Self {
        let room = words.min(8);
        Self {
            invocation,
            source,
            standing: Standing::Nothing,
            tool: None,
            command: None,
            named,
            path: &[],
            arguments: BumpVec::with_capacity_in(room, arena),
            rest: &[],
            external: &[],
            flags: BumpVec::with_capacity_in(room / 2, arena),
            effects: BumpVec::with_capacity_in(room.min(2), arena),
            possible: BumpVec::new_in(arena),
            sends_input: false,
            rehearsal: false,
            lists: &[],
            prints: None,
            keeps_form: false,
            influenced: false,
            marks: Marks::default(),
            scope: Scope::Local,
            unknown: BumpVec::new_in(arena),
            found: BumpVec::new_in(arena),
            feeds: BumpVec::new_in(arena),
            unnamed: BumpVec::new_in(arena),
            manifests: BumpVec::new_in(arena),
            documents: BumpVec::new_in(arena),
        }
    }

    /// The words given for a facet: an operand or a flag, by its name.
    pub(crate) fn facet<'c>(&'c self, name: &'c str) -> impl Iterator<Item = Word<'a>> + 'c {
        // Of a `key=value` the whole counts.
        let keyed = self.flags.iter().any(|used| used.flag.facet == name && !used.flag.keys.is_empty());
        let counts = move |argument: &&Argument<'a, 'k>| {
            argument.name == name && !(keyed && argument.given == Given::Flag)
        };
        let operands = self.arguments.iter().filter(counts).map(|a| a.word);
        let flags = self
            .flags
            .iter()
            .filter(move |used| used.flag.facet == name && used.flag.role.is_none())
            .filter_map(|used| used.value);
        operands.chain(flags)
    }

    /// Whether the operand was given, or the flag.
    pub(crate) fn has_facet(&self, name: &str) -> bool {
        self.arguments.iter().any(|argument| argument.name == name)
            || self.flags.iter().any(|used| used.flag.facet == name)
    }
}
