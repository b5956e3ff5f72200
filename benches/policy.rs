//! `cargo bench -p agent-guardrail-benches --bench policy`: what rules cost, in one run: the list
//! of commands under the rubric, under ten rules and under ten thousand; and loading them.

use std::fmt::Write as _;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use guardrail::policy::{Layer, Policy, PolicyError};
use guardrail::{Guard, Request};
use guardrail_benches::commands;

fn main() {
    divan::main();
}

/// Rules as an organisation has them: by namespace, path, host, tool, table, branch; most of them on
/// tools that the commands use.
fn rules(count: usize) -> String {
    let mut text = String::from("[execution]\nauto_approve_workspace = true\n");
    for n in 0..count {
        let (decision, when) = match n % 10 {
            0 => (
                "allow",
                format!("tool = 'kubectl', command = 'scale', kubernetes = {{ namespace = 'team-{n}' }}"),
            ),
            1 => ("deny", format!("effect = ['write', 'delete'], target = '/srv/data/{n}/**'")),
            2 => ("ask", format!("http = {{ host = 'api-{n}.example.com', method = ['POST', 'PUT'] }}")),
            3 => ("allow", format!("tool = 'task-{n}', command = ['build', 'test']")),
            4 => ("deny", format!("sql = {{ verb = ['delete', 'drop'], table = 'table_{n}' }}")),
            5 => ("deny", format!("tool = 'git', command = 'push', git = {{ branch = 'release-{n}' }}")),
            6 => (
                "ask",
                format!("effect = 'deploy', kubernetes = {{ namespace = 'prod-{n}', kind = 'deployment' }}"),
            ),
            7 => ("deny", format!("target = 'services/s{n}/secrets/**'")),
            8 => {
                ("allow", format!("actor = 'agent-{n}', tool = ['cargo', 'npm', 'make'], area = 'workspace'"))
            }
            _ => ("deny", format!("call = {{ name = 'tool_{n}' }}")),
        };
        let _ = writeln!(text, "[[rule]]\nname = 'rule-{n}'\ndecision = '{decision}'\nwhen = {{ {when} }}");
    }
    text
}

fn policy(count: usize) -> Result<Policy, PolicyError> {
    Policy::builder().layer(Layer::User, &rules(count))?.build()
}

/// All commands of the list once, by an agent that is known.
#[divan::bench(args = [0, 10, 100, 1_000, 10_000])]
fn evaluate(bencher: Bencher<'_, '_>, count: usize) {
    let guard = if count == 0 {
        Guard::new()
    } else {
        let Ok(builder) = policy(count).and_then(|policy| Guard::builder().policy(policy)) else { return };
        builder.build()
    };
    let requests: Vec<_> = commands()
        .into_iter()
        .map(|command| {
            let mut request = Request::shell(command).cwd("/home/dev/project");
            request.actor = Some("agent-1".into());
            request.facts.home = Some("/home/dev".into());
            request.facts.kube_namespace = Some("shop".into());
            request.facts.git_branch = Some("topic".into());
            request
        })
        .collect();
    bencher.counter(ItemsCount::new(requests.len())).bench_local(|| {
        for request in &requests {
            let _ = black_box(guard.evaluate(black_box(request)));
        }
    });
}

/// The same of which nothing is known: what rules hang on is unknown more often.
#[divan::bench(args = [10, 10_000])]
fn evaluate_without_facts(bencher: Bencher<'_, '_>, count: usize) {
    let Ok(builder) = policy(count).and_then(|policy| Guard::builder().policy(policy)) else { return };
    let guard = builder.build();
    let requests: Vec<_> = commands().into_iter().map(Request::shell).collect();
    bencher.counter(ItemsCount::new(requests.len())).bench_local(|| {
        for request in &requests {
            let _ = black_box(guard.evaluate(black_box(request)));
        }
    });
}

/// From text to the model of a file: the first part of loading.
#[divan::bench(args = [10, 10_000])]
fn read(bencher: Bencher<'_, '_>, count: usize) {
    let text = rules(count);
    bencher
        .counter(ItemsCount::new(count))
        .bench_local(|| Policy::builder().layer(Layer::User, black_box(&text)).is_ok());
}

/// From text to a policy, everything checked.
#[divan::bench(args = [10, 10_000])]
fn load(bencher: Bencher<'_, '_>, count: usize) {
    let text = rules(count);
    bencher.counter(ItemsCount::new(count)).bench_local(|| {
        Policy::builder().layer(Layer::User, black_box(&text)).and_then(|b| b.build()).map(|p| p.len())
    });
}
