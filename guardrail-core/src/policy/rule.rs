//! A rule ready to be tried: its conditions as patterns, its outcome as an approval.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use guardrail_schema::{EffectKind, Risk, Scope};

use crate::evaluation::{Approval, Channels};
use crate::policy::facet::{Facet, Facets, Patterns, Side, Slot};
use crate::policy::model::{ApprovalFile, Override, RuleFile, Says, When, Window};
use crate::policy::path::PathPatterns;
use crate::policy::pattern::Reading;
use crate::policy::read::environment_name;
use crate::policy::scene::{Act, Scene};
use crate::policy::truth::Truth;
use crate::policy::value::{Day, OneOrMany};
use crate::request::Environment;

/// A rule of some layer.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    /// The place of its layer in the policy.
    pub(crate) layer: usize,
    /// Its place in its file; `None` for what a setting stands for.
    pub(crate) place: Option<usize>,
    pub(crate) says: Says,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) approval: Approval,
    pub(crate) overrides: Overrides,
    pub(crate) reason: Option<String>,
    pub(crate) instead: Option<String>,
}

/// Which settings an `allow` rule lifts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overrides {
    pub(crate) production: bool,
    pub(crate) critical: bool,
}

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    Texts(Facet, Patterns),
    Paths(PathPatterns),
    Time(Window),
    Argument(String, Patterns),
}

impl Condition {
    /// Its key below `when`.
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Texts(facet, _) => facet.as_str(),
            Self::Paths(_) => Facet::Target.as_str(),
            Self::Time(_) => "time",
            Self::Argument(..) => "call.arguments",
        }
    }

    fn facet(&self) -> Option<Facet> {
        match self {
            Self::Texts(facet, _) => Some(*facet),
            Self::Paths(_) => Some(Facet::Target),
            Self::Time(_) | Self::Argument(..) => None,
        }
    }

    pub(crate) fn holds(&self, scene: &Scene<'_>, act: &Act<'_>, side: Side) -> Truth {
        let truth = match self {
            Self::Texts(facet, patterns) => patterns.slot(scene.slot(act, *facet), side),
            Self::Paths(patterns) => patterns.slot(scene.slot(act, Facet::Target), side),
            Self::Time(window) => match scene.time {
                Some(time) => contains(window, time).into(),
                None => Truth::Unknown,
            },
            Self::Argument(pointer, patterns) => match scene.arguments.and_then(|all| all.pointer(pointer)) {
                None => patterns.slot(&Slot::Nothing, side),
                Some(serde_json::Value::String(text)) => patterns.slot(&Slot::known(text.as_bytes()), side),
                Some(other) => patterns.slot(&Slot::known(other.to_string().into_bytes()), side),
            },
        };
        match (side, self.facet()) {
            // A name that anything may bear allows nothing.
            (Side::Allowing, Some(Facet::Tool)) if act.claimed => truth.and(Truth::Unknown),
            // What nobody sees may do what the rule is about.
            (Side::Restricting, Some(facet)) if act.opaque && facet.is_deed() => truth.or(Truth::Unknown),
            (Side::Restricting, Some(Facet::Tool | Facet::Command)) if act.nameless => {
                truth.or(Truth::Unknown)
            }
            _ => truth,
        }
    }
}

impl Rule {
    pub(crate) fn new(file: &RuleFile, layer: usize, place: usize) -> Self {
        let mut overrides = Overrides::default();
        for lifted in &file.overrides {
            match lifted {
                Override::Production => overrides.production = true,
                Override::Critical => overrides.critical = true,
            }
        }
        Self {
            name: file.name.clone(),
            layer,
            place: Some(place),
            says: file.decision,
            conditions: conditions(&file.when),
            approval: file.approval.as_ref().map(approval).unwrap_or_default(),
            overrides,
            reason: file.reason.clone(),
            instead: file.instead.clone(),
        }
    }

    pub(crate) fn side(&self) -> Side {
        match self.says {
            Says::Allow => Side::Allowing,
            Says::Ask | Says::Deny => Side::Restricting,
        }
    }

    pub(crate) fn facets(&self) -> Facets {
        let mut facets = Facets::default();
        self.conditions.iter().filter_map(Condition::facet).for_each(|facet| facets.insert(facet));
        facets
    }

    /// Whether it speaks about an act.
    pub(crate) fn holds(&self, scene: &Scene<'_>, act: &Act<'_>) -> Truth {
        let side = self.side();
        let mut truth = Truth::True;
        for condition in &self.conditions {
            truth = truth.and(condition.holds(scene, act, side));
            if truth == Truth::False {
                return truth;
            }
        }
        // What may not happen at all is not certain.
        if act.possible && side == Side::Restricting { truth.and(Truth::Unknown) } else { truth }
    }
}

pub(crate) fn approval(file: &ApprovalFile) -> Approval {
    Approval {
        approvers: file.approvers.unwrap_or(1),
        roles: file.roles.as_ref().map(|roles| roles.0.clone()).unwrap_or_default(),
        channels: file.channels.as_ref().map_or_else(Channels::default, |c| Channels::only(c.0.clone())),
        expires: file.expires.map(|expires| expires.seconds),
        ..Approval::default()
    }
}

fn conditions(when: &When) -> Vec<Condition> {
    let mut found = Vec::new();
    let mut texts = |facet: Facet, values: Option<Vec<&str>>| {
        if let Some(values) = values {
            found.push(Condition::Texts(facet, Patterns::new(values, facet.reading())));
        }
    };
    texts(Facet::Tool, plain(&when.tool));
    texts(Facet::Command, plain(&when.command));
    texts(Facet::Effect, when.effect.as_ref().map(|e| e.0.iter().map(|e: &EffectKind| e.as_str()).collect()));
    texts(Facet::Area, when.area.as_ref().map(|a| a.0.iter().map(|a| a.as_str()).collect()));
    texts(Facet::Scope, when.scope.as_ref().map(|s| s.0.iter().map(|s: &Scope| s.as_str()).collect()));
    texts(
        Facet::Environment,
        when.environment.as_ref().map(|e| e.0.iter().map(|e: &Environment| environment_name(*e)).collect()),
    );
    texts(Facet::Risk, when.risk.as_ref().map(|r| r.0.iter().map(|r: &Risk| r.as_str()).collect()));
    texts(Facet::Actor, plain(&when.actor));
    texts(Facet::Channel, plain(&when.channel));
    texts(Facet::Session, plain(&when.session));
    texts(Facet::Skill, plain(&when.skill));
    texts(Facet::SqlVerb, plain(&when.sql.verb));
    texts(Facet::SqlTable, plain(&when.sql.table));
    texts(Facet::KubernetesVerb, plain(&when.kubernetes.verb));
    texts(Facet::KubernetesKind, plain(&when.kubernetes.kind));
    texts(Facet::KubernetesNamespace, plain(&when.kubernetes.namespace));
    texts(Facet::KubernetesContext, plain(&when.kubernetes.context));
    texts(Facet::HttpMethod, plain(&when.http.method));
    texts(Facet::HttpHost, plain(&when.http.host));
    texts(Facet::GitRepository, plain(&when.git.repository));
    texts(Facet::GitBranch, plain(&when.git.branch));
    texts(Facet::CallName, plain(&when.call.name));
    if let Some(target) = &when.target {
        found.push(Condition::Paths(PathPatterns::new(target.0.iter().map(String::as_str))));
    }
    found.extend(when.time.clone().map(Condition::Time));
    for (pointer, values) in &when.call.arguments {
        let patterns = Patterns::new(values.0.iter().map(String::as_str), Reading::Name);
        found.push(Condition::Argument(pointer.clone(), patterns));
    }
    found
}

fn plain(values: &Option<OneOrMany<String>>) -> Option<Vec<&str>> {
    values.as_ref().map(|values| values.0.iter().map(String::as_str).collect())
}

/// Whether a moment lies in a window.
pub(crate) fn contains(window: &Window, time: DateTime<Utc>) -> bool {
    let offset = i64::from(window.offset.unwrap_or_default().minutes);
    let Some(local) = time.checked_add_signed(chrono::TimeDelta::minutes(offset)) else { return false };
    let minute = local.hour() * 60 + local.minute();
    let from = u32::from(window.from.map_or(0, |clock| clock.minutes));
    let to = u32::from(window.to.map_or(1_440, |clock| clock.minutes));
    let day = |ahead: u32| {
        const WEEK: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];
        let today = local.weekday().num_days_from_monday() + 7 - ahead;
        let today = WEEK.get((today % 7) as usize);
        window.days.as_ref().is_none_or(|days| days.0.iter().any(|day| Some(day) == today))
    };
    if from < to {
        (from..to).contains(&minute) && day(0)
    } else {
        // Over midnight: the part behind it belongs to the day before.
        (minute >= from && day(0)) || (minute < to && day(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str) -> Window {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn windows_hold_what_lies_in_them() {
        let office = window("days = ['mon', 'fri']\nfrom = '09:00'\nto = '17:30'\noffset = '+02:00'");
        let night = window("days = 'fri'\nfrom = '22:00'\nto = '06:00'");
        for (text, window, expected) in [
            // 2026-01-26 is a Monday.
            ("2026-01-26T07:00:00Z", &office, true),
            ("2026-01-26T06:59:59Z", &office, false),
            ("2026-01-26T15:30:00Z", &office, false),
            ("2026-01-27T10:00:00Z", &office, false),
            ("2026-01-30T22:00:00Z", &night, true),
            ("2026-01-31T05:59:00Z", &night, true),
            ("2026-01-30T05:59:00Z", &night, false),
            ("2026-01-31T22:00:00Z", &night, false),
        ] {
            assert_eq!(contains(window, text.parse().unwrap()), expected, "{text}");
        }
    }
}
