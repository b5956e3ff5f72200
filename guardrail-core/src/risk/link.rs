//! Links: what is written or deleted by way of one is written or deleted where it leads. Inside of one
//! script that is followed; a link out of the workspace is said where it is made, since a later
//! request will not show it.

use guardrail_schema::{EffectKind, Mark, Risk};

use super::files::is_below;
use super::{Case, Found, say};
use crate::effect::{Area, Effect, Location, Target};
use crate::lower::{FileName, InvocationId, Word};

/// Links that are followed.
const MOST: usize = 256;

/// Directories of programs and what they share, to which links are made every day.
const PROGRAMS: &[&[u8]] =
    &[b"/usr/", b"/opt/", b"/nix/", b"/snap/", b"/bin/", b"/sbin/", b"/lib/", b"/lib64/"];

struct Link<'e> {
    name: FileName,
    to: &'e Location,
    made_by: InvocationId,
}

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    let mut links: Vec<Link<'_>> = Vec::new();
    let analysis = case.analysis;
    for call in analysis
        .identified
        .calls
        .iter()
        .filter(|call| call.marks.has(Mark::Links) || call.command.is_some_and(|own| own.links))
    {
        let Some(invocation) = analysis.identified.program.invocation(call.invocation) else { continue };
        let own = || case.effects().filter(|effect| effect.invocation == call.invocation);
        let targets = || {
            own().filter_map(|effect| match (effect.kind, &effect.target) {
                (EffectKind::Read | EffectKind::ReadSecret, Target::Path(word, to)) => {
                    Some((effect, word, to))
                }
                _ => None,
            })
        };
        for effect in own().filter(|effect| effect.kind == EffectKind::Write) {
            let Target::Path(word, at) = &effect.target else { continue };
            let name = analysis.file(word, invocation);
            for (target, other, to) in targets() {
                if matches!(at.area, Area::Workspace | Area::Temporary) && leads_out(other, to) {
                    found.on(target, Risk::High, false, || {
                        say(
                            [
                                "makes a link to ",
                                ", out of the workspace: what is written there later goes there",
                            ],
                            other,
                        )
                    });
                }
                if links.len() < MOST {
                    let below = name.join(analysis.file(other, invocation).leaf());
                    links.push(Link { name: below, to, made_by: call.invocation });
                    links.push(Link { name: name.clone(), to, made_by: call.invocation });
                }
            }
        }
    }
    if !links.is_empty() {
        case.effects().for_each(|effect| follow(case, effect, &links, found));
    }
}

/// Whether a link takes whoever writes to it to what is not the workspace's.
fn leads_out(word: &Word<'_>, to: &Location) -> bool {
    let text = word.prefix();
    match to.area {
        Area::Device => true,
        // What lies beside the workspace is often another part of the same work.
        Area::System if text.first() != Some(&b'/') => to.whole,
        Area::System => to.whole || !PROGRAMS.iter().any(|directory| text.starts_with(directory)),
        Area::Home => to.whole || to.startup,
        _ => false,
    }
}

fn follow(case: &Case<'_, '_, '_>, effect: &Effect<'_, '_>, links: &[Link<'_>], found: &mut Found) {
    let deletes = match effect.kind {
        EffectKind::Delete => true,
        EffectKind::Write => false,
        _ => return,
    };
    let Target::Path(word, _) = &effect.target else { return };
    let Some(invocation) = case.analysis.identified.program.invocation(effect.invocation) else { return };
    let name = case.analysis.file(word, invocation);
    // Who deletes a link deletes nothing else, unless what it leads to is meant.
    let through = !deletes || word.as_known().is_some_and(|text| text.ends_with(b"/"));
    let met = |link: &&Link<'_>| {
        link.made_by != effect.invocation
            && (is_below(&name, &link.name) || (through && name.may_be(&link.name)))
    };
    for link in links.iter().filter(met) {
        let risk = match (link.to.area, deletes) {
            (Area::System | Area::Home | Area::Device | Area::Unknown, true) | (Area::Device, false) => {
                Risk::Critical
            }
            (Area::System | Area::Unknown, false) => Risk::High,
            // Which of the home's files that is, the name does not say.
            (Area::Home, false) if link.to.startup || link.to.secret || is_below(&name, &link.name) => {
                Risk::High
            }
            _ => continue,
        };
        let unknown = link.to.area == Area::Unknown;
        found.on(effect, risk, unknown, || {
            say(["reaches through ", ", which this script has made a link out of the workspace"], word)
        });
    }
}
