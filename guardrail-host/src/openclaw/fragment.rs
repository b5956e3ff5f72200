//! The fragment of `openclaw.json`: every object of its schema is strict, so there is no key here that the
//! release does not know.

use std::collections::BTreeMap;

use guardrail_core::policy::Mode;
use serde::Serialize;

use crate::openclaw::data::{Data, Terms};
use crate::openclaw::filters::{Filters, Profile};
use crate::openclaw::{OpenClawError, Release, Settings};

#[derive(Serialize)]
struct Fragment<'a> {
    tools: Tools<'a>,
    logging: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agents: Option<Agents<'a>>,
}

#[derive(Serialize)]
struct Tools<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    deny: &'a [String],
    exec: Exec<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exec<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safe_bins: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safe_bin_profiles: Option<&'a BTreeMap<String, Profile>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict_inline_eval: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Agents<'a> {
    List(Vec<Agent<'a>>),
    Entries(BTreeMap<&'a str, Agent<'a>>),
}

#[derive(Serialize)]
struct Agent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    tools: Tools<'a>,
}

pub(super) fn text(data: &Data, settings: &Settings, filters: &Filters) -> Result<String, OpenClawError> {
    // Its word for a mode cannot stand beside the older ones, not even where one agent needs these.
    let mut worded = data.terms(settings.mode)?.mode.is_some();
    for mode in settings.agents.values() {
        worded &= data.terms(*mode)?.mode.is_some();
    }
    let exec = |terms: &'_ Terms| -> (Option<String>, Option<String>, Option<String>) {
        match &terms.mode {
            Some(mode) if worded => (Some(mode.clone()), None, None),
            _ => (None, Some(terms.security.clone()), Some(terms.ask.clone())),
        }
    };
    let all = data.terms(settings.mode)?;
    let words = exec(all);
    let strict = settings.mode != Mode::Full;
    let tools = Tools {
        deny: &all.deny,
        exec: Exec {
            mode: words.0.as_deref(),
            security: words.1.as_deref(),
            ask: words.2.as_deref(),
            safe_bins: Some(&filters.names),
            safe_bin_profiles: Some(&filters.profiles).filter(|profiles| !profiles.is_empty()),
            strict_inline_eval: strict.then_some(true),
        },
    };
    let mut agent_words = Vec::new();
    for (id, mode) in &settings.agents {
        let terms = data.terms(*mode)?;
        agent_words.push((id.as_str(), *mode, terms, exec(terms)));
    }
    let agents: Vec<(&str, Agent<'_>)> = agent_words
        .iter()
        .map(|(id, mode, terms, words)| {
            let exec = Exec {
                mode: words.0.as_deref(),
                security: words.1.as_deref(),
                ask: words.2.as_deref(),
                safe_bins: None,
                safe_bin_profiles: None,
                strict_inline_eval: (*mode != Mode::Full).then_some(true),
            };
            (*id, Agent { id: None, tools: Tools { deny: &terms.deny, exec } })
        })
        .collect();
    let agents = (!agents.is_empty()).then(|| match settings.release {
        Release::V2026_7 => {
            Agents::List(agents.into_iter().map(|(id, agent)| Agent { id: Some(id), ..agent }).collect())
        }
        Release::V2026_8 => Agents::Entries(agents.into_iter().collect()),
    });
    super::json(&Fragment { tools, logging: &data.logging, agents })
}
