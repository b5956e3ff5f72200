//! Subcommands and flags that the tool's file does not list, and words that could be flags.

use std::cell::OnceCell;

use guardrail_schema::{Prints, Risk};

use super::{Case, Found};
use crate::identify::{Call, Standing, Unknown};
use crate::lower::{ChannelId, EnvironmentId, Invocation, InvocationId, Origin, RedirectKind, Value, Word};
use crate::shell::Span;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    // By channel: whether nothing that is a flag comes through it.
    let plain = OnceCell::new();
    for call in &case.analysis.identified.calls {
        for &(unknown, span) in &call.unknown {
            let (risk, message) = match unknown {
                Unknown::Subcommand(risk) => (risk, "is a subcommand of which nothing is known"),
                Unknown::Flag => (Risk::Medium, "is a flag of which nothing is known"),
                Unknown::MaybeFlag if begins_like_no_flag(case, &plain, call, span) => continue,
                Unknown::MaybeFlag => (Risk::Medium, "could become a flag that changes what this does"),
                Unknown::Key => (Risk::Medium, "is a setting of which nothing is known"),
                // An effect of its own.
                Unknown::Code => continue,
            };
            found.at(call.source, span, risk, true, message);
        }
    }
}

/// Whether the word at `span` is what one command prints, which is nothing but hashes or absolute paths,
/// and text that begins like no flag: `$(git merge-base a b)...HEAD`, `"$(which python3)"`.
fn begins_like_no_flag(
    case: &Case<'_, '_, '_>,
    plain: &OnceCell<Vec<bool>>,
    call: &Call<'_, '_>,
    span: Span,
) -> bool {
    let program = &case.analysis.identified.program;
    let text = program.sources.get(call.source.0 as usize).map(|source| span.of(source.text));
    let words = program.invocations.get(call.invocation.0 as usize).map(|invocation| invocation.words);
    let mut there = words.unwrap_or_default().iter().filter(|word| word.span == span);
    match (there.next(), there.next(), text) {
        (Some(word), None, Some(text)) if is_one_substitution(text) => {
            let plain = |channel: ChannelId| {
                plain.get_or_init(|| without_flags(case)).get(channel.0 as usize).copied().unwrap_or(false)
            };
            output_before(word).is_some_and(plain)
        }
        _ => false,
    }
}

/// Nothing is expanded in the text but the substitution in front: what stands between two expansions
/// is not kept in a word.
fn is_one_substitution(text: &[u8]) -> bool {
    let bare = text.strip_prefix(b"\"").unwrap_or(text);
    let dollars = text.iter().filter(|byte| **byte == b'$').count();
    bare.starts_with(b"$(") && !bare.starts_with(b"$((") && dollars == 1 && !text.contains(&b'`')
}

/// The output that a word leads with, where nothing else flows into it and no flag is left if there is none.
fn output_before(word: &Word<'_>) -> Option<ChannelId> {
    let led = match word.value {
        Value::Unknown => true,
        Value::Partial { prefix, suffix } => prefix.is_empty() && suffix.first() != Some(&b'-'),
        Value::Known(_) => false,
    };
    match word.from {
        [Origin::Channel(channel)] if led && word.maybe.is_empty() && word.pattern.is_none() => {
            Some(*channel)
        }
        _ => None,
    }
}

/// The channels to which nothing is written but what is no flag, by what is known to say only that.
fn without_flags(case: &Case<'_, '_, '_>) -> Vec<bool> {
    let identified = &case.analysis.identified;
    let mut channels = vec![None; identified.program.channels.len()];
    for (writer, index) in identified.program.invocations.iter().zip(0..) {
        let Some(slot) = writer.stdout.and_then(|channel| channels.get_mut(channel.0 as usize)) else {
            continue;
        };
        let mut calls = identified.calls_of(InvocationId(index)).peekable();
        let says = calls.peek().is_some() && calls.all(|call| says_no_flag(call, writer));
        *slot = Some(slot.unwrap_or(true) && says);
    }
    channels.into_iter().map(|plain| plain == Some(true)).collect()
}

/// Nothing that was set for it makes it print more, and what it may say of its own words is no flag.
fn says_no_flag(call: &Call<'_, '_>, writer: &Invocation<'_>) -> bool {
    let messages =
        writer.redirects.iter().any(|redirect| redirect.both || redirect.kind == RedirectKind::Descriptor);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._/@^~:-".contains(byte);
    call.standing == Standing::Known
        && matches!(call.prints, Some(Prints::Hashes | Prints::Paths))
        && call.flags.is_empty()
        && !messages
        && writer.environment == EnvironmentId::default()
        && writer.words.iter().all(|word| {
            word.as_known().is_some_and(|text| text.first() != Some(&b'-') && text.iter().all(plain))
        })
}
