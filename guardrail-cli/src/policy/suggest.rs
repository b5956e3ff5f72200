//! `guardrail policy suggest`: rules that would have saved approvals, and what nobody uses.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::SystemTime;

use guardrail::policy::{Answer, Policy, Suggestions};
use guardrail::record::Timestamp;
use guardrail::redact::visible;
use guardrail::{Guard, Request};
use guardrail_approve::Grant;
use serde_json::json;

use crate::arguments::PolicySuggest;
use crate::policy::remembered::{self, Remembered};
use crate::policy::{REFUSED, files, refused};

/// Prints what was found and returns the exit status.
pub(super) fn run(task: &PolicySuggest) -> io::Result<u8> {
    let mut known = Request::shell("");
    task.known.complete(&mut known, task.known.finder().as_ref());
    let remembered = remembered::read(&task.log, &known.facts)?;
    let Some(layers) = refused(files::add(Policy::builder(), &[], &task.layers)?)? else {
        return Ok(REFUSED);
    };
    let mut precedents = remembered.precedents();
    for (precedent, asked) in precedents.iter_mut().zip(&remembered.asked) {
        // What was approved before counts as approved, and is no reason for a rule.
        if asked.at < task.since && matches!(precedent.answer, Answer::Yes { .. }) {
            precedent.answer = Answer::Granted;
        }
    }
    let least = usize::try_from(task.at_least).unwrap_or(usize::MAX);
    let Some(found) = refused(Guard::new().suggest(&layers, &precedents, least))? else {
        return Ok(REFUSED);
    };
    let grants = task.grants.as_deref().map(grants).transpose()?.unwrap_or_default();
    let idle = idle(&grants, &remembered, task.since);
    let mut out = io::BufWriter::new(io::stdout().lock());
    if task.json {
        let rules: Vec<_> = found
            .rules
            .iter()
            .map(|rule| json!({"toml": rule.text, "saves": rule.saves, "notes": rule.notes}))
            .collect();
        let dropped: Vec<_> =
            found.dropped.iter().map(|one| json!({"what": one.what, "reason": one.reason})).collect();
        let unused: Vec<_> =
            found.unused.iter().map(|rule| json!({"rule": rule.rule, "layer": rule.layer})).collect();
        let idle: Vec<_> =
            idle.iter().map(|(grant, why)| json!({"grant": grant.id, "reason": why})).collect();
        serde_json::to_writer_pretty(
            &mut out,
            &json!({
                "requests": precedents.len(), "lost": remembered.lost, "rules": rules, "dropped": dropped,
                "left_out": found.left_out, "unused_rules": unused, "unused_grants": idle,
            }),
        )?;
        writeln!(out)?;
    } else {
        print(&mut out, &found, &idle, &remembered)?;
    }
    out.flush()?;
    if io::stdout().is_terminal() && !found.rules.is_empty() {
        eprintln!("guardrail: read each rule before you take it over; `guardrail policy check` tries it");
    }
    Ok(0)
}

/// Everything but the rules is a comment, so that the output can be taken over as it is.
fn print(
    out: &mut dyn io::Write,
    found: &Suggestions,
    idle: &[(&Grant, String)],
    remembered: &Remembered,
) -> io::Result<()> {
    writeln!(out, "# {} requests, of which {} stand behind no rule", remembered.asked.len(), {
        found.left_out.values().sum::<usize>()
    })?;
    for lost in &remembered.lost {
        writeln!(out, "# not compared with {}", comment(lost))?;
    }
    if !found.rules.is_empty() {
        writeln!(out, "# A rule frees what it matches whatever the flags and the files that are read are.")?;
    }
    for rule in &found.rules {
        writeln!(out, "\n# saves {} questions", rule.saves)?;
        for note in &rule.notes {
            writeln!(out, "# {}", comment(note))?;
        }
        write!(out, "{}", rule.text)?;
    }
    let title = |out: &mut dyn io::Write, any: bool, text: &str| {
        if any { writeln!(out, "\n# {text}:") } else { Ok(()) }
    };
    title(out, !found.dropped.is_empty(), "approved often, and not suggested")?;
    for dropped in &found.dropped {
        writeln!(out, "#   {}: {}", comment(&dropped.what), comment(&dropped.reason))?;
    }
    title(out, !found.left_out.is_empty(), "approved, and no reason for a rule")?;
    for (reason, requests) in &found.left_out {
        writeln!(out, "#   {requests}: {}", comment(reason))?;
    }
    title(out, !found.unused.is_empty(), "rules that allowed nothing, to be dropped")?;
    for unused in &found.unused {
        writeln!(out, "#   {} ({})", comment(&unused.rule), unused.layer)?;
    }
    title(out, !idle.is_empty(), "grants that nobody used, to be dropped")?;
    for (grant, why) in idle {
        writeln!(out, "#   {}: {}", comment(&grant.id), comment(why))?;
    }
    Ok(())
}

/// A text that stays in its line and shows all that is in it.
fn comment(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

fn grants(path: &Path) -> io::Result<Vec<Grant>> {
    serde_json::from_str(&files::read(path)?)
        .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

/// Grants that are over, and those that nothing in the log was covered by.
fn idle<'g>(
    grants: &'g [Grant],
    remembered: &Remembered,
    since: Option<Timestamp>,
) -> Vec<(&'g Grant, String)> {
    let now = Timestamp::from(SystemTime::now());
    let uses = |grant: &Grant| {
        remembered
            .granted
            .iter()
            .filter(|(at, reason)| Some(*at) >= since && Grant::named_in(reason) == Some(grant.id.as_str()))
            .count()
    };
    let why = |grant: &'g Grant| {
        if grant.until < now {
            Some((grant, format!("it ended at {}", grant.until)))
        } else if uses(grant) == 0 && grant.from < since.unwrap_or(now) {
            let since = since.unwrap_or(grant.from);
            Some((grant, format!("it covered nothing since {since}")))
        } else {
            None
        }
    };
    grants.iter().filter_map(why).collect()
}
