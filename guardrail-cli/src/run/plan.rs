//! `guardrail plan`: shows, checks and lists plans. It runs nothing.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use guardrail::redact::{Redactor, visible};
use guardrail::{Facts, Guard};
use guardrail_core::plan::{
    Digest, Execution, Executor, Flaw, OutputSink, Permit, PlanName, Refusal, Revision, Stop,
};
use guardrail_core::record::{
    Condition, DocumentDigest, PlanStore, Receipt, Record, RecordError, Recorded, Recorder,
};
use guardrail_exec::{RunError, Runner, RunnerBuilder, block_on};
use serde_json::json;

use super::arguments::{List, Plan, PlanTask, Show, Validate};
use super::screen::Screen;
use super::{REFUSED, answer, facts, house};
use crate::policy;
use crate::secrets::arguments::Given;

/// Runs the task and returns the exit status.
pub(crate) fn run(plan: &Plan) -> io::Result<u8> {
    match &plan.task {
        PlanTask::Show(task) => show(task),
        PlanTask::Validate(task) => validate(task),
        PlanTask::Digest { plan } => {
            let plan = house::read(plan, Some("/".to_owned()))?;
            writeln!(io::stdout(), "{}", Digest::of_text("guardrail plan file 1", &plan.to_json()))?;
            Ok(0)
        }
        PlanTask::List(task) => list(task),
        PlanTask::Answer(task) => answer::run(task),
        PlanTask::Key { out } => answer::generate(out),
    }
}

fn show(task: &Show) -> io::Result<u8> {
    let mut out = io::stdout().lock();
    if let Ok(name) = task.plan.parse::<PlanName>() {
        let Some(guard) = policy::guard(&task.layers)? else { return Ok(REFUSED) };
        let runner = house::builder(guard, &task.place, Facts::default(), &Given::default())?.build();
        let report = block_on(runner.report(name)).map_err(io::Error::other)?;
        if task.json {
            serde_json::to_writer_pretty(&mut out, &report)?;
            writeln!(out)?;
        } else {
            let revision = block_on(runner.revision(name)).map_err(io::Error::other)?;
            write!(out, "{}", revision.text(&Redactor::new(), usize::MAX).text())?;
            writeln!(out)?;
            drop(out);
            Screen::new(false, false, false).report(&report);
        }
        return Ok(0);
    }
    let Some(guard) = policy::guard(&task.layers)? else { return Ok(REFUSED) };
    let known = facts(&task.known);
    let plan = house::read(Path::new(&task.plan), known.cwd)?;
    let runner = looking(guard, known.facts).build();
    match runner.preview(plan, house::origin("agent")) {
        Ok(revision) if task.json => {
            out.write_all(&revision.document())?;
            writeln!(out)?;
            Ok(0)
        }
        Ok(revision) => {
            write!(out, "{}", revision.text(&Redactor::new(), usize::MAX).text())?;
            Ok(0)
        }
        Err(RunError::Flaws(found)) => {
            drop(out);
            flaws(&task.plan, &found, task.json)?;
            Ok(REFUSED)
        }
        Err(error) => Err(io::Error::other(error)),
    }
}

fn validate(task: &Validate) -> io::Result<u8> {
    let Some(guard) = policy::guard(&task.layers)? else { return Ok(REFUSED) };
    let known = facts(&task.known);
    let mut builder = looking(guard, known.facts);
    if task.as_written {
        builder = builder.as_written();
    }
    let runner = builder.build();
    let mut status = 0;
    for path in &task.plans {
        let name = path.display().to_string();
        // A file that is no plan is one more thing that is wrong.
        let plan = match house::read(path, known.cwd.clone()) {
            Ok(plan) => plan,
            Err(error) => {
                status = REFUSED;
                flaws(&name, &[Flaw { slot: None, message: error.to_string() }], task.json)?;
                continue;
            }
        };
        match runner.preview(plan, house::origin("agent")) {
            Ok(revision) => good(&name, &revision, task.json)?,
            Err(RunError::Flaws(found)) => {
                status = REFUSED;
                flaws(&name, &found, task.json)?;
            }
            Err(error) => return Err(io::Error::other(error)),
        }
    }
    Ok(status)
}

fn good(name: &str, revision: &Revision, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        let (risk, need) = (revision.risk(), revision.need());
        return writeln!(out, "{}", json!({ "plan": name, "good": true, "risk": risk, "need": need }));
    }
    let need = match revision.need().approvers {
        0 => "nobody's yes".to_owned(),
        1 => "one yes".to_owned(),
        many => format!("{many} to say yes"),
    };
    writeln!(out, "{}: good; {} risk, needs {need}", visible(name), revision.risk())
}

/// Says what is wrong with a plan.
pub(super) fn flaws(name: &str, flaws: &[Flaw], json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        return writeln!(out, "{}", json!({ "plan": name, "good": false, "flaws": flaws }));
    }
    writeln!(out, "{}: cannot be put forward:", visible(name))?;
    for flaw in flaws {
        writeln!(out, "  {}", visible(&flaw.to_string()))?;
    }
    Ok(())
}

fn list(task: &List) -> io::Result<u8> {
    let runner = house::builder(Guard::new(), &task.place, Facts::default(), &Given::default())?.build();
    let open = block_on(runner.open()).map_err(io::Error::other)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (name, life) in open {
        let (state, risk, wants) = match &life {
            Ok(life) => {
                let risk = life.revision().map(|content| content.risk);
                (life.state().to_string(), risk, None)
            }
            Err(error) => ("unreadable".to_owned(), None, Some(error.to_string())),
        };
        if task.json {
            let state = life.as_ref().ok().map(|life| life.state());
            let line = json!({ "plan": name, "state": state, "risk": risk, "error": wants });
            writeln!(out, "{line}")?;
        } else {
            let risk = risk.map_or("", |risk| risk.as_str());
            writeln!(
                out,
                "{name}  {risk:<8}  {state}{}",
                wants.map(|error| format!(": {error}")).unwrap_or_default()
            )?;
        }
    }
    out.flush()?;
    Ok(0)
}

/// A runner that only looks at plans: it remembers nothing and runs nothing.
fn looking(guard: Guard, facts: Facts) -> RunnerBuilder {
    let nothing = Arc::new(Nothing);
    Runner::builder(Arc::new(guard), nothing.clone(), nothing.clone(), nothing)
        .world(Arc::new(house::world(facts)))
}

struct Nothing;

fn refused<T>() -> Result<T, RecordError> {
    Err(RecordError::NotRecorded { reason: "nothing is recorded here".to_owned() })
}

#[async_trait]
impl Recorder for Nothing {
    async fn record(&self, _: &[Record], _: &Condition) -> Result<Receipt, RecordError> {
        refused()
    }

    async fn history(&self, _: &str) -> Result<Vec<Recorded>, RecordError> {
        refused()
    }

    async fn open_plans(&self) -> Result<Vec<(String, u64)>, RecordError> {
        refused()
    }
}

#[async_trait]
impl PlanStore for Nothing {
    async fn put(&self, _: &[u8]) -> Result<DocumentDigest, RecordError> {
        refused()
    }

    async fn fetch(&self, _: &DocumentDigest) -> Result<Option<Vec<u8>>, RecordError> {
        refused()
    }
}

#[async_trait]
impl Executor for Nothing {
    fn name(&self) -> &str {
        "nothing"
    }

    async fn execute(&self, _: Permit, _: &mut dyn OutputSink, _: &Stop) -> Execution {
        Execution::refused(Refusal::Unsupported("nothing is run here".to_owned()))
    }
}
