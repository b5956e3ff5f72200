//! Rehearsing a plan: its dry runs, as a plan of their own.

use guardrail_core::plan::{Plan, Step};

use super::Runner;

impl Runner {
    /// The plan that runs the dry runs of a plan's steps and nothing else, and the steps that have
    /// none, by number and title. It is judged, approved where that is needed, and recorded as
    /// every plan is: a dry run may well do something. `None` where no step has one.
    #[must_use]
    pub fn rehearsal(&self, plan: Plan) -> (Option<Plan>, Vec<(u32, String)>) {
        let plan = self.completed(plan);
        let mut without = Vec::new();
        let mut steps = Vec::new();
        for (number, step) in (1..).zip(plan.steps) {
            match step.dry_run {
                Some(command) => {
                    let title = format!("Rehearse step {number}: {}", step.title);
                    steps.push(Step { reason: step.reason, ..Step::new(title, command) });
                }
                None => without.push((number, step.title)),
            }
        }
        let rehearsal = Plan {
            reason: plan.reason,
            impact: plan.impact,
            cwd: plan.cwd,
            parameters: plan.parameters,
            preflight: plan.preflight,
            times: plan.times,
            steps,
            ..Plan::new(format!("Rehearsal: {}", plan.title))
        };
        ((!rehearsal.steps.is_empty()).then_some(rehearsal), without)
    }
}
