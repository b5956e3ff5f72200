//! What must hold for manifests of any shape: an object more never lowers the risk, however the
//! objects are written down; findings point at the words; nothing that is too much is read.

#![allow(clippy::unwrap_used, clippy::string_slice, clippy::indexing_slicing, reason = "a test")]

use std::fmt::Write as _;
use std::sync::LazyLock;

use guardrail_core::{Environment, Evaluation, Facts, Guard, Request, Risk, Style};
use proptest::prelude::*;

static GUARD: LazyLock<Guard> = LazyLock::new(Guard::new);

/// Objects as JSON, which is YAML too, with the least risk that each has where it is applied.
const OBJECTS: &[(&str, Risk)] = &[
    (r#"{"kind":"ConfigMap","metadata":{"name":"a"}}"#, Risk::Medium),
    (r#"{"kind":"Service","metadata":{"name":"a","namespace":"b"}}"#, Risk::Medium),
    (r#"{"kind":"NetworkPolicy","metadata":{"name":"a"}}"#, Risk::High),
    (r#"{"kind":"Pod","spec":{"hostNetwork":true}}"#, Risk::High),
    (r#"{"kind":"Pod","spec":{"containers":[{"securityContext":{"privileged":true}}]}}"#, Risk::High),
    (r#"{"kind":"Secret","metadata":{"name":"a"}}"#, Risk::Critical),
    (r#"{"kind":"ClusterRole","metadata":{"name":"a"}}"#, Risk::Critical),
    (r#"{"kind":"Pod","spec":{"volumes":[{"hostPath":{"path":"/"}}]}}"#, Risk::Critical),
];

fn applied(manifest: &str) -> Evaluation {
    let facts = Facts { environment: Some(Environment::Development), ..Facts::default() };
    GUARD.evaluate(&Request::shell("kubectl apply -f x").facts(facts).attachment("x", manifest.as_bytes()))
}

fn written(objects: &[&str], form: u8) -> String {
    match form {
        0 => objects.join("\n---\n"),
        1 => format!("{{\"kind\":\"List\",\"items\":[{}]}}", objects.join(",")),
        2 => objects.iter().fold("kind: List\r\nitems:\r\n".to_owned(), |mut text, object| {
            let _ = write!(text, "- {object}\r\n");
            text
        }),
        _ => format!("\u{feff}---\n{}\n...\n", objects.join("\n...\n---\n")),
    }
}

proptest! {
    #[test]
    fn an_object_more_never_lowers_the_risk(
        chosen in prop::collection::vec(0..OBJECTS.len(), 1..6),
        more in 0..OBJECTS.len(),
        at in 0_usize..6,
        form in 0_u8..4,
    ) {
        let mut objects: Vec<&str> = chosen.iter().map(|at| OBJECTS[*at].0).collect();
        let before = applied(&written(&objects, form));
        let least = chosen.iter().map(|at| OBJECTS[*at].1).max().unwrap();
        prop_assert_eq!(before.risk, least);
        prop_assert_eq!(before.blast_radius.objects as usize, objects.len());
        objects.insert(at.min(objects.len()), OBJECTS[more].0);
        let after = applied(&written(&objects, form));
        prop_assert!(after.risk >= before.risk && after.risk >= OBJECTS[more].1);
        prop_assert_eq!(after.blast_radius.objects as usize, objects.len());
    }

    #[test]
    fn what_is_cut_off_is_never_known_to_be_harmless(
        chosen in prop::collection::vec(0..OBJECTS.len(), 1..4),
        form in 0_u8..4,
        cut in 1_usize..400,
    ) {
        let objects: Vec<&str> = chosen.iter().map(|at| OBJECTS[*at].0).collect();
        let whole = written(&objects, form);
        let cut = (0..cut.min(whole.len())).rev().find(|at| whole.is_char_boundary(*at)).unwrap();
        let evaluation = applied(&whole[..cut]);
        prop_assert!(evaluation.risk >= Risk::Medium);
        prop_assert!(!evaluation.draw(Style::Plain).to_string().is_empty());
    }
}

#[test]
fn findings_point_at_the_words() {
    let script = "cat <<EOF | kubectl apply -f -\nkind: Pod\nmetadata:\n  name: $NAME\nspec:\n  hostNetwork: true\nEOF\n";
    let evaluation = GUARD.evaluate(&Request::shell(script));
    let finding = evaluation.findings.iter().find(|finding| finding.rule == "privilege").unwrap();
    let source = &evaluation.sources[finding.source as usize];
    assert_eq!(&source.text[finding.span.start as usize..finding.span.end as usize], "true");
    assert!(source.text.contains("name: ?"), "{}", source.text);
    assert!(source.parent.is_some());
    let drawn = evaluation.draw(Style::Plain).to_string();
    assert!(drawn.contains("blast radius: 1 object"), "{drawn}");
}

#[test]
fn an_attachment_is_not_shown() {
    let secret = "kind: Secret\nmetadata: {name: x}\nstringData: {password: correct-horse}\n";
    let request = Request::shell("kubectl apply -f s.yaml").attachment("s.yaml", secret.as_bytes());
    let evaluation = GUARD.evaluate(&request);
    assert_eq!(evaluation.risk, Risk::Critical);
    let json = serde_json::to_string(&evaluation).unwrap();
    assert!(!json.contains("correct-horse"), "{json}");
    assert_eq!(serde_json::from_str::<Evaluation>(&json).unwrap(), evaluation);
}

#[test]
fn what_is_too_much_is_critical() {
    let deep = "[".repeat(100);
    let many = "kind: ConfigMap\n---\n".repeat(1 << 17);
    let mut unfolds = "a0: &a0 [x, x]\n".to_owned();
    for at in 1..60 {
        let _ = writeln!(unfolds, "a{at}: &a{at} [*a{0}, *a{0}]", at - 1);
    }
    unfolds.push_str("kind: ConfigMap\n");
    for (name, text) in [("many", many), ("unfolds", unfolds)] {
        assert_eq!(applied(&text).risk, Risk::Critical, "{name}");
    }
    assert!(applied(&deep).risk >= Risk::High);
    // However often the same file is named, it is read so many times and no more.
    let large = format!("kind: ConfigMap\ndata: {{a: {}}}\n", "x".repeat(1 << 19));
    let script = "kubectl apply -f x\n".repeat(20);
    let evaluation = GUARD.evaluate(&Request::shell(script).attachment("x", large.as_bytes()));
    assert_eq!(evaluation.risk, Risk::Critical);
}

#[test]
fn bytes_that_are_no_text_are_not_believed() {
    let request = Request::shell("kubectl apply -f x")
        .facts(Facts { environment: Some(Environment::Development), ..Facts::default() });
    let evaluation = GUARD.evaluate(&request.attachment("x", b"kind: Config\xffMap\n"));
    assert!(evaluation.unknown && evaluation.risk >= Risk::High);
}

#[test]
fn what_is_unpacked_over_a_document_is_not_believed() {
    let benign = "kind: ConfigMap\nmetadata: {name: a, namespace: b}\n";
    let risk = |script: &str| {
        let facts = Facts { environment: Some(Environment::Development), ..Facts::default() };
        let request = Request::shell(script).facts(facts).attachment("k/x.yaml", benign.as_bytes());
        GUARD.evaluate(&request).risk
    };
    let apply = "kubectl apply -f k/x.yaml";
    assert_eq!(risk(apply), Risk::Medium);
    for before in [
        "git pull",
        "git checkout main",
        "git stash pop",
        "tar xf a.tar",
        "tar xf a.tar -C k",
        "unzip a.zip",
        "unzip -d k a.zip",
        "make",
        "sh render.sh",
        "sudo make",
    ] {
        assert_eq!(risk(&format!("{before} && {apply}")), Risk::High, "{before}");
        assert_eq!(risk(&format!("while true; do {apply}; {before}; done")), Risk::High, "{before}");
    }
    for beside in
        ["git commit -m x", "git fetch", "tar xf a.tar -C other", "mkdir -p k", "echo make", "sleep 1"]
    {
        assert_ne!(risk(&format!("{beside} && {apply}")), Risk::High, "{beside}");
    }
    // What comes behind it comes too late.
    assert_eq!(risk(&format!("{apply} && make test")), Risk::Medium);
}

#[test]
fn a_plan_is_a_list_of_changes() {
    let risk = |plan: &str| {
        let facts = Facts { environment: Some(Environment::Development), ..Facts::default() };
        let request = Request::shell("terraform apply p").facts(facts).attachment("p", plan.as_bytes());
        GUARD.evaluate(&request)
    };
    let none = risk(r#"{"resource_changes": [], "planned_values": {}}"#);
    for odd in [r#"{"resource_changes": {"a": 1}}"#, r#"{"resource_changes": "x", "planned_values": {}}"#] {
        let evaluation = risk(odd);
        assert!(evaluation.risk >= none.risk && evaluation.unknown, "{odd}");
    }
}
