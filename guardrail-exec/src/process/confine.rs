//! What is kept out of a command's reach: rules that the kernel holds for the thread that starts it,
//! and for everything that comes of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use guardrail_core::plan::{Achieved, FileAccess, Measure, Refusal, Sandbox};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, LandlockStatus, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

/// What was asked for, and what was achieved.
pub(super) type Report = BTreeMap<Measure, Achieved>;

/// What every program needs to read: the system's programs and libraries, and what they look up to
/// know where they are.
const SYSTEM: [&str; 33] = [
    "/bin",
    "/sbin",
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc",
    "/nix/store",
    "/sys/devices/system/cpu",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/debian_version",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/locale.alias",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
];

/// Devices that hold nothing.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Restricts the calling thread and all that it starts from now on.
///
/// `code` are files that have to stay readable: the program and what it was approved to read.
///
/// # Errors
///
/// [`Refusal::Sandbox`] where something that was asked for cannot be had, and the permit does not
/// say that this is to be lived with.
pub(super) fn confine(sandbox: &Sandbox, code: &[PathBuf]) -> Result<Report, Refusal> {
    let mut report = Report::new();
    if sandbox.non_root {
        let achieved = if rustix::process::geteuid().is_root() || rustix::process::getuid().is_root() {
            Achieved::Missing("this process runs as root, and so would the command".to_owned())
        } else {
            Achieved::Full("it runs as this process does, which is not root".to_owned())
        };
        report.insert(Measure::NonRoot, achieved);
    }
    if sandbox.no_network || sandbox.system_calls || sandbox.files.is_some() || sandbox.non_root {
        report.insert(Measure::NoNewPrivileges, no_new_privileges());
    }
    if sandbox.no_network || sandbox.system_calls || sandbox.files.is_some() {
        let status = landlock(sandbox, code);
        if sandbox.files.is_some() {
            report.insert(Measure::Files, files(status));
        }
        let achieved = filter(sandbox);
        if sandbox.no_network {
            report.insert(Measure::NoNetwork, achieved.clone());
        }
        if sandbox.system_calls {
            report.insert(Measure::SystemCalls, achieved);
        }
    }
    if !sandbox.best_effort {
        let unmet = report.iter().find_map(|(measure, achieved)| match achieved {
            Achieved::Missing(why) | Achieved::Partial(why) => Some(format!("{}: {why}", name(*measure))),
            Achieved::Full(_) => None,
        });
        if let Some(unmet) = unmet {
            return Err(Refusal::Sandbox(unmet));
        }
    }
    Ok(report)
}

fn name(measure: Measure) -> &'static str {
    match measure {
        Measure::NoNewPrivileges => "no new privileges",
        Measure::Files => "only some files",
        Measure::SystemCalls => "only ordinary system calls",
        Measure::NoNetwork => "no network",
        Measure::NonRoot => "not as root",
        _ => "the sandbox",
    }
}

fn no_new_privileges() -> Achieved {
    match rustix::thread::set_no_new_privs(true) {
        Ok(()) => Achieved::Full("set before it was started".to_owned()),
        Err(error) => Achieved::Missing(error.to_string()),
    }
}

/// The kernel's version of Landlock under which the rules hold; `None` where they do not.
type Landlocked = Result<Option<ABI>, String>;

fn landlock(sandbox: &Sandbox, code: &[PathBuf]) -> Landlocked {
    let restrict = || -> Result<Option<ABI>, RulesetError> {
        let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
        // Whoever is behind such rules can neither trace nor signal a process outside of them, so
        // that this process, which has none of them, cannot be made to act for the command.
        ruleset = ruleset.scope(Scope::from_all(ABI::V6))?;
        if sandbox.no_network {
            ruleset = ruleset.handle_access(AccessNet::from_all(ABI::V4))?;
        }
        if sandbox.files.is_some() {
            ruleset = ruleset.handle_access(AccessFs::from_all(ABI::V5))?;
        }
        let mut rules = ruleset.create()?;
        if let Some(FileAccess { read, write }) = &sandbox.files {
            let reading = AccessFs::from_read(ABI::V5);
            let changing = AccessFs::from_write(ABI::V5) | AccessFs::ReadFile | AccessFs::ReadDir;
            rules = rules
                .add_rules(path_beneath_rules(SYSTEM, reading))?
                .add_rules(path_beneath_rules(DEVICES, AccessFs::ReadFile | AccessFs::WriteFile))?
                .add_rules(path_beneath_rules(code, AccessFs::ReadFile | AccessFs::Execute))?
                .add_rules(path_beneath_rules(read.iter().map(Path::new), reading))?
                .add_rules(path_beneath_rules(write.iter().map(Path::new), changing))?;
        }
        let status = rules.restrict_self()?;
        Ok(match (status.ruleset, status.landlock) {
            (RulesetStatus::NotEnforced, _) => None,
            (_, LandlockStatus::Available { effective_abi, .. }) => Some(effective_abi),
            _ => None,
        })
    };
    restrict().map_err(|error| error.to_string())
}

fn files(status: Landlocked) -> Achieved {
    match status {
        Ok(Some(abi)) if abi >= ABI::V3 => Achieved::Full(format!("Landlock, version {}", abi as i32)),
        Ok(Some(abi)) => Achieved::Partial(format!(
            "Landlock of this kernel is of version {}, which does not hold files from being cut",
            abi as i32
        )),
        Ok(None) => Achieved::Missing("this kernel has no Landlock".to_owned()),
        Err(error) => Achieved::Missing(error),
    }
}

fn filter(sandbox: &Sandbox) -> Achieved {
    let install = || -> Result<(), String> {
        let arch: TargetArch = std::env::consts::ARCH
            .try_into()
            .map_err(|_| format!("system calls of {} are not known here", std::env::consts::ARCH))?;
        for program in programs(sandbox, arch).map_err(|error| error.to_string())? {
            seccompiler::apply_filter(&program).map_err(|error| error.to_string())?;
        }
        Ok(())
    };
    match install() {
        Ok(()) => Achieved::Full("seccomp".to_owned()),
        Err(error) => Achieved::Missing(error),
    }
}

/// On x86-64, calls of the x32 interface have this bit and otherwise the same numbers.
#[cfg(target_arch = "x86_64")]
const TWIN: Option<i64> = Some(0x4000_0000);
#[cfg(not(target_arch = "x86_64"))]
const TWIN: Option<i64> = None;

fn programs(sandbox: &Sandbox, arch: TargetArch) -> Result<Vec<BpfProgram>, seccompiler::Error> {
    let mut denied: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    // By these a command would have another process do what it may not do itself.
    let mut calls = vec![
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
    ];
    if sandbox.no_network {
        // Local sockets too: there are services behind them that reach the network for whoever asks.
        // A pair of sockets that only the command has can still be made.
        calls.push(libc::SYS_socket);
    }
    if sandbox.system_calls {
        calls.extend(EXTRAORDINARY);
        let mut spaces = Vec::new();
        for flag in NAMESPACES {
            let condition =
                SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag)?;
            spaces.push(SeccompRule::new(vec![condition])?);
        }
        denied.insert(libc::SYS_clone, spaces);
    }
    denied.extend(calls.into_iter().map(|call| (call, Vec::new())));
    // What is asked for in memory cannot be looked at. Programs do without where it does not exist.
    let mut absent: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    absent.insert(libc::SYS_io_uring_setup, Vec::new());
    if sandbox.system_calls {
        absent.insert(libc::SYS_clone3, Vec::new());
    }
    let errno = |number: i32| SeccompAction::Errno(number.cast_unsigned());
    let mut programs = Vec::new();
    for (mut rules, number) in [(denied, libc::EPERM), (absent, libc::ENOSYS)] {
        if let Some(twin) = TWIN {
            let twins: Vec<_> = rules.iter().map(|(call, rules)| (call | twin, rules.clone())).collect();
            rules.extend(twins);
        }
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, errno(number), arch)
            .and_then(TryInto::try_into)?;
        programs.push(filter);
    }
    Ok(programs)
}

/// Flags of `clone` that make namespaces: within one a command is an administrator of sorts.
const NAMESPACES: [u64; 7] = [
    libc::CLONE_NEWUSER as u64,
    libc::CLONE_NEWNS as u64,
    libc::CLONE_NEWPID as u64,
    libc::CLONE_NEWNET as u64,
    libc::CLONE_NEWIPC as u64,
    libc::CLONE_NEWUTS as u64,
    libc::CLONE_NEWCGROUP as u64,
];

/// System calls that no ordinary tool needs.
const EXTRAORDINARY: [libc::c_long; 46] = [
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    libc::SYS_name_to_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_pivot_root,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];
