//! Somebody who knows the patterns, and what the programs make of words.

use guardrail_core::Guard;
use guardrail_host::openclaw::{Program, generate};
use serde_json::Value;

use crate::model::{Fate, joined};
use crate::soundness::ALL;
use crate::{FEW, STANDARD, TOOLS, documents, machine, openclaw, standard};

fn argv(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn no_words_are_smuggled() {
    for words in [
        // One argument that reads as several, and several that read as one.
        &["kubectl", "get pods"][..],
        &["kubectl", "get", "pods -n x"],
        &["kubectl", "get", "pods\n--kubeconfig=x"],
        &["kubectl", "get", "pods\n"],
        &["kubectl", "get", ""],
        &["kubectl", ""],
        &["git", "status", "\n"],
        // Behind the end of flags, and before the subcommand.
        &["kubectl", "get", "--", "pods"],
        &["kubectl", "--", "delete", "pods"],
        &["kubectl", "-n", "get", "delete", "pod"],
        &["git", "--namespace", "status", "push"],
        &["git", "-C", "/tmp/evil", "status"],
        &["git", "--git-dir=x", "log"],
        // `=`-forms, clusters, beginnings of long flags.
        &["kubectl", "get", "pods", "--kubeconfig=x"],
        &["kubectl", "get", "pods", "--kubeconfi=x"],
        &["kubectl", "get", "pods", "-n=x"],
        &["kubectl", "get", "pods", "-Aoyaml"],
        &["kubectl", "get", "secret", "x", "-oyaml"],
        &["kubectl", "get", "secret", "x", "-o", "YAML"],
        &["kubectl", "get", "-o", "yaml", "pods,Secrets"],
        &["kubectl", "get", "-o", "yaml", "secrets.v1."],
        &["kubectl", "get", "--output", "go-template-file=/etc/shadow", "pods"],
        &["kubectl", "get", "--output=GO-TEMPLATE-FILE=/etc/shadow", "pods"],
        &["kubectl", "get", "--raw=/api/v1/namespaces/x/secrets"],
        &["kubectl", "get", "--raw", "/api/v1/nodes/x/proxy/run"],
        &["kubectl", "get", "pods", "-f", "http://x"],
        &["kubectl", "cluster-info", "dump", "--output-directory=/etc"],
        &["kubectl", "config", "view", "--raw"],
        &["git", "log", "--outpu=x"],
        &["git", "log", "--output", "x"],
        &["git", "log", "-Ox"],
        &["git", "diff", "--ext-diff"],
        &["git", "show", "HEAD:.env"],
        &["git", "show", "main:id_rsa"],
        &["git", "branch", "-D", "main"],
        &["git", "branch", "new"],
        &["git", "remote", "add", "x", "y"],
        &["git", "config", "alias.x", "!sh"],
        &["git", "stash"],
        &["git", "tag", "v1"],
        &["git", "reflog", "expire", "--all"],
        &["docker", "ps", "--config=x"],
        &["docker", "-H", "tcp://evil", "ps"],
        &["docker", "context", "use", "x"],
        &["docker", "system", "prune"],
        // What a shell would change.
        &["ls", "$(id)"],
        &["ls", "*"],
        &["ls", "~root"],
        &["ls", "{a,b}"],
        &["ls", "-la", ">x"],
        &["kubectl", "get", "pods", "`id`"],
    ] {
        assert!(!STANDARD.passes("main", &argv(words)), "{words:?}");
    }
}

#[test]
fn no_place_is_smuggled() {
    for text in [
        "./kubectl get pods",
        "/tmp/usr/bin/kubectl get pods",
        "/usr/bin/kubectlx get pods",
        "/usr/bin//kubectl get pods",
        "/usr/bin/../../tmp/kubectl get pods",
        "KUBECONFIG=x kubectl get pods",
        "kubectl get pods & rm x",
        "kubectl get pods\nrm x",
        "kubectl get pods | sh",
        "kubectl get pods > /etc/passwd",
        "kubectl get pods 2>/dev/nullx",
        "(kubectl get pods)",
        "kubectl get pods < /etc/shadow",
        "head /etc/shadow",
        "head -n 1 /etc/shadow",
        "rev /etc/shadow",
        "rev -- /etc/shadow",
        "tail --pid=1 /etc/shadow",
    ] {
        assert_eq!(STANDARD.shell("main", text), Fate::Prompts, "{text}");
    }
}

/// OpenClaw looks at where a link leads: `pkill` leads to `pgrep`, `reboot` to `systemctl`.
#[test]
fn a_name_is_not_smuggled() {
    for path in ["/usr/bin/pgrep", "/usr/bin/systemctl"] {
        let program = Program::new(&TOOLS, path).unwrap();
        assert_eq!(generate(&Guard::new(), &standard(), &[program]).unwrap().entries[path], 0, "{path}");
    }
    // A program that nobody thought of, to which a link of a worse name leads.
    let entries = |names: &[String]| {
        let program = Program::new(&TOOLS, "/usr/bin/kubectl").unwrap().called(names);
        generate(&Guard::new(), &standard(), &[program]).unwrap().entries["/usr/bin/kubectl"]
    };
    assert!(entries(&[]) > 10);
    assert!(entries(&["oc".to_owned()]) > 10);
    assert_eq!(entries(&["rm".to_owned()]), 0);
    assert_eq!(entries(&["unheard-of".to_owned()]), 0);
}

/// A guard in front of many agents is not to hang on one of them: no word is two things, so that
/// repeating it does not double the ways to try.
#[test]
fn no_pattern_takes_forever() {
    let documents = documents(&standard(), FEW);
    let approvals: Value = serde_json::from_str(&documents.approvals).unwrap();
    let entries = approvals["agents"]["*"]["allowlist"].as_array().unwrap();
    let mut tried = 0;
    for entry in entries {
        let pattern = entry["argPattern"].as_str().unwrap();
        let regex = regress::Regex::new(pattern).unwrap();
        for start in [&["get"][..], &["ps"], &["log"], &["status"], &["describe"], &[]] {
            for word in
                ["-a", "-A", "-1", "-l", "-v", "x", "-5", "--all", "--since=1", "HEAD", "-la", "-n\0x"]
            {
                let mut words = argv(start);
                words.extend(std::iter::repeat_n(word.to_owned(), 200));
                words.push("\n".to_owned());
                assert!(regex.find(&joined(pattern, &words)).is_none());
                tried += 1;
            }
        }
    }
    assert!(tried > 1000, "{tried}");
    let machine = machine(FEW);
    assert!(openclaw(&documents, FEW).passes("main", &argv(&["git", "status"])) && !machine.is_empty());
}

/// Together they are no more than each alone: what one prints is not run by the next.
#[test]
fn what_is_put_together_is_low() {
    let guard = Guard::new();
    let mut lines: Vec<String> = crate::soundness::examples();
    lines.retain(|text| !text.contains(['|', ';', '&', '>']) && ALL.shell("main", text) == Fate::Runs);
    assert!(lines.len() > 200, "{}", lines.len());
    let mut wrong = Vec::new();
    for (place, first) in lines.iter().enumerate() {
        for (step, with) in [(1, "|"), (7, "|"), (31, "&&"), (101, ";")] {
            let text = format!("{first} {with} {}", lines[(place + step) % lines.len()]);
            if ALL.shell("main", &text) != Fate::Runs {
                continue;
            }
            let evaluation = guard.evaluate(&guardrail_core::Request::shell(&text));
            if evaluation.risk != guardrail_core::Risk::Low {
                wrong.push(format!("{} {text}", evaluation.risk));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
