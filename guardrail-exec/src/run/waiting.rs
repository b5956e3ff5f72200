//! The two things about futures that are needed here: the first of two, and waiting for one on a
//! thread of one's own.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

/// Which of two futures was done first.
pub(super) enum First<A, B> {
    /// The one.
    One(A),
    /// The other.
    Other(B),
}

/// The first of two futures to be done; the one where both are. The other one can be waited for
/// again.
pub(super) async fn first<A: Future + ?Sized, B: Future + ?Sized>(
    mut one: Pin<&mut A>,
    mut other: Pin<&mut B>,
) -> First<A::Output, B::Output>
where
    A::Output: Sized,
    B::Output: Sized,
{
    poll_fn(|context| {
        if let Poll::Ready(output) = one.as_mut().poll(context) {
            return Poll::Ready(First::One(output));
        }
        other.as_mut().poll(context).map(First::Other)
    })
    .await
}

/// Lets whoever waits beside this have a turn.
pub(super) async fn turn() {
    let mut over = false;
    poll_fn(|context| {
        if std::mem::replace(&mut over, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread until a future is done.
///
/// Nothing of this crate needs an asynchronous runtime; where there is one, use that.
///
/// ```
/// assert_eq!(guardrail_exec::block_on(async { 1 + 1 }), 2);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
