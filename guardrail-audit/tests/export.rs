//! Exported lines are checked by whoever gets them, without the log.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a test")]

mod made;

use guardrail_audit::Hash;
use guardrail_audit::checkpoint::Checkpoint;
use guardrail_audit::merkle::Frontier;
use guardrail_audit::note::{NoteSigner, Verifier};
use guardrail_audit::read::export::{self, ExportError, Manifest};
use guardrail_audit::read::{Filter, LogFiles};
use guardrail_core::Risk;
use guardrail_core::record::{Kind, Record};
use made::{Files, Memory, ORIGIN, at};
use proptest::prelude::*;
use serde_json::json;

fn note(reason: &str) -> Record {
    let mut record = Record::new(Kind::Note);
    record.reason = Some(reason.into());
    record
}

/// A log of so many notes, with a signed checkpoint after each `every`.
fn signed(notes: u64, every: u64, signer: &NoteSigner) -> Files {
    let mut files = Files::new();
    let mut tree = Frontier::default();
    let leaf = |line: &[u8]| Hash::of_line(&line[..line.len() - 1]);
    tree.push(leaf(&std::fs::read(files.segment_path()).unwrap()));
    for n in 0..notes {
        let time = at(n as i64);
        tree.push(leaf(&files.append(&note(&format!("note {n}")), time)));
        if (n + 1) % every == 0 {
            let checkpoint = Checkpoint { origin: ORIGIN.into(), size: tree.size(), root: tree.root() };
            let mut record = Record::new(Kind::Checkpoint);
            let text = checkpoint.sign(signer).unwrap();
            record.details = Some(json!({"size": checkpoint.size, "root": checkpoint.root, "note": text}));
            tree.push(leaf(&files.append(&record, time)));
        }
        if (n + 1) % (2 * every) == 0 {
            files.rotate(time);
            tree.push(leaf(&std::fs::read(files.segment_path()).unwrap()));
        }
    }
    files
}

fn exported(files: &Files, filter: Filter) -> Result<(Vec<u8>, Manifest), ExportError> {
    let log = LogFiles::open(&files.path()).unwrap();
    let identity = log.identity().unwrap();
    let mut out = Vec::new();
    let manifest =
        export::json_lines(&log, filter, Some((identity.log, &identity.origin)), &mut out, |_| {})?;
    // As it goes over the wire.
    let text = serde_json::to_string(&manifest).unwrap();
    Ok((out, serde_json::from_str(&text).unwrap()))
}

fn verify(lines: &[u8], manifest: &Manifest, trusted: &[Verifier]) -> Result<export::Verified, ExportError> {
    export::verify(&mut &lines[..], manifest, trusted)
}

#[test]
fn what_was_exported_is_verified_with_its_proof() {
    let signer = NoteSigner::generate(ORIGIN).unwrap();
    let trusted = [signer.verifier().clone()];
    let files = signed(57, 10, &signer);
    for (first, last) in [(0, 0), (0, 20), (3, 3), (5, 31), (12, 12), (40, 55)] {
        let (lines, manifest) = exported(&files, Filter::new().first(first).last(last)).unwrap();
        assert_eq!((manifest.first, manifest.last), (first, last));
        let verified = verify(&lines, &manifest, &trusted).unwrap();
        assert_eq!(verified.records, last - first + 1);
        let checkpoint = verified.checkpoint.unwrap();
        assert!(checkpoint.size > last && checkpoint.origin == ORIGIN);
    }
    let (lines, manifest) = exported(&files, Filter::new().from(at(10)).until(at(20))).unwrap();
    assert_eq!((manifest.from, manifest.until), (at(10), at(19)));
    assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count() as u64, manifest.records);
    // Nobody has signed the last lines yet.
    let (lines, manifest) = exported(&files, Filter::new()).unwrap();
    assert_eq!(manifest.proof, None);
    assert_eq!(verify(&lines, &manifest, &trusted).unwrap().checkpoint, None);
}

#[test]
fn a_stranger_s_signature_proves_nothing() {
    let signer = NoteSigner::generate(ORIGIN).unwrap();
    let files = signed(20, 10, &signer);
    let (lines, manifest) = exported(&files, Filter::new().last(5)).unwrap();
    let stranger = NoteSigner::generate(ORIGIN).unwrap().verifier().clone();
    assert!(matches!(verify(&lines, &manifest, &[stranger]), Err(ExportError::Proof(_))));
    let other = Manifest { origin: Some("example.org/other".into()), ..manifest };
    assert!(matches!(verify(&lines, &other, &[signer.verifier().clone()]), Err(ExportError::Proof(_))));
}

#[test]
fn nothing_and_selections_are_refused() {
    let files = signed(5, 10, &NoteSigner::generate(ORIGIN).unwrap());
    assert!(matches!(exported(&files, Filter::new().first(99)), Err(ExportError::Empty)));
    assert!(matches!(exported(&files, Filter::new().risk(Risk::High)), Err(ExportError::NoRange)));
}

proptest! {
    #[test]
    fn any_change_of_a_byte_is_seen(place in 0.0_f64..1.0, bit in 0_u8..8, first in 0_u64..20) {
        let signer = NoteSigner::generate(ORIGIN).unwrap();
        let files = signed(30, 10, &signer);
        let (mut lines, manifest) = exported(&files, Filter::new().first(first).last(25)).unwrap();
        let at = (place * lines.len() as f64) as usize;
        lines[at] ^= 1 << bit;
        prop_assert!(verify(&lines, &manifest, &[signer.verifier().clone()]).is_err());
    }

    #[test]
    fn any_line_taken_away_is_seen(gone in 0_usize..20, many in 1_usize..20) {
        let signer = NoteSigner::generate(ORIGIN).unwrap();
        let files = signed(30, 10, &signer);
        let (lines, manifest) = exported(&files, Filter::new().last(19)).unwrap();
        let mut kept: Vec<&[u8]> = lines.split_inclusive(|byte| *byte == b'\n').collect();
        kept.drain(gone..(gone + many).min(kept.len()));
        prop_assert!(verify(&kept.concat(), &manifest, &[signer.verifier().clone()]).is_err());
    }
}

#[test]
fn csv_has_the_greppable_columns_and_no_formulas() {
    let mut record = Record::new(Kind::Outcome);
    record.plan_id = Some("plan-1".into());
    record.action = Some("=HYPERLINK(\"http://x\",\"y\")".into());
    record.reason = Some("a, \"b\"\nc".into());
    record.duration_seconds = Some(0.5);
    let log = Memory::of([(record, at(1)), (note("-1"), at(2))]);
    let mut out = Vec::new();
    let records =
        export::csv(&log, Filter::new().kind(Kind::Outcome).kind(Kind::Note), &mut out, |_| {}).unwrap();
    assert_eq!(records, 2);
    let mut reader = csv::Reader::from_reader(&out[..]);
    assert_eq!(reader.headers().unwrap(), export::COLUMNS);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |row: usize, name: &str| {
        rows[row].get(export::COLUMNS.iter().position(|column| *column == name).unwrap()).unwrap().to_owned()
    };
    assert_eq!(cell(0, "seq"), "1");
    assert_eq!(cell(0, "timestamp"), "2026-01-26T10:00:00.001000Z");
    assert_eq!(cell(0, "plan_id"), "plan-1");
    assert_eq!(cell(0, "action"), "'=HYPERLINK(\"http://x\",\"y\")");
    assert_eq!(cell(0, "reason"), "a, \"b\"\nc");
    assert_eq!(cell(0, "duration_seconds"), "0.5");
    assert_eq!(cell(0, "hash"), Hash::of_line(&log.lines.borrow()[1]).to_string());
    assert_eq!(cell(1, "reason"), "'-1");
}
