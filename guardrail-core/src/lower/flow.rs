//! Control flow: lists, pipelines, branches and loops, and what each leaves of the state.

use crate::lower::environment;
use crate::lower::expand::Mode;
use crate::lower::join::Ends;
use crate::lower::lowerer::{Lowerer, State, Unit};
use crate::lower::{Input, Lead, Origin, Outputs, Resolution, Value, Word};
use crate::shell::{
    self, Arm, ArmEnd, Branch, Command, CommandId, CommandKind, Item, Join, Part, Slice, Span, Stage,
};

/// How many constants a `for` is followed through one by one.
const ROUNDS: usize = 8;

impl<'a> Lowerer<'a> {
    pub(super) fn list(&mut self, unit: Unit<'_, 'a>, items: &[Item]) {
        let Some(first) = items.first() else { return };
        let span = unit.script.command(first.command).map_or(Span::default(), |command| command.span);
        if !self.enter(unit.source, span) {
            return;
        }
        // Whatever the list hangs on, what is in it has no invocation around its words.
        let mut rest = items;
        while let Some(head) = rest.first() {
            let tail = rest.get(1..).unwrap_or_default();
            let more = tail.iter().take_while(|item| item.join != Join::Sequence).count();
            let (chain, behind) = rest.split_at(more + 1);
            if head.background {
                self.leave_shell();
                self.around.context.background = true;
                self.chain(unit, chain);
                self.enter_shell();
            } else if let [item] = chain {
                let before = self.state;
                self.command(unit, item.command);
                if !same_place(&before.directory, &self.state.directory) {
                    self.may_have_stayed(&before, self.state.strict);
                }
            } else {
                self.chain(unit, chain);
            }
            rest = behind;
            if self.program.exhausted.is_some() {
                break;
            }
        }
        self.leave();
    }

    /// `a && b || c`: each part after the first may not run. What stands behind `&&` runs where
    /// all before it succeeded, what stands behind `||` where it failed.
    fn chain(&mut self, unit: Unit<'_, 'a>, chain: &[Item]) {
        let conditional = self.around.context.conditional;
        let base = self.state;
        let (mut succeeded, mut failed) = (Ends::one(base), Ends::one(base));
        // Whether everything so far is taken to succeed.
        let mut assured = true;
        let mut last_assured = true;
        for item in chain {
            if self.program.exhausted.is_some() {
                break;
            }
            match item.join {
                Join::Sequence => {}
                Join::And => self.state = self.state_at(&base, &succeeded),
                Join::Or => self.state = self.state_at(&base, &failed),
            }
            if item.join != Join::Sequence {
                self.around.context.conditional = true;
                self.state.dead = false;
            }
            let (before, stayed) = (self.state.directory, self.state.stayed);
            let invocations = self.program.invocations.len();
            let entered = std::mem::take(&mut self.entered);
            self.command(unit, item.command);
            let end = self.state;
            let simple = self.only_moves(invocations);
            let directory = match (simple, self.entered.is_empty() && same_place(&before, &end.directory)) {
                (_, true) => end.directory,
                (true, false) => before,
                // Where it failed, it had gone as far as anybody knows.
                (false, false) => {
                    let either = self.either_directory(&before, &end.directory);
                    let from = environment::union(self.arena, either.from, self.entered);
                    Word { from, ..Word::unknown(end.directory.span) }
                }
            };
            self.entered = environment::union(self.arena, entered, self.entered);
            let failed_here = State { directory, stayed: stayed || end.stayed, ..end };
            last_assured = assured && item.join != Join::Or;
            match item.join {
                Join::Sequence => (succeeded, failed) = (Ends::one(end), Ends::one(failed_here)),
                Join::And => {
                    succeeded = Ends::one(end);
                    failed.add(failed_here);
                }
                Join::Or => {
                    succeeded.add(end);
                    failed = Ends::one(failed_here);
                }
            }
            let alone = self.program.invocations.len() == invocations + 1;
            assured &= item.join != Join::Or && alone && self.is_assured(invocations);
        }
        self.state = self.state_at(&base, &succeeded);
        if !last_assured {
            let failed = self.state_at(&base, &failed);
            self.state = self.join(&base, &[self.state, failed]);
        } else if !same_place(&base.directory, &self.state.directory) {
            let failed = self.state_at(&base, &failed);
            // Not even `set -e` ends where another than the last one fails.
            self.may_have_stayed(&failed, false);
        }
        self.around.context.conditional = conditional;
    }

    /// Whether the invocation is one whose success nobody doubts, such as `cd` or an assignment.
    fn is_assured(&self, invocation: usize) -> bool {
        self.program.invocations.get(invocation).is_some_and(|invocation| match invocation.words.first() {
            None => invocation.redirects.len() == self.around.redirects.len(),
            Some(word) => matches!(
                word.as_known(),
                Some(b"cd" | b"pushd" | b"popd" | b"export" | b"declare" | b"set" | b":" | b"true")
            ),
        })
    }

    /// Whether an invocation goes to a directory or fails, and does nothing else.
    fn only_moves(&self, invocation: usize) -> bool {
        self.program.invocations.get(invocation..).is_some_and(|since| match since.first() {
            Some(first) if first.resolution == Resolution::Builtin => {
                let name = first.words.first().and_then(Word::as_known);
                matches!(name, Some(b"cd" | b"pushd" | b"popd"))
                    && since.iter().all(|other| other.span == first.span || other.stdout.is_some())
            }
            _ => false,
        })
    }

    /// A directory may not be there, and then what follows runs where the shell stood before.
    fn may_have_stayed(&mut self, failed: &State<'a>, ends: bool) {
        let before = &failed.directory;
        // Where the request stands is there, so whoever goes back to it comes to it.
        let here = &self.state.directory;
        let own = match here.value {
            Value::Known(path) => {
                // And so is whatever lies above the place where the shell stands.
                let above = before.from.is_empty()
                    && before.as_known().is_some_and(|before| {
                        let below = before.strip_prefix(path);
                        path.first() == Some(&b'/') && below.is_some_and(|below| below.first() == Some(&b'/'))
                    });
                path.is_empty() || path == b"/" || above || Some(path) == self.known.directory
            }
            Value::Partial { suffix, .. } => {
                matches!(here.lead, Lead::WorkingDirectory | Lead::Home) && suffix.is_empty()
            }
            Value::Unknown => false,
        };
        if own {
            return;
        }
        let at_home = before.as_known() == Some(b"") && before.from.is_empty();
        self.state.stayed |= !ends && (failed.stayed || at_home);
        // What lies in the request's own is judged by itself.
        if before.as_known() != Some(b"") || !before.from.is_empty() {
            let before = self.directory_traces(before);
            self.state.directory.from = environment::union(self.arena, self.state.directory.from, before);
        }
    }

    pub(super) fn command(&mut self, unit: Unit<'_, 'a>, id: CommandId) {
        let Some(command) = unit.script.command(id) else { return };
        if let CommandKind::Simple { assignments, words } = command.kind {
            self.simple(unit, command, assignments, words);
            return;
        }
        self.compound(unit, command);
    }

    fn compound(&mut self, unit: Unit<'_, 'a>, command: &Command) {
        if !self.spend(1, unit.source, command.span) {
            return;
        }
        let current = self.current.take();
        let redirects = unit.script.redirects(command.redirects);
        if redirects.is_empty() {
            self.compound_body(unit, command);
        } else {
            let outer = Box::new(self.around);
            self.redirected(unit, command, redirects);
            self.compound_body(unit, command);
            self.around = *outer;
        }
        self.current = current;
    }

    /// A compound command's redirections reach every invocation inside. Where there may be none
    /// inside, the opened files still have to show somewhere: an invocation of nothing.
    fn redirected(&mut self, unit: Unit<'_, 'a>, command: &Command, redirects: &[shell::Redirect]) {
        if matches!(command.kind, CommandKind::Function { .. }) {
            return;
        }
        let bodiless = matches!(command.kind, CommandKind::Test(_) | CommandKind::Arithmetic(_));
        let id = if bodiless { self.reserve(unit.source, command.span) } else { None };
        let current = std::mem::replace(&mut self.current, id);
        let around = self.redirect(unit, redirects);
        self.current = current;
        if let Some(invocation) = id.and_then(|id| self.program.invocations.get_mut(id.0 as usize)) {
            invocation.redirects = around.redirects;
            invocation.stdin = around.stdin;
            invocation.stdout = around.stdout;
        }
        self.around = around;
    }

    fn compound_body(&mut self, unit: Unit<'_, 'a>, command: &Command) {
        match command.kind {
            CommandKind::Simple { .. } => {}
            CommandKind::Pipeline { stages, .. } => self.pipeline(unit, stages),
            CommandKind::Subshell(items) => {
                self.leave_shell();
                self.list(unit, unit.script.list(items));
                self.enter_shell();
            }
            CommandKind::Group(items) => self.list(unit, unit.script.list(items)),
            CommandKind::If { branches, otherwise } => self.branches(unit, branches, otherwise),
            CommandKind::While { condition, body, .. } => self.while_loop(unit, condition, body),
            CommandKind::For { select, name, words, body } => {
                self.for_loop(unit, select, &name, words, body);
            }
            CommandKind::ArithmeticFor { expressions, body } => {
                self.arithmetic_for(unit, expressions, body, command.span);
            }
            CommandKind::Case { word, arms } => self.case(unit, &word, arms),
            CommandKind::Function { name, body } => self.definition(unit, command, &name, body),
            CommandKind::Coproc { name, body } => self.coprocess(unit, name, body),
            CommandKind::Test(words) => self.test_command(unit, words),
            CommandKind::Arithmetic(parts) => {
                self.arithmetic_parts(unit, unit.script.parts(parts), command.span);
            }
        }
    }

    fn pipeline(&mut self, unit: Unit<'_, 'a>, stages: Slice<Stage>) {
        let stages = unit.script.stages(stages);
        if let [stage] = stages {
            self.command(unit, stage.command);
            return;
        }
        let span =
            stages.first().and_then(|stage| unit.script.command(stage.command)).map(|first| first.span);
        if !self.enter(unit.source, span.unwrap_or_default()) {
            return;
        }
        let end = self.around.stdout;
        let mut input = self.around.stdin;
        for (at, stage) in stages.iter().enumerate() {
            let last = at + 1 == stages.len();
            self.leave_shell();
            self.around.stdin = input;
            if last {
                self.around.stdout = end;
            } else {
                let channel = self.channel();
                self.around.stdout = Some(channel);
                input = Input::Channel(channel);
            }
            self.command(unit, stage.command);
            let state = self.state;
            self.enter_shell();
            if last && self.state.last_pipe {
                // Whether the option takes effect depends on job control.
                self.moved_to(&state.directory);
                let before = self.state;
                self.state = self.join(&before, &[before, state]);
            }
        }
        self.leave();
    }

    // ---- branches

    fn branches(&mut self, unit: Unit<'_, 'a>, branches: Slice<Branch>, otherwise: Option<Slice<Item>>) {
        let base = self.state;
        let context = self.around.context;
        let mut ends: Vec<State<'a>> = Vec::new();
        for branch in unit.script.branches(branches) {
            let before = self.state;
            let condition = unit.script.list(branch.condition);
            self.list(unit, condition);
            let after = self.state;
            self.around.context.conditional = true;
            // A `cd` in the condition happened in the body that its success leads to.
            let negated = is_negated(unit, condition);
            if negated {
                self.state.directory = before.directory;
            }
            self.list(unit, unit.script.list(branch.body));
            ends.push(self.state);
            self.state = after;
            if !negated {
                self.state.directory = before.directory;
            }
        }
        if let Some(otherwise) = otherwise {
            self.list(unit, unit.script.list(otherwise));
        }
        ends.push(self.state);
        self.around.context = context;
        self.state = self.join(&base, &ends);
    }

    fn case(&mut self, unit: Unit<'_, 'a>, word: &shell::Word, arms: Slice<Arm>) {
        let reveals = std::mem::replace(&mut self.reveals, false);
        self.single(unit, word, Mode::Text);
        let context = self.around.context;
        let mut ends: Vec<State<'a>> = Vec::new();
        let mut exhaustive = false;
        let mut through: Option<State<'a>> = None;
        self.around.context.conditional = true;
        for arm in unit.script.arms(arms) {
            self.reveals = false;
            for pattern in unit.script.words(arm.patterns) {
                self.single(unit, pattern, Mode::Text);
                exhaustive |= matches!(unit.script.parts(pattern.parts),
                    [Part::Literal(span)] if unit.bytes(*span) == b"*");
            }
            self.reveals = reveals;
            let base = self.state;
            if let Some(through) = through.take() {
                self.state = self.join(&base, &[base, through]);
            }
            self.list(unit, unit.script.list(arm.body));
            let end = self.state;
            if arm.end == ArmEnd::FallThrough {
                through = Some(end);
            }
            ends.push(end);
            // The next arm is tried with what is here, or, behind `;;&`, with what this one left.
            self.state = if arm.end == ArmEnd::Continue { self.join(&base, &[base, end]) } else { base };
        }
        self.reveals = reveals;
        self.around.context = context;
        if !exhaustive {
            ends.push(self.state);
        }
        let base = self.state;
        if !ends.is_empty() {
            self.state = self.join(&base, &ends);
        }
    }

    // ---- loops

    fn while_loop(&mut self, unit: Unit<'_, 'a>, condition: Slice<Item>, body: Slice<Item>) {
        let conditional = self.around.context.conditional;
        self.repeat(&mut |lowerer| {
            lowerer.around.context.conditional = conditional;
            lowerer.list(unit, unit.script.list(condition));
            lowerer.around.context.conditional = true;
            lowerer.list(unit, unit.script.list(body));
        });
    }

    fn for_loop(
        &mut self,
        unit: Unit<'_, 'a>,
        select: bool,
        name: &shell::Word,
        words: Option<Slice<shell::Word>>,
        body: Slice<Item>,
    ) {
        let base = self.words.len();
        let mut exact = true;
        let mut rest: &'a [Origin<'a>] = &[];
        match words {
            Some(words) => {
                let reveals = std::mem::replace(&mut self.reveals, false);
                self.expand_words(unit, unit.script.words(words));
                self.reveals = reveals;
            }
            None => {
                let positional = self.state.positional;
                self.words.extend_from_slice_copy(positional.words.get(1..).unwrap_or_default());
                if let Some(from) = positional.rest {
                    exact = false;
                    rest = from;
                }
            }
        }
        let values = self.words.get(base..).unwrap_or_default();
        let value = (!values.is_empty()).then(|| self.one_of(values));
        // What is split gives its words one by one.
        let pieces = matches!(values, [word] if word.splits && !matches!(word.outputs, Outputs::Mixed | Outputs::Pipe));
        // A few constants are followed one by one; inside of a loop, or of many, what they share is.
        let constant = |word: &Word<'_>| word.as_known().is_some() && !word.splits && word.pattern.is_none();
        let follow =
            exact && !select && self.around.context.in_loop.is_none() && (2..=ROUNDS).contains(&values.len());
        let rounds: &'a [Word<'a>] =
            if follow && values.iter().all(constant) { self.arena.alloc_slice_copy(values) } else { &[] };
        self.words.truncate(base);
        let mut value = value.unwrap_or_else(|| Word::unknown(name.span));
        if !exact || select {
            let input: &'a [Origin<'a>] = if select { &[Origin::Input] } else { rest };
            let from = environment::union(self.arena, self.traces(&value), input);
            let either = environment::merge(self.arena, &value, &Word::unknown(name.span));
            value = Word { from, maybe: either.maybe, ..Word::unknown(name.span) };
        } else if pieces {
            value.outputs = Outputs::Piece;
        }
        let name = self.single(unit, name, Mode::Text).as_known();
        let conditional = std::mem::replace(&mut self.around.context.conditional, true);
        let joined = [value];
        for value in if rounds.is_empty() { joined.as_slice() } else { rounds } {
            let before = self.state;
            if let Some(name) = name {
                if self.target_of(name) == Some(name) {
                    self.assign(name, *value, None);
                } else {
                    // Each word is the name that it then refers to.
                    self.refer(name, *value, false);
                }
                if select {
                    self.assign_unknown(b"REPLY", &[Origin::Input], value.span);
                }
            }
            self.repeat(&mut |lowerer| lowerer.list(unit, unit.script.list(body)));
            let after = self.state;
            // Without words there is no round, and any may be the last.
            self.state = self.join(&before, &[before, after]);
        }
        self.around.context.conditional = conditional;
    }

    fn arithmetic_for(
        &mut self,
        unit: Unit<'_, 'a>,
        [start, condition, step]: [Slice<Part>; 3],
        body: Slice<Item>,
        span: Span,
    ) {
        self.arithmetic_parts(unit, unit.script.parts(start), span);
        let conditional = std::mem::replace(&mut self.around.context.conditional, true);
        self.repeat(&mut |lowerer| {
            lowerer.arithmetic_parts(unit, unit.script.parts(condition), span);
            lowerer.list(unit, unit.script.list(body));
            lowerer.arithmetic_parts(unit, unit.script.parts(step), span);
        });
        self.around.context.conditional = conditional;
    }

    // ---- the rest

    fn coprocess(&mut self, unit: Unit<'_, 'a>, name: Option<shell::Word>, body: CommandId) {
        let input = self.channel();
        let output = self.channel();
        self.leave_shell();
        self.around.context.background = true;
        self.around.stdin = Input::Channel(input);
        self.around.stdout = Some(output);
        self.command(unit, body);
        self.enter_shell();
        let name = match name {
            Some(name) => self.single(unit, &name, Mode::Text).as_known(),
            None => Some(&b"COPROC"[..]),
        };
        if let Some(name) = name {
            // Two descriptor numbers.
            self.assign_unknown(name, &[], Span::default());
        }
    }

    fn definition(&mut self, unit: Unit<'_, 'a>, command: &Command, name: &shell::Word, body: CommandId) {
        // A name with an expansion in it is refused when it runs, but the body is there to be read.
        let name = self.single(unit, name, Mode::Text).as_known().unwrap_or_else(|| unit.bytes(name.span));
        self.define(environment::Function { name, source: unit.source.0, body, span: command.span });
    }
}

/// Whether a condition's last command is a pipeline with `!`.
fn is_negated(unit: Unit<'_, '_>, condition: &[Item]) -> bool {
    let last = condition.last().and_then(|item| unit.script.command(item.command));
    matches!(last.map(|command| command.kind), Some(CommandKind::Pipeline { negated: true, .. }))
}

fn same_place(a: &Word<'_>, b: &Word<'_>) -> bool {
    let same = |a: &[u8], b: &[u8]| std::ptr::eq(a, b) || a == b;
    // Nearly always nobody went anywhere, and it is the very same text.
    let value = match (a.value, b.value) {
        (Value::Known(a), Value::Known(b)) => same(a, b),
        (a, b) => a == b,
    };
    value && a.lead == b.lead
}
