//! Reading the value of a secret. Whoever reads it can pass it on, so a person should know.

use guardrail_schema::{EffectKind, Risk};

use super::{Case, Found, say};
use crate::effect::Target;
use crate::lower::NoteKind;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for effect in case.effects().filter(|effect| effect.kind == EffectKind::ReadSecret) {
        found.on(effect, Risk::Medium, false, || match &effect.target {
            Target::Path(word, _) => say(["reads ", ", which may hold secrets"], word),
            Target::Address(word) => say(["asks ", ", which hands out credentials"], word),
            Target::Name(word) => say(["reads the secret value of ", ""], word),
            _ => "reads secret values".into(),
        });
    }
    for note in &case.analysis.identified.program.notes {
        if note.kind == NoteKind::SecretVariable {
            found.at(note.source, note.span, Risk::Medium, false, "expands a variable that holds a secret");
        }
    }
}
