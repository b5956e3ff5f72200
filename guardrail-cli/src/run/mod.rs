//! `guardrail run`: a plan from a file to what was done, or on from where the log has it.

mod answer;
pub(crate) mod arguments;
pub(crate) mod house;
mod plan;
mod screen;
mod signals;

use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;

use guardrail::{Facts, Request};
use guardrail_core::plan::{PlanName, State, Stop};
use guardrail_exec::{Report, RunError, Runner, block_on};

use crate::arguments::Known;
use crate::{explain, policy};
use arguments::{ApproverKind, Decide, Run};
use screen::Screen;

pub(crate) use plan::run as plan;

/// It waits for somebody.
const WAITS: u8 = 10;
/// It was refused.
const REFUSED: u8 = 20;
/// It failed, was stopped or was undone.
const FAILED: u8 = 30;

/// Runs or resumes a plan and returns the exit status.
pub(crate) fn run(task: &Run) -> io::Result<u8> {
    let Some(guard) = policy::guard(&task.layers)? else { return Ok(REFUSED) };
    let known = facts(&task.known);
    let screen = Screen::new(task.json, task.verbose, explain::colours(task.color));
    let mut builder = house::builder(guard, &task.place, known.facts, &task.secrets)?;
    if task.as_written {
        builder = builder.as_written();
    }
    if task.no_wait {
        builder = builder.refuse_conflicts();
    }
    match (task.approver, &task.questions, &task.reviewers) {
        (ApproverKind::Terminal, ..) => {
            builder = builder.approver(Arc::new(guardrail_approve::Terminal::of(house::person())));
        }
        (ApproverKind::Files, Some(questions), Some(reviewers)) => {
            builder = builder.approver(Arc::new(house::file_drop(questions, reviewers)?));
        }
        _ => {}
    }
    // Behind the log, which makes the directory.
    if let Some(quotas) = task.counting.open(Some(&house::directory(&task.place)?.join("quotas")))? {
        builder = builder.quotas(Arc::new(quotas));
    }
    let runner = builder.build();
    let stop = Stop::new();
    signals::heed(&stop)?;
    match block_on(driven(task, &runner, &stop, &screen, known.cwd)) {
        Ok(report) => {
            screen.report(&report);
            Ok(status(&report))
        }
        Err(Refusal::Run(RunError::Flaws(flaws))) => {
            plan::flaws("the plan", &flaws, task.json)?;
            Ok(REFUSED)
        }
        Err(Refusal::Run(RunError::Quota(refusal))) => {
            screen.say(&refusal.to_string());
            Ok(REFUSED)
        }
        Err(Refusal::Run(error)) => Err(io::Error::other(error)),
        Err(Refusal::Io(error)) => Err(error),
    }
}

enum Refusal {
    Run(RunError),
    Io(io::Error),
}

impl From<RunError> for Refusal {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

async fn driven(
    task: &Run,
    runner: &Runner,
    stop: &Stop,
    screen: &Screen,
    cwd: Option<String>,
) -> Result<Report, Refusal> {
    let name = match (&task.resume, &task.plan) {
        (Some(name), _) => {
            decide(runner, *name, &task.decide).await?;
            *name
        }
        (None, Some(path)) => {
            let mut plan = house::read(path, cwd)?;
            if task.dry_run {
                let (rehearsal, without) = runner.rehearsal(plan);
                for (step, title) in &without {
                    screen.say(&format!("step {step} has no dry run: {title}"));
                }
                plan = rehearsal.ok_or_else(|| io::Error::other("no step of the plan has a dry run"))?;
            }
            runner.propose(plan, house::origin(&task.actor)).await?.name
        }
        (None, None) => return Err(io::Error::other("there is no plan").into()),
    };
    if !task.json {
        screen.plan(&runner.revision(name).await?);
    }
    Ok(runner.drive(name, stop, screen).await?)
}

/// Does what a person decided about a plan, once they have said on their terminal that they mean it.
async fn decide(runner: &Runner, name: PlanName, decide: &Decide) -> Result<(), Refusal> {
    let by = house::person();
    if let Some(how) = decide.settle {
        confirm(&format!("{by}: say of what is in doubt in {name}: {how:?}?"))?;
        runner.settle(name, by, how.into()).await?;
    } else if decide.roll_back {
        confirm(&format!("{by}: undo what {name} has done?"))?;
        runner.roll_back(name, by).await?;
    } else if let Some(reason) = &decide.close {
        confirm(&format!("{by}: close {name} by hand?"))?;
        runner.close(name, by, reason).await?;
    }
    Ok(())
}

/// Asks on the controlling terminal, whatever standard input is. Only `yes` is a yes.
pub(crate) fn confirm(question: &str) -> io::Result<()> {
    let terminal = std::fs::OpenOptions::new().read(true).write(true).open("/dev/tty");
    let mut terminal = terminal.map_err(|_| {
        io::Error::other("only a person at a terminal decides this, and there is no terminal")
    })?;
    write!(terminal, "{question} [yes/no] ")?;
    let mut answer = String::new();
    io::BufReader::new(terminal).read_line(&mut answer)?;
    if answer.trim() == "yes" { Ok(()) } else { Err(io::Error::other("not confirmed: nothing was done")) }
}

/// What a command line says of the world.
struct Given {
    facts: Facts,
    cwd: Option<String>,
}

fn facts(known: &Known) -> Given {
    let mut request = Request::shell("");
    known.complete(&mut request, None);
    let cwd = request.cwd.clone();
    known.complete(&mut request, known.finder().as_ref());
    Given { facts: request.facts, cwd }
}

/// The exit status that tells where a plan has come to rest.
fn status(report: &Report) -> u8 {
    match report.state {
        State::Succeeded => 0,
        State::Rejected | State::TimedOut | State::NoChannel | State::Expired | State::Superseded => REFUSED,
        State::Failed
        | State::Cancelled
        | State::Revoked
        | State::RolledBack
        | State::RollbackFailed
        | State::Closed => FAILED,
        _ => WAITS,
    }
}
