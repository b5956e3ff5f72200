//! Any bytes as shell text, argument vector or tool call: evaluating them is total and
//! deterministic, and what comes back is consistent.
#![no_main]

#[path = "../../guardrail-core/tests/checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::evaluate(bytes));
