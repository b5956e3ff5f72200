//! A vault: secrets in one file that is encrypted with age, replaced as a whole.

mod body;
mod key;
mod place;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use guardrail_core::plan::{
    CredentialError, CredentialName, CredentialProvider, CredentialReference, CredentialUse, Secret,
};
use guardrail_core::record::Timestamp;

use super::trusted::Untrusted;
use super::value::{self, ValueError};
use super::waiting::read_on_thread;
use body::Body;
use place::Held;

pub use key::{VaultKey, generate_key};

/// The most bytes of a vault's file.
const LONGEST: usize = 1 << 20;

/// Secrets in an encrypted file.
///
/// The file is what `age` writes ([age-encryption.org/v1](https://c2sp.org/age)), to a passphrase or to
/// the public half of a key. Inside, names, dates and values stand together, so that without the key
/// nobody learns what there is. It is read again each time, and decrypted contents are wiped behind
/// each use; the key is what is kept.
///
/// A change takes the lock beside the file, reads the file, and puts a new one in its place in one step,
/// synced before and behind. Whoever is killed meanwhile leaves the old file or the new one.
///
/// ```
/// use guardrail_core::plan::Secret;
/// use guardrail_host::secrets::{Vault, VaultKey, generate_key};
///
/// let folder = tempfile::tempdir()?;
/// let public = generate_key(&folder.path().join("key"))?;
/// assert!(public.starts_with("age1"));
/// let vault = Vault::at(folder.path().join("vault.age"), VaultKey::read(&folder.path().join("key"))?);
/// let name = "vault:database/app".parse()?;
/// vault.set(&name, &Secret::new(b"correct horse".to_vec()), guardrail_core::record::Timestamp::UNIX_EPOCH)?;
/// assert_eq!(vault.list()?[0].name, "database/app");
/// assert_eq!(vault.read(&name)?.unwrap().expose(), b"correct horse");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Vault {
    path: PathBuf,
    key: Arc<VaultKey>,
}

/// What a vault says of a secret without giving it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultEntry {
    /// What it is called in the vault: the path of its name.
    pub name: String,
    /// When it was set.
    pub set: Timestamp,
}

/// Why a vault could not be read or changed. Nothing of what is inside is in here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The file, its key or a directory above is not there, or others could have had a hand in it.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// The key is not the one that it was encrypted to.
    #[error("{}: the passphrase or key does not fit", path.display())]
    WrongKey {
        /// The vault.
        path: PathBuf,
    },
    /// It is no vault, or was damaged. It is left as it is.
    #[error("{}: it is no vault, or is damaged ({why}); it was not touched", path.display())]
    Damaged {
        /// The vault.
        path: PathBuf,
        /// In a few words.
        why: &'static str,
    },
    /// Somebody else changes it, and did not finish.
    #[error("{}: somebody else is changing it", path.display())]
    Busy {
        /// The vault.
        path: PathBuf,
    },
    /// There is no room for more.
    #[error("{}: a vault has at most {LONGEST} bytes", path.display())]
    Full {
        /// The vault.
        path: PathBuf,
    },
    /// The file with the key or the passphrase has none.
    #[error("{}: {why}", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It cannot be written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The value cannot be a secret.
    #[error(transparent)]
    Value(#[from] ValueError),
}

impl Vault {
    /// The vault in a file, which need not be there yet.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>, key: VaultKey) -> Self {
        Self { path: path.into(), key: Arc::new(key) }
    }

    /// Names and dates, by name.
    ///
    /// # Errors
    ///
    /// [`VaultError`] where it cannot be read; [`Untrusted::Missing`] where there is none.
    pub fn list(&self) -> Result<Vec<VaultEntry>, VaultError> {
        let plain = self.open()?.ok_or_else(|| Untrusted::Missing(self.path.clone()))?;
        let body = self.body(&plain)?;
        let entry =
            |(name, kept): (&str, &body::Kept<'_>)| VaultEntry { name: name.to_owned(), set: kept.set };
        Ok(body.entries().map(entry).collect())
    }

    /// The value of a secret, by the path of its name; `None` where there is no such secret.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    pub fn read(&self, name: &CredentialName) -> Result<Option<Secret>, VaultError> {
        let plain = self.open()?.ok_or_else(|| Untrusted::Missing(self.path.clone()))?;
        let body = self.body(&plain)?;
        match body.value(name.path()) {
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => Err(self.damaged("a value cannot be read")),
            None => Ok(None),
        }
    }

    /// Sets a secret, in a new vault where there is none; true where there was one of that name.
    ///
    /// # Errors
    ///
    /// [`VaultError`] where it cannot be read or written, or the value is none. Then all is as before.
    pub fn set(&self, name: &CredentialName, value: &Secret, now: Timestamp) -> Result<bool, VaultError> {
        value::check(value)?;
        self.change(name, Some((value, now)))
    }

    /// Removes a secret; false where there was none of that name.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn remove(&self, name: &CredentialName) -> Result<bool, VaultError> {
        self.change(name, None)
    }

    fn change(&self, name: &CredentialName, to: Option<(&Secret, Timestamp)>) -> Result<bool, VaultError> {
        let held = Held::take(&self.path)?;
        let plain = self.open()?;
        let mut body = self.body(plain.as_deref().map_or(Body::EMPTY, Vec::as_slice))?;
        let there_was = match to {
            Some((value, now)) => body.with(name.path(), value, now),
            None if body.without(name.path()) => true,
            None => return Ok(false),
        };
        let plain = body.write();
        let sealed =
            self.key.seal(&plain).map_err(|error| VaultError::Io { path: self.path.clone(), error })?;
        if sealed.len() > LONGEST {
            return Err(VaultError::Full { path: self.path.clone() });
        }
        held.replace(&sealed)?;
        Ok(there_was)
    }

    /// What is inside of the file; `None` where there is no file.
    fn open(&self) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, VaultError> {
        let sealed = match place::read(&self.path) {
            Ok(sealed) => sealed,
            Err(VaultError::Untrusted(Untrusted::Missing(_))) => return Ok(None),
            Err(error) => return Err(error),
        };
        self.key.open(&sealed, &self.path).map(Some)
    }

    fn body<'p>(&self, plain: &'p [u8]) -> Result<Body<'p>, VaultError> {
        Body::read(plain).ok_or_else(|| self.damaged("its content cannot be read"))
    }

    fn damaged(&self, why: &'static str) -> VaultError {
        VaultError::Damaged { path: self.path.clone(), why }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[async_trait]
impl CredentialProvider for Vault {
    async fn fetch(
        &self,
        reference: &CredentialReference,
        _: &CredentialUse,
    ) -> Result<Secret, CredentialError> {
        let vault = self.clone();
        read_on_thread(&reference.name, move |name| vault.read(name)).await
    }
}
