//! What a permit permits is not changed.
use guardrail_core::plan::{Command, Permit};

fn widen(mut permit: Permit) {
    permit.command = Command::shell("rm -rf /");
    *permit.action() = guardrail_core::Action::Shell("rm -rf /".into());
}

fn main() {}
