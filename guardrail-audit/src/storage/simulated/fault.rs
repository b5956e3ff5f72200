//! What can go wrong on the simulated disk, and what was asked of it.

use std::io;

use rustix::io::Errno;

/// Something that goes wrong at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// `EIO`. Where the call was a sync of a file, pages that were not synced before may be lost for
    /// good although they can still be read, and every other open file of the same name hears of it
    /// once; later syncs say yes. Where it was a sync of names, the journal breaks as with
    /// [`Journal`](Self::Journal).
    Io,
    /// `ENOSPC`, with nothing done.
    Full,
    /// `EROFS`, at this call and at every later one that changes something.
    ReadOnly,
    /// `EINTR`, with nothing done.
    Interrupted,
    /// Only some of the bytes are read or written, and nothing is said about it.
    Short,
    /// A sync fails with `EIO` as the journal breaks: the new size of the file is lost, later
    /// syncs say yes although nothing grows on the disk, and every other change fails with
    /// `EROFS`. At another call, the journal breaks on the way and the call fails.
    Journal,
    /// As [`Journal`](Self::Journal), but the sync at which it happens says yes, as ext4 does where
    /// another file's sync hit the error first. At another call than a sync nothing happens.
    Lie,
    /// A sync of a file fails as with [`Io`](Self::Io), and every call goes through otherwise; then the
    /// process stands still until no other one that takes turns can go on. So others come between a
    /// failed sync and what its process makes of it.
    Stall,
    /// The process is killed before the call. What it wrote is still read by others.
    Kill,
    /// The process is killed after the call, before it hears of it.
    KillAfter,
    /// The power fails before the call.
    Power,
    /// The power fails after the call, before anybody hears of it.
    PowerAfter,
}

impl Fault {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Io,
        Self::Full,
        Self::ReadOnly,
        Self::Interrupted,
        Self::Short,
        Self::Journal,
        Self::Lie,
        Self::Stall,
        Self::Kill,
        Self::KillAfter,
        Self::Power,
        Self::PowerAfter,
    ];
}

/// What a process asks of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the operations are those of the two traits")]
pub enum Operation {
    Create,
    Open,
    Rename,
    Remove,
    List,
    SyncNames,
    Lock,
    Append,
    WriteAgain,
    IsOnDisk,
    Enter,
    ReadShared,
    WriteShared,
    ReadAt,
    Size,
    Sync,
    Probe,
    Reserve,
}

impl Operation {
    /// Whether it changes something, so that a file system that is read-only refuses it.
    pub(super) const fn changes(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::Rename
                | Self::Remove
                | Self::Append
                | Self::WriteAgain
                | Self::WriteShared
                | Self::Probe
                | Self::Reserve
        )
    }
}

/// One call that was made, for a person who looks at a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The process.
    pub process: u64,
    /// What it asked.
    pub operation: Operation,
    /// The file it was about; empty where it was about all.
    pub name: String,
    /// The fault that struck it.
    pub fault: Option<Fault>,
}

/// What the operating system would say.
pub(super) fn says(error: Errno) -> io::Error {
    io::Error::from_raw_os_error(error.raw_os_error())
}

/// What a process hears that no longer exists. No code, since nobody hears it on a real machine.
pub(super) fn gone() -> io::Error {
    io::Error::other("the simulated process was killed, or its machine has no power")
}
