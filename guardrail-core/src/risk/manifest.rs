//! Documents that could not be read to their end, and values in them that cannot be told where they
//! matter. What they do say is judged as effects.

use guardrail_schema::Risk;

use super::flow::{self, Reach};
use super::{Case, Found};
use crate::identify::manifest::{Namespace, Problem};

/// Doubts that are shown of one document.
const MOST: usize = 16;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    fetched(case, found);
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

/// Files that this very script fetches, and has applied.
fn fetched(case: &Case<'_, '_, '_>, found: &mut Found) {
    let analysis = case.analysis;
    let acts = || {
        let calls = analysis.identified.calls.iter();
        calls.filter(|call| call.documents.iter().any(|named| !named.verb.reads()))
    };
    let fetches = case.effects().any(flow::is_network);
    if !fetches || acts().next().is_none() || case.files().is_none() {
        return;
    }
    let network = Reach::of(case, flow::is_network);
    for call in acts().filter(|call| network.is_read_by(case, call.invocation)) {
        let message = "applies what this script fetches from a network, which nobody has seen";
        found.at(call.source, call.named, Risk::High, true, message);
    }
}
