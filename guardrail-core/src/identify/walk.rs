//! What a tool that walks directories may hand on: the files below its paths that have the names
//! it was told to look for.

use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::Command;

use crate::identify::Identifier;
use crate::identify::call::Call;
use crate::lower::{Invocation, Lead, Origin, Value, Word};
use crate::shell::Span;

/// How many names and paths are put together.
const MOST: usize = 8;

impl<'a, 'k> Identifier<'a, 'k> {
    /// A path somewhere under the operand's paths, with what it may be.
    pub(super) fn path_found(
        &self,
        call: &Call<'a, 'k>,
        invocation: &Invocation<'a>,
        of: &str,
        span: Span,
    ) -> Word<'a> {
        let path = self.path_under(call, of, span);
        Word { from: self.walked(call, invocation, of, path.from), ..path }
    }

    /// What a tool may print that could also hand on what it finds.
    pub(super) fn lists(&self, call: &mut Call<'a, 'k>, invocation: &Invocation<'a>) {
        let walks = |command: &'k Command| command.flags.iter().find_map(|flag| flag.placeholder.as_ref());
        if let Some(placeholder) = call.command.and_then(walks) {
            call.lists = self.path_found(call, invocation, &placeholder.of, call.named).from;
        }
    }

    /// What flowed into a path that stands for each that is found below the paths of a call.
    fn walked(
        &self,
        call: &Call<'a, 'k>,
        invocation: &Invocation<'a>,
        of: &str,
        from: &'a [Origin<'a>],
    ) -> &'a [Origin<'a>] {
        let mut all = BumpVec::from_iter_in(from.iter().copied(), self.arena);
        let here = Word::known(b".", call.named);
        let mut paths: Vec<Word<'a>> = call.facet(of).take(MOST + 1).collect();
        if paths.len() > MOST {
            all.push(Origin::Files(Lead::Text, b"/**"));
        }
        if paths.is_empty() {
            paths.push(here);
        }
        // Whatever else it tests, that says nothing about the names.
        let by_name = call.flags.iter().filter(|used| matches!(used.flag.facet.as_str(), "name" | "iname"));
        let names: Vec<&[u8]> = by_name.filter_map(|used| used.value?.as_known()).take(MOST + 1).collect();
        // Tests that exclude, and alternatives, leave everything else.
        let alternative =
            |word: &Word<'_>| matches!(word.as_known(), Some(b"!" | b"-not" | b"-o" | b"-or" | b","));
        let all_of_it = names.is_empty() || names.len() > MOST || invocation.words.iter().any(alternative);
        for path in paths {
            let (lead, text) = match (path.pattern, path.value) {
                (Some(pattern), _) => (path.lead, pattern),
                (None, Value::Known(text)) => (path.lead, text),
                (None, Value::Partial { suffix, .. }) if path.lead != Lead::Text => (path.lead, suffix),
                _ => continue,
            };
            let mut below = |between: &[u8], name: &[u8]| {
                let mut pattern = BumpVec::from_iter_in(text.iter().copied(), self.arena);
                pattern.extend_from_slice(between);
                pattern.extend_from_slice(name);
                all.push(Origin::Files(lead, pattern.into_bump_slice()));
            };
            if all_of_it {
                below(b"/", b"**");
            }
            for name in &names {
                below(b"/", name);
                if text == b"/" {
                    below(b"etc/", name);
                }
                // The tool's own patterns find hidden files.
                if matches!(name, [b'*' | b'?', next, ..] if *next != b'.') {
                    below(b"/.", name);
                }
            }
        }
        all.into_bump_slice()
    }

    /// A path somewhere under the operand's paths.
    fn path_under(&self, call: &Call<'a, 'k>, of: &str, span: Span) -> Word<'a> {
        let mut under = call.facet(of);
        match (under.next(), under.next()) {
            (None, _) => Word { value: Value::Partial { prefix: b"./", suffix: b"" }, ..Word::unknown(span) },
            (Some(only), None) => match only.value {
                Value::Known(path) => {
                    let mut prefix = BumpVec::from_iter_in(path.iter().copied(), self.arena);
                    if !path.ends_with(b"/") {
                        prefix.push(b'/');
                    }
                    Word {
                        value: Value::Partial { prefix: prefix.into_bump_slice(), suffix: b"" },
                        ..Word::unknown(span)
                    }
                }
                _ => Word { value: Value::Unknown, span, ..Word::part(only) },
            },
            _ => Word::unknown(span),
        }
    }
}
