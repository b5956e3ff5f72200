//! The future of an append.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::{Durable, LogError, durable};
use crate::store::{Appended, StoreError};

/// Becomes ready when the records are durable, or are known not to be. Dropping it takes nothing back.
#[must_use = "whether the records are durable is known when it is awaited"]
pub struct Appending {
    count: usize,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    outcome: Option<Result<Appended, StoreError>>,
    waker: Option<Waker>,
}

/// Tells the future.
pub(super) type Done = Box<dyn FnOnce(Result<Appended, StoreError>) + Send>;

impl Appending {
    pub(super) fn new(count: usize) -> (Self, Done) {
        let told = Arc::<Mutex<Told>>::default();
        let tells = Arc::clone(&told);
        let done = Box::new(move |outcome| {
            let waker = {
                let mut told = tells.lock().unwrap_or_else(PoisonError::into_inner);
                told.outcome = Some(outcome);
                told.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        (Self { count, told }, done)
    }
}

impl Future for Appending {
    type Output = Result<Durable, LogError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = told.outcome.take() {
            return Poll::Ready(durable(self.count, outcome));
        }
        told.waker = Some(context.waker().clone());
        Poll::Pending
    }
}
