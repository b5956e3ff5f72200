//! Any bytes as a manifest, a compose file and a plan: evaluated as anything else is, and never
//! less risky for what they hold.
#![no_main]

#[path = "../../guardrail-core/tests/checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::manifest(bytes));
