//! A secret that reaches a network: through a pipe, a substitution, a file operand.

use guardrail_schema::{EffectKind, Risk};

use super::flow::Reach;
use super::{Case, Found};
use crate::effect::{Effect, Target};

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    let analysis = case.analysis;
    let is_secret = |effect: &Effect<'_, '_>| effect.kind == EffectKind::ReadSecret;
    if !case.effects().any(is_secret) || !case.effects().any(|effect| effect.kind == EffectKind::NetworkOut) {
        return;
    }
    let secrets = Reach::of(analysis, is_secret);
    // What a call reads itself it can send itself; an address that gives credentials is no file.
    // A word that could ask the call for either does not ask it for both.
    let mut reads: Vec<_> = case
        .effects()
        .filter(|effect| is_secret(effect) && !effect.possible && !matches!(effect.target, Target::Address(_)))
        .map(|effect| effect.invocation)
        .collect();
    reads.sort();
    for effect in case.effects().filter(|effect| effect.kind == EffectKind::NetworkOut) {
        let Some(invocation) = analysis.identified.program.invocation(effect.invocation) else { continue };
        let own = matches!(&effect.target, Target::Path(_, location) if location.secret)
            || reads.binary_search(&effect.invocation).is_ok();
        if own || secrets.enters(invocation) {
            found.on(effect, Risk::Critical, false, || "sends a secret to a network".into());
        }
    }
}
