//! The form of what comes through a channel, where it is known: words of which none can be a flag. It is asked for before the
//! words are read into which it flows, and so whoever prints is read for it out of turn.

use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::{Prints, Role};

use crate::identify::arguments::Arguments;
use crate::identify::call::{Call, Given, Standing};
use crate::identify::trust::Name;
use crate::identify::{Identifier, assign};
use crate::lower::{
    ChannelId, Form, Input, Invocation, InvocationId, Note, NoteKind, Origin, Outputs, RedirectKind,
    Resolution, Value, Word,
};

/// What was written to a channel up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Written {
    #[default]
    Nothing,
    /// Words that each begin with a letter or a digit, and so does each piece between `/`, `:` and `@`. None holds
    /// a blank, a glob or a quote.
    Ids,
    /// Absolute paths, or other words that begin with no dash.
    Words,
    /// Digits.
    Digits,
    /// Digits, or a minus and digits.
    Number,
    /// Lines whose first words are as in [`Self::Ids`].
    Table,
    /// Lines that begin with digits and a colon.
    Numbered,
    /// Pieces with a zero byte behind each, which begin with no dash.
    Found,
    /// Anything.
    Anything,
}

impl Written {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, form) | (form, Self::Nothing) => form,
            (a, b) if a == b => a,
            (Self::Ids, Self::Digits) | (Self::Digits, Self::Ids) => Self::Ids,
            (Self::Number, Self::Digits) | (Self::Digits, Self::Number) => Self::Number,
            _ => Self::Anything,
        }
    }

    /// What that says of each of its words.
    const fn form(self) -> Form {
        match self {
            Self::Digits => Form::Digits,
            Self::Ids => Form::Ids,
            Self::Words => Form::Tame,
            Self::Nothing | Self::Number | Self::Table | Self::Numbered | Self::Found | Self::Anything => {
                Form::Any
            }
        }
    }
}

/// By channel: who writes to it, and the form of that, found when somebody asks.
#[derive(Default)]
pub(super) struct Forms {
    known: Vec<Option<Written>>,
    writers: Vec<Vec<InvocationId>>,
    /// How many invocations are among the writers.
    filed: usize,
    /// How many channels are being looked at, each for the one before it.
    depth: u32,
    /// A handler or an alias may print something anywhere.
    spoiled: bool,
}

/// How many channels are followed, one behind the other, and how many write to one of them.
const MOST_CHANNELS: u32 = 16;
const MOST_WRITERS: usize = 16;

impl Forms {
    fn file(&mut self, invocations: &[Invocation<'_>]) {
        for (at, invocation) in invocations.iter().enumerate().skip(self.filed) {
            self.spoiled |= invocation.context.deferred;
            let Some(ChannelId(channel)) = invocation.stdout else { continue };
            let place = channel as usize;
            if self.writers.len() <= place {
                self.writers.resize(place + 1, Vec::new());
                self.known.resize(place + 1, None);
            }
            if let Some(writers) = self.writers.get_mut(place) {
                writers.push(InvocationId(at as u32));
            }
        }
        self.filed = invocations.len();
    }
}

impl<'a, 'k> Identifier<'a, 'k> {
    /// The invocation with what is known of the words into which something flows.
    pub(super) fn settled(&mut self, id: InvocationId, invocation: Invocation<'a>) -> Invocation<'a> {
        let stays = |word: &Word<'a>| match word.outputs {
            Outputs::Mixed | Outputs::Numbers | Outputs::Pipe => true,
            Outputs::Own => !(self.is_address(word) || self.is_number(word)),
            Outputs::Words | Outputs::Piece | Outputs::First => false,
        };
        if invocation.words.iter().all(stays) {
            return invocation;
        }
        let mut words = BumpVec::with_capacity_in(invocation.words.len(), self.arena);
        for word in invocation.words {
            words.push(self.settled_word(*word));
        }
        let words = words.into_bump_slice();
        if let Some(slot) = self.lowerer.program.invocations.get_mut(id.0 as usize) {
            slot.words = words;
        }
        Invocation { words, ..invocation }
    }

    /// Whether a word that is [`Outputs::Own`] begins with a variable that holds an address, with at most a path behind
    /// it, which is no flag either where the variable is not there.
    fn is_address(&self, word: &Word<'a>) -> bool {
        let path = matches!(word.suffix().first(), None | Some(b'/'));
        match word.from {
            [Origin::Variable(name)] if path && word.prefix().is_empty() => self.knowledge.is_address(name),
            _ => false,
        }
    }

    /// Whether a word that is [`Outputs::Own`] has a variable in it that holds a number.
    fn is_number(&self, word: &Word<'a>) -> bool {
        let number =
            |origin: &Origin<'_>| matches!(origin, Origin::Variable(name) if self.knowledge.is_number(name));
        !word.from.is_empty() && word.from.iter().all(number)
    }

    fn settled_word(&mut self, mut word: Word<'a>) -> Word<'a> {
        // A piece is not split again, and what a glob in it finds begins as it does.
        let address = word.prefix().windows(3).any(|part| part == b"://");
        if word.outputs == Outputs::Piece && address && !self.lowerer.bound_names().contains(&&b"IFS"[..]) {
            word.splits = false;
        }
        match word.outputs {
            Outputs::Words | Outputs::Piece | Outputs::First => {}
            Outputs::Own if self.is_address(&word) => {
                return Word { form: Form::Tame, pattern: None, ..word };
            }
            Outputs::Own if self.is_number(&word) => {
                return Word { form: Form::Digits, splits: false, pattern: None, ..word };
            }
            Outputs::Own | Outputs::Mixed | Outputs::Numbers | Outputs::Pipe => return word,
        }
        let mut form: Option<Form> = None;
        for origin in word.from {
            let written = match origin {
                Origin::Channel(channel) => match self.form(*channel) {
                    Written::Table if word.outputs == Outputs::First => Form::Ids,
                    written => written.form(),
                },
                // What `read` took came through the channel beside it.
                Origin::Input => continue,
                _ => return word,
            };
            if written == Form::Any {
                return word;
            }
            form = Some(form.map_or(written, |form| form.min(written)));
        }
        let form = form.unwrap_or_default();
        // A number is printed alone, and beside known text it is never nothing.
        let one = match word.outputs {
            Outputs::Piece => form >= Form::Ids,
            _ => form == Form::Digits && word.value != Value::Unknown,
        };
        Word { form, splits: word.splits && !one, ..word }
    }

    /// Takes back what was said of text that is evaluated as arithmetic, where nothing but numbers come.
    pub(super) fn settle_arithmetic(&mut self) {
        let opaque = |note: &Note| note.channel.filter(|_| note.kind == NoteKind::OpaqueArithmetic);
        let mut numbers: Vec<ChannelId> = self.lowerer.program.notes.iter().filter_map(opaque).collect();
        numbers.retain(|channel| matches!(self.form(*channel), Written::Digits | Written::Number));
        if !numbers.is_empty() {
            self.lowerer
                .program
                .notes
                .retain(|note| !opaque(note).is_some_and(|channel| numbers.contains(&channel)));
        }
    }

    /// What is known of each word that comes in, where they are told apart by blanks and lines, or by zero bytes alone.
    pub(super) fn form_of_input(&mut self, input: &Input<'a>, at_zero: bool) -> Form {
        match input {
            Input::Channel(channel) => match self.form(*channel) {
                Written::Found if at_zero => Form::Tame,
                written => written.form(),
            },
            _ => Form::Any,
        }
    }

    /// The form of all that is written to a channel. What somebody writes to it who is not found yet is found in
    /// one who writes to it too, and who may print anything.
    fn form(&mut self, channel: ChannelId) -> Written {
        let place = channel.0 as usize;
        self.forms.file(&self.lowerer.program.invocations);
        if self.forms.spoiled {
            return Written::Anything;
        }
        let Some(slot) = self.forms.known.get_mut(place) else { return Written::Anything };
        if let Some(form) = *slot {
            return form;
        }
        // Where the shell says what it runs, it may say it there.
        if self.lowerer.bound_names().contains(&&b"BASH_XTRACEFD"[..]) {
            return Written::Anything;
        }
        // Of what leads back to itself nothing is known.
        *slot = Some(Written::Anything);
        let writers = self.forms.writers.get(place).cloned().unwrap_or_default();
        if self.forms.depth >= MOST_CHANNELS || writers.is_empty() || writers.len() > MOST_WRITERS {
            return Written::Anything;
        }
        self.forms.depth += 1;
        let mut form = Written::Nothing;
        for id in writers {
            form = form.and(self.form_by(id));
        }
        self.forms.depth -= 1;
        if let Some(slot) = self.forms.known.get_mut(place) {
            *slot = Some(form);
        }
        form
    }

    /// The form of what an invocation prints, which is read as far as that needs it.
    fn form_by(&mut self, id: InvocationId) -> Written {
        let Some(&invocation) = self.lowerer.program.invocation(id) else { return Written::Anything };
        let invocation = self.settled(id, invocation);
        let Some((first, word)) = invocation.words.first().and_then(|first| Some((first, first.as_known()?)))
        else {
            return Written::Anything;
        };
        let name = Name::of(word);
        let [Some(tool), None] = self.knowledge.named(name.base) else { return Written::Anything };
        if invocation.resolution == Resolution::Function || !name.trusted {
            return Written::Anything;
        }
        let words = invocation.words.len();
        let mut call = Call::new(self.arena, id, invocation.source, first.span, words);
        (call.standing, call.tool) = (Standing::Known, Some(tool));
        let read = Arguments::read(self.knowledge, tool, invocation.words, &mut call);
        let Some(read) = read else { return Written::Anything };
        assign::assign(&mut call, &read);
        self.variables(&mut call, &invocation);
        self.printed(&call, &invocation)
    }

    fn printed(&mut self, call: &Call<'a, 'k>, invocation: &Invocation<'a>) -> Written {
        let Some(prints) = call.prints.filter(|_| call.standing == Standing::Known) else {
            return Written::Anything;
        };
        // Messages may say anything.
        let messages = || {
            let told = |kind| kind == RedirectKind::Descriptor;
            invocation.redirects.iter().any(|redirect| redirect.both || told(redirect.kind))
        };
        let trusted = call.unknown.is_empty()
            && !call.influenced
            && !self.lowerer.is_forgotten(invocation.environment)
            && !messages();
        if !trusted || !(call.keeps_form || prints == Prints::Number) {
            return Written::Anything;
        }
        let operands = || call.arguments.iter().filter(|argument| argument.given == Given::Operand);
        let given =
            |holds: fn(&[u8]) -> bool| operands().all(|argument| argument.word.as_known().is_some_and(holds));
        let ends_flags = invocation.words.iter().any(|word| word.as_known() == Some(b"--"));
        let reads = operands().any(|argument| *argument.role == Role::Read);
        let input = match (prints, invocation.stdin) {
            (
                Prints::Lines | Prints::Pieces | Prints::Firsts | Prints::Rows | Prints::Heads,
                Input::Channel(channel),
            ) if !reads => self.form(channel),
            _ => Written::Anything,
        };
        match prints {
            // They may say what they were given.
            Prints::Hashes if given(is_plain) && !ends_flags => Written::Ids,
            Prints::Paths if operands().all(|argument| is_plain_or_path(&argument.word)) => Written::Words,
            Prints::Operands if given(|text| text.iter().all(u8::is_ascii_digit)) => Written::Digits,
            Prints::Operands if given(is_id) => Written::Ids,
            // Of a number, whatever it was made of.
            Prints::Number if invocation.words.iter().all(is_positive) => Written::Digits,
            // Of a flag's value it is no more than a number either.
            Prints::Number if operands().all(|argument| !is_no_digits(&argument.word)) => Written::Number,
            Prints::Ids => Written::Ids,
            Prints::Words => Written::Words,
            Prints::Table => Written::Table,
            Prints::Numbered => Written::Numbered,
            Prints::Found if given(|root| !matches!(root.first(), None | Some(b'-'))) => Written::Found,
            Prints::Lines => input,
            Prints::Pieces if matches!(input, Written::Ids | Written::Digits) => input,
            Prints::Firsts if matches!(input, Written::Ids | Written::Digits) => input,
            Prints::Firsts if input == Written::Table => Written::Ids,
            Prints::Rows if matches!(input, Written::Ids | Written::Digits | Written::Table) => {
                Written::Table
            }
            Prints::Heads if matches!(input, Written::Ids | Written::Digits) => input,
            Prints::Heads if input == Written::Numbered => Written::Digits,
            _ => Written::Anything,
        }
    }
}

/// Whether a word is of letters, digits and what no shell changes, and no piece of it begins a flag.
fn is_plain(text: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._/@^~:-{}".contains(byte);
    text.iter().all(plain) && text.split(|byte| b"/:@".contains(byte)).all(|piece| !piece.starts_with(b"-"))
}

/// The same, or a path that is not known.
fn is_plain_or_path(word: &Word<'_>) -> bool {
    match word.as_known() {
        Some(text) => is_plain(text),
        None => word.is_tame() && !word.splits && word.prefix().is_empty(),
    }
}

/// Whether a word is one of [`Written::Ids`].
fn is_id(text: &[u8]) -> bool {
    let piece = |piece: &[u8]| {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._~^-".contains(byte);
        piece.first().is_some_and(u8::is_ascii_alphanumeric) && piece.iter().all(plain)
    };
    text.split(|byte| b"/:@".contains(byte)).all(piece)
}

/// Whether a word is no number below zero, and none that is no digits (`inf`, `nan`).
fn is_positive(word: &Word<'_>) -> bool {
    let below = |text: &[u8]| matches!(text, [b'-', digits @ ..] if digits.iter().all(u8::is_ascii_digit));
    !is_no_digits(word) && word.as_known().is_some_and(|text| !below(text.trim_ascii()))
}

/// Whether a word is not known, or a number that is written without digits.
fn is_no_digits(word: &Word<'_>) -> bool {
    let Some(text) = word.as_known() else { return true };
    let text = text.trim_ascii();
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    text.get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"inf") || start.eq_ignore_ascii_case(b"nan"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_of_an_id_begins_like_no_flag() {
        for (text, expected) in [
            ("HEAD", true),
            ("pod/web-1", true),
            ("a:b@c", true),
            ("-x", false),
            ("a/-x", false),
            ("", false),
            ("a b", false),
            ("a/", false),
        ] {
            assert_eq!(is_id(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn one_who_writes_anything_spoils_it() {
        assert_eq!(Written::Nothing.and(Written::Ids), Written::Ids);
        assert_eq!(Written::Ids.and(Written::Ids), Written::Ids);
        assert_eq!(Written::Ids.and(Written::Table), Written::Anything);
        assert_eq!(Written::Ids.and(Written::Anything), Written::Anything);
    }
}
