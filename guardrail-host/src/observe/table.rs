//! Every metric: its name, type, unit and labels, and every value that a label may have.

use guardrail_core::plan::{Achieved, Measure, NoticeKind, OutcomeVerdict, Part, State};
use guardrail_core::record::{Kind, RecordError, Status, Verdict};
use guardrail_core::{Guard, Risk};

/// One metric. There are those of [`METRICS`], and no other.
#[derive(Debug)]
pub struct Metric {
    /// Its name, as Prometheus has it.
    pub name: &'static str,
    /// What kind it is.
    pub kind: MetricKind,
    /// What one of it is: `seconds`, `records`, ...
    pub unit: &'static str,
    /// By what it is told apart.
    pub labels: &'static [Label],
    /// What it says, in a sentence.
    pub help: &'static str,
}

/// What kind of metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It is what it is now.
    Gauge,
    /// How values are spread: how many are at most each of these bounds, their sum, their number.
    Histogram(&'static [f64]),
}

/// By what values of a metric are told apart.
#[derive(Debug)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Which values it may have.
    pub values: Values,
}

/// The values that a label may have. None of them is a word that an agent chose.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// These, each of them a constant of the program.
    Words(&'static [&'static str]),
    /// The tools and tool calls that the guard has [knowledge](Guard::knows_tool) of; `other`; `none`.
    Tools,
    /// The rules and settings that the guard [decides](Guard::knows_rule) by, or did so before its
    /// policy was replaced, at most [`MOST_RULES`]; `other`; `none`.
    Rules,
}

/// So many names of rules get series of their own. A policy may have more, and another one may
/// take its place any number of times.
pub const MOST_RULES: usize = 1024;

/// What a name is counted as that is none of those known.
pub(super) const OTHER: &str = "other";
/// What is counted where there is no name.
pub(super) const NONE: &str = "none";

impl MetricKind {
    /// `counter`, `gauge` or `histogram`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

impl Values {
    /// Whether a label may have this value, with this guard.
    #[must_use]
    pub fn hold(self, value: &str, guard: &Guard) -> bool {
        match self {
            Self::Words(words) => words.contains(&value),
            Self::Tools => matches!(value, OTHER | NONE) || guard.knows_tool(value),
            Self::Rules => matches!(value, OTHER | NONE) || guard.knows_rule(value),
        }
    }
}

/// Time to look at something in memory, to a disk that is busy.
const QUICK: &[f64] = &[1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 1e-4, 1e-3, 1e-2, 0.1];
/// Time to make something durable.
const DISK: &[f64] = &[5e-5, 1e-4, 2.5e-4, 1e-3, 2.5e-3, 1e-2, 5e-2, 0.25, 1.0];
/// Time that commands take.
const COMMAND: &[f64] = &[0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0];
/// Time that people take.
const PEOPLE: &[f64] = &[5.0, 15.0, 60.0, 180.0, 600.0, 1800.0, 3600.0, 14400.0, 86400.0];

const KIND: Label = Label { name: "kind", values: Values::Words(KINDS) };
const DECISION: Label = Label { name: "decision", values: Values::Words(DECISIONS) };
const RISK: Label = Label { name: "risk", values: Values::Words(RISKS) };
const RULE: Label = Label { name: "rule", values: Values::Rules };
const TOOL: Label = Label { name: "tool", values: Values::Tools };
const PART: Label = Label { name: "part", values: Values::Words(PARTS) };

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $id:ident: $name:literal, $kind:expr, $unit:literal, [$($label:expr),*];)*) => {
        $(
            $(#[doc = $help])+
            pub static $id: Metric = Metric {
                name: $name,
                kind: $kind,
                unit: $unit,
                labels: &[$($label),*],
                help: concat!($($help),+).trim_ascii_start(),
            };
        )*

        /// Every metric there is.
        pub static METRICS: &[&Metric] = &[$(&$id),*];
    };
}

metrics! {
    /// Records that were made durable.
    RECORDS: "guardrail_records_total", MetricKind::Counter, "records", [KIND];
    /// How long it took to make a call's records durable.
    RECORDING: "guardrail_record_seconds", MetricKind::Histogram(DISK), "seconds", [];
    /// Calls whose records were not kept, or not certainly. A conflict says that somebody else moved the plan first, and is no fault.
    RECORD_ERRORS: "guardrail_record_errors_total", MetricKind::Counter, "calls",
        [Label { name: "error", values: Values::Words(ERRORS) }];
    /// Secrets that were taken out of records.
    REDACTIONS: "guardrail_redactions_total", MetricKind::Counter, "secrets", [];
    /// How long an evaluation took.
    EVALUATION: "guardrail_evaluation_seconds", MetricKind::Histogram(QUICK), "seconds", [];
    /// Requests that were answered, by the answer and the risk.
    DECISIONS_BY_RISK: "guardrail_decisions_total", MetricKind::Counter, "requests", [DECISION, RISK];
    /// The same by the rule or setting that decided.
    DECISIONS_BY_RULE: "guardrail_decisions_by_rule_total", MetricKind::Counter, "requests", [DECISION, RULE];
    /// The same by tool. A request with several tools counts once for each.
    DECISIONS_BY_TOOL: "guardrail_decisions_by_tool_total", MetricKind::Counter, "requests", [DECISION, TOOL];
    /// Requests that a quota or the emergency stop refused, and times that a plan had to wait for one.
    REFUSALS: "guardrail_refusals_total", MetricKind::Counter, "requests", [RULE];
    /// Secrets that commands asked for, by whether they were given.
    CREDENTIALS: "guardrail_credential_uses_total", MetricKind::Counter, "secrets",
        [Label { name: "status", values: Values::Words(CREDENTIAL_WORDS) }];
    /// How long a plan waited for approval, by what ended the waiting.
    APPROVAL: "guardrail_approval_seconds", MetricKind::Histogram(PEOPLE), "seconds",
        [Label { name: "outcome", values: Values::Words(OUTCOMES) }];
    /// Plans that wait for approval.
    WAITING: "guardrail_approvals_waiting", MetricKind::Gauge, "plans", [];
    /// How long the plan that waits longest has waited.
    OLDEST: "guardrail_approvals_oldest_seconds", MetricKind::Gauge, "seconds", [];
    /// Plans that came to a state.
    TRANSITIONS: "guardrail_plan_transitions_total", MetricKind::Counter, "plans",
        [Label { name: "to", values: Values::Words(STATES) }];
    /// Commands of plans that were about to start, by their own risk.
    COMMANDS: "guardrail_commands_total", MetricKind::Counter, "commands", [PART, RISK];
    /// How long commands of plans took, by what came of them.
    EXECUTION: "guardrail_execution_seconds", MetricKind::Histogram(COMMAND), "seconds",
        [PART, Label { name: "verdict", values: Values::Words(VERDICTS) }];
    /// Measures around commands, by how far they were achieved. What is missing was asked for, and the plan had allowed that it is not there.
    MEASURES: "guardrail_sandbox_measures_total", MetricKind::Counter, "commands",
        [
            Label { name: "measure", values: Values::Words(MEASURE_WORDS) },
            Label { name: "achieved", values: Values::Words(&["full", "partial", "missing"]) }
        ];
    /// Alerts, by whether they were told or held back because there were too many.
    ALERTS: "guardrail_alerts_total", MetricKind::Counter, "alerts",
        [
            Label { name: "alert", values: Values::Words(ALERT_WORDS) },
            Label { name: "fate", values: Values::Words(&["told", "held_back", "undelivered"]) }
        ];
    /// What was forgotten because there was no more room to remember it.
    FORGOTTEN: "guardrail_forgotten_total", MetricKind::Counter, "entries",
        [Label { name: "what", values: Values::Words(&["plan", "actor", "tool", "rule"]) }];
}

const KINDS: &[&str] = &[
    "genesis",
    "segment",
    "seal",
    "checkpoint",
    "recovered",
    "pruned",
    "erased",
    "anchored",
    "evaluation",
    "refusal",
    "plan",
    "approval",
    "grant",
    "intent",
    "outcome",
    "check",
    "rollback",
    "policy",
    "credential",
    "quota",
    "note",
    OTHER,
];
const DECISIONS: &[&str] = &["allow", "ask", "deny", OTHER, NONE];
const RISKS: &[&str] = &["low", "medium", "high", "critical", NONE];
const ERRORS: &[&str] = &["conflict", "invalid", "not_recorded", "indeterminate", "unavailable", OTHER];
const OUTCOMES: &[&str] = &[
    "approved",
    "rejected",
    "timed_out",
    "no_channel",
    "revoked",
    "superseded",
    "cancelled",
    "stale",
    "closed",
    "revised",
    OTHER,
];
const CREDENTIAL_WORDS: &[&str] = &["succeeded", "denied", "failed", OTHER];
const STATES: &[&str] = &[
    "draft",
    "proposed",
    "awaiting_approval",
    "approved",
    "preflight",
    "running",
    "verifying",
    "monitoring",
    "succeeded",
    "rejected",
    "timed_out",
    "no_channel",
    "revoked",
    "stale",
    "superseded",
    "expired",
    "paused",
    "cancelled",
    "failed",
    "rolling_back",
    "rolled_back",
    "rollback_failed",
    "in_doubt",
    "closed",
];
const PARTS: &[&str] =
    &["preflight", "capture", "dry_run", "action", "post", "monitor", "rollback", "rollback_check"];
const VERDICTS: &[&str] = &["passed", "failed", "not_started", "drifted", "stopped", "lost"];
const MEASURE_WORDS: &[&str] = &[
    "clean_environment",
    "sealed_program",
    "sealed_script",
    "whole_tree",
    "limits",
    "no_new_privileges",
    "files",
    "system_calls",
    "no_network",
    "non_root",
    OTHER,
];
const ALERT_WORDS: &[&str] = &["denial_spike", "slow_approval", "unusual_tool", "held_back", OTHER];

/// The constant among these words that is this one.
fn among(words: &'static [&'static str], word: &str) -> &'static str {
    words.iter().find(|known| **known == word).copied().unwrap_or(OTHER)
}

pub(super) fn kind(kind: &Kind) -> &'static str {
    among(KINDS, kind.as_str())
}

pub(super) fn decision(decision: Option<&Verdict>) -> &'static str {
    decision.map_or(NONE, |decision| among(DECISIONS, decision.as_str()))
}

pub(super) fn credential(status: Option<&Status>) -> &'static str {
    status.map_or(OTHER, |status| among(CREDENTIAL_WORDS, status.as_str()))
}

pub(super) fn risk(risk: Option<Risk>) -> &'static str {
    risk.map_or(NONE, |risk| among(RISKS, risk.as_str()))
}

pub(super) fn error(error: &RecordError) -> &'static str {
    match error {
        RecordError::Conflict { .. } => "conflict",
        RecordError::Invalid { .. } => "invalid",
        RecordError::NotRecorded { .. } => "not_recorded",
        RecordError::Indeterminate { .. } => "indeterminate",
        RecordError::Unavailable { .. } => "unavailable",
        _ => OTHER,
    }
}

/// A state; `None` for the one in which there is no record yet.
pub(super) fn state(state: State) -> Option<&'static str> {
    Some(match state {
        State::Unrecorded => return None,
        State::Draft => "draft",
        State::Proposed => "proposed",
        State::AwaitingApproval => "awaiting_approval",
        State::Approved => "approved",
        State::Preflight => "preflight",
        State::Running { .. } => "running",
        State::Verifying { .. } => "verifying",
        State::Monitoring => "monitoring",
        State::Succeeded => "succeeded",
        State::Rejected => "rejected",
        State::TimedOut => "timed_out",
        State::NoChannel => "no_channel",
        State::Revoked => "revoked",
        State::Stale => "stale",
        State::Superseded => "superseded",
        State::Expired => "expired",
        State::Paused => "paused",
        State::Cancelled => "cancelled",
        State::Failed => "failed",
        State::RollingBack => "rolling_back",
        State::RolledBack => "rolled_back",
        State::RollbackFailed => "rollback_failed",
        State::InDoubt => "in_doubt",
        State::Closed => "closed",
    })
}

/// What ended the waiting of a plan that is now in this state.
pub(super) fn outcome(to: State) -> &'static str {
    match to {
        State::Proposed => "revised",
        State::Preflight | State::Running { .. } => "approved",
        other => state(other).map_or(OTHER, |state| among(OUTCOMES, state)),
    }
}

pub(super) const fn part(part: Part) -> &'static str {
    match part {
        Part::Preflight => "preflight",
        Part::Capture => "capture",
        Part::DryRun => "dry_run",
        Part::Action => "action",
        Part::Post => "post",
        Part::Monitor => "monitor",
        Part::Rollback => "rollback",
        Part::RollbackCheck => "rollback_check",
    }
}

pub(super) const fn verdict(verdict: OutcomeVerdict) -> &'static str {
    match verdict {
        OutcomeVerdict::Passed => "passed",
        OutcomeVerdict::Failed => "failed",
        OutcomeVerdict::NotStarted => "not_started",
        OutcomeVerdict::Drifted => "drifted",
        OutcomeVerdict::Stopped => "stopped",
        OutcomeVerdict::Lost => "lost",
    }
}

pub(super) const fn measure(measure: Measure) -> &'static str {
    match measure {
        Measure::CleanEnvironment => "clean_environment",
        Measure::SealedProgram => "sealed_program",
        Measure::SealedScript => "sealed_script",
        Measure::WholeTree => "whole_tree",
        Measure::Limits => "limits",
        Measure::NoNewPrivileges => "no_new_privileges",
        Measure::Files => "files",
        Measure::SystemCalls => "system_calls",
        Measure::NoNetwork => "no_network",
        Measure::NonRoot => "non_root",
        _ => OTHER,
    }
}

pub(super) const fn achieved(achieved: &Achieved) -> &'static str {
    match achieved {
        Achieved::Full(_) => "full",
        Achieved::Partial(_) => "partial",
        Achieved::Missing(_) => "missing",
    }
}

pub(super) const fn alert(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::DenialSpike => "denial_spike",
        NoticeKind::SlowApproval => "slow_approval",
        NoticeKind::UnusualTool => "unusual_tool",
        NoticeKind::HeldBack => "held_back",
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_core_are_all_there() {
        for known in Kind::KNOWN {
            assert_eq!(kind(known), known.as_str());
        }
        for known in Verdict::KNOWN {
            assert_eq!(decision(Some(known)), known.as_str());
        }
        for known in [Risk::Low, Risk::Medium, Risk::High, Risk::Critical] {
            assert_eq!(risk(Some(known)), known.as_str());
        }
        assert_eq!(kind(&Kind::Other("rm -rf /".into())), OTHER);
    }

    #[test]
    fn names_are_as_prometheus_wants_them() {
        for metric in METRICS {
            let word = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            assert!(word(metric.name) && metric.name.starts_with("guardrail_"), "{metric:?}");
            assert_eq!(metric.kind == MetricKind::Counter, metric.name.ends_with("_total"), "{metric:?}");
            assert_eq!(metric.unit == "seconds", metric.name.ends_with("_seconds"), "{metric:?}");
            assert!(metric.labels.iter().all(|label| word(label.name)), "{metric:?}");
            if let MetricKind::Histogram(bounds) = metric.kind {
                assert!(bounds.is_sorted(), "{metric:?}");
            }
        }
    }
}
