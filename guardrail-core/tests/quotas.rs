//! What a request counts against: the same action however it is spelled, apart by who and what.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use guardrail_core::policy::{Layer, Policy};
use guardrail_core::quota::Usage;
use guardrail_core::{Guard, Request};

fn quotas(quota: &str) -> Guard {
    let text = format!("[[quota]]\nname = 'x'\n{quota}");
    let policy = Policy::builder().layer(Layer::User, &text).and_then(|builder| builder.build());
    let policy = policy.unwrap_or_else(|error| panic!("{text}: {error}"));
    Guard::builder().policy(policy).unwrap().build()
}

fn shell(text: &str) -> Request {
    Request { actor: Some("ann".into()), ..Request::shell(text).cwd("/srv/app") }
}

const REPEATS: &str = "counts = 'repeats'\nmost = 3\nwithin = '10m'";

#[test]
fn the_same_action_is_the_same_however_it_is_spelled() {
    let guard = quotas(REPEATS);
    let key = |text: &str| {
        let usage = guard.usage(&shell(text));
        assert_eq!(usage.charges.len(), 1, "{text}");
        usage.charges[0].key
    };
    let plain = key("rm -f build/out.o");
    for text in [
        "r''m -f build/out.o",
        r"\rm  -f 'build'/out.o   # once more",
        "X=build; rm -f $X/out.o",
        "ls; rm -f build/out.o; echo attempt 7",
        "date; rm -f $'build\\x2fout.o'",
    ] {
        assert_eq!(key(text), plain, "{text}");
    }
    for text in
        ["rm -f build/other.o", "cd sub && rm -f build/out.o", "rm -rf build/out.o", "touch build/out.o"]
    {
        assert_ne!(key(text), plain, "{text}");
    }
    let (one, other) = ("kubectl apply -f - <<E\nkind: A\nE", "kubectl apply -f - <<E\nkind: B\nE");
    assert_ne!(key(one), key(other), "what it is fed is part of it");
    assert_ne!(key("echo '{}' | kubectl apply -f -"), key("echo '{1}' | kubectl apply -f -"));
    let elsewhere = guard.usage(&shell("rm -f build/out.o").cwd("/srv/other"));
    assert_ne!(elsewhere.charges[0].key, plain);
}

#[test]
fn a_tool_call_is_what_it_would_run_or_all_of_its_arguments() {
    let guard = quotas(REPEATS);
    let key = |name: &str, arguments: serde_json::Value| {
        guard.usage(&Request::call(name, arguments)).charges.first().map(|charge| charge.key)
    };
    let bash = |command: &str, about: &str| {
        key("Bash", serde_json::json!({ "command": command, "description": about }))
    };
    assert!(bash("rm -f x", "").is_some());
    assert_eq!(bash("rm -f x", "first try"), bash("r''m -f x", "second try"));
    assert_ne!(bash("rm -f x", ""), bash("rm -f y", ""));
    let edit = |text: &str| key("deploy_thing", serde_json::json!({ "path": "/a", "text": text }));
    assert!(edit("a").is_some());
    assert_ne!(edit("a"), edit("b"));
}

#[test]
fn looking_again_and_again_is_no_loop() {
    let reads = quotas(REPEATS);
    for text in ["kubectl get pods", "ls -la; cat x | head -3", "git status"] {
        assert_eq!(reads.usage(&shell(text)), Usage::default(), "{text}");
    }
    let named = quotas(&format!("{REPEATS}\nwhen = {{ risk = 'low' }}"));
    assert_eq!(named.usage(&shell("kubectl get pods")).charges.len(), 1);
    assert_eq!(named.usage(&shell("mkdir x")).charges.len(), 0);
}

#[test]
fn what_is_told_apart_is_counted_apart() {
    let guard = quotas("counts = 'executions'\nmost = 3\nwithin = '1m'\nby = ['tool', 'actor', 'tool']");
    let usage = guard.usage(&shell("git fetch; cargo test; git push; ./own; $X"));
    let of: Vec<&str> = usage.charges.iter().map(|charge| charge.of.as_str()).collect();
    assert_eq!(of, ["actor=ann, tool=git", "actor=ann, tool=cargo", "actor=ann, tool=unknown"]);
    let other = guard.usage(&Request { actor: None, ..shell("git fetch") });
    assert_eq!(other.charges[0].of, "actor=unknown, tool=git");
    assert_ne!(other.charges[0].key, usage.charges[0].key);
    let named_so = guard.usage(&Request { actor: Some("unknown".into()), ..shell("git fetch") });
    assert_ne!(other.charges[0].key, named_so.charges[0].key, "nobody is not somebody of that name");
}

#[test]
fn conditions_hold_where_they_may_hold() {
    let guard =
        quotas("counts = 'running'\nmost = 1\nwhen = { tool = 'kubectl', risk = ['high', 'critical'] }");
    for (text, counted) in [
        ("kubectl delete pod x", true),
        ("kubectl get pods", false),
        ("rm -rf /", false),
        ("ls; sudo kubectl delete pod x", true),
        ("$UNKNOWN delete pod x", true),
    ] {
        assert_eq!(guard.usage(&shell(text)).charges.len(), usize::from(counted), "{text}");
    }
    let all = quotas("counts = 'calls'\nmost = 1\nwithin = '1h'");
    for text in ["", "X=1", "ls", "((("] {
        assert_eq!(all.usage(&shell(text)).charges.len(), 1, "{text:?}");
    }
}

#[test]
fn layers_count_apart_and_all_hold() {
    let quota = "[[quota]]\nname = 'x'\ncounts = 'calls'\nmost = 5\nwithin = '1h'\n";
    let policy = Policy::builder()
        .layer(Layer::Organisation, quota)
        .and_then(|builder| builder.layer(Layer::Project, &quota.replace('5', "100")))
        .and_then(|builder| builder.build());
    let guard = Guard::builder().policy(policy.unwrap()).unwrap().build();
    let usage = guard.usage(&shell("ls"));
    let told: Vec<_> = usage.charges.iter().map(|c| (c.quota.layer, c.quota.most)).collect();
    assert_eq!(told, [("organisation", 5), ("project", 100)]);
    assert_ne!(usage.charges[0].key, usage.charges[1].key);
}

#[test]
fn what_makes_no_sense_is_said() {
    for (quota, said) in [
        ("counts = 'calls'\nmost = 1", "needs `within`"),
        ("counts = 'running'\nmost = 1\nwithin = '1m'", "has no `within`"),
        ("counts = 'failures'\nmost = 1", "needs `rest`"),
        ("counts = 'calls'\nmost = 1\nwithin = '1m'\ntrials = 2", "has no `trials`"),
        ("counts = 'failures'\nmost = 1\nrest = '1m'\ntrials = 0", "1 at least"),
        ("counts = 'calls'\nmost = 0\nwithin = '1m'", "emergency stop"),
        ("counts = 'calls'\nmost = 1\nwithin = '0s'", "31 days"),
        ("counts = 'calls'\nmost = 1\nwithin = '32d'", "31 days"),
        ("counts = 'running'\nmost = 2000", "1024 at most"),
        ("counts = 'running'\nmost = 1\nby = []", "leave it out"),
        ("counts = 'running'\nmost = 1\nwhen = { tool = [] }", "an empty list never matches"),
        ("counts = 'running'\nmost = 1\nwhen = { http = { host = 'a/b' } }", "a host has no scheme"),
        ("counts = 'cats'\nmost = 1", "unknown variant"),
        ("counts = 'running'\nmost = 1\nmore = 1", "unknown field"),
    ] {
        let text = format!("[[quota]]\nname = 'x'\n{quota}");
        let error = Policy::builder().layer(Layer::User, &text).and_then(|builder| builder.build());
        let error = error.expect_err(quota).to_string();
        assert!(error.contains(said), "{quota}: {error}");
    }
    let twice = "[[quota]]\nname = 'x'\ncounts = 'running'\nmost = 1\n".repeat(2);
    let error = Policy::builder().layer(Layer::User, &twice).and_then(|builder| builder.build());
    assert!(error.unwrap_err().to_string().contains("quota 1 has the same name"));
}

/// What an agent that knows all this would try, so that its `kubectl` is not counted.
#[test]
fn no_way_of_saying_it_is_counted_elsewhere() {
    let guard = quotas("counts = 'executions'\nmost = 1\nwithin = '1h'\nby = 'tool'");
    let counted = |request: &Request| {
        let usage = guard.usage(request);
        usage.charges.iter().any(|charge| charge.of == "tool=kubectl")
    };
    let many: String = ["git", "cargo", "npm", "helm", "docker", "terraform", "aws", "psql", "jq", "curl"]
        .iter()
        .flat_map(|tool| (0..8).map(move |n| format!("{tool} a{n}; ./own-{n}; ")))
        .collect();
    for text in [
        "sudo kubectl delete pod x",
        "bash -c 'kubectl delete pod x'",
        "echo pod/x | xargs kubectl delete",
        "f() { kubectl \"$@\"; }; f delete pod x",
        "env A=1 nice timeout 5 kubectl delete pod x",
        "eval 'kube''ctl delete pod x'",
        "ssh host kubectl delete pod x",
        "echo $(kubectl delete pod x)",
        &format!("{many} kubectl delete pod x"),
    ] {
        assert!(counted(&shell(text)), "{text}");
    }
    assert!(counted(&Request::argv(["kubectl", "delete", "pod", "x"])));
    assert!(counted(&Request::call("Bash", serde_json::json!({ "command": "kubectl delete pod x" }))));
    // A name of one's own choosing is no quota of one's own.
    let unknown = |text: &str| guard.usage(&shell(text)).charges[0].key;
    assert_eq!(unknown("./kubectl-7f3a delete pod x"), unknown("/tmp/k delete pod x"));
}

#[test]
fn a_layer_more_takes_no_quota_away() {
    let quota =
        |name: &str| format!("[[quota]]\nname = '{name}'\ncounts = 'calls'\nmost = 5\nwithin = '1h'\n");
    let upper = Policy::builder().layer(Layer::Organisation, &quota("a")).unwrap();
    let lower = format!("mode = 'full'\n{}{}", quota("a"), quota("b"));
    let both = upper.clone().layer(Layer::Project, &lower);
    let charges =
        |policy: Policy| Guard::builder().policy(policy).unwrap().build().usage(&shell("mkdir x")).charges;
    let (alone, both) = (charges(upper.build().unwrap()), charges(both.unwrap().build().unwrap()));
    assert_eq!(both.len(), 3);
    assert!(alone.iter().all(|charge| both.contains(charge)));
}
