//! The decisions that need no look at the world: votes, deadlines, stopping, settling, undoing.

use super::{Change, Machine, Refused};
use crate::plan::PlanId;
use crate::plan::approver::{Principal, Say, Vote};
use crate::plan::event::{Settlement, What};
use crate::plan::life::Illegal;
use crate::record::Timestamp;

impl Machine {
    /// Lets a plan run that needs nobody's yes.
    ///
    /// # Errors
    ///
    /// [`Refused`] where somebody has to be asked.
    pub fn allow(&self, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::AllowedByPolicy])
    }

    /// A yes or a no.
    ///
    /// # Errors
    ///
    /// [`Refused`] where it does not count: too late, for another revision, by somebody who may
    /// not vote or has voted, or for a text that was not the whole plan.
    pub fn vote(&self, vote: Vote, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::Voted(vote)])
    }

    /// Something that a reviewer said and that is neither yes nor no, for the record.
    ///
    /// # Errors
    ///
    /// [`Refused`] where there is no plan yet.
    pub fn remark(&self, by: Principal, say: Say, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::Remarked { by, say }])
    }

    /// Not enough answered in time.
    ///
    /// # Errors
    ///
    /// [`Refused`] while there is still time.
    pub fn time_out(&self, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::TimedOut])
    }

    /// Nobody could be asked.
    ///
    /// # Errors
    ///
    /// [`Refused`] where nobody is to be asked.
    pub fn no_channel(&self, reason: impl Into<String>, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::NoChannel { reason: reason.into() }])
    }

    /// Takes a yes back. What runs is finished, and nothing else begins.
    ///
    /// # Errors
    ///
    /// [`Refused`] where there is nothing to take back, or not by this principal.
    pub fn revoke(
        &self,
        by: Principal,
        reason: impl Into<String>,
        now: Timestamp,
    ) -> Result<Change, Refused> {
        self.change(now, vec![What::Revoked { by, reason: reason.into() }])
    }

    /// What would run is no longer what was approved.
    ///
    /// # Errors
    ///
    /// [`Refused`] where a command is under way, or the plan is over.
    pub fn stale(&self, reasons: Vec<String>, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::Stale { reasons }])
    }

    /// Another plan takes its place.
    ///
    /// # Errors
    ///
    /// [`Refused`] where something of it was done, or it is over.
    pub fn supersede(&self, by: PlanId, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::Superseded { by }])
    }

    /// The approval was not used in time.
    ///
    /// # Errors
    ///
    /// [`Refused`] while it is valid, or a command is under way.
    pub fn expire(&self, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::Expired])
    }

    /// Stops for now. What runs is finished.
    ///
    /// # Errors
    ///
    /// [`Refused`] where it is not going on.
    pub fn pause(&self, by: Principal, reason: impl Into<String>, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::Paused { by, reason: reason.into() }])
    }

    /// Goes on.
    ///
    /// # Errors
    ///
    /// [`Refused`] where it is not paused, or an agent asks.
    pub fn unpause(&self, by: Principal, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::Resumed { by }])
    }

    /// Stops for good. What runs is finished, and nothing else begins. Anybody may ask for it.
    ///
    /// # Errors
    ///
    /// [`Refused`] where the plan is over.
    pub fn stop(&self, by: Principal, reason: impl Into<String>, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::StopRequested { by, reason: reason.into() }])
    }

    /// The command that is under way was lost: nobody knows what became of it.
    ///
    /// # Errors
    ///
    /// [`Refused`] where no command is under way that does something.
    pub fn doubt(&self, now: Timestamp) -> Result<Change, Refused> {
        let id = self.life.in_flight().map(|flight| flight.id).unwrap_or_default();
        self.change(now, vec![What::Doubted { id }])
    }

    /// A person says what became of the command that is in doubt.
    ///
    /// # Errors
    ///
    /// [`Refused`] where nothing is in doubt, or it is no person who says so.
    pub fn settle(&self, by: Principal, how: Settlement, now: Timestamp) -> Result<Change, Refused> {
        let id = self.life.in_doubt().map(|flight| flight.id).unwrap_or_default();
        self.change(now, vec![What::Settled { id, by, how }])
    }

    /// The time of watching is over, and nothing was found.
    ///
    /// # Errors
    ///
    /// [`Refused`] while it is not over.
    pub fn end_monitor(&self, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::MonitorEnded])
    }

    /// Says once more where a plan that is over is. A crash may have kept what led there and lost
    /// the record that says so, and the log takes the plan to be open then.
    ///
    /// # Errors
    ///
    /// [`Refused`] where it is not over.
    pub fn mark(&self, now: Timestamp) -> Result<Change, Refused> {
        let state = self.life.state();
        if !state.is_final() {
            return Err(Illegal(format!("it is not over: it is {state}")).into());
        }
        self.change(now, vec![What::Reached { state }])
    }

    /// Undoes what was done. The way back was approved with the plan; somebody has to ask for it.
    ///
    /// # Errors
    ///
    /// [`Refused`] where there is nothing to undo, no way back, or the principal may not ask.
    pub fn roll_back(&self, by: Principal, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::RollbackStarted { by }])
    }

    /// A person closes it by hand, and says what state they left it in.
    ///
    /// # Errors
    ///
    /// [`Refused`] where it does not wait for a person, or it is no person who closes it.
    pub fn close(&self, by: Principal, reason: impl Into<String>, now: Timestamp) -> Result<Change, Refused> {
        self.change(now, vec![What::Closed { by, reason: reason.into() }])
    }
}
