//! The launcher: waits, as a process of its own, until everything is set around it, and becomes the
//! command.
//!
//! Limits and the mark belong to a process, and can only be set once there is one. Without a
//! launcher the command is that process from its first moment, and what it does before they are
//! set is not held to them. A launcher does nothing until it is told to go on.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use nix::sys::signal::SigSet;

/// The name under which a launcher is started: by it, it knows itself.
pub(super) const NAME: &str = "guardrail-launch";
/// What tells it to go on.
pub(super) const GO: u8 = b'g';
/// Its exit status where it could not become the command.
const FAILED: i32 = 127;

/// This program, once it has said that it can be its own launcher.
static OWN: OnceLock<PathBuf> = OnceLock::new();

/// Lets this program be the launcher of its own commands: call it first thing in `main`.
///
/// A [`ProcessExecutor`](crate::ProcessExecutor) then starts this very program a second time for each
/// command, under another name; this function sees the name, waits until limits and all else are set,
/// and becomes the command. It returns in every other case, and has then done nothing but remember
/// where this program is.
///
/// ```no_run
/// guardrail_exec::launch_if_asked();
/// // ... the program itself
/// ```
pub fn launch_if_asked() {
    let mut words = std::env::args_os();
    if words.next().is_some_and(|name| name == NAME) {
        std::process::exit(launch(words));
    }
    if let Ok(path) = std::env::current_exe() {
        let _ = OWN.set(path);
    }
}

/// This program, if it can be its own launcher.
pub(super) fn own() -> Option<PathBuf> {
    OWN.get().cloned()
}

/// Becomes the command; the exit status where it cannot.
fn launch(mut words: impl Iterator<Item = OsString>) -> i32 {
    let (Some(report), Some(program), Some(name)) = (words.next(), words.next(), words.next()) else {
        return FAILED;
    };
    // Its closing says that the command began.
    let Some(Ok(mut report)) = number(&report).map(|number| again(number, OpenOptions::new().write(true)))
    else {
        return FAILED;
    };
    // The file of a program is given by its number; by a name it is a script.
    let opened = program.to_str().and_then(|text| text.strip_prefix("/proc/self/fd/")).map(OsString::from);
    let program =
        match opened.as_ref().and_then(number).map(|number| again(number, OpenOptions::new().read(true))) {
            None => Ok((PathBuf::from(program), None)),
            Some(Ok(file)) => Ok((PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())), Some(file))),
            Some(Err(error)) => Err(error),
        };
    let mut go = [0];
    // Whoever started it may be gone: then nothing happens.
    if std::io::stdin().read_exact(&mut go).is_err() || go != [GO] {
        return FAILED;
    }
    // A command begins with no signal blocked, whatever those who start it do with theirs.
    let unblocked = SigSet::empty().thread_set_mask().map_err(std::io::Error::from);
    let error = match unblocked.and(program) {
        Ok((program, _open)) => Command::new(program).arg0(name).args(words).stdin(Stdio::null()).exec(),
        Err(error) => error,
    };
    let _ = report.write_all(error.raw_os_error().unwrap_or_default().to_string().as_bytes());
    FAILED
}

fn number(text: &OsString) -> Option<RawFd> {
    text.to_str()?.parse().ok()
}

/// The same file under another number, under which the command does not inherit it.
fn again(number: RawFd, how: &OpenOptions) -> std::io::Result<File> {
    let file = how.open(format!("/proc/self/fd/{number}"))?;
    nix::unistd::close(number)?;
    Ok(file)
}
