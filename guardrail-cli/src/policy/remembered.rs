//! What was asked and answered: an audit log with the plans beside it, or a file of JSON Lines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use guardrail::policy::{Answer, Precedent};
use guardrail::record::{
    DocumentDigest, EvaluationDetails, Kind, Record, Recorded, ShadowVerdict, Timestamp,
};
use guardrail::redact::Redactor;
use guardrail::{Facts, Request, plan};
use guardrail_audit::PlanFiles;
use guardrail_audit::read::{Filter, LogFiles, Query};
use guardrail_audit::verify::{Directory, Level, Verification};

use crate::lines::{LONGEST, Line, Lines};

/// A request that is remembered.
#[derive(Debug)]
pub(super) struct Asked {
    /// When it was recorded; `None` in a file that does not say.
    pub(super) at: Option<Timestamp>,
    pub(super) request: Request,
    /// What it was, for a person.
    pub(super) shown: String,
    pub(super) answer: Answer,
    /// What the log has of the decision.
    pub(super) decision: Option<guardrail::record::Verdict>,
    pub(super) shadow: Option<ShadowVerdict>,
}

/// All that is remembered.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    pub(super) asked: Vec<Asked>,
    /// Records and lines of other kinds.
    pub(super) others: u64,
    /// Plans of which nobody can tell any more what they would have done, and why not.
    pub(super) lost: Vec<String>,
    /// The reasons that services gave for a yes, with the time.
    pub(super) granted: Vec<(Timestamp, String)>,
}

/// Reads a log's directory, once it was verified, or a file of JSON Lines. `facts` is what the
/// caller knows of the world that plans were made in.
pub(super) fn read(path: &Path, facts: &Facts) -> io::Result<Remembered> {
    if path.is_dir() { of_log(path, facts) } else { of_file(path) }
}

fn of_log(path: &Path, facts: &Facts) -> io::Result<Remembered> {
    let report = Verification::new().level(Level::Chain).log(&Directory::new(path));
    let report = report.map_err(|error| named(path, &error))?;
    if let Some(damage) = report.findings.first() {
        return Err(named(path, &format!("the log is damaged, and nothing is learned from it: {damage}")));
    }
    let log = LogFiles::open(path).map_err(|error| named(path, &error))?;
    let mut remembered = Remembered::default();
    let mut plans: BTreeMap<String, Vec<Recorded>> = BTreeMap::new();
    for entry in Query::new(&log, Filter::new()).map_err(io::Error::other)? {
        let recorded = entry.map_err(io::Error::other)?.recorded;
        let record = &recorded.record;
        if record.kind == Kind::Evaluation {
            remembered.evaluation(record, Some(recorded.timestamp));
            continue;
        }
        remembered.others += 1;
        let by_service = record.approver.as_deref().is_some_and(|who| who.starts_with("service:"));
        if let (true, Some(reason)) = (by_service, &record.reason) {
            remembered.granted.push((recorded.timestamp, reason.clone()));
        }
        if let Some(plan) = &record.plan_id {
            plans.entry(plan.clone()).or_default().push(recorded);
        }
    }
    let documents = path.join("plans");
    let documents = match documents.is_dir() {
        true => Some(PlanFiles::open(&documents, Redactor::new()).map_err(io::Error::other)?),
        false => None,
    };
    let mut fetch =
        |digest: plan::Digest| documents.as_ref()?.fetch(&DocumentDigest(*digest.as_bytes())).ok().flatten();
    for (name, records) in plans {
        let at = records.last().map(|last| last.timestamp);
        match plan::precedents(&records, &name, facts, &mut fetch) {
            Ok(found) => {
                remembered.lost.extend(
                    found
                        .lost
                        .iter()
                        .map(|number| format!("{name}, revision {number}: its document is gone")),
                );
                remembered.asked.extend(found.known.into_iter().map(|precedent| Asked {
                    at,
                    shown: precedent.request.action.typed(),
                    request: precedent.request,
                    answer: precedent.answer,
                    decision: None,
                    shadow: None,
                }));
            }
            Err(plan::HistoryError::Nothing) => {}
            Err(error) => remembered.lost.push(format!("{name}: {error}")),
        }
    }
    Ok(remembered)
}

fn of_file(path: &Path) -> io::Result<Remembered> {
    let file = File::open(path).map_err(|error| named(path, &error))?;
    let mut lines = Lines::new(BufReader::new(file), LONGEST);
    let mut remembered = Remembered::default();
    while let Some(line) = lines.next()? {
        match line {
            Line::Whole(line) => remembered.line(line),
            Line::TooLong => remembered.others += 1,
        }
    }
    Ok(remembered)
}

impl Remembered {
    /// A request as JSON has it, or the record of an evaluation.
    fn line(&mut self, line: &[u8]) {
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(line) else {
            self.others += 1;
            return;
        };
        let at = value.get("timestamp").and_then(|time| time.as_str()?.parse().ok());
        if value.get("action").is_some_and(serde_json::Value::is_object) {
            match serde_json::from_value::<Request>(value) {
                Ok(request) => self.asked.push(Asked::of(request, at)),
                Err(_) => self.others += 1,
            }
            return;
        }
        match serde_json::from_value::<Record>(value) {
            Ok(record) => self.evaluation(&record, at),
            Err(_) => self.others += 1,
        }
    }

    fn evaluation(&mut self, record: &Record, at: Option<Timestamp>) {
        match record.request() {
            Some(request) => {
                let EvaluationDetails { shadow, .. } = record.evaluation_details().unwrap_or_default();
                let decision = record.decision.clone();
                self.asked.push(Asked { decision, shadow, ..Asked::of(request, at) });
            }
            None => self.others += 1,
        }
    }

    pub(super) fn precedents(&self) -> Vec<Precedent> {
        let precedent =
            |asked: &Asked| Precedent { request: asked.request.clone(), answer: asked.answer.clone() };
        self.asked.iter().map(precedent).collect()
    }
}

impl Asked {
    fn of(request: Request, at: Option<Timestamp>) -> Self {
        let shown = request.action.typed();
        Self { at, request, shown, answer: Answer::Unknown, decision: None, shadow: None }
    }
}

fn named(path: &Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}
