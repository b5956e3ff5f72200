//! Segments: their names, and what their first and last lines say.

use std::io;

use chrono::SecondsFormat;
use guardrail_core::record::{Kind, Record, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::hash::Hash;
use crate::line::{self, MAX_LINE};
use crate::storage::StorageFile;

const ENDING: &str = ".jsonl";

/// `00000001.jsonl`.
pub(crate) fn name(segment: u32) -> String {
    format!("{segment:08}{ENDING}")
}

/// The name of a segment whose first line is not durable yet.
pub(crate) fn new_name(segment: u32) -> String {
    format!("{segment:08}{ENDING}.new")
}

/// The number of a segment's name.
pub(crate) fn number(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(ENDING)?;
    let number = digits.parse().ok()?;
    (self::name(number) == name).then_some(number)
}

/// The details of the first line of a segment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) log_id: Uuid,
    pub(crate) origin: String,
    pub(crate) segment: u32,
    pub(crate) max_segment_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<Previous>,
}

/// What the first line of a segment says of the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Previous {
    pub(crate) segment: u32,
    pub(crate) good_bytes: u64,
    pub(crate) records: u64,
    pub(crate) head: Hash,
    pub(crate) torn_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) torn_sha256: Option<Hash>,
}

/// The details of the last line of a segment that is full.
#[derive(Serialize)]
pub(crate) struct Seal {
    pub(crate) records: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
    from: String,
    to: String,
}

impl Seal {
    pub(crate) fn new(first: u64, size: u64, from: Timestamp, to: Timestamp) -> Self {
        let shown = |time: Timestamp| time.to_rfc3339_opts(SecondsFormat::Micros, true);
        Self { records: size - first, first, last: size.saturating_sub(1), from: shown(from), to: shown(to) }
    }
}

/// The details of a checkpoint.
#[derive(Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) size: u64,
    pub(crate) root: Hash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

/// The body of a line that the store itself writes.
pub(crate) fn body(kind: Kind, details: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut record = Record::new(kind);
    record.details = Some(serde_json::to_value(details)?);
    Ok(serde_json::to_vec(&record)?)
}

/// The details of a line.
pub(crate) fn details<D: for<'d> Deserialize<'d>>(line: &[u8]) -> Option<D> {
    #[derive(Deserialize)]
    struct Outer<D> {
        details: D,
    }
    serde_json::from_slice::<Outer<D>>(line).ok().map(|outer| outer.details)
}

/// The line at an offset, without its newline; `None` where no complete line begins there.
pub(crate) fn line_at(file: &dyn StorageFile, offset: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut step = 2_048;
    while bytes.len() <= MAX_LINE {
        let start = bytes.len();
        bytes.resize(start + step, 0);
        let read = file.read_at(bytes.get_mut(start..).unwrap_or_default(), offset + start as u64)?.min(step);
        bytes.truncate(start + read);
        if let Some(at) = bytes.get(start..).unwrap_or_default().iter().position(|&byte| byte == b'\n') {
            bytes.truncate(start + at);
            return Ok(Some(bytes).filter(|line| line.len() <= MAX_LINE));
        }
        if read == 0 {
            return Ok(None);
        }
        step = 16_384;
    }
    Ok(None)
}

/// The whole lines of a segment in which some bytes occur, without their newlines.
pub(crate) fn lines_with(file: &dyn StorageFile, bytes: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    const CHUNK: usize = 1 << 20;
    let finder = memchr::memmem::Finder::new(bytes);
    let (mut found, mut buffer, mut offset) = (Vec::new(), Vec::new(), 0);
    loop {
        let filled = buffer.len();
        buffer.resize(filled + CHUNK, 0);
        let read = file.read_at(buffer.get_mut(filled..).unwrap_or_default(), offset)?;
        if read == 0 {
            return Ok(found);
        }
        offset += read as u64;
        buffer.truncate(filled + read);
        let whole = memchr::memrchr(b'\n', &buffer).map_or(0, |at| at + 1);
        let lines = buffer.get(..whole).unwrap_or_default();
        if finder.find(lines).is_some() {
            let lines = lines.split(|&byte| byte == b'\n').filter(|line| finder.find(line).is_some());
            found.extend(lines.map(<[u8]>::to_vec));
        }
        // What is longer than a line can be is none.
        let rest = if buffer.len() - whole > MAX_LINE { buffer.len() } else { whole };
        buffer.drain(..rest);
    }
}

/// The number of a segment's first line.
pub(crate) fn first_sequence(file: &dyn StorageFile) -> io::Result<Option<u64>> {
    Ok(line_at(file, 0)?.and_then(|line| line::read(&line).map(|prefix| prefix.sequence)))
}

/// Where to begin reading to find a line by its number, within the first `end` bytes of a segment: the
/// start of a line at most a little before it. The numbers in the lines lead there.
pub(crate) fn near(file: &dyn StorageFile, end: u64, sequence: u64) -> io::Result<u64> {
    const NEAR: u64 = 16_384;
    let (mut low, mut high) = (0, end);
    while high - low > NEAR {
        let middle = low + (high - low) / 2;
        // The first line that begins behind the middle.
        let found = match line_at(file, middle)? {
            Some(rest) => {
                let start = middle + rest.len() as u64 + 1;
                match line_at(file, start)?.as_deref().and_then(line::read) {
                    Some(prefix) if start < high => Some((start, prefix.sequence)),
                    _ => None,
                }
            }
            None => None,
        };
        match found {
            Some((start, number)) if number <= sequence => low = start,
            // Nothing that counts begins behind the middle, or something too late.
            _ => high = middle,
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_eight_digits() {
        assert_eq!(number(&name(7)), Some(7));
        for other in ["7.jsonl", "00000007.jsonl.new", "0000000７.jsonl", "+0000007.jsonl", "lock"] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
