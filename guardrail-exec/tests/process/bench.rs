//! A directory, commands in it, and a look at what still runs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use guardrail_core::plan::{Command, Execution, Permit, StepLimits, Stop};
use guardrail_exec::conformance::{Heard, execute, permit, pins};
use guardrail_exec::{ProcessExecutor, Tracking};
use tempfile::TempDir;

/// Both ways to hold processes together.
pub(crate) const BOTH: [Tracking; 2] = [Tracking::Group, Tracking::Descent];

/// As a program has it whose `main` lets it be its own launcher.
pub(crate) fn executor() -> ProcessExecutor {
    ProcessExecutor::new().launcher(env!("CARGO_BIN_EXE_guardrail-launch"))
}

pub(crate) struct Bench {
    directory: TempDir,
    pub(crate) executor: ProcessExecutor,
    /// In the environment of every command, so that what comes of it can be found.
    pub(crate) mark: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(executor())
    }

    pub(crate) fn with(executor: ProcessExecutor) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mark = format!("run-{}", directory.path().file_name().unwrap().to_str().unwrap());
        Self { directory, executor, mark }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap()
    }

    pub(crate) fn at(&self, name: &str) -> String {
        self.path().join(name).into_os_string().into_string().unwrap()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.path().join(name).exists()
    }

    pub(crate) fn file(&self, name: &str, content: &[u8], mode: u32) {
        let path = self.path().join(name);
        // A new file each time, since one that runs cannot be written to.
        let _ = fs::remove_file(&path);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn shell(&self, source: &str) -> Command {
        self.marked(Command::shell(source))
    }

    pub(crate) fn argv<const N: usize>(&self, words: [&str; N]) -> Command {
        self.marked(Command::argv(words))
    }

    fn marked(&self, command: Command) -> Command {
        command.environment("SEEN_BY", &self.mark)
    }

    pub(crate) fn permit(&self, command: Command, code: &[&str]) -> Permit {
        let pins = pins(&command, &self.path(), code);
        permit(command, pins)
    }

    pub(crate) fn run(&self, command: Command) -> Execution {
        self.heard(command).0
    }

    pub(crate) fn heard(&self, command: Command) -> (Execution, Heard) {
        execute(&self.executor, self.permit(command, &[]), &Stop::new())
    }

    pub(crate) fn execute(&self, permit: Permit) -> Execution {
        execute(&self.executor, permit, &Stop::new()).0
    }

    /// The processes that have the mark in their environment, and the command lines of them.
    pub(crate) fn running(&self) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let path = entry.path();
            let environment = fs::read(path.join("environ")).unwrap_or_default();
            if contains(&environment, self.mark.as_bytes()) {
                let line = fs::read(path.join("cmdline")).unwrap_or_default();
                found.push(format!("{} {}", path.display(), String::from_utf8_lossy(&line)));
            }
        }
        found
    }

    #[track_caller]
    pub(crate) fn nothing_runs(&self) {
        assert_eq!(self.running(), Vec::<String>::new());
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

pub(crate) fn limits(wall: u64, grace: u64) -> StepLimits {
    StepLimits { wall_seconds: Some(wall), grace_seconds: Some(grace), ..StepLimits::default() }
}

/// Waits for something to become true.
#[track_caller]
pub(crate) fn until(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed() < Duration::from_secs(30), "it never came true");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A program of this machine.
pub(crate) fn program(name: &str) -> Vec<u8> {
    let folders = ["/usr/bin", "/bin"];
    let found = folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    fs::read(found.unwrap()).unwrap()
}
