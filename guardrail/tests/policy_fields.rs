//! Every field of a policy file changes an outcome: a field that nothing reads fails here.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeSet;

use guardrail::policy::{Layer, Policy, PolicyFile};
use guardrail::quota::Usage;
use guardrail::{Decision, Evaluation, Guard, Request};
use serde_json::{Value, json};

/// A field with a policy that sets it, one that does not or sets it otherwise, and a request that
/// comes out otherwise under them.
struct Case {
    field: &'static str,
    with: String,
    without: String,
    request: Value,
}

fn case(field: &'static str, with: &str, without: &str, request: Value) -> Case {
    Case { field, with: with.into(), without: without.into(), request }
}

/// A field of `when`: a rule denies what matches; without it nothing does.
fn when(field: &'static str, condition: &str, request: Value) -> Case {
    let rule =
        |condition: &str| format!("[[rule]]\nname = 'x'\ndecision = 'deny'\nwhen = {{ {condition} }}\n");
    case(field, &rule(condition), "", request)
}

fn shell(text: &str) -> Value {
    json!({ "action": { "shell": text } })
}

fn with(text: &str, more: Value) -> Value {
    let mut request = shell(text);
    for (key, value) in more.as_object().unwrap() {
        request[key] = value.clone();
    }
    request
}

fn known(text: &str) -> Value {
    with(
        text,
        json!({ "actor": "ann", "channel": "c", "skill": "s", "session": "1", "facts": { "environment": "test" } }),
    )
}

fn cases() -> Vec<Case> {
    let ask = "[[rule]]\nname = 'x'\ndecision = 'ask'\n";
    let allow = "[[rule]]\nname = 'x'\ndecision = 'allow'\n";
    let deny = "[[rule]]\nname = 'x'\ndecision = 'deny'\n";
    let production = json!({ "facts": { "environment": "production" } });
    let scale = "kubectl scale deploy/web -n shop --replicas=3";
    let quota = |more: &str| format!("[[quota]]\nname = 'x'\ncounts = 'calls'\nwithin = '1h'\n{more}");
    let breaker = |more: &str| format!("[[quota]]\nname = 'x'\ncounts = 'failures'\nmost = 1\n{more}");
    let window = "days = 'mon', from = '09:00', to = '17:00', offset = '+00:00'";
    let at = |time: &str| with("ls", json!({ "time": time }));
    vec![
        case("mode", "mode = 'safe'", "", shell("ls")),
        case("execution.auto_approve_low_risk", "execution.auto_approve_low_risk = false", "", shell("ls")),
        case(
            "execution.auto_approve_workspace",
            "execution.auto_approve_workspace = true",
            "",
            shell("mkdir x"),
        ),
        case("execution.require_dry_run", "execution.require_dry_run = true", "", shell("helm upgrade a b")),
        case("safety.block_production", "safety.block_production = true", "", with(scale, production)),
        case(
            "safety.production_namespaces",
            "safety.block_production = true\nsafety.production_namespaces = 'shop'",
            "safety.block_production = true",
            known(scale),
        ),
        case("safety.allow_critical", "safety.allow_critical = true", "", shell("rm -rf /")),
        case("safety.require_approval", "safety.require_approval = false", "", shell("mkdir x")),
        case("approval.patterns", "approval.patterns = ['git log']", "", shell("git log")),
        case(
            "approval.low",
            "execution.auto_approve_low_risk = false\napproval.low.approvers = 2",
            "execution.auto_approve_low_risk = false",
            shell("ls"),
        ),
        case("approval.medium", "approval.medium.approvers = 2", "", shell("mkdir x")),
        case("approval.high", "approval.high.approvers = 2", "", shell("helm upgrade a b")),
        case(
            "approval.critical",
            "safety.allow_critical = true\napproval.critical.approvers = 3",
            "safety.allow_critical = true",
            shell("rm -rf /"),
        ),
        case("approval.high.approvers", "approval.high.approvers = 2", "", shell("helm upgrade a b")),
        case("approval.high.roles", "approval.high.roles = 'sre'", "", shell("helm upgrade a b")),
        case("approval.high.channels", "approval.high.channels = 'ops'", "", shell("helm upgrade a b")),
        case("approval.high.expires", "approval.high.expires = '5m'", "", shell("helm upgrade a b")),
        case("channels", "channels.c.kind = 'public'", "", known("mkdir x")),
        case("channels.c.kind", "channels.c.kind = 'public'", "channels.c = {}", known("mkdir x")),
        case("channels.c.max_risk", "channels.c.max_risk = 'low'", "channels.c = {}", known("mkdir x")),
        case("channels.c.tools", "channels.c.tools = 'git'", "channels.c = {}", known("ls")),
        case("skills", "skills.s.tools = 'git'", "", known("ls")),
        case("trust.user", "trust.user = false", "", shell("ls")),
        case("trust.project", "trust.project = true", "", shell("ls")),
        case("quota", &quota("most = 1"), "", shell("ls")),
        case("quota.name", &quota("most = 1").replace("'x'", "'y'"), &quota("most = 1"), shell("ls")),
        case(
            "quota.counts",
            &quota("most = 1").replace("calls", "executions"),
            &quota("most = 1"),
            shell("ls"),
        ),
        case("quota.most", &quota("most = 2"), &quota("most = 1"), shell("ls")),
        case("quota.within", &quota("most = 1").replace("1h", "2h"), &quota("most = 1"), shell("ls")),
        case("quota.rest", &breaker("rest = '2m'"), &breaker("rest = '1m'"), shell("ls")),
        case("quota.trials", &breaker("rest = '1m'\ntrials = 3"), &breaker("rest = '1m'"), shell("ls")),
        case("quota.by", &quota("most = 1\nby = 'actor'"), &quota("most = 1"), known("ls")),
        case("quota.when", &quota("most = 1\nwhen = { tool = 'git' }"), &quota("most = 1"), shell("ls")),
        case("rule", deny, "", shell("ls")),
        case("rule.name", deny, &deny.replace("'x'", "'y'"), shell("ls")),
        case("rule.decision", deny, ask, shell("ls")),
        case("rule.when", &format!("{deny}when = {{ tool = 'git' }}"), deny, shell("ls")),
        case("rule.approval", &format!("{ask}approval = {{ approvers = 2 }}"), ask, shell("ls")),
        case("rule.overrides", &format!("{allow}overrides = ['critical']"), allow, shell("rm -rf /")),
        case("rule.reason", &format!("{deny}reason = 'because'"), deny, shell("ls")),
        case("rule.instead", &format!("{deny}instead = 'that'"), deny, shell("ls")),
        case("rule.match", &format!("{deny}when = {{ tool = 'git' }}\nmatch = ['ls']"), deny, shell("ls")),
        case("rule.not_match", &format!("{deny}not_match = ['ls']"), deny, shell("ls")),
        when("rule.when.tool", "tool = 'ls'", shell("ls")),
        when("rule.when.command", "command = 'log'", shell("git log")),
        when("rule.when.effect", "effect = 'write'", shell("touch x")),
        when("rule.when.target", "target = 'x'", shell("touch x")),
        when("rule.when.area", "area = 'system'", shell("cat /etc/hosts")),
        when("rule.when.scope", "scope = 'cluster'", shell("kubectl get pods")),
        when("rule.when.environment", "environment = 'test'", known("ls")),
        when("rule.when.risk", "risk = 'medium'", shell("touch x")),
        when("rule.when.actor", "actor = 'ann'", known("ls")),
        when("rule.when.channel", "channel = 'c'", known("ls")),
        when("rule.when.session", "session = '1'", known("ls")),
        when("rule.when.skill", "skill = 's'", known("ls")),
        when("rule.when.time", &format!("time = {{ {window} }}"), at("2026-01-26T10:00:00Z")),
        when("rule.when.time.days", "time = { days = 'mon' }", at("2026-01-26T10:00:00Z")),
        when("rule.when.time.from", "time = { from = '09:00' }", at("2026-01-26T10:00:00Z")),
        when("rule.when.time.to", "time = { to = '11:00' }", at("2026-01-26T10:00:00Z")),
        case(
            "rule.when.time.offset",
            &format!("{deny}when = {{ time = {{ from = '09:00', to = '11:00', offset = '+05:00' }} }}"),
            &format!("{deny}when = {{ time = {{ from = '09:00', to = '11:00' }} }}"),
            at("2026-01-26T10:00:00Z"),
        ),
        when("rule.when.sql", "sql = { verb = 'drop' }", shell("psql -c 'DROP TABLE t'")),
        when("rule.when.sql.verb", "sql = { verb = 'insert' }", shell("psql -c 'INSERT INTO t VALUES (1)'")),
        when("rule.when.sql.table", "sql = { table = 't' }", shell("psql -c 'INSERT INTO t VALUES (1)'")),
        when("rule.when.kubernetes", "kubernetes = { verb = 'scale' }", shell(scale)),
        when("rule.when.kubernetes.verb", "kubernetes = { verb = 'scale' }", shell(scale)),
        when("rule.when.kubernetes.kind", "kubernetes = { kind = 'deployment' }", shell(scale)),
        when("rule.when.kubernetes.namespace", "kubernetes = { namespace = 'shop' }", shell(scale)),
        when(
            "rule.when.kubernetes.context",
            "kubernetes = { context = 'a' }",
            shell("kubectl --context a get pods"),
        ),
        when("rule.when.http", "http = { host = 'a.example' }", shell("curl https://a.example/")),
        when("rule.when.http.method", "http = { method = 'get' }", shell("curl https://a.example/")),
        when("rule.when.http.host", "http = { host = '*.example' }", shell("curl https://a.example/")),
        when("rule.when.git", "git = { branch = 'main' }", shell("git push origin main")),
        when("rule.when.git.repository", "git = { repository = 'origin' }", shell("git push origin main")),
        when("rule.when.git.branch", "git = { branch = 'main' }", shell("git push origin main")),
        when(
            "rule.when.call",
            "call = { name = 'Bash' }",
            json!({ "action": { "call": { "name": "Bash", "arguments": { "command": "ls" } } } }),
        ),
        when(
            "rule.when.call.name",
            "call = { name = 'Bash' }",
            json!({ "action": { "call": { "name": "Bash", "arguments": { "command": "ls" } } } }),
        ),
        when(
            "rule.when.call.arguments",
            "call = { arguments = { '/command' = 'ls' } }",
            json!({ "action": { "call": { "name": "Bash", "arguments": { "command": "ls" } } } }),
        ),
    ]
}

/// What comes of a request under a policy, with what it counts against, or that it is refused. A layer above may say that it
/// trusts; a project's layer below would free what asks.
fn outcome(text: &str, field: &str, request: &Value) -> Option<(Evaluation, Usage)> {
    let builder = match field {
        // Who is trusted shows in what those below may do.
        "trust.user" => Policy::builder().layer(Layer::Organisation, text).and_then(|b| {
            b.layer(Layer::User, "execution.auto_approve_low_risk = false\nsafety.require_approval = false")
        }),
        "trust.project" => {
            Policy::builder().layer(Layer::User, text).and_then(|b| b.layer(Layer::Project, "mode = 'full'"))
        }
        _ => Policy::builder().layer(Layer::User, text),
    };
    let policy =
        builder.and_then(|builder| builder.build()).unwrap_or_else(|error| panic!("{field}: {error}"));
    let guard = Guard::builder().policy(policy).ok()?.build();
    let request: Request = serde_json::from_value(request.clone()).unwrap();
    let request = if field == "trust.user" { Request::shell("mkdir x") } else { request };
    let mut evaluation = guard.evaluate(&request);
    // The digest tells any two policies apart: it is no outcome.
    evaluation.ruling.policy = None;
    Some((evaluation, guard.usage(&request)))
}

#[test]
fn every_field_changes_an_outcome() {
    for Case { field, with, without, request } in cases() {
        let (with, without) = (outcome(&with, field, &request), outcome(&without, field, &request));
        assert!(with != without, "{field} changes nothing: {with:#?}");
        if field.starts_with("rule.when.") && field != "rule.when.time.offset" {
            // Not by being unknown: the condition was read, and it holds.
            assert_eq!(with.map(|with| with.0.decision), Some(Decision::Deny), "{field}");
        }
    }
}

/// Every path of keys in the schema of a policy file, the values of its maps by one name each.
fn fields() -> BTreeSet<String> {
    let schema = serde_json::to_value(schemars::schema_for!(PolicyFile)).unwrap();
    let mut found = BTreeSet::new();
    walk(&schema, &schema, "", &mut found);
    found
}

fn walk(schema: &Value, root: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return walk(&root["$defs"][name], root, path, found);
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        for schema in schema[choice].as_array().into_iter().flatten() {
            walk(schema, root, path, found);
        }
    }
    if let Some(items) = schema.get("items") {
        walk(items, root, path, found);
    }
    if path.ends_with(".match") || path.ends_with(".not_match") || path.ends_with(".arguments") {
        return;
    }
    // A map of audiences: any name.
    if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
        walk(values, root, &format!("{path}.c"), found);
    }
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        found.insert(path.clone());
        walk(schema, root, &path, found);
    }
}

#[test]
fn every_field_has_a_case() {
    let cases: BTreeSet<String> = cases().into_iter().map(|case| case.field.to_owned()).collect();
    // Tables whose keys are told one by one, and types that stand in several places.
    let told = |field: &str| {
        matches!(field, "execution" | "safety" | "approval" | "trust")
            || [
                "approval.low.",
                "approval.medium.",
                "approval.critical.",
                "rule.approval.",
                "skills.c.",
                "quota.when.",
            ]
            .iter()
            .any(|same| field.starts_with(same))
    };
    let missing: Vec<String> =
        fields().into_iter().filter(|field| !cases.contains(field) && !told(field)).collect();
    assert!(missing.is_empty(), "no case proves that these are read: {missing:?}");
    let unknown: Vec<&String> = cases.iter().filter(|case| !fields().contains(*case)).collect();
    assert!(unknown.is_empty(), "no such fields: {unknown:?}");
}
