//! What is derived takes back what was done: commands are run in real repositories and directories, then
//! what the knowledge says takes them back, and everything has to be as it was.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test meets the world"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use guardrail_core::plan::{Check, Command, Derived, Ended, Execution, Expect, Output, Step};
use guardrail_core::{Action, Guard, Request};

/// A directory of its own, gone behind the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("guardrail-undo-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn program(&self, words: &[String]) -> process::Command {
        let (program, rest) = words.split_first().unwrap();
        let mut command = process::Command::new(program);
        command
            .args(rest)
            .current_dir(&self.0)
            .env("HOME", &self.0)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ann")
            .env("GIT_AUTHOR_EMAIL", "ann@example.com")
            .env("GIT_COMMITTER_NAME", "Ann")
            .env("GIT_COMMITTER_EMAIL", "ann@example.com")
            .env("GIT_EDITOR", "true");
        command
    }

    fn run(&self, words: &[String]) -> (i32, String) {
        let output = self.program(words).output().unwrap();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn shell(&self, text: &str) -> String {
        let (status, out) = self.run(&["sh".to_owned(), "-ec".to_owned(), text.to_owned()]);
        assert_eq!(status, 0, "{text}: {out}");
        out
    }

    /// A repository with two commits, a branch, a tag, a stash and an untracked file.
    fn repository(name: &str) -> Self {
        let place = Self::new(name);
        place.shell(
            "git init -q -b main . && echo one > a.txt && echo keep > keep.txt && git add . && git commit -qm one \
             && git branch topic && git tag v1 && git tag -a v2 -m two \
             && echo two >> a.txt && git commit -qam two \
             && git switch -q topic && echo side > b.txt && git add b.txt && git commit -qm side && git switch -q main \
             && echo stashed > a.txt && git stash push -q && git remote add origin ../nowhere.git \
             && git config test.key before && echo loose > loose.txt",
        );
        place
    }

    /// All that counts of a repository: what refers to what, where HEAD is, settings, and every file.
    fn state(&self) -> String {
        let git = if self.0.join(".git").exists() {
            self.shell(
                "git for-each-ref; cat .git/HEAD; git rev-parse HEAD; git status --porcelain; git stash list --format=%H; \
                 git config --local --list | sort; git worktree list --porcelain; git diff; git diff --cached",
            )
        } else {
            String::new()
        };
        let files = self.shell(
            "find . -path ./.git -prune -o -printf '%P %y %m %l\\n' | sort; find . -path ./.git -prune -o -type f -print | sort | xargs -r sha256sum",
        );
        format!("{git}{files}")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn words(command: &Command) -> Vec<String> {
    match &command.action {
        Action::Argv(words) => words.clone(),
        other => panic!("{other:?} is no argument vector"),
    }
}

fn derive(guard: &Guard, text: &str) -> (Vec<String>, Derived) {
    let evaluation = guard.evaluate(&Request::shell(text));
    let [first, ..] = evaluation.invocations.as_slice() else { panic!("no command in {text}") };
    let argv = &first.argv;
    let words: Vec<String> = argv.iter().map(|word| word.as_ref().unwrap().to_string()).collect();
    let derived = guard.derive(&Command::argv(&words), &Request::argv(&words));
    (words, derived)
}

/// Runs the command and what takes it back, and holds the state before against the one behind.
fn there_and_back(guard: &Guard, place: &Place, text: &str) {
    let before = place.state();
    let (command, derived) = derive(guard, text);
    let rollback =
        derived.rollback.as_ref().unwrap_or_else(|| panic!("`{text}` has no way back: {derived:?}"));
    for check in &derived.preflight {
        let (status, out) = place.run(&words(&check.command));
        let wanted = check.expect.iter().find_map(|expect| match expect {
            Expect::Exit(status) => Some(*status),
            _ => None,
        });
        assert_eq!(status, wanted.unwrap_or(0), "`{text}`: {}: {out}", check.command.typed());
    }
    let captured = derived.captures.first().map(|capture| {
        let (status, out) = place.run(&words(&capture.command));
        let mut execution = Execution::ended(Ended::Exited(status), 0.0);
        execution.stdout = Output::whole(&out);
        capture.value(&execution).unwrap_or_else(|e| panic!("`{text}`: {}: {e}", capture.command.typed()))
    });
    assert_eq!(place.state(), before, "`{text}`: looking has changed something");
    let (status, out) = place.run(&command);
    assert_eq!(status, 0, "`{text}`: {out}");
    assert_ne!(place.state(), before, "`{text}` does nothing, so nothing is proved");
    for step in &rollback.commands {
        let filled: Vec<String> = words(step)
            .iter()
            .map(|word| word.replace("{{captured.before}}", captured.as_deref().unwrap_or_default()))
            .collect();
        let output = place.program(&filled).output().unwrap();
        assert!(output.status.success(), "`{text}`: {filled:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(place.state(), before, "`{text}`, then {:?}", rollback.commands);
}

#[test]
fn git_is_taken_back() {
    let guard = Guard::new();
    for (number, text) in [
        "git reset --hard HEAD~1",
        "git reset --soft HEAD~1",
        "git commit --allow-empty -m three",
        "git merge topic -m merged",
        "git rebase topic",
        "git cherry-pick topic",
        "git revert --no-edit HEAD",
        "git checkout topic",
        "git switch topic",
        "git branch -D topic",
        "git branch -m topic renamed",
        "git branch fresh",
        "git branch fresh HEAD~1",
        "git tag -d v1",
        "git tag -d v2",
        "git tag fresh",
        "git tag -a fresh -m 'A tag' HEAD~1",
        "git add loose.txt",
        "git rm keep.txt",
        "git rm --cached keep.txt",
        "git stash drop",
        "git stash drop stash@{0}",
        "git remote add other ../other.git",
        "git remote rename origin upstream",
        "git remote set-url origin ../elsewhere.git",
        "git config --unset test.key",
        "git worktree add tree topic",
        "git bisect start HEAD HEAD~1",
        "git update-ref refs/heads/topic main",
        "git symbolic-ref HEAD refs/heads/topic",
    ]
    .into_iter()
    .enumerate()
    {
        let place = Place::repository(&format!("git-{number}"));
        if text.contains("symbolic-ref") {
            place.shell("git checkout -q topic && git checkout -q -B main topic");
        }
        there_and_back(&guard, &place, text);
    }
}

#[test]
fn a_merge_keeps_what_is_in_no_commit() {
    let place = Place::repository("keep");
    place.shell("echo 'not yet committed' > keep.txt");
    there_and_back(&Guard::new(), &place, "git merge topic -m merged");
    assert_eq!(fs::read_to_string(place.0.join("keep.txt")).unwrap(), "not yet committed\n");
}

#[test]
fn files_are_taken_back() {
    let guard = Guard::new();
    for (number, text) in [
        "mkdir one two",
        "mkdir -m 700 private",
        "rmdir empty",
        "rmdir -p deep/er/est",
        "mv -n -T plain.txt other.txt",
        "chmod 600 plain.txt",
        "chmod u+x,g-r plain.txt",
        "ln -s plain.txt link",
        "ln plain.txt hard",
    ]
    .into_iter()
    .enumerate()
    {
        let place = Place::new(&format!("files-{number}"));
        place.shell("echo plain > plain.txt; chmod 644 plain.txt; mkdir empty; mkdir -p deep/er/est");
        there_and_back(&guard, &place, text);
    }
}

#[test]
fn what_works_elsewhere_is_taken_back_there() {
    let guard = Guard::new();
    for (text, back) in [
        ("kubectl --context prod -n shop scale deployment/api --replicas=0", "--context=prod"),
        ("git -C /srv/app reset --hard HEAD~1", "-C /srv/app"),
        ("docker --context prod stop web", "-c prod"),
        ("systemctl --user stop app.service", "--user"),
        ("helm --kube-context prod upgrade web ./chart", "--kube-context=prod"),
        ("aws --profile prod ec2 stop-instances --instance-ids i-1", "--profile=prod"),
        ("sudo -u bob systemctl stop nginx", "sudo -u bob systemctl start"),
        ("podman stop web", "podman start"),
    ] {
        let (_, derived) = derive(&guard, text);
        let rollback = derived.rollback.unwrap_or_else(|| panic!("`{text}`"));
        assert!(rollback.commands[0].typed().contains(back), "`{text}`: {}", rollback.commands[0].typed());
    }
}

/// What a way back takes for granted is looked at beside what the step itself looks at.
#[test]
fn a_look_that_a_way_back_needs_stays() {
    let (words, derived) = derive(&Guard::new(), "systemctl start nginx");
    let looks = derived.preflight.clone();
    assert!(!looks.is_empty() && derived.rollback.is_some());
    let own = Step::new("start", Command::argv(&words));
    let own = Step { preflight: vec![Check::new("ready", Command::argv(["true"]))], ..own };
    let step = own.clone().or_derived(derived.clone());
    assert_eq!(step.preflight.len(), 1 + looks.len());
    assert!(step.preflight.ends_with(&looks));
    // Where the step has a way back of its own, nothing else is needed.
    let step = Step { rollback: derived.rollback.clone(), ..own }.or_derived(derived);
    assert_eq!(step.preflight.len(), 1);
}

/// Where a command may have done nothing, no command takes back what was there before.
#[test]
fn what_may_have_been_so_before_is_left_to_a_person() {
    let guard = Guard::new();
    for text in [
        "docker volume create data",
        "ufw allow 22",
        "passwd -l agent",
        "systemctl start web db",
        "systemctl enable --now nginx",
        "git rebase main topic",
        "git cherry-pick -n abc123",
        "git replace -d abc123",
        "ip route del default dev eth0",
        "nmcli con up office",
        "groupadd -f builders",
        "aws acm import-certificate --certificate-arn a --certificate fileb://c",
        "aws s3api create-bucket --bucket logs",
    ] {
        let (_, derived) = derive(&guard, text);
        assert_eq!(derived.rollback, None, "{text}");
    }
}

/// Whatever deletes what a step made deletes nothing where the step made nothing.
#[test]
fn what_deletes_is_for_a_step_that_did_what_it_should() {
    let guard = Guard::new();
    for (text, only_if_done) in [
        ("kubectl create namespace shop", true),
        ("zfs snapshot tank/data@before", true),
        ("wrangler r2 bucket create logs", true),
        ("git tag v1.0", false), // a look before says that there is none
        ("kubectl -n shop scale deployment/api --replicas=5", false),
    ] {
        let (_, derived) = derive(&guard, text);
        assert_eq!(derived.rollback.unwrap().only_if_done, only_if_done, "{text}");
    }
}

/// An agent that knows the templates may try to bring words of its own into what takes a command back.
#[test]
fn what_was_given_becomes_no_flag_and_no_other_command() {
    let guard = Guard::new();
    for text in ["git branch -D -- --force", "docker stop -- --all", "git tag -d -- -f"] {
        let (_, derived) = derive(&guard, text);
        for command in derived.rollback.iter().flat_map(|rollback| &rollback.commands) {
            assert!(!command.typed().contains("--force"), "{}", command.typed());
            assert!(!command.typed().contains("--all"), "{}", command.typed());
            assert!(!command.typed().contains(" -f"), "{}", command.typed());
        }
    }
    // A flag that nobody knows may have taken the word behind it.
    let (_, derived) = derive(&guard, "docker service update --no-such-flag other web");
    assert_eq!(derived.rollback, None);
}

/// What is built in has what the files say, through the pack.
#[test]
fn the_pack_has_the_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guardrail-knowledge/undo");
    let pack = guardrail_knowledge::Pack::builtin();
    let mut rules = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let file = guardrail_schema::WaysFile::parse(&text).unwrap();
        for name in std::iter::once(&file.ways.tool).chain(&file.ways.also) {
            let packed = pack.ways(name).unwrap();
            assert_eq!(format!("{:?}", packed.ways), format!("{:?}", file.ways.ways), "{name}");
            assert_eq!(packed.operations.len(), file.ways.operations.len(), "{name}");
            rules += packed.ways.len();
        }
    }
    assert!(rules > 300, "{rules}");
}
