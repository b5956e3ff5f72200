//! Runners and quotas: what may not begin waits or rests, and the emergency stop ends what runs.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod stage;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use guardrail_core::Guard;
use guardrail_core::plan::{Ended, Execution, Refusal, State, Stop};
use guardrail_core::policy::{Layer, Policy};
use guardrail_core::quota::{Admission, Admitted, Counts, Finished, QuotaRefusal, Quotas, Usage};
use guardrail_core::record::Verdict;
use guardrail_exec::{Answer, Fate, RunError, Runner, ScriptedExecutor, SystemClock, Unseen, block_on};
use stage::*;

/// Quotas that do as they are told, and keep what they were asked.
#[derive(Default)]
struct Told {
    /// How often what comes next is refused.
    refuses: AtomicU32,
    refuses_calls: AtomicBool,
    stopped: AtomicBool,
    /// Set the stop once something was admitted.
    stops_behind: AtomicBool,
    calls: Mutex<Vec<Verdict>>,
    admitted: Mutex<Vec<usize>>,
    finished: Arc<Mutex<VecDeque<Option<Finished>>>>,
}

struct Kept(Arc<Mutex<VecDeque<Option<Finished>>>>, bool);

#[async_trait]
impl Admitted for Kept {
    async fn finish(mut self: Box<Self>, ended: Finished) -> Result<(), QuotaRefusal> {
        self.1 = true;
        self.0.lock().unwrap().push_back(Some(ended));
        Ok(())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !self.1 {
            self.0.lock().unwrap().push_back(None);
        }
    }
}

fn spent() -> QuotaRefusal {
    QuotaRefusal::Spent {
        quota: "few".into(),
        layer: "user".into(),
        counts: Counts::Executions,
        most: 1,
        of: String::new(),
        retry_at: None,
    }
}

#[async_trait]
impl Quotas for Told {
    async fn called(&self, _: &Usage, verdict: &Verdict) -> Result<(), QuotaRefusal> {
        self.calls.lock().unwrap().push(verdict.clone());
        if self.refuses_calls.load(Ordering::SeqCst) { Err(spent()) } else { Ok(()) }
    }

    async fn admit(&self, usage: &Usage) -> Result<Admission, QuotaRefusal> {
        if let Some(stopped) = self.stopped().await {
            return Err(stopped);
        }
        let left = self.refuses.load(Ordering::SeqCst);
        if left > 0 {
            self.refuses.store(left - 1, Ordering::SeqCst);
            return Err(spent());
        }
        self.admitted.lock().unwrap().push(usage.charges.len());
        if self.stops_behind.load(Ordering::SeqCst) {
            self.stopped.store(true, Ordering::SeqCst);
        }
        Ok(Admission::new(Kept(self.finished.clone(), false)))
    }

    async fn stopped(&self) -> Option<QuotaRefusal> {
        let stopped = self.stopped.load(Ordering::SeqCst);
        stopped.then(|| QuotaRefusal::Stopped { reason: "an incident".into() })
    }
}

fn runner(stage: &Stage, told: &Arc<Told>) -> Runner {
    stage.builder().approver(stage.reader.clone()).quotas(told.clone()).build()
}

fn fine() -> impl Fn(&guardrail_core::plan::Permit, &Stop) -> Execution + Send + Sync {
    |_, _| Execution::ended(Ended::Exited(0), 0.1)
}

#[test]
fn what_may_not_begin_yet_waits_and_is_recorded_once() {
    let (stage, told) = (Stage::new(fine(), [yes()]), Arc::new(Told::default()));
    told.refuses.store(7, Ordering::SeqCst);
    let runner = runner(&stage, &told);
    let name = block_on(runner.propose(files(1), origin())).unwrap().name;
    let report = block_on(runner.drive(name, &stage.stop, &Unseen)).unwrap();
    assert_eq!((report.state, report.blocked_by), (State::Succeeded, None));
    let said: Vec<_> = stage.book.lines().into_iter().filter(|line| line.starts_with("quota")).collect();
    assert_eq!(said, ["quota paused"]);
    let finished: Vec<_> = told.finished.lock().unwrap().iter().copied().collect();
    assert_eq!(finished, vec![Some(Finished::Well); stage.ran().len()], "each was told about");
    let records = stage.book.records.lock().unwrap();
    let quota = records.iter().find(|kept| kept.record.kind.as_str() == "quota").unwrap();
    assert_eq!(quota.record.rule.as_deref(), Some("quota: few"));
    drop(records);
    assert_eq!(block_on(runner.report(name)).unwrap().state, State::Succeeded, "the log is read again");
}

#[test]
fn who_does_not_wait_rests_and_goes_on_later() {
    let (stage, told) = (Stage::new(fine(), [yes()]), Arc::new(Told::default()));
    let runner = runner(&stage, &told);
    let name = block_on(runner.propose(files(1), origin())).unwrap().name;
    told.refuses.store(1, Ordering::SeqCst);
    let report = block_on(runner.advance(name, &stage.stop, &Unseen)).unwrap();
    assert!(report.blocked_by.unwrap().contains("\"few\""));
    assert!(stage.ran().is_empty());
    let report = block_on(runner.advance(name, &stage.stop, &Unseen)).unwrap();
    assert_eq!(report.state, State::Succeeded);
}

#[test]
fn an_approval_does_not_outlive_the_waiting() {
    let (stage, told) = (Stage::new(fine(), [yes()]), Arc::new(Told::default()));
    told.refuses.store(u32::MAX, Ordering::SeqCst);
    let runner = runner(&stage, &told);
    let name = block_on(runner.propose(files(1), origin())).unwrap().name;
    let report = block_on(runner.drive(name, &stage.stop, &Unseen)).unwrap();
    assert_eq!(report.state, State::Expired);
    assert!(stage.ran().is_empty());
}

#[test]
fn a_command_that_failed_is_told_as_that() {
    let stage = Stage::new(|_, _| Execution::ended(Ended::Exited(1), 0.1), [yes(), no()]);
    let told = Arc::new(Told::default());
    let runner = runner(&stage, &told);
    let name = block_on(runner.propose(files(1), origin())).unwrap().name;
    block_on(runner.drive(name, &stage.stop, &Unseen)).unwrap();
    assert_eq!(told.finished.lock().unwrap().front(), Some(&Some(Finished::Badly)));
}

#[test]
fn what_is_put_forward_counts_as_a_call_for_each_step() {
    let (stage, told) = (Stage::new(fine(), []), Arc::new(Told::default()));
    let runner = runner(&stage, &told);
    block_on(runner.propose(files(3), origin())).unwrap();
    assert_eq!(*told.calls.lock().unwrap(), vec![Verdict::Ask; 3], "not its checks and its way back");
    told.refuses_calls.store(true, Ordering::SeqCst);
    let recorded = stage.book.lines().len();
    let refused = block_on(runner.propose(files(1), origin()));
    assert!(matches!(refused, Err(RunError::Quota(QuotaRefusal::Spent { .. }))), "{refused:?}");
    assert_eq!(stage.book.lines().len(), recorded, "it was not put forward");
}

#[test]
fn the_policys_quotas_come_with_each_command() {
    let (stage, told) = (Stage::new(fine(), [yes()]), Arc::new(Told::default()));
    let quota =
        "[[quota]]\nname = 'x'\ncounts = 'executions'\nmost = 1\nwithin = '1h'\nwhen = { tool = 'touch' }";
    let policy = Policy::builder().layer(Layer::User, quota).unwrap().build().unwrap();
    let guard = Arc::new(Guard::builder().policy(policy).unwrap().build());
    let runner = Runner::builder(guard, stage.book.clone(), stage.book.clone(), stage.player.clone())
        .clock(stage.clock.clone())
        .world(stage.world.clone())
        .as_written()
        .approver(stage.reader.clone())
        .quotas(told.clone())
        .build();
    let name = block_on(runner.propose(files(1), origin())).unwrap().name;
    assert_eq!(block_on(runner.drive(name, &stage.stop, &Unseen)).unwrap().state, State::Succeeded);
    assert_eq!(*told.admitted.lock().unwrap(), [1, 0], "the step counts, its check does not");
}

#[test]
fn stopped_behind_the_yes_nothing_begins_until_it_is_lifted() {
    let told = Arc::new(Told::default());
    let stopping = told.clone();
    let answer: stage::Answer = Box::new(move |question| {
        stopping.stopped.store(true, Ordering::SeqCst);
        yes()(question)
    });
    let stage = Stage::new(fine(), [answer]);
    let runner = runner(&stage, &told);
    let name = block_on(runner.propose(files(1), origin())).unwrap().name;
    let report = block_on(runner.drive(name, &stage.stop, &Unseen)).unwrap();
    assert_eq!(report.state, State::Approved, "it rests as it is");
    assert!(report.blocked_by.unwrap().contains("an incident"));
    assert!(stage.ran().is_empty());
    let again = block_on(runner.drive(name, &stage.stop, &Unseen)).unwrap();
    assert_eq!((again.state, stage.ran().len()), (State::Approved, 0));
    told.stopped.store(false, Ordering::SeqCst);
    assert_eq!(block_on(runner.drive(name, &stage.stop, &Unseen)).unwrap().state, State::Succeeded);
}

#[test]
fn stopped_at_the_very_last_moment_nothing_begins() {
    let (stage, told) = (Stage::new(fine(), [yes()]), Arc::new(Told::default()));
    told.stops_behind.store(true, Ordering::SeqCst);
    let runner = runner(&stage, &told);
    let name = block_on(runner.propose(files(1), origin())).unwrap().name;
    let report = block_on(runner.drive(name, &stage.stop, &Unseen)).unwrap();
    assert!(stage.ran().is_empty(), "it was admitted and permitted, and did not start");
    assert_ne!(report.steps[0].fate, Fate::Done);
    let records = stage.book.records.lock().unwrap();
    let said = serde_json::to_string(&*records).unwrap();
    assert!(said.contains(&serde_json::to_string(&Ended::NotStarted(Refusal::Stopped)).unwrap()), "{said}");
    assert_eq!(told.finished.lock().unwrap().front(), Some(&None), "neither good nor bad");
}

#[test]
fn what_runs_is_ended() {
    let (stage, told) = (Stage::new(fine(), [yes()]), Arc::new(Told::default()));
    let executor = Arc::new(ScriptedExecutor::new().then(Answer::endless()));
    let guard = Arc::new(Guard::new());
    let runner = Runner::builder(guard, stage.book.clone(), stage.book.clone(), executor.clone())
        .clock(Arc::new(SystemClock::new()))
        .world(stage.world.clone())
        .as_written()
        .approver(stage.reader.clone())
        .quotas(told.clone())
        .poll(Duration::from_millis(5))
        .build();
    let name = {
        let mut plan = files(1);
        plan.times.valid_seconds = 100_000;
        block_on(runner.propose(plan, origin())).unwrap().name
    };
    let report = std::thread::scope(|scope| {
        scope.spawn(|| {
            while executor.ran().is_empty() {
                std::thread::sleep(Duration::from_millis(1));
            }
            told.stopped.store(true, Ordering::SeqCst);
        });
        block_on(runner.drive(name, &stage.stop, &Unseen)).unwrap()
    });
    assert_eq!(executor.ran().len(), 1, "and nothing else began");
    let records = stage.book.records.lock().unwrap();
    let said = serde_json::to_string(&*records).unwrap();
    assert!(said.contains(r#""ended":"stopped""#), "{said}");
    assert_ne!(report.state, State::Succeeded);
    assert!(report.blocked_by.unwrap().contains("an incident"));
}
