//! The documents for OpenClaw, against a model of OpenClaw: what it would let run without a prompt, the
//! guard calls Low.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test"
)]

mod attacks;
mod goldens;
mod model;
mod places;
mod soundness;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use guardrail_core::Guard;
use guardrail_core::policy::{Layer, Mode, Policy};
use guardrail_host::openclaw::{Documents, OpenClawError, Program, Release, Settings, Tools, generate};
use serde_json::Value;

use crate::model::{Fate, Machine, OpenClaw, check_approvals, check_config};

static TOOLS: LazyLock<Tools> = LazyLock::new(Tools::builtin);

/// Some programs of everyday use.
const FEW: &[&str] = &[
    "/usr/bin/docker",
    "/usr/bin/git",
    "/usr/bin/kubectl",
    "/usr/bin/rev",
    "/usr/bin/terraform",
    "/usr/bin/ls",
];

fn programs<'t>(paths: &[&'t str]) -> Vec<Program<'t>> {
    paths.iter().map(|path| Program::new(&TOOLS, path).unwrap()).collect()
}

fn machine(paths: &[&str]) -> Machine {
    let filters = ["/usr/bin/cut", "/usr/bin/head", "/usr/bin/tail", "/usr/bin/wc"];
    paths
        .iter()
        .chain(&filters)
        .map(|path| (path.rsplit('/').next().unwrap().to_owned(), (*path).to_owned()))
        .collect()
}

fn documents(settings: &Settings, paths: &'static [&'static str]) -> Documents {
    generate(&Guard::new(), settings, &programs(paths)).unwrap()
}

fn standard() -> Settings {
    Settings::new(Mode::Standard, Release::V2026_8)
}

fn openclaw(documents: &Documents, paths: &[&str]) -> OpenClaw {
    OpenClaw::new(&documents.fragment, &documents.approvals, machine(paths))
}

/// Documents for a few programs in the standard mode.
static STANDARD: LazyLock<OpenClaw> = LazyLock::new(|| openclaw(&documents(&standard(), FEW), FEW));

#[test]
fn everyday_reads_run_and_changes_prompt() {
    for text in [
        "kubectl get pods",
        "kubectl get pods -n x",
        "kubectl -n x get pods -o wide",
        "kubectl get pods -A -o json",
        "kubectl get deploy,svc --namespace=shop -o yaml",
        "kubectl describe pod web-0 -n shop",
        "kubectl logs -f deploy/web --since=10m --tail 100",
        "kubectl top pod --containers -n prod",
        "kubectl get secrets -n prod",
        "kubectl rollout status deployment/web",
        "kubectl config get-contexts",
        "kubectl version",
        "git status",
        "git status -sb",
        "git log --oneline -5",
        "git log --oneline -n 20 main",
        "git diff HEAD~1 --stat",
        "git branch",
        "git remote -v",
        "git show HEAD",
        "git rev-parse HEAD",
        "git show 0123abcd",
        "git diff main..HEAD~2",
        "git --no-pager log",
        "docker ps",
        "docker ps -aq",
        "docker images",
        "docker logs --tail 100 web",
        "docker inspect web",
        "docker container ls --all",
        "ls -la",
        "ls src",
        "terraform version",
        "kubectl get pods | head -n 5",
        "git status && docker ps -a; ls",
        "docker ps 2>/dev/null | head -n 1",
        "git log --oneline | rev",
    ] {
        assert_eq!(STANDARD.shell("main", text), Fate::Runs, "{text}");
    }
    for text in [
        "kubectl delete pod web",
        "kubectl get pods --kubeconfig ./evil",
        "kubectl get secret db -o yaml",
        "kubectl apply -f x.yaml",
        "git blame .env",
        "git show HEAD:.env",
        "git push",
        "git commit -m x",
        "git -c core.pager=./evil log",
        "git log --output=x",
        "docker run alpine",
        "docker ps --format '{{.Names}}'",
        "ls > x",
        "ls; rm -rf x",
        "terraform apply",
        "unheard-of",
        "/tmp/evil/kubectl get pods",
        "kubectl get pods $(rm x)",
        "A=b kubectl get pods",
    ] {
        assert_eq!(STANDARD.shell("main", text), Fate::Prompts, "{text}");
    }
}

#[test]
fn the_modes_are_what_they_say() {
    for release in [Release::V2026_7, Release::V2026_8] {
        let fates = |mode: Mode| {
            let documents = documents(&Settings::new(mode, release), FEW);
            check_config(&serde_json::from_str(&documents.fragment).unwrap(), release == Release::V2026_8)
                .unwrap();
            check_approvals(&serde_json::from_str(&documents.approvals).unwrap()).unwrap();
            let openclaw = openclaw(&documents, FEW);
            ["git status", "git push", "rm -rf /"].map(|text| openclaw.shell("any", text))
        };
        assert_eq!(fates(Mode::Safe), [Fate::Denied, Fate::Denied, Fate::Denied]);
        assert_eq!(fates(Mode::Standard), [Fate::Runs, Fate::Prompts, Fate::Prompts]);
        assert_eq!(fates(Mode::Full), [Fate::Runs, Fate::Runs, Fate::Runs]);
        let notice = documents(&Settings::new(Mode::Full, release), FEW).notice;
        assert!(notice.contains("what is Critical runs there unasked"), "{notice}");
    }
}

/// Where only one document reached it, the other one still holds: none of them frees anything alone.
#[test]
fn each_document_holds_alone() {
    let documents = documents(&Settings::new(Mode::Safe, Release::V2026_8), FEW);
    let only = OpenClaw::new("{}", &documents.approvals, machine(FEW));
    assert_eq!(only.shell("main", "git status"), Fate::Prompts);
    assert_eq!(only.shell("main", "rm -rf /"), Fate::Prompts);
    let only = OpenClaw::new(&documents.fragment, r#"{"version": 1}"#, machine(FEW));
    assert_eq!(only.shell("main", "git status"), Fate::Denied);
    let documents = self::documents(&standard(), FEW);
    let only = OpenClaw::new("{}", &documents.approvals, machine(FEW));
    assert_eq!(only.shell("main", "rm -rf /"), Fate::Prompts);
    let only = OpenClaw::new(&documents.fragment, r#"{"version": 1}"#, machine(FEW));
    assert_eq!(only.shell("main", "rm -rf /"), Fate::Prompts);
}

#[test]
fn agents_may_be_stricter() {
    for release in [Release::V2026_7, Release::V2026_8] {
        for mode in [Mode::Standard, Mode::Full] {
            let agents =
                BTreeMap::from([("reviewer".to_owned(), Mode::Safe), ("builder".to_owned(), Mode::Standard)]);
            let documents = documents(&Settings { agents, ..Settings::new(mode, release) }, FEW);
            check_config(&serde_json::from_str(&documents.fragment).unwrap(), release == Release::V2026_8)
                .unwrap();
            check_approvals(&serde_json::from_str(&documents.approvals).unwrap()).unwrap();
            let openclaw = openclaw(&documents, FEW);
            assert_eq!(openclaw.shell("reviewer", "git status"), Fate::Denied);
            assert_eq!(openclaw.shell("builder", "git status"), Fate::Runs);
            assert_eq!(openclaw.shell("builder", "git push"), Fate::Prompts);
            let free = if mode == Mode::Full { Fate::Runs } else { Fate::Prompts };
            assert_eq!(openclaw.shell("main", "git push"), free);
        }
    }
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let with = |agent: &str, mode| Settings {
        agents: BTreeMap::from([(agent.to_owned(), mode)]),
        ..Settings::new(Mode::Standard, Release::V2026_8)
    };
    let made = |guard: &Guard, settings: &Settings| generate(guard, settings, &[]).map(|_| ());
    let plain = Guard::new();
    assert!(matches!(made(&plain, &with("x", Mode::Full)), Err(OpenClawError::Freer { .. })));
    for id in ["", "*", "default", "A", "../x", "a b", "-x", "a\n"] {
        assert!(matches!(made(&plain, &with(id, Mode::Safe)), Err(OpenClawError::AgentId(_))), "{id}");
    }
    let rule = "[[rule]]\nname = \"x\"\ndecision = \"deny\"\nwhen = { tool = \"git\" }\nreason = \"r\"\n";
    let policy = Policy::builder().layer(Layer::User, rule).unwrap().build().unwrap();
    let guard = Guard::builder().policy(policy).unwrap().build();
    let full = Settings::new(Mode::Full, Release::V2026_8);
    assert!(matches!(made(&guard, &full), Err(OpenClawError::Unkept)));
    for path in
        ["git", "/usr/bin/*", "/usr/bin/~git", "/usr/../git", "/usr/bin/", "/usr/bin/unheard-of", "//git"]
    {
        assert!(matches!(Program::new(&TOOLS, path), Err(OpenClawError::Program { .. })), "{path}");
    }
}

/// A rule of the operator's takes entries away, wherever it hangs on something that is not known yet.
#[test]
fn a_policy_takes_entries_away() {
    let fates = |policy: &str| {
        let policy = Policy::builder().layer(Layer::User, policy).unwrap().build().unwrap();
        let guard = Guard::builder().policy(policy).unwrap().build();
        let documents = generate(&guard, &standard(), &programs(FEW)).unwrap();
        let openclaw = openclaw(&documents, FEW);
        ["git log", "git status", "kubectl get pods -n prod", "docker ps"]
            .map(|text| openclaw.shell("main", text))
    };
    let rule =
        |when: &str| format!("[[rule]]\nname = \"x\"\ndecision = \"ask\"\nwhen = {when}\nreason = \"r\"\n");
    let [runs, prompts] = [Fate::Runs, Fate::Prompts];
    assert_eq!(
        fates(&rule(r#"{ tool = "git", command = "log" }"#)),
        [prompts.clone(), runs.clone(), runs.clone(), runs.clone()]
    );
    // Whose namespace it is, is only known when it is called.
    let of_production = fates(&rule(r#"{ kubernetes = { namespace = "prod*" } }"#));
    assert_eq!(of_production, [runs.clone(), runs.clone(), prompts.clone(), runs.clone()]);
    // Nothing is known of who asks.
    assert_eq!(fates(&rule(r#"{ actor = "eve" }"#)), [0; 4].map(|_| prompts.clone()));
    assert_eq!(fates("[execution]\nauto_approve_low_risk = false\n"), [0; 4].map(|_| prompts.clone()));
    let pattern = fates("[approval]\npatterns = [\"docker ps\"]\n");
    assert_eq!(pattern, [runs.clone(), runs.clone(), runs, prompts]);
}

/// No entry without a pattern, each of them anchored and of the form that tells words apart.
#[test]
fn every_entry_is_bound() {
    let documents = documents(&standard(), FEW);
    let approvals: Value = serde_json::from_str(&documents.approvals).unwrap();
    let entries = approvals["agents"]["*"]["allowlist"].as_array().unwrap();
    assert_eq!(entries.len(), documents.entries.values().sum::<usize>());
    for entry in entries {
        let pattern = entry["argPattern"].as_str().unwrap();
        assert!(pattern.starts_with("^(?:") && pattern.ends_with(")$"), "{pattern}");
        assert!(pattern.contains('\0'), "{pattern}");
        assert!(entry["pattern"].as_str().unwrap().starts_with("/usr/bin/"));
    }
}
