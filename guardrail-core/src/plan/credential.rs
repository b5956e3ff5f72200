//! Secrets by reference: how a plan names one, and who has its value.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Authority, FileRole, Permit, PlanId, Slot};
use crate::request::Action;

/// A secret that a command gets, by name. The value is never in a plan, a log or an answer to the
/// agent: it is fetched when the command starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CredentialReference {
    /// Its name, as the provider knows it.
    pub name: CredentialName,
    /// How the command gets it.
    pub into: Injection,
}

/// The name of a secret: `vault:database/app`, `env:DATABASE_URL`, `kube-production`.
///
/// In front of a colon stands the scheme, which says who has it, if there is one: a small letter, then
/// small letters, digits and `-`. The rest is segments between slashes, of letters, digits and
/// `-._@+:`; none is empty, `.` or `..`, or begins with `-`. All of it is ASCII, so that no two names
/// look alike, and at most [`LONGEST`](Self::LONGEST) bytes.
///
/// ```
/// use guardrail_core::plan::{CredentialName, CredentialNameError};
///
/// let name: CredentialName = "vault:database/app".parse()?;
/// assert_eq!((name.scheme(), name.path()), (Some("vault"), "database/app"));
/// assert_eq!("file:../key".parse::<CredentialName>(), Err(CredentialNameError::Segment));
/// # Ok::<(), CredentialNameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CredentialName(String);

impl CredentialName {
    /// The most bytes of a name.
    pub const LONGEST: usize = 200;

    /// All of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Who has it, where the name says so.
    #[must_use]
    pub fn scheme(&self) -> Option<&str> {
        Some(self.0.split_once(':')?.0)
    }

    /// What it is called there.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.split_once(':').map_or(self.as_str(), |(_, path)| path)
    }
}

impl FromStr for CredentialName {
    type Err = CredentialNameError;

    fn from_str(text: &str) -> Result<Self, CredentialNameError> {
        if text.len() > Self::LONGEST {
            return Err(CredentialNameError::TooLong);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._@+:/".contains(c);
        if let Some(at) = text.find(|c| !allowed(c)) {
            return Err(CredentialNameError::Character { at });
        }
        let (scheme, path) = text.split_once(':').map_or((None, text), |(scheme, path)| (Some(scheme), path));
        let is_scheme = |scheme: &str| {
            scheme.starts_with(|c: char| c.is_ascii_lowercase())
                && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if !scheme.is_none_or(is_scheme) {
            return Err(CredentialNameError::Scheme);
        }
        let is_segment = |segment: &str| {
            !segment.is_empty() && !segment.starts_with('-') && !matches!(segment, "." | "..")
        };
        if !path.split('/').all(is_segment) {
            return Err(CredentialNameError::Segment);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for CredentialName {
    type Error = CredentialNameError;

    fn try_from(text: String) -> Result<Self, CredentialNameError> {
        text.parse()
    }
}

impl From<CredentialName> for String {
    fn from(name: CredentialName) -> Self {
        name.0
    }
}

impl fmt::Display for CredentialName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for CredentialName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for CredentialName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CredentialName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The name of a secret, such as `vault:database/app`.",
            "type": "string",
            "maxLength": Self::LONGEST,
            "pattern": "^([a-z][a-z0-9-]*:)?[A-Za-z0-9._@+:/-]+$",
        })
    }
}

/// Why a text is no [`CredentialName`]. The text is not in it: somebody may have put the secret where
/// its name belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialNameError {
    /// It is too long.
    #[error("the name of a credential has at most {} bytes", CredentialName::LONGEST)]
    TooLong,
    /// It has a character that no name has.
    #[error(
        "the name of a credential has ASCII letters, digits and -._@+:/ alone, and something else at byte {at}"
    )]
    Character {
        /// Where, in bytes.
        at: usize,
    },
    /// What stands in front of the colon is no scheme.
    #[error("a credential's scheme is small letters, digits and `-`, and begins with a letter")]
    Scheme,
    /// A segment cannot be.
    #[error(
        "what stands between slashes in a credential's name is not empty, `.` or `..`, and does not begin with `-`"
    )]
    Segment,
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

/// For what a secret is fetched: what a provider may decide by, and what it records. Only a
/// [`Permit`] makes one, and so nobody fetches a secret for what may not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialUse {
    permit: Uuid,
    plan: PlanId,
    revision: u32,
    slot: Slot,
    authority: Authority,
    program: Option<String>,
}

impl CredentialUse {
    /// The use that a permit is for.
    #[must_use]
    pub fn of(permit: &Permit) -> Self {
        let program = match permit.action() {
            // A shell is no program that a secret could be meant for: what it starts is anything.
            Action::Shell(_) | Action::Call { .. } => None,
            Action::Argv(_) => permit.pins().files.iter().find(|file| file.role == FileRole::Program),
        };
        Self {
            permit: permit.id(),
            plan: permit.plan(),
            revision: permit.revision(),
            slot: permit.slot(),
            authority: permit.authority(),
            program: program.map(|file| file.path.clone()),
        }
    }

    /// The permit's id, which the record of the intent carries too.
    #[must_use]
    pub const fn permit(&self) -> Uuid {
        self.permit
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

    /// Which of its commands.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        self.slot
    }

    /// On what the permit rests.
    #[must_use]
    pub const fn authority(&self) -> Authority {
        self.authority
    }

    /// The program that would run, by its absolute path without symbolic links, where it was pinned
    /// and no shell stands in between.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        self.program.as_deref()
    }
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
        name: CredentialName,
    },
    /// The provider does not give it for this.
    #[error("the credential `{name}` is not given for this: {reason}")]
    Refused {
        /// The name that was asked for.
        name: CredentialName,
        /// Why.
        reason: String,
    },
    /// The provider cannot say.
    #[error("the credential `{name}` cannot be fetched: {reason}")]
    Unavailable {
        /// The name that was asked for.
        name: CredentialName,
        /// Why.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names() {
        use CredentialNameError::{Character, Scheme, Segment, TooLong};
        for good in ["vault:db/prod", "env:DATABASE_URL", "kube-production", "aws:arn:aws:x:1:s/a+b@c"] {
            let name: CredentialName = good.parse().unwrap();
            assert_eq!((name.as_str(), name.to_string().as_str()), (good, good));
        }
        for (bad, why) in [
            ("", Segment),
            ("vault:", Segment),
            (":x", Scheme),
            ("Vault:x", Scheme),
            ("1:x", Scheme),
            ("a/b:x", Scheme),
            ("file:/etc/shadow", Segment),
            ("file:a/../b", Segment),
            ("file:./b", Segment),
            ("file:a//b", Segment),
            ("file:a/", Segment),
            ("command:-v", Segment),
            ("env:A B", Character { at: 5 }),
            ("env:A\n", Character { at: 5 }),
            ("vault:\u{430}", Character { at: 6 }),
            ("vault:{name}", Character { at: 6 }),
            ("vault:$(id)", Character { at: 6 }),
        ] {
            assert_eq!(bad.parse::<CredentialName>(), Err(why), "{bad}");
        }
        assert_eq!("x".repeat(201).parse::<CredentialName>(), Err(TooLong));
        assert!("x".repeat(200).parse::<CredentialName>().is_ok());
    }

    #[test]
    fn a_secret_put_in_place_of_its_name_is_not_in_the_error() {
        let error = serde_json::from_str::<CredentialReference>(
            r#"{"name": "correct horse", "into": {"environment": "X"}}"#,
        );
        assert!(!error.unwrap_err().to_string().contains("horse"));
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer_and_a_name_is_harmless_everywhere(text in "\\PC{0,24}|[a-z:/._-]{0,24}") {
            if let Ok(name) = text.parse::<CredentialName>() {
                prop_assert_eq!(name.as_str(), &text);
                let joined = [name.scheme().unwrap_or_default(), name.path()].join(":");
                prop_assert!(joined == text || name.path() == text);
                // As a path it stays below, as a word it is no flag, in JSON and a shell it is itself.
                let path = std::path::Path::new(name.path());
                let normal = |part| matches!(part, std::path::Component::Normal(_));
                prop_assert!(path.components().all(normal) && !name.path().starts_with('-'));
                prop_assert_eq!(serde_json::to_string(&name).unwrap(), format!("\"{text}\""));
                let again: CredentialName = serde_json::from_str(&format!("\"{text}\"")).unwrap();
                prop_assert_eq!(again, name);
            }
        }
    }
}
