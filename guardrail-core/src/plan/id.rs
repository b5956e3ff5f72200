//! How a plan is called: a name for people and a UUID for programs.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The name of a plan, as people say it: `plan-20260126-001`.
///
/// The day is that of its making, in UTC; the number counts the plans of that day and has at least
/// three digits. That a name is given once is checked by the log, not here: the first record of a
/// plan is appended on the condition that there is none.
///
/// ```
/// use guardrail_core::plan::PlanName;
///
/// let name: PlanName = "plan-20260126-001".parse()?;
/// assert_eq!(name.number(), 1);
/// assert_eq!(name.next().to_string(), "plan-20260126-002");
/// assert!("plan-20261326-001".parse::<PlanName>().is_err());
/// # Ok::<(), guardrail_core::plan::PlanNameError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanName {
    day: NaiveDate,
    number: u32,
}

/// A plan's name, and the UUID by which it is known where days and counters are not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PlanId {
    /// For people, and in every record.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub name: PlanName,
    /// For programs.
    pub uuid: Uuid,
}

/// A text that is no plan's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no plan's name; one looks like `plan-20260126-001`")]
pub struct PlanNameError(String);

impl PlanName {
    /// The `number`th plan of a day, from 1.
    #[must_use]
    pub const fn new(day: NaiveDate, number: u32) -> Self {
        Self { day, number }
    }

    /// The day it was made, in UTC.
    #[must_use]
    pub const fn day(self) -> NaiveDate {
        self.day
    }

    /// Which plan of that day it is, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// The name to try where this one is taken.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { day: self.day, number: self.number.saturating_add(1) }
    }
}

impl PlanId {
    /// The `number`th plan of a day, with a UUID that the caller made.
    #[must_use]
    pub const fn new(day: NaiveDate, number: u32, uuid: Uuid) -> Self {
        Self { name: PlanName::new(day, number), uuid }
    }
}

impl fmt::Display for PlanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = self.day;
        write!(f, "plan-{:04}{:02}{:02}-{:03}", day.year(), day.month(), day.day(), self.number)
    }
}

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

impl FromStr for PlanName {
    type Err = PlanNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (day, number) = text.strip_prefix("plan-")?.split_once('-')?;
            if day.len() != 8 {
                return None;
            }
            let day = NaiveDate::parse_from_str(day, "%Y%m%d").ok()?;
            Some(Self { day, number: number.parse().ok()? })
        };
        // Only what is printed is read, so that a plan has one name.
        parse()
            .filter(|name| name.number > 0 && name.to_string() == text)
            .ok_or_else(|| PlanNameError(text.chars().take(64).collect()))
    }
}

impl Serialize for PlanName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PlanName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_plan_has_one_name() {
        for text in ["plan-20260126-001", "plan-20260126-1000", "plan-00010101-999"] {
            assert_eq!(text.parse::<PlanName>().unwrap().to_string(), text);
        }
        for text in [
            "plan-20260126-1",
            "plan-20260126-0001",
            "plan-20260126-000",
            "plan-2026126-001",
            "plan-20260126-+01",
            "Plan-20260126-001",
            "plan-20260230-001",
            "",
        ] {
            assert!(text.parse::<PlanName>().is_err(), "{text}");
        }
    }
}
