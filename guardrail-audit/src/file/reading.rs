//! Lines out of the segments, in order.

use std::io;
use std::sync::Arc;

use super::position::Position;
use super::segment::{self, Header};
use crate::line::{self, MAX_LINE};
use crate::storage::{Storage, StorageFile};
use crate::store::{Lines, StoreError};

const CHUNK: usize = 128 << 10;

/// How far a log goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// How many lines it has.
    size: u64,
    /// The segment of the last line, the number of its first, and the bytes of it that count.
    segment: u32,
    first: u64,
    end: u64,
}

impl Extent {
    pub(crate) const fn of(position: &Position) -> Self {
        let Position { segment, first, end, .. } = *position;
        Self { size: position.chain.size, segment, first, end }
    }
}

/// The lines from a number on, as far as the log goes.
pub(crate) fn lines(
    storage: Arc<dyn Storage>,
    extent: Extent,
    file: Arc<dyn StorageFile>,
    from: u64,
) -> Result<Lines<'static>, StoreError> {
    if from >= extent.size {
        return Ok(Box::new(std::iter::empty()));
    }
    let (number, file, end) = if from >= extent.first {
        (extent.segment, file, extent.end)
    } else {
        let (number, file) = find(storage.as_ref(), extent.segment, from)?;
        let end = good_end(storage.as_ref(), number, file.as_ref())?;
        (number, file, end)
    };
    let offset = segment::near(file.as_ref(), end, from).map_err(StoreError::Unavailable)?;
    Ok(Box::new(Reading {
        storage,
        segment: number,
        file,
        end,
        last: (extent.segment, extent.end),
        offset,
        buffer: Vec::new(),
        at: 0,
        step: 4_096,
        from,
        next: None,
        size: extent.size,
    }))
}

/// The segment, before the last one, that has a line.
fn find(storage: &dyn Storage, last: u32, from: u64) -> Result<(u32, Arc<dyn StorageFile>), StoreError> {
    let names = storage.list().map_err(StoreError::Unavailable)?;
    let mut numbers: Vec<u32> = names.iter().filter_map(|name| segment::number(name)).collect();
    numbers.retain(|&number| number <= last);
    // Of the segments from `low` on, the first begins at the line or before it.
    let (mut low, mut high) = (0, numbers.len());
    let mut found = None;
    let mut first = 0;
    while low < high {
        let middle = low + (high - low) / 2;
        let number = numbers.get(middle).copied().unwrap_or_default();
        let file = storage.open(&segment::name(number)).map_err(StoreError::Unavailable)?;
        match segment::first_sequence(file.as_ref()).map_err(StoreError::Unavailable)? {
            Some(sequence) if sequence <= from => {
                found = Some((number, Arc::from(file)));
                low = middle + 1;
            }
            Some(sequence) => (first, high) = (sequence, middle),
            // Nothing in it counts.
            None => high = middle,
        }
    }
    found.ok_or(StoreError::Pruned { first })
}

/// The bytes of a segment before the last one that are lines of the log, as the next one says.
fn good_end(storage: &dyn Storage, number: u32, file: &dyn StorageFile) -> Result<u64, StoreError> {
    let header = match storage.open(&segment::name(number + 1)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(StoreError::Unavailable(error)),
        Ok(next) => segment::line_at(next.as_ref(), 0).map_err(StoreError::Unavailable)?,
    };
    match header.as_deref().and_then(segment::details::<Header>).and_then(|header| header.previous) {
        Some(previous) => Ok(previous.good_bytes),
        // Where nothing in the next one counts, all of this one does.
        None => file.size().map_err(StoreError::Unavailable),
    }
}

struct Reading {
    storage: Arc<dyn Storage>,
    segment: u32,
    file: Arc<dyn StorageFile>,
    /// The bytes of it that are lines of the log. What a crash left behind them can look like the
    /// next line, with zeros in it.
    end: u64,
    /// The last segment, and its end.
    last: (u32, u64),
    /// What is read next, after the buffer.
    offset: u64,
    buffer: Vec<u8>,
    at: usize,
    step: usize,
    from: u64,
    /// The number of the next line; not known until the first one was read.
    next: Option<u64>,
    size: u64,
}

impl Iterator for Reading {
    type Item = Result<Vec<u8>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.next.is_some_and(|next| next >= self.size) {
                return None;
            }
            match self.step() {
                Ok(Some(line)) => return Some(Ok(line)),
                Ok(None) => {}
                Err(error) => {
                    self.next = Some(self.size);
                    return Some(Err(error));
                }
            }
        }
    }
}

impl Reading {
    /// Reads a line; `None` where it comes before the first that is asked for, or none was there.
    fn step(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let line = match self.read_line().map_err(StoreError::Unavailable)? {
            Some(line) => line,
            None => return self.turn().map(|()| None),
        };
        let Some(prefix) = line::read(&line) else {
            // What a crash left.
            return self.turn().map(|()| None);
        };
        match self.next {
            Some(next) if prefix.sequence != next => self.turn().map(|()| None),
            _ => {
                self.next = Some(prefix.sequence + 1);
                Ok((prefix.sequence >= self.from).then_some(line))
            }
        }
    }

    /// Goes on to the next segment, which must begin with the next line.
    fn turn(&mut self) -> Result<(), StoreError> {
        let missing = |reading: &Self| {
            let next = reading.next.unwrap_or(reading.from);
            StoreError::Damaged(format!(
                "line {next} is not where it should be, in {} or the segment after: verify the log",
                segment::name(reading.segment)
            ))
        };
        loop {
            self.segment += 1;
            let file =
                self.storage.open(&segment::name(self.segment)).map_err(|error| match error.kind() {
                    io::ErrorKind::NotFound => missing(self),
                    _ => StoreError::Unavailable(error),
                })?;
            match segment::first_sequence(file.as_ref()).map_err(StoreError::Unavailable)? {
                Some(sequence) if self.next.is_none_or(|next| next == sequence) => {
                    self.file = Arc::from(file);
                    self.end = match self.last {
                        (last, end) if last == self.segment => end,
                        _ => good_end(self.storage.as_ref(), self.segment, self.file.as_ref())?,
                    };
                    break;
                }
                Some(_) => return Err(missing(self)),
                None => {}
            }
        }
        (self.offset, self.at) = (0, 0);
        self.buffer.clear();
        Ok(())
    }

    /// The next whole line of the segment.
    fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', rest.get(searched..).unwrap_or_default()) {
                let line = rest.get(..searched + end).unwrap_or_default().to_vec();
                self.at += searched + end + 1;
                return Ok(Some(line));
            }
            searched = rest.len();
            if searched > MAX_LINE {
                return Ok(None);
            }
            self.buffer.drain(..self.at);
            self.at = 0;
            let filled = self.buffer.len();
            let left = usize::try_from(self.end.saturating_sub(self.offset)).unwrap_or(usize::MAX);
            self.buffer.resize(filled + self.step.min(left), 0);
            let read = self.file.read_at(self.buffer.get_mut(filled..).unwrap_or_default(), self.offset)?;
            self.buffer.truncate(filled + read);
            self.offset += read as u64;
            self.step = CHUNK;
            if read == 0 {
                return Ok(None);
            }
        }
    }
}
