//! Every executor of this crate under the suite, as far as it applies.

use guardrail_exec::{Answer, RecordingExecutor, ScriptedExecutor, conformance};

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
