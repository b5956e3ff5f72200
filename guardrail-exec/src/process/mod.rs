//! Real processes: [`ProcessExecutor`].
//!
//! ```text
//!  Permit
//!    |   secrets       fetched by reference
//!    |   hold          what was pinned is opened, compared, and held or sealed; drift ends it here
//!    |   confine       Landlock, seccomp, no new privileges: for one thread
//!    |   spawn         from that thread, which has nothing open that the command must not get;
//!    |                 first a launcher, which waits
//!    |   tree          limits and a mark for it; then it becomes the command
//!    |   watch         output without its secrets, limits, the wish to stop; TERM, grace, KILL
//!    v
//!  Execution           when nothing of it runs any more
//! ```

mod capture;
mod confine;
mod handoff;
mod hold;
mod launch;
mod limits;
mod proc;
mod secrets;
mod spawn;
mod tree;
mod watch;

use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use guardrail_core::Action;
use guardrail_core::plan::{
    CredentialProvider, CredentialReference, CredentialUse, Ended, Execution, Executor, OutputSink, Permit,
    Refusal, Secret, StepLimits, Stop, StopLevel,
};
use guardrail_core::record::Timestamp;
use guardrail_core::redact::{Redactor, RedactorBuilder, RedactorError};

use handoff::{Handoff, Report, Waiting};
use watch::Job;

pub use hold::Sealing;
pub use launch::launch_if_asked;
pub use limits::DEFAULT_LIMITS;
pub use tree::{Tracking, survivors};

/// Runs commands as processes of this machine.
///
/// It runs the bytes that were approved: an argument vector as it is, or shell source with the very
/// shell that was pinned. Right before, it looks at everything that was pinned and at the variables
/// that come from this machine again. A command has its own process group (and its own session, where
/// this process has a terminal), nothing open but its output, an empty standard input, and the
/// environment that was approved. When [`execute`](Executor::execute) returns, nothing that came of
/// it runs any more; when its future is dropped, the command is killed.
///
/// It works under any runtime, or none: each command has a thread of its own. While one runs, this
/// process adopts orphans (`PR_SET_CHILD_SUBREAPER`); those that come of a command are taken care of,
/// and others, which this process's other children left, would otherwise have gone to `init`.
///
/// It does not wait for children that are not its own. A program that calls `wait` for any child, or
/// ignores `SIGCHLD`, takes the exit status away: that is [`Ended::Lost`].
///
/// ```
/// use guardrail_core::plan::StepLimits;
/// use guardrail_exec::ProcessExecutor;
///
/// let executor = ProcessExecutor::new()
///     .limits(StepLimits { wall_seconds: Some(600), ..guardrail_exec::DEFAULT_LIMITS });
/// # let _ = executor;
/// ```
#[derive(Clone)]
pub struct ProcessExecutor {
    credentials: Option<Arc<dyn CredentialProvider>>,
    registered: RedactorBuilder,
    redactor: Redactor,
    handed_out: Arc<Mutex<VecDeque<Secret>>>,
    limits: StepLimits,
    sealing: Sealing,
    tracking: Tracking,
    folder: PathBuf,
    keep: usize,
    launcher: Option<PathBuf>,
}

/// How many bytes of each stream are kept, unless somebody says otherwise.
const KEEP: usize = 1 << 20;

/// So many values that were handed out before are kept out of the output of later commands.
const REMEMBERED: usize = 32;

impl ProcessExecutor {
    /// One with the [`DEFAULT_LIMITS`], and without credentials.
    #[must_use]
    pub fn new() -> Self {
        let memory = PathBuf::from("/dev/shm");
        Self {
            credentials: None,
            registered: Redactor::builder(),
            redactor: Redactor::new(),
            handed_out: Arc::default(),
            limits: DEFAULT_LIMITS,
            sealing: Sealing::default(),
            tracking: Tracking::default(),
            folder: if memory.is_dir() { memory } else { std::env::temp_dir() },
            keep: KEEP,
            launcher: launch::own(),
        }
    }

    /// The same, with somebody who has secrets. Without, a command that gets one does not start.
    ///
    /// What a command got is kept out of the output of later ones too, since it may have written it
    /// somewhere: this executor holds the last values that it handed out for as long as it lives.
    #[must_use]
    pub fn credentials(mut self, provider: Arc<dyn CredentialProvider>) -> Self {
        self.credentials = Some(provider);
        self
    }

    /// The same, with more secret values that are kept out of output. Those that a command gets are
    /// kept out of its output anyway.
    ///
    /// # Errors
    ///
    /// [`RedactorError`] where there are too many.
    pub fn secrets(mut self, values: RedactorBuilder) -> Result<Self, RedactorError> {
        self.redactor = values.clone().build()?;
        self.registered = values;
        Ok(self)
    }

    /// The same, with other limits: what holds where a plan says nothing, and the most that a plan
    /// can have.
    #[must_use]
    pub fn limits(mut self, limits: StepLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The same, with another way to run a program from the bytes that were compared.
    #[must_use]
    pub fn sealing(mut self, sealing: Sealing) -> Self {
        self.sealing = sealing;
        self
    }

    /// The same, with another way to hold together what comes of a command.
    #[must_use]
    pub fn tracking(mut self, tracking: Tracking) -> Self {
        self.tracking = tracking;
        self
    }

    /// The same, with another folder for secrets in files; best one in memory. It is `/dev/shm`
    /// where there is one.
    #[must_use]
    pub fn secret_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// The same, with a launcher: a program whose `main` calls [`launch_if_asked`], such as
    /// `guardrail-launch` of this crate, by its absolute path. A program that calls that function
    /// itself needs no other.
    ///
    /// With a launcher, limits hold and the command is followed from its first moment; without, from
    /// right behind it, and the report says so.
    #[must_use]
    pub fn launcher(mut self, program: impl Into<PathBuf>) -> Self {
        self.launcher = Some(program.into());
        self
    }

    /// The same, starting commands at once, though this program could be its own launcher. It saves
    /// a start of this program, and the report says what it costs.
    #[must_use]
    pub fn without_launcher(mut self) -> Self {
        self.launcher = None;
        self
    }

    /// The same, keeping another number of bytes of each stream; a megabyte is the default. What is
    /// more is streamed, and not kept.
    #[must_use]
    pub fn keep(mut self, bytes: usize) -> Self {
        self.keep = bytes;
        self
    }

    /// Fetches what a permit names, and what keeps it out of the output.
    async fn job(&self, permit: Permit, stop: &Stop) -> Result<Job, Refusal> {
        if let Action::Call { name, .. } = permit.action() {
            return Err(Refusal::Unsupported(format!("`{name}` is no program: it is a call of a tool")));
        }
        if stop.level() >= StopLevel::End {
            return Err(Refusal::Stopped);
        }
        let purpose = CredentialUse::of(&permit);
        let mut secrets = Vec::new();
        for reference in permit.credentials() {
            if stop.level() >= StopLevel::End {
                return Err(Refusal::Stopped);
            }
            let provider = self.credentials.as_ref().ok_or_else(|| {
                Refusal::Credential("a command gets credentials, and nobody here has any".to_owned())
            })?;
            let secret = provider.fetch(reference, &purpose).await;
            secrets
                .push((reference.clone(), secret.map_err(|error| Refusal::Credential(error.to_string()))?));
        }
        let redactor = self.redactor(&secrets)?;
        Ok(Job {
            limits: limits::stricter(permit.limits(), &self.limits),
            permit,
            secrets,
            redactor,
            sealing: self.sealing,
            tracking: self.tracking,
            folder: self.folder.clone(),
            keep: self.keep,
            stop: stop.clone(),
            launcher: self.launcher.clone(),
        })
    }
}

impl ProcessExecutor {
    /// What keeps these secrets out of the output, with all that are known or were handed out before.
    fn redactor(&self, secrets: &[(CredentialReference, Secret)]) -> Result<Redactor, Refusal> {
        let mut handed_out = self.handed_out.lock().unwrap_or_else(PoisonError::into_inner);
        if secrets.is_empty() && handed_out.is_empty() {
            return Ok(self.redactor.clone());
        }
        let mut registered = self.registered.clone();
        for (reference, secret) in secrets {
            registered = registered.secret(secret.expose()).map_err(|error| {
                Refusal::Credential(format!(
                    "the credential `{}` could not be kept out of the output: {error}",
                    reference.name
                ))
            })?;
            handed_out.retain(|before| before.expose() != secret.expose());
            handed_out.push_back(Secret::new(secret.expose().to_vec()));
        }
        while handed_out.len() > REMEMBERED.max(secrets.len()) {
            handed_out.pop_front();
        }
        let refused = |error: RedactorError| Refusal::Credential(error.to_string());
        let all = handed_out.iter().try_fold(registered, |all, secret| all.secret(secret.expose()));
        all.and_then(RedactorBuilder::build).map_err(refused)
    }
}

impl Default for ProcessExecutor {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ProcessExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessExecutor")
            .field("credentials", &self.credentials.is_some())
            .field("redactor", &self.redactor)
            .field("limits", &self.limits)
            .field("sealing", &self.sealing)
            .field("tracking", &self.tracking)
            .field("keep", &self.keep)
            .field("launcher", &self.launcher)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Executor for ProcessExecutor {
    fn name(&self) -> &str {
        "process"
    }

    async fn execute(&self, permit: Permit, sink: &mut dyn OutputSink, stop: &Stop) -> Execution {
        let job = match self.job(permit, stop).await {
            Ok(job) => job,
            Err(refusal) => return Execution::refused(refusal),
        };
        let system = |error: std::io::Error| Execution::refused(Refusal::System(error.to_string()));
        let handoff = match Handoff::new() {
            Ok(handoff) => handoff,
            Err(error) => return system(error),
        };
        let report = Report(Arc::clone(&handoff));
        let waiting = Waiting { handoff, sink };
        let thread = std::thread::Builder::new().name("guardrail-command".to_owned());
        if let Err(error) = thread.spawn(move || watch::run(&job, report)) {
            return system(error);
        }
        let lost = || Ended::Lost("the thread that watched it is gone".to_owned());
        waiting.await.unwrap_or_else(|| Execution::ended(lost(), 0.0))
    }
}

/// What time it is.
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_timestamp(seconds, since.subsec_nanos()).unwrap_or(Timestamp::MAX_UTC)
}
