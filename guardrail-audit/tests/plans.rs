//! Lives of plans in a log: what is read back of them, once their secrets are gone.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "../../guardrail-core/tests/plan_book/mod.rs"]
mod plan_book;

use std::sync::Arc;

use guardrail_audit::{FieldRules, FileStore, Log, Redacting, Store};
use guardrail_core::plan::{Machine, Say, State};
use guardrail_core::record::{Condition, Recorded, Status};
use guardrail_core::redact::Redactor;

use plan_book::{Book, anna, approved, asked, at, gave, id, run, scale};

const SECRET: &str = "correct-horse-battery";
const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
const BEFORE: &str = r#"{"spec":{"replicas":3}}"#;
const AFTER: &str = r#"{"spec":{"replicas":5}}"#;

fn log_with(store: Arc<dyn Store>) -> Log {
    let redactor = Redactor::builder().secret(SECRET).unwrap().build().unwrap();
    Log::with(store, Redacting::new(redactor, FieldRules::standard(), None)).unwrap()
}

/// Appends the records of a book one by one, each on the one before, as a plan's machine does.
fn keep(log: &Log, book: &Book) {
    let mut last = None;
    for kept in book.records.borrow().iter() {
        let condition = Condition::PlanAt { plan_id: id().to_string(), sequence: last };
        let durable = log.append_batch(std::slice::from_ref(&kept.record), &condition).unwrap();
        last = Some(durable.last);
    }
}

/// What was appended to the files, as text.
fn written(path: &std::path::Path) -> String {
    std::fs::read_to_string(path.join("00000001.jsonl")).unwrap()
}

fn read(log: &Log, machine: &Machine) -> (Machine, Vec<Recorded>) {
    let history = log.history_of(&id().to_string()).unwrap();
    (Machine::resume(machine.revision().clone(), &history).unwrap(), history)
}

#[test]
fn a_life_is_read_back_with_its_secrets_gone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let open = || FileStore::options("example.org/plans").open(&path).unwrap();
    let book = Book::default();
    let (mut machine, question) = asked(&book, scale());
    let say = |text: String| question.reply(anna(), Say::Approve(Some(text)), at(2));
    let vote = say(format!("as agreed, with password={SECRET}")).vote(&question, "test").unwrap();
    book.change(&mut machine, |machine| machine.vote(vote, at(2)));
    let leak = format!("deployed with {SECRET}, --token={TOKEN}");
    for output in ["", BEFORE, leak.as_str(), AFTER] {
        run(&book, &mut machine, &gave(output));
    }
    assert_eq!(machine.state(), State::Succeeded);

    let log = log_with(Arc::new(open()));
    keep(&log, &book);
    let text = written(&path);
    assert!(!text.contains(SECRET) && !text.contains(TOKEN), "a secret is in the log");
    assert!(text.contains("[redacted:"));
    let (again, history) = read(&log, &machine);
    assert_eq!((again.state(), again.life().due()), (machine.state(), machine.life().due()));
    // What a record says of itself is all there: kinds, states, digests and times.
    for (kept, found) in book.records.borrow().iter().zip(&history) {
        let (kept, found) = (&kept.record, &found.record);
        assert_eq!((&kept.kind, &kept.status, kept.id), (&found.kind, &found.status, found.id));
        let plain = |record: &guardrail_core::record::Record| {
            !serde_json::to_string(&record.details).unwrap().contains(SECRET)
        };
        assert!(
            !plain(kept) || kept.details == found.details,
            "{:?} is not {:?}",
            found.details,
            kept.details
        );
    }
    drop(log);
    // And from the files, by another process.
    let log = log_with(Arc::new(open()));
    assert!(log.head().unwrap().chain.plans.is_empty());
    assert_eq!(read(&log, &machine).0.state(), State::Succeeded);
}

#[test]
fn a_plan_that_succeeded_is_undone_on_its_last_record() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let open = || log_with(Arc::new(FileStore::options("example.org/plans").open(&path).unwrap()));
    let book = Book::default();
    let mut machine = approved(&book, scale());
    for output in ["", BEFORE, "", AFTER] {
        run(&book, &mut machine, &gave(output));
    }
    assert_eq!(machine.state(), State::Succeeded);
    book.change(&mut machine, |machine| machine.roll_back(anna(), at(5)));
    assert_eq!(machine.state(), State::RollingBack);

    let log = open();
    keep(&log, &book);
    // It is open again, and whoever takes it up after a crash reads all of it.
    assert!(log.head().unwrap().chain.plans.contains_key(&id().to_string()));
    drop(log);
    let log = open();
    let (mut again, history) = read(&log, &machine);
    assert_eq!((again.state(), history.len()), (State::RollingBack, book.records.borrow().len()));
    while again.state() == State::RollingBack {
        let slot = again.life().due().unwrap();
        let versions = again.revision().versions().clone();
        let now = plan_book::now_at(&again, slot);
        let intent = again.intent(slot, &now, &versions, at(6)).unwrap();
        let durable = log.append_batch(intent.records(), intent.condition()).unwrap();
        let receipt = |records: &[_], place: &guardrail_audit::Durable| {
            let hash = place.hash.0;
            guardrail_core::record::Receipt::of_durable(records, log.id(), place.last, place.timestamp, hash)
        };
        let receipt_of_intent = receipt(intent.records(), &durable);
        let permit = again.permit(intent, receipt_of_intent).unwrap();
        let change = again.outcome(permit.id(), &gave(""), at(7)).unwrap();
        let durable = log.append_batch(change.records(), change.condition()).unwrap();
        let receipt_of_change = receipt(change.records(), &durable);
        again.recorded(change, &receipt_of_change).unwrap();
    }
    assert_eq!(again.state(), State::RolledBack);
    let (after, history) = read(&log, &machine);
    assert_eq!(after.state(), State::RolledBack);
    assert_eq!(history.last().unwrap().record.status, Some(Status::RolledBack));
    assert!(log.head().unwrap().chain.plans.is_empty());
    // Its id was used.
    let first = book.records.borrow()[0].record.clone();
    let anew = Condition::PlanAt { plan_id: id().to_string(), sequence: None };
    assert!(log.append_batch(&[first], &anew).is_err());
}
