//! Secrets in files of their own, below one directory.

use std::path::PathBuf;

use async_trait::async_trait;
use guardrail_core::plan::{
    CredentialError, CredentialName, CredentialProvider, CredentialReference, CredentialUse, Secret,
};

use super::trusted::{self, Privacy, Untrusted};
use super::value::read_value;

/// Secrets in files below a directory: `file:tls/key` is `tls/key` in it.
///
/// A file is read if it belongs to this account or the administrator, nobody else may read or write
/// it (mode 0600 or less), no symbolic link leads to it from the directory, and nobody else can
/// replace it or a directory above it.
#[derive(Clone, Debug)]
pub struct FileSecrets {
    directory: PathBuf,
}

impl FileSecrets {
    /// The secrets in the files below a directory, an absolute path.
    #[must_use]
    pub fn below(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    fn read(&self, name: &CredentialName) -> Result<Secret, CredentialError> {
        let unavailable = |reason: String| CredentialError::Unavailable { name: name.clone(), reason };
        let directory = match self.directory.canonicalize() {
            Ok(directory) if self.directory.is_absolute() => directory,
            Ok(_) => return Err(unavailable("the directory of secrets is no absolute path".to_owned())),
            Err(error) => return Err(unavailable(format!("{}: {error}", self.directory.display()))),
        };
        // A name has no segment that leads up, and none is followed elsewhere.
        let path = directory.join(name.path());
        match trusted::open_below(&directory, &path, Privacy::Secret) {
            Ok(file) => read_value(file).map_err(|error| unavailable(error.to_string())),
            Err(Untrusted::Missing(_)) => Err(CredentialError::Unknown { name: name.clone() }),
            Err(error) => Err(unavailable(error.to_string())),
        }
    }
}

#[async_trait]
impl CredentialProvider for FileSecrets {
    async fn fetch(
        &self,
        reference: &CredentialReference,
        _: &CredentialUse,
    ) -> Result<Secret, CredentialError> {
        self.read(&reference.name)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;

    use super::*;

    fn write(path: &Path, text: &[u8], mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn only_files_that_nobody_else_reads_writes_or_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("secrets");
        fs::create_dir_all(below.join("tls")).unwrap();
        write(&below.join("good"), b"correct horse\n", 0o600);
        write(&below.join("tls/key"), b"one\ntwo\n", 0o400);
        write(&below.join("group"), b"correct horse", 0o640);
        write(&below.join("written"), b"correct horse", 0o602);
        write(&below.join("empty"), b"\n", 0o600);
        write(&folder.path().join("outside"), b"correct horse", 0o600);
        symlink("good", below.join("link")).unwrap();
        symlink("..", below.join("up")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(below.join("pipe")).status().unwrap();
        assert!(made.success());
        let files = FileSecrets::below(&below);
        let read = |name: &str| {
            let read = files.read(&format!("file:{name}").parse().unwrap());
            read.map(|secret| secret.expose().to_owned()).map_err(|error| error.to_string())
        };
        assert_eq!(read("good").unwrap(), b"correct horse");
        assert_eq!(read("tls/key").unwrap(), b"one\ntwo\n");
        for (name, why) in [
            ("group", "others may read or write it"),
            ("written", "others may read or write it"),
            ("empty", "empty"),
            ("link", "symbolic link"),
            ("up/outside", "symbolic link"),
            ("pipe", "no file"),
            ("tls", "no file"),
            ("none", "no credential is called"),
            ("good/below", "no credential is called"),
        ] {
            let error = read(name).unwrap_err();
            assert!(error.contains(why) && !error.contains("horse"), "{name}: {error}");
        }
        fs::set_permissions(&below, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(read("good").unwrap_err().contains("others may write"), "it could be replaced");
    }
}
