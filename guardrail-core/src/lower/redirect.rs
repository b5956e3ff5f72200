//! Redirections: what they open, and where standard input and output then lead.

use crate::lower::expand::Mode;
use crate::lower::lowerer::{Lowerer, Surroundings, Unit};
use crate::lower::{ChannelId, Input, Origin, Redirect, RedirectKind, Value, Word};
use crate::shell::{self, Descriptor, RedirectOperator, Span};

/// Where one descriptor leads, as far as channels go.
#[derive(Clone, Copy)]
struct Streams<'a> {
    stdin: Input<'a>,
    /// What is read from each descriptor but the first, where it was opened to be read.
    input: [Option<Input<'a>>; 10],
    /// Standard output, standard error and descriptors 3 to 9.
    out: [Option<ChannelId>; 10],
}

impl<'a> Lowerer<'a> {
    /// Lowers redirections behind those of the commands around; all of them, and the streams they leave.
    pub(super) fn redirect(&mut self, unit: Unit<'_, 'a>, own: &[shell::Redirect]) -> Surroundings<'a> {
        let mut around = self.around;
        if own.is_empty() {
            return around;
        }
        let base = self.redirects.len();
        self.redirects.extend_from_slice_copy(around.redirects);
        let mut streams = Streams { stdin: around.stdin, input: [None; 10], out: [None; 10] };
        if let Some(slot) = streams.out.get_mut(1) {
            *slot = around.stdout;
        }
        // The descriptors that commands around it opened, or `exec` before it. What they did to the
        // first two is known.
        for redirect in around.redirects {
            if redirect.descriptor.is_none_or(|descriptor| descriptor > 1) {
                streams.apply(redirect);
            }
        }
        for redirect in own {
            let lowered = self.lower_redirect(unit, redirect);
            streams.apply(&lowered);
            self.redirects.push(lowered);
        }
        around.redirects = self.arena.alloc_slice_copy(self.redirects.get(base..).unwrap_or_default());
        self.redirects.truncate(base);
        around.stdin = streams.stdin;
        // Where only errors still reach the reader, they may carry what the program was given.
        let [_, out, error, ..] = streams.out;
        around.stdout = out.or(error);
        around
    }

    fn lower_redirect(&mut self, unit: Unit<'_, 'a>, redirect: &shell::Redirect) -> Redirect<'a> {
        let operator = redirect.operator;
        let target = match operator {
            RedirectOperator::HereDocument { quoted: true, .. } => self.here_document(unit, &redirect.target),
            RedirectOperator::HereDocument { .. } => {
                let parts = unit.script.parts(redirect.target.parts);
                self.text(unit, parts, redirect.target.span)
            }
            RedirectOperator::HereString => self.here_string(unit, &redirect.target),
            _ => self.one_word(unit, &redirect.target),
        };
        let input = matches!(
            operator,
            RedirectOperator::Input
                | RedirectOperator::ReadWrite
                | RedirectOperator::DuplicateInput
                | RedirectOperator::HereDocument { .. }
                | RedirectOperator::HereString
        );
        let descriptor = match redirect.descriptor {
            Descriptor::Default => Some(u32::from(!input)),
            Descriptor::Number(number) => Some(number),
            Descriptor::Variable(name) => {
                // The shell stores a number in it.
                self.assign_unknown(unit.bytes(name), &[], redirect.span);
                None
            }
        };
        let (kind, both) = match operator {
            RedirectOperator::Input => (RedirectKind::Read, false),
            RedirectOperator::Output | RedirectOperator::Clobber => (RedirectKind::Write, false),
            RedirectOperator::Append => (RedirectKind::Append, false),
            RedirectOperator::ReadWrite => (RedirectKind::ReadWrite, false),
            RedirectOperator::OutputAndError => (RedirectKind::Write, true),
            RedirectOperator::AppendOutputAndError => (RedirectKind::Append, true),
            RedirectOperator::HereDocument { .. } | RedirectOperator::HereString => {
                (RedirectKind::Text, false)
            }
            RedirectOperator::DuplicateInput => (RedirectKind::Descriptor, false),
            RedirectOperator::DuplicateOutput => match target.as_known() {
                Some(text) if is_descriptor(text) => (RedirectKind::Descriptor, false),
                // `>& word` is a file; a word that cannot be known may be one.
                _ if descriptor == Some(1) => (RedirectKind::Write, true),
                _ => (RedirectKind::Descriptor, false),
            },
        };
        Redirect { kind, descriptor, both, target, source: unit.source, span: redirect.span }
    }

    /// A quoted here-document: its parts are literal; a single one is borrowed as it stands.
    fn here_document(&mut self, unit: Unit<'_, 'a>, body: &shell::Word) -> Word<'a> {
        let parts = unit.script.parts(body.parts);
        if let [shell::Part::Literal(span) | shell::Part::SingleQuoted(span)] = parts {
            return Word::known(unit.bytes(*span), body.span);
        }
        let mut text = Vec::new();
        for part in parts {
            match part {
                shell::Part::Literal(span) | shell::Part::SingleQuoted(span) | shell::Part::Escaped(span) => {
                    text.extend_from_slice(unit.bytes(*span))
                }
                _ => return self.text(unit, parts, body.span),
            }
        }
        Word::known(self.arena.alloc_slice_copy(&text), body.span)
    }

    fn here_string(&mut self, unit: Unit<'_, 'a>, target: &shell::Word) -> Word<'a> {
        let word = self.single(unit, target, Mode::Assignment);
        match word.value {
            Value::Known(text) if text.last() != Some(&b'\n') => {
                // The shell adds the newline; as text to be read it says nothing.
                Word::known(text, word.span)
            }
            _ => word,
        }
    }

    /// A word that must come to exactly one.
    pub(super) fn one_word(&mut self, unit: Unit<'_, 'a>, word: &shell::Word) -> Word<'a> {
        let base = self.words.len();
        self.expand_word(unit, word);
        let one = match self.words.get(base..) {
            Some([one]) => *one,
            Some(words) => {
                let mut from: &'a [Origin<'a>] = &[];
                for word in words {
                    from = super::environment::union(self.arena, from, word.from);
                }
                Word { from, ..Word::unknown(word.span) }
            }
            None => Word::unknown(word.span),
        };
        self.words.truncate(base);
        one
    }
}

impl<'a> Streams<'a> {
    fn apply(&mut self, redirect: &Redirect<'a>) {
        let channel = redirect.target.from.iter().find_map(|origin| match origin {
            Origin::Channel(channel) if redirect.target.is_pipe() => Some(*channel),
            _ => None,
        });
        let descriptor = redirect.descriptor;
        match redirect.kind {
            // The same descriptor by its name.
            RedirectKind::Read | RedirectKind::ReadWrite
                if descriptor == Some(0) && own_descriptor(&redirect.target) == Some(0) => {}
            RedirectKind::Read if own_descriptor(&redirect.target) == Some(0) => {
                self.open(descriptor, Some(self.stdin));
            }
            RedirectKind::Read | RedirectKind::ReadWrite if descriptor == Some(0) => {
                self.stdin = opened(&redirect.target, channel);
            }
            RedirectKind::Text if descriptor == Some(0) => self.stdin = Input::Text(redirect.target),
            RedirectKind::Read => self.open(descriptor, Some(opened(&redirect.target, channel))),
            RedirectKind::Text => self.open(descriptor, Some(Input::Text(redirect.target))),
            RedirectKind::Write | RedirectKind::Append | RedirectKind::ReadWrite => {
                let own = own_descriptor(&redirect.target).and_then(|number| self.out.get(number));
                let channel = channel.or_else(|| own.copied().flatten());
                self.point(descriptor, channel);
                if redirect.both {
                    self.point(Some(2), channel);
                }
            }
            RedirectKind::Descriptor => self.duplicate(descriptor, &redirect.target),
        }
    }

    fn duplicate(&mut self, descriptor: Option<u32>, word: &Word<'a>) {
        let source = word.as_known().map(|text| text.strip_suffix(b"-").unwrap_or(text));
        match source {
            Some(b"") if descriptor == Some(0) => self.stdin = Input::Empty,
            Some(b"") => self.point(descriptor, None),
            Some(b"0") if descriptor == Some(0) => {}
            Some([digit @ b'0'..=b'9']) if descriptor != Some(0) => {
                let from = usize::from(digit - b'0');
                let input =
                    if from == 0 { Some(self.stdin) } else { self.input.get(from).copied().flatten() };
                self.point(descriptor, self.out.get(from).copied().flatten());
                self.open(descriptor, input);
            }
            Some([digit @ b'1'..=b'9'])
                if let Some(Some(input)) = self.input.get(usize::from(digit - b'0')) =>
            {
                self.stdin = *input;
            }
            // A descriptor opened elsewhere: what it leads to is not followed, so it may hold anything.
            _ if descriptor == Some(0) => {
                self.stdin = Input::File(Word { from: &[Origin::Input], ..Word::unknown(word.span) });
            }
            _ => {}
        }
    }

    fn open(&mut self, descriptor: Option<u32>, input: Option<Input<'a>>) {
        if let Some(slot) = descriptor.and_then(|number| self.input.get_mut(number as usize)) {
            // Which of two openings took place may hang on a condition.
            let either = Input::File(Word { from: &[Origin::Input], ..Word::unknown(Span::default()) });
            *slot = if slot.is_some() { Some(either) } else { input };
        }
    }

    fn point(&mut self, descriptor: Option<u32>, channel: Option<ChannelId>) {
        if let Some(slot) = descriptor.and_then(|number| self.out.get_mut(number as usize)) {
            *slot = channel;
        }
    }
}

/// What is read from an opened file.
fn opened<'a>(target: &Word<'a>, channel: Option<ChannelId>) -> Input<'a> {
    match (channel, target.as_known()) {
        (Some(channel), _) => Input::Channel(channel),
        (None, Some(b"/dev/null")) => Input::Empty,
        _ => Input::File(*target),
    }
}

/// The descriptor of the shell's own that a file name leads to.
fn own_descriptor(word: &Word<'_>) -> Option<usize> {
    let name = word.as_known()?;
    match name {
        b"/dev/stdin" => return Some(0),
        b"/dev/stdout" => return Some(1),
        b"/dev/stderr" => return Some(2),
        _ => {}
    }
    let folders = [&b"/dev/fd/"[..], b"/proc/self/fd/"];
    match folders.iter().find_map(|folder| name.strip_prefix(*folder))? {
        [digit @ b'0'..=b'9'] => Some(usize::from(digit - b'0')),
        _ => None,
    }
}

fn is_descriptor(text: &[u8]) -> bool {
    let digits = text.strip_suffix(b"-").unwrap_or(text);
    digits.iter().all(u8::is_ascii_digit)
}
