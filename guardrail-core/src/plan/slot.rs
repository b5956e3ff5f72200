//! Where a command stands in its plan.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One command of a plan, by its place. Steps and commands count from 1, as people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// The step it belongs to, from 1; `None` where it belongs to the plan as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// Which part of it.
    pub part: Part,
    /// Which command of that part, from 1.
    pub index: u32,
}

/// The parts of a plan and of a step that have commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A check before.
    Preflight,
    /// A look at the state before.
    Capture,
    /// The rehearsal.
    DryRun,
    /// What the step does.
    Action,
    /// A check behind.
    Post,
    /// A check while the result is watched.
    Monitor,
    /// A command of the way back.
    Rollback,
    /// A check that it is undone.
    RollbackCheck,
}

impl Slot {
    /// A part of the plan as a whole.
    #[must_use]
    pub const fn plan(part: Part, index: u32) -> Self {
        Self { step: None, part, index }
    }

    /// A part of a step.
    #[must_use]
    pub const fn step(step: u32, part: Part, index: u32) -> Self {
        Self { step: Some(step), part, index }
    }

    /// What a step does.
    #[must_use]
    pub const fn action(step: u32) -> Self {
        Self::step(step, Part::Action, 1)
    }
}

impl Part {
    /// Whether only commands of low risk may stand here, because they look and do nothing.
    #[must_use]
    pub const fn looks_only(self) -> bool {
        matches!(self, Self::Preflight | Self::Capture | Self::Post | Self::Monitor | Self::RollbackCheck)
    }

    /// Its name for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preflight => "pre-flight check",
            Self::Capture => "capture",
            Self::DryRun => "dry run",
            Self::Action => "action",
            Self::Post => "post check",
            Self::Monitor => "monitor check",
            Self::Rollback => "rollback",
            Self::RollbackCheck => "rollback check",
        }
    }
}

impl fmt::Display for Slot {
    /// `step 2, post check 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some(step) => write!(f, "step {step}")?,
            None => f.write_str("plan")?,
        }
        match self.part {
            Part::Action if self.index == 1 => Ok(()),
            part => write!(f, ", {} {}", part.as_str(), self.index),
        }
    }
}
