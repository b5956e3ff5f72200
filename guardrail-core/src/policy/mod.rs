//! [`Risk`] x policy to [`Decision`]. The standard policy is the rubric of the design: reads
//! pass, changes are asked about, what loses data or weakens security is denied.

use guardrail_schema::Risk;

use crate::evaluation::{Approval, Decision};

/// The decision of the standard policy for a risk.
pub(crate) fn standard(risk: Risk) -> Decision {
    match risk {
        Risk::Low => Decision::Allow,
        Risk::Medium => Decision::Ask(Approval { rollback: true, ..Approval::default() }),
        Risk::High => Decision::Ask(Approval { rollback: true, impact: true, ..Approval::default() }),
        Risk::Critical => Decision::Deny,
    }
}
