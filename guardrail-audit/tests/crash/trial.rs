//! One log, the processes that append to it, and what goes wrong meanwhile.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::DateTime;
use guardrail_audit::storage::simulated::{Disk, Fault, Process, Work};
use guardrail_audit::{Durability, Store as _, StoreError};
use guardrail_audit::{FileOptions, FileStore};
use guardrail_core::record::{Condition, Kind, Record, Status};

use crate::ledger::{Ledger, Seen, note};

pub(crate) const ORIGIN: &str = "example.org/crash";

/// Numbers from a seed.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % limit
    }

    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// One log through all that happens to it.
pub(crate) struct Trial {
    pub(crate) ledger: Ledger,
    /// Nothing happens but kills.
    pub(crate) gentle: bool,
    segment_bytes: u64,
    checkpoint_records: u64,
    clock: Arc<AtomicI64>,
    /// The last known record of each plan.
    plans: Mutex<BTreeMap<String, u64>>,
    wrong: Mutex<Vec<String>>,
    pub(crate) acknowledged: AtomicU64,
}

/// What a process does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    pub(crate) seed: u64,
    pub(crate) appends: u64,
    pub(crate) threads: u64,
    /// It is killed rather than that it closes the log.
    pub(crate) killed: bool,
}

impl Trial {
    pub(crate) fn new(dice: &mut Dice, gentle: bool) -> Self {
        let segment_bytes = dice.pick(&[4_096, 4_096, 8_192, 1 << 20]);
        Self { gentle, ..Self::of(segment_bytes, dice.pick(&[1, 3, 7, 1_000])) }
    }

    pub(crate) fn of(segment_bytes: u64, checkpoint_records: u64) -> Self {
        Self {
            ledger: Ledger::default(),
            gentle: false,
            segment_bytes,
            checkpoint_records,
            clock: Arc::new(AtomicI64::new(1_000_000)),
            plans: Mutex::default(),
            wrong: Mutex::default(),
            acknowledged: AtomicU64::new(0),
        }
    }

    pub(crate) fn options(&self) -> FileOptions {
        let clock = Arc::clone(&self.clock);
        FileStore::options(ORIGIN)
            .segment_bytes(self.segment_bytes)
            .checkpoint_every(self.checkpoint_records, 1 << 20)
            // Mostly forwards.
            .clock(move || {
                let now = clock.fetch_add(7, Ordering::Relaxed);
                DateTime::from_timestamp_micros(if now % 13 == 0 { now - 1_000 } else { now }).unwrap()
            })
    }

    /// What went wrong within the processes.
    pub(crate) fn wrong(&self) -> Result<(), String> {
        self.wrong.lock().unwrap().first().map_or(Ok(()), |wrong| Err(wrong.clone()))
    }

    fn say(&self, wrong: impl fmt::Display) {
        self.wrong.lock().unwrap().push(wrong.to_string());
    }

    /// The processes, as they run on a disk.
    pub(crate) fn run(&self, disk: &Disk, tasks: &[Task]) {
        if let [task] = tasks {
            return self.task(disk.process(), *task);
        }
        let work = |task: &Task| -> Work<'_> {
            let task = *task;
            Box::new(move |process| self.task(process, task))
        };
        disk.run(tasks.iter().map(work).collect());
    }

    fn task(&self, process: Process, task: Task) {
        let store = match self.options().open_on(Arc::new(process.clone())) {
            Ok(store) => store,
            Err(error @ (StoreError::Tampered { .. } | StoreError::Damaged(_))) => {
                return self.say(format!("a crash was taken for tampering: {error}"));
            }
            Err(_) => return,
        };
        if task.threads < 2 {
            self.appends(&store, &mut Dice::new(task.seed), &task);
        } else {
            std::thread::scope(|scope| {
                for thread in 0..task.threads {
                    let store = &store;
                    scope.spawn(move || {
                        let mut dice = Dice::new(task.seed + thread * 1_000_003);
                        self.appends(store, &mut dice, &task);
                    });
                }
            });
        }
        if task.killed {
            process.kill();
        }
        drop(store);
    }

    fn appends(&self, store: &FileStore, dice: &mut Dice, task: &Task) {
        let mut failed = false;
        for _ in 0..task.appends {
            if dice.once_in(12) && store.sync().is_ok() && failed {
                self.say("a sync said yes after one that failed");
            }
            let (mut records, condition) = self.asked(dice);
            let durability = match dice.below(5) {
                0 => Durability::PerRecord,
                1 => Durability::OsBuffered,
                // It takes a thread of the log's own, whose calls no seed orders.
                2 if task.threads > 1 => Durability::Interval,
                _ => Durability::Group,
            };
            let (number, bodies) = self.ledger.ask(&mut records, &condition);
            let answer = store.append(&bodies, &condition, durability);
            self.ledger.answer(number, &answer);
            match answer {
                Ok(appended) => {
                    if failed {
                        self.say(format!("{number} was acknowledged after a failure of the same log"));
                    }
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                    if let Some(plan) = records.last().and_then(|record| record.plan_id.clone()) {
                        self.plans.lock().unwrap().insert(plan, appended.last);
                    }
                }
                Err(StoreError::Indeterminate(_) | StoreError::Poisoned(_)) => failed = true,
                Err(error @ (StoreError::Tampered { .. } | StoreError::Damaged(_))) => {
                    self.say(format!("while appending: {error}"));
                }
                Err(_) => {}
            }
        }
    }

    /// The next records of a process.
    fn asked(&self, dice: &mut Dice) -> (Vec<Record>, Condition) {
        if !dice.once_in(3) {
            let count = dice.pick(&[1, 1, 1, 2, 5]);
            let bytes = dice.pick(&[0, 0, 40, 300, 300, 1_500, 6_000]);
            return ((0..count).map(|_| note(bytes)).collect(), Condition::Always);
        }
        // Several contend for few plans, with what they know of them. Some of these are closed, and some
        // are opened again to be undone.
        let plan = format!("plan-{}", dice.below(3));
        let sequence = self.plans.lock().unwrap().get(&plan).copied();
        let mut record = Record::new(dice.pick(&[&Kind::Plan, &Kind::Plan, &Kind::Rollback]).clone());
        record.plan_id = Some(plan.clone());
        let statuses = [&Status::Approved, &Status::Started, &Status::Paused, &Status::Succeeded];
        record.status = Some(dice.pick(&statuses).clone());
        (vec![note(10), record], Condition::PlanAt { plan_id: plan, sequence })
    }

    /// Opens what a crash left, looks at it, and appends once more. Nothing goes wrong meanwhile.
    pub(crate) fn look(&self, disk: &Disk) -> Result<(Seen, Vec<Vec<u8>>), String> {
        disk.calm();
        disk.set_room(None);
        let process = disk.process();
        let opened = self.options().open_on(Arc::new(process.clone()));
        let store = opened.map_err(|error| format!("it cannot be opened again: {error}"))?;
        let read = |store: &FileStore| -> Result<Vec<Vec<u8>>, String> {
            let lines = store.lines(0).map_err(|error| error.to_string())?;
            lines.collect::<Result<_, _>>().map_err(|error| format!("it cannot be read again: {error}"))
        };
        let lines = read(&store)?;
        let seen = self.ledger.look(ORIGIN, &lines, self.gentle)?;
        let mut bodies = guardrail_audit::Body {
            json: br#"{"kind":"note","reason":"afterwards"}"#.as_slice().into(),
            note: guardrail_audit::chain::Note::default(),
        };
        let said = store.append(std::slice::from_ref(&bodies), &Condition::Always, Durability::Group);
        let said = said.map_err(|error| format!("nothing can be appended afterwards: {error}"))?;
        // It survives what comes next, with all lines before it.
        process.kill();
        drop(store);
        let left = disk.crash();
        let opened = self.options().open_on(Arc::new(left.process()));
        let store = opened.map_err(|error| format!("it cannot be opened a second time: {error}"))?;
        let after = read(&store)?;
        if !after.starts_with(&lines) {
            return Err("lines that were recovered and built upon are lost".to_owned());
        }
        let last = after.get(said.last as usize).cloned().unwrap_or_default();
        bodies.json = b"\"reason\":\"afterwards\"}".as_slice().into();
        if !last.ends_with(&bodies.json) {
            return Err("what was appended afterwards is lost".to_owned());
        }
        Ok((seen, lines))
    }
}

/// How one round of a trial goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Everything works until the round is over.
    None,
    /// One call goes wrong.
    At(u64, Fault),
    /// One call in so many goes wrong.
    OnceIn(u64),
    /// The disk is full after so many bytes more.
    Full(u64),
}

/// The faults that do not end a process.
pub(crate) const SOFT: &[Fault] =
    &[Fault::Io, Fault::Full, Fault::ReadOnly, Fault::Interrupted, Fault::Short, Fault::Journal, Fault::Lie];

impl Trouble {
    pub(crate) fn set(self, disk: &Disk) {
        disk.calm();
        match self {
            Self::None => {}
            Self::At(call, fault) => disk.fail(disk.calls() + call, fault),
            Self::OnceIn(calls) => disk.fail_once_in(calls as usize, SOFT),
            Self::Full(bytes) => disk.set_room(Some(bytes)),
        }
    }

    pub(crate) fn any(dice: &mut Dice, gentle: bool) -> Self {
        let call = dice.below(20) * dice.below(20);
        if gentle {
            return dice.pick(&[Self::None, Self::At(call, Fault::Kill), Self::At(call, Fault::KillAfter)]);
        }
        match dice.below(8) {
            0 => Self::None,
            1..=3 => Self::At(call, dice.pick(&[Fault::Power, Fault::PowerAfter])),
            4 | 5 => Self::At(call, dice.pick(Fault::ALL)),
            6 => Self::OnceIn(dice.pick(&[8, 30, 100])),
            _ => Self::Full(dice.pick(&[30_000, 60_000, 90_000, 150_000])),
        }
    }
}
