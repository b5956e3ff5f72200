//! Every approver of this crate with its reviewers, for the suite.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(dead_code, unused_imports, reason = "each test uses a part of it")]

mod alone;
mod drop;
mod inboxes;
mod pty;
mod service;

pub(crate) use alone::{Autos, Denies, Granted};
pub(crate) use drop::{Dropped, Drops, is_empty, key};
pub(crate) use inboxes::{Chains, Inboxes, Quorums};
pub(crate) use pty::{Pty, Terminals};
pub(crate) use service::{Plain, Services, reviewers, seconds, secret, send, take_posts};

use guardrail_approve::conformance::Who;
use guardrail_core::plan::Principal;

/// As whom a reviewer answers.
pub(crate) fn person(who: Who) -> Principal {
    Principal::person(if who == Who::First { "anna" } else { "bert" })
}
