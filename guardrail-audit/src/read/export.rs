//! Parts of a log for others: JSON Lines with what proves them, and CSV for spreadsheets.

use std::io::{self, BufRead, Read as _, Write};
use std::path::Path;

use chrono::SecondsFormat;
use guardrail_core::record::{Kind, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::tail::checked;
use super::{Entry, Filter, LineSource, Links, Query, prefix};
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::line::MAX_LINE;
use crate::merkle::{Frontier, TreeError, TreeFiles};
use crate::note::Verifier;
use crate::proof::{LineProof, LineProofError};
use crate::store::StoreError;

/// The form of a manifest that this crate writes and reads.
const FORMAT: &str = "guardrail-audit-export/1";

/// What goes with exported lines, so that whoever gets them can check them. Serialises to JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `guardrail-audit-export/1`.
    pub format: String,
    /// The log's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The log's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_id: Option<Uuid>,
    /// The number of the first line.
    pub first: u64,
    /// The number of the last line.
    pub last: u64,
    /// How many lines there are.
    pub records: u64,
    /// How many bytes, newlines included.
    pub bytes: u64,
    /// The time of the first line.
    pub from: Timestamp,
    /// The time of the last line.
    pub until: Timestamp,
    /// The SHA-256 digest of all bytes.
    pub sha256: Hash,
    /// The hash that the first line quotes.
    pub prev: Hash,
    /// The hash of the last line.
    pub head: Hash,
    /// The proof, as C2SP tlog-proof, that the last line is in the log of a signed checkpoint. The
    /// lines before it hang on it by their chain. Absent where the log has no signed checkpoint behind
    /// the range, or its beginning was pruned and the hashes of that are not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

/// Why there is no export, or why one is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The log cannot be read, or is damaged where it was read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is exported cannot be written, or what was cannot be read.
    #[error("the export: {0}")]
    Io(#[from] io::Error),
    /// Nothing is in the range.
    #[error("no line of the log is in the range")]
    Empty,
    /// The filter picks lines out of the range, which would not be a chain.
    #[error(
        "JSON Lines are exported whole, by time or sequence number alone: for a selection, use CSV or a query"
    )]
    NoRange,
    /// The manifest is of another version.
    #[error("the manifest has the form {0}, and this program reads {FORMAT}")]
    Format(String),
    /// The lines are not those of the manifest.
    #[error("line {line} of the export: {why}")]
    Differs {
        /// The line of the file, from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// The proof is none.
    #[error(transparent)]
    Proof(#[from] LineProofError),
}

/// What was found out about exported lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many lines there are, each of them linked to the one before and the last as the manifest
    /// says.
    pub records: u64,
    /// The signed checkpoint of which the last line is proved to be a part; `None` where the
    /// manifest has no proof or no key is trusted. The lines are then only as the manifest says.
    pub checkpoint: Option<Checkpoint>,
}

/// Writes the lines of a range as they stand in the log, checks their chain on the way, and gives
/// the manifest. `watch` is told how many bytes were written.
///
/// # Errors
///
/// [`ExportError::NoRange`] where the filter asks for more than time and sequence numbers,
/// [`ExportError::Empty`], and where the log or the output fails.
pub fn json_lines<S: LineSource + ?Sized>(
    source: &S,
    filter: Filter,
    identity: Option<(Uuid, &str)>,
    out: &mut dyn Write,
    mut watch: impl FnMut(u64),
) -> Result<Manifest, ExportError> {
    if !filter.is_range() {
        return Err(ExportError::NoRange);
    }
    let mut links = Links::default();
    let mut digest = Sha256::new();
    let mut manifest: Option<Manifest> = None;
    let mut query = Query::new(source, filter)?;
    while let Some(line) = query.next_line() {
        let line = line?;
        let head = links.follow(&line)?;
        let found = prefix(&line)?;
        let manifest = manifest.get_or_insert_with(|| Manifest {
            format: FORMAT.to_owned(),
            origin: identity.map(|(_, origin)| origin.to_owned()),
            log_id: identity.map(|(id, _)| id),
            first: found.sequence,
            last: found.sequence,
            records: 0,
            bytes: 0,
            from: found.timestamp,
            until: found.timestamp,
            sha256: head,
            prev: found.prev,
            head,
            proof: None,
        });
        manifest.last = found.sequence;
        manifest.until = found.timestamp;
        manifest.records += 1;
        manifest.bytes += line.len() as u64 + 1;
        manifest.head = head;
        for bytes in [&line[..], b"\n"] {
            digest.update(bytes);
            out.write_all(bytes)?;
        }
        watch(manifest.bytes);
    }
    out.flush()?;
    let mut manifest = manifest.ok_or(ExportError::Empty)?;
    manifest.sha256 = Hash(digest.finalize().into());
    manifest.proof = prove(source, manifest.last)?.map(|proof| proof.to_string());
    Ok(manifest)
}

/// The proof that a line is in the log of the first signed checkpoint behind it; `None` where there is
/// no such checkpoint, or neither the lines nor the hashes of the log's pruned beginning are there.
///
/// Where the source has a tree beside it, the tree is brought up to the checkpoint, and only what it lacks is
/// read; otherwise, and where the tree cannot be written, all lines before the checkpoint are read.
///
/// # Errors
///
/// Where the log cannot be read, or is damaged.
pub fn prove<S: LineSource + ?Sized>(source: &S, sequence: u64) -> Result<Option<LineProof>, StoreError> {
    let Some((size, root, note)) = signed_after(source, sequence)? else { return Ok(None) };
    if let Some(path) = source.tree() {
        match by_tree(source, &path, sequence, (size, &root)) {
            Ok(hashes) => return Ok(Some(LineProof { line: None, index: sequence, hashes, note })),
            Err(TreeFailure::Store(StoreError::Pruned { .. })) => return Ok(None),
            Err(TreeFailure::Store(error)) => return Err(error),
            // A tree that may not be written, or is no longer whole: the lines say the same.
            Err(TreeFailure::Tree(_)) => {}
        }
    }
    by_lines(source, sequence, (size, &root), &note)
}

/// Why the tree beside a log gave no proof, or could not be brought up to it.
pub(crate) enum TreeFailure {
    /// The lines.
    Store(StoreError),
    /// The files of the tree.
    Tree(TreeError),
}

impl From<StoreError> for TreeFailure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<TreeError> for TreeFailure {
    fn from(error: TreeError) -> Self {
        Self::Tree(error)
    }
}

/// The proof from the tree beside the log, checked against the root; the hash of the line that is there
/// must be the one that is proved.
fn by_tree<S: LineSource + ?Sized>(
    source: &S,
    path: &Path,
    sequence: u64,
    (size, root): (u64, &Hash),
) -> Result<Vec<Hash>, TreeFailure> {
    let mut tree = TreeFiles::open(path)?;
    let line = match source.lines(sequence).and_then(|mut lines| lines.next().transpose()) {
        // The tree alone knows it.
        Err(StoreError::Pruned { .. }) => None,
        line => line?.map(|line| Hash::of_line(&line)),
    };
    let proved = |tree: &TreeFiles| {
        let hashes = tree.inclusion(sequence, size, root)?;
        let same = line.is_none_or(|line| tree.leaf(sequence).is_ok_and(|leaf| leaf == line));
        Ok::<_, TreeError>(same.then_some(hashes))
    };
    fill(source, &mut tree, size)?;
    if let Ok(Some(hashes)) = proved(&tree) {
        return Ok(hashes);
    }
    // The hashes of lines that are still there are made anew.
    let first = match source.lines(0) {
        Err(StoreError::Pruned { first }) => first,
        other => other.map(|_| 0)?,
    };
    tree.cut(first)?;
    fill(source, &mut tree, size)?;
    let damaged = || {
        StoreError::Damaged(format!(
            "the checkpoint in line {size} does not fit the lines before it: verify the log"
        ))
    };
    match proved(&tree) {
        Ok(hashes) => Ok(hashes.ok_or_else(damaged)?),
        Err(error @ TreeError::Io { .. }) => Err(error.into()),
        Err(_) => Err(damaged().into()),
    }
}

/// Brings a tree up to a number of lines, as far as there are so many.
pub(crate) fn fill<S: LineSource + ?Sized>(
    source: &S,
    tree: &mut TreeFiles,
    size: u64,
) -> Result<(), TreeFailure> {
    const AT_ONCE: usize = 65_536;
    let from = tree.size()?;
    let mut leaves = Vec::new();
    if from < size {
        for (line, _) in source.lines(from)?.zip(from..size) {
            leaves.push(Hash::of_line(&line?));
            if leaves.len() == AT_ONCE {
                tree.extend(&leaves)?;
                leaves.clear();
            }
        }
    }
    Ok(tree.extend(&leaves)?)
}

/// The proof from all lines before the checkpoint.
fn by_lines<S: LineSource + ?Sized>(
    source: &S,
    sequence: u64,
    (size, root): (u64, &Hash),
    note: &str,
) -> Result<Option<LineProof>, StoreError> {
    let mut wanted = Vec::new();
    siblings(sequence, 0, size, &mut wanted);
    // In the order of the log, where each is computed as its lines go by.
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|index| wanted.get(*index));
    let mut hashes = vec![Hash([0; 32]); wanted.len()];
    let mut order = order.into_iter();
    let mut current = order.next();
    let mut frontier = Frontier::default();
    let mut whole = Frontier::default();
    let mut at = 0;
    for line in checked(source, 0)? {
        let (line, hash) = line?;
        if at == 0 && prefix(&line)?.sequence != 0 {
            return Ok(None);
        }
        if at == size {
            break;
        }
        whole.push(hash);
        if let Some(index) = current
            && let Some((begin, count)) = wanted.get(index)
            && at >= *begin
        {
            frontier.push(hash);
            if at + 1 == begin + count {
                if let Some(slot) = hashes.get_mut(index) {
                    *slot = frontier.root();
                }
                frontier = Frontier::default();
                current = order.next();
            }
        }
        at += 1;
    }
    if at != size || whole.root() != *root {
        return Err(StoreError::Damaged(format!(
            "the checkpoint in line {size} does not fit the lines before it: verify the log"
        )));
    }
    Ok(Some(LineProof { line: None, index: sequence, hashes, note: note.to_owned() }))
}

/// The size, the root and the note of the first signed checkpoint that covers a line.
fn signed_after<S: LineSource + ?Sized>(
    source: &S,
    sequence: u64,
) -> Result<Option<(u64, Hash, String)>, StoreError> {
    let filter = Filter::new().first(sequence + 1).kind(Kind::Checkpoint);
    for entry in Query::new(source, filter)? {
        let entry = entry?;
        let details = entry.recorded.record.details.unwrap_or_default();
        let Some(note) = details.get("note").and_then(serde_json::Value::as_str) else { continue };
        let checkpoint = Checkpoint::unverified(note)
            .map_err(|error| StoreError::Damaged(format!("line {}: {error}", entry.recorded.sequence)))?;
        if checkpoint.size > sequence {
            return Ok(Some((checkpoint.size, checkpoint.root, note.to_owned())));
        }
    }
    Ok(None)
}

/// The subtrees whose roots prove a leaf, the lowest first: where they begin, and how many leaves
/// they have.
fn siblings(leaf: u64, begin: u64, count: u64, out: &mut Vec<(u64, u64)>) {
    if count < 2 {
        return;
    }
    let left = 1 << (count - 1).ilog2();
    if leaf < begin + left {
        siblings(leaf, begin, left, out);
        out.push((begin + left, count - left));
    } else {
        siblings(leaf, begin + left, count - left, out);
        out.push((begin, left));
    }
}

/// Checks exported lines against their manifest, without the log.
///
/// # Errors
///
/// [`ExportError`] says which line differs, or why the proof is none.
pub fn verify(
    lines: &mut dyn BufRead,
    manifest: &Manifest,
    trusted: &[Verifier],
) -> Result<Verified, ExportError> {
    if manifest.format != FORMAT {
        return Err(ExportError::Format(manifest.format.clone()));
    }
    let mut links = Links::default();
    let mut digest = Sha256::new();
    let mut last = Vec::new();
    let mut records = 0;
    loop {
        let mut line = Vec::new();
        let at = records + 1;
        let differs = |why: &str| ExportError::Differs { line: at, why: why.to_owned() };
        if (&mut *lines).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        digest.update(&line);
        if line.pop() != Some(b'\n') {
            return Err(differs("it does not end, or is too long"));
        }
        links.follow(&line).map_err(|error| differs(&error.to_string()))?;
        let found = prefix(&line)?;
        if records == 0 && (found.prev, found.sequence) != (manifest.prev, manifest.first) {
            return Err(differs("it is not the one with which the export begins"));
        }
        records += 1;
        last = line;
    }
    let differs = |why: &str| ExportError::Differs { line: records, why: why.to_owned() };
    if records != manifest.records || links.head() != Some(manifest.head) {
        return Err(differs(&format!("the export ends here, and not with line {}", manifest.last)));
    }
    if Hash(digest.finalize().into()) != manifest.sha256 {
        return Err(differs("the digest of all lines is not that of the manifest"));
    }
    let checkpoint = match (&manifest.proof, &manifest.origin) {
        (Some(proof), Some(origin)) if !trusted.is_empty() => {
            let proof: LineProof = proof.parse()?;
            if proof.index != manifest.last {
                return Err(differs("the proof is that of another line"));
            }
            Some(proof.verify(Some(&last), origin, trusted)?)
        }
        _ => None,
    };
    Ok(Verified { records, checkpoint })
}

/// The columns of CSV, which are the fields of a record that hold one value.
pub const COLUMNS: &[&str] = &[
    "seq",
    "timestamp",
    "kind",
    "plan_id",
    "revision",
    "step",
    "actor",
    "session",
    "channel",
    "tool",
    "action",
    "resource",
    "risk",
    "decision",
    "rule",
    "approver",
    "status",
    "duration_seconds",
    "reason",
    "result",
    "hash",
];

/// Writes what matches as CSV, with a first line of names, and says how many records there were.
///
/// Spreadsheets take a text that begins with `=`, `+`, `-` or `@` for a formula, and the texts of a
/// log are those of an agent: such a text gets an apostrophe before it. `watch` is told how many
/// records were written.
///
/// # Errors
///
/// Where the log cannot be read, or the output cannot be written.
pub fn csv<S: LineSource + ?Sized>(
    source: &S,
    filter: Filter,
    out: &mut dyn Write,
    mut watch: impl FnMut(u64),
) -> Result<u64, ExportError> {
    let mut writer = csv::Writer::from_writer(out);
    let failed = |error: csv::Error| ExportError::Io(io::Error::other(error));
    writer.write_record(COLUMNS).map_err(failed)?;
    let mut records = 0;
    for entry in Query::new(source, filter)? {
        writer.write_record(cells(&entry?)).map_err(failed)?;
        records += 1;
        watch(records);
    }
    writer.flush()?;
    Ok(records)
}

fn cells(entry: &Entry) -> Vec<String> {
    let record = &entry.recorded.record;
    let text = |text: &Option<String>| text.as_deref().map_or_else(String::new, safe);
    let number = |number: Option<u32>| number.map_or_else(String::new, |number| number.to_string());
    vec![
        entry.recorded.sequence.to_string(),
        entry.recorded.timestamp.to_rfc3339_opts(SecondsFormat::Micros, true),
        record.kind.to_string(),
        text(&record.plan_id),
        number(record.revision),
        number(record.step),
        text(&record.actor),
        text(&record.session),
        text(&record.channel),
        text(&record.tool),
        text(&record.action),
        text(&record.resource),
        record.risk.map_or_else(String::new, |risk| risk.to_string()),
        record.decision.as_ref().map_or_else(String::new, |decision| safe(decision.as_str())),
        text(&record.rule),
        text(&record.approver),
        record.status.as_ref().map_or_else(String::new, |status| safe(status.as_str())),
        record.duration_seconds.map_or_else(String::new, |seconds| seconds.to_string()),
        text(&record.reason),
        text(&record.result),
        entry.hash().to_string(),
    ]
}

/// A text that no spreadsheet takes for a formula.
fn safe(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}
