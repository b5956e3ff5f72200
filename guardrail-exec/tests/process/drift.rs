//! What changes between the approval and the start is caught, and nothing runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use guardrail_core::plan::{Achieved, Command, Ended, Execution, FileRole, Measure, Refusal};
use guardrail_exec::Sealing;
use guardrail_exec::conformance::{permit, pins};

use crate::bench::{Bench, executor, program};

#[track_caller]
fn refused(execution: &Execution, why: &str) {
    let Ended::NotStarted(Refusal::Drift(reasons)) = &execution.ended else { panic!("{execution:?}") };
    assert!(reasons.iter().any(|reason| reason.contains(why)), "{reasons:?}");
}

/// Approves a command, changes something, and runs it.
fn after(bench: &Bench, command: Command, code: &[&str], change: impl FnOnce(&Bench)) -> Execution {
    let permit = bench.permit(command, code);
    change(bench);
    let execution = bench.execute(permit);
    assert!(!bench.has("ran"), "something ran: {execution:?}");
    execution
}

#[test]
fn a_program_that_was_swapped() {
    let bench = Bench::new();
    let approve = || bench.file("tool", &program("true"), 0o755);
    let tool = || bench.argv(["./tool"]);
    approve();
    assert!(bench.execute(bench.permit(tool(), &[])).succeeded());
    let other = |mode| move |bench: &Bench| bench.file("tool", b"#!/bin/sh\ntouch ran\n", mode);
    refused(&after(&bench, tool(), &[], other(0o755)), "has changed");
    approve();
    refused(
        &after(&bench, tool(), &[], |bench| fs::remove_file(bench.at("tool")).unwrap()),
        "no longer there",
    );
    approve();
    refused(
        &after(&bench, tool(), &[], |bench| {
            fs::remove_file(bench.at("tool")).unwrap();
            fs::create_dir(bench.at("tool")).unwrap();
        }),
        "no longer a file",
    );
    fs::remove_dir(bench.at("tool")).unwrap();
    approve();
    // A pipe in its place would hold up whoever opens it.
    let fifo = after(&bench, tool(), &[], |bench| {
        fs::remove_file(bench.at("tool")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(bench.at("tool")).status().unwrap();
        assert!(made.success());
    });
    refused(&fifo, "no longer a file");
}

#[test]
fn a_symbolic_link_that_points_elsewhere() {
    let bench = Bench::new();
    bench.file("good", &program("true"), 0o755);
    // The same bytes at another place are another program all the same.
    bench.file("evil", &program("true"), 0o755);
    let point = |to: &str| {
        let _ = fs::remove_file(bench.at("link"));
        symlink(bench.at(to), bench.at("link")).unwrap();
    };
    point("good");
    let execution = after(&bench, bench.argv(["./link"]), &[], |_| point("evil"));
    refused(&execution, "is now");
}

#[test]
fn a_program_that_comes_before_on_the_path() {
    let bench = Bench::new();
    fs::create_dir(bench.at("bin")).unwrap();
    let path = format!("{}:/usr/bin:/bin", bench.at("bin"));
    let command = bench.argv(["true"]).environment("PATH", path);
    let execution =
        after(&bench, command, &[], |bench| bench.file("bin/true", b"#!/bin/sh\ntouch ran\n", 0o755));
    refused(&execution, "is now");
}

#[test]
fn a_script_that_was_rewritten() {
    let bench = Bench::new();
    bench.file("deploy.sh", b"true\n", 0o644);
    let command = bench.argv(["sh", "deploy.sh"]);
    let execution = bench.execute(bench.permit(command.clone(), &["deploy.sh"]));
    assert!(execution.succeeded(), "{execution:?}");
    assert!(matches!(execution.sandbox[&Measure::SealedScript], Achieved::Partial(_)), "it is writable");
    let execution =
        after(&bench, command, &["deploy.sh"], |bench| bench.file("deploy.sh", b"touch ran\n", 0o644));
    refused(&execution, "deploy.sh has changed");
}

#[test]
fn a_document_that_was_rewritten() {
    let bench = Bench::new();
    bench.file("a.yaml", b"kind: ConfigMap\n", 0o644);
    let command = bench.argv(["cp", "a.yaml", "ran"]);
    let approved = || {
        let mut pins = pins(&command, &bench.path(), &["a.yaml"]);
        pins.files.last_mut().unwrap().role = FileRole::Document;
        permit(command.clone(), pins)
    };
    let permit = approved();
    bench.file("a.yaml", b"kind: ClusterRole\n", 0o644);
    refused(&bench.execute(permit), "a.yaml has changed");
    assert!(!bench.has("ran"));
    assert!(bench.execute(approved()).succeeded() && bench.has("ran"));
}

#[test]
fn a_variable_that_changed() {
    let bench = Bench::new();
    let command = bench.argv(["true"]).inherit("HOME").inherit("NO_SUCH_VARIABLE");
    let pinned = pins(&command, &bench.path(), &[]);
    assert!(bench.execute(permit(command.clone(), pinned.clone())).succeeded());
    for (name, value, why) in [
        ("HOME", Some("another"), "HOME has changed"),
        ("HOME", None, "HOME has changed"),
        ("NO_SUCH_VARIABLE", Some("was there"), "NO_SUCH_VARIABLE is gone"),
        ("SEEN_BY", Some("another"), "SEEN_BY is not as the command sets it"),
    ] {
        let mut pinned = pinned.clone();
        match value {
            Some(value) => drop(pinned.environment.insert(name.to_owned(), value.to_owned())),
            None => drop(pinned.environment.remove(name)),
        }
        refused(&bench.execute(permit(command.clone(), pinned)), why);
    }
}

#[test]
fn a_directory_that_was_swapped() {
    let bench = Bench::new();
    let (here, there, link) =
        (bench.path().join("here"), bench.path().join("there"), bench.path().join("link"));
    fs::create_dir(&here).unwrap();
    let command = bench.shell("touch ran");
    let approved = || permit(command.clone(), pins(&command, &here, &[]));
    let first = approved();
    fs::rename(&here, &there).unwrap();
    refused(&bench.execute(first), "here");
    fs::create_dir(&here).unwrap();
    let second = approved();
    fs::remove_dir(&here).unwrap();
    fs::rename(&there, &here).unwrap();
    refused(&bench.execute(second), "another directory");
    fs::create_dir(&there).unwrap();
    symlink(&here, &link).unwrap();
    let third = permit(command.clone(), pins(&command, &link, &[]));
    fs::remove_file(&link).unwrap();
    symlink(&there, &link).unwrap();
    refused(&bench.execute(third), "is now");
    assert!(!here.join("ran").exists() && !there.join("ran").exists());
}

#[test]
fn what_runs_is_what_was_compared_however_fast_it_is_swapped() {
    let bench = Bench::new();
    bench.file("good", &program("true"), 0o755);
    bench.file("evil", &program("false"), 0o755);
    bench.file("tool", &program("true"), 0o755);
    let stop = AtomicBool::new(false);
    let (mut ran, mut caught) = (0, 0);
    std::thread::scope(|scope| {
        let _over = Over(&stop);
        scope.spawn(|| {
            for turn in 0_u32.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let from = if turn % 2 == 0 { "evil" } else { "good" };
                fs::copy(bench.at(from), bench.at("new")).unwrap();
                fs::rename(bench.at("new"), bench.at("tool")).unwrap();
            }
        });
        let good = guardrail_core::plan::Digest::of_content(&program("true"));
        while ran < 20 || caught < 20 {
            let command = bench.argv(["./tool"]);
            let mut pinned = pins(&command, &bench.path(), &[]);
            pinned.files[0].digest = good;
            match bench.execute(permit(command, pinned)).ended {
                Ended::Exited(0) => ran += 1,
                Ended::NotStarted(Refusal::Drift(_)) => caught += 1,
                other => panic!("after {ran} runs and {caught} refusals: {other:?}"),
            }
        }
    });
}

/// Ends the other thread, however this one ends.
struct Over<'o>(&'o AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_others_may_write_to_runs_from_a_sealed_copy() {
    let bench = Bench::new();
    bench.file("tool", &program("readlink"), 0o777);
    let execution = bench.run(bench.argv(["./tool", "/proc/self/exe"]));
    assert_eq!(execution.stdout.text, "/memfd:guardrail (deleted)\n", "{execution:?}");
    assert!(matches!(execution.sandbox[&Measure::SealedProgram], Achieved::Full(_)));
    // A program of the system's runs from its file, and says so.
    let execution = bench.run(bench.argv(["readlink", "/proc/self/exe"]));
    assert!(execution.stdout.text.ends_with("bin/readlink\n") || execution.stdout.text.contains("coreutils"));
    let strict = Bench::with(executor().sealing(Sealing::Always));
    let execution = strict.run(strict.argv(["readlink", "/proc/self/exe"]));
    assert_eq!(execution.stdout.text, "/memfd:guardrail (deleted)\n", "{execution:?}");
    // A program with rights of its own would lose them.
    bench.file("suid", &program("true"), 0o4777);
    assert!(matches!(
        bench.run(bench.argv(["./suid"])).sandbox[&Measure::SealedProgram],
        Achieved::Partial(_)
    ));
    strict.file("suid", &program("true"), 0o4777);
    refused(&strict.run(strict.argv(["./suid"])), "rights of its own");
}

#[test]
fn a_program_knows_itself_by_the_name_that_was_approved() {
    let bench = Bench::new();
    let execution = bench.run(bench.shell("echo \"$0\""));
    assert_eq!(execution.stdout.text, "/bin/sh\n");
    bench.file("script", b"#!/bin/sh\necho \"$0\" \"$1\"\n", 0o755);
    let execution = bench.run(bench.argv(["./script", "x"]));
    assert_eq!(execution.stdout.text, format!("{} x\n", bench.at("script")));
    // Longer than any one argument may be.
    let long = format!("{}\necho done", "# filler\n".repeat(20_000));
    let execution = bench.run(bench.shell(&long));
    assert_eq!(execution.stdout.text, "done\n", "{:?}", execution.ended);
}

#[test]
fn a_script_is_called_by_the_name_that_was_approved() {
    let bench = Bench::new();
    bench.file("wrapper", b"#!/bin/sh\necho \"${0##*/}\"\n", 0o755);
    symlink("wrapper", bench.at("tool")).unwrap();
    let execution = bench.run(bench.argv(["./tool"]));
    assert_eq!(execution.stdout.text, "tool\n", "{execution:?}");
}
