//! Secrets that a command prints: a password manager, a cloud's tool.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use guardrail_core::plan::{CredentialError, CredentialProvider, CredentialReference, CredentialUse, Secret};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use serde::Deserialize;

use super::trusted::{self, Untrusted};
use super::value::{ValueError, read_value};
use super::waiting::read_on_thread;

/// A command that prints one secret.
///
/// No shell reads it, and nothing of the plan that asks reaches it. It runs in `/` with the
/// environment that stands here and `PATH=/usr/bin:/bin`, without input; what it says on its
/// standard error is dropped.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretCommand {
    /// The program by its absolute path, and its arguments.
    pub run: Vec<String>,
    /// Variables that it gets.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Variables that it gets from this process, by name.
    #[serde(default)]
    pub inherit: Vec<String>,
    /// How long it may take, in seconds.
    #[serde(default = "ten")]
    pub seconds: u64,
}

const fn ten() -> u64 {
    10
}

impl SecretCommand {
    /// A program with its arguments, which may take ten seconds.
    #[must_use]
    pub fn new<W: Into<String>>(run: impl IntoIterator<Item = W>) -> Self {
        let run = run.into_iter().map(Into::into).collect();
        Self { run, environment: BTreeMap::new(), inherit: Vec::new(), seconds: ten() }
    }
}

/// Of its environment the names: a value may be what opens a store.
impl fmt::Debug for SecretCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let environment: Vec<&String> = self.environment.keys().collect();
        f.debug_struct("SecretCommand")
            .field("run", &self.run)
            .field("environment", &environment)
            .field("inherit", &self.inherit)
            .field("seconds", &self.seconds)
            .finish()
    }
}

/// Secrets that commands print, each by the name that the operator gave it: `command:session`.
#[derive(Clone, Debug)]
pub struct CommandSecrets {
    commands: Arc<BTreeMap<String, SecretCommand>>,
}

/// Why a command gave no secret. Nothing that it put out is in here.
#[derive(Debug, thiserror::Error)]
enum NoValue {
    #[error("its command names no program by an absolute path")]
    NoProgram,
    #[error("its command is not trusted: {0}")]
    Untrusted(#[from] Untrusted),
    #[error("its command could not be run: {0}")]
    Io(#[from] io::Error),
    #[error("its command took more than {0} seconds")]
    TooSlow(u64),
    #[error("its command failed ({0})")]
    Failed(std::process::ExitStatus),
    #[error(transparent)]
    Value(#[from] ValueError),
}

impl CommandSecrets {
    /// The secrets that these commands print.
    #[must_use]
    pub fn of(commands: impl IntoIterator<Item = (String, SecretCommand)>) -> Self {
        Self { commands: Arc::new(commands.into_iter().collect()) }
    }
}

#[async_trait]
impl CredentialProvider for CommandSecrets {
    async fn fetch(
        &self,
        reference: &CredentialReference,
        _: &CredentialUse,
    ) -> Result<Secret, CredentialError> {
        let command = self.commands.get(reference.name.path()).cloned();
        read_on_thread(&reference.name, move |_| command.as_ref().map(printed).transpose()).await
    }
}

/// What a command prints, once it has ended well.
fn printed(command: &SecretCommand) -> Result<Secret, NoValue> {
    let (program, arguments) = command.run.split_first().ok_or(NoValue::NoProgram)?;
    let program = Path::new(program);
    if !program.is_absolute() {
        return Err(NoValue::NoProgram);
    }
    is_trusted(program)?;
    let inherited = command.inherit.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let until = Instant::now() + Duration::from_secs(command.seconds);
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(inherited)
        .envs(&command.environment)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let mut group = Group { child, reaped: false };
    let output = group.child.stdout.take().ok_or_else(|| io::Error::other("it has no output"))?;
    let (tell, told) = channel();
    std::thread::Builder::new().name("guardrail-secret".to_owned()).spawn(move || {
        // Whoever waited may have given up.
        let _ = tell.send(read_value(output));
    })?;
    let value =
        told.recv_timeout(until.saturating_duration_since(Instant::now())).map_err(|error| match error {
            RecvTimeoutError::Timeout => NoValue::TooSlow(command.seconds),
            RecvTimeoutError::Disconnected => io::Error::other("what it printed was lost").into(),
        })?;
    // What failed may well have printed why in the place of a secret.
    let status = if matches!(value, Err(ValueError::TooLong)) { None } else { group.ended(until)? };
    match status {
        Some(status) if !status.success() => Err(NoValue::Failed(status)),
        None if value.is_ok() => Err(NoValue::TooSlow(command.seconds)),
        _ => Ok(value?),
    }
}

/// Whether nobody else can have put something in the program's place.
fn is_trusted(program: &Path) -> Result<(), Untrusted> {
    trusted::directory_of(program)?;
    let path = program.canonicalize().map_err(|_| Untrusted::Missing(program.to_owned()))?;
    trusted::open(&path, trusted::Privacy::Settings).map(|_| ())
}

/// A command with all that stays in its process group: dropped, it is killed.
struct Group {
    child: Child,
    reaped: bool,
}

impl Group {
    /// How it ended, if it did in time.
    fn ended(&mut self, until: Instant) -> io::Result<Option<std::process::ExitStatus>> {
        let pid = Pid::from_child(&self.child);
        loop {
            // Its number stays its own until it is reaped, and so its group can be killed before.
            let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
            match rustix::process::waitid(WaitId::Pid(pid), look) {
                Ok(Some(_)) => return self.end().map(Some),
                Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
                Ok(None) => return Ok(None),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn end(&mut self) -> io::Result<std::process::ExitStatus> {
        // What is gone already needs no killing.
        let _ = rustix::process::kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let status = self.child.wait()?;
        self.reaped = true;
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.reaped {
            let _ = self.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(source: &str) -> SecretCommand {
        SecretCommand::new(["/bin/sh", "-c", source])
    }

    fn text(command: &SecretCommand) -> Result<String, String> {
        let printed = printed(command).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(printed.expose().to_owned()).unwrap())
    }

    #[test]
    fn one_line_of_a_command_that_ended_well() {
        assert_eq!(text(&shell("echo correct horse")).unwrap(), "correct horse");
        let environment = text(&shell("tr '\\0' '\\n' </proc/self/environ; pwd")).unwrap();
        assert_eq!(environment, "PATH=/usr/bin:/bin\n/\n");
        let mut more = shell("echo $A $CARGO_PKG_NAME");
        more.environment.insert("A".into(), "value".into());
        more.inherit = vec!["CARGO_PKG_NAME".into(), "NO_SUCH_VARIABLE".into()];
        assert_eq!(text(&more).unwrap(), "value agent-guardrail-host");
    }

    #[test]
    fn whatever_else_it_does_is_said_without_its_words() {
        for (source, why) in [
            ("echo correct horse; echo correct horse >&2; exit 3", "failed (exit status: 3)"),
            ("kill -9 $$", "failed (signal: 9"),
            ("true", "empty"),
            ("echo abc", "fewer than 4 bytes"),
            ("yes correct horse", "more than 32768 bytes"),
            ("head -c 40000 /dev/zero; sleep 600", "more than 32768 bytes"),
        ] {
            let error = text(&SecretCommand { seconds: 120, ..shell(source) }).unwrap_err();
            assert!(error.contains(why) && !error.contains("horse"), "{source}: {error}");
        }
        let slow = |source| text(&SecretCommand { seconds: 1, ..shell(source) }).unwrap_err();
        // Also what it leaves behind, and what has said all and does not end.
        for source in
            ["sleep 600", "echo correct horse; sleep 600 & wait", "echo correct; exec >&-; sleep 600"]
        {
            assert!(slow(source).contains("took more than 1 seconds"), "{source}");
        }
        for program in ["sh", "/no/such/program", "/tmp"] {
            assert!(text(&SecretCommand::new([program])).is_err(), "{program}");
        }
        assert!(text(&SecretCommand::new([""; 0])).is_err());
    }

    #[test]
    fn a_program_that_others_could_write_is_not_run() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        std::fs::write(&program, "#!/bin/sh\necho correct horse\n").unwrap();
        for (mode, good) in [(0o755, true), (0o775, false), (0o757, false)] {
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_trusted(&program).is_ok(), good, "{mode:o}");
            if !good {
                assert!(text(&SecretCommand::new([program.to_str().unwrap()])).is_err());
            }
        }
    }
}
