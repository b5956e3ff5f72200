//! Substitutions: what runs to make a word, the channel its output takes, and constants where what
//! it prints is one.

use crate::lower::environment::MOST_MAYBE;
use crate::lower::expand::Mode;
use crate::lower::field::Field;
use crate::lower::lowerer::{Lowerer, State, Surroundings, Unit};
use crate::lower::{ChannelId, Input, Invocation, Origin, Outputs, Resolution, Value, Word};
use crate::shell::{self, Part, Slice, Span, SubstitutionStyle};

impl<'a> Lowerer<'a> {
    #[inline(never)]
    pub(super) fn substitution_part(
        &mut self,
        field: &mut Field<'a>,
        unit: Unit<'_, 'a>,
        part: &Part,
        mode: Mode,
    ) {
        let value = match *part {
            Part::CommandSubstitution { body, style, span } => self.substitution(unit, body, style, span),
            Part::Backquoted { script, span } => match unit.script.nested(script) {
                Some(script) => self.backquoted(unit, script.text(), span),
                None => Word::unknown(span),
            },
            Part::ProcessSubstitution { body, output, span } => {
                let value = self.process_substitution(unit, body, output, span);
                self.push_value(field, &value);
                return;
            }
            _ => return,
        };
        self.push_expanded(field, &value, mode);
    }

    /// Runs `body` as a shell of its own whose output goes to a new channel.
    fn substitution(
        &mut self,
        unit: Unit<'_, 'a>,
        body: Slice<shell::Item>,
        style: SubstitutionStyle,
        span: Span,
    ) -> Word<'a> {
        if let Some((_, value)) = self.substituted.iter().find(|(known, _)| *known == span) {
            return *value;
        }
        let channel = self.channel();
        self.leave_shell();
        self.around.stdout = Some(channel);
        let first = self.program.invocations.len();
        let items = unit.script.list(body);
        self.list(unit, items);
        if matches!(style, SubstitutionStyle::Funsub | SubstitutionStyle::Valsub) {
            // These run in the current shell; what they bind stays.
            let state = self.state;
            self.enter_shell();
            self.moved_to(&state.directory);
            self.state = State { dead: self.state.dead, ..state };
        } else {
            self.enter_shell();
        }
        let value = match style {
            SubstitutionStyle::Valsub => Word { outputs: Outputs::Mixed, ..self.channel_word(channel, span) },
            _ if is_one_command(unit.script, items) => self.output_word(first, channel, span),
            _ => self.printed_word(first, channel, span),
        };
        if self.remembers {
            self.substituted.push((span, value));
        }
        value
    }

    fn backquoted(&mut self, unit: Unit<'_, 'a>, text: &'a [u8], span: Span) -> Word<'a> {
        let channel = self.channel();
        self.leave_shell();
        self.around.stdout = Some(channel);
        let first = self.program.invocations.len();
        let source = self.inline(text, None, unit.source, span);
        self.enter_shell();
        let script = self.scripts.get(source.0 as usize).copied().flatten();
        match script {
            Some(script) if source != unit.source && is_one_command(script, script.body()) => {
                self.output_word(first, channel, span)
            }
            _ => self.printed_word(first, channel, span),
        }
    }

    /// What several commands print: a constant of one of them may be all of it.
    fn printed_word(&self, first: usize, channel: ChannelId, span: Span) -> Word<'a> {
        let since = self.program.invocations.get(first..).unwrap_or_default();
        let writers = since.iter().filter(|writer| writer.stdout == Some(channel));
        let mut maybe: Vec<&'a [u8]> = Vec::new();
        for writer in writers.take(MOST_MAYBE) {
            let mut may_be = |text: &'a [u8]| {
                let text = text.strip_suffix(b"\n").unwrap_or(text);
                if !text.is_empty() && maybe.len() < MOST_MAYBE && !maybe.contains(&text) {
                    maybe.push(text);
                }
            };
            // What a command is given it may let pass.
            match (crate::lower::constant::output(self.arena, writer), writer.stdin) {
                (Some(text), _) => may_be(text),
                (None, Input::Text(text)) => {
                    text.as_known().iter().chain(text.maybe).for_each(|text| may_be(text))
                }
                (None, Input::Channel(input)) => self.channel_constants(input).into_iter().for_each(may_be),
                _ => {}
            }
        }
        Word { maybe: self.arena.alloc_slice_copy(&maybe), ..self.channel_word(channel, span) }
    }

    fn process_substitution(
        &mut self,
        unit: Unit<'_, 'a>,
        body: Slice<shell::Item>,
        output: bool,
        span: Span,
    ) -> Word<'a> {
        let channel = self.channel();
        self.leave_shell();
        if output {
            self.around.stdin = Input::Channel(channel);
        } else {
            self.around.stdout = Some(channel);
        }
        self.list(unit, unit.script.list(body));
        self.enter_shell();
        Word {
            value: Value::Partial { prefix: b"/dev/fd/", suffix: &[] },
            outputs: Outputs::Pipe,
            ..self.channel_word(channel, span)
        }
    }

    fn channel_word(&self, channel: ChannelId, span: Span) -> Word<'a> {
        let from: &'a [Origin<'a>] = self.arena.alloc_slice_copy(&[Origin::Channel(channel)]);
        Word { from, outputs: Outputs::Words, ..Word::unknown(span) }
    }

    /// What a substitution comes to: known where its one command prints a constant.
    fn output_word(&mut self, first: usize, channel: ChannelId, span: Span) -> Word<'a> {
        let alone = self.writers_since(first, channel) == 1;
        let writer = self.program.invocations.get(first);
        let writer = writer.filter(|writer| writer.stdout == Some(channel) && alone);
        if writer.is_some_and(prints_directory) {
            return self.working_directory(span);
        }
        let constant = writer.and_then(|writer| crate::lower::constant::output(self.arena, writer));
        match constant {
            Some(text) => {
                let len = text.len() - text.iter().rev().take_while(|byte| **byte == b'\n').count();
                Word::known(text.get(..len).unwrap_or_default(), span)
            }
            None => self.printed_word(first, channel, span),
        }
    }

    fn writers_since(&self, first: usize, channel: ChannelId) -> usize {
        let since = self.program.invocations.get(first..).unwrap_or_default();
        since.iter().filter(|invocation| invocation.stdout == Some(channel)).count()
    }

    /// Steps into a copy of the shell: what it binds stays inside, until [`Self::enter_shell`].
    pub(super) fn leave_shell(&mut self) {
        // Kept on a heap of its own rather than in the frames of a recursion.
        self.shells.push(Shell {
            state: self.state,
            around: self.around,
            separating: self.separating,
            moves: self.moves,
            entered: std::mem::take(&mut self.entered),
            remembers: std::mem::take(&mut self.remembers),
            substituted: std::mem::take(&mut self.substituted),
        });
        self.state.dead = false;
        self.separating = true;
    }

    /// Back to the shell that was left last.
    pub(super) fn enter_shell(&mut self) {
        if let Some(saved) = self.shells.pop() {
            self.state = saved.state;
            self.around = saved.around;
            self.separating = saved.separating;
            self.moves = saved.moves;
            self.entered = saved.entered;
            self.remembers = saved.remembers;
            self.substituted = saved.substituted;
        }
    }
}

/// A shell that waits while a copy of it runs.
pub(super) struct Shell<'a> {
    pub(super) state: State<'a>,
    pub(super) around: Surroundings<'a>,
    separating: bool,
    moves: u32,
    entered: &'a [Origin<'a>],
    remembers: bool,
    substituted: Vec<(Span, Word<'a>)>,
}

/// Whether an invocation prints where it is, as `$PWD` holds it.
fn prints_directory(writer: &Invocation<'_>) -> bool {
    let flag = |word: &Word<'_>| matches!(word.as_known(), Some(b"-L" | b"-P"));
    writer.resolution == Resolution::Builtin
        && matches!(writer.words, [name, flags @ ..] if name.as_known() == Some(b"pwd") && flags.iter().all(flag))
}

/// Whether a body is one simple command, in the foreground.
fn is_one_command(script: &shell::Script<'_>, items: &[shell::Item]) -> bool {
    match items {
        [item] if !item.background => {
            let kind = script.command(item.command).map(|command| command.kind);
            matches!(kind, Some(shell::CommandKind::Simple { .. }))
        }
        _ => false,
    }
}
