//! Secrets for commands: who has them, who may have them, and a record of each time.
//!
//! A plan names a secret; its value stays out of the plan, the log and every answer. When a command
//! starts, its executor asks a [`CredentialProvider`] for the value. [`Secrets`] is one that asks
//! others, each by the scheme of the names that it serves:
//!
//! | scheme | where it comes from | provider |
//! |---|---|---|
//! | `env:` | a variable of this process that the operator named | [`EnvironmentSecrets`] |
//! | `file:` | a file below a directory that the operator named | [`FileSecrets`] |
//! | `command:` | the output of a command that the operator wrote down | [`CommandSecrets`] |
//! | `vault:` | an encrypted file | `Vault` (feature `vault`) |
//! | `keyring:` | the keyring of the system | `KeyringSecrets` (feature `keyring`) |
//!
//! An agent chooses the name, and nothing else: there is no name that leads to what the operator has
//! not offered. Whatever comes of it is in the log, durably, before the value is handed out. No
//! record, no secret.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use guardrail_core::record::Recorder;
//! use guardrail_host::secrets::{EnvironmentSecrets, FileSecrets, Secrets};
//!
//! # fn example(log: Arc<dyn Recorder>) -> Result<(), Box<dyn std::error::Error>> {
//! let secrets = Secrets::new(log)
//!     .provider("env", Arc::new(EnvironmentSecrets::of(["DATABASE_URL"])))
//!     .provider("file", Arc::new(FileSecrets::below("/etc/guardrail/secrets")))
//!     .only("env:DATABASE_URL", ["/usr/bin/psql"])?;
//! # Ok(())
//! # }
//! ```
//!
//! # What wiping cannot do
//!
//! A value is held in one buffer that is overwritten when it is dropped. Not overwritten are the copy
//! that the command gets (its environment, its file, its descriptor, and then its own memory), the forms
//! of it that redaction looks for while the command runs, this process's own environment
//! (`/proc/PID/environ`) where `env:` is used, what the kernel buffers in pipes, and pages that were
//! swapped out or written to a core file. Whoever may trace this process reads all of it.

mod command;
mod environment;
mod file;
#[cfg(feature = "keyring")]
mod keyring;
mod settings;
mod terminal;
mod trusted;
mod value;
#[cfg(feature = "vault")]
mod vault;
mod waiting;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use globset::{GlobBuilder, GlobMatcher};
use guardrail_core::plan::{
    CredentialError, CredentialProvider, CredentialReference, CredentialUse, Injection, Secret,
};
use guardrail_core::record::{Condition, Kind, Record, Recorder, Status};

pub use command::{CommandSecrets, SecretCommand};
pub use environment::EnvironmentSecrets;
pub use file::FileSecrets;
#[cfg(feature = "keyring")]
pub use keyring::KeyringSecrets;
pub use settings::{SecretsError, SecretsFile};
pub use terminal::ask_unseen;
pub use trusted::Untrusted;
pub use value::{LONGEST, ValueError, read_value};
#[cfg(feature = "vault")]
pub use vault::{Vault, VaultEntry, VaultError, VaultKey, generate_key};

/// Asks the provider that has a secret, and records it.
///
/// The record is of kind [`Credential`](Kind::Credential): the plan, its revision and step, the
/// permit, the reference, how the command gets it, and whether it was found. Neither the value nor
/// its length is in it.
#[derive(Clone)]
pub struct Secrets {
    recorder: Arc<dyn Recorder>,
    providers: BTreeMap<String, Arc<dyn CredentialProvider>>,
    only: Vec<Only>,
}

/// For which programs some secrets are.
#[derive(Clone, Debug)]
struct Only {
    names: GlobMatcher,
    programs: Vec<String>,
}

/// Why a restriction cannot be set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnlyError {
    /// The pattern is none.
    #[error("`{pattern}` is no pattern of names: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A program is not there.
    #[error("the program {program} cannot be found: {source}")]
    Program {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
}

impl Secrets {
    /// Nobody's secrets yet; every access will be recorded by `recorder`.
    #[must_use]
    pub fn new(recorder: Arc<dyn Recorder>) -> Self {
        Self { recorder, providers: BTreeMap::new(), only: Vec::new() }
    }

    /// The same, with somebody who has those of a scheme; in place of whoever had them before.
    #[must_use]
    pub fn provider(mut self, scheme: impl Into<String>, provider: Arc<dyn CredentialProvider>) -> Self {
        self.providers.insert(scheme.into(), provider);
        self
    }

    /// The same, but what matches the pattern (`vault:database/*`; `*` stays within a segment, `**`
    /// does not) is for these programs alone, by their absolute paths. Shell source gets none of it.
    /// Where several patterns match, each has to name the program.
    ///
    /// # Errors
    ///
    /// [`OnlyError`] where the pattern is none, or a program is not there.
    pub fn only<P: AsRef<Path>>(
        mut self,
        pattern: &str,
        programs: impl IntoIterator<Item = P>,
    ) -> Result<Self, OnlyError> {
        if !pattern.contains(':') && !pattern.starts_with('*') {
            let reason = "it has no scheme, and so matches no name: `vault:...`, say".to_owned();
            return Err(OnlyError::Pattern { pattern: pattern.to_owned(), reason });
        }
        let names = GlobBuilder::new(pattern).literal_separator(true).build().map_err(|error| {
            OnlyError::Pattern { pattern: pattern.to_owned(), reason: error.kind().to_string() }
        })?;
        let programs = programs.into_iter().map(|program| {
            // A permit has the path without symbolic links.
            let program = program.as_ref();
            let failed = |source| OnlyError::Program { program: program.display().to_string(), source };
            let path = program.canonicalize().map_err(failed)?;
            // What several names lead to may be a shell under one of them.
            if path.file_name() != program.file_name() {
                let why = format!(
                    "it is a link to {}, which may be other programs too: name that, if all of them may have it",
                    path.display()
                );
                return Err(failed(std::io::Error::other(why)));
            }
            path.into_os_string().into_string().map_err(|_| failed(std::io::ErrorKind::InvalidInput.into()))
        });
        let programs = programs.collect::<Result<_, _>>()?;
        self.only.push(Only { names: names.compile_matcher(), programs });
        Ok(self)
    }

    async fn found(
        &self,
        reference: &CredentialReference,
        purpose: &CredentialUse,
    ) -> Result<Secret, CredentialError> {
        let name = &reference.name;
        let refused = |reason: String| CredentialError::Refused { name: name.clone(), reason };
        for only in self.only.iter().filter(|only| only.names.is_match(name.as_str())) {
            let program = purpose.program().ok_or_else(|| {
                refused("it is for certain programs, and this is none: it is read by a shell".to_owned())
            })?;
            if !only.programs.iter().any(|listed| listed == program) {
                return Err(refused(format!("it is not for {program}")));
            }
        }
        let provider = name.scheme().and_then(|scheme| self.providers.get(scheme));
        let provider = provider.ok_or_else(|| CredentialError::Unknown { name: name.clone() })?;
        let secret = provider.fetch(reference, purpose).await?;
        value::check(&secret).map_err(|error| refused(error.to_string()))?;
        Ok(secret)
    }
}

#[async_trait]
impl CredentialProvider for Secrets {
    async fn fetch(
        &self,
        reference: &CredentialReference,
        purpose: &CredentialUse,
    ) -> Result<Secret, CredentialError> {
        let found = self.found(reference, purpose).await;
        let record = record(reference, purpose, found.as_ref().err());
        match self.recorder.record(&[record], &Condition::Always).await {
            Ok(_) => found,
            Err(error) => Err(CredentialError::Unavailable {
                name: reference.name.clone(),
                reason: format!("that it was fetched could not be recorded: {error}"),
            }),
        }
    }
}

fn record(
    reference: &CredentialReference,
    purpose: &CredentialUse,
    error: Option<&CredentialError>,
) -> Record {
    let mut record = Record::new(Kind::Credential);
    record.plan_id = Some(purpose.plan().to_string());
    record.revision = Some(purpose.revision());
    record.step = purpose.slot().step;
    record.resource = Some(reference.name.to_string());
    record.status = Some(match error {
        None => Status::Succeeded,
        Some(CredentialError::Refused { .. }) => Status::Denied,
        Some(_) => Status::Failed,
    });
    record.reason = error.map(ToString::to_string);
    let into = match reference.into {
        Injection::Environment(_) => "environment",
        Injection::File(_) => "file",
        Injection::Descriptor(_) => "descriptor",
    };
    record.details = Some(serde_json::json!({
        "permit": purpose.permit(),
        "slot": purpose.slot().to_string(),
        "authority": purpose.authority(),
        "program": purpose.program(),
        "into": into,
        "variable": reference.into.variable(),
    }));
    record
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schemes: Vec<_> = self.providers.keys().collect();
        f.debug_struct("Secrets").field("schemes", &schemes).field("only", &self.only).finish_non_exhaustive()
    }
}
