//! Pure analysis of what an agent's action would do.

mod draw;
mod evaluation;
mod guard;
mod limits;
pub mod lower;
pub mod redact;
mod request;
pub mod shell;

pub use draw::{Drawing, Style};
pub use evaluation::{Approval, Decision, Effect, Evaluation, Finding, Invocation, Problem, Source};
pub use guard::Guard;
pub use guardrail_schema::{EffectKind, Risk, Scope, Undo};
pub use limits::Limits;
pub use request::{Action, Environment, Fact, Facts, Request};
