//! Text that could not be read to its end. What hides there is not known; past a limit nobody
//! even tried.

use guardrail_schema::Risk;

use super::{Case, Found};
use crate::lower::NoteKind;

/// Places that are shown: who rejects garbage need not quote all of it.
const MOST: usize = 64;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    let program = &case.analysis.identified.program;
    let mut rejected = 0;
    for (source, problem) in &program.problems {
        if !problem.kind.is_limit() {
            rejected += 1;
            if rejected > MOST {
                continue;
            }
        }
        let risk = if problem.kind.is_limit() { Risk::Critical } else { Risk::High };
        found.at(*source, problem.span, risk, true, problem.kind.message());
    }
    if let Some((source, span)) = program.exhausted {
        found.at(source, span, Risk::Critical, true, "is more than the limits of one evaluation allow");
    }
    for note in &program.notes {
        let (unknown, why) = match note.kind {
            NoteKind::TooManyLayers => (true, "hides programs inside programs deeper than the limit"),
            NoteKind::Multiplies => {
                (false, "starts itself in more and more processes, until the machine can start no more")
            }
            _ => continue,
        };
        found.at(note.source, note.span, Risk::Critical, unknown, why);
    }
}
