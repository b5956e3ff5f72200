//! How much may be done: what an action counts against, and the trait of whoever counts.
//!
//! The policy says what is counted ([`[[quota]]`](crate::policy::QuotaFile)),
//! [`Guard::usage`](crate::Guard::usage) what of it one action counts against, and an implementation
//! of [`Quotas`] counts, for everybody who shares it. Nothing here knows a clock or a file.

mod refusal;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::record::Verdict;

pub use refusal::QuotaRefusal;

/// Counts what is asked and done, and refuses what is too much. The emergency stop is here too.
///
/// An embedder calls, in this order,
///
/// 1. [`called`](Self::called) with what came of the evaluation;
/// 2. where it was allowed or approved, [`admit`](Self::admit), right before it begins;
/// 3. [`stopped`](Self::stopped), where anything that takes time lies between that and the start;
/// 4. [`Admission::finish`], once it has ended.
///
/// A [`Runner`](https://docs.rs/agent-guardrail-exec) does all four. An implementation must hold that
///
/// * among all who share it, never more is admitted than a quota says, in any window of its length;
/// * what it refused did not count, and what it admitted counts at once, whatever becomes of it;
/// * what a process has that dies is given back, without anybody's help;
/// * it refuses where it cannot count, and a clock that goes back frees nothing.
#[async_trait]
pub trait Quotas: Send + Sync {
    /// Something was asked, and this is what the policy said.
    ///
    /// # Errors
    ///
    /// [`QuotaRefusal`] where this is too much: it is refused, whatever the policy said.
    async fn called(&self, usage: &Usage, verdict: &Verdict) -> Result<(), QuotaRefusal>;

    /// Something is about to begin, and counts from now on.
    ///
    /// # Errors
    ///
    /// [`QuotaRefusal`] where it may not, with the quota and when to try again.
    async fn admit(&self, usage: &Usage) -> Result<Admission, QuotaRefusal>;

    /// Whether the emergency stop is set: [`QuotaRefusal::Stopped`], or why that cannot be known.
    async fn stopped(&self) -> Option<QuotaRefusal>;
}

/// What one action counts against: what an implementation of [`Quotas`] has to know of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// One entry for each count that it adds to.
    pub charges: Vec<Charge>,
}

impl Usage {
    /// The entries of some kinds.
    pub fn of(&self, kinds: &'static [Counts]) -> impl Iterator<Item = &Charge> {
        self.charges.iter().filter(move |charge| kinds.contains(&charge.quota.counts))
    }
}

/// One count that an action adds to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// How much there may be.
    pub quota: Arc<Quota>,
    /// Which count it is: one for each quota and all that it tells apart.
    pub key: ChargeKey,
    /// What is counted together, for people: `actor=bob, tool=kubectl`. Empty where it is everything.
    pub of: String,
}

/// A quota of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its name, unique in its layer.
    pub name: String,
    /// The layer it stands in.
    pub layer: &'static str,
    /// What it counts.
    pub counts: Counts,
    /// The most there may be.
    pub most: u32,
    /// In how many seconds; 0 where it has none.
    pub within_seconds: u64,
    /// For how many seconds everything is refused once a row is too long.
    pub rest_seconds: u64,
    /// How many after that must do well, one at a time, before all are let through again.
    pub trials: u32,
}

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Counts {
    /// What is asked, whatever the answer.
    Calls,
    /// What is begun.
    Executions,
    /// The same thing begun again: the same decoded words, in the same directory, with the same
    /// effects. Where `when` names no risk, reads do not count: to look again is no loop.
    Repeats,
    /// What runs at the same time.
    Running,
    /// What failed, one after the other: a circuit breaker.
    Failures,
    /// What was denied, one after the other: a circuit breaker.
    Denials,
}

impl Counts {
    /// Its name, as in a policy.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Executions => "executions",
            Self::Repeats => "repeats",
            Self::Running => "running",
            Self::Failures => "failures",
            Self::Denials => "denials",
        }
    }

    /// Whether it is counted in a window of time.
    #[must_use]
    pub const fn has_window(self) -> bool {
        matches!(self, Self::Calls | Self::Executions | Self::Repeats)
    }

    /// Whether it is a circuit breaker.
    #[must_use]
    pub const fn is_breaker(self) -> bool {
        matches!(self, Self::Failures | Self::Denials)
    }
}

/// Which count something adds to. It tells nothing of what is counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChargeKey(pub [u8; 16]);

impl fmt::Display for ChargeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChargeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChargeKey({self})")
    }
}

/// The right to begin, as far as quotas are concerned. It takes a place among what runs for as long as
/// it is kept.
#[must_use = "what it holds is given back when it is dropped"]
pub struct Admission(Box<dyn Admitted>);

/// What stands behind an [`Admission`]. Dropped, it gives back what it holds; that nobody said how it
/// ended is neither good nor bad.
#[async_trait]
pub trait Admitted: Send {
    /// It has ended.
    ///
    /// # Errors
    ///
    /// [`QuotaRefusal::Unavailable`] where that could not be counted.
    async fn finish(self: Box<Self>, ended: Finished) -> Result<(), QuotaRefusal>;
}

impl Admission {
    /// For an implementation of [`Quotas`].
    pub fn new(admitted: impl Admitted + 'static) -> Self {
        Self(Box::new(admitted))
    }

    /// Says how it ended, and gives back what it holds.
    ///
    /// # Errors
    ///
    /// [`QuotaRefusal::Unavailable`] where that could not be counted.
    pub async fn finish(self, ended: Finished) -> Result<(), QuotaRefusal> {
        self.0.finish(ended).await
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admission")
    }
}

/// How something ended, as far as quotas are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It did what it should.
    Well,
    /// It did not.
    Badly,
}
