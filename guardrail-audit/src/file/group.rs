//! Group commit: threads that wait at the same time share one write and one sync.
//!
//! Whoever comes first leads: it writes what waits, syncs once and tells the others. Who comes
//! meanwhile waits, and one of them leads next, before the others are even told, so that the disk
//! is never idle while anybody waits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

use guardrail_core::record::Condition;

use crate::store::{Appended, Body, Durability, StoreError};

/// What came of an append.
pub(crate) type Outcome = Result<Appended, StoreError>;

/// An append that waits.
pub(crate) struct Request {
    pub(crate) bodies: Vec<Body<'static>>,
    pub(crate) condition: Condition,
    pub(crate) durability: Durability,
    pub(crate) done: Done,
}

/// Whom to tell.
pub(crate) enum Done {
    Thread(Arc<Waiter>),
    Call(Box<dyn FnOnce(Outcome) + Send>),
}

impl Done {
    pub(crate) fn tell(self, outcome: Outcome) {
        match self {
            Self::Thread(waiter) => waiter.tell(Turn::Done(outcome)),
            Self::Call(call) => call(outcome),
        }
    }
}

/// What a waiting thread is woken for.
pub(crate) enum Turn {
    Lead,
    Done(Outcome),
}

/// A thread that waits.
pub(crate) struct Waiter {
    told: AtomicBool,
    turn: Mutex<Option<Turn>>,
    thread: Thread,
}

impl Waiter {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { told: AtomicBool::new(false), turn: Mutex::new(None), thread: thread::current() })
    }

    fn tell(&self, turn: Turn) {
        *lock(&self.turn) = Some(turn);
        self.told.store(true, Ordering::Release);
        self.thread.unpark();
    }

    /// Waits to be told. Called by the thread that made it.
    pub(crate) fn wait(&self) -> Turn {
        loop {
            while !self.told.swap(false, Ordering::Acquire) {
                thread::park();
            }
            if let Some(turn) = lock(&self.turn).take() {
                return turn;
            }
        }
    }
}

/// What waits, and whether anybody leads.
#[derive(Default)]
pub(crate) struct Group {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Request>,
    led: bool,
}

impl Group {
    /// Leads, if nobody does; else waits in the queue with what `request` makes.
    pub(crate) fn lead_or_wait(&self, request: impl FnOnce() -> Request) -> bool {
        let mut queue = lock(&self.queue);
        if !queue.led {
            queue.led = true;
            return true;
        }
        queue.waiting.push_back(request());
        false
    }

    /// Waits in the queue. `true` where nobody leads: then the caller is to see to it.
    pub(crate) fn wait(&self, request: Request) -> bool {
        let mut queue = lock(&self.queue);
        queue.waiting.push_back(request);
        !std::mem::replace(&mut queue.led, true)
    }

    /// What the leader is to write together. What asked for a sync of its own comes alone.
    pub(crate) fn take(&self, batch: &mut Vec<Request>) {
        let mut queue = lock(&self.queue);
        let alone = |request: &Request| request.durability == Durability::PerRecord;
        let count = match queue.waiting.front() {
            Some(first) if alone(first) => 1,
            _ => queue.waiting.iter().take_while(|request| !alone(request)).count(),
        };
        batch.extend(queue.waiting.drain(..count));
    }

    /// Ends the lead of the caller. The next one that waits leads; where none of those is a thread,
    /// `true`: the background is to be asked to.
    #[must_use]
    pub(crate) fn hand_over(&self) -> bool {
        let mut queue = lock(&self.queue);
        let waiter = queue.waiting.iter().find_map(|request| match &request.done {
            Done::Thread(waiter) => Some(Arc::clone(waiter)),
            Done::Call(_) => None,
        });
        queue.led = !queue.waiting.is_empty();
        let asked = queue.led && waiter.is_none();
        drop(queue);
        if let Some(waiter) = waiter {
            waiter.tell(Turn::Lead);
        }
        asked
    }
}

/// Locks. What a thread that panicked leaves is as good as before: nothing is changed halfway.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
