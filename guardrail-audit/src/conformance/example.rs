//! A store as small as one can be, which holds the contract, or breaks one clause of it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use guardrail_core::record::{Condition, Timestamp};
use uuid::Uuid;

use super::Factory;
use crate::chain::{Chain, ClosedPlans, Note, Turn};
use crate::line;
use crate::store::{Acknowledged, Appended, Body, Durability, Head, Lines, Store, StoreError};

/// How a store can break its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    ForgetsItsHead,
    SaysAnotherPlace,
    CallsAllDurableBuffered,
    NeverAnswersLater,
    ChangesOldLines,
    ReadsOneLess,
    PutsALineBetween,
    WritesWhatFits,
    WritesThenChecks,
    ForgetsToClose,
    OpensByLateRecords,
    ForgetsWhatIsClosed,
    NeverOpensAgain,
    WritesBehindOthers,
    ChecksBeforeTheLock,
    OpensACopy,
    ChecksWhatItSawLast,
    BuffersInTheProcess,
    SyncsNothing,
    SyncsAllButTheLast,
    ForgetsAFailedSync,
    PoisonsItselfAlone,
    PoisonsDurableAppendsAlone,
}

impl Broken {
    pub(super) const ALL: &[Self] = &[
        Self::ForgetsItsHead,
        Self::SaysAnotherPlace,
        Self::CallsAllDurableBuffered,
        Self::NeverAnswersLater,
        Self::ChangesOldLines,
        Self::ReadsOneLess,
        Self::PutsALineBetween,
        Self::WritesWhatFits,
        Self::WritesThenChecks,
        Self::ForgetsToClose,
        Self::OpensByLateRecords,
        Self::ForgetsWhatIsClosed,
        Self::NeverOpensAgain,
        Self::WritesBehindOthers,
        Self::ChecksBeforeTheLock,
        Self::OpensACopy,
        Self::ChecksWhatItSawLast,
        Self::BuffersInTheProcess,
        Self::SyncsNothing,
        Self::SyncsAllButTheLast,
        Self::ForgetsAFailedSync,
        Self::PoisonsItselfAlone,
        Self::PoisonsDurableAppendsAlone,
    ];

    /// The clause whose check must find it.
    pub(super) const fn clause(self) -> &'static str {
        match self {
            Self::ForgetsItsHead => "lines are the next of the chain, whole and in order",
            Self::SaysAnotherPlace | Self::CallsAllDurableBuffered | Self::NeverAnswersLater => {
                "an answer says the place of what was appended"
            }
            Self::ChangesOldLines => "lines never change",
            Self::ReadsOneLess => "lines are read from any place, one by one too",
            Self::PutsALineBetween => "all bodies of a call become lines next to each other",
            Self::WritesWhatFits => "where one body does not fit, none is written",
            Self::WritesThenChecks => "where the condition does not hold, nothing is written",
            Self::ForgetsToClose => "a plan is open from its first record to the one that closes it",
            Self::OpensByLateRecords | Self::ForgetsWhatIsClosed | Self::NeverOpensAgain => {
                "a closed plan stays closed, until it is being undone"
            }
            Self::WritesBehindOthers => "appends of many threads are whole and in order",
            Self::ChecksBeforeTheLock => "of many threads with one condition one succeeds",
            Self::OpensACopy => "another opened store sees and continues the same log",
            Self::ChecksWhatItSawLast => "of two opened stores with one condition one succeeds",
            Self::BuffersInTheProcess => "what was handed over survives the process",
            Self::SyncsNothing | Self::SyncsAllButTheLast => {
                "what was acknowledged as durable survives a power cut"
            }
            Self::ForgetsAFailedSync | Self::PoisonsItselfAlone | Self::PoisonsDurableAppendsAlone => {
                "after a failed sync nothing is acknowledged until the log is opened again"
            }
        }
    }
}

/// Makes stores that are broken in this way.
pub(super) struct Examples(pub(super) Option<Broken>);

/// The store.
pub(super) struct Example {
    broken: Option<Broken>,
    shared: Arc<Mutex<Shared>>,
    /// What this opened store saw last.
    saw: Mutex<Chain>,
    poisoned: Mutex<bool>,
}

#[derive(Clone)]
struct Shared {
    id: Uuid,
    chain: Chain,
    lines: Vec<(Vec<u8>, Note)>,
    durable: usize,
    poisoned: bool,
    breaks: bool,
}

impl Example {
    pub(super) fn new() -> Self {
        Self::of(
            None,
            Shared {
                id: Uuid::from_u128(1),
                chain: Chain::new("example"),
                lines: Vec::new(),
                durable: 0,
                poisoned: false,
                breaks: false,
            },
        )
    }

    fn of(broken: Option<Broken>, shared: Shared) -> Self {
        let saw = Mutex::new(shared.chain.clone());
        Self { broken, shared: Arc::new(Mutex::new(shared)), saw, poisoned: Mutex::new(false) }
    }

    fn is(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    /// The log with its first so many lines, opened again.
    fn reopen(&self, keep: usize) -> Self {
        let old = self.shared();
        let mut new = Shared { chain: Chain::new("example"), lines: Vec::new(), ..old.clone() };
        for (text, note) in old.lines.iter().take(keep) {
            new.follow(text.clone(), note);
        }
        new.poisoned = false;
        new.durable = keep;
        Self::of(self.broken, new)
    }

    fn poison_check(&self, shared: &Shared, durable: bool) -> Result<(), StoreError> {
        let poisoned = match self.broken {
            Some(Broken::ForgetsAFailedSync) => false,
            Some(Broken::PoisonsItselfAlone) => *self.poisoned.lock().unwrap(),
            Some(Broken::PoisonsDurableAppendsAlone) => shared.poisoned && durable,
            _ => shared.poisoned,
        };
        if poisoned { Err(StoreError::Poisoned("an earlier sync".into())) } else { Ok(()) }
    }

    fn sync_all(&self, shared: &mut Shared) -> Result<(), StoreError> {
        self.poison_check(shared, true)?;
        if std::mem::take(&mut shared.breaks) {
            shared.poisoned = true;
            *self.poisoned.lock().unwrap() = true;
            return Err(StoreError::Indeterminate(std::io::Error::from_raw_os_error(5)));
        }
        shared.durable = match self.broken {
            Some(Broken::SyncsNothing) => 0,
            Some(Broken::SyncsAllButTheLast) => shared.lines.len().saturating_sub(1),
            _ => shared.lines.len(),
        };
        Ok(())
    }
}

impl Shared {
    fn follow(&mut self, text: Vec<u8>, note: &Note) {
        let time = line::read(&text).unwrap().timestamp;
        self.chain.follow(crate::Hash::of_line(&text), time, note);
        self.lines.push((text, note.clone()));
    }

    fn push(&mut self, body: &Body<'_>, note: &Note, time: Timestamp) {
        let mut text = Vec::new();
        self.chain.push(&mut text, &body.json, note, time);
        text.pop();
        self.lines.push((text, note.clone()));
    }
}

/// Time for others to come between.
fn dawdle() {
    std::thread::sleep(Duration::from_micros(200));
}

impl Store for Example {
    fn append(
        &self,
        bodies: &[Body<'_>],
        condition: &Condition,
        durability: Durability,
    ) -> Result<Appended, StoreError> {
        let durable = matches!(durability, Durability::PerRecord | Durability::Group);
        let mut shared = self.shared();
        self.poison_check(&shared, durable)?;
        let first = shared.lines.len();
        if self.is(Broken::ForgetsWhatIsClosed) {
            shared.chain.closed = ClosedPlans::default();
        }
        let known = shared.chain.clone();
        if self.is(Broken::ChecksWhatItSawLast) {
            self.saw.lock().unwrap().check(condition).map_err(StoreError::Conflict)?;
        } else if !self.is(Broken::WritesThenChecks) {
            shared.chain.check(condition).map_err(StoreError::Conflict)?;
        }
        if self.is(Broken::ChecksBeforeTheLock) || self.is(Broken::WritesBehindOthers) {
            drop(shared);
            dawdle();
            shared = self.shared();
            if self.is(Broken::WritesBehindOthers) {
                shared.chain = known.clone();
            }
        }
        let bytes = |body: &Body<'_>| body.json.len() + line::overhead(shared.chain.size);
        if !self.is(Broken::WritesWhatFits)
            && let Some(bytes) = bodies.iter().map(bytes).find(|&bytes| bytes > line::MAX_LINE)
        {
            return Err(StoreError::TooLong { bytes, most: line::MAX_LINE });
        }
        let time = Timestamp::UNIX_EPOCH + Duration::from_millis(shared.lines.len() as u64);
        for (number, body) in bodies.iter().enumerate() {
            let bytes = body.json.len() + line::overhead(shared.chain.size);
            if bytes > line::MAX_LINE {
                return Err(StoreError::TooLong { bytes, most: line::MAX_LINE });
            }
            if number == 63 && self.is(Broken::PutsALineBetween) {
                let between = br#"{"kind":"note"}"#.as_slice().into();
                shared.push(&Body { json: between, note: Note::default() }, &Note::default(), time);
            }
            let mut note = body.note.clone();
            if let Some((_, turn)) = &mut note.plan
                && self.is(Broken::ForgetsToClose)
            {
                *turn = Turn::Goes;
            }
            if let Some((_, turn)) = &mut note.plan
                && self.is(Broken::NeverOpensAgain)
                && *turn == Turn::Reopens
            {
                *turn = Turn::Goes;
            }
            if self.is(Broken::OpensByLateRecords) {
                shared.chain.closed = ClosedPlans::default();
            }
            shared.push(body, &note, time);
            if self.is(Broken::ForgetsItsHead) {
                shared.chain.head = crate::Hash([0; 32]);
            }
        }
        if self.is(Broken::WritesThenChecks) {
            known.check(condition).map_err(StoreError::Conflict)?;
        }
        if self.is(Broken::ChangesOldLines) {
            let lines = std::mem::take(&mut shared.lines);
            shared.chain = Chain::new("example");
            for (text, note) in lines {
                let body = text[line::overhead(shared.chain.size) + 1..].to_vec();
                let json = [b"{", body.as_slice()].concat();
                shared.push(&Body { json: json.into(), note: note.clone() }, &note, time);
            }
        }
        if durable {
            self.sync_all(&mut shared)?;
        } else if !self.is(Broken::BuffersInTheProcess) {
            shared.durable = shared.durable.min(first);
        }
        *self.saw.lock().unwrap() = shared.chain.clone();
        let says_durable = durable && !self.is(Broken::CallsAllDurableBuffered);
        Ok(Appended {
            last: (shared.chain.size - 1).wrapping_sub(u64::from(self.is(Broken::SaysAnotherPlace))),
            timestamp: shared.chain.timestamp,
            hash: shared.chain.head,
            acknowledged: if says_durable { Acknowledged::Durable } else { Acknowledged::Buffered },
        })
    }

    fn append_later(
        &self,
        bodies: Vec<Body<'static>>,
        condition: Condition,
        durability: Durability,
        done: Box<dyn FnOnce(Result<Appended, StoreError>) + Send>,
    ) {
        if !self.is(Broken::NeverAnswersLater) {
            done(self.append(&bodies, &condition, durability));
        }
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.sync_all(&mut self.shared())
    }

    fn head(&self) -> Result<Head, StoreError> {
        let shared = self.shared();
        Ok(Head { log: shared.id, origin: "example".into(), chain: shared.chain.clone() })
    }

    fn lines(&self, from: u64) -> Result<Lines<'_>, StoreError> {
        let from = from + u64::from(from > 0 && self.is(Broken::ReadsOneLess));
        let lines: Vec<_> =
            self.shared().lines.iter().skip(from as usize).map(|(text, _)| Ok(text.clone())).collect();
        Ok(Box::new(lines.into_iter()))
    }
}

impl Factory for Examples {
    type Store = Example;

    fn create(&self) -> Result<Example, StoreError> {
        let new = Example::new();
        Ok(Example { broken: self.0, ..new })
    }

    fn another(&self, store: &Example) -> Option<Result<Example, StoreError>> {
        if store.is(Broken::OpensACopy) {
            return Some(Ok(Example::of(store.broken, store.shared().clone())));
        }
        let saw = Mutex::new(store.shared().chain.clone());
        let shared = Arc::clone(&store.shared);
        Some(Ok(Example { broken: store.broken, shared, saw, poisoned: Mutex::new(false) }))
    }

    fn kill(&self, store: Example) -> Option<Result<Example, StoreError>> {
        let shared = store.shared();
        let keep = if store.is(Broken::BuffersInTheProcess) { shared.durable } else { shared.lines.len() };
        drop(shared);
        Some(Ok(store.reopen(keep)))
    }

    fn power_cut(&self, store: Example) -> Option<Result<Example, StoreError>> {
        let keep = store.shared().durable;
        Some(Ok(store.reopen(keep)))
    }

    fn break_sync(&self, store: &Example) -> bool {
        store.shared().breaks = true;
        true
    }
}
