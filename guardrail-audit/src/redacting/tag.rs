//! Tags by which equal secrets are seen to be equal without being known.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// The key of a log's tags. It is random and kept beside the log, readable by its owner alone, and
/// never in it: whoever has the log and not the key cannot try out what the secrets were.
///
/// Where the key is lost, later tags differ from earlier ones, and nothing else happens. Where it
/// is removed on purpose, nobody can try out secrets any more.
#[derive(Clone)]
pub struct TagKey {
    mac: Hmac<Sha256>,
}

/// Bytes of a key in its file.
const LENGTH: usize = 32;

impl TagKey {
    /// A key from the operating system's random numbers, for as long as the process lives.
    ///
    /// # Errors
    ///
    /// Where the operating system has no random numbers.
    pub fn random() -> io::Result<Self> {
        let mut key = [0; LENGTH];
        fill(&mut key)?;
        Self::of(&key)
    }

    /// The key in a file. Where there is none, one is made: readable by its owner alone, and
    /// durable when this returns. Of several processes that start at once, all get the same key.
    ///
    /// # Errors
    ///
    /// As the operating system says; also where the file is a symbolic link, is open to others, or
    /// does not hold 32 bytes.
    pub fn open_or_create(path: &Path) -> io::Result<Self> {
        match Self::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        let mut key = [0; LENGTH];
        fill(&mut key)?;
        // Linked to its name when it is whole, so that nobody reads half of it.
        let mut other = [0; 8];
        fill(&mut other)?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{:016x}.new", u64::from_ne_bytes(other)));
        let fresh = path.with_file_name(name);
        let written = write_new(&fresh, &key).and_then(|()| match std::fs::hard_link(&fresh, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        });
        let removed = std::fs::remove_file(&fresh);
        written.and(removed)?;
        if let Some(directory) = path.parent() {
            let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
            File::open(directory)?.sync_all()?;
        }
        Self::open(path)
    }

    fn open(path: &Path) -> io::Result<Self> {
        let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(no_follow).open(path)?;
        if file.metadata()?.mode() & 0o077 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{} is open to others than its owner: chmod it to 600", path.display()),
            ));
        }
        let mut key = Vec::new();
        file.take(LENGTH as u64 + 1).read_to_end(&mut key)?;
        if key.len() != LENGTH {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} does not hold a key of {LENGTH} bytes", path.display()),
            ));
        }
        Self::of(&key)
    }

    fn of(key: &[u8]) -> io::Result<Self> {
        let mac = Hmac::new_from_slice(key).map_err(io::Error::other)?;
        Ok(Self { mac })
    }

    /// The tag of a secret: the first 32 bits of its HMAC-SHA-256.
    pub(super) fn tag(&self, secret: &[u8]) -> u32 {
        let mac: [u8; 32] = self.mac.clone().chain_update(secret).finalize().into_bytes().into();
        mac.iter().take(4).fold(0, |tag, &byte| tag << 8 | u32::from(byte))
    }
}

impl fmt::Debug for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagKey")
    }
}

fn fill(key: &mut [u8]) -> io::Result<()> {
    getrandom::fill(key).map_err(io::Error::other)
}

fn write_new(path: &Path, key: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(key)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_stays_and_differs_from_others() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tag.key");
        let first = TagKey::open_or_create(&path).unwrap();
        let again = TagKey::open_or_create(&path).unwrap();
        assert_eq!(first.tag(b"hunter2"), again.tag(b"hunter2"));
        assert_ne!(first.tag(b"hunter2"), first.tag(b"hunter3"));
        assert_ne!(first.tag(b"hunter2"), TagKey::random().unwrap().tag(b"hunter2"));
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tag.key");
        TagKey::open_or_create(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(TagKey::open_or_create(&path).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        let short = directory.path().join("short.key");
        write_new(&short, b"abc").unwrap();
        assert_eq!(TagKey::open_or_create(&short).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let link = directory.path().join("link.key");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(TagKey::open_or_create(&link).is_err());
    }

    #[test]
    fn all_who_start_at_once_have_the_same_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tag.key");
        let tags: Vec<u32> = std::thread::scope(|scope| {
            let open = || TagKey::open_or_create(&path).unwrap().tag(b"x");
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(tags.iter().all(|tag| Some(tag) == tags.first()), "{tags:?}");
    }
}
