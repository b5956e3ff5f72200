//! What is known of OpenClaw, read from `openclaw.toml`.

use std::collections::BTreeMap;

use guardrail_core::policy::Mode;
use serde::Deserialize;

use crate::openclaw::OpenClawError;

/// All of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    modes: BTreeMap<Mode, Terms>,
    pub(super) logging: BTreeMap<String, String>,
    pub(super) filters: Filters,
    pub(super) names: Names,
    pub(super) state: State,
}

/// A mode in OpenClaw's words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Terms {
    pub(super) mode: Option<String>,
    pub(super) security: String,
    pub(super) ask: String,
    #[serde(default)]
    pub(super) deny: Vec<String>,
}

/// Programs that only filter their standard input.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    pub(super) default: Vec<String>,
    pub(super) built_in: Vec<String>,
    pub(super) never: Vec<String>,
    pub(super) more: Vec<String>,
    pub(super) folders: Vec<String>,
}

/// What is known of programs that go by several names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    many: String,
    pub(super) accepted: Vec<String>,
    pub(super) folders: Vec<String>,
}

impl Names {
    /// Whether a program does other things under other names.
    pub(super) fn does_much(&self, name: &str) -> bool {
        self.many.split_whitespace().any(|known| known == name)
    }
}

/// Where OpenClaw keeps its state.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) variables: Vec<String>,
    pub(super) homes: Vec<String>,
    pub(super) folders: Vec<String>,
    pub(super) files: Vec<String>,
}

impl Data {
    pub(super) fn builtin() -> Result<Self, OpenClawError> {
        toml::from_str(include_str!("openclaw.toml"))
            .map_err(|error| OpenClawError::Data(error.message().to_owned()))
    }

    pub(super) fn terms(&self, mode: Mode) -> Result<&Terms, OpenClawError> {
        self.modes
            .get(&mode)
            .ok_or_else(|| OpenClawError::Data(format!("nothing is said of the mode {}", mode.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_whole() {
        let data = Data::builtin().unwrap();
        for mode in Mode::ALL {
            data.terms(mode).unwrap();
        }
        for name in &data.filters.more {
            assert!(!data.filters.never.contains(name), "{name}");
            assert!(!data.filters.built_in.contains(name), "{name}");
        }
    }
}
