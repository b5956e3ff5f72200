//! What is kept out of reach, by commands that reach for it.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;

use guardrail_core::plan::{Achieved, Command, Ended, Execution, FileAccess, Measure, Refusal, Sandbox};

use guardrail_exec::ProcessExecutor;

use crate::bench::Bench;

/// Runs it where the kernel has what it takes, and says so where it has not.
fn confined(bench: &Bench, command: Command, sandbox: Sandbox) -> Option<Execution> {
    let execution = bench.run(command.sandbox(sandbox));
    if let Ended::NotStarted(Refusal::Sandbox(why)) = &execution.ended {
        println!("SKIPPED: this kernel cannot do it: {why}");
        return None;
    }
    Some(execution)
}

#[test]
fn the_network() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let speak = || bench.argv(["bash", "-c", &format!("echo secret >/dev/tcp/127.0.0.1/{port}")]);
    assert!(bench.run(speak()).succeeded());
    let mut text = String::new();
    listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
    assert_eq!(text, "secret\n");
    listener.set_nonblocking(true).unwrap();
    let sandbox = Sandbox { no_network: true, ..Sandbox::default() };
    let Some(execution) = confined(&bench, speak(), sandbox.clone()) else { return };
    assert!(matches!(execution.ended, Ended::Exited(status) if status != 0), "{execution:?}");
    assert!(listener.accept().is_err(), "it got through");
    for measure in [Measure::NoNetwork, Measure::NoNewPrivileges] {
        assert!(matches!(execution.sandbox[&measure], Achieved::Full(_)), "{execution:?}");
    }
    // Pipes and all that stays inside go on working.
    let execution = confined(&bench, bench.shell("seq 3 | tail -1"), sandbox).unwrap();
    assert_eq!(execution.stdout.text, "3\n");
}

#[test]
fn local_services_that_would_speak_for_it() {
    let bench = Bench::new();
    let path = bench.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let source = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\nprint('in')";
    let command = || Command::argv(["/usr/bin/python3", "-c", source, path.to_str().unwrap()]);
    if !std::path::Path::new("/usr/bin/python3").exists() {
        println!("SKIPPED: there is no /usr/bin/python3");
        return;
    }
    assert_eq!(bench.run(command()).stdout.text, "in\n");
    let Some(execution) = confined(&bench, command(), Sandbox { no_network: true, ..Sandbox::default() })
    else {
        return;
    };
    assert!(!execution.succeeded(), "{execution:?}");
}

#[test]
fn files() {
    let bench = Bench::new();
    for folder in ["mine", "readable", "other"] {
        fs::create_dir(bench.at(folder)).unwrap();
        fs::write(bench.at(&format!("{folder}/file")), folder).unwrap();
    }
    let access = FileAccess { read: vec![bench.at("readable")], write: vec![bench.at("mine")] };
    let sandbox = Sandbox { files: Some(access), ..Sandbox::default() };
    let source = "
        cat readable/file && cat mine/file && echo new >mine/new && echo allowed
        cat other/file && echo read
        echo x >readable/file && echo written
        echo x >>other/file && echo appended
        rm other/file && echo removed
        ls other && echo listed
        mv mine/new other/new && echo moved
        cat /etc/shadow /root/.profile && echo stolen
        : >other/file && echo emptied
        true
    ";
    let Some(execution) = confined(&bench, bench.shell(source), sandbox) else { return };
    assert_eq!(execution.stdout.text, "readablemineallowed\n", "{execution:?}");
    assert_eq!(fs::read_to_string(bench.at("other/file")).unwrap(), "other");
    assert_eq!(fs::read_to_string(bench.at("readable/file")).unwrap(), "readable");
    assert!(matches!(execution.sandbox[&Measure::Files], Achieved::Full(_)));
}

#[test]
fn system_calls() {
    let bench = Bench::new();
    fs::create_dir(bench.at("mounted")).unwrap();
    let source = "
        mount -t tmpfs none mounted && echo mounted
        unshare -r true && echo unshared
        unshare -n true && echo unshared
        chroot . true && echo moved
        true
    ";
    let sandbox = Sandbox { system_calls: true, ..Sandbox::default() };
    let Some(execution) = confined(&bench, bench.shell(source), sandbox) else { return };
    assert_eq!(
        (execution.ended, execution.stdout.text.as_str()),
        (Ended::Exited(0), ""),
        "{:?}",
        execution.stderr
    );
    // What ordinary tools do goes on working: processes, threads, pipes, signals.
    let sandbox = Sandbox { system_calls: true, ..Sandbox::default() };
    let ordinary = "seq 100 | sort --parallel=2 | tail -1; sleep 0.01 & kill $!; wait; date >/dev/null; id -u >/dev/null";
    let execution = confined(&bench, bench.shell(ordinary), sandbox).unwrap();
    assert_eq!(execution.stdout.text, "99\n", "{execution:?}");
}

#[test]
fn this_process() {
    let bench = Bench::new();
    // Since Linux 6.12 root may read this of everybody (`CAP_PERFMON`), whatever else holds.
    let mut source = "kill -0 $PPID && echo signalled; head -c1 /proc/$PPID/mem; true".to_owned();
    if rustix::process::geteuid().is_root() {
        println!("SKIPPED: root may read the environment of every process");
    } else {
        source.push_str("; cat /proc/$PPID/environ && echo read; true");
    }
    let source = source.as_str();
    assert!(bench.run(bench.shell(source)).stdout.text.contains("signalled"));
    for sandbox in [
        Sandbox { no_network: true, ..Sandbox::default() },
        Sandbox { system_calls: true, ..Sandbox::default() },
    ] {
        let Some(execution) = confined(&bench, bench.shell(source), sandbox) else { return };
        assert_eq!(execution.stdout.text, "", "{execution:?}");
    }
}

#[test]
fn it_gains_no_rights() {
    let bench = Bench::new();
    let source = "grep NoNewPrivs /proc/self/status";
    let free = bench.run(bench.shell(source));
    assert!(free.stdout.text.ends_with("0\n"), "what nobody asked for would break `sudo`: {free:?}");
    let sandbox = Sandbox { system_calls: true, ..Sandbox::default() };
    let Some(execution) = confined(&bench, bench.shell(source), sandbox) else { return };
    assert!(execution.stdout.text.ends_with("1\n"), "{execution:?}");
    // The rules are of the command and not of this process.
    let own = fs::read_to_string("/proc/thread-self/status").unwrap();
    assert!(own.contains("NoNewPrivs:\t0"));
}

#[test]
fn root() {
    let bench = Bench::new();
    let sandbox = Sandbox { non_root: true, ..Sandbox::default() };
    let execution = bench.run(bench.argv(["true"]).sandbox(sandbox.clone()));
    if rustix::process::geteuid().is_root() {
        assert!(matches!(execution.ended, Ended::NotStarted(Refusal::Sandbox(_))), "{execution:?}");
        let lenient = Sandbox { best_effort: true, ..sandbox };
        let execution = bench.run(bench.argv(["true"]).sandbox(lenient));
        assert!(matches!(execution.sandbox[&Measure::NonRoot], Achieved::Missing(_)), "{execution:?}");
        assert!(execution.succeeded());
    } else {
        assert!(execution.succeeded(), "{execution:?}");
    }
}

#[test]
fn no_signal_is_blocked_whoever_starts_it() {
    for bench in [Bench::new(), Bench::with(ProcessExecutor::new())] {
        let execution = bench.run(bench.argv(["grep", "SigBlk", "/proc/self/status"]));
        assert_eq!(execution.stdout.text, "SigBlk:\t0000000000000000\n", "{execution:?}");
    }
}
