//! What flows where: from which invocations something reaches which, through pipes and
//! substitutions. One pass over the program, however many questions are asked of it.

use guardrail_schema::EffectKind;

use crate::effect::{Analysis, Effect};
use crate::lower::{ChannelId, Input, Invocation, InvocationId, Origin};

/// The channels that what some invocations produce can reach.
pub(super) struct Reach {
    channels: Vec<bool>,
}

impl Reach {
    /// Follows what the invocations of the effects that `starts` picks write, all the way down.
    pub(super) fn of(analysis: &Analysis<'_, '_>, starts: impl Fn(&Effect<'_, '_>) -> bool) -> Self {
        let picked = analysis.effects.iter().filter(|effect| starts(effect));
        Self::from(analysis, picked.map(|effect| effect.invocation))
    }

    /// Follows what some invocations write, all the way down.
    pub(super) fn from(analysis: &Analysis<'_, '_>, starts: impl Iterator<Item = InvocationId>) -> Self {
        let program = &analysis.identified.program;
        let mut reach = Self { channels: vec![false; program.channels as usize] };
        let mut readers: Vec<Vec<u32>> = vec![Vec::new(); program.channels as usize];
        for (index, invocation) in program.invocations.iter().enumerate() {
            for channel in inputs(invocation) {
                if let Some(readers) = readers.get_mut(channel.0 as usize) {
                    readers.push(index as u32);
                }
            }
        }
        let mut waiting: Vec<u32> = starts.map(|invocation| invocation.0).collect();
        // An invocation has an effect for each of its words.
        waiting.dedup();
        while let Some(index) = waiting.pop() {
            let Some(invocation) = program.invocations.get(index as usize) else { continue };
            // `tee >(sh)`: what has a channel's name among its words may write to it.
            for channel in invocation.stdout.into_iter().chain(word_channels(invocation)) {
                if let Some(reached @ false) = reach.channels.get_mut(channel.0 as usize) {
                    *reached = true;
                    waiting.extend(readers.get(channel.0 as usize).into_iter().flatten());
                }
            }
        }
        reach
    }

    /// Whether it reaches a channel.
    pub(super) fn has(&self, channel: ChannelId) -> bool {
        self.channels.get(channel.0 as usize).copied().unwrap_or(false)
    }

    /// Whether it reaches the standard input of an invocation, or what its words are made of.
    pub(super) fn enters(&self, invocation: &Invocation<'_>) -> bool {
        inputs(invocation).any(|channel| self.has(channel))
    }
}

/// The channels that flow into an invocation: its standard input, and what its words are made of.
pub(super) fn inputs<'i>(invocation: &'i Invocation<'_>) -> impl Iterator<Item = ChannelId> + 'i {
    let stdin = match invocation.stdin {
        Input::Channel(channel) => Some(channel),
        _ => None,
    };
    stdin.into_iter().chain(word_channels(invocation))
}

/// The channels that an invocation's words and here-documents are made of.
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

/// Whether an effect touches a network.
pub(super) const fn is_network(effect: &Effect<'_, '_>) -> bool {
    matches!(effect.kind, EffectKind::NetworkIn | EffectKind::NetworkOut)
}
