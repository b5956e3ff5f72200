//! Waiting without a runtime: one thread wakes all that wait for a time, and what blocks has a
//! thread of its own, of which there are never more than a few.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use guardrail_core::record::Timestamp;

/// How many threads may block at once, of all approvers and notifiers together.
const MOST_THREADS: usize = 64;
/// The longest that is waited for anything: as long as an approval may take.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// What is in a lock, even if somebody panicked who held it: nothing here is left half changed.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Now, to the microsecond.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).unwrap_or_default();
    Timestamp::from_timestamp_micros(micros).unwrap_or_default()
}

/// The moment at which it is `at` by the clock on the wall as it goes now.
pub(crate) fn moment(at: Timestamp) -> Instant {
    let left = (at - now()).to_std().unwrap_or_default().min(LONGEST);
    Instant::now() + left
}

/// Runs a future on this thread to its end, for hosts that have no runtime.
///
/// ```
/// assert_eq!(guardrail_approve::block_on(async { 1 + 1 }), 2);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// The one thread that wakes.
#[derive(Default)]
struct Alarm {
    sleepers: Mutex<BTreeMap<(Instant, u64), Waker>>,
    changed: Condvar,
}

impl Alarm {
    /// `None` where the system gives no thread.
    fn get() -> Option<&'static Arc<Self>> {
        static ALARM: OnceLock<Option<Arc<Alarm>>> = OnceLock::new();
        let start = || {
            let alarm = Arc::new(Self::default());
            let ring = Arc::clone(&alarm);
            let thread = thread::Builder::new().name("guardrail-alarm".to_owned());
            thread.spawn(move || ring.run()).is_ok().then_some(alarm)
        };
        ALARM.get_or_init(start).as_ref()
    }

    fn run(&self) {
        let mut sleepers = lock(&self.sleepers);
        loop {
            let now = Instant::now();
            let later = sleepers.split_off(&(now, u64::MAX));
            let due = std::mem::replace(&mut *sleepers, later);
            if !due.is_empty() {
                // Who wakes may want the lock.
                drop(sleepers);
                due.into_values().for_each(Waker::wake);
                sleepers = lock(&self.sleepers);
                continue;
            }
            let next = sleepers.keys().next().map(|(at, _)| at.saturating_duration_since(now));
            sleepers = match next {
                Some(left) => {
                    self.changed.wait_timeout(sleepers, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(sleepers).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// Waits until a moment.
pub(crate) struct Sleep {
    key: (Instant, u64),
}

/// Waits until a moment.
pub(crate) fn until(moment: Instant) -> Sleep {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Sleep { key: (moment, NEXT.fetch_add(1, Ordering::Relaxed)) }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let left = self.key.0.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Poll::Ready(());
        }
        match Alarm::get() {
            Some(alarm) => {
                // What a waker drops may want the lock, so it is dropped behind it.
                let before = lock(&alarm.sleepers).insert(self.key, context.waker().clone());
                drop(before);
                alarm.changed.notify_one();
            }
            // Slow, but it ends.
            None => {
                thread::sleep(left.min(Duration::from_millis(50)));
                context.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(alarm) = Alarm::get() {
            let waker = lock(&alarm.sleepers).remove(&self.key);
            drop(waker);
        }
    }
}

/// What a future gives, or `None` where the moment comes first.
pub(crate) async fn before<F: Future + Send>(deadline: Instant, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut sleep = pin!(until(deadline));
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => sleep.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Says to work on a thread of its own that nobody waits for it any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    pub(crate) fn is(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Work on a thread of its own. Dropped, it tells the work to end.
pub(crate) struct Job<T> {
    shared: Arc<Mutex<JobState<T>>>,
    cancelled: Cancelled,
}

enum JobState<T> {
    Busy(Option<Waker>),
    Done(T),
    /// Taken, or the thread is gone without a result.
    Gone,
}

/// Gives its place back, and tells who waits, whatever becomes of the work.
struct Place<T>(Arc<Mutex<JobState<T>>>);

static THREADS: AtomicUsize = AtomicUsize::new(0);

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::AcqRel);
        let mut state = lock(&self.0);
        if let JobState::Busy(waker) = &mut *state {
            let waker = waker.take();
            *state = JobState::Gone;
            drop(state);
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

/// Starts work on a thread of its own.
///
/// # Errors
///
/// A sentence, where too much waits already or the system gives no thread.
pub(crate) fn job<T: Send + 'static>(
    name: &str,
    work: impl FnOnce(&Cancelled) -> T + Send + 'static,
) -> Result<Job<T>, String> {
    let shared = Arc::new(Mutex::new(JobState::Busy(None)));
    if THREADS.fetch_add(1, Ordering::AcqRel) >= MOST_THREADS {
        THREADS.fetch_sub(1, Ordering::AcqRel);
        return Err(format!("{MOST_THREADS} deliveries are under way already"));
    }
    let place = Place(Arc::clone(&shared));
    let cancelled = Cancelled::default();
    let told = cancelled.clone();
    let thread = thread::Builder::new().name(format!("guardrail-{name}"));
    let started = thread.spawn(move || {
        let place = place;
        let output = work(&told);
        let before = std::mem::replace(&mut *lock(&place.0), JobState::Done(output));
        if let JobState::Busy(Some(waker)) = before {
            waker.wake();
        }
    });
    match started {
        Ok(_) => Ok(Job { shared, cancelled }),
        Err(error) => Err(format!("there is no thread for it: {error}")),
    }
}

impl<T> Future for Job<T> {
    /// `None` where the work panicked.
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = lock(&self.shared);
        match std::mem::replace(&mut *state, JobState::Gone) {
            JobState::Busy(_) => {
                *state = JobState::Busy(Some(context.waker().clone()));
                Poll::Pending
            }
            JobState::Done(output) => Poll::Ready(Some(output)),
            JobState::Gone => Poll::Ready(None),
        }
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        self.cancelled.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleepers_wake_in_their_order() {
        let start = Instant::now();
        let order = Mutex::new(Vec::new());
        let nap = |millis| {
            let order = &order;
            async move {
                until(start + Duration::from_millis(millis)).await;
                order.lock().unwrap().push(millis);
            }
        };
        let mut naps = [Box::pin(nap(60)), Box::pin(nap(20)), Box::pin(nap(40))];
        let mut done = [false; 3];
        block_on(std::future::poll_fn(|context| {
            for (nap, done) in naps.iter_mut().zip(&mut done) {
                *done = *done || nap.as_mut().poll(context).is_ready();
            }
            if done.iter().all(|done| *done) { Poll::Ready(()) } else { Poll::Pending }
        }));
        assert_eq!(*order.lock().unwrap(), [20, 40, 60]);
    }

    #[test]
    fn the_earlier_of_both_ends_it() {
        let soon = || Instant::now() + Duration::from_millis(10);
        assert_eq!(block_on(before(soon(), std::future::pending::<()>())), None);
        assert_eq!(block_on(before(Instant::now(), async { 1 })), Some(1));
    }

    #[test]
    fn work_gives_its_result_learns_when_nobody_waits_and_is_bounded() {
        let done = job("test", |_| 7).unwrap();
        assert_eq!(block_on(done), Some(7));
        let panics = job("test", |_| panic!("as it must")).unwrap();
        assert_eq!(block_on(panics), None::<()>);
        let (tell, told) = std::sync::mpsc::channel();
        let work = job("test", move |cancelled| {
            while !cancelled.is() {
                thread::sleep(Duration::from_millis(1));
            }
            tell.send(()).unwrap();
        });
        drop(work.unwrap());
        told.recv().unwrap();
        // In the same test, since others would find no place meanwhile.
        let mut jobs = Vec::new();
        let refused = loop {
            let wait = |cancelled: &Cancelled| {
                while !cancelled.is() {
                    thread::sleep(Duration::from_millis(1));
                }
            };
            match job("test", wait) {
                Ok(job) => jobs.push(job),
                Err(reason) => break reason,
            }
            assert!(jobs.len() <= MOST_THREADS);
        };
        assert!(refused.contains("under way"));
    }
}
