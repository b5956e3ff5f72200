//! An append-only, hash-chained audit log that nobody can quietly edit and no crash can shorten.

pub mod chain;
mod file;
mod hash;
pub mod line;
pub mod storage;
mod store;

pub use file::{FileOptions, FileStore, Recovery, SignCheckpoint};
pub use hash::Hash;
pub use store::{Acknowledged, Appended, Body, Durability, Head, Lines, Store, StoreError};
