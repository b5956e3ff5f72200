//! What people answered to the commands of a plan, read from its records: what a policy can learn
//! from.

use std::collections::BTreeSet;

use super::approver::PrincipalKind;
use super::event::{RevisionContent, What};
use super::history::{self, HistoryError};
use super::life::Life;
use super::revision::Revision;
use super::{Digest, PlanId};
use crate::policy::{Answer, Precedent};
use crate::record::Recorded;
use crate::request::Facts;

/// What was answered to the commands of one plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Precedents {
    /// The commands, as they would be asked for again, with what was answered.
    pub known: Vec<Precedent>,
    /// The revisions whose documents are gone: what was asked for there is not known.
    pub lost: Vec<u32>,
}

/// A revision that was put forward, and what was said of it.
struct Put {
    content: RevisionContent,
    people: BTreeSet<String>,
    services: BTreeSet<String>,
    refused: bool,
}

/// What was answered to each command of a plan, in every revision that was put forward.
///
/// A yes counts once the revision had as many as it needs, a person's among them. One who says no,
/// or takes a yes back, has said it of every command of the revision. `document` finds a
/// revision's document by its digest, and `facts` is what the caller knows of the world the plan
/// was made in, which its document does not tell.
///
/// # Errors
///
/// [`HistoryError`] where the records are none that a plan makes.
pub fn precedents(
    records: &[Recorded],
    plan_id: &str,
    facts: &Facts,
    document: &mut dyn FnMut(Digest) -> Option<Vec<u8>>,
) -> Result<Precedents, HistoryError> {
    let (events, _) = history::events(records, plan_id)?;
    Life::fold(&events)?;
    let mut puts: Vec<Put> = Vec::new();
    for event in events {
        match (event.what, puts.last_mut()) {
            (What::Proposed { content }, _) => {
                puts.push(Put { content, people: BTreeSet::new(), services: BTreeSet::new(), refused: false })
            }
            (What::Voted(vote), Some(put)) => {
                if !super::machine::is_yes(&vote) {
                    put.refused = true;
                } else if vote.principal.kind == PrincipalKind::Person {
                    put.people.insert(vote.principal.name);
                } else {
                    put.services.insert(vote.principal.to_string());
                }
            }
            (What::Revoked { .. }, Some(put)) => put.refused = true,
            _ => {}
        }
    }
    let mut found = Precedents::default();
    for put in puts {
        let Put { content, .. } = &put;
        let revision =
            document(content.document).and_then(|text| Revision::from_document(&text, content.digest).ok());
        let Some(revision) = revision else {
            found.lost.push(content.number);
            continue;
        };
        let answer = put.answer(revision.id());
        let requests = revision.commands().iter().filter_map(|one| revision.request(one.slot, facts.clone()));
        found.known.extend(requests.map(|request| Precedent { request, answer: answer.clone() }));
    }
    Ok(found)
}

impl Put {
    fn answer(&self, plan: PlanId) -> Answer {
        let enough = self.people.len() + self.services.len() >= usize::from(self.content.need.approvers);
        match (self.refused, enough, self.people.is_empty(), self.services.is_empty()) {
            (true, ..) => Answer::No,
            (_, true, false, _) => Answer::Yes { question: plan.to_string() },
            (_, true, true, false) => Answer::Granted,
            _ => Answer::Unknown,
        }
    }
}
