//! The state behind the last line of a log in files, and how reading a line moves it on.

use std::borrow::Cow;
use std::io;
use std::sync::LazyLock;

use guardrail_core::record::{Kind, Status, Timestamp};
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::segment;
use crate::chain::{Chain, Note, Turn};
use crate::hash::Hash;
use crate::line::{self, MAX_LINE, Prefix};
use crate::merkle::Frontier;
use crate::storage::StorageFile;
use crate::store::Body;

/// Where a log ends, and everything that follows from the lines before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) chain: Chain,
    pub(crate) frontier: Frontier,
    /// The segment of the last line.
    pub(crate) segment: u32,
    /// The bytes of that segment that are lines of the log.
    pub(crate) end: u64,
    /// The number of the segment's first line, and its time.
    pub(crate) first: u64,
    pub(crate) from: Timestamp,
    /// Records and bytes since the last checkpoint.
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) last: Last,
}

/// What the last line was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Last {
    /// A checkpoint, or the line a new log begins with: nothing has to be said of it again.
    Checkpoint,
    /// The end of a segment.
    Seal,
    /// Anything else.
    Other,
}

impl Last {
    fn of(kind: &str) -> Self {
        match kind {
            "checkpoint" | "genesis" => Self::Checkpoint,
            "seal" => Self::Seal,
            _ => Self::Other,
        }
    }
}

/// What is wrong with bytes behind a seal.
pub(crate) const BEHIND_SEAL: &str = "something follows the line that ends the segment";

/// How far a scan came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// To the end of the file.
    End,
    /// To bytes that are not the next line.
    Bad(&'static str),
}

impl Position {
    /// Before the first line.
    pub(crate) fn new(origin: &str) -> Self {
        Self {
            chain: Chain::new(origin),
            frontier: Frontier::default(),
            segment: 0,
            end: 0,
            first: 0,
            from: Timestamp::UNIX_EPOCH,
            records: 0,
            bytes: 0,
            last: Last::Checkpoint,
        }
    }

    /// Before the first line of a segment, where those before were pruned: the hash of the last line that is
    /// gone, and the frontier of all that are.
    pub(crate) fn behind(origin: &str, segment: u32, head: Hash, frontier: Frontier) -> Self {
        let size = frontier.size();
        let chain = Chain { size, head, ..Chain::new(origin) };
        Self { chain, frontier, segment, first: size, ..Self::new(origin) }
    }

    /// At the start of the next segment.
    pub(crate) fn next_segment(&mut self) {
        self.segment += 1;
        self.end = 0;
        self.first = self.chain.size;
    }

    /// Whether the segment has its last line.
    pub(crate) fn is_sealed(&self) -> bool {
        self.last == Last::Seal && self.end > 0
    }

    /// Appends the next line to `out`. `kind` is that of the body.
    pub(crate) fn push(&mut self, out: &mut Vec<u8>, body: &Body<'_>, now: Timestamp) {
        let start = out.len();
        self.chain.push(out, &body.json, &body.note, now);
        let kind = kind_of(&body.json);
        self.moved((out.len() - start) as u64, kind);
    }

    /// Moves on over the next line, without its newline.
    ///
    /// # Errors
    ///
    /// Where it is not the next; nothing is changed then.
    pub(crate) fn follow(&mut self, text: &[u8]) -> Result<(), &'static str> {
        // Nobody writes there, so not even a line that links is one of the log.
        if self.is_sealed() {
            return Err(BEHIND_SEAL);
        }
        let prefix = line::read(text).ok_or("this is no line")?;
        if text.last() != Some(&b'}') || memchr::memchr(0, text).is_some() {
            return Err("this line is broken");
        }
        if prefix.sequence != self.chain.size {
            return Err("this line does not have the next number");
        }
        if prefix.prev != self.chain.head {
            return Err("this line does not quote the hash of the one before");
        }
        if prefix.timestamp < self.chain.timestamp {
            return Err("the time of this line is before that of the one before");
        }
        let note = note_of(text, &prefix).ok_or("this line is no JSON")?;
        if prefix.kind == Kind::Checkpoint.as_str() && !self.is_checked_by(text) {
            return Err("this checkpoint does not have the root of the lines before it");
        }
        self.chain.follow(Hash::of_line(text), prefix.timestamp, &note);
        self.moved(text.len() as u64 + 1, Last::of(prefix.kind));
        Ok(())
    }

    fn is_checked_by(&self, text: &[u8]) -> bool {
        let checkpoint = segment::details::<segment::Checkpoint>(text);
        checkpoint.is_some_and(|checkpoint| {
            checkpoint.size == self.chain.size && checkpoint.root == self.frontier.root()
        })
    }

    fn moved(&mut self, bytes: u64, last: Last) {
        if self.end == 0 {
            self.from = self.chain.timestamp;
        }
        self.frontier.push(self.chain.head);
        self.end += bytes;
        self.records += 1;
        self.bytes += bytes;
        self.last = last;
        if last == Last::Checkpoint {
            (self.records, self.bytes) = (0, 0);
        }
    }

    /// Moves on over the lines of the segment's file, as far as they are the next. The buffer is any,
    /// and kept by the caller, so that a line or two cost little.
    pub(crate) fn scan(&mut self, file: &dyn StorageFile, buffer: &mut Vec<u8>) -> io::Result<Stop> {
        buffer.resize(buffer.len().max(16 << 10), 0);
        // The bytes of the buffer that are read; they begin at the end of the good lines.
        let mut filled = 0;
        loop {
            let offset = self.end + filled as u64;
            let read = file.read_at(buffer.get_mut(filled..).unwrap_or_default(), offset)?;
            filled += read;
            let mut start = 0;
            let bytes = buffer.get(..filled).unwrap_or_default();
            while let Some(rest) = bytes.get(start..)
                && let Some(length) = memchr::memchr(b'\n', rest)
            {
                if length > MAX_LINE {
                    return Ok(Stop::Bad("this line is too long"));
                }
                if let Err(why) = self.follow(rest.get(..length).unwrap_or_default()) {
                    return Ok(Stop::Bad(why));
                }
                start += length + 1;
            }
            if filled - start > MAX_LINE {
                return Ok(Stop::Bad("this line is too long"));
            }
            if read == 0 {
                return Ok(if filled == start { Stop::End } else { Stop::Bad("this line has no end") });
            }
            buffer.copy_within(start..filled, 0);
            filled -= start;
            if buffer.len() < 1 << 20 && start > 0 {
                buffer.resize(1 << 20, 0);
            } else if buffer.len() <= MAX_LINE {
                buffer.resize(2 * (MAX_LINE + 1), 0);
            }
        }
    }
}

/// The names that matter here. Making a finder costs more than one search.
static ID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"id\":"));
static PLAN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"plan_id\":"));

/// What the last line is, from its body.
fn kind_of(json: &[u8]) -> Last {
    let kind = json.strip_prefix(br#"{"kind":""#).unwrap_or_default();
    let kind = kind.get(..kind.iter().position(|&byte| byte == b'"').unwrap_or_default());
    Last::of(kind.and_then(|kind| std::str::from_utf8(kind).ok()).unwrap_or_default())
}

/// What the chain keeps of a line. `None` where it is no JSON object, as far as that is looked at.
pub(crate) fn note_of(line: &[u8], prefix: &Prefix<'_>) -> Option<Note> {
    #[derive(Deserialize)]
    struct Fields<'l> {
        #[serde(default)]
        id: Option<Uuid>,
        #[serde(default, borrow)]
        plan_id: Option<Cow<'l, str>>,
        #[serde(default, borrow)]
        status: Option<Cow<'l, str>>,
    }
    let note = |id: Option<Uuid>, plan: Option<String>, turn: Turn, pruned: Option<u64>| Note {
        plan: plan.map(|plan| (plan, turn)),
        begins: id.filter(|_| prefix.kind == Kind::Intent.as_str()),
        ends: id.filter(|_| prefix.kind == Kind::Outcome.as_str()),
        pruned,
    };
    let with_status = matches!(prefix.kind, "plan" | "rollback");
    let mut pruned = None;
    if prefix.kind == Kind::Pruned.as_str() {
        let details = segment::details::<serde_json::Value>(line);
        pruned = details.and_then(|details| details.get("sequence")?.as_u64());
    }
    if let Some((id, plan)) = at_start(line, prefix).filter(|(_, plan)| !with_status || plan.is_none()) {
        return Some(note(id, plan.map(str::to_owned), Turn::Goes, pruned));
    }
    let fields: Fields<'_> = serde_json::from_slice(line).ok()?;
    let turn = if with_status {
        let status = fields.status.as_deref().map(Status::from_word);
        Turn::of(&Kind::from_word(prefix.kind), status.as_ref())
    } else {
        Turn::Goes
    };
    Some(note(fields.id, fields.plan_id.map(Cow::into_owned), turn, pruned))
}

/// The line's id, where it is of a kind whose id matters, and its plan, where they follow right behind
/// the kind as they are written, and no other name is in the line that could be theirs too; else the
/// line has to be read as a whole. Names are written without escapes, so a name that is not found is
/// not there.
fn at_start<'l>(line: &'l [u8], prefix: &Prefix<'_>) -> Option<(Option<Uuid>, Option<&'l str>)> {
    let mut rest = line.get(line::before_kind(prefix.sequence) + prefix.kind.len()..)?;
    let mut text = |name: &[u8]| {
        let value = rest.strip_prefix(name)?;
        let text = value.get(..memchr::memchr2(b'"', b'\\', value)?)?;
        let ended = value.get(text.len()..)?.strip_prefix(b"\"")?;
        matches!(ended.first(), Some(b',' | b'}')).then_some(())?;
        rest = value.get(text.len()..)?;
        std::str::from_utf8(text).ok()
    };
    let (id, plan) = (text(b"\",\"id\":\""), text(b"\",\"plan_id\":\""));
    if PLAN.find(rest).is_some() {
        return None;
    }
    if !matches!(prefix.kind, "intent" | "outcome") {
        return Some((None, plan));
    }
    let id = id.map(Uuid::try_parse).transpose().ok()?;
    ID.find(rest).is_none().then_some((id, plan))
}

#[cfg(test)]
mod tests {
    use guardrail_core::record::Record;

    use super::*;

    fn line_of(record: &Record) -> Vec<u8> {
        let mut out = Vec::new();
        let body = serde_json::to_vec(record).unwrap();
        line::write(&mut out, &Hash([7; 32]), 9, Timestamp::UNIX_EPOCH, &body);
        out.pop();
        out
    }

    #[test]
    fn a_read_line_says_what_the_record_said() {
        let id = Uuid::from_u128(5);
        for kind in Kind::KNOWN {
            for plan in [None, Some("p1"), Some("a \"quoted\" \\ one"), Some("ü")] {
                for status in Status::KNOWN.iter().map(Some).chain([None]) {
                    for id in [None, Some(id)] {
                        let mut record = Record::new(kind.clone());
                        record.plan_id = plan.map(str::to_owned);
                        record.status = status.cloned();
                        record.id = id;
                        record.reason = Some("\"plan_id\":\"no\"".into());
                        record.details = plan.map(|_| serde_json::json!({ "sequence": 7 }));
                        let line = line_of(&record);
                        let note = note_of(&line, &line::read(&line).unwrap());
                        assert_eq!(note, Some(Note::of(&record)), "{}", String::from_utf8_lossy(&line));
                    }
                }
            }
        }
    }

    #[test]
    fn a_plan_within_details_is_not_the_records() {
        let mut record = Record::new(Kind::Note);
        record.details = Some(serde_json::json!({ "plan_id": "inner" }));
        let seen = |record: &Record| {
            let line = line_of(record);
            note_of(&line, &line::read(&line).unwrap())
        };
        assert_eq!(seen(&record), Some(Note::default()));
        record.plan_id = Some("outer".into());
        assert_eq!(seen(&record), Some(Note::of(&record)));
        record.kind = Kind::Outcome;
        record.details = Some(serde_json::json!({ "id": Uuid::from_u128(1) }));
        assert_eq!(seen(&record), Some(Note::of(&record)));
        record.id = Some(Uuid::from_u128(2));
        assert_eq!(seen(&record), Some(Note::of(&record)));
    }

    #[test]
    fn a_line_of_somebody_else_is_read_as_a_whole() {
        let id = Uuid::from_u128(3);
        let begun = format!(r#"{{"kind":"intent","reason":"x","plan_id":"p","id":"{id}"}}"#);
        let twice = format!(r#"{{"kind":"intent","id":"{id}","plan_id":"p","plan_id":"q"}}"#);
        let seen = |body: &str| {
            let mut line = Vec::new();
            line::write(&mut line, &Hash([7; 32]), 9, Timestamp::UNIX_EPOCH, body.as_bytes());
            line.pop();
            note_of(&line, &line::read(&line).unwrap())
        };
        let note = Note { plan: Some(("p".into(), Turn::Goes)), begins: Some(id), ..Note::default() };
        assert_eq!(seen(&begun), Some(note));
        assert_eq!(seen(&twice), None);
        assert_eq!(seen(r#"{"kind":"intent","plan_id":"p" "id":1}"#), None);
    }
}
