//! Starts a command from a thread of its own, which has nothing open that the command must not get
//! and which is behind the same rules as the command.
//!
//! A thread can have its own table of descriptors and its own rules of the kernel, and a process
//! inherits from the thread that starts it. So nothing has to run between fork and exec, and nothing
//! changes for the other threads of this process.

use std::ffi::{OsStr, OsString};
use std::io::{Error, ErrorKind, Read as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use guardrail_core::plan::{Refusal, Sandbox};
use nix::sys::signal::SigSet;
use process_wrap::std::{CommandWrap, ProcessSession};
use rustix::fs::{Mode, OFlags};
use rustix::pipe::{PipeFlags, pipe_with};

use super::confine::{Report, confine};
use super::hold::Program;
use super::launch::{GO, NAME};

/// Everything that a command is started with.
pub(super) struct Start<'s> {
    pub(super) program: &'s Program,
    /// Its name for itself.
    pub(super) name: &'s OsStr,
    pub(super) arguments: Vec<OsString>,
    /// Text that is read by the program, as its last argument: the path under which it finds it.
    pub(super) source: Option<&'s OwnedFd>,
    pub(super) directory: &'s OwnedFd,
    pub(super) environment: Vec<(OsString, OsString)>,
    /// Descriptors that it gets, with the variables that hold their numbers.
    pub(super) passed: Vec<(&'s str, &'s OwnedFd)>,
    pub(super) stdout: &'s OwnedFd,
    pub(super) stderr: &'s OwnedFd,
    pub(super) sandbox: &'s Sandbox,
    /// What is started in its place, until all is set.
    pub(super) leash: Option<&'s Leash>,
    /// Files that the sandbox has to leave readable.
    pub(super) code: Vec<PathBuf>,
}

/// A command that runs, or a launcher that waits to become it.
pub(super) struct Started {
    /// Its process, which is also its process group.
    pub(super) process: u32,
    pub(super) report: Report,
}

/// This side of a launcher: what it waits for, and what it says where it fails.
pub(super) struct Leash {
    go: OwnedFd,
    go_end: OwnedFd,
    report: OwnedFd,
    report_end: OwnedFd,
    launcher: OwnedFd,
}

impl Leash {
    /// For the launcher at a path.
    pub(super) fn new(launcher: &Path) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let launcher = rustix::fs::open(launcher, flags, Mode::empty())?;
        let (go_end, go) = pipe_with(PipeFlags::CLOEXEC)?;
        let (report, report_end) = pipe_with(PipeFlags::CLOEXEC)?;
        Ok(Self { go, go_end, report, report_end, launcher })
    }

    /// Lets the launcher become the command.
    ///
    /// # Errors
    ///
    /// Why it could not. The command then did nothing.
    pub(super) fn release(self) -> Result<(), Error> {
        let Self { go, go_end, report, report_end, .. } = self;
        drop((go_end, report_end));
        // Where it is gone already, there is no report and the exit status says so.
        let _ = rustix::io::write(&go, &[GO]);
        drop(go);
        let mut text = String::new();
        std::fs::File::from(report).read_to_string(&mut text)?;
        match text.parse() {
            Ok(number) => Err(Error::from_raw_os_error(number)),
            Err(_) => Ok(()),
        }
    }
}

/// How often it is tried where somebody else's new process still holds the copy open for writing.
const TRIES: u32 = 50;

/// Starts it.
///
/// # Errors
///
/// Why it did not start. It then did nothing.
pub(super) fn spawn(start: &Start<'_>) -> Result<Started, Refusal> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("guardrail-start".to_owned());
        let thread = thread.spawn_scoped(scope, || alone(start)).map_err(system)?;
        thread.join().unwrap_or_else(|_| Err(Refusal::System("the starting thread failed".to_owned())))
    })
}

fn system(error: Error) -> Refusal {
    Refusal::System(error.to_string())
}

/// Runs on a thread that ends behind it, and whose descriptors are its own.
fn alone(start: &Start<'_>) -> Result<Started, Refusal> {
    // A handler of the embedder's that ran on this thread would find its descriptors closed, and the
    // signal would be lost.
    SigSet::all().thread_block().map_err(|error| system(error.into()))?;
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_FILES).map_err(|error| system(error.into()))?;
    let mut kept: Vec<RawFd> =
        vec![start.directory.as_raw_fd(), start.stdout.as_raw_fd(), start.stderr.as_raw_fd()];
    if let Program::Open(program) = start.program {
        kept.push(program.as_raw_fd());
    }
    kept.extend(start.passed.iter().map(|(_, descriptor)| descriptor.as_raw_fd()));
    kept.extend(start.source.map(|source| source.as_raw_fd()));
    if let Some(leash) = start.leash {
        kept.extend([&leash.launcher, &leash.go_end, &leash.report_end].map(|open| open.as_raw_fd()));
    }
    close_others(&kept).map_err(system)?;

    let mut environment = start.environment.clone();
    // A duplicate is inherited; the original is closed when the program begins.
    let mut inherited = Vec::new();
    let mut inherit = |descriptor: &OwnedFd| -> Result<RawFd, Refusal> {
        let duplicate = rustix::io::dup(descriptor).map_err(|error| system(error.into()))?;
        let number = duplicate.as_raw_fd();
        inherited.push(duplicate);
        Ok(number)
    };
    for (variable, descriptor) in &start.passed {
        let number = inherit(descriptor)?;
        environment.push(((*variable).into(), number.to_string().into()));
    }
    let mut arguments = start.arguments.clone();
    if let Some(source) = start.source {
        arguments.push(format!("/proc/self/fd/{}", inherit(source)?).into());
    }
    let report_number = match start.leash {
        Some(leash) => Some(inherit(&leash.report_end)?),
        None => None,
    };
    // The launcher opens it under its number, and so does the kernel behind it.
    let program = match (start.program, start.leash) {
        (Program::Open(program), None) => format!("/proc/self/fd/{}", program.as_raw_fd()).into(),
        (Program::Open(program), Some(_)) => format!("/proc/self/fd/{}", inherit(program)?).into(),
        (Program::Named(path), _) => path.clone(),
    };
    let session = has_terminal();
    let report = confine(start.sandbox, &start.code)?;
    for _ in 0..TRIES {
        // What blocks signals here would block them for the command as well; a launcher takes that
        // away by itself.
        let mask = if start.leash.is_none() { SigSet::empty() } else { SigSet::all() };
        mask.thread_set_mask().map_err(|error| system(error.into()))?;
        let started = once(start, &program, report_number, &arguments, &environment, session);
        SigSet::all().thread_block().map_err(|error| system(error.into()))?;
        match started {
            Ok(process) => return Ok(Started { process, report }),
            // Between the making of the copy and now somebody started a process, which holds the
            // copy open for writing until its own program begins.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(system(error)),
        }
    }
    Err(Refusal::System("the program is being written to".to_owned()))
}

fn once(
    start: &Start<'_>,
    program: &Path,
    report: Option<RawFd>,
    arguments: &[OsString],
    environment: &[(OsString, OsString)],
    session: bool,
) -> Result<u32, Error> {
    let mut command = match (start.leash, report) {
        (Some(leash), Some(report)) => {
            let mut launcher = Command::new(format!("/proc/self/fd/{}", leash.launcher.as_raw_fd()));
            launcher.arg0(NAME).arg(report.to_string()).arg(program).arg(start.name);
            launcher.stdin(Stdio::from(leash.go_end.as_fd().try_clone_to_owned()?));
            launcher
        }
        _ => {
            let mut command = Command::new(program);
            command.arg0(start.name).stdin(Stdio::null());
            command
        }
    };
    command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir(format!("/proc/self/fd/{}", start.directory.as_raw_fd()))
        .stdout(Stdio::from(start.stdout.as_fd().try_clone_to_owned()?))
        .stderr(Stdio::from(start.stderr.as_fd().try_clone_to_owned()?));
    if session {
        // In a session of its own it cannot read what somebody types, nor write to the screen on
        // which a person is asked. It costs a full fork, so it is done where it matters.
        return Ok(CommandWrap::from(command).wrap(ProcessSession).spawn()?.id());
    }
    Ok(command.process_group(0).spawn()?.id())
}

/// Whether this process has a controlling terminal, which a command would have too.
fn has_terminal() -> bool {
    // To ask does not open it for reading or writing, and never waits.
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open("/dev/tty", flags, Mode::empty()) {
        Ok(_) => true,
        // What is not known is taken for the worse.
        Err(error) => !matches!(error, rustix::io::Errno::NXIO | rustix::io::Errno::NOENT),
    }
}

/// Closes what this thread has open beside `kept` and the standard streams. The other threads keep
/// theirs: the table is this thread's own.
fn close_others(kept: &[RawFd]) -> Result<(), Error> {
    let mut open = Vec::new();
    for entry in std::fs::read_dir("/proc/thread-self/fd")? {
        let name = entry?.file_name();
        open.extend(name.to_str().and_then(|name| name.parse::<RawFd>().ok()));
    }
    for descriptor in open {
        if descriptor > 2 && !kept.contains(&descriptor) {
            // One of them was the listing itself, and is closed already.
            let _ = nix::unistd::close(descriptor);
        }
    }
    Ok(())
}
