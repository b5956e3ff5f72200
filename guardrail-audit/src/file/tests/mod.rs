//! A log in files, on the disk and on one that fails.

mod crashes;
mod failures;
mod hints;
mod processes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use chrono::DateTime;
use guardrail_core::record::{Condition, Kind, Record, RecordError, Status, Timestamp};

use super::*;
use crate::chain::Note;
use crate::checkpoint::Checkpoint as SignedCheckpoint;
use crate::hash::Hash;
use crate::line;
use crate::note::NoteSigner;
use crate::store::Appended;

const ORIGIN: &str = "example.org/test";

/// A directory that ends with the test.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("guardrail-log-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn segment(&self, number: u32) -> PathBuf {
        self.0.join(segment::name(number))
    }

    fn open(&self) -> FileStore {
        FileStore::options(ORIGIN).open(&self.0).unwrap()
    }

    fn small(&self) -> FileStore {
        self.small_options().open(&self.0).unwrap()
    }

    /// Segments and checkpoints of a few records.
    fn small_options(&self) -> FileOptions {
        FileStore::options(ORIGIN).segment_bytes(8_192).checkpoint_every(7, 1 << 20)
    }

    fn remove_indexes(&self) {
        for entry in std::fs::read_dir(&self.0).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "index") {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn note(text: &str) -> Record {
    let mut record = Record::new(Kind::Note);
    record.reason = Some(text.to_owned());
    record
}

fn of_plan(plan: &str, kind: Kind, status: Option<Status>) -> Record {
    let mut record = Record::new(kind);
    record.plan_id = Some(plan.to_owned());
    record.status = status;
    record
}

fn body(record: &Record) -> Body<'static> {
    Body { json: serde_json::to_vec(record).unwrap().into(), note: Note::of(record) }
}

fn put(store: &FileStore, record: &Record) -> Appended {
    store.append(&[body(record)], &Condition::Always, Durability::Group).unwrap()
}

fn at(plan: &str, sequence: Option<u64>) -> Condition {
    Condition::PlanAt { plan_id: plan.to_owned(), sequence }
}

/// All lines of a log as the files have them, checked by a reading of its own.
fn checked(path: &Path) -> Vec<serde_json::Value> {
    let mut values: Vec<serde_json::Value> = Vec::new();
    let mut head = Hash::of_origin(ORIGIN);
    let mut before = String::new();
    for number in 1.. {
        let Ok(bytes) = std::fs::read(path.join(segment::name(number))) else { break };
        let next = std::fs::read(path.join(segment::name(number + 1))).ok().map(|next| {
            let first = next.split(|&byte| byte == b'\n').next().unwrap().to_vec();
            serde_json::from_slice::<serde_json::Value>(&first).unwrap()["details"]["previous"].clone()
        });
        let good = next.as_ref().map_or(bytes.len(), |next| next["good_bytes"].as_u64().unwrap() as usize);
        let (good, torn) = bytes.split_at(good);
        assert!(good.ends_with(b"\n"));
        let start = values.len();
        for line in good[..good.len() - 1].split(|&byte| byte == b'\n') {
            let value: serde_json::Value = serde_json::from_slice(line).unwrap();
            assert_eq!(value["prev"], head.to_string());
            assert_eq!(value["seq"], values.len());
            let time = value["timestamp"].as_str().unwrap().to_owned();
            assert!(time >= before);
            before = time;
            head = Hash::of_line(line);
            values.push(value);
        }
        assert_eq!(values[start]["kind"], if number == 1 { "genesis" } else { "segment" });
        if let Some(next) = next {
            assert_eq!(next["segment"], number);
            assert_eq!(next["records"], values.len() - start);
            assert_eq!(next["head"], head.to_string());
            assert_eq!(next["torn_bytes"], torn.len());
            let digest = (!torn.is_empty()).then(|| Hash::of(torn).to_string());
            assert_eq!(next["torn_sha256"].as_str().map(str::to_owned), digest);
        }
    }
    values
}

fn of_kind<'v>(values: &'v [serde_json::Value], kind: &str) -> Vec<&'v serde_json::Value> {
    values.iter().filter(|value| value["kind"] == kind).collect()
}

#[test]
fn what_is_appended_is_there_after_closing() {
    let place = Place::new();
    let store = place.open();
    let first = put(&store, &note("one"));
    assert_eq!((first.last, first.acknowledged), (1, Acknowledged::Durable));
    let bodies = [body(&note("two")), body(&note("three"))];
    let batch = store.append(&bodies, &Condition::Always, Durability::PerRecord).unwrap();
    assert_eq!(batch.last, 3);
    let log = store.log_id();
    store.close().unwrap();

    let store = place.open();
    let head = store.head().unwrap();
    assert_eq!((head.log, head.origin.as_str(), head.chain.size), (log, ORIGIN, 5));
    assert_eq!(*store.recovery(), Recovery::default());
    let kinds = |store: &FileStore, from| -> Vec<String> {
        let lines = store.lines(from).unwrap().map(Result::unwrap);
        lines.map(|line| line::read(&line).unwrap().kind.to_owned()).collect()
    };
    assert_eq!(kinds(&store, 0), ["genesis", "note", "note", "note", "checkpoint"]);
    assert_eq!(kinds(&store, 3), ["note", "checkpoint"]);
    assert!(kinds(&store, 5).is_empty());
    drop(store);
    // Nothing happened, so nothing is said.
    assert_eq!(checked(&place.0).len(), 5);
    let values = checked(&place.0);
    assert_eq!(values[4]["details"]["size"], 4);
}

#[test]
fn segments_follow_each_other() {
    let place = Place::new();
    let store = place.small();
    for number in 0..200 {
        put(&store, &note(&format!("note {number}")));
    }
    let size = store.head().unwrap().chain.size;
    for from in (0..size).step_by(13) {
        let line = store.line(from).unwrap().unwrap();
        assert_eq!(line::read(&line).unwrap().sequence, from);
    }
    assert_eq!(store.line(size).unwrap(), None);
    assert_eq!(store.lines(0).unwrap().map(Result::unwrap).count() as u64, size);
    store.close().unwrap();
    let values = checked(&place.0);
    assert_eq!(of_kind(&values, "note").len(), 200);
    let seals = of_kind(&values, "seal");
    assert!(seals.len() > 3);
    assert_eq!(seals[0]["details"]["last"], seals[0]["seq"].as_u64().unwrap() - 1);
    assert!(std::fs::metadata(place.segment(1)).unwrap().len() < 8_192 + writer::BALLAST);

    let same = |store: FileStore| {
        let chain = store.head().unwrap().chain;
        assert_eq!((chain.size, store.recovery().unclean), (size + 1, false));
        drop(store);
    };
    same(place.small());
    place.remove_indexes();
    same(place.small());
    assert!(std::fs::read_dir(&place.0).unwrap().count() < 40);
}

#[test]
fn a_condition_is_checked_with_the_append() {
    let place = Place::new();
    let store = place.open();
    let proposed = body(&of_plan("p", Kind::Plan, Some(Status::Proposed)));
    let first = store.append(std::slice::from_ref(&proposed), &at("p", None), Durability::Group).unwrap();
    let again = store.append(std::slice::from_ref(&proposed), &at("p", None), Durability::Group);
    assert!(matches!(
        again,
        Err(StoreError::Conflict(RecordError::Conflict { found: Some(1), expected: None, .. }))
    ));
    let intent = body(&of_plan("p", Kind::Intent, None));
    let barrier = Barrier::new(8);
    let spent = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                put(&store, &note("meanwhile"));
                let condition = at("p", Some(first.last));
                match store.append(std::slice::from_ref(&intent), &condition, Durability::Group) {
                    Ok(_) => drop(spent.fetch_add(1, Ordering::Relaxed)),
                    Err(error) => assert!(matches!(error, StoreError::Conflict(_)), "{error}"),
                }
            });
        }
    });
    assert_eq!(spent.load(Ordering::Relaxed), 1);
    let records = store.open_plan("p").unwrap();
    assert_eq!(records.len(), 2);
    put(&store, &of_plan("p", Kind::Plan, Some(Status::Succeeded)));
    assert!(store.open_plan("p").unwrap().is_empty());
    store.close().unwrap();
    assert_eq!(of_kind(&checked(&place.0), "note").len(), 8);
}

#[test]
fn many_threads_append_in_one_chain() {
    let place = Place::new();
    let store = place.small();
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let store = &store;
            scope.spawn(move || {
                let mut before = 0;
                for number in 0..20 {
                    let durability = match (thread + number) % 4 {
                        0 => Durability::PerRecord,
                        1 => Durability::OsBuffered,
                        2 => Durability::Interval,
                        _ => Durability::Group,
                    };
                    let record = body(&note(&format!("{thread}.{number}")));
                    let appended = store.append(&[record], &Condition::Always, durability).unwrap();
                    assert!(appended.last > before);
                    before = appended.last;
                    let line = store.line(before).unwrap().unwrap();
                    assert_eq!(Hash::of_line(&line), appended.hash);
                    let durable = matches!(durability, Durability::PerRecord | Durability::Group);
                    assert_eq!(appended.acknowledged == Acknowledged::Durable, durable);
                }
            });
        }
    });
    store.sync().unwrap();
    store.close().unwrap();
    let values = checked(&place.0);
    let mut last = BTreeMap::new();
    for value in of_kind(&values, "note") {
        let (thread, number) = value["reason"].as_str().unwrap().split_once('.').unwrap();
        let number: i32 = number.parse().unwrap();
        assert_eq!(last.insert(thread.to_owned(), number).unwrap_or(-1) + 1, number);
    }
    assert!(last.len() == 16 && last.values().all(|&last| last == 19));
}

#[test]
fn two_opened_logs_see_each_other() {
    let place = Place::new();
    let (one, two) = (place.small(), place.small());
    assert!(!two.recovery().unclean);
    for number in 0..60 {
        let (writes, reads) = if number % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let appended = put(writes, &of_plan("p", Kind::Note, None));
        assert_eq!(reads.head().unwrap().chain.last_of("p"), Some(appended.last));
        let condition = at("p", Some(appended.last));
        reads.append(&[body(&of_plan("p", Kind::Note, None))], &condition, Durability::Group).unwrap();
        let refused = writes.append(&[body(&note("late"))], &condition, Durability::Group);
        assert!(matches!(refused, Err(StoreError::Conflict(_))));
    }
    one.close().unwrap();
    put(&two, &note("still here"));
    two.close().unwrap();
    assert!(of_kind(&checked(&place.0), "seal").len() > 2);
}

#[test]
fn one_may_have_it_alone() {
    let place = Place::new();
    let store = place.small_options().exclusive(true).open(&place.0).unwrap();
    let busy = FileStore::options(ORIGIN).open(&place.0);
    assert!(
        matches!(busy, Err(StoreError::Unavailable(error)) if error.kind() == std::io::ErrorKind::WouldBlock)
    );
    for number in 0..100 {
        put(&store, &note(&format!("{number}")));
    }
    drop(store);
    place.open().close().unwrap();
    assert_eq!(of_kind(&checked(&place.0), "note").len(), 100);
}

#[test]
fn time_never_runs_back() {
    let place = Place::new();
    let times = [50, 40, 60, i64::MAX / 1_000_000, 70];
    let next = AtomicUsize::new(0);
    let clock = move || -> Timestamp {
        let at = next.fetch_add(1, Ordering::Relaxed) % times.len();
        DateTime::from_timestamp_micros(times[at]).unwrap()
    };
    let store = FileStore::options(ORIGIN).clock(clock).open(&place.0).unwrap();
    for _ in 0..5 {
        put(&store, &note("tick"));
    }
    drop(store);
    checked(&place.0);
    place.open().close().unwrap();
}

#[test]
fn what_cannot_be_a_line_is_refused() {
    let place = Place::new();
    let store = place.open();
    let long = body(&note(&"x".repeat(line::MAX_LINE)));
    let both = store.append(&[body(&note("short")), long], &Condition::Always, Durability::Group);
    assert!(matches!(both, Err(StoreError::TooLong { most: line::MAX_LINE, .. })));
    let fits = line::MAX_LINE - line::overhead(99) - 30;
    put(&store, &note(&"x".repeat(fits)));
    for json in
        [r#"{"kind":"seal"}"#, r#"{"reason":"x"}"#, "{\"kind\":\"note\",\n\"a\":1}", r#"{"kind":"note""#]
    {
        let body = Body { json: json.as_bytes().into(), note: Note::default() };
        let refused = store.append(&[body], &Condition::Always, Durability::Group);
        assert!(matches!(refused, Err(StoreError::NotWritten(_))), "{json}");
    }
    store.close().unwrap();
    assert_eq!(checked(&place.0).len(), 3);
}

#[test]
fn a_log_is_opened_by_its_name() {
    let place = Place::new();
    let missing = FileStore::options(ORIGIN).create(false).open(&place.0);
    assert!(
        matches!(missing, Err(StoreError::Unavailable(error)) if error.kind() == std::io::ErrorKind::NotFound)
    );
    assert!(FileStore::options("two words").open(&place.0).is_err());
    place.open().close().unwrap();
    assert!(FileStore::options("example.org/other").open(&place.0).is_err());
    FileStore::options(ORIGIN).create(false).open(&place.0).unwrap();
}

#[test]
fn futures_and_intervals_need_no_thread_of_the_caller() {
    let place = Place::new();
    let interval = std::time::Duration::from_millis(1);
    let store = FileStore::options(ORIGIN).interval(interval).open(&place.0).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    for number in 0..50 {
        let sender = sender.clone();
        let done = Box::new(move |outcome: Outcome| sender.send(outcome.unwrap()).unwrap());
        let bodies = vec![body(&note(&format!("{number}")))];
        store.append_later(bodies, Condition::Always, Durability::Group, done);
    }
    drop(sender);
    let acknowledged: Vec<Appended> = receiver.iter().collect();
    assert_eq!(acknowledged.len(), 50);
    assert!(acknowledged.iter().all(|appended| appended.acknowledged == Acknowledged::Durable));
    let buffered = store.append(&[body(&note("x"))], &Condition::Always, Durability::Interval).unwrap();
    assert_eq!(buffered.acknowledged, Acknowledged::Buffered);
    while store.inner.unsynced.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    store.close().unwrap();
    assert_eq!(of_kind(&checked(&place.0), "note").len(), 51);
}

#[test]
fn checkpoints_carry_what_signs_them() {
    let place = Place::new();
    let signer = NoteSigner::generate("example.org/key").unwrap();
    let trusted = [signer.verifier().clone()];
    let store = place.small_options().sign(signer).open(&place.0).unwrap();
    for _ in 0..20 {
        put(&store, &note("x"));
    }
    store.close().unwrap();
    let values = checked(&place.0);
    let headers = values.iter().filter(|value| value["kind"] == "genesis" || value["kind"] == "segment");
    headers.for_each(|value| assert_eq!(value["details"]["key"], trusted[0].to_string()));
    let mut leaves = crate::merkle::Frontier::default();
    for (number, value) in values.iter().enumerate() {
        if value["kind"] == "checkpoint" {
            let root = leaves.root();
            assert_eq!(value["details"]["root"], root.to_string());
            let note = value["details"]["note"].as_str().unwrap();
            let signed = SignedCheckpoint::verify(note, &trusted).unwrap();
            assert_eq!(signed, SignedCheckpoint { origin: ORIGIN.into(), size: number as u64, root });
        }
        // The next line quotes the hash of this one.
        if let Some(next) = values.get(number + 1) {
            leaves.push(Hash::from_hex(next["prev"].as_str().unwrap().as_bytes()).unwrap());
        }
    }
    assert!(of_kind(&values, "checkpoint").len() >= 3);
}

#[test]
fn a_log_goes_on_under_another_key_only_if_that_is_said() {
    let place = Place::new();
    let keys = [NoteSigner::generate(ORIGIN).unwrap(), NoteSigner::generate(ORIGIN).unwrap()];
    let [one, two] = &keys;
    let with = |key: Option<&NoteSigner>, change: bool| {
        let options = place.small_options().change_key(change);
        key.map_or(options.clone(), |key| options.sign(key.clone())).open(&place.0)
    };
    let refused = |key: Option<&NoteSigner>| {
        let before = std::fs::read(place.segment(1)).unwrap();
        let error = with(key, false).err().expect("opened under another key");
        assert!(
            matches!(&error, StoreError::Unavailable(error) if error.kind() == std::io::ErrorKind::InvalidInput)
        );
        assert!(error.to_string().contains("change_key"), "{error}");
        assert_eq!(std::fs::read(place.segment(1)).unwrap(), before);
    };
    let store = with(Some(one), false).unwrap();
    put(&store, &note("by one"));
    // Also one that ended without closing.
    store.crash();
    refused(Some(two));
    refused(None);
    let store = with(Some(one), false).unwrap();
    let busy = with(Some(two), true).err().unwrap().to_string();
    assert!(busy.contains("everywhere else"), "{busy}");
    store.close().unwrap();

    let store = with(Some(two), true).unwrap();
    put(&store, &note("by two"));
    store.close().unwrap();
    refused(Some(one));
    with(Some(two), false).unwrap().close().unwrap();
    // What the processes tell each other is of before.
    let lock = place.0.join("lock");
    let told = std::fs::read(&lock).unwrap();
    let snapshots = std::fs::read_dir(&place.0).unwrap().map(|entry| entry.unwrap().file_name());
    let sizes = snapshots.filter_map(|name| name.to_str()?.strip_suffix(".index")?.parse::<u64>().ok());
    let mut stale = told.clone();
    stale[4..8].copy_from_slice(&1_u32.to_le_bytes());
    stale[8..16].copy_from_slice(&sizes.min().unwrap().to_le_bytes());
    std::fs::write(&lock, &stale).unwrap();
    refused(Some(one));
    std::fs::write(&lock, &told).unwrap();
    let values = checked(&place.0);
    let named = |number: usize| of_kind(&values, "segment")[number]["details"]["key"].clone();
    assert_eq!(named(0), two.verifier().to_string());
    let found = |keys: &[&NoteSigner]| {
        let keys = keys.iter().map(|key| key.verifier().clone());
        let verification = crate::verify::Verification::new().trust(keys);
        verification.log(&crate::verify::Directory::new(&place.0)).unwrap().findings
    };
    assert_eq!(found(&[one, two]), []);
    assert_ne!(found(&[two]), []);
    // And without any from then on.
    with(None, true).unwrap().close().unwrap();
    refused(Some(two));
    with(None, false).unwrap().close().unwrap();
    assert_eq!(found(&[]), []);
}
