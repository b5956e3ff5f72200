//! Reading the value of a secret. Whoever reads it can pass it on, so a person should know.

use guardrail_schema::{EffectKind, Risk, Role};

use super::{Case, Found, say};
use crate::effect::Target;
use crate::lower::{Note, NoteKind};
use crate::shell::Span;

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
        if note.kind == NoteKind::SecretVariable && !signs_in(case, note) {
            found.at(note.source, note.span, Risk::Medium, false, "expands a variable that holds a secret");
        }
    }
}

/// Whether the secret is the address of a server, handed to that server's client and to no other host.
fn signs_in(case: &Case<'_, '_, '_>, note: &Note) -> bool {
    let around = |span: Span| span.start <= note.span.start && note.span.end <= span.end;
    let other = |role: &Role| matches!(role, Role::Host | Role::Url);
    let mut calls = note.invocation.into_iter().flat_map(|id| case.analysis.identified.calls_of(id));
    calls.any(|call| {
        !call.arguments.iter().any(|argument| other(argument.role))
            && call.arguments.iter().any(|argument| {
                let word = &argument.word;
                *argument.role == Role::Connection && word.is_own_address() && around(word.span)
            })
    })
}
