//! Creating, changing or revoking a credential: whoever holds the old or the new one is
//! affected at once.

use guardrail_schema::{EffectKind, Risk};

use super::{Case, Found, say};
use crate::effect::Target;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for effect in case.effects().filter(|effect| effect.kind == EffectKind::Credential) {
        found.on(effect, Risk::Critical, false, || match &effect.target {
            Target::Name(word) | Target::Path(word, _) => say(["changes the credential ", ""], word),
            _ => "changes a credential".into(),
        });
    }
}
