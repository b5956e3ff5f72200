//! What a plan must have: what it must be well-formed, and which risks must have which parts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::command::Command;
use super::document::{Check, Parameter, Plan, Rollback, Step};
use super::expect;
use super::revision::{Prepared, numbered};
use super::{Part, Slot};
use crate::evaluation::{Approval, Decision, Evaluation};
use crate::redact::Redactor;
use crate::request::Action;
use crate::{EffectKind, Risk, Scope, Undo};

/// The most steps a plan may have.
const MOST_STEPS: usize = 200;
/// The most commands a plan may have, with all its checks.
const MOST_COMMANDS: usize = 2_000;
/// The longest that an approval may take or stay valid, in seconds: 30 days.
const LONGEST: u64 = 30 * 24 * 3600;

/// Something that is wrong with a plan, or missing from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}{message}", place(*slot))]
pub struct Flaw {
    /// The command it is about; `None` where it is about the plan.
    pub slot: Option<Slot>,
    /// What, in a sentence without capital or period.
    pub message: String,
}

fn place(slot: Option<Slot>) -> String {
    slot.map(|slot| format!("{slot}: ")).unwrap_or_default()
}

impl Flaw {
    pub(super) fn new(slot: Option<Slot>, message: impl Into<String>) -> Self {
        Self { slot, message: message.into() }
    }
}

/// Which risks must have which parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demands {
    /// For [`Risk::Low`].
    pub low: Demand,
    /// For [`Risk::Medium`] where all that is done is done to local files: work in a workspace.
    pub light: Demand,
    /// For [`Risk::Medium`].
    pub medium: Demand,
    /// For [`Risk::High`], and for what cannot be undone.
    pub high: Demand,
    /// For [`Risk::Critical`]. Whatever it says, a person must say yes.
    pub critical: Demand,
    /// For every command that gets a secret, beside what its risk demands: what looks harmless may
    /// print a secret in a form that nobody looks for.
    pub credential: Demand,
}

/// What one step must have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Demand {
    /// How many distinct principals must say yes.
    pub approvers: u8,
    /// How many of them must be people.
    pub people: u8,
    /// A check before it, its own or the plan's.
    pub preflight: bool,
    /// A check behind it, its own or the plan's.
    pub post: bool,
    /// A way back.
    pub rollback: WayBack,
    /// That it is known what is touched, or the agent says so.
    pub impact: bool,
    /// A rehearsal.
    pub dry_run: bool,
    /// That the plan is watched for a while behind it.
    pub monitor: bool,
}

/// How good a way back must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WayBack {
    /// There need be none.
    #[default]
    None,
    /// There must be one.
    Any,
    /// It must have an estimate of its time, and verification.
    Detailed,
}

impl Demands {
    /// The rubric of the standard policy.
    pub const STANDARD: Self = {
        let low = Demand {
            approvers: 0,
            people: 0,
            preflight: false,
            post: false,
            rollback: WayBack::None,
            impact: false,
            dry_run: false,
            monitor: false,
        };
        let light = Demand { approvers: 1, ..low };
        let medium = Demand { preflight: true, post: true, rollback: WayBack::Any, ..light };
        let high = Demand { people: 1, rollback: WayBack::Detailed, impact: true, monitor: true, ..medium };
        let critical = Demand { approvers: 2, people: 2, dry_run: true, ..high };
        let credential = Demand { people: 1, ..light };
        Self { low, light, medium, high, critical, credential }
    };

    const fn of(&self, risk: Risk, light: bool) -> Demand {
        match risk {
            Risk::Low => self.low,
            Risk::Medium if light => self.light,
            Risk::Medium => self.medium,
            Risk::High => self.high,
            Risk::Critical => self.critical,
        }
    }
}

impl Default for Demands {
    fn default() -> Self {
        Self::STANDARD
    }
}

impl Demand {
    fn join(self, other: Self) -> Self {
        Self {
            approvers: self.approvers.max(other.approvers),
            people: self.people.max(other.people),
            preflight: self.preflight || other.preflight,
            post: self.post || other.post,
            rollback: self.rollback.max(other.rollback),
            impact: self.impact || other.impact,
            dry_run: self.dry_run || other.dry_run,
            monitor: self.monitor || other.monitor,
        }
    }
}

/// Who must say yes to a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// How many distinct principals must say yes.
    pub approvers: u8,
    /// How many of them must be people.
    pub people: u8,
    /// For each of these roles at least one of them has it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<String>,
    /// Where they may be asked; `None` for anywhere, and nowhere where it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<BTreeSet<String>>,
    /// How long the answer may take by the policy, in seconds; the plan may ask for less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_seconds: Option<u64>,
}

impl Need {
    /// Whether nobody has to be asked.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.approvers == 0 && self.people == 0 && self.roles.is_empty()
    }

    /// Whether approvers may be asked in a channel.
    #[must_use]
    pub fn allows_channel(&self, channel: &str) -> bool {
        self.channels.as_ref().is_none_or(|channels| channels.contains(channel))
    }

    /// Takes up what the policy asks for one command.
    fn add(&mut self, approval: &Approval) {
        let Approval { approvers, roles, channels, expires, rollback: _, impact: _, dry_run: _ } = approval;
        self.approvers = self.approvers.max(*approvers);
        self.roles.extend(roles.iter().cloned());
        if let Some(named) = channels.names() {
            let named: BTreeSet<String> = named.iter().cloned().collect();
            self.channels = Some(match self.channels.take() {
                Some(before) => before.intersection(&named).cloned().collect(),
                None => named,
            });
        }
        self.answer_seconds = match (self.answer_seconds, *expires) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

/// Whether all that a command does is done to files and processes of the machine and to the
/// repository: work in a workspace, which owes no way back. What lies outside of the workspace and
/// matters is at least High, and never comes here.
fn is_light(evaluation: &Evaluation) -> bool {
    evaluation.risk == Risk::Medium
        && !evaluation.unknown
        && evaluation.effects.iter().all(|effect| {
            let quiet = matches!(
                effect.kind,
                EffectKind::Read | EffectKind::Write | EffectKind::Delete | EffectKind::Execute
            );
            effect.kind == EffectKind::Read
                || effect.kind == EffectKind::NetworkIn
                || (quiet && matches!(effect.scope, Scope::Local | Scope::Repository))
        })
}

/// Whether something that a command does can never be undone.
fn is_final(evaluation: &Evaluation) -> bool {
    let harmless = |kind| matches!(kind, EffectKind::Read | EffectKind::NetworkIn);
    evaluation.effects.iter().any(|effect| effect.undo == Undo::Never && !harmless(effect.kind))
}

/// What one command must have around it.
fn demand(demands: &Demands, evaluation: &Evaluation, irreversible: bool) -> Demand {
    let light = is_light(evaluation) && !irreversible;
    let mut demand = demands.of(evaluation.risk, light);
    if let Decision::Ask(approval) = &evaluation.decision {
        let rollback = if approval.rollback && !light { WayBack::Any } else { WayBack::None };
        let Approval { approvers, impact, dry_run, .. } = *approval;
        demand = demand.join(Demand { approvers, rollback, impact, dry_run, ..Demand::default() });
    }
    if irreversible && evaluation.risk > Risk::Low {
        // The bar is higher, and a way back is not asked of what has none.
        demand = demand.join(demands.high);
        demand.approvers = demand.approvers.saturating_add(1);
        demand.rollback = WayBack::None;
    }
    if evaluation.risk == Risk::Critical {
        demand.approvers = demand.approvers.max(1);
        demand.people = demand.people.max(1);
    }
    demand.approvers = demand.approvers.max(demand.people);
    demand
}

/// What a plan needs, and what is missing from it.
pub(super) fn judge(plan: &Plan, commands: &[Prepared], demands: &Demands) -> (Need, Vec<Flaw>) {
    let mut need = Need::default();
    let mut flaws = Vec::new();
    let mut monitor = false;
    for prepared in commands {
        let Prepared { slot, evaluation, .. } = prepared;
        let step = slot.step.and_then(|number| plan.steps.get(number.checked_sub(1)? as usize));
        let mut flaw = |message: String| flaws.push(Flaw::new(Some(*slot), message));
        if evaluation.decision == Decision::Deny {
            flaw(format!("the policy denies it ({} risk)", evaluation.risk));
        }
        if slot.part.looks_only() && (evaluation.risk > Risk::Low || evaluation.decision != Decision::Allow) {
            flaw(format!("it must only look, and is of {} risk", evaluation.risk));
        }
        let action = slot.part == Part::Action;
        let irreversible = action && step.is_some_and(|step| step.irreversible.is_some());
        let mut demand = demand(demands, evaluation, irreversible || (action && is_final(evaluation)));
        if !prepared.command.credentials.is_empty() {
            demand = demand.join(demands.credential);
            demand.approvers = demand.approvers.max(demand.people);
        }
        need.approvers = need.approvers.max(demand.approvers);
        need.people = need.people.max(demand.people);
        if let Decision::Ask(approval) = &evaluation.decision {
            need.add(approval);
        }
        if let (Part::Action, Some(step)) = (slot.part, step) {
            monitor |= demand.monitor;
            for message in missing(plan, step, evaluation, demand) {
                flaw(message);
            }
        }
    }
    if monitor && plan.monitor.is_none() {
        flaws.push(Flaw::new(None, "a plan of this risk must be watched for a while: `monitor` is missing"));
    }
    (need, flaws)
}

fn missing(plan: &Plan, step: &Step, evaluation: &Evaluation, demand: Demand) -> Vec<String> {
    let risk = evaluation.risk;
    let mut found = Vec::new();
    let mut owes = |what: &str| found.push(format!("a step of {risk} risk needs {what}"));
    if demand.preflight && step.preflight.is_empty() && plan.preflight.is_empty() {
        owes("a check before it: `preflight` is missing");
    }
    if demand.post && step.post.is_empty() && plan.post.is_empty() {
        owes("a check behind it: `post` is missing");
    }
    if demand.dry_run && step.dry_run.is_none() {
        owes("a rehearsal: `dry_run` is missing");
    }
    // The plan's way back stands in for one that a step has not.
    let way = step.rollback.as_ref().or(plan.rollback.as_ref());
    match (demand.rollback, way) {
        (WayBack::None, _) | (WayBack::Any, Some(_)) => {}
        (_, None) => {
            owes("a way back: `rollback` is missing, or `irreversible` with the reason why there is none")
        }
        (WayBack::Detailed, Some(way)) => {
            if way.verification.is_empty() {
                owes("a check that it is undone: `rollback.verification` is missing");
            }
            if way.estimated_seconds.is_none() {
                owes("an estimate of how long undoing takes: `rollback.estimated_seconds` is missing");
            }
        }
    }
    if demand.impact && plan.impact.is_empty() && !is_impact_known(evaluation) {
        owes("to say what is touched, which cannot be told from the command: `impact` is missing");
    }
    found
}

/// Whether it is known to what everything is done that changes something.
fn is_impact_known(evaluation: &Evaluation) -> bool {
    let mut changes = evaluation.effects.iter().filter(|effect| effect.kind != EffectKind::Read).peekable();
    !evaluation.unknown && changes.peek().is_some() && changes.all(|effect| effect.target.is_some())
}

/// What is wrong with a plan whatever its commands do.
pub(super) fn malformed(plan: &Plan) -> Vec<Flaw> {
    let mut found = Found { flaws: Vec::new(), commands: 0, plan_cwd: plan.cwd.is_some() };
    found.plan_when(plan.title.trim().is_empty(), "it has no title");
    found.plan_when(plan.steps.is_empty(), "it has no steps");
    found.plan_when(plan.steps.len() > MOST_STEPS, "it has more than 200 steps");
    found.cwd(None, plan.cwd.as_deref());
    let times = plan.times;
    for (name, seconds) in
        [("approval_seconds", times.approval_seconds), ("valid_seconds", times.valid_seconds)]
    {
        found.plan_when(
            seconds == 0 || seconds > LONGEST,
            &format!("`times.{name}` is between 1 and {LONGEST}"),
        );
    }
    for (name, value) in &plan.parameters {
        found.flaws.extend(parameter(name, value));
    }
    found.checks(None, Part::Preflight, &plan.preflight);
    for (number, step) in numbered(&plan.steps) {
        found.step(number, step);
    }
    found.checks(None, Part::Post, &plan.post);
    if let Some(monitor) = &plan.monitor {
        found.plan_when(monitor.checks.is_empty(), "`monitor` watches nothing: it has no checks");
        found.plan_when(
            monitor.every_seconds == 0 || monitor.window_seconds == 0 || monitor.window_seconds > LONGEST,
            "`monitor` has a window of at most 30 days, and at least a second between rounds",
        );
        found.checks(None, Part::Monitor, &monitor.checks);
    }
    if let Some(rollback) = &plan.rollback {
        found.rollback(None, rollback);
    }
    found.plan_when(found.commands > MOST_COMMANDS, "it has more than 2000 commands");
    found.flaws
}

/// What is wrong with a parameter.
pub(super) fn parameter(name: &str, parameter: &Parameter) -> Option<Flaw> {
    let Parameter { value, about: _, minimum, maximum, one_of } = parameter;
    let flaw = |message: String| Some(Flaw::new(None, format!("parameter `{name}`: {message}")));
    if !is_name(name) {
        return flaw("a name has lower-case letters, digits and `_`, and begins with a letter".to_owned());
    }
    if !matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_)) {
        return flaw("its value is a text, a number or a truth value".to_owned());
    }
    if !one_of.is_empty() && !one_of.contains(value) {
        let values: Vec<_> = one_of.iter().map(Value::to_string).collect();
        return flaw(format!("{value} is none of {}", values.join(", ")));
    }
    if minimum.is_some() || maximum.is_some() {
        let Some(number) = value.as_f64() else { return flaw(format!("{value} is not a number")) };
        if minimum.is_some_and(|least| number < least) || maximum.is_some_and(|most| number > most) {
            let bound = |bound: &Option<f64>| bound.map_or("anything".to_owned(), |bound| bound.to_string());
            return flaw(format!("{value} is not between {} and {}", bound(minimum), bound(maximum)));
        }
    }
    None
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

struct Found {
    flaws: Vec<Flaw>,
    commands: usize,
    plan_cwd: bool,
}

impl Found {
    fn plan_when(&mut self, wrong: bool, message: &str) {
        if wrong {
            self.flaws.push(Flaw::new(None, message));
        }
    }

    fn when(&mut self, wrong: bool, slot: Slot, message: &str) {
        if wrong {
            self.flaws.push(Flaw::new(Some(slot), message));
        }
    }

    fn cwd(&mut self, slot: Option<Slot>, cwd: Option<&str>) {
        let wrong = |cwd: &str| !cwd.starts_with('/') || cwd.contains('\0');
        if cwd.is_some_and(wrong) {
            self.flaws.push(Flaw::new(slot, "`cwd` is an absolute path"));
        }
    }

    fn step(&mut self, number: u32, step: &Step) {
        let slot = Slot::action(number);
        self.when(step.title.trim().is_empty(), slot, "it has no title");
        let unsaid = step.irreversible.as_ref().is_some_and(|reason| reason.trim().is_empty());
        self.when(unsaid, slot, "`irreversible` says why");
        self.checks(Some(number), Part::Preflight, &step.preflight);
        let mut names = BTreeSet::new();
        for (index, capture) in numbered(&step.captures) {
            let slot = Slot::step(number, Part::Capture, index);
            self.when(
                !is_name(&capture.name),
                slot,
                "a name has lower-case letters, digits and `_`, and begins with a letter",
            );
            self.when(!names.insert(&capture.name), slot, "another capture of this step has its name");
            let wrong = capture.pick.as_deref().and_then(expect::malformed_pointer);
            self.flaws.extend(wrong.map(|message| Flaw::new(Some(slot), message)));
            self.command(slot, &capture.command);
        }
        if let Some(command) = &step.dry_run {
            self.command(Slot::step(number, Part::DryRun, 1), command);
        }
        self.command(slot, &step.command);
        self.checks(Some(number), Part::Post, &step.post);
        if let Some(rollback) = &step.rollback {
            self.rollback(Some(number), rollback);
        }
    }

    fn checks(&mut self, step: Option<u32>, part: Part, checks: &[Check]) {
        for (index, check) in numbered(checks) {
            let slot = Slot { step, part, index };
            self.when(check.name.trim().is_empty(), slot, "it has no name");
            let wrong = check.expect.iter().filter_map(expect::malformed);
            self.flaws.extend(wrong.map(|message| Flaw::new(Some(slot), message)));
            self.command(slot, &check.command);
        }
    }

    fn rollback(&mut self, step: Option<u32>, rollback: &Rollback) {
        let first = Slot { step, part: Part::Rollback, index: 1 };
        self.when(rollback.method.trim().is_empty(), first, "`method` says how it is undone");
        self.when(rollback.commands.is_empty(), first, "a way back has commands");
        let of_nothing = step.is_none() && rollback.only_if_done;
        self.when(of_nothing, first, "`only_if_done` is for the way back of a step");
        for (index, command) in numbered(&rollback.commands) {
            self.command(Slot { index, ..first }, command);
        }
        self.checks(step, Part::RollbackCheck, &rollback.verification);
    }

    fn command(&mut self, slot: Slot, command: &Command) {
        self.commands += 1;
        let Command { action, cwd, environment, inherit, credentials, limits: _, sandbox } = command;
        self.cwd(Some(slot), cwd.as_deref());
        self.when(
            cwd.is_none() && !self.plan_cwd,
            slot,
            "it has no directory to run in: `cwd` is missing, here or in the plan",
        );
        let (empty, texts) = match action {
            Action::Argv(words) => (words.first().is_none_or(String::is_empty), words.iter().collect()),
            Action::Shell(text) => (text.trim().is_empty(), vec![text]),
            Action::Call { name, .. } => (name.is_empty(), vec![name]),
        };
        self.when(empty, slot, "there is nothing to run");
        let nul = texts.iter().any(|text| text.contains('\0'));
        self.when(nul, slot, "no word can hold a NUL character");
        self.secrets(slot, command);
        let mut names = BTreeSet::new();
        let given = credentials.iter().map(|reference| reference.into.variable());
        for name in environment.keys().chain(inherit).map(String::as_str).chain(given) {
            let wrong = name.is_empty() || name.contains(['=', '\0']);
            self.when(wrong, slot, "a variable's name is not empty and holds no `=`");
            if !names.insert(name) {
                self.flaws.push(Flaw::new(Some(slot), format!("the variable {name} has two values")));
            }
        }
        let nul = environment.values().any(|value| value.contains('\0'));
        self.when(nul, slot, "no variable can hold a NUL character");
        self.when(
            slot.part == Part::Capture && !credentials.is_empty(),
            slot,
            "it gets no credential: it runs before anybody was asked",
        );
        let paths = sandbox.files.iter().flat_map(|files| files.read.iter().chain(&files.write));
        let relative = paths.into_iter().any(|path| !path.starts_with('/'));
        self.when(relative, slot, "the sandbox takes absolute paths");
    }

    /// A plan is kept, shown and sent, and so holds no secret.
    fn secrets(&mut self, slot: Slot, command: &Command) {
        let redactor = Redactor::new();
        let said = !redactor.secrets(&command.typed()).is_empty();
        let set = command
            .environment
            .iter()
            .any(|(name, value)| !redactor.secrets(&format!("{name}={value}")).is_empty());
        self.when(
            said || set,
            slot,
            "it holds what looks like a secret: name it under `credentials`, and use its variable",
        );
    }
}
