//! Texts of which some pieces cannot be known: what stands around them, in a word, in what a
//! command prints, in what a script writes to a file.

use crate::lower::{ChannelId, Input, Invocation, Lowerer, Origin, Value, Word, constant};
use crate::shell::Span;

/// A text with a zero byte for each piece that cannot be known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Template<'a> {
    pub(crate) text: &'a [u8],
    /// Whether a piece comes from a command or from input, and so may well be several lines.
    pub(crate) lines: bool,
}

impl<'a> Lowerer<'a> {
    /// The text of a word as far as it is known.
    pub(crate) fn known_text(&self, word: &Word<'a>) -> Option<Template<'a>> {
        let text = match word.value {
            Value::Known(text) => text,
            Value::Partial { prefix, suffix } => {
                let is = |text: &&&[u8]| {
                    text.as_ptr() == prefix.as_ptr() && text.len() > prefix.len() && text.ends_with(suffix)
                };
                self.templates.iter().rev().find(is)?
            }
            Value::Unknown => return None,
        };
        let printed = |origin: &Origin<'_>| matches!(origin, Origin::Channel(_) | Origin::Input);
        Some(Template { text, lines: word.from.iter().any(printed) })
    }

    /// What comes through a channel, and whether that provably is all of it.
    pub(crate) fn channel_templates(&self, channel: ChannelId) -> (Vec<Template<'a>>, bool) {
        let mut texts = Vec::new();
        if let Some((_, writer)) = self.only_writer(channel)
            && let Some(text) = self.printed(writer)
        {
            return (vec![text], true);
        }
        let constants = self.channel_constants(channel);
        texts.extend(constants.into_iter().map(|text| Template { text, lines: false }));
        (texts, false)
    }

    /// What an invocation prints, whatever file that is directed to.
    pub(crate) fn printed(&self, writer: &Invocation<'a>) -> Option<Template<'a>> {
        let mut lines = false;
        let mut filled = |word: &Word<'a>| {
            let template = self.known_text(word)?;
            lines |= template.lines;
            Some(Word::known(template.text, word.span))
        };
        let words: Vec<Word<'a>> = writer.words.iter().map(&mut filled).collect::<Option<_>>()?;
        let stdin = match writer.stdin {
            Input::Text(word) => Input::Text(filled(&word)?),
            other => other,
        };
        let plain =
            Invocation { words: self.arena.alloc_slice_copy(&words), stdin, redirects: &[], ..*writer };
        // A here-document is a redirection of its own.
        let with = Invocation { redirects: writer.redirects.get(..1).unwrap_or_default(), ..plain };
        let text = constant::printed(self.arena, &plain).or_else(|| constant::raw(self.arena, &with))?;
        Some(Template { text, lines })
    }

    /// Takes up a text that is no program, so that findings can point into it.
    pub(crate) fn document(
        &mut self,
        text: &'a [u8],
        parent: super::InvocationId,
        within: (super::SourceId, Span),
    ) -> super::SourceId {
        let layer = self.program.source(within.0).map_or(0, |source| source.layer);
        let id = super::SourceId(self.program.sources.len() as u32);
        let source =
            super::Source { text, parent: Some((parent, within.1)), layer: layer + 1, within: Some(within) };
        self.program.sources.push(source);
        self.scripts.push(None);
        id
    }
}
