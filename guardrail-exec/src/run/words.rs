//! What a runner says to people: titles, explanations, notices.

use std::fmt::Write as _;

use guardrail_core::plan::{NoticeKind, Part, Revision, Slot, State};
use guardrail_core::redact::{Redactor, visible};
use guardrail_core::{EffectKind, Undo};

/// A text without secrets, in which everything invisible but the end of a line is written out.
pub(super) fn plain(redactor: &Redactor, text: &str) -> String {
    let text = redactor.redact(text);
    text.split('\n').map(|line| visible(line)).collect::<Vec<_>>().join("\n")
}

/// What a command is for, in a few words.
pub(super) fn title(revision: &Revision, slot: Slot) -> String {
    let plan = revision.plan();
    let index = slot.index.saturating_sub(1) as usize;
    let step = slot.step.and_then(|number| plan.steps.get(number.checked_sub(1)? as usize));
    let named = match (slot.part, step) {
        (Part::Action, Some(step)) => Some(&step.title),
        (Part::Preflight, Some(step)) => step.preflight.get(index).map(|check| &check.name),
        (Part::Preflight, None) => plan.preflight.get(index).map(|check| &check.name),
        (Part::Post, Some(step)) => step.post.get(index).map(|check| &check.name),
        (Part::Post, None) => plan.post.get(index).map(|check| &check.name),
        (Part::Capture, Some(step)) => step.captures.get(index).map(|capture| &capture.name),
        (Part::Monitor, _) => {
            plan.monitor.as_ref().and_then(|monitor| monitor.checks.get(index)).map(|check| &check.name)
        }
        (Part::Rollback, step) => {
            step.map_or(&plan.rollback, |step| &step.rollback).as_ref().map(|way| &way.method)
        }
        (Part::RollbackCheck, step) => step
            .map_or(&plan.rollback, |step| &step.rollback)
            .as_ref()
            .and_then(|way| way.verification.get(index))
            .map(|check| &check.name),
        (Part::DryRun, Some(step)) => Some(&step.title),
        _ => None,
    };
    named.cloned().unwrap_or_else(|| slot.to_string())
}

/// Why a step is as it is: the agent's words, and what was found out about it. About all steps
/// where none is named.
pub(super) fn explanation(revision: &Revision, step: Option<u32>) -> String {
    let plan = revision.plan();
    let mut text = format!("{}: {}\n", revision.id(), plan.title);
    if !plan.reason.is_empty() {
        let _ = writeln!(text, "the agent's reason: {}", plan.reason);
    }
    for prepared in revision.commands() {
        let wanted =
            prepared.slot.part == Part::Action && step.is_none_or(|step| prepared.slot.step == Some(step));
        let Some(number) = prepared.slot.step.filter(|_| wanted) else { continue };
        let Some(step) = number.checked_sub(1).and_then(|place| plan.steps.get(place as usize)) else {
            continue;
        };
        let evaluation = &prepared.evaluation;
        let _ = writeln!(text, "step {number}: {}  [{}]", step.title, evaluation.risk);
        let _ = writeln!(text, "  runs {}", prepared.command.typed());
        if !step.reason.is_empty() {
            let _ = writeln!(text, "  the agent's reason: {}", step.reason);
        }
        for finding in &evaluation.findings {
            let _ = writeln!(text, "  {} because {}", finding.risk, finding.message);
        }
        for effect in evaluation.effects.iter().filter(|effect| effect.kind != EffectKind::Read) {
            let undo = match effect.undo {
                Undo::Easy => "can be taken back",
                Undo::Hard => "hard to take back",
                Undo::Never => "cannot be taken back",
            };
            let target = effect.target.as_deref().unwrap_or("something that cannot be told");
            let _ = writeln!(text, "  {}: {target} ({}), {undo}", effect.kind, effect.scope);
        }
        match (&step.rollback, &step.irreversible) {
            (Some(way), _) => {
                let _ = writeln!(text, "  undone by: {}", way.method);
            }
            (None, Some(reason)) => {
                let _ = writeln!(text, "  cannot be undone: {reason}");
            }
            (None, None) => {}
        }
    }
    text
}

/// The news of a plan that is somewhere else now.
pub(super) fn reached(revision: &Revision, state: State, last: Option<Slot>) -> Option<(NoticeKind, String)> {
    let kind = match state {
        State::Rejected | State::TimedOut | State::NoChannel => NoticeKind::Refused,
        State::Failed => match last.map(|slot| slot.part) {
            Some(Part::Action | Part::DryRun) | None => NoticeKind::StepFailed,
            Some(_) => NoticeKind::ValidationFailed,
        },
        State::RolledBack | State::RollbackFailed => NoticeKind::RolledBack,
        State::Stale => NoticeKind::Stale,
        // What is in doubt is told with what can be known of it.
        State::Succeeded => NoticeKind::Succeeded,
        _ => return None,
    };
    let mut text = format!("{} ({}) is {state}", revision.id(), revision.plan().title);
    if let (State::Failed | State::Stale | State::RollbackFailed, Some(slot)) = (state, last) {
        let _ = write!(text, ": {slot}, {}", title(revision, slot));
    }
    Some((kind, text))
}
