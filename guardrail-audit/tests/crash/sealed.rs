//! A segment that was sealed, and then the next could not be begun.

use std::sync::Arc;

use guardrail_audit::chain::Note;
use guardrail_audit::storage::simulated::{Disk, Fault, Operation};
use guardrail_audit::{Body, Durability, Store as _, line};
use guardrail_core::record::Condition;

use crate::trial::Trial;

const SEGMENTS: [&str; 2] = ["00000001.jsonl", "00000002.jsonl"];

/// A log with a checkpoint behind every append goes on after a call went wrong. Gives how many of its
/// appends failed.
fn go_on(trial: &Trial, disk: &Disk) -> usize {
    let process = disk.process();
    let Ok(store) = trial.options().open_on(Arc::new(process.clone())) else { return 0 };
    let json = format!(r#"{{"kind":"note","reason":"{}"}}"#, "x".repeat(700)).into_bytes();
    let bodies = [Body { json: json.into(), note: Note::default() }];
    let failed =
        (0..8).filter(|_| store.append(&bodies, &Condition::Always, Durability::Group).is_err()).count();
    process.kill();
    failed
}

/// What random trials showed (seed 6455 of many processes, at an earlier state): the checkpoint that
/// was due went behind the seal, a power cut tore it, and the log did not open again. Without the cut
/// the log was one that no verifier accepts.
#[test]
fn nothing_is_written_behind_a_seal() {
    let trial = Trial::of(4_096, 1);
    let mut sealed_only = 0;
    for fault in [Fault::Io, Fault::Full, Fault::Interrupted, Fault::ReadOnly, Fault::Journal] {
        for call in 0.. {
            let disk = Disk::new(6_455);
            disk.keep_trace();
            disk.fail(call, fault);
            let failed = go_on(&trial, &disk);
            let trace = disk.trace();
            let Some(struck) = trace.iter().find(|call| call.fault.is_some()) else { break };
            for name in SEGMENTS {
                let bytes = disk.contents(name).unwrap_or_default();
                let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
                let seal = lines.iter().position(|text| {
                    text.strip_suffix(b"\n").and_then(line::read).is_some_and(|prefix| prefix.kind == "seal")
                });
                let Some(seal) = seal else { continue };
                assert_eq!(seal + 1, lines.len(), "{name}, {fault:?} at call {call}: {struck:?}");
                let begins = struck.operation == Operation::Rename && struck.name.starts_with(SEGMENTS[1]);
                sealed_only += usize::from(begins && failed > 0);
            }
            disk.calm();
            let left = disk.crash();
            let opened = trial.options().open_on(Arc::new(left.process()));
            assert!(opened.is_ok(), "{fault:?} at call {call}, {struck:?}: {:?}", opened.err());
        }
    }
    assert!(sealed_only > 0, "no segment was sealed without a next one");
}
