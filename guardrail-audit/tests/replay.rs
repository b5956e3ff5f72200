//! A session drawn for a person, as it is committed; and its numbers.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod made;

use guardrail_audit::read::replay::Replay;
use guardrail_audit::read::stats::Stats;
use guardrail_audit::read::{Filter, LineSource};
use guardrail_core::Risk;
use guardrail_core::record::{Kind, Record, Status, Timestamp, Verdict};
use made::{Memory, at};
use uuid::Uuid;

/// A session in which one plan is approved and runs, and one request is denied.
fn session() -> Memory {
    let new = |kind| Record { session: Some("s1".into()), ..Record::new(kind) };
    let plan = |kind, status| Record { plan_id: Some("plan-7".into()), status: Some(status), ..new(kind) };
    let step = |kind| Record {
        step: Some(1),
        id: Some(Uuid::from_u128(1)),
        plan_id: Some("plan-7".into()),
        ..new(kind)
    };
    let all: Vec<(Record, Timestamp)> = vec![
        (
            Record {
                actor: Some("agent-7".into()),
                tool: Some("kubectl".into()),
                action: Some("kubectl scale deployment/api --replicas=5".into()),
                resource: Some("deployment/api".into()),
                risk: Some(Risk::Medium),
                decision: Some(Verdict::Ask),
                rule: Some("configure".into()),
                reason: Some("the queue is growing\nand nobody else is on call".into()),
                ..new(Kind::Evaluation)
            },
            at(1_500),
        ),
        (Record { action: None, ..plan(Kind::Plan, Status::Proposed) }, at(1_600)),
        (plan(Kind::Approval, Status::Requested), at(2_000)),
        (Record { approver: Some("ana".into()), ..plan(Kind::Approval, Status::Explained) }, at(40_000)),
        (
            Record {
                approver: Some("ana".into()),
                reason: Some("fine".into()),
                ..plan(Kind::Approval, Status::Approved)
            },
            at(95_200),
        ),
        (
            Record { action: Some("kubectl scale deployment/api --replicas=5".into()), ..step(Kind::Intent) },
            at(96_000),
        ),
        (
            Record {
                status: Some(Status::Failed),
                tool: Some("kubectl".into()),
                duration_seconds: Some(4.25),
                result: Some("error: \u{1b}[2Kquota exceeded".into()),
                ..step(Kind::Outcome)
            },
            at(100_250),
        ),
        (plan(Kind::Rollback, Status::Started), at(101_000)),
        (plan(Kind::Plan, Status::RolledBack), at(102_000)),
        (
            Record {
                actor: Some("agent-7".into()),
                action: Some("rm -rf /".into()),
                risk: Some(Risk::Critical),
                decision: Some(Verdict::Deny),
                rule: Some("delete".into()),
                ..new(Kind::Evaluation)
            },
            at(86_400_000),
        ),
        (Record { session: Some("s2".into()), ..new(Kind::Note) }, at(86_400_001)),
    ];
    Memory::of(all)
}

fn golden(name: &str, actual: &str) {
    let path = format!("{}/tests/replay/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("GUARDRAIL_BLESS").is_some() {
        std::fs::create_dir_all(format!("{}/tests/replay", env!("CARGO_MANIFEST_DIR"))).unwrap();
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(actual == expected, "{name} is drawn otherwise; GUARDRAIL_BLESS=1 accepts it:\n{actual}");
}

#[test]
fn a_session_is_drawn() {
    let plain = Replay::draw(&session(), Filter::new().session("s1"), false).unwrap();
    assert!(!plain.contains('\x1b'), "nothing of what was recorded reaches the terminal raw");
    golden("session.txt", &plain);
    golden("session-colour.txt", &Replay::draw(&session(), Filter::new().session("s1"), true).unwrap());
}

#[test]
fn a_plan_is_drawn() {
    let drawn = Replay::draw(&session(), Filter::new().plan("plan-7"), false).unwrap();
    assert_eq!(drawn.matches('#').count(), 8);
    assert!(!drawn.contains("rm -rf"));
}

#[test]
fn a_long_text_is_cut_and_says_so() {
    let record = Record { result: Some("é".repeat(5_000)), ..Record::new(Kind::Note) };
    let drawn = Replay::draw(&Memory::of([(record, at(1))]), Filter::new(), false).unwrap();
    assert!(drawn.contains("é… (9200 bytes more)"), "{drawn}");
}

#[test]
fn a_session_in_numbers() {
    let log = session();
    let stats = Stats::of(&log, Filter::new()).unwrap();
    let lines: Vec<_> = log.lines(0).unwrap().map(Result::unwrap).collect();
    assert_eq!(stats.records, lines.len() as u64);
    assert_eq!(stats.bytes, lines.iter().map(|line| line.len() as u64 + 1).sum::<u64>());
    assert_eq!(stats.decisions["medium"]["ask"], 1);
    assert_eq!(stats.decisions["critical"]["deny"], 1);
    assert_eq!(stats.rules["delete"]["deny"], 1);
    assert_eq!(stats.outcomes["failed"], 1);
    assert_eq!(stats.failures["kubectl"], 1);
    assert_eq!((stats.approval_seconds.count, stats.approval_seconds.p50), (1, 93.2));
    assert_eq!((stats.step_seconds.count, stats.step_seconds.max), (1, 4.25));
    assert_eq!((stats.unanswered, stats.unfinished), (0, 0));
    assert_eq!(stats.approvers["ana"]["approved"], 1);
    assert_eq!((stats.from, stats.until), (Some(at(0)), Some(at(86_400_001))));
    let cut = Stats::of(&log, Filter::new().until(at(50_000))).unwrap();
    assert_eq!((cut.unanswered, cut.approval_seconds.count), (1, 0));
}
