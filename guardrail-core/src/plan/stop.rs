//! The signal that stops a plan: set from any thread, looked at or waited for by those who run.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// How urgently something is to stop. It only ever rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StopLevel {
    /// Not at all.
    #[default]
    Run,
    /// Finish the current step, and start no other.
    Finish,
    /// End the current step too, first asking it to end itself.
    End,
    /// Kill everything now.
    Kill,
}

/// A handle on a stop signal. All clones are the same signal.
///
/// ```
/// use guardrail_core::plan::{Stop, StopLevel};
///
/// let stop = Stop::new();
/// let elsewhere = stop.clone();
/// elsewhere.request(StopLevel::End);
/// elsewhere.request(StopLevel::Finish); // less, and so it changes nothing
/// assert_eq!(stop.level(), StopLevel::End);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stop {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    level: StopLevel,
    waiting: Vec<(u64, StopLevel, Waker)>,
    next: u64,
}

impl Stop {
    /// A signal that nobody has given.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop. What was asked before is never taken back.
    pub fn request(&self, level: StopLevel) {
        let woken: Vec<Waker> = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.level = state.level.max(level);
            let reached = state.level;
            state
                .waiting
                .extract_if(.., |(_, wanted, _)| *wanted <= reached)
                .map(|(_, _, waker)| waker)
                .collect()
        };
        // Without the lock: a waker may run anything.
        woken.into_iter().for_each(Waker::wake);
    }

    /// How urgently to stop.
    #[must_use]
    pub fn level(&self) -> StopLevel {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).level
    }

    /// Waits until at least `level` is asked for, and gives what was.
    pub fn reached(&self, level: StopLevel) -> impl Future<Output = StopLevel> + Send + Sync + use<> {
        Reached { stop: self.clone(), level, place: None }
    }
}

struct Reached {
    stop: Stop,
    level: StopLevel,
    place: Option<u64>,
}

impl Future for Reached {
    type Output = StopLevel;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<StopLevel> {
        let stop = self.stop.clone();
        let mut state = stop.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.level >= self.level {
            return Poll::Ready(state.level);
        }
        let own = self.place.and_then(|place| state.waiting.iter_mut().find(|(id, ..)| *id == place));
        if let Some((_, _, waker)) = own {
            waker.clone_from(context.waker());
        } else {
            let place = state.next;
            state.next = state.next.wrapping_add(1);
            state.waiting.push((place, self.level, context.waker().clone()));
            self.place = Some(place);
        }
        Poll::Pending
    }
}

impl Drop for Reached {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let mut state = self.stop.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.waiting.retain(|(id, ..)| *id != place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn waiters_are_woken_at_their_level_and_leave_nothing_behind() {
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(count.clone());
        let mut context = Context::from_waker(&waker);
        let stop = Stop::new();
        let mut finish = Box::pin(stop.reached(StopLevel::Finish));
        let mut kill = Box::pin(stop.reached(StopLevel::Kill));
        assert!(finish.as_mut().poll(&mut context).is_pending());
        assert!(kill.as_mut().poll(&mut context).is_pending());
        assert!(kill.as_mut().poll(&mut context).is_pending(), "polled twice, listed once");
        stop.request(StopLevel::End);
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert_eq!(finish.as_mut().poll(&mut context), Poll::Ready(StopLevel::End));
        assert!(kill.as_mut().poll(&mut context).is_pending());
        drop(kill);
        assert!(stop.state.lock().unwrap().waiting.is_empty());
    }
}
