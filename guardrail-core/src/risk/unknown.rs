//! Subcommands, flags and words that the tool's file does not list, and words that could be flags.

use guardrail_schema::Risk;

use super::{Case, Found};
use crate::identify::Unknown;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for call in &case.analysis.identified.calls {
        for &(unknown, span) in &call.unknown {
            let (risk, message) = match unknown {
                Unknown::Subcommand(risk) => (risk, "is a subcommand of which nothing is known"),
                Unknown::Flag => (Risk::Medium, "is a flag of which nothing is known"),
                Unknown::MaybeFlag => (Risk::Medium, "could become a flag that changes what this does"),
                Unknown::Several => {
                    (Risk::Medium, "could become several words, and one of them decide what this does")
                }
                Unknown::Operand => (Risk::Medium, "is a word more than it is known to take"),
                Unknown::Key => (Risk::Medium, "is a setting of which nothing is known"),
                // An effect of its own.
                Unknown::Code => continue,
            };
            found.at(call.source, span, risk, true, message);
        }
    }
}
