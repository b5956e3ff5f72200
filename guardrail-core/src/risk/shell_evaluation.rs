//! Text that the shell itself evaluates: prompts and arithmetic, whose subscripts can run
//! commands.

use guardrail_schema::{Prints, Risk};

use super::{Case, Found};
use crate::identify::{Call, Standing};
use crate::lower::{ChannelId, Invocation, NoteKind, RedirectKind};

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for note in &case.analysis.identified.program.notes {
        let (risk, message) = match note.kind {
            NoteKind::PromptExpansion => {
                (Risk::High, "expands a value that cannot be known as a prompt, which can run commands")
            }
            NoteKind::OpaqueArithmetic if note.channel.is_some_and(|channel| is_number(case, channel)) => {
                continue;
            }
            NoteKind::OpaqueArithmetic => {
                (Risk::Medium, "evaluates a value that cannot be known as arithmetic, which can run commands")
            }
            NoteKind::OpaqueCode
            | NoteKind::SecretVariable
            | NoteKind::TooManyLayers
            | NoteKind::Multiplies => continue,
        };
        found.at(note.source, note.span, risk, true, message);
    }
}

/// Whether all that is written to a channel provably is numbers.
fn is_number(case: &Case<'_, '_, '_>, channel: ChannelId) -> bool {
    let identified = &case.analysis.identified;
    let mut writers = identified.program.invocations.iter().zip(0..);
    writers.all(|(writer, index)| {
        writer.stdout != Some(channel) || {
            let mut calls = identified.calls_of(crate::lower::InvocationId(index)).peekable();
            calls.peek().is_some() && calls.all(|call| prints_number(call, writer))
        }
    })
}

fn prints_number(call: &Call<'_, '_>, writer: &Invocation<'_>) -> bool {
    // Messages name files.
    let messages =
        writer.redirects.iter().any(|redirect| redirect.both || redirect.kind == RedirectKind::Descriptor);
    let number = |text: &[u8]| text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
    call.standing == Standing::Known
        && !messages
        && match call.prints {
            Some(Prints::Number) => true,
            Some(Prints::Operands) => {
                writer.words.iter().skip(1).all(|word| word.as_known().is_some_and(number))
            }
            Some(
                Prints::Hashes
                | Prints::Files
                | Prints::Pairs
                | Prints::Names
                | Prints::Lines
                | Prints::Paths
                | Prints::Ids
                | Prints::Table
                | Prints::Pieces
                | Prints::Firsts
                | Prints::Numbered
                | Prints::Heads,
            )
            | None => false,
        }
}
