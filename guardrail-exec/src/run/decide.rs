//! What people decide by other doors than the approver: votes that arrive later, stopping, settling,
//! undoing, closing, another revision.

use guardrail_core::plan::{
    Change, Flaw, Machine, Plan, PlanId, PlanName, Principal, Refused, Settlement, State, Stop, Vote,
};
use guardrail_core::record::{RecordError, Timestamp};

use super::observer::Unseen;
use super::{RunError, Runner};

/// How often something is decided again because the log has moved on.
const TRIES: u32 = 32;

/// Each of these records a decision, and gives the state that the plan is in then. Whoever drives
/// the plan, in this process or another one, finds it in the log; where nobody does,
/// [`drive`](Runner::drive) goes on from there. Who decides has to be authenticated by the caller.
impl Runner {
    /// A yes or a no that came by another door than the approver that was asked.
    ///
    /// # Errors
    ///
    /// [`RunError::Refused`] where it does not count, and others where it cannot be recorded.
    pub async fn vote(&self, name: PlanName, vote: Vote) -> Result<State, RunError> {
        self.decide(name, |machine, now| machine.vote(vote.clone(), now)).await
    }

    /// Takes a yes back. What runs is finished, and nothing else begins.
    ///
    /// # Errors
    ///
    /// [`RunError::Refused`] where there is nothing to take back, or not by this principal.
    pub async fn revoke(&self, name: PlanName, by: Principal, reason: &str) -> Result<State, RunError> {
        self.decide(name, |machine, now| machine.revoke(by.clone(), reason, now)).await
    }

    /// Stops a plan for good: the command that runs is finished, and nothing else begins. Anybody
    /// may ask for it.
    ///
    /// # Errors
    ///
    /// [`RunError::Refused`] where it is over.
    pub async fn stop(&self, name: PlanName, by: Principal, reason: &str) -> Result<State, RunError> {
        self.decide(name, |machine, now| machine.stop(by.clone(), reason, now)).await
    }

    /// Stops a plan for now, between two commands.
    ///
    /// # Errors
    ///
    /// [`RunError::Refused`] where it is not going on.
    pub async fn pause(&self, name: PlanName, by: Principal, reason: &str) -> Result<State, RunError> {
        self.decide(name, |machine, now| machine.pause(by.clone(), reason, now)).await
    }

    /// Lets a plan that is paused go on.
    ///
    /// # Errors
    ///
    /// [`RunError::Refused`] where it is not paused, or an agent asks.
    pub async fn unpause(&self, name: PlanName, by: Principal) -> Result<State, RunError> {
        self.decide(name, |machine, now| machine.unpause(by.clone(), now)).await
    }

    /// A person says what became of the command that is in doubt.
    ///
    /// # Errors
    ///
    /// [`RunError::Refused`] where nothing is in doubt, or it is no person who says so.
    pub async fn settle(&self, name: PlanName, by: Principal, how: Settlement) -> Result<State, RunError> {
        self.decide(name, |machine, now| machine.settle(by.clone(), how, now)).await
    }

    /// Somebody wants undone what was done. It is done when the plan is driven.
    ///
    /// # Errors
    ///
    /// [`RunError::Refused`] where there is nothing to undo, no way back, or the principal may not
    /// ask.
    pub async fn roll_back(&self, name: PlanName, by: Principal) -> Result<State, RunError> {
        self.decide(name, |machine, now| machine.roll_back(by.clone(), now)).await
    }

    /// A person closes a plan by hand, and says what state they left it in.
    ///
    /// # Errors
    ///
    /// [`RunError::Refused`] where it does not wait for a person, or it is no person who closes it.
    pub async fn close(&self, name: PlanName, by: Principal, reason: &str) -> Result<State, RunError> {
        self.decide(name, |machine, now| machine.close(by.clone(), reason, now)).await
    }

    /// Another plan takes the place of this one.
    ///
    /// # Errors
    ///
    /// [`RunError::Refused`] where something of it was done, or it is over.
    pub async fn supersede(&self, name: PlanName, by: PlanId) -> Result<State, RunError> {
        self.decide(name, |machine, now| machine.supersede(by, now)).await
    }

    /// Puts another revision of a plan forward: what an agent makes of a reviewer's wish, or a plan
    /// that went stale as it is now. Nobody has said yes to it. What was captured is captured again.
    ///
    /// # Errors
    ///
    /// [`RunError::Flaws`] where something is wrong with it, [`RunError::Refused`] where something
    /// of the plan was done already, [`RunError::Busy`] while it is being driven.
    pub async fn revise(&self, name: PlanName, plan: Plan) -> Result<State, RunError> {
        let stop = Stop::new();
        let mut drive = self.start(name, &stop, &Unseen, false).await?;
        let put: Result<(), Vec<Flaw>> = drive.next_revision(plan).await?;
        put.map_err(RunError::Flaws)?;
        Ok(drive.machine.state())
    }

    async fn decide(
        &self,
        name: PlanName,
        decide: impl Fn(&Machine, Timestamp) -> Result<Change, Refused> + Send + Sync,
    ) -> Result<State, RunError> {
        for _ in 0..TRIES {
            let (mut machine, _) = self.load(name).await?;
            let change = decide(&machine, self.parts.clock.now())?;
            match self.parts.recorder.record(change.records(), change.condition()).await {
                Ok(receipt) => {
                    machine.recorded(change, &receipt)?;
                    return Ok(machine.state());
                }
                Err(RecordError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(RunError::Contended(name))
    }
}
