//! What of an analysis goes into an evaluation, copied so that it owns its data.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use smol_str::{SmolStr, SmolStrBuilder};

use crate::effect::{Analysis, Target};
use crate::evaluation;
use crate::identify::Identified;
use crate::lower::{Groups, InvocationId, Place, Word};
use crate::shell::{ProblemKind, Span};

/// Where each invocation went in the evaluation.
pub(super) struct Places<'a>(BumpVec<'a, Option<u32>>);

impl<'a> Places<'a> {
    /// A body that was followed several times (a function, a loop) is listed once.
    pub(super) fn new(arena: &'a Bump, groups: &Groups<'_>, identified: &Identified<'_, '_>) -> Self {
        let mut places = BumpVec::from_iter_in(identified.program.invocations.iter().map(|_| None), arena);
        for (place, group) in groups.iter().enumerate() {
            for id in group {
                if let Some(slot) = places.get_mut(id.0 as usize) {
                    *slot = Some(place as u32);
                }
            }
        }
        Self(places)
    }

    fn of(&self, id: InvocationId) -> Option<u32> {
        self.0.get(id.0 as usize).copied().flatten()
    }
}

/// The request's own text, of which nearly all words are pieces that need no check.
#[derive(Clone, Copy)]
pub(super) struct Whole<'r>(pub(super) &'r str);

impl<'r> Whole<'r> {
    fn piece(self, text: &[u8]) -> Option<&'r str> {
        let start = text.as_ptr().addr().checked_sub(self.0.as_ptr().addr())?;
        self.0.get(start..start.checked_add(text.len())?)
    }

    fn short(self, text: &[u8]) -> SmolStr {
        match self.piece(text).ok_or(()).or_else(|()| std::str::from_utf8(text)) {
            Ok(text) => SmolStr::new(text),
            Err(_) => SmolStr::new(String::from_utf8_lossy(text)),
        }
    }

    fn long(self, text: &[u8]) -> String {
        match self.piece(text).ok_or(()).or_else(|()| std::str::from_utf8(text)) {
            Ok(text) => text.to_owned(),
            // Checking alone was several times as fast as looking for what to replace.
            Err(_) => String::from_utf8_lossy(text).into_owned(),
        }
    }
}

pub(super) fn effects(
    analysis: &Analysis<'_, '_>,
    places: &Places<'_>,
    whole: Whole<'_>,
) -> Vec<evaluation::Effect> {
    let target = |target: &Target<'_>| match target {
        Target::Path(word, _) | Target::Name(word) | Target::Address(word) | Target::Data(word) => {
            word.pattern.or(word.as_known()).map(|text| whole.short(text))
        }
        Target::Statement(_, object) => object.as_deref().map(SmolStr::new),
        Target::Code(_) | Target::Nothing => None,
    };
    let effect = |effect: &crate::effect::Effect<'_, '_>| evaluation::Effect {
        kind: effect.kind,
        target: target(&effect.target),
        scope: match effect.place {
            Place::Here => effect.scope,
            Place::Container if effect.scope == crate::Scope::Local => crate::Scope::Container,
            Place::Remote if effect.scope == crate::Scope::Local => crate::Scope::Remote,
            _ => effect.scope,
        },
        undo: effect.undo,
        invocation: places.of(effect.invocation),
        source: effect.source.0,
        span: effect.span,
    };
    analysis.effects.iter().map(effect).collect()
}

pub(super) fn invocations(
    identified: &Identified<'_, '_>,
    groups: &Groups<'_>,
    places: &Places<'_>,
    whole: Whole<'_>,
) -> Vec<evaluation::Invocation> {
    let mut listed = Vec::with_capacity(groups.len());
    for group in groups.iter() {
        let turns = || group.iter().filter_map(|id| identified.program.invocation(*id));
        // What it may become is judged, but what is listed is what stands there.
        let possible = turns().all(|turn| turn.context.possible);
        let mut turns = turns().filter(|turn| possible || !turn.context.possible);
        let (Some(id), Some(first)) = (group.first(), turns.next()) else { continue };
        let mut argv: Vec<_> =
            first.words.iter().map(|word| word.as_known().map(|text| whole.short(text))).collect();
        // What differs from one turn to the next is not known.
        for turn in turns {
            argv.resize(argv.len().max(turn.words.len()), None);
            for (at, slot) in argv.iter_mut().enumerate() {
                let known = |at| first.words.get(at).and_then(Word::as_known);
                let same = turn.words.get(at).is_some_and(|word| word.as_known() == known(at));
                *slot = slot.take().filter(|_| same);
            }
        }
        let call = identified.calls_of(*id).next();
        let command = call.and_then(|call| call.command).filter(|command| !command.path.is_empty());
        listed.push(evaluation::Invocation {
            argv,
            tool: call.and_then(|call| call.tool?.tool.names.first()).map(SmolStr::new),
            command: command.map(|command| joined(&command.path)),
            parent: first.parent.and_then(|parent| places.of(parent)),
            source: first.source.0,
            span: first.span,
        });
    }
    listed
}

/// Words with a blank between them.
fn joined(words: &[String]) -> SmolStr {
    match words {
        [word] => SmolStr::new(word),
        words => {
            let mut text = SmolStrBuilder::new();
            for (at, word) in words.iter().enumerate() {
                if at > 0 {
                    text.push(' ');
                }
                text.push_str(word);
            }
            text.finish()
        }
    }
}

pub(super) fn sources(
    identified: &Identified<'_, '_>,
    places: &Places<'_>,
    whole: Whole<'_>,
) -> Vec<evaluation::Source> {
    let parent = |(id, span): (InvocationId, Span)| places.of(id).map(|place| (place, span));
    identified
        .program
        .sources
        .iter()
        .map(|source| evaluation::Source {
            text: whole.long(source.text),
            parent: source.parent.and_then(parent),
        })
        .collect()
}

pub(super) fn problems(identified: &Identified<'_, '_>) -> Vec<evaluation::Problem> {
    /// Of the problems that are no limits.
    const MOST: usize = 64;
    let mut rejected = 0;
    // A body that the shell only reads when it runs is accepted until then; its finding stays.
    let later = |kind| matches!(kind, ProblemKind::BadSubstitution | ProblemKind::SplitName);
    let shown = identified.program.problems.iter().filter(|(_, problem)| {
        rejected += usize::from(!problem.kind.is_limit());
        !later(problem.kind) && (problem.kind.is_limit() || rejected <= MOST)
    });
    shown
        .map(|(source, problem)| evaluation::Problem {
            source: source.0,
            span: problem.span,
            message: problem.kind.message().into(),
        })
        .collect()
}
