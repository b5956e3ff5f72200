//! Every process that comes of a command: found whatever it does to hide, and ended.
//!
//! Three things hold it together. While a command runs, this process adopts what loses its parent
//! (`PR_SET_CHILD_SUBREAPER`), so that all that comes of a command stays below this process. A limit
//! that nothing uses (`RLIMIT_LOCKS`) carries a number that a child inherits and an ordinary
//! account cannot take off, so that what was adopted is told from this process's own children. And
//! where this process may make a control group, the command is in one, which the kernel kills in one
//! step.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use guardrail_core::plan::Achieved;
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, WaitId, WaitIdOptions, getrlimit, pidfd_open,
    pidfd_send_signal, prlimit,
};
use uuid::Uuid;

use super::proc::{Seen, children, mark, seen};

/// How processes are held together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tracking {
    /// In a control group where one can be made, and by descent.
    #[default]
    Group,
    /// By descent alone: it saves making a control group for each command.
    Descent,
}

/// The marks of the commands that run, of all executors of this process.
static RUNNING: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());

/// So often it is looked for what runs, while some of it keeps ending.
const LOOKS: u32 = 100;

/// All that comes of one command.
#[derive(Debug)]
pub(super) struct Tree {
    main: Option<Pid>,
    mark: u64,
    /// This process's own limit, which is no mark.
    own: Option<u64>,
    group: Option<Group>,
    /// Children of this process that are older than the command.
    before: HashSet<Pid>,
    /// Whether all of it is known to have ended.
    gone: bool,
}

impl Tree {
    /// Begins to adopt. To be called before the command is started.
    pub(super) fn new(permit: Uuid, tracking: Tracking) -> std::io::Result<Self> {
        let own = getrlimit(Resource::Locks).maximum;
        let mark = number(permit, own);
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        running.insert(mark);
        drop(running);
        let group = match tracking {
            Tracking::Group => Group::new(permit),
            Tracking::Descent => None,
        };
        let before = children(rustix::process::getpid()).into_iter().collect();
        Ok(Self { main: None, mark, own, group, before, gone: false })
    }

    /// Takes the command in, as soon as there is a process, with all that it has started by now,
    /// under `limits`. `waits` says that it has started nothing and done nothing.
    pub(super) fn adopt(
        &mut self,
        main: Pid,
        limits: &[(Resource, Rlimit)],
        waits: bool,
    ) -> (Achieved, Achieved) {
        self.main = Some(main);
        let mut known = HashSet::new();
        let mut refused = None;
        let mut grouped = true;
        // What is not marked yet was started before its parent was, and is found here. When nothing
        // new is found, everything there is and will be has inherited the mark and the limits.
        loop {
            // What waits has started nothing.
            let others = if waits { Vec::new() } else { self.members() };
            let fresh: Vec<Pid> = std::iter::once(main)
                .chain(others.into_iter().filter(|seen| !seen.dead).map(|seen| seen.pid))
                .filter(|pid| !known.contains(pid))
                .collect();
            if fresh.is_empty() {
                break;
            }
            // Moving into a group may take a while, and comes last.
            for pid in fresh {
                known.insert(pid);
                let mark = Rlimit { current: Some(self.mark), maximum: Some(self.mark) };
                for (resource, limit) in limits.iter().cloned().chain([(Resource::Locks, mark)]) {
                    match prlimit(Some(pid), resource, limit) {
                        Ok(_) | Err(rustix::io::Errno::SRCH) => {}
                        Err(error) => refused = Some(error),
                    }
                }
                if let Some(group) = &self.group {
                    grouped &= group.add(pid) || seen(pid).is_none_or(|seen| seen.dead);
                }
            }
        }
        let root = rustix::process::geteuid().is_root();
        let tree = if !waits {
            Achieved::Partial("what it started in its first moment may have got away".to_owned())
        } else if self.group.is_some() && grouped {
            Achieved::Full("a control group, and by descent".to_owned())
        } else if root {
            Achieved::Partial("by descent; a process of root could take off its mark".to_owned())
        } else {
            Achieved::Full("by descent, with a mark that only root could take off".to_owned())
        };
        let limits = match refused {
            Some(error) => Achieved::Partial(format!("some could not be set: {error}")),
            None if !waits => Achieved::Partial("set right behind the start".to_owned()),
            None => Achieved::Full("set before the start".to_owned()),
        };
        (tree, limits)
    }

    /// All processes of the command that there are, and those that have ended and were not looked
    /// at yet.
    pub(super) fn members(&self) -> Vec<Seen> {
        let me = rustix::process::getpid();
        let mut found: Vec<Seen> = Vec::new();
        let mut queue: Vec<Pid> = children(me).into_iter().filter(|pid| self.is_mine(*pid)).collect();
        if let Some(group) = &self.group {
            queue.extend(group.members().into_iter().filter(|pid| *pid != me));
        }
        let mut known = HashSet::new();
        while let Some(pid) = queue.pop() {
            if known.insert(pid)
                && let Some(seen) = seen(pid)
            {
                found.push(seen);
                if !seen.dead {
                    queue.extend(children(pid));
                }
            }
        }
        found
    }

    /// Whether a child of this process comes of the command.
    fn is_mine(&self, pid: Pid) -> bool {
        if Some(pid) == self.main {
            return true;
        }
        match mark(pid) {
            Some(mark) if mark == self.mark => true,
            mark if mark == self.own => {
                // Not marked. What is older belongs to others, and so does what has nothing to do
                // with the command's session and group.
                let main = self.main.map(Pid::as_raw_pid);
                !self.before.contains(&pid)
                    && seen(pid).is_some_and(|seen| Some(seen.group) == main || Some(seen.session) == main)
            }
            // Whoever changes the mark has something to hide. Of other commands' it may be one;
            // this one ends it all the same.
            Some(mark) => !RUNNING.lock().unwrap_or_else(PoisonError::into_inner).contains(&mark),
            None => false,
        }
    }

    /// Whether anything of it still runs.
    pub(super) fn runs(&self) -> bool {
        if self.group.as_ref().is_some_and(Group::is_populated) {
            return true;
        }
        // The list of children may leave one out while another ends. So what has ended since the last
        // look says that something may have been missed, and only three looks that find nothing at all
        // say that there is nothing.
        let mut quiet = 0;
        for _ in 0..LOOKS {
            let members = self.members();
            if members.iter().any(|seen| !seen.dead) {
                return true;
            }
            let mut ended = members.into_iter().filter(|seen| Some(seen.pid) != self.main).peekable();
            quiet = if ended.peek().is_none() { quiet + 1 } else { 0 };
            if quiet == 3 {
                return false;
            }
            ended.for_each(|seen| self.look_at(seen));
        }
        true
    }

    /// Sends a signal to all of it.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(main) = self.main {
            let _ = rustix::process::kill_process_group(main, signal);
        }
        for member in self.members() {
            if !member.dead {
                send(member, signal);
            }
        }
    }

    /// Kills all of it, and answers whether it is gone. It tries for at most `patience`.
    pub(super) fn kill(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut rounds = 0_u32;
        loop {
            if let Some(group) = &self.group {
                group.kill();
            }
            if let Some(main) = self.main {
                let _ = rustix::process::kill_process_group(main, Signal::KILL);
            }
            // What is still in the group has been killed in one step, and has to get to its end.
            if !self.group.as_ref().is_some_and(Group::is_populated) {
                for member in self.members() {
                    if member.dead { self.look_at(member) } else { send(member, Signal::KILL) }
                }
                // A chain of processes that each start another and end is faster than a pause: so
                // as long as it is one, there is none.
                if !self.runs() {
                    return true;
                }
            }
            if Instant::now() >= until {
                return false;
            }
            rounds += 1;
            if rounds > 100 {
                std::thread::sleep(Duration::from_millis(1));
            } else {
                std::thread::yield_now();
            }
        }
    }

    /// Looks at what has ended and was adopted, so that it does not stay in the system's table. The
    /// command itself is for the one who started it.
    pub(super) fn bury(&mut self) {
        self.gone = true;
        self.members().into_iter().for_each(|member| self.look_at(member));
    }

    /// Takes what has ended out of the system's table, if it was adopted.
    fn look_at(&self, member: Seen) {
        let adopted = member.parent == rustix::process::getpid().as_raw_pid();
        if member.dead && adopted && Some(member.pid) != self.main {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            let _ = rustix::process::waitid(WaitId::Pid(member.pid), options);
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if self.main.is_some() && !self.gone {
            // Whoever watched it failed; it must not go on alone.
            self.kill(Duration::from_secs(5));
        }
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.mark);
        if running.is_empty() {
            let _ = rustix::process::set_child_subreaper(None);
        }
    }
}

/// Sends a signal to a process if it is still the one that was seen.
fn send(member: Seen, signal: Signal) {
    // The descriptor stays with one process. If it was this one before and after it was opened, it
    // is this one.
    let Ok(descriptor) = pidfd_open(member.pid, PidfdFlags::empty()) else { return };
    if seen(member.pid).is_some_and(|now| now.session == member.session || now.parent == member.parent) {
        let _ = pidfd_send_signal(&descriptor, signal);
    }
}

/// The number that marks a command. It is below this process's own limit, which cannot be raised.
fn number(permit: Uuid, own: Option<u64>) -> u64 {
    let high = own.unwrap_or(u64::MAX).min(1 << 62);
    let low = high / 2;
    let (first, second) = permit.as_u64_pair();
    low + (first ^ second) % (high - low).max(1)
}

/// The processes that came of a command and still run, as an earlier run of this program may have
/// left them when it was killed.
///
/// `permit` is the id of the permit, as the record of the intent has it. Every process of the
/// machine that can be looked at is looked at. Only Linux tells.
#[must_use]
pub fn survivors(permit: Uuid) -> Vec<u32> {
    let mark = number(permit, getrlimit(Resource::Locks).maximum);
    let mine = |pid: &Pid| self::mark(*pid) == Some(mark) && seen(*pid).is_some_and(|seen| !seen.dead);
    let found = super::proc::all().into_iter().filter(mine);
    found.map(|pid| pid.as_raw_pid().cast_unsigned()).collect()
}

/// A control group (version 2) for one command.
#[derive(Debug)]
struct Group {
    path: PathBuf,
}

impl Group {
    /// Makes one below this process's own, if it may.
    fn new(permit: Uuid) -> Option<Self> {
        let path = parent()?.join(format!("guardrail-{permit}"));
        fs::create_dir(&path).ok()?;
        Some(Self { path })
    }

    fn add(&self, pid: Pid) -> bool {
        fs::write(self.path.join("cgroup.procs"), pid.as_raw_nonzero().to_string()).is_ok()
    }

    fn members(&self) -> Vec<Pid> {
        let text = fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)).collect()
    }

    fn is_populated(&self) -> bool {
        fs::read_to_string(self.path.join("cgroup.events")).is_ok_and(|text| text.contains("populated 1"))
    }

    fn kill(&self) {
        if fs::write(self.path.join("cgroup.kill"), "1").is_err() {
            // Kernels before 5.14 cannot do it in one step; what stands still starts nothing.
            let _ = fs::write(self.path.join("cgroup.freeze"), "1");
            for pid in self.members() {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
            let _ = fs::write(self.path.join("cgroup.freeze"), "0");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // What has just ended may be counted for a moment longer.
        for _ in 0..50 {
            if fs::remove_dir(&self.path).is_ok() || !self.path.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The directory of this process's own control group of version 2.
fn parent() -> Option<PathBuf> {
    let text = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = text.lines().find_map(|line| line.strip_prefix("0::/"))?.to_owned();
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mount = mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        after.starts_with("cgroup2 ").then(|| before.split(' ').nth(4)).flatten()
    })?;
    Some(Path::new(mount).join(own))
}
