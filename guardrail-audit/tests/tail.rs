//! Following a log: over segments, torn lines and lines that are taken back, and never past damage.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod made;

use guardrail_audit::read::LogFiles;
use guardrail_audit::read::tail::{Tail, Tailed};
use guardrail_core::record::{Kind, Record};
use made::{Files, Memory, at};

fn note(reason: &str) -> Record {
    let mut record = Record::new(Kind::Note);
    record.reason = Some(reason.into());
    record
}

/// The numbers of the lines that a poll gave, and what was taken back as its negative.
fn numbers(news: &[Tailed]) -> Vec<i64> {
    news.iter()
        .map(|news| match news {
            Tailed::Entry(entry) => entry.recorded.sequence as i64,
            Tailed::Withdrawn { from, .. } => -(*from as i64),
            _ => unreachable!(),
        })
        .collect()
}

#[test]
fn it_follows_over_segments_and_waits_for_whole_lines() {
    let mut files = Files::new();
    let log = LogFiles::open(&files.path()).unwrap();
    let mut tail = Tail::from(&log, 0).unwrap();
    assert_eq!(numbers(&tail.poll().unwrap()), [0]);
    assert_eq!(tail.poll().unwrap(), []);

    let line = files.maker.clone().line(&note("half"), at(1));
    files.raw(&line[..line.len() / 2]);
    assert_eq!(tail.poll().unwrap(), []);
    // The writer died there: what it wrote is a torn tail, and the next segment says so.
    files.rotate(at(2));
    files.append(&note("next"), at(3));
    assert_eq!(numbers(&tail.poll().unwrap()), [1, 2]);
    for n in 0..50 {
        files.append(&note("x"), at(4));
        if n % 10 == 0 {
            files.rotate(at(4));
        }
    }
    assert_eq!(numbers(&tail.poll().unwrap()).len(), 55);
    assert_eq!(tail.position(), files.maker.size);
}

#[test]
fn a_line_written_in_pieces_is_given_once() {
    let mut files = Files::new();
    let log = LogFiles::open(&files.path()).unwrap();
    let mut tail = Tail::from_end(&log, 0).unwrap();
    let line = files.maker.line(&note("in pieces"), at(1));
    for byte in &line[..line.len() - 1] {
        files.raw(&[*byte]);
        assert_eq!(tail.poll().unwrap(), []);
    }
    files.raw(b"\n");
    assert_eq!(numbers(&tail.poll().unwrap()), [1]);
    assert_eq!(tail.poll().unwrap(), []);
}

#[test]
fn lines_that_never_became_durable_are_taken_back() {
    let mut files = Files::new();
    files.append(&note("kept"), at(1));
    let log = LogFiles::open(&files.path()).unwrap();
    let mut tail = Tail::from(&log, 0).unwrap();
    let before = files.maker.clone();
    let gone = files.append(&note("lost"), at(2)).len() + files.append(&note("lost too"), at(3)).len();
    assert_eq!(numbers(&tail.poll().unwrap()), [0, 1, 2, 3]);
    files.withdraw(before, gone as u64);
    files.rotate(at(4));
    assert_eq!(numbers(&tail.poll().unwrap()), [-2, 2]);
    files.append(&note("goes on"), at(5));
    assert_eq!(numbers(&tail.poll().unwrap()), [3]);
}

#[test]
fn it_begins_at_the_end() {
    let mut files = Files::new();
    for n in 0..20 {
        files.append(&note("x"), at(n));
    }
    let log = LogFiles::open(&files.path()).unwrap();
    let mut tail = Tail::from_end(&log, 3).unwrap();
    assert_eq!(numbers(&tail.poll().unwrap()), [18, 19, 20]);
    assert_eq!(numbers(&Tail::from_end(&log, 100).unwrap().poll().unwrap()).len(), 21);
}

#[test]
fn damage_is_where_it_stops() {
    for change in [
        // One letter of a line; the next one no longer links to it.
        |lines: &mut Vec<Vec<u8>>| {
            let end = lines[3].len() - 3;
            lines[3][end] ^= 1;
        },
        |lines: &mut Vec<Vec<u8>>| {
            lines.remove(4);
        },
        |lines: &mut Vec<Vec<u8>>| lines.swap(4, 5),
    ] {
        let log = Memory::of((0..8).map(|n| (note("text"), at(n))));
        change(&mut log.lines.borrow_mut());
        let mut tail = Tail::from(&log, 0).unwrap();
        assert_eq!(numbers(&tail.poll().unwrap()), [0, 1, 2, 3]);
        let error = tail.poll().unwrap_err().to_string();
        assert!(error.contains("line 4"), "{error}");
        assert_eq!(tail.poll().unwrap_err().to_string(), error, "and it stays so");
    }
    // The first line links to the origin.
    let log = Memory::of([]);
    let line = String::from_utf8(log.lines.borrow()[0].clone()).unwrap().replace("org/test", "org/best");
    log.lines.borrow_mut()[0] = line.into_bytes();
    assert!(Tail::from(&log, 0).unwrap().poll().unwrap_err().to_string().contains("origin"));
}

#[test]
fn another_log_in_its_place_is_damage() {
    let log = Memory::of((0..8).map(|n| (note("text"), at(n))));
    let mut tail = Tail::from(&log, 2).unwrap();
    tail.poll().unwrap();
    let other = Memory::of((0..20).map(|n| (note("other"), at(n))));
    *log.lines.borrow_mut() = other.lines.into_inner();
    let error = tail.poll().unwrap_err().to_string();
    assert!(error.contains("rewritten"), "{error}");
}
