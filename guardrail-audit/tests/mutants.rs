//! Every small change of the golden log is caught: each flipped bit, each line that is removed, doubled,
//! moved or of another log, each cut. What no log can show by itself is shown by an anchor.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "golden/maker.rs"]
#[allow(dead_code, unreachable_pub)]
mod maker;

use std::collections::BTreeMap;

use guardrail_audit::checkpoint::Checkpoint;
use guardrail_audit::note::NoteSigner;
use guardrail_audit::verify::{Damage, Report, Verification};
use maker::Maker;

type Segments = BTreeMap<u32, Vec<u8>>;

struct Judge {
    log: Maker,
    /// What the log confirms by itself.
    confirmed: u64,
    mutants: u64,
    /// Mutants that are seen with the anchor alone.
    tails: u64,
}

impl Judge {
    fn new() -> Self {
        let log = maker::golden();
        let confirmed = Verification::new().log(&log.segments).unwrap().confirmed;
        Self { log, confirmed, mutants: 0, tails: 0 }
    }

    /// Verifies a mutant. What the log alone does not show must be behind its last checkpoint, and be
    /// shown by an anchor at its end.
    fn judge(&mut self, segments: &Segments, what: &dyn Fn() -> String) -> Report {
        let report = Verification::new().threads(1).log(segments).unwrap();
        if *segments == self.log.segments {
            return report;
        }
        self.mutants += 1;
        if report.is_intact() {
            self.tails += 1;
            let anchor = Checkpoint {
                origin: "example.org/golden".into(),
                size: self.log.sequence,
                root: self.log.frontier.root(),
            };
            let anchored = Verification::new().threads(1).anchors([anchor]).log(segments).unwrap();
            assert!(!anchored.is_intact(), "not even an anchor shows {}", what());
            let same = self.log.segments.values().flat_map(|bytes| lines(bytes));
            let there = segments.values().flat_map(|bytes| lines(bytes));
            let kept = same.zip(there).take_while(|(one, other)| one == other).count() as u64;
            assert!(
                report.size <= kept.max(report.confirmed) || kept >= self.confirmed,
                "{} is not noticed within the confirmed part",
                what()
            );
        }
        report
    }
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Every bit of a segment. Gives the number of mutants, how many were located to the bit, and how many the
/// anchor alone shows.
fn flip(number: u32) -> (u64, u64, u64) {
    let mut judge = Judge::new();
    let original = judge.log.segments.clone();
    let mut exact = 0;
    let mut mutant = original.clone();
    for at in 0..original[&number].len() {
        for bit in 0..8 {
            mutant.get_mut(&number).unwrap()[at] ^= 1 << bit;
            let report = judge.judge(&mutant, &|| format!("bit {bit} of byte {at} in segment {number}"));
            mutant.get_mut(&number).unwrap()[at] ^= 1 << bit;
            let found = report.findings.first();
            exact += u64::from(found.is_some_and(|found| {
                (found.segment, found.offset) == (number, at as u64)
                    && matches!(found.damage, Damage::BitFlip { bit: flipped } if flipped == bit)
            }));
        }
    }
    (judge.mutants, exact, judge.tails)
}

#[test]
fn every_flipped_bit() {
    let original = maker::golden().segments;
    let (mutants, exact, tails) = std::thread::scope(|scope| {
        let parts: Vec<_> = (1..=3).map(|number| scope.spawn(move || flip(number))).collect();
        parts
            .into_iter()
            .map(|part| part.join().unwrap())
            .fold((0, 0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1, sum.2 + part.2))
    });
    let bytes: usize = original.values().map(Vec::len).sum();
    assert_eq!(mutants, bytes as u64 * 8);
    // Only the lines behind the last checkpoint can change unseen.
    let last = lines(&original[&3]);
    let unseen: usize = last[last.len() - 2..].iter().map(|line| line.len()).sum();
    assert!(tails <= unseen as u64 * 8, "{tails} of {mutants}");
    assert!(exact * 100 >= mutants * 95, "only {exact} of {mutants} are located");
    println!("{mutants} flipped bits, {exact} located to the bit, {tails} seen by the anchor alone");
}

#[test]
fn every_line_removed_doubled_or_moved() {
    let mut judge = Judge::new();
    let original = judge.log.segments.clone();
    for (number, bytes) in &original {
        let lines = lines(bytes);
        let mut try_lines = |new: Vec<&[u8]>, what: &dyn Fn() -> String| {
            if new != lines {
                let mut mutant = original.clone();
                mutant.insert(*number, new.concat());
                judge.judge(&mutant, what);
            }
        };
        for from in 0..lines.len() {
            for to in from + 1..=lines.len() {
                let without = [&lines[..from], &lines[to..]].concat();
                try_lines(without, &|| format!("lines {from} to {to} of {number} gone"));
            }
            for to in 0..=lines.len() {
                let mut doubled = lines.clone();
                doubled.insert(to, lines[from]);
                try_lines(doubled, &|| format!("line {from} of {number} again at {to}"));
                let mut moved = lines.clone();
                let line = moved.remove(from);
                moved.insert(to.min(moved.len()), line);
                try_lines(moved, &|| format!("line {from} of {number} at {to}"));
                if to < lines.len() {
                    let mut swapped = lines.clone();
                    swapped.swap(from, to);
                    try_lines(swapped, &|| format!("lines {from} and {to} of {number} swapped"));
                }
            }
        }
    }
    println!("{} mutants, {} seen by the anchor alone", judge.mutants, judge.tails);
}

#[test]
fn every_cut() {
    let mut judge = Judge::new();
    let original = judge.log.segments.clone();
    for (number, bytes) in &original {
        for length in 0..bytes.len() {
            let mut mutant = original.clone();
            mutant.get_mut(number).unwrap().truncate(length);
            let report = judge.judge(&mutant, &|| format!("segment {number} cut to {length}"));
            // A cut shows by itself where another segment follows.
            assert!(!report.is_intact() || *number == 3, "segment {number} cut to {length}");
            mutant.retain(|other, _| other <= number);
            judge.judge(&mutant, &|| format!("the log cut at {length} of segment {number}"));
        }
        let mut mutant = original.clone();
        mutant.remove(number);
        judge.judge(&mutant, &|| format!("segment {number} gone"));
    }
}

#[test]
fn every_splice_from_another_log() {
    let mut judge = Judge::new();
    let original = judge.log.segments.clone();
    // Another log, and another history of the same log with the same key.
    let stranger = maker::made("example.org/other", "0198e7a4-5f6b-4c3a-9d2e-000000000000", None);
    let signer = NoteSigner::parse(maker::GOLDEN_KEY).unwrap();
    let twin = maker::made("example.org/golden", "0198e7a4-5f6b-4c3a-9d2e-111111111111", Some(signer));
    for other in [stranger.segments, twin.segments] {
        for (number, bytes) in &original {
            let (mine, theirs) = (lines(bytes), lines(&other[number]));
            for at in 0..mine.len() {
                for foreign in 0..theirs.len() {
                    for (cut, name) in [(at, "inserted"), (at + 1, "replaced")] {
                        let new = [&mine[..at], &theirs[foreign..=foreign], &mine[cut..]].concat().concat();
                        let mut mutant = original.clone();
                        mutant.insert(*number, new);
                        judge.judge(&mutant, &|| format!("line {at} of {number} {name} by {foreign}"));
                    }
                }
                let mut mutant = original.clone();
                mutant.insert(*number, [&mine[..at], &theirs[at.min(theirs.len())..]].concat().concat());
                judge.judge(&mutant, &|| format!("segment {number} goes on as another from line {at}"));
                // And everything behind it is the other's as well.
                for (later, bytes) in other.iter().filter(|(later, _)| *later > number) {
                    mutant.insert(*later, bytes.clone());
                }
                // Another log from its first line on is another log.
                if (*number, at) != (1, 0) {
                    judge
                        .judge(&mutant, &|| format!("the log goes on as another from line {at} of {number}"));
                }
            }
            let mut mutant = original.clone();
            mutant.insert(*number, other[number].clone());
            judge.judge(&mutant, &|| format!("segment {number} is another's"));
            for second in original.keys().filter(|second| *second != number) {
                let mut mutant = original.clone();
                mutant.insert(*number, original[second].clone());
                judge.judge(&mutant, &|| format!("segment {number} is {second}"));
                mutant.insert(*second, original[number].clone());
                judge.judge(&mutant, &|| format!("segments {number} and {second} are swapped"));
            }
        }
    }
    println!("{} mutants, {} seen by the anchor alone", judge.mutants, judge.tails);
}

#[test]
fn a_history_that_was_made_anew_without_the_key_is_not_signed() {
    // All hashes are right; only the signatures are not there, or another's.
    let trusted = NoteSigner::parse(maker::GOLDEN_KEY).unwrap().verifier().clone();
    let origin = "example.org/golden";
    let id = "0198e7a4-5f6b-4c3a-9d2e-8f7a6b5c4d3e";
    for forged in [None, Some(NoteSigner::generate(origin).unwrap())] {
        let log = maker::made(origin, id, forged);
        assert!(Verification::new().log(&log.segments).unwrap().is_intact());
        let report = Verification::new().trust([trusted.clone()]).log(&log.segments).unwrap();
        assert_eq!(report.findings[0].damage, Damage::Unsigned);
        assert_eq!(report.signed, 0);
    }
}
