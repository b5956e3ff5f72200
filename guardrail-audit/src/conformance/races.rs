//! What several threads, and several opened stores, see of one log.

use std::sync::Barrier;

use guardrail_core::record::Status;

use super::told::{Told, at, chain};
use super::{Factory, Stop, able, hold};
use crate::store::{Appended, Store, StoreError};

const THREADS: usize = 8;
const EACH: usize = 24;

pub(super) fn threads<F: Factory>(factory: &F) -> Result<(), Stop> {
    let store = factory.create()?;
    together(&[&store])
}

pub(super) fn another<F: Factory>(factory: &F) -> Result<(), Stop> {
    let store = factory.create()?;
    let other = able(factory.another(&store))?;
    hold(store.head()?.log == other.head()?.log, || "it is another log".to_owned())?;
    for number in 0..10 {
        let (one, two) = (Told::note(format!("one {number}")), Told::note(format!("two {number}")));
        let (first, second) = (one.append(&store)?, two.append(&other)?);
        let lines = chain(&store)?;
        hold(chain(&other)? == lines, || "the two read other lines".to_owned())?;
        let right = one.is_at(&lines, &first) && two.is_at(&lines, &second);
        hold(right, || "what one of the two appended is elsewhere".to_owned())?;
    }
    together(&[&store, &other])
}

pub(super) fn one_winner<F: Factory>(factory: &F) -> Result<(), Stop> {
    let store = factory.create()?;
    contest(&[&store])
}

pub(super) fn one_winner_of_two<F: Factory>(factory: &F) -> Result<(), Stop> {
    let store = factory.create()?;
    let other = able(factory.another(&store))?;
    let first = Told::plan("turns", Status::Proposed).append(&store)?;
    let one = Told::plan("turns", Status::Approved).append_if(&other, &at("turns", Some(first.last)))?;
    let two = Told::plan("turns", Status::Started).append_if(&store, &at("turns", Some(first.last)));
    hold(matches!(two, Err(StoreError::Conflict(_))), || format!("the other store said {two:?}"))?;
    Told::plan("turns", Status::Started).append_if(&store, &at("turns", Some(one.last)))?;
    contest(&[&store, &other])
}

/// Runs something on many threads that begin at once.
fn at_once<T: Send>(run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        let (run, start) = (&run, &start);
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn(move || {
                    start.wait();
                    run(thread)
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

/// One of several.
fn turn<'t, T>(of: &[&'t T], number: usize) -> Option<&'t T> {
    of.get(number.checked_rem(of.len())?).copied()
}

fn together<S: Store>(stores: &[&S]) -> Result<(), Stop> {
    let all = at_once(|thread| {
        let Some(store) = turn(stores, thread) else { return Ok(Vec::new()) };
        (0..EACH)
            .map(|number| {
                let told = Told::notes(&format!("thread {thread}, append {number}, note"), number % 3 + 1);
                told.append(store).map(|appended| (told, appended))
            })
            .collect::<Result<Vec<_>, StoreError>>()
    });
    let Some(store) = stores.first() else { return Ok(()) };
    let lines = chain(*store)?;
    hold(all.len() == THREADS, || "an append panicked".to_owned())?;
    for appended in all {
        let appended: Vec<(Told, Appended)> = appended?;
        let right = appended.iter().all(|(told, at)| told.is_at(&lines, at));
        hold(right, || "what a thread appended is not where it was told".to_owned())?;
        hold(appended.is_sorted_by_key(|(_, at)| at.last), || {
            "a thread's own order is another one".to_owned()
        })?;
    }
    Ok(())
}

fn contest<S: Store>(stores: &[&S]) -> Result<(), Stop> {
    let Some(store) = stores.first() else { return Ok(()) };
    for round in 0..16 {
        let plan = format!("plan {round}");
        let last = Told::plan(&plan, Status::Proposed).append_if(*store, &at(&plan, None))?.last;
        let results = at_once(|thread| {
            let store = turn(stores, thread)?;
            let told = Told::plan(&plan, Status::Started).and(Told::note(format!("by {thread}")));
            Some(told.append_if(store, &at(&plan, Some(last))))
        });
        let won = results.iter().flatten().filter(|result| result.is_ok()).count();
        hold(won == 1, || format!("{won} of {THREADS} threads spent the same condition"))?;
        for error in results.into_iter().flatten().filter_map(Result::err) {
            hold(matches!(error, StoreError::Conflict(_)), || format!("an unexpected error: {error}"))?;
        }
    }
    let lines = chain(*store)?;
    let started = |line: &&Vec<u8>| line.windows(9).any(|bytes| bytes == b"\"started\"");
    let turns = |line: &&Vec<u8>| !line.windows(7).any(|bytes| bytes == b"\"turns\"");
    let started = lines.iter().filter(started).filter(turns).count();
    hold(started == 16, || format!("{started} lines for 16 conditions that could be spent once"))
}
