//! What is remembered: one event as the audit log keeps it, and the traits by which the rest of
//! the house asks for it to be kept.
//!
//! A [`Record`] is flat and its names are fixed, so that a person can read the log with `grep` and
//! `jq`. What only one kind of event has is in [`Record::details`].

mod evaluated;
mod recorder;
mod word;

use chrono::{DateTime, Utc};
use guardrail_schema::Risk;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use evaluated::{EvaluationDetails, ShadowVerdict};
pub use recorder::{Condition, DocumentDigest, PlanStore, Receipt, RecordError, Recorded, Recorder};
pub use word::{Kind, Status, Verdict};

/// One thing that happened, before it has a place in a log.
///
/// Everything but the kind is optional, and absent fields are not written. Secrets are taken out
/// by the recorder, before anything is hashed or written.
///
/// ```
/// use guardrail_core::record::{Kind, Record, Status};
///
/// let mut record = Record::new(Kind::Outcome);
/// record.plan_id = Some("plan-20260126-001".into());
/// record.action = Some("kubectl scale deployment/api --replicas=5".into());
/// record.status = Some(Status::Succeeded);
/// record.duration_seconds = Some(4.25);
/// assert_eq!(
///     serde_json::to_string(&record)?,
///     r#"{"kind":"outcome","plan_id":"plan-20260126-001","action":"kubectl scale deployment/api --replicas=5","status":"succeeded","duration_seconds":4.25}"#,
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Record {
    /// What kind of event.
    pub kind: Kind,
    /// Its own id, where one is needed to find it again: an intent carries that of its permit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// The plan it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<String>,
    /// The revision of that plan, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The step of that plan, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// Who asked: the agent or its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The session it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Where the conversation takes place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The tool: a program or a named tool call; several are joined by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// What was to be done, as a person would type it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The arguments of a tool call, or the words of an argument vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// The working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// To what it is done: paths, names, addresses; several are joined by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// How risky it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// What the policy said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Verdict>,
    /// The rule that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The person or service that voted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// How long it took, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// Why: the agent's reason for a request, a person's for a vote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What came of it, in a sentence or a few lines of output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// What only this kind of event has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

impl Record {
    /// A record of a kind, with nothing else in it.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self {
            kind,
            id: None,
            plan_id: None,
            revision: None,
            step: None,
            actor: None,
            session: None,
            channel: None,
            tool: None,
            action: None,
            arguments: None,
            cwd: None,
            resource: None,
            risk: None,
            decision: None,
            rule: None,
            approver: None,
            status: None,
            duration_seconds: None,
            reason: None,
            result: None,
            details: None,
        }
    }
}

/// The time of a record, to the microsecond, in UTC.
pub type Timestamp = DateTime<Utc>;
