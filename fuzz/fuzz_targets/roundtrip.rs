//! What the parser accepted reads as the same tree after it was printed.
#![no_main]

#[path = "../../guardrail-core/tests/checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::roundtrip(bytes));
