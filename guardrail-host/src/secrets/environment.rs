//! Secrets in this process's own environment.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStringExt as _;

use async_trait::async_trait;
use guardrail_core::plan::{CredentialError, CredentialProvider, CredentialReference, CredentialUse, Secret};

/// Secrets that this process was started with, in variables that the operator named; all others are
/// unknown here.
///
/// They stay readable in `/proc/PID/environ` for as long as this process lives, for whoever may trace
/// it. The world of the plans has to know them as well
/// (`LocalWorld::withhold` of `guardrail-exec`), so that no command inherits one.
#[derive(Clone, Debug)]
pub struct EnvironmentSecrets {
    names: BTreeSet<String>,
}

impl EnvironmentSecrets {
    /// The secrets in these variables.
    #[must_use]
    pub fn of<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect() }
    }
}

#[async_trait]
impl CredentialProvider for EnvironmentSecrets {
    async fn fetch(
        &self,
        reference: &CredentialReference,
        _: &CredentialUse,
    ) -> Result<Secret, CredentialError> {
        let name = &reference.name;
        let value = self.names.get(name.path()).and_then(std::env::var_os);
        let value = value.ok_or_else(|| CredentialError::Unknown { name: name.clone() })?;
        Ok(Secret::new(value.into_vec()))
    }
}
