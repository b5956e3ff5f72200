//! What one thread sees of one store.

use guardrail_core::record::{Condition, Kind, RecordError, Status};

use super::told::{Told, at, chain};
use super::{Factory, Stop, hold};
use crate::hash::Hash;
use crate::line;
use crate::store::{Acknowledged, Durability, Store as _, StoreError};

pub(super) fn lines_chain<F: Factory>(factory: &F) -> Result<(), Stop> {
    let store = factory.create()?;
    chain(&store)?;
    let told: Vec<Told> = (0..20).map(|number| Told::notes(&number.to_string(), number % 3 + 1)).collect();
    for told in &told {
        told.append(&store)?;
    }
    let lines = chain(&store)?;
    let places: Option<Vec<usize>> = told.iter().map(|told| told.place(&lines)).collect();
    let places = places.ok_or_else(|| Stop::Broken("not all that was appended is read".to_owned()))?;
    hold(places.is_sorted_by(|one, two| one < two), || "the order is another one".to_owned())
}

pub(super) fn answers_are_true<F: Factory>(factory: &F) -> Result<(), Stop> {
    let store = factory.create()?;
    let ways = [Durability::PerRecord, Durability::Group, Durability::Interval, Durability::OsBuffered];
    for (number, durability) in ways.into_iter().cycle().take(12).enumerate() {
        let told = Told::notes(&format!("way {number}"), number % 3 + 1);
        let appended = store.append(&told.bodies(), &Condition::Always, durability)?;
        let lines = chain(&store)?;
        hold(told.is_at(&lines, &appended), || format!("line {} is another one", appended.last))?;
        let text = usize::try_from(appended.last).ok().and_then(|last| lines.get(last));
        let text = text.map(Vec::as_slice).unwrap_or_default();
        let time = line::read(text).map(|prefix| prefix.timestamp);
        hold(time == Some(appended.timestamp), || "the time is not the line's".to_owned())?;
        hold(appended.hash == Hash::of_line(text), || "the hash is not the line's".to_owned())?;
        let asked = matches!(durability, Durability::PerRecord | Durability::Group);
        hold(!asked || appended.acknowledged == Acknowledged::Durable, || {
            format!("{durability:?} was asked for, and the answer is {:?}", appended.acknowledged)
        })?;
    }
    store.sync()?;
    let (sent, answer) = std::sync::mpsc::channel();
    let told = Told::notes("later", 2);
    let done = Box::new(move |result| {
        // Nobody waits for it any more.
        let _ = sent.send(result);
    });
    store.append_later(told.bodies(), Condition::Always, Durability::Group, done);
    let appended = answer.recv().map_err(|_| Stop::Broken("an append was never answered".to_owned()))??;
    hold(told.is_at(&chain(&store)?, &appended), || "a late answer is of another line".to_owned())
}

pub(super) fn lines_stay<F: Factory>(factory: &F) -> Result<(), Stop> {
    let store = factory.create()?;
    let log = store.head()?;
    let mut before = Vec::new();
    for number in 0..30 {
        Told::notes(&number.to_string(), 2).append(&store)?;
        let lines = chain(&store)?;
        hold(lines.starts_with(&before), || format!("a line changed at append {number}"))?;
        before = lines;
    }
    let head = store.head()?;
    hold(head.log == log.log && head.origin == log.origin, || "the log has another id or origin".to_owned())
}

pub(super) fn lines_from_anywhere<F: Factory>(factory: &F) -> Result<(), Stop> {
    let store = factory.create()?;
    Told::notes("a", 5).append(&store)?;
    let reading = store.lines(0)?;
    let before = chain(&store)?;
    Told::notes("b", 5).append(&store)?;
    let all = chain(&store)?;
    // Lines that were there are read, whatever comes meanwhile.
    let read = reading.collect::<Result<Vec<_>, _>>()?;
    hold(read.len() >= before.len() && all.starts_with(&read), || {
        "reading while others append gives other lines".to_owned()
    })?;
    for from in 0..=all.len() {
        let read = store.lines(from as u64)?.collect::<Result<Vec<_>, _>>()?;
        hold(all.get(from..) == Some(&read), || format!("other lines are read from {from} on"))?;
        let one = store.line(from as u64)?;
        hold(one.as_ref() == all.get(from), || format!("another line is read as {from}"))?;
    }
    let beyond = store.lines(all.len() as u64 + 7)?.next();
    hold(beyond.is_none(), || "there is a line behind the last".to_owned())
}

pub(super) fn batches_are_whole<F: Factory>(factory: &F) -> Result<(), Stop> {
    let store = factory.create()?;
    for count in [1, 2, 64, 200] {
        let told = Told::notes("batch", count);
        let appended = told.append(&store)?;
        hold(told.is_at(&chain(&store)?, &appended), || format!("{count} bodies are not {count} lines"))?;
    }
    Ok(())
}

pub(super) fn too_long_writes_nothing<F: Factory>(factory: &F) -> Result<(), Stop> {
    let store = factory.create()?;
    // It fits at any place up to the millionth line.
    let longest = Told::long(line::MAX_LINE - line::overhead(1_000_000));
    let appended = longest.append(&store)?;
    hold(longest.is_at(&chain(&store)?, &appended), || "a line of nearly the most bytes is lost".to_owned())?;
    let before = chain(&store)?;
    let long = Told::long(line::MAX_LINE - line::overhead(0) + 1);
    for told in [long.clone(), Told::note("before").and(long.clone()), long.and(Told::note("after"))] {
        let result = told.append(&store);
        hold(matches!(result, Err(StoreError::TooLong { .. })), || {
            format!("a line that is too long is answered with {result:?}")
        })?;
        hold(chain(&store)? == before, || "something was written nevertheless".to_owned())?;
    }
    Told::note("more").append(&store)?;
    chain(&store).map(drop)
}

pub(super) fn conflicts_write_nothing<F: Factory>(factory: &F) -> Result<(), Stop> {
    let store = factory.create()?;
    let first = Told::plan("p", Status::Proposed).append_if(&store, &at("p", None))?;
    Told::plan("q", Status::Proposed).append(&store)?;
    let before = chain(&store)?;
    let wrong = [None, Some(first.last.wrapping_add(1)), first.last.checked_sub(1)];
    for expected in wrong {
        let told = Told::note("beside").and(Told::plan("p", Status::Approved));
        let result = told.append_if(&store, &at("p", expected));
        let right = matches!(
            &result,
            Err(StoreError::Conflict(RecordError::Conflict { plan_id, expected: said, found }))
                if plan_id == "p" && *said == expected && *found == Some(first.last)
        );
        hold(right, || format!("plan p at {expected:?} is answered with {result:?}"))?;
        hold(chain(&store)? == before, || "something was written nevertheless".to_owned())?;
    }
    let second = Told::plan("p", Status::Approved).append_if(&store, &at("p", Some(first.last)))?;
    let again = Told::plan("p", Status::Started).append_if(&store, &at("p", Some(first.last)));
    hold(matches!(again, Err(StoreError::Conflict(_))), || "a condition held twice".to_owned())?;
    Told::plan("p", Status::Started).append_if(&store, &at("p", Some(second.last)))?;
    Ok(())
}

pub(super) fn plans_open_and_close<F: Factory>(factory: &F) -> Result<(), Stop> {
    let store = factory.create()?;
    let one = Told::plan("p", Status::Proposed).append(&store)?.last;
    // The plan is at the last of its records in a call, and not at the call's last record.
    let both = Told::plan("p", Status::Approved).and(Told::note("beside"));
    let two = both.append(&store)?.last.wrapping_sub(1);
    let open = store.open_plan("p")?;
    hold(open == [one, two], || format!("plan p has the records {open:?}, not {one} and {two}"))?;
    hold(store.head()?.chain.last_of("p") == Some(two), || "the head has the plan elsewhere".to_owned())?;
    hold(store.open_plan("q")?.is_empty(), || "a plan is open that nobody opened".to_owned())?;
    Told::plan("p", Status::Succeeded).append_if(&store, &at("p", Some(two)))?;
    hold(store.open_plan("p")?.is_empty(), || "a plan is open that was closed".to_owned())
}

pub(super) fn closed_plans_stay_closed<F: Factory>(factory: &F) -> Result<(), Stop> {
    let store = factory.create()?;
    let first = Told::plan("p", Status::Proposed).append_if(&store, &at("p", None))?.last;
    let mut last = Told::plan("p", Status::Succeeded).append_if(&store, &at("p", Some(first)))?.last;
    let is_open = || -> Result<bool, Stop> { Ok(store.head()?.chain.plans.contains_key("p")) };
    for late in [Kind::Outcome, Kind::Note, Kind::Plan] {
        let again = Told::plan("p", Status::Proposed).append_if(&store, &at("p", None));
        hold(matches!(again, Err(StoreError::Conflict(_))), || "a closed plan began again".to_owned())?;
        last = Told::of_plan("p", late, Status::Failed).append(&store)?.last;
        hold(!is_open()?, || "a record that came late opened a closed plan".to_owned())?;
    }
    let old = Told::of_plan("p", Kind::Rollback, Status::Started);
    let stale = old.append_if(&store, &at("p", Some(first)));
    hold(matches!(stale, Err(StoreError::Conflict(_))), || "a spent condition held again".to_owned())?;
    let undoing = old.append_if(&store, &at("p", Some(last)))?.last;
    hold(is_open()?, || "a plan that is being undone is not open".to_owned())?;
    Told::plan("p", Status::RolledBack).append_if(&store, &at("p", Some(undoing)))?;
    hold(!is_open()?, || "a plan that was undone is open".to_owned())
}
