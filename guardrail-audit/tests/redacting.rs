//! What reaches the bytes of a record: never a secret, and otherwise exactly the record.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use guardrail_audit::{FieldRules, Redacting, RedactingError, TagKey};
use guardrail_core::record::{Kind, Record, Status, Verdict};
use guardrail_core::redact::Redactor;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;

fn standard() -> Redacting {
    Redacting::new(Redactor::new(), FieldRules::standard(), None)
}

#[track_caller]
fn written(redacting: &Redacting, record: &Record) -> Value {
    let body = redacting.body(record).unwrap();
    assert!(body.json.starts_with(b"{\"kind\":\""));
    serde_json::from_slice(&body.json).unwrap()
}

fn arguments(value: Value) -> Record {
    let mut record = Record::new(Kind::Evaluation);
    record.arguments = Some(value);
    record
}

#[test]
fn a_record_without_secrets_is_written_as_it_is() {
    let full = Record {
        kind: Kind::Outcome,
        id: Some(Uuid::from_u128(9)),
        plan_id: Some("plan-20260126-001".into()),
        revision: Some(2),
        step: Some(3),
        actor: Some("agent \"7\"".into()),
        session: Some("s\n1".into()),
        channel: Some("#ops".into()),
        tool: Some("kubectl".into()),
        action: Some("kubectl get pods | grep -v 'Running' \u{7} \u{1f980}".into()),
        arguments: Some(json!(["kubectl", "get", "pods", "-n", "shop"])),
        cwd: Some("/srv".into()),
        resource: Some("pods".into()),
        risk: Some(guardrail_core::Risk::Low),
        decision: Some(Verdict::Allow),
        rule: Some("read".into()),
        approver: Some("ana".into()),
        status: Some(Status::Succeeded),
        duration_seconds: Some(4.25),
        reason: Some("to see".into()),
        result: Some("ok".into()),
        details: Some(json!({"a": [1, -2.5, null, true, {"b": []}], "": {}})),
    };
    for record in [Record::new(Kind::Note), full] {
        let body = standard().body(&record).unwrap();
        assert_eq!(
            std::str::from_utf8(&body.json).unwrap(),
            serde_json::to_string(&record).unwrap(),
            "the same fields, in the same order"
        );
    }
}

#[test]
fn every_text_of_a_record_is_looked_at() {
    let token = format!("ghp_{}", "a7Kq2ZxB9mWd4RtY6vLp0Hs3NcJ8fGuE5oTi");
    let text = || Some(format!("x {token} y"));
    let record = Record {
        actor: text(),
        session: text(),
        channel: text(),
        tool: text(),
        action: text(),
        arguments: Some(json!({"a": [text(), {"b": text()}]})),
        cwd: text(),
        resource: text(),
        decision: Some(Verdict::Other(token.as_str().into())),
        rule: text(),
        approver: text(),
        status: Some(Status::Other(token.as_str().into())),
        reason: text(),
        result: text(),
        details: Some(json!({token.as_str(): 1, "c": text()})),
        ..Record::new(Kind::Note)
    };
    let body = standard().body(&record).unwrap();
    assert!(!String::from_utf8(body.json.to_vec()).unwrap().contains(&token));
    let value = written(&standard(), &record);
    assert_eq!(value["reason"], "x [redacted:github-token] y");
    let total: u64 =
        value["redacted"].as_array().unwrap().iter().map(|found| found["n"].as_u64().unwrap()).sum();
    assert_eq!(total, 17);
    assert!(value["redacted"].as_array().unwrap().len() <= 17);
}

#[test]
fn fields_named_like_secrets_are_replaced_whole() {
    let value = written(
        &standard(),
        &arguments(json!({
            "user": "me", "password": "x", "PIN": 1234, "Api-Key": ["a", {"b": "c"}], "clientSecret": {"v": 1},
            "token": null, "secret": "", "max_tokens": 4096,
            "env": [{"name": "DB_PASSWORD", "value": "y"}, {"name": "DB_HOST", "value": "db"}],
            "manifest": {"kind": "Secret", "data": {"a": "Yg=="}},
        })),
    );
    assert_eq!(
        value["arguments"],
        json!({
            "user": "me", "password": "[redacted:password]", "PIN": "[redacted:password]",
            "Api-Key": "[redacted:secret]", "clientSecret": "[redacted:secret]",
            "token": null, "secret": "", "max_tokens": 4096,
            "env": [{"name": "DB_PASSWORD", "value": "[redacted:password]"}, {"name": "DB_HOST", "value": "db"}],
            "manifest": {"kind": "Secret", "data": "[redacted:secret]"},
        })
    );
    assert!(
        value["redacted"].as_array().unwrap().contains(&json!({
            "path": "arguments.env.0.value", "kind": "password", "n": 1
        })),
        "{value}"
    );
}

#[test]
fn a_value_that_is_a_secret_by_name_is_gone_from_the_whole_record() {
    let mut record = arguments(json!({"login": {"password": "tr0ub4dor"}}));
    record.action = Some("db_login with tr0ub4dor".into());
    record.details = Some(json!(["login", "--token", "plainword"]));
    record.reason = Some("plainword is what I was told".into());
    let value = written(&standard(), &record);
    assert_eq!(value["action"], "db_login with [redacted:secret]");
    assert_eq!(value["reason"], "[redacted:secret] is what I was told");
    assert_eq!(value["details"], json!(["login", "--token", "[redacted:secret]"]));
}

#[test]
fn equal_secrets_have_equal_tags() {
    let redacting = Redacting::new(Redactor::new(), FieldRules::standard(), Some(TagKey::random().unwrap()));
    let one = written(&redacting, &arguments(json!({"password": "hunter2"})));
    let mut two = Record::new(Kind::Note);
    two.action = Some("PGPASSWORD=hunter2 psql".into());
    let two = written(&redacting, &two);
    let tagged = one["arguments"]["password"].as_str().unwrap();
    assert_eq!(two["action"], format!("PGPASSWORD={tagged} psql"));
    assert_eq!(tagged.len(), "[redacted:password#00000000]".len());
    let other = written(&redacting, &arguments(json!({"password": "hunter3"})));
    assert_ne!(other["arguments"]["password"], tagged);
}

#[test]
fn own_rules() {
    let rules = FieldRules::standard()
        .drop_field("body")
        .path("details.people.*.iban")
        .unwrap()
        .drop_path("result")
        .unwrap();
    let redacting = Redacting::new(Redactor::new(), rules, None);
    let mut record = arguments(json!({"body": "long", "to": "x"}));
    record.result = Some("rows".into());
    record.details = Some(json!({"people": [{"iban": "DE89", "name": "a"}], "iban": "kept"}));
    assert_eq!(
        written(&redacting, &record),
        json!({
            "kind": "evaluation",
            "arguments": {"to": "x"},
            "details": {"people": [{"iban": "[redacted:field]", "name": "a"}], "iban": "kept"},
            "redacted": [
                {"path": "arguments.body", "kind": "dropped", "n": 1},
                {"path": "result", "kind": "dropped", "n": 1},
                {"path": "details.people.0.iban", "kind": "field", "n": 1},
            ],
        })
    );
}

#[test]
fn names_that_become_the_same_stay_apart() {
    let token = |end: char| format!("ghp_a7Kq2ZxB9mWd4RtY6vLp0Hs3NcJ8fGuE5oT{end}");
    let redacting = standard();
    let record = arguments(json!({token('a'): 1, token('b'): 2, "[redacted:github-token]": 3}));
    let Value::Object(fields) = written(&redacting, &record)["arguments"].clone() else { panic!() };
    assert_eq!(fields.len(), 3, "{fields:?}");
    // What stands in the bytes is the same: a reader that keeps the last of two would hide one.
    let text = String::from_utf8(redacting.body(&record).unwrap().json.into_owned()).unwrap();
    assert_eq!(text.matches("\"[redacted:github-token]\":").count(), 1, "{text}");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let mut record = Record::new(Kind::Plan);
    record.plan_id = Some(format!("plan-ghp_{}", "a7Kq2ZxB9mWd4RtY6vLp0Hs3NcJ8fGuE5oTi"));
    let error = standard().body(&record).unwrap_err();
    assert!(matches!(error, RedactingError::SecretInPlanId { .. }));
    assert!(!error.to_string().contains("ghp_"));
    for kind in ["", "a b", "a\"b", "Ü", &"x".repeat(65)] {
        let record = Record::new(Kind::Other(kind.into()));
        assert_eq!(standard().body(&record).unwrap_err(), RedactingError::Kind, "{kind}");
    }
    let nested = |levels| (0..levels).fold(json!(1), |value, _| json!([value]));
    assert!(standard().body(&arguments(nested(99))).is_ok());
    let body = standard().body(&arguments(nested(99))).unwrap();
    assert!(serde_json::from_slice::<Record>(&body.json).is_ok(), "what is written can be read");
    assert_eq!(
        standard().body(&arguments(nested(100))).unwrap_err(),
        RedactingError::TooDeep { field: "arguments" }
    );
}

#[test]
fn long_texts_are_cut_after_their_secrets_are_gone() {
    let secret = format!("ghp_{}", "a7Kq2ZxB9mWd4RtY6vLp0Hs3NcJ8fGuE5oTi");
    let mut record = Record::new(Kind::Outcome);
    record.action = Some("short".into());
    // The secret lies over a place of the cut.
    record.result = Some(format!("{} {secret} {}", "é".repeat(8_180), "x ".repeat(50_000)));
    let whole = standard().body(&record).unwrap();
    assert!(whole.json.len() > 65_000);
    let body = standard().fitting(&record, 65_000).unwrap();
    assert!(body.json.len() <= 65_000);
    let value: Value = serde_json::from_slice(&body.json).unwrap();
    let text = value["result"].as_str().unwrap();
    assert!(text.starts_with('é') && !text.contains("ghp_"), "{text:?}");
    let all: Value = serde_json::from_slice(&whole.json).unwrap();
    let all = all["result"].as_str().unwrap();
    let digest = guardrail_audit::Hash::of(all.as_bytes());
    assert!(text.contains(&format!(" of {} bytes, sha256 {digest}] ", all.len())), "{text}");
    assert_eq!(value["action"], "short");
    assert!(
        value["redacted"].as_array().unwrap().contains(&json!({"path": "result", "kind": "cut", "n": 1}))
    );
    assert_eq!(standard().fitting(&Record::new(Kind::Note), 100).unwrap().json, &b"{\"kind\":\"note\"}"[..]);

    let many = arguments(Value::from(vec![7; 50_000]));
    assert!(matches!(standard().fitting(&many, 65_000), Err(RedactingError::TooLong { most: 65_000, .. })));
}

/// The forms in which a secret turns up.
fn forms(secret: &str) -> Vec<String> {
    let base64 = |bytes: &[u8]| {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = String::new();
        for chunk in bytes.chunks(3) {
            let all =
                chunk.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            for k in 0..=chunk.len() {
                out.push(char::from(DIGITS[(all >> (18 - 6 * k) & 63) as usize]));
            }
        }
        out
    };
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = secret
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let escaped = serde_json::to_string(secret).unwrap();
    vec![
        secret.to_owned(),
        base64(secret.as_bytes()),
        base64(format!("user:{secret}").as_bytes()),
        hex.clone(),
        hex.to_uppercase(),
        percent,
        escaped.trim_matches('"').to_owned(),
    ]
}

/// A record that holds texts at every depth.
fn nested(texts: Vec<String>) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i32>().prop_map(Value::from),
        "[a-z ]{0,8}".prop_map(Value::from),
        proptest::sample::select(texts.clone()).prop_map(Value::from),
    ];
    let key = prop_oneof!["[a-z]{1,6}", proptest::sample::select(texts)];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::btree_map(key.clone(), inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn secret() -> impl Strategy<Value = String> {
    // Begins and ends with something that is not trimmed; has what encoders change.
    "[A-Z0-9]{3}[ -~]{8,20}[A-Z0-9]{3}".prop_map(|secret| secret.replace("redacted", "x"))
}

/// A secret, and a record with its forms all over.
fn hidden() -> impl Strategy<Value = (String, Record)> {
    secret().prop_flat_map(|secret| {
        let texts: Vec<String> = forms(&secret)
            .into_iter()
            .flat_map(|form| [format!("run {form} now"), form.clone(), format!("k={form}\nm")])
            .collect();
        let one = proptest::sample::select(texts.clone());
        (Just(secret), one.clone(), one, nested(texts.clone()), nested(texts)).prop_map(
            |(secret, action, reason, arguments, details)| {
                let mut record = Record::new(Kind::Evaluation);
                record.action = Some(action);
                record.reason = Some(reason);
                record.arguments = Some(arguments);
                record.details = Some(details);
                (secret, record)
            },
        )
    })
}

proptest! {
    #[test]
    fn a_registered_secret_never_reaches_the_bytes((secret, record) in hidden()) {
        let redactor = Redactor::builder().secret(&secret).unwrap().build().unwrap();
        let redacting = Redacting::new(redactor, FieldRules::standard(), Some(TagKey::random().unwrap()));
        let body = redacting.body(&record).unwrap();
        let text = String::from_utf8(body.json.into_owned()).unwrap();
        for form in forms(&secret) {
            // The first and last digits of base64 depend on what stands beside the secret.
            let core = form.get(4..form.len() - 4).unwrap();
            if core.len() >= 12 {
                prop_assert!(!text.contains(core), "{core} of {form} in {text}");
            }
            prop_assert!(!text.contains(&form), "{form} in {text}");
        }
        // And it is still a record.
        let back: Record = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back.kind, Kind::Evaluation);
    }

    #[test]
    fn redacting_again_changes_nothing((secret, record) in hidden()) {
        let redactor = Redactor::builder().secret(&secret).unwrap().build().unwrap();
        let redacting = Redacting::new(redactor, FieldRules::none(), None);
        let once: Record = serde_json::from_slice(&redacting.body(&record).unwrap().json).unwrap();
        let twice: Record = serde_json::from_slice(&redacting.body(&once).unwrap().json).unwrap();
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn what_follows_a_flag_never_reaches_the_bytes(secret in "[!-,.-~][ -~]{7,20}", before in "[a-z]{1,5}") {
        prop_assume!(!secret.starts_with('$') && !secret.starts_with('[') && secret.trim() == secret);
        let mut record = arguments(json!([before, "--password", secret, "x"]));
        record.details = Some(json!({"note": format!("<{secret}>")}));
        let body = standard().body(&record).unwrap();
        let text: Value = serde_json::from_slice(&body.json).unwrap();
        let shown = text["arguments"][2].as_str().unwrap();
        prop_assert!(shown.starts_with("[redacted:") && shown.find(']') == Some(shown.len() - 1), "{shown}");
        if !secret.starts_with(['<', '{', '*']) {
            prop_assert!(!text["details"].to_string().contains(serde_json::to_string(&secret).unwrap().trim_matches('"')));
        }
    }
}
