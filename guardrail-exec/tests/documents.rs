//! Manifests that a command names: the runner reads them, has them judged and pinned, and nothing runs
//! once one of them is another. Real files, and a real process in the place of kubectl.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod stage;

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use guardrail_core::plan::{Check, Command, FileRole, Plan, Rollback, State, Step};
use guardrail_core::{Environment, Facts, Guard, Risk};
use guardrail_exec::{LocalWorld, ProcessExecutor, RunError, Runner, block_on};
use stage::*;

const SETTING: &str = "kind: ConfigMap\nmetadata: {name: a}\n";
const RIGHTS: &str = "kind: ClusterRole\nmetadata: {name: a}\n";

/// A directory with a program `kubectl` that says `ran` by a file of that name.
struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { path: folder.path().canonicalize().unwrap(), _folder: folder };
        place.file("bin/kubectl", "#!/bin/sh\nif [ \"$1\" = apply ]; then touch ran; fi\n");
        fs::set_permissions(place.path.join("bin/kubectl"), fs::Permissions::from_mode(0o755)).unwrap();
        files.iter().for_each(|(name, text)| place.file(name, text));
        place
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn has_run(&self) -> bool {
        self.path.join("ran").exists()
    }

    fn plan(&self, command: Command) -> Plan {
        let look = || Check::new("it is there", Command::argv(["kubectl", "get", "configmap", "a"]));
        let step = Step::new("Apply", command)
            .before(look())
            .behind(look())
            .undone_by(Rollback::new("delete it", [Command::argv(["kubectl", "apply", "-f", "old.yaml"])]));
        Plan::new("Apply").reason("a change").cwd(self.path.to_str().unwrap()).step(step)
    }

    fn runner(&self, stage: &Stage) -> Runner {
        let facts = Facts { environment: Some(Environment::Development), ..Facts::default() };
        let path = format!("{}:/usr/bin:/bin", self.path.join("bin").display());
        let executor = ProcessExecutor::new().launcher(env!("CARGO_BIN_EXE_guardrail-launch"));
        Runner::builder(Arc::new(Guard::new()), stage.book.clone(), stage.book.clone(), Arc::new(executor))
            .world(Arc::new(LocalWorld::new().known(facts).variable("PATH", path)))
            .approver(stage.reader.clone())
            .as_written()
            .build()
    }

    /// The risk of a command as it would be proposed, with the names of the documents that are pinned.
    fn judged(&self, command: Command) -> Result<(Risk, Vec<String>), String> {
        let stage = Stage::new(|_, _| gave(""), []);
        let revision = self.runner(&stage).preview(self.plan(command), origin());
        let revision = revision.map_err(|error| match error {
            RunError::Flaws(flaws) => flaws.iter().map(|flaw| flaw.message.clone() + "; ").collect(),
            error => error.to_string(),
        })?;
        let action = revision.commands().iter().find(|prepared| prepared.command == *self.action(&revision));
        let files = &action.unwrap().pins.files;
        let documents = files.iter().filter(|file| file.role == FileRole::Document);
        Ok((action.unwrap().evaluation.risk, documents.map(|file| file.name.clone()).collect()))
    }

    fn action<'r>(&self, revision: &'r guardrail_core::plan::Revision) -> &'r Command {
        &revision.plan().steps[0].command
    }
}

fn apply(words: &[&str]) -> Command {
    Command::argv(["kubectl", "apply"].into_iter().chain(words.iter().copied()))
}

#[test]
fn what_a_command_names_is_read_and_judged() {
    let place = Place::new(&[
        ("a.yaml", SETTING),
        ("k8s/web.yaml", SETTING),
        ("k8s/deep/rbac.yaml", RIGHTS),
        ("k8s/README.md", "kind: ClusterRole\n"),
        ("dev/kustomization.yaml", "resources: [../base]\n"),
        ("base/kustomization.yaml", "resources: [web.yaml]\n"),
        ("base/web.yaml", SETTING),
    ]);
    for (words, documents) in [
        (&["-f", "a.yaml"][..], &["a.yaml"][..]),
        (&["-f", "./a.yaml", "-f", "gone.yaml"], &["./a.yaml"]),
        (&["-f", "k8s"], &["k8s/web.yaml"]),
        (
            &["-k", "dev"],
            &["dev/../base/kustomization.yaml", "dev/../base/web.yaml", "dev/kustomization.yaml"],
        ),
    ] {
        let documents: Vec<String> = documents.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(place.judged(apply(words)), Ok((Risk::Medium, documents)), "{words:?}");
    }
    let copied = Command::shell("cat a.yaml k8s/web.yaml | kubectl apply -f -");
    let both = vec!["a.yaml".to_owned(), "k8s/web.yaml".to_owned()];
    assert_eq!(place.judged(copied), Ok((Risk::Medium, both)));
    // Critical is denied by the standard policy, and so it cannot be proposed at all.
    for words in
        [&["-R", "-f", "k8s"][..], &["-f", "k8s/deep/rbac.yaml"], &["-f", "a.yaml", "-f", "k8s/deep"]]
    {
        let flaws = place.judged(apply(words)).unwrap_err();
        assert!(flaws.contains("the policy denies it"), "{words:?}: {flaws}");
    }
    place.file("base/web.yaml", RIGHTS);
    assert!(place.judged(apply(&["-k", "dev"])).unwrap_err().contains("the policy denies it"));
}

#[test]
fn what_cannot_be_read_is_not_believed_to_be_harmless() {
    let place =
        Place::new(&[("large.yaml", &format!("kind: ConfigMap\ndata: {{a: {}}}\n", "x".repeat(2 << 20)))]);
    let made = std::process::Command::new("mkfifo").arg(place.path.join("fifo.yaml")).status().unwrap();
    assert!(made.success());
    // Whoever opened the pipe would wait for somebody to write to it.
    let flaws = place.judged(apply(&["-f", "fifo.yaml"])).unwrap_err();
    assert!(flaws.contains("a step of high risk"), "{flaws}");
    assert!(place.judged(apply(&["-f", "large.yaml"])).unwrap_err().contains("the policy denies it"));
}

#[test]
fn a_directory_below_that_cannot_be_read_is_told_of_the_one_that_is_named() {
    let place = Place::new(&[("k8s/web.yaml", SETTING), ("k8s/deep/rbac.yaml", RIGHTS)]);
    // A name that is no text can be read by whoever applies it.
    let odd = std::ffi::OsStr::from_bytes(b"k8s/deep/\xff.yaml");
    fs::write(place.path.join(odd), RIGHTS).unwrap();
    fs::remove_file(place.path.join("k8s/deep/rbac.yaml")).unwrap();
    for words in [&["-R", "-f", "k8s"][..], &["-R", "-f", "k8s/"], &["-f", "k8s/deep"]] {
        let flaws = place.judged(apply(words)).unwrap_err();
        assert!(flaws.contains("a step of high risk"), "{words:?}: {flaws}");
    }
    // What is not read by the command is none of its business.
    assert_eq!(place.judged(apply(&["-f", "k8s"])), Ok((Risk::Medium, vec!["k8s/web.yaml".to_owned()])));

    let closed = place.path.join("k8s/deep");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let open = fs::read_dir(&closed).is_ok();
    if open {
        println!("SKIPPED: whoever runs this may read every directory");
    } else {
        let flaws = place.judged(apply(&["-R", "-f", "k8s"])).unwrap_err();
        assert!(flaws.contains("a step of high risk"), "{flaws}");
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn an_untouched_manifest_is_applied() {
    let place = Place::new(&[("a.yaml", SETTING), ("old.yaml", SETTING)]);
    let stage = Stage::new(|_, _| gave(""), [yes()]);
    let runner = place.runner(&stage);
    let name = block_on(runner.propose(place.plan(apply(&["-f", "a.yaml"])), origin())).unwrap().name;
    let report = block_on(runner.drive(name, &stage.stop, &guardrail_exec::Unseen)).unwrap();
    assert_eq!((report.state, place.has_run()), (State::Succeeded, true), "{:?}", report.failures);
}

#[test]
fn a_manifest_that_changed_after_the_yes_is_not_applied() {
    type Change = fn(&Place);
    let changes: [(&str, Change); 4] = [
        // What it says now is as harmless as before, and yet it is not what was shown.
        ("has changed", |place| place.file("k8s/a.yaml", "kind: ConfigMap\nmetadata: {name: b}\n")),
        ("denies it now", |place| place.file("k8s/a.yaml", RIGHTS)),
        ("no longer there", |place| fs::remove_file(place.path.join("k8s/a.yaml")).unwrap()),
        ("are others", |place| place.file("k8s/b.yaml", SETTING)),
    ];
    for (why, change) in changes {
        let place = Arc::new(Place::new(&[("k8s/a.yaml", SETTING), ("old.yaml", SETTING)]));
        let theirs = place.clone();
        let answer: Answer = Box::new(move |question| {
            change(&theirs);
            let yes = guardrail_core::plan::Say::Approve(None);
            guardrail_core::plan::Asked::Replied(question.reply(anna(), yes, start()))
        });
        let stage = Stage::new(|_, _| gave(""), [answer]);
        let runner = place.runner(&stage);
        let name = block_on(runner.propose(place.plan(apply(&["-f", "k8s"])), origin())).unwrap().name;
        let report = block_on(runner.drive(name, &stage.stop, &guardrail_exec::Unseen)).unwrap();
        assert_eq!((report.state, place.has_run()), (State::Stale, false), "{why}");
        assert!(report.failures.iter().any(|reason| reason.contains(why)), "{why}: {:?}", report.failures);
    }
}
