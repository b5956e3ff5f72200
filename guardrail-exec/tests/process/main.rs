//! Real commands, honest and hostile, on this machine.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod bench;
mod credentials;
mod drift;
mod hostile;
mod limits;
mod sandbox;
