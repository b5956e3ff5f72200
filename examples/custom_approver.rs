//! An approver and an executor of one's own: a pager that somebody answers, and an executor that
//! runs nothing and says what it would:
//! `cargo run -p agent-guardrail-examples --bin custom_approver -- yes`

use std::{error::Error, sync::Arc};

use async_trait::async_trait;
use guardrail::approve::{admit, block_on, understand};
use guardrail::audit::{Log, MemoryStore, PlanFiles};
use guardrail::exec::{Runner, Unseen};
use guardrail::plan::*;
use guardrail::{Action, Guard, redact::Redactor};

/// Here the answer is the program's argument.
struct Pager(String);

#[async_trait]
impl Approver for Pager {
    fn name(&self) -> &'static str {
        "pager"
    }

    async fn ask(&self, question: &Question) -> Asked {
        println!("{}", question.text);
        let Some(say) = understand(&self.0) else { return Asked::Malformed(self.0.clone()) };
        // Whoever has the pager, as somebody authenticated them: never a name that the answer claims.
        let reply = question.reply(Principal::person("anna@example.com"), say, question.asked_at);
        let admitted = admit(question, &reply, reply.at);
        admitted.map_or_else(|unfit| Asked::NoChannel(unfit.to_string()), |()| Asked::Replied(reply))
    }
}

struct Rehearsal;

#[async_trait]
impl Executor for Rehearsal {
    fn name(&self) -> &'static str {
        "rehearsal"
    }

    async fn execute(&self, permit: Permit, _: &mut dyn OutputSink, _: &Stop) -> Execution {
        println!("would run {}: {:?}", permit.slot(), permit.action());
        // Nothing is there yet: who looks for the file finds none.
        let looks = matches!(permit.action(), Action::Argv(words) if words.first().is_some_and(|word| word == "stat"));
        Execution::ended(Ended::Exited(i32::from(looks)), 0.0)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let pager = Arc::new(Pager(std::env::args().nth(1).ok_or("usage: custom_approver ANSWER")?));
    let log = Arc::new(Log::over(MemoryStore::counted_as_durable("example.org/pager"))?);
    let directory = std::env::temp_dir().join(format!("guardrail-pager-{}", std::process::id()));
    let plans = Arc::new(PlanFiles::open(&directory, Redactor::new())?);
    let runner = Runner::builder(Arc::new(Guard::new()), log, plans, Arc::new(Rehearsal)).approver(pager);
    let (runner, step) = (runner.build(), Step::new("Touch it", Command::argv(["touch", "released"])));
    let origin = Origin { requester: Principal::agent("helper"), owner: None, session: None, channel: None };
    let plan = block_on(runner.propose(Plan::new("Mark the release").cwd("/tmp").step(step), origin))?;
    println!("{}", block_on(runner.drive(plan.name, &Stop::new(), &Unseen))?.state);
    Ok(std::fs::remove_dir_all(directory)?)
}
