//! What is odd in the stream of records: pure state, to which time comes in as an argument.
//!
//! Each alert is told once in a period, and each kind at most so many times, so that nobody learns to
//! overlook them. Nothing is held back in silence: when the period is over, or as soon as there is
//! nothing more of it, a notice says how much there was. Kinds do not take room from each other, so
//! that whoever makes many alerts of one kind hides none of another.

mod desk;
mod habits;
mod spike;

use std::collections::{BTreeSet, VecDeque};

use chrono::TimeDelta;
use guardrail_core::plan::{Notice, NoticeKind};
use guardrail_core::record::Timestamp;
use guardrail_core::redact::{Redactor, visible};

use super::plans::{Waiting, seconds};
use desk::Desk;
use habits::Habits;
use spike::Spike;

/// When an alert is raised.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmSettings {
    /// For how long an alert is not told again.
    pub period: TimeDelta,
    /// So many alerts of a kind are told in a period.
    pub most: u32,
    /// The time in which denials are counted.
    pub denial_window: TimeDelta,
    /// Fewer denials in that time are no spike.
    pub denials_least: u64,
    /// Below this many times what is usual they are none either.
    pub denials_factor: f64,
    /// As many are a spike, however usual they are: whoever raises them slowly is told of here.
    pub denials_most: u64,
    /// For how long a plan may wait for approval.
    pub approval_within: TimeDelta,
    /// So many of the last answers are looked at together,
    pub approvals: usize,
    /// and the one above this share of them, from 0 to 1,
    pub approval_quantile: f64,
    /// should have taken no longer than this.
    pub approval_usual: TimeDelta,
    /// For how long it is learned which tools an actor uses,
    pub learning: TimeDelta,
    /// and for how many uses at least.
    pub learning_uses: u64,
    /// For how long a use is remembered.
    pub remember: TimeDelta,
    /// So many actors are remembered.
    pub actors: usize,
}

impl AlarmSettings {
    /// An hour's period with 10 alerts of a kind; 10 denials in 5 minutes and four times as many as
    /// usual, or 200; approvals within 15 minutes, nine of the last ten within 10; tools of the last
    /// 14 days, learned for 3 days and 20 uses; 4,096 actors.
    pub const STANDARD: Self = Self {
        period: TimeDelta::hours(1),
        most: 10,
        denial_window: TimeDelta::minutes(5),
        denials_least: 10,
        denials_factor: 4.0,
        denials_most: 200,
        approval_within: TimeDelta::minutes(15),
        approvals: 10,
        approval_quantile: 0.9,
        approval_usual: TimeDelta::minutes(10),
        learning: TimeDelta::days(3),
        learning_uses: 20,
        remember: TimeDelta::days(14),
        actors: 4096,
    };
}

impl Default for AlarmSettings {
    fn default() -> Self {
        Self::STANDARD
    }
}

/// Watches what goes by.
#[derive(Debug)]
pub(super) struct Alarms {
    settings: AlarmSettings,
    redactor: Redactor,
    desk: Desk,
    denials: Spike,
    habits: Habits,
    /// Plans, with their revisions, of which it was told that they wait.
    late: BTreeSet<(guardrail_core::plan::PlanId, u32)>,
    /// How long the last answers took, in seconds.
    answers: VecDeque<f64>,
    is_slow: bool,
}

impl Alarms {
    pub(super) fn new(settings: AlarmSettings, redactor: Redactor) -> Self {
        Self {
            desk: Desk::new(settings.period, settings.most),
            denials: Spike::new(settings.denial_window),
            habits: Habits::default(),
            late: BTreeSet::new(),
            answers: VecDeque::new(),
            is_slow: false,
            settings,
            redactor,
        }
    }

    /// A request was denied by the policy, or refused by a quota.
    pub(super) fn denied(&mut self, actor: Option<&str>, at: Timestamp) {
        let actor = self.name(actor);
        let settings = &self.settings;
        self.denials.add(&actor, at);
        let (count, usual) = (self.denials.count(), self.denials.usual());
        let is_much = count >= settings.denials_least && count as f64 >= settings.denials_factor * usual;
        if is_much || count >= settings.denials_most {
            let minutes = seconds(settings.denial_window) / 60.0;
            let most = self
                .denials
                .most()
                .map_or_else(String::new, |(actor, of)| format!("; {of} of them were {actor}'s"));
            let text = format!(
                "{count} requests were denied or refused within {minutes:.0} minutes, where {usual:.1} are usual{most}"
            );
            self.desk.offer(NoticeKind::DenialSpike, "", at, None, text);
        }
    }

    /// An actor used a tool, or wanted to. `tool` is none of the agent's words. What was denied
    /// teaches nothing.
    pub(super) fn used(&mut self, actor: Option<&str>, tool: &str, at: Timestamp, denied: bool) {
        let actor = key(actor);
        if !self.habits.is_unusual(&self.settings, actor, tool, at, !denied) {
            return;
        }
        let days = self.settings.remember.num_days();
        let shown = self.name(Some(actor));
        let tried = if denied { "tried to use" } else { "used" };
        let text = format!("{shown} {tried} `{tool}`, for the first time in {days} days");
        self.desk.offer(NoticeKind::UnusualTool, &format!("{tool} {actor}"), at, None, text);
    }

    /// What a log says of earlier uses: it teaches, and raises nothing.
    pub(super) fn learn(&mut self, actor: Option<&str>, tool: &str, at: Timestamp) {
        self.habits.is_unusual(&self.settings, key(actor), tool, at, true);
    }

    /// An approval was answered, after so many seconds.
    pub(super) fn answered(&mut self, waited: f64, at: Timestamp) {
        let settings = &self.settings;
        self.answers.push_back(waited);
        while self.answers.len() > settings.approvals.max(1) {
            self.answers.pop_front();
        }
        if self.answers.len() < settings.approvals {
            return;
        }
        let mut sorted: Vec<f64> = self.answers.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let rank = (settings.approval_quantile.clamp(0.0, 1.0) * sorted.len() as f64).ceil() as usize;
        let value = sorted.get(rank.max(1) - 1).copied().unwrap_or_default();
        let slow = value > seconds(settings.approval_usual);
        // Told when it becomes so, not for every answer while it is.
        if slow && !self.is_slow {
            let text = format!(
                "approvals have become slow: {:.0} of 100 took up to {:.0} minutes, of the last {}",
                settings.approval_quantile * 100.0,
                value / 60.0,
                sorted.len(),
            );
            self.desk.offer(NoticeKind::SlowApproval, "", at, None, text);
        }
        self.is_slow = slow;
    }

    /// Time has passed: what waits is looked at, and what was held back is summed up.
    pub(super) fn turn(&mut self, now: Timestamp, waiting: impl Iterator<Item = Waiting>) {
        let mut late = BTreeSet::new();
        for Waiting { plan, revision, since } in waiting {
            let waited = now - since;
            if waited < self.settings.approval_within {
                continue;
            }
            late.insert((plan, revision));
            // Once for each question: that it still waits is no news.
            if !self.late.contains(&(plan, revision)) {
                let text = format!("{plan} has waited for approval for {} minutes", waited.num_minutes());
                self.desk.offer(NoticeKind::SlowApproval, &plan.to_string(), now, Some(plan), text);
            }
        }
        self.late = late;
        let (actors, tools) = self.habits.take_forgotten();
        self.desk.forgot("actors", actors);
        self.desk.forgot("tools of actors", tools);
        self.desk.turn(now);
    }

    /// Something else that news would have needed was forgotten.
    pub(super) fn forgot(&mut self, what: &'static str, count: u64) {
        self.desk.forgot(what, count);
    }

    /// The notice to be told next; it stays until it is [done](Self::done).
    pub(super) fn next(&self) -> Option<Notice> {
        self.desk.waiting.front().cloned()
    }

    /// A notice was told, or could not be.
    pub(super) fn done(&mut self, notice: &Notice) {
        if self.desk.waiting.front() == Some(notice) {
            self.desk.waiting.pop_front();
        }
    }

    /// The notice to be told next, which then is somebody else's to tell.
    pub(super) fn take(&mut self) -> Option<Notice> {
        self.desk.waiting.pop_front()
    }

    /// How many alerts of each kind were held back since this was last asked.
    pub(super) fn take_held(&mut self) -> Vec<(NoticeKind, u64)> {
        self.desk.take_held()
    }

    /// How many actors and tools were forgotten so far.
    pub(super) fn forgotten(&self) -> (u64, u64) {
        self.habits.forgotten()
    }

    /// An actor's name as a person may see it: agents may choose it.
    fn name(&self, actor: Option<&str>) -> String {
        const LONGEST: usize = 80;
        let actor = match actor {
            None | Some("") => return "somebody without a name".to_owned(),
            Some(actor) => self.redactor.redact(actor),
        };
        let one_line = actor.replace(['\n', '\t'], " ");
        let shown = visible(&one_line);
        let mut short: String = shown.chars().take(LONGEST).collect();
        if short.len() < shown.len() {
            short.push('…');
        }
        format!("`{}`", short.replace('`', "'"))
    }
}

/// By what an actor is remembered. Nobody takes more room by a longer name.
fn key(actor: Option<&str>) -> &str {
    const LONGEST: usize = 256;
    let actor = actor.unwrap_or_default();
    let end = (0..=LONGEST).rev().find(|end| actor.is_char_boundary(*end)).unwrap_or(0);
    actor.get(..end).filter(|_| actor.len() > LONGEST).unwrap_or(actor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn alarms() -> Alarms {
        Alarms::new(AlarmSettings::STANDARD, Redactor::new())
    }

    fn take(alarms: &mut Alarms) -> Vec<Notice> {
        std::iter::from_fn(|| alarms.take()).collect()
    }

    fn told(alarms: &mut Alarms) -> Vec<(NoticeKind, String)> {
        take(alarms).into_iter().map(|notice| (notice.kind, notice.text)).collect()
    }

    /// The text of the one notice there is.
    fn only(alarms: &mut Alarms, kind: NoticeKind) -> String {
        let mut told = told(alarms);
        assert!(told.len() == 1 && told[0].0 == kind, "{told:?}");
        told.remove(0).1
    }

    /// Uses `tool` until it is usual for the actor.
    fn settle(alarms: &mut Alarms, actor: &str, tool: &str) -> i64 {
        for hour in 0..100 {
            alarms.used(Some(actor), tool, at(hour * 60), false);
        }
        100 * 60
    }

    #[test]
    fn a_spike_is_told_once_and_the_rest_is_counted() {
        let mut alarms = alarms();
        for n in 0..9 {
            alarms.denied(Some("agent:a"), at(0) + TimeDelta::seconds(n));
        }
        assert_eq!(told(&mut alarms), []);
        for n in 9..50 {
            alarms.denied(Some("agent:b"), at(0) + TimeDelta::seconds(n));
        }
        let text = only(&mut alarms, NoticeKind::DenialSpike);
        assert!(text.starts_with("10 requests were denied or refused within 5 minutes"), "{text}");
        assert!(text.contains("9 of them were `agent:a`'s"), "{text}");
        alarms.turn(at(30), std::iter::empty());
        assert_eq!(told(&mut alarms), [], "the period is not over");
        alarms.turn(at(61), std::iter::empty());
        let text = only(&mut alarms, NoticeKind::HeldBack);
        assert!(text.contains("40 more"), "{text}");
        alarms.turn(at(200), std::iter::empty());
        assert_eq!(told(&mut alarms), [], "nothing was held back since");
    }

    #[test]
    fn what_is_usual_is_no_spike_and_a_slow_rise_is_one() {
        let mut alarms = alarms();
        // Six a minute, for a day: many, and nothing new behind the first hour.
        let mut spikes = Vec::new();
        for minute in 0..24 * 60 {
            for second in 0..6 {
                alarms.denied(None, at(minute) + TimeDelta::seconds(10 * second));
            }
            alarms.turn(at(minute + 1), std::iter::empty());
            spikes.extend(
                take(&mut alarms).into_iter().filter(|n| n.kind == NoticeKind::DenialSpike).map(|n| n.at),
            );
        }
        assert!(!spikes.is_empty() && spikes.iter().all(|spike| *spike < at(6 * 60)), "{spikes:?}");

        // Whoever raises them by little a day, so that they are always usual, meets the ceiling.
        let mut found = None;
        for minute in 24 * 60..24 * 60 * 9 {
            for second in 0..6 * (minute / (24 * 60)) {
                alarms.denied(None, at(minute) + TimeDelta::seconds(second));
            }
            alarms.turn(at(minute + 1), std::iter::empty());
            if let Some(notice) = take(&mut alarms).into_iter().find(|n| n.kind == NoticeKind::DenialSpike) {
                found = Some(notice.text);
                break;
            }
        }
        let text = found.unwrap();
        assert!(text.starts_with("200 requests"), "{text}");
    }

    #[test]
    fn an_unusual_tool_is_told_and_then_usual() {
        let mut alarms = alarms();
        alarms.used(Some("agent:a"), "git", at(0), false);
        alarms.used(Some("agent:a"), "kubectl", at(1), false);
        assert_eq!(told(&mut alarms), [], "it is still learned");
        let mut now = settle(&mut alarms, "agent:a", "git");
        assert_eq!(told(&mut alarms), []);
        alarms.used(Some("agent:a"), "kubectl", at(now), false);
        assert_eq!(told(&mut alarms), [], "it was used while it was learned");
        alarms.used(Some("agent:a"), "helm", at(now), false);
        alarms.used(Some("agent:a"), "helm", at(now + 1), false);
        let expected = "`agent:a` used `helm`, for the first time in 14 days".to_owned();
        assert_eq!(told(&mut alarms), [(NoticeKind::UnusualTool, expected)]);
        // What was not used for long is no longer usual.
        now += 15 * 24 * 60;
        alarms.used(Some("agent:a"), "git", at(now), false);
        assert_eq!(told(&mut alarms).len(), 1);
    }

    #[test]
    fn what_was_denied_is_told_and_teaches_nothing() {
        let mut alarms = alarms();
        let now = settle(&mut alarms, "agent:a", "git");
        alarms.used(Some("agent:a"), "helm", at(now), true);
        alarms.used(Some("agent:a"), "helm", at(now + 30), true);
        let expected = "`agent:a` tried to use `helm`, for the first time in 14 days".to_owned();
        assert_eq!(told(&mut alarms), [(NoticeKind::UnusualTool, expected)]);
        alarms.used(Some("agent:a"), "helm", at(now + 90), true);
        let kinds: Vec<_> = told(&mut alarms).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [NoticeKind::HeldBack, NoticeKind::UnusualTool], "again in the next period");
    }

    #[test]
    fn a_flood_of_one_kind_hides_no_other() {
        let mut alarms = alarms();
        let now = settle(&mut alarms, "agent:a", "git");
        for n in 0..500 {
            alarms.used(Some("agent:a"), &format!("tool-{n}"), at(now), true);
        }
        for n in 0..20 {
            alarms.denied(Some("agent:b"), at(now) + TimeDelta::seconds(n));
        }
        let told = told(&mut alarms);
        let of = |kind| told.iter().filter(|(of, _)| *of == kind).count();
        assert_eq!((of(NoticeKind::UnusualTool), of(NoticeKind::DenialSpike)), (10, 1));
        alarms.turn(at(now + 61), std::iter::empty());
        let texts: Vec<_> = take(&mut alarms).into_iter().map(|notice| notice.text).collect();
        assert!(texts.iter().any(|text| text.contains("490 more")), "{texts:?}");
    }

    #[test]
    fn invented_actors_push_out_none_that_is_known() {
        let settings = AlarmSettings { actors: 50, ..AlarmSettings::STANDARD };
        let mut alarms = Alarms::new(settings, Redactor::new());
        let now = settle(&mut alarms, "agent:a", "git");
        for n in 0..1000 {
            alarms.used(Some(&format!("agent:{n}")), "git", at(now), false);
        }
        alarms.turn(at(now), std::iter::empty());
        let texts: Vec<_> = told(&mut alarms).into_iter().map(|(_, text)| text).collect();
        assert!(texts.iter().any(|text| text.contains("951 actors")), "{texts:?}");
        alarms.used(Some("agent:a"), "helm", at(now), false);
        assert_eq!(told(&mut alarms).len(), 1, "the one that is known is still known");
    }

    #[test]
    fn a_name_is_one_line_without_secrets() {
        let mut alarms = alarms();
        let name = "a`\nkubectl delete \u{202e} --password=hunter2 ";
        for _ in 0..10 {
            alarms.denied(Some(name), at(0));
        }
        let (_, text) = told(&mut alarms).remove(0);
        assert!(!text.contains('\n') && !text.contains('\u{202e}') && !text.contains("hunter2"), "{text}");
        assert!(alarms.name(Some(&"x".repeat(5000))).len() < 100);
    }

    #[test]
    fn slow_answers_are_told_when_they_become_slow() {
        let mut alarms = alarms();
        (0..30).for_each(|n| alarms.answered(30.0, at(n)));
        assert_eq!(told(&mut alarms), []);
        (30..40).for_each(|n| alarms.answered(1800.0, at(n)));
        let text = only(&mut alarms, NoticeKind::SlowApproval);
        assert!(text.contains("up to 30 minutes"), "{text}");
    }

    #[test]
    fn times_that_run_backwards_break_nothing() {
        let mut alarms = alarms();
        for minute in [500, 0, 1_000_000, -5, 3] {
            for _ in 0..30 {
                alarms.denied(Some("a"), at(minute));
                alarms.used(Some("a"), "git", at(minute), false);
            }
            alarms.turn(at(minute), std::iter::empty());
        }
        assert!(!take(&mut alarms).is_empty());
        // A clock that ran ahead for a moment is not believed for ever.
        let mut alarms = self::alarms();
        alarms.denied(None, at(1_000_000));
        for minute in 0..60 {
            alarms.denied(None, at(minute));
        }
        assert_eq!(told(&mut alarms), []);
        alarms.denied(None, Timestamp::MAX_UTC);
        alarms.denied(None, Timestamp::MIN_UTC);
        alarms.turn(Timestamp::MAX_UTC, std::iter::empty());
    }
}
