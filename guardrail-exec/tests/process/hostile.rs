//! Commands that do not want to end, and that want to take something with them.

use std::fs;
use std::future::Future as _;
use std::os::fd::AsRawFd as _;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use guardrail_core::plan::{
    Achieved, Ended, Execution, Executor as _, Limit, Measure, NoOutput, StepLimits, Stop, StopLevel,
};
use guardrail_exec::conformance::{execute, wait};
use guardrail_exec::survivors;

use crate::bench::{BOTH, Bench, executor, limits, until};

fn benches() -> impl Iterator<Item = Bench> {
    BOTH.into_iter().map(|tracking| Bench::with(executor().tracking(tracking)))
}

#[track_caller]
fn over(execution: &Execution, limit: Limit) {
    assert_eq!(execution.ended, Ended::OverLimit(limit), "{execution:?}");
}

#[test]
fn one_that_ignores_what_it_is_asked() {
    for bench in benches() {
        let command =
            bench.shell("trap '' TERM HUP INT QUIT; while :; do sleep 1; done").limits(limits(1, 1));
        over(&bench.run(command), Limit::Wall);
        bench.nothing_runs();
    }
}

#[test]
fn one_that_takes_a_session_of_its_own() {
    for bench in benches() {
        let source =
            "setsid sh -c 'trap \"\" TERM HUP; (setsid sleep 601 &) ; sleep 600' & sleep 0.3; exit 4";
        let execution = bench.run(bench.shell(source).limits(limits(60, 1)));
        assert_eq!(execution.ended, Ended::Exited(4), "{execution:?}");
        assert!(execution.left.iter().any(|left| left.contains("left processes running")), "{execution:?}");
        bench.nothing_runs();
    }
}

#[test]
fn one_that_stops_itself() {
    for bench in benches() {
        over(&bench.run(bench.shell("kill -STOP $$").limits(limits(1, 1))), Limit::Wall);
        let source = "sh -c 'trap \"\" TERM; kill -STOP $$' & wait";
        over(&bench.run(bench.shell(source).limits(limits(1, 1))), Limit::Wall);
        bench.nothing_runs();
    }
}

#[test]
fn one_that_closes_its_descriptors() {
    for bench in benches() {
        let command = bench.shell("exec <&- >&- 2>&-; sleep 600").limits(limits(1, 1));
        over(&bench.run(command), Limit::Wall);
        bench.nothing_runs();
    }
}

#[test]
fn one_that_floods_both_streams_and_does_not_listen() {
    for bench in benches() {
        let limits = StepLimits { output_bytes: Some(1 << 20), ..limits(60, 1) };
        let command = bench.shell("trap '' TERM PIPE; yes >&2 & yes").limits(limits);
        let (execution, heard) = bench.heard(command);
        over(&execution, Limit::Output);
        let most = 4 << 20;
        assert!(heard.stdout.len() + heard.stderr.len() < most, "it was all handed on");
        assert!(execution.stdout.cut || execution.stderr.cut);
        bench.nothing_runs();
    }
}

#[test]
fn one_that_forks_for_ever() {
    for bench in benches() {
        // Each starts the next in a session of its own, and ends.
        bench.file("next", b"#!/bin/sh\nsetsid \"$0\" >/dev/null 2>&1 &\n", 0o755);
        let execution = bench.run(bench.argv(["./next"]).limits(limits(1, 1)));
        assert!(!execution.left.is_empty(), "{execution:?}");
        bench.nothing_runs();
    }
}

#[test]
fn the_others_are_left_alone() {
    // A child of this process that no command started, and an orphan of it.
    let stranger = Bench::new();
    let mut child = std::process::Command::new("sh")
        .args(["-c", "sleep 300 & echo; wait"])
        .env("SEEN_BY", &stranger.mark)
        .spawn()
        .unwrap();
    until(|| stranger.running().len() == 2);
    for bench in benches() {
        let command = bench.shell("(trap '' TERM; sleep 600) & sleep 600").limits(limits(1, 1));
        over(&bench.run(command), Limit::Wall);
        bench.nothing_runs();
        assert_eq!(stranger.running().len(), 2, "somebody else's process was ended");
    }
    let _ = child.kill();
    child.wait().unwrap();
    for line in stranger.running() {
        let pid = line.split([' ', '/']).nth(2).unwrap().to_owned();
        std::process::Command::new("kill").arg(pid).status().unwrap();
    }
}

#[test]
fn an_emergency_stop_waits_for_nothing() {
    for bench in benches() {
        let command =
            bench.shell("trap '' TERM; echo up; (setsid sleep 600 &); sleep 600").limits(limits(600, 600));
        let stop = Stop::new();
        let permit = bench.permit(command, &[]);
        std::thread::scope(|scope| {
            let (bench, stop) = (&bench, &stop);
            scope.spawn(move || {
                until(|| bench.running().len() >= 2);
                stop.request(StopLevel::End);
                std::thread::sleep(Duration::from_millis(300));
                stop.request(StopLevel::Kill);
            });
            let (execution, heard) = execute(&bench.executor, permit, stop);
            assert_eq!((execution.ended, heard.stdout.as_slice()), (Ended::Stopped, &b"up\n"[..]));
        });
        bench.nothing_runs();
    }
}

#[test]
fn one_that_ends_when_asked_is_not_killed() {
    for bench in benches() {
        let command = bench.shell("trap 'echo tidy; exit 0' TERM; echo up; while :; do sleep 0.1; done");
        let stop = Stop::new();
        let permit = bench.permit(command.limits(limits(600, 600)), &[]);
        std::thread::scope(|scope| {
            let (bench, stop) = (&bench, &stop);
            scope.spawn(move || {
                until(|| bench.running().len() >= 2);
                stop.request(StopLevel::End);
            });
            let (execution, _) = execute(&bench.executor, permit, stop);
            assert_eq!((execution.ended, execution.stdout.text.as_str()), (Ended::Stopped, "up\ntidy\n"));
        });
    }
}

#[test]
fn one_that_nobody_waits_for_any_more() {
    for bench in benches() {
        let permit = bench.permit(bench.shell("trap '' TERM; sleep 600"), &[]);
        let id = permit.id();
        let mut sink = NoOutput;
        let stop = Stop::new();
        {
            let mut running = pin!(bench.executor.execute(permit, &mut sink, &stop));
            assert!(running.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            until(|| !bench.running().is_empty());
            until(|| !survivors(id).is_empty());
        }
        // Somebody who is ending has no environment any more, and still stands in the table.
        until(|| bench.running().is_empty() && survivors(id).is_empty());
    }
}

#[test]
fn nothing_of_this_process_is_open_in_it() {
    let bench = Bench::new();
    bench.file("private", b"private", 0o600);
    let file = fs::File::open(bench.at("private")).unwrap();
    // As a library in C would have opened it: a new program inherits it.
    let leaking = rustix::io::dup(&file).unwrap();
    let bare = std::process::Command::new("ls").arg("/proc/self/fd").output().unwrap();
    let number = leaking.as_raw_fd().to_string();
    let names = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert!(names(std::str::from_utf8(&bare.stdout).unwrap()).contains(&number), "the test leaks nothing");
    let execution = bench.run(bench.argv(["ls", "/proc/self/fd"]));
    assert_eq!(names(&execution.stdout.text), ["0", "1", "2", "3"], "the last is the listing itself");
    // It is closed there and not here.
    assert!(rustix::fs::fstat(&leaking).is_ok());
    let execution = bench.run(bench.argv(["readlink", "/proc/self/fd/0"]));
    assert_eq!(execution.stdout.text, "/dev/null\n");
}

#[test]
fn many_at_once_keep_apart() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        for number in 0..12 {
            let bench = &bench;
            scope.spawn(move || {
                let source = format!("(sleep {number}.600 &) ; sleep 0.{number}; echo {number}");
                let command = bench.shell(&source).limits(limits(60, 1));
                let permit = bench.permit(command, &[]);
                let mut heard = guardrail_exec::conformance::Heard::default();
                let execution = wait(bench.executor.execute(permit, &mut heard, &Stop::new()));
                assert_eq!(execution.ended, Ended::Exited(0), "{execution:?}");
                assert_eq!(execution.stdout.text, format!("{number}\n"));
                assert!(!matches!(execution.sandbox[&Measure::WholeTree], Achieved::Missing(_)));
            });
        }
    });
    bench.nothing_runs();
}
