//! `[[ ... ]]`, `test` and `[`: they start nothing, but some operands are evaluated.

use crate::lower::environment;
use crate::lower::expand::Mode;
use crate::lower::lowerer::{Lowerer, Unit};
use crate::lower::{Lead, Origin, SourceId, Word};
use crate::shell::{self, Part, Slice};

/// Comparisons whose operands `[[` evaluates as arithmetic.
const ARITHMETIC: &[&[u8]] = &[b"-eq", b"-ne", b"-lt", b"-le", b"-gt", b"-ge"];

/// Paths that a match may be the end of.
const MOST_CUTS: usize = 8;

/// Whether a regular expression, as written, may match text that it does not spell: one of digits and
/// letters gives no more than it asks for.
fn is_wide(pattern: &[u8]) -> bool {
    let mut bytes = pattern.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'[' if bytes.as_slice().first() == Some(&b'^') => return true,
            b'.' | b'/' | b'$' | b'`' if !bytes.as_slice().is_empty() || *byte != b'$' => return true,
            _ => {}
        }
    }
    false
}

impl<'a> Lowerer<'a> {
    pub(super) fn test_command(&mut self, unit: Unit<'_, 'a>, words: Slice<shell::Word>) {
        let reveals = std::mem::replace(&mut self.reveals, false);
        let words = unit.script.words(words);
        let operator = |word: Option<&shell::Word>| match word.map(|word| unit.script.parts(word.parts)) {
            Some([Part::Literal(span)]) => unit.bytes(*span),
            _ => b"",
        };
        for (at, word) in words.iter().enumerate() {
            if !self.spend(1, unit.source, word.span) {
                break;
            }
            let value = self.single(unit, word, Mode::Text);
            if operator(words.get(at + 1)) == b"=~" {
                let pattern = words.get(at + 2).map(|word| unit.bytes(word.span)).unwrap_or_default();
                if is_wide(pattern) {
                    let mut from = self.any_text(std::slice::from_ref(&value));
                    // What stands before a path is cut off as easily.
                    let text = value.as_known().unwrap_or_default();
                    for at in (1..text.len()).filter(|&at| text.get(at) == Some(&b'/')).take(MOST_CUTS) {
                        from = self.with_files(from, Lead::Text, text.get(at..).unwrap_or_default());
                    }
                    self.seen.matched = environment::union(self.arena, self.seen.matched, from);
                }
            }
            let before = operator(at.checked_sub(1).and_then(|at| words.get(at)));
            let behind = operator(words.get(at + 1));
            if ARITHMETIC.contains(&before) || ARITHMETIC.contains(&behind) {
                self.arithmetic_operand(&value, unit.source);
            } else if matches!(before, b"-v" | b"-R") {
                self.reference(&value, unit.source);
            }
        }
        self.reveals = reveals;
    }

    /// The words of `test` or `[`, its own name left out.
    pub(super) fn test_builtin(&mut self, words: &'a [Word<'a>], source: SourceId) {
        let mut before: &[u8] = b"";
        for word in words {
            if matches!(before, b"-v" | b"-R") {
                self.reference(word, source);
            }
            // Text from elsewhere may be `-v` with its operand. A variable of the caller's is not
            // worth the alarm: `[ $DEBUG ]` is common.
            let foreign = |origin: &Origin<'_>| !matches!(origin, Origin::Variable(_));
            if words.len() == 1 && word.splits && word.from.iter().any(foreign) {
                self.note_arithmetic(word.from, source, word.span);
            }
            before = word.as_known().unwrap_or_default();
        }
    }
}
