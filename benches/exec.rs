//! What a guarded run costs over a bare spawn of `true`, side by side.

fn main() {
    #[cfg(target_os = "linux")]
    {
        guardrail_exec::launch_if_asked();
        divan::main();
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;
    use std::process::{Command as Process, Stdio};

    use divan::Bencher;
    use guardrail_core::plan::{Command, Executor, NoOutput, Permit, Sandbox, Stop};
    use guardrail_exec::conformance::{PATH, permit, pins, wait};
    use guardrail_exec::{ProcessExecutor, Sealing, Tracking};

    const SAMPLES: u32 = 500;

    #[divan::bench(sample_count = SAMPLES, sample_size = 1)]
    fn bare() -> bool {
        let mut command = Process::new("true");
        command.env_clear().env("PATH", PATH).stdin(Stdio::null());
        command.output().is_ok_and(|output| output.status.success())
    }

    fn approved(sandbox: Sandbox) -> Permit {
        let command = Command::argv(["true"]).sandbox(sandbox);
        let pins = pins(&command, Path::new("/"), &[]);
        permit(command, pins)
    }

    fn run(bencher: Bencher<'_, '_>, executor: &ProcessExecutor, sandbox: &Sandbox) {
        let stop = Stop::new();
        bencher.with_inputs(|| approved(sandbox.clone())).bench_local_values(|permit| {
            let execution = wait(executor.execute(permit, &mut NoOutput, &stop));
            assert!(execution.succeeded(), "{execution:?}");
        });
    }

    fn launched() -> ProcessExecutor {
        ProcessExecutor::new()
    }

    #[divan::bench(sample_count = SAMPLES, sample_size = 1)]
    fn guarded(bencher: Bencher<'_, '_>) {
        run(bencher, &launched(), &Sandbox::default());
    }

    #[divan::bench(sample_count = SAMPLES, sample_size = 1)]
    fn guarded_without_control_group(bencher: Bencher<'_, '_>) {
        run(bencher, &launched().tracking(Tracking::Descent), &Sandbox::default());
    }

    #[divan::bench(sample_count = SAMPLES, sample_size = 1)]
    fn guarded_without_launcher(bencher: Bencher<'_, '_>) {
        let executor = launched().tracking(Tracking::Descent).without_launcher();
        run(bencher, &executor, &Sandbox::default());
    }

    #[divan::bench(sample_count = SAMPLES, sample_size = 1)]
    fn guarded_from_a_sealed_copy(bencher: Bencher<'_, '_>) {
        run(bencher, &launched().sealing(Sealing::Always), &Sandbox::default());
    }

    #[divan::bench(sample_count = SAMPLES, sample_size = 1)]
    fn guarded_in_a_sandbox(bencher: Bencher<'_, '_>) {
        let sandbox = Sandbox {
            no_network: true,
            system_calls: true,
            files: Some(Default::default()),
            best_effort: true,
            ..Sandbox::default()
        };
        run(bencher, &launched(), &sandbox);
    }
}
