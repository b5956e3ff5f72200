//! An append-only, hash-chained audit log that nobody can quietly edit and no crash can shorten.

pub mod anchor;
pub mod chain;
pub mod checkpoint;
mod clock;
#[cfg(any(test, feature = "simulation"))]
pub mod conformance;
mod file;
mod hash;
pub mod line;
mod log;
mod memory;
pub mod merkle;
pub mod note;
mod plans;
pub mod proof;
pub mod read;
mod redacting;
pub mod storage;
mod store;
pub mod verify;

pub use file::{FileOptions, FileStore, Recovery, SignCheckpoint};
pub use hash::Hash;
pub use log::{Appending, Buffered, Durable, Log, LogError, Place, Records};
pub use memory::MemoryStore;
pub use plans::{MAX_DOCUMENT, PlanError, PlanFiles};
pub use redacting::{FieldRuleError, FieldRules, MAX_DEPTH, Redacting, RedactingError, TagKey};
pub use store::{Acknowledged, Appended, Body, Durability, Head, Lines, Store, StoreError};
