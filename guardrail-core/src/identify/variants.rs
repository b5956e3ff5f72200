//! What an invocation may be besides what is known of it: its unknown words as the constants of
//! the script that they may be, or gone where they may vanish. Each variant is judged beside the
//! invocation, so it can only raise what is thought of it.

use bumpalo::collections::Vec as BumpVec;

use crate::identify::Identifier;
use crate::identify::call::{Call, Unknown};
use crate::identify::lookup::is_blank;
use crate::lower::{Context, Invocation, InvocationId, Resolution, Word, is_builtin};

/// How many combinations of constants are tried; of more, each constant once.
const MOST: usize = 16;
/// How many values of flags are thought away, in each combination.
const MOST_VANISHING: usize = 4;
/// Of how long an invocation there are variants without its flags: each costs its length.
const LONGEST: usize = 64;

impl<'a> Identifier<'a, '_> {
    /// Appends the invocation once for each of the constants that its words may be.
    pub(super) fn constants(&mut self, id: InvocationId, invocation: &Invocation<'a>) {
        let words = invocation.words;
        if words.iter().all(|word| word.maybe.is_empty()) {
            return;
        }
        // The body of a function has seen to it.
        if invocation.resolution == Resolution::Function {
            return;
        }
        let open = || words.iter().map(|word| word.maybe.len()).filter(|&count| count > 0);
        let all = open().fold(1, |all: usize, count| all.saturating_mul(count));
        let turns = if all <= MOST { all } else { open().max().unwrap_or(0).min(MOST) };
        for turn in 0..turns {
            let mut rest = turn;
            let mut variant = BumpVec::with_capacity_in(words.len(), self.arena);
            for word in words {
                let Some(&text) = word.maybe.get(rest % word.maybe.len().max(1)) else {
                    variant.push(*word);
                    continue;
                };
                if all <= MOST {
                    rest /= word.maybe.len();
                }
                if word.splits {
                    let pieces = text.split(|byte| matches!(byte, b' ' | b'\t' | b'\n'));
                    let pieces = pieces.filter(|piece| !piece.is_empty());
                    let wild = |text: &[u8]| text.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['));
                    variant.extend(pieces.map(|piece| match wild(piece) {
                        true => Word { pattern: Some(piece), ..Word::unknown(word.span) },
                        false => Word::known(piece, word.span),
                    }));
                } else {
                    variant.push(Word::known(text, word.span));
                }
            }
            self.variant(id, invocation, variant.into_bump_slice());
        }
    }

    /// Appends the invocation without the unknown words at `at`, which may come to nothing, or be
    /// flags before what decides what it does.
    pub(super) fn without(&mut self, id: InvocationId, invocation: &Invocation<'a>, at: usize) {
        let behind = invocation.words.get(at..).unwrap_or_default();
        let end = at + behind.iter().take_while(|word| may_vanish_or_be_flag(word)).count();
        if at < end && end < invocation.words.len() {
            self.thinned(id, invocation, |place| (at..end).contains(&place));
        }
    }

    /// Appends the invocation without the unlisted flag at `at` and the word behind it, which may be
    /// its value. Where more of them stand, the variant has variants of its own.
    pub(super) fn without_flag(&mut self, id: InvocationId, invocation: &Invocation<'a>, at: usize) {
        let words = invocation.words.len();
        if words <= LONGEST && at > 0 && at + 2 < words {
            self.thinned(id, invocation, |place| place == at || place == at + 1);
        }
    }

    /// Appends the invocation without values of flags that may come to nothing, in each combination. Most likely they
    /// are there: only what is known of such a variant counts.
    pub(super) fn without_values(
        &mut self,
        call: &mut Call<'a, '_>,
        invocation: &Invocation<'a>,
        vanishing: &[usize],
    ) {
        if vanishing.is_empty() {
            return;
        }
        if vanishing.len() > MOST_VANISHING || invocation.words.len() > LONGEST {
            call.unknown.push((Unknown::MaybeFlag, call.named));
            return;
        }
        let context = Context { vanished: true, ..invocation.context };
        let invocation = Invocation { context, ..*invocation };
        for gone in 1..1_u32 << vanishing.len() {
            let is_gone = |at: usize| {
                vanishing.iter().zip(0..).any(|(place, bit)| *place == at && gone >> bit & 1 == 1)
            };
            self.thinned(call.invocation, &invocation, is_gone);
        }
    }

    /// Appends the invocation without some of its words.
    fn thinned(&mut self, id: InvocationId, invocation: &Invocation<'a>, is_gone: impl Fn(usize) -> bool) {
        let mut words = BumpVec::with_capacity_in(invocation.words.len(), self.arena);
        let stays = invocation.words.iter().enumerate().filter(|(at, _)| !is_gone(*at));
        words.extend(stays.map(|(_, word)| *word));
        self.variant(id, invocation, words.into_bump_slice());
    }

    fn variant(&mut self, id: InvocationId, invocation: &Invocation<'a>, words: &'a [Word<'a>]) {
        let Some(first) = words.first() else { return };
        let same = first.as_known() == invocation.words.first().and_then(Word::as_known);
        let resolution = match first.as_known() {
            _ if same => invocation.resolution,
            Some(name) if is_builtin(name) => Resolution::Builtin,
            _ => Resolution::Program,
        };
        let context = Context { possible: true, ..invocation.context };
        // What the shell opens, it opens for the invocation itself.
        let variant =
            Invocation { words, assignments: &[], redirects: &[], resolution, context, ..*invocation };
        let written = self.lowerer.program.written.binary_search(&id).is_ok();
        let count = self.lowerer.program.invocations.len();
        let variant = self.lowerer.invocation(variant);
        if written && self.lowerer.program.invocations.len() > count {
            self.lowerer.program.written.push(variant);
        }
    }
}

/// Whether nothing is known of a word, and it may be none at all or a flag.
fn may_vanish_or_be_flag(word: &Word<'_>) -> bool {
    is_blank(word) && (word.splits || word.may_be_flag())
}
