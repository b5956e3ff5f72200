//! What a machine knows that helps to judge an agent's actions.
//!
//! Evaluation is pure: it reads no file and asks nobody. What it would have wanted to know
//! ([`Evaluation::wanted`](guardrail_core::Evaluation::wanted)) is gathered here, from the files in
//! which tools keep their settings, and handed in as
//! [`Facts`](guardrail_core::Facts).
//!
//! What is counted over time and over processes is counted here too ([`quotas`]).

#![cfg(unix)]

pub mod facts;
pub mod observe;
#[cfg(feature = "openclaw")]
pub mod openclaw;
pub mod quotas;
pub mod secrets;
