//! Several reviewers at once: distinct, named, and none of them the one who asks.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use guardrail_core::plan::{Approver, Asked, Principal, PrincipalKind, Question};

use crate::admit::{beforehand, may_agree, may_speak};
use crate::panel::Panel;
use crate::wait::now;

/// Asks all its members at once. A no from anybody is the answer; of those who say yes each is
/// given out by its own call of [`ask`](Approver::ask), so that each vote is recorded before the
/// next is heard and none is lost with the process.
///
/// How many must say yes stands in the question. A quorum knows who its voters are: nobody else is
/// heard, and where those who could still say yes are too few, it says so at once and nobody is
/// waited for. Voters that could be taken for one another count as one, and none of them may be
/// the one who asks.
///
/// **How would an agent get past it?** It would need as many identities as the plan needs, each
/// authenticated by a member and each on the list; a second name of the same person does not help
/// if it looks like the first. An operator gives nobody two entries.
///
/// ```
/// use std::sync::Arc;
///
/// use guardrail_approve::{Inbox, Quorum};
/// use guardrail_core::plan::Principal;
///
/// let window = Arc::new(Inbox::new("window"));
/// let quorum = Quorum::of([Principal::person("anna"), Principal::person("bert")]).asks(window);
/// # drop(quorum);
/// ```
pub struct Quorum {
    name: String,
    voters: Vec<Principal>,
    panel: Panel,
}

impl Quorum {
    /// A quorum of these voters.
    #[must_use]
    pub fn of(voters: impl IntoIterator<Item = Principal>) -> Self {
        Self {
            name: "quorum".to_owned(),
            voters: voters.into_iter().collect(),
            panel: Panel::new(Vec::new()),
        }
    }

    /// Asks by this approver as well.
    #[must_use]
    pub fn asks(mut self, member: Arc<dyn Approver>) -> Self {
        self.panel.push(Duration::ZERO, member);
        self
    }

    /// The same quorum under another name, by which policies know it as a channel.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// What is missing where those who could still say yes are too few.
    fn shortage(&self, question: &Question) -> Option<String> {
        let mut free: Vec<&Principal> = Vec::new();
        for voter in &self.voters {
            let may = may_speak(question, voter).is_ok() && may_agree(question, voter).is_ok();
            if may && !free.iter().any(|other| other.is_namesake(voter)) {
                free.push(voter);
            }
        }
        let count = |voters: &[&Principal], people: bool| {
            voters.iter().filter(|voter| !people || voter.kind == PrincipalKind::Person).count()
        };
        let said: Vec<&Principal> = question.approved_by.iter().collect();
        for (people, needed, who) in
            [(false, question.need.approvers, "distinct voters"), (true, question.need.people, "people")]
        {
            let all = count(&said, people) + count(&free, people);
            if all < usize::from(needed) {
                return Some(format!("{needed} {who} have to say yes, and only {all} can"));
            }
        }
        None
    }
}

impl std::fmt::Debug for Quorum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quorum")
            .field("name", &self.name)
            .field("voters", &self.voters)
            .field("members", &self.panel.names())
            .finish()
    }
}

#[async_trait]
impl Approver for Quorum {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ask(&self, question: &Question) -> Asked {
        if let Some(asked) = beforehand(question, &self.name, now()) {
            return asked;
        }
        if let Some(shortage) = self.shortage(question) {
            return Asked::NoChannel(shortage);
        }
        self.panel.ask(question, |principal| self.voters.contains(principal)).await
    }
}
