//! Where the verifier reads a log from.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The segments of a log, to be read.
pub trait Source: Sync {
    /// The segments that are there, as number and size in bytes, by their numbers.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn segments(&self) -> io::Result<Vec<(u32, u64)>>;

    /// Opens a segment.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn open(&self, segment: u32) -> io::Result<Box<dyn ReadAt + '_>>;

    /// The files with the checkpoints that were kept of pruned segments, as
    /// [`segments`](Self::segments) gives these.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn kept(&self) -> io::Result<Vec<(u32, u64)>> {
        Ok(Vec::new())
    }

    /// Opens the checkpoints that were kept of a segment.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn open_kept(&self, segment: u32) -> io::Result<Box<dyn ReadAt + '_>> {
        let _ = segment;
        Err(io::ErrorKind::NotFound.into())
    }

    /// Opens the hashes of all lines, 32 bytes each, where they are beside the log.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn leaves(&self) -> io::Result<Option<Box<dyn ReadAt + '_>>> {
        Ok(None)
    }
}

/// Bytes that are read at any place.
pub trait ReadAt {
    /// Reads at an offset, and says how many bytes there were: none at the end.
    ///
    /// # Errors
    ///
    /// As the operating system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

/// The directory of a log. It is only read, and may be written at the same time.
#[derive(Clone, Debug)]
pub struct Directory(PathBuf);

impl Directory {
    /// The directory at a path.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self(path.as_ref().to_owned())
    }
}

/// The number in a segment's name.
fn number(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".jsonl")?;
    let plain = digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten().filter(|&number| number > 0)
}

/// The files of a directory that have the names of segments.
fn numbered(directory: &Path) -> io::Result<Vec<(u32, u64)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().and_then(number) {
            found.push((number, entry.metadata()?.len()));
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32).open(path)
}

impl Source for Directory {
    fn segments(&self) -> io::Result<Vec<(u32, u64)>> {
        numbered(&self.0)
    }

    fn open(&self, segment: u32) -> io::Result<Box<dyn ReadAt + '_>> {
        Ok(Box::new(open(&self.0.join(format!("{segment:08}.jsonl")))?))
    }

    fn kept(&self) -> io::Result<Vec<(u32, u64)>> {
        match numbered(&self.0.join("checkpoints")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            kept => kept,
        }
    }

    fn open_kept(&self, segment: u32) -> io::Result<Box<dyn ReadAt + '_>> {
        Ok(Box::new(open(&self.0.join("checkpoints").join(format!("{segment:08}.jsonl")))?))
    }

    fn leaves(&self) -> io::Result<Option<Box<dyn ReadAt + '_>>> {
        match open(&self.0.join("tree").join("00")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => Ok(Some(Box::new(opened?))),
        }
    }
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }
}

/// Segments in memory, by their numbers.
impl Source for BTreeMap<u32, Vec<u8>> {
    fn segments(&self) -> io::Result<Vec<(u32, u64)>> {
        Ok(self.iter().map(|(number, bytes)| (*number, bytes.len() as u64)).collect())
    }

    fn open(&self, segment: u32) -> io::Result<Box<dyn ReadAt + '_>> {
        let bytes = self.get(&segment).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(bytes.as_slice()))
    }
}

impl ReadAt for &[u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }
}

/// Bytes from a place on.
pub(super) struct From<'f>(pub(super) &'f dyn ReadAt, pub(super) u64);

impl ReadAt for From<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, self.1.saturating_add(offset))
    }
}

/// Calls `each` with every line up to a place of a segment, and its offset, until it says stop. Gives
/// the offset behind the last whole line, and of how long a rest no end was found.
///
/// The buffer decides how much is read at once. A line that does not fit ends the reading.
pub(super) fn each_line(
    file: &dyn ReadAt,
    end: u64,
    buffer: &mut [u8],
    mut each: impl FnMut(u64, &[u8]) -> bool,
) -> io::Result<(u64, usize)> {
    let (mut base, mut filled) = (0_u64, 0_usize);
    loop {
        let wanted = usize::try_from(end.saturating_sub(base + filled as u64)).unwrap_or(usize::MAX);
        let room = buffer.get_mut(filled..).unwrap_or_default();
        let wanted = wanted.min(room.len());
        let read = match file.read_at(room.get_mut(..wanted).unwrap_or_default(), base + filled as u64) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?.min(wanted),
        };
        if read == 0 {
            return Ok((base, filled));
        }
        let known = filled;
        filled += read;
        let mut start = 0;
        for found in memchr::memchr_iter(b'\n', buffer.get(known..filled).unwrap_or_default()) {
            let line = buffer.get(start..known + found).unwrap_or_default();
            if !each(base + start as u64, line) {
                return Ok((base + start as u64, 0));
            }
            start = known + found + 1;
        }
        buffer.copy_within(start..filled, 0);
        base += start as u64;
        filled -= start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_whatever_the_buffer() {
        let text = b"a\nbb\n\nccc\ndd";
        for size in 4..20 {
            let mut found = Vec::new();
            let mut buffer = vec![0; size];
            let rest = each_line(&&text[..], 12, &mut buffer, |at, line| {
                found.push((at, line.to_vec()));
                true
            });
            let expected: Vec<(u64, Vec<u8>)> =
                vec![(0, b"a".into()), (2, b"bb".into()), (5, b"".into()), (6, b"ccc".into())];
            assert_eq!((rest.unwrap(), found), ((10, 2), expected), "{size}");
        }
    }

    #[test]
    fn other_names_are_no_segments() {
        assert_eq!(number("00000012.jsonl"), Some(12));
        for other in ["00000000.jsonl", "12.jsonl", "+0000012.jsonl", "00000012.jsonl.new", "lock"] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
