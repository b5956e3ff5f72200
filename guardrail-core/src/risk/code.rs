//! Running code that the analysis does not follow. What cannot be seen is worse than what lies
//! open in the request or the workspace.

use guardrail_schema::{EffectKind, Risk};

use super::{Case, Found, say};
use crate::effect::{Area, Code, Target};
use crate::identify::FeedSource;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for effect in case.effects().filter(|effect| effect.kind == EffectKind::Execute) {
        match &effect.target {
            Target::Code(Code::Program(word, None)) => {
                found.on(effect, Risk::Medium, true, || say(["runs ", ", of which nothing is known"], word))
            }
            Target::Code(Code::Program(word, Some(area))) => {
                let risk = if *area == Area::Temporary { Risk::High } else { Risk::Medium };
                found.on(effect, risk, true, || {
                    say(["runs the file ", ", which is not where the system keeps its programs"], word)
                });
            }
            Target::Code(Code::Nameless) => {
                found.on(effect, Risk::High, true, || "runs a program whose name cannot be known".into());
            }
            Target::Code(Code::Visible) => {
                found.on(effect, Risk::Medium, false, || {
                    "runs code in a language that is not followed".into()
                });
            }
            Target::Code(Code::Opaque) => {
                found.on(effect, Risk::High, true, || "runs code that cannot be known".into());
            }
            Target::Code(Code::Fed(feed)) => match feed.from {
                FeedSource::Inherited => {
                    found.on(effect, Risk::Medium, true, || "runs whatever its standard input holds".into());
                }
                FeedSource::File(word) => {
                    found.on(effect, Risk::Medium, true, || say(["runs the code in ", ""], &word));
                }
                FeedSource::Channel(_) | FeedSource::Unknown => {
                    found.on(effect, Risk::High, true, || "runs what another command prints".into());
                }
            },
            Target::Path(word, location) => {
                let (risk, unknown) = match location.area {
                    Area::Workspace | Area::Home | Area::System => (Risk::Medium, false),
                    _ => (Risk::High, location.area == Area::Unknown),
                };
                found.on(effect, risk, unknown, || say(["runs the code in ", ""], word));
            }
            _ => found.on(effect, Risk::Medium, false, || "runs programs or code".into()),
        }
    }
}
