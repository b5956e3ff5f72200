//! A disk in memory that breaks on purpose, and in the same way for the same seed.
//!
//! It knows what processes see from what is on the disk for certain. What was written and not
//! synced is, after a power cut, there, not there, there in part, torn between sectors or full of
//! NUL; a name that was created, renamed or removed is only certain after
//! [`sync_names`](super::Storage::sync_names). Any call can be made to fail, and a sync can say yes
//! and lose, as ext4 does with a broken journal.
//!
//! Who writes a store of their own over [`Storage`] can test it with this; the file store is tested
//! with it.
//!
//! ```
//! use guardrail_audit::storage::Storage as _;
//! use guardrail_audit::storage::simulated::{Disk, Fault};
//!
//! let disk = Disk::new(7);
//! let storage = disk.process();
//! let file = storage.create("a")?;
//! storage.sync_names()?;
//! file.append(b"kept")?;
//! file.sync()?;
//! file.append(b", perhaps")?;
//! // The next call is the last one.
//! disk.fail(disk.calls(), Fault::Power);
//! assert!(file.sync().is_err());
//!
//! let disk = disk.crash();
//! assert!(disk.contents("a").unwrap().starts_with(b"kept"));
//! # Ok::<(), std::io::Error>(())
//! ```

mod contents;
mod fault;
mod names;
mod random;
mod state;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

use super::{Presence, Storage, StorageFile};
use contents::Contents;
use fault::says;
pub use fault::{Call, Fault, Operation};
use random::Random;
use state::{Shared, State};

/// A simulated disk with one directory. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Shared>);

/// What a simulated process does.
pub type Work<'w> = Box<dyn FnOnce(Process) + Send + 'w>;

impl Disk {
    /// An empty disk, without an end, on which the seed decides all that chance decides.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::of(State::new(Random::new(seed)))
    }

    fn of(state: State) -> Self {
        Self(Arc::new(Shared::new(state)))
    }

    /// A new process that uses the disk.
    #[must_use]
    pub fn process(&self) -> Process {
        let mut state = self.0.state();
        state.processes += 1;
        Process { shared: Arc::clone(&self.0), number: state.processes }
    }

    /// Lets one call go wrong. The first call is 0; [`calls`](Self::calls) is the next.
    pub fn fail(&self, call: u64, fault: Fault) {
        self.0.state().planned.insert(call, fault);
    }

    /// Lets the next sync of a file go wrong, whoever makes it.
    pub fn fail_next_sync(&self, fault: Fault) {
        self.0.state().next_sync = Some(fault);
    }

    /// Lets one call in so many go wrong, in one of these ways.
    pub fn fail_once_in(&self, calls: usize, faults: &[Fault]) {
        self.0.state().chance = Some((calls, faults.to_vec()));
    }

    /// Takes back all faults that have not struck yet.
    pub fn calm(&self) {
        let mut state = self.0.state();
        state.planned.clear();
        state.next_sync = None;
        state.chance = None;
    }

    /// Gives the disk so many bytes of room; `None` for no limit.
    pub fn set_room(&self, bytes: Option<u64>) {
        self.0.state().room = bytes;
    }

    /// Makes the directory and every file of it append-only by attribute, or no longer so: nothing is
    /// written in place, and no name goes away.
    pub fn set_append_only(&self, only: bool) {
        self.0.state().append_only = only;
    }

    /// The number of calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.state().calls
    }

    /// Keeps all calls from now on for [`trace`](Self::trace), on the disks that crashes leave too.
    pub fn keep_trace(&self) {
        self.0.state().trace.get_or_insert_default();
    }

    /// The calls that were kept.
    #[must_use]
    pub fn trace(&self) -> Vec<Call> {
        self.0.state().trace.clone().unwrap_or_default()
    }

    /// Whether no power cut has ended it.
    #[must_use]
    pub fn has_power(&self) -> bool {
        self.0.state().has_power()
    }

    /// Cuts the power, if it is still on, and gives the disk that is found afterwards. All later
    /// calls on this one fail.
    #[must_use]
    pub fn crash(&self) -> Self {
        let left = self.0.state().crash();
        self.0.wake();
        Self::of(left)
    }

    /// The names of all files that processes see, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.state().names.list().map(|(name, _)| name.clone()).collect()
    }

    /// What processes read in a file; `None` where there is none.
    #[must_use]
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.0.state();
        let file = state.names.find(name)?;
        state.files.get(file).map(|contents| contents.seen().to_vec())
    }

    /// Puts a file with these bytes there, durably, in place of any that has the name: what
    /// somebody with an editor does.
    pub fn edit(&self, name: &str, bytes: &[u8]) {
        let mut state = self.0.state();
        let mut contents = Contents::default();
        contents.write(0, bytes);
        contents.sync();
        let file = state.files.len();
        state.files.push(contents);
        state.names.create(name, file);
        state.names.sync();
    }

    /// Removes a file, durably, as somebody does who is not the log.
    pub fn delete(&self, name: &str) {
        let mut state = self.0.state();
        state.names.remove(name);
        state.names.sync();
    }

    /// Runs each piece of work in a process of its own, on a thread of its own, one call to the
    /// disk at a time: whose call is next is decided by the seed. Returns when all are at their
    /// end.
    ///
    /// A process may wait for another by [`Storage::lock`] alone.
    pub fn run(&self, work: Vec<Work<'_>>) {
        let processes: Vec<Process> = work.iter().map(|_| self.process()).collect();
        let numbers: Vec<u64> = processes.iter().map(|process| process.number).collect();
        self.0.take_turns(&numbers);
        std::thread::scope(|scope| {
            for (process, work) in processes.into_iter().zip(work) {
                let shared = Arc::clone(&self.0);
                scope.spawn(move || {
                    let finish = Finish { shared, process: process.number };
                    finish.shared.first_turn(finish.process);
                    work(process);
                    drop(finish);
                });
            }
        });
        self.0.end_turns();
    }
}

/// Gives the turn on, also where the work panics.
struct Finish {
    shared: Arc<Shared>,
    process: u64,
}

impl Drop for Finish {
    fn drop(&mut self) {
        self.shared.finish(self.process);
    }
}

/// A process that uses a simulated disk. Clones are the same process.
#[derive(Clone, Debug)]
pub struct Process {
    shared: Arc<Shared>,
    number: u64,
}

impl Process {
    /// Its number, which is that in [`Call::process`].
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Kills it: its calls fail from now on, its lock is free, what it wrote can still be read.
    pub fn kill(&self) {
        self.shared.kill(self.number);
    }

    fn call<T>(
        &self,
        operation: Operation,
        name: &str,
        act: impl FnOnce(&mut State, Option<Fault>) -> io::Result<T>,
    ) -> io::Result<T> {
        self.shared.call(self.number, operation, name, act)
    }

    /// As [`call`](Self::call), unless the fault is that nothing is done.
    fn act<T>(
        &self,
        operation: Operation,
        name: &str,
        act: impl FnOnce(&mut State, Option<Fault>) -> io::Result<T>,
    ) -> io::Result<T> {
        self.call(operation, name, |state, fault| match state.refusal(operation, fault) {
            Some(error) => Err(error),
            None => act(state, fault),
        })
    }

    fn handle(&self, name: &str, file: usize, heard: u64) -> Box<dyn StorageFile> {
        let (process, name) = (self.clone(), name.to_owned());
        Box::new(File { process, name, file, heard: AtomicU64::new(heard) })
    }
}

impl Storage for Process {
    fn create(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let file = self.act(Operation::Create, name, |state, _| {
            if state.names.find(name).is_some() {
                return Err(says(Errno::EXIST));
            }
            let file = state.files.len();
            state.files.push(Contents::default());
            state.names.create(name, file);
            Ok(file)
        })?;
        Ok(self.handle(name, file, 0))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let (file, failures) = self.act(Operation::Open, name, |state, _| {
            let file = state.names.find(name).ok_or_else(|| says(Errno::NOENT))?;
            Ok((file, state.file(file)?.failures))
        })?;
        Ok(self.handle(name, file, failures))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.act(Operation::Rename, from, |state, _| {
            if state.names.find(from).is_none() {
                return Err(says(Errno::NOENT));
            }
            if state.names.find(to).is_some() {
                return Err(says(Errno::EXIST));
            }
            match state.names.find(from).filter(|_| state.append_only) {
                // The file gets its new name, and the old one stays.
                Some(file) => state.names.create(to, file),
                None => state.names.rename(from, to),
            }
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.act(Operation::Remove, name, |state, _| {
            if state.names.find(name).is_none() {
                return Err(says(Errno::NOENT));
            }
            if state.append_only {
                return Err(says(Errno::PERM));
            }
            state.names.remove(name);
            Ok(())
        })
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.act(Operation::List, "", |state, _| {
            Ok(state.names.list().map(|(name, _)| name.clone()).collect())
        })
    }

    fn sync_names(&self) -> io::Result<()> {
        self.call(Operation::SyncNames, "", State::sync_names)
    }

    fn write_again(&self, name: &str, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.act(Operation::WriteAgain, name, |state, _| {
            if state.append_only {
                return Err(says(Errno::PERM));
            }
            let file = state.names.find(name).ok_or_else(|| says(Errno::NOENT))?;
            state.file(file)?.write(usize::try_from(offset).unwrap_or(usize::MAX), bytes);
            Ok(())
        })
    }

    fn is_on_disk(&self, name: &str, bytes: &[u8], offset: u64) -> io::Result<bool> {
        self.act(Operation::IsOnDisk, name, |state, _| {
            let file = state.names.find(name).ok_or_else(|| says(Errno::NOENT))?;
            Ok(state.file(file)?.is_on_disk(usize::try_from(offset).unwrap_or(usize::MAX), bytes))
        })
    }

    fn lock(&self) -> io::Result<Box<dyn Send>> {
        let lock = self.shared.acquire(self.number)?;
        Ok(Box::new(Lock { process: self.clone(), lock }))
    }

    fn enter(&self, exclusive: bool) -> io::Result<Presence> {
        let (alone, place) =
            self.act(Operation::Enter, "", |state, _| state.enter(self.number, exclusive))?;
        Ok(Presence { alone, guard: Box::new(Entered { process: self.clone(), place }) })
    }

    fn read_shared(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.act(Operation::ReadShared, "", |state, fault| {
            let most = shortened(buffer.len(), state, fault);
            Ok(copy(state.shared.seen(), offset, buffer, most))
        })
    }

    fn write_shared(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.act(Operation::WriteShared, "", |state, _| {
            state.shared.write(usize::try_from(offset).unwrap_or(usize::MAX), bytes);
            Ok(())
        })
    }

    fn boot(&self) -> Option<u128> {
        Some(self.shared.state().boot)
    }
}

/// How many bytes are read or written of so many.
fn shortened(bytes: usize, state: &mut State, fault: Option<Fault>) -> usize {
    match fault {
        Some(Fault::Short) => state.random.below(bytes).max(1).min(bytes),
        _ => bytes,
    }
}

/// Reads at an offset, at most so many bytes.
fn copy(seen: &[u8], offset: u64, buffer: &mut [u8], most: usize) -> usize {
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(seen.len());
    let found = seen.get(from..from.saturating_add(most).min(seen.len())).unwrap_or_default();
    if let Some(taken) = buffer.get_mut(..found.len()) {
        taken.copy_from_slice(found);
    }
    found.len()
}

/// The lock, until it is dropped.
struct Lock {
    process: Process,
    lock: u64,
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.process.shared.release(self.process.number, self.lock);
    }
}

/// That an opened log is there.
struct Entered {
    process: Process,
    place: u64,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.process.shared.state().leave(self.place);
    }
}

/// An open file.
#[derive(Debug)]
struct File {
    process: Process,
    name: String,
    file: usize,
    /// The failed syncs it has heard of.
    heard: AtomicU64,
}

impl StorageFile for File {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        self.process.act(Operation::Append, &self.name, |state, fault| {
            let mut taken = shortened(bytes.len(), state, fault);
            let left = state.room.map(|_| state.left());
            let contents = state.file(self.file)?;
            if let Some(left) = left {
                // The room it has already, and what is left.
                let most = contents.room().saturating_add(left).saturating_sub(contents.size() as u64);
                if most == 0 && taken > 0 {
                    return Err(says(Errno::NOSPC));
                }
                taken = taken.min(usize::try_from(most).unwrap_or(usize::MAX));
            }
            contents.write(contents.size(), bytes.get(..taken).unwrap_or_default());
            Ok(taken)
        })
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.process.act(Operation::ReadAt, &self.name, |state, fault| {
            let most = shortened(buffer.len(), state, fault);
            Ok(copy(state.file(self.file)?.seen(), offset, buffer, most))
        })
    }

    fn size(&self) -> io::Result<u64> {
        self.process.act(Operation::Size, &self.name, |state, _| Ok(state.file(self.file)?.size() as u64))
    }

    fn sync(&self) -> io::Result<()> {
        self.process.call(Operation::Sync, &self.name, |state, fault| {
            let (failures, result) = state.sync(self.file, self.heard.load(Ordering::Relaxed), fault);
            self.heard.store(failures, Ordering::Relaxed);
            result
        })
    }

    fn probe(&self) -> io::Result<()> {
        self.process.act(Operation::Probe, &self.name, |_, _| Ok(()))
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        self.process.act(Operation::Reserve, &self.name, |state, _| {
            let left = state.left();
            let contents = state.file(self.file)?;
            if bytes.saturating_sub(contents.room()) > left {
                return Err(says(Errno::NOSPC));
            }
            contents.reserve(bytes);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use super::*;

    /// What power cuts leave of one disk that is always set up in the same way.
    fn left(set_up: impl Fn(&Disk, &Process)) -> BTreeSet<Vec<(String, Vec<u8>)>> {
        (0..400)
            .map(|seed| {
                let disk = Disk::new(seed);
                set_up(&disk, &disk.process());
                let disk = disk.crash();
                disk.names().into_iter().map(|name| (name.clone(), disk.contents(&name).unwrap())).collect()
            })
            .collect()
    }

    fn kept_file(process: &Process) -> Box<dyn StorageFile> {
        let file = process.create("a").unwrap();
        process.sync_names().unwrap();
        file
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_is_lost_torn_or_reordered() {
        let found = left(|_, process| {
            let file = kept_file(process);
            file.append(&[b'1'; 600]).unwrap();
            file.sync().unwrap();
            file.append(&[b'2'; 600]).unwrap();
            file.append(&[b'3'; 600]).unwrap();
        });
        let found: BTreeSet<Vec<u8>> = found.into_iter().map(|mut files| files.remove(0).1).collect();
        assert!(found.iter().all(|bytes| bytes.starts_with(&[b'1'; 600]) && bytes.len() <= 1800));
        let whole = [&[b'1'; 600][..], &[b'2'; 600], &[b'3'; 600]].concat();
        assert!(found.contains(&whole) && found.contains(&whole[..600]) && found.contains(&whole[..1200]));
        // Torn at a sector, with sectors that never came, and with later ones without earlier ones.
        assert!(found.contains(&whole[..1024]));
        assert!(found.iter().any(|bytes| bytes.len() > 600 && bytes[600..].iter().all(|&byte| byte == 0)));
        assert!(found.iter().any(|bytes| bytes.len() == 1800 && bytes[700] == 0 && bytes[1799] == b'3'));
        // A sector is never torn inside.
        assert!(found.iter().all(|bytes| bytes.len() < 1536 || bytes[1200] == bytes[1535]));
    }

    #[test]
    fn names_are_kept_or_lost_until_they_are_synced() {
        let found = left(|_, process| {
            process.create("a").unwrap();
            process.create("b").unwrap();
            process.sync_names().unwrap();
            process.create("c").unwrap();
            process.rename("a", "d").unwrap();
            process.remove("b").unwrap();
        });
        let names: BTreeSet<String> = found
            .into_iter()
            .map(|files| files.into_iter().map(|(name, _)| name).collect::<String>())
            .collect();
        let all = ["a", "ab", "abc", "abcd", "abd", "ac", "acd", "ad", "bcd", "bd", "cd", "d"];
        assert_eq!(names, all.iter().map(ToString::to_string).collect());
    }

    #[test]
    fn a_failed_sync_loses_and_the_next_one_says_yes() {
        let mut lost = 0;
        for seed in 0..100 {
            let disk = Disk::new(seed);
            let process = disk.process();
            let file = kept_file(&process);
            let earlier = process.open("a").unwrap();
            file.append(b"1").unwrap();
            disk.fail(disk.calls(), Fault::Io);
            assert_eq!(file.sync().unwrap_err().raw_os_error(), Some(5));
            assert_eq!(disk.contents("a").unwrap(), b"1");
            file.sync().unwrap();
            file.probe().unwrap();
            // Who had it open hears of it, who opens it later does not.
            assert!(earlier.sync().is_err());
            assert!(earlier.sync().is_ok());
            process.open("a").unwrap().sync().unwrap();
            lost += usize::from(disk.crash().contents("a").unwrap().is_empty());
        }
        assert!((10..90).contains(&lost), "{lost}");
    }

    #[test]
    fn a_broken_journal_is_seen_by_the_probe_alone() {
        for (fault, says) in [(Fault::Lie, None), (Fault::Journal, Some(5))] {
            let disk = Disk::new(1);
            let process = disk.process();
            let file = kept_file(&process);
            file.append(b"1").unwrap();
            disk.fail(disk.calls(), fault);
            assert_eq!(file.sync().err().and_then(|error| error.raw_os_error()), says);
            file.sync().unwrap();
            assert_eq!(file.probe().unwrap_err().raw_os_error(), Some(30));
            assert_eq!(file.append(b"2").unwrap_err().raw_os_error(), Some(30));
            assert_eq!(disk.crash().contents("a").unwrap(), b"");
        }
    }

    #[test]
    fn a_full_disk_takes_what_there_is_room_for() {
        let disk = Disk::new(1);
        disk.set_room(Some(8192));
        let process = disk.process();
        let (first, second) = (kept_file(&process), process.create("b").unwrap());
        first.reserve(4096).unwrap();
        assert_eq!(second.append(&[0; 5000]).unwrap(), 4096);
        assert_eq!(second.append(b"x").unwrap_err().raw_os_error(), Some(28));
        assert_eq!(second.reserve(8192).unwrap_err().raw_os_error(), Some(28));
        // What was reserved is there, and not a byte more.
        assert_eq!(first.append(&[0; 4000]).unwrap(), 4000);
        assert_eq!(first.append(&[0; 4000]).unwrap(), 96);
        process.remove("b").unwrap();
        assert_eq!(first.append(&[0; 4000]).unwrap(), 4000);
    }

    #[test]
    fn every_fault_does_what_it_says() {
        for &fault in Fault::ALL {
            let disk = Disk::new(1);
            let (process, other) = (disk.process(), disk.process());
            let file = kept_file(&process);
            disk.keep_trace();
            disk.fail(disk.calls(), fault);
            let said = file.append(b"abcdef");
            let code = said.as_ref().err().and_then(io::Error::raw_os_error);
            let seen = disk.contents("a").unwrap();
            match fault {
                Fault::Io | Fault::Journal => assert_eq!(code, Some(5)),
                Fault::Full => assert_eq!(code, Some(28)),
                Fault::ReadOnly => assert_eq!(code, Some(30)),
                Fault::Interrupted => assert_eq!(code, Some(4)),
                Fault::Short => assert_eq!(said.unwrap(), seen.len()),
                Fault::Lie | Fault::Stall => assert_eq!(said.unwrap(), 6),
                _ => assert!(said.is_err() && code.is_none()),
            }
            let written = matches!(fault, Fault::Lie | Fault::Stall | Fault::KillAfter | Fault::PowerAfter);
            assert!(if fault == Fault::Short { !seen.is_empty() } else { seen.is_empty() != written });
            assert_eq!(disk.has_power(), !matches!(fault, Fault::Power | Fault::PowerAfter));
            let survives = disk.has_power() && fault != Fault::Kill && fault != Fault::KillAfter;
            assert_eq!(file.size().is_ok(), survives);
            assert_eq!(other.list().is_ok(), disk.has_power());
            assert_eq!(disk.trace()[0].fault, Some(fault));
        }
    }

    #[test]
    fn the_lock_is_for_one_and_ends_with_its_process() {
        let disk = Disk::new(1);
        let (first, second) = (disk.process(), disk.process());
        let lock = first.lock().unwrap();
        first.kill();
        let taken = second.lock().unwrap();
        // The guard of the dead frees nothing.
        drop(lock);
        std::thread::scope(|scope| {
            let third = disk.process();
            let waits = scope.spawn(move || third.lock().map(drop).is_ok());
            assert!(!waits.is_finished());
            drop(taken);
            assert!(waits.join().unwrap());
        });
    }

    #[test]
    fn processes_run_in_the_order_of_the_seed() {
        let orders: Vec<Vec<u64>> = [1, 1, 2]
            .into_iter()
            .map(|seed| {
                let disk = Disk::new(seed);
                disk.keep_trace();
                let inside = Mutex::new(0);
                let work = || -> Work<'_> {
                    Box::new(|process| {
                        for _ in 0..8 {
                            let lock = process.lock().unwrap();
                            *inside.lock().unwrap() += 1;
                            process.list().unwrap();
                            *inside.lock().unwrap() -= 1;
                            assert_eq!(*inside.lock().unwrap(), 0);
                            drop(lock);
                        }
                    })
                };
                disk.run(vec![work(), work(), work()]);
                disk.trace().iter().map(|call| call.process).collect()
            })
            .collect();
        assert_eq!(orders[0], orders[1]);
        assert_ne!(orders[0], orders[2]);
        assert!(orders[0].windows(2).any(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn who_waits_for_a_lock_that_nobody_can_free_is_told() {
        let disk = Disk::new(1);
        disk.run(vec![Box::new(|process| {
            let _held = process.lock().unwrap();
            assert_eq!(process.lock().err().unwrap().raw_os_error(), Some(35));
        })]);
        let (first, second) = (disk.process(), disk.process());
        let held = first.lock().unwrap();
        disk.run(vec![Box::new(move |_| {
            assert!(first.clone().lock().is_err());
            drop(held);
            drop(second.lock().unwrap());
        })]);
    }

    #[test]
    fn what_is_shared_outlives_processes_and_the_first_is_alone() {
        let disk = Disk::new(1);
        let (first, second) = (disk.process(), disk.process());
        let entered = first.enter(false).unwrap();
        first.write_shared(b"abc", 2).unwrap();
        let other = second.enter(false).unwrap();
        assert!(entered.alone && !other.alone);
        assert_eq!(second.enter(true).err().unwrap().kind(), io::ErrorKind::WouldBlock);
        first.kill();
        let mut buffer = [1; 8];
        assert_eq!(second.read_shared(&mut buffer, 0).unwrap(), 5);
        assert_eq!(&buffer[..5], b"\0\0abc");
        drop(other);
        let exclusive = second.enter(true).unwrap();
        assert!(exclusive.alone && disk.process().enter(false).is_err());
        drop(exclusive);
        assert!(disk.process().enter(false).unwrap().alone);
        let left = disk.crash();
        assert_ne!(left.process().boot(), second.boot());
    }
}
