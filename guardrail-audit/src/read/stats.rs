//! What a log says in numbers.

use std::collections::BTreeMap;

use guardrail_core::record::{Kind, Record, Recorded, Status, Timestamp, Verdict};
use serde::Serialize;

use super::{Filter, LineSource, Query};
use crate::store::StoreError;

/// What a log, or a part of it, says in numbers. Serialises to JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stats {
    /// How many lines were counted.
    pub records: u64,
    /// How many bytes they have, newlines included.
    pub bytes: u64,
    /// The time of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The time of the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Records by kind.
    pub kinds: BTreeMap<String, u64>,
    /// Decisions on requests, by risk and then by decision.
    pub decisions: BTreeMap<String, BTreeMap<String, u64>>,
    /// Decisions on requests, by the rule that decided and then by decision.
    pub rules: BTreeMap<String, BTreeMap<String, u64>>,
    /// How steps ended, by status.
    pub outcomes: BTreeMap<String, u64>,
    /// Steps that failed, by tool.
    pub failures: BTreeMap<String, u64>,
    /// Votes, by approver and then by status.
    pub approvers: BTreeMap<String, BTreeMap<String, u64>>,
    /// Seconds from the question to the answer that ended it.
    pub approval_seconds: Spread,
    /// Questions that were asked and that nothing in the range answered.
    pub unanswered: u64,
    /// Seconds that steps took.
    pub step_seconds: Spread,
    /// Steps that began and whose end is not in the range.
    pub unfinished: u64,
    /// Secrets that were taken out of records.
    pub redacted: u64,
}

/// How values are spread: percentiles of all of them, by the nearest rank.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// How many there are.
    pub count: u64,
    /// Half are at most this.
    pub p50: f64,
    /// 90 of 100 are at most this.
    pub p90: f64,
    /// 99 of 100 are at most this.
    pub p99: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// The spread of values.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Self {
        values.retain(|value| value.is_finite());
        values.sort_by(f64::total_cmp);
        let rank = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100).max(1);
            values.get(rank - 1).copied().unwrap_or_default()
        };
        let (p50, p90, p99) = (rank(50), rank(90), rank(99));
        Self { count: values.len() as u64, p50, p90, p99, max: rank(100) }
    }
}

/// What is counted on the way.
#[derive(Default)]
struct Counting {
    stats: Stats,
    /// Questions without an answer, by plan, revision and step.
    asked: BTreeMap<(String, u32, u32), Timestamp>,
    /// Steps without an outcome, by their intent.
    begun: BTreeMap<uuid::Uuid, Timestamp>,
    approvals: Vec<f64>,
    steps: Vec<f64>,
}

impl Stats {
    /// Counts what a filter lets through.
    ///
    /// # Errors
    ///
    /// Where the log cannot be read, or a line of it is none.
    pub fn of<S: LineSource + ?Sized>(source: &S, filter: Filter) -> Result<Self, StoreError> {
        Self::of_watched(source, filter, |_| {})
    }

    /// As [`of`](Self::of), and tells after each line how many bytes were counted.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn of_watched<S: LineSource + ?Sized>(
        source: &S,
        filter: Filter,
        mut watch: impl FnMut(u64),
    ) -> Result<Self, StoreError> {
        let mut counting = Counting::default();
        for entry in Query::new(source, filter)? {
            let entry = entry?;
            counting.stats.bytes += entry.line.len() as u64 + 1;
            counting.stats.redacted += redacted(&entry.line);
            counting.add(&entry.recorded);
            watch(counting.stats.bytes);
        }
        let Counting { mut stats, asked, begun, approvals, steps } = counting;
        stats.approval_seconds = Spread::of(approvals);
        stats.step_seconds = Spread::of(steps);
        stats.unanswered = asked.len() as u64;
        stats.unfinished = begun.len() as u64;
        Ok(stats)
    }
}

impl Counting {
    fn add(&mut self, recorded: &Recorded) {
        let Recorded { timestamp, record, .. } = recorded;
        let stats = &mut self.stats;
        stats.records += 1;
        stats.from.get_or_insert(*timestamp);
        stats.until = Some(*timestamp);
        count(&mut stats.kinds, record.kind.as_str());
        match &record.kind {
            Kind::Evaluation => {
                let decision = record.decision.as_ref().map_or("none", Verdict::as_str);
                let risk = record.risk.map_or("none", guardrail_core::Risk::as_str);
                count(stats.decisions.entry(risk.to_owned()).or_default(), decision);
                let rule = record.rule.as_deref().unwrap_or("none");
                count(stats.rules.entry(rule.to_owned()).or_default(), decision);
            }
            Kind::Approval => self.approval(record, *timestamp),
            Kind::Intent => {
                if let Some(id) = record.id {
                    self.begun.insert(id, *timestamp);
                }
            }
            Kind::Outcome => self.outcome(record, *timestamp),
            _ => {}
        }
    }

    fn approval(&mut self, record: &Record, timestamp: Timestamp) {
        let Some(status) = &record.status else { return };
        if let Some(approver) = &record.approver {
            count(self.stats.approvers.entry(approver.clone()).or_default(), status.as_str());
        }
        let Some(plan) = record.plan_id.clone() else { return };
        let question = (plan, record.revision.unwrap_or(0), record.step.unwrap_or(0));
        match status {
            Status::Requested => {
                self.asked.entry(question).or_insert(timestamp);
            }
            // An explanation leaves the question open. Where two must say yes, the first ends the wait
            // that is measured.
            Status::Explained => {}
            _ => {
                if let Some(asked) = self.asked.remove(&question) {
                    self.approvals.push(seconds(asked, timestamp));
                }
            }
        }
    }

    fn outcome(&mut self, record: &Record, timestamp: Timestamp) {
        let status = record.status.as_ref().map_or("none", Status::as_str);
        count(&mut self.stats.outcomes, status);
        if record.status == Some(Status::Failed) {
            for tool in record.tool.as_deref().unwrap_or("none").split(',') {
                count(&mut self.stats.failures, tool);
            }
        }
        let begun = record.id.and_then(|id| self.begun.remove(&id));
        let took = record.duration_seconds.or_else(|| begun.map(|begun| seconds(begun, timestamp)));
        self.steps.extend(took);
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    let micros = (to - from).num_microseconds().unwrap_or(i64::MAX);
    micros as f64 / 1e6
}

/// How many secrets were taken out of a line, as it says itself.
#[must_use]
pub fn redacted(line: &[u8]) -> u64 {
    #[derive(serde::Deserialize)]
    struct Line {
        #[serde(default)]
        redacted: Vec<Place>,
    }
    #[derive(serde::Deserialize)]
    struct Place {
        #[serde(default)]
        n: u64,
    }
    // Few lines have one, and reading all of them costs what searching does not.
    if memchr::memmem::find(line, b"\"redacted\":[").is_none() {
        return 0;
    }
    serde_json::from_slice::<Line>(line).map_or(0, |line| line.redacted.iter().map(|place| place.n).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let spread = Spread::of((1..=200).rev().map(f64::from).collect());
        assert_eq!(spread, Spread { count: 200, p50: 100.0, p90: 180.0, p99: 198.0, max: 200.0 });
        assert_eq!(Spread::of(vec![3.0]), Spread { count: 1, p50: 3.0, p90: 3.0, p99: 3.0, max: 3.0 });
        assert_eq!(Spread::of(vec![f64::NAN]), Spread::default());
    }
}
