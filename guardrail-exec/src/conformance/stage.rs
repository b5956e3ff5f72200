//! Permits to try an executor with: each is made by a real plan machine, over a log that is kept in
//! memory for as long as it takes.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{SystemTime, UNIX_EPOCH};

use guardrail_core::plan::{
    Change, Command, Demands, Digest, Execution, Executor, FileRole, Look, Machine, OutputSink, Permit,
    PinnedDirectory, PinnedFile, Pins, Plan, PlanId, Preparation, Principal, Progress, Refused, Revision,
    Slot, Step, Stop, Stream, Times,
};
use guardrail_core::record::{Receipt, Record, Timestamp};
use guardrail_core::{Action, Guard, Request};
use uuid::Uuid;

/// The `PATH` of the commands here.
pub const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// The shell of the commands here.
pub const SHELL: &str = "/bin/sh";

static PLANS: AtomicU64 = AtomicU64::new(1);

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_timestamp(i64::try_from(since.as_secs()).unwrap(), since.subsec_nanos()).unwrap()
}

/// What a command's names stand for now, in a directory; `code` are its operands that are read as
/// code. What is not there is not pinned.
#[must_use]
pub fn pins(command: &Command, cwd: &Path, code: &[&str]) -> Pins {
    let mut environment = BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]);
    for name in &command.inherit {
        environment.extend(std::env::var(name).ok().map(|value| (name.clone(), value)));
    }
    environment.extend(command.environment.clone());
    let search = environment.get("PATH").cloned().unwrap();
    let mut files = Vec::new();
    let mut pin = |role: FileRole, name: &str| {
        let found = if name.contains('/') || role == FileRole::Script {
            cwd.join(name).canonicalize().ok()
        } else {
            search.split(':').find_map(|folder| Path::new(folder).join(name).canonicalize().ok())
        };
        if let Some(path) = found {
            let digest = Digest::of_content(&fs::read(&path).unwrap());
            let path = path.into_os_string().into_string().unwrap();
            files.push(PinnedFile { role, name: name.to_owned(), path, digest });
        }
    };
    match &command.action {
        Action::Argv(words) => pin(FileRole::Program, words.first().map_or("", String::as_str)),
        Action::Shell(_) => pin(FileRole::Shell, SHELL),
        Action::Call { .. } => {}
    }
    for name in code {
        pin(FileRole::Script, name);
    }
    Pins { files, unpinned: Vec::new(), directory: Some(directory(cwd)), environment }
}

#[cfg(unix)]
fn directory(cwd: &Path) -> PinnedDirectory {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::metadata(cwd).unwrap();
    PinnedDirectory { device: Some(metadata.dev()), inode: Some(metadata.ino()), ..directory_by_name(cwd) }
}

#[cfg(not(unix))]
fn directory(cwd: &Path) -> PinnedDirectory {
    directory_by_name(cwd)
}

fn directory_by_name(cwd: &Path) -> PinnedDirectory {
    let text = |path: PathBuf| path.into_os_string().into_string().unwrap();
    PinnedDirectory {
        name: text(cwd.to_owned()),
        path: text(cwd.canonicalize().unwrap()),
        device: None,
        inode: None,
    }
}

/// The right to run a command in the directory that its pins name, as if it had been judged to be
/// harmless.
///
/// # Panics
///
/// Where the pins have no directory, or no plan can be made of the command.
pub fn permit(command: Command, pins: Pins) -> Permit {
    permit_valid_for(command, pins, 3600)
}

/// As [`permit`], with so many seconds in which it may be started.
///
/// # Panics
///
/// As [`permit`].
pub fn permit_valid_for(command: Command, pins: Pins, seconds: u64) -> Permit {
    let number = PLANS.fetch_add(1, Ordering::Relaxed);
    let nanoseconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let unique = nanoseconds << 32 | u128::from(std::process::id()) << 16 | u128::from(number);
    let now = now();
    let id = PlanId::new(now.date_naive(), 1, Uuid::from_u128(unique));
    let plan = Plan {
        title: "One command".into(),
        reason: String::new(),
        impact: String::new(),
        cwd: Some(pins.directory.as_ref().unwrap().name.clone()),
        parameters: BTreeMap::new(),
        preflight: Vec::new(),
        steps: vec![Step::new("It", command)],
        post: Vec::new(),
        monitor: None,
        rollback: None,
        times: Times { approval_seconds: 600, valid_seconds: seconds },
        expected_seconds: None,
    };
    let harmless = Guard::new().evaluate(&Request::argv(["ls"]));
    let look = Look { evaluation: harmless, pins };
    let mut preparation = Preparation::new(id, Principal::agent("conformance"));
    preparation.demands =
        Demands { low: Default::default(), credential: Default::default(), ..Demands::STANDARD };
    let revision = Revision::prepare(plan, &preparation, &mut |_, _, _| look.clone()).unwrap();
    let mut machine = Machine::new(revision.clone());
    let mut kept = 0;
    let mut keep = |records: &[Record]| {
        kept += records.len() as u64;
        Receipt::of_durable(records, Uuid::nil(), kept, now, [0; 32])
    };
    let mut change = |machine: &mut Machine, change: Result<Change, Refused>| {
        let change = change.unwrap();
        let receipt = keep(change.records());
        machine.recorded(change, &receipt).unwrap();
    };
    let proposed = machine.propose(revision.clone(), now);
    change(&mut machine, proposed);
    let allowed = machine.allow(now);
    change(&mut machine, allowed);
    let intent = machine.intent(Slot::action(1), &look, revision.versions(), now).unwrap();
    let receipt = keep(intent.records());
    machine.permit(intent, receipt).unwrap()
}

/// Everything a command put out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    /// How often progress was told.
    pub told: usize,
}

impl OutputSink for Heard {
    fn output(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => self.stdout.extend_from_slice(bytes),
            Stream::Stderr => self.stderr.extend_from_slice(bytes),
        }
    }

    fn progress(&mut self, _: &Progress) {
        self.told += 1;
    }
}

/// Runs what a permit permits, and gives what became of it and what was heard.
#[must_use]
pub fn execute(executor: &dyn Executor, permit: Permit, stop: &Stop) -> (Execution, Heard) {
    let mut heard = Heard::default();
    let execution = wait(executor.execute(permit, &mut heard, stop));
    (execution, heard)
}

struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread, without a runtime.
pub fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Parked(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
