//! The file system below the log, as a trait: the real one, and one that breaks on purpose.
//!
//! The log is written against these few operations alone, so that a simulated disk can drop,
//! reorder and tear writes, fail any call, and lie.

#[cfg(any(test, feature = "simulation"))]
pub mod simulated;

use std::io;

/// A directory that holds the files of one log. Names are plain file names, without a slash.
///
/// Errors keep their operating system error code, since a full disk is handled differently from a
/// broken one.
pub trait Storage: Send + Sync + 'static {
    /// Creates a file that can only be appended to, readable by its owner alone. Fails if the
    /// name exists.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn create(&self, name: &str) -> io::Result<Box<dyn StorageFile>>;

    /// Opens a file, for appending too. A symbolic link is not followed.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn open(&self, name: &str) -> io::Result<Box<dyn StorageFile>>;

    /// Gives a file another name, which must be free.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The names of all files, sorted.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes created, renamed and removed names durable.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn sync_names(&self) -> io::Result<()>;

    /// Waits until no other process or opened log holds the lock, and takes it. It ends with the guard.
    ///
    /// # Errors
    ///
    /// As the operating system says; also where the file system is a network's, whose locks are
    /// not to be relied on.
    fn lock(&self) -> io::Result<Box<dyn Send>>;
}

/// An open file of a log.
pub trait StorageFile: Send + Sync {
    /// Appends bytes, and says how many were taken, as `write(2)` does on a file opened to append.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn append(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Reads at an offset, and says how many bytes there were.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Its size in bytes.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn size(&self) -> io::Result<u64>;

    /// Makes what was written durable.
    ///
    /// # Errors
    ///
    /// As the operating system says. It is never called again after it failed.
    fn sync(&self) -> io::Result<()>;

    /// Asks the file system to change something small about the file, which it refuses once its
    /// journal is broken, although syncs may still say that all is well.
    ///
    /// # Errors
    ///
    /// Where the file system has stopped to accept changes.
    fn probe(&self) -> io::Result<()>;

    /// Reserves room on the disk for so many bytes from the start of the file, without changing its size.
    ///
    /// # Errors
    ///
    /// Where the disk is full. A file system that cannot reserve says yes.
    fn reserve(&self, bytes: u64) -> io::Result<()>;
}
