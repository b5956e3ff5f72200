//! A plan that nobody has decided on is nothing that an executor takes.
use guardrail_core::plan::{Executor, NoOutput, Revision, Step, Stop};

async fn run(executor: &dyn Executor, revision: Revision, step: Step) {
    executor.execute(revision, &mut NoOutput, &Stop::new()).await;
    executor.execute(step, &mut NoOutput, &Stop::new()).await;
}

fn main() {}
