//! What the file store writes is what the verifier reads by the page of the format alone.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use guardrail_audit::checkpoint::Checkpoint;
use guardrail_audit::note::NoteSigner;
use guardrail_audit::verify::{Damage, Directory, Report, Verification};
use guardrail_audit::{FileOptions, FileStore, Hash, Log};
use guardrail_core::record::{Kind, Record, Status};

const ORIGIN: &str = "example.org/written";

fn options(signer: &NoteSigner) -> FileOptions {
    let key = signer.verifier().to_string();
    let signer = signer.clone();
    let sign = move |origin: &str, size: u64, root: &Hash| {
        Checkpoint { origin: origin.to_owned(), size, root: *root }.sign(&signer).ok()
    };
    FileStore::options(ORIGIN).segment_bytes(16_384).checkpoint_every(20, 1 << 20).sign(&key, Arc::new(sign))
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
