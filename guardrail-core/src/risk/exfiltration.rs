//! A secret that reaches a network: through a pipe, a substitution, a file operand.

use guardrail_schema::{EffectKind, Risk};

use super::{Case, Found, flow};
use crate::effect::Target;
use crate::lower::NoteKind;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    let analysis = case.analysis;
    let is_secret = |kind| kind == EffectKind::ReadSecret;
    if !case.effects().any(|effect| is_secret(effect.kind))
        && !analysis.identified.program.notes.iter().any(|note| note.kind == NoteKind::SecretVariable)
    {
        return;
    }
    for effect in case.effects() {
        let Some(invocation) = analysis.identified.program.invocation(effect.invocation) else { continue };
        match effect.kind {
            EffectKind::NetworkOut => {}
            // A header, a password, a name: what stands among the words of a request goes with it.
            EffectKind::NetworkIn => {
                let among = flow::upstream(analysis, flow::word_channels(invocation));
                if flow::any_has(analysis, &among, |e| is_secret(e.kind)) {
                    found.on(effect, Risk::Critical, false, || "sends a secret to a network".into());
                }
                continue;
            }
            _ => continue,
        }
        let own = matches!(&effect.target, Target::Path(_, location) if location.secret)
            // One unknown word is one thing: what it may read is not what it may send.
            || flow::any_has(analysis, &[effect.invocation], |e| {
                is_secret(e.kind) && !e.possible && !matches!(e.target, Target::Address(_))
            });
        let above = flow::upstream(analysis, flow::inputs(invocation));
        if own || flow::any_has(analysis, &above, |e| is_secret(e.kind)) {
            found.on(effect, Risk::Critical, false, || "sends a secret to a network".into());
        }
    }
}
