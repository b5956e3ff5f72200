//! The file system below the log, as a trait: the real one, and one that breaks on purpose.
//!
//! The log is written against these few operations alone, so that a simulated disk can drop,
//! reorder and tear writes, fail any call, and lie.

#[cfg(unix)]
mod real;
#[cfg(any(test, feature = "simulation"))]
pub mod simulated;

use std::io;

#[cfg(unix)]
pub use real::RealStorage;

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

    /// Writes bytes that a file already shows once more in their place, so that the next sync covers
    /// them. After a sync has failed, what is read may come from memory alone, and another sync would
    /// say yes without writing it.
    ///
    /// # Errors
    ///
    /// As the operating system says; [`PermissionDenied`](io::ErrorKind::PermissionDenied) where the file is
    /// append-only by attribute.
    fn write_again(&self, name: &str, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Whether the disk has these bytes of a file there, by reading past the system's memory. What was
    /// written and not synced is written for that.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or memory cannot be passed by.
    fn is_on_disk(&self, name: &str, bytes: &[u8], offset: u64) -> io::Result<bool>;

    /// Waits until no other opened log holds the lock, in this process or another one, and takes it.
    /// It ends with the guard, and with the process. It is taken once at a time by one opened log.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn lock(&self) -> io::Result<Box<dyn Send>>;

    /// Counts this opened log among those that are there, until the guard ends. Called once, while
    /// the lock is held. With `exclusive` nobody else may be there, nor come before the guard ends.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) where another one is there and either is exclusive;
    /// else as the operating system says.
    fn enter(&self, exclusive: bool) -> io::Result<Presence>;

    /// Reads the few bytes (at most 4 KiB) that all opened logs share. They need not survive the
    /// machine, nor be what any log wrote: a reader takes them as a hint. Bytes that nobody wrote
    /// are not there or zero.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn read_shared(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes some of the shared bytes, seen by every other opened log at once.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn write_shared(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// A number that is another one after each start of the machine; `None` where it has none.
    fn boot(&self) -> Option<u128>;
}

/// That an opened log is there.
pub struct Presence {
    /// No other opened log was there.
    pub alone: bool,
    /// Until this ends, others that enter are not alone.
    pub guard: Box<dyn Send + Sync>,
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
