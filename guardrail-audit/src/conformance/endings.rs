//! What is left after a process was killed, the power was cut or a sync failed.

use guardrail_core::record::{Condition, Status};

use super::told::{Told, at, chain, durable};
use super::{Factory, Stop, able, hold};
use crate::store::{Durability, Store, StoreError};

pub(super) fn kill<F: Factory>(factory: &F) -> Result<(), Stop> {
    let store = factory.create()?;
    let ways = [Durability::OsBuffered, Durability::Interval, Durability::Group, Durability::OsBuffered];
    let told = fill(&store, &ways)?;
    let store = able(factory.kill(store))?;
    hold(told.place(&chain(&store)?).is_some(), || "an acknowledged line is gone".to_owned())?;
    go_on(&store)
}

pub(super) fn power_cut<F: Factory>(factory: &F) -> Result<(), Stop> {
    for durability in [Durability::Group, Durability::PerRecord, Durability::OsBuffered] {
        let store = factory.create()?;
        let log = store.head()?.log;
        let told = fill(&store, &[durability])?;
        if durability == Durability::OsBuffered {
            store.sync()?;
        }
        let before = chain(&store)?;
        Told::note("perhaps").append_buffered(&store)?;
        let store = able(factory.power_cut(store))?;
        let lines = chain(&store)?;
        hold(told.place(&lines).is_some() && lines.starts_with(&before), || {
            format!("a line that {durability:?} made durable is gone")
        })?;
        hold(store.head()?.log == log, || "it is another log".to_owned())?;
        go_on(&store)?;
    }
    Ok(())
}

pub(super) fn poison<F: Factory>(factory: &F) -> Result<(), Stop> {
    for first in [Durability::PerRecord, Durability::Group] {
        let store = factory.create()?;
        let told = fill(&store, &[first])?;
        let other = factory.another(&store).transpose()?;
        if !factory.break_sync(&store) {
            return Err(Stop::Untested);
        }
        let failed = store.append(&Told::note("failed").bodies(), &Condition::Always, first);
        hold(matches!(failed, Err(StoreError::Indeterminate(_) | StoreError::Poisoned(_))), || {
            format!("an append whose sync failed is answered with {failed:?}")
        })?;
        for store in std::iter::once(&store).chain(&other) {
            for durability in [first, Durability::Group, Durability::Interval, Durability::OsBuffered] {
                let result = store.append(&Told::note("after").bodies(), &Condition::Always, durability);
                hold(result.is_err(), || format!("{durability:?} was acknowledged after a failed sync"))?;
            }
            hold(store.sync().is_err(), || "a later sync said yes".to_owned())?;
        }
        drop(other);
        let store = able(factory.kill(store))?;
        let result = Told::note("opened again").append(&store);
        hold(durable(&result), || format!("an append to the log opened again: {result:?}"))?;
        let store = match factory.power_cut(store) {
            Some(store) => store?,
            None => return Err(Stop::Untested),
        };
        let lines = chain(&store)?;
        let kept = told.place(&lines).is_some() && Told::note("opened again").place(&lines).is_some();
        hold(kept, || "an acknowledged line is gone".to_owned())?;
    }
    Ok(())
}

impl Told {
    fn append_buffered(&self, store: &impl Store) -> Result<(), StoreError> {
        store.append(&self.bodies(), &Condition::Always, Durability::OsBuffered).map(drop)
    }
}

/// Appends some lines in these ways, which must be there afterwards, next to each other but for
/// lines of the store itself.
fn fill(store: &impl Store, ways: &[Durability]) -> Result<Kept, Stop> {
    let mut kept = Kept(Vec::new());
    for (number, durability) in ways.iter().cycle().take(10).enumerate() {
        let told = Told::notes(&format!("kept {number}"), number % 3 + 1);
        store.append(&told.bodies(), &Condition::Always, *durability)?;
        kept.0.push(told);
    }
    let told = Told::plan("kept", Status::Proposed);
    store.append(&told.bodies(), &Condition::Always, ways.first().copied().unwrap_or_default())?;
    kept.0.push(told);
    Ok(kept)
}

/// What must still be there, in order.
struct Kept(Vec<Told>);

impl Kept {
    fn place(&self, lines: &[Vec<u8>]) -> Option<()> {
        let places: Option<Vec<usize>> = self.0.iter().map(|told| told.place(lines)).collect();
        places?.is_sorted_by(|one, two| one < two).then_some(())
    }
}

/// A log that was opened again is the same, and goes on.
fn go_on(store: &impl Store) -> Result<(), Stop> {
    let open = store.open_plan("kept")?;
    let last = open.last().copied();
    hold(last.is_some(), || "a plan that was open is not".to_owned())?;
    let again = Told::plan("kept", Status::Approved).append_if(store, &at("kept", None));
    hold(matches!(again, Err(StoreError::Conflict(_))), || "a spent condition held again".to_owned())?;
    Told::plan("kept", Status::Approved).append_if(store, &at("kept", last))?;
    chain(store).map(drop)
}
