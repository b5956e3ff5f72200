//! What an executor has to hold, as checks that anybody can run over their own.
//!
//! [`any_executor`] is for all of them; [`process_executor`] for those that run real processes. Each
//! check panics with a sentence where the executor does not hold to the contract of
//! [`Executor`].
//!
//! ```
//! use guardrail_exec::{RecordingExecutor, conformance};
//!
//! conformance::any_executor(&|| Box::new(RecordingExecutor::new()));
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a suite of tests"
)]

mod stage;

use std::fs;
use std::path::Path;
use std::time::Duration;

use guardrail_core::Action;
use guardrail_core::plan::{
    Achieved, Command, Ended, Execution, Executor, Limit, Measure, Refusal, Sandbox, StepLimits, Stop,
    StopLevel,
};

pub use stage::{Heard, PATH, SHELL, execute, permit, permit_valid_for, pins, wait};

/// Makes the executor that is tried; each check has one of its own.
pub type Make<'m> = &'m dyn Fn() -> Box<dyn Executor>;

/// What every executor has to hold, whether or not it runs anything.
pub fn any_executor(make: Make<'_>) {
    let folder = Folder::new();
    let executor = make();
    assert!(!executor.name().trim().is_empty(), "an executor has a name");

    // Whatever it makes of a command, what it kept is what it told while it ran.
    let command = Command::argv(["sh", "-c", "echo out; echo err >&2"]);
    let (execution, heard) = run(&*make(), &folder, command, &Stop::new());
    let kept = |output: &guardrail_core::plan::Output| output.text.clone().into_bytes();
    if !execution.stdout.cut {
        assert_eq!(heard.stdout, kept(&execution.stdout), "standard output was kept otherwise than told");
    }
    if !execution.stderr.cut {
        assert_eq!(heard.stderr, kept(&execution.stderr), "standard error was kept otherwise than told");
    }
    assert!(execution.duration_seconds.is_finite() && execution.duration_seconds >= 0.0, "no duration");

    // Asked to stop before it began, it does nothing.
    for level in [StopLevel::End, StopLevel::Kill] {
        let stop = Stop::new();
        stop.request(level);
        let (execution, _) = run(&*make(), &folder, touch("stopped"), &stop);
        assert_eq!(execution.ended, Ended::NotStarted(Refusal::Stopped), "it was asked to stop before");
        assert!(!folder.has("stopped"), "it ran though it was asked to stop before");
    }

    // To finish the current step is no reason not to run it: the permit is for it.
    let stop = Stop::new();
    stop.request(StopLevel::Finish);
    let (execution, _) = run(&*make(), &folder, Command::argv(["true"]), &stop);
    assert_ne!(execution.ended, Ended::NotStarted(Refusal::Stopped), "the current step is to be finished");
    assert_ne!(execution.ended, Ended::Stopped, "the current step is to be finished");

    // One that did not start did nothing.
    let (execution, _) = run(&*make(), &folder, touch("witness"), &Stop::new());
    if matches!(execution.ended, Ended::NotStarted(_)) {
        assert!(!folder.has("witness"), "it says that it did nothing, and it did");
        assert_eq!((execution.stdout.bytes, execution.stderr.bytes), (0, 0), "nothing cannot have output");
    }
}

/// What an executor has to hold that runs commands as processes of this machine: its account has a
/// shell, and may write to its temporary directory.
pub fn process_executor(make: Make<'_>) {
    any_executor(make);
    ends(make);
    surroundings(make);
    drift(make);
    stopping(make);
    nothing_left(make);
    sandbox(make);
}

fn ends(make: Make<'_>) {
    let folder = Folder::new();
    let ended = |command: Command| run(&*make(), &folder, command, &Stop::new());
    let (execution, heard) = ended(Command::shell("printf out; printf err >&2; exit 3"));
    assert_eq!(execution.ended, Ended::Exited(3), "{execution:?}");
    assert_eq!((heard.stdout, heard.stderr), (b"out".to_vec(), b"err".to_vec()));
    assert_eq!((execution.stdout.bytes, execution.stderr.bytes), (3, 3));
    let (execution, _) = ended(Command::shell("kill -USR1 $$"));
    assert!(matches!(execution.ended, Ended::Signalled(_)), "{execution:?}");
    let (execution, _) = ended(Command::argv(["printf", "%s|", "a b", "", "*", "$HOME", "-n"]));
    assert_eq!(execution.stdout.text, "a b||*|$HOME|-n|", "an argument vector is read by no shell");
    let (execution, _) = ended(Command::shell("-x"));
    assert!(matches!(execution.ended, Ended::Exited(_)), "the source is no flag: {execution:?}");
    assert!(!execution.stderr.text.is_empty(), "the source is no flag: {execution:?}");
    let call = Command::new(Action::Call { name: "tool".into(), arguments: serde_json::Value::Null });
    let (execution, _) = ended(call);
    assert!(matches!(execution.ended, Ended::NotStarted(_)), "a call is no process: {execution:?}");
    let limits = StepLimits { wall_seconds: Some(1), grace_seconds: Some(1), ..StepLimits::default() };
    let (execution, _) = ended(Command::argv(["sleep", "600"]).limits(limits.clone()));
    assert_eq!(execution.ended, Ended::OverLimit(Limit::Wall));
    let limits = StepLimits { output_bytes: Some(100_000), ..limits };
    let limits = StepLimits { wall_seconds: Some(60), ..limits };
    let (execution, heard) = ended(Command::argv(["yes"]).limits(limits));
    assert_eq!(execution.ended, Ended::OverLimit(Limit::Output));
    assert!(heard.stdout.len() < 10_000_000, "it went on and on");
}

fn surroundings(make: Make<'_>) {
    let folder = Folder::new();
    let command = Command::argv(["env"]).environment("ONE", "1");
    let (execution, _) = run(&*make(), &folder, command, &Stop::new());
    let mut lines: Vec<_> = execution.stdout.text.lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["ONE=1".to_owned(), format!("PATH={PATH}")], "the environment is what was approved");
    let (execution, _) = run(&*make(), &folder, Command::shell("pwd -P; cat"), &Stop::new());
    let here = folder.path().canonicalize().unwrap();
    assert_eq!(execution.stdout.text.trim_end(), here.to_str().unwrap(), "the directory and an empty input");
}

fn drift(make: Make<'_>) {
    let folder = Folder::new();
    folder.script("tool", "echo approved; touch ran");
    let command = Command::argv(["./tool"]);
    let drifted = |change: &dyn Fn(&Folder), what: &str| {
        let permit = permit(command.clone(), pins(&command, folder.path(), &["tool"]));
        change(&folder);
        let (execution, _) = execute(&*make(), permit, &Stop::new());
        let refused =
            matches!(execution.ended, Ended::NotStarted(Refusal::Drift(ref why)) if !why.is_empty());
        assert!(refused, "{what} was another: {execution:?}");
        assert!(!folder.has("ran"), "{what} was another, and it ran");
        folder.script("tool", "echo approved; touch ran");
    };
    drifted(&|folder| folder.script("tool", "echo swapped; touch ran"), "the program");
    drifted(&|folder| fs::remove_file(folder.path().join("tool")).unwrap(), "the program");
    // A permit whose pins are not of what it runs.
    let other = Command::argv(["true"]);
    let permit = permit(command.clone(), pins(&other, folder.path(), &[]));
    let (execution, _) = execute(&*make(), permit, &Stop::new());
    assert!(matches!(execution.ended, Ended::NotStarted(_)), "what was not pinned ran: {execution:?}");
    let late = permit_valid_for(other.clone(), pins(&other, folder.path(), &[]), 1);
    std::thread::sleep(Duration::from_millis(1100));
    let (execution, _) = execute(&*make(), late, &Stop::new());
    assert!(matches!(execution.ended, Ended::NotStarted(_)), "it was too late: {execution:?}");
}

fn stopping(make: Make<'_>) {
    let folder = Folder::new();
    for level in [StopLevel::End, StopLevel::Kill] {
        let command = Command::shell("trap '' TERM; echo ready; while :; do sleep 1; done")
            .limits(StepLimits { grace_seconds: Some(1), ..StepLimits::default() });
        let stop = Stop::new();
        let elsewhere = stop.clone();
        let asking = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            elsewhere.request(level);
        });
        let (execution, _) = run(&*make(), &folder, command, &stop);
        asking.join().unwrap();
        assert_eq!(execution.ended, Ended::Stopped, "{execution:?}");
    }
}

fn nothing_left(make: Make<'_>) {
    let folder = Folder::new();
    let source = "(trap '' TERM HUP; while :; do touch alive; sleep 0.1; done) >/dev/null 2>&1 & sleep 0.3";
    let command =
        Command::shell(source).limits(StepLimits { grace_seconds: Some(1), ..StepLimits::default() });
    let (execution, _) = run(&*make(), &folder, command, &Stop::new());
    assert_eq!(execution.ended, Ended::Exited(0), "{execution:?}");
    assert!(folder.has("alive"), "the child ran");
    fs::remove_file(folder.path().join("alive")).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(!folder.has("alive"), "what it started still runs");
    assert!(!execution.left.is_empty(), "that it left something running is worth a sentence");
}

fn sandbox(make: Make<'_>) {
    let folder = Folder::new();
    let asked = [
        (Measure::NoNetwork, Sandbox { no_network: true, ..Sandbox::default() }),
        (Measure::SystemCalls, Sandbox { system_calls: true, ..Sandbox::default() }),
        (Measure::NonRoot, Sandbox { non_root: true, ..Sandbox::default() }),
        (Measure::Files, Sandbox { files: Some(Default::default()), ..Sandbox::default() }),
    ];
    for (measure, sandbox) in asked {
        let lenient = Sandbox { best_effort: true, ..sandbox.clone() };
        let (strict, _) = run(&*make(), &folder, Command::argv(["true"]).sandbox(sandbox), &Stop::new());
        let (lenient, _) = run(&*make(), &folder, Command::argv(["true"]).sandbox(lenient), &Stop::new());
        assert_eq!(lenient.ended, Ended::Exited(0), "best effort is no reason not to run: {lenient:?}");
        let achieved = lenient.sandbox.get(&measure).expect("what was asked for is reported");
        let full = matches!(achieved, Achieved::Full(_));
        match &strict.ended {
            Ended::Exited(0) => assert!(full, "{measure:?} is missing, and it ran: {strict:?}"),
            Ended::NotStarted(Refusal::Sandbox(_)) => {
                assert!(!full, "{measure:?} can be had, and it did not run");
            }
            other => panic!("{measure:?}: {other:?}"),
        }
    }
}

fn run(executor: &dyn Executor, folder: &Folder, command: Command, stop: &Stop) -> (Execution, Heard) {
    let pins = pins(&command, folder.path(), &[]);
    execute(executor, permit(command, pins), stop)
}

fn touch(name: &str) -> Command {
    Command::argv(["touch", name])
}

/// A directory of its own for a check.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("guardrail-conformance-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn has(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        let _ = fs::remove_file(&path);
        fs::write(&path, format!("#!{SHELL}\n{text}\n")).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
