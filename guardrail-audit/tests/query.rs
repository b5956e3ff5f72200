//! Queries against the plainest way to do the same.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod made;

use guardrail_audit::read::{Filter, LineSource as _, LogFiles, Query};
use guardrail_audit::{StoreError, line};
use guardrail_core::Risk;
use guardrail_core::record::{Kind, Record, Status, Verdict};
use made::{Files, Memory, at};
use proptest::prelude::*;
use serde_json::{Value, json};

fn record() -> impl Strategy<Value = Record> {
    let word =
        || proptest::option::of(proptest::sample::select(vec!["a", "b", "a/b", "ä\"x", "Plan 7", "high"]));
    let kind = proptest::sample::select(vec![
        Kind::Evaluation,
        Kind::Outcome,
        Kind::Plan,
        Kind::Other("own".into()),
    ]);
    let risk = proptest::option::of(proptest::sample::select(vec![Risk::Low, Risk::High]));
    let status =
        proptest::option::of(proptest::sample::select(vec![Status::Failed, Status::Other("odd".into())]));
    (kind, risk, status, word(), word(), word(), word(), word()).prop_map(
        |(kind, risk, status, plan, actor, tool, reason, details)| {
            let mut record = Record::new(kind);
            record.risk = risk;
            record.status = status;
            record.plan_id = plan.map(str::to_owned);
            record.actor = actor.map(str::to_owned);
            record.tool = tool.map(|tool| format!("git,{tool}"));
            record.reason = reason.map(|reason| format!("so that {reason} is"));
            record.decision = record.actor.as_ref().map(|_| Verdict::Ask);
            record.details = details.map(|text| json!({"deep": [{"text": text}]}));
            record
        },
    )
}

/// What is asked for, and the same said over a decoded line.
#[derive(Clone, Debug)]
struct Asked {
    plan: Option<String>,
    actor: Option<String>,
    tool: Option<String>,
    text: Option<String>,
    kind: Option<Kind>,
    risk: Option<Risk>,
    status: Option<Status>,
    from: Option<i64>,
    until: Option<i64>,
}

fn asked() -> impl Strategy<Value = Asked> {
    let word = || {
        proptest::option::weighted(0.3, proptest::sample::select(vec!["a", "a/b", "ä\"x", "Plan 7", "high"]))
    };
    let text = proptest::option::weighted(
        0.3,
        proptest::sample::select(vec!["A", "THAT a", "Ä", "\"X", "/b", "ask", "so"]),
    );
    (
        word(),
        word(),
        word(),
        text,
        proptest::option::weighted(
            0.3,
            proptest::sample::select(vec![Kind::Evaluation, Kind::Other("own".into())]),
        ),
        proptest::option::weighted(0.3, proptest::sample::select(vec![Risk::Low, Risk::High])),
        proptest::option::weighted(
            0.3,
            proptest::sample::select(vec![Status::Failed, Status::Other("odd".into())]),
        ),
        proptest::option::of(0_i64..60),
        proptest::option::of(0_i64..60),
    )
        .prop_map(|(plan, actor, tool, text, kind, risk, status, from, until)| Asked {
            plan: plan.map(str::to_owned),
            actor: actor.map(str::to_owned),
            tool: tool.map(str::to_owned),
            text: text.map(str::to_owned),
            kind,
            risk,
            status,
            from,
            until,
        })
}

impl Asked {
    fn filter(&self) -> Filter {
        let mut filter = Filter::new();
        let Self { plan, actor, tool, text, kind, risk, status, from, until } = self.clone();
        if let Some(plan) = plan {
            filter = filter.plan(&plan);
        }
        if let Some(actor) = actor {
            filter = filter.actor(&actor);
        }
        if let Some(tool) = tool {
            filter = filter.tool(&tool);
        }
        if let Some(text) = text {
            filter = filter.text(&text);
        }
        if let Some(kind) = kind {
            filter = filter.kind(kind);
        }
        if let Some(risk) = risk {
            filter = filter.risk(risk);
        }
        if let Some(status) = status {
            filter = filter.status(status);
        }
        if let Some(from) = from {
            filter = filter.from(at(from));
        }
        if let Some(until) = until {
            filter = filter.until(at(until));
        }
        filter
    }

    fn wants(&self, line: &[u8]) -> bool {
        let value: Value = serde_json::from_slice(line).unwrap();
        let time = line::read(line).unwrap().timestamp;
        let is = |field: &str, wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| value[field].as_str() == Some(wanted))
        };
        fn texts(value: &Value, out: &mut Vec<String>) {
            match value {
                Value::String(text) => out.push(text.to_ascii_lowercase()),
                Value::Array(all) => all.iter().for_each(|value| texts(value, out)),
                Value::Object(all) => all.values().for_each(|value| texts(value, out)),
                _ => {}
            }
        }
        let mut all = Vec::new();
        texts(&value, &mut all);
        is("plan_id", &self.plan)
            && is("actor", &self.actor)
            && self.tool.as_ref().is_none_or(|tool| {
                value["tool"].as_str().is_some_and(|tools| tools.split(',').any(|one| one == tool))
            })
            && self
                .text
                .as_ref()
                .is_none_or(|text| all.iter().any(|one| one.contains(&text.to_ascii_lowercase())))
            && self.kind.as_ref().is_none_or(|kind| value["kind"] == kind.as_str())
            && self.risk.as_ref().is_none_or(|risk| value["risk"] == risk.as_str())
            && self.status.as_ref().is_none_or(|status| value["status"] == status.as_str())
            && self.from.is_none_or(|from| time >= at(from))
            && self.until.is_none_or(|until| time < at(until))
    }
}

fn found(source: &(impl guardrail_audit::read::LineSource + ?Sized), filter: Filter) -> Vec<Vec<u8>> {
    Query::new(source, filter).unwrap().map(|entry| entry.unwrap().line).collect()
}

/// As a writer may write that escapes all that is not ASCII, and `a` too.
fn escaped(line: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(line).unwrap();
    let (prefix, rest) = text.split_once("\"kind\":\"").unwrap();
    let (kind, rest) = rest.split_once('"').unwrap();
    let rest = rest.replace('ä', "\\u00e4").replace(":\"a\"", ":\"\\u0061\"").replace("a/b", "a\\/b");
    format!("{prefix}\"kind\":\"{kind}\"{rest}").into_bytes()
}

proptest! {
    #[test]
    fn what_is_found_is_what_looking_at_each_line_finds(
        records in proptest::collection::vec(record(), 0..40), asked in asked(), escape: bool,
    ) {
        let log = Memory::of(records.into_iter().enumerate().map(|(n, record)| (record, at(n as i64 / 2 * 3))));
        if escape {
            log.lines.borrow_mut().iter_mut().for_each(|line| *line = escaped(line));
        }
        let wanted: Vec<Vec<u8>> = log.lines.borrow().iter().filter(|line| asked.wants(line)).cloned().collect();
        prop_assert_eq!(found(&log, asked.filter()), wanted);
    }

    #[test]
    fn files_give_what_was_written(
        counts in proptest::collection::vec(0_i64..120, 1..5), from in 0_u64..400, time in 0_i64..400,
    ) {
        let mut files = Files::new();
        let mut all = vec![];
        let mut n = 0;
        for (index, count) in counts.iter().enumerate() {
            if index > 0 {
                files.raw(b"torn");
                files.rotate(at(n));
            }
            for _ in 0..*count {
                n += 1;
                let mut record = Record::new(Kind::Note);
                // Long enough that finding a line goes by halves.
                record.reason = Some("x".repeat(1_000 * (n % 3) as usize));
                files.append(&record, at(n / 2));
            }
        }
        files.raw(b"{\"v\":1,\"unfinished");
        let log = LogFiles::open(&files.path()).unwrap();
        for line in log.lines(0).unwrap() {
            all.push(line.unwrap());
        }
        prop_assert_eq!(all.len() as u64, files.maker.size);
        for (index, line) in all.iter().enumerate() {
            prop_assert_eq!(line::read(line).unwrap().sequence, index as u64);
        }
        let rest: Vec<_> = log.lines(from).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(&rest, &all.get(from as usize..).unwrap_or_default().to_vec());
        let skipped = log.skip_to(at(time)).unwrap();
        for line in all.iter().take(skipped as usize) {
            prop_assert!(line::read(line).unwrap().timestamp < at(time));
        }
        let wanted: Vec<_> = all.iter().filter(|line| line::read(line).unwrap().timestamp >= at(time)).cloned().collect();
        prop_assert_eq!(found(&log, Filter::new().from(at(time))), wanted);
    }
}

#[test]
fn whole_segments_are_skipped_by_time() {
    let mut files = Files::new();
    for segment in 0..10 {
        for n in 0..100 {
            files.append(&Record::new(Kind::Note), at(segment * 1_000 + n));
        }
        files.rotate(at(segment * 1_000 + 500));
    }
    let log = LogFiles::open(&files.path()).unwrap();
    let mut query = Query::new(&log, Filter::new().from(at(9_000)).until(at(9_050))).unwrap();
    assert_eq!(query.by_ref().count(), 50);
    assert!(query.scanned() < 200, "{} lines were read for 50 of {}", query.scanned(), files.maker.size);
}

#[test]
fn a_pruned_log_is_read_from_where_it_begins() {
    let log = Memory::of((0..10).map(|n| (Record::new(Kind::Note), at(n))));
    log.lines.borrow_mut().drain(..4);
    let log = Memory { first: 4, ..log };
    assert_eq!(found(&log, Filter::new()).len(), 7);
    assert_eq!(found(&log, Filter::new().first(8)).len(), 3);
}

#[test]
fn a_damaged_line_is_an_error_with_its_place() {
    let log = Memory::of([(Record::new(Kind::Note), at(1)), (Record::new(Kind::Note), at(2))]);
    log.lines.borrow_mut()[1].truncate(20);
    let error = Query::new(&log, Filter::new()).unwrap().find_map(Result::err).unwrap();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    let log = Memory::of([(Record::new(Kind::Note), at(1))]);
    log.lines.borrow_mut()[1].pop();
    let error = Query::new(&log, Filter::new().actor("x")).unwrap().find_map(Result::err);
    assert!(error.is_none(), "a line that cannot match is not read");
    let error = Query::new(&log, Filter::new()).unwrap().find_map(Result::err).unwrap();
    assert!(error.to_string().contains("line 1 "), "{error}");
}

#[test]
fn a_directory_without_a_log_is_said_to_be_one() {
    let directory = tempfile::tempdir().unwrap();
    let error = LogFiles::open(directory.path()).unwrap_err();
    assert!(error.to_string().contains("there is no log"), "{error}");
    assert!(LogFiles::open(&directory.path().join("none")).unwrap_err().to_string().contains("none"));
}
