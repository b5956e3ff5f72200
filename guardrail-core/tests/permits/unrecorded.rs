//! An intent that was not recorded is no permit, and no receipt makes a second one.
use guardrail_core::plan::{Executor, Intent, Machine, NoOutput, Stop};
use guardrail_core::record::Receipt;

async fn run(executor: &dyn Executor, intent: Intent) {
    executor.execute(intent, &mut NoOutput, &Stop::new()).await;
}

fn twice(machine: &mut Machine, one: Intent, receipt: Receipt) {
    let _ = machine.permit(one, receipt);
    let _ = machine.permit(one, receipt);
}

fn main() {}
