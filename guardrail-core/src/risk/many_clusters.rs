//! Changing more than one cluster in one request: one mistake, many outages.

use guardrail_schema::{EffectKind, Risk, Scope};

use super::{Case, Found};
use crate::lower::Value;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    let reads = |kind| matches!(kind, EffectKind::Read | EffectKind::ReadSecret | EffectKind::NetworkIn);
    let mut first: Option<Value<'_>> = None;
    for effect in case.effects().filter(|effect| effect.scope == Scope::Cluster && !reads(effect.kind)) {
        let Some(call) = case.analysis.identified.calls_of(effect.invocation).next() else { continue };
        let Some(context) =
            ["context", "kube-context", "cluster"].iter().find_map(|name| call.facet(name).next())
        else {
            continue;
        };
        match first {
            None => first = Some(context.value),
            Some(known) if known == context.value && context.as_known().is_some() => {}
            Some(_) => {
                found.on(effect, Risk::Critical, false, || "changes more than one cluster".into());
                return;
            }
        }
    }
}
