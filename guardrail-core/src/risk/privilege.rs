//! Acting with other rights than the caller's.

use guardrail_schema::{EffectKind, Risk};

use super::{Case, Found, say};
use crate::effect::Target;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for effect in case.effects().filter(|effect| effect.kind == EffectKind::Privilege) {
        match &effect.target {
            // Whoever talks to the engine's socket commands the machine.
            Target::Path(word, _) => {
                found.on(effect, Risk::High, false, || {
                    say(["hands out control over the machine through ", ""], word)
                });
            }
            _ => found.on(effect, Risk::Medium, false, || "acts with other rights".into()),
        }
    }
}
