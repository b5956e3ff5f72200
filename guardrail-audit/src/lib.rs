//! An append-only, hash-chained audit log that nobody can quietly edit and no crash can shorten.

pub mod anchor;
pub mod chain;
pub mod checkpoint;
mod hash;
pub mod line;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod storage;
mod store;
pub mod verify;

pub use hash::Hash;
pub use store::{Acknowledged, Appended, Body, Durability, Head, Lines, Store, StoreError};
