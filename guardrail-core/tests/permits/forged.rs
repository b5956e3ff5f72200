//! A permit is not made from parts.
use guardrail_core::plan::Permit;

fn main() {
    let _ = Permit { id: uuid::Uuid::nil() };
    let _ = Permit::new(());
}
