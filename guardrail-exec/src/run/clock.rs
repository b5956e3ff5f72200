//! Time for a runner: what time it is, and sleeping without an asynchronous runtime.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::Utc;
use guardrail_core::record::Timestamp;

/// What time it is, and how to wait.
#[async_trait]
pub trait Clock: Send + Sync {
    /// What time it is.
    fn now(&self) -> Timestamp;

    /// Waits for some time. It may be done sooner, and must not be done much later.
    async fn sleep(&self, duration: Duration);
}

/// The system's clock. All sleepers of one clock, and of its clones, share one thread, which lives
/// as long as anybody sleeps.
#[derive(Clone, Debug, Default)]
pub struct SystemClock {
    timer: Arc<Timer>,
}

impl SystemClock {
    /// The clock, with no thread yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Utc::now()
    }

    async fn sleep(&self, duration: Duration) {
        let Some(until) = Instant::now().checked_add(duration) else { return };
        Sleep { timer: self.timer.clone(), until, place: None }.await;
    }
}

#[derive(Debug, Default)]
struct Timer {
    sleepers: Mutex<Sleepers>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Sleepers {
    waiting: BTreeMap<(Instant, u64), Waker>,
    next: u64,
    awake: bool,
}

struct Sleep {
    timer: Arc<Timer>,
    until: Instant,
    place: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.clone();
        if Instant::now() >= self.until {
            return Poll::Ready(());
        }
        let mut sleepers = timer.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let place = *self.place.get_or_insert_with(|| {
            sleepers.next = sleepers.next.wrapping_add(1);
            sleepers.next
        });
        sleepers.waiting.insert((self.until, place), context.waker().clone());
        if sleepers.awake {
            timer.changed.notify_one();
            return Poll::Pending;
        }
        let own = timer.clone();
        let thread = std::thread::Builder::new().name("guardrail-clock".to_owned());
        sleepers.awake = thread.spawn(move || own.run()).is_ok();
        if sleepers.awake {
            return Poll::Pending;
        }
        // No thread can be had: this one waits, for a little while, and comes back.
        drop(sleepers);
        let left = self.until.saturating_duration_since(Instant::now());
        std::thread::sleep(left.min(Duration::from_millis(20)));
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let mut sleepers = self.timer.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
            sleepers.waiting.remove(&(self.until, place));
        }
    }
}

impl Timer {
    fn run(&self) {
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let now = Instant::now();
            let later = sleepers.waiting.split_off(&(now + Duration::from_nanos(1), 0));
            let due = std::mem::replace(&mut sleepers.waiting, later);
            if !due.is_empty() {
                // Without the lock: a waker may run anything.
                drop(sleepers);
                due.into_values().for_each(Waker::wake);
                sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let Some(((until, _), _)) = sleepers.waiting.first_key_value() else {
                sleepers.awake = false;
                return;
            };
            let left = until.saturating_duration_since(now);
            sleepers = self.changed.wait_timeout(sleepers, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::super::waiting::{First, block_on, first};
    use super::*;

    #[test]
    fn the_shorter_sleep_ends_first_and_a_dropped_one_leaves_nothing() {
        let clock = SystemClock::new();
        block_on(async {
            let mut long = pin!(clock.sleep(Duration::from_secs(3600)));
            let mut short = pin!(clock.sleep(Duration::from_millis(5)));
            assert!(matches!(first(long.as_mut(), short.as_mut()).await, First::Other(())));
        });
        assert!(clock.timer.sleepers.lock().unwrap().waiting.is_empty());
        block_on(clock.sleep(Duration::ZERO));
        block_on(clock.sleep(Duration::from_millis(1)));
    }

    #[test]
    fn many_sleep_at_once() {
        let clock = SystemClock::new();
        std::thread::scope(|scope| {
            for sleeper in 0..20_u64 {
                let clock = &clock;
                scope.spawn(move || block_on(clock.sleep(Duration::from_millis(sleeper % 7))));
            }
        });
        assert!(clock.timer.sleepers.lock().unwrap().waiting.is_empty());
    }
}
