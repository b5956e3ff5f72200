//! The checkpoints that were kept of segments which were pruned: that they are checkpoints, signed as all are,
//! and, where the hashes of the lines that are gone are beside the log, that these lead to them.

use std::collections::BTreeMap;

use super::claims::{self, Pruned};
use super::damage::{Damage, Finding, Malformed};
use super::scan::{self, Place, wrong_claim};
use super::source::{ReadAt, Source, each_line};
use super::{Level, Report, Verification, VerifyError, json, prefix};
use crate::hash::Hash;
use crate::merkle::Frontier;

/// A kept checkpoint: where it is, the hash of its line, and the root it names.
struct Kept {
    segment: u32,
    place: Place,
    line: Hash,
    root: Hash,
}

/// Checks what is left of lines before the first segment that stayed. `pruned` is the record that says so, and
/// was found to be right.
pub(super) fn check(
    asked: &Verification<'_>,
    source: &dyn Source,
    pruned: &Pruned,
    report: &mut Report,
) -> Result<(), VerifyError> {
    if asked.level < Level::Tree {
        return Ok(());
    }
    let mut findings = Vec::new();
    let kept = read(asked, source, (pruned, report.origin.as_deref()), &mut findings)?;
    report.kept = kept.len() as u64;
    let anchors = report.not_compared.iter().filter(|size| **size <= pruned.sequence);
    let sizes: Vec<u64> = kept.keys().chain(anchors).copied().collect();
    if let Some((lines, roots)) = hashes(source, pruned, sizes)? {
        for (size, kept) in kept {
            let root = roots.get(&size).copied().unwrap_or(kept.root);
            if lines.get(&size).is_some_and(|line| *line != kept.line) {
                findings.push(kept.finding(Damage::Altered));
            } else if root != kept.root {
                findings.push(kept.finding(Damage::WrongRoot { claimed: kept.root, found: root }));
            } else {
                report.kept_proved += 1;
            }
        }
        let origin = report.origin.clone().unwrap_or_default();
        for anchor in asked.anchors.iter().filter(|anchor| report.not_compared.contains(&anchor.size)) {
            let Some(&found) = roots.get(&anchor.size) else { continue };
            let size = anchor.size;
            let place = Place { offset: 0, line: 1, sequence: size };
            let damage = if anchor.origin != origin {
                Damage::OtherOrigin { anchored: anchor.origin.clone(), found: origin.clone() }
            } else if anchor.root != found {
                Damage::SplitView { size, anchored: anchor.root, found }
            } else {
                report.anchored = report.anchored.max(size);
                continue;
            };
            findings.push(at(pruned.segment, place, damage));
        }
        report.not_compared.retain(|size| !roots.contains_key(size));
    }
    report.findings.splice(0..0, findings);
    report.findings.truncate(super::join::MOST_FINDINGS);
    Ok(())
}

impl Kept {
    fn finding(&self, damage: Damage) -> Finding {
        at(self.segment, self.place, Damage::Kept(Box::new(damage)))
    }
}

fn at(segment: u32, place: Place, damage: Damage) -> Finding {
    let Place { offset, line, sequence } = place;
    Finding { segment, offset, line, sequence: Some(sequence), damage }
}

/// The kept checkpoints by their sizes; those with which something is wrong are in the findings alone.
fn read(
    asked: &Verification<'_>,
    source: &dyn Source,
    (pruned, origin): (&Pruned, Option<&str>),
    findings: &mut Vec<Finding>,
) -> Result<BTreeMap<u64, Kept>, VerifyError> {
    let failed = |segment: u32| {
        move |error| VerifyError::Io { what: format!("checkpoints/{segment:08}.jsonl"), error }
    };
    let mut kept: BTreeMap<u64, Kept> = BTreeMap::new();
    let mut buffer = scan::buffer();
    let listed = source.kept().map_err(|error| VerifyError::Io { what: "checkpoints/".into(), error })?;
    for (segment, size) in listed.into_iter().filter(|(segment, _)| *segment < pruned.segment) {
        let file = source.open_kept(segment).map_err(failed(segment))?;
        let mut place = Place { offset: 0, line: 0, sequence: 0 };
        let (end, rest) = each_line(file.as_ref(), size, &mut buffer, |offset, line| {
            place = Place { offset, line: place.line + 1, sequence: place.sequence };
            let after = kept.last_key_value().map(|(sequence, _)| *sequence);
            match line_of(asked, line, (after, pruned.sequence), origin, &mut place.sequence) {
                Ok(root) => {
                    let line = Hash::of_line(line);
                    kept.insert(place.sequence, Kept { segment, place, line, root });
                }
                Err(damage) => findings.push(at(segment, place, Damage::Kept(Box::new(damage)))),
            }
            true
        })
        .map_err(failed(segment))?;
        if rest > 0 {
            place = Place { offset: end, line: place.line + 1, sequence: place.sequence };
            let damage = Damage::Malformed(Malformed::Prefix);
            findings.push(at(segment, place, Damage::Kept(Box::new(damage))));
        }
    }
    Ok(kept)
}

/// The root that a kept line names; its number is told, too.
fn line_of(
    asked: &Verification<'_>,
    line: &[u8],
    (after, end): (Option<u64>, u64),
    origin: Option<&str>,
    sequence: &mut u64,
) -> Result<Hash, Damage> {
    let malformed = || Damage::Malformed(Malformed::Prefix);
    let prefix = prefix::read(line).ok_or_else(malformed)?;
    *sequence = prefix::number(prefix.sequence).ok_or_else(malformed)?;
    if asked.level >= Level::Full {
        json::check(line, prefix.rest).map_err(|(malformed, _)| Damage::Malformed(malformed))?;
    }
    if prefix.kind != b"checkpoint" {
        return Err(Damage::WrongRecord("what was kept of a pruned segment is no checkpoint"));
    }
    if after.is_some_and(|after| after >= *sequence) || *sequence >= end {
        return Err(Damage::WrongRecord("the checkpoint is not in its place among those that were kept"));
    }
    let checkpoint: claims::Checkpoint =
        claims::details(line).ok_or(Damage::WrongRecord("the checkpoint has not its details"))?;
    if checkpoint.size != *sequence {
        return Err(wrong_claim("the size of the checkpoint", checkpoint.size, *sequence));
    }
    scan::note(&checkpoint, origin, &asked.keys)?;
    Ok(checkpoint.root)
}

type Hashes = (BTreeMap<u64, Hash>, BTreeMap<u64, Hash>);

/// The hashes of these lines, and the roots of all lines before them, by the hashes beside the log. `None`
/// where these are not all there, or do not lead to what the pruned record says.
fn hashes(source: &dyn Source, pruned: &Pruned, mut sizes: Vec<u64>) -> Result<Option<Hashes>, VerifyError> {
    const AT_ONCE: usize = 1 << 15;
    let failed = |error| VerifyError::Io { what: "tree/00".into(), error };
    sizes.sort_unstable();
    sizes.dedup();
    let Some(file) = source.leaves().map_err(failed)?.filter(|_| !sizes.is_empty()) else { return Ok(None) };
    let (mut lines, mut roots) = (BTreeMap::new(), BTreeMap::new());
    let mut frontier = Frontier::default();
    let mut sizes = sizes.into_iter().peekable();
    let mut buffer = vec![0; 32 * AT_ONCE];
    loop {
        let at = frontier.size();
        let left = usize::try_from(pruned.sequence - at).unwrap_or(usize::MAX).min(AT_ONCE);
        let room = buffer.get_mut(..32 * left).unwrap_or_default();
        let filled = fill(file.as_ref(), room, 32 * at).map_err(failed)?;
        let hashes = room.get(..filled).unwrap_or_default().as_chunks::<32>().0;
        for hash in hashes.iter().map(|hash| Hash(*hash)) {
            if sizes.next_if_eq(&frontier.size()).is_some() {
                lines.insert(frontier.size(), hash);
                roots.insert(frontier.size(), frontier.root());
            }
            frontier.push(hash);
        }
        if frontier.size() == pruned.sequence {
            break;
        }
        if hashes.is_empty() {
            return Ok(None);
        }
    }
    if sizes.next_if_eq(&pruned.sequence).is_some() {
        roots.insert(pruned.sequence, frontier.root());
    }
    Ok((frontier.hashes() == pruned.frontier).then_some((lines, roots)))
}

/// Reads until the buffer is full or the end is there.
fn fill(file: &dyn ReadAt, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
