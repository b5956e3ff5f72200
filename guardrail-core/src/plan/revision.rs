//! One revision of a plan, prepared: every command with its holes filled, judged, and pinned to
//! what its names stand for. This is what is shown, what has the digest, and what runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::approver::Principal;
use super::command::Command;
use super::demands::{self, Demands, Flaw, Need};
use super::document::{Capture, Check, Expect, Plan, Rollback};
use super::fill::{Filler, World};
use super::pins::Pins;
use super::{Digest, Part, PlanId, Slot};
use crate::Risk;
use crate::evaluation::{Decision, Evaluation};
use crate::request::{Action, Facts, Request};

/// The domain of a revision's digest. Another encoding gets another name.
const DOMAIN: &str = "guardrail plan revision 1";

/// One revision of a plan, ready to be shown and approved.
///
/// It is made by [`prepare`](Self::prepare) and cannot be changed. It is kept in a
/// [`PlanStore`](crate::record::PlanStore) as [`document`](Self::document), and read back only by
/// the digest that the log has of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    content: Content,
    digest: Digest,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    id: PlanId,
    number: u32,
    origin: Origin,
    versions: Versions,
    plan: Plan,
    world: World,
    need: Need,
    commands: Vec<Prepared>,
}

/// Who proposes a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The agent, or its session, as the caller authenticated it. It never votes.
    pub requester: Principal,
    /// The person whose session it is. They may give the first yes and no later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Principal>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Where the conversation takes place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// By which rules the commands were judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// The policy's version or digest.
    pub policy: String,
    /// The knowledge's version or digest.
    pub knowledge: String,
}

/// Everything [`Revision::prepare`] needs beside the plan.
#[derive(Clone, Debug)]
pub struct Preparation {
    /// How the plan is called.
    pub id: PlanId,
    /// The number of the revision, from 1.
    pub number: u32,
    /// Who proposes it.
    pub origin: Origin,
    /// By which rules it is judged.
    pub versions: Versions,
    /// Which risks must have which parts.
    pub demands: Demands,
    /// What the caller knows about the world.
    pub facts: Facts,
    /// What was captured of the state before the steps.
    pub captured: Captured,
}

/// Captured values, by step and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured(World);

/// A command that is ready: its holes filled, judged, and pinned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepared {
    /// Where it stands in the plan.
    pub slot: Slot,
    /// What runs.
    pub command: Command,
    /// The absolute directory it runs in.
    pub cwd: String,
    /// What must be true of what it gives, where it is a check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Expect>,
    /// What was found out about it.
    pub evaluation: Evaluation,
    /// What its names stood for.
    pub pins: Pins,
}

/// What somebody finds who looks at one command: how it is judged, and what its names stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// How it is judged, by [`Guard::evaluate`](crate::Guard::evaluate).
    pub evaluation: Evaluation,
    /// What its names stand for.
    pub pins: Pins,
}

impl Captured {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what a step's capture gave; the step counts from 1.
    pub fn insert(&mut self, step: u32, name: impl Into<String>, value: impl Into<String>) {
        self.0.entry(step).or_default().insert(name.into(), value.into());
    }
}

impl Preparation {
    /// For the first revision of a plan, by the standard demands, with nothing known or captured.
    #[must_use]
    pub fn new(id: PlanId, requester: Principal) -> Self {
        Self {
            id,
            number: 1,
            origin: Origin { requester, owner: None, session: None, channel: None },
            versions: Versions::default(),
            demands: Demands::STANDARD,
            facts: Facts::default(),
            captured: Captured::new(),
        }
    }
}

impl Revision {
    /// Fills the holes of a plan's commands, and has each of them looked at.
    ///
    /// `look` is called once for each command, in the order of the plan, with where it stands, the
    /// command, and the request that it is to be judged by. It gives the evaluation and the pins.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the plan or missing from it, all at once. What waits for a
    /// capture is no flaw yet: [`uncaptured`](Self::uncaptured) lists it, and such a revision can
    /// be drafted, but not proposed.
    pub fn prepare(
        plan: Plan,
        preparation: &Preparation,
        look: &mut dyn FnMut(Slot, &Command, &Request) -> Look,
    ) -> Result<Self, Vec<Flaw>> {
        let mut flaws = demands::malformed(&plan);
        let (filled, unfilled) = fill(&plan, &preparation.captured.0);
        flaws.extend(unfilled);
        if !flaws.is_empty() {
            return Err(flaws);
        }
        let mut commands = Vec::with_capacity(filled.len());
        for Filled { slot, command, expect } in filled {
            let cwd = command.cwd.clone().or_else(|| plan.cwd.clone()).unwrap_or_default();
            let request = request(&plan, preparation, slot, &command, &cwd);
            let Look { mut evaluation, pins } = look(slot, &command, &request);
            // What is only tried is no part of what is approved.
            evaluation.shadow = None;
            commands.push(Prepared { slot, command, cwd, expect, evaluation, pins });
        }
        let (need, flaws) = demands::judge(&plan, &commands, &preparation.demands);
        if !flaws.is_empty() {
            return Err(flaws);
        }
        Ok(Self::of(Content {
            id: preparation.id,
            number: preparation.number,
            origin: preparation.origin.clone(),
            versions: preparation.versions.clone(),
            plan,
            world: preparation.captured.0.clone(),
            need,
            commands,
        }))
    }

    fn of(content: Content) -> Self {
        let digest = Digest::of_value(DOMAIN, &content);
        Self { content, digest }
    }

    /// The revision that a document holds, if it is the one that has this digest.
    ///
    /// # Errors
    ///
    /// [`NotThatRevision`] where it is another, or none.
    pub fn from_document(document: &[u8], digest: Digest) -> Result<Self, NotThatRevision> {
        let content: Content =
            serde_json::from_slice(document).map_err(|error| NotThatRevision(error.to_string()))?;
        let revision = Self::of(content);
        if revision.digest == digest {
            Ok(revision)
        } else {
            Err(NotThatRevision(format!("its digest is {}, and not {digest}", revision.digest)))
        }
    }

    /// Itself as a document, to be kept beside the log. It holds no secrets.
    #[must_use]
    pub fn document(&self) -> Vec<u8> {
        // Nothing in it fails to serialise: all keys are texts.
        serde_json::to_vec(&self.content).unwrap_or_default()
    }

    /// The digest over all of it: what a yes is to.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// How the plan is called.
    #[must_use]
    pub const fn id(&self) -> PlanId {
        self.content.id
    }

    /// Its number, from 1.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.content.number
    }

    /// Who proposes it.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.content.origin
    }

    /// By which rules it was judged.
    #[must_use]
    pub const fn versions(&self) -> &Versions {
        &self.content.versions
    }

    /// The plan as it was written, with its holes.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.content.plan
    }

    /// What it needs to be approved.
    #[must_use]
    pub const fn need(&self) -> &Need {
        &self.content.need
    }

    /// The worst risk of its commands.
    #[must_use]
    pub fn risk(&self) -> Risk {
        self.commands().iter().map(|prepared| prepared.evaluation.risk).max().unwrap_or_default()
    }

    /// Its commands, in the order of the plan.
    #[must_use]
    pub fn commands(&self) -> &[Prepared] {
        &self.content.commands
    }

    /// The command that stands in a slot.
    #[must_use]
    pub fn command(&self, slot: Slot) -> Option<&Prepared> {
        self.commands().iter().find(|prepared| prepared.slot == slot)
    }

    /// What was captured under a name for a step.
    #[must_use]
    pub fn captured(&self, step: u32, name: &str) -> Option<&str> {
        self.content.world.get(&step)?.get(name).map(String::as_str)
    }

    /// The captures that have not been made yet. A revision is complete when there are none.
    #[must_use]
    pub fn uncaptured(&self) -> Vec<Slot> {
        let plan = self.plan();
        let mut missing = Vec::new();
        for (number, step) in numbered(&plan.steps) {
            for (index, capture) in numbered(&step.captures) {
                if self.captured(number, &capture.name).is_none() {
                    missing.push(Slot::step(number, Part::Capture, index));
                }
            }
        }
        missing
    }

    /// A text of the plan for people, with its parameters filled in.
    pub(super) fn shown(&self, text: &str) -> String {
        Filler::new(self.plan()).shown(text)
    }

    /// Why a command may not run now though it was approved, in a sentence each; empty where it
    /// may. `exact` asks for the very versions of policy and knowledge too.
    pub(super) fn drift(&self, slot: Slot, now: &Look, versions: &Versions, exact: bool) -> Vec<String> {
        let Some(then) = self.command(slot) else { return vec![format!("{slot} is not in the plan")] };
        let (before, after) = (&then.evaluation, &now.evaluation);
        let mut found = then.pins.drift(&now.pins);
        let policies = (before.ruling.policy, &self.content.versions.policy);
        if exact && policies != (after.ruling.policy, &versions.policy) {
            found.push("the policy is another one".to_owned());
        }
        if exact && self.content.versions.knowledge != versions.knowledge {
            found.push("the knowledge of tools is another one".to_owned());
        }
        if after.decision == Decision::Deny {
            found.push("the policy denies it now".to_owned());
        }
        if after.risk > before.risk {
            found.push(format!("its risk is {} now, and was {}", after.risk, before.risk));
        }
        if before.decision.clone().stricter(after.decision.clone()) != before.decision {
            found.push("the policy asks for more now".to_owned());
        }
        if after.effects != before.effects {
            found.push("it would do something else now".to_owned());
        }
        found
    }
}

/// A document that is not the revision it was taken for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document is not that revision of the plan: {0}")]
pub struct NotThatRevision(String);

/// Items with their numbers, from 1.
pub(super) fn numbered<T>(items: &[T]) -> impl Iterator<Item = (u32, &T)> {
    (1..).zip(items)
}

struct Filled {
    slot: Slot,
    command: Command,
    expect: Vec<Expect>,
}

/// Every command of a plan in its order, with its holes filled. The way back of a step whose
/// captures are not all there keeps its holes.
fn fill(plan: &Plan, world: &World) -> (Vec<Filled>, Vec<Flaw>) {
    let mut all = Filling { filled: Vec::new(), flaws: Vec::new() };
    let filler = Filler::new(plan);
    all.checks(filler, None, Part::Preflight, &plan.preflight);
    for (number, step) in numbered(&plan.steps) {
        let at = Some(number);
        all.checks(filler, at, Part::Preflight, &step.preflight);
        for (index, capture) in numbered(&step.captures) {
            all.command(filler, Slot::step(number, Part::Capture, index), &capture.command);
        }
        if let Some(command) = &step.dry_run {
            all.command(filler, Slot::step(number, Part::DryRun, 1), command);
        }
        all.command(filler, Slot::action(number), &step.command);
        all.checks(filler, at, Part::Post, &step.post);
        if let Some(rollback) = &step.rollback {
            let held = |name: &String| world.get(&number).is_some_and(|values| values.contains_key(name));
            if step.captures.iter().all(|capture| held(&capture.name)) {
                all.rollback(filler.with_captured(world, number), at, rollback);
            } else {
                all.unfilled_rollback(at, rollback);
            }
        }
    }
    all.checks(filler, None, Part::Post, &plan.post);
    if let Some(monitor) = &plan.monitor {
        all.checks(filler, None, Part::Monitor, &monitor.checks);
    }
    if let Some(rollback) = &plan.rollback {
        all.rollback(filler, None, rollback);
    }
    (all.filled, all.flaws)
}

struct Filling {
    filled: Vec<Filled>,
    flaws: Vec<Flaw>,
}

impl Filling {
    fn command(&mut self, filler: Filler<'_>, slot: Slot, command: &Command) {
        match filler.command(command) {
            Ok(command) => self.filled.push(Filled { slot, command, expect: Vec::new() }),
            Err(reason) => self.flaws.push(Flaw::new(Some(slot), reason)),
        }
    }

    fn check(&mut self, filler: Filler<'_>, slot: Slot, check: &Check) {
        match filler.check(check) {
            Ok(Check { command, expect, .. }) => self.filled.push(Filled { slot, command, expect }),
            Err(reason) => self.flaws.push(Flaw::new(Some(slot), reason)),
        }
    }

    fn checks(&mut self, filler: Filler<'_>, step: Option<u32>, part: Part, checks: &[Check]) {
        for (index, check) in numbered(checks) {
            self.check(filler, Slot { step, part, index }, check);
        }
    }

    fn rollback(&mut self, filler: Filler<'_>, step: Option<u32>, rollback: &Rollback) {
        for (index, command) in numbered(&rollback.commands) {
            self.command(filler, Slot { step, part: Part::Rollback, index }, command);
        }
        self.checks(filler, step, Part::RollbackCheck, &rollback.verification);
    }

    fn unfilled_rollback(&mut self, step: Option<u32>, rollback: &Rollback) {
        for (index, command) in numbered(&rollback.commands) {
            let slot = Slot { step, part: Part::Rollback, index };
            self.filled.push(Filled { slot, command: command.clone(), expect: Vec::new() });
        }
        for (index, check) in numbered(&rollback.verification) {
            let slot = Slot { step, part: Part::RollbackCheck, index };
            self.filled.push(Filled { slot, command: check.command.clone(), expect: check.expect.clone() });
        }
    }
}

/// The request that a command is to be judged by.
fn request(plan: &Plan, preparation: &Preparation, slot: Slot, command: &Command, cwd: &str) -> Request {
    let step = slot.step.and_then(|number| plan.steps.get(number.checked_sub(1)? as usize));
    let reason = step.map(|step| &step.reason).filter(|reason| !reason.is_empty()).unwrap_or(&plan.reason);
    let mut facts = preparation.facts.clone();
    let set = command.environment.iter().map(|(name, value)| (name.clone(), value.clone()));
    facts.variables.extend(set);
    let mut request = Request::new(command.action.clone()).facts(facts).cwd(cwd);
    request.actor = Some(preparation.origin.requester.to_string());
    request.session.clone_from(&preparation.origin.session);
    request.channel.clone_from(&preparation.origin.channel);
    request.reason = Some(reason.clone()).filter(|reason| !reason.is_empty());
    request
}

impl Revision {
    /// The request that a command is judged by now: the same as when it was prepared, with what
    /// the caller knows of the world now.
    #[must_use]
    pub fn request(&self, slot: Slot, facts: Facts) -> Option<Request> {
        let prepared = self.command(slot)?;
        let content = &self.content;
        let preparation = Preparation {
            id: content.id,
            number: content.number,
            origin: content.origin.clone(),
            versions: content.versions.clone(),
            demands: Demands::STANDARD,
            facts,
            captured: Captured::new(),
        };
        Some(request(&content.plan, &preparation, slot, &prepared.command, &prepared.cwd))
    }

    /// What a slot captures.
    pub(super) fn capture(&self, slot: Slot) -> Option<&Capture> {
        let step = self.plan().steps.get(slot.step?.checked_sub(1)? as usize)?;
        step.captures.get(slot.index.checked_sub(1)? as usize)
    }

    /// The agent's reason for a step, or else for the plan.
    pub(super) fn reason(&self, slot: Slot) -> Option<String> {
        let step = slot.step.and_then(|number| self.plan().steps.get(number.checked_sub(1)? as usize));
        let own = step.map(|step| step.reason.clone()).filter(|reason| !reason.is_empty());
        own.or_else(|| Some(self.plan().reason.clone()).filter(|reason| !reason.is_empty()))
    }

    /// The plan with another value for a parameter, to be prepared as the next revision.
    ///
    /// # Errors
    ///
    /// [`Flaw`] where there is no such parameter, or it may not have that value.
    pub fn with_parameter(&self, name: &str, value: serde_json::Value) -> Result<Plan, Flaw> {
        let mut plan = self.plan().clone();
        let Some(parameter) = plan.parameters.get_mut(name) else {
            let known: Vec<_> = self.plan().parameters.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Flaw::new(None, format!("there is no parameter `{name}`; there are: {known}")));
        };
        parameter.value = value;
        match demands::parameter(name, parameter) {
            Some(flaw) => Err(flaw),
            None => Ok(plan),
        }
    }

    /// What the plan's environment variables are named, with which command sets or inherits each;
    /// values stay out of it.
    #[must_use]
    pub fn environment_names(&self) -> BTreeMap<&str, Vec<Slot>> {
        let mut names: BTreeMap<&str, Vec<Slot>> = BTreeMap::new();
        for prepared in self.commands() {
            let command = &prepared.command;
            let given = command.credentials.iter().map(|reference| reference.into.variable());
            let set = command.environment.keys().chain(&command.inherit).map(String::as_str);
            for name in set.chain(given) {
                names.entry(name).or_default().push(prepared.slot);
            }
        }
        names
    }

    /// The named tool or the program that a command starts, for records.
    pub(super) fn tools(prepared: &Prepared) -> Option<String> {
        if let Action::Call { name, .. } = &prepared.command.action {
            // A comma parts tools: a call whose name has some is still one.
            return Some(name.replace(',', ";"));
        }
        let mut tools: Vec<&str> =
            prepared.evaluation.invocations.iter().filter_map(|call| call.tool.as_deref()).collect();
        tools.dedup();
        (!tools.is_empty()).then(|| tools.join(","))
    }
}
