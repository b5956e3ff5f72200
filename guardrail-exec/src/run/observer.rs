//! Who looks on while a plan is driven: for progress on a screen.

use guardrail_core::plan::{Ended, Question, Revision, Slot, State, Stream};

/// Looks on. It is told what has happened, and decides nothing.
///
/// Everything here is in the log as well, but for the output as it arrives.
pub trait Observer: Send + Sync {
    /// Something happened. It must return soon: the plan waits for it.
    fn saw(&self, news: &News<'_>);
}

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum News<'n> {
    /// A revision was put forward.
    Proposed(&'n Revision),
    /// Somebody is being asked.
    Asking(&'n Question),
    /// The plan is somewhere else now.
    Reached(State),
    /// It waits; for what, in a few words.
    Waiting(&'n str),
    /// A command starts.
    Started {
        /// Which.
        slot: Slot,
        /// What it is for, in a few words.
        title: &'n str,
    },
    /// A command puts something out, without its secrets.
    Output {
        /// Which.
        slot: Slot,
        /// Where.
        stream: Stream,
        /// What; it may begin and end inside of a line or a character.
        bytes: &'n [u8],
    },
    /// A command has ended, and that is recorded.
    Ended {
        /// Which.
        slot: Slot,
        /// What it is for, in a few words.
        title: &'n str,
        /// How.
        ended: &'n Ended,
        /// What is wrong, in a sentence each; empty where it did what it should.
        failures: &'n [String],
        /// From its start to its end, in seconds.
        seconds: f64,
    },
    /// Something that a person should know of, in a sentence.
    Said(&'n str),
}

/// Nobody looks on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unseen;

impl Observer for Unseen {
    fn saw(&self, _: &News<'_>) {}
}
