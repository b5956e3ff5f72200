//! Every life that a small plan can have, searched breadth-first, and long arbitrary lives: what
//! must never happen does not, whatever happens before.
//!
//! The search drives the pure life by every event that a clumsy or hostile caller could put into
//! the log, legal or not. What the life refuses is a dead end; what it takes is followed. Beside
//! each life stands a ledger that counts what really happened, by rules of its own.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeSet, VecDeque};

use chrono::TimeDelta;
use guardrail_core::Risk;
use guardrail_core::plan::{
    Authority, Choice, Digest, Ended, Event, Life, Need, OutcomeVerdict, Part, PlanId, Principal,
    RevisionContent, Settlement, Shape, Slot, State, StepShape, Vote, What,
};
use guardrail_core::record::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

/// Moments that matter: at the deadline, behind it, and behind the approval's end.
const TIMES: [i64; 3] = [10, 11, 40];

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn content(number: u32, risk: Risk, shape: &Shape) -> RevisionContent {
    RevisionContent {
        id: PlanId::new(at(0).date_naive(), 1, Uuid::from_u128(9)),
        number,
        digest: Digest::of_content(&number.to_be_bytes()),
        document: Digest::of_content(b"document"),
        risk,
        need: Need { approvers: 2, people: 1, ..Need::default() },
        requester: Principal::agent("agent"),
        owner: Some(Principal::person("owner")),
        valid_seconds: 20,
        shape: shape.clone(),
    }
}

fn small() -> Shape {
    let step = StepShape { rollback: (1, 0), ..StepShape::default() };
    Shape { steps: vec![step, StepShape { post: 1, ..step }], monitor: Some((1, 5)), ..Shape::default() }
}

fn voters() -> [Principal; 5] {
    [
        Principal::person("anna"),
        Principal::service("Anna"),
        Principal::service("grant"),
        Principal::person("owner"),
        Principal::agent("agent"),
    ]
}

fn vote(principal: Principal, choice: Choice, revision: u32) -> What {
    What::Voted(Vote {
        principal,
        roles: vec![],
        choice,
        question: Uuid::from_u128(u128::from(revision)),
        digest: Digest::of_content(&revision.to_be_bytes()),
        shown: Digest::of_content(b"shown"),
        via: "test".into(),
        reason: None,
        at: at(0),
    })
}

/// All that may be tried, now. Ids of permits are handed out by the ledger.
fn tries(ledger: &Ledger, shape: &Shape) -> Vec<What> {
    let person = Principal::person("anna");
    let service = Principal::service("grant");
    let agent = Principal::agent("agent");
    let mut all = vec![
        What::AllowedByPolicy,
        What::TimedOut,
        What::NoChannel { reason: String::new() },
        What::Stale { reasons: vec![] },
        What::Expired,
        What::Paused { by: agent.clone(), reason: String::new() },
        What::Resumed { by: agent.clone() },
        What::Resumed { by: person.clone() },
        What::StopRequested { by: agent.clone(), reason: String::new() },
        What::MonitorEnded,
        What::Superseded { by: content(1, Risk::Low, shape).id },
    ];
    for revision in [1, 2] {
        all.push(What::Proposed { content: content(revision, ledger.risk, shape) });
        all.push(What::Asked {
            question: Uuid::from_u128(u128::from(revision)),
            shown: Digest::of_content(b"shown"),
            complete: true,
            via: "test".into(),
            answer_by: at(10),
        });
        for voter in voters() {
            all.push(vote(voter.clone(), Choice::Approve, revision));
        }
        all.push(vote(person.clone(), Choice::Reject, revision));
    }
    for by in [person, service, agent] {
        all.push(What::Revoked { by: by.clone(), reason: String::new() });
        all.push(What::RollbackStarted { by: by.clone() });
        all.push(What::Closed { by: by.clone(), reason: String::new() });
        for how in [Settlement::Done, Settlement::Failed, Settlement::RunAgain] {
            all.push(What::Settled { id: ledger.last, by: by.clone(), how });
        }
    }
    let mut slots = shape.forward();
    slots.extend(shape.backward([1, 2]));
    slots.push(Slot::plan(Part::Monitor, 1));
    for slot in slots {
        for authority in [Authority::Look, Authority::Approval] {
            for aside in [false, true] {
                all.push(What::Intent { id: Uuid::from_u128(ledger.permits + 1), slot, authority, aside });
            }
        }
        // An outcome of another command than the one under way is refused alike for each.
        if slot != Slot::action(1) && ledger.slot != Some(slot) {
            continue;
        }
        for verdict in [
            OutcomeVerdict::Passed,
            OutcomeVerdict::Failed,
            OutcomeVerdict::NotStarted,
            OutcomeVerdict::Drifted,
            OutcomeVerdict::Stopped,
            OutcomeVerdict::Lost,
        ] {
            all.push(What::Outcome {
                id: ledger.last,
                slot,
                verdict,
                ended: Ended::Exited(0),
                failures: vec![],
                duration_seconds: 0.0,
            });
        }
    }
    all.push(What::Doubted { id: ledger.last });
    all
}

/// What happened, counted by rules of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ledger {
    risk: Risk,
    now: usize,
    revision: u32,
    yes: BTreeSet<String>,
    people: BTreeSet<String>,
    no: bool,
    asked: bool,
    approved: bool,
    allowed_to_undo: bool,
    stopped: bool,
    permits: u128,
    last: Uuid,
    slot: Option<Slot>,
    /// Commands that do something, whose end nobody has told.
    open: Option<Slot>,
    /// Commands that ran or may have run, and that no person let run again.
    spent: BTreeSet<Slot>,
}

impl Ledger {
    fn new(risk: Risk) -> Self {
        Self {
            risk,
            now: 0,
            revision: 0,
            yes: BTreeSet::new(),
            people: BTreeSet::new(),
            no: false,
            asked: false,
            approved: false,
            allowed_to_undo: false,
            stopped: false,
            permits: 0,
            last: Uuid::nil(),
            slot: None,
            open: None,
            spent: BTreeSet::new(),
        }
    }

    /// Takes down what the life has accepted, and cries out where it should not have.
    fn take(&mut self, what: &What, before: &Life, after: &Life) {
        match what {
            What::Proposed { content } => {
                assert_eq!(content.number, self.revision + 1);
                assert!(self.spent.is_empty(), "a plan that did something has no next revision");
                *self = Self {
                    revision: content.number,
                    now: self.now,
                    permits: self.permits,
                    last: self.last,
                    slot: self.slot,
                    ..Self::new(self.risk)
                };
            }
            What::Asked { .. } => self.asked = true,
            What::Voted(vote) => {
                assert!(self.asked, "a vote without a question");
                assert_eq!(vote.digest, Digest::of_content(&self.revision.to_be_bytes()), "an old vote");
                let name = vote.principal.name.to_lowercase();
                match vote.choice {
                    Choice::Reject => self.no = true,
                    Choice::Approve => {
                        assert!(TIMES[self.now] <= 10, "a late vote");
                        assert_ne!(name, "agent");
                        assert!(name != "owner" || self.yes.is_empty(), "the owner voted second");
                        assert!(self.yes.insert(name.clone()), "{name} voted twice");
                        if vote.principal == Principal::person(&*vote.principal.name) {
                            self.people.insert(name);
                        }
                    }
                }
                self.approved = self.yes.len() >= 2 && !self.people.is_empty() && !self.no;
            }
            What::RollbackStarted { by } => {
                assert_ne!(by.name, "agent");
                assert!(self.risk < Risk::Critical || *by == Principal::person("anna"));
                self.allowed_to_undo = true;
                self.stopped = false;
                // A person who goes on with a way back that failed lets its command run again.
                if before.state() == State::RollbackFailed {
                    self.spent.retain(|slot| slot.part != Part::Rollback);
                } else if before.state() != State::RollingBack {
                    assert!(self.open.is_none());
                }
            }
            What::StopRequested { .. } | What::Revoked { .. } => self.stopped = true,
            What::Intent { id, slot, authority, aside } => {
                self.permits += 1;
                self.last = *id;
                self.slot = Some(*slot);
                // A person may look around before settling a doubt.
                let around = *aside && before.state() == State::InDoubt;
                assert!(self.open.is_none() || around, "two at one time");
                if *authority == Authority::Approval {
                    assert!(!aside);
                    let undoing = matches!(slot.part, Part::Rollback | Part::RollbackCheck);
                    assert!(self.approved, "{slot} without approval");
                    assert!(!undoing || self.allowed_to_undo, "{slot} without being asked");
                    assert!(!self.stopped, "{slot} behind a stop");
                    assert!(self.spent.insert(*slot), "{slot} twice without being asked");
                    self.open = Some(*slot);
                } else {
                    assert!(
                        !matches!(slot.part, Part::Action | Part::Rollback),
                        "{slot} does something on the right to look"
                    );
                }
            }
            What::Outcome { slot, verdict, .. }
                if self.open == Some(*slot) && *verdict != OutcomeVerdict::Lost =>
            {
                self.open = None;
                if matches!(verdict, OutcomeVerdict::NotStarted | OutcomeVerdict::Drifted) {
                    self.spent.remove(slot);
                }
            }
            What::Settled { by, how, .. } => {
                assert_eq!(*by, Principal::person("anna"), "only a person settles");
                let slot = self.open.take();
                if let (Settlement::RunAgain, Some(slot)) = (*how, slot) {
                    self.spent.remove(&slot);
                }
            }
            What::Closed { by, .. } => {
                assert_eq!(*by, Principal::person("anna"));
                self.open = None;
            }
            _ => {}
        }
        if self.open.is_some() && before.state() == State::InDoubt {
            assert!(
                after.state() == State::InDoubt || matches!(what, What::Settled { .. } | What::Closed { .. }),
                "a doubt that nobody settled is over"
            );
        }
        let ran = !self.spent.is_empty();
        let state = after.state();
        assert!(!ran || self.approved, "{state:?}");
        if matches!(state, State::Approved | State::Running { .. } | State::Monitoring | State::Succeeded) {
            assert!(self.approved, "{state:?} without approval");
        }
        if matches!(what, What::TimedOut | What::NoChannel { .. } | What::Expired) {
            assert!(
                after.due().is_none() && (state.is_final() || state == State::Stale),
                "{what:?}: {state:?}"
            );
        }
        if self.stopped && self.open.is_none() {
            assert!(after.due().is_none(), "a stop was lost: {state:?}");
        }
        if self.no {
            assert_eq!(state, State::Rejected);
        }
    }
}

fn step(life: &Life, ledger: &Ledger, what: What) -> Option<(Life, Ledger)> {
    let (mut after, mut account) = (life.clone(), ledger.clone());
    after.apply(&Event { at: at(TIMES[ledger.now]), what: what.clone() }).ok()?;
    account.take(&what, life, &after);
    Some((after, account))
}

/// All lives that follow from one, by the events that `may` lets be tried; the states they came
/// through are added.
fn search(
    start: (Life, Ledger),
    shape: &Shape,
    permits: u128,
    may: fn(&What) -> bool,
    states: &mut BTreeSet<State>,
) -> usize {
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([start]);
    while let Some((life, ledger)) = queue.pop_front() {
        states.insert(life.state());
        let tried = tries(&ledger, shape).into_iter().filter(may);
        let mut next: Vec<_> = tried.filter_map(|what| step(&life, &ledger, what)).collect();
        if ledger.now + 1 < TIMES.len() {
            next.push((life, Ledger { now: ledger.now + 1, ..ledger }));
        }
        for (life, ledger) in next {
            // Two revisions and a few permits show all there is to see.
            if ledger.revision <= 2
                && ledger.permits <= permits
                && !seen.contains(&(life.clone(), ledger.clone()))
            {
                seen.insert((life.clone(), ledger.clone()));
                queue.push_back((life, ledger));
            }
        }
        assert!(seen.len() <= 200_000, "the search is larger than it should be");
    }
    seen.len()
}

#[test]
fn no_life_of_a_small_plan_goes_wrong() {
    let shape =
        Shape { steps: vec![StepShape { rollback: (1, 0), ..StepShape::default() }], ..Shape::default() };
    let mut states = BTreeSet::new();
    for risk in [Risk::Medium, Risk::Critical] {
        // Up to the first command: who may say what, when, to which revision.
        let before = search(
            (Life::default(), Ledger::new(risk)),
            &shape,
            1,
            |what| {
                !matches!(
                    what,
                    What::Paused { .. }
                        | What::Resumed { .. }
                        | What::RollbackStarted { .. }
                        | What::Outcome { .. }
                        | What::Settled { .. }
                        | What::Closed { .. }
                )
            },
            &mut states,
        );
        // From the approval on: what may run, and how often.
        let mut start = (Life::default(), Ledger::new(risk));
        for what in [
            What::Proposed { content: content(1, risk, &shape) },
            What::Asked {
                question: Uuid::from_u128(1),
                shown: Digest::of_content(b"shown"),
                complete: true,
                via: "test".into(),
                answer_by: at(10),
            },
            vote(Principal::person("anna"), Choice::Approve, 1),
            vote(Principal::service("grant"), Choice::Approve, 1),
        ] {
            start = step(&start.0, &start.1, what).unwrap();
        }
        let behind = search(
            start,
            &shape,
            4,
            |what| !matches!(what, What::Voted(_) | What::Asked { .. } | What::Proposed { .. }),
            &mut states,
        );
        println!("{risk}: {before} lives up to the approval, {behind} behind it");
    }
    for state in [
        State::Rejected,
        State::TimedOut,
        State::NoChannel,
        State::Revoked,
        State::Stale,
        State::Superseded,
        State::Expired,
        State::Paused,
        State::Cancelled,
        State::Failed,
        State::Succeeded,
        State::RollingBack,
        State::RolledBack,
        State::RollbackFailed,
        State::InDoubt,
        State::Closed,
    ] {
        assert!(states.contains(&state), "the search never came to {state:?}");
    }
}

#[test]
fn the_search_would_notice() {
    // The ledger itself, fed with what a broken life would let pass.
    let wrong: [fn(&mut Ledger) -> What; 4] = [
        |_| What::Intent {
            id: Uuid::nil(),
            slot: Slot::action(1),
            authority: Authority::Approval,
            aside: false,
        },
        |ledger| {
            ledger.asked = true;
            ledger.revision = 2;
            vote(Principal::person("anna"), Choice::Approve, 1)
        },
        |ledger| {
            ledger.approved = true;
            ledger.spent.insert(Slot::action(1));
            What::Intent {
                id: Uuid::nil(),
                slot: Slot::action(1),
                authority: Authority::Approval,
                aside: false,
            }
        },
        |_| What::Settled { id: Uuid::nil(), by: Principal::service("grant"), how: Settlement::RunAgain },
    ];
    for wrong in wrong {
        let mut ledger = Ledger::new(Risk::Medium);
        let what = wrong(&mut ledger);
        let life = Life::default();
        let caught = std::panic::catch_unwind(move || ledger.take(&what, &life, &life));
        assert!(caught.is_err());
    }
}

proptest! {
    /// Longer lives of a larger plan, by chance: some events of all that may be tried.
    #[test]
    fn no_long_life_goes_wrong(choices in prop::collection::vec((0_u16.., 0_u8..30), 1..400), critical: bool) {
        let shape = small();
        let mut life = Life::default();
        let mut ledger = Ledger::new(if critical { Risk::Critical } else { Risk::Medium });
        let mut events = Vec::new();
        for (choice, tick) in choices {
            if tick == 0 && ledger.now + 1 < TIMES.len() {
                ledger.now += 1;
            }
            // Of what the life takes, so that it comes to its end; what it refuses is tried too.
            let at = at(TIMES[ledger.now]);
            let taken: Vec<_> = tries(&ledger, &shape)
                .into_iter()
                .filter_map(|what| {
                    let (life, ledger) = step(&life, &ledger, what.clone())?;
                    Some((what, life, ledger))
                })
                .collect();
            if taken.is_empty() {
                break;
            }
            let (what, next, account) = taken[usize::from(choice) % taken.len()].clone();
            (life, ledger) = (next, account);
            events.push(Event { at, what });
        }
        prop_assert_eq!(Life::fold(&events).unwrap(), life);
    }
}
