//! Which alerts are told, and how many were held back.

use std::collections::{BTreeMap, VecDeque};

use chrono::TimeDelta;
use guardrail_core::plan::{Notice, NoticeKind, PlanId};
use guardrail_core::record::Timestamp;

/// So many notices wait to be taken; what comes while nobody takes them is held back.
const MOST_WAITING: usize = 256;

#[derive(Debug)]
pub(super) struct Desk {
    period: TimeDelta,
    most: u32,
    kinds: BTreeMap<NoticeKind, Period>,
    /// What was forgotten, and not yet told.
    forgotten: BTreeMap<&'static str, u64>,
    /// When that was last told.
    forgotten_at: Option<Timestamp>,
    held: BTreeMap<NoticeKind, u64>,
    pub(super) waiting: VecDeque<Notice>,
}

/// One kind, in the period that runs.
#[derive(Debug)]
struct Period {
    since: Timestamp,
    /// What was told: at most as many as may be.
    told: Vec<String>,
    held: u64,
}

impl Desk {
    pub(super) fn new(period: TimeDelta, most: u32) -> Self {
        Self {
            period: period.max(TimeDelta::seconds(1)),
            most: most.max(1),
            kinds: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            forgotten_at: None,
            held: BTreeMap::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Something to be told. `key` is what it is about: the same is told once in a period.
    pub(super) fn offer(
        &mut self,
        kind: NoticeKind,
        key: &str,
        at: Timestamp,
        plan: Option<PlanId>,
        text: String,
    ) {
        self.close(kind, at);
        let period =
            self.kinds.entry(kind).or_insert_with(|| Period { since: at, told: Vec::new(), held: 0 });
        let is_room = period.told.len() < self.most as usize && self.waiting.len() < MOST_WAITING;
        if !is_room || period.told.iter().any(|told| told == key) {
            period.held += 1;
            *self.held.entry(kind).or_default() += 1;
            return;
        }
        period.told.push(key.to_owned());
        self.waiting.push_back(Notice { kind, at, plan, step: None, text });
    }

    /// Something was forgotten for want of room.
    pub(super) fn forgot(&mut self, what: &'static str, count: u64) {
        if count > 0 {
            *self.forgotten.entry(what).or_default() += count;
        }
    }

    /// Sums up what is over.
    pub(super) fn turn(&mut self, now: Timestamp) {
        let kinds: Vec<_> = self.kinds.keys().copied().collect();
        kinds.into_iter().for_each(|kind| self.close(kind, now));
        let is_due = self.forgotten_at.is_none_or(|at| now - at >= self.period || now < at);
        if is_due && !self.forgotten.is_empty() && self.waiting.len() < MOST_WAITING {
            let forgotten = std::mem::take(&mut self.forgotten);
            let what: Vec<_> = forgotten.iter().map(|(what, count)| format!("{count} {what}")).collect();
            let text = format!("there was no room to remember {}: they are not watched", what.join(" and "));
            self.forgotten_at = Some(now);
            self.say_held_back(text, now);
        }
    }

    /// Ends a kind's period if it is over, and says what was held back in it.
    fn close(&mut self, kind: NoticeKind, now: Timestamp) {
        let Some(period) = self.kinds.get(&kind) else { return };
        // A clock that was set back must not keep anything from being told.
        let runs = now - period.since < self.period && now >= period.since;
        if runs || self.waiting.len() >= MOST_WAITING {
            return;
        }
        let Some(Period { since, held, .. }) = self.kinds.remove(&kind) else { return };
        if held > 0 {
            let what = match kind {
                NoticeKind::DenialSpike => "denials in spikes",
                NoticeKind::SlowApproval => "alerts of slow approvals",
                NoticeKind::UnusualTool => "alerts of unusual tools",
                _ => "alerts",
            };
            let text =
                format!("{held} more {what} were not told one by one since {}", since.format("%F %T UTC"));
            self.say_held_back(text, now);
        }
    }

    fn say_held_back(&mut self, text: String, at: Timestamp) {
        self.waiting.push_back(Notice { kind: NoticeKind::HeldBack, at, plan: None, step: None, text });
    }

    pub(super) fn take_held(&mut self) -> Vec<(NoticeKind, u64)> {
        std::mem::take(&mut self.held).into_iter().collect()
    }
}
