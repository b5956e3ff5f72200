//! `docs/evaluation.schema.json` says what an evaluation's JSON is, `docs/plan.schema.json` what a
//! plan's file is.
//!
//! `GUARDRAIL_BLESS=1 cargo test -p agent-guardrail --test schema` rewrites it.

#![allow(clippy::unwrap_used, reason = "a test")]

fn up_to_date(schema: &schemars::Schema, name: &str) {
    let schema = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    let path = format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("GUARDRAIL_BLESS").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == schema, "docs/{name} is out of date");
}

#[test]
fn the_committed_schema_is_up_to_date() {
    up_to_date(&schemars::schema_for!(guardrail::Evaluation), "evaluation.schema.json");
}

#[test]
fn the_committed_schema_of_plans_is_up_to_date() {
    up_to_date(&schemars::schema_for!(guardrail::plan::Plan), "plan.schema.json");
}
