//! The types of guardrail's knowledge files, shared by the packer, the analysis and the tooling.
//!
//! A *knowledge file* is TOML and says what one command-line tool does to the world
//! (`file`, feature `file`, on by default); a [`Tool`] is the same compiled for look-ups. This
//! crate knows no tool and reads no file: it takes text and gives types.

mod document;
#[cfg(feature = "file")]
mod document_file;
#[cfg(feature = "file")]
mod environment_file;
#[cfg(feature = "file")]
mod file;
#[cfg(feature = "file")]
mod keys;
mod kinds;
mod role;
#[cfg(feature = "file")]
mod role_file;
mod tool;
mod way;
#[cfg(feature = "file")]
mod way_file;

pub use document::{Document, Field, Objects, Shape};
#[cfg(feature = "file")]
pub use document_file::DocumentFile;
#[cfg(feature = "file")]
pub use environment_file::EnvironmentFile;
#[cfg(feature = "file")]
pub use file::{CALLED, EXACT, Example, FileError, Origin, ToolFile, Wanted};
pub use kinds::{EffectKind, Language, Mark, Risk, Scope, Undo};
pub use role::{Count, Operand, Role};
pub use tool::{
    Case, Command, Condition, Effect, Externals, Flag, Grammar, Inside, Leaves, NamedCall, Pieces,
    Placeholder, Prints, Runtime, Secret, Test, Tool, ValueKind, Variable,
};
pub use way::{Operation, Way, Ways};
#[cfg(feature = "file")]
pub use way_file::{WayExample, WaysFile};
