//! The disk itself: files of one directory that its owner alone can read, opened without following
//! links.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags};

use super::{Presence, Storage, StorageFile};

/// File systems whose locks and syncs depend on another machine or program: the number that
/// `statfs` gives, and a name.
#[cfg(target_os = "linux")]
const NETWORKS: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x564c, "NCP"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x7461_636f, "OCFS2"),
    (0x0116_1970, "GFS2"),
    (0x786f_4256, "VirtualBox"),
];

const LOCK: &str = "lock";
const PRESENCE: &str = "presence";
const OURS: Mode = Mode::RUSR.union(Mode::WUSR);
const PLAIN: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// A directory on a local disk.
///
/// The directory has the mode 0700 and every file in it 0600; what others could write to, what
/// belongs to somebody else, and what is no plain file is refused.
pub struct RealStorage {
    directory: File,
    lock: Arc<File>,
}

impl RealStorage {
    /// Opens a directory, and makes it first where it is not there. Its parents must be there.
    ///
    /// # Errors
    ///
    /// Where the directory or its lock file cannot be made or opened, others than its owner may
    /// enter it, it is a symbolic link, or it lies on a network file system or on FUSE.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let storage = Self::open_anywhere(path)?;
        #[cfg(target_os = "linux")]
        {
            // The number has 32 bits; where the type is wider, it may come with its sign extended.
            refuse_network(rustix::fs::fstatfs(&storage.directory)?.f_type as u32)?;
        }
        Ok(storage)
    }

    /// As [`open`](Self::open), on any file system. Whoever uses this answers for it that its locks
    /// hold between all processes, and that a sync that says yes has written.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), but for the file system.
    pub fn open_anywhere(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        match rustix::fs::mkdirat(CWD, path, Mode::RWXU) {
            Ok(()) => {
                // The name must be there for as long as what is in it.
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let parent = File::open(parent.unwrap_or(Path::new(".")))?;
                parent.sync_all()?;
            }
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = File::from(rustix::fs::openat(CWD, path, flags, Mode::empty())?);
        let metadata = directory.metadata()?;
        ours(metadata.uid(), metadata.mode(), "the directory")?;
        let lock = own_file(&directory, LOCK)?;
        Ok(Self { directory, lock: Arc::new(lock) })
    }

    fn open_with(&self, name: &str, flags: OFlags) -> io::Result<File> {
        checked(rustix::fs::openat(&self.directory, plain(name)?, flags | PLAIN, OURS)?.into(), name)
    }
}

impl Storage for RealStorage {
    fn create(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL;
        Ok(Box::new(RealFile { file: self.open_with(name, flags)? }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        Ok(Box::new(RealFile { file: self.open_with(name, OFlags::RDWR | OFlags::APPEND)? }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (plain(from)?, plain(to)?);
        // A link fails where the name is taken, on every file system that has links.
        rustix::fs::linkat(&self.directory, from, &self.directory, to, AtFlags::empty())?;
        match rustix::fs::unlinkat(&self.directory, from, AtFlags::empty()) {
            // In a directory that is append-only by attribute the old name stays.
            Err(rustix::io::Errno::PERM) => Ok(()),
            other => Ok(other?),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.directory, plain(name)?, AtFlags::empty())?)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.directory)? {
            let entry = entry?;
            // Names that are not text are nobody's here.
            if let Ok(name) = entry.file_name().to_str()
                && !matches!(name, "." | ".." | LOCK | PRESENCE)
            {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.directory)?)
    }

    fn write_again(&self, name: &str, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.open_with(name, OFlags::WRONLY)?.write_all_at(bytes, offset)
    }

    #[cfg(target_os = "linux")]
    fn is_on_disk(&self, name: &str, bytes: &[u8], offset: u64) -> io::Result<bool> {
        use rustix::fs::{Advice, fadvise};
        // A direct read needs whole blocks, at a place in memory that is a multiple of their size.
        const BLOCK: usize = 4_096;
        // Some file systems answer from memory all the same. What is clean is forgotten before.
        let file = self.open_with(name, OFlags::RDONLY)?;
        file.sync_data()?;
        fadvise(&file, 0, None, Advice::DontNeed)?;
        let file = self.open_with(name, OFlags::RDONLY | OFlags::DIRECT)?;
        let before = usize::try_from(offset % BLOCK as u64).unwrap_or_default();
        let start = offset - before as u64;
        let wanted = (before + bytes.len()).next_multiple_of(BLOCK);
        let mut buffer = vec![0; wanted + BLOCK];
        let shift = buffer.as_ptr().align_offset(BLOCK);
        let room = buffer.get_mut(shift..shift.saturating_add(wanted)).unwrap_or_default();
        let mut filled = 0;
        // It ends with the file, and goes on at whole blocks alone.
        while filled < room.len() && filled % BLOCK == 0 {
            match file.read_at(room.get_mut(filled..).unwrap_or_default(), start + filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(room.get(before..before + bytes.len()).is_some_and(|found| found == bytes)
            && filled >= before + bytes.len())
    }

    #[cfg(not(target_os = "linux"))]
    fn is_on_disk(&self, _: &str, _: &[u8], _: u64) -> io::Result<bool> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "memory cannot be passed by on this system"))
    }

    fn lock(&self) -> io::Result<Box<dyn Send>> {
        loop {
            match self.lock.lock() {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let held = Held(Arc::clone(&self.lock));
        if rustix::fs::fstat(&*held.0)?.st_nlink == 0 {
            // Whoever opens the log now locks another file.
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the lock file was removed while the log was open: close it everywhere and open it again",
            ));
        }
        Ok(Box::new(held))
    }

    fn enter(&self, exclusive: bool) -> io::Result<Presence> {
        let busy = || {
            let why =
                "the log is open elsewhere, and one of the two wants it for itself: close the other first";
            io::Error::new(io::ErrorKind::WouldBlock, why)
        };
        let taken = |result: Result<(), TryLockError>| match result {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        };
        let file = own_file(&self.directory, PRESENCE)?;
        let alone = taken(file.try_lock())?;
        // Nobody else tries meanwhile, since the lock is held.
        if exclusive && !alone || !exclusive && !taken(file.try_lock_shared())? {
            return Err(busy());
        }
        Ok(Presence { alone, guard: Box::new(Held(Arc::new(file))) })
    }

    fn read_shared(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.lock.read_at(buffer, offset)
    }

    fn write_shared(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.lock.write_all_at(bytes, offset)
    }

    fn boot(&self) -> Option<u128> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(uuid::Uuid::parse_str(text.trim()).ok()?.as_u128())
    }
}

/// Refuses the file systems of [`NETWORKS`], by the number that `statfs` gives.
#[cfg(target_os = "linux")]
fn refuse_network(kind: u32) -> io::Result<()> {
    let Some((_, name)) = NETWORKS.iter().find(|(number, _)| *number == kind) else { return Ok(()) };
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        format!(
            "the directory lies on {name}, whose locks and syncs cannot be relied on: choose a local disk"
        ),
    ))
}

/// A lock, given back at once: a process that is just being started has the same descriptor until its program runs.
struct Held(Arc<File>);

impl Drop for Held {
    fn drop(&mut self) {
        // It fails on nothing that is a locked file.
        let _ = self.0.unlock();
    }
}

struct RealFile {
    file: File,
}

impl StorageFile for RealFile {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.file).write(bytes)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        // The cheapest way to ask. Nothing is read or written at the position that this moves.
        Ok(rustix::fs::seek(&self.file, rustix::fs::SeekFrom::End(0))?)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    #[cfg(target_os = "linux")]
    fn probe(&self) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, 1) {
            // Without a journal of this kind there is nothing to ask.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => self.touch(),
            other => Ok(other?),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn probe(&self) -> io::Result<()> {
        self.touch()
    }

    #[cfg(target_os = "linux")]
    fn reserve(&self, bytes: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, bytes) {
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
            other => Ok(other?),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn reserve(&self, _: u64) -> io::Result<()> {
        Ok(())
    }
}

impl RealFile {
    /// Gives the file the mode it has.
    fn touch(&self) -> io::Result<()> {
        match rustix::fs::fchmod(&self.file, OURS) {
            // A file that is append-only by attribute keeps its mode.
            Err(rustix::io::Errno::PERM) => Ok(()),
            other => Ok(other?),
        }
    }
}

/// Opens one of the files that locks are taken on, and makes it first where it is not there.
fn own_file(directory: &File, name: &str) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | PLAIN;
    checked(rustix::fs::openat(directory, name, flags, OURS)?.into(), name)
}

/// The file, if it is plain and its owner's alone.
fn checked(file: File, name: &str) -> io::Result<File> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name} is not a plain file")));
    }
    ours(metadata.uid(), metadata.mode(), name)?;
    Ok(file)
}

fn ours(owner: u32, mode: u32, what: &str) -> io::Result<()> {
    let refuse = |why: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if owner != rustix::process::geteuid().as_raw() {
        return refuse(format!("{what} belongs to user {owner}: a log is kept by one user alone"));
    }
    if mode & 0o077 != 0 {
        return refuse(format!(
            "{what} is open to others (mode {:o}): take their rights away",
            mode & 0o7777
        ));
    }
    Ok(())
}

fn plain(name: &str) -> io::Result<&OsStr> {
    if name.is_empty() || name.contains('/') || matches!(name, "." | ".." | LOCK | PRESENCE) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} is not a file name")));
    }
    Ok(OsStr::new(name))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::PathBuf;

    use super::*;

    /// A fresh place below the build's directory for temporary files.
    fn place(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("guardrail-storage-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn files_are_the_owners_alone() {
        let path = place("modes");
        let storage = RealStorage::open(&path).unwrap();
        let file = storage.create("a").unwrap();
        assert_eq!(file.append(b"one").unwrap(), 3);
        assert_eq!(storage.open("a").unwrap().append(b"two").unwrap(), 3);
        file.reserve(1 << 16).unwrap();
        file.sync().unwrap();
        file.probe().unwrap();
        assert_eq!(file.size().unwrap(), 6);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(&path), mode(&path.join("a")), mode(&path.join("lock"))), (0o700, 0o600, 0o600));
        assert!(storage.create("a").is_err());
        storage.write_again("a", b"two", 3).unwrap();
        #[cfg(target_os = "linux")]
        match storage.is_on_disk("a", b"netw", 1) {
            Ok(same) => {
                assert!(same && !storage.is_on_disk("a", b"nets", 1).unwrap());
                assert!(!storage.is_on_disk("a", b"two\0", 3).unwrap());
            }
            Err(error) => println!("SKIPPED: no direct reading here: {error}"),
        }
        let mut buffer = [0; 8];
        assert_eq!(file.read_at(&mut buffer, 0).unwrap(), 6);
        assert_eq!(&buffer[..6], b"onetwo");
        storage.create("b").unwrap();
        assert!(storage.rename("a", "b").is_err());
        storage.remove("b").unwrap();
        storage.rename("a", "b").unwrap();
        assert_eq!(storage.list().unwrap(), ["b"]);
        storage.sync_names().unwrap();
        std::fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn what_others_could_have_changed_is_refused() {
        let path = place("others");
        let storage = RealStorage::open(&path).unwrap();
        storage.create("a").unwrap();
        symlink("a", path.join("link")).unwrap();
        assert!(storage.open("link").is_err());
        assert!(storage.open("../a").is_err());
        assert!(storage.open("lock").is_err());
        std::fs::create_dir(path.join("directory")).unwrap();
        assert!(storage.open("directory").is_err());
        std::fs::set_permissions(path.join("a"), Permissions::from_mode(0o640)).unwrap();
        assert_eq!(storage.open("a").err().unwrap().kind(), io::ErrorKind::PermissionDenied);
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        assert_eq!(RealStorage::open(&path).err().unwrap().kind(), io::ErrorKind::PermissionDenied);
        std::fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        let link = place("others-link");
        let _ = std::fs::remove_file(&link);
        symlink(&path, &link).unwrap();
        assert!(RealStorage::open(&link).is_err());
        std::fs::remove_file(&link).unwrap();
        std::fs::remove_file(path.join("lock")).unwrap();
        symlink("a", path.join("lock")).unwrap();
        assert!(RealStorage::open(&path).is_err());
        std::fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn one_holds_the_lock_and_the_first_is_alone() {
        let path = place("locks");
        let (one, two) = (RealStorage::open(&path).unwrap(), RealStorage::open(&path).unwrap());
        let first = one.enter(false).unwrap();
        let second = two.enter(false).unwrap();
        assert_eq!((first.alone, second.alone), (true, false));
        let refused = |result: io::Result<Presence>| result.err().map(|error| error.kind());
        assert_eq!(refused(one.enter(true)), Some(io::ErrorKind::WouldBlock));
        drop((first, second));
        let only = two.enter(true).unwrap();
        assert!(only.alone);
        assert_eq!(refused(one.enter(false)), Some(io::ErrorKind::WouldBlock));
        drop(only);
        assert!(one.enter(false).unwrap().alone);

        let held = one.lock().unwrap();
        let probe = File::open(path.join("lock")).unwrap();
        assert!(matches!(probe.try_lock(), Err(TryLockError::WouldBlock)));
        drop(held);
        probe.try_lock().unwrap();
        probe.unlock().unwrap();

        let mut buffer = [0; 4];
        two.write_shared(b"abcd", 8).unwrap();
        assert_eq!(one.read_shared(&mut buffer, 8).unwrap(), 4);
        assert_eq!(&buffer, b"abcd");

        std::fs::remove_file(path.join("lock")).unwrap();
        assert!(one.lock().is_err());
        std::fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_lies_on_another_machine_is_refused() {
        let nfs = refuse_network(0x6969).unwrap_err();
        assert_eq!(nfs.kind(), io::ErrorKind::Unsupported);
        assert!(nfs.to_string().contains("NFS"), "{nfs}");
        // FUSE, SMB as `statfs` gives it where the number has its sign extended, and 9P.
        for kind in [0x6573_5546, 0xffff_ffff_ff53_4d42_u64 as u32, 0x0102_1997] {
            assert!(refuse_network(kind).is_err(), "{kind:x}");
        }
        // ext4, XFS, btrfs, tmpfs, overlayfs.
        for kind in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630] {
            refuse_network(kind).unwrap();
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_machine_has_a_number_for_its_start() {
        let path = place("boot");
        let storage = RealStorage::open(&path).unwrap();
        assert!(storage.boot().is_some());
        assert_eq!(storage.boot(), storage.boot());
        std::fs::remove_dir_all(&path).unwrap();
    }
}
