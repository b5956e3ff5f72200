//! `verify`: what of a log is as it was written, and what is not.

use std::io::{self, Write as _};
use std::sync::Mutex;

use guardrail_audit::checkpoint::Checkpoint;
use guardrail_audit::read::LogFiles;
use guardrail_audit::verify::{Directory, Level, Report, Verification};
use serde_json::json;

use super::arguments::{Depth, VerifyArguments};
use super::proof::{read, trusted};
use super::{Failure, progress};

pub(super) fn run(task: &VerifyArguments) -> Result<(), Failure> {
    let keys = trusted(&task.key)?;
    let anchors = task.checkpoint.iter().map(|path| {
        let no = |error| Failure::No(format!("{}: {error}", path.display()));
        Checkpoint::verify(&read(path)?, &keys).map_err(no)
    });
    let anchors = anchors.collect::<Result<Vec<_>, _>>()?;
    // A log whose segments cannot even be told apart is for the verifier to describe.
    let total = LogFiles::open(&task.log).and_then(|log| log.bytes()).unwrap_or_default();
    let bar = Mutex::new(progress::bytes(total, "verifying"));
    let tell = |bytes| {
        if let Ok(bar) = bar.lock() {
            bar.inc(bytes);
        }
    };
    let level = match task.level {
        Depth::Chain => Level::Chain,
        Depth::Tree => Level::Tree,
        Depth::Full => Level::Full,
    };
    let mut verification = Verification::new().trust(keys).level(level).anchors(anchors).progress(&tell);
    if let Some(origin) = &task.origin {
        verification = verification.origin(origin);
    }
    let log = Directory::new(&task.log);
    let report = match (task.segment, task.first, task.last) {
        (Some(segment), ..) => verification.segment(&log, segment),
        (None, None, None) => verification.log(&log),
        (None, first, last) => verification.range(&log, first.unwrap_or(0)..=last.unwrap_or(u64::MAX)),
    };
    let report = report.map_err(|error| Failure::failed(format!("{}: {error}", task.log.display())))?;
    if let Ok(bar) = bar.lock() {
        bar.finish_and_clear();
    }
    let mut stdout = io::stdout().lock();
    if task.json {
        writeln!(stdout, "{}", as_json(&report))?;
    } else {
        draw(task, &report, &mut stdout)?;
    }
    stdout.flush()?;
    match report.findings.as_slice() {
        [] => Ok(()),
        [first] => Err(Failure::No(first.to_string())),
        [first, rest @ ..] => Err(Failure::No(format!("{first} (and {} more)", rest.len()))),
    }
}

fn draw(task: &VerifyArguments, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let Report { lines, segments, first, size, confirmed, signed, anchored, .. } = report;
    let origin = guardrail::redact::visible(report.origin.as_deref().unwrap_or("a log without a name"));
    let answer = if report.is_intact() { "good" } else { "damaged" };
    let last = size.saturating_sub(1);
    writeln!(out, "{answer}: {lines} records ({first} to {last}) of {origin} in {segments} segments")?;
    writeln!(out, "  the log's own checkpoints confirm the first {confirmed} records")?;
    if !task.key.is_empty() {
        writeln!(out, "  trusted keys signed the first {signed}")?;
    }
    if !task.checkpoint.is_empty() {
        writeln!(out, "  checkpoints kept elsewhere hold the first {anchored}")?;
    }
    if let Some(first) = report.pruned {
        let (kept, proved) = (report.kept, report.kept_proved);
        writeln!(
            out,
            "  records before {first} were pruned; {kept} checkpoints of them were kept, {proved} proved"
        )?;
    }
    for (segment, bytes) in &report.torn {
        writeln!(out, "  segment {segment} ends in {bytes} torn bytes, which the next one declares")?;
    }
    if report.tail > 0 {
        writeln!(
            out,
            "  {} bytes behind the last record are no record: a crash, or a write under way",
            report.tail
        )?;
    }
    for size in &report.not_compared {
        writeln!(out, "  the checkpoint of {size} records could not be compared")?;
    }
    for finding in &report.findings {
        writeln!(out, "  {finding}")?;
    }
    Ok(())
}

fn as_json(report: &Report) -> serde_json::Value {
    let findings = report.findings.iter().map(|finding| {
        json!({
            "segment": finding.segment, "offset": finding.offset, "line": finding.line,
            "seq": finding.sequence, "damage": finding.damage.to_string(),
        })
    });
    json!({
        "intact": report.is_intact(),
        "origin": report.origin, "log_id": report.log_id, "segments": report.segments,
        "records": report.lines, "bytes": report.bytes, "first": report.first, "size": report.size,
        "head": report.head, "root": report.root, "checkpoints": report.checkpoints,
        "confirmed": report.confirmed, "signed": report.signed, "anchored": report.anchored,
        "not_compared": report.not_compared, "tail": report.tail, "torn": report.torn,
        "pruned": report.pruned, "kept": report.kept, "kept_proved": report.kept_proved,
        "findings": findings.collect::<Vec<_>>(),
    })
}
