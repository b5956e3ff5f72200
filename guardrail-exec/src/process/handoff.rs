//! Between the thread that watches a command and the future that waits for it: output one way, the
//! wish to stop the other. It needs no runtime: any executor of futures will do.

use std::collections::VecDeque;
use std::future::Future;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use guardrail_core::plan::{Execution, OutputSink, Progress, Stop, StopLevel, Stream};
use rustix::event::EventfdFlags;

/// Past so many bytes that nobody took, nothing more is read from the command.
const MOST_WAITING: usize = 1 << 20;

/// One end for each side.
#[derive(Debug)]
pub(super) struct Handoff {
    state: Mutex<State>,
    bell: Arc<Bell>,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    bytes: usize,
    waker: Option<Waker>,
    done: Option<Execution>,
    /// The thread will never finish: it is gone.
    lost: bool,
    abandoned: bool,
}

#[derive(Debug)]
enum Item {
    Output(Stream, Vec<u8>),
    Progress(Progress),
}

/// Wakes the watching thread out of its wait.
#[derive(Debug)]
pub(super) struct Bell(OwnedFd);

impl Bell {
    fn ring(&self) {
        // It fails only where it was rung so often already that the counter is full.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Makes it silent again.
    pub(super) fn quiet(&self) {
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
}

impl Handoff {
    pub(super) fn new() -> std::io::Result<Arc<Self>> {
        let bell = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Arc::new(Self { state: Mutex::default(), bell: Arc::new(Bell(bell)) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = self.state();
            change(&mut state);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    // The watching thread's side.

    pub(super) const fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// Hands out a piece of output.
    pub(super) fn output(&self, stream: Stream, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.put(|state| {
                state.bytes = state.bytes.saturating_add(bytes.len());
                state.items.push_back(Item::Output(stream, bytes));
            });
        }
    }

    pub(super) fn progress(&self, progress: Progress) {
        self.put(|state| {
            // Only the latest matters.
            state.items.retain(|item| !matches!(item, Item::Progress(_)));
            state.items.push_back(Item::Progress(progress));
        });
    }

    /// Whether there is so much that nobody took that the command has to wait.
    pub(super) fn is_full(&self) -> bool {
        self.state().bytes >= MOST_WAITING
    }

    /// Whether nobody waits any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.state().abandoned
    }
}

/// The watching thread's end of it. Dropped without a word, it says that the thread is gone.
pub(super) struct Report(pub(super) Arc<Handoff>);

impl Report {
    pub(super) fn done(self, execution: Execution) {
        self.0.put(|state| state.done = Some(execution));
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.0.put(|state| state.lost = state.done.is_none());
    }
}

/// Waits for the end of a command and gives its output to a sink. Dropped before, it has the command
/// killed.
pub(super) struct Waiting<'s> {
    pub(super) handoff: Arc<Handoff>,
    pub(super) sink: &'s mut dyn OutputSink,
}

impl Future for Waiting<'_> {
    /// `None` where the thread is gone and said nothing.
    type Output = Option<Execution>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let (items, done, lost) = {
                let mut state = self.handoff.state();
                if state.items.is_empty() && state.done.is_none() && !state.lost {
                    state.waker = Some(context.waker().clone());
                    return Poll::Pending;
                }
                state.bytes = 0;
                (std::mem::take(&mut state.items), state.done.take(), state.lost)
            };
            // Without the lock: a sink may do anything.
            for item in items {
                match item {
                    Item::Output(stream, bytes) => self.sink.output(stream, &bytes),
                    Item::Progress(progress) => self.sink.progress(&progress),
                }
            }
            if done.is_some() || lost {
                return Poll::Ready(done);
            }
            self.handoff.bell.ring();
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.handoff.state().abandoned = true;
        self.handoff.bell.ring();
    }
}

/// Looks at a stop signal from a thread that waits for other things too.
pub(super) struct StopWatch {
    stop: Stop,
    waker: Waker,
    waiting: Option<Pin<Box<dyn Future<Output = StopLevel> + Send>>>,
}

impl StopWatch {
    /// Rings the bell when the signal rises.
    pub(super) fn new(stop: &Stop, bell: &Arc<Bell>) -> Self {
        let mut watch = Self { stop: stop.clone(), waker: Waker::from(Arc::clone(bell)), waiting: None };
        watch.listen(StopLevel::End);
        watch
    }

    /// How urgently to stop; what is listened for is then the next level.
    pub(super) fn level(&mut self) -> StopLevel {
        let level = self.stop.level();
        if level >= StopLevel::Kill {
            self.waiting = None;
        } else if level >= StopLevel::End {
            self.listen(StopLevel::Kill);
        }
        level
    }

    fn listen(&mut self, level: StopLevel) {
        let mut waiting: Pin<Box<dyn Future<Output = StopLevel> + Send>> = Box::pin(self.stop.reached(level));
        let mut context = Context::from_waker(&self.waker);
        self.waiting = waiting.as_mut().poll(&mut context).is_pending().then_some(waiting);
        if self.waiting.is_none() {
            self.waker.wake_by_ref();
        }
    }
}
