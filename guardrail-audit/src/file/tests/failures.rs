//! Disks that are full, and disks that fail.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::*;
use crate::storage::{Presence, RealStorage};

/// The real disk, with switches.
struct Failing {
    real: RealStorage,
    switches: Arc<Switches>,
}

#[derive(Default)]
struct Switches {
    /// Bytes there is room for beyond what is reserved.
    full: AtomicBool,
    /// No file system reserves.
    unreserved: AtomicBool,
    /// Bytes an append takes before the disk is full.
    room: AtomicU64,
    sync: AtomicBool,
    probe: AtomicBool,
    names: AtomicBool,
    list: AtomicBool,
    again: AtomicU64,
}

impl Switches {
    fn set(switch: &AtomicBool, on: bool) {
        switch.store(on, Ordering::SeqCst);
    }
}

fn check(switch: &AtomicBool, kind: io::ErrorKind) -> io::Result<()> {
    if switch.load(Ordering::SeqCst) { Err(io::Error::new(kind, "switched off")) } else { Ok(()) }
}

struct FailingFile {
    real: Box<dyn StorageFile>,
    switches: Arc<Switches>,
}

impl Failing {
    fn file(&self, real: io::Result<Box<dyn StorageFile>>) -> io::Result<Box<dyn StorageFile>> {
        Ok(Box::new(FailingFile { real: real?, switches: Arc::clone(&self.switches) }))
    }
}

impl Storage for Failing {
    fn create(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        self.file(self.real.create(name))
    }
    fn open(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        self.file(self.real.open(name))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.real.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.real.remove(name)
    }
    fn list(&self) -> io::Result<Vec<String>> {
        check(&self.switches.list, io::ErrorKind::Other)?;
        self.real.list()
    }
    fn sync_names(&self) -> io::Result<()> {
        check(&self.switches.names, io::ErrorKind::Other)?;
        self.real.sync_names()
    }
    fn write_again(&self, name: &str, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.switches.again.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        self.real.write_again(name, bytes, offset)
    }
    fn is_on_disk(&self, name: &str, bytes: &[u8], offset: u64) -> io::Result<bool> {
        self.real.is_on_disk(name, bytes, offset)
    }
    fn lock(&self) -> io::Result<Box<dyn Send>> {
        self.real.lock()
    }
    fn enter(&self, exclusive: bool) -> io::Result<Presence> {
        self.real.enter(exclusive)
    }
    fn read_shared(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.real.read_shared(buffer, offset)
    }
    fn write_shared(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.real.write_shared(bytes, offset)
    }
    fn boot(&self) -> Option<u128> {
        self.real.boot()
    }
}

impl StorageFile for FailingFile {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.switches.full.load(Ordering::SeqCst) && self.switches.unreserved.load(Ordering::SeqCst) {
            let room = self.switches.room.load(Ordering::SeqCst);
            if room == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let part = bytes.len().min(room as usize);
            self.switches.room.fetch_sub(part as u64, Ordering::SeqCst);
            return self.real.append(&bytes[..part]);
        }
        self.real.append(bytes)
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.real.read_at(buffer, offset)
    }
    fn size(&self) -> io::Result<u64> {
        self.real.size()
    }
    fn sync(&self) -> io::Result<()> {
        check(&self.switches.sync, io::ErrorKind::Other)?;
        self.real.sync()
    }
    fn probe(&self) -> io::Result<()> {
        check(&self.switches.probe, io::ErrorKind::ReadOnlyFilesystem)?;
        self.real.probe()
    }
    fn reserve(&self, bytes: u64) -> io::Result<()> {
        if !self.switches.unreserved.load(Ordering::SeqCst) {
            check(&self.switches.full, io::ErrorKind::StorageFull)?;
        }
        self.real.reserve(bytes)
    }
}

fn failing(place: &Place) -> (FileStore, Arc<Switches>) {
    let switches = Arc::<Switches>::default();
    (reopen(place, &switches).unwrap(), switches)
}

fn reopen(place: &Place, switches: &Arc<Switches>) -> Result<FileStore, StoreError> {
    let real = RealStorage::open(&place.0).unwrap();
    place.small_options().open_on(Arc::new(Failing { real, switches: Arc::clone(switches) }))
}

fn try_put(store: &FileStore, text: &str) -> Outcome {
    store.append(&[body(&note(text))], &Condition::Always, Durability::Group)
}

#[test]
fn a_full_disk_fails_between_records() {
    let place = Place::new();
    let (store, switches) = failing(&place);
    Switches::set(&switches.full, true);
    let mut kept = 0;
    while try_put(&store, "x").is_ok() {
        kept += 1;
    }
    assert!(kept > 10);
    for _ in 0..3 {
        assert!(matches!(try_put(&store, "x"), Err(StoreError::NotWritten(_))));
    }
    let size = store.head().unwrap().chain.size;
    assert_eq!(store.lines(0).unwrap().map(Result::unwrap).count() as u64, size);
    // There is room to end properly.
    store.close().unwrap();
    assert_eq!(of_kind(&checked(&place.0), "note").len(), kept);
    let store = reopen(&place, &switches).unwrap();
    assert!(!store.recovery().unclean);
    assert!(matches!(try_put(&store, "x"), Err(StoreError::NotWritten(_))));
    Switches::set(&switches.full, false);
    try_put(&store, "room again").unwrap();
    store.close().unwrap();
    assert_eq!(of_kind(&checked(&place.0), "note").len(), kept + 1);
}

#[test]
fn a_disk_that_cannot_reserve_fails_between_records_too() {
    let place = Place::new();
    let (store, switches) = failing(&place);
    Switches::set(&switches.unreserved, true);
    Switches::set(&switches.full, true);
    assert!(matches!(try_put(&store, "x"), Err(StoreError::NotWritten(_))));
    Switches::set(&switches.full, false);
    let appended = try_put(&store, "y").unwrap();
    assert_eq!(appended.last, 1);
    // In the midst of a batch: it is not known how much of it counts, and nothing more is added.
    switches.room.store(250, Ordering::SeqCst);
    Switches::set(&switches.full, true);
    let bodies = [body(&note("a")), body(&note("b"))];
    let outcome = store.append(&bodies, &Condition::Always, Durability::Group);
    assert!(matches!(outcome, Err(StoreError::Indeterminate(_))));
    Switches::set(&switches.full, false);
    assert!(matches!(try_put(&store, "x"), Err(StoreError::Poisoned(_))));
    drop(store);
    let store = reopen(&place, &switches).unwrap();
    assert!(store.recovery().torn_bytes > 0);
    try_put(&store, "z").unwrap();
    store.close().unwrap();
    checked(&place.0);
}

#[test]
fn a_failed_sync_ends_all_acknowledging() {
    for (switch, cause) in [(0, "sync"), (1, "probe")] {
        let place = Place::new();
        let (store, switches) = failing(&place);
        let (other, _) = failing(&place);
        try_put(&other, "before").unwrap();
        let switch = if switch == 0 { &switches.sync } else { &switches.probe };
        Switches::set(switch, true);
        let barrier = Barrier::new(6);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    barrier.wait();
                    let error = try_put(&store, "lost?").err();
                    let refused =
                        matches!(error, Some(StoreError::Indeterminate(_) | StoreError::Poisoned(_)));
                    assert!(refused, "{cause}: {error:?}");
                });
            }
        });
        Switches::set(switch, false);
        assert!(matches!(try_put(&store, "x"), Err(StoreError::Poisoned(_))));
        // The other one's disk is in order, and it hears of it all the same.
        assert!(matches!(try_put(&other, "x"), Err(StoreError::Poisoned(why)) if why.contains("switched")));
        drop(store);

        let store = reopen(&place, &switches).unwrap();
        assert!(store.recovery().unclean);
        // What is in memory may not be on the disk: it was written again.
        assert!(switches.again.load(Ordering::SeqCst) > 0);
        try_put(&store, "after").unwrap();
        assert!(matches!(try_put(&other, "x"), Err(StoreError::Poisoned(_))));
        drop(other);
        let other = reopen(&place, &switches).unwrap();
        try_put(&other, "after too").unwrap();
        try_put(&store, "and again").unwrap();
        drop((store, other));
        let values = checked(&place.0);
        assert_eq!(of_kind(&values, "recovered").len(), 1);
        assert_eq!(of_kind(&values, "segment")[0]["details"]["previous"]["torn_bytes"], 0);
    }
}

#[test]
fn who_did_not_hear_of_a_failure_goes_on_in_the_new_segment() {
    let place = Place::new();
    let (store, switches) = failing(&place);
    let (idle, _) = failing(&place);
    try_put(&idle, "before").unwrap();
    Switches::set(&switches.sync, true);
    assert!(try_put(&store, "lost?").is_err());
    Switches::set(&switches.sync, false);
    drop(store);
    let store = reopen(&place, &switches).unwrap();
    // It looked away all the time.
    try_put(&idle, "after").unwrap();
    try_put(&store, "after").unwrap();
    drop((store, idle));
    let values = checked(&place.0);
    assert_eq!(of_kind(&values, "note").len(), 4);
}

#[test]
fn a_failed_recovery_leaves_the_log_as_it_was() {
    let place = Place::new();
    let (store, switches) = failing(&place);
    Switches::set(&switches.sync, true);
    assert!(try_put(&store, "lost?").is_err());
    drop(store);
    assert!(reopen(&place, &switches).is_err());
    Switches::set(&switches.sync, false);
    Switches::set(&switches.full, true);
    assert!(matches!(reopen(&place, &switches), Err(StoreError::NotWritten(_))));
    Switches::set(&switches.full, false);
    // It is still known that what is read may not be on the disk.
    let again = switches.again.load(Ordering::SeqCst);
    let store = reopen(&place, &switches).unwrap();
    assert!(store.recovery().unclean && switches.again.load(Ordering::SeqCst) > again);
    drop(store);
    checked(&place.0);
}

#[test]
fn a_segment_whose_name_may_be_lost_poisons() {
    let place = Place::new();
    let (store, switches) = failing(&place);
    Switches::set(&switches.names, true);
    let error = loop {
        if let Err(error) = try_put(&store, "x") {
            break error;
        }
    };
    assert!(matches!(error, StoreError::Indeterminate(_)));
    Switches::set(&switches.names, false);
    drop(store);
    let store = reopen(&place, &switches).unwrap();
    try_put(&store, "after").unwrap();
    drop(store);
    checked(&place.0);
}

#[test]
fn a_directory_is_not_listed_where_the_last_segment_is_known() {
    let place = Place::new();
    let (store, switches) = failing(&place);
    for number in 0..60 {
        try_put(&store, &format!("note {number}")).unwrap();
    }
    store.crash();
    Switches::set(&switches.list, true);
    let store = reopen(&place, &switches).unwrap();
    // Checkpoints are written without it too.
    for number in 60..80 {
        try_put(&store, &format!("note {number}")).unwrap();
    }
    store.close().unwrap();
    let store = reopen(&place, &switches).unwrap();
    assert!(!store.recovery().unclean);
    store.close().unwrap();
    assert_eq!(of_kind(&checked(&place.0), "note").len(), 80);
    // What another start of the machine wrote does not count, and what nobody wrote.
    std::fs::write(place.0.join("lock"), b"").unwrap();
    let refused = reopen(&place, &switches).err();
    assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");
    Switches::set(&switches.list, false);
    reopen(&place, &switches).unwrap().close().unwrap();
    Switches::set(&switches.list, true);
    reopen(&place, &switches).unwrap().close().unwrap();
}
