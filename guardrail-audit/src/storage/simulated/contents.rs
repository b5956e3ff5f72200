//! The bytes of one simulated file: what processes see, and what a power cut leaves.

use std::collections::BTreeMap;

use super::random::Random;

/// What a disk writes as one: a power cut tears between sectors and never inside one.
const SECTOR: usize = 512;

/// What a file system gives room by.
const BLOCK: u64 = PAGE as u64;

/// What the system holds in memory, and loses, as one.
const PAGE: usize = 4096;

/// One file's bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    /// What every process reads.
    seen: Vec<u8>,
    /// What is on the disk for certain.
    kept: Vec<u8>,
    /// What was written and not synced, in order.
    pending: Vec<Pending>,
    /// Room that was asked for, in bytes from the start.
    reserved: u64,
    /// Failed syncs so far. Each open file hears of each once, as on Linux.
    pub(super) failures: u64,
}

/// A write that no sync followed.
#[derive(Clone, Debug)]
struct Pending {
    at: usize,
    bytes: Vec<u8>,
    /// The file's size after it.
    size: usize,
}

impl Contents {
    /// What a power cut left.
    fn of(kept: Vec<u8>, reserved: u64) -> Self {
        Self { seen: kept.clone(), kept, reserved, ..Self::default() }
    }

    pub(super) const fn size(&self) -> usize {
        self.seen.len()
    }

    pub(super) fn seen(&self) -> &[u8] {
        &self.seen
    }

    /// The room it takes, in bytes.
    pub(super) fn room(&self) -> u64 {
        (self.seen.len() as u64).next_multiple_of(BLOCK).max(self.reserved)
    }

    pub(super) fn reserve(&mut self, bytes: u64) {
        self.reserved = self.reserved.max(bytes.next_multiple_of(BLOCK));
    }

    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        place(&mut self.seen, at, bytes);
        // Where something of the page was lost before, it is written now with the rest of its page.
        let from = if self.failures > 0 { at / PAGE * PAGE } else { at };
        let bytes = self.seen.get(from..at + bytes.len()).unwrap_or_default().to_vec();
        self.pending.push(Pending { at: from, bytes, size: self.seen.len() });
    }

    /// Whether the disk has these bytes, once what is pending was written.
    pub(super) fn is_on_disk(&self, at: usize, bytes: &[u8]) -> bool {
        let mut there = self.kept.clone();
        self.pending.iter().for_each(|pending| pending.place(&mut there));
        there.get(at..at.saturating_add(bytes.len())) == Some(bytes)
    }

    /// All that was written is on the disk.
    pub(super) fn sync(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            pending.place(&mut self.kept);
        }
    }

    /// A sync that failed. The system takes its pages for clean whatever became of them: each is on
    /// the disk, or what was written to it is lost for good although every process still reads it.
    pub(super) fn fail_sync(&mut self, random: &mut Random) {
        self.failures += 1;
        let manner = random.below(3);
        let mut lost = BTreeMap::new();
        for pending in std::mem::take(&mut self.pending) {
            let end = pending.at + pending.bytes.len();
            for page in pending.at / PAGE..end.div_ceil(PAGE) {
                let keeps =
                    *lost.entry(page).or_insert_with(|| manner == 0 || manner == 1 && random.once_in(2));
                let (from, to) = ((page * PAGE).max(pending.at), ((page + 1) * PAGE).min(end));
                if keeps && let Some(bytes) = pending.bytes.get(from - pending.at..to - pending.at) {
                    place(&mut self.kept, from, bytes);
                }
            }
        }
    }

    /// A sync after the journal broke: blocks are written, a new size is not.
    pub(super) fn sync_without_size(&mut self) {
        let size = self.kept.len();
        for pending in std::mem::take(&mut self.pending) {
            pending.place(&mut self.kept);
        }
        self.kept.resize(size, 0);
    }

    /// What a power cut leaves: the synced bytes, and of the others what chance wants.
    pub(super) fn after_crash(&self, random: &mut Random) -> Self {
        let mut left = self.kept.clone();
        if self.pending.is_empty() {
            return Self::of(left, self.reserved);
        }
        match random.below(5) {
            // Nothing, or everything.
            0 => {}
            1 => self.pending.iter().for_each(|pending| pending.place(&mut left)),
            // So many writes, the last of them torn.
            2 | 3 => {
                let whole = random.below(self.pending.len() + 1);
                for pending in self.pending.iter().take(whole) {
                    pending.place(&mut left);
                }
                if let Some(torn) = self.pending.get(whole).filter(|_| random.once_in(2)) {
                    let sectors = torn.bytes.len() / SECTOR + 1;
                    let end = (torn.at / SECTOR + random.below(sectors + 1)) * SECTOR;
                    let taken = end.saturating_sub(torn.at).min(torn.bytes.len());
                    place(&mut left, torn.at, torn.bytes.get(..taken).unwrap_or_default());
                }
            }
            // Each sector as it was before or after any of its writes, in a file of any size that
            // the writes gave it; NUL where a sector never came.
            _ => self.scatter(&mut left, random),
        }
        Self::of(left, self.reserved)
    }

    fn scatter(&self, left: &mut Vec<u8>, random: &mut Random) {
        let mut sizes: Vec<usize> = self.pending.iter().map(|pending| pending.size).collect();
        sizes.push(left.len());
        let longest = sizes.iter().copied().max().unwrap_or_default();
        let shortest = sizes.iter().copied().min().unwrap_or_default();
        sizes.extend((shortest.div_ceil(SECTOR)..=longest / SECTOR).map(|sector| sector * SECTOR));
        let size = random.pick(&sizes).unwrap_or_default();
        for start in (0..longest).step_by(SECTOR) {
            let touching: Vec<&Pending> =
                self.pending.iter().filter(|pending| pending.touches(start)).collect();
            let applied = random.below(touching.len() + 1);
            for pending in touching.into_iter().take(applied) {
                let from = start.max(pending.at);
                let to = (start + SECTOR).min(pending.at + pending.bytes.len());
                let bytes = pending.bytes.get(from - pending.at..to - pending.at);
                place(left, from, bytes.unwrap_or_default());
            }
        }
        left.resize(size, 0);
    }
}

impl Pending {
    fn place(&self, into: &mut Vec<u8>) {
        place(into, self.at, &self.bytes);
    }

    const fn touches(&self, sector: usize) -> bool {
        self.at < sector + SECTOR && sector < self.at + self.bytes.len()
    }
}

/// Puts bytes where they belong. What lies between is NUL.
fn place(into: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if into.len() < end && !bytes.is_empty() {
        into.resize(end, 0);
    }
    if let Some(range) = into.get_mut(at..end) {
        range.copy_from_slice(bytes);
    }
}
