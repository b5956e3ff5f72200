//! An append-only, hash-chained audit log that nobody can quietly edit and no crash can shorten.
//!
//! It is the memory of [guardrail](https://crates.io/crates/agent-guardrail), and of use alone.
//! Records go in, and what comes back is a proof: a [`Durable`] is only ever made once the record
//! survives the machine, a [`Buffered`] where it does not yet.
//!
//! # What it is not
//!
//! * **It is not a place that cannot be written to.** Whoever owns the directory can destroy the log.
//!   What they cannot do is change, drop, add or reorder a line without [`verify`] telling where.
//!   What was cut off behind the last checkpoint that somebody outside has seen cannot be missed:
//!   hand checkpoints out ([`anchor`]).
//! * **It is not best effort.** After a failed sync nothing is acknowledged any more, in no process,
//!   until the log was opened again. An action whose record was not acknowledged must not happen.
//! * **It is not a database.** It is files of JSON lines: `tail -f`, `grep` and `jq` read them, and
//!   `docs/audit-format.md` is enough to check them in another language.
//!
//! # A minimal client
//!
//! ```
//! use guardrail_audit::{FileStore, Log};
//! use guardrail_core::record::{Kind, Record, Status};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("audit");
//! let log = Log::over(FileStore::options("example.org/agents/build").open(&path)?)?;
//! let mut intent = Record::new(Kind::Intent);
//! intent.action = Some("systemctl restart api".into());
//! intent.status = Some(Status::Started);
//! let durable = log.append(&intent)?; // only now may it happen
//! assert_eq!(durable.last, 1); // the first line is the log's own
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The picture
//!
//! ```text
//!  Record             what happened, with its secrets
//!     |
//!     |  Redacting    values, token shapes and named fields out, before there are bytes
//!     v
//!  Body               JSON, small enough for a line
//!     |
//!     |  Chain        number, time, hash of the line before; or: the plan has moved on, no
//!     v
//!  Line               {"v":1,"prev":"...","seq":12,"timestamp":"...","kind":"intent",...}
//!     |
//!     |  Store        files (many threads share a sync, many processes a log) or memory
//!     v
//!  Durable            where it stands, and the hash that pins everything before it
//! ```
//!
//! # The public interface
//!
//! * **Writing:** [`Log`] over a [`Store`]: [`FileStore`] or [`MemoryStore`]. One of your own holds
//!   to the contract if it passes the suite of `conformance` (feature `simulation`).
//! * **As a recorder:** [`Log`] implements
//!   [`Recorder`](guardrail_core::record::Recorder), [`PlanFiles`] implements
//!   [`PlanStore`](guardrail_core::record::PlanStore).
//! * **Reading:** [`read`]: query, follow, export, replay, statistics, backup.
//! * **Checking:** [`verify`] reads the format on its own, so that it shares no mistake with the writer.
//! * **Proving:** [`merkle`], [`checkpoint`], [`note`] and [`proof`] are RFC 6962 and C2SP.
//! * **Beneath:** [`storage`] is the disk as the log sees it; with the feature `simulation` there is one
//!   that breaks on purpose.

pub mod anchor;
pub mod chain;
pub mod checkpoint;
mod clock;
mod closed;
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
mod prune;
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
pub use prune::{PruneError, Pruned, prune};
pub use redacting::{FieldRuleError, FieldRules, MAX_DEPTH, Redacting, RedactingError, TagKey};
pub use store::{Acknowledged, Appended, Body, Durability, Head, Lines, Store, StoreError};
