//! `guardrail policy diff`: recorded requests under another policy.

use std::fs::File;
use std::io::{self, BufReader, Write as _};

use guardrail::record::{Kind, Record};
use guardrail::{Evaluation, Request};

use crate::arguments::PolicyDiff;
use crate::lines::{LONGEST, Line, Lines};
use crate::policy::{REFUSED, of_file};
use crate::verdict::Verdict;

/// Some decisions change, and none is loosened.
const CHANGED: u8 = 10;

/// Prints the decisions that change and returns the exit status.
pub(super) fn run(task: &PolicyDiff) -> io::Result<u8> {
    let (Some(old), Some(new)) = (of_file(&task.old)?, of_file(&task.new)?) else { return Ok(REFUSED) };
    let file = File::open(&task.log)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", task.log.display())))?;
    let mut lines = Lines::new(BufReader::new(file), LONGEST);
    let mut out = io::stdout().lock();
    let (mut requests, mut others, mut changed, mut loosened) = (0_u64, 0_u64, 0_u64, 0_u64);
    while let Some(line) = lines.next()? {
        let request = match line {
            Line::Whole(line) => request(line),
            Line::TooLong => None,
        };
        let Some((shown, request)) = request else {
            others += 1;
            continue;
        };
        requests += 1;
        let (before, after) = (old.evaluate(&request), new.evaluate(&request));
        if before.decision == after.decision {
            continue;
        }
        changed += 1;
        let looser = Verdict::from(&after.decision) < Verdict::from(&before.decision);
        loosened += u64::from(looser);
        let mark = if looser { "LOOSER" } else { "changed" };
        writeln!(out, "{mark}: {} -> {}: {shown:?}", said(&before), said(&after))?;
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

/// The request of a line: one as JSON has it, or the record of an evaluation.
fn request(line: &[u8]) -> Option<(String, Request)> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    if value.get("action").is_some_and(serde_json::Value::is_object) {
        let request: Request = serde_json::from_value(value).ok()?;
        return Some((serde_json::to_string(&request.action).ok()?, request));
    }
    let record: Record = serde_json::from_value(value).ok()?;
    let action = record.action.filter(|_| record.kind == Kind::Evaluation)?;
    let request = match record.arguments {
        None => Request::shell(action.as_str()),
        Some(serde_json::Value::Array(words)) => Request::argv(
            words.into_iter().map(|word| word.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()?,
        ),
        Some(arguments) => Request::call(action.as_str(), arguments),
    };
    let request = Request {
        actor: record.actor,
        channel: record.channel,
        session: record.session,
        cwd: record.cwd,
        reason: record.reason,
        ..request
    };
    Some((action, request))
}
