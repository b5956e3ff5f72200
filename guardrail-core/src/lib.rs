//! Pure analysis of what an agent's action would do.

mod limits;
pub mod lower;
pub mod redact;
pub mod shell;

pub use limits::Limits;
