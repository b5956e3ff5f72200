//! The bytes behind the last good line, and the traces that a disk leaves in them.

use std::io;

use crate::line::MAX_LINE;
use crate::storage::StorageFile;

/// Whether these bytes end with zeros somewhere where a block of the file ends, or the file. The disk
/// has all of a block or what it had before, so what it lost reads as zeros to the end of a block.
pub(super) fn has_lost_block(bytes: &[u8], offset: u64, block: u64, at_end: bool) -> bool {
    let ends =
        |at: usize| at_end && at + 1 == bytes.len() || (offset + at as u64 + 1).checked_rem(block) == Some(0);
    bytes.iter().enumerate().any(|(at, &byte)| byte == 0 && ends(at))
}

/// The bytes from an offset to the end of a file, by lines, whatever they are. What is longer than
/// a line can be comes in pieces.
pub(super) struct Tail<'f> {
    file: &'f dyn StorageFile,
    offset: u64,
    size: u64,
    buffer: Vec<u8>,
}

impl<'f> Tail<'f> {
    pub(super) fn new(file: &'f dyn StorageFile, offset: u64, size: u64) -> Self {
        Self { file, offset, size, buffer: Vec::new() }
    }

    /// The next piece, where it begins, and whether it is a whole line.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, &[u8], bool)>> {
        let offset = self.offset;
        let length = usize::try_from(self.size - offset).unwrap_or(usize::MAX).min(MAX_LINE + 1);
        self.buffer.resize(length, 0);
        let read = self.file.read_at(&mut self.buffer, offset)?;
        self.buffer.truncate(read);
        if read == 0 {
            return Ok(None);
        }
        let end = memchr::memchr(b'\n', &self.buffer);
        self.offset += end.map_or(read, |end| end + 1) as u64;
        let line = self.buffer.get(..end.unwrap_or(read)).unwrap_or_default();
        Ok(Some((offset, line, end.is_some())))
    }
}
