//! What flows where: from which invocations something reaches which, through pipes, substitutions
//! and files. One pass over the program, however many questions are asked of it.

use guardrail_schema::EffectKind;

use super::Case;
use super::files::{Files, Meets};
use crate::effect::Effect;
use crate::lower::{ChannelId, FileName, Input, Invocation, InvocationId, Origin};

/// The channels and files that what some invocations produce can reach.
pub(super) struct Reach {
    channels: Vec<bool>,
    /// The writes to files, by their places among them.
    writes: Vec<bool>,
    /// The invocations that read what it reaches.
    entered: Vec<bool>,
}

impl Reach {
    /// Follows what the invocations of the effects that `starts` picks write, all the way down.
    pub(super) fn of(case: &Case<'_, '_, '_>, starts: impl Fn(&Effect<'_, '_>) -> bool) -> Self {
        let picked = case.effects().filter(|effect| starts(effect));
        Self::from(case, picked.map(|effect| effect.invocation))
    }

    /// Follows what some invocations write, all the way down.
    pub(super) fn from(case: &Case<'_, '_, '_>, starts: impl Iterator<Item = InvocationId>) -> Self {
        let program = &case.analysis.identified.program;
        let files = case.files();
        let mut reach = Self {
            channels: vec![false; program.channels.len()],
            writes: vec![false; files.map_or(0, Files::len)],
            entered: vec![false; program.invocations.len()],
        };
        let mut seen = vec![false; program.invocations.len()];
        let mut readers: Vec<Vec<u32>> = vec![Vec::new(); program.channels.len()];
        for (index, invocation) in program.invocations.iter().enumerate() {
            for channel in inputs(invocation) {
                if let Some(readers) = readers.get_mut(channel.0 as usize) {
                    readers.push(index as u32);
                }
            }
        }
        let mut waiting: Vec<u32> = starts.map(|invocation| invocation.0).collect();
        while let Some(index) = waiting.pop() {
            let Some(invocation) = program.invocations.get(index as usize) else { continue };
            match seen.get_mut(index as usize) {
                Some(seen @ false) => *seen = true,
                _ => continue,
            }
            // `tee >(sh)`: what has a channel's name among its words may write to it.
            for channel in invocation.stdout.into_iter().chain(word_channels(invocation)) {
                if let Some(reached @ false) = reach.channels.get_mut(channel.0 as usize) {
                    *reached = true;
                    waiting.extend(readers.get(channel.0 as usize).into_iter().flatten());
                }
            }
            let Some(files) = files else { continue };
            // What a wrapped command prints goes where its wrapper's output goes.
            let mut around = Some(InvocationId(index));
            for _ in 0..MOST_WRAPPERS {
                let Some(id) = around else { break };
                for &write in files.written_by(id) {
                    if let Some(reached @ false) = reach.writes.get_mut(write) {
                        *reached = true;
                        files.readers(write, &mut |reader| {
                            if let Some(entered @ false) = reach.entered.get_mut(reader as usize) {
                                *entered = true;
                                waiting.push(reader);
                            }
                        });
                    }
                }
                around = program.invocation(id).and_then(|invocation| invocation.parent);
            }
        }
        reach
    }

    /// Whether it reaches a channel.
    pub(super) fn has(&self, channel: ChannelId) -> bool {
        self.channels.get(channel.0 as usize).copied().unwrap_or(false)
    }

    /// How it meets a file; with `below`, also where the file is a directory around what it reaches.
    pub(super) fn meets(&self, case: &Case<'_, '_, '_>, file: &FileName, below: bool) -> Option<Meets> {
        case.files().and_then(|files| files.meets(&self.writes, file, below))
    }

    /// Whether it reaches a program of that name, where programs are searched.
    pub(super) fn installs(&self, case: &Case<'_, '_, '_>, program: &[u8]) -> bool {
        case.files().is_some_and(|files| files.installs(&self.writes, program))
    }

    /// Whether it is in that very file.
    pub(super) fn holds(&self, case: &Case<'_, '_, '_>, file: &FileName) -> bool {
        case.files().is_some_and(|files| files.holds(&self.writes, file))
    }

    /// Whether an invocation, or a wrapper around it, reads a file that it reaches.
    pub(super) fn is_read_by(&self, case: &Case<'_, '_, '_>, id: InvocationId) -> bool {
        let mut around = Some(id);
        for _ in 0..MOST_WRAPPERS {
            let Some(id) = around else { break };
            if self.entered.get(id.0 as usize).copied().unwrap_or(false) {
                return true;
            }
            let program = &case.analysis.identified.program;
            around = program.invocation(id).and_then(|invocation| invocation.parent);
        }
        false
    }

    /// Whether it goes into an invocation: by its standard input, by what its words are made of, or
    /// by a file that it reads.
    pub(super) fn enters(&self, id: InvocationId, invocation: &Invocation<'_>) -> bool {
        inputs(invocation).any(|channel| self.has(channel))
            || self.entered.get(id.0 as usize).copied().unwrap_or(false)
    }
}

/// Wrappers around a command that are looked at.
const MOST_WRAPPERS: usize = 64;

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
