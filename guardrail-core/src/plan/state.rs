//! The states of a plan, for everybody who looks at one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::Status;

/// Where a plan is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum State {
    /// Nothing of it is in the log yet.
    Unrecorded,
    /// It is being prepared: its state before is being captured.
    Draft,
    /// It was put forward; nobody has been asked.
    Proposed,
    /// Approvers were asked.
    AwaitingApproval,
    /// It may run, and nothing has begun.
    Approved,
    /// Its own checks before the first step run.
    Preflight,
    /// A step is being done: its checks before it, its rehearsal, the step.
    Running {
        /// Which, from 1.
        step: u32,
    },
    /// What was done is being checked.
    Verifying {
        /// Which step, from 1; `None` for the plan as a whole.
        step: Option<u32>,
    },
    /// It was done and verified, and is being watched.
    Monitoring,
    /// It ended well.
    Succeeded,
    /// Somebody said no.
    Rejected,
    /// Not enough answered in time.
    TimedOut,
    /// There was nobody to ask.
    NoChannel,
    /// A yes was taken back.
    Revoked,
    /// The world, the rules or the machine are no longer what was approved.
    Stale,
    /// Another plan took its place.
    Superseded,
    /// The approval was not used in time.
    Expired,
    /// It was stopped for now, between two steps.
    Paused,
    /// It was stopped for good.
    Cancelled,
    /// A step or a check failed.
    Failed,
    /// What was done is being undone.
    RollingBack,
    /// What was done was undone.
    RolledBack,
    /// Undoing it failed.
    RollbackFailed,
    /// Whether a command ran cannot be known.
    InDoubt,
    /// A person closed it by hand.
    Closed,
}

impl State {
    /// Whether nothing happens to it any more, but for undoing it by request.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Succeeded
                | Self::Rejected
                | Self::TimedOut
                | Self::NoChannel
                | Self::Revoked
                | Self::Superseded
                | Self::Expired
                | Self::Cancelled
                | Self::RolledBack
                | Self::Closed
        )
    }

    /// The status of a record that says that a plan is here.
    pub(super) fn status(self) -> Status {
        match self {
            Self::Unrecorded | Self::Draft => Status::Drafted,
            Self::Proposed => Status::Proposed,
            Self::AwaitingApproval => Status::Requested,
            Self::Approved => Status::Approved,
            Self::Preflight
            | Self::Running { .. }
            | Self::Verifying { .. }
            | Self::Monitoring
            | Self::RollingBack => Status::Started,
            Self::Succeeded => Status::Succeeded,
            Self::Rejected => Status::Rejected,
            Self::TimedOut => Status::TimedOut,
            Self::NoChannel => Status::NoChannel,
            Self::Revoked => Status::Revoked,
            Self::Stale => Status::Stale,
            Self::Superseded => Status::Superseded,
            Self::Expired => Status::Expired,
            Self::Paused => Status::Paused,
            Self::Cancelled => Status::Cancelled,
            Self::Failed => Status::Failed,
            Self::RolledBack => Status::RolledBack,
            Self::RollbackFailed => Status::RollbackFailed,
            Self::InDoubt => Status::InDoubt,
            Self::Closed => Status::Closed,
        }
    }

    /// Whether reaching it is worth a record of its own behind the one that led to it.
    pub(super) const fn is_marked(self) -> bool {
        !matches!(
            self,
            Self::Unrecorded
                | Self::Draft
                | Self::Proposed
                | Self::AwaitingApproval
                | Self::Preflight
                | Self::Running { .. }
                | Self::Verifying { .. }
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unrecorded => "not recorded",
            Self::Draft => "draft",
            Self::Proposed => "proposed",
            Self::AwaitingApproval => "awaiting approval",
            Self::Approved => "approved",
            Self::Preflight => "in pre-flight checks",
            Self::Running { step } => return write!(f, "running step {step}"),
            Self::Verifying { step: Some(step) } => return write!(f, "verifying step {step}"),
            Self::Verifying { step: None } => "verifying",
            Self::Monitoring => "being watched",
            Self::Succeeded => "succeeded",
            Self::Rejected => "rejected",
            Self::TimedOut => "timed out",
            Self::NoChannel => "without anybody to ask",
            Self::Revoked => "revoked",
            Self::Stale => "stale",
            Self::Superseded => "superseded",
            Self::Expired => "expired",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::RollingBack => "rolling back",
            Self::RolledBack => "rolled back",
            Self::RollbackFailed => "not rolled back: that failed",
            Self::InDoubt => "in doubt",
            Self::Closed => "closed",
        })
    }
}
