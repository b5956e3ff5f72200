//! What became of a plan, told from the log alone: so that it is the same for whoever ran it and
//! for whoever comes after a crash.

use std::fmt;

use guardrail_core::plan::{
    Event, Life, Next, OutcomeVerdict, Part, PlanId, Revision, Say, Settlement, Slot, State, What,
};
use guardrail_core::record::Recorded;
use guardrail_core::{Action, Risk};
use serde::{Deserialize, Serialize};

/// Where a plan has come to rest, and what was done of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The plan.
    pub plan: PlanId,
    /// Its latest revision.
    pub revision: u32,
    /// What it is, in a few words.
    pub title: String,
    /// The worst risk of its commands.
    pub risk: Risk,
    /// Where it is.
    pub state: State,
    /// What somebody has to do now, in a sentence; `None` where it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wants: Option<String>,
    /// Its steps.
    pub steps: Vec<StepReport>,
    /// What went wrong, in a sentence each, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
    /// What commands left behind, in a sentence each; known only to the runner that ran them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// Changes that reviewers asked for and that only the agent can make: who, and their words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wishes: Vec<(String, String)>,
    /// The plan that is in the way, where this one was refused for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<String>,
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Its number, from 1.
    pub step: u32,
    /// What it is, in a few words.
    pub title: String,
    /// What runs, as a person would type it.
    pub command: String,
    /// How risky it is.
    pub risk: Risk,
    /// What became of it.
    pub fate: Fate,
    /// How long what it does took, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It was not begun.
    NotBegun,
    /// It is under way, for all that the log knows.
    UnderWay,
    /// It was done.
    Done,
    /// It failed, and may have done a part.
    Failed,
    /// It was stopped on the way, and may have done a part.
    Stopped,
    /// Nobody knows whether it was done.
    InDoubt,
    /// It was undone.
    Undone,
    /// Undoing it failed.
    NotUndone,
}

impl Fate {
    /// In a few words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotBegun => "not begun",
            Self::UnderWay => "under way",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped on the way",
            Self::InDoubt => "in doubt",
            Self::Undone => "undone",
            Self::NotUndone => "not undone: that failed",
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Report {
    /// The report of a plan from its latest revision and its records.
    #[must_use]
    pub fn of(revision: &Revision, life: &Life, next: &Next, records: &[Recorded]) -> Self {
        let mut steps = steps(revision);
        let mut told = Told { steps: &mut steps, failures: Vec::new(), wishes: Vec::new(), flight: None };
        for record in records {
            let event =
                record.record.details.clone().and_then(|details| serde_json::from_value(details).ok());
            if let Some(Event { what, .. }) = event {
                told.event(what, revision.number());
            }
        }
        let Told { failures, wishes, .. } = told;
        Self {
            plan: revision.id(),
            revision: revision.number(),
            title: revision.plan().title.clone(),
            risk: revision.risk(),
            state: life.state(),
            wants: wants(next, life),
            steps,
            failures,
            left: Vec::new(),
            wishes,
            blocked_by: None,
        }
    }

    /// What state it leaves, in a line for each step.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut lines = vec![format!("{} is {}", self.plan, self.state)];
        for step in &self.steps {
            lines.push(format!("step {}: {} ({})", step.step, step.fate, step.title));
        }
        lines.extend(self.left.iter().map(|left| format!("left behind: {left}")));
        lines.join("\n")
    }
}

fn steps(revision: &Revision) -> Vec<StepReport> {
    let commands = revision.commands().iter().filter(|prepared| prepared.slot.part == Part::Action);
    let steps = revision.plan().steps.iter().zip(1..);
    steps
        .zip(commands)
        .map(|((step, number), prepared)| StepReport {
            step: number,
            title: step.title.clone(),
            command: match &prepared.command.action {
                Action::Shell(text) => text.clone(),
                _ => prepared.command.typed(),
            },
            risk: prepared.evaluation.risk,
            fate: Fate::NotBegun,
            seconds: None,
        })
        .collect()
}

/// What somebody has to do next, in a sentence.
fn wants(next: &Next, life: &Life) -> Option<String> {
    Some(match next {
        Next::Capture(slot) => format!("its state before is to be captured: {slot}"),
        Next::Propose => "it is to be put forward".to_owned(),
        Next::Allow | Next::Run(_) => "it can go on".to_owned(),
        Next::Ask => "approvers are to be asked".to_owned(),
        Next::Wait(until) => format!("it waits for approval until {}", until.format("%Y-%m-%d %H:%M:%S UTC")),
        Next::TimeOut => "nobody answered in time".to_owned(),
        Next::Expire => "its approval was not used in time".to_owned(),
        Next::InFlight(flight) => format!("{} is under way, or its runner was lost", flight.slot),
        Next::Settle(flight) => {
            format!("a person has to say what became of {}: done, failed, or to be run again", flight.slot)
        }
        Next::Paused => "it is paused".to_owned(),
        Next::Watch(until) => format!("it is watched until {}", until.format("%Y-%m-%d %H:%M:%S UTC")),
        Next::EndMonitor => "the time of watching is over".to_owned(),
        Next::OfferRollback => {
            let steps: Vec<_> = life.undoable().map(|step| step.to_string()).collect();
            format!("a person may have undone what was done (step {}), or close it", steps.join(", "))
        }
        Next::Look => "a person has to look at it, and close it".to_owned(),
        Next::Nothing => return None,
    })
}

/// What the events say, as far as they were read.
struct Told<'t> {
    steps: &'t mut Vec<StepReport>,
    failures: Vec<String>,
    wishes: Vec<(String, String)>,
    /// The command that began last.
    flight: Option<Slot>,
}

impl Told<'_> {
    fn step(&mut self, slot: Slot) -> Option<&mut StepReport> {
        self.steps.get_mut(slot.step?.checked_sub(1)? as usize)
    }

    fn fate(&mut self, slot: Slot, fate: Fate) {
        if let Some(step) = self.step(slot) {
            step.fate = fate;
        }
    }

    fn event(&mut self, what: What, revision: u32) {
        match what {
            What::Proposed { content } => {
                self.failures.clear();
                // What was wished of the revision before was answered by this one.
                if content.number == revision {
                    self.wishes.clear();
                }
            }
            What::Remarked { by, say: Say::Revise(text) } => self.wishes.push((by.to_string(), text)),
            What::NoChannel { reason } => self.failures.push(reason),
            What::Stale { reasons } => self.failures.extend(reasons),
            What::Intent { slot, aside: false, .. } => {
                self.flight = Some(slot);
                if slot.part == Part::Action {
                    self.fate(slot, Fate::UnderWay);
                }
            }
            What::Outcome { slot, verdict, failures, duration_seconds, .. } => {
                self.failures.extend(failures.into_iter().map(|failure| format!("{slot}: {failure}")));
                self.outcome(slot, verdict, duration_seconds);
            }
            What::Doubted { .. } => {
                if let Some(slot) = self.flight {
                    self.outcome(slot, OutcomeVerdict::Lost, 0.0);
                }
            }
            What::Settled { how, by, .. } => {
                let Some(slot) = self.flight else { return };
                let (verdict, words) = match how {
                    Settlement::Done => (OutcomeVerdict::Passed, "was done"),
                    Settlement::Failed => (OutcomeVerdict::Failed, "failed"),
                    Settlement::RunAgain => (OutcomeVerdict::NotStarted, "is to be run again"),
                };
                self.failures.push(format!("{slot}: {words}, says {by}"));
                self.outcome(slot, verdict, 0.0);
            }
            _ => {}
        }
    }

    fn outcome(&mut self, slot: Slot, verdict: OutcomeVerdict, seconds: f64) {
        use OutcomeVerdict::{Drifted, Failed, Lost, NotStarted, Passed, Stopped};
        match (slot.part, verdict) {
            (Part::Action, verdict) => {
                let fate = match verdict {
                    Passed => Fate::Done,
                    Failed => Fate::Failed,
                    NotStarted | Drifted => Fate::NotBegun,
                    Stopped => Fate::Stopped,
                    Lost => Fate::InDoubt,
                };
                if let Some(step) = self.step(slot) {
                    step.fate = fate;
                    step.seconds = Some(seconds).filter(|_| fate != Fate::NotBegun);
                }
            }
            (Part::Rollback, Passed) => self.fate(slot, Fate::Undone),
            (Part::Rollback | Part::RollbackCheck, verdict) if verdict != Passed => {
                self.fate(slot, Fate::NotUndone);
            }
            _ => {}
        }
    }
}
