//! `docs/evaluation.schema.json` says what an evaluation's JSON is.
//!
//! `GUARDRAIL_BLESS=1 cargo test -p agent-guardrail --test schema` rewrites it.

#![allow(clippy::unwrap_used, reason = "a test")]

#[test]
fn the_committed_schema_is_up_to_date() {
    let schema = schemars::schema_for!(guardrail::Evaluation);
    let schema = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/evaluation.schema.json");
    if std::env::var_os("GUARDRAIL_BLESS").is_some() {
        std::fs::write(path, &schema).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == schema, "docs/evaluation.schema.json is out of date");
}
