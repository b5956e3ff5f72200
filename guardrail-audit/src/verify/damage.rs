//! What can be wrong with a log, and where.

use std::fmt;

use crate::hash::Hash;

/// The first bad place of a part of a log, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The segment.
    pub segment: u32,
    /// The first bad byte in the segment, from 0. Where only the line is known, it is its first byte.
    pub offset: u64,
    /// The line in the segment, from 1.
    pub line: u64,
    /// The number that the line has or should have.
    pub sequence: Option<u64>,
    /// What is wrong.
    pub damage: Damage,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}.jsonl, byte {}, line {}", self.segment, self.offset, self.line)?;
        if let Some(sequence) = self.sequence {
            write!(f, ", record {sequence}")?;
        }
        write!(f, ": {}", self.damage)
    }
}

/// What is wrong.
///
/// The words are about what is there; who did it, and whether by intent, cannot be known. Where
/// several causes leave the same trace, the smallest one is named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// A line is not one of this format.
    #[error("{0}")]
    Malformed(Malformed),
    /// One bit of a line is the other one: the line would be right without that.
    #[error("bit {bit} of this byte was flipped")]
    BitFlip {
        /// The bit, 0 being the lowest.
        bit: u8,
    },
    /// A line is not the one whose hash the next line, header or checkpoint has.
    #[error("the line was changed: its hash is not the one that was recorded")]
    Altered,
    /// Lines are not there.
    #[error("records {from} to {to} are missing")]
    Missing {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// A line is there once more.
    #[error("record {of} stands here again")]
    Duplicated {
        /// Which one.
        of: u64,
    },
    /// Lines stand in another order.
    #[error("record {found} stands where {expected} belongs, which comes later")]
    Reordered {
        /// Which one should stand here.
        expected: u64,
        /// Which one does.
        found: u64,
    },
    /// What follows belongs to another log, or to another history of this one.
    #[error("from here on, this is not the same log: {0}")]
    Spliced(&'static str),
    /// The time of a line is before that of the line before.
    #[error("the time runs back")]
    TimeRunsBack,
    /// Something stands behind a seal.
    #[error("something stands behind the seal of the segment")]
    BehindSeal,
    /// A segment ends too early.
    #[error("the segment ends here, and {expected} bytes of it were recorded")]
    Truncated {
        /// How many of its bytes should count.
        expected: u64,
    },
    /// Bytes behind the last line of a segment that another one follows, which says nothing of them.
    #[error("{bytes} bytes stand behind the last line, and no header says so")]
    UndeclaredTail {
        /// How many.
        bytes: u64,
    },
    /// The bytes that do not count are not those that were declared.
    #[error("the torn bytes here are not those that the next header declares")]
    TailChanged,
    /// A header declares lines torn that are whole and follow.
    #[error("the next header leaves out lines that are whole and follow")]
    LinesDisowned,
    /// A header, seal, checkpoint or pruned record says what is not so.
    #[error("{what} is said to be {claimed}, and is {found}")]
    WrongClaim {
        /// What about.
        what: &'static str,
        /// What the record says.
        claimed: String,
        /// What is so.
        found: String,
    },
    /// A record of the log itself has not the details that it needs, or does not belong here.
    #[error("{0}")]
    WrongRecord(&'static str),
    /// A segment is not there.
    #[error("segment {0} is missing")]
    MissingSegment(u32),
    /// The first segments are not there, and no record says that they were pruned.
    #[error("the log begins here, and nothing says that what was before was pruned")]
    MissingStart,
    /// The root of a checkpoint is not that of the lines before it.
    #[error("the checkpoint's root is {claimed}, and that of the lines is {found}")]
    WrongRoot {
        /// What the checkpoint says.
        claimed: Hash,
        /// What the lines give.
        found: Hash,
    },
    /// The note of a checkpoint is not one, not about this checkpoint, or signed wrongly.
    #[error("the checkpoint's note: {0}")]
    BadNote(String),
    /// The signature of a trusted key is wrong.
    #[error("the checkpoint's note: the signature of key {0} is wrong")]
    BadSignature(String),
    /// A checkpoint has no signature by a trusted key.
    #[error("no trusted key signed this checkpoint")]
    Unsigned,
    /// The log is shorter than it was when it was anchored.
    #[error("the log had {anchored} records when it was anchored, and has {found}: its end was cut off")]
    RolledBack {
        /// How many it had.
        anchored: u64,
        /// How many it has.
        found: u64,
    },
    /// A checkpoint outside has another root for the same size.
    #[error(
        "the anchored root of {size} records is {anchored}, and that of the log is {found}: there are two histories"
    )]
    SplitView {
        /// The number of records.
        size: u64,
        /// The root that was anchored.
        anchored: Hash,
        /// The root of the log.
        found: Hash,
    },
    /// Something is wrong with the checkpoints that were kept of a segment that was pruned; byte and line are
    /// of their file.
    #[error("in the checkpoints that were kept of this segment: {0}")]
    Kept(Box<Damage>),
    /// A checkpoint outside is of another log.
    #[error("the anchored checkpoint is of the log {anchored}, and this is {found}")]
    OtherOrigin {
        /// The anchored log.
        anchored: String,
        /// This one.
        found: String,
    },
}

/// How a line is not one of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// It does not begin with the five members that every line has.
    #[error("the line does not begin with v, prev, seq, timestamp and kind")]
    Prefix,
    /// Its time is none.
    #[error("the line's timestamp is not a time")]
    Timestamp,
    /// It is too long.
    #[error("the line is longer than 65,535 bytes")]
    TooLong,
    /// It is no strict JSON.
    #[error("the line is not strict JSON from here on")]
    Json,
    /// It is no UTF-8.
    #[error("the line is not UTF-8")]
    Utf8,
    /// A control character stands in it, or a string has no end.
    #[error("a control character stands in the line, or a string has no end")]
    Control,
    /// Half of a surrogate pair.
    #[error("half of a surrogate pair stands in the line")]
    Surrogate,
    /// A name of the line's object occurs twice.
    #[error("a name occurs twice in the line")]
    DuplicateName,
    /// A name of the line's object has an escape.
    #[error("a name of the line has an escape")]
    EscapedName,
    /// Values are nested too deep.
    #[error("values are nested deeper than 100 in the line")]
    TooDeep,
}
