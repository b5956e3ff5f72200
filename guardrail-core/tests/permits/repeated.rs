//! A permit is used once.
use guardrail_core::plan::{Executor, NoOutput, Permit, Stop};

async fn twice(executor: &dyn Executor, permit: Permit) {
    executor.execute(permit, &mut NoOutput, &Stop::new()).await;
    executor.execute(permit, &mut NoOutput, &Stop::new()).await;
}

fn main() {}
