//! Secrets in the keyring of the system.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use guardrail_core::plan::{
    CredentialError, CredentialName, CredentialProvider, CredentialReference, CredentialUse, Secret,
};
use keyring_core::{CredentialStore, Error};

use super::waiting::read_on_thread;

/// Secrets in a keyring, of the services that the operator named: `keyring:database/app` is what the
/// service `database` keeps for the user `app`.
#[derive(Clone)]
pub struct KeyringSecrets {
    store: Arc<CredentialStore>,
    services: BTreeSet<String>,
}

impl KeyringSecrets {
    /// Those in a keyring of any kind that `keyring-core` knows: the Secret Service of a desktop,
    /// macOS's keychain, one of your own.
    #[must_use]
    pub fn of<S: Into<String>>(store: Arc<CredentialStore>, services: impl IntoIterator<Item = S>) -> Self {
        Self { store, services: services.into_iter().map(Into::into).collect() }
    }

    /// Those in the keyring of the Linux kernel, which forgets when the machine is started again.
    ///
    /// # Errors
    ///
    /// Where this process may not use it.
    #[cfg(target_os = "linux")]
    pub fn of_kernel<S: Into<String>>(services: impl IntoIterator<Item = S>) -> Result<Self, &'static str> {
        let store = linux_keyutils_keyring_store::Store::new().map_err(|error| why(&error))?;
        Ok(Self::of(store, services))
    }

    fn read(&self, name: &CredentialName) -> Result<Option<Secret>, &'static str> {
        let Some((service, user)) = name.path().split_once('/') else { return Ok(None) };
        if !self.services.contains(service) {
            return Ok(None);
        }
        let found = self.store.build(service, user, None).and_then(|entry| entry.get_secret());
        match found {
            Ok(value) => Ok(Some(Secret::new(value))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(why(&error)),
        }
    }
}

#[async_trait]
impl CredentialProvider for KeyringSecrets {
    async fn fetch(
        &self,
        reference: &CredentialReference,
        _: &CredentialUse,
    ) -> Result<Secret, CredentialError> {
        let keyring = self.clone();
        read_on_thread(&reference.name, move |name| keyring.read(name)).await
    }
}

/// What went wrong, in words of our own: some of a keyring's errors hold the value.
const fn why(error: &Error) -> &'static str {
    match error {
        Error::NoStorageAccess(_) => "the keyring is locked, or this process may not use it",
        Error::NotSupportedByStore(_) | Error::Invalid(..) | Error::TooLong(..) => {
            "this keyring has no entries of such a name"
        }
        Error::Ambiguous(_) => "the keyring has several entries of this name",
        _ => "the keyring failed",
    }
}

impl std::fmt::Debug for KeyringSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyringSecrets").field("services", &self.services).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use keyring_core::api::CredentialStoreApi as _;

    use super::*;

    fn read(keyring: &KeyringSecrets, name: &str) -> Result<Option<Vec<u8>>, &'static str> {
        let read = keyring.read(&format!("keyring:{name}").parse().unwrap())?;
        Ok(read.map(|secret| secret.expose().to_owned()))
    }

    #[test]
    fn only_of_services_that_were_named() {
        let store = keyring_core::mock::Store::new().unwrap();
        store.build("database", "app", None).unwrap().set_secret(b"correct horse").unwrap();
        store.build("mail", "app", None).unwrap().set_secret(b"battery staple").unwrap();
        let keyring = KeyringSecrets::of(store, ["database"]);
        assert_eq!(read(&keyring, "database/app"), Ok(Some(b"correct horse".to_vec())));
        for name in ["database/other", "mail/app", "database", "app"] {
            assert_eq!(read(&keyring, name), Ok(None), "{name}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_keyring_of_the_kernel() {
        let user = format!("guardrail-test-{}", std::process::id());
        let store = match linux_keyutils_keyring_store::Store::new() {
            Ok(store) => store,
            Err(error) => return println!("SKIPPED: the kernel's keyring cannot be used here: {error}"),
        };
        let entry = store.build("guardrail-test", &user, None).unwrap();
        if let Err(error) = entry.set_secret(b"correct horse") {
            return println!("SKIPPED: the kernel's keyring cannot be used here: {error}");
        }
        let keyring = KeyringSecrets::of_kernel(["guardrail-test"]).unwrap();
        let found = read(&keyring, &format!("guardrail-test/{user}"));
        entry.delete_credential().unwrap();
        assert_eq!(found, Ok(Some(b"correct horse".to_vec())));
        assert_eq!(read(&keyring, &format!("guardrail-test/{user}")), Ok(None));
    }
}
