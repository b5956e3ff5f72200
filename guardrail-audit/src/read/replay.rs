//! A session or a plan as it happened, drawn for a person.

use std::fmt::Write as _;

use guardrail_core::Risk;
use guardrail_core::record::{Kind, Record, Recorded, Status, Timestamp, Verdict};
use guardrail_core::redact::visible;

use super::{Filter, LineSource, Query};
use crate::store::StoreError;

/// The most characters of a text that are drawn.
const MOST: usize = 400;

/// Draws what happened, in order: what was asked, decided, approved and done.
///
/// Control characters and others that deceive are written out, whatever was recorded; long texts
/// are cut, and say so.
#[derive(Clone, Debug)]
pub struct Replay {
    colour: bool,
    date: Option<chrono::NaiveDate>,
    started: Option<Timestamp>,
    asked: Option<Timestamp>,
}

impl Replay {
    /// Draws without colours, or with those of a terminal.
    #[must_use]
    pub const fn new(colour: bool) -> Self {
        Self { colour, date: None, started: None, asked: None }
    }

    /// The drawing of all that a filter lets through.
    ///
    /// # Errors
    ///
    /// Where the log cannot be read.
    pub fn draw<S: LineSource + ?Sized>(
        source: &S,
        filter: Filter,
        colour: bool,
    ) -> Result<String, StoreError> {
        let mut replay = Self::new(colour);
        let mut out = String::new();
        for entry in Query::new(source, filter)? {
            replay.push(&entry?.recorded, &mut out);
        }
        Ok(out)
    }

    /// Appends the drawing of the next record.
    pub fn push(&mut self, recorded: &Recorded, out: &mut String) {
        let Recorded { sequence, timestamp, record } = recorded;
        let date = timestamp.date_naive();
        if self.date != Some(date) {
            self.date = Some(date);
            let title = self.paint(BOLD, &format!("{date}"));
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{title}");
        }
        let (what, colour) = headline(record);
        let time = self.paint(DIM, &timestamp.format("%H:%M:%S%.3f").to_string());
        let what = self.paint(colour, &format!("{what:<22}"));
        let _ = write!(out, "{time}  {what}");
        for part in self.parts(record, *timestamp) {
            let _ = write!(out, " {part}");
        }
        let number = self.paint(DIM, &format!("#{sequence}"));
        let _ = writeln!(out, "  {number}");
        let below = |out: &mut String, name: &str, text: &str| {
            for (index, line) in shown(text).lines().enumerate() {
                let name = if index == 0 { format!("{name}:") } else { String::new() };
                let _ = writeln!(out, "{:14}{name:<10} {line}", "");
            }
        };
        if matches!(record.kind, Kind::Evaluation | Kind::Refusal)
            && let Some(resource) = &record.resource
        {
            below(out, "touches", resource);
        }
        if let Some(reason) = &record.reason {
            below(out, "because", reason);
        }
        if let Some(result) = &record.result {
            below(out, "result", result);
        }
    }

    /// What stands behind the headline.
    fn parts(&mut self, record: &Record, timestamp: Timestamp) -> Vec<String> {
        let mut parts = Vec::new();
        if let Some(step) = record.step {
            parts.push(format!("step {step}"));
        }
        match record.kind {
            Kind::Evaluation => {
                parts.extend(record.actor.as_deref().map(|actor| format!("{}:", shown(actor))))
            }
            Kind::Approval => {
                if record.status == Some(Status::Requested) {
                    self.asked = Some(timestamp);
                }
                if let Some(approver) = &record.approver {
                    parts.push(format!("by {}", shown(approver)));
                }
                if record.status != Some(Status::Requested)
                    && let Some(asked) = self.asked
                {
                    parts.push(format!("after {}", duration(timestamp - asked)));
                }
            }
            Kind::Plan => {
                parts.extend(record.plan_id.as_deref().map(|plan| shown(plan).into_owned()));
                parts.extend(
                    record.revision.filter(|revision| *revision > 1).map(|n| format!("revision {n}")),
                );
            }
            Kind::Intent => self.started = Some(timestamp),
            _ => {}
        }
        if record.kind != Kind::Approval
            && let Some(action) = record.action.as_ref().or(record.tool.as_ref())
        {
            let action = shown(action).replace('\n', "\n              ");
            parts.push(self.paint(BOLD, &action));
        }
        if let Some(risk) = record.risk {
            parts.push(self.paint(risk_colour(risk), &format!("[{risk}]")));
        }
        if record.kind == Kind::Evaluation
            && let Some(rule) = &record.rule
        {
            parts.push(format!("({})", shown(rule)));
        }
        if record.kind == Kind::Outcome {
            let took = record.duration_seconds.map(|seconds| format!("in {seconds:.3} s"));
            parts.extend(took);
        }
        parts
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour && !colour.is_empty() {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BLUE: &str = "34";

/// What happened, in a word or two, and its colour.
fn headline(record: &Record) -> (String, &'static str) {
    let status = record.status.as_ref();
    let word =
        |status: Option<&Status>| status.map_or_else(String::new, |status| status.as_str().replace('_', " "));
    match &record.kind {
        Kind::Evaluation => match &record.decision {
            Some(Verdict::Allow) => ("asked, allowed".into(), GREEN),
            Some(Verdict::Ask) => ("asked, needs approval".into(), YELLOW),
            Some(Verdict::Deny) => ("asked, denied".into(), RED),
            _ => ("asked".into(), ""),
        },
        Kind::Approval if status == Some(&Status::Requested) => ("approval requested".into(), YELLOW),
        Kind::Approval => (word(status), status_colour(status)),
        Kind::Intent => ("begins".into(), BLUE),
        Kind::Outcome => (word(status), status_colour(status)),
        kind => {
            let kind = shown(kind.as_str()).into_owned();
            let text = if status.is_some() { format!("{kind} {}", shown(&word(status))) } else { kind };
            (text, status_colour(status))
        }
    }
}

const fn risk_colour(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => GREEN,
        Risk::Medium => YELLOW,
        Risk::High => RED,
        Risk::Critical => "1;31",
    }
}

fn status_colour(status: Option<&Status>) -> &'static str {
    match status {
        Some(Status::Succeeded | Status::Approved | Status::Allowed | Status::RolledBack) => GREEN,
        Some(
            Status::Failed
            | Status::Denied
            | Status::Rejected
            | Status::Revoked
            | Status::RollbackFailed
            | Status::InDoubt,
        ) => RED,
        Some(Status::TimedOut | Status::NoChannel | Status::Expired | Status::Stale | Status::Cancelled) => {
            YELLOW
        }
        _ => "",
    }
}

/// A text as a person may be shown it.
fn shown(text: &str) -> std::borrow::Cow<'_, str> {
    let mut chars = text.char_indices().skip(MOST);
    match chars.next() {
        None => visible(text),
        Some((at, _)) => {
            let cut = text.get(..at).unwrap_or_default();
            let more = text.len() - at;
            format!("{}… ({more} bytes more)", visible(cut)).into()
        }
    }
}

fn duration(time: chrono::TimeDelta) -> String {
    match time.num_seconds() {
        seconds @ 0..60 => format!("{}.{} s", seconds, time.subsec_nanos() / 100_000_000),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}
