//! Subcommands and flags that the tool's file does not list, and words that could be flags.

use guardrail_schema::{Prints, Risk};

use super::{Case, Found};
use crate::identify::{Call, Standing, Unknown};
use crate::lower::{Invocation, InvocationId, Origin, Word};
use crate::shell::Span;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for call in &case.analysis.identified.calls {
        for &(unknown, span) in &call.unknown {
            let (risk, message) = match unknown {
                Unknown::Subcommand(risk) => (risk, "is a subcommand of which nothing is known"),
                Unknown::MaybeFlag if is_path(case, call, span) => continue,
                Unknown::Flag => (Risk::Medium, "is a flag of which nothing is known"),
                Unknown::MaybeFlag => (Risk::Medium, "could become a flag that changes what this does"),
                Unknown::Key => (Risk::Medium, "is a setting of which nothing is known"),
                // An effect of its own.
                Unknown::Code => continue,
            };
            found.at(call.source, span, risk, true, message);
        }
    }
}

/// Whether the word there is what a command prints that prints nothing but absolute paths.
fn is_path(case: &Case<'_, '_, '_>, call: &Call<'_, '_>, span: Span) -> bool {
    let identified = &case.analysis.identified;
    let program = &identified.program;
    let Some(invocation) = program.invocation(call.invocation) else { return false };
    let mut words = invocation.words.iter().filter(|word| word.span == span);
    let (Some(word), None) = (words.next(), words.next()) else { return false };
    let [Origin::Channel(channel)] = word.from else { return false };
    let blank = |word: &Word<'_>| word.as_known().is_none_or(|text| text.iter().any(u8::is_ascii_whitespace));
    let prints = |writer: &Invocation<'_>, id: InvocationId| {
        let mut calls = identified.calls_of(id).peekable();
        let paths = calls.peek().is_some()
            && calls.all(|call| call.standing == Standing::Known && call.prints == Some(Prints::Paths));
        // What is split at blanks has them in names that were asked for.
        paths && !(word.splits && writer.words.iter().any(blank))
    };
    let writers = program.invocations.iter().zip(0..).filter(|(writer, _)| writer.stdout == Some(*channel));
    word.maybe.is_empty()
        && writers.clone().count() == 1
        && writers.into_iter().all(|(writer, id)| prints(writer, InvocationId(id)))
}
