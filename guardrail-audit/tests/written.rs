//! What the file store writes is what the verifier reads by the page of the format alone.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use guardrail_audit::checkpoint::Checkpoint;
use guardrail_audit::merkle::TreeFiles;
use guardrail_audit::note::NoteSigner;
use guardrail_audit::read::{LineSource as _, LogFiles, export};
use guardrail_audit::verify::{Damage, Directory, Report, Verification};
use guardrail_audit::{FileOptions, FileStore, Hash, Log, PruneError, Store as _, StoreError, line, prune};
use guardrail_core::record::{Kind, Record, Status};

const ORIGIN: &str = "example.org/written";

fn options(signer: &NoteSigner) -> FileOptions {
    FileStore::options(ORIGIN).segment_bytes(16_384).checkpoint_every(20, 1 << 20).sign(signer.clone())
}

fn append(log: &Log, count: usize) {
    for number in 0..count {
        let mut record = Record::new(if number % 3 == 0 { Kind::Plan } else { Kind::Outcome });
        record.plan_id = Some(format!("plan-{}", number / 3));
        record.status = Some(if number % 3 == 0 { Status::Proposed } else { Status::Succeeded });
        record.reason = Some("\u{e9} \"quoted\" \u{0}\u{1f600}".repeat(number % 40));
        record.duration_seconds = Some(1e-7 * number as f64);
        log.append_unsynced(&record).unwrap();
    }
}

fn verify(directory: &Path, signer: &NoteSigner) -> Report {
    let verification = Verification::new().trust([signer.verifier().clone()]).origin(ORIGIN);
    let report = verification.clone().threads(1).log(&Directory::new(directory)).unwrap();
    assert_eq!(verification.threads(4).log(&Directory::new(directory)).unwrap(), report);
    report
}

fn newest(directory: &Path) -> std::path::PathBuf {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl")).max().unwrap()
}

#[test]
fn what_is_written_is_verified() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let signer = NoteSigner::generate(ORIGIN).unwrap();

    let store = options(&signer).open(&path).unwrap();
    let log = Log::over(store).unwrap();
    append(&log, 300);
    let head = log.head().unwrap();
    let live = verify(&path, &signer);
    assert_eq!(live.findings, []);
    assert_eq!((live.size, live.head, live.log_id), (head.chain.size, Some(head.chain.head), Some(head.log)));
    assert!(live.segments > 5 && live.checkpoints > 10 && live.signed > 200, "{live:?}");
    drop(log);
    let closed = verify(&path, &signer);
    assert_eq!(closed.findings, []);
    assert!(closed.size - closed.signed <= 2, "it ends with a checkpoint and a seal at most");

    // What a crash leaves, and what is made of it.
    let log = Log::over(options(&signer).open(&path).unwrap()).unwrap();
    append(&log, 5);
    log.sync().unwrap();
    std::mem::forget(log);
    let torn = newest(&path);
    OpenOptions::new().append(true).open(&torn).unwrap().write_all(b"{\"v\":1,\"prev\":\"00").unwrap();
    let crashed = verify(&path, &signer);
    assert_eq!((crashed.findings.as_slice(), crashed.tail), ([].as_slice(), 17));
}

#[test]
fn a_recovered_log_is_verified_with_its_torn_tail() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let signer = NoteSigner::generate(ORIGIN).unwrap();
    drop(Log::over(options(&signer).open(&path).unwrap()).unwrap());
    let log = Log::over(options(&signer).open(&path).unwrap()).unwrap();
    append(&log, 50);
    log.sync().unwrap();
    // A copy of the files is what a machine finds after its power failed.
    let after = directory.path().join("after");
    fs::create_dir(&after).unwrap();
    for entry in fs::read_dir(&path).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), after.join(entry.file_name())).unwrap();
        }
    }
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(&after, fs::Permissions::from_mode(0o700)).unwrap();
    OpenOptions::new().append(true).open(newest(&after)).unwrap().write_all(b"{\"v\":1,\"pr").unwrap();
    let log = Log::over(options(&signer).open(&after).unwrap()).unwrap();
    append(&log, 50);
    drop(log);
    let report = verify(&after, &signer);
    assert_eq!(report.findings, []);
    assert_eq!(report.torn.iter().map(|(_, bytes)| *bytes).collect::<Vec<_>>(), [10]);

    // And a changed byte is found where it is.
    let name = after.join("00000002.jsonl");
    let mut bytes = fs::read(&name).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 4;
    fs::write(&name, bytes).unwrap();
    let finding = verify(&after, &signer).findings.remove(0);
    assert_eq!((finding.segment, finding.offset), (2, at as u64));
    assert_eq!(finding.damage, Damage::BitFlip { bit: 2 });
}

#[test]
fn old_segments_are_removed_and_the_rest_is_still_proved() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let signer = NoteSigner::generate(ORIGIN).unwrap();
    let keys = [signer.verifier().clone()];
    let log = Log::over(options(&signer).open(&path).unwrap()).unwrap();
    let plan = |name: &str, status| {
        let mut record = Record::new(Kind::Plan);
        (record.plan_id, record.status) = (Some(name.into()), Some(status));
        log.append(&record).unwrap().last
    };
    let notes = |count: usize| {
        for _ in 0..count {
            let mut record = Record::new(Kind::Note);
            record.reason = Some("x".repeat(300));
            log.append_unsynced(&record).unwrap();
        }
        log.sync().unwrap();
    };
    notes(150);
    let open = plan("long", Status::Proposed);
    notes(150);
    let whole = verify(&path, &signer);
    assert_eq!(prune(log.store().as_ref(), &path, 0, &keys).unwrap(), None);

    // An open plan holds its segment and all that follow.
    let first = prune(log.store().as_ref(), &path, u64::MAX, &keys).unwrap().unwrap();
    assert!(first.first <= open && first.first > 0 && first.removed[0] == 1, "{first:?}");
    let report = verify(&path, &signer);
    assert_eq!((report.findings.as_slice(), report.pruned), ([].as_slice(), Some(first.first)));
    assert_eq!(log.head().unwrap().chain.plans["long"], [open]);

    plan("long", Status::Closed);
    notes(100);
    let second = prune(log.store().as_ref(), &path, open + 50, &keys).unwrap().unwrap();
    assert!(second.first > first.first && second.first <= open + 50);
    log.append(&Record::new(Kind::Note)).unwrap();
    drop(log);
    let report = verify(&path, &signer);
    assert_eq!((report.findings.as_slice(), report.pruned), ([].as_slice(), Some(second.first)));

    // It opens again, goes on, and what is gone can still be proved by its hash.
    let log = Log::over(options(&signer).open(&path).unwrap()).unwrap();
    let size = log.head().unwrap().chain.size;
    // The tree beside the log is brought up to the signed checkpoint, and made anew where it is wrong.
    let files = LogFiles::open(&path).unwrap();
    let tree_file = path.join("tree/00");
    let filled = fs::metadata(&tree_file).unwrap().len();
    let proved = |sequence: u64| {
        let line = files.lines(sequence).ok().map(|mut lines| lines.next().unwrap().unwrap());
        let proof = export::prove(&files, sequence).unwrap().unwrap();
        line.map(|line| proof.verify(Some(&line), ORIGIN, &keys).unwrap().size)
    };
    assert_eq!(proved(3), None, "its line is gone, its proof is not");
    let late = proved(second.first + 60).unwrap();
    assert!(late > second.first + 60);
    assert!(fs::metadata(&tree_file).unwrap().len() >= late * 32 && late * 32 > filled);
    let at = (second.first + 60) as usize * 32;
    let mut bytes = fs::read(&tree_file).unwrap();
    bytes[at] ^= 1;
    fs::write(&tree_file, &bytes).unwrap();
    assert_eq!(proved(second.first + 60), Some(late));
    assert_ne!(fs::read(&tree_file).unwrap()[at], bytes[at]);
    // Without the hashes of what is gone, nothing is proved.
    let tree = fs::read(&tree_file).unwrap();
    fs::write(&tree_file, b"").unwrap();
    assert_eq!(export::prove(&files, second.first + 60).unwrap(), None);
    fs::write(&tree_file, tree).unwrap();
    let mut tree = TreeFiles::open(&path.join("tree")).unwrap();
    let from = tree.size().unwrap();
    let leaves: Vec<Hash> = log
        .lines(from)
        .unwrap()
        .take((size - from) as usize)
        .map(|line| Hash::of_line(&line.unwrap()))
        .collect();
    tree.extend(&leaves).unwrap();
    let report = verify(&path, &signer);
    assert_eq!((report.findings.as_slice(), report.size), ([].as_slice(), size));
    let root = report.root.unwrap();
    tree.inclusion(3, size, &root).unwrap();
    tree.inclusion(size - 1, size, &root).unwrap();
    tree.consistency((whole.size, &whole.root.unwrap()), (size, &root)).unwrap();
    let kept = fs::read_to_string(path.join("checkpoints/00000001.jsonl")).unwrap();
    assert!(kept.lines().count() > 0 && kept.lines().all(|line| line.contains("\"kind\":\"checkpoint\"")));

    // Nothing is removed from a log that is damaged.
    let name = newest(&path);
    let mut bytes = fs::read(&name).unwrap();
    bytes[20] ^= 1;
    let damaged = directory.path().join("damaged");
    fs::create_dir(&damaged).unwrap();
    for entry in fs::read_dir(&path).unwrap().map(Result::unwrap) {
        if entry.file_name().to_str().unwrap().ends_with(".jsonl") {
            fs::copy(entry.path(), damaged.join(entry.file_name())).unwrap();
        }
    }
    fs::create_dir(damaged.join("tree")).unwrap();
    for name in ["00", "08", "16"] {
        fs::copy(path.join("tree").join(name), damaged.join("tree").join(name)).unwrap();
    }
    fs::write(damaged.join(name.file_name().unwrap()), bytes).unwrap();
    let refused = prune(log.store().as_ref(), &damaged, u64::MAX, &keys);
    assert!(matches!(refused, Err(PruneError::Damaged(_))), "{refused:?}");
}

/// A log whose first segments were pruned, closed, and its key.
fn pruned(path: &Path, after: usize) -> (NoteSigner, u64) {
    let signer = NoteSigner::generate(ORIGIN).unwrap();
    let log = Log::over(options(&signer).open(path).unwrap()).unwrap();
    let fill = |count: usize| {
        for number in 0..count {
            let mut record = Record::new(Kind::Note);
            record.reason = Some("x".repeat(300));
            // What looks like the record that says what was pruned is not it.
            record.details = (number == 70).then(|| {
                serde_json::json!({
                    "a": 1, "kind": "pruned", "segment": 4, "sequence": 3, "head": Hash([0; 32]),
                    "root": Hash([0; 32]), "frontier": [],
                })
            });
            log.append_unsynced(&record).unwrap();
        }
        log.sync().unwrap();
    };
    fill(150);
    let mut open = Record::new(Kind::Plan);
    (open.plan_id, open.status) = (Some("open".into()), Some(Status::Started));
    let open = log.append(&open).unwrap().last;
    let pruned = prune(log.store().as_ref(), path, open, &[signer.verifier().clone()]).unwrap().unwrap();
    fill(after);
    (signer, pruned.first)
}

fn remove_indexes(path: &Path) {
    for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
        if entry.file_name().to_str().unwrap().ends_with(".index") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

#[test]
fn a_pruned_log_opens_without_its_snapshots() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let (signer, first) = pruned(&path, 150);
    let open = || options(&signer).open(&path);
    let before = open().unwrap().head().unwrap();
    assert_eq!(before.chain.plans.len(), 1);
    remove_indexes(&path);
    let store = open().unwrap();
    assert_eq!(store.head().unwrap(), before);
    let log = Log::over(store).unwrap();
    log.append(&Record::new(Kind::Note)).unwrap();
    drop(log);
    let report = verify(&path, &signer);
    assert_eq!((report.findings.as_slice(), report.pruned), ([].as_slice(), Some(first)));

    // What was not pruned by the log, but taken away, is missed.
    remove_indexes(&path);
    let gone = LogFiles::open(&path).unwrap().directory().join(format!("{:08}.jsonl", segment_of(&path)));
    fs::remove_file(&gone).unwrap();
    let error = open().err().unwrap();
    assert!(matches!(&error, StoreError::Damaged(why) if why.contains("no record says")), "{error}");
}

#[test]
fn a_log_that_lies_about_what_was_pruned_does_not_open() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let (signer, first) = pruned(&path, 3);
    remove_indexes(&path);
    // All hashes of lines are made to fit: only the roots in the checkpoints are not.
    let name = newest(&path);
    let text = fs::read_to_string(&name).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_pruned = |line: &String| line::read(line.as_bytes()).unwrap().kind == "pruned";
    let at = lines.iter().position(is_pruned).expect("in the last segment");
    let mut value: serde_json::Value = serde_json::from_str(&lines[at]).unwrap();
    let hashes = vec![Hash([7; 32]); value["details"]["frontier"].as_array().unwrap().len()];
    let root = guardrail_audit::merkle::Frontier::from_hashes(first, hashes.clone()).unwrap().root();
    value["details"]["frontier"] = serde_json::json!(hashes);
    value["details"]["root"] = root.to_string().into();
    let start = lines[at].split_once(",\"details\"").unwrap().0.to_owned();
    lines[at] = format!("{start},\"details\":{}}}", value["details"]);
    for number in at + 1..lines.len() {
        let head = Hash::of_line(lines[number - 1].as_bytes()).to_string();
        lines[number].replace_range(15..79, &head);
    }
    fs::write(&name, lines.join("\n") + "\n").unwrap();
    let error = options(&signer).open(&path).err().unwrap();
    assert!(matches!(&error, StoreError::Tampered { why, .. } if why.contains("root")), "{error}");
    // It is the record alone that this is seen by: what it said before fits.
    fs::write(&name, text).unwrap();
    options(&signer).open(&path).unwrap();
}

/// The number of the first segment.
fn segment_of(path: &Path) -> u32 {
    let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter_map(|name| name.to_str()?.strip_suffix(".jsonl")?.parse().ok()).min().unwrap()
}

#[test]
fn what_was_kept_of_pruned_segments_is_verified() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let (signer, first) = pruned(&path, 10);
    let kept = path.join("checkpoints/00000001.jsonl");
    let text = fs::read_to_string(&kept).unwrap();
    let report = verify(&path, &signer);
    assert!(report.kept > 2 && report.kept_proved == report.kept, "{report:?}");
    let last = text.lines().last().unwrap();
    let note = serde_json::from_str::<serde_json::Value>(last).unwrap()["details"]["note"].clone();
    let anchor = Checkpoint::verify(note.as_str().unwrap(), &[signer.verifier().clone()]).unwrap();
    assert!(anchor.size < first);
    let compared = |anchor: &Checkpoint| {
        let verification = Verification::new().trust([signer.verifier().clone()]);
        verification.anchors([anchor.clone()]).log(&Directory::new(&path)).unwrap()
    };
    let report = compared(&anchor);
    assert_eq!((report.findings.as_slice(), report.not_compared.as_slice()), ([].as_slice(), [].as_slice()));
    assert_eq!(report.anchored, anchor.size);
    let other = Checkpoint { root: Hash([1; 32]), ..anchor.clone() };
    assert!(matches!(compared(&other).findings[0].damage, Damage::SplitView { .. }));

    // Every byte of what was kept matters, and lines stay in their places.
    let bytes = text.as_bytes();
    for at in (0..bytes.len()).step_by(37) {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        fs::write(&kept, changed).unwrap();
        let report = verify(&path, &signer);
        assert!(matches!(report.findings[0].damage, Damage::Kept(_)), "byte {at}: {report:?}");
    }
    let mut turned: Vec<&str> = text.lines().rev().collect();
    fs::write(&kept, turned.join("\n") + "\n").unwrap();
    assert!(!verify(&path, &signer).is_intact());
    turned.truncate(1);
    fs::write(&kept, turned[0]).unwrap();
    assert!(!verify(&path, &signer).is_intact(), "a line without an end");
    fs::write(&kept, &text).unwrap();

    // Without the right hashes of what is gone, nothing is proved of it, and nothing is called damage.
    let tree = path.join("tree/00");
    let mut hashes = fs::read(&tree).unwrap();
    hashes[40] ^= 1;
    fs::write(&tree, &hashes).unwrap();
    let report = compared(&anchor);
    assert!(report.is_intact() && report.kept > 2 && report.kept_proved == 0);
    assert_eq!(report.not_compared, [anchor.size]);
    fs::remove_dir_all(path.join("tree")).unwrap();
    assert_eq!(verify(&path, &signer).kept_proved, 0);
}
