//! [`Invocation`] and knowledge to [`Call`]: which tool, which subcommand, which flags, and what
//! each word is for. Wrapped commands and nested sources are unwrapped here, by one queue: an
//! invocation found inside another is appended behind those that wait.

mod arguments;
mod assign;
mod call;
mod form;
mod input;
pub(crate) mod language;
mod lookup;
pub(crate) mod manifest;
mod matching;
mod obeyed;
mod reading;
mod split;
mod template;
mod texts;
mod tool_call;
mod trust;
mod unwrap;
mod variables;
mod variants;
mod walk;
mod written;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::{Language, Tool};

pub(crate) use call::{Argument, Call, Feed, FeedSource, Given, Marks, Standing, Unknown};
pub(crate) use trust::is_trusted_directory;

use crate::identify::arguments::Arguments;
use crate::identify::trust::Name;
use crate::knowledge::{Knowledge, KnownTool};
use crate::lower::{FileName, Invocation, InvocationId, Lead, Lowerer, Program, Resolution, Value};
use crate::shell::Span;

/// A program with all that is inside it found and understood.
#[derive(Debug)]
pub(crate) struct Identified<'a, 'k> {
    pub(crate) program: Program<'a>,
    /// In the order of the invocations; an invocation may have two.
    pub(crate) calls: BumpVec<'a, Call<'a, 'k>>,
}

impl<'a, 'k> Identified<'a, 'k> {
    /// The calls of one invocation.
    pub(crate) fn calls_of(&self, id: InvocationId) -> impl Iterator<Item = &Call<'a, 'k>> {
        let from = self.calls.partition_point(|call| call.invocation < id);
        self.calls.get(from..).unwrap_or_default().iter().take_while(move |call| call.invocation == id)
    }
}

/// The queue: invocations are understood in order, and what they wrap is appended.
pub(crate) struct Identifier<'a, 'k> {
    arena: &'a Bump,
    lowerer: Lowerer<'a>,
    knowledge: &'k Knowledge,
    calls: BumpVec<'a, Call<'a, 'k>>,
    /// The first invocation that nobody has looked at.
    next: usize,
    /// Calls that add their input to a command, with what they give to it.
    waiting: VecDeque<(usize, unwrap::Inner<'a>)>,
    /// Files that run, which the script may write itself.
    executions: Vec<written::Execution<'a>>,
    /// The modules among them.
    modules: BTreeSet<(Language, FileName)>,
    /// How often these were looked at.
    rounds: u32,
    /// The names of variables that mean something to each tool.
    names: BTreeMap<Option<*const Tool>, variables::Names<'a>>,
    /// The first call that was not asked whether it writes what will run by itself.
    asked: usize,
    /// How many files that were.
    places: u32,
    /// Contents of files that the caller gave.
    attachments: manifest::Attachments<'a>,
    /// Documents that are named, and nobody has looked at.
    named: Vec<manifest::Pending<'a, 'k>>,
    /// What the script writes to files, where documents are looked at.
    writes: Vec<manifest::Write<'a>>,
    /// The files that came up behind one document.
    visited: Vec<manifest::Visit>,
    /// The form of what comes through channels.
    forms: form::Forms,
}

impl<'a, 'k> Identifier<'a, 'k> {
    #[inline]
    pub(crate) fn new(
        arena: &'a Bump,
        lowerer: Lowerer<'a>,
        knowledge: &'k Knowledge,
        attachments: manifest::Attachments<'a>,
    ) -> Self {
        Self {
            arena,
            lowerer,
            knowledge,
            calls: BumpVec::new_in(arena),
            next: 0,
            waiting: VecDeque::new(),
            executions: Vec::new(),
            modules: BTreeSet::new(),
            names: BTreeMap::new(),
            rounds: 0,
            asked: 0,
            places: 0,
            attachments,
            named: Vec::new(),
            writes: Vec::new(),
            visited: Vec::new(),
            forms: form::Forms::default(),
        }
    }

    /// The request's own text or words go in through here.
    pub(crate) const fn lowerer(&mut self) -> &mut Lowerer<'a> {
        &mut self.lowerer
    }

    /// Understands everything there is and everything found on the way. The lowerer's fuel
    /// bounds how much that can be.
    pub(crate) fn run(mut self) -> Identified<'a, 'k> {
        self.calls.reserve(self.lowerer.program.invocations.len());
        loop {
            while let Some(&invocation) = self.lowerer.program.invocations.get(self.next) {
                let id = InvocationId(self.next as u32);
                self.next += 1;
                let invocation = self.settled(id, invocation);
                self.identify(id, invocation);
            }
            match self.waiting.pop_front() {
                Some((call, inner)) => self.append(call, inner),
                None if self.written_code() || self.documents() => {}
                None => break,
            }
        }
        self.settle_arithmetic();
        Identified { program: self.lowerer.program, calls: self.calls }
    }

    fn identify(&mut self, id: InvocationId, invocation: Invocation<'a>) {
        let Some(first) = invocation.words.first() else {
            let mut call = Call::new(self.arena, id, invocation.source, invocation.span, 0);
            self.variables(&mut call, &invocation);
            self.unwrap(&mut call, &invocation);
            self.calls.push(call);
            return;
        };
        self.constants(id, &invocation);
        let words = invocation.words.len();
        let mut call = Call::new(self.arena, id, invocation.source, first.span, words);
        if invocation.resolution == Resolution::Function {
            self.calls.push(call);
            return;
        }
        // A path below the home directory names its file, whatever the home is.
        let (home, word) = match (first.value, first.lead) {
            (Value::Partial { suffix, .. }, Lead::Home | Lead::OtherHome) if first.from.is_empty() => {
                (true, Some(suffix).filter(|path| path.first() == Some(&b'/')))
            }
            _ => (false, first.as_known()),
        };
        let Some(word) = word else {
            call.standing = Standing::Nameless;
            self.without(id, &invocation, 0);
            self.variables(&mut call, &invocation);
            self.unwrap(&mut call, &invocation);
            self.runs_itself(&call, &invocation);
            self.calls.push(call);
            return;
        };
        let mut name = Name::of(word);
        name.trusted &= !home;
        let mut tools = self.knowledge.named(name.base);
        if tools.iter().all(Option::is_none)
            && let Some(stem) = Name::without_version(name.base)
        {
            let versioned = |tool: &&KnownTool| tool.tool.versions;
            tools = self.knowledge.named(stem).map(|tool| tool.filter(versioned));
        }
        call.standing = match (tools.iter().flatten().next(), name.trusted) {
            (Some(_), true) => Standing::Known,
            (Some(_), false) => Standing::Elsewhere,
            (None, _) if name.path => Standing::File,
            (None, _) => Standing::Unknown,
        };
        // What stands there only if a word before it is not, is no program's name unless one is known.
        if call.standing == Standing::Unknown && invocation.context.vanished {
            return;
        }
        let standing = call.standing;
        let mut tools = tools.into_iter().flatten();
        match tools.next() {
            Some(tool) => self.call_of(tool, &mut call, &invocation),
            None => {
                self.variables(&mut call, &invocation);
                self.unwrap(&mut call, &invocation);
            }
        }
        self.runs_itself(&call, &invocation);
        self.calls.push(call);
        for tool in tools {
            let call = Call::new(self.arena, id, invocation.source, first.span, words);
            let mut call = Call { standing, ..call };
            self.call_of(tool, &mut call, &invocation);
            self.calls.push(call);
        }
    }

    fn call_of(&mut self, tool: &'k KnownTool, call: &mut Call<'a, 'k>, invocation: &Invocation<'a>) {
        call.tool = Some(tool);
        if let Some(read) = Arguments::read(self.knowledge, tool, invocation.words, call) {
            assign::assign(call, &read);
            if let Some(at) = read.unsettled {
                self.without(call.invocation, invocation, at);
            }
            if let Some(at) = read.swallows {
                self.without_flag(call.invocation, invocation, at);
            }
            if invocation.context.vanished {
                call.unknown.clear();
            } else {
                self.without_values(call, invocation, &read.vanishing);
            }
            // Last: what stands in place of the command's own effects does not unset a variable.
            self.variables(call, invocation);
            self.expanded(call, invocation);
        }
        if !call.external.is_empty() {
            let inner = self.inner(call, invocation);
            self.child(call, invocation, inner, call.external, invocation.stdin);
        }
        self.unwrap(call, invocation);
    }
}

/// From the first word's first byte to the last one's last.
fn span_of(words: &[crate::lower::Word<'_>]) -> Span {
    match (words.first(), words.last()) {
        (Some(first), Some(last)) => first.span.join(last.span),
        _ => Span::default(),
    }
}
