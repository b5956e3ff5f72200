//! Documents that could not be read to their end, and values in them that cannot be told where they
//! matter. What they do say is judged as effects.

use guardrail_schema::Risk;

use super::{Case, Found};
use crate::identify::manifest::{Namespace, Problem};

/// Doubts that are shown of one document.
const MOST: usize = 16;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for call in &case.analysis.identified.calls {
        for manifest in call.manifests.iter().filter(|manifest| !manifest.verb.reads()) {
            let (source, whole) = (call.source, manifest.word);
            match manifest.contents.problem {
                None => {}
                Some(Problem::TooLarge) => {
                    let message = "describes more than the limits of one evaluation allow";
                    found.at(source, whole, Risk::Critical, true, message);
                }
                Some(Problem::Unreadable(why)) => {
                    found.at(source, whole, Risk::High, true, ["what it describes ", why].concat());
                }
            }
            for &(key, at) in manifest.contents.doubts.iter().take(MOST) {
                let (source, span) = manifest.place(source, at);
                let message = format!("`{key}` cannot be told here, and it decides what this may do");
                found.at(source, span, Risk::High, true, message);
            }
            let mut objects = manifest.contents.objects.iter();
            if let Some(object) = objects.find(|object| object.namespace == Namespace::Unknown) {
                let (source, span) = manifest.place(source, object.at);
                let message = "lies in a namespace that cannot be told";
                found.at(source, span, Risk::Medium, true, message);
            }
        }
    }
}
