//! Any bytes: the parser ends, and every span lies inside its text.
#![no_main]

#[path = "../../guardrail-core/tests/checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::parse(bytes));
