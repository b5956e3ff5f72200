//! Any bytes as a line, and as the end of one: the writer's reading and the verifier's do not panic, and
//! what the verifier takes for strict JSON, another parser takes too.
#![no_main]

use std::collections::BTreeMap;

use guardrail_audit::verify::{Level, Verification};
use guardrail_audit::{Hash, line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let verify = |segment: Vec<u8>, level| {
        Verification::new().threads(1).level(level).log(&BTreeMap::from([(1, segment)])).unwrap().is_intact()
    };
    if let Some(prefix) = line::read(data) {
        let mut again = Vec::new();
        line::write(&mut again, &prefix.prev, prefix.sequence, prefix.timestamp, b"{\"kind\":\"\"}");
        let begins = again.strip_suffix(b"\"}\n").unwrap();
        assert!(data.starts_with(begins));
    }
    if data.contains(&b'\n') {
        return;
    }
    let time = "2026-01-26T10:00:00.000000Z";
    let details = r#""details":{"log_id":"0198e7a4-5f6b-4c3a-9d2e-8f7a6b5c4d3e","origin":"o","segment":1,"max_segment_bytes":1}"#;
    let genesis = format!(
        r#"{{"v":1,"prev":"{}","seq":0,"timestamp":"{time}","kind":"genesis",{details}}}"#,
        Hash::of_origin("o")
    );
    let head = Hash::of_line(genesis.as_bytes());
    let start = format!(r#"{{"v":1,"prev":"{head}","seq":1,"timestamp":"{time}","kind":"note""#);
    let line = [start.as_bytes(), data].concat();
    let segment = [genesis.as_bytes(), b"\n", &line, b"\n"].concat();
    if verify(segment.clone(), Level::Full) {
        assert!(line.len() <= line::MAX_LINE);
        let text = std::str::from_utf8(&line).unwrap();
        let read: serde_json::Map<String, serde_json::Value> = match serde_json::from_str(text) {
            Ok(read) => read,
            // RFC 8259 knows no largest number, and this reader does.
            Err(error) if error.to_string().starts_with("number out of range") => return,
            Err(error) => panic!("{error}"),
        };
        assert!(read.len() >= 5 && read["kind"] == "note");
        assert!(line::read(&line).is_some());
        assert!(verify(segment, Level::Chain));
    }
});
