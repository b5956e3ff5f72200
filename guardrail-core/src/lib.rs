//! Pure analysis of what an agent's action would do.

pub mod conformance;
mod draw;
mod effect;
mod evaluation;
mod glob;
mod guard;
mod host;
mod identify;
mod knowledge;
mod limits;
pub mod lower;
pub mod plan;
pub mod policy;
pub mod quota;
pub mod record;
pub mod redact;
mod request;
mod risk;
pub mod shell;

pub use draw::{Drawing, ProblemDrawing, Style};
pub use evaluation::{
    Approval, BlastRadius, Change, Channels, Decision, Effect, Evaluation, Finding, Invocation,
    NamedDocument, PolicyDigest, Problem, Reason, Ruling, Shadow, Source, Touched,
};
pub use guard::{Guard, GuardBuilder};
pub use guardrail_schema::{EffectKind, Risk, Scope, Undo};
pub use knowledge::KnowledgeError;
pub use limits::Limits;
pub use request::{Action, Environment, Fact, Facts, Request};
pub use smol_str::SmolStr;
