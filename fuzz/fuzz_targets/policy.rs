//! Any bytes as a policy: refused with problems that can be drawn, or usable on any request.
#![no_main]

#[path = "../../guardrail-core/tests/checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::policy(bytes));
