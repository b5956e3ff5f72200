//! Nobody fetches a secret for what may not run: a use of one is made by a permit alone.
use guardrail_core::plan::{CredentialUse, Slot};

fn main() {
    let _ = CredentialUse { slot: Slot::action(1) };
}
