//! The log over a store in memory, and over files.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use guardrail_core::record::{Kind, RecordError, Recorder as _, Status};

use super::*;
use crate::{FileStore, MemoryStore};

fn memory() -> Log {
    Log::over(MemoryStore::counted_as_durable("example.org/test")).unwrap()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn of_plan(plan: &str, kind: Kind, status: Option<Status>) -> Record {
    let mut record = Record::new(kind);
    record.plan_id = Some(plan.to_owned());
    record.status = status;
    record
}

fn after(plan: &str, sequence: Option<u64>) -> Condition {
    Condition::PlanAt { plan_id: plan.to_owned(), sequence }
}

#[test]
fn a_recorder_gives_receipts_for_what_is_durable_alone() {
    let log = memory();
    let mut intent = of_plan("p", Kind::Intent, None);
    intent.id = Some(Uuid::from_u128(9));
    let records = [of_plan("p", Kind::Plan, Some(Status::Proposed)), intent];
    let receipt = block_on(log.record(&records, &after("p", None))).unwrap();
    assert_eq!((receipt.first(), receipt.last(), receipt.log()), (1, 2, log.id()));
    assert!(receipt.holds(Uuid::from_u128(9)));
    let again = block_on(log.record(&records, &after("p", None)));
    assert!(matches!(again, Err(RecordError::Conflict { found: Some(2), .. })));
    assert_eq!(block_on(log.open_plans()).unwrap(), [("p".to_owned(), 2)]);
    assert_eq!(log.in_doubt().unwrap().len(), 1);

    let log = Log::over(MemoryStore::new("example.org/test")).unwrap();
    assert!(matches!(log.append(&records[0]), Err(LogError::NotDurable(_))));
    let refused = block_on(log.record(&records, &Condition::Always));
    assert!(matches!(refused, Err(RecordError::Indeterminate { .. })));
}

#[test]
fn the_history_of_a_plan_is_all_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = FileStore::options("example.org/test")
        .segment_bytes(8_192)
        .checkpoint_every(10, 1 << 20)
        .open(directory.path().join("log"))
        .unwrap();
    let log = Log::over(store).unwrap();
    for plan in ["a", "a b \"c\"", "b"] {
        log.append(&of_plan(plan, Kind::Plan, Some(Status::Proposed))).unwrap();
    }
    for number in 0..100 {
        let mut record = of_plan("b", Kind::Note, None);
        record.reason = Some(format!("not of plan a: {number}"));
        block_on(log.append_async(&[record], &Condition::Always).unwrap()).unwrap();
        if number % 40 == 0 {
            log.append_buffered(&of_plan("a", Kind::Check, None)).unwrap();
            log.append_unsynced(&of_plan("a b \"c\"", Kind::Check, None)).unwrap();
        }
    }
    log.sync().unwrap();
    let kinds = |plan: &str| -> Vec<Kind> {
        let history = block_on(log.history(plan)).unwrap();
        assert!(history.iter().all(|recorded| recorded.record.plan_id.as_deref() == Some(plan)));
        history.into_iter().map(|recorded| recorded.record.kind).collect()
    };
    let expected = [Kind::Plan, Kind::Check, Kind::Check, Kind::Check];
    assert_eq!(kinds("a"), expected);
    assert_eq!(kinds("a b \"c\""), expected);
    assert_eq!(kinds("b").len(), 101);
    for plan in ["a", "a b \"c\""] {
        log.append(&of_plan(plan, Kind::Plan, Some(Status::Succeeded))).unwrap();
        assert_eq!(kinds(plan).len(), 5);
    }
    assert!(kinds("none").is_empty());
    let all: Vec<Recorded> = log.records(0).unwrap().map(Result::unwrap).collect();
    assert!(all.iter().zip(0..).all(|(recorded, number)| recorded.sequence == number));
}

#[test]
fn long_texts_are_cut_and_say_so() {
    let log = memory();
    let secret = "password=hunter2hunter2";
    let whole = format!("start {} {secret} {} end", "ä\n".repeat(40_000), "b".repeat(40_000));
    let mut record = Record::new(Kind::Outcome);
    record.result = Some(whole.clone());
    record.reason = Some("short".into());
    let durable = log.append(&record).unwrap();
    let found = log.records(durable.last).unwrap().next().unwrap().unwrap().record;
    let result = found.result.unwrap();
    assert!(result.starts_with("start ") && result.ends_with(" end"));
    let redacted = Redactor::new().redact(&whole).into_owned();
    assert!(!redacted.contains("hunter2"));
    assert!(result.contains(&format!(
        "of {} bytes, sha256 {}]",
        redacted.len(),
        Hash::of(redacted.as_bytes())
    )));
    assert_eq!(found.reason.as_deref(), Some("short"));

    record.reason = Some("r".repeat(100_000));
    record.action = Some("a".repeat(100_000));
    log.append(&record).unwrap();

    // A name is not cut.
    let mut record = Record::new(Kind::Note);
    record.session = Some("x".repeat(100_000));
    let refused = log.append(&record);
    assert!(matches!(refused, Err(LogError::Store(StoreError::TooLong { .. }))));
    let refused = block_on(log.record(&[record], &Condition::Always));
    assert!(matches!(refused, Err(RecordError::Invalid { .. })));
}

#[test]
fn what_the_log_writes_itself_cannot_be_appended() {
    let log = memory();
    for kind in [Kind::Genesis, Kind::Segment, Kind::Seal, Kind::Checkpoint] {
        assert!(log.append(&Record::new(kind)).is_err());
    }
    assert_eq!(log.head().unwrap().chain.size, 1);
}
