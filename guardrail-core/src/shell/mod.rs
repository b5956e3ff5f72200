//! Shell text to [`Script`]: bash as agents write it, and POSIX sh. Knows nothing of what any
//! program does, and never fails: what it could not read is a [`Problem`] beside the rest.

mod problem;
mod script;

pub use problem::{Problem, ProblemKind};
pub use script::*;
