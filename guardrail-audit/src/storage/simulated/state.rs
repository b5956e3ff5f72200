//! The state of a simulated disk, and whose turn it is.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use super::contents::Contents;
use super::fault::{Call, Fault, Operation, gone, says};
use super::names::Names;
use super::random::Random;

/// A disk, shared by its processes.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) random: Random,
    pub(super) files: Vec<Contents>,
    pub(super) names: Names,
    /// The bytes that opened logs share.
    pub(super) shared: Contents,
    /// The number of this start of the machine.
    pub(super) boot: u128,
    /// All the room there is, in bytes.
    pub(super) room: Option<u64>,
    pub(super) planned: BTreeMap<u64, Fault>,
    /// What happens to the next sync of a file.
    pub(super) next_sync: Option<Fault>,
    /// A fault at one call in so many, once.
    pub(super) chance: Option<(usize, Vec<Fault>)>,
    pub(super) calls: u64,
    pub(super) trace: Option<Vec<Call>>,
    pub(super) processes: u64,
    killed: BTreeSet<u64>,
    off: bool,
    pub(super) append_only: bool,
    read_only: bool,
    journal_broken: bool,
    /// Who has the lock: the process, and which of its locks.
    holder: Option<(u64, u64)>,
    /// The number of the last lock that was taken, or place.
    locks: u64,
    /// The opened logs that are there: each one's place, its process, and whether it is exclusive.
    present: BTreeMap<u64, (u64, bool)>,
    turns: Option<Turns>,
}

/// Processes that run one call at a time.
#[derive(Debug, Default)]
struct Turns {
    ready: Vec<u64>,
    /// Those that wait for the lock.
    blocked: Vec<u64>,
    /// Those that stand still until no other one can go on.
    stalled: Vec<u64>,
    current: Option<u64>,
}

impl Shared {
    pub(super) const fn new(state: State) -> Self {
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One call of one process.
    pub(super) fn call<T>(
        &self,
        process: u64,
        operation: Operation,
        name: &str,
        act: impl FnOnce(&mut State, Option<Fault>) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.turn(process);
        let fault = state.begin(process, operation, name)?;
        let result = act(&mut state, fault);
        let result = state.end(process, fault, result);
        if state.off {
            self.changed.notify_all();
        }
        result
    }

    /// Takes the lock, and says which it is.
    pub(super) fn acquire(&self, process: u64) -> io::Result<u64> {
        let mut state = self.turn(process);
        let fault = state.begin(process, Operation::Lock, "")?;
        if let Some(error) = state.refusal(Operation::Lock, fault) {
            return state.end(process, fault, Err(error));
        }
        while let Some((holder, _)) = state.holder {
            if holder == process {
                // It would wait for itself; two threads of it would both go on.
                return Err(says(Errno::DEADLK));
            }
            if state.is_gone(process) {
                return Err(gone());
            }
            if state.takes_turns(process) {
                state.block(process);
                if state.pass().is_none() {
                    return Err(says(Errno::DEADLK));
                }
                self.changed.notify_all();
                state = self.until_turn(state, process);
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        if state.is_gone(process) {
            return Err(gone());
        }
        state.locks += 1;
        let lock = state.locks;
        state.holder = Some((process, lock));
        let result = state.end(process, fault, Ok(lock));
        self.changed.notify_all();
        result
    }

    pub(super) fn release(&self, process: u64, lock: u64) {
        let mut state = self.state();
        if state.holder == Some((process, lock)) {
            state.free_lock();
        }
        self.changed.notify_all();
    }

    pub(super) fn kill(&self, process: u64) {
        self.state().kill(process);
        self.changed.notify_all();
    }

    /// From now on these run one call at a time, in an order that chance decides.
    pub(super) fn take_turns(&self, processes: &[u64]) {
        let mut state = self.state();
        state.turns = Some(Turns { ready: processes.to_vec(), ..Turns::default() });
        state.pass();
    }

    /// Waits for the first turn.
    pub(super) fn first_turn(&self, process: u64) {
        drop(self.until_turn(self.state(), process));
    }

    /// Nobody waits for a turn any more.
    pub(super) fn end_turns(&self) {
        self.state().turns = None;
    }

    /// Lets everybody look again.
    pub(super) fn wake(&self) {
        self.changed.notify_all();
    }

    /// The process is at its end.
    pub(super) fn finish(&self, process: u64) {
        let mut state = self.state();
        if let Some(turns) = &mut state.turns {
            turns.ready.retain(|&ready| ready != process);
        }
        state.pass();
        self.changed.notify_all();
    }

    fn turn(&self, process: u64) -> MutexGuard<'_, State> {
        let mut state = self.state();
        if state.takes_turns(process) {
            state.pass();
            self.changed.notify_all();
            state = self.until_turn(state, process);
        }
        state
    }

    fn until_turn<'s>(&'s self, mut state: MutexGuard<'s, State>, process: u64) -> MutexGuard<'s, State> {
        while !state.off && state.turns.as_ref().is_some_and(|turns| turns.current != Some(process)) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }
}

impl State {
    /// An empty disk.
    pub(super) fn new(mut random: Random) -> Self {
        Self {
            boot: u128::from(random.next()),
            random,
            files: Vec::new(),
            names: Names::default(),
            shared: Contents::default(),
            room: None,
            planned: BTreeMap::new(),
            next_sync: None,
            chance: None,
            calls: 0,
            trace: None,
            processes: 0,
            killed: BTreeSet::new(),
            off: false,
            append_only: false,
            read_only: false,
            journal_broken: false,
            holder: None,
            locks: 0,
            present: BTreeMap::new(),
            turns: None,
        }
    }

    /// The disk behind a power cut. This one is of no use any more.
    pub(super) fn crash(&mut self) -> Self {
        self.off = true;
        let mut random = Random::new(self.random.next());
        let names = self.names.after_crash(&mut random);
        let files = self.files.iter().map(|file| file.after_crash(&mut random)).collect();
        let shared = self.shared.after_crash(&mut random);
        let trace = self.trace.as_ref().map(|_| Vec::new());
        let Self { room, append_only, .. } = *self;
        Self { files, names, shared, room, append_only, trace, ..Self::new(random) }
    }

    pub(super) fn file(&mut self, file: usize) -> io::Result<&mut Contents> {
        self.files.get_mut(file).ok_or_else(|| says(Errno::BADF))
    }

    /// The room that is left, in bytes.
    pub(super) fn left(&self) -> u64 {
        let used: u64 =
            self.names.list().filter_map(|(_, file)| self.files.get(file)).map(Contents::room).sum();
        self.room.map_or(u64::MAX, |room| room.saturating_sub(used))
    }

    /// What an operation says that does nothing; `None` where it goes on.
    pub(super) fn refusal(&mut self, operation: Operation, fault: Option<Fault>) -> Option<io::Error> {
        let error = match fault {
            Some(Fault::Io) => Some(Errno::IO),
            Some(Fault::Stall) if operation == Operation::Sync => Some(Errno::IO),
            Some(Fault::Full) => Some(Errno::NOSPC),
            Some(Fault::Interrupted) => Some(Errno::INTR),
            Some(Fault::ReadOnly) => {
                self.read_only = true;
                None
            }
            Some(Fault::Journal) => {
                self.journal_broken = true;
                Some(Errno::IO)
            }
            _ => None,
        };
        let refused = (self.read_only || self.journal_broken) && operation.changes();
        error.or_else(|| refused.then_some(Errno::ROFS)).map(says)
    }

    /// A sync of one file, by somebody who has heard of so many failures. Says how many there are.
    pub(super) fn sync(&mut self, file: usize, heard: u64, fault: Option<Fault>) -> (u64, io::Result<()>) {
        if fault == Some(Fault::Lie) {
            self.journal_broken = true;
        }
        let was_broken = self.journal_broken;
        let refusal = self.refusal(Operation::Sync, fault);
        let Self { files, random, journal_broken, read_only, .. } = self;
        let Some(contents) = files.get_mut(file) else { return (heard, Err(says(Errno::BADF))) };
        let result = match refusal {
            Some(error) if *journal_broken => {
                contents.sync_without_size();
                Err(error)
            }
            Some(error) => {
                contents.fail_sync(random);
                Err(error)
            }
            None if was_broken => {
                contents.sync_without_size();
                Ok(())
            }
            None if *read_only => {
                contents.fail_sync(random);
                Err(says(Errno::ROFS))
            }
            None => {
                contents.sync();
                if heard < contents.failures { Err(says(Errno::IO)) } else { Ok(()) }
            }
        };
        (contents.failures, result)
    }

    /// Names are in the journal alone: an error of the disk breaks it, and another loses nothing.
    pub(super) fn sync_names(&mut self, fault: Option<Fault>) -> io::Result<()> {
        if matches!(fault, Some(Fault::Lie | Fault::Io)) {
            self.journal_broken = true;
        }
        let refusal = self.refusal(Operation::SyncNames, fault);
        let Self { names, random, .. } = self;
        if self.journal_broken {
            names.fail_sync(random);
        } else if self.read_only {
            return Err(says(Errno::ROFS));
        } else if refusal.is_none() {
            names.sync();
        }
        refusal.map_or(Ok(()), Err)
    }

    fn begin(&mut self, process: u64, operation: Operation, name: &str) -> io::Result<Option<Fault>> {
        if self.is_gone(process) {
            return Err(gone());
        }
        let call = self.calls;
        self.calls += 1;
        let mut fault = self.planned.remove(&call);
        if operation == Operation::Sync && fault.is_none() {
            fault = self.next_sync.take();
        }
        if let Some((once_in, faults)) = &self.chance
            && fault.is_none()
            && self.random.once_in(*once_in)
        {
            fault = self.random.pick(faults);
        }
        if let Some(trace) = &mut self.trace {
            trace.push(Call { process, operation, name: name.to_owned(), fault });
        }
        if matches!(fault, Some(Fault::Kill | Fault::Power)) {
            self.strike(process, fault);
            return Err(gone());
        }
        Ok(fault)
    }

    fn end<T>(&mut self, process: u64, fault: Option<Fault>, result: io::Result<T>) -> io::Result<T> {
        if matches!(fault, Some(Fault::KillAfter | Fault::PowerAfter)) {
            self.strike(process, fault);
            return Err(gone());
        }
        if fault == Some(Fault::Stall)
            && let Some(turns) = &mut self.turns
        {
            turns.stalled.push(process);
        }
        result
    }

    fn strike(&mut self, process: u64, fault: Option<Fault>) {
        match fault {
            Some(Fault::Power | Fault::PowerAfter) => self.off = true,
            _ => self.kill(process),
        }
    }

    /// The system frees the lock of a process that is killed.
    fn kill(&mut self, process: u64) {
        self.killed.insert(process);
        self.present.retain(|_, (present, _)| *present != process);
        if self.holder.is_some_and(|(holder, _)| holder == process) {
            self.free_lock();
        }
    }

    pub(super) fn is_gone(&self, process: u64) -> bool {
        self.off || self.killed.contains(&process)
    }

    pub(super) const fn has_power(&self) -> bool {
        !self.off
    }

    /// Whether an opened log of this process is alone, and its place.
    pub(super) fn enter(&mut self, process: u64, exclusive: bool) -> io::Result<(bool, u64)> {
        let alone = self.present.is_empty();
        if !alone && exclusive || self.present.values().any(|&(_, exclusive)| exclusive) {
            return Err(says(Errno::AGAIN));
        }
        self.locks += 1;
        self.present.insert(self.locks, (process, exclusive));
        Ok((alone, self.locks))
    }

    pub(super) fn leave(&mut self, place: u64) {
        self.present.remove(&place);
    }

    fn free_lock(&mut self) {
        self.holder = None;
        if let Some(turns) = &mut self.turns {
            turns.ready.append(&mut turns.blocked);
        }
    }

    fn takes_turns(&self, process: u64) -> bool {
        !self.off && self.turns.as_ref().is_some_and(|turns| turns.ready.contains(&process))
    }

    fn block(&mut self, process: u64) {
        if let Some(turns) = &mut self.turns {
            turns.ready.retain(|&ready| ready != process);
            turns.blocked.push(process);
        }
    }

    /// Somebody's turn.
    fn pass(&mut self) -> Option<u64> {
        let Self { turns: Some(turns), random, .. } = self else { return None };
        let Turns { ready, stalled, .. } = turns;
        let able: Vec<u64> = ready.iter().copied().filter(|ready| !stalled.contains(ready)).collect();
        if able.is_empty() {
            stalled.clear();
        }
        turns.current = random.pick(if able.is_empty() { &turns.ready } else { &able });
        turns.current
    }
}
