//! What is wrong with a policy that can be read: quorums that contradict themselves, rules that
//! never match, rules that are never reached.

use guardrail_schema::Risk;

use crate::policy::facet::Patterns;
use crate::policy::index::{fnv, how_often};
use crate::policy::load::Source;
use crate::policy::model::{ApprovalFile, AudienceKind, Override, RuleFile, Says};
use crate::policy::path::PathPatterns;
use crate::policy::pattern::{Pattern, Text};
use crate::policy::problem::{PolicyProblem, Severity, Way};
use crate::policy::rule::{Condition, Rule};
use crate::policy::truth::Truth;

/// Problems of one file.
pub(super) fn file(source: &Source, problems: &mut Vec<PolicyProblem>) {
    let mut check = Check { source, problems };
    let approval = &source.file.approval;
    let top = Way::default();
    for (key, file, risk) in [
        ("low", &approval.low, Risk::Low),
        ("medium", &approval.medium, Risk::Medium),
        ("high", &approval.high, Risk::High),
        ("critical", &approval.critical, Risk::Critical),
    ] {
        if let Some(file) = file {
            let way = top.then("approval").then(key);
            check.quorum(&way, file);
            if risk == Risk::Critical && file.approvers.is_some_and(|count| count < 2) {
                check.error(&way.then("approvers"), "what is Critical needs two people at least");
            }
        }
    }
    for (index, pattern) in approval.patterns.iter().enumerate() {
        if pattern.trim().is_empty() {
            check.error(&top.then("approval.patterns").at(index), "an empty pattern names no command");
        }
    }
    if let Some(names) = &source.file.safety.production_namespaces {
        for (index, name) in names.0.iter().enumerate() {
            if name.starts_with('!') {
                let way = top.then("safety.production_namespaces").at(index);
                check.error(&way, "production is what is listed: a namespace cannot be taken out");
            }
        }
    }
    for (table, audiences) in [("channels", &source.file.channels), ("skills", &source.file.skills)] {
        for (name, audience) in audiences {
            let way = top.then(table).key(name);
            if audience.tools.as_ref().is_some_and(|tools| tools.0.is_empty()) {
                check.warning(&way.then("tools"), "an empty list lets no tool through");
            }
            if audience.kind == Some(AudienceKind::Public)
                && audience.max_risk.is_some_and(|most| most > Risk::Low)
            {
                check.warning(&way.then("max_risk"), "what is public only reads: this has no effect");
            }
        }
    }
    let rules = &source.file.rules;
    let mut names: Vec<(&str, usize)> = rules.iter().map(|rule| rule.name.as_str()).zip(0..).collect();
    names.sort_unstable();
    for same in names.chunk_by(|(one, _), (other, _)| one == other) {
        if let Some(((_, first), others)) = same.split_first() {
            for (_, place) in others {
                let message = format!("rule {} has the same name", first + 1);
                check.error(&Way::rule(*place).then("name"), message);
            }
        }
    }
    for (place, rule) in rules.iter().enumerate() {
        if rule.name.trim().is_empty() {
            check.error(&Way::rule(place).then("name"), "a rule needs a name");
        }
        check.rule(&|| Way::rule(place), rule);
    }
}

/// Where something stands: there are many rules, and few with a place to show.
pub(super) type Place<'p> = &'p dyn Fn() -> Way;

struct Check<'c> {
    source: &'c Source,
    problems: &'c mut Vec<PolicyProblem>,
}

impl Check<'_> {
    fn error(&mut self, way: &Way, message: impl Into<String>) {
        self.problems.push(self.source.problem(Severity::Error, way, message));
    }

    fn warning(&mut self, way: &Way, message: impl Into<String>) {
        self.problems.push(self.source.problem(Severity::Warning, way, message));
    }

    fn quorum(&mut self, way: &Way, file: &ApprovalFile) {
        if file.approvers == Some(0) {
            self.error(&way.then("approvers"), "nobody would have to say yes: to ask needs one at least");
        }
        if file.channels.as_ref().is_some_and(|channels| channels.0.is_empty()) {
            self.error(&way.then("channels"), "with no channel nobody can ever be asked");
        }
        if file.expires.is_some_and(|expires| expires.seconds == 0) {
            self.error(&way.then("expires"), "no answer can be given in no time");
        }
        let roles = file.roles.as_ref().map(|roles| roles.0.as_slice()).unwrap_or_default();
        let mut distinct = roles.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < roles.len() {
            self.warning(&way.then("roles"), "a role is listed twice");
        }
        if distinct.len() > usize::from(file.approvers.unwrap_or(1).max(1)) {
            self.warning(
                &way.then("roles"),
                "there are more roles than approvers: somebody must have several",
            );
        }
    }

    fn rule(&mut self, way: Place<'_>, rule: &RuleFile) {
        if let Some(approval) = &rule.approval {
            if rule.decision == Says::Ask {
                self.quorum(&way().then("approval"), approval);
            } else {
                self.error(&way().then("approval"), "only a rule that asks has an approval");
            }
        }
        if !rule.overrides.is_empty() && rule.decision != Says::Allow {
            self.error(&way().then("overrides"), "only a rule that allows can lift a setting");
        }
        let critical = rule
            .when
            .risk
            .as_ref()
            .is_some_and(|risk| !risk.0.is_empty() && risk.0.iter().all(|r| *r == Risk::Critical));
        if rule.decision == Says::Allow && critical && !rule.overrides.contains(&Override::Critical) {
            self.warning(
                &way().then("when.risk"),
                "what is Critical is not freed by a rule: this one has no effect",
            );
        }
        let when = &rule.when;
        if let Some(window) = &when.time {
            if window.from.is_some() && window.from == window.to {
                self.error(&way().then("when.time"), "the window begins when it ends: it never matches");
            }
            if window.days.as_ref().is_some_and(|days| days.0.is_empty()) {
                self.error(&way().then("when.time.days"), "an empty list never matches");
            }
        }
        for pointer in when.call.arguments.keys() {
            if !pointer.is_empty() && !pointer.starts_with('/') {
                let way = way().then("when.call.arguments").key(pointer);
                self.error(&way, "a JSON pointer begins with `/`");
            }
        }
        if let Some(host) = &when.http.host {
            for (index, host) in host.0.iter().enumerate() {
                if host.contains('/') || host.contains(':') {
                    self.error(
                        &way().then("when.http.host").at(index),
                        "a host has no scheme, port or path: this never matches",
                    );
                }
            }
        }
        if let Some(target) = &when.target {
            for (index, target) in target.0.iter().enumerate() {
                if target.split('/').any(|part| part == "..") {
                    self.error(
                        &way().then("when.target").at(index),
                        "paths are compared without `..`: this never matches",
                    );
                }
            }
        }
        let deeds = [
            (when.sql != Default::default(), "sql"),
            (when.kubernetes != Default::default(), "kubernetes"),
            (when.http != Default::default(), "http"),
        ];
        let mut deeds = deeds.iter().filter(|(used, _)| *used).map(|(_, name)| *name);
        if let (Some(one), Some(other)) = (deeds.next(), deeds.next()) {
            self.error(
                &way().then("when").then(other),
                format!("nothing is both `{one}` and `{other}`: this never matches"),
            );
        }
        if rule.when == Default::default() && rule.decision == Says::Allow {
            self.warning(&way().then("decision"), "without conditions everything below Critical is allowed");
        }
    }
}

/// Problems of conditions that stand elsewhere than in a rule.
pub(super) fn restriction(source: &Source, way: &Way, file: &RuleFile, problems: &mut Vec<PolicyProblem>) {
    let way: Place<'_> = &|| way.clone();
    Check { source, problems }.rule(way, file);
    conditions(source, way, &Rule::new(file, 0, 0), problems);
}

/// Conditions that contradict themselves.
pub(super) fn conditions(source: &Source, way: Place<'_>, rule: &Rule, problems: &mut Vec<PolicyProblem>) {
    for condition in &rule.conditions {
        let wrong = match condition {
            Condition::Texts(_, Patterns { any, none }) | Condition::Argument(_, Patterns { any, none }) => {
                let banned = |pattern: &Pattern| {
                    none.iter().any(|none| {
                        none == pattern || pattern.literal().is_some_and(|text| none.matches_known(text))
                    })
                };
                contradiction(any.is_empty(), none.is_empty(), any.iter().all(banned))
            }
            Condition::Paths(PathPatterns { any, none }) => {
                let banned = any.iter().all(|pattern| none.contains(pattern));
                contradiction(any.is_empty(), none.is_empty(), banned)
            }
            Condition::Time(_) => None,
        };
        if let Some(wrong) = wrong {
            let way = way().then("when").then(condition.key());
            problems.push(source.problem(Severity::Error, &way, wrong));
        }
    }
}

fn contradiction(no_any: bool, no_none: bool, all_banned: bool) -> Option<&'static str> {
    match (no_any, no_none, all_banned) {
        (true, true, _) => Some("an empty list never matches"),
        (false, _, true) => Some("what must match must not: this never matches"),
        _ => None,
    }
}

/// Pairs of rules that are looked at.
const PAIRS: usize = 1 << 20;

/// Rules that are never reached, since a stricter one (or an equal one before it) says something
/// about everything that they match.
pub(super) fn rules(sources: &[Source], rules: &[Rule], problems: &mut Vec<PolicyProblem>) {
    // A rule can only cover another if it has no condition that the other lacks: those without
    // conditions and those that share a word with it come into question.
    let mut keys: Vec<(usize, u64)> = Vec::with_capacity(4 * rules.len());
    let mut starts = Vec::with_capacity(rules.len() + 1);
    for rule in rules {
        starts.push(keys.len());
        for (at, condition) in rule.conditions.iter().enumerate() {
            words(condition, |word| keys.push((at, word)));
        }
    }
    starts.push(keys.len());
    let counts = how_often(keys.iter().map(|(_, word)| *word));
    let range = |id: usize| match starts.get(id..id + 2) {
        Some([from, to]) => *from..*to,
        _ => 0..0,
    };
    let of_rule = |id: usize| keys.get(range(id)).unwrap_or_default();
    let mut by_word: Vec<(u64, usize)> = Vec::with_capacity(rules.len());
    let mut wild: Vec<usize> = Vec::new();
    for id in 0..rules.len() {
        // Under the words that the fewest share.
        let mut counts = counts.get(range(id)).unwrap_or_default().iter();
        let conditions = of_rule(id).chunk_by(|(one, _), (other, _)| one == other);
        match conditions.min_by_key(|keys| counts.by_ref().take(keys.len()).max()) {
            Some(keys) => by_word.extend(keys.iter().map(|(_, word)| (*word, id))),
            None => wild.push(id),
        }
    }
    by_word.sort_unstable();
    let of_word = |word: u64| {
        let from = by_word.partition_point(|(other, _)| *other < word);
        by_word
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(move |(other, _)| *other == word)
            .map(|(_, id)| id)
    };
    let mut pairs = 0;
    for (id, rule) in rules.iter().enumerate() {
        let Some(place) = rule.place else { continue };
        let near = of_rule(id).iter().flat_map(|(_, word)| of_word(*word));
        let mut cover = None;
        for &other in wild.iter().chain(near) {
            pairs += 1;
            if pairs > PAIRS {
                return;
            }
            let Some(upper) = rules.get(other) else { continue };
            let beats = upper.says > rule.says
                || (upper.says == rule.says && other < id && same_outcome(upper, rule));
            if other != id && beats && covers(upper, rule) {
                cover = Some(upper);
                break;
            }
        }
        let (Some(upper), Some(source)) = (cover, sources.get(rule.layer)) else { continue };
        let mut problem = source.problem(
            Severity::Warning,
            &Way::rule(place).then("name"),
            format!(
                "is never reached: rule {:?} says {} about everything that it matches",
                upper.name,
                upper.says.as_str()
            ),
        );
        problem.help = Some("drop one of them, or tell them apart by a condition".into());
        problems.push(problem);
    }
}

fn same_outcome(one: &Rule, other: &Rule) -> bool {
    one.approval == other.approval && one.overrides == other.overrides
}

/// Hands on what two conditions share if one can cover the other, hashed: the words of a list of
/// plain ones, the directories of paths. What hashes alike is compared in full.
fn words(condition: &Condition, found: impl FnMut(u64)) {
    match condition {
        Condition::Texts(facet, Patterns { any, .. }) => {
            if any.iter().all(|pattern| pattern.literal().is_some()) {
                let words = any.iter().filter_map(Pattern::literal);
                words.map(|word| fnv(*facet as u8, word)).for_each(found);
            }
        }
        Condition::Paths(PathPatterns { any, .. }) => {
            any.iter().map(|pattern| fnv(u8::MAX, pattern.directory.as_bytes())).for_each(found);
        }
        Condition::Time(_) | Condition::Argument(..) => {}
    }
}

/// Whether every condition of `upper` certainly holds where all of `lower` do. A rule that allows
/// looks at all values where others look for one, so it is not compared beyond single words.
fn covers(upper: &Rule, lower: &Rule) -> bool {
    upper.conditions.iter().all(|condition| {
        lower.conditions.iter().any(|other| match (condition, other) {
            (Condition::Texts(facet, upper), Condition::Texts(same, lower)) if facet == same => {
                if upper == lower {
                    return true;
                }
                let certain = |pattern: &Pattern| {
                    pattern.literal().is_some_and(|text| upper.value(Text::known(text)) == Truth::True)
                };
                !lower.any.is_empty() && lower.any.iter().all(certain)
            }
            (one, other) => one == other,
        })
    })
}
