//! The files of a log, read without opening it: nothing is locked or recovered, and
//! no segment is written.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use guardrail_core::record::{Kind, Timestamp};
use serde::Deserialize;
use uuid::Uuid;

use super::LineSource;
use crate::hash::Hash;
use crate::line::{self, MAX_LINE, Prefix};
use crate::store::{Lines, StoreError};

/// The files of a log, for reading alone, also while others append to it.
///
/// Each call looks at the directory anew. What a segment's successor does not count, and an
/// unfinished line at the end, are not read.
#[derive(Clone, Debug)]
pub struct LogFiles {
    directory: PathBuf,
}

/// A segment, and how much of it counts.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    /// Its number.
    pub(crate) number: u32,
    /// Its file.
    pub(crate) path: PathBuf,
    /// The number of its first line.
    pub(crate) first: u64,
    /// Its bytes that count; `None` for the last one, where every line does.
    pub(crate) good: Option<u64>,
    time: Timestamp,
}

/// What the first line of a segment says.
#[derive(Deserialize)]
struct Header {
    details: Details,
}

#[derive(Deserialize)]
struct Details {
    log_id: Uuid,
    origin: String,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    previous: Option<Previous>,
}

#[derive(Deserialize)]
struct Previous {
    segment: u32,
    good_bytes: u64,
}

/// Who a log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its id.
    pub log: Uuid,
    /// The name it was created with.
    pub origin: String,
    /// Its public key, where its checkpoints are signed.
    pub key: Option<String>,
}

impl LogFiles {
    /// The log in a directory.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] where it holds none.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let files = Self { directory: directory.to_owned() };
        if files.segments()?.is_empty() {
            return Err(unavailable(directory, &io::Error::new(io::ErrorKind::NotFound, "there is no log")));
        }
        Ok(files)
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Who the log is, as its oldest segment says.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] and [`StoreError::Damaged`].
    pub fn identity(&self) -> Result<Identity, StoreError> {
        let segments = self.segments()?;
        let Some(first) = segments.first() else {
            return Err(unavailable(&self.directory, &io::ErrorKind::NotFound.into()));
        };
        let (line, header) = read_header(&first.path)?;
        let kind = line::read(&line).map(|prefix| Kind::from_word(prefix.kind));
        if !matches!(kind, Some(Kind::Genesis | Kind::Segment)) {
            return Err(StoreError::Damaged(format!(
                "{}: its first line is no header",
                first.path.display()
            )));
        }
        let Details { log_id, origin, key, .. } = header;
        Ok(Identity { log: log_id, origin, key })
    }

    /// The public keys that the headers of the segments name, each with the first segment that does.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] and [`StoreError::Damaged`].
    pub fn keys(&self) -> Result<Vec<(u32, String)>, StoreError> {
        let mut keys: Vec<(u32, String)> = Vec::new();
        for segment in self.segments()? {
            let key = read_header(&segment.path)?.1.key;
            keys.extend(
                key.filter(|key| keys.last().is_none_or(|(_, last)| last != key))
                    .map(|key| (segment.number, key)),
            );
        }
        Ok(keys)
    }

    /// How many bytes the segments have that count.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] and [`StoreError::Damaged`].
    pub fn bytes(&self) -> Result<u64, StoreError> {
        let mut bytes = 0;
        for segment in self.segments()? {
            bytes += match segment.good {
                Some(good) => good,
                None => segment.path.metadata().map_err(|error| unavailable(&segment.path, &error))?.len(),
            };
        }
        Ok(bytes)
    }

    /// All segments, in order.
    pub(crate) fn segments(&self) -> Result<Vec<Segment>, StoreError> {
        let failed = |error| unavailable(&self.directory, &error);
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(&self.directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".jsonl")?.parse::<u32>().ok());
            numbers.extend(number.filter(|number| name == *segment_name(*number)));
        }
        numbers.sort_unstable();
        let mut segments: Vec<Segment> = Vec::with_capacity(numbers.len());
        for number in numbers {
            let path = self.directory.join(segment_name(number));
            let (line, header) = read_header(&path)?;
            let Some(Prefix { sequence: first, timestamp: time, .. }) = line::read(&line) else {
                return Err(StoreError::Damaged(format!("{}: its first line is no header", path.display())));
            };
            if let Some(last) = segments.last_mut() {
                match header.previous {
                    Some(previous) if previous.segment == last.number => {
                        last.good = Some(previous.good_bytes)
                    }
                    _ => {
                        return Err(StoreError::Damaged(format!(
                            "{}: it does not follow segment {}",
                            path.display(),
                            last.number
                        )));
                    }
                }
            }
            segments.push(Segment { number, path, first, good: None, time });
        }
        Ok(segments)
    }

    /// The lines from the last one on that is known to be before what `is_before` is false for.
    fn seek(
        &self,
        segment_is_before: impl Fn(&Segment) -> bool,
        line_is_before: impl Fn(&Prefix<'_>) -> bool,
    ) -> Result<(Vec<Segment>, u64), StoreError> {
        let mut segments = self.segments()?;
        let at = segments.partition_point(segment_is_before).saturating_sub(1);
        segments.drain(..at);
        let offset = match segments.first() {
            Some(segment) => near(segment, line_is_before)?,
            None => 0,
        };
        Ok((segments, offset))
    }
}

impl LineSource for LogFiles {
    fn tree(&self) -> Option<PathBuf> {
        Some(self.directory.join("tree"))
    }

    fn lines(&self, from: u64) -> Result<Lines<'_>, StoreError> {
        let (segments, offset) =
            self.seek(|segment| segment.first <= from, |prefix| prefix.sequence <= from)?;
        match segments.first() {
            Some(Segment { first, .. }) if *first > from => return Err(StoreError::Pruned { first: *first }),
            _ => {}
        }
        let lines = Reading { segments: segments.into_iter(), offset, open: None };
        let before = move |line: &Result<Vec<u8>, StoreError>| {
            line.as_ref().is_ok_and(|line| line::read(line).is_some_and(|prefix| prefix.sequence < from))
        };
        Ok(Box::new(lines.skip_while(before)))
    }

    fn skip_to(&self, time: Timestamp) -> Result<u64, StoreError> {
        let (segments, offset) =
            self.seek(|segment| segment.time < time, |prefix| prefix.timestamp < time)?;
        let Some(segment) = segments.first() else { return Ok(0) };
        let file = open(&segment.path)?;
        let line = line_at(&file, offset).map_err(|error| unavailable(&segment.path, &error))?;
        let sequence = line.and_then(|line| line::read(&line).map(|prefix| prefix.sequence));
        Ok(sequence.unwrap_or(segment.first))
    }
}

/// The lines of segments, one after the other.
struct Reading {
    segments: std::vec::IntoIter<Segment>,
    /// Where to begin in the first of them.
    offset: u64,
    open: Option<(PathBuf, BufReader<io::Take<File>>)>,
}

impl Reading {
    fn step(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        loop {
            if let Some((path, reader)) = &mut self.open {
                let mut line = Vec::with_capacity(512);
                // One byte more than a line can have, so that a file without newlines is not read whole.
                let most = MAX_LINE as u64 + 1;
                let read = reader.by_ref().take(most).read_until(b'\n', &mut line);
                read.map_err(|error| unavailable(path, &error))?;
                if line.pop() == Some(b'\n') {
                    return Ok(Some(line));
                }
                // Nothing, or a line that is being written. A file that others append to may end anywhere.
                self.open = None;
            }
            let Some(segment) = self.segments.next() else { return Ok(None) };
            let offset = std::mem::take(&mut self.offset);
            let mut file = open(&segment.path)?;
            file.seek(SeekFrom::Start(offset)).map_err(|error| unavailable(&segment.path, &error))?;
            let good = segment.good.unwrap_or(u64::MAX).saturating_sub(offset);
            self.open = Some((segment.path, BufReader::with_capacity(128 << 10, file.take(good))));
        }
    }
}

impl Iterator for Reading {
    type Item = Result<Vec<u8>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.step().transpose();
        if matches!(line, Some(Err(_))) {
            self.segments = Vec::new().into_iter();
            self.open = None;
        }
        line
    }
}

/// The offset of a line of a segment that is before, or the first: near the last that is.
fn near(segment: &Segment, is_before: impl Fn(&Prefix<'_>) -> bool) -> Result<u64, StoreError> {
    const NEAR: u64 = 32 << 10;
    let failed = |error| unavailable(&segment.path, &error);
    let file = open(&segment.path)?;
    let size = match segment.good {
        Some(good) => good,
        None => file.metadata().map_err(failed)?.len(),
    };
    let (mut low, mut high) = (0, size);
    while high - low > NEAR {
        let middle = low + (high - low) / 2;
        // The first line that begins behind the middle.
        let start = line_at(&file, middle).map_err(failed)?.map(|rest| middle + rest.len() as u64 + 1);
        let line = match start {
            Some(start) if start < high => line_at(&file, start).map_err(failed)?,
            _ => None,
        };
        match (start, line.as_deref().and_then(line::read)) {
            (Some(start), Some(prefix)) if is_before(&prefix) => low = start,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The line at an offset, without its newline; `None` where there is no whole one.
fn line_at(file: &File, offset: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    while bytes.len() <= MAX_LINE {
        let start = bytes.len();
        bytes.resize(start + 4096, 0);
        let read = file.read_at(bytes.get_mut(start..).unwrap_or_default(), offset + start as u64)?;
        bytes.truncate(start + read);
        if let Some(at) = memchr::memchr(b'\n', bytes.get(start..).unwrap_or_default()) {
            bytes.truncate(start + at);
            return Ok(Some(bytes));
        }
        if read == 0 {
            return Ok(None);
        }
    }
    Ok(None)
}

fn read_header(path: &Path) -> Result<(Vec<u8>, Details), StoreError> {
    let line = line_at(&open(path)?, 0).map_err(|error| unavailable(path, &error))?;
    let damaged = |why: &str| StoreError::Damaged(format!("{}: {why}", path.display()));
    let line = line.ok_or_else(|| damaged("it has no first line"))?;
    let header: Header =
        serde_json::from_slice(&line).map_err(|error| damaged(&format!("its header: {error}")))?;
    Ok((line, header.details))
}

/// A file of the log, never what a link leads to.
pub(crate) fn open(path: &Path) -> Result<File, StoreError> {
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new()
        .read(true)
        .custom_flags(no_follow)
        .open(path)
        .map_err(|error| unavailable(path, &error))
}

/// `00000001.jsonl`.
pub(crate) fn segment_name(number: u32) -> String {
    format!("{number:08}.jsonl")
}

pub(crate) fn unavailable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// What the origin's hash is compared with.
pub(crate) fn is_first_of(origin: &str, prev: Hash) -> bool {
    Hash::of_origin(origin) == prev
}
