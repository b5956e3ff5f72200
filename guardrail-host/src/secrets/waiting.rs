//! Work that blocks, for a future: on a thread of its own, so that any runtime will do, or none.

use std::fmt::Display;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use guardrail_core::plan::{CredentialError, CredentialName, Secret};

/// The secret of that name, read on a thread; what reads it gives `None` where there is none.
pub(super) async fn read_on_thread<E: Display + Send + 'static>(
    name: &CredentialName,
    read: impl FnOnce(&CredentialName) -> Result<Option<Secret>, E> + Send + 'static,
) -> Result<Secret, CredentialError> {
    let unavailable = |reason: String| CredentialError::Unavailable { name: name.clone(), reason };
    let wanted = name.clone();
    let read = on_thread(move || read(&wanted)).await.map_err(|error| unavailable(error.to_string()))?;
    let secret = read.map_err(|error| unavailable(error.to_string()))?;
    secret.ok_or_else(|| CredentialError::Unknown { name: name.clone() })
}

/// What the work gave; an error where the thread could not be had, or is gone without a word.
fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = io::Result<T>> + Send {
    let shared: Arc<Shared<T>> = Arc::new(Shared(Mutex::new((State::Working, None))));
    let teller = Teller(Arc::clone(&shared));
    let thread = std::thread::Builder::new().name("guardrail-secret".to_owned());
    let started = thread.spawn(move || teller.tell(State::Done(work())));
    async move {
        started?;
        Told(shared).await
    }
}

enum State<T> {
    Working,
    Done(T),
    Gone,
}

struct Shared<T>(Mutex<(State<T>, Option<Waker>)>);

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, (State<T>, Option<Waker>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Teller<T>(Arc<Shared<T>>);

impl<T> Teller<T> {
    fn tell(&self, state: State<T>) {
        let waker = {
            let mut shared = self.0.lock();
            if !matches!(shared.0, State::Working) {
                return;
            }
            shared.0 = state;
            shared.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Teller<T> {
    fn drop(&mut self) {
        self.tell(State::Gone);
    }
}

struct Told<T>(Arc<Shared<T>>);

impl<T> Future for Told<T> {
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut shared = self.0.lock();
        match std::mem::replace(&mut shared.0, State::Gone) {
            State::Working => {
                *shared = (State::Working, Some(context.waker().clone()));
                Poll::Pending
            }
            State::Done(value) => Poll::Ready(Ok(value)),
            State::Gone => Poll::Ready(Err(io::Error::other("the thread that fetched it is gone"))),
        }
    }
}
