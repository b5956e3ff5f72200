//! `guardrail policy diff`: recorded requests under another policy.

use std::io::{self, Write as _};

use guardrail::redact::visible;
use guardrail::{Evaluation, Facts};

use crate::arguments::PolicyDiff;
use crate::policy::remembered::{self, Asked};
use crate::policy::{REFUSED, of_file};

/// Some decisions change, and none is loosened.
pub(super) const CHANGED: u8 = 10;

/// Prints the decisions that change and returns the exit status.
pub(super) fn run(task: &PolicyDiff) -> io::Result<u8> {
    let (Some(old), Some(new)) = (of_file(&task.old)?, of_file(&task.new)?) else { return Ok(REFUSED) };
    let remembered = remembered::read(&task.log, &Facts::default())?;
    let mut out = io::stdout().lock();
    let (mut changed, mut loosened) = (0_u64, 0_u64);
    for Asked { request, shown, .. } in &remembered.asked {
        let (before, after) = (old.evaluate(request), new.evaluate(request));
        if before.decision == after.decision {
            continue;
        }
        changed += 1;
        let looser = after.decision.is_looser_than(&before.decision);
        loosened += u64::from(looser);
        let mark = if looser { "LOOSER" } else { "changed" };
        writeln!(out, "{mark}: {} -> {}: {shown:?}", said(&before), said(&after))?;
    }
    let (requests, others) = (remembered.asked.len(), remembered.others);
    for lost in &remembered.lost {
        writeln!(out, "not compared: {}", visible(lost))?;
    }
    writeln!(out, "{requests} requests, {changed} changed, {loosened} loosened; {others} other lines")?;
    Ok(match (changed, loosened) {
        (0, _) => 0,
        (_, 0) => CHANGED,
        _ => REFUSED,
    })
}

/// A decision and what decided it.
fn said(evaluation: &Evaluation) -> String {
    let by = evaluation.ruling.reasons.first().map_or("the rubric", |reason| reason.rule.as_str());
    format!("{} ({by})", evaluation.decision.as_str())
}
