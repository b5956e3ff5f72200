//! `[[quota]]` of a policy: its types, what is wrong with one, and what a request counts against.

use std::collections::BTreeMap;
use std::sync::Arc;

use guardrail_schema::Risk;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::effect::{Analysis, Target};
use crate::evaluation::Finding;
use crate::lower::{Input, InvocationId, Word};
use crate::policy::check;
use crate::policy::facet::Facet;
use crate::policy::load::Source;
use crate::policy::model::{RuleFile, Says, When, is_default};
use crate::policy::problem::{PolicyProblem, Severity, Way};
use crate::policy::rule::Rule;
use crate::policy::scene::{Act, Scene};
use crate::policy::truth::Truth;
use crate::policy::value::{Duration, OneOrMany};
use crate::policy::{Layer, Policy};
use crate::quota::{Charge, ChargeKey, Counts, Quota, Usage};
use crate::request::{Action, Request};

/// The most of what runs at the same time that a quota can name.
const MOST_RUNNING: u32 = 1_024;
/// The longest window and the longest rest, in seconds: 31 days.
const LONGEST: u64 = 31 * 86_400;

/// `[[quota]]`: how much may be done. Nothing is counted where nobody says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct QuotaFile {
    /// Its name, in refusals and logs; unique in its layer.
    pub name: String,
    /// What it counts: `calls`, whatever the answer; `executions` that begin; `repeats` of the same
    /// action, however it is spelled (reads only where `when` names their risk); what is `running` at
    /// the same time; `failures` and `denials` in a row.
    pub counts: Counts,
    /// The most there may be.
    pub most: u32,
    /// In which time, for `calls`, `executions` and `repeats`: never more in any window of this length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
    /// For `failures` and `denials`: how long everything that this counts is refused, once there were so
    /// many in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Duration>,
    /// For `failures` and `denials`: how many must do well after the rest, one at a time, before all are
    /// let through again. One that does not begins the rest again. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trials: Option<u32>,
    /// What is counted apart: each actor, each pair of actor and tool. Default: all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OneOrMany<QuotaKey>>,
    /// What counts: requests of which some part may match the conditions, which are those of a rule
    /// (`rule.when`). Default: everything.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when: When,
}

/// What a quota tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum QuotaKey {
    /// Who asks.
    Actor,
    /// Where the conversation takes place.
    Channel,
    /// The session.
    Session,
    /// The skill on whose behalf it acts.
    Skill,
    /// The tool, by the name that the knowledge has for it. All that nobody knows are counted together.
    Tool,
    /// The worst risk of what counts.
    Risk,
}

impl QuotaKey {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Channel => "channel",
            Self::Session => "session",
            Self::Skill => "skill",
            Self::Tool => "tool",
            Self::Risk => "risk",
        }
    }
}

/// A quota that was read.
#[derive(Clone, Debug)]
pub(crate) struct QuotaRule {
    quota: Arc<Quota>,
    by: Vec<QuotaKey>,
    /// Its conditions, as those of a rule that restricts.
    rule: Rule,
    /// Reads do not count.
    no_reads: bool,
}

/// A quota's conditions, as a rule.
fn as_rule(file: &QuotaFile) -> RuleFile {
    RuleFile {
        name: file.name.clone(),
        decision: Says::Deny,
        when: file.when.clone(),
        approval: None,
        overrides: Vec::new(),
        reason: None,
        instead: None,
        matches: Vec::new(),
        not_matches: Vec::new(),
    }
}

/// Reads the quotas of a file, and says what is wrong with them.
pub(super) fn read(
    source: &Source,
    layer: usize,
    rules: &mut Vec<QuotaRule>,
    problems: &mut Vec<PolicyProblem>,
) {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, file) in source.file.quotas.iter().enumerate() {
        let way = Way::default().then("quota").at(place);
        let mut error = |key: &str, message: String| {
            problems.push(source.problem(Severity::Error, &way.then(key), message));
        };
        if file.name.trim().is_empty() {
            error("name", "a quota needs a name".into());
        }
        if let Some(first) = names.insert(&file.name, place) {
            error("name", format!("quota {} has the same name", first + 1));
        }
        let counts = file.counts;
        for (key, value, wanted) in
            [("within", file.within, counts.has_window()), ("rest", file.rest, counts.is_breaker())]
        {
            match value {
                None if wanted => error("counts", format!("`{}` needs `{key}`", counts.as_str())),
                Some(_) if !wanted => error(key, format!("`{}` has no `{key}`", counts.as_str())),
                Some(length) if length.seconds == 0 || length.seconds > LONGEST => {
                    error(key, "this is between a second and 31 days".into());
                }
                _ => {}
            }
        }
        if file.trials.is_some() && !counts.is_breaker() {
            error("trials", format!("`{}` has no `trials`", counts.as_str()));
        }
        if file.trials == Some(0) {
            error("trials", "without a trial it would never open again: 1 at least".into());
        }
        if file.most == 0 {
            error("most", "nothing at all: that is a rule that denies, or the emergency stop".into());
        }
        if counts == Counts::Running && file.most > MOST_RUNNING {
            error("most", format!("so many cannot be kept apart: {MOST_RUNNING} at most"));
        }
        let by = file.by.as_ref().map(|by| by.0.clone()).unwrap_or_default();
        if file.by.is_some() && by.is_empty() {
            error("by", "an empty list tells nothing apart: leave it out".into());
        }
        check::restriction(source, &way, &as_rule(file), problems);
        rules.push(QuotaRule::new(file, layer, source.layer));
    }
}

impl QuotaRule {
    fn new(file: &QuotaFile, layer: usize, of: Layer) -> Self {
        let mut by = file.by.as_ref().map(|by| by.0.clone()).unwrap_or_default();
        by.sort_unstable();
        by.dedup();
        let quota = Quota {
            name: file.name.clone(),
            layer: of.as_str(),
            counts: file.counts,
            most: file.most,
            within_seconds: file.within.map_or(0, |within| within.seconds),
            rest_seconds: file.rest.map_or(0, |rest| rest.seconds),
            trials: file.trials.unwrap_or(1),
        };
        Self {
            quota: Arc::new(quota),
            by,
            rule: Rule::new(&as_rule(file), layer, 0),
            no_reads: file.counts == Counts::Repeats && file.when.risk.is_none(),
        }
    }

    /// Whether some act counts.
    fn counts(&self, scene: &Scene<'_>, act: &Act<'_>) -> bool {
        self.rule.holds(scene, act) != Truth::False && !(self.no_reads && act.risk == Risk::Low)
    }

    fn charge(&self, request: &Request, tool: Option<&str>, risk: Risk, action: Option<[u8; 32]>) -> Charge {
        let quota = &self.quota;
        let mut hash = Sha256::new();
        let mut put = |part: &[u8]| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        put(b"guardrail quota 1");
        put(quota.layer.as_bytes());
        put(quota.name.as_bytes());
        put(quota.counts.as_str().as_bytes());
        put(&quota.within_seconds.to_be_bytes());
        let mut of: Vec<String> = Vec::new();
        for key in &self.by {
            let value = match key {
                QuotaKey::Actor => request.actor.as_deref(),
                QuotaKey::Channel => request.channel.as_deref(),
                QuotaKey::Session => request.session.as_deref(),
                QuotaKey::Skill => request.skill.as_deref(),
                QuotaKey::Tool => tool,
                QuotaKey::Risk => Some(risk.as_str()),
            };
            put(key.as_str().as_bytes());
            // That nobody said is a value of its own.
            put(&[u8::from(value.is_some())]);
            put(value.unwrap_or_default().as_bytes());
            of.push(format!("{}={}", key.as_str(), value.unwrap_or("unknown")));
        }
        put(&action.unwrap_or_default());
        let digest: [u8; 32] = hash.finalize().into();
        let mut key = [0; 16];
        key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Charge { quota: Arc::clone(quota), key: ChargeKey(key), of: of.join(", ") }
    }
}

impl Policy {
    /// Whether it has a quota of that name.
    pub(crate) fn has_quota(&self, name: &str) -> bool {
        self.0.quotas.iter().any(|quota| quota.quota.name == name)
    }

    /// Whether anything is counted.
    pub(crate) fn has_quotas(&self) -> bool {
        !self.0.quotas.is_empty()
    }

    /// What a request of which all this is known counts against.
    pub(crate) fn usage(
        &self,
        request: &Request,
        analysis: &Analysis<'_, '_>,
        findings: &[Finding],
    ) -> Usage {
        let wanted = self.0.quotas.iter().fold(self.0.wanted, |all, quota| all.union(quota.rule.facets()));
        let mut scene = self.scene_of(request, analysis, findings, wanted);
        if scene.acts.is_empty() {
            // It starts nothing. It was asked for all the same.
            let mut nothing = Act::default();
            nothing.set(Facet::Risk, crate::policy::facet::Slot::name(Risk::Low.as_str()));
            scene.acts.push(nothing);
        }
        let mut usage = Usage::default();
        for quota in &self.0.quotas {
            let counted: Vec<usize> = (0..scene.acts.len())
                .filter(|at| scene.acts.get(*at).is_some_and(|act| quota.counts(&scene, act)))
                .collect();
            if counted.is_empty() {
                continue;
            }
            let acts = || counted.iter().filter_map(|at| scene.acts.get(*at));
            let risk = acts().map(|act| act.risk).max().unwrap_or_default();
            let action = (quota.quota.counts == Counts::Repeats)
                .then(|| action(request, analysis, &scene.acts, &counted));
            if quota.by.contains(&QuotaKey::Tool) {
                for tool in tools(request, analysis, acts()) {
                    usage.charges.push(quota.charge(request, tool, risk, action));
                }
            } else {
                usage.charges.push(quota.charge(request, None, risk, action));
            }
        }
        usage
    }
}

/// The tools of some acts, each once; `None` stands for all that nobody knows. There are no more of
/// them than the knowledge has.
fn tools<'s, 'a: 's>(
    request: &'s Request,
    analysis: &'s Analysis<'_, '_>,
    acts: impl Iterator<Item = &'s Act<'a>>,
) -> Vec<Option<&'s str>> {
    let mut found: Vec<Option<&str>> = Vec::new();
    for act in acts {
        let tool = match (&request.action, act.invocation) {
            (Action::Call { name, .. }, Some(InvocationId(0))) => Some(name.as_str()),
            (_, Some(id)) => analysis
                .identified
                .calls_of(id)
                .find_map(|call| call.tool?.tool.names.first())
                .map(String::as_str),
            (_, None) => None,
        };
        if !found.contains(&tool) {
            found.push(tool);
        }
    }
    found
}

/// The digest of what some acts of a request do: words as the shell would make them, where, with
/// which effects, and what they are fed. What else stands in the text (reads beside it, comments,
/// quotes) is not in it.
fn action(request: &Request, analysis: &Analysis<'_, '_>, acts: &[Act<'_>], counted: &[usize]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut put = |part: Option<&[u8]>| {
        // What cannot be known is one thing, however it is written.
        hash.update(part.map_or(u64::MAX, |part| part.len() as u64).to_be_bytes());
        hash.update(part.unwrap_or_default());
    };
    let known = |word: &Word<'_>| word.pattern.or(word.as_known()).map(<[u8]>::to_vec);
    put(Some(request.cwd.as_deref().unwrap_or_default().as_bytes()));
    let program = &analysis.identified.program;
    if let Action::Call { name, arguments } = &request.action
        && program.invocations.len() == 1
    {
        put(Some(name.as_bytes()));
        put(Some(arguments.to_string().as_bytes()));
    }
    let mut last = None;
    for at in counted {
        let Some(act) = acts.get(*at) else { continue };
        put(act.effect.map(|effect| effect.as_str().as_bytes()));
        if let Some(effect) = analysis.effects.get(*at) {
            match &effect.target {
                Target::Path(word, _) | Target::Name(word) | Target::Address(word) | Target::Data(word) => {
                    put(known(word).as_deref());
                }
                Target::Statement(kind, object) => {
                    put(Some(kind.as_bytes()));
                    put(object.as_deref().map(str::as_bytes));
                }
                Target::Nothing | Target::Code(_) => {}
            }
        }
        let Some(id) = act.invocation.filter(|id| last != Some(*id)) else { continue };
        last = Some(id);
        let Some(invocation) = program.invocation(id) else { continue };
        put(known(&invocation.directory).as_deref());
        invocation.words.iter().for_each(|word| put(known(word).as_deref()));
        if let Input::Text(text) | Input::File(text) = &invocation.stdin {
            put(known(text).as_deref());
        }
    }
    // What is fed to others is part of what they do.
    for invocation in program.invocations.iter().filter(|invocation| invocation.stdout.is_some()) {
        put(Some(b"|"));
        invocation.words.iter().for_each(|word| put(known(word).as_deref()));
    }
    hash.finalize().into()
}
