//! What `read` and `mapfile` take from standard input: it cannot be known, but where constants
//! come in there, the variables may hold them.

use crate::lower::environment::{self, Found, MOST_MAYBE};
use crate::lower::lowerer::Lowerer;
use crate::lower::scope::is_name;
use crate::lower::{Input, InvocationId, NoteKind, Origin, Outputs, RedirectKind, SourceId, Word};
use crate::shell::Span;

/// How `read` takes a line apart.
#[derive(Clone, Copy, Default)]
struct Reading<'a> {
    /// What ends a line, where it is not a line break.
    delimiter: Option<&'a [u8]>,
    /// Which of how many names is filled; the last takes the rest.
    place: usize,
    last: bool,
    /// An array: every field is an element.
    fields: bool,
    /// A flag may have it take another part of the input than a line.
    partly: bool,
}

impl<'a> Lowerer<'a> {
    pub(super) fn read_builtin(&mut self, source: SourceId, arguments: &'a [Word<'a>]) {
        let from = self.input_origins();
        let texts = self.input_texts();
        let mut names: Vec<&Word<'a>> = Vec::new();
        let mut reading = Reading::default();
        let mut words = arguments.iter();
        let mut flags = true;
        let mut array = false;
        while let Some(word) = words.next() {
            match word.as_known() {
                Some(b"--") if flags => flags = false,
                Some([b'-', letters @ ..]) if flags && !letters.is_empty() => {
                    let Some(at) = letters.iter().position(|letter| b"adinNptu".contains(letter)) else {
                        continue;
                    };
                    let inside = letters.get(at + 1..).unwrap_or_default();
                    let value =
                        if inside.is_empty() { words.next().and_then(Word::as_known) } else { Some(inside) };
                    reading.partly = true;
                    match letters.get(at) {
                        Some(b'a') => {
                            if let Some(name) = value {
                                self.reference(&Word::known(name, word.span), source);
                            }
                            let fields = Reading { fields: true, ..reading };
                            self.assign_input(value, from, &texts, fields);
                            array = true;
                        }
                        Some(b'd') => reading.delimiter = value,
                        _ => {}
                    }
                }
                _ => {
                    flags = false;
                    names.push(word);
                }
            }
        }
        for (place, word) in names.iter().enumerate() {
            let last = place + 1 == names.len();
            match word.as_known() {
                Some(name) => {
                    self.reference(word, source);
                    self.assign_input(Some(name), from, &texts, Reading { place, last, ..reading });
                }
                None => self.unknown_name(word, source),
            }
        }
        if names.is_empty() && !array {
            self.assign_input(Some(b"REPLY"), from, &texts, Reading { last: true, ..reading });
        }
    }

    pub(super) fn mapfile(&mut self, id: InvocationId, source: SourceId, arguments: &'a [Word<'a>]) {
        let from = self.input_origins();
        let mut name: &'a [u8] = b"MAPFILE";
        let mut callback: Option<&Word<'a>> = None;
        let mut reading = Reading { last: true, ..Reading::default() };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_known() {
                Some(b"-C") => {
                    // Its callback is evaluated every so many lines.
                    callback = words.next();
                }
                Some(b"-d") => reading.delimiter = words.next().and_then(Word::as_known),
                Some(b"-n" | b"-O" | b"-s" | b"-u" | b"-c") => {
                    words.next();
                }
                Some(flag) if flag.first() == Some(&b'-') => {}
                Some(text) => {
                    self.reference(word, source);
                    name = text;
                }
                None => self.unknown_name(word, source),
            }
        }
        let texts = self.input_texts();
        self.assign_input(Some(name), from, &texts, reading);
        if let Some(code) = callback {
            match code.as_known() {
                // Behind it come the place of a line, which is a number that nobody knows, and the line.
                Some(text) if is_name(name) => {
                    let text = [text, b" \"$$\" \"$", name, b"\""].concat();
                    self.defer(self.arena.alloc_slice_copy(&text), id, code.span);
                }
                Some(text) => self.defer(text, id, code.span),
                None => self.note(NoteKind::OpaqueCode, source, code.span),
            }
        }
    }

    fn input_origins(&self) -> &'a [Origin<'a>] {
        match self.around.stdin {
            Input::Channel(channel) => {
                self.arena.alloc_slice_copy(&[Origin::Input, Origin::Channel(channel)])
            }
            Input::Text(text) if text.as_known().is_none() => {
                environment::union(self.arena, &[Origin::Input], self.traces(&text))
            }
            _ => &[Origin::Input],
        }
    }

    /// The constants that may come in.
    fn input_texts(&self) -> Vec<&'a [u8]> {
        let constants = |word: Word<'a>| word.as_known().into_iter().chain(word.maybe.iter().copied());
        let mut texts: Vec<&'a [u8]> = match self.around.stdin {
            Input::Text(word) => constants(word).collect(),
            Input::Channel(channel) => self.channel_constants(channel),
            _ => Vec::new(),
        };
        // Which descriptor it reads from, nobody has to know.
        for redirect in self.around.redirects.iter().filter(|redirect| redirect.descriptor != Some(0)) {
            match (redirect.kind, redirect.target.from) {
                (RedirectKind::Text, _) => texts.extend(constants(redirect.target)),
                (RedirectKind::Read, [Origin::Channel(channel)]) => {
                    texts.extend(self.channel_constants(*channel));
                }
                _ => {}
            }
        }
        texts
    }

    /// Assigns what a piece of the input may be, with or without a subscript.
    fn assign_input(
        &mut self,
        name: Option<&'a [u8]>,
        from: &'a [Origin<'a>],
        texts: &[&'a [u8]],
        reading: Reading<'a>,
    ) {
        let Some(name) = name else { return };
        let end = name.iter().position(|byte| *byte == b'[').unwrap_or(name.len());
        let name = name.get(..end).unwrap_or_default();
        if !is_name(name) {
            return;
        }
        let separators = match self.environments.lookup(self.state.environment, b"IFS") {
            Found::Bound(binding) => binding.value.as_known(),
            _ => None,
        };
        let mut maybe: Vec<&'a [u8]> = Vec::new();
        for text in texts {
            pieces(text, separators.unwrap_or(b" \t\n"), reading, &mut |piece| {
                // Without `-r` a backslash is taken away; which of both, nobody has to know.
                let plain: Vec<u8> = piece.iter().copied().filter(|byte| *byte != b'\\').collect();
                if maybe.len() + 1 < MOST_MAYBE && !piece.is_empty() && !maybe.contains(&piece) {
                    maybe.push(piece);
                    if plain != piece {
                        maybe.push(self.arena.alloc_slice_copy(&plain));
                    }
                }
            });
        }
        let maybe: &'a [&'a [u8]] = if maybe.is_empty() { &[] } else { self.arena.alloc_slice_copy(&maybe) };
        // Only what cuts pieces off at dashes could begin one with a dash.
        let (cuts, at_blanks) = match self.environments.lookup(self.state.environment, b"IFS") {
            Found::Missing => (false, true),
            Found::Bound(binding) => {
                let ifs = binding.value.as_known();
                let tame = ifs.is_some_and(|ifs| ifs.iter().all(|b| b" \t\n:/".contains(b)));
                (!tame, ifs.is_some_and(|ifs| ifs.contains(&b' ') && ifs.contains(&b'\t')))
            }
            Found::Forgotten => (true, false),
        };
        let first = at_blanks && reading.place == 0 && !reading.last && !reading.fields;
        let lines = matches!(self.around.stdin, Input::Channel(_)) && reading.delimiter.is_none();
        let whole = lines && matches!(from, [Origin::Input, Origin::Channel(_)]) && !(cuts || reading.partly);
        let outputs = match whole {
            true if first => Outputs::First,
            true => Outputs::Words,
            false => Outputs::Mixed,
        };
        self.assign(name, Word { from, maybe, outputs, ..Word::unknown(Span::default()) }, None);
    }
}

/// Gives `each` what a variable may hold once a line of `text` was read.
fn pieces<'a>(text: &'a [u8], separators: &[u8], reading: Reading<'_>, each: &mut dyn FnMut(&'a [u8])) {
    let end = reading.delimiter.map_or(b'\n', |delimiter| delimiter.first().copied().unwrap_or(0));
    let separates = |byte: &u8| separators.contains(byte);
    for line in text.split(|byte| *byte == end) {
        let mut rest = trimmed(line, separators);
        if reading.fields {
            rest.split(separates).for_each(&mut *each);
            continue;
        }
        for _ in 0..reading.place {
            let at = rest.iter().position(separates).unwrap_or(rest.len());
            rest = trimmed(rest.get(at + 1..).unwrap_or_default(), separators);
        }
        if !reading.last {
            rest = rest.split(separates).next().unwrap_or_default();
        }
        each(rest);
    }
}

fn trimmed<'a>(text: &'a [u8], separators: &[u8]) -> &'a [u8] {
    let blank = |byte: &&u8| separators.contains(byte) && byte.is_ascii_whitespace();
    let from = text.iter().take_while(blank).count();
    let text = text.get(from..).unwrap_or_default();
    let end = text.len() - text.iter().rev().take_while(blank).count();
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str, reading: Reading<'static>) -> Vec<String> {
        let mut found = Vec::new();
        pieces(text.as_bytes(), b" \t\n", reading, &mut |piece| {
            found.push(String::from_utf8_lossy(piece).into_owned());
        });
        found
    }

    #[test]
    fn lines_come_apart_as_read_takes_them() {
        let only = Reading { last: true, ..Reading::default() };
        assert_eq!(read("  a b \nc", only), ["a b", "c"]);
        assert_eq!(read("a  b c", Reading { place: 1, last: true, ..Reading::default() }), ["b c"]);
        assert_eq!(read("a b c", Reading { place: 1, ..Reading::default() }), ["b"]);
        assert_eq!(read("a b", Reading { fields: true, ..Reading::default() }), ["a", "b"]);
        assert_eq!(
            read("a:b", Reading { delimiter: Some(b":"), last: true, ..Reading::default() }),
            ["a", "b"]
        );
    }
}
