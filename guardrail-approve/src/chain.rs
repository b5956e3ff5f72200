//! Escalation: somebody is asked, and on their silence somebody else as well.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use guardrail_core::plan::{Approver, Asked, Question};

use crate::admit::beforehand;
use crate::panel::Panel;
use crate::wait::now;

/// Asks one approver, and on silence others besides.
///
/// Whoever was asked stays asked: escalation adds reviewers and takes none away. How many must say
/// yes stands in the question and is not the chain's to change. A no from anybody is the answer. An
/// approver that cannot be reached is passed over at once, without waiting for its silence.
///
/// Where a plan needs more than one yes, each is given out by its own call of
/// [`ask`](Approver::ask); those who were asked go on being asked in between.
///
/// A policy that names channels has to name the chain and the members that may be asked: what it
/// does not name is not asked.
///
/// **How would an agent get past it?** By keeping the first approver from answering, in the hope of
/// a friendlier second. An operator puts nobody into a chain who may not decide alone.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use guardrail_approve::{AutoApprover, Chain, Inbox};
///
/// let window = Arc::new(Inbox::new("window"));
/// let on_call = Arc::new(Inbox::new("on-call"));
/// let chain = Chain::of(Arc::new(AutoApprover))
///     .then(Duration::ZERO, window)
///     .then(Duration::from_secs(300), on_call);
/// # drop(chain);
/// ```
pub struct Chain {
    name: String,
    panel: Panel,
}

impl Chain {
    /// A chain that begins with an approver.
    #[must_use]
    pub fn of(first: Arc<dyn Approver>) -> Self {
        Self { name: "chain".to_owned(), panel: Panel::new(vec![(Duration::ZERO, first)]) }
    }

    /// Asks another as well, once so much time has passed since the question was put, or as soon
    /// as all before it cannot be reached.
    #[must_use]
    pub fn then(mut self, after: Duration, next: Arc<dyn Approver>) -> Self {
        self.panel.push(after, next);
        self
    }

    /// The same chain under another name, by which policies know it as a channel.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("name", &self.name).field("members", &self.panel.names()).finish()
    }
}

#[async_trait]
impl Approver for Chain {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ask(&self, question: &Question) -> Asked {
        if let Some(asked) = beforehand(question, &self.name, now()) {
            return asked;
        }
        self.panel.ask(question, |_| true).await
    }
}
