//! What a glob may match stays with the value that it becomes: an element, a parameter, the
//! variable of a loop. Who uses it later sees which files it may be.

use crate::lower::environment::{self, MOST_MAYBE};
use crate::lower::lowerer::Lowerer;
use crate::lower::scope::is_integer;
use crate::lower::{Lead, Origin, Value, Word};
use crate::shell::Span;

impl<'a> Lowerer<'a> {
    /// A word as a value: of a glob, one of the names that it matches.
    pub(super) fn value_of(&self, word: &Word<'a>) -> Word<'a> {
        Word { splits: false, pattern: None, from: self.flowed(word), ..*word }
    }

    /// What flowed into a word, the files that its glob matches among it.
    pub(super) fn flowed(&self, word: &Word<'a>) -> &'a [Origin<'a>] {
        match word.pattern {
            Some(pattern) => self.with_files(word.from, word.lead, pattern),
            None => word.from,
        }
    }

    /// The same for a word of which nothing else is kept: the path that it is known to be as well.
    pub(super) fn traces(&self, word: &Word<'a>) -> &'a [Origin<'a>] {
        let from = self.flowed(word);
        match word.value {
            _ if word.pattern.is_some() => from,
            Value::Known(text) if text.contains(&b'/') => self.with_files(from, word.lead, text),
            Value::Partial { suffix, .. } if word.lead != Lead::Text => {
                self.with_files(from, word.lead, suffix)
            }
            _ => from,
        }
    }

    /// The same of a directory, which is a path whatever it looks like.
    pub(super) fn directory_traces(&self, directory: &Word<'a>) -> &'a [Origin<'a>] {
        match directory.value {
            Value::Known(text) => {
                let text = if text.is_empty() { b"." } else { text };
                self.with_files(directory.from, directory.lead, text)
            }
            Value::Partial { prefix, suffix } if directory.lead == Lead::Text => {
                let path = self.arena.alloc_slice_copy(&[prefix, b"*", suffix].concat());
                self.with_files(directory.from, Lead::Text, path)
            }
            _ => self.traces(directory),
        }
    }

    /// What is known of a value that is one of several.
    pub(super) fn one_of(&self, words: &[Word<'a>]) -> Word<'a> {
        let span = words.first().map_or(Span::default(), |word| word.span);
        let mut one: Option<Word<'a>> = None;
        let mut more: Vec<u8> = Vec::new();
        for (at, word) in words.iter().enumerate() {
            // A field that splits keeps neither of its ends in each of the words; names of files
            // are whatever somebody called them.
            let from = self.flowed(word);
            let word =
                if word.splits { Word { from, ..Word::unknown(word.span) } } else { self.value_of(word) };
            let next = match &one {
                None => word,
                // More constants than are kept one by one.
                Some(one) if at >= MOST_MAYBE => {
                    if let Some(text) = word.as_known().filter(|text| !is_integer(text)) {
                        more.extend_from_slice(text);
                        more.push(b'\n');
                    }
                    environment::merge_ends(self.arena, one, &word)
                }
                Some(one) => environment::merge(self.arena, one, &word),
            };
            one = Some(next);
        }
        let mut one = one.unwrap_or_else(|| Word::unknown(span));
        if !more.is_empty() {
            one.from = self.with_files(one.from, Lead::Text, self.arena.alloc_slice_copy(&more));
        }
        one
    }

    /// What flows into a word that is one of several, the constants as paths that it may be: for
    /// where it is used so often that trying each of them would cost too much.
    pub(super) fn any_text(&self, words: &[Word<'a>]) -> &'a [Origin<'a>] {
        let mut from: &'a [Origin<'a>] = &[];
        let mut texts: Vec<u8> = Vec::new();
        for word in words {
            match word.as_known() {
                Some(text) if text.is_empty() || is_integer(text) => {}
                Some(text) => {
                    texts.extend_from_slice(text);
                    texts.push(b'\n');
                }
                None => from = environment::union(self.arena, from, self.traces(word)),
            }
        }
        if texts.is_empty() {
            return from;
        }
        self.with_files(from, Lead::Text, self.arena.alloc_slice_copy(&texts))
    }

    /// Adds what a pattern matches where its stars match hidden files as well.
    pub(super) fn with_hidden(
        &self,
        from: &'a [Origin<'a>],
        lead: Lead,
        pattern: &'a [u8],
    ) -> &'a [Origin<'a>] {
        let mut hidden = Vec::with_capacity(pattern.len() + 2);
        let mut before = b'/';
        for &byte in pattern {
            if before == b'/' && matches!(byte, b'*' | b'?') {
                hidden.push(b'.');
            }
            hidden.push(byte);
            before = byte;
        }
        self.with_files(from, lead, self.arena.alloc_slice_copy(&hidden))
    }

    /// What flows into the words that a value is split into where nobody knows how.
    pub(super) fn pieces(&self, word: &Word<'a>) -> &'a [Origin<'a>] {
        let text: &[u8] = match word.value {
            Value::Known(text) => text,
            Value::Partial { prefix, suffix } => &[prefix, b"\n", suffix].concat(),
            Value::Unknown => return word.from,
        };
        let separators = match self.environments.lookup(self.state.environment, b"IFS") {
            environment::Found::Bound(binding) => binding.value.as_known(),
            _ => None,
        };
        let separates = |byte: &u8| separators.is_some_and(|ifs| ifs.contains(byte));
        let lines: Vec<u8> = text.iter().map(|byte| if separates(byte) { b'\n' } else { *byte }).collect();
        let ifs = self.arena.alloc_slice_copy(&[Origin::Variable(b"IFS")]);
        let from = environment::union(self.arena, ifs, word.from);
        self.with_files(from, Lead::Text, self.arena.alloc_slice_copy(&lines))
    }

    /// Adds a pattern, or a path, to what flowed into a word.
    pub(super) fn with_files(
        &self,
        from: &'a [Origin<'a>],
        lead: Lead,
        pattern: &'a [u8],
    ) -> &'a [Origin<'a>] {
        let files = Origin::Files(lead, pattern);
        if from.contains(&files) {
            return from;
        }
        environment::union(self.arena, from, self.arena.alloc_slice_copy(&[files]))
    }
}
