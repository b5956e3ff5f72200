//! Spans of the `tracing` crate, with its feature on; else nothing at all.
//!
//! A span says which plan, which command of it by its place, how bad, and what came of it: never
//! what was asked to be done. Nothing below this crate emits any, so that the pure core stays pure
//! and what is not looked at costs nothing.

use std::future::Future;

use guardrail_core::Evaluation;
use guardrail_core::plan::{Asked, Ended, Execution, Permit, Question};
use guardrail_core::record::{Condition, Receipt, Record, RecordError};

use super::table;

/// A span, or nothing.
pub(super) struct Spanned {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

#[cfg(feature = "tracing")]
macro_rules! spanned {
    ($($field:tt)*) => { Spanned { span: tracing::info_span!(target: "guardrail", $($field)*) } };
}

#[cfg(not(feature = "tracing"))]
macro_rules! spanned {
    ($name:literal $(, $field:ident = $value:expr)*) => {{
        $(let _ = $value;)*
        Spanned {}
    }};
}

/// A field whose value comes later.
#[cfg(feature = "tracing")]
const LATER: tracing::field::Empty = tracing::field::Empty;
#[cfg(not(feature = "tracing"))]
const LATER: () = ();

impl Spanned {
    pub(super) fn evaluate() -> Self {
        spanned!("guardrail.evaluate", risk = LATER, decision = LATER, unknown = LATER)
    }

    pub(super) fn record(records: &[Record], condition: &Condition) -> Self {
        let plan = match condition {
            Condition::PlanAt { plan_id, .. } => plan_id.as_str(),
            Condition::Always => "",
        };
        let kind = records.first().map_or(table::NONE, |record| table::kind(&record.kind));
        spanned!(
            "guardrail.record",
            records = records.len() as u64,
            kind = kind,
            plan = plan,
            last = LATER,
            error = LATER
        )
    }

    pub(super) fn execute(permit: &Permit, executor: &str) -> Self {
        let slot = permit.slot();
        spanned!(
            "guardrail.execute",
            executor = executor,
            plan = permit.plan().to_string().as_str(),
            revision = permit.revision(),
            step = slot.step.unwrap_or(0),
            part = table::part(slot.part),
            index = slot.index,
            ended = LATER,
            seconds = LATER
        )
    }

    pub(super) fn ask(question: &Question, approver: &str) -> Self {
        spanned!(
            "guardrail.ask",
            approver = approver,
            plan = question.plan.to_string().as_str(),
            revision = question.revision,
            risk = table::risk(Some(question.risk)),
            answer = LATER
        )
    }

    /// The span is open while this future is polled.
    #[cfg(feature = "tracing")]
    pub(super) fn within<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        tracing::Instrument::instrument(future, self.span.clone())
    }

    #[cfg(not(feature = "tracing"))]
    pub(super) fn within<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        future
    }

    /// The span is open while this runs.
    pub(super) fn during<T>(&self, run: impl FnOnce() -> T) -> T {
        #[cfg(feature = "tracing")]
        let _entered = self.span.enter();
        run()
    }

    pub(super) fn evaluated(&self, evaluation: &Evaluation) {
        self.say("risk", table::risk(Some(evaluation.risk)));
        self.say("decision", evaluation.decision.as_str());
        self.say("unknown", evaluation.unknown);
    }

    pub(super) fn recorded(&self, outcome: &Result<Receipt, RecordError>) {
        match outcome {
            Ok(receipt) => self.say("last", receipt.last()),
            Err(error) => self.say("error", table::error(error)),
        }
    }

    pub(super) fn executed(&self, execution: &Execution) {
        let ended = match execution.ended {
            Ended::NotStarted(_) => "not_started",
            Ended::Exited(0) => "exited",
            Ended::Exited(_) => "failed",
            Ended::Signalled(_) => "signalled",
            Ended::Stopped => "stopped",
            Ended::OverLimit(_) => "over_limit",
            Ended::Lost(_) => "lost",
        };
        self.say("ended", ended);
        self.say("seconds", execution.duration_seconds);
    }

    pub(super) fn asked(&self, asked: &Asked) {
        let answer = match asked {
            Asked::Replied(_) => "replied",
            Asked::Delivered => "delivered",
            Asked::TimedOut => "timed_out",
            Asked::NoChannel(_) => "no_channel",
            Asked::Malformed(_) => "malformed",
            _ => table::OTHER,
        };
        self.say("answer", answer);
    }

    #[cfg(feature = "tracing")]
    fn say(&self, field: &'static str, value: impl tracing::Value) {
        self.span.record(field, value);
    }

    #[cfg(not(feature = "tracing"))]
    fn say<T>(&self, _: &'static str, _: T) {}
}
