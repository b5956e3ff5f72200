//! Safe bins: filters that run without a prompt where they read their standard input alone.

use std::collections::BTreeMap;

use guardrail_core::Guard;
use guardrail_schema::Role;
use serde::Serialize;

use crate::openclaw::data;
use crate::openclaw::form::{self, Takes};
use crate::openclaw::judge::Judge;
use crate::openclaw::programs::Program;

/// A profile, in the names of OpenClaw's schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Profile {
    max_positional: u8,
    allowed_value_flags: Vec<String>,
    denied_flags: Vec<String>,
}

/// The names that may filter, and the profiles of those that OpenClaw has none for.
pub(super) struct Filters {
    pub(super) names: Vec<String>,
    pub(super) profiles: BTreeMap<String, Profile>,
}

/// OpenClaw's own filters, and those of `programs` that the knowledge proves.
pub(super) fn profiles(guard: &Guard, data: &data::Filters, programs: &[&Program<'_>]) -> Filters {
    let mut filters = Filters { names: data.default.clone(), profiles: BTreeMap::new() };
    for program in programs {
        let name = program.name().to_owned();
        let folder = program.path().strip_suffix(&format!("/{name}")).unwrap_or_default();
        let wanted = data.more.contains(&name)
            && !data.built_in.contains(&name)
            && !data.never.contains(&name)
            && data.folders.iter().any(|known| known == folder);
        if let Some(profile) = wanted.then(|| profile(guard, program)).flatten() {
            filters.names.push(name.clone());
            filters.profiles.insert(name, profile);
        }
    }
    filters.names.sort();
    filters
}

fn profile(guard: &Guard, program: &Program<'_>) -> Option<Profile> {
    let tool = program.tool();
    let [root] = tool.commands.as_slice() else { return None };
    // What it reads where it is given nothing is its input.
    if !root.operands.iter().all(|operand| operand.role == Role::Read) {
        return None;
    }
    let judge = Judge::new(guard, program, &[]);
    let [form] = form::forms(tool, root).try_into().ok()?;
    let form = judge.settle(form)?;
    // Only long ones: in a cluster, letters that are not listed pass in front of one that is.
    let long = |spelling: &&String| spelling.starts_with("--");
    let values = form.shape.flags.iter().filter(|option| option.takes == Takes::Value);
    let allowed_value_flags: Vec<String> = values.flat_map(|o| &o.spellings).filter(long).cloned().collect();
    let harmless: Vec<&String> = form.shape.flags.iter().flat_map(|option| &option.spellings).collect();
    let denied = |spelling: &&String| {
        !allowed_value_flags.contains(spelling) && (long(spelling) || !harmless.contains(spelling))
    };
    let denied_flags = root.spellings.iter().map(|(spelling, _)| spelling).filter(denied).cloned().collect();
    Some(Profile { max_positional: 0, allowed_value_flags, denied_flags })
}
