//! What is looked for in a log, and how most lines are passed over without reading them.

use guardrail_core::Risk;
use guardrail_core::record::{Kind, Record, Status, Timestamp, Verdict};
use memchr::memmem::Finder;
use serde_json::Value;

use crate::line::Prefix;
use crate::store::StoreError;

/// What a line must be to be found. Every condition that is set must hold; of a list, one.
///
/// ```
/// use guardrail_audit::read::Filter;
/// use guardrail_core::Risk;
/// use guardrail_core::record::Status;
///
/// let filter = Filter::new().plan("plan-20260126-001").risk(Risk::High).risk(Risk::Critical).status(Status::Failed);
/// # let _ = filter;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Filter {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    first: u64,
    last: Option<u64>,
    kinds: Vec<Kind>,
    risks: Vec<Risk>,
    statuses: Vec<Status>,
    decisions: Vec<Verdict>,
    words: Vec<Word>,
    texts: Vec<Text>,
}

/// A field that must have a value.
#[derive(Clone, Debug)]
struct Word {
    field: Field,
    value: String,
    needle: Needle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Plan,
    Session,
    Actor,
    Approver,
    Channel,
    Tool,
    Resource,
    Rule,
}

/// A text that must stand somewhere in the record, its ASCII letters in either case.
#[derive(Clone, Debug)]
struct Text {
    lower: String,
    needle: Needle,
}

/// The longest part of a value that stands in a line as it is, unless somebody wrote it as `\u`
/// escapes. A line without it need not be read as JSON.
#[derive(Clone, Debug)]
struct Needle(Option<Finder<'static>>);

impl Needle {
    fn of(value: &str) -> Self {
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\' | b'/');
        let longest = value.as_bytes().split(|byte| !plain(*byte)).max_by_key(|part| part.len());
        Self(longest.filter(|part| !part.is_empty()).map(|part| Finder::new(part).into_owned()))
    }

    /// Whether the value can be in a line.
    fn may_be_in(&self, line: &[u8]) -> bool {
        self.0.as_ref().is_none_or(|finder| finder.find(line).is_some())
    }
}

impl Filter {
    /// Every line.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lines of this time and later.
    #[must_use]
    pub const fn from(mut self, time: Timestamp) -> Self {
        self.from = Some(time);
        self
    }

    /// Lines before this time.
    #[must_use]
    pub const fn until(mut self, time: Timestamp) -> Self {
        self.until = Some(time);
        self
    }

    /// Lines with this sequence number and greater ones.
    #[must_use]
    pub const fn first(mut self, sequence: u64) -> Self {
        self.first = sequence;
        self
    }

    /// Lines with this sequence number and smaller ones.
    #[must_use]
    pub const fn last(mut self, sequence: u64) -> Self {
        self.last = Some(sequence);
        self
    }

    /// Records of this kind; several are added up.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Records of this risk; several are added up.
    #[must_use]
    pub fn risk(mut self, risk: Risk) -> Self {
        self.risks.push(risk);
        self
    }

    /// Records with this status; several are added up.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.statuses.push(status);
        self
    }

    /// Records with this decision; several are added up.
    #[must_use]
    pub fn decision(mut self, decision: Verdict) -> Self {
        self.decisions.push(decision);
        self
    }

    /// Records of this plan.
    #[must_use]
    pub fn plan(self, plan_id: &str) -> Self {
        self.word(Field::Plan, plan_id)
    }

    /// Records of this session.
    #[must_use]
    pub fn session(self, session: &str) -> Self {
        self.word(Field::Session, session)
    }

    /// Records of what this actor asked for.
    #[must_use]
    pub fn actor(self, actor: &str) -> Self {
        self.word(Field::Actor, actor)
    }

    /// Votes of this approver.
    #[must_use]
    pub fn approver(self, approver: &str) -> Self {
        self.word(Field::Approver, approver)
    }

    /// Records of this channel.
    #[must_use]
    pub fn channel(self, channel: &str) -> Self {
        self.word(Field::Channel, channel)
    }

    /// Records in which this tool is one of the tools.
    #[must_use]
    pub fn tool(self, tool: &str) -> Self {
        self.word(Field::Tool, tool)
    }

    /// Records in which this resource is one of the resources.
    #[must_use]
    pub fn resource(self, resource: &str) -> Self {
        self.word(Field::Resource, resource)
    }

    /// Records that this rule decided.
    #[must_use]
    pub fn rule(self, rule: &str) -> Self {
        self.word(Field::Rule, rule)
    }

    /// Records that have this text in any of their texts, names of fields not included. ASCII letters
    /// match in either case; several texts must all be there.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        self.texts.push(Text { needle: Needle::of(&lower), lower });
        self
    }

    fn word(mut self, field: Field, value: &str) -> Self {
        self.words.push(Word { field, value: value.to_owned(), needle: Needle::of(value) });
        self
    }

    /// The time before which no line matches.
    #[must_use]
    pub const fn begins(&self) -> Option<Timestamp> {
        self.from
    }

    /// The sequence number before which no line matches.
    #[must_use]
    pub const fn begins_at(&self) -> u64 {
        self.first
    }

    /// Whether nothing matches any more from a line on.
    pub(crate) fn is_over(&self, prefix: &Prefix<'_>) -> bool {
        self.until.is_some_and(|until| prefix.timestamp >= until)
            || self.last.is_some_and(|last| prefix.sequence > last)
    }

    /// Whether only time and sequence are asked for, so that the lines that match are a range.
    #[must_use]
    pub fn is_range(&self) -> bool {
        self.kinds.is_empty()
            && self.risks.is_empty()
            && self.statuses.is_empty()
            && self.decisions.is_empty()
            && self.words.is_empty()
            && self.texts.is_empty()
    }

    /// Whether a line, without its newline, matches. Most that do not are never read as JSON.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] where it is no line.
    pub fn matches(&self, line: &[u8]) -> Result<bool, StoreError> {
        let prefix = super::prefix(line)?;
        if self.is_over(&prefix)
            || prefix.sequence < self.first
            || self.from.is_some_and(|from| prefix.timestamp < from)
            || !self.kinds.is_empty() && !self.kinds.iter().any(|kind| kind.as_str() == prefix.kind)
        {
            return Ok(false);
        }
        if self.is_range() {
            return Ok(true);
        }
        // Where somebody wrote letters as escapes, only reading tells.
        if memchr::memmem::find(line, b"\\u").is_none() && !self.may_match(line) {
            return Ok(false);
        }
        let record: Record = serde_json::from_slice(line).map_err(|error| {
            StoreError::Damaged(format!("line {} is no record: {error}", prefix.sequence))
        })?;
        Ok(self.matches_record(&record) && self.matches_texts(line)?)
    }

    fn may_match(&self, line: &[u8]) -> bool {
        let has = |word: &str| memchr::memmem::find(line, word.as_bytes()).is_some();
        (self.risks.is_empty() || self.risks.iter().any(|risk| has(risk.as_str())))
            && (self.statuses.is_empty() || self.statuses.iter().any(|status| has(status.as_str())))
            && (self.decisions.is_empty() || self.decisions.iter().any(|decision| has(decision.as_str())))
            && self.words.iter().all(|word| word.needle.may_be_in(line))
            && (self.texts.is_empty() || {
                let lower = line.to_ascii_lowercase();
                self.texts.iter().all(|text| text.needle.may_be_in(&lower))
            })
    }

    fn matches_record(&self, record: &Record) -> bool {
        let one_of = |list: &Option<String>, value: &str| {
            list.as_deref().is_some_and(|list| list == value || list.split(',').any(|word| word == value))
        };
        let is = |field: &Option<String>, value: &str| field.as_deref() == Some(value);
        (self.risks.is_empty() || record.risk.is_some_and(|risk| self.risks.contains(&risk)))
            && (self.statuses.is_empty()
                || record.status.as_ref().is_some_and(|status| self.statuses.contains(status)))
            && (self.decisions.is_empty()
                || record.decision.as_ref().is_some_and(|decision| self.decisions.contains(decision)))
            && self.words.iter().all(|Word { field, value, .. }| match field {
                Field::Plan => is(&record.plan_id, value),
                Field::Session => is(&record.session, value),
                Field::Actor => is(&record.actor, value),
                Field::Approver => is(&record.approver, value),
                Field::Channel => is(&record.channel, value),
                Field::Tool => one_of(&record.tool, value),
                Field::Resource => one_of(&record.resource, value),
                Field::Rule => is(&record.rule, value),
            })
    }

    fn matches_texts(&self, line: &[u8]) -> Result<bool, StoreError> {
        if self.texts.is_empty() {
            return Ok(true);
        }
        let record: Value =
            serde_json::from_slice(line).map_err(|error| StoreError::Damaged(error.to_string()))?;
        Ok(self.texts.iter().all(|text| holds(&record, &text.lower)))
    }
}

/// Whether a text stands in any text of a value.
fn holds(value: &Value, lower: &str) -> bool {
    match value {
        Value::String(text) => text.to_ascii_lowercase().contains(lower),
        Value::Array(elements) => elements.iter().any(|element| holds(element, lower)),
        Value::Object(fields) => fields.values().any(|field| holds(field, lower)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
