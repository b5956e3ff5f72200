//! A stage for runners: a log in memory that can break, an executor that is told what to say, an
//! approver that is told what to answer, a clock that jumps, and plans.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use guardrail_core::plan::{
    Approver, Asked, Capture, Check, Command, Digest, Ended, Execution, Executor, Expect, FileRole, Monitor,
    Notice, NoticeKind, Notifier, NotifyError, Origin, Output, OutputSink, Parameter, Part, Permit,
    PinnedDirectory, PinnedFile, Pins, Plan, PlanName, Principal, Question, Rollback, Say, Slot, Step, Stop,
    Times,
};
use guardrail_core::record::{
    Condition, DocumentDigest, PlanStore, Receipt, Record, RecordError, Recorded, Recorder, Timestamp,
};
use guardrail_core::{Evaluation, Guard};
use guardrail_exec::{Clock, Report, RunError, Runner, RunnerBuilder, Unseen, World, block_on};
use uuid::Uuid;

/// How a log breaks at a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// Nothing is written, from then on.
    Before,
    /// It is written, but nobody is told; nothing is written behind it.
    Behind,
    /// Only the first record of the call is written, and nobody is told.
    Torn,
}

/// A log and a store in memory.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) records: Mutex<Vec<Recorded>>,
    documents: Mutex<BTreeMap<DocumentDigest, Vec<u8>>>,
    calls: AtomicU64,
    pub(crate) breaks: Mutex<Option<(u64, Break)>>,
}

impl Book {
    pub(crate) fn mended(&self) -> Self {
        Self {
            records: Mutex::new(self.records.lock().unwrap().clone()),
            documents: Mutex::new(self.documents.lock().unwrap().clone()),
            ..Self::default()
        }
    }

    /// `kind status` of each record.
    pub(crate) fn lines(&self) -> Vec<String> {
        let records = self.records.lock().unwrap();
        let line = |record: &Record| {
            let status = record.status.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {status}", record.kind)
        };
        records.iter().map(|kept| line(&kept.record)).collect()
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Recorder for Book {
    async fn record(&self, records: &[Record], condition: &Condition) -> Result<Receipt, RecordError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let breaks = *self.breaks.lock().unwrap();
        match breaks {
            Some((at, how)) if call > at || (call == at && how == Break::Before) => {
                return Err(RecordError::Invalid { reason: "broken".into() });
            }
            _ => {}
        }
        let mut all = self.records.lock().unwrap();
        if let Condition::PlanAt { plan_id, sequence } = condition {
            let of_plan = |kept: &&Recorded| kept.record.plan_id.as_ref() == Some(plan_id);
            let found = all.iter().rev().find(of_plan).map(|kept| kept.sequence);
            if found != *sequence {
                let expected = *sequence;
                return Err(RecordError::Conflict { plan_id: plan_id.clone(), expected, found });
            }
        }
        let torn = breaks == Some((call, Break::Torn));
        for record in records.iter().take(if torn { 1 } else { usize::MAX }) {
            let sequence = all.len() as u64 + 1;
            all.push(Recorded { sequence, timestamp: start(), record: record.clone() });
        }
        if breaks.is_some_and(|(at, _)| call == at) {
            return Err(RecordError::Indeterminate { reason: "broken".into() });
        }
        Ok(Receipt::of_durable(records, Uuid::nil(), all.len() as u64, start(), [0; 32]))
    }

    async fn history(&self, plan_id: &str) -> Result<Vec<Recorded>, RecordError> {
        let broken = self.breaks.lock().unwrap().is_some_and(|(at, _)| self.calls() > at);
        if broken {
            return Err(RecordError::Unavailable { reason: "broken".into() });
        }
        let all = self.records.lock().unwrap();
        Ok(all.iter().filter(|kept| kept.record.plan_id.as_deref() == Some(plan_id)).cloned().collect())
    }

    async fn open_plans(&self) -> Result<Vec<(String, u64)>, RecordError> {
        let all = self.records.lock().unwrap();
        let mut open = BTreeMap::new();
        for kept in all.iter() {
            let Some(id) = &kept.record.plan_id else { continue };
            let closes = kept.record.status.as_ref().is_some_and(|status| status.closes_plan());
            if closes && kept.record.kind == guardrail_core::record::Kind::Plan {
                open.remove(id);
            } else {
                open.insert(id.clone(), kept.sequence);
            }
        }
        Ok(open.into_iter().collect())
    }
}

#[async_trait]
impl PlanStore for Book {
    async fn put(&self, document: &[u8]) -> Result<DocumentDigest, RecordError> {
        let digest = DocumentDigest(*Digest::of_content(document).as_bytes());
        self.documents.lock().unwrap().insert(digest, document.to_vec());
        Ok(digest)
    }

    async fn fetch(&self, digest: &DocumentDigest) -> Result<Option<Vec<u8>>, RecordError> {
        Ok(self.documents.lock().unwrap().get(digest).cloned())
    }
}

/// A clock that jumps to where somebody sleeps to.
pub(crate) struct Jumping(Mutex<Timestamp>);

impl Jumping {
    pub(crate) fn pass(&self, seconds: i64) {
        *self.0.lock().unwrap() += TimeDelta::seconds(seconds);
    }
}

#[async_trait]
impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        // Whoever waits for something else at the same time has a turn first.
        let mut turn = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut turn, true) {
                return std::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
        *self.0.lock().unwrap() += TimeDelta::from_std(duration).unwrap();
    }
}

pub(crate) fn start() -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// What an executor does for a command.
pub(crate) type Play = dyn Fn(&Permit, &Stop) -> Execution + Send + Sync;

/// An executor that is told what to say, and remembers what it ran.
pub(crate) struct Player {
    pub(crate) ran: Mutex<Vec<Slot>>,
    play: Box<Play>,
}

#[async_trait]
impl Executor for Player {
    fn name(&self) -> &str {
        "player"
    }

    async fn execute(&self, permit: Permit, _: &mut dyn OutputSink, stop: &Stop) -> Execution {
        self.ran.lock().unwrap().push(permit.slot());
        (self.play)(&permit, stop)
    }
}

/// An approver that gives these answers, and none behind them.
pub(crate) struct Reader {
    name: String,
    answers: Mutex<VecDeque<Answer>>,
    pub(crate) asked: Mutex<Vec<Question>>,
}

/// What an approver answers to a question.
pub(crate) type Answer = Box<dyn FnOnce(&Question) -> Asked + Send>;

#[async_trait]
impl Approver for Reader {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ask(&self, question: &Question) -> Asked {
        self.asked.lock().unwrap().push(question.clone());
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            Some(answer) => answer(question),
            None => std::future::pending().await,
        }
    }
}

pub(crate) fn says(principal: Principal, say: Say) -> Answer {
    Box::new(move |question| Asked::Replied(question.reply(principal, say, start())))
}

pub(crate) fn yes() -> Answer {
    says(anna(), Say::Approve(None))
}

pub(crate) fn no() -> Answer {
    says(anna(), Say::Reject(Some("not now".into())))
}

#[derive(Default)]
pub(crate) struct News(pub(crate) Mutex<Vec<Notice>>);

#[async_trait]
impl Notifier for News {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        self.0.lock().unwrap().push(notice.clone());
        Ok(())
    }
}

impl News {
    pub(crate) fn kinds(&self) -> Vec<NoticeKind> {
        self.0.lock().unwrap().iter().map(|notice| notice.kind).collect()
    }
}

/// A world in which nothing changes, until the program does.
#[derive(Default)]
pub(crate) struct Still(pub(crate) AtomicBool);

impl World for Still {
    fn pins(&self, command: &Command, cwd: &str, _: &Evaluation) -> Pins {
        let program = command.typed().split(' ').next().unwrap().to_owned();
        let content = if self.0.load(Ordering::SeqCst) { "another" } else { "the same" };
        let file = PinnedFile {
            role: FileRole::Program,
            path: format!("/usr/bin/{program}"),
            digest: Digest::of_content(content.as_bytes()),
            name: program,
        };
        let directory =
            PinnedDirectory { path: cwd.to_owned(), name: cwd.to_owned(), device: Some(1), inode: Some(2) };
        Pins { files: vec![file], directory: Some(directory), ..Pins::default() }
    }
}

/// Everything that stands around a runner.
pub(crate) struct Stage {
    pub(crate) book: Arc<Book>,
    pub(crate) player: Arc<Player>,
    pub(crate) reader: Arc<Reader>,
    pub(crate) news: Arc<News>,
    pub(crate) clock: Arc<Jumping>,
    pub(crate) world: Arc<Still>,
    pub(crate) stop: Stop,
}

impl Stage {
    pub(crate) fn new(
        play: impl Fn(&Permit, &Stop) -> Execution + Send + Sync + 'static,
        answers: impl IntoIterator<Item = Answer>,
    ) -> Self {
        Self::on(Book::default(), play, answers)
    }

    pub(crate) fn on(
        book: Book,
        play: impl Fn(&Permit, &Stop) -> Execution + Send + Sync + 'static,
        answers: impl IntoIterator<Item = Answer>,
    ) -> Self {
        Self {
            book: Arc::new(book),
            player: Arc::new(Player { ran: Mutex::default(), play: Box::new(play) }),
            reader: Arc::new(Reader {
                name: "reader".into(),
                answers: Mutex::new(answers.into_iter().collect()),
                asked: Mutex::default(),
            }),
            news: Arc::default(),
            clock: Arc::new(Jumping(Mutex::new(start()))),
            world: Arc::default(),
            stop: Stop::new(),
        }
    }

    pub(crate) fn builder(&self) -> RunnerBuilder {
        Runner::builder(Arc::new(Guard::new()), self.book.clone(), self.book.clone(), self.player.clone())
            .notifier(self.news.clone())
            .clock(self.clock.clone())
            .world(self.world.clone())
            .as_written()
    }

    pub(crate) fn runner(&self) -> Runner {
        self.builder().approver(self.reader.clone()).build()
    }

    pub(crate) fn propose(&self, plan: Plan) -> PlanName {
        block_on(self.runner().propose(plan, origin())).unwrap().name
    }

    pub(crate) fn drive(&self, name: PlanName) -> Result<Report, RunError> {
        block_on(self.runner().drive(name, &self.stop, &Unseen))
    }

    pub(crate) fn run(&self, plan: Plan) -> Report {
        let name = self.propose(plan);
        self.drive(name).unwrap()
    }

    pub(crate) fn ran(&self) -> Vec<String> {
        self.player.ran.lock().unwrap().iter().map(ToString::to_string).collect()
    }

    pub(crate) fn questions(&self) -> usize {
        self.reader.asked.lock().unwrap().len()
    }
}

pub(crate) fn anna() -> Principal {
    Principal::person("anna")
}

pub(crate) fn origin() -> Origin {
    Origin { requester: Principal::agent("helper"), owner: None, session: None, channel: None }
}

pub(crate) fn gave(text: &str) -> Execution {
    let mut execution = Execution::ended(Ended::Exited(0), 0.5);
    execution.stdout = Output::whole(text);
    execution
}

/// A player of [`scale`]: replicas are what they were set to last.
pub(crate) fn cluster() -> impl Fn(&Permit, &Stop) -> Execution + Send + Sync {
    let replicas = AtomicU64::new(3);
    move |permit: &Permit, _: &Stop| match permit.slot().part {
        Part::Action | Part::Rollback => {
            let guardrail_core::Action::Argv(words) = permit.action() else { panic!("an argument vector") };
            let number = words.last().unwrap().rsplit('=').next().unwrap().parse().unwrap();
            replicas.store(number, Ordering::SeqCst);
            gave("scaled")
        }
        _ => gave(&format!(r#"{{ "spec": {{ "replicas": {} }} }}"#, replicas.load(Ordering::SeqCst))),
    }
}

fn get() -> Command {
    Command::argv(["kubectl", "-n", "shop", "get", "deployment", "api", "-o", "json"])
}

fn replicas(number: &str) -> Check {
    Check::new("replicas", get())
        .expect(Expect::Json { pointer: "/spec/replicas".into(), equals: number.into() })
}

/// Scales a deployment: Medium, with a capture that its way back needs.
pub(crate) fn scale() -> Plan {
    let words = ["kubectl", "-n", "shop", "scale", "deployment", "api"];
    let scale = |replicas: &str| Command::argv(words.into_iter().chain([replicas]));
    let mut step = Step::new("Scale api to {{replicas}}", scale("--replicas={{replicas}}"))
        .before(Check::new("it is there", get()))
        .behind(replicas("{{replicas}}"))
        .undone_by(
            Rollback::new("scale back", [scale("--replicas={{captured.replicas}}")])
                .verified_by(Check::new("it answers", get())),
        );
    step.reason = "three are not enough".into();
    step.captures = vec![Capture {
        name: "replicas".into(),
        command: get(),
        pick: Some("/spec/replicas".into()),
        hold: true,
    }];
    let parameter = Parameter {
        value: 5.into(),
        about: "how many".into(),
        minimum: Some(1.0),
        maximum: Some(9.0),
        one_of: vec![],
    };
    let mut plan =
        Plan::new("Scale the API").reason("it is slow").cwd("/srv").parameter("replicas", parameter);
    plan.times = Times { approval_seconds: 600, valid_seconds: 300 };
    plan.step(step)
}

/// Steps that write files, each with a way back.
pub(crate) fn files(steps: u32) -> Plan {
    let mut plan = Plan::new("Write files").cwd("/srv/app");
    plan.times = Times { approval_seconds: 600, valid_seconds: 300 };
    for number in 1..=steps {
        let file = format!("file-{number}");
        plan.steps.push(
            Step::new(format!("Write {file}"), Command::argv(["touch", &file]))
                .behind(Check::new("it is there", Command::argv(["ls", &file])))
                .undone_by(Rollback::new("remove it", [Command::argv(["rm", &file])])),
        );
    }
    plan
}

pub(crate) fn watched(mut plan: Plan) -> Plan {
    let checks = vec![Check::new("it stays", Command::argv(["ls", "file-1"]))];
    plan.monitor = Some(Monitor { window_seconds: 60, every_seconds: 20, checks });
    plan
}
