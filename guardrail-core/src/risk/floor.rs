//! What a knowledge file says of a command beside its effects: a floor under the risk, or a note
//! about a read.

use guardrail_schema::{EffectKind, Risk};

use super::{Case, Found};

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for floor in &case.analysis.floors {
        let message = floor.says.why.clone().unwrap_or_else(|| "is worse than it looks".to_owned());
        found.at(floor.source, floor.span, floor.says.risk.unwrap_or(Risk::Low), false, message);
        if let (Some(finding), Some(instead)) = (found.findings.last_mut(), &floor.says.instead) {
            finding.instead = Some(instead.clone().into());
        }
    }
    let notable = |kind| matches!(kind, EffectKind::Read | EffectKind::NetworkIn);
    for effect in case.effects().filter(|effect| notable(effect.kind)) {
        let Some(says) = effect.says else { continue };
        let (risk, why) = (says.risk.unwrap_or(Risk::Low), says.why.as_ref());
        if risk > Risk::Low || why.is_some() {
            let verb = if effect.kind == EffectKind::Read { "reads" } else { "fetches from a network" };
            found.on(effect, risk, false, || verb.into());
        }
    }
}
