//! What is measured is what happened: real plans on real processes and a real log, looked at on their
//! way, and the same log read afterwards.

#![cfg(all(feature = "exec", feature = "audit", feature = "metrics", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod house;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future as _;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use guardrail::audit::read::stats::redacted;
use guardrail::audit::read::{Filter, LogFiles, Query};
use guardrail::audit::{Log, MemoryStore};
use guardrail::exec::{ProcessExecutor, Runner, Unseen, block_on};
use guardrail::host::observe::{
    AlarmSettings, Facade, LabelValue, METRICS, Metric, MetricKind, Prometheus, Sink, Watch, WatchedRecorder,
};
use guardrail::plan::{
    Approver, Asked, Check, Command, Notice, NoticeKind, Notifier, NotifyError, Plan, Question, Rollback,
    Sandbox, Say, Step, Stop, Vote,
};
use guardrail::policy::{Layer, Policy};
use guardrail::quota::QuotaRefusal;
use guardrail::record::{Condition, Kind, Record, Recorder, Status, Timestamp};
use guardrail::redact::Redactor;
use guardrail::{Action, Guard, Request};
use house::*;
use proptest::prelude::*;

/// Remembers which series there were.
#[derive(Default)]
struct Seen(Mutex<BTreeSet<(&'static str, Vec<LabelValue>)>>);

impl Seen {
    fn see(&self, metric: &'static Metric, labels: &[LabelValue]) {
        self.0.lock().unwrap().insert((metric.name, labels.to_vec()));
    }

    /// That every series has the labels of its metric, with values that these may have.
    fn hold(&self, guard: &Guard) {
        for (name, labels) in &*self.0.lock().unwrap() {
            let metric = METRICS.iter().find(|metric| metric.name == *name).unwrap();
            let names: Vec<_> = metric.labels.iter().map(|label| label.name).collect();
            assert_eq!(labels.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names, "{name}");
            for (label, (_, value)) in metric.labels.iter().zip(labels) {
                assert!(label.values.hold(value, guard), "{name}: {}={value:?}", label.name);
            }
        }
    }
}

impl Sink for Seen {
    fn add(&self, metric: &'static Metric, labels: &[LabelValue], _: u64) {
        assert_eq!(metric.kind, MetricKind::Counter, "{}", metric.name);
        self.see(metric, labels);
    }

    fn set(&self, metric: &'static Metric, labels: &[LabelValue], _: f64) {
        assert_eq!(metric.kind, MetricKind::Gauge, "{}", metric.name);
        self.see(metric, labels);
    }

    fn observe(&self, metric: &'static Metric, labels: &[LabelValue], value: f64) {
        assert!(matches!(metric.kind, MetricKind::Histogram(_)), "{}", metric.name);
        assert!(value >= 0.0, "{}: {value}", metric.name);
        self.see(metric, labels);
    }
}

/// Keeps what it is told; fails where it should.
#[derive(Default)]
struct Told(Mutex<Vec<Notice>>, bool);

#[async_trait::async_trait]
impl Notifier for Told {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        self.0.lock().unwrap().push(notice.clone());
        if self.1 { Err(NotifyError { reason: "nobody is there".into() }) } else { Ok(()) }
    }
}

/// Delivers, and has no answer.
struct Later;

#[async_trait::async_trait]
impl Approver for Later {
    fn name(&self) -> &str {
        "later"
    }

    async fn ask(&self, _: &Question) -> Asked {
        Asked::Delivered
    }
}

fn touch(name: &str) -> Command {
    Command::argv(["touch", name])
}

fn runner(
    house: &House,
    watch: &Arc<Watch>,
    recorder: WatchedRecorder,
    approver: Arc<dyn Approver>,
) -> Runner {
    let executor = watch.executor(Arc::new(ProcessExecutor::new()));
    let plans = Arc::new(house.plans());
    Runner::builder(Arc::new(Guard::new()), Arc::new(recorder), plans, Arc::new(executor))
        .poll(std::time::Duration::from_millis(5))
        .as_written()
        .approver(approver)
        .build()
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::minutes(minutes)
}

fn evaluated(watch: &Watch, actor: &str, command: &str) -> Record {
    let mut request = Request::shell(command);
    request.actor = Some(actor.into());
    Record::evaluation(&request, &watch.evaluate(&request))
}

/// A plan that succeeds, one that somebody refuses, and one that fails and is undone.
fn three_plans(house: &House, watch: &Arc<Watch>, log: &Arc<Log>) {
    let run = |plan: Plan, approver: Arc<dyn Approver>| {
        let runner = runner(house, watch, watch.recorder(log.clone()), approver);
        let name = block_on(runner.propose(plan, origin())).unwrap().name;
        block_on(runner.drive(name, &Stop::new(), &Unseen)).unwrap()
    };
    let confined = Sandbox { no_network: true, best_effort: true, ..Sandbox::default() };
    let step = Step::new("Touch it", touch("a").sandbox(confined));
    run(house.plan("It is done").step(step).step(ledger(1)), Arc::new(Yes));
    run(house.plan("It is refused").step(Step::new("Touch it", touch("b"))), answers([Say::Reject(None)]));
    let failing = Step::new("It fails", Command::shell("echo x > c; exit 3"));
    let yes = || Say::Approve(None);
    let plan = house
        .plan("It is undone")
        .step(ledger(2))
        .step(failing.undone_by(Rollback::new("away with it", [Command::argv(["rm", "c"])])));
    run(plan, answers([yes(), yes()]));
}

#[test]
fn every_metric_there_is_comes_out_of_real_runs() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::at(folder.path());
    let (seen, prometheus) = (Arc::new(Seen::default()), Arc::new(Prometheus::default()));
    let settings =
        AlarmSettings { actors: 3, learning: TimeDelta::zero(), learning_uses: 1, ..AlarmSettings::STANDARD };
    let guard = Arc::new(Guard::new());
    let watch = Watch::of(guard.clone()).sink(seen.clone()).sink(prometheus.clone());
    let watch = Arc::new(watch.alarms(settings, Redactor::new()));
    let log = Arc::new(house.log());
    three_plans(&house, &watch, &log);

    // Requests, with a secret, through the same door.
    let recorder = watch.recorder(log.clone());
    let secret = evaluated(&watch, "agent:a", "mysql --password=hunter2 -e 'select 1'");
    block_on(recorder.record(&[secret], &Condition::Always)).unwrap();
    let conflict = Condition::PlanAt { plan_id: "plan-20260126-001".into(), sequence: Some(7) };
    block_on(recorder.record(&[Record::new(Kind::Note)], &conflict)).unwrap_err();

    // Something that the emergency stop refuses, and a secret that was given.
    let request = Request::shell("git push");
    let stopped = QuotaRefusal::Stopped { reason: "an incident".into() };
    let mut given = Record::new(Kind::Credential);
    given.status = Some(Status::Succeeded);
    let refusal = stopped.record(&request, &watch.evaluate(&request));
    block_on(recorder.record(&[refusal, given], &Condition::Always)).unwrap();

    // Many denials, unusual tools, and more actors than there is room for.
    let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    for n in 0..40 {
        let actor = format!("agent:{n}");
        let denied = evaluated(&watch, &actor, "kubectl delete namespace shop");
        watch.recorded(&[denied, evaluated(&watch, &actor, "git status")], now, 0);
    }
    for tool in ["ls", "kubectl get pods", "helm list"] {
        let used = evaluated(&watch, "agent:0", tool);
        watch.recorded(&[used], now, 0);
    }
    let told = Told::default();
    assert_eq!(block_on(watch.tell(now, &told)), 0);
    assert_eq!(block_on(watch.tell(now + TimeDelta::hours(2), &Told(Mutex::default(), true))), 1);
    let kinds: BTreeSet<_> = told.0.lock().unwrap().iter().map(|notice| notice.kind).collect();
    assert!(kinds.contains(&NoticeKind::DenialSpike), "{kinds:?}");
    assert!(kinds.contains(&NoticeKind::HeldBack), "{kinds:?}");

    seen.hold(&guard);
    let emitted: BTreeSet<_> = seen.0.lock().unwrap().iter().map(|(name, _)| *name).collect();
    for metric in METRICS {
        assert!(emitted.contains(metric.name), "{} was never measured", metric.name);
    }

    let text = prometheus.text();
    for line in [
        "guardrail_plan_transitions_total{to=\"succeeded\"} 1",
        "guardrail_plan_transitions_total{to=\"rejected\"} 1",
        "guardrail_plan_transitions_total{to=\"failed\"} 1",
        "guardrail_plan_transitions_total{to=\"rolled_back\"} 1",
        "guardrail_plan_transitions_total{to=\"awaiting_approval\"} 3",
        "guardrail_approval_seconds_count{outcome=\"approved\"} 2",
        "guardrail_approval_seconds_count{outcome=\"rejected\"} 1",
        "guardrail_approvals_waiting 0",
        "guardrail_execution_seconds_count{part=\"action\",verdict=\"passed\"} 3",
        "guardrail_execution_seconds_count{part=\"action\",verdict=\"failed\"} 1",
        "guardrail_execution_seconds_count{part=\"rollback\",verdict=\"passed\"} 2",
        "guardrail_decisions_total{decision=\"deny\",risk=\"critical\"} 40",
        "guardrail_decisions_by_tool_total{decision=\"allow\",tool=\"git\"} 40",
        "guardrail_redactions_total 1",
        "guardrail_record_errors_total{error=\"conflict\"} 4",
        "guardrail_refusals_total{rule=\"quota: stopped\"} 1",
        "guardrail_credential_uses_total{status=\"succeeded\"} 1",
        "guardrail_alerts_total{alert=\"denial_spike\",fate=\"told\"} 1",
        "guardrail_sandbox_measures_total{measure=\"clean_environment\",achieved=\"full\"}",
    ] {
        assert!(text.lines().any(|found| found.starts_with(line)), "`{line}` is missing:\n{text}");
    }
    assert!(!text.contains("hunter2") && !text.contains("agent:"), "{text}");
    house.verify();
}

#[test]
fn a_log_that_is_read_gives_the_numbers_of_the_runs() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::at(folder.path());
    let live = Arc::new(Prometheus::default());
    let watch = Arc::new(Watch::of(Arc::new(Guard::new())).sink(live.clone()));
    let log = Arc::new(house.log());
    three_plans(&house, &watch, &log);
    let secret = evaluated(&watch, "agent:a", "curl -u me:hunter2 https://x.example");
    block_on(watch.recorder(log.clone()).record(&[secret], &Condition::Always)).unwrap();

    let read = Arc::new(Prometheus::default());
    let reader = Watch::of(Arc::new(Guard::new())).sink(read.clone());
    for entry in Query::new(&LogFiles::open(&house.folder.join("log")).unwrap(), Filter::new()).unwrap() {
        let entry = entry.unwrap();
        reader.read(&entry.recorded, redacted(&entry.line));
    }
    // The log's own records, and what is in no record, aside. Times are those of the log in both; a
    // call has one time for all its records, in the log each has its own.
    let own = [
        "_record_errors_",
        "_record_seconds",
        "_evaluation_seconds",
        "_sandbox_",
        "\"genesis\"",
        "_bucket",
        "_approval_seconds_sum",
    ];
    let counted = |text: String| -> Vec<String> {
        text.lines().filter(|line| !own.iter().any(|own| line.contains(own))).map(str::to_owned).collect()
    };
    assert_eq!(counted(live.text()), counted(read.text()));
    assert!(read.text().contains("guardrail_redactions_total 1\n"));
}

#[test]
fn two_processes_count_each_event_once_and_a_third_goes_on_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::at(folder.path());
    let log = Arc::new(house.log());
    let door = || {
        let prometheus = Arc::new(Prometheus::default());
        let watch = Arc::new(Watch::of(Arc::new(Guard::new())).sink(prometheus.clone()));
        (prometheus, watch)
    };
    let (asks, watch) = door();
    let asking = runner(&house, &watch, watch.recorder(log.clone()), Arc::new(Later));
    let plan = house.plan("It is done").step(Step::new("Touch it", touch("a")));
    let name = block_on(asking.propose(plan, origin())).unwrap().name;
    let stop = Stop::new();
    block_on(asking.advance(name, &stop, &Unseen)).unwrap();
    assert!(asks.text().contains("guardrail_approvals_waiting 1\n"), "{}", asks.text());

    // Another one starts, and knows that somebody is waited for.
    let (votes, watch) = door();
    let recorder = watch.recorder(log.clone());
    block_on(recorder.resume()).unwrap();
    let later = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()) + TimeDelta::minutes(20);
    let alerts = watch.turn(later);
    assert_eq!(alerts.iter().map(|alert| alert.kind).collect::<Vec<_>>(), [NoticeKind::SlowApproval]);
    assert_eq!(alerts[0].plan.unwrap().name, name);
    assert!(watch.turn(later).is_empty(), "it was told once");
    assert!(votes.text().contains("guardrail_approvals_waiting 1\n"), "{}", votes.text());
    assert!(!votes.text().contains("guardrail_approvals_oldest_seconds 0\n"));

    // A third one has seen nothing, and records the vote.
    let (third, watch) = door();
    let voting = runner(&house, &watch, watch.recorder(log.clone()), Arc::new(Later));
    let records = block_on(log.history(&name.to_string())).unwrap();
    let asked = records.iter().find_map(|kept| match guardrail::plan::event(&kept.record).unwrap()?.what {
        guardrail::plan::What::Asked { question, shown, .. } => Some((question, shown)),
        _ => None,
    });
    let (question, shown) = asked.unwrap();
    let revision = block_on(voting.revision(name)).unwrap();
    let vote = Vote {
        principal: anna(),
        roles: Vec::new(),
        choice: guardrail::plan::Choice::Approve,
        question,
        digest: revision.digest(),
        shown,
        via: "later".into(),
        reason: None,
        at: records.last().unwrap().timestamp,
    };
    block_on(voting.vote(name, vote)).unwrap();
    assert!(
        third.text().contains("guardrail_approval_seconds_count{outcome=\"approved\"} 1\n"),
        "{}",
        third.text()
    );

    // The first one drives it on, and does not count what the third one did.
    block_on(asking.drive(name, &stop, &Unseen)).unwrap();
    let text = asks.text();
    assert!(text.contains("guardrail_plan_transitions_total{to=\"succeeded\"} 1\n"), "{text}");
    assert!(!text.contains("guardrail_plan_transitions_total{to=\"approved\"}"), "{text}");
    assert!(!text.contains("guardrail_approval_seconds_count{"), "{text}");
    assert!(text.contains("guardrail_approvals_waiting 0\n"), "{text}");
    assert!(!third.text().contains("succeeded"), "{}", third.text());
}

/// A recorder of the `metrics` crate that counts.
#[derive(Default)]
struct Counts(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl metrics::Recorder for Counts {
    fn describe_counter(&self, key: metrics::KeyName, _: Option<metrics::Unit>, help: metrics::SharedString) {
        self.0.lock().unwrap().insert(format!("{}: {help}", key.as_str()), Arc::default());
    }

    fn describe_gauge(
        &self,
        key: metrics::KeyName,
        unit: Option<metrics::Unit>,
        help: metrics::SharedString,
    ) {
        self.describe_counter(key, unit, help);
    }

    fn describe_histogram(
        &self,
        key: metrics::KeyName,
        unit: Option<metrics::Unit>,
        help: metrics::SharedString,
    ) {
        self.describe_counter(key, unit, help);
    }

    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        metrics::Counter::from_arc(self.0.lock().unwrap().entry(key.to_string()).or_default().clone())
    }

    fn register_gauge(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        metrics::Gauge::from_arc(self.0.lock().unwrap().entry(key.to_string()).or_default().clone())
    }

    fn register_histogram(&self, key: &metrics::Key, about: &metrics::Metadata<'_>) -> metrics::Histogram {
        self.register_counter(key, about).increment(1);
        metrics::Histogram::noop()
    }
}

/// Never comes back.
struct Hanging;

#[async_trait::async_trait]
impl Notifier for Hanging {
    async fn notify(&self, _: &Notice) -> Result<(), NotifyError> {
        std::future::pending().await
    }
}

#[test]
fn an_alert_whose_telling_is_broken_off_is_told_again() {
    let watch = Watch::of(Arc::new(Guard::new()));
    for _ in 0..10 {
        let denied = evaluated(&watch, "agent:a", "rm -rf /");
        watch.recorded(&[denied], at(0), 0);
    }
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut telling = Box::pin(watch.tell(at(0), &Hanging));
    assert!(telling.as_mut().poll(&mut context).is_pending());
    drop(telling);
    let told = Told::default();
    block_on(watch.tell(at(0), &told));
    assert_eq!(told.0.lock().unwrap().len(), 1);
    assert!(watch.turn(at(1)).is_empty());
}

#[test]
fn a_call_whose_name_has_commas_is_no_other_tools() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::at(folder.path());
    let prometheus = Arc::new(Prometheus::default());
    let watch = Arc::new(Watch::of(Arc::new(Guard::new())).sink(prometheus.clone()));
    let log = Arc::new(house.log());
    let runner = runner(&house, &watch, watch.recorder(log.clone()), Arc::new(Yes));
    let call = Action::Call { name: "kubectl,helm".into(), arguments: serde_json::json!({}) };
    let look = || Check::new("nothing", Command::argv(["ls"]));
    let step = Step::new("Call it", Command::new(call)).before(look()).behind(look());
    let plan = house.plan("A call").step(step.undone_by(Rollback::new("none", [Command::argv(["ls"])])));
    let name = block_on(runner.propose(plan, origin())).unwrap().name;
    block_on(runner.drive(name, &Stop::new(), &Unseen)).unwrap();
    let records = block_on(log.history(&name.to_string())).unwrap();
    let intent = records.iter().find(|kept| kept.record.kind == Kind::Intent).unwrap();
    assert_eq!(intent.record.tool.as_deref(), Some("kubectl;helm"));
}

#[test]
fn the_facade_gets_what_the_others_get() {
    let counts = Counts::default();
    metrics::with_local_recorder(&counts, || {
        Facade.describe();
        let watch = Watch::of(Arc::new(Guard::new())).sink(Arc::new(Facade));
        let record = evaluated(&watch, "agent:a", "git status");
        watch.recorded(&[record.clone(), record], at(0), 3);
        let _ = watch.turn(at(1));
    });
    let counts = counts.0.into_inner().unwrap();
    let described = counts.keys().filter(|key| key.contains(": ")).count();
    assert_eq!(described, METRICS.len());
    let count = |key: &str| {
        counts.iter().find(|(of, _)| of.contains(key)).unwrap().1.load(std::sync::atomic::Ordering::Relaxed)
    };
    assert_eq!(count("Key(guardrail_decisions_total, [decision = allow, risk = low])"), 2, "{counts:?}");
    assert_eq!(count("Key(guardrail_redactions_total)"), 3);
    assert_eq!(count("Key(guardrail_evaluation_seconds)"), 1);
}

/// A policy in which everything that a ruling may name is there.
fn policy() -> Policy {
    let text = r#"
        [execution]
        auto_approve_low_risk = false
        [safety]
        block_production = true
        allow_critical = true
        [channels."public:*"]
        kind = "public"
        [[rule]]
        name = "no \"helm\" {here}\nat all"
        decision = "deny"
        when = { tool = "helm" }
        [[rule]]
        name = "reads"
        decision = "allow"
        when = { effect = "read" }
    "#;
    Policy::builder().layer(Layer::User, text).unwrap().build().unwrap()
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z|;&$(){} '\"-]{0,24}",
        Just("kubectl delete pod web -n shop".to_owned()),
        Just("helm uninstall web && git push --force".to_owned()),
        Just("ls -la; rm -rf \"$x\"".to_owned()),
        "\\PC{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_asked_or_recorded_becomes_a_label(
        command in words(),
        name in words(),
        actor in words(),
        channel in prop_oneof![words(), Just("public:x".to_owned())],
        call in any::<bool>(),
        forged in any::<bool>(),
        kind in 0..Kind::KNOWN.len() + 1,
        status in 0..Status::KNOWN.len(),
    ) {
        let guard = Arc::new(Guard::builder().policy(policy()).unwrap().build());
        let seen = Arc::new(Seen::default());
        let watch = Watch::of(guard.clone()).sink(seen.clone());
        let mut request = Request::shell(command.clone());
        if call {
            request.action = Action::Call { name: name.clone(), arguments: serde_json::json!({ "command": command }) };
        }
        request.actor = Some(actor.clone());
        request.channel = Some(channel.clone());
        let evaluation = watch.evaluate(&request);
        // What decides is always a name that is known.
        for reason in &evaluation.ruling.reasons {
            prop_assert!(guard.knows_rule(&reason.rule), "{}", reason.rule);
        }
        for finding in &evaluation.findings {
            prop_assert!(guard.knows_rule(&finding.rule), "{}", finding.rule);
        }
        let mut record = Record::evaluation(&request, &evaluation);
        if forged {
            // A log that somebody else writes to.
            record.kind = Kind::KNOWN.get(kind).cloned().unwrap_or(Kind::Other(name.clone().into()));
            record.status = Some(Status::KNOWN[status].clone());
            record.tool = Some(name.clone());
            record.rule = Some(command);
            record.decision = Some(guardrail::record::Verdict::Other(actor.into()));
            record.plan_id = Some(channel);
        }
        watch.recorded(std::slice::from_ref(&record), at(0), 0);
        watch.read(&guardrail::record::Recorded { sequence: 1, timestamp: at(1), record }, 1);
        let _ = watch.turn(at(2));
        seen.hold(&guard);
    }
}

#[test]
fn a_policy_of_many_names_is_counted_under_no_more_than_there_is_room_for() {
    let seen = Arc::new(Seen::default());
    let guard = Arc::new(Guard::new());
    let watch = Watch::of(guard.clone()).sink(seen.clone());
    for round in 0..3 {
        let rule = |n| {
            format!(
                "[[rule]]\nname = \"r{round}-{n}\"\ndecision = \"deny\"\nwhen = {{ target = \"/srv/{round}/{n}\" }}\n"
            )
        };
        let text: String = (0..500).map(rule).collect();
        guard.replace_policy(Policy::builder().layer(Layer::User, &text).unwrap().build().unwrap()).unwrap();
        for n in 0..500 {
            let record = evaluated(&watch, "agent:a", &format!("touch /srv/{round}/{n}"));
            assert_eq!(record.rule, Some(format!("r{round}-{n}")));
            watch.recorded(&[record], at(0), 0);
        }
    }
    let series = seen.0.lock().unwrap();
    let rules = series.iter().filter(|(name, _)| *name == "guardrail_decisions_by_rule_total").count();
    assert_eq!(rules, guardrail::host::observe::MOST_RULES + 1);
    assert!(series.iter().any(|(name, _)| *name == "guardrail_forgotten_total"));
}

#[test]
fn what_was_learned_from_the_log_is_usual_from_the_start() {
    let watch = Watch::of(Arc::new(Guard::new()));
    let log = Log::over(MemoryStore::counted_as_durable("example.org/learned")).unwrap();
    let mut sequence = 0;
    for day in 0..10 {
        for _ in 0..5 {
            sequence += 1;
            let record = evaluated(&watch, "agent:a", "git status");
            log.append(&record).unwrap();
            watch.learn(&guardrail::record::Recorded { sequence, timestamp: at(day * 1440), record });
        }
    }
    let used = evaluated(&watch, "agent:a", "git log");
    watch.recorded(&[used], at(10 * 1440), 0);
    assert!(watch.turn(at(10 * 1440)).is_empty());
    let used = evaluated(&watch, "agent:a", "kubectl get pods");
    watch.recorded(&[used], at(10 * 1440), 0);
    let alerts = watch.turn(at(10 * 1440));
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].text, "`agent:a` used `kubectl`, for the first time in 14 days");
}
