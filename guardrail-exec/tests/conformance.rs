//! Every executor of this crate under the suite, as far as it applies.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use guardrail_core::plan::{Command, Ended, Slot, Stop, StopLevel};
use guardrail_exec::{Answer, DryRunExecutor, RecordingExecutor, ScriptedExecutor, conformance};

#[test]
fn recording() {
    conformance::any_executor(&|| Box::new(RecordingExecutor::new()));
}

#[test]
fn scripted() {
    conformance::any_executor(&|| Box::new(ScriptedExecutor::new()));
    conformance::any_executor(&|| {
        Box::new(ScriptedExecutor::new().then(Answer::exit(0).stdout("out\n").stderr("err\n")))
    });
}

#[test]
fn dry_run() {
    conformance::any_executor(&|| Box::new(DryRunExecutor::over(RecordingExecutor::new())));
}

#[test]
fn in_a_dry_run_nothing_is_done() {
    let executor = DryRunExecutor::over(RecordingExecutor::new());
    let command = Command::argv(["rm", "-rf", "build"]);
    let permit = conformance::permit(command.clone(), conformance::pins(&command, "/".as_ref(), &[]));
    let (execution, _) = conformance::execute(&executor, permit, &Stop::new());
    let Ended::NotStarted(refusal) = execution.ended else { panic!("{execution:?}") };
    assert_eq!(refusal.to_string(), "not run here: this is a dry run, and step 1 would be the real thing");
    assert!(executor.inner().ran().is_empty());
}

#[test]
fn a_script_answers_in_its_order_and_no_more() {
    let executor = ScriptedExecutor::new()
        .then(Answer::exit(3).stdout("first"))
        .at(Slot::action(1), Answer::ended(Ended::Lost("gone".into())))
        .then(Answer::endless());
    let command = Command::argv(["deploy"]);
    let run = |stop: &Stop| {
        let permit = conformance::permit(command.clone(), conformance::pins(&command, "/".as_ref(), &[]));
        conformance::execute(&executor, permit, stop).0
    };
    assert_eq!(run(&Stop::new()).ended, Ended::Lost("gone".into()), "its own answer comes first");
    let second = run(&Stop::new());
    assert_eq!((second.ended, second.stdout.text.as_str()), (Ended::Exited(3), "first"));
    let stop = Stop::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while executor.left() > 0 {
                std::thread::yield_now();
            }
            stop.request(StopLevel::End);
        });
        assert_eq!(run(&stop).ended, Ended::Stopped);
    });
    assert!(matches!(run(&Stop::new()).ended, Ended::NotStarted(_)), "nothing is left to answer");
    assert_eq!(executor.ran().len(), 4);
}

#[cfg(target_os = "linux")]
#[test]
fn processes() {
    use guardrail_exec::{ProcessExecutor, Sealing, Tracking};
    let launcher = env!("CARGO_BIN_EXE_guardrail-launch");
    conformance::process_executor(&|| Box::new(ProcessExecutor::new()));
    conformance::process_executor(&|| Box::new(ProcessExecutor::new().launcher(launcher)));
    let strict = || ProcessExecutor::new().launcher(launcher).sealing(Sealing::Always);
    conformance::process_executor(&|| Box::new(strict().tracking(Tracking::Descent)));
}
