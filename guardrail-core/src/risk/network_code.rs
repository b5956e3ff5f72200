//! Code that comes from a network, or was hidden by an encoding, straight into an interpreter:
//! nobody has seen what will run.

use guardrail_schema::{EffectKind, Language, Risk};

use super::{Case, Found, flow};
use crate::effect::{Area, Code, Location, Target};
use crate::identify::FeedSource;
use crate::lower::{Input, InvocationId};

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    let analysis = case.analysis;
    for effect in case.effects().filter(|effect| effect.kind == EffectKind::Execute) {
        let above: Vec<InvocationId> = match &effect.target {
            // `sh < /dev/tcp/...`, or a descriptor that leads there.
            Target::Path(_, location) if is_connection(case, location) => {
                found.on(effect, Risk::Critical, false, || "runs code that comes from a network".into());
                continue;
            }
            Target::Code(Code::Fed(feed)) => match feed.from {
                FeedSource::Channel(channel) => flow::upstream(analysis, [channel]),
                _ => continue,
            },
            Target::Code(Code::Opaque | Code::Nameless) => {
                let Some(invocation) = analysis.identified.program.invocation(effect.invocation) else { continue };
                flow::upstream(analysis, flow::word_channels(invocation))
            }
            // A program nothing is known of may be an interpreter as well.
            Target::Code(Code::Program(_)) => {
                let Some(invocation) = analysis.identified.program.invocation(effect.invocation) else { continue };
                match invocation.stdin {
                    Input::Channel(channel) => flow::upstream(analysis, [channel]),
                    _ => continue,
                }
            }
            _ => continue,
        };
        if above.is_empty() {
            continue;
        }
        let interpreter = !matches!(&effect.target, Target::Code(Code::Program(_)));
        if flow::any_has(analysis, &above, flow::is_network) {
            let risk = if interpreter { Risk::Critical } else { Risk::High };
            found.on(effect, risk, true, || "runs code that comes from a network".into());
            if let Some(finding) = found.findings.last_mut() {
                finding.instead.get_or_insert("download it to a file, read it, then run the file".into());
            }
        } else if interpreter && above.iter().any(|id| decodes(case, *id)) && is_code(effect) {
            found.on(effect, Risk::Critical, true, || "runs code that was hidden by an encoding".into());
        }
    }
}

/// Whether a file is a connection: by its name, or as what cannot be known while one is open.
fn is_connection(case: &Case<'_, '_, '_>, location: &Location) -> bool {
    let network = |location: &Location| location.area == Area::Network;
    let opened = |effect: &crate::effect::Effect<'_, '_>| matches!(&effect.target, Target::Path(_, at) if network(at));
    network(location) || (location.area == Area::Unknown && case.effects().any(opened))
}

fn is_code(effect: &crate::effect::Effect<'_, '_>) -> bool {
    match &effect.target {
        Target::Code(Code::Fed(feed)) => feed.language != Language::Sql,
        _ => true,
    }
}

/// Whether an invocation's tool is called to decode: its file marks the flag with that facet.
fn decodes(case: &Case<'_, '_, '_>, id: InvocationId) -> bool {
    let calls = &case.analysis.identified.calls;
    calls.iter().filter(|call| call.invocation == id).any(|call| call.has_facet("decode"))
}
