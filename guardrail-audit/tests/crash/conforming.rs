//! The conformance suite, over the log in files on the simulated disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use guardrail_audit::conformance::{Factory, check};
use guardrail_audit::storage::simulated::{Disk, Fault, Process};
use guardrail_audit::{Appended, Body, Durability, FileStore, Head, Lines, Store, StoreError};
use guardrail_core::record::Condition;

/// A log in files, with the disk and the process that it runs on.
struct OnDisk {
    store: FileStore,
    disk: Disk,
    process: Process,
    broken: AtomicBool,
}

impl OnDisk {
    fn open(disk: &Disk) -> Result<Self, StoreError> {
        let process = disk.process();
        let options = FileStore::options("example.org/conforming");
        let options = options.segment_bytes(300_000).checkpoint_every(50, 1 << 20);
        let store = options.open_on(Arc::new(process.clone()))?;
        Ok(Self { store, disk: disk.clone(), process, broken: AtomicBool::new(false) })
    }
}

impl Store for OnDisk {
    fn append(
        &self,
        bodies: &[Body<'_>],
        condition: &Condition,
        durability: Durability,
    ) -> Result<Appended, StoreError> {
        self.store.append(bodies, condition, durability)
    }

    fn append_later(
        &self,
        bodies: Vec<Body<'static>>,
        condition: Condition,
        durability: Durability,
        done: Box<dyn FnOnce(Result<Appended, StoreError>) + Send>,
    ) {
        self.store.append_later(bodies, condition, durability, done);
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.store.sync()
    }

    fn head(&self) -> Result<Head, StoreError> {
        self.store.head()
    }

    fn lines(&self, from: u64) -> Result<Lines<'_>, StoreError> {
        self.store.lines(from)
    }

    fn line(&self, sequence: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.line(sequence)
    }

    fn open_plan(&self, plan_id: &str) -> Result<Vec<u64>, StoreError> {
        self.store.open_plan(plan_id)
    }
}

/// How a sync goes wrong.
struct OnDisks(Fault);

impl Factory for OnDisks {
    type Store = OnDisk;

    fn create(&self) -> Result<OnDisk, StoreError> {
        OnDisk::open(&Disk::new(1))
    }

    fn another(&self, store: &OnDisk) -> Option<Result<OnDisk, StoreError>> {
        Some(OnDisk::open(&store.disk))
    }

    fn kill(&self, store: OnDisk) -> Option<Result<OnDisk, StoreError>> {
        store.process.kill();
        let disk = store.disk.clone();
        let broken = store.broken.load(Ordering::Relaxed) && self.0 != Fault::Io;
        drop(store);
        // A journal that broke is mended by mounting the disk again.
        Some(OnDisk::open(&if broken { disk.crash() } else { disk }))
    }

    fn power_cut(&self, store: OnDisk) -> Option<Result<OnDisk, StoreError>> {
        let disk = store.disk.crash();
        drop(store);
        Some(OnDisk::open(&disk))
    }

    fn break_sync(&self, store: &OnDisk) -> bool {
        store.disk.fail_next_sync(self.0);
        store.broken.store(true, Ordering::Relaxed);
        true
    }
}

#[test]
fn a_log_in_files_conforms_however_a_sync_fails() {
    for fault in [Fault::Io, Fault::Journal, Fault::Lie] {
        let report = check(&OnDisks(fault));
        assert!(report.holds_in_full(), "{fault:?}:\n{report}");
    }
}
