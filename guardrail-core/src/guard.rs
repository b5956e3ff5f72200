//! [`Guard`]: the one door an embedder walks through.

use crate::evaluation::Evaluation;
use crate::limits::Limits;
use crate::request::Request;

/// Evaluates requests. Cheap to share: it is immutable and `Send + Sync`.
#[derive(Debug)]
pub struct Guard {
    limits: Limits,
}

impl Guard {
    /// A guard with the built-in knowledge, the standard policy and the standard limits.
    #[must_use]
    pub fn new() -> Self {
        Self { limits: Limits::STANDARD }
    }

    /// What the request would do, how bad that is, and what the policy says.
    ///
    /// Pure, total and deterministic: no panic, no I/O, bounded time and memory on any input.
    pub fn evaluate(&self, request: &Request) -> Evaluation {
        let _ = (&self.limits, request);
        unreachable!()
    }
}
