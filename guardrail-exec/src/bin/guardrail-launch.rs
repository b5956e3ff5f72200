//! The launcher as a program of its own, for those whose `main` is not theirs to change.

fn main() {
    #[cfg(target_os = "linux")]
    guardrail_exec::launch_if_asked();
    eprintln!("this program only starts commands for guardrail, and is of no use by itself");
    std::process::exit(2);
}
