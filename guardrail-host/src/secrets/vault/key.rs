//! What a vault is encrypted to: a passphrase, or a key in a file.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use age::secrecy::{ExposeSecret as _, SecretString};
use age::{DecryptError, Decryptor, Encryptor, scrypt, x25519};
use guardrail_core::plan::Secret;
use zeroize::Zeroizing;

use super::VaultError;
use crate::secrets::trusted::{self, Privacy};
use crate::secrets::value;

/// How much work a guess at a passphrase is: 2 to this power, about a second and 256 MiB.
const WORK: u8 = 18;
/// A file that asks for more is refused.
const MOST_WORK: u8 = 20;
/// The fewest bytes of a passphrase for a file that anybody may copy and try at leisure.
const SHORTEST_PASSPHRASE: usize = 12;
/// The most bytes of a file with a key.
const LONGEST_FILE: usize = 64 << 10;

/// What opens a vault. It is wiped when it is dropped, and never printed.
pub struct VaultKey(Kind);

enum Kind {
    Passphrase { text: SecretString, work: u8 },
    Identity(Box<x25519::Identity>),
}

impl VaultKey {
    /// A passphrase.
    ///
    /// # Errors
    ///
    /// A sentence where it is too short or no text.
    pub fn passphrase(passphrase: &Secret) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(passphrase.expose()).map_err(|_| "a passphrase is UTF-8")?;
        if text.len() < SHORTEST_PASSPHRASE {
            return Err("a passphrase has at least 12 bytes, since whoever copies the file can try many");
        }
        Ok(Self(Kind::Passphrase { text: SecretString::from(text.to_owned()), work: WORK }))
    }

    /// A passphrase that is the one line of a file, which nobody else can read or write.
    ///
    /// # Errors
    ///
    /// [`VaultError`] where others could, or there is none.
    pub fn passphrase_file(path: &Path) -> Result<Self, VaultError> {
        let passphrase = value::read_value(trusted::open(path, Privacy::Secret)?)?;
        Self::passphrase(&passphrase).map_err(|why| VaultError::NoKey { path: path.to_owned(), why })
    }

    /// A key from a file, as [`generate_key`] and `age-keygen` write it, which nobody else can read or
    /// write.
    ///
    /// # Errors
    ///
    /// [`VaultError`] where others could, or it has none or several.
    pub fn read(path: &Path) -> Result<Self, VaultError> {
        let io = |error| VaultError::Io { path: path.to_owned(), error };
        let no_key = |why| VaultError::NoKey { path: path.to_owned(), why };
        let bytes = value::read(trusted::open(path, Privacy::Secret)?, LONGEST_FILE).map_err(io)?;
        let bytes = bytes.ok_or_else(|| no_key("it is too long for a key"))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| no_key("it holds no key of age"))?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Err(no_key("it holds no key of age, or several"));
        };
        let identity: x25519::Identity = line.parse().map_err(|_| no_key("it holds no X25519 key of age"))?;
        Ok(Self(Kind::Identity(Box::new(identity))))
    }

    /// Encrypts.
    pub(super) fn seal(&self, plain: &[u8]) -> io::Result<Vec<u8>> {
        let encryptor = match &self.0 {
            Kind::Passphrase { text, work } => {
                let mut recipient = scrypt::Recipient::new(text.clone());
                recipient.set_work_factor(*work);
                Encryptor::with_recipients(std::iter::once(&recipient as _))
            }
            Kind::Identity(identity) => {
                Encryptor::with_recipients(std::iter::once(&identity.to_public() as _))
            }
        };
        let mut sealed = Vec::new();
        let mut writer = encryptor.map_err(io::Error::other)?.wrap_output(&mut sealed)?;
        writer.write_all(plain)?;
        writer.finish()?;
        Ok(sealed)
    }

    /// Decrypts.
    pub(super) fn open(&self, sealed: &[u8], path: &Path) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let damaged = |why| VaultError::Damaged { path: path.to_owned(), why };
        let failed = |error| match error {
            DecryptError::NoMatchingKeys
            | DecryptError::DecryptionFailed
            | DecryptError::KeyDecryptionFailed => VaultError::WrongKey { path: path.to_owned() },
            DecryptError::ExcessiveWork { .. } => damaged("it asks for too much work"),
            DecryptError::UnknownFormat => damaged("it is of a later version of age"),
            _ => damaged("its header cannot be read"),
        };
        let decryptor = Decryptor::new_buffered(sealed).map_err(failed)?;
        let reader = match &self.0 {
            Kind::Passphrase { text, .. } => {
                let mut identity = scrypt::Identity::new(text.clone());
                identity.set_max_work_factor(MOST_WORK);
                decryptor.decrypt(std::iter::once(&identity as _))
            }
            Kind::Identity(identity) => decryptor.decrypt(std::iter::once(identity.as_ref() as _)),
        };
        // What is encrypted is longer than what is inside.
        let plain = value::read(reader.map_err(failed)?, sealed.len());
        plain.ok().flatten().ok_or_else(|| damaged("it was changed or cut"))
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Passphrase { .. } => "VaultKey(passphrase)",
            Kind::Identity(_) => "VaultKey(identity)",
        })
    }
}

/// Makes a key in a new file with mode 0600, and gives its public half.
///
/// # Errors
///
/// [`VaultError::Io`] where it cannot be written, or there is such a file.
pub fn generate_key(path: &Path) -> Result<String, VaultError> {
    let failed = |error| VaultError::Io { path: path.to_owned(), error };
    let identity = x25519::Identity::generate();
    let public = identity.to_public().to_string();
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let text = Zeroizing::new(format!("# public key: {public}\n{}\n", identity.to_string().expose_secret()));
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(public)
}
