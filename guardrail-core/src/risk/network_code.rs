//! Code that comes from a network, or was hidden by an encoding, straight into an interpreter:
//! nobody has seen what will run.

use guardrail_schema::{EffectKind, Language, Risk};

use super::flow::{self, Reach};
use super::{Case, Found};
use crate::effect::{Area, Code, Effect, Target};
use crate::identify::FeedSource;
use crate::lower::Input;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    let analysis = case.analysis;
    let is_fed = |effect: &&Effect<'_, '_>| {
        effect.kind == EffectKind::Execute && matches!(effect.target, Target::Code(_))
    };
    // `sh < /dev/tcp/...`, or a descriptor that leads there: what cannot be known while one is open.
    let runs = |effect: &&Effect<'_, '_>| effect.kind == EffectKind::Execute;
    let connected = case.effects().any(|effect| is_at(effect, Area::Network));
    for effect in case.effects().filter(runs).filter(|_| connected) {
        if is_at(effect, Area::Network) || is_at(effect, Area::Unknown) {
            found.on(effect, Risk::Critical, false, || "runs code that comes from a network".into());
        }
    }
    if !case.effects().any(|effect| is_fed(&effect)) || analysis.identified.program.channels == 0 {
        return;
    }
    let network = Reach::of(analysis, flow::is_network);
    // A tool's file names the flag that makes it decode.
    let decoders = analysis.identified.calls.iter().filter(|call| call.has_facet("decode"));
    let decoded = Reach::from(analysis, decoders.map(|call| call.invocation));
    for effect in case.effects().filter(is_fed) {
        let Some(invocation) = analysis.identified.program.invocation(effect.invocation) else { continue };
        let reached = |reach: &Reach| match &effect.target {
            Target::Code(Code::Fed(feed)) => match feed.from {
                FeedSource::Channel(channel) => reach.has(channel),
                _ => false,
            },
            Target::Code(Code::Opaque | Code::Nameless) => {
                flow::word_channels(invocation).any(|c| reach.has(c))
            }
            // A program nothing is known of may be an interpreter as well.
            Target::Code(Code::Program(..)) => match invocation.stdin {
                Input::Channel(channel) => reach.has(channel),
                _ => false,
            },
            _ => false,
        };
        let interpreter = !matches!(&effect.target, Target::Code(Code::Program(..)));
        if reached(&network) {
            let risk = if interpreter { Risk::Critical } else { Risk::High };
            found.on(effect, risk, true, || "runs code that comes from a network".into());
            if let Some(finding) = found.findings.last_mut() {
                finding.instead.get_or_insert("download it to a file, read it, then run the file".into());
            }
        } else if interpreter && is_code(effect) && reached(&decoded) {
            found.on(effect, Risk::Critical, true, || "runs code that was hidden by an encoding".into());
        }
    }
}

fn is_at(effect: &Effect<'_, '_>, area: Area) -> bool {
    matches!(&effect.target, Target::Path(_, location) if location.area == area)
}

fn is_code(effect: &Effect<'_, '_>) -> bool {
    match &effect.target {
        Target::Code(Code::Fed(feed)) => feed.language != Language::Sql,
        _ => true,
    }
}
