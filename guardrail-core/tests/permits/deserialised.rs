//! Neither a permit nor a revision is read from text.
use guardrail_core::plan::{Permit, Revision};

fn main() {
    let _ = serde_json::from_str::<Permit>("{}");
    let _ = serde_json::from_str::<Revision>("{}");
}
