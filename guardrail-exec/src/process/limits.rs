//! How much a command may use, and in which of the kernel's units.

use guardrail_core::plan::StepLimits;
use rustix::process::{Resource, Rlimit, getrlimit};

use super::proc;

/// What holds where a plan says nothing, and the most that a plan can have: an hour, 16 MiB of
/// output, 4,096 processes and threads, five seconds between asking a command to end and killing it.
pub const DEFAULT_LIMITS: StepLimits = StepLimits {
    wall_seconds: Some(60 * 60),
    cpu_seconds: None,
    memory_bytes: None,
    processes: Some(4096),
    open_files: None,
    file_bytes: None,
    output_bytes: Some(16 << 20),
    grace_seconds: Some(5),
};

/// The stricter of both, one by one.
pub(super) fn stricter(one: &StepLimits, other: &StepLimits) -> StepLimits {
    let least = |one: Option<u64>, other: Option<u64>| match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    StepLimits {
        wall_seconds: least(one.wall_seconds, other.wall_seconds),
        cpu_seconds: least(one.cpu_seconds, other.cpu_seconds),
        memory_bytes: least(one.memory_bytes, other.memory_bytes),
        processes: least(one.processes, other.processes),
        open_files: least(one.open_files, other.open_files),
        file_bytes: least(one.file_bytes, other.file_bytes),
        output_bytes: least(one.output_bytes, other.output_bytes),
        grace_seconds: least(one.grace_seconds, other.grace_seconds),
    }
}

/// The limits that the kernel holds for each process. `asked` are those that the command itself
/// names.
pub(super) fn of_each_process(limits: &StepLimits, asked: &StepLimits) -> Vec<(Resource, Rlimit)> {
    let mut all = Vec::new();
    let mut set = |resource: Resource, current: u64, maximum: u64| {
        // What this process may not have itself it cannot give.
        let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let (current, maximum) = (current.min(most), maximum.min(most));
        all.push((resource, Rlimit { current: Some(current), maximum: Some(maximum) }));
    };
    // A core holds secrets.
    set(Resource::Core, 0, 0);
    if let Some(seconds) = limits.cpu_seconds {
        // First a signal that says why, then the end.
        set(Resource::Cpu, seconds, seconds.saturating_add(1));
    }
    if let Some(bytes) = limits.memory_bytes {
        // What it can write to. Address space that is only set aside costs nothing, and some
        // programs set aside a great deal.
        set(Resource::Data, bytes, bytes);
    }
    if let Some(files) = limits.open_files {
        set(Resource::Nofile, files, files);
    }
    if let Some(processes) = asked.processes
        && !rustix::process::geteuid().is_root()
    {
        // The kernel counts those of an account, and root's not at all.
        let most = processes.saturating_add(of_this_account());
        set(Resource::Nproc, most, most);
    }
    if let Some(bytes) = limits.file_bytes {
        set(Resource::Fsize, bytes, bytes);
    }
    all
}

/// How many threads the account has that this process runs as.
fn of_this_account() -> u64 {
    let own = rustix::process::getuid().as_raw();
    let of_own = |pid: &rustix::process::Pid| {
        let entry = std::fs::metadata(format!("/proc/{}", pid.as_raw_nonzero()));
        entry.is_ok_and(|entry| std::os::unix::fs::MetadataExt::uid(&entry) == own)
    };
    proc::all().into_iter().filter(of_own).filter_map(proc::seen).map(|seen| seen.threads).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_wins_one_by_one() {
        let plan = StepLimits { wall_seconds: Some(5), cpu_seconds: Some(7), ..StepLimits::default() };
        let both = stricter(&plan, &DEFAULT_LIMITS);
        assert_eq!((both.wall_seconds, both.cpu_seconds, both.grace_seconds), (Some(5), Some(7), Some(5)));
        let greedy = StepLimits { wall_seconds: Some(u64::MAX), ..StepLimits::default() };
        assert_eq!(stricter(&greedy, &DEFAULT_LIMITS).wall_seconds, DEFAULT_LIMITS.wall_seconds);
    }
}
