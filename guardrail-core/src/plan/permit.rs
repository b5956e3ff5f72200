//! The right to run one command once.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::command::{Command, Sandbox, StepLimits};
use super::credential::CredentialReference;
use super::{Digest, PinnedDirectory, Pins, PlanId, Slot};
use crate::Risk;
use crate::record::Timestamp;
use crate::request::Action;

/// The right to run one command of one revision of a plan, once.
///
/// Only the plan's machine makes one, and only from a [`Receipt`](crate::record::Receipt) for the
/// record that says that the command is about to start. It cannot be copied, changed or made
/// from parts, and whoever runs it gives it up.
#[derive(Debug)]
#[must_use = "a permit that nobody uses is spent nevertheless"]
pub struct Permit {
    id: Uuid,
    plan: PlanId,
    revision: u32,
    digest: Digest,
    slot: Slot,
    authority: Authority,
    risk: Risk,
    cwd: String,
    command: Command,
    pins: Pins,
    valid_until: Option<Timestamp>,
    sequence: u64,
}

/// On what a permit rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// It only looks: low risk, allowed by the policy without asking. Running it again harms
    /// nothing.
    Look,
    /// The plan was approved, and this command with it.
    Approval,
}

/// What [`Permit::new`] takes; only this module's parent can name it.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) id: Uuid,
    pub(super) plan: PlanId,
    pub(super) revision: u32,
    pub(super) digest: Digest,
    pub(super) slot: Slot,
    pub(super) authority: Authority,
    pub(super) risk: Risk,
    pub(super) cwd: String,
    pub(super) command: Command,
    pub(super) pins: Pins,
    pub(super) valid_until: Option<Timestamp>,
    pub(super) sequence: u64,
}

impl Permit {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts {
            id,
            plan,
            revision,
            digest,
            slot,
            authority,
            risk,
            cwd,
            command,
            pins,
            valid_until,
            sequence,
        } = parts;
        Self { id, plan, revision, digest, slot, authority, risk, cwd, command, pins, valid_until, sequence }
    }

    /// Its id, which the record of the intent carries too.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> PlanId {
        self.plan
    }

    /// The revision of the plan, from 1.
    #[must_use]
    pub const fn revision(&self) -> u32 {
        self.revision
    }

    /// The digest of that revision: what was approved.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Which command of the plan.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        self.slot
    }

    /// On what it rests.
    #[must_use]
    pub const fn authority(&self) -> Authority {
        self.authority
    }

    /// How risky the command is.
    #[must_use]
    pub const fn risk(&self) -> Risk {
        self.risk
    }

    /// What may run: exactly these bytes.
    #[must_use]
    pub const fn action(&self) -> &Action {
        &self.command.action
    }

    /// The absolute directory it runs in.
    #[must_use]
    pub fn cwd(&self) -> &str {
        &self.cwd
    }

    /// What the command sets in its environment. The whole of it, without credentials, is in
    /// [`pins`](Self::pins), and has these among it.
    #[must_use]
    pub const fn environment(&self) -> &std::collections::BTreeMap<String, String> {
        &self.command.environment
    }

    /// The variables that it has from the machine, by name; their values are in
    /// [`pins`](Self::pins).
    #[must_use]
    pub fn inherit(&self) -> &[String] {
        &self.command.inherit
    }

    /// The secrets it gets, by reference.
    #[must_use]
    pub fn credentials(&self) -> &[CredentialReference] {
        &self.command.credentials
    }

    /// How much it may use.
    #[must_use]
    pub const fn limits(&self) -> &StepLimits {
        &self.command.limits
    }

    /// What is kept out of its reach.
    #[must_use]
    pub const fn sandbox(&self) -> &Sandbox {
        &self.command.sandbox
    }

    /// Which files, which directory and which environment were approved.
    #[must_use]
    pub const fn pins(&self) -> &Pins {
        &self.pins
    }

    /// The directory that was approved, where it was pinned.
    #[must_use]
    pub const fn directory(&self) -> Option<&PinnedDirectory> {
        self.pins.directory.as_ref()
    }

    /// After this time it must not be started.
    #[must_use]
    pub const fn valid_until(&self) -> Option<Timestamp> {
        self.valid_until
    }

    /// The place in the log of the record of its intent.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }
}
