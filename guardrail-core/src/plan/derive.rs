//! What the knowledge of tools says around a command: how it is rehearsed, what of the state before
//! it is worth keeping, and what takes it back.
//!
//! Only a command that is one program with nothing around it is understood this far: whoever
//! writes a script knows better what undoes it. What comes out is a proposal; it is judged, shown
//! and approved like everything else in a plan.

use super::command::Command;
use super::document::{Capture, Check, Rollback, Step};
use crate::evaluation::Evaluation;
use crate::identify::{Call, Identified};
use crate::request::Action;
use crate::{EffectKind, Risk, Undo};

/// The name under which a derived capture is kept.
const BEFORE: &str = "before";

/// What is proposed around a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Derived {
    /// What rehearses it.
    pub dry_run: Option<Command>,
    /// What must hold before it: what it works on is there.
    pub preflight: Vec<Check>,
    /// What of the state before it is kept.
    pub captures: Vec<Capture>,
    /// What must hold behind it: what it works on is still there.
    pub post: Vec<Check>,
    /// What takes it back.
    pub rollback: Option<Rollback>,
    /// Why nothing takes it back.
    pub irreversible: Option<String>,
}

impl Step {
    /// The step with the parts that it does not have taken from a proposal. What it has stays, and
    /// a way back is proposed only together with the captures that it needs.
    #[must_use]
    pub fn or_derived(mut self, derived: Derived) -> Self {
        let Derived { dry_run, preflight, captures, post, rollback, irreversible } = derived;
        self.dry_run = self.dry_run.or(dry_run);
        if self.preflight.is_empty() {
            self.preflight = preflight;
        }
        if self.post.is_empty() {
            self.post = post;
        }
        if self.rollback.is_none() && self.irreversible.is_none() {
            if self.captures.is_empty() {
                self.captures = captures;
                self.rollback = rollback;
            } else if captures.is_empty() {
                self.rollback = rollback;
            }
            if self.rollback.is_none() {
                self.irreversible = irreversible;
            }
        }
        self
    }
}

/// What the knowledge says around the one command that a request is.
pub(crate) fn derive(identified: &Identified<'_, '_>, evaluation: &Evaluation, like: &Command) -> Derived {
    let mut derived = Derived::default();
    let changes = |effect: &&crate::Effect| !matches!(effect.kind, EffectKind::Read | EffectKind::NetworkIn);
    if evaluation.effects.iter().all(|effect| !changes(&effect)) {
        return derived;
    }
    let hardest = evaluation.effects.iter().filter(changes).map(|effect| effect.undo).max();
    let final_reason = || match hardest {
        Some(Undo::Never) => Some("what it does is not undone by any command".to_owned()),
        Some(Undo::Hard) => Some("only a backup or a rebuild brings back what it does".to_owned()),
        _ => None,
    };
    let (Action::Argv(words), [invocation]) = (&like.action, evaluation.invocations.as_slice()) else {
        derived.irreversible = final_reason();
        return derived;
    };
    let exact = invocation.argv.len() == words.len()
        && invocation.argv.iter().zip(words).all(|(known, word)| known.as_deref() == Some(word.as_str()));
    let call = identified.calls.iter().find(|call| call.command.is_some());
    let (true, Some(call), Some(command)) = (exact, call, call.and_then(|call| call.command)) else {
        derived.irreversible = final_reason();
        return derived;
    };
    let around = |words: Vec<String>| Command { action: Action::Argv(words), ..like.clone() };
    derived.dry_run = command.dry_run.as_deref().and_then(|form| rehearsal(call, form, words)).map(around);
    let inverse = command.inverse.as_deref().and_then(|form| fill(call, form));
    let capture = command.capture.as_deref().and_then(|form| fill(call, form));
    if let Some(Filled { words, .. }) = capture {
        let look = around(words);
        derived.preflight.push(Check::new("what it works on is there", look.clone()));
        if !evaluation.effects.iter().any(|effect| effect.kind == EffectKind::Delete) {
            derived.post.push(Check::new("what it works on is there", look.clone()));
        }
        if let Some(Filled { captured: Some(pick), .. }) = &inverse {
            derived.captures.push(Capture {
                name: BEFORE.to_owned(),
                command: look,
                pick: pick.clone(),
                hold: true,
            });
        }
    }
    derived.rollback = inverse.and_then(|Filled { words, captured }| {
        // A way back that needs what nothing captures is none.
        let ready = captured.is_none() || !derived.captures.is_empty();
        ready.then(|| Rollback::new("the command that takes it back", [around(words)]))
    });
    if let Some(rollback) = &mut derived.rollback {
        rollback.verification.clone_from(&derived.preflight);
    } else {
        derived.irreversible = final_reason();
    }
    if evaluation.risk == Risk::Low {
        derived.irreversible = None;
    }
    derived
}

/// A template with its holes filled by the words of a call.
struct Filled {
    words: Vec<String>,
    /// Where in captured output the value of `{captured:...}` is, if the template has that.
    captured: Option<Option<String>>,
}

/// A flag is added to the words; anything else stands in their place.
fn rehearsal(call: &Call<'_, '_>, form: &str, words: &[String]) -> Option<Vec<String>> {
    if !form.starts_with('-') {
        return fill(call, form).filter(|filled| filled.captured.is_none()).map(|filled| filled.words);
    }
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let (before, behind) = words.split_at_checked(end)?;
    let flags = split(form)?;
    Some(before.iter().cloned().chain(flags).chain(behind.iter().cloned()).collect())
}

fn fill(call: &Call<'_, '_>, form: &str) -> Option<Filled> {
    let mut filled = Filled { words: Vec::new(), captured: None };
    for word in split(form)? {
        let Some((before, rest)) = word.split_once('{') else {
            filled.words.push(word);
            continue;
        };
        let (hole, behind) = rest.split_once('}')?;
        if let Some(path) = hole.strip_prefix("captured") {
            filled.captured = Some(pointer(path));
            filled.words.push(format!("{before}{{{{captured.{BEFORE}}}}}{behind}"));
            continue;
        }
        let values: Option<Vec<String>> = call
            .facet(hole)
            .map(|word| Some(std::str::from_utf8(word.as_known()?).ok()?.to_owned()))
            .collect();
        match (values?.as_slice(), before.is_empty() && behind.is_empty()) {
            // What was not given is left out, with the flag that would have taken it.
            ([], true) if filled.words.last().is_some_and(|last| last.starts_with('-')) => {
                filled.words.pop();
            }
            ([], _) => return None,
            (values, true) => filled.words.extend(values.iter().cloned()),
            ([value], false) => filled.words.push(format!("{before}{value}{behind}")),
            (_, false) => return None,
        }
    }
    Some(filled)
}

/// `:spec.replicas` as a JSON pointer; `None` where the whole text is meant.
fn pointer(path: &str) -> Option<String> {
    let path = path.strip_prefix(':').filter(|path| *path != "text")?;
    Some(path.split('.').map(|part| format!("/{part}")).collect())
}

/// The words of a template: blanks part them, single quotes keep them together.
fn split(form: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in form.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (!quoted).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_split_as_they_are_meant() {
        assert_eq!(split("stat -c '%s %n' {file}").unwrap(), ["stat", "-c", "%s %n", "{file}"]);
        assert_eq!(split("a ''").unwrap(), ["a", ""]);
        assert_eq!(split("a 'b"), None);
        assert_eq!(pointer(":0.revision").as_deref(), Some("/0/revision"));
        assert_eq!(pointer(":text"), None);
        assert_eq!(pointer(""), None);
    }
}
