//! guardrail
pub use guardrail_core::*;
