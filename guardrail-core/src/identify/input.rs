//! What a wrapper adds to its command from its input (xargs): where constants come in, the command
//! is judged with them. Only where all that comes in is known is nothing left unknown.

use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::{Pieces, Role};

use crate::identify::call::{Call, FlagUse};
use crate::identify::unwrap::{Inner, fill, origins};
use crate::identify::{Identifier, span_of};
use crate::lower::{Form, Input, Invocation, Origin, Outputs, Word};

/// How many commands are made of one input.
const MOST_COMMANDS: usize = 8;

/// How many words of input are looked at.
const MOST_WORDS: usize = 256;

/// The words that come in.
struct Items<'a> {
    /// Together, as they are added to one command.
    words: Vec<&'a [u8]>,
    /// How many at a time; 0 for all.
    at_a_time: usize,
    /// A flag says so, which may undo what a placeholder says.
    grouped: bool,
    /// Whether there provably are no others.
    exact: bool,
}

impl<'a, 'k> Identifier<'a, 'k> {
    /// The command that a wrapper adds its input to, once everything before it was understood.
    pub(super) fn append(&mut self, at: usize, inner: Inner<'a>) {
        let Some(slot) = self.calls.get_mut(at) else { return };
        let none = Call::new(self.arena, slot.invocation, slot.source, slot.named, 0);
        let call = std::mem::replace(slot, none);
        if let Some(&invocation) = self.lowerer.program.invocation(call.invocation) {
            self.append_to(&call, &invocation, inner);
        }
        if let Some(slot) = self.calls.get_mut(at) {
            *slot = call;
        }
    }

    fn append_to(&mut self, call: &Call<'a, 'k>, invocation: &Invocation<'a>, inner: Inner<'a>) {
        let argv = self.following(call, |role| *role == Role::Argv);
        let joined = argv.is_empty();
        let words = if joined { self.following(call, |role| matches!(role, Role::Words(_))) } else { argv };
        let placeholder =
            call.arguments.iter().rfind(|a| *a.role == Role::Placeholder).and_then(|a| a.word.as_known());
        let braces = |word: &Word<'_>| word.prefix().windows(2).any(|two| two == b"{}");
        let placeholder = placeholder.or_else(|| {
            // `-I` without a readable text, or `-i` with its default.
            let given = call.flags.iter().any(|used| used.flag.role == Some(Role::Placeholder));
            (given || (joined && words.iter().any(braces))).then_some(&b"{}"[..])
        });
        let complete = self.fed(call, invocation, words, placeholder, &mut |identifier, words| {
            let text = identifier.join(words);
            match text.as_known().filter(|_| joined) {
                Some(code) => {
                    identifier.source(call, invocation, inner, code, text.span, &[], Input::Empty);
                }
                None => identifier.child(call, invocation, inner, words, Input::Empty),
            }
        });
        if complete {
            return;
        }
        let elsewhere = |used: &FlagUse<'a, 'k>| used.flag.pieces == Some(Pieces::Elsewhere);
        let from = match call.flags.iter().any(elsewhere) {
            true => &[Origin::Input],
            false => origins(self.arena, &invocation.stdin),
        };
        // Cut at a letter, a piece may begin with whatever stands behind it.
        let cuts = |used: &FlagUse<'a, 'k>| match used.flag.pieces {
            Some(Pieces::Elsewhere) => true,
            Some(Pieces::Value) => used.value.and_then(|value| value.as_known()) != Some(b"\\n"),
            _ => false,
        };
        let form = match call.flags.iter().any(cuts) {
            true => Form::Any,
            false => {
                let by_zero = |used: &FlagUse<'a, 'k>| used.flag.pieces == Some(Pieces::Nul);
                self.form_of_input(&invocation.stdin, call.flags.iter().any(by_zero))
            }
        };
        let outputs = if form == Form::Any { Outputs::Mixed } else { Outputs::Words };
        let input = Word { from, splits: true, form, outputs, ..Word::unknown(span_of(words)) };
        let mut filled = BumpVec::from_iter_in(words.iter().copied(), self.arena);
        match placeholder.filter(|_| !joined) {
            Some(text) => filled.iter_mut().for_each(|word| *word = fill(*word, text, input)),
            // Each line of input is one more word of the command that a text is.
            None => filled.push(input),
        }
        self.child(call, invocation, inner, filled.into_bump_slice(), Input::Empty);
    }

    fn items(&self, call: &Call<'a, '_>, invocation: &Invocation<'a>) -> Items<'a> {
        let mut items = Items { words: Vec::new(), at_a_time: 0, grouped: false, exact: true };
        let (texts, exact) = match invocation.stdin {
            Input::Text(word) => (
                word.as_known().into_iter().chain(word.maybe.iter().copied()).collect(),
                word.maybe.is_empty(),
            ),
            Input::Channel(channel) => match self.lowerer.channel_text(channel) {
                Some(text) => (vec![text], true),
                None => (self.lowerer.channel_constants(channel), false),
            },
            Input::Inherited | Input::Empty | Input::File(_) => (Vec::new(), false),
        };
        items.exact = exact && !texts.is_empty();
        let mut pieces = call.command.and_then(|command| command.appends_input).unwrap_or(Pieces::Words);
        let mut delimiter = 0;
        let mut placeholder = false;
        for used in &call.flags {
            placeholder |= used.flag.role == Some(Role::Placeholder);
            match used.flag.pieces {
                None => {}
                Some(Pieces::Groups) => {
                    let count = used.value.and_then(|value| value.as_known());
                    let count = count.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
                    items.at_a_time = count.unwrap_or(1);
                    items.grouped = true;
                    // Lines or bytes are counted otherwise.
                    items.exact &= items.at_a_time == 1;
                }
                Some(Pieces::Elsewhere) => items.exact = false,
                Some(Pieces::Value) => {
                    let known = used.value.and_then(|value| value.as_known());
                    delimiter = known.and_then(decoded).unwrap_or_else(|| {
                        items.exact = false;
                        b'\n'
                    });
                    pieces = Pieces::Value;
                }
                Some(other) => pieces = other,
            }
        }
        for text in texts {
            let whole = match pieces {
                Pieces::Words => words(text, placeholder, &mut |word| self.keep(&mut items, word)),
                Pieces::Nul => separated(text, 0, &mut |word| self.keep(&mut items, word)),
                Pieces::Value => separated(text, delimiter, &mut |word| self.keep(&mut items, word)),
                _ => separated(text, b'\n', &mut |word| self.keep(&mut items, word)),
            };
            items.exact &= whole;
        }
        if placeholder {
            items.at_a_time = 1;
        }
        // What could be a flag, or where input ends, is never all there is to it.
        items.exact &=
            !(items.grouped && placeholder) && items.words.iter().all(|word| word.first() != Some(&b'-'));
        items.exact &= items.words.len() < MOST_WORDS
            && (items.at_a_time == 0 || items.words.len().div_ceil(items.at_a_time) <= MOST_COMMANDS);
        items
    }

    fn keep(&self, items: &mut Items<'a>, word: &[u8]) {
        if items.words.len() < MOST_WORDS {
            items.words.push(self.arena.alloc_slice_copy(word));
        }
    }

    /// The wrapped command once for each group of words that comes in. Whether that is all.
    fn fed(
        &mut self,
        call: &Call<'a, '_>,
        invocation: &Invocation<'a>,
        words: &'a [Word<'a>],
        placeholder: Option<&[u8]>,
        each: &mut dyn FnMut(&mut Self, &'a [Word<'a>]),
    ) -> bool {
        let items = self.items(call, invocation);
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return false };
        let span = first.span.join(last.span);
        let size = if items.at_a_time == 0 { MOST_WORDS } else { items.at_a_time };
        let size = if placeholder.is_some() { 1 } else { size };
        for group in items.words.chunks(size.max(1)).take(MOST_COMMANDS) {
            if let (Some(text), [item]) = (placeholder, group) {
                let filled = words.iter().map(|&word| self.replaced(word, text, item));
                let filled = BumpVec::from_iter_in(filled, self.arena);
                each(self, filled.into_bump_slice());
                if !items.grouped {
                    continue;
                }
            }
            let mut filled = BumpVec::from_iter_in(words.iter().copied(), self.arena);
            filled.extend(group.iter().map(|item| Word::known(item, span)));
            each(self, filled.into_bump_slice());
        }
        items.exact
    }

    /// A word with the input in place of the placeholder, wherever it stands in it.
    fn replaced(&self, word: Word<'a>, placeholder: &[u8], item: &'a [u8]) -> Word<'a> {
        let Some(text) = word.as_known().filter(|_| !placeholder.is_empty()) else { return word };
        if text == placeholder {
            return Word::known(item, word.span);
        }
        let mut filled = BumpVec::new_in(self.arena);
        let mut rest = text;
        while let Some(at) = rest.windows(placeholder.len()).position(|window| window == placeholder) {
            filled.extend_from_slice(rest.get(..at).unwrap_or_default());
            filled.extend_from_slice(item);
            rest = rest.get(at + placeholder.len()..).unwrap_or_default();
        }
        if rest.len() == text.len() {
            return word;
        }
        filled.extend_from_slice(rest);
        Word { value: crate::lower::Value::Known(filled.into_bump_slice()), ..word }
    }
}

/// The byte that `-d` names: one character, or an escape.
fn decoded(text: &[u8]) -> Option<u8> {
    match text {
        [only] => Some(*only),
        b"\\n" => Some(b'\n'),
        b"\\t" => Some(b'\t'),
        b"\\0" => Some(0),
        _ => None,
    }
}

fn separated(text: &[u8], by: u8, each: &mut dyn FnMut(&[u8])) -> bool {
    text.split(|byte| *byte == by).filter(|piece| !piece.is_empty()).for_each(each);
    // Where lines are no pieces the last one keeps its end, which may have been left away.
    by == b'\n' || by == 0
}

/// Words as xargs reads them; with `lines`, one of each line. False where it would refuse the text.
fn words(text: &[u8], lines: bool, each: &mut dyn FnMut(&[u8])) -> bool {
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(open), byte) if open == byte => quote = None,
            (Some(_), b'\n') => return false,
            (Some(_), byte) => word.get_or_insert_default().push(byte),
            (None, b'\'' | b'"') => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (None, b'\\') => match bytes.next() {
                Some(byte) => word.get_or_insert_default().push(byte),
                None => return false,
            },
            (None, b'\n') => word.take().iter().for_each(|word| each(word)),
            (None, b' ' | b'\t') if !lines => word.take().iter().for_each(|word| each(word)),
            (None, b' ' | b'\t') if word.is_none() => {}
            (None, byte) => word.get_or_insert_default().push(byte),
        }
    }
    word.iter().for_each(|word| each(word));
    quote.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, lines: bool) -> (Vec<String>, bool) {
        let mut found = Vec::new();
        let whole = words(text.as_bytes(), lines, &mut |word| {
            found.push(String::from_utf8_lossy(word).into_owned());
        });
        (found, whole)
    }

    #[test]
    fn input_comes_apart_as_xargs_takes_it() {
        for (text, lines, expected) in [
            ("a b\nc", false, &["a", "b", "c"][..]),
            ("'a b' \"c'd\" e\\ f", false, &["a b", "c'd", "e f"]),
            ("  a b\n\n c 'd  e'", true, &["a b", "c d  e"]),
            ("''", false, &[""]),
        ] {
            let expected = expected.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(read(text, lines), (expected, true), "{text}");
        }
        assert!(!read("a 'b", false).1);
        assert!(!read("a 'b\n'", false).1);
    }
}
