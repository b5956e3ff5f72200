//! Quotas among all processes of one machine, and the emergency stop.
//!
//! Everything is in one directory (0700): `counts`, a file of one size that is locked for as long as an
//! action is counted; `running`, a locked file for each action that holds a place among what runs at the
//! same time; and `stop`, which stops everything while it is there.
//!
//! What cannot be counted is refused: where the counts are damaged, gone, held for too long by another
//! process, or later than the clock. An account that can write to the directory can also delete it,
//! so agents should run under another one.

mod breaker;
mod record;
mod running;
mod stop;
mod table;
mod window;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use guardrail_core::quota::{Admission, Admitted, Charge, Counts, Finished, QuotaRefusal, Quotas, Usage};
use guardrail_core::record::{Timestamp, Verdict};

use breaker::{Breaker, Stand};
use record::Count;
use running::Seat;
use table::{RUNNING, Table, unavailable};
use window::Window;

pub use stop::EmergencyStop;

/// Counts in a directory. Clones are the same, and so is every process that names the same directory.
///
/// ```
/// use guardrail_core::policy::{Layer, Policy};
/// use guardrail_core::quota::{Quotas as _, QuotaRefusal};
/// use guardrail_core::{Guard, Request};
/// use guardrail_host::quotas::FileQuotas;
///
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path().join("quotas");
/// let policy = "
/// [[quota]]
/// name = 'one-at-a-time'
/// counts = 'running'
/// most = 1
/// when = { tool = 'terraform' }
/// ";
/// let policy = Policy::builder().layer(Layer::User, policy)?.build()?;
/// let guard = Guard::builder().policy(policy)?.build();
/// let quotas = FileQuotas::open(&directory)?;
///
/// let usage = guard.usage(&Request::shell("terraform apply"));
/// # fn block_on<F: Future>(future: F) -> F::Output {
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     let std::task::Poll::Ready(output) = std::pin::pin!(future).poll(&mut context) else { panic!() };
/// #     output
/// # }
/// # block_on(async {
/// let first = quotas.admit(&usage).await?;
/// let refusal = quotas.admit(&usage).await.unwrap_err();
/// assert!(refusal.to_string().contains("one-at-a-time"));
/// drop(first);
/// assert!(quotas.admit(&usage).await.is_ok());
/// # Ok::<(), QuotaRefusal>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FileQuotas {
    parts: Arc<Parts>,
}

#[derive(Clone)]
struct Parts {
    directory: PathBuf,
    stop: EmergencyStop,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    patience: Duration,
}

impl FileQuotas {
    /// The counts of a directory, which is made where there is none, or an empty one; its parent must
    /// exist.
    ///
    /// # Errors
    ///
    /// [`QuotaRefusal::Unavailable`] where there are no counts in it, though it is not empty, or they
    /// are damaged.
    pub fn open(directory: &Path) -> Result<Self, QuotaRefusal> {
        table::make(directory)?;
        let parts = Parts {
            directory: directory.to_owned(),
            stop: EmergencyStop::of(directory),
            clock: Arc::new(chrono::Utc::now),
            patience: Duration::from_secs(5),
        };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// Another clock than the system's.
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.with(|parts| parts.clock = Arc::new(clock))
    }

    /// How long others may hold the counts before it is refused: 5 s where nobody says. Each holds them
    /// for well below a millisecond, but for one that was frozen right then.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        self.with(|parts| parts.patience = patience)
    }

    /// Another file that stops everything while it is there, as [`EmergencyStop::and`] has it.
    #[must_use]
    pub fn stopped_by(self, file: &Path) -> Self {
        self.with(|parts| parts.stop = parts.stop.clone().and(file))
    }

    /// Its emergency stop.
    #[must_use]
    pub fn emergency_stop(&self) -> EmergencyStop {
        self.parts.stop.clone()
    }

    /// Forgets everything that was counted in a directory, and makes what is missing in it: for where
    /// the counts are damaged. The emergency stop stays as it is.
    ///
    /// Only a person should decide this.
    ///
    /// # Errors
    ///
    /// Where the new counts cannot be written.
    pub fn forget(directory: &Path) -> std::io::Result<()> {
        table::forget(directory)
    }

    fn with(self, change: impl FnOnce(&mut Parts)) -> Self {
        let mut parts = Arc::unwrap_or_clone(self.parts);
        change(&mut parts);
        Self { parts: Arc::new(parts) }
    }
}

impl fmt::Debug for FileQuotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileQuotas").field("directory", &self.parts.directory).finish_non_exhaustive()
    }
}

#[async_trait]
impl Quotas for FileQuotas {
    async fn called(&self, usage: &Usage, verdict: &Verdict) -> Result<(), QuotaRefusal> {
        self.parts.begin()?;
        let mut charges = usage.of(&[Counts::Calls, Counts::Denials]).peekable();
        if charges.peek().is_none() {
            return Ok(());
        }
        let table = self.parts.table()?;
        let mut refusals = Refusals::default();
        for charge in charges {
            refusals.add(check(&table, charge)?);
        }
        refusals.none()?;
        count(&table, usage.of(&[Counts::Calls]))?;
        let ended = if *verdict == Verdict::Deny { Finished::Badly } else { Finished::Well };
        usage.of(&[Counts::Denials]).try_for_each(|charge| ended_as(&table, charge, ended, true))
    }

    async fn admit(&self, usage: &Usage) -> Result<Admission, QuotaRefusal> {
        const COUNTED: &[Counts] = &[Counts::Executions, Counts::Repeats];
        self.parts.begin()?;
        let mut admitted = Place { parts: Arc::clone(&self.parts), seats: Vec::new(), breakers: Vec::new() };
        let mut charges = usage
            .of(&[Counts::Executions, Counts::Repeats, Counts::Running, Counts::Failures, Counts::Denials])
            .peekable();
        if charges.peek().is_none() {
            return Ok(Admission::new(admitted));
        }
        let table = self.parts.table()?;
        let mut refusals = Refusals::default();
        for charge in charges {
            refusals.add(check(&table, charge)?);
            match charge.quota.counts {
                Counts::Running => {
                    let seat = self.parts.seat(&charge.key.to_string(), charge.quota.most)?;
                    refusals.add(seat.is_none().then(|| QuotaRefusal::spent(charge, None)));
                    admitted.seats.extend(seat);
                }
                Counts::Failures => {
                    let trial = breaker(&table, charge)?.stand(&charge.quota, table.now()) == Stand::Trying;
                    if trial {
                        // One at a time; who dies while they try gives it back.
                        let seat = self.parts.seat(&format!("{}-trial", charge.key), 1)?;
                        refusals.add(seat.is_none().then(|| QuotaRefusal::spent(charge, None)));
                        admitted.seats.extend(seat);
                    }
                    admitted.breakers.push((charge.clone(), trial));
                }
                _ => {}
            }
        }
        refusals.none()?;
        count(&table, usage.of(COUNTED))?;
        // Between the look at the stop above and this, others may have waited long.
        drop(table);
        self.parts.begin()?;
        Ok(Admission::new(admitted))
    }

    async fn stopped(&self) -> Option<QuotaRefusal> {
        self.parts.stop.state()
    }
}

/// What an admission holds.
struct Place {
    parts: Arc<Parts>,
    seats: Vec<Seat>,
    /// The breakers that want to know how it ends, and for which of them it is a trial.
    breakers: Vec<(Charge, bool)>,
}

#[async_trait]
impl Admitted for Place {
    async fn finish(self: Box<Self>, ended: Finished) -> Result<(), QuotaRefusal> {
        if !self.breakers.is_empty() {
            let table = self.parts.table()?;
            for (charge, trial) in &self.breakers {
                ended_as(&table, charge, ended, *trial)?;
            }
        }
        // Given back last: who is let through next finds it counted.
        drop(self.seats);
        Ok(())
    }
}

impl Parts {
    /// Refuses where everything is stopped.
    fn begin(&self) -> Result<(), QuotaRefusal> {
        self.stop.state().map_or(Ok(()), Err)
    }

    fn table(&self) -> Result<Table, QuotaRefusal> {
        Table::lock(&self.directory, (self.clock)().timestamp_millis(), self.patience)
    }

    fn seat(&self, name: &str, most: u32) -> Result<Option<Seat>, QuotaRefusal> {
        let directory = self.directory.join(RUNNING);
        running::take(&directory, name, most).map_err(|error| unavailable(&directory.display(), &error))
    }
}

/// What refuses an action; of several, the one that does so for the longest.
#[derive(Default)]
struct Refusals(Option<QuotaRefusal>);

impl Refusals {
    fn add(&mut self, refusal: Option<QuotaRefusal>) {
        if let Some(refusal) = refusal
            && self.0.as_ref().is_none_or(|there| there.retry_at() < refusal.retry_at())
        {
            self.0 = Some(refusal);
        }
    }

    fn none(self) -> Result<(), QuotaRefusal> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Whether a charge is too much, as far as the table tells.
fn check(table: &Table, charge: &Charge) -> Result<Option<QuotaRefusal>, QuotaRefusal> {
    let quota = &charge.quota;
    let retry_at = if quota.counts.has_window() {
        let (window, width) = window(table, charge)?;
        (window.total() >= quota.most).then(|| window.room_at(quota.most, width))
    } else if quota.counts.is_breaker() {
        match breaker(table, charge)?.stand(quota, table.now()) {
            Stand::Open(until) => Some(until),
            Stand::Closed | Stand::Trying => None,
        }
    } else {
        None
    };
    Ok(retry_at.map(|at| QuotaRefusal::spent(charge, Timestamp::from_timestamp_millis(at))))
}

/// Adds one to the windows of some charges.
fn count<'c>(table: &Table, charges: impl Iterator<Item = &'c Charge>) -> Result<(), QuotaRefusal> {
    for charge in charges {
        let (mut window, width) = window(table, charge)?;
        window.add();
        let over_at = window.over_at(width);
        table.put(charge, Count::Window(window), over_at)?;
    }
    Ok(())
}

/// Tells a breaker how something ended.
fn ended_as(table: &Table, charge: &Charge, ended: Finished, trial: bool) -> Result<(), QuotaRefusal> {
    let (before, now) = (breaker(table, charge)?, table.now());
    let mut breaker = before;
    breaker.ended(&charge.quota, ended, trial, now);
    if breaker == before {
        return Ok(());
    }
    if breaker == Breaker::default() {
        return table.remove(charge);
    }
    let over_at = breaker.over_at(&charge.quota, now);
    table.put(charge, Count::Breaker(breaker), over_at)
}

/// The window of a charge up to now, and how wide its slots are.
fn window(table: &Table, charge: &Charge) -> Result<(Window, i64), QuotaRefusal> {
    let width = window::width(charge.quota.within_seconds);
    let mut window = match table.find(charge)? {
        Some(Count::Window(window)) => window,
        _ => Window::default(),
    };
    window.advance(table.now(), width);
    Ok((window, width))
}

fn breaker(table: &Table, charge: &Charge) -> Result<Breaker, QuotaRefusal> {
    Ok(match table.find(charge)? {
        Some(Count::Breaker(breaker)) => breaker,
        _ => Breaker::default(),
    })
}
