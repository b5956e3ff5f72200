//! The strictest decision of a run, as an exit status.

use guardrail::Decision;

/// How strict an answer is; a later one is stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// Everything may run.
    #[default]
    Allow,
    /// Something needs an approval.
    Ask,
    /// Something may not run, or was no request at all.
    Deny,
}

impl Verdict {
    /// The exit status that tells it.
    pub(crate) const fn status(self) -> u8 {
        match self {
            Self::Allow => 0,
            Self::Ask => 10,
            Self::Deny => 20,
        }
    }
}

impl From<&Decision> for Verdict {
    fn from(decision: &Decision) -> Self {
        match decision {
            Decision::Allow => Self::Allow,
            Decision::Ask(_) => Self::Ask,
            Decision::Deny => Self::Deny,
        }
    }
}
