//! What goes on, in numbers and alerts: metrics, and news of what is odd.
//!
//! Everything that happens to a request or a plan is a record before it counts. So there is one
//! place to look: a [`Watch`] is told the records that were made durable, by a
//! [recorder](Watch::recorder) that stands in front of the log, or by whoever reads a log
//! ([`Watch::read`]), and both give the same numbers. Two things are in no record: how long an
//! evaluation took ([`Watch::evaluate`]), and what was achieved around a command
//! ([`Watch::executor`]).
//!
//! Labels are bounded: their values are constants of the program, the names of tools that there is
//! knowledge of, and the names of rules that are loaded ([`Values`]). What an agent may choose freely
//! (commands, names of programs, its own name) is in no label.

mod alarm;
mod plans;
mod prometheus;
mod sink;
mod spans;
mod table;
mod through;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use guardrail_core::plan::{Authority, Notice, NoticeKind, Notifier, What};
use guardrail_core::record::{Kind, Record, RecordError, Recorded, Status, Timestamp, Verdict};
use guardrail_core::redact::Redactor;
use guardrail_core::{Evaluation, Guard, Request};

pub use alarm::AlarmSettings;
pub use prometheus::{CONTENT_TYPE, Prometheus};
#[cfg(feature = "metrics")]
pub use sink::Facade;
pub use sink::{LabelValue, Sink};
pub use table::*;
pub use through::{WatchedApprover, WatchedExecutor, WatchedRecorder};

use alarm::Alarms;
use plans::{Plans, seconds};
use spans::Spanned;

/// Looks on. Build one beside the guard, and share it.
///
/// ```
/// use std::sync::Arc;
///
/// use guardrail_core::{Guard, Request};
/// use guardrail_core::record::{Record, Timestamp};
/// use guardrail_host::observe::{AlarmSettings, Prometheus, Watch};
///
/// let prometheus = Arc::new(Prometheus::default());
/// let watch = Watch::of(Arc::new(Guard::new())).sink(prometheus.clone());
///
/// // What is denied again and again is worth a word.
/// let request = Request::shell("kubectl delete namespace shop");
/// for _ in 0..AlarmSettings::STANDARD.denials_least {
///     let record = Record::evaluation(&request, &watch.evaluate(&request));
///     watch.recorded(&[record], Timestamp::UNIX_EPOCH, 0);
/// }
/// let alerts = watch.turn(Timestamp::UNIX_EPOCH);
/// assert!(alerts[0].text.starts_with("10 requests were denied or refused within 5 minutes"));
/// ```
pub struct Watch {
    guard: Arc<Guard>,
    sinks: Vec<Arc<dyn Sink>>,
    state: Mutex<State>,
}

struct State {
    plans: Plans,
    alarms: Alarms,
    rules: BTreeSet<String>,
    /// Actors and tools that were forgotten, as far as that was counted.
    forgotten: (u64, u64),
    /// How many plans waited when that was last said.
    waiting: usize,
}

impl Watch {
    /// Of a guard, whose tools and rules are those that labels may name; with
    /// [`AlarmSettings::STANDARD`], and no sink yet.
    #[must_use]
    pub fn of(guard: Arc<Guard>) -> Self {
        let alarms = Alarms::new(AlarmSettings::STANDARD, Redactor::new());
        let state =
            State { plans: Plans::default(), alarms, rules: BTreeSet::new(), forgotten: (0, 0), waiting: 0 };
        Self { guard, sinks: Vec::new(), state: Mutex::new(state) }
    }

    /// Measures into this sink as well.
    #[must_use]
    pub fn sink(mut self, sink: Arc<dyn Sink>) -> Self {
        self.sinks.push(sink);
        self
    }

    /// Raises alerts by these settings. `redactor` takes secrets out of their texts; it should know
    /// the same ones as the log.
    #[must_use]
    pub fn alarms(self, settings: AlarmSettings, redactor: Redactor) -> Self {
        self.lock().alarms = Alarms::new(settings, redactor);
        self
    }

    /// What [`Guard::evaluate`] says, and how long it took.
    pub fn evaluate(&self, request: &Request) -> Evaluation {
        let (span, begun) = (Spanned::evaluate(), Instant::now());
        let evaluation = span.during(|| self.guard.evaluate(request));
        span.evaluated(&evaluation);
        self.observe(&EVALUATION, &[], begun.elapsed().as_secs_f64());
        evaluation
    }

    /// Records were made durable, the last of them at this time by the log's clock, and `redacted`
    /// secrets were taken out of them. [`recorder`](Self::recorder) calls it by itself.
    ///
    /// Records of plans are only understood in their places: see [`read`](Self::read).
    pub fn recorded(&self, records: &[Record], at: Timestamp, redacted: u64) {
        self.place(records, None, at, redacted);
    }

    /// A record as a log has it. Records are read in their order, from the first of a plan on, or
    /// what becomes of that plan is not counted.
    pub fn read(&self, recorded: &Recorded, redacted: u64) {
        let record = std::slice::from_ref(&recorded.record);
        self.place(record, Some(recorded.sequence), recorded.timestamp, redacted);
    }

    /// A record of earlier: it teaches which tools an actor uses and where plans are, and counts for
    /// nothing. Given the last weeks of the log when the program starts, before
    /// [`resume`](WatchedRecorder::resume), a restart is no gap.
    pub fn learn(&self, recorded: &Recorded) {
        let mut state = self.lock();
        let record = &recorded.record;
        state.plans.follow(record, recorded.sequence, recorded.timestamp);
        if is_use(record) && record.decision != Some(Verdict::Deny) {
            for tool in self.tools(record) {
                if tool != NONE {
                    state.alarms.learn(record.actor.as_deref(), &tool, recorded.timestamp);
                }
            }
        }
    }

    /// Time has passed: brings gauges up to date, and gives the alerts that are to be told. To be
    /// called now and then, every ten seconds say.
    #[must_use]
    pub fn turn(&self, now: Timestamp) -> Vec<Notice> {
        self.pass(now);
        let mut state = self.lock();
        std::iter::from_fn(|| state.alarms.take()).collect()
    }

    /// As [`turn`](Self::turn), and tells the alerts to a notifier, one after the other. Gives how
    /// many could not be told; they are not told again. One whose telling was broken off, because
    /// this future was dropped, is told again by the next call.
    pub async fn tell(&self, now: Timestamp, notifier: &dyn Notifier) -> usize {
        self.pass(now);
        let mut failed = 0;
        loop {
            let Some(notice) = self.lock().alarms.next() else { return failed };
            let told = notifier.notify(&notice).await.is_ok();
            failed += usize::from(!told);
            self.lock().alarms.done(&notice);
            self.alert(notice.kind, if told { "told" } else { "undelivered" }, 1);
        }
    }

    fn pass(&self, now: Timestamp) {
        let mut state = self.lock();
        let State { plans, alarms, .. } = &mut *state;
        let forgotten = plans.take_forgotten();
        self.forgot("plan", forgotten);
        alarms.forgot("plans", forgotten);
        alarms.turn(now, plans.waiting());
        for (kind, count) in alarms.take_held() {
            self.alert(kind, "held_back", count);
        }
        self.waiting(&mut state, Some(now));
        self.count_forgotten(&mut state);
    }

    fn place(&self, records: &[Record], first: Option<u64>, at: Timestamp, redacted: u64) {
        let mut state = self.lock();
        for (record, sequence) in records.iter().zip(first.unwrap_or(0)..) {
            self.add(&RECORDS, &[("kind", table::kind(&record.kind).into())], 1);
            match record.kind {
                Kind::Evaluation => self.decided(&mut state, record, at),
                // The evaluation stands before it; what the policy denied was counted there.
                Kind::Refusal => {
                    self.refused(&mut state, record);
                    if record.decision != Some(Verdict::Deny) {
                        state.alarms.denied(record.actor.as_deref(), at);
                    }
                }
                Kind::Quota if record.status == Some(Status::Paused) => self.refused(&mut state, record),
                Kind::Credential => {
                    let status = table::credential(record.status.as_ref());
                    self.add(&CREDENTIALS, &[("status", status.into())], 1);
                }
                _ if first.is_some() => self.planned(&mut state, record, sequence, at),
                _ => {}
            }
        }
        if redacted > 0 {
            self.add(&REDACTIONS, &[], redacted);
        }
        self.waiting(&mut state, None);
        self.count_forgotten(&mut state);
    }

    fn refused(&self, state: &mut State, record: &Record) {
        let rule = self.rule(state, record.rule.as_deref());
        self.add(&REFUSALS, &[("rule", rule)], 1);
    }

    fn decided(&self, state: &mut State, record: &Record, at: Timestamp) {
        let decision = ("decision", Cow::Borrowed(table::decision(record.decision.as_ref())));
        let risk = ("risk", table::risk(record.risk).into());
        self.add(&DECISIONS_BY_RISK, &[decision.clone(), risk], 1);
        let rule = self.rule(state, record.rule.as_deref());
        self.add(&DECISIONS_BY_RULE, &[decision.clone(), ("rule", rule)], 1);
        let denied = record.decision == Some(Verdict::Deny);
        for tool in self.tools(record) {
            if tool != NONE {
                state.alarms.used(record.actor.as_deref(), &tool, at, denied);
            }
            self.add(&DECISIONS_BY_TOOL, &[decision.clone(), ("tool", tool)], 1);
        }
        if denied {
            state.alarms.denied(record.actor.as_deref(), at);
        }
    }

    fn planned(&self, state: &mut State, record: &Record, sequence: u64, at: Timestamp) {
        let Some((event, moved)) = state.plans.follow(record, sequence, at) else { return };
        match event.what {
            What::Intent { slot, authority, .. } => {
                let part = ("part", table::part(slot.part).into());
                self.add(&COMMANDS, &[part, ("risk", table::risk(record.risk).into())], 1);
                if authority == Authority::Approval {
                    for tool in self.tools(record).into_iter().filter(|tool| *tool != NONE) {
                        state.alarms.used(record.actor.as_deref(), &tool, at, false);
                    }
                }
            }
            What::Outcome { slot, verdict, duration_seconds, .. } => {
                let part = ("part", table::part(slot.part).into());
                let verdict = ("verdict", table::verdict(verdict).into());
                self.observe(&EXECUTION, &[part, verdict], duration_seconds);
            }
            _ => {}
        }
        let Some(moved) = moved else { return };
        if let Some(to) = table::state(moved.to) {
            self.add(&TRANSITIONS, &[("to", to.into())], 1);
        }
        if let Some(waited) = moved.waited {
            self.observe(&APPROVAL, &[("outcome", table::outcome(moved.to).into())], waited);
            state.alarms.answered(waited, at);
        }
    }

    /// The tools of a record, as labels have them, each once.
    fn tools(&self, record: &Record) -> BTreeSet<Cow<'static, str>> {
        let Some(tools) = record.tool.as_deref() else { return BTreeSet::from([NONE.into()]) };
        let known = |tool: &str| match self.guard.knows_tool(tool) {
            true => Cow::Owned(tool.to_owned()),
            false => OTHER.into(),
        };
        tools.split(',').map(known).collect()
    }

    fn rule(&self, state: &mut State, rule: Option<&str>) -> Cow<'static, str> {
        let Some(rule) = rule else { return NONE.into() };
        if !state.rules.contains(rule) {
            if !self.guard.knows_rule(rule) {
                return OTHER.into();
            }
            if state.rules.len() >= MOST_RULES {
                self.forgot("rule", 1);
                return OTHER.into();
            }
            state.rules.insert(rule.to_owned());
        }
        Cow::Owned(rule.to_owned())
    }

    /// Says how many plans wait, and, where time has passed, for how long.
    fn waiting(&self, state: &mut State, now: Option<Timestamp>) {
        let count = state.plans.waiting().len();
        if let Some(now) = now {
            let oldest = state.plans.waiting().map(|waiting| waiting.since).min();
            self.set(&OLDEST, oldest.map_or(0.0, |since| seconds(now - since)));
        }
        if now.is_some() || count != state.waiting {
            state.waiting = count;
            self.set(&WAITING, count as f64);
        }
    }

    fn count_forgotten(&self, state: &mut State) {
        let now = state.alarms.forgotten();
        let before = std::mem::replace(&mut state.forgotten, now);
        self.forgot("actor", now.0 - before.0);
        self.forgot("tool", now.1 - before.1);
    }

    fn forgot(&self, what: &'static str, count: u64) {
        if count > 0 {
            self.add(&FORGOTTEN, &[("what", what.into())], count);
        }
    }

    fn alert(&self, kind: NoticeKind, fate: &'static str, count: u64) {
        self.add(&ALERTS, &[("alert", table::alert(kind).into()), ("fate", fate.into())], count);
    }

    fn failed(&self, error: &RecordError) {
        self.add(&RECORD_ERRORS, &[("error", table::error(error).into())], 1);
    }

    fn add(&self, metric: &'static Metric, labels: &[LabelValue], by: u64) {
        self.sinks.iter().for_each(|sink| sink.add(metric, labels, by));
    }

    fn set(&self, metric: &'static Metric, value: f64) {
        self.sinks.iter().for_each(|sink| sink.set(metric, &[], value));
    }

    fn observe(&self, metric: &'static Metric, labels: &[LabelValue], value: f64) {
        // What a log says may be anything; a sum that falls would read as a restart.
        let value = if value.is_finite() { value.max(0.0) } else { return };
        self.sinks.iter().for_each(|sink| sink.observe(metric, labels, value));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("sinks", &self.sinks.len()).finish_non_exhaustive()
    }
}

/// Whether a record says that an actor used a tool, or wanted to.
fn is_use(record: &Record) -> bool {
    matches!(record.kind, Kind::Evaluation | Kind::Intent)
}
