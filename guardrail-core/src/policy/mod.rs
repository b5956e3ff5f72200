//! [`Risk`] x policy to [`Decision`]. The standard policy is the rubric of the design: reads
//! pass, changes are asked about, what loses data or weakens security is denied.

use guardrail_schema::Risk;

use crate::evaluation::{Approval, Decision};

/// The decision of the standard policy for a risk.
pub(crate) const fn standard(risk: Risk) -> Decision {
    match risk {
        Risk::Low => Decision::Allow,
        Risk::Medium => Decision::Ask(Approval { approvers: 1, rollback: true, impact: false }),
        Risk::High => Decision::Ask(Approval { approvers: 1, rollback: true, impact: true }),
        Risk::Critical => Decision::Deny,
    }
}
