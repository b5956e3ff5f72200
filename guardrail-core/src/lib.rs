//! Pure analysis of what an agent's action would do.

pub mod identify;
mod limits;
pub mod lower;
pub mod shell;

pub use limits::Limits;
