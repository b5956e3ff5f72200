//! The thread that a command has to itself: it starts it, listens to it, keeps it within its limits,
//! and sees to it that nothing of it is left.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use guardrail_core::Action;
use guardrail_core::plan::{
    Achieved, CredentialReference, Ended, Execution, Limit, Measure, Permit, Progress, Refusal, Secret,
    StepLimits, Stop, StopLevel, Stream,
};
use guardrail_core::redact::Redactor;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, waitid};

use super::capture::{Capture, Read};
use super::handoff::{Handoff, Report, StopWatch};
use super::hold::{Held, Program, Sealing, copy, hold};
use super::limits;
use super::secrets::{Injected, inject};
use super::spawn::{Leash, Start, Started, spawn};
use super::tree::{Tracking, Tree};

/// How long processes that a command left behind have to end by themselves, as the writing end of a
/// pipeline does.
const LINGER: Duration = Duration::from_millis(200);
/// How long it is tried to kill. What does not end in that time sleeps in the kernel.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often memory and processes are counted.
const LOOK: Duration = Duration::from_millis(25);
/// How often progress is told.
const TELL: Duration = Duration::from_secs(1);
/// The longest source that is given as an argument; the kernel takes 128 KiB.
const LONGEST_ARGUMENT: usize = 120 << 10;

/// One command, and all that is known of how to run it.
pub(super) struct Job {
    pub(super) permit: Permit,
    pub(super) limits: StepLimits,
    pub(super) secrets: Vec<(CredentialReference, Secret)>,
    pub(super) redactor: Redactor,
    pub(super) sealing: Sealing,
    pub(super) tracking: Tracking,
    pub(super) folder: PathBuf,
    pub(super) keep: usize,
    pub(super) stop: Stop,
    pub(super) launcher: Option<PathBuf>,
}

/// Runs a command to its end, and says how it ended.
pub(super) fn run(job: &Job, report: Report) {
    let handoff = Arc::clone(&report.0);
    let execution = job.run(&handoff).unwrap_or_else(Execution::refused);
    report.done(execution);
}

impl Job {
    fn run(&self, handoff: &Arc<Handoff>) -> Result<Execution, Refusal> {
        let system = |error: Errno| Refusal::System(error.to_string());
        let permit = &self.permit;
        let mut injected = inject(permit.id(), &self.secrets, &self.folder)?;
        let ((out, out_end), (err, err_end)) =
            (pipe(PipeFlags::CLOEXEC).map_err(system)?, pipe(PipeFlags::CLOEXEC).map_err(system)?);
        let mut tree =
            Tree::new(permit.id(), self.tracking).map_err(|error| Refusal::System(error.to_string()))?;
        // As late as it can be looked at.
        let held = hold(permit, self.sealing).map_err(Refusal::Drift)?;
        if self.stop.level() >= StopLevel::End || handoff.is_abandoned() {
            return Err(Refusal::Stopped);
        }
        if permit.valid_until().is_some_and(|until| super::now() >= until) {
            return Err(Refusal::Drift(vec!["the approval is no longer valid".to_owned()]));
        }
        let began = Instant::now();
        let leash =
            match &self.launcher {
                Some(launcher) => Some(Leash::new(launcher).map_err(|error| {
                    Refusal::System(format!("the launcher {}: {error}", launcher.display()))
                })?),
                None => None,
            };
        let Started { process, report } = self.start(&held, &injected, &out_end, &err_end, leash.as_ref())?;
        drop((out_end, err_end));
        let Some(main) = i32::try_from(process).ok().and_then(Pid::from_raw) else {
            return Ok(Execution::ended(Ended::Lost("the system gave it no number".to_owned()), 0.0));
        };
        let (whole, within) =
            tree.adopt(main, &limits::of_each_process(&self.limits, permit.limits()), leash.is_some());
        if let Some(Err(error)) = leash.map(Leash::release) {
            tree.kill(PATIENCE);
            tree.bury();
            let _ = waitid(WaitId::Pid(main), WaitIdOptions::EXITED);
            return Err(Refusal::System(error.to_string()));
        }
        let mut measures = report;
        measures.insert(Measure::CleanEnvironment, Achieved::Full(CLEAN.to_owned()));
        measures.insert(Measure::SealedProgram, held.sealed.clone());
        measures.extend(held.scripts.clone().map(|scripts| (Measure::SealedScript, scripts)));
        measures.insert(Measure::WholeTree, whole);
        measures.insert(Measure::Limits, within);
        drop(held);
        let captures = [
            Capture::new(Stream::Stdout, out, &self.redactor, self.keep),
            Capture::new(Stream::Stderr, err, &self.redactor, self.keep),
        ];
        let watch = Watch {
            job: self,
            handoff,
            tree,
            main,
            exit: rustix::process::pidfd_open(main, PidfdFlags::empty()).ok(),
            captures,
            buffer: Vec::new(),
            stop: StopWatch::new(&self.stop, handoff.bell()),
            began,
            ending: None,
            left: Vec::new(),
        };
        let mut execution = watch.finish(measures);
        execution.left.extend(injected.remove().err());
        Ok(execution)
    }

    fn start(
        &self,
        held: &Held,
        injected: &Injected,
        stdout: &OwnedFd,
        stderr: &OwnedFd,
        leash: Option<&Leash>,
    ) -> Result<Started, Refusal> {
        let permit = &self.permit;
        let mut environment: BTreeMap<OsString, OsString> =
            permit.pins().environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
        environment.extend(injected.environment.iter().cloned());
        let mut source = None;
        let (name, arguments): (&OsStr, Vec<OsString>) = match permit.action() {
            Action::Argv(words) => {
                let Some((first, rest)) = words.split_first() else {
                    return Err(Refusal::Unsupported("an empty argument vector".to_owned()));
                };
                (first.as_ref(), rest.iter().map(OsString::from).collect())
            }
            Action::Shell(text) => {
                let path =
                    permit.pins().files.iter().find(|pin| pin.role == guardrail_core::plan::FileRole::Shell);
                let name = path.map_or("sh", |pin| pin.name.as_str());
                if text.len() > LONGEST_ARGUMENT {
                    source = Some(copy(text.as_bytes()).map_err(|error| Refusal::System(error.to_string()))?);
                    (name.as_ref(), vec!["--".into()])
                } else {
                    // Behind `--`, no text is taken for a flag of the shell.
                    (name.as_ref(), vec!["-c".into(), "--".into(), text.into()])
                }
            }
            Action::Call { name, .. } => {
                return Err(Refusal::Unsupported(format!("`{name}` is no program: it is a call of a tool")));
            }
        };
        let mut code: Vec<PathBuf> = permit.pins().files.iter().map(|pin| PathBuf::from(&pin.path)).collect();
        code.extend(injected.files.iter().cloned());
        if let Program::Named(path) = &held.program {
            code.push(path.clone());
        }
        code.extend(self.launcher.clone());
        spawn(&Start {
            program: &held.program,
            name,
            arguments,
            source: source.as_ref(),
            directory: &held.directory,
            environment: environment.into_iter().collect(),
            passed: injected.descriptors.iter().map(|(variable, open)| (variable.as_str(), open)).collect(),
            stdout,
            stderr,
            sandbox: permit.sandbox(),
            leash,
            code,
        })
    }
}

const CLEAN: &str = "the approved variables, and no open descriptor of this process";

/// A pipe whose reading end does not block.
fn pipe(flags: PipeFlags) -> Result<(OwnedFd, OwnedFd), Errno> {
    let (reading, writing) = pipe_with(flags)?;
    rustix::fs::fcntl_setfl(&reading, OFlags::NONBLOCK)?;
    Ok((reading, writing))
}

/// Why a command is ended before its time, and how far that is.
struct Ending {
    why: Ended,
    kill_at: Instant,
    killed: bool,
}

/// A command that runs, and everything that waits for it.
struct Watch<'w> {
    job: &'w Job,
    handoff: &'w Arc<Handoff>,
    tree: Tree,
    main: Pid,
    exit: Option<OwnedFd>,
    captures: [Capture; 2],
    buffer: Vec<u8>,
    stop: StopWatch,
    began: Instant,
    ending: Option<Ending>,
    left: Vec<String>,
}

impl Watch<'_> {
    fn finish(mut self, measures: BTreeMap<Measure, Achieved>) -> Execution {
        let status = self.until_it_ends();
        let used = super::proc::seen(self.main).map_or(0, |seen| seen.cpu);
        self.end_the_rest();
        // A pipe holds less than this; whoever else writes to it is not waited for.
        (0..64).any(|_| !self.listen());
        if self.captures.iter().any(|capture| capture.pipe().is_some()) {
            self.left.push("a process that did not come of it holds its output open".to_owned());
        }
        let ended = self.ended(status, used);
        self.tree.bury();
        if !matches!(ended, Ended::Lost(_)) {
            let _ = waitid(WaitId::Pid(self.main), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        }
        let Self { handoff, captures: [out, err], began, left, .. } = self;
        Execution {
            ended,
            duration_seconds: began.elapsed().as_secs_f64(),
            stdout: out.finish(handoff),
            stderr: err.finish(handoff),
            sandbox: measures,
            left,
        }
    }

    /// Waits until the command itself has ended. It stays in the system's table, so that nobody else
    /// gets its number.
    fn until_it_ends(&mut self) -> Result<WaitIdStatus, String> {
        let mut look_at = self.began + LOOK;
        let mut tell_at = self.began + TELL;
        loop {
            if let Some(status) = self.has_ended()? {
                return Ok(status);
            }
            let now = Instant::now();
            self.look_for_reasons(now, &mut look_at);
            if let Some(ending) = &mut self.ending
                && !ending.killed
                && now >= ending.kill_at
            {
                ending.killed = true;
                let gone = self.tree.kill(PATIENCE);
                if !gone && self.has_ended()?.is_none() {
                    return Err("it was killed, and has not ended".to_owned());
                }
                continue;
            }
            if now >= tell_at {
                tell_at = now + TELL;
                let output_bytes = self.output_bytes();
                let elapsed_seconds = self.began.elapsed().as_secs_f64();
                self.handoff.progress(Progress { elapsed_seconds, output_bytes });
            }
            let mut until = tell_at.min(look_at);
            match &self.ending {
                Some(ending) if !ending.killed => until = until.min(ending.kill_at),
                Some(_) => {}
                None => until = self.wall().map_or(until, |wall| until.min(wall)),
            }
            if self.exit.is_none() {
                until = until.min(now + Duration::from_millis(10));
            }
            self.wait(until.saturating_duration_since(now), true);
        }
    }

    fn has_ended(&self) -> Result<Option<WaitIdStatus>, String> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.main), options) {
            Ok(status) => Ok(status),
            Err(Errno::INTR) => Ok(None),
            Err(error) => Err(format!("somebody else in this process waited for it: {error}")),
        }
    }

    fn wall(&self) -> Option<Instant> {
        self.began.checked_add(Duration::from_secs(self.job.limits.wall_seconds?))
    }

    fn output_bytes(&self) -> u64 {
        self.captures.iter().map(Capture::bytes).sum()
    }

    /// Whether somebody wants it to end, or it went past a limit.
    fn look_for_reasons(&mut self, now: Instant, look_at: &mut Instant) {
        let level = if self.handoff.is_abandoned() { StopLevel::Kill } else { self.stop.level() };
        if level >= StopLevel::End {
            self.end(Ended::Stopped, now);
        }
        if level >= StopLevel::Kill
            && let Some(ending) = &mut self.ending
        {
            ending.kill_at = ending.kill_at.min(now);
        }
        if self.ending.is_some() {
            *look_at = now + LOOK;
            return;
        }
        let limits = self.job.limits.clone();
        if self.wall().is_some_and(|wall| now >= wall) {
            return self.end(Ended::OverLimit(Limit::Wall), now);
        }
        if limits.output_bytes.is_some_and(|most| self.output_bytes() > most) {
            self.captures.iter_mut().for_each(Capture::mute);
            return self.end(Ended::OverLimit(Limit::Output), now);
        }
        if now >= *look_at {
            *look_at = now + LOOK;
            if limits.memory_bytes.is_none() && limits.processes.is_none() {
                return;
            }
            let members = self.tree.members();
            let living = || members.iter().filter(|seen| !seen.dead);
            if limits.memory_bytes.is_some_and(|most| living().map(|seen| seen.memory).sum::<u64>() > most) {
                return self.end(Ended::OverLimit(Limit::Memory), now);
            }
            if limits.processes.is_some_and(|most| living().map(|seen| seen.threads).sum::<u64>() > most) {
                self.end(Ended::OverLimit(Limit::Processes), now);
            }
        }
    }

    /// Asks it to end, unless that was done or it has ended by itself.
    fn end(&mut self, why: Ended, now: Instant) {
        if self.ending.is_some() || !matches!(self.has_ended(), Ok(None)) {
            return;
        }
        let mut grace = Duration::from_secs(self.job.limits.grace_seconds.unwrap_or_default());
        // What becomes more and more is faster than whoever asks each of them.
        if why == Ended::OverLimit(Limit::Processes) {
            grace = Duration::ZERO;
        }
        self.ending = Some(Ending { why, kill_at: now.checked_add(grace).unwrap_or(now), killed: false });
        if !grace.is_zero() {
            self.tree.signal(Signal::TERM);
            // What stands still could not hear it.
            self.tree.signal(Signal::CONT);
        }
    }

    /// Waits for something to happen, and listens.
    fn wait(&mut self, most: Duration, for_exit: bool) {
        let mut ready = false;
        {
            let full = self.handoff.is_full();
            let mut polled = vec![PollFd::new(self.handoff.bell(), PollFlags::IN)];
            let exit = self.exit.as_ref().filter(|_| for_exit);
            polled.extend(exit.map(|exit| PollFd::new(exit, PollFlags::IN)));
            let listened = polled.len();
            for pipe in self.captures.iter().filter_map(Capture::pipe).filter(|_| !full) {
                polled.push(PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN));
            }
            let timeout = Timespec {
                tv_sec: i64::try_from(most.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(most.subsec_nanos()),
            };
            if rustix::event::poll(&mut polled, Some(&timeout)).is_ok() {
                ready = polled.iter().skip(listened).any(|fd| !fd.revents().is_empty());
                if polled.first().is_some_and(|bell| !bell.revents().is_empty()) {
                    self.handoff.bell().quiet();
                }
            }
        }
        if ready {
            self.listen();
        }
    }

    /// Reads what there is, once from each stream; whether there was something.
    fn listen(&mut self) -> bool {
        let mut some = false;
        for capture in &mut self.captures {
            some |= matches!(capture.read(&mut self.buffer, self.handoff), Read::Some(_));
        }
        some
    }

    /// The command itself has ended; what it started has not, perhaps.
    fn end_the_rest(&mut self) {
        let killed = self.ending.as_ref().is_some_and(|ending| ending.killed);
        let linger = if killed { Duration::ZERO } else { LINGER };
        if self.rest_ends_within(linger) {
            return;
        }
        let rest = self.tree.members().iter().filter(|seen| !seen.dead).count().max(1);
        if self.ending.is_none() {
            let processes = if rest == 1 { "a process" } else { "processes" };
            self.left
                .push(format!("it left {processes} running when it ended ({rest}), which were ended too"));
        }
        let grace = Duration::from_secs(self.job.limits.grace_seconds.unwrap_or_default());
        if !killed {
            self.tree.signal(Signal::TERM);
            self.tree.signal(Signal::CONT);
            if self.rest_ends_within(grace) {
                return;
            }
        }
        if !self.tree.kill(PATIENCE) {
            let rest: Vec<String> = self
                .tree
                .members()
                .iter()
                .filter(|seen| !seen.dead)
                .map(|seen| seen.pid.as_raw_pid().to_string())
                .collect();
            self.left.push(format!("processes that were killed and have not ended: {}", rest.join(", ")));
        }
    }

    /// Listens until nothing of it runs, for at most so long.
    fn rest_ends_within(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut pause = Duration::from_millis(1);
        loop {
            if !self.tree.runs() {
                return true;
            }
            let now = Instant::now();
            let urgent = self.handoff.is_abandoned() || self.stop.level() >= StopLevel::Kill;
            if now >= until || urgent {
                return false;
            }
            if self.job.limits.output_bytes.is_some_and(|most| self.output_bytes() > most) {
                self.captures.iter_mut().for_each(Capture::mute);
            }
            self.wait(pause.min(until - now), false);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    fn ended(&self, status: Result<WaitIdStatus, String>, used: u64) -> Ended {
        let status = match status {
            Ok(status) => status,
            Err(reason) => return Ended::Lost(reason),
        };
        if let Some(Ending { why, .. }) = &self.ending {
            return why.clone();
        }
        if let Some(status) = status.exit_status() {
            return Ended::Exited(status);
        }
        let Some(signal) = status.terminating_signal() else {
            return Ended::Lost("the system does not say how it ended".to_owned());
        };
        let limits = &self.job.limits;
        let out_of_time = limits.cpu_seconds.is_some_and(|most| used >= most);
        if limits.cpu_seconds.is_some() && signal == Signal::XCPU.as_raw() {
            return Ended::OverLimit(Limit::Cpu);
        }
        if out_of_time && signal == Signal::KILL.as_raw() {
            return Ended::OverLimit(Limit::Cpu);
        }
        if limits.file_bytes.is_some() && signal == Signal::XFSZ.as_raw() {
            return Ended::OverLimit(Limit::FileSize);
        }
        Ended::Signalled(signal)
    }
}
