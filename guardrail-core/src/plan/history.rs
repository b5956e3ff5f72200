//! Events as records and back: the columns that people grep for, and the event itself, strictly,
//! in the details.

use super::approver::Say;
use super::event::{Event, OutcomeVerdict, RevisionContent, What};
use super::executor::Execution;
use super::life::{Illegal, Life};
use super::permit::Authority;
use super::revision::Revision;
use super::{Part, Slot};
use crate::record::{Kind, Record, Recorded, Status, Verdict};
use crate::request::Action;

/// How much of a command's output a record keeps, in bytes.
const RESULT_BYTES: usize = 2048;

/// Why a plan cannot be read from its records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// A record is not one that a plan makes.
    #[error("record {sequence} cannot be read: {reason}")]
    Unreadable {
        /// Its place in the log.
        sequence: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The records tell of something that cannot have happened.
    #[error("the records tell what cannot have happened: {0}")]
    Impossible(#[from] Illegal),
    /// The records are not in their order.
    #[error("the records are not in their order")]
    Disordered,
    /// There is nothing of this plan.
    #[error("there is nothing of this plan in the log")]
    Nothing,
    /// The revision is not the one that the log has last.
    #[error("the revision is not the one that the log has last")]
    AnotherRevision,
}

/// What the records say of the revision that they have last: by its document's digest it is
/// fetched, and by its own it is read.
///
/// # Errors
///
/// [`HistoryError`] where there is none, or the records cannot be read.
pub fn latest(records: &[Recorded], plan_id: &str) -> Result<RevisionContent, HistoryError> {
    let (events, _) = events(records, plan_id)?;
    let contents = events.into_iter().rev().filter_map(|event| match event.what {
        What::Drafted { content } | What::Proposed { content } => Some(content),
        _ => None,
    });
    contents.into_iter().next().ok_or(HistoryError::Nothing)
}

/// The life of a plan, from its records alone: for lists of plans, which need no documents.
///
/// # Errors
///
/// [`HistoryError`] where the records cannot be read, or tell what cannot have happened.
pub fn life(records: &[Recorded], plan_id: &str) -> Result<Life, HistoryError> {
    let (events, _) = events(records, plan_id)?;
    if events.is_empty() {
        return Err(HistoryError::Nothing);
    }
    Ok(Life::fold(&events)?)
}

/// The events of a plan, and the place of its last record of any kind.
pub(super) fn events(records: &[Recorded], plan_id: &str) -> Result<(Vec<Event>, Option<u64>), HistoryError> {
    let mut events = Vec::with_capacity(records.len());
    let mut at = None;
    for Recorded { sequence, record, .. } in records {
        if record.plan_id.as_deref() != Some(plan_id) {
            continue;
        }
        if at.is_some_and(|at| at >= *sequence) {
            return Err(HistoryError::Disordered);
        }
        at = Some(*sequence);
        let unreadable = |reason: String| HistoryError::Unreadable { sequence: *sequence, reason };
        events.extend(event(record).map_err(unreadable)?);
    }
    Ok((events, at))
}

/// Whether records of a kind are a plan's events. Others may speak of a plan and move nothing.
const fn is_of_plans(kind: &Kind) -> bool {
    matches!(kind, Kind::Plan | Kind::Approval | Kind::Intent | Kind::Outcome | Kind::Check | Kind::Rollback)
}

/// The event of a plan that a record is; `None` where it is of a kind that moves no plan.
///
/// # Errors
///
/// What is wrong with it, in a sentence, where it cannot be read or its columns say something else
/// than its details.
pub fn event(record: &Record) -> Result<Option<Event>, String> {
    if !is_of_plans(&record.kind) {
        return Ok(None);
    }
    let details = record.details.clone().ok_or("it has no details")?;
    let event: Event = serde_json::from_value(details).map_err(|error| error.to_string())?;
    let columns = Columns::of(&event.what);
    let step = columns.slot.and_then(|slot| slot.step);
    if record.kind != columns.kind || record.status.as_ref() != Some(&columns.status) || record.step != step {
        return Err("its columns say something else than its details".to_owned());
    }
    if columns.id.is_some_and(|id| record.id != Some(id)) {
        return Err("its id is not that of its permit".to_owned());
    }
    Ok(Some(event))
}

/// What the fixed columns of a record say of an event.
struct Columns<'e> {
    kind: Kind,
    status: Status,
    slot: Option<Slot>,
    id: Option<uuid::Uuid>,
    approver: Option<String>,
    reason: Option<&'e str>,
}

impl<'e> Columns<'e> {
    fn new(kind: Kind, status: Status) -> Self {
        Self { kind, status, slot: None, id: None, approver: None, reason: None }
    }

    fn of(what: &'e What) -> Self {
        let plan = |status| Self::new(Kind::Plan, status);
        let approval = |status| Self::new(Kind::Approval, status);
        match what {
            What::Drafted { .. } => plan(Status::Drafted),
            What::Proposed { content } if content.number > 1 => plan(Status::Revised),
            What::Proposed { .. } => plan(Status::Proposed),
            What::AllowedByPolicy => approval(Status::Allowed),
            What::Asked { .. } => approval(Status::Requested),
            What::Remarked { by, say } => {
                let status = match say {
                    Say::Change { .. } | Say::Revise(_) => Status::Revised,
                    _ => Status::Explained,
                };
                let reason = if let Say::Revise(text) = say { Some(text.as_str()) } else { None };
                Self { approver: Some(by.to_string()), reason, ..approval(status) }
            }
            What::Voted(vote) => Self {
                approver: Some(vote.principal.to_string()),
                reason: vote.reason.as_deref(),
                ..approval(if super::machine::is_yes(vote) { Status::Approved } else { Status::Rejected })
            },
            What::TimedOut => approval(Status::TimedOut),
            What::NoChannel { reason } => Self { reason: Some(reason), ..approval(Status::NoChannel) },
            What::Revoked { by, reason } => {
                Self { approver: Some(by.to_string()), reason: Some(reason), ..approval(Status::Revoked) }
            }
            What::Stale { reasons } => {
                Self { reason: reasons.first().map(String::as_str), ..plan(Status::Stale) }
            }
            What::Superseded { .. } => plan(Status::Superseded),
            What::Expired => plan(Status::Expired),
            What::Paused { reason, .. } => Self { reason: Some(reason), ..plan(Status::Paused) },
            What::Resumed { .. } => plan(Status::Resumed),
            What::StopRequested { reason, .. } => {
                Self { reason: Some(reason), ..approval(Status::Cancelled) }
            }
            What::Intent { id, slot, authority, .. } => Self {
                slot: Some(*slot),
                id: Some(*id),
                ..Self::new(
                    if *authority == Authority::Look { Kind::Check } else { Kind::Intent },
                    Status::Started,
                )
            },
            What::Outcome { slot, verdict, failures, .. } => Self {
                slot: Some(*slot),
                reason: failures.first().map(String::as_str),
                ..Self::new(
                    if slot.part.looks_only() { Kind::Check } else { Kind::Outcome },
                    match verdict {
                        OutcomeVerdict::Passed => Status::Succeeded,
                        OutcomeVerdict::Failed | OutcomeVerdict::NotStarted => Status::Failed,
                        OutcomeVerdict::Drifted => Status::Stale,
                        OutcomeVerdict::Stopped => Status::Cancelled,
                        OutcomeVerdict::Lost => Status::InDoubt,
                    },
                )
            },
            What::Doubted { .. } => Self::new(Kind::Outcome, Status::InDoubt),
            What::Settled { by, .. } => {
                Self { approver: Some(by.to_string()), ..Self::new(Kind::Outcome, Status::Resumed) }
            }
            What::MonitorEnded => Self::new(Kind::Check, Status::Succeeded),
            What::RollbackStarted { by } => {
                Self { approver: Some(by.to_string()), ..Self::new(Kind::Rollback, Status::Started) }
            }
            What::Closed { by, reason } => {
                Self { approver: Some(by.to_string()), reason: Some(reason), ..plan(Status::Closed) }
            }
            What::Reached { state } => plan(state.status()),
        }
    }
}

/// The record of an event.
pub(super) fn record(event: &Event, id: uuid::Uuid, revision: &Revision) -> Record {
    let Columns { kind, status, slot, id: _, approver, reason } = Columns::of(&event.what);
    let mut record = Record::new(kind);
    let origin = revision.origin();
    record.id = Some(id);
    record.plan_id = Some(revision.id().to_string());
    record.revision = Some(revision.number());
    record.actor = Some(origin.requester.to_string());
    record.session.clone_from(&origin.session);
    record.channel.clone_from(&origin.channel);
    record.status = Some(status);
    record.approver = approver;
    record.reason = reason.map(str::to_owned);
    record.risk = Some(revision.risk());
    record.action = Some(revision.shown(&revision.plan().title));
    record.details = serde_json::to_value(event).ok();
    if let What::Outcome { duration_seconds, .. } = &event.what {
        record.duration_seconds = Some(*duration_seconds);
    }
    if let What::Drafted { .. } | What::Proposed { .. } = &event.what {
        record.reason = Some(revision.plan().reason.clone()).filter(|reason| !reason.is_empty());
    }
    if let Some(prepared) = slot.and_then(|slot| revision.command(slot)) {
        record.step = prepared.slot.step;
        record.action = Some(prepared.command.typed());
        record.arguments = match &prepared.command.action {
            Action::Shell(_) => None,
            Action::Argv(words) => Some(serde_json::Value::from(words.clone())),
            Action::Call { arguments, .. } => Some(arguments.clone()),
        };
        record.cwd = Some(prepared.cwd.clone());
        record.risk = Some(prepared.evaluation.risk);
        record.decision = Some(Verdict::from(&prepared.evaluation.decision));
        record.rule = prepared.evaluation.findings.first().map(|finding| finding.rule.to_string());
        record.tool = Revision::tools(prepared);
        record.resource = resources(prepared);
        if prepared.slot.part == Part::Action && record.reason.is_none() {
            record.reason = revision.reason(prepared.slot);
        }
    }
    record
}

fn resources(prepared: &super::revision::Prepared) -> Option<String> {
    let mut found: Vec<&str> = Vec::new();
    for target in prepared.evaluation.effects.iter().filter_map(|effect| effect.target.as_deref()) {
        if !found.contains(&target) {
            found.push(target);
        }
    }
    (!found.is_empty()).then(|| found.join(","))
}

/// The end of a command's output, for a record.
pub(super) fn result(execution: &Execution) -> Option<String> {
    let text = if execution.stdout.text.trim().is_empty() { &execution.stderr } else { &execution.stdout };
    let text = text.text.trim_end();
    let mut start = text.len().saturating_sub(RESULT_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).filter(|end| !end.is_empty()).map(str::to_owned)
}
