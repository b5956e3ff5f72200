//! A secret is not printed, copied or serialised.
use guardrail_core::plan::Secret;

fn tell(secret: &Secret) {
    println!("{secret:?}");
    println!("{secret}");
    let _ = secret.clone();
    let _ = serde_json::to_string(secret);
}

fn owned(secret: &Secret) -> Secret {
    secret.clone()
}

fn main() {}
