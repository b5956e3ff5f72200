//! Deleting files: by where they lie and how far it goes down.

use guardrail_schema::{EffectKind, Mark, Risk};

use super::{Case, Found, say};
use crate::effect::{Area, Target};

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for effect in case.effects().filter(|effect| effect.kind == EffectKind::Delete) {
        let Target::Path(word, location) = &effect.target else { continue };
        let deep = location.whole || effect.marks.has(Mark::Recursive);
        let (risk, why) = match location.area {
            Area::Stream => continue,
            Area::Device => (Risk::Critical, ", a device"),
            Area::System if deep => (Risk::Critical, " and all in it, which belongs to the system"),
            Area::Home if deep => (Risk::Critical, " and all in it, in the home directory"),
            Area::System => (Risk::High, ", which belongs to the system"),
            Area::Home => (Risk::High, ", in the home directory"),
            Area::Unknown | Area::Network => (Risk::High, ", and where that lies cannot be known"),
            Area::Workspace if location.whole => (Risk::High, ", which is the whole workspace"),
            Area::Workspace if location.startup || ends_in_repository(word) => {
                (Risk::High, ", the repository's own data")
            }
            Area::Temporary if location.whole => (Risk::High, ", which others use too"),
            Area::Temporary | Area::Workspace => (Risk::Medium, ""),
        };
        found.on(effect, risk, location.area == Area::Unknown, || say(["deletes ", why], word));
    }
}

fn ends_in_repository(word: &crate::lower::Word<'_>) -> bool {
    let path = word.pattern.unwrap_or(word.prefix());
    path.split(|&b| b == b'/').rfind(|part| !part.is_empty()).is_some_and(|last| last == b".git")
}
