//! Secrets on their way to a command: as variables, in files that live as long as it does, on
//! descriptors that only it has.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use guardrail_core::plan::{CredentialReference, Injection, Refusal, Secret};
use uuid::Uuid;

use super::hold;

/// Secrets, ready for one command. Dropped, they are gone.
#[derive(Debug)]
pub(super) struct Injected {
    /// Variables with a secret or the path to one.
    pub(super) environment: Vec<(OsString, OsString)>,
    /// Descriptors, with the variables that are to hold their numbers.
    pub(super) descriptors: Vec<(String, OwnedFd)>,
    /// Files that hold secrets.
    pub(super) files: Vec<PathBuf>,
    directory: Option<PathBuf>,
}

/// Makes secrets ready for a command.
///
/// # Errors
///
/// [`Refusal::Credential`] where one cannot be; no sentence holds a value.
pub(super) fn inject(
    permit: Uuid,
    secrets: &[(CredentialReference, Secret)],
    folder: &Path,
) -> Result<Injected, Refusal> {
    let mut injected =
        Injected { environment: Vec::new(), descriptors: Vec::new(), files: Vec::new(), directory: None };
    for (place, (reference, secret)) in secrets.iter().enumerate() {
        let failed = |error: &dyn std::fmt::Display| {
            Refusal::Credential(format!("the credential `{}` cannot be handed over: {error}", reference.name))
        };
        let bytes = secret.expose();
        match &reference.into {
            Injection::Environment(variable) => {
                if bytes.contains(&0) {
                    return Err(failed(&"a variable cannot hold a NUL"));
                }
                injected.environment.push((variable.into(), OsStr::from_bytes(bytes).to_owned()));
            }
            Injection::Descriptor(variable) => {
                let sealed = hold::copy(bytes).map_err(|error| failed(&error))?;
                injected.descriptors.push((variable.clone(), sealed));
            }
            Injection::File(variable) => {
                let path = injected
                    .write(permit, place, bytes, folder)
                    .map_err(|error| failed(&format!("{}: {error}", folder.display())))?;
                injected.environment.push((variable.into(), path.clone().into()));
                injected.files.push(path);
            }
        }
    }
    Ok(injected)
}

impl Injected {
    fn write(&mut self, permit: Uuid, place: usize, bytes: &[u8], folder: &Path) -> std::io::Result<PathBuf> {
        let directory = folder.join(format!("guardrail-{permit}"));
        if self.directory.is_none() {
            // It fails where somebody else has made it: a permit is used once.
            fs::DirBuilder::new().mode(0o700).create(&directory)?;
            self.directory = Some(directory.clone());
        }
        let path = directory.join(format!("secret-{}", place + 1));
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(bytes)?;
        Ok(path)
    }

    /// Removes the files.
    ///
    /// # Errors
    ///
    /// What is left, in a sentence.
    pub(super) fn remove(&mut self) -> Result<(), String> {
        let Some(directory) = self.directory.take() else { return Ok(()) };
        fs::remove_dir_all(&directory)
            .map_err(|error| format!("secrets are left in {}: {error}", directory.display()))
    }
}

impl Drop for Injected {
    fn drop(&mut self) {
        let _ = self.remove();
    }
}
