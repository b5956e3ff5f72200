//! A house for plans on real processes: a log in files, documents, claims, and somebody who answers.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use guardrail::Guard;
use guardrail::audit::verify::{Directory, Verification};
use guardrail::audit::{FileStore, Log, PlanFiles};
use guardrail::exec::{FileClaims, LocalWorld, ProcessExecutor, Runner, RunnerBuilder};
use guardrail::plan::{
    Approver, Asked, Check, Command, Origin, Plan, Principal, Question, Rollback, Say, Step,
};
use guardrail::record::{PlanStore, Recorder};
use guardrail::redact::Redactor;

/// Where a plan runs and where it is remembered.
pub(crate) struct House {
    pub(crate) folder: PathBuf,
}

/// What the approver says to each question; behind them, nothing ever.
pub(crate) struct Answers(pub(crate) Mutex<VecDeque<Say>>);

#[async_trait]
impl Approver for Answers {
    fn name(&self) -> &str {
        "answers"
    }

    async fn ask(&self, question: &Question) -> Asked {
        let say = self.0.lock().unwrap().pop_front();
        match say {
            Some(say) => Asked::Replied(question.reply(anna(), say, question.asked_at)),
            None => Asked::NoChannel("nobody is there".into()),
        }
    }
}

/// Says yes to everything.
pub(crate) struct Yes;

#[async_trait]
impl Approver for Yes {
    fn name(&self) -> &str {
        "yes"
    }

    async fn ask(&self, question: &Question) -> Asked {
        Asked::Replied(question.reply(anna(), Say::Approve(None), question.asked_at))
    }
}

pub(crate) fn anna() -> Principal {
    Principal::person("anna")
}

pub(crate) fn answers(says: impl IntoIterator<Item = Say>) -> Arc<dyn Approver> {
    Arc::new(Answers(Mutex::new(says.into_iter().collect())))
}

pub(crate) fn origin() -> Origin {
    Origin { requester: Principal::agent("helper"), owner: None, session: None, channel: None }
}

impl House {
    pub(crate) fn at(folder: &Path) -> Self {
        let folder = folder.canonicalize().unwrap();
        std::fs::create_dir_all(folder.join("work")).unwrap();
        Self { folder }
    }

    /// Where the commands run.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.join("work")
    }

    pub(crate) fn log(&self) -> Log {
        Log::over(FileStore::options("example.org/plans").open(self.folder.join("log")).unwrap()).unwrap()
    }

    pub(crate) fn plans(&self) -> PlanFiles {
        PlanFiles::open(&self.folder.join("plans"), Redactor::new()).unwrap()
    }

    pub(crate) fn builder(&self, recorder: Arc<dyn Recorder>) -> RunnerBuilder {
        let plans: Arc<dyn PlanStore> = Arc::new(self.plans());
        let claims = FileClaims::open(&self.folder.join("claims")).unwrap();
        Runner::builder(Arc::new(Guard::new()), recorder, plans, Arc::new(ProcessExecutor::new()))
            .world(Arc::new(LocalWorld::new()))
            .claims(Arc::new(claims))
            .poll(Duration::from_millis(20))
            .as_written()
    }

    pub(crate) fn runner(&self, approver: Arc<dyn Approver>) -> Runner {
        self.builder(Arc::new(self.log())).approver(approver).build()
    }

    pub(crate) fn plan(&self, title: &str) -> Plan {
        Plan::new(title).cwd(self.work().to_str().unwrap())
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.work().join(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.work().join(name)).unwrap_or_default()
    }

    /// Whether the log is whole, by a reader that shares nothing with what wrote it.
    pub(crate) fn verify(&self) {
        let report = Verification::new().log(&Directory::new(self.folder.join("log"))).unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}

/// A step that adds a line to `ledger`, looks that it is there, and is undone by another line.
pub(crate) fn ledger(number: u32) -> Step {
    let there = Command::argv(["grep", "-q", &format!("^do {number}$"), "ledger"]);
    Step::new(format!("Line {number}"), Command::shell(format!("echo 'do {number}' >> ledger")))
        .behind(Check::new(format!("line {number} is there"), there))
        .undone_by(Rollback::new("another line", [Command::shell(format!("echo 'undo {number}' >> ledger"))]))
}
