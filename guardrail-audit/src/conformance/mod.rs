//! What every [`Store`] must hold, as checks that an author of one can run.
//!
//! Tell the suite by a [`Factory`] how your store is made and, as far as you can bring that about,
//! how it is opened twice, killed, cut from power and kept from syncing. What a factory cannot do
//! is reported as not tested, and never as held.

mod checks;
mod endings;
#[cfg(test)]
mod example;
mod races;
mod told;

pub use guardrail_core::conformance::{Outcome, Report};

use crate::store::{Store, StoreError};

/// How stores come and go. Only [`create`](Self::create) is required.
pub trait Factory: Sync {
    /// The store.
    type Store: Store;

    /// A store of a new log.
    ///
    /// # Errors
    ///
    /// As the store.
    fn create(&self) -> Result<Self::Store, StoreError>;

    /// The same log, opened once more, as another process does; `None` where a log can only be
    /// opened once.
    fn another(&self, store: &Self::Store) -> Option<Result<Self::Store, StoreError>> {
        let _ = store;
        None
    }

    /// Ends a process that was not asked, and opens its log again; `None` where that cannot be
    /// brought about. What was handed to the operating system is still there.
    fn kill(&self, store: Self::Store) -> Option<Result<Self::Store, StoreError>> {
        let _ = store;
        None
    }

    /// Cuts the power, and opens the log again; `None` where that cannot be brought about. Only
    /// what was durable need still be there.
    fn power_cut(&self, store: Self::Store) -> Option<Result<Self::Store, StoreError>> {
        let _ = store;
        None
    }

    /// Makes the next sync of the log fail, whoever makes it; `false` where that cannot be brought
    /// about.
    fn break_sync(&self, store: &Self::Store) -> bool {
        let _ = store;
        false
    }
}

/// Why a check ended early.
enum Stop {
    Broken(String),
    Untested,
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Broken(format!("an unexpected error: {error}"))
    }
}

/// Ends a check where something does not hold.
fn hold(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Stop> {
    if holds { Ok(()) } else { Err(Stop::Broken(otherwise())) }
}

/// Ends a check where the factory cannot do something.
fn able<T>(of: Option<Result<T, StoreError>>) -> Result<T, Stop> {
    Ok(of.ok_or(Stop::Untested)??)
}

type Check<F> = fn(&F) -> Result<(), Stop>;

/// Runs every check, each on logs of its own.
///
/// The checks wait for nothing but the store; one that never returns hangs the suite.
pub fn check<F: Factory>(factory: &F) -> Report {
    let clauses: [(&'static str, Check<F>); 16] = [
        ("lines are the next of the chain, whole and in order", checks::lines_chain),
        ("an answer says the place of what was appended", checks::answers_are_true),
        ("lines never change", checks::lines_stay),
        ("lines are read from any place, one by one too", checks::lines_from_anywhere),
        ("all bodies of a call become lines next to each other", checks::batches_are_whole),
        ("where one body does not fit, none is written", checks::too_long_writes_nothing),
        ("where the condition does not hold, nothing is written", checks::conflicts_write_nothing),
        ("a plan is open from its first record to the one that closes it", checks::plans_open_and_close),
        ("a closed plan stays closed, until it is being undone", checks::closed_plans_stay_closed),
        ("appends of many threads are whole and in order", races::threads),
        ("of many threads with one condition one succeeds", races::one_winner),
        ("another opened store sees and continues the same log", races::another),
        ("of two opened stores with one condition one succeeds", races::one_winner_of_two),
        ("what was handed over survives the process", endings::kill),
        ("what was acknowledged as durable survives a power cut", endings::power_cut),
        ("after a failed sync nothing is acknowledged until the log is opened again", endings::poison),
    ];
    let run = |check: Check<F>| match check(factory) {
        Ok(()) => Outcome::Held,
        Err(Stop::Broken(how)) => Outcome::Broken(how),
        Err(Stop::Untested) => Outcome::Untested,
    };
    Report::new(clauses.into_iter().map(|(clause, check)| (clause, run(check))).collect())
}

#[cfg(test)]
mod tests {
    use super::example::{Broken, Example, Examples};
    use super::*;

    #[test]
    fn a_store_that_holds_the_contract_passes_in_full() {
        let report = check(&Examples(None));
        assert!(report.holds_in_full(), "{report}");
    }

    #[test]
    fn a_factory_that_can_do_little_tests_less() {
        struct Plain;
        impl Factory for Plain {
            type Store = Example;
            fn create(&self) -> Result<Example, StoreError> {
                Ok(Example::new())
            }
        }
        let report = check(&Plain);
        assert!(report.holds() && !report.holds_in_full());
        let untested = report.findings().iter().filter(|(_, outcome)| *outcome == Outcome::Untested);
        assert_eq!(untested.count(), 5);
        assert_eq!(report.to_string().matches("SKIPPED").count(), 5);
    }

    #[test]
    fn each_check_bites() {
        let mut bitten = std::collections::BTreeSet::new();
        for &broken in Broken::ALL {
            let report = check(&Examples(Some(broken)));
            let found: Vec<&str> = report
                .findings()
                .iter()
                .filter(|(_, outcome)| matches!(outcome, Outcome::Broken(_)))
                .map(|(clause, _)| *clause)
                .collect();
            assert!(found.contains(&broken.clause()), "{broken:?} was not found by its check:\n{report}");
            bitten.insert(broken.clause());
        }
        let clauses = check(&Examples(None)).findings().iter().map(|(clause, _)| *clause).collect();
        assert_eq!(bitten, clauses, "a check that no broken store was found by");
    }
}
