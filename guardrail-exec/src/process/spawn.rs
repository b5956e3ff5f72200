//! Starts a command from a thread of its own, which has nothing open that the command must not get
//! and which is behind the same rules as the command.
//!
//! A thread can have its own table of descriptors and its own rules of the kernel, and a process
//! inherits from the thread that starts it. So nothing has to run between fork and exec, and nothing
//! changes for the other threads of this process.

use std::ffi::{OsStr, OsString};
use std::io::{Error, ErrorKind};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use guardrail_core::plan::{Refusal, Sandbox};
use process_wrap::std::{CommandWrap, ProcessSession};

use super::confine::{Report, confine};
use super::hold::Program;

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
    /// Files that the sandbox has to leave readable.
    pub(super) code: Vec<PathBuf>,
}

/// A command that runs.
pub(super) struct Started {
    /// Its process, which is also its process group.
    pub(super) process: u32,
    pub(super) report: Report,
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
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_FILES).map_err(|error| system(error.into()))?;
    let mut kept: Vec<RawFd> =
        vec![start.directory.as_raw_fd(), start.stdout.as_raw_fd(), start.stderr.as_raw_fd()];
    if let Program::Open(program) = start.program {
        kept.push(program.as_raw_fd());
    }
    kept.extend(start.passed.iter().map(|(_, descriptor)| descriptor.as_raw_fd()));
    kept.extend(start.source.map(|source| source.as_raw_fd()));
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
    let session = has_terminal();
    let report = confine(start.sandbox, &start.code)?;
    for _ in 0..TRIES {
        match once(start, &arguments, &environment, session) {
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
    arguments: &[OsString],
    environment: &[(OsString, OsString)],
    session: bool,
) -> Result<u32, Error> {
    let mut command = match start.program {
        Program::Open(program) => Command::new(format!("/proc/self/fd/{}", program.as_raw_fd())),
        Program::Named(path) => Command::new(path),
    };
    command
        .arg0(start.name)
        .args(arguments)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir(format!("/proc/self/fd/{}", start.directory.as_raw_fd()))
        .stdin(Stdio::null())
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
    use rustix::fs::{Mode, OFlags};
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
