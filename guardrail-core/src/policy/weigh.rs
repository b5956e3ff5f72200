//! What a policy makes of a scene: each act by the rubric, the settings and the rules; then the
//! strictest of all acts.

use guardrail_schema::Risk;

use crate::evaluation::{Approval, Decision, Reason, Ruling};
use crate::policy::Policy;
use crate::policy::facet::{Facet, Side, Slot};
use crate::policy::index::Found;
use crate::policy::model::{AudienceKind, Says};
use crate::policy::rule::Rule;
use crate::policy::scene::{Act, Scene};
use crate::policy::settings::{AudienceRule, Setting};
use crate::policy::truth::Truth;
use crate::quota::QuotaRefusal;

/// Reasons that a ruling lists.
const REASONS: usize = 16;
/// Rules that are named of those that are all alike to an act.
const ALIKE: usize = 4;
/// Times that a rule is tried on an act in one evaluation.
const MOST: usize = 4 << 20;

/// Something that bore upon a decision.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ground<'p> {
    pub(crate) by: By<'p>,
    pub(crate) says: Says,
    pub(crate) unknown: bool,
}

/// What a [`Ground`] is.
#[derive(Clone, Debug)]
pub(crate) enum By<'p> {
    Rule(&'p Rule),
    /// A setting, by its key, and the layer that set it.
    Setting(&'p str, Option<usize>),
}

impl PartialEq for By<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Rule(one), Self::Rule(other)) => std::ptr::eq(*one, *other),
            (Self::Setting(one, at), Self::Setting(other, there)) => (one, at) == (other, there),
            _ => false,
        }
    }
}

/// The settings that a decision may name, beside those of channels and skills.
const SETTINGS: [&str; 6] = [
    "execution.auto_approve_low_risk",
    "execution.auto_approve_workspace",
    "limits",
    "safety.allow_critical",
    "safety.block_production",
    "safety.require_approval",
];

/// An audience that a request has, or may have.
struct Present<'p> {
    rule: &'p AudienceRule,
    truth: Truth,
    team: bool,
}

/// Weighs the acts of one scene.
pub(crate) struct Scale<'p, 'x, 's> {
    policy: &'p Policy,
    scene: &'x Scene<'s>,
    audiences: Vec<Present<'p>>,
    /// Nothing above Low runs unasked, whatever is freed.
    team: bool,
    found: Found<'p>,
    tried: usize,
}

/// What became of one act.
#[derive(Debug)]
pub(crate) struct Weighed<'p> {
    pub(crate) decision: Decision,
    pub(crate) grounds: Grounds<'p>,
}

/// The strictest grounds so far: one that is less strict than another decides nothing.
#[derive(Debug, Default)]
pub(crate) struct Grounds<'p> {
    strictest: Vec<Ground<'p>>,
}

impl<'p> Grounds<'p> {
    fn add(&mut self, ground: Ground<'p>) {
        match self.strictest.first().map(Ground::level) {
            Some(level) if level > ground.level() => return,
            Some(level) if level < ground.level() => self.strictest.clear(),
            _ => {}
        }
        if self.strictest.len() < REASONS && !self.strictest.contains(&ground) {
            self.strictest.push(ground);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Ground<'p>> {
        self.strictest.iter()
    }
}

impl Policy {
    /// Whether a ruling or a refusal may name this as what decided: a rule, a setting or a quota.
    pub(crate) fn names_rule(&self, name: &str) -> bool {
        let settings = self.settings();
        SETTINGS.contains(&name)
            || settings.channels.iter().chain(&settings.skills).any(|audience| audience.key == name)
            || self.rules().iter().any(|rule| rule.name == name)
            || QuotaRefusal::names(name, |quota| self.has_quota(quota))
    }

    /// Decides about a scene whose acts have the environment that the policy gives them.
    pub(crate) fn weigh(&self, scene: &Scene<'_>) -> (Decision, Ruling) {
        let mut scale = Scale::new(self, scene);
        let mut decision = Decision::Allow;
        let mut grounds = Grounds::default();
        let nothing = [Act::default()];
        // What does nothing at all is as Low as can be.
        let acts = if scene.acts.is_empty() { nothing.as_slice() } else { &scene.acts };
        for act in acts {
            if scale.tried > MOST {
                decision = Decision::Deny;
                grounds.add(Ground { by: By::Setting("limits", None), says: Says::Deny, unknown: false });
                break;
            }
            let weighed = scale.act(act);
            decision = decision.stricter(weighed.decision);
            weighed.grounds.strictest.into_iter().for_each(|ground| grounds.add(ground));
        }
        // The floor, whatever stands above: what is Critical never runs without a person.
        let worst = scene.acts.iter().map(|act| act.risk).max().unwrap_or_default();
        if worst == Risk::Critical && decision == Decision::Allow {
            decision = Decision::Deny;
        }
        let ruling = self.ruling(&decision, grounds);
        (decision, ruling)
    }

    fn ruling(&self, decision: &Decision, grounds: Grounds<'_>) -> Ruling {
        let level = match decision {
            Decision::Allow => Says::Allow,
            Decision::Ask(_) => Says::Ask,
            Decision::Deny => Says::Deny,
        };
        let mut warnings = self.standing_warnings();
        if decision == &Decision::Allow
            && grounds.iter().any(|g| matches!(g.by, By::Setting("safety.require_approval", _)))
        {
            warnings.push(
                "safety.require_approval is off: this runs without an approval that the rubric asks for"
                    .into(),
            );
        }
        let deciding = grounds.iter().filter(|ground| ground.level() == level);
        let reasons = deciding.map(|ground| self.reason(ground)).collect();
        Ruling { policy: Some(self.digest()), reasons, warnings }
    }

    fn reason(&self, ground: &Ground<'_>) -> Reason {
        let (rule, layer, reason, instead) = match &ground.by {
            By::Rule(rule) => {
                (rule.name.as_str(), Some(rule.layer), rule.reason.clone(), rule.instead.clone())
            }
            By::Setting("limits", _) => {
                ("limits", None, Some("there is more to weigh than one evaluation may cost".into()), None)
            }
            By::Setting(key, layer) => (*key, *layer, None, None),
        };
        Reason {
            rule: rule.into(),
            layer: self.layer_name(layer).into(),
            says: ground.says.as_str().into(),
            unknown: ground.unknown,
            reason,
            instead,
        }
    }
}

impl Ground<'_> {
    /// What it amounts to: a deny that hangs on an unknown asks.
    pub(crate) fn level(&self) -> Says {
        if self.unknown && self.says == Says::Deny { Says::Ask } else { self.says }
    }
}

impl<'p, 'x, 's> Scale<'p, 'x, 's> {
    pub(crate) fn new(policy: &'p Policy, scene: &'x Scene<'s>) -> Self {
        let mut audiences = Vec::new();
        let settings = policy.settings();
        for (facet, rules) in [(Facet::Channel, &settings.channels), (Facet::Skill, &settings.skills)] {
            let slot = scene.request.get(facet as usize).unwrap_or(&Slot::Unknown);
            let anonymous = matches!(scene.request.get(Facet::Actor as usize), Some(Slot::Unknown) | None);
            for rule in rules {
                let truth = match slot {
                    Slot::One(value) => rule.name.matches(value.text()),
                    _ if rule.name.is_everything() => Truth::True,
                    _ => Truth::Unknown,
                };
                if truth != Truth::False {
                    let team = match rule.kind {
                        AudienceKind::Team | AudienceKind::Public => true,
                        AudienceKind::Direct => facet == Facet::Channel && anonymous,
                    };
                    audiences.push(Present { rule, truth, team });
                }
            }
        }
        let team = audiences.iter().any(|present| present.team);
        Self { policy, scene, audiences, team, found: Found::default(), tried: 0 }
    }

    pub(crate) fn act(&mut self, act: &Act<'s>) -> Weighed<'p> {
        let policy = self.policy;
        let settings = policy.settings();
        let approval = settings.approval(act.risk);
        let mut grounds = Grounds::default();
        let mut decision = self.rubric(act, &mut grounds);

        let mut found = std::mem::take(&mut self.found);
        policy.index().candidates(policy.rules(), self.scene, act, &mut found);
        self.tried += found.rules.len() + found.alike.len();
        let mut lifts_production = false;
        let mut restricting: Vec<(&'p Rule, Truth)> = Vec::new();
        let mut freed: Option<&'p Rule> = None;
        let mut overridden: Option<&'p Rule> = None;
        for rule in found.rules.iter().filter_map(|id| policy.rules().get(*id as usize)) {
            let truth = rule.holds(self.scene, act);
            match (rule.side(), truth) {
                (Side::Allowing, Truth::True) => {
                    freed = freed.or(Some(rule));
                    if rule.overrides.critical {
                        overridden = overridden.or(Some(rule));
                    }
                    lifts_production |= rule.overrides.production;
                }
                (Side::Restricting, Truth::True | Truth::Unknown) => restricting.push((rule, truth)),
                _ => {}
            }
        }

        let allowed = |rule| Ground { by: By::Rule(rule), says: Says::Allow, unknown: false };
        match (act.risk, freed, overridden) {
            (Risk::Critical, _, Some(rule)) if decision == Decision::Deny => {
                decision = Decision::Ask(approval.clone());
                grounds = Grounds { strictest: vec![Ground { says: Says::Ask, ..allowed(rule) }] };
            }
            (Risk::Critical, ..) => {}
            (risk, Some(rule), _) if decision != Decision::Allow && (risk == Risk::Low || !self.team) => {
                decision = Decision::Allow;
                grounds = Grounds { strictest: vec![allowed(rule)] };
            }
            _ => {}
        }

        let mut restrict = |decision: &mut Decision, ground: Ground<'p>, more: Option<&Approval>| {
            let own = match ground.level() {
                Says::Allow => return,
                Says::Ask => Decision::Ask(match more {
                    Some(more) => approval.clone().and(more.clone()),
                    None => approval.clone(),
                }),
                Says::Deny => Decision::Deny,
            };
            *decision = std::mem::replace(decision, Decision::Allow).stricter(own);
            grounds.add(ground);
        };
        if settings.block_production.on && act.risk > Risk::Low && !lifts_production {
            let truth = self.production(act);
            if truth == Truth::True || (truth == Truth::Unknown && !act.light) {
                let Setting { layer, .. } = settings.block_production;
                let by = By::Setting("safety.block_production", layer);
                let unknown = truth == Truth::Unknown;
                restrict(&mut decision, Ground { by, says: Says::Deny, unknown }, None);
            }
        }
        for present in &self.audiences {
            if let Some(truth) = self.banned(present.rule, act) {
                let by = By::Setting(&present.rule.key, Some(present.rule.layer));
                let unknown = truth.and(present.truth) == Truth::Unknown;
                restrict(&mut decision, Ground { by, says: Says::Deny, unknown }, None);
            }
        }
        for (rule, truth) in restricting {
            let ground = Ground { by: By::Rule(rule), says: rule.says, unknown: truth == Truth::Unknown };
            let more = Some(&rule.approval).filter(|_| rule.says == Says::Ask);
            restrict(&mut decision, ground, more);
        }
        for alike in &found.alike {
            let rules = alike.rules.iter().filter_map(|id| policy.rules().get(*id as usize));
            for (place, rule) in rules.take(ALIKE).enumerate() {
                let ground = Ground { by: By::Rule(rule), says: rule.says, unknown: true };
                // What all of them ask for counts with the first.
                restrict(&mut decision, ground, alike.asks.as_ref().filter(|_| place == 0));
            }
        }
        self.found = found;
        Weighed { decision, grounds }
    }

    /// What the rubric says of a risk, as the settings have it.
    fn rubric(&self, act: &Act<'_>, grounds: &mut Grounds<'p>) -> Decision {
        let settings = self.policy.settings();
        let mut by = |key, setting: Setting, says| {
            grounds.add(Ground { by: By::Setting(key, setting.layer), says, unknown: false });
        };
        let ask = || Decision::Ask(settings.approval(act.risk));
        match act.risk {
            Risk::Low if settings.auto_approve_low_risk.on => Decision::Allow,
            Risk::Low => {
                by("execution.auto_approve_low_risk", settings.auto_approve_low_risk, Says::Ask);
                ask()
            }
            Risk::Medium | Risk::High if !settings.require_approval.on && !self.team => {
                by("safety.require_approval", settings.require_approval, Says::Allow);
                Decision::Allow
            }
            Risk::Medium if settings.auto_approve_workspace.on && act.light && !self.team => {
                by("execution.auto_approve_workspace", settings.auto_approve_workspace, Says::Allow);
                Decision::Allow
            }
            Risk::Medium | Risk::High => ask(),
            Risk::Critical if settings.allow_critical.on => {
                by("safety.allow_critical", settings.allow_critical, Says::Ask);
                ask()
            }
            Risk::Critical => Decision::Deny,
        }
    }

    /// Whether an act reaches production.
    fn production(&self, act: &Act<'s>) -> Truth {
        match self.scene.slot(act, Facet::Environment) {
            Slot::One(value) => (*value.prefix == *b"production").into(),
            Slot::Nothing => Truth::False,
            _ => Truth::Unknown,
        }
    }

    /// Whether an audience may not have an act; `None` where it may.
    fn banned(&self, rule: &AudienceRule, act: &Act<'s>) -> Option<Truth> {
        let above = |most: Risk| act.risk > most;
        if (rule.kind == AudienceKind::Public && above(Risk::Low)) || rule.max_risk.is_some_and(above) {
            return Some(Truth::True);
        }
        let tools = rule.tools.as_ref()?;
        let slot = match self.scene.slot(act, Facet::Tool) {
            // What a named call does itself is done by that call.
            Slot::Nothing if self.scene.arguments.is_some() => self.scene.slot(act, Facet::CallName),
            // The shell's own redirections are no tool.
            Slot::Nothing => return None,
            slot => slot,
        };
        let truth = tools.slot(slot, Side::Allowing);
        let truth = if act.claimed { truth.and(Truth::Unknown) } else { truth };
        match truth.not() {
            Truth::False => None,
            banned => Some(banned),
        }
    }
}
