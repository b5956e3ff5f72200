//! What a check appends and reads, and the rules that all lines must keep.

use std::borrow::Cow;

use guardrail_core::record::{Condition, Kind, Record, Status};

use super::{Stop, hold};
use crate::chain::Note;
use crate::hash::Hash;
use crate::line;
use crate::store::{Acknowledged, Appended, Body, Durability, Store, StoreError};

/// Bodies that can be told apart.
#[derive(Clone)]
pub(super) struct Told(Vec<Record>);

impl Told {
    /// One note that nobody else appends.
    pub(super) fn note(text: impl Into<String>) -> Self {
        let mut record = Record::new(Kind::Note);
        record.reason = Some(text.into());
        Self(vec![record])
    }

    /// Notes, one for each number.
    pub(super) fn notes(text: &str, count: usize) -> Self {
        Self((0..count).flat_map(|number| Self::note(format!("{text} {number}")).0).collect())
    }

    /// A record of a plan.
    pub(super) fn plan(plan: &str, status: Status) -> Self {
        Self::of_plan(plan, Kind::Plan, status)
    }

    /// A record of a kind that belongs to a plan.
    pub(super) fn of_plan(plan: &str, kind: Kind, status: Status) -> Self {
        let mut record = Record::new(kind);
        record.plan_id = Some(plan.to_owned());
        record.status = Some(status);
        Self(vec![record])
    }

    /// A note whose line has about so many bytes.
    pub(super) fn long(body: usize) -> Self {
        let bare = serde_json::to_vec(&Self::note("").0.first()).map_or(0, |json| json.len());
        Self::note("x".repeat(body.saturating_sub(bare)))
    }

    /// Both, in one call.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn bodies(&self) -> Vec<Body<'static>> {
        let json = |record| serde_json::to_vec(record).unwrap_or_default();
        self.0.iter().map(|record| Body { json: Cow::Owned(json(record)), note: Note::of(record) }).collect()
    }

    /// What the lines of these end with.
    pub(super) fn ends(&self) -> Vec<Vec<u8>> {
        let end = |body: Body<'_>| body.json.get(1..).unwrap_or_default().to_vec();
        self.bodies().into_iter().map(end).collect()
    }

    pub(super) fn append(&self, store: &impl Store) -> Result<Appended, StoreError> {
        self.append_if(store, &Condition::Always)
    }

    pub(super) fn append_if(
        &self,
        store: &impl Store,
        condition: &Condition,
    ) -> Result<Appended, StoreError> {
        store.append(&self.bodies(), condition, Durability::Group)
    }

    /// Where in the log these stand as lines next to each other, if they do.
    pub(super) fn place(&self, lines: &[Vec<u8>]) -> Option<usize> {
        let ends = self.ends();
        lines.windows(ends.len().max(1)).position(|lines| is_of(lines, &ends))
    }

    /// Whether the lines that an answer speaks of are these.
    pub(super) fn is_at(&self, lines: &[Vec<u8>], appended: &Appended) -> bool {
        let last = usize::try_from(appended.last).unwrap_or(usize::MAX);
        let first = last.wrapping_add(1).wrapping_sub(self.len());
        lines.get(first..=last).is_some_and(|lines| is_of(lines, &self.ends()))
    }
}

fn is_of(lines: &[Vec<u8>], ends: &[Vec<u8>]) -> bool {
    lines.len() == ends.len() && lines.iter().zip(ends).all(|(line, end)| line.ends_with(end))
}

/// What must hold of a plan.
pub(super) fn at(plan: &str, sequence: Option<u64>) -> Condition {
    Condition::PlanAt { plan_id: plan.to_owned(), sequence }
}

/// All lines of a log, which must be a chain that ends where the store says.
pub(super) fn chain(store: &impl Store) -> Result<Vec<Vec<u8>>, Stop> {
    let lines = store.lines(0)?.collect::<Result<Vec<_>, _>>()?;
    let head = store.head()?;
    let mut expected = Hash::of_origin(&head.origin);
    let mut time = None;
    for (number, text) in lines.iter().enumerate() {
        hold(!text.contains(&b'\n') && text.len() <= line::MAX_LINE, || {
            format!("line {number} is not one line of at most {} bytes", line::MAX_LINE)
        })?;
        let prefix = line::read(text);
        let prefix = prefix.ok_or_else(|| Stop::Broken(format!("line {number} has no right prefix")))?;
        hold(prefix.sequence == number as u64, || format!("line {number} says it is {}", prefix.sequence))?;
        hold(prefix.prev == expected, || format!("line {number} does not quote the one before it"))?;
        hold(Some(prefix.timestamp) >= time, || format!("the time runs back at line {number}"))?;
        let parsed: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_slice(text);
        hold(parsed.is_ok(), || format!("line {number} is not a JSON object"))?;
        expected = Hash::of_line(text);
        time = Some(prefix.timestamp);
    }
    hold(head.chain.size == lines.len() as u64, || {
        format!("the head says {} lines and {} are read", head.chain.size, lines.len())
    })?;
    hold(head.chain.head == expected, || "the head is not the hash of the last line".to_owned())?;
    let last = time.unwrap_or(head.chain.timestamp);
    hold(head.chain.timestamp == last, || "the head has another time than the last line".to_owned())?;
    Ok(lines)
}

/// Whether an answer says that all is durable.
pub(super) fn durable(result: &Result<Appended, StoreError>) -> bool {
    result.as_ref().is_ok_and(|appended| appended.acknowledged == Acknowledged::Durable)
}
