//! The operator's file of where secrets are: strict, and nobody else may have written it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use guardrail_core::record::Recorder;
use serde::Deserialize;

use super::trusted::{self, Privacy, Untrusted};
use super::{CommandSecrets, EnvironmentSecrets, FileSecrets, OnlyError, SecretCommand, Secrets, value};

/// The most bytes of such a file.
const LONGEST: usize = 1 << 20;

/// Where secrets are, and for which programs: what `guardrail run --secrets` reads.
///
/// ```
/// use guardrail_host::secrets::SecretsFile;
///
/// let file = SecretsFile::from_toml(r#"
///     [env]
///     names = ["DATABASE_URL"]
///
///     [file]
///     directory = "/etc/guardrail/secrets"
///
///     [vault]
///     file = "/home/op/.config/guardrail/vault.age"
///     key = "/home/op/.config/guardrail/vault.key"
///
///     [command.session]
///     run = ["/usr/bin/pass", "show", "aws/session"]
///     inherit = ["HOME"]
///     seconds = 30
///
///     [[only]]
///     names = "vault:database/*"
///     programs = ["/usr/bin/psql"]
/// "#)?;
/// assert_eq!(file.environment_names(), ["DATABASE_URL"]);
/// # Ok::<(), guardrail_host::secrets::SecretsError>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecretsFile {
    env: Option<Environment>,
    file: Option<Files>,
    vault: Option<VaultFile>,
    keyring: Option<Keyring>,
    command: BTreeMap<String, SecretCommand>,
    only: Vec<OnlyFor>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Environment {
    names: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Files {
    directory: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(feature = "vault"), allow(dead_code, reason = "read, and refused"))]
struct VaultFile {
    file: PathBuf,
    key: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(all(feature = "keyring", target_os = "linux")),
    allow(dead_code, reason = "read, and refused")
)]
struct Keyring {
    services: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnlyFor {
    names: String,
    programs: Vec<PathBuf>,
}

/// Why a file of where secrets are cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// Others could have written it, or it is not there.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// It cannot be read.
    #[error("{}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It says something that it cannot say. The text itself is not in here: somebody may have written a
    /// secret into it.
    #[error("line {line}: {why}")]
    Wrong {
        /// Where, from 1.
        line: usize,
        /// What.
        why: String,
    },
    /// A restriction cannot be set.
    #[error(transparent)]
    Only(#[from] OnlyError),
    /// The vault's key cannot be read.
    #[cfg(feature = "vault")]
    #[error(transparent)]
    Vault(#[from] super::VaultError),
    /// It asks for what was not built in.
    #[error("[{section}] needs this program to be built with the feature `{section}`")]
    NotBuilt {
        /// The section and the feature.
        section: &'static str,
    },
    /// The keyring cannot be used.
    #[error("[keyring] {why}")]
    Keyring {
        /// Why.
        why: &'static str,
    },
    /// The vault has no key or two.
    #[error("[vault] has either `key` or `passphrase_file`")]
    OneKey,
}

impl SecretsFile {
    /// Reads a file that belongs to this account or the administrator and that nobody else can write.
    ///
    /// # Errors
    ///
    /// [`SecretsError`] where others could have written it, or it says what it cannot say.
    pub fn read(path: &Path) -> Result<Self, SecretsError> {
        let unreadable = |why: String| SecretsError::Unreadable { path: path.to_owned(), why };
        let file = trusted::open(path, Privacy::Settings)?;
        let bytes = value::read(file, LONGEST).map_err(|error| unreadable(error.to_string()))?;
        let bytes = bytes.ok_or_else(|| unreadable("it is too long".to_owned()))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
        Self::from_toml(text).map_err(|error| match error {
            SecretsError::Wrong { .. } => unreadable(error.to_string()),
            other => other,
        })
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    ///
    /// [`SecretsError::Wrong`] where it says what it cannot say.
    pub fn from_toml(text: &str) -> Result<Self, SecretsError> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count().saturating_add(1);
            // Behind `invalid` the value is repeated.
            let why = match error.message() {
                text if text.starts_with("invalid ") => text.rsplit_once(", expected ").map_or_else(
                    || "this cannot stand here".to_owned(),
                    |(_, wanted)| format!("expected {wanted}"),
                ),
                text => text.to_owned(),
            };
            SecretsError::Wrong { line, why }
        })
    }

    /// The variables that hold secrets: no command may inherit one.
    #[must_use]
    pub fn environment_names(&self) -> &[String] {
        self.env.as_ref().map_or(&[], |env| &env.names)
    }

    /// Whoever has these secrets, recording each access.
    ///
    /// # Errors
    ///
    /// [`SecretsError`] where a key cannot be read, a restriction cannot be set, or something is asked
    /// for that was not built in.
    pub fn secrets(&self, recorder: Arc<dyn Recorder>) -> Result<Secrets, SecretsError> {
        let mut secrets = Secrets::new(recorder);
        if let Some(env) = &self.env {
            secrets = secrets.provider("env", Arc::new(EnvironmentSecrets::of(env.names.iter().cloned())));
        }
        if let Some(file) = &self.file {
            secrets = secrets.provider("file", Arc::new(FileSecrets::below(&file.directory)));
        }
        if !self.command.is_empty() {
            secrets = secrets.provider("command", Arc::new(CommandSecrets::of(self.command.clone())));
        }
        secrets = self.with_vault(secrets)?;
        secrets = self.with_keyring(secrets)?;
        for OnlyFor { names, programs } in &self.only {
            secrets = secrets.only(names, programs)?;
        }
        Ok(secrets)
    }

    #[cfg(feature = "vault")]
    fn with_vault(&self, secrets: Secrets) -> Result<Secrets, SecretsError> {
        use super::{Vault, VaultKey};
        let Some(vault) = &self.vault else { return Ok(secrets) };
        let key = match (&vault.key, &vault.passphrase_file) {
            (Some(key), None) => VaultKey::read(key)?,
            (None, Some(file)) => VaultKey::passphrase_file(file)?,
            _ => return Err(SecretsError::OneKey),
        };
        Ok(secrets.provider("vault", Arc::new(Vault::at(&vault.file, key))))
    }

    #[cfg(not(feature = "vault"))]
    fn with_vault(&self, secrets: Secrets) -> Result<Secrets, SecretsError> {
        if self.vault.is_some() { Err(SecretsError::NotBuilt { section: "vault" }) } else { Ok(secrets) }
    }

    #[cfg(all(feature = "keyring", target_os = "linux"))]
    fn with_keyring(&self, secrets: Secrets) -> Result<Secrets, SecretsError> {
        let Some(Keyring { services }) = &self.keyring else { return Ok(secrets) };
        let keyring = super::KeyringSecrets::of_kernel(services.iter().cloned());
        Ok(secrets.provider("keyring", Arc::new(keyring.map_err(|why| SecretsError::Keyring { why })?)))
    }

    #[cfg(not(all(feature = "keyring", target_os = "linux")))]
    fn with_keyring(&self, secrets: Secrets) -> Result<Secrets, SecretsError> {
        if self.keyring.is_some() { Err(SecretsError::NotBuilt { section: "keyring" }) } else { Ok(secrets) }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_mistake_is_refused_and_does_not_repeat_what_was_written() {
        for (text, line) in [
            ("[env]\nname = [\"A\"]", 2),
            ("\n[command.a]\nshell = \"correct horse\"", 3),
            ("[vault]\nfile = 3", 2),
            ("[environment]", 1),
            ("[env]\nnames = [\"A\"]\npassword = \"correct horse\"", 3),
            ("[env]\ncorrect horse", 2),
            ("[env]\nnames = \"correct horse\"", 2),
            ("[command.a]\nrun = [\"/bin/true\"]\nseconds = \"correct horse\"", 3),
        ] {
            let error = SecretsFile::from_toml(text).unwrap_err();
            assert!(matches!(error, SecretsError::Wrong { line: at, .. } if at == line), "{text}: {error:?}");
            assert!(!format!("{error} {error:?}").contains("horse"), "{error:?}");
        }
    }

    #[test]
    fn only_who_may_write_it_says_where_secrets_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.toml");
        std::fs::write(&path, "[env]\nnames = [\"A\"]").unwrap();
        for (mode, good) in [(0o644, true), (0o664, false), (0o646, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(SecretsFile::read(&path).is_ok(), good, "{mode:o}");
        }
        std::fs::write(&path, "[env]\nnames = \"A\"").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let error = SecretsFile::read(&path).unwrap_err().to_string();
        assert!(error.starts_with(path.to_str().unwrap()) && error.contains("line 2"), "{error}");
    }
}
