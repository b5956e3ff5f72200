//! `guardrail policy shadow`: what a policy that was tried would have decided otherwise.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use guardrail::record::{ShadowVerdict, Verdict};
use guardrail::redact::visible;
use guardrail::{Facts, PolicyDigest};
use serde::Serialize;

use crate::arguments::PolicyShadow;
use crate::policy::REFUSED;
use crate::policy::diff::CHANGED;
use crate::policy::remembered::{self, Asked};

/// Requests of each kind that are shown.
const EXAMPLES: usize = 3;
/// Characters of them.
const LONGEST: usize = 160;

/// What one policy that was tried would have changed.
#[derive(Debug, Default, Serialize)]
struct Summary {
    requests: u64,
    changed: u64,
    loosened: u64,
    changes: Vec<Change>,
}

/// Requests that it would have decided otherwise in the same way.
#[derive(Debug, Serialize)]
struct Change {
    from: String,
    to: String,
    /// The rule or setting by which; the rubric where there is none.
    rule: Option<String>,
    looser: bool,
    requests: u64,
    examples: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    /// By the policy's digest.
    policies: BTreeMap<String, Summary>,
    /// Requests that were recorded while the policy could not be loaded, by the reason.
    failed: BTreeMap<String, u64>,
    /// Requests beside which nothing was tried.
    without: u64,
}

/// Prints the summary and returns the exit status.
pub(super) fn run(task: &PolicyShadow) -> io::Result<u8> {
    let remembered = remembered::read(&task.log, &Facts::default())?;
    let mut report = Report::default();
    for asked in &remembered.asked {
        if task.since.is_none_or(|since| asked.at.is_some_and(|at| at >= since)) {
            report.add(asked);
        }
    }
    for summary in report.policies.values_mut() {
        summary.changes.sort_by_key(|change| std::cmp::Reverse((change.looser, change.requests)));
    }
    let mut out = io::stdout().lock();
    if task.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        report.print(&mut out)?;
    }
    let of = |count: fn(&Summary) -> u64| report.policies.values().map(count).sum::<u64>();
    Ok(match (of(|summary| summary.changed), of(|summary| summary.loosened)) {
        (0, _) => 0,
        (_, 0) => CHANGED,
        _ => REFUSED,
    })
}

impl Report {
    fn add(&mut self, asked: &Asked) {
        let Some(ShadowVerdict { policy, decision, rule, changes, looser, failed }) = &asked.shadow else {
            self.without += 1;
            return;
        };
        let (Some(policy), Some(to)) = (policy, decision) else {
            *self.failed.entry(failed.clone().unwrap_or_default()).or_default() += 1;
            return;
        };
        let summary = self.policies.entry(PolicyDigest::to_string(policy)).or_default();
        summary.requests += 1;
        if !changes {
            return;
        }
        let from = asked.decision.as_ref();
        summary.changed += 1;
        summary.loosened += u64::from(*looser);
        let from = from.map_or("none", Verdict::as_str);
        let same = |change: &&mut Change| {
            (&*change.from, &*change.to, &change.rule, change.looser) == (from, to.as_str(), rule, *looser)
        };
        let change = match summary.changes.iter_mut().find(same) {
            Some(change) => change,
            None => {
                summary.changes.push(Change {
                    from: from.to_owned(),
                    to: to.as_str().to_owned(),
                    rule: rule.clone(),
                    looser: *looser,
                    requests: 0,
                    examples: Vec::new(),
                });
                match summary.changes.last_mut() {
                    Some(change) => change,
                    None => return,
                }
            }
        };
        change.requests += 1;
        let shown: String = asked.shown.chars().take(LONGEST).collect();
        if change.examples.len() < EXAMPLES && !change.examples.contains(&shown) {
            change.examples.push(shown);
        }
    }

    fn print(&self, out: &mut dyn io::Write) -> io::Result<()> {
        for (policy, Summary { requests, changed, loosened, changes }) in &self.policies {
            writeln!(out, "policy {policy}: {requests} requests, {changed} changed, {loosened} loosened")?;
            for Change { from, to, rule, looser, requests, examples } in changes {
                let mark = if *looser { "LOOSER" } else { "changed" };
                let rule = rule.as_deref().map_or("the rubric".into(), visible);
                // The same word twice: who must say yes is another.
                writeln!(out, "  {mark}: {} -> {} ({rule}): {requests}", visible(from), visible(to))?;
                for example in examples {
                    writeln!(out, "    {}", line(example))?;
                }
            }
        }
        for (reason, requests) in &self.failed {
            writeln!(out, "not loaded, beside {requests} requests: {}", line(reason))?;
        }
        writeln!(out, "{} requests without a policy that is tried", self.without)
    }
}

/// A text in a line of its own, with nothing invisible.
fn line(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}
