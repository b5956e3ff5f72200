//! Sending something to a network: data in the request, a file, a name looked up that carries
//! what another command printed.

use guardrail_schema::{EffectKind, Risk};

use super::{Case, Found, say};
use crate::effect::{Area, Target};

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for effect in case.effects().filter(|effect| effect.kind == EffectKind::NetworkOut) {
        let (risk, unknown) = match &effect.target {
            Target::Path(_, location) if location.secret => (Risk::Critical, false),
            Target::Path(_, location) => match location.area {
                Area::Home | Area::System | Area::Device => (Risk::High, false),
                Area::Unknown => (Risk::High, true),
                _ => (Risk::Medium, false),
            },
            Target::Address(word) | Target::Data(word) => (Risk::Medium, word.as_known().is_none()),
            _ => (Risk::Medium, false),
        };
        found.on(effect, risk, unknown, || match &effect.target {
            Target::Path(word, _) => say(["sends ", " to a network"], word),
            Target::Address(word) if word.as_known().is_none() => {
                "sends a request whose address carries what cannot be known".into()
            }
            Target::Address(word) => say(["sends to ", ""], word),
            _ => "sends data to a network".into(),
        });
    }
}
