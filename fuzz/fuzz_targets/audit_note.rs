//! Any text as a signed note, a checkpoint or a key: read or refused without a panic, and what is
//! read is written as it was.
#![no_main]

use guardrail_audit::checkpoint::Checkpoint;
use guardrail_audit::note::{Note, NoteSigner, Verifier};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(note) = Note::parse(text) {
        assert!(text.starts_with(note.unverified_text()));
        let known: Verifier =
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
        let _ = note.verify(&[known]);
        assert!(note.verify(&[]).is_err());
    }
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        assert_eq!(checkpoint.to_string(), text);
    }
    if let Ok(key) = text.parse::<Verifier>() {
        assert_eq!(key.to_string(), text);
    }
    let _ = NoteSigner::parse(text);
});
