//! What flows where: the invocations whose output reaches a place, through pipes and
//! substitutions.

use guardrail_schema::EffectKind;

use crate::effect::{Analysis, Effect};
use crate::lower::{ChannelId, Input, Invocation, InvocationId, Origin};

/// Every invocation upstream of some channels, each once.
pub(super) fn upstream(analysis: &Analysis<'_, '_>, from: impl IntoIterator<Item = ChannelId>) -> Vec<InvocationId> {
    let invocations = &analysis.identified.program.invocations;
    let mut waiting: Vec<ChannelId> = from.into_iter().collect();
    let mut seen = waiting.clone();
    let mut reached = Vec::new();
    while let Some(channel) = waiting.pop() {
        for (index, invocation) in invocations.iter().enumerate() {
            // `tee >(sh)`: what has the channel's name among its words may write to it.
            if invocation.stdout != Some(channel) && !word_channels(invocation).any(|c| c == channel) {
                continue;
            }
            reached.push(InvocationId(index as u32));
            for next in inputs(invocation) {
                if !seen.contains(&next) {
                    seen.push(next);
                    waiting.push(next);
                }
            }
        }
    }
    reached
}

/// The channels that flow into an invocation: its standard input, and what its words are made of.
pub(super) fn inputs<'i>(invocation: &'i Invocation<'_>) -> impl Iterator<Item = ChannelId> + 'i {
    let stdin = match invocation.stdin {
        Input::Channel(channel) => Some(channel),
        _ => None,
    };
    stdin.into_iter().chain(word_channels(invocation))
}

/// The channels that an invocation's words, redirections and here-documents are made of.
pub(super) fn word_channels<'i>(invocation: &'i Invocation<'_>) -> impl Iterator<Item = ChannelId> + 'i {
    let text = match &invocation.stdin {
        Input::Text(word) => Some(word),
        _ => None,
    };
    let words = invocation.words.iter().chain(text);
    words.flat_map(|word| word.from.iter()).filter_map(|origin| match origin {
        Origin::Channel(channel) => Some(*channel),
        _ => None,
    })
}

/// Whether any of `invocations` has an effect of a kind.
pub(super) fn any_has(analysis: &Analysis<'_, '_>, invocations: &[InvocationId], test: impl Fn(&Effect<'_, '_>) -> bool) -> bool {
    analysis.effects.iter().any(|effect| invocations.contains(&effect.invocation) && test(effect))
}

/// Whether an effect touches a network.
pub(super) fn is_network(effect: &Effect<'_, '_>) -> bool {
    matches!(effect.kind, EffectKind::NetworkIn | EffectKind::NetworkOut)
}
