//! What was asked of a log and what it answered, and what must be read of it afterwards:
//! acknowledged is within recovered is within submitted, and the order is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use guardrail_audit::chain::{Chain, Note};
use guardrail_audit::{Acknowledged, Appended, Body, Hash, StoreError, line};
use guardrail_core::record::{Condition, Kind, Record};
use serde_json::Value;

/// The kinds of lines that the log writes by itself.
const OWN: &[&str] = &["genesis", "segment", "seal", "checkpoint", "recovered"];

/// Everything that was asked of one log, by all its processes.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Pages>);

#[derive(Default)]
struct Pages {
    asked: Vec<Asked>,
    now: u64,
}

/// One call of append.
struct Asked {
    bodies: Vec<(Vec<u8>, Note)>,
    condition: Condition,
    began: u64,
    answered: Option<(u64, Answer)>,
}

#[derive(Clone)]
enum Answer {
    Appended(Appended),
    /// Nothing was written.
    Refused(String),
    /// It may have been written.
    Unknown,
}

/// What a look at a log found that is no fault.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) lines: u64,
    pub(crate) acknowledged: u64,
    /// Calls of which a crash kept some lines and lost others.
    pub(crate) halves: u64,
}

impl Ledger {
    /// Before an append: marks the records, and gives the number of the call and its bodies.
    pub(crate) fn ask(&self, records: &mut [Record], condition: &Condition) -> (usize, Vec<Body<'static>>) {
        let mut pages = self.0.lock().unwrap();
        let number = pages.asked.len();
        let mut bodies = Vec::new();
        for (place, record) in records.iter_mut().enumerate() {
            record.reason = Some(format!("{number}/{place}"));
            bodies.push((serde_json::to_vec(record).unwrap(), Note::of(record)));
        }
        let given = bodies
            .iter()
            .map(|(json, note)| Body { json: json.clone().into(), note: note.clone() })
            .collect();
        pages.now += 1;
        let began = pages.now;
        pages.asked.push(Asked { bodies, condition: condition.clone(), began, answered: None });
        (number, given)
    }

    /// After an append.
    pub(crate) fn answer(&self, number: usize, answer: &Result<Appended, StoreError>) {
        let answer = match answer {
            Ok(appended) => Answer::Appended(*appended),
            Err(
                error @ (StoreError::Conflict(_) | StoreError::TooLong { .. } | StoreError::NotWritten(_)),
            ) => Answer::Refused(error.to_string()),
            Err(_) => Answer::Unknown,
        };
        let mut pages = self.0.lock().unwrap();
        pages.now += 1;
        let now = pages.now;
        pages.asked[number].answered = Some((now, answer));
    }

    /// Looks at the lines of the log. With `gentle`, nothing happened that may take what was
    /// handed to the operating system.
    pub(crate) fn look(&self, origin: &str, lines: &[Vec<u8>], gentle: bool) -> Result<Seen, String> {
        let pages = self.0.lock().unwrap();
        let mut chain = Chain::new(origin);
        let mut places: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        let mut sealed = false;
        for (sequence, text) in lines.iter().enumerate() {
            let prefix = line::read(text).ok_or_else(|| format!("line {sequence} is none"))?;
            if sealed && prefix.kind != "segment" {
                return Err(format!("line {sequence}, a {}, stands behind a seal", prefix.kind));
            }
            sealed = prefix.kind == "seal";
            if prefix.prev != chain.head || prefix.sequence != sequence as u64 {
                return Err(format!("line {sequence} is not the next of the chain"));
            }
            let mut note = Note::default();
            if !OWN.contains(&prefix.kind) {
                let (number, place) = mark(text).ok_or_else(|| {
                    format!("line {sequence} was never submitted: {}", String::from_utf8_lossy(text))
                })?;
                let asked = pages.asked.get(number).ok_or_else(|| format!("nobody asked for {number}"))?;
                let (json, of) =
                    asked.bodies.get(place).ok_or_else(|| format!("no body {number}/{place}"))?;
                if !text.ends_with(&json[1..]) {
                    return Err(format!("line {sequence} has other bytes than {number}/{place}"));
                }
                if place == 0 {
                    let held = chain.check(&asked.condition);
                    held.map_err(|error| {
                        format!("line {sequence} ({number}) was appended although {error}")
                    })?;
                }
                places.entry(number).or_default().push((place, sequence));
                note = of.clone();
            }
            chain.follow(Hash::of_line(text), prefix.timestamp, &note);
        }
        let mut seen = Seen { lines: lines.len() as u64, ..Seen::default() };
        for (number, asked) in pages.asked.iter().enumerate() {
            let found = places.get(&number).map(Vec::as_slice).unwrap_or_default();
            asked.look(number, found, lines, gentle, &mut seen)?;
        }
        order(&pages.asked, &places)?;
        Ok(seen)
    }
}

impl Asked {
    fn look(
        &self,
        number: usize,
        found: &[(usize, usize)],
        lines: &[Vec<u8>],
        gentle: bool,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let first = found.first().map_or(0, |&(_, sequence)| sequence);
        let next = found.iter().enumerate().all(|(place, &at)| at == (place, first + place));
        if !next {
            return Err(format!("the lines of {number} do not stand next to each other once: {found:?}"));
        }
        let whole = found.len() == self.bodies.len();
        match &self.answered {
            Some((_, Answer::Refused(why))) if !found.is_empty() => {
                Err(format!("{number} was refused ({why}), and is there"))
            }
            Some((_, Answer::Appended(appended))) => {
                let stays = gentle || appended.acknowledged == Acknowledged::Durable;
                if !stays && !whole {
                    return Ok(());
                }
                if !whole {
                    return Err(format!("{number} was acknowledged ({appended:?}), and is lost: {found:?}"));
                }
                let last = first + self.bodies.len() - 1;
                seen.acknowledged += u64::from(stays);
                if appended.last != last as u64 || appended.hash != Hash::of_line(&lines[last]) {
                    return Err(format!("{number} was acknowledged as {appended:?}, and is line {last}"));
                }
                Ok(())
            }
            _ => {
                seen.halves += u64::from(!whole && !found.is_empty());
                Ok(())
            }
        }
    }
}

/// What was answered before something else was asked stands before it.
fn order(asked: &[Asked], places: &BTreeMap<usize, Vec<(usize, usize)>>) -> Result<(), String> {
    let mut there: Vec<(u64, u64, usize)> = Vec::new();
    for (number, found) in places {
        let asked = &asked[*number];
        let answered = asked.answered.as_ref().map_or(u64::MAX, |(answered, _)| *answered);
        there.push((asked.began, answered, found[0].1));
    }
    for &(_, answered, before) in &there {
        if let Some(late) = there.iter().find(|&&(began, _, after)| began > answered && after < before) {
            return Err(format!("line {before} was answered before line {} was asked for", late.2));
        }
    }
    Ok(())
}

/// The call and the place of a line.
fn mark(text: &[u8]) -> Option<(usize, usize)> {
    let value: Value = serde_json::from_slice(text).ok()?;
    let (number, place) = value["reason"].as_str()?.split_once('/')?;
    Some((number.parse().ok()?, place.parse().ok()?))
}

/// A record of some size.
pub(crate) fn note(bytes: usize) -> Record {
    let mut record = Record::new(Kind::Note);
    record.result = (bytes > 0).then(|| "x".repeat(bytes));
    record
}

/// All kinds that occur in a log.
pub(crate) fn kinds(lines: &[Vec<u8>]) -> BTreeSet<String> {
    lines.iter().filter_map(|text| line::read(text)).map(|prefix| prefix.kind.to_owned()).collect()
}
