//! The one thread that a log keeps, from the first time that it is needed: it syncs what nobody waits
//! for, and leads where only futures wait.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::Inner;
use super::group::{Group, Request, lock};
use crate::store::StoreError;

/// The thread, or its place.
pub(crate) struct Background {
    inner: Arc<Inner>,
    orders: Arc<(Mutex<Orders>, Condvar)>,
    /// The thread; none of its own where this is the thread.
    thread: Option<Mutex<Option<JoinHandle<()>>>>,
}

#[derive(Default)]
struct Orders {
    lead: bool,
    sync: bool,
    stop: bool,
}

impl Background {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner, orders: Arc::default(), thread: Some(Mutex::new(None)) }
    }

    /// Leads, with what waits.
    pub(crate) fn lead(&self) {
        self.order(|orders| orders.lead = true);
    }

    /// Syncs, when the interval is over.
    pub(crate) fn sync_soon(&self) {
        self.order(|orders| orders.sync = true);
    }

    /// Lets a request wait, and leads where nobody does.
    pub(crate) fn enqueue(&self, group: &Group, request: Request) {
        if group.wait(request) {
            self.lead();
        }
    }

    fn order(&self, order: impl FnOnce(&mut Orders)) {
        order(&mut lock(&self.orders.0));
        self.orders.1.notify_one();
        let Some(thread) = &self.thread else { return };
        let mut thread = lock(thread);
        if thread.is_none() {
            let (inner, orders) = (Arc::clone(&self.inner), Arc::clone(&self.orders));
            let me = Self { inner, orders, thread: None };
            let spawned = thread::Builder::new().name("guardrail-audit".into()).spawn(move || me.run());
            match spawned {
                Ok(handle) => *thread = Some(handle),
                Err(_) => self.instead(),
            }
        }
    }

    /// Where no thread can be had, the caller does it.
    fn instead(&self) {
        let orders = std::mem::take(&mut *lock(&self.orders.0));
        if orders.lead {
            self.inner.lead(None, self);
        }
        if orders.sync {
            let _ = self.inner.sync();
        }
    }

    fn run(&self) {
        let (mutex, ordered) = &*self.orders;
        let mut orders = lock(mutex);
        loop {
            if orders.lead {
                orders.lead = false;
                drop(orders);
                self.inner.lead(None, self);
                orders = lock(mutex);
            } else if orders.stop {
                return;
            } else if orders.sync {
                let interval = self.inner.options.interval;
                let waited =
                    ordered.wait_timeout_while(orders, interval, |orders| !orders.lead && !orders.stop);
                let (mut after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                if timeout.timed_out() {
                    after.sync = false;
                    drop(after);
                    // A failure poisons the log, and the next append says so.
                    let _: Result<(), StoreError> = self.inner.sync();
                    after = lock(mutex);
                }
                orders = after;
            } else {
                orders = ordered.wait(orders).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Ends the thread, once nothing waits.
    pub(crate) fn stop(&self) {
        lock(&self.orders.0).stop = true;
        self.orders.1.notify_one();
        let handle = self.thread.as_ref().and_then(|thread| lock(thread).take());
        if let Some(handle) = handle
            && handle.thread().id() != thread::current().id()
        {
            // It does not panic; and if it did, there would be nothing to do about it here.
            let _ = handle.join();
        }
        self.inner.unsynced.store(false, Ordering::Release);
    }
}
