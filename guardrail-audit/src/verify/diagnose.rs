//! A closer look at the place where a log is damaged. It may take its time.

use std::io;

use sha2::{Digest as _, Sha256};

use super::claims::{self, Checkpoint, Previous};
use super::damage::{Damage, Finding};
use super::prefix::{self, Expected};
use super::scan::Place;
use super::source::{From, ReadAt, each_line};
use crate::hash::Hash;
use crate::merkle::{Frontier, Range};

/// In longer lines, no flipped bit is looked for.
const MOST_TRIED: usize = 8_192;

/// Where a pass over a segment ended.
pub(super) struct Broken<'b> {
    pub(super) size: u64,
    pub(super) place: Place,
    /// Which byte of the line.
    pub(super) at: u64,
    pub(super) damage: Damage,
    /// Whether the line does not follow the one before; else the damage is known.
    pub(super) unchained: bool,
    /// What the line should begin with.
    pub(super) expected: &'b Expected,
    /// Whether the next segment is another log's.
    pub(super) other_log: bool,
    /// What the next header says is the hash of the last line.
    pub(super) head: Option<Hash>,
}

/// A line with the numbers in it.
struct Line {
    bytes: Vec<u8>,
    sequence: u64,
    prev: Hash,
}

impl Line {
    fn hash(&self) -> Hash {
        Hash::of_line(&self.bytes)
    }
}

fn parsed(bytes: &[u8]) -> Option<Line> {
    let prefix = prefix::read(bytes)?;
    let (sequence, prev) = (prefix::number(prefix.sequence)?, Hash::from_hex(prefix.prev)?);
    Some(Line { bytes: bytes.to_vec(), sequence, prev })
}

/// What happened at the place where a pass ended.
pub(super) fn diagnose(
    file: &dyn ReadAt,
    broken: &Broken<'_>,
    before: Option<&Frontier>,
    buffer: &mut [u8],
) -> io::Result<Finding> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let rest = From(file, broken.place.offset);
    each_line(&rest, broken.size.saturating_sub(broken.place.offset), buffer, |_, line| {
        lines.push(line.to_vec());
        lines.len() < 3
    })?;
    let Place { offset, line, sequence } = broken.place;
    let at = |byte: u64, damage| Finding {
        segment: 0,
        offset: offset + byte,
        line,
        sequence: Some(sequence),
        damage,
    };
    let known = at(broken.at, broken.damage.clone());
    let mut lines = lines.into_iter();
    let (Some(here), next, after) = (lines.next(), lines.next(), lines.next()) else { return Ok(known) };
    let next_line = next.as_deref().and_then(parsed);
    // What the hash of the line should be, as far as the next one says.
    let target = match &next_line {
        Some(next) => (line == 1 || next.sequence == sequence.wrapping_add(1)).then_some(next.prev),
        None => broken.head.filter(|_| next.is_none()),
    };
    if let Some((byte, bit)) = target.and_then(|target| flipped(&here, target)) {
        return Ok(at(byte, Damage::BitFlip { bit }));
    }
    let Some(found) = parsed(&here).filter(|_| broken.unchained) else {
        if !matches!(broken.damage, Damage::Malformed(_)) {
            return Ok(known);
        }
        let newline = newline_lost(&here, broken.expected)
            .or_else(|| newline_won(&here, next.as_deref()?, after.as_deref().and_then(parsed)?.prev));
        return Ok(newline.map_or(known, |(byte, bit)| at(byte, Damage::BitFlip { bit })));
    };
    let surroundings = surroundings(file, broken, &found, buffer)?;
    let earlier = |byte: u64, damage| Finding {
        segment: 0,
        offset: surroundings.previous_at + byte,
        line: line.saturating_sub(1),
        sequence: Some(sequence.wrapping_sub(1)),
        damage,
    };
    if let Some((byte, bit)) = flipped(&surroundings.previous, found.prev) {
        return Ok(earlier(byte, Damage::BitFlip { bit }));
    }
    let head = broken.expected.head;
    let goes_on = next_line.as_ref().is_some_and(|next| (next.sequence, next.prev) == (sequence, head));
    let (expected, m) = (sequence, found.sequence);
    Ok(if surroundings.same {
        at(0, Damage::Duplicated { of: m })
    } else if found.prev == head {
        // It follows, and only its number does not.
        at(0, Damage::Altered)
    } else if m > expected && (goes_on || surroundings.comes_later) {
        at(0, Damage::Reordered { expected, found: m })
    } else if goes_on || m < expected {
        at(0, Damage::Spliced("this line belongs elsewhere"))
    } else if m > expected {
        at(0, Damage::Missing { from: expected, to: m - 1 })
    } else if target.is_some_and(|target| target != found.hash()) {
        at(0, Damage::Altered)
    } else if let Some((byte, bit)) = one_bit(&found.prev, &head) {
        at(byte, Damage::BitFlip { bit })
    } else if broken.other_log || !confirmed(file, broken, found.prev, before, buffer)? {
        at(0, Damage::Spliced("the line does not follow the one before"))
    } else {
        earlier(0, Damage::Altered)
    })
}

/// What is wrong at the end of a segment, where its last line is not the one that the next header says.
pub(super) fn end(
    file: &dyn ReadAt,
    bytes: u64,
    previous: &Previous,
    end: Place,
    buffer: &mut [u8],
) -> io::Result<Finding> {
    let (mut last, mut last_at) = (Vec::new(), 0);
    each_line(file, bytes, buffer, |offset, line| {
        (last, last_at) = (line.to_vec(), offset);
        true
    })?;
    let made = |offset, place: Place, damage| Finding {
        segment: 0,
        offset,
        line: place.line,
        sequence: Some(place.sequence),
        damage,
    };
    if previous.good_bytes > bytes {
        // The newline of the last line is not there, or another byte.
        let length = usize::try_from(previous.good_bytes - bytes).unwrap_or(usize::MAX).min(buffer.len());
        let read = file.read_at(buffer.get_mut(..length).unwrap_or_default(), bytes)?;
        let rest = buffer.get(..read).unwrap_or_default();
        if let Some((byte, line)) = rest.split_last()
            && (byte ^ b'\n').count_ones() == 1
            && Hash::of_line(line) == previous.head
        {
            let bit = (byte ^ b'\n').trailing_zeros() as u8;
            return Ok(made(previous.good_bytes - 1, end, Damage::BitFlip { bit }));
        }
        return Ok(made(bytes, end, Damage::Altered));
    }
    let place =
        Place { offset: last_at, line: end.line.saturating_sub(1), sequence: end.sequence.wrapping_sub(1) };
    Ok(match flipped(&last, previous.head) {
        Some((byte, bit)) => made(last_at + byte, place, Damage::BitFlip { bit }),
        None => made(last_at, place, Damage::Altered),
    })
}

#[derive(Default)]
struct Surroundings {
    /// The line before, and where it begins.
    previous: Vec<u8>,
    previous_at: u64,
    /// Whether the same line stands before.
    same: bool,
    /// Whether the line that should be here stands behind.
    comes_later: bool,
}

fn surroundings(
    file: &dyn ReadAt,
    broken: &Broken<'_>,
    found: &Line,
    buffer: &mut [u8],
) -> io::Result<Surroundings> {
    let mut seen = Surroundings::default();
    each_line(file, broken.size, buffer, |offset, line| {
        if offset < broken.place.offset {
            seen.same |= line == found.bytes;
            seen.previous.clear();
            seen.previous.extend_from_slice(line);
            seen.previous_at = offset;
        } else if offset > broken.place.offset {
            seen.comes_later |= prefix::read(line).is_some_and(|prefix| broken.expected.is(&prefix));
        }
        true
    })?;
    Ok(seen)
}

/// Whether a checkpoint further on has the root that follows if only the line before was changed, and had
/// the hash that the line here quotes. Also where there is none that could say.
fn confirmed(
    file: &dyn ReadAt,
    broken: &Broken<'_>,
    quoted: Hash,
    before: Option<&Frontier>,
    buffer: &mut [u8],
) -> io::Result<bool> {
    let Some(before) = before else { return Ok(true) };
    let mut range = Range::new(before.size());
    let mut confirmed = true;
    let mut number = 0;
    each_line(file, broken.size, buffer, |_, line| {
        number += 1;
        if number >= broken.place.line
            && prefix::read(line).is_some_and(|prefix| prefix.kind == b"checkpoint")
            && let Some(checkpoint) = claims::details::<Checkpoint>(line)
        {
            let mut frontier = before.clone();
            confirmed = frontier.extend(&range) && frontier.root() == checkpoint.root;
            return false;
        }
        range.push(if number + 1 == broken.place.line { quoted } else { Hash::of_line(line) });
        true
    })?;
    Ok(confirmed)
}

/// The byte and the bit by which a line differs from one with a hash.
fn flipped(line: &[u8], target: Hash) -> Option<(u64, u8)> {
    if line.len() > MOST_TRIED || Hash::of_line(line) == target {
        return None;
    }
    // What is before the byte is hashed once for all that follow in its block.
    let mut before = Sha256::new().chain_update([0]);
    let mut rest = line.to_vec();
    let mut start = 0;
    while !rest.is_empty() {
        let block = rest.len().min(64);
        for at in 0..block {
            for bit in 0..8 {
                *rest.get_mut(at)? ^= 1 << bit;
                if <[u8; 32]>::from(before.clone().chain_update(&rest).finalize()) == target.0 {
                    return Some((start + at as u64, bit));
                }
                *rest.get_mut(at)? ^= 1 << bit;
            }
        }
        before.update(rest.get(..block)?);
        rest.drain(..block);
        start += block as u64;
    }
    None
}

/// Where two lines became one since the newline between them is another byte.
fn newline_lost(line: &[u8], expected: &Expected) -> Option<(u64, u8)> {
    let places = line.iter().enumerate().filter(|(_, byte)| (**byte ^ b'\n').count_ones() == 1);
    for (at, byte) in places {
        let (first, second) = (line.get(..at)?, line.get(at + 1..)?);
        let follows = prefix::read(first).is_some_and(|prefix| expected.is(&prefix))
            && parsed(second).is_some_and(|second| second.prev == Hash::of_line(first));
        if follows {
            return Some((at as u64, (byte ^ b'\n').trailing_zeros() as u8));
        }
    }
    None
}

/// Where one line became two since a byte became a newline.
fn newline_won(first: &[u8], second: &[u8], target: Hash) -> Option<(u64, u8)> {
    (0..8).find_map(|bit| {
        let line = [first, &[b'\n' ^ 1 << bit], second].concat();
        (Hash::of_line(&line) == target).then_some((first.len() as u64, bit))
    })
}

/// The byte of a line and the bit by which its `prev` differs from a hash, where it is one.
fn one_bit(found: &Hash, right: &Hash) -> Option<(u64, u8)> {
    const PREV: u64 = 15;
    let (found, right) = (found.hex(), right.hex());
    let mut other = found.iter().zip(&right).enumerate().filter(|(_, (found, right))| found != right);
    let (at, (found, right)) = other.next()?;
    let difference = found ^ right;
    (difference.count_ones() == 1 && other.next().is_none())
        .then_some((PREV + at as u64, difference.trailing_zeros() as u8))
}
