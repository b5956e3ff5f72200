//! Quotas on real files, among real processes.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod breaker;
mod damage;
mod processes;
mod stage;
mod stopping;
mod windows;
