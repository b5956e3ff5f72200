//! An executor that runs nothing and answers what it was told to answer.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use guardrail_core::plan::{
    Ended, Execution, Executor, Output, OutputSink, Permit, Refusal, Slot, Stop, StopLevel, Stream,
};

use crate::recording::Asked;

/// Runs nothing, and answers each command as it was told: for tests in which a step fails, a check
/// finds something else, or a command never ends.
///
/// An answer is for a slot, or for whatever comes next. What no answer is left for is refused, so
/// that a test that runs more than it meant to fails.
///
/// ```
/// use guardrail_core::plan::{Ended, Slot, Stop};
/// use guardrail_exec::{Answer, ScriptedExecutor};
///
/// let executor = ScriptedExecutor::new()
///     .at(Slot::action(2), Answer::exit(1).stderr("no space left on device"))
///     .then(Answer::exit(0).stdout("ready\n"));
/// # let _ = (executor, Stop::new(), Ended::Stopped);
/// ```
#[derive(Debug, Default)]
pub struct ScriptedExecutor {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    at: Vec<(Slot, Answer)>,
    next: VecDeque<Answer>,
    ran: Vec<Asked>,
}

/// How a command is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// How it ends; `None` where it runs until it is stopped.
    ended: Option<Ended>,
    stdout: String,
    stderr: String,
}

impl Answer {
    /// It ends by itself, with a status.
    #[must_use]
    pub const fn exit(status: i32) -> Self {
        Self::ended(Ended::Exited(status))
    }

    /// It ends in a certain way.
    #[must_use]
    pub const fn ended(ended: Ended) -> Self {
        Self { ended: Some(ended), stdout: String::new(), stderr: String::new() }
    }

    /// It runs until somebody stops it.
    #[must_use]
    pub const fn endless() -> Self {
        Self { ended: None, stdout: String::new(), stderr: String::new() }
    }

    /// The same, with standard output.
    #[must_use]
    pub fn stdout(mut self, text: impl Into<String>) -> Self {
        self.stdout = text.into();
        self
    }

    /// The same, with standard error.
    #[must_use]
    pub fn stderr(mut self, text: impl Into<String>) -> Self {
        self.stderr = text.into();
        self
    }
}

impl ScriptedExecutor {
    /// One that has no answers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with an answer for the next time that a slot is run. Several for one slot are given
    /// in this order.
    #[must_use]
    pub fn at(mut self, slot: Slot, answer: Answer) -> Self {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).at.push((slot, answer));
        self
    }

    /// The same, with an answer for whatever comes next and has none of its own.
    #[must_use]
    pub fn then(mut self, answer: Answer) -> Self {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).next.push_back(answer);
        self
    }

    /// What it was asked to run so far, in this order; what it had no answer for is among it.
    #[must_use]
    pub fn ran(&self) -> Vec<Asked> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).ran.clone()
    }

    /// How many answers nobody has asked for.
    #[must_use]
    pub fn left(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.at.len() + state.next.len()
    }

    fn answer(&self, permit: &Permit) -> Option<Answer> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.ran.push(Asked::of(permit));
        match state.at.iter().position(|(slot, _)| *slot == permit.slot()) {
            Some(place) => Some(state.at.remove(place).1),
            None => state.next.pop_front(),
        }
    }
}

#[async_trait]
impl Executor for ScriptedExecutor {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn execute(&self, permit: Permit, sink: &mut dyn OutputSink, stop: &Stop) -> Execution {
        if stop.level() >= StopLevel::End {
            return Execution::refused(Refusal::Stopped);
        }
        let Some(answer) = self.answer(&permit) else {
            let slot = permit.slot();
            return Execution::refused(Refusal::Unsupported(format!("no answer was scripted for {slot}")));
        };
        if let Some(Ended::NotStarted(refusal)) = answer.ended {
            return Execution::refused(refusal);
        }
        for (stream, text) in [(Stream::Stdout, &answer.stdout), (Stream::Stderr, &answer.stderr)] {
            if !text.is_empty() {
                sink.output(stream, text.as_bytes());
            }
        }
        let ended = match answer.ended {
            Some(ended) => ended,
            None => {
                stop.reached(StopLevel::End).await;
                Ended::Stopped
            }
        };
        let mut execution = Execution::ended(ended, 0.0);
        execution.stdout = Output::whole(answer.stdout);
        execution.stderr = Output::whole(answer.stderr);
        execution
    }
}
