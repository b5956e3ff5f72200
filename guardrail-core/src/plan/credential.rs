//! Secrets by reference: how a plan names one, and who has its value.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{PlanId, Slot};

/// A secret that a command gets, by name. The value is never in a plan, a log or an answer to the
/// agent: it is fetched when the command starts, and forgotten when it has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CredentialReference {
    /// Its name, as the provider knows it: `vault:database/app`, `kube-production`.
    pub name: String,
    /// How the command gets it.
    pub into: Injection,
}

/// How a command gets a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Injection {
    /// As the value of an environment variable.
    Environment(String),
    /// In a file with mode 0600 that lives as long as the command; the variable of this name holds
    /// its path.
    File(String),
    /// On an open file descriptor; the variable of this name holds its number.
    Descriptor(String),
}

impl Injection {
    /// The environment variable that holds the value, the path or the number.
    #[must_use]
    pub fn variable(&self) -> &str {
        match self {
            Self::Environment(name) | Self::File(name) | Self::Descriptor(name) => name,
        }
    }
}

/// The value of a secret. It is wiped when it is dropped, and cannot be copied, printed or
/// serialised.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over. Reserve as much as they need before filling them in: a vector that
    /// has grown leaves its old, shorter copies behind.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the one who hands them to the command. Do not copy them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// For what a secret is fetched: what a provider may decide by, and what it records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialUse {
    /// The plan.
    pub plan: PlanId,
    /// Which of its commands.
    pub slot: Slot,
}

/// Has secrets.
#[async_trait]
pub trait CredentialProvider: Send + Sync {
    /// The value of a secret.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] where it cannot be had. The command then does not start.
    async fn fetch(
        &self,
        reference: &CredentialReference,
        purpose: &CredentialUse,
    ) -> Result<Secret, CredentialError>;
}

/// Why a secret could not be had. No variant holds a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The provider knows no such secret.
    #[error("no credential is called `{name}`")]
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// The provider does not give it for this.
    #[error("the credential `{name}` is not given for this: {reason}")]
    Refused {
        /// The name that was asked for.
        name: String,
        /// Why.
        reason: String,
    },
    /// The provider cannot say.
    #[error("the credential `{name}` cannot be fetched: {reason}")]
    Unavailable {
        /// The name that was asked for.
        name: String,
        /// Why.
        reason: String,
    },
}
