//! The runner: takes plans from what an agent wants to what was done, or undone.
//!
//! The plan's [`Machine`](guardrail_core::plan::Machine) decides, and this does the rest: it looks
//! at the world, asks, records, runs, and waits. It keeps nothing that the log does not have: a
//! runner that is killed at any moment is continued by another one, from the log and the store
//! alone.

mod admit;
mod ask;
mod back;
mod claims;
mod clock;
mod command;
mod decide;
mod drive;
mod error;
mod library;
mod observer;
mod propose;
mod rehearse;
mod report;
mod waiting;
mod words;

use std::sync::Arc;
use std::time::Duration;

use guardrail_core::plan::{
    self, Approver, Command, Demands, Executor, Life, Look, Machine, Notifier, Part, PlanName, Preparation,
    Prepared, Principal, Revision, Slot,
};
use guardrail_core::quota::{Quotas, Usage};
use guardrail_core::record::{DocumentDigest, PlanStore, Recorder, Verdict};
use guardrail_core::redact::Redactor;
use guardrail_core::{Guard, Request};
use uuid::Uuid;

use crate::look::{LocalWorld, World};

pub use claims::{Claims, FileClaims, Held, MemoryClaims, Resource, Taken};
pub use clock::{Clock, SystemClock};
pub use error::RunError;
pub use library::{Library, LibraryError, Template, Use};
pub use observer::{News, Observer, Unseen};
pub use report::{Fate, Report, StepReport};
pub use waiting::block_on;

/// Takes plans through their lives. Clones are the same runner.
///
/// Several plans may be driven at once, each by a call of its own to [`drive`](Self::drive).
///
/// ```no_run
/// # #[cfg(target_os = "linux")]
/// # mod example {
/// use std::sync::Arc;
///
/// use guardrail_core::Guard;
/// use guardrail_core::plan::{Approver, Origin, Plan, Principal, Stop};
/// use guardrail_core::record::{PlanStore, Recorder};
/// use guardrail_exec::{ProcessExecutor, RunError, Runner, Unseen};
///
/// async fn run(
///     log: Arc<dyn Recorder>,
///     plans: Arc<dyn PlanStore>,
///     approver: Arc<dyn Approver>,
///     plan: Plan,
/// ) -> Result<(), RunError> {
///     let runner = Runner::builder(Arc::new(Guard::new()), log, plans, Arc::new(ProcessExecutor::new()))
///         .approver(approver)
///         .build();
///     let requester = Principal::agent("session-7");
///     let origin = Origin { requester, owner: None, session: None, channel: None };
///     let id = runner.propose(plan, origin).await?;
///     let stop = Stop::new(); // a clone of it, in any thread, stops the plan
///     let report = runner.drive(id.name, &stop, &Unseen).await?;
///     println!("{}", report.summary());
///     Ok(())
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Runner {
    parts: Arc<Parts>,
}

struct Parts {
    guard: Arc<Guard>,
    recorder: Arc<dyn Recorder>,
    plans: Arc<dyn PlanStore>,
    executor: Arc<dyn Executor>,
    approver: Option<Arc<dyn Approver>>,
    notifier: Option<Arc<dyn Notifier>>,
    world: Arc<dyn World>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Fn() -> Uuid + Send + Sync>,
    claims: Arc<dyn Claims>,
    quotas: Option<Arc<dyn Quotas>>,
    redactor: Redactor,
    demands: Demands,
    poll: Duration,
    text_bytes: usize,
    wait_for_others: bool,
    derive: bool,
    stopper: Principal,
    /// The day of the last plan that was proposed here, and its number.
    last: std::sync::Mutex<Option<PlanName>>,
}

/// Puts a [`Runner`] together.
#[must_use]
pub struct RunnerBuilder {
    parts: Parts,
}

impl Runner {
    /// A builder with what every runner needs: what judges, what remembers, what keeps documents
    /// and what runs. Without an approver, whatever needs a yes is refused.
    pub fn builder(
        guard: Arc<Guard>,
        recorder: Arc<dyn Recorder>,
        plans: Arc<dyn PlanStore>,
        executor: Arc<dyn Executor>,
    ) -> RunnerBuilder {
        RunnerBuilder {
            parts: Parts {
                guard,
                recorder,
                plans,
                executor,
                approver: None,
                notifier: None,
                world: Arc::new(LocalWorld::new()),
                clock: Arc::new(SystemClock::new()),
                ids: Arc::new(Uuid::new_v4),
                claims: Arc::new(MemoryClaims::default()),
                quotas: None,
                redactor: Redactor::new(),
                demands: Demands::STANDARD,
                poll: Duration::from_millis(500),
                text_bytes: 256 << 10,
                wait_for_others: true,
                derive: true,
                stopper: Principal::service("runner"),
                last: std::sync::Mutex::new(None),
            },
        }
    }

    /// A plan as the log has it, with its records.
    async fn load(
        &self,
        name: PlanName,
    ) -> Result<(Machine, Vec<guardrail_core::record::Recorded>), RunError> {
        let records = self.parts.recorder.history(&name.to_string()).await?;
        let history = |source| RunError::History { plan: name, source };
        let content = match plan::latest(&records, &name.to_string()) {
            Err(plan::HistoryError::Nothing) => return Err(RunError::Unknown(name)),
            content => content.map_err(history)?,
        };
        let document = self.parts.plans.fetch(&DocumentDigest(*content.document.as_bytes())).await?;
        let document = document.ok_or(RunError::Missing { plan: name, revision: content.number })?;
        let revision = Revision::from_document(&document, content.digest)
            .map_err(|source| RunError::Document { plan: name, source })?;
        Ok((Machine::resume(revision, &records).map_err(history)?, records))
    }

    /// What became of a plan, as the log has it.
    ///
    /// # Errors
    ///
    /// [`RunError::Unknown`] where there is no such plan, and others where it cannot be read.
    pub async fn report(&self, name: PlanName) -> Result<Report, RunError> {
        let (machine, records) = self.load(name).await?;
        let next = machine.next(self.parts.clock.now());
        Ok(Report::of(machine.revision(), machine.life(), &next, &records))
    }

    /// The latest revision of a plan, as it is shown to those who are asked.
    ///
    /// # Errors
    ///
    /// As for [`report`](Self::report).
    pub async fn revision(&self, name: PlanName) -> Result<Revision, RunError> {
        Ok(self.load(name).await?.0.revision().clone())
    }

    /// The plans that are not over, with their lives. No document is read for it.
    ///
    /// # Errors
    ///
    /// [`RunError::Record`] where the log cannot be read. A plan that cannot be read is among what
    /// is given, with what is wrong with it.
    pub async fn open(&self) -> Result<Vec<(PlanName, Result<Life, RunError>)>, RunError> {
        let mut open = Vec::new();
        for (id, _) in self.parts.recorder.open_plans().await? {
            // Others may keep records about plans of their own in the same log.
            let Ok(name) = id.parse::<PlanName>() else { continue };
            let records = self.parts.recorder.history(&id).await?;
            let life = plan::life(&records, &id).map_err(|source| RunError::History { plan: name, source });
            open.push((name, life));
        }
        open.sort_by_key(|(name, _)| *name);
        Ok(open)
    }

    /// How a command of a revision is judged now, and what its names stand for now.
    fn look(&self, revision: &Revision, slot: Slot) -> Option<Look> {
        let request = revision.request(slot, self.parts.world.facts())?;
        let Prepared { command, cwd, .. } = revision.command(slot)?;
        Some(self.parts.look(command, cwd, request).1)
    }

    fn prepare(&self, plan: plan::Plan, preparation: &Preparation) -> Result<Revision, RunError> {
        self.prepare_counted(plan, preparation, &mut Vec::new())
    }

    /// As [`prepare`](Self::prepare), and tells what of it counts as a call: what the steps are there
    /// for.
    fn prepare_counted(
        &self,
        plan: plan::Plan,
        preparation: &Preparation,
        calls: &mut Vec<(Usage, Verdict)>,
    ) -> Result<Revision, RunError> {
        let parts = &self.parts;
        Revision::prepare(plan, preparation, &mut |slot, command, request| {
            let cwd = request.cwd.clone().unwrap_or_default();
            let (request, look) = parts.look(command, &cwd, request.clone());
            if parts.quotas.is_some() && slot.part == Part::Action {
                calls.push((parts.guard.usage(&request), Verdict::from(&look.evaluation.decision)));
            }
            look
        })
        .map_err(RunError::Flaws)
    }
}

impl Parts {
    /// How a request is judged now with the documents that it names, which are part of the request that
    /// is given back, and what its names stand for now.
    fn look(&self, command: &Command, cwd: &str, mut request: Request) -> (Request, Look) {
        let mut evaluation = self.guard.evaluate(&request);
        let mut documents = Vec::new();
        let mut unread = Vec::new();
        // A document may name others.
        for _ in 0..MOST_ROUNDS {
            if evaluation.documents.iter().all(|named| named.attached) {
                break;
            }
            let found = self.world.documents(cwd, &evaluation);
            let before = request.attachments.len();
            // What is there and cannot be read may hold anything.
            for (name, reason) in found.unread {
                if !request.attachments.contains_key(&name) {
                    request = request.attachment(name.clone(), UNREADABLE);
                    unread.push((name, reason));
                }
            }
            for (pin, content) in found.read {
                if !request.attachments.contains_key(&pin.name) {
                    request = request.attachment(pin.name.clone(), &content);
                    documents.push(pin);
                }
            }
            if request.attachments.len() == before {
                break;
            }
            evaluation = self.guard.evaluate(&request);
        }
        let mut pins = self.world.pins(command, cwd, &evaluation);
        documents.sort_by(|one, other| one.name.cmp(&other.name));
        pins.files.extend(documents);
        pins.unpinned.extend(unread);
        (request, Look { evaluation, pins })
    }
}

/// How often documents are looked for that others name. The guard follows them no further either, and says so.
const MOST_ROUNDS: u32 = 12;

/// Content that is no text, of which nothing is believed.
const UNREADABLE: &[u8] = b"\xff";

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let approver = self.parts.approver.as_ref().map(|approver| approver.name().to_owned());
        f.debug_struct("Runner")
            .field("executor", &self.parts.executor.name())
            .field("approver", &approver)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for RunnerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunnerBuilder").finish_non_exhaustive()
    }
}

impl RunnerBuilder {
    /// Who is asked.
    pub fn approver(mut self, approver: Arc<dyn Approver>) -> Self {
        self.parts.approver = Some(approver);
        self
    }

    /// Who carries news.
    pub fn notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.parts.notifier = Some(notifier);
        self
    }

    /// The world that commands run in, instead of [`LocalWorld`]. It has to be that of the executor.
    pub fn world(mut self, world: Arc<dyn World>) -> Self {
        self.parts.world = world;
        self
    }

    /// Another clock than the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.parts.clock = clock;
        self
    }

    /// Another source of ids than chance. No id may come twice.
    pub fn ids(mut self, ids: impl Fn() -> Uuid + Send + Sync + 'static) -> Self {
        self.parts.ids = Arc::new(ids);
        self
    }

    /// What keeps plans apart, instead of [`MemoryClaims`], which other processes do not see.
    pub fn claims(mut self, claims: Arc<dyn Claims>) -> Self {
        self.parts.claims = claims;
        self
    }

    /// What counts what is asked and done, and can stop everything. Without it nothing is counted.
    ///
    /// A command that may not begin now waits, as long as its approval holds. Where everything is
    /// stopped, what runs is ended, and a plan between two commands rests as it is.
    pub fn quotas(mut self, quotas: Arc<dyn Quotas>) -> Self {
        self.parts.quotas = Some(quotas);
        self
    }

    /// What takes secrets out of texts for people. It should know the same secrets as the log.
    pub fn redactor(mut self, redactor: Redactor) -> Self {
        self.parts.redactor = redactor;
        self
    }

    /// Which risks must have which parts, instead of [`Demands::STANDARD`].
    pub fn demands(mut self, demands: Demands) -> Self {
        self.parts.demands = demands;
        self
    }

    /// How often the log is looked at for what others decided, while a plan waits.
    pub fn poll(mut self, poll: Duration) -> Self {
        self.parts.poll = poll.max(Duration::from_millis(1));
        self
    }

    /// The most bytes of the text that is shown to approvers. A plan that needs more cannot be
    /// approved.
    pub fn text_bytes(mut self, bytes: usize) -> Self {
        self.parts.text_bytes = bytes;
        self
    }

    /// Refuses to run a plan while another one works on the same resource, instead of waiting
    /// until its approval expires.
    pub fn refuse_conflicts(mut self) -> Self {
        self.parts.wait_for_others = false;
        self
    }

    /// Takes plans as they are written, instead of adding the checks, captures and ways back that
    /// the knowledge of tools proposes.
    pub fn as_written(mut self) -> Self {
        self.parts.derive = false;
        self
    }

    /// Under whose name a stop by [`Stop`](plan::Stop) is recorded.
    pub fn stopper(mut self, stopper: Principal) -> Self {
        self.parts.stopper = stopper;
        self
    }

    /// The runner.
    #[must_use]
    pub fn build(self) -> Runner {
        Runner { parts: Arc::new(self.parts) }
    }
}
