//! Putting together what was found of each segment: that they follow each other, and the roots.

use std::collections::{BTreeMap, BTreeSet};

use super::claims::{Previous, Pruned};
use super::damage::{Damage, Finding};
use super::prefix::{self, Stamp};
use super::scan::{self, Place, Scanned, Stop, wrong_claim};
use super::source::{From, ReadAt, Source, each_line};
use super::{Report, Segment, Verification, VerifyError, diagnose, failed};
use crate::hash::Hash;
use crate::merkle::Frontier;

pub(super) const MOST_FINDINGS: usize = 100;

/// What is known of the segments so far.
pub(super) struct Join<'j> {
    source: &'j dyn Source,
    asked: &'j Verification<'j>,
    /// Whether only a part of the log is read.
    part: bool,
    report: Report,
    /// The record that says where the log begins, until its line was seen.
    hint: Option<Pruned>,
    hint_seen: bool,
    /// The segment before, where it was read without damage to its end.
    last: Option<Last>,
    number: Option<u32>,
    frontier: Option<Frontier>,
    /// The number, head and root before each segment.
    starts: BTreeMap<u32, (u64, Hash, Option<Hash>)>,
    /// Which of the anchors were compared.
    compared: BTreeSet<u64>,
}

/// The end of a segment.
struct Last {
    number: u32,
    size: u64,
    lines: u64,
    bytes: u64,
    rest: u64,
    sealed: bool,
    stamp: Stamp,
    expected: prefix::Expected,
}

impl<'j> Join<'j> {
    pub(super) fn new(
        source: &'j dyn Source,
        asked: &'j Verification<'j>,
        part: bool,
        hint: Option<Pruned>,
    ) -> Self {
        Self {
            source,
            asked,
            part,
            report: Report::default(),
            hint,
            hint_seen: false,
            last: None,
            number: None,
            frontier: None,
            starts: BTreeMap::new(),
            compared: BTreeSet::new(),
        }
    }

    /// The frontier before a segment that comes next, where it is known.
    pub(super) fn frontier_before(&self, segment: &Segment) -> Option<Frontier> {
        if segment.number == 1 && self.number.is_none() {
            return Some(Frontier::default());
        }
        if let Some(hint) = self.hint.as_ref().filter(|hint| hint.segment == segment.number) {
            return Frontier::from_hashes(hint.sequence, hint.frontier.clone()).ok();
        }
        let follows = self.last.is_some() && self.number.map(|number| number + 1) == Some(segment.number);
        self.frontier.clone().filter(|_| follows)
    }

    fn find(&mut self, segment: u32, place: Place, at: usize, damage: Damage) {
        let (offset, line) = (place.offset + at as u64, place.line);
        self.push(Finding { segment, offset, line, sequence: Some(place.sequence), damage });
    }

    /// Adds the next segment. `follower` is the one behind it.
    pub(super) fn add(
        &mut self,
        segment: &Segment,
        follower: Option<&Segment>,
        found: Scanned,
        buffer: &mut [u8],
    ) -> Result<(), VerifyError> {
        let number = segment.number;
        let frontier = self.frontier_before(segment);
        let top = Place { offset: 0, line: 1, sequence: found.first.map_or(0, |first| first.0) };
        self.report.segments += 1;
        self.report.lines += found.lines;
        self.report.bytes += found.bytes;
        self.report.checkpoints += found.checkpoints;
        match self.number {
            None if number > 1 => self.begins_late(number, top, &found),
            Some(before) if before + 1 != number => {
                self.find(number, top, 0, Damage::MissingSegment(before + 1));
                self.last = None;
            }
            _ => {}
        }
        let finding = self.stopped(segment, follower, &found, frontier.as_ref(), buffer)?;
        // What a header says that was changed itself says nothing of others.
        let sound = finding.as_ref().is_none_or(|finding| finding.line > 1);
        if let Some((sequence, prev, stamp)) = found.first.filter(|_| sound) {
            if self.number.is_none() {
                self.report.first = sequence;
            }
            self.identity(number, top, &found);
            if number == 1
                && (sequence != 0
                    || found.header.as_ref().is_some_and(|header| prev != Hash::of_origin(&header.origin)))
            {
                self.find(
                    number,
                    top,
                    0,
                    Damage::WrongRecord("the first line does not begin the chain of its origin"),
                );
            }
            if let Some(last) = self.last.take() {
                let previous = found.header.as_ref().and_then(|header| header.previous.clone());
                if let Some(previous) = previous {
                    self.border(&last, &previous, (number, sequence, prev), buffer)?;
                }
                if stamp < last.stamp {
                    self.find(number, top, 0, Damage::TimeRunsBack);
                }
            } else if let Some(previous) = found.header.as_ref().and_then(|header| header.previous.as_ref())
                && previous.head != prev
            {
                self.find(number, top, 0, wrong_claim("the head before the segment", previous.head, prev));
            }
            let root = frontier.as_ref().map(Frontier::root);
            self.starts.insert(number, (sequence, prev, root));
            self.hinted(number, top, sequence, prev);
        } else if found.stop.is_none() {
            let what = "the segment has no first line";
            self.find(number, top, 0, Damage::WrongRecord(what));
        }
        self.points(number, &found, frontier.as_ref());
        self.pruned(number, &found);
        self.number = Some(number);
        self.report.size = found.expected.sequence;
        self.report.head = Some(found.expected.head);
        self.frontier = None;
        if let Some(finding) = finding {
            self.push(finding);
            return Ok(());
        }
        if found.first.is_none() {
            return Ok(());
        }
        self.frontier = frontier.and_then(|mut frontier| frontier.extend(&found.range).then_some(frontier));
        self.last = Some(Last {
            number,
            size: segment.size,
            lines: found.lines,
            bytes: found.bytes,
            rest: found.rest,
            sealed: found.sealed,
            stamp: found.last,
            expected: found.expected,
        });
        let undeclared = follower.is_some_and(|follower| follower.number != number + 1);
        if undeclared && found.rest > 0 {
            self.find_end(Damage::UndeclaredTail { bytes: found.rest });
        }
        Ok(())
    }

    /// What happened where a pass ended before the end.
    fn stopped(
        &self,
        segment: &Segment,
        follower: Option<&Segment>,
        found: &Scanned,
        frontier: Option<&Frontier>,
        buffer: &mut [u8],
    ) -> Result<Option<Finding>, VerifyError> {
        let Some((place, stop)) = &found.stop else { return Ok(None) };
        let number = segment.number;
        let (damage, at, unchained) = match stop {
            Stop::Wrong(damage, at) => (damage.clone(), *at as u64, false),
            Stop::Unchained => (Damage::Altered, 0, true),
        };
        let file = self.source.open(number).map_err(|error| failed(number, error))?;
        let next = follower.filter(|follower| follower.number == number + 1);
        let next = next.and_then(|follower| follower.header.as_ref()).map(|(_, header)| header);
        let broken = diagnose::Broken {
            size: segment.size,
            place: *place,
            at,
            damage,
            unchained,
            expected: &found.expected,
            other_log: next.zip(found.header.as_ref()).is_some_and(|(next, own)| own.log_id != next.log_id),
            head: next.and_then(|next| next.previous.as_ref()).map(|previous| previous.head),
        };
        let finding = diagnose::diagnose(file.as_ref(), &broken, frontier, buffer)
            .map_err(|error| failed(number, error))?;
        Ok(Some(Finding { segment: number, ..finding }))
    }

    /// Adds a finding at the end of the last segment.
    fn find_end(&mut self, damage: Damage) {
        if let Some(last) = &self.last {
            let place = Place { offset: last.bytes, line: last.lines + 1, sequence: last.expected.sequence };
            self.find(last.number, place, 0, damage);
        }
    }

    fn begins_late(&mut self, number: u32, top: Place, found: &Scanned) {
        if self.hint.as_ref().is_some_and(|hint| hint.segment >= number) {
            self.report.pruned = found.first.map(|first| first.0);
        } else if !self.part {
            self.find(number, top, 0, Damage::MissingStart);
        }
    }

    /// That the log is the same as in the headers before, and the one that is wanted.
    fn identity(&mut self, number: u32, top: Place, found: &Scanned) {
        let Some(header) = &found.header else { return };
        match (&self.report.log_id, &self.report.origin) {
            (Some(id), Some(origin)) => {
                if *id != header.log_id || *origin != header.origin {
                    self.find(number, top, 0, Damage::Spliced("the header has another log id or origin"));
                }
            }
            _ => {
                self.report.log_id = Some(header.log_id);
                self.report.origin = Some(header.origin.clone());
                if let Some(wanted) = self.asked.origin.as_ref().filter(|wanted| **wanted != header.origin) {
                    self.find(number, top, 0, wrong_claim("the name of the log", &header.origin, wanted));
                }
            }
        }
    }

    /// That a header says of the segment before what was found there. Only the first thing that is not so is
    /// told.
    fn border(
        &mut self,
        last: &Last,
        previous: &Previous,
        next: (u32, u64, Hash),
        buffer: &mut [u8],
    ) -> Result<(), VerifyError> {
        let (number, sequence, prev) = next;
        let top = Place { offset: 0, line: 1, sequence };
        let end = Place { offset: last.bytes, line: last.lines + 1, sequence: last.expected.sequence };
        if previous.segment != last.number {
            self.find(number, top, 0, wrong_claim("the segment before", previous.segment, last.number));
            return Ok(());
        }
        if last.size < previous.good_bytes {
            self.find(last.number, end, 0, Damage::Truncated { expected: previous.good_bytes });
            return Ok(());
        }
        let (found, quoted, said) = (last.expected.head, prev, previous.head);
        let file = self.source.open(last.number).map_err(|error| failed(last.number, error))?;
        if last.rest > 0 || quoted == said && found != said {
            let finding = diagnose::end(file.as_ref(), last.bytes, previous, end, buffer)
                .map_err(|error| failed(last.number, error))?;
            self.push(Finding { segment: last.number, ..finding });
            return Ok(());
        }
        if found != quoted && found != said {
            self.find(number, top, 0, Damage::Spliced("the segment does not follow the one before"));
            return Ok(());
        }
        if found != quoted || found != said {
            self.find(number, top, 0, Damage::Altered);
            return Ok(());
        }
        for (what, claimed, found) in [
            ("the number of the record", sequence, last.expected.sequence),
            ("the number of records in the segment before", previous.records, last.lines),
            ("the number of good bytes in the segment before", previous.good_bytes, last.bytes),
        ] {
            if claimed != found {
                self.find(number, top, 0, wrong_claim(what, claimed, found));
                return Ok(());
            }
        }
        self.torn(last, previous, end, file.as_ref(), buffer)
    }

    fn torn(
        &mut self,
        last: &Last,
        previous: &Previous,
        end: Place,
        file: &dyn ReadAt,
        buffer: &mut [u8],
    ) -> Result<(), VerifyError> {
        let bytes = last.size - last.bytes;
        if bytes == 0 && previous.torn_bytes == 0 {
            return Ok(());
        }
        if last.sealed {
            self.find(last.number, end, 0, Damage::BehindSeal);
            return Ok(());
        }
        if bytes > previous.torn_bytes {
            self.find(last.number, end, 0, Damage::UndeclaredTail { bytes: bytes - previous.torn_bytes });
            return Ok(());
        }
        let (digest, read) =
            scan::digest(file, last.bytes, last.size, buffer).map_err(|error| failed(last.number, error))?;
        if read != previous.torn_bytes || previous.torn_sha256 != Some(digest) {
            self.find(last.number, end, 0, Damage::TailChanged);
            return Ok(());
        }
        let mut disowned = false;
        let torn = From(file, last.bytes);
        each_line(&torn, bytes, buffer, |_, line| {
            disowned = prefix::read(line).is_some_and(|prefix| last.expected.is(&prefix));
            false
        })
        .map_err(|error| failed(last.number, error))?;
        if disowned {
            self.find(last.number, end, 0, Damage::LinesDisowned);
        } else {
            self.report.torn.push((last.number, bytes));
        }
        Ok(())
    }

    fn push(&mut self, finding: Finding) {
        if self.report.findings.len() < MOST_FINDINGS {
            self.report.findings.push(finding);
        }
    }

    /// That the log begins where the pruned record says.
    fn hinted(&mut self, number: u32, top: Place, sequence: u64, prev: Hash) {
        let Some(hint) = self.hint.as_ref().filter(|hint| hint.segment == number) else { return };
        if (hint.sequence, hint.head) != (sequence, prev) {
            self.find(
                number,
                top,
                0,
                Damage::WrongRecord("the pruned record says something else of what was here"),
            );
        }
    }

    /// The roots of a segment's checkpoints, and of the anchors that fall into it.
    fn points(&mut self, number: u32, found: &Scanned, frontier: Option<&Frontier>) {
        let Some(before) = frontier else { return };
        self.report.confirmed = self.report.confirmed.max(found.confirmed);
        self.report.signed = self.report.signed.max(found.signed);
        for point in &found.points {
            let mut frontier = before.clone();
            if !frontier.extend(&point.range) {
                continue;
            }
            let (size, root) = (point.place.sequence, frontier.root());
            match point.root {
                Some(claimed) if claimed != root => {
                    self.find(number, point.place, 0, Damage::WrongRoot { claimed, found: root });
                }
                Some(_) => {
                    self.report.confirmed = self.report.confirmed.max(size);
                    if point.signed {
                        self.report.signed = self.report.signed.max(size);
                    }
                }
                None => self.anchored(number, point.place, root),
            }
        }
    }

    fn anchored(&mut self, number: u32, place: Place, found: Hash) {
        let size = place.sequence;
        if !self.compared.insert(size) {
            return;
        }
        let asked = self.asked;
        for anchor in asked.anchors.iter().filter(|anchor| anchor.size == size) {
            let origin = self.report.origin.clone().unwrap_or_default();
            if anchor.origin != origin {
                let anchored = anchor.origin.clone();
                self.find(number, place, 0, Damage::OtherOrigin { anchored, found: origin });
            } else if anchor.root != found {
                self.find(number, place, 0, Damage::SplitView { size, anchored: anchor.root, found });
            } else {
                self.report.anchored = self.report.anchored.max(size);
            }
        }
    }

    /// That pruned records say what was so, where that can still be seen.
    fn pruned(&mut self, number: u32, found: &Scanned) {
        for (place, pruned) in &found.pruned {
            self.hint_seen |= self.hint.as_ref() == Some(pruned);
            if let Some((sequence, head, root)) = self.starts.get(&pruned.segment)
                && ((*sequence, *head) != (pruned.sequence, pruned.head)
                    || root.is_some_and(|root| root != pruned.root))
            {
                let what = "the pruned record does not fit the lines before the segment it names";
                self.find(number, *place, 0, Damage::WrongRecord(what));
            }
        }
    }

    /// Ends with the last segment; `next` is the one behind it, where only a part was read.
    pub(super) fn finish(mut self, next: Option<&Segment>, buffer: &mut [u8]) -> Result<Report, VerifyError> {
        let last = self.last.take();
        match (&last, next) {
            (Some(last), Some(next)) => {
                if let Some((sequence, header)) = &next.header
                    && let Some(previous) = &header.previous
                {
                    let quoted = self.quoted(next.number, buffer)?.unwrap_or(previous.head);
                    self.border(last, previous, (next.number, *sequence, quoted), buffer)?;
                } else if last.rest > 0 {
                    let end =
                        Place { offset: last.bytes, line: last.lines + 1, sequence: last.expected.sequence };
                    self.find(last.number, end, 0, Damage::UndeclaredTail { bytes: last.rest });
                }
            }
            (Some(last), None) if last.rest > 0 && last.sealed => {
                let end =
                    Place { offset: last.bytes, line: last.lines + 1, sequence: last.expected.sequence };
                self.find(last.number, end, 0, Damage::BehindSeal);
            }
            (Some(last), None) => self.report.tail = last.rest,
            (None, _) => {}
        }
        if self.hint.is_some() && !self.hint_seen && self.report.findings.is_empty() {
            let place = Place { offset: 0, line: 1, sequence: self.report.first };
            let first = self.starts.keys().next().copied().unwrap_or_default();
            self.find(first, place, 0, Damage::MissingStart);
        }
        self.report.root = self.frontier.as_ref().map(Frontier::root);
        let asked = self.asked;
        for anchor in &asked.anchors {
            if self.compared.contains(&anchor.size) {
                continue;
            }
            if anchor.size > self.report.size
                && !self.part
                && let Some(last) = &last
            {
                let place = Place { offset: last.bytes, line: last.lines + 1, sequence: self.report.size };
                let found = self.report.size;
                self.find(last.number, place, 0, Damage::RolledBack { anchored: anchor.size, found });
            } else {
                self.report.not_compared.push(anchor.size);
            }
        }
        Ok(self.report)
    }

    /// `prev` of the first line of a segment.
    fn quoted(&self, number: u32, buffer: &mut [u8]) -> Result<Option<Hash>, VerifyError> {
        let failed = |error| failed(number, error);
        let file = self.source.open(number).map_err(failed)?;
        let mut quoted = None;
        each_line(file.as_ref(), u64::MAX, buffer, |_, line| {
            quoted = prefix::read(line).and_then(|prefix| Hash::from_hex(prefix.prev));
            false
        })
        .map_err(failed)?;
        Ok(quoted)
    }
}
