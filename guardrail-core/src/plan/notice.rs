//! News that need no answer, and who carries them.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::PlanId;
use crate::record::Timestamp;

/// Carries news to people. It is told, and asked nothing.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Delivers a notice. Nothing waits for it and nothing depends on it.
    ///
    /// # Errors
    ///
    /// [`NotifyError`] where it could not be delivered.
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError>;
}

/// One piece of news.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// What kind.
    pub kind: NoticeKind,
    /// When it happened.
    pub at: Timestamp,
    /// The plan it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanId>,
    /// The step it is about, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// What happened, in a few lines, without secrets and with nothing invisible in it.
    pub text: String,
}

/// What a [`Notice`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoticeKind {
    /// A plan waits for approval.
    ApprovalNeeded,
    /// A reviewer asked why; the text is the answer.
    Explained,
    /// What a reviewer asked for was not done, or what they answered does not count.
    NotTaken,
    /// A plan was refused: by a person, by time or for want of anybody to ask.
    Refused,
    /// A step failed.
    StepFailed,
    /// A check failed.
    ValidationFailed,
    /// Undoing what was done is suggested.
    RollbackSuggested,
    /// It was undone, or that failed.
    RolledBack,
    /// What was approved is no longer what would run.
    Stale,
    /// Whether a step ran cannot be known.
    InDoubt,
    /// A plan has ended well.
    Succeeded,
    /// Much was denied in a short time.
    DenialSpike,
    /// Somebody is waited for longer than usual.
    SlowApproval,
    /// An actor used a tool that it does not use otherwise.
    UnusualTool,
    /// Some news were held back because there were too many, or something was forgotten that news
    /// would have needed. The text says how much.
    HeldBack,
}

/// A notice that could not be delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not delivered: {reason}")]
pub struct NotifyError {
    /// Why.
    pub reason: String,
}
