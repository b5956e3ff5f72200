//! Spans around a plan's life: which there are, what they say, and what they never say.

#![cfg(all(feature = "exec", feature = "audit", feature = "tracing", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod house;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use guardrail::exec::{ProcessExecutor, Runner, Unseen, block_on};
use guardrail::host::observe::Watch;
use guardrail::plan::{Command, Step, Stop};
use guardrail::record::{Condition, Kind, Record, Recorder};
use guardrail::{Guard, Request};
use house::*;
use tracing::span::{Attributes, Id};

/// Keeps the names of spans with their fields.
#[derive(Clone, Default)]
struct Spans(Arc<Kept>);

#[derive(Default)]
struct Kept {
    next: AtomicU64,
    spans: Mutex<BTreeMap<u64, (&'static str, Texts)>>,
}

/// The values of fields, as texts.
type Texts = BTreeMap<&'static str, String>;

struct Fields<'f>(&'f mut Texts);

impl tracing::field::Visit for Fields<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl tracing::Subscriber for Spans {
    fn enabled(&self, about: &tracing::Metadata<'_>) -> bool {
        about.target() == "guardrail"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut fields = Texts::new();
        span.record(&mut Fields(&mut fields));
        self.0.spans.lock().unwrap().insert(id, (span.metadata().name(), fields));
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &tracing::span::Record<'_>) {
        let mut spans = self.0.spans.lock().unwrap();
        values.record(&mut Fields(&mut spans.get_mut(&span.into_u64()).unwrap().1));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        panic!("there are spans, and no events");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_plan_is_a_row_of_spans_that_say_nothing_of_what_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::at(folder.path());
    let guard = Arc::new(Guard::new());
    let watch = Arc::new(Watch::of(guard.clone()));
    let spans = Spans::default();
    tracing::subscriber::with_default(spans.clone(), || {
        let recorder = Arc::new(watch.recorder(Arc::new(house.log())));
        let executor = Arc::new(watch.executor(Arc::new(ProcessExecutor::new())));
        let approver = watch.approver(answers([guardrail::plan::Say::Approve(None)]));
        let runner = Runner::builder(guard, recorder.clone(), Arc::new(house.plans()), executor)
            .approver(Arc::new(approver))
            .as_written()
            .build();
        let step = Step::new("marmalade", Command::shell("touch marmalade; exit 3"));
        let name = block_on(runner.propose(house.plan("marmalade").step(step), origin())).unwrap().name;
        block_on(runner.drive(name, &Stop::new(), &Unseen)).unwrap();
        let _ = watch.evaluate(&Request::shell("rm -rf /srv/marmalade"));
        let wrong = Condition::PlanAt { plan_id: name.to_string(), sequence: None };
        block_on(recorder.record(&[Record::new(Kind::Note)], &wrong)).unwrap_err();
    });
    let spans = std::mem::take(&mut *spans.0.spans.lock().unwrap());
    let names: BTreeSet<_> = spans.values().map(|(name, _)| *name).collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        ["guardrail.ask", "guardrail.evaluate", "guardrail.execute", "guardrail.record"]
    );
    let of = |name: &str, field: &str, value: &str| {
        spans.values().any(|(of, fields)| *of == name && fields.get(field).is_some_and(|it| it == value))
    };
    for (name, field, value) in [
        ("guardrail.ask", "approver", "\"answers\""),
        ("guardrail.ask", "answer", "\"replied\""),
        ("guardrail.execute", "part", "\"action\""),
        ("guardrail.execute", "step", "1"),
        ("guardrail.execute", "ended", "\"failed\""),
        ("guardrail.evaluate", "risk", "\"critical\""),
        ("guardrail.evaluate", "decision", "\"deny\""),
        ("guardrail.record", "kind", "\"intent\""),
        ("guardrail.record", "error", "\"conflict\""),
    ] {
        assert!(of(name, field, value), "no {name} has {field}={value}: {spans:?}");
    }
    assert!(!format!("{spans:?}").contains("marmalade"), "{spans:?}");
}
