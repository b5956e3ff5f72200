//! What runs: intents, outcomes, doubts, and the way back.

use chrono::TimeDelta;
use uuid::Uuid;

use super::{Ending, Illegal, InFlight, Life, Stage, illegal};
use crate::plan::approver::{Principal, PrincipalKind};
use crate::plan::event::{OutcomeVerdict, Settlement};
use crate::plan::permit::Authority;
use crate::plan::state::State;
use crate::plan::{Part, Slot};
use crate::record::Timestamp;

impl Life {
    pub(super) fn intent(&mut self, flight: InFlight, at: Timestamp) -> Result<(), Illegal> {
        if self.busy().is_some() {
            return illegal("another command is under way, or in doubt");
        }
        let looks = flight.slot.part.looks_only() || flight.slot.part == Part::DryRun;
        if flight.authority == Authority::Look && !looks {
            return illegal("what does something needs approval");
        }
        if flight.aside {
            let open = !matches!(self.stage, Stage::New) && !self.state().is_final();
            if flight.authority != Authority::Look || !open {
                return illegal(format!("there is nothing to look at: it is {}", self.state()));
            }
        } else if self.stage == Stage::Monitoring {
            if flight.slot.part != Part::Monitor || flight.authority != Authority::Look {
                return illegal("only its monitor checks run now");
            }
        } else if self.due() != Some(flight.slot) {
            return illegal(format!("{} does not run now: it is {}", flight.slot, self.state()));
        } else if self.stage == Stage::Going && self.valid_until().is_none_or(|until| at > until) {
            return illegal("the approval is no longer valid");
        }
        self.drop_look();
        self.begun |= !flight.aside;
        self.in_flight = Some(flight);
        Ok(())
    }

    pub(super) fn outcome(
        &mut self,
        id: Uuid,
        slot: Slot,
        verdict: OutcomeVerdict,
        at: Timestamp,
    ) -> Result<(), Illegal> {
        if self.dropped == Some(id) && self.in_flight.is_none_or(|flight| flight.id != id) {
            self.dropped = None;
            return Ok(());
        }
        let Some(flight) = self.in_flight.filter(|flight| flight.id == id && flight.slot == slot) else {
            return illegal("that command is not under way");
        };
        self.in_flight = None;
        if flight.aside {
            return Ok(());
        }
        match self.stage {
            Stage::Going => self.went(flight, verdict, at),
            Stage::Back => self.went_back(flight, verdict, at),
            Stage::Monitoring if verdict == OutcomeVerdict::Passed => Ok(()),
            Stage::Monitoring => self.rest(State::Failed),
            _ => illegal(format!("nothing was under way: it is {}", self.state())),
        }
    }

    /// A command of the way forward has ended.
    pub(super) fn went(
        &mut self,
        flight: InFlight,
        verdict: OutcomeVerdict,
        at: Timestamp,
    ) -> Result<(), Illegal> {
        use OutcomeVerdict::{Drifted, Failed, Lost, NotStarted, Passed, Stopped};
        let acts = flight.authority == Authority::Approval;
        if flight.slot.part == Part::Action && matches!(verdict, Passed | Failed | Stopped | Lost) {
            self.touched.extend(flight.slot.step);
        }
        match verdict {
            Passed => self.go_on(at),
            Lost if acts => {
                self.doubt(flight, false);
                Ok(())
            }
            Drifted => self.rest(State::Stale),
            Stopped => self.rest(State::Cancelled),
            Failed | NotStarted | Lost => self.rest(State::Failed),
        }
    }

    /// Behind a command that did what it should.
    pub(super) fn go_on(&mut self, at: Timestamp) -> Result<(), Illegal> {
        self.cursor += 1;
        self.moved_at = Some(at);
        match self.ending {
            Some(Ending::Cancel) => return self.rest(State::Cancelled),
            Some(Ending::Revoke) => return self.rest(State::Revoked),
            None => {}
        }
        if self.cursor < self.forward.len() {
            return Ok(());
        }
        let Some((_, seconds)) = self.content.as_ref().and_then(|content| content.shape.monitor) else {
            return self.rest(State::Succeeded);
        };
        let window = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
        self.watch_until = window.and_then(|window| at.checked_add_signed(window)).or(Some(at));
        self.stage = Stage::Monitoring;
        self.paused = false;
        Ok(())
    }

    pub(super) fn doubt(&mut self, flight: InFlight, back: bool) {
        self.in_flight = None;
        self.doubt = Some(flight);
        self.stage = Stage::Doubt { back };
    }

    /// A command of the way back has ended.
    pub(super) fn went_back(
        &mut self,
        flight: InFlight,
        verdict: OutcomeVerdict,
        at: Timestamp,
    ) -> Result<(), Illegal> {
        match verdict {
            OutcomeVerdict::Passed => {
                self.back += 1;
                self.moved_at = Some(at);
                if self.back >= self.backward.len() {
                    self.rest(State::RolledBack)
                } else if self.ending.is_some() {
                    self.rest(State::RollbackFailed)
                } else {
                    Ok(())
                }
            }
            OutcomeVerdict::Lost if flight.authority == Authority::Approval => {
                self.doubt(flight, true);
                Ok(())
            }
            _ => self.rest(State::RollbackFailed),
        }
    }

    pub(super) fn doubted(&mut self, id: Uuid) -> Result<(), Illegal> {
        let Some(flight) = self.busy().filter(|flight| flight.id == id) else {
            return illegal("no such command is under way");
        };
        let back = match self.stage {
            Stage::Going => false,
            Stage::Back => true,
            _ => return illegal(format!("it is {}", self.state())),
        };
        if flight.slot.part == Part::Action {
            self.touched.extend(flight.slot.step);
        }
        self.doubt(flight, back);
        Ok(())
    }

    pub(super) fn settled(
        &mut self,
        id: Uuid,
        by: &Principal,
        how: Settlement,
        at: Timestamp,
    ) -> Result<(), Illegal> {
        let (Stage::Doubt { back }, Some(doubt)) = (self.stage, self.doubt) else {
            return illegal(format!("nothing is in doubt: it is {}", self.state()));
        };
        if doubt.id != id {
            return illegal("another command is in doubt");
        }
        if by.kind != PrincipalKind::Person {
            return illegal("only a person can say what happened");
        }
        self.drop_look();
        self.doubt = None;
        self.stage = if back { Stage::Back } else { Stage::Going };
        match (how, back) {
            (Settlement::Done, false) => self.go_on(at),
            (Settlement::Done, true) => self.went_back(doubt, OutcomeVerdict::Passed, at),
            (Settlement::Failed, false) => self.rest(State::Failed),
            (Settlement::Failed, true) => self.rest(State::RollbackFailed),
            (Settlement::RunAgain, back) => {
                self.moved_at = Some(at);
                match self.ending {
                    Some(_) if back => self.rest(State::RollbackFailed),
                    Some(Ending::Cancel) => self.rest(State::Cancelled),
                    Some(Ending::Revoke) => self.rest(State::Revoked),
                    None => Ok(()),
                }
            }
        }
    }
}
