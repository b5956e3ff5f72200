//! What a caller has to do next.

use super::Machine;
use crate::plan::Slot;
use crate::plan::life::InFlight;
use crate::plan::state::State;
use crate::record::Timestamp;

/// What a caller has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Run this capture, and prepare the revision with what it gave.
    Capture(Slot),
    /// Put it forward.
    Propose,
    /// The policy lets it run: [`Machine::allow`].
    Allow,
    /// Ask approvers, and wait for votes.
    Ask,
    /// Wait for votes until then.
    Wait(Timestamp),
    /// Time is up: [`Machine::time_out`].
    TimeOut,
    /// Run this command.
    Run(Slot),
    /// The approval was not used in time: [`Machine::expire`].
    Expire,
    /// A command is under way. Whoever did not start it takes it for lost: a look is run again,
    /// anything else is in doubt ([`Machine::doubt`]).
    InFlight(InFlight),
    /// A person has to say what became of a command: [`Machine::settle`].
    Settle(InFlight),
    /// It is paused.
    Paused,
    /// Run its monitor checks until then.
    Watch(Timestamp),
    /// The time of watching is over: [`Machine::end_monitor`].
    EndMonitor,
    /// A person may undo what was done, or close the plan.
    OfferRollback,
    /// A person has to look at it and close it, or propose another revision where it is stale.
    Look,
    /// Nothing.
    Nothing,
}

impl Machine {
    /// What is to be done next.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Next {
        let life = &self.life;
        if let Some(doubt) = life.in_doubt() {
            return Next::Settle(doubt);
        }
        if let Some(flight) = life.in_flight().filter(|flight| !flight.aside) {
            return Next::InFlight(flight);
        }
        match life.state() {
            State::Unrecorded | State::Draft => match self.revision.uncaptured().first() {
                Some(slot) => Next::Capture(*slot),
                None => Next::Propose,
            },
            State::Proposed if self.revision.need().is_nothing() => Next::Allow,
            State::Proposed => Next::Ask,
            State::AwaitingApproval => match life.answer_by() {
                Some(until) if now < until => Next::Wait(until),
                _ => Next::TimeOut,
            },
            State::Paused => Next::Paused,
            State::Monitoring => match life.watch_until() {
                Some(until) if now < until => Next::Watch(until),
                _ => Next::EndMonitor,
            },
            State::Failed | State::Cancelled | State::Revoked | State::Stale | State::RollbackFailed
                if life.can_roll_back() =>
            {
                Next::OfferRollback
            }
            State::Failed | State::Stale | State::RollbackFailed | State::InDoubt => Next::Look,
            State::RollingBack => life.due().map_or(Next::Look, Next::Run),
            _ => match life.due() {
                Some(_) if life.valid_until().is_none_or(|until| now > until) => Next::Expire,
                Some(slot) => Next::Run(slot),
                None => Next::Nothing,
            },
        }
    }
}
