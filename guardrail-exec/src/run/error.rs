//! Why a runner could not do what it was asked to.

use guardrail_core::plan::{Ended, Flaw, HistoryError, NotThatRevision, PlanName, Refused, Slot};
use guardrail_core::quota::QuotaRefusal;
use guardrail_core::record::RecordError;

/// Why a runner could not do what it was asked to. Whatever it says: nothing was run that could not
/// be recorded first, and [`resume`](super::Runner::drive) goes on from what the log has.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The plan is wrong, or lacks something: all of it at once.
    #[error("the plan cannot be put forward: {}", listed(.0))]
    Flaws(Vec<Flaw>),
    /// The plan's machine does not let it happen now.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The log has no such plan.
    #[error("the log has no plan {0}")]
    Unknown(PlanName),
    /// The document of a revision is not in the store, so that nobody knows what it is.
    #[error("{plan}: the document of revision {revision} is not in the store")]
    Missing {
        /// The plan.
        plan: PlanName,
        /// The revision.
        revision: u32,
    },
    /// The document of a revision is another one.
    #[error("{plan}: {source}")]
    Document {
        /// The plan.
        plan: PlanName,
        /// What is wrong.
        source: NotThatRevision,
    },
    /// The log tells of something that cannot have happened.
    #[error("{plan}: {source}")]
    History {
        /// The plan.
        plan: PlanName,
        /// What is wrong.
        source: HistoryError,
    },
    /// It could not be recorded or read. What needed the record did not happen.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A command ended, and that could not be recorded. To the log it is under way, and once it is
    /// resumed it will be in doubt.
    #[error("{slot} ended ({ended}), and that could not be recorded: {source}", ended = how(ended))]
    Unrecorded {
        /// Which command.
        slot: Slot,
        /// How it ended.
        ended: Ended,
        /// Why it could not be recorded.
        source: RecordError,
    },
    /// Another runner takes care of the plan.
    #[error("{0} is being taken care of by another runner")]
    Busy(PlanName),
    /// Others were faster every time: the log moved on whenever something was decided.
    #[error("{0} is changed by others all the time")]
    Contended(PlanName),
    /// Too much was asked, or everything is stopped.
    #[error(transparent)]
    Quota(QuotaRefusal),
    /// What plans are kept apart by cannot be had.
    #[error("claims cannot be made: {0}")]
    Claims(std::io::Error),
}

fn listed(flaws: &[Flaw]) -> String {
    flaws.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// How a command ended, in a few words.
pub(super) fn how(ended: &Ended) -> String {
    match ended {
        Ended::Exited(status) => format!("status {status}"),
        Ended::NotStarted(refusal) => refusal.to_string(),
        Ended::Signalled(signal) => format!("by signal {signal}"),
        Ended::Stopped => "it was stopped".to_owned(),
        Ended::OverLimit(limit) => format!("past its limit: {limit:?}").to_lowercase(),
        Ended::Lost(reason) => format!("nobody knows how: {reason}"),
    }
}
