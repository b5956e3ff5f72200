//! A secret that reaches a network: through a pipe, a substitution, a file operand.

use std::collections::BTreeSet;

use guardrail_schema::{EffectKind, Risk};

use super::flow::{self, Reach};
use super::{Case, Found};
use crate::effect::{Area, Effect, Target};

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    let analysis = case.analysis;
    let is_secret = |effect: &Effect<'_, '_>| effect.kind == EffectKind::ReadSecret;
    if !case.effects().any(is_secret) || !case.effects().any(flow::is_network) {
        return;
    }
    let secrets = Reach::of(case, is_secret);
    // What a call reads itself it can send itself. An address that gives credentials is no file;
    // and one unknown word is one thing: what it may read is not what it may send.
    let mut reads: Vec<_> = case
        .effects()
        .filter(|effect| {
            is_secret(effect) && !effect.possible && !matches!(effect.target, Target::Address(_))
        })
        .map(|effect| effect.invocation)
        .collect();
    reads.sort();
    // What a wrapped command prints goes where its wrapper's output goes.
    let mut around = BTreeSet::new();
    for &id in &reads {
        let mut next = Some(id);
        while let Some(id) = next.filter(|&id| around.insert(id)) {
            next = analysis.identified.program.invocation(id).and_then(|invocation| invocation.parent);
        }
    }
    for effect in case.effects().filter(|effect| flow::is_network(effect)) {
        let Some(invocation) = analysis.identified.program.invocation(effect.invocation) else { continue };
        let sent = match effect.kind {
            // A header, a password, a name: what stands among the words of a request goes with it.
            EffectKind::NetworkIn => flow::word_channels(invocation).any(|channel| secrets.has(channel)),
            _ => {
                matches!(&effect.target, Target::Path(_, location) if location.secret)
                    || reads.binary_search(&effect.invocation).is_ok()
                    || secrets.enters(effect.invocation, invocation)
                    || (is_redirection(effect) && around.contains(&effect.invocation))
            }
        };
        if sent {
            found.on(effect, Risk::Critical, false, || "sends a secret to a network".into());
        }
    }
}

/// Whether the shell itself connects, for whatever is printed there.
pub(super) fn is_redirection(effect: &Effect<'_, '_>) -> bool {
    matches!(&effect.target, Target::Path(_, location) if location.area == Area::Network)
}
