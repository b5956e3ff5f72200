//! Any text as the proof of a line: read or refused without a panic, written as it was, and checked.
#![no_main]

use guardrail_audit::proof::LineProof;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(proof) = text.parse::<LineProof>() {
        assert_eq!(proof.to_string(), text);
        let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
        assert!(proof.verify(Some(b"line"), "example.org/log", &[key]).is_err());
    }
});
