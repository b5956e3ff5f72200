//! Code that comes from a network, or was hidden by an encoding, straight into an interpreter:
//! nobody has seen what will run.

use guardrail_schema::{EffectKind, Language, Risk};

use super::flow::{self, Reach};
use super::{Case, Found};
use crate::effect::{Area, Code, Effect, Location, Target};
use crate::identify::FeedSource;
use crate::lower::Input;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    let analysis = case.analysis;
    let is_fed = |effect: &&Effect<'_, '_>| {
        effect.kind == EffectKind::Execute && matches!(effect.target, Target::Code(_))
    };
    // `sh < /dev/tcp/...`, or a descriptor that leads there.
    for effect in case.effects().filter(|effect| effect.kind == EffectKind::Execute) {
        if matches!(&effect.target, Target::Path(_, location) if is_connection(case, location)) {
            found.on(effect, Risk::Critical, false, || "runs code that comes from a network".into());
        }
    }
    if !case.effects().any(|effect| is_fed(&effect)) || analysis.identified.program.channels == 0 {
        return;
    }
    let network = Reach::of(analysis, flow::is_network);
    let decoded = Reach::of(analysis, |effect| decodes(case, effect));
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

/// Whether a file is a connection: by its name, or as what cannot be known while one is open.
fn is_connection(case: &Case<'_, '_, '_>, location: &Location) -> bool {
    let network = |location: &Location| location.area == Area::Network;
    let opened = |effect: &Effect<'_, '_>| matches!(&effect.target, Target::Path(_, at) if network(at));
    network(location) || (location.area == Area::Unknown && case.effects().any(opened))
}

fn is_code(effect: &Effect<'_, '_>) -> bool {
    match &effect.target {
        Target::Code(Code::Fed(feed)) => feed.language != Language::Sql,
        _ => true,
    }
}

/// Whether an effect's tool is called to decode: its file names the flag so.
fn decodes(case: &Case<'_, '_, '_>, effect: &Effect<'_, '_>) -> bool {
    case.analysis.identified.calls_of(effect.invocation).any(|call| call.has_facet("decode"))
}
