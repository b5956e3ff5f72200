//! [`Risk`] x policy to [`Decision`]: the rubric, what an operator sets, and rules on typed facets.
//!
//! A request is taken apart into acts (`scene`): one invocation with one of its effects, at the
//! risk of the findings about it. Each act is weighed alone (`weigh`), and the strictest of them
//! is the decision. For one act:
//!
//! * the rubric and the settings say allow, ask or deny by its risk;
//! * an `allow` rule that certainly matches frees it from asking, never from what is Critical;
//! * `ask` and `deny` rules, the blocks of `[safety]` and those of channels and skills come on
//!   top: the strictest counts. One that hangs on something unknown asks.
//!
//! So a request runs unasked only if everything in it that the rubric asks about is allowed, and
//! asks or is denied as soon as one part of it is.
//!
//! Layers come from above: built-in, organisation, user, project. A lower layer may loosen only
//! what no layer above it has set, and only if it is trusted; every layer may tighten.

mod check;
mod explain;
mod facet;
mod fixture;
mod index;
mod kubernetes;
mod load;
mod model;
mod path;
mod pattern;
mod problem;
#[cfg(test)]
mod properties;
mod quota;
mod read;
mod rule;
mod scene;
mod settings;
mod suggest;
mod truth;
mod value;
mod weigh;

use std::sync::Arc;

use guardrail_schema::Risk;

use crate::effect::Analysis;
use crate::evaluation::{Decision, Finding, PolicyDigest, Ruling};
use crate::policy::facet::{Facet, Facets, Side, Slot};
use crate::policy::index::Index;
use crate::policy::quota::QuotaRule;
use crate::policy::rule::Rule;
use crate::policy::scene::Scene;
use crate::policy::settings::Settings;
use crate::policy::truth::Truth;
use crate::request::Request;

pub use explain::{ActExplanation, Explanation, RuleExplanation, Verdict as ExplainedVerdict};
pub use fixture::{Fixture, Fixtures, Mismatch};
pub use load::PolicyBuilder;
pub(crate) use load::Then;
pub use model::*;
pub use problem::{PolicyError, PolicyProblem, Severity};
pub use quota::{QuotaFile, QuotaKey};
pub(crate) use suggest::suggest;
pub use suggest::{Answer, Dropped, Precedent, Suggestion, Suggestions, UnusedRule};
pub use value::{Clock, Day, Duration, Offset, OneOrMany};

/// What an operator set, in one piece: checked, indexed, with a digest.
///
/// ```
/// use guardrail_core::policy::{Layer, Policy};
/// use guardrail_core::{Decision, Guard, Request};
///
/// let policy = Policy::builder()
///     .layer(
///         Layer::User,
///         r#"
///         [execution]
///         auto_approve_workspace = true
///
///         [[rule]]
///         name = "never-the-lock-file"
///         decision = "deny"
///         when = { effect = ["write", "delete"], target = "Cargo.lock" }
///         reason = "the lock file is changed by cargo alone"
///         match = ["rm Cargo.lock"]
///         not_match = ["cat Cargo.lock"]
///         "#,
///     )?
///     .build()?;
/// let guard = Guard::builder().policy(policy)?.build();
/// assert_eq!(guard.evaluate(&Request::shell("mkdir src")).decision, Decision::Allow);
///
/// let evaluation = guard.evaluate(&Request::shell("rm -f Cargo.lock"));
/// assert_eq!(evaluation.decision, Decision::Deny);
/// assert_eq!(evaluation.ruling.reasons[0].rule, "never-the-lock-file");
/// # Ok::<(), guardrail_core::policy::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Policy(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    layers: Vec<LayerState>,
    settings: Settings,
    rules: Vec<Rule>,
    quotas: Vec<QuotaRule>,
    index: Index,
    /// The facets that any rule asks about.
    wanted: Facets,
    digest: PolicyDigest,
    warnings: Vec<PolicyProblem>,
    /// Said in every ruling.
    standing: Vec<String>,
    examples: Vec<load::Trial>,
    /// The texts of the layers, for what is said of their examples.
    sources: Vec<load::Source>,
    /// The rubric alone.
    plain: bool,
}

/// Where a policy file comes from. Upper layers come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// What is shipped.
    BuiltIn,
    /// What an organisation sets for all its users.
    Organisation,
    /// What a user sets.
    User,
    /// What comes with a project, often from somebody else: may only tighten, unless it is
    /// trusted.
    Project,
}

impl Layer {
    /// Its name: `built-in`, `organisation`, `user`, `project`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::Organisation => "organisation",
            Self::User => "user",
            Self::Project => "project",
        }
    }

    /// The layer with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::BuiltIn, Self::Organisation, Self::User, Self::Project];
        all.into_iter().find(|layer| layer.as_str() == name)
    }
}

/// A layer as it came out.
#[derive(Clone, Debug)]
struct LayerState {
    layer: Layer,
    trusted: bool,
}

/// The decision of the standard policy for a risk.
fn standard(risk: Risk) -> Decision {
    match risk {
        Risk::Low => Decision::Allow,
        Risk::Critical => Decision::Deny,
        risk => Decision::Ask(Settings::standard().approval(risk)),
    }
}

impl Policy {
    /// The rubric, and nothing else.
    #[must_use]
    pub fn standard() -> Self {
        Self::of_mode(Mode::Standard)
    }

    /// A mode, and nothing else.
    #[must_use]
    pub fn of_mode(mode: Mode) -> Self {
        load::of_mode(mode)
    }

    /// A policy of one or more layers.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// The digest of everything that can change a decision or what is said of it; comments,
    /// formatting and examples do not count. Plans and the log bind to it.
    #[must_use]
    pub fn digest(&self) -> PolicyDigest {
        self.0.digest
    }

    /// What is odd about it, though it can be used.
    #[must_use]
    pub fn warnings(&self) -> &[PolicyProblem] {
        &self.0.warnings
    }

    /// How many rules it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.rules.len()
    }

    /// Whether it has no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.rules.is_empty()
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    fn rules(&self) -> &[Rule] {
        &self.0.rules
    }

    fn index(&self) -> &Index {
        &self.0.index
    }

    fn standing_warnings(&self) -> Vec<String> {
        self.0.standing.clone()
    }

    fn layer_name(&self, layer: Option<usize>) -> &'static str {
        let state = layer.and_then(|layer| self.0.layers.get(layer));
        state.map_or(Layer::BuiltIn, |state| state.layer).as_str()
    }

    /// What to do about a request of which all this is known.
    pub(crate) fn decide(
        &self,
        request: &Request,
        analysis: &Analysis<'_, '_>,
        findings: &[Finding],
        risk: Risk,
    ) -> (Decision, Ruling) {
        if self.0.plain {
            return (standard(risk), Ruling::default());
        }
        let scene = self.scene(request, analysis, findings);
        self.weigh(&scene)
    }

    /// Takes a request apart as this policy sees it.
    fn scene<'s>(
        &self,
        request: &'s Request,
        analysis: &'s Analysis<'_, '_>,
        findings: &[Finding],
    ) -> Scene<'s> {
        self.scene_of(request, analysis, findings, self.0.wanted)
    }

    /// The same with other facets than those that its rules ask about.
    fn scene_of<'s>(
        &self,
        request: &'s Request,
        analysis: &'s Analysis<'_, '_>,
        findings: &[Finding],
        mut wanted: Facets,
    ) -> Scene<'s> {
        let namespaces = &self.settings().production_namespaces;
        if !namespaces.any.is_empty() {
            wanted.insert(Facet::KubernetesNamespace);
        }
        let mut scene = Scene::new(request, analysis, findings, wanted);
        if !namespaces.any.is_empty() {
            for act in &mut scene.acts {
                let slot = act.slots.get(Facet::KubernetesNamespace as usize);
                let found = slot.map_or(Truth::False, |slot| namespaces.slot(slot, Side::Restricting));
                let of_cluster = slot.is_some_and(|slot| *slot != Slot::Nothing);
                match found {
                    Truth::True => act.set(Facet::Environment, Slot::name("production")),
                    Truth::Unknown if of_cluster && !is_production(act) => {
                        act.set(Facet::Environment, Slot::Unknown);
                    }
                    _ => {}
                }
            }
        }
        scene
    }
}

fn is_production(act: &scene::Act<'_>) -> bool {
    let slot = act.slots.get(Facet::Environment as usize);
    matches!(slot, Some(Slot::One(value)) if *value.prefix == *b"production")
}

impl Default for Policy {
    fn default() -> Self {
        Self::standard()
    }
}
