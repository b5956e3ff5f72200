//! Why something was refused although the policy let it: a quota, or the emergency stop.

use serde::{Deserialize, Serialize};

use super::{Charge, Counts};
use crate::evaluation::Evaluation;
use crate::record::{Kind, Record, Timestamp};
use crate::request::Request;

/// Why something was refused that is not a matter of what it would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum QuotaRefusal {
    /// The emergency stop is set: nothing begins until a person lifts it.
    #[error("stopped: {reason}; a person can lift it (`guardrail resume`)")]
    Stopped {
        /// What was said when it was set, or why it counts as set.
        reason: String,
    },
    /// A quota is used up, or a circuit breaker is open.
    #[error(
        "quota {quota:?} of the {layer} policy: {} {}{}{}",
        most, told(*counts), among(of), again(*retry_at)
    )]
    Spent {
        /// The quota's name.
        quota: String,
        /// The layer it stands in.
        layer: String,
        /// What it counts.
        counts: Counts,
        /// The most there may be.
        most: u32,
        /// What is counted together: `actor=bob`. Empty where it is everything.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        of: String,
        /// From when on it is worth trying again; `None` where that depends on what others do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
    },
    /// It cannot be counted, and what cannot be counted does not begin.
    #[error("quotas cannot be counted: {reason}")]
    Unavailable {
        /// Why, and what to do.
        reason: String,
    },
}

impl QuotaRefusal {
    /// That a charge was too much.
    #[must_use]
    pub fn spent(charge: &Charge, retry_at: Option<Timestamp>) -> Self {
        let quota = &charge.quota;
        Self::Spent {
            quota: quota.name.clone(),
            layer: quota.layer.to_owned(),
            counts: quota.counts,
            most: quota.most,
            of: charge.of.clone(),
            retry_at,
        }
    }

    /// Its name for records and metrics: `stopped`, `spent`, `unavailable`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Stopped { .. } => "stopped",
            Self::Spent { .. } => "spent",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    /// Whether a record may have this as the rule of a refusal, where these are the names of quotas.
    pub(crate) fn names(rule: &str, is_quota: impl Fn(&str) -> bool) -> bool {
        let quota = rule.strip_prefix("quota: ");
        quota.is_some_and(|name| matches!(name, "stopped" | "unavailable") || is_quota(name))
    }

    /// From when on it is worth trying again, where that is known.
    #[must_use]
    pub const fn retry_at(&self) -> Option<Timestamp> {
        match self {
            Self::Spent { retry_at, .. } => *retry_at,
            Self::Stopped { .. } | Self::Unavailable { .. } => None,
        }
    }

    /// The record of a request that was refused for it. It is no denial: what the policy said of the
    /// request stands beside it.
    ///
    /// ```
    /// use guardrail_core::quota::QuotaRefusal;
    /// use guardrail_core::record::{Kind, Verdict};
    /// use guardrail_core::{Guard, Request};
    ///
    /// let request = Request::shell("git status");
    /// let refusal = QuotaRefusal::Stopped { reason: "an incident".into() };
    /// let record = refusal.record(&request, &Guard::new().evaluate(&request));
    /// assert_eq!((record.kind, record.decision), (Kind::Refusal, Some(Verdict::Allow)));
    /// assert_eq!(record.rule.as_deref(), Some("quota: stopped"));
    /// ```
    #[must_use]
    pub fn record(&self, request: &Request, evaluation: &Evaluation) -> Record {
        Record { kind: Kind::Refusal, ..self.put_into(Record::evaluation(request, evaluation)) }
    }

    /// A record that says this refusal is why, beside what it says already.
    #[must_use]
    pub fn put_into(&self, record: Record) -> Record {
        let rule = match self {
            Self::Spent { quota, .. } => format!("quota: {quota}"),
            other => format!("quota: {}", other.as_str()),
        };
        Record {
            rule: Some(rule),
            result: Some(self.to_string()),
            details: serde_json::to_value(self).ok(),
            ..record
        }
    }
}

fn told(counts: Counts) -> &'static str {
    match counts {
        Counts::Calls => "calls were made",
        Counts::Executions => "executions were begun",
        Counts::Repeats => "times the same thing was begun: this looks like a loop",
        Counts::Running => "run at the same time",
        Counts::Failures => "failed in a row",
        Counts::Denials => "were denied in a row",
    }
}

fn among(of: &str) -> String {
    if of.is_empty() { String::new() } else { format!(" ({of})") }
}

fn again(retry_at: Option<Timestamp>) -> String {
    match retry_at {
        Some(at) => format!("; again from {}", at.format("%F %T UTC")),
        None => "; again when one of them has ended".to_owned(),
    }
}
