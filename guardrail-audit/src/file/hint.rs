//! What the processes of a log tell each other: which segment is the last, where its newest snapshot
//! is, and whether a sync failed.
//!
//! It is a hint in all but the poison: whatever it says of the segment is checked against the
//! directory as soon as it differs from what a process knows, and a snapshot counts only where a line
//! of the log has its digest.

use std::io;

use sha2::{Digest as _, Sha256};

use crate::storage::Storage;

/// `GA1` and a zero, the last segment's number, how many lines the newest snapshot covers, the boot: 32
/// bytes. Then the boot in which the log was poisoned. From 48 on: a segment, a check, and how many of its
/// bytes are durable. From 64 on: why it was poisoned, as text after its length.
const MARK: &[u8; 4] = b"GA1\0";
const SNAPSHOT: u64 = 8;
const POISON: u64 = 32;
const DURABLE: u64 = 48;
const WHY: u64 = 64;
const MOST: usize = 240;

/// The shared bytes of one log, seen from one process.
pub(crate) struct Shared {
    boot: [u8; 16],
}

/// What was read of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    /// The last segment, if it was written since the machine started.
    pub(crate) segment: Option<u32>,
    /// How many lines the newest snapshot covers, if any is known.
    pub(crate) snapshot: u64,
    /// A sync failed since the machine started, and the log was not recovered since.
    pub(crate) poisoned: bool,
    /// What [`Shared::durable`] reads.
    mark: Option<[u8; 16]>,
}

impl Shared {
    pub(crate) fn new(storage: &dyn Storage) -> Self {
        // A machine that does not say has one boot for ever; no boot is all zero.
        Self { boot: storage.boot().unwrap_or(u128::MAX).max(1).to_le_bytes() }
    }

    pub(crate) fn read(&self, storage: &dyn Storage) -> io::Result<Hint> {
        let mut bytes = [0; 64];
        storage.read_shared(&mut bytes, 0)?;
        let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
        let number =
            |from: usize| part(from, from + 4).try_into().map(u32::from_le_bytes).unwrap_or_default();
        let ours = part(0, 4) == MARK && part(16, 32) == self.boot;
        let snapshot = part(8, 16).try_into().map(u64::from_le_bytes).unwrap_or_default();
        let mark = part(48, 64).try_into().ok().filter(|_| ours);
        Ok(Hint { segment: ours.then(|| number(4)), snapshot, poisoned: part(32, 48) == self.boot, mark })
    }

    /// A segment, and how many of its bytes are certainly on the disk: written since the machine started,
    /// by who heard of every sync of it that failed.
    pub(crate) fn durable(&self, hint: &Hint) -> Option<(u32, u64)> {
        let mark = hint.mark?;
        let segment = u32::from_le_bytes(*mark.first_chunk()?);
        let end = u64::from_le_bytes(*mark.last_chunk()?);
        (mark == self.mark(segment, end)).then_some((segment, end))
    }

    /// Says how much of a segment is durable. Where this is lost or torn, less is known, and more is written
    /// again.
    pub(crate) fn set_durable(&self, storage: &dyn Storage, segment: u32, end: u64) -> io::Result<()> {
        storage.write_shared(&self.mark(segment, end), DURABLE)
    }

    /// The bytes of a mark. A reader may meet one that is half written, or of another boot.
    fn mark(&self, segment: u32, end: u64) -> [u8; 16] {
        let mut check = Sha256::new();
        check.update(segment.to_le_bytes());
        check.update(end.to_le_bytes());
        check.update(self.boot);
        let mut mark = [0; 16];
        let parts = segment.to_le_bytes().into_iter().chain(check.finalize().into_iter().take(4));
        mark.iter_mut().zip(parts.chain(end.to_le_bytes())).for_each(|(byte, part)| *byte = part);
        mark
    }

    /// Says which segment is the last.
    pub(crate) fn set(&self, storage: &dyn Storage, segment: u32) -> io::Result<()> {
        let mut snapshot = [0; 8];
        storage.read_shared(&mut snapshot, SNAPSHOT)?;
        let mut bytes = Vec::with_capacity(32);
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(&segment.to_le_bytes());
        bytes.extend_from_slice(&snapshot);
        bytes.extend_from_slice(&self.boot);
        storage.write_shared(&bytes, 0)
    }

    /// Says which snapshot is the newest.
    pub(crate) fn set_snapshot(&self, storage: &dyn Storage, size: u64) -> io::Result<()> {
        storage.write_shared(&size.to_le_bytes(), SNAPSHOT)
    }

    /// Lets every process know that nothing may be acknowledged any more.
    pub(crate) fn poison(&self, storage: &dyn Storage, why: &str) -> io::Result<()> {
        let text = why.as_bytes().get(..why.len().min(MOST)).unwrap_or_default();
        let mut bytes = vec![u8::try_from(text.len()).unwrap_or_default()];
        bytes.extend_from_slice(text);
        storage.write_shared(&bytes, WHY)?;
        storage.write_shared(&self.boot, POISON)
    }

    /// Why it is poisoned.
    pub(crate) fn why(&self, storage: &dyn Storage) -> String {
        let mut bytes = [0; MOST + 1];
        let read = storage.read_shared(&mut bytes, WHY).unwrap_or_default();
        let length = usize::from(bytes.first().copied().unwrap_or_default());
        let text = bytes.get(1..read.min(length + 1)).unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }

    /// Takes the poison away, once the log was recovered.
    pub(crate) fn cure(&self, storage: &dyn Storage) -> io::Result<()> {
        storage.write_shared(&[0; 16], POISON)
    }
}
