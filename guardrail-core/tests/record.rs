//! Records of evaluations, as a log would keep them.

#![allow(clippy::unwrap_used, reason = "a test")]

use guardrail_core::record::Record;
use guardrail_core::{Guard, Request};

#[test]
fn an_evaluation_names_each_tool_and_target_once() {
    let request = Request::shell("cat a b; cat a; ls b");
    let record = Record::evaluation(&request, &Guard::new().evaluate(&request));
    assert_eq!(record.tool.as_deref(), Some("cat,ls"));
    assert_eq!(record.resource.as_deref(), Some("a,b"));
}

#[test]
fn a_record_survives_json() {
    let request = Request::call("write", serde_json::json!({ "path": "/etc/passwd" }));
    let record = Record::evaluation(&request, &Guard::new().evaluate(&request));
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
}
