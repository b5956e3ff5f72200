//! A log made for tests of the read side, line by line, in memory and as files.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta};
use guardrail_audit::read::LineSource;
use guardrail_audit::{Hash, Lines, StoreError, line};
use guardrail_core::record::{Kind, Record, Timestamp};
use serde_json::json;

pub(crate) const ORIGIN: &str = "example.org/test";

/// Ten o'clock, and so many milliseconds.
pub(crate) fn at(milliseconds: i64) -> Timestamp {
    DateTime::parse_from_rfc3339("2026-01-26T10:00:00Z").unwrap().to_utc()
        + TimeDelta::milliseconds(milliseconds)
}

/// Makes the next lines of a log.
#[derive(Clone, Debug)]
pub(crate) struct Maker {
    pub(crate) size: u64,
    pub(crate) head: Hash,
}

impl Maker {
    pub(crate) fn new() -> Self {
        Self { size: 0, head: Hash::of_origin(ORIGIN) }
    }

    /// The next line, with its newline.
    pub(crate) fn line(&mut self, record: &Record, time: Timestamp) -> Vec<u8> {
        let mut out = Vec::new();
        line::write(&mut out, &self.head, self.size, time, &serde_json::to_vec(record).unwrap());
        self.head = Hash::of_line(&out[..out.len() - 1]);
        self.size += 1;
        out
    }
}

pub(crate) fn genesis() -> Record {
    let mut record = Record::new(Kind::Genesis);
    record.details = Some(json!({
        "origin": ORIGIN, "log_id": "00000000-0000-0000-0000-000000000007", "segment": 1, "max_segment_bytes": 4096
    }));
    record
}

/// A log in memory.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) lines: RefCell<Vec<Vec<u8>>>,
    pub(crate) first: u64,
}

impl LineSource for Memory {
    fn lines(&self, from: u64) -> Result<Lines<'_>, StoreError> {
        let Some(from) = from.checked_sub(self.first) else {
            return Err(StoreError::Pruned { first: self.first });
        };
        let lines: Vec<_> = self.lines.borrow().iter().skip(from as usize).cloned().map(Ok).collect();
        Ok(Box::new(lines.into_iter()))
    }
}

impl Memory {
    pub(crate) fn of(records: impl IntoIterator<Item = (Record, Timestamp)>) -> Self {
        let mut maker = Maker::new();
        let mut lines = vec![maker.line(&genesis(), at(0))];
        lines.extend(records.into_iter().map(|(record, time)| maker.line(&record, time)));
        lines.iter_mut().for_each(|line| assert_eq!(line.pop(), Some(b'\n')));
        Self { lines: RefCell::new(lines), first: 0 }
    }
}

/// A log in files.
pub(crate) struct Files {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) maker: Maker,
    pub(crate) segment: u32,
    bytes: u64,
    records: u64,
}

impl Files {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("log")).unwrap();
        let mut files = Self { directory, maker: Maker::new(), segment: 1, bytes: 0, records: 0 };
        files.append(&genesis(), at(0));
        files
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    pub(crate) fn segment_path(&self) -> PathBuf {
        self.path().join(format!("{:08}.jsonl", self.segment))
    }

    pub(crate) fn append(&mut self, record: &Record, time: Timestamp) -> Vec<u8> {
        let line = self.maker.line(record, time);
        self.raw(&line);
        self.bytes += line.len() as u64;
        self.records += 1;
        line
    }

    /// Bytes that are no line, or not yet.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.segment_path()).unwrap();
        file.write_all(bytes).unwrap();
    }

    /// Begins the next segment.
    pub(crate) fn rotate(&mut self, time: Timestamp) {
        let size = std::fs::metadata(self.segment_path()).unwrap().len();
        let mut record = Record::new(Kind::Segment);
        record.details = Some(json!({
            "origin": ORIGIN, "log_id": "00000000-0000-0000-0000-000000000007", "segment": self.segment + 1,
            "max_segment_bytes": 4096,
            "previous": {
                "segment": self.segment, "good_bytes": self.bytes, "records": self.records,
                "head": self.maker.head, "torn_bytes": size - self.bytes
            }
        }));
        self.segment += 1;
        (self.bytes, self.records) = (0, 0);
        self.append(&record, time);
    }

    /// Takes lines back that were appended since `maker` was as it is given, as a failed sync does.
    pub(crate) fn withdraw(&mut self, maker: Maker, bytes: u64) {
        self.records -= self.maker.size - maker.size;
        self.bytes -= bytes;
        self.maker = maker;
    }
}

pub(crate) fn list(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
