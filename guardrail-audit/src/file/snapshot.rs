//! Snapshots of the state behind a line, so that opening a log reads its end alone.
//!
//! A snapshot is believed only where a checkpoint line of the log has its digest, and stands where
//! the snapshot says that the log went on.

use std::io;

use super::hint::Hint;
use super::position::Position;
use super::segment::{self, Checkpoint};
use crate::hash::Hash;
use crate::line;
use crate::storage::{Storage, StorageFile};

const ENDING: &str = ".index";
/// How many are kept.
const KEPT: usize = 3;

fn name(size: u64) -> String {
    format!("{size:020}{ENDING}")
}

fn is_name(name: &str) -> bool {
    name.strip_suffix(ENDING)
        .is_some_and(|digits| digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Keeps the state before a checkpoint line, and gives the digest that the line is to have. It is
/// not synced: what a crash makes of it is not believed.
pub(crate) fn keep(storage: &dyn Storage, position: &Position) -> io::Result<Hash> {
    let contents = serde_json::to_vec(position)?;
    let name = name(position.chain.size);
    let file = match storage.create(&name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Of a line that was never written.
            storage.remove(&name)?;
            storage.create(&name)?
        }
        other => other?,
    };
    let written = write_all(file.as_ref(), &contents);
    if written.is_err() {
        let _ = storage.remove(&name);
    }
    written.map(|()| Hash::of(&contents))
}

/// Removes all but the newest. `names` are those of the directory, sorted.
pub(crate) fn clear(storage: &dyn Storage, names: &[String]) {
    let names: Vec<&String> = names.iter().filter(|name| is_name(name)).collect();
    let old = names.len().saturating_sub(KEPT);
    // Where they cannot be removed they stay.
    names.into_iter().take(old).for_each(|name| drop(storage.remove(name)));
}

/// The last segment and a snapshot near it, as the processes tell each other, so that the directory
/// need not be listed: that costs more the more segments there are. What is told counts only as far
/// as it can be checked: the log confirms the snapshot, no segment can be missing between the two, and
/// [`Writer::catch_up`](super::writer::Writer::catch_up) goes on to whatever segment follows, whether or not it was told of.
pub(crate) fn told(storage: &dyn Storage, hint: &Hint) -> Option<(u32, Position)> {
    let newest = hint.segment?;
    let position = confirmed(storage, &name(hint.snapshot))?;
    let near = position.segment == newest || position.segment.checked_add(1) == Some(newest);
    near.then_some((newest, position))
}

/// The newest state that the log confirms. `names` are those of the directory, sorted.
pub(crate) fn newest(storage: &dyn Storage, names: &[String]) -> Option<Position> {
    let names = names.iter().rev().filter(|name| is_name(name));
    names.filter_map(|name| confirmed(storage, name)).next()
}

fn confirmed(storage: &dyn Storage, name: &str) -> Option<Position> {
    let contents = read_all(storage.open(name).ok()?.as_ref()).ok()?;
    let position: Position = serde_json::from_slice(&contents).ok()?;
    let file = storage.open(&segment::name(position.segment)).ok()?;
    let line = segment::line_at(file.as_ref(), position.end).ok()??;
    let prefix = line::read(&line)?;
    let next = prefix.kind == "checkpoint"
        && prefix.sequence == position.chain.size
        && prefix.prev == position.chain.head
        && position.frontier.size() == position.chain.size;
    let checkpoint: Checkpoint = segment::details(&line)?;
    let same = checkpoint.index == Some(Hash::of(&contents))
        && checkpoint.size == position.chain.size
        && checkpoint.root == position.frontier.root();
    (next && same).then_some(position)
}

/// Appends all bytes.
pub(crate) fn write_all(file: &dyn StorageFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.append(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn read_all(file: &dyn StorageFile) -> io::Result<Vec<u8>> {
    let mut contents = vec![0; usize::try_from(file.size()?).unwrap_or_default()];
    let mut filled = 0;
    while let Some(rest) = contents.get_mut(filled..)
        && !rest.is_empty()
    {
        match file.read_at(rest, filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    contents.truncate(filled);
    Ok(contents)
}
