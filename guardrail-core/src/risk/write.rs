//! Writing files: by where they lie. What belongs to the system, or runs later without being
//! asked, is worse than a file of the workspace.

use guardrail_schema::{EffectKind, Risk};

use super::{Case, Found, say};
use crate::effect::{Area, Target};

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for effect in case.effects().filter(|effect| effect.kind == EffectKind::Write) {
        let Target::Path(word, location) = &effect.target else { continue };
        let (risk, why) = match location.area {
            Area::Stream => continue,
            Area::Device => (Risk::Critical, ", a device"),
            Area::System => (Risk::High, ", which belongs to the system"),
            Area::Unknown => (Risk::High, ", and where that lies cannot be known"),
            _ if location.startup => (Risk::High, ", which is run or obeyed later without being asked"),
            Area::Home if location.secret => (Risk::High, ", which holds secrets"),
            Area::Home => (Risk::Medium, ", in the home directory"),
            Area::Temporary | Area::Workspace | Area::Network => (Risk::Medium, ""),
        };
        found.on(effect, risk, location.area == Area::Unknown, || say(["writes ", why], word));
    }
}
