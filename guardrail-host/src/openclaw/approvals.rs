//! The document of approvals: the four defaults are always written, since OpenClaw takes what is left
//! out as "run everything, ask nobody".

use std::collections::BTreeMap;

use guardrail_core::policy::Mode;
use serde::Serialize;

use crate::openclaw::data::{Data, Terms};
use crate::openclaw::{OpenClawError, Settings};

/// One entry of an allowlist. There is none without a pattern for its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) pattern: String,
    pub(super) arg_pattern: String,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u8,
    defaults: Defaults<'a>,
    agents: BTreeMap<&'a str, Agent<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Defaults<'a> {
    security: &'a str,
    ask: &'a str,
    ask_fallback: &'a str,
    auto_allow_skills: bool,
}

#[derive(Serialize)]
struct Agent<'a> {
    #[serde(flatten)]
    defaults: Defaults<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    allowlist: &'a [Entry],
}

/// The name under which all agents stand.
const ALL: &str = "*";

pub(super) fn text(data: &Data, settings: &Settings, entries: &[Entry]) -> Result<String, OpenClawError> {
    // Allowlists are put together, those of all agents first: where all have it, no other one repeats it.
    let allowlist = |mode, repeated: bool| if mode == Mode::Standard && !repeated { entries } else { &[] };
    let for_all = settings.mode == Mode::Standard;
    let all =
        Agent { defaults: defaults(data.terms(settings.mode)?), allowlist: allowlist(settings.mode, false) };
    let mut agents = BTreeMap::from([(ALL, all)]);
    for (id, mode) in &settings.agents {
        let defaults = defaults(data.terms(*mode)?);
        agents.insert(id, Agent { defaults, allowlist: allowlist(*mode, for_all) });
    }
    super::json(&Document { version: 1, defaults: defaults(data.terms(settings.mode)?), agents })
}

fn defaults(terms: &Terms) -> Defaults<'_> {
    // Where nobody can be asked nothing runs.
    Defaults { security: &terms.security, ask: &terms.ask, ask_fallback: "deny", auto_allow_skills: false }
}
