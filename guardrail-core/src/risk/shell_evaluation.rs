//! Text that the shell itself evaluates: prompts and arithmetic, whose subscripts can run
//! commands.

use guardrail_schema::Risk;

use super::{Case, Found};
use crate::lower::NoteKind;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for note in &case.analysis.identified.program.notes {
        let (risk, message) = match note.kind {
            NoteKind::PromptExpansion => {
                (Risk::High, "expands a value that cannot be known as a prompt, which can run commands")
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
