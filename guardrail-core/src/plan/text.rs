//! A revision as a person reads it before saying yes: every command as it would run, how risky it
//! is and why, what is touched, and the way back. Without secrets, with everything invisible
//! written out, and with a digest, so that a yes is to what was seen.

use std::fmt::{self, Write as _};

use super::credential::Injection;
use super::document::{Check, Expect, Rollback};
use super::revision::{Prepared, Revision, numbered};
use super::{Digest, Part, Slot};
use crate::evaluation::Decision;
use crate::redact::{self, Redactor};
use crate::request::Action;
use crate::{EffectKind, Undo};

/// The domain of the digest of a text that was shown.
const DOMAIN: &str = "guardrail plan text 1";

/// A text for a person, with the digest by which a vote proves what was seen.
#[derive(Clone, Debug)]
pub struct Shown {
    text: String,
    digest: Digest,
    complete: bool,
    redactor: Redactor,
}

impl Shown {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its digest.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether it is all of the plan. Nobody can say yes to a part.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// The digest of any text as an approver has shown it. An approver whose medium changes the
    /// text computes it over what its medium shows.
    #[must_use]
    pub fn digest_of(text: &str) -> Digest {
        Digest::of_text(DOMAIN, text)
    }

    /// Another text in the same manner: without secrets, in one line.
    pub(super) fn line(&self, text: &str) -> String {
        line(text, &self.redactor)
    }
}

fn line(text: &str, redactor: &Redactor) -> String {
    plain_line(&redactor.redact(text))
}

/// One line, in which white space that a reader would miss is written out like everything else
/// that is invisible. No text can hold the brackets of that notation itself.
fn plain_line(text: &str) -> String {
    let mut shown = redact::visible(text).replace('\n', "⟨LF⟩").replace('\t', "⟨TAB⟩");
    let seen = shown.trim_end_matches(' ').len();
    let blanks = shown.len() - seen;
    shown.truncate(seen);
    shown.push_str(&"⟨SP⟩".repeat(blanks));
    shown
}

impl Revision {
    /// The revision for a person, as a text of at most `limit` bytes. Where that is not enough,
    /// it is cut, says so, and nobody can say yes to it.
    #[must_use]
    pub fn text(&self, redactor: &Redactor, limit: usize) -> Shown {
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = Writer { revision: self, redactor, out: &mut text }.all();
        let complete = text.len() <= limit;
        if !complete {
            const NOTE: &str = "\n[cut: this is not the whole plan, and cannot be approved]\n";
            let mut end = limit.saturating_sub(NOTE.len()).min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            text.push_str(NOTE);
        }
        Shown { digest: Shown::digest_of(&text), text, complete, redactor: redactor.clone() }
    }

    /// What was found out about one step, or about the plan, for somebody who asks why.
    #[must_use]
    pub fn explain(&self, step: Option<u32>, redactor: &Redactor) -> String {
        let mut text = String::new();
        for prepared in self.commands().iter().filter(|prepared| step.is_none() || prepared.slot.step == step)
        {
            let _ = write!(
                text,
                "{}\n{}\n",
                prepared.slot,
                prepared.evaluation.draw(crate::Style::Plain).redacted_by(redactor)
            );
        }
        if text.is_empty() {
            text.push_str("there is no such step\n");
        }
        text
    }
}

struct Writer<'r> {
    revision: &'r Revision,
    redactor: &'r Redactor,
    out: &'r mut String,
}

impl Writer<'_> {
    fn all(&mut self) -> fmt::Result {
        let revision = self.revision;
        let plan = revision.plan();
        let need = revision.need();
        writeln!(self.out, "{}, revision {}", revision.id(), revision.number())?;
        let title = self.line(&revision.shown(&plan.title));
        writeln!(self.out, "{title}")?;
        writeln!(self.out, "risk: {}", revision.risk())?;
        writeln!(self.out, "asked by: {}", self.line(&revision.origin().requester.to_string()))?;
        if !plan.reason.is_empty() {
            writeln!(self.out, "its reason: {}", self.line(&plan.reason))?;
        }
        if need.is_nothing() {
            writeln!(self.out, "needs: nobody's yes")?;
        } else {
            write!(self.out, "needs: {} to say yes, {} of them people", need.approvers, need.people)?;
            for role in &need.roles {
                write!(self.out, ", one as {}", self.line(role))?;
            }
            writeln!(self.out)?;
        }
        for (name, parameter) in &plan.parameters {
            let value = self.line(&parameter.value.to_string());
            let about = self.line(&parameter.about);
            let gap = if about.is_empty() { "" } else { "  " };
            writeln!(self.out, "parameter {name} = {value}{gap}{about}")?;
        }
        self.checks("before", None, Part::Preflight, &plan.preflight)?;
        for (number, step) in numbered(&plan.steps) {
            let title = self.line(&revision.shown(&step.title));
            writeln!(self.out, "\nstep {number}: {title}")?;
            if !step.reason.is_empty() {
                writeln!(self.out, "  its reason: {}", self.line(&step.reason))?;
            }
            self.command("  runs", Slot::action(number), true)?;
            if step.dry_run.is_some() {
                self.command("  rehearsal", Slot::step(number, Part::DryRun, 1), false)?;
            }
            self.checks("  before", Some(number), Part::Preflight, &step.preflight)?;
            for (index, capture) in numbered(&step.captures) {
                let held = if capture.hold { ", must stay so" } else { "" };
                let value = revision.captured(number, &capture.name).unwrap_or("not captured yet");
                let value = self.line(value);
                let label = format!("  captures {} = {value}{held}", capture.name);
                self.command(&label, Slot::step(number, Part::Capture, index), false)?;
            }
            self.checks("  behind", Some(number), Part::Post, &step.post)?;
            if let Some(reason) = &step.irreversible {
                writeln!(self.out, "  CANNOT BE UNDONE: {}", self.line(reason))?;
            }
            match &step.rollback {
                Some(rollback) => self.rollback("  ", Some(number), rollback)?,
                None if step.irreversible.is_none() && plan.rollback.is_none() => {
                    writeln!(self.out, "  no way back")?;
                }
                None => {}
            }
        }
        writeln!(self.out)?;
        self.checks("in the end", None, Part::Post, &plan.post)?;
        if let Some(monitor) = &plan.monitor {
            writeln!(
                self.out,
                "then watched for {} s, every {} s",
                monitor.window_seconds, monitor.every_seconds
            )?;
            self.checks("watched", None, Part::Monitor, &monitor.checks)?;
        }
        if let Some(rollback) = &plan.rollback {
            self.rollback("", None, rollback)?;
        }
        self.impact()?;
        let times = plan.times;
        if let Some(seconds) = plan.expected_seconds {
            writeln!(self.out, "expected to take {seconds} s")?;
        }
        writeln!(
            self.out,
            "to be answered within {} s, and begun within {} s of the answer",
            times.approval_seconds, times.valid_seconds
        )?;
        writeln!(self.out, "digest: {}", revision.digest())
    }

    fn line(&self, text: &str) -> String {
        line(text, self.redactor)
    }

    fn checks(&mut self, label: &str, step: Option<u32>, part: Part, checks: &[Check]) -> fmt::Result {
        for (index, check) in numbered(checks) {
            let slot = Slot { step, part, index };
            let name = self.line(&self.revision.shown(&check.name));
            self.command(&format!("{label}: {name}"), slot, false)?;
            let indent = " ".repeat(label.len() - label.trim_start().len() + 2);
            let expected = self.revision.command(slot).map_or(&[][..], |prepared| &prepared.expect);
            for expect in expected {
                let expected = self.line(&expectation(expect));
                writeln!(self.out, "{indent}expects {expected}")?;
            }
        }
        Ok(())
    }

    fn rollback(&mut self, indent: &str, step: Option<u32>, rollback: &Rollback) -> fmt::Result {
        let method = self.line(&self.revision.shown(&rollback.method));
        write!(self.out, "{indent}way back: {method}")?;
        if rollback.only_if_done {
            write!(self.out, ", where the step did what it should")?;
        }
        match rollback.estimated_seconds {
            Some(seconds) => writeln!(self.out, " (about {seconds} s)")?,
            None => writeln!(self.out)?,
        }
        for (index, _) in numbered(&rollback.commands) {
            self.command(&format!("{indent}  undoes"), Slot { step, part: Part::Rollback, index }, true)?;
        }
        self.checks(&format!("{indent}  verifies"), step, Part::RollbackCheck, &rollback.verification)
    }

    /// A command as it would run, with all that decides what running it does.
    fn command(&mut self, label: &str, slot: Slot, findings: bool) -> fmt::Result {
        let Some(prepared) = self.revision.command(slot) else { return Ok(()) };
        let Prepared { command, cwd, evaluation, pins, .. } = prepared;
        let indent = " ".repeat(label.len() - label.trim_start().len() + 2);
        let decision = if evaluation.decision == Decision::Deny { ", DENIED" } else { "" };
        writeln!(self.out, "{label}  [{}{decision}]", evaluation.risk)?;
        match &command.action {
            // Lines of a script stay lines: they are what is read.
            Action::Shell(text) => {
                let text = self.redactor.redact(text);
                for part in text.split('\n') {
                    writeln!(self.out, "{indent}$ {}", plain_line(part))?;
                }
            }
            Action::Argv(_) | Action::Call { .. } => {
                writeln!(self.out, "{indent}{}", self.line(&command.typed()))?;
            }
        }
        writeln!(self.out, "{indent}in {}", self.line(cwd))?;
        for (name, value) in &pins.environment {
            let pair = self.line(&format!("{name}={value}"));
            writeln!(self.out, "{indent}with {pair}")?;
        }
        for (name, value) in
            command.environment.iter().filter(|(name, _)| !pins.environment.contains_key(*name))
        {
            let pair = self.line(&format!("{name}={value}"));
            writeln!(self.out, "{indent}with {pair}")?;
        }
        for reference in &command.credentials {
            let name = self.line(reference.name.as_str());
            let variable = self.line(reference.into.variable());
            let how = match reference.into {
                Injection::Environment(_) => "",
                Injection::File(_) => "a file named by ",
                Injection::Descriptor(_) => "an open descriptor numbered by ",
            };
            writeln!(self.out, "{indent}with the credential {name} in {how}{variable}")?;
        }
        for file in &pins.files {
            let path = self.line(&file.path);
            writeln!(self.out, "{indent}file {path} {}", file.digest)?;
        }
        for (name, reason) in &pins.unpinned {
            let (name, reason) = (self.line(name), self.line(reason));
            writeln!(self.out, "{indent}NOT PINNED: {name}: {reason}")?;
        }
        if findings {
            for finding in &evaluation.findings {
                let message = self.line(&finding.message);
                writeln!(self.out, "{indent}{}[{}]: {message}", finding.risk, finding.rule)?;
            }
        }
        Ok(())
    }

    /// What is touched, how it can be undone, and what the agent says of it.
    fn impact(&mut self) -> fmt::Result {
        let mut lines: Vec<String> = Vec::new();
        let mut touched = 0_usize;
        for prepared in self.revision.commands().iter().filter(|prepared| prepared.slot.part == Part::Action)
        {
            for effect in &prepared.evaluation.effects {
                if effect.kind == EffectKind::Read {
                    continue;
                }
                let target = effect.target.as_deref().unwrap_or("something that cannot be told");
                let undo = match effect.undo {
                    Undo::Easy => "",
                    Undo::Hard => ", hard to undo",
                    Undo::Never => ", never undone",
                };
                let target = self.line(target);
                let text = format!("  {}  {target}  ({}{undo})", effect.kind, effect.scope);
                if !lines.contains(&text) {
                    touched += 1;
                    lines.push(text);
                }
            }
            let radius = &prepared.evaluation.blast_radius;
            lines.extend(radius.touched.iter().map(|one| format!("  {}", self.line(&one.to_string()))));
            touched += radius.objects as usize;
            if radius.incomplete {
                lines.push("  and objects that cannot be told".to_owned());
            }
        }
        writeln!(self.out, "\nimpact: {touched} touched")?;
        for text in lines {
            writeln!(self.out, "{text}")?;
        }
        let said = &self.revision.plan().impact;
        if !said.is_empty() {
            writeln!(self.out, "  as the agent says: {}", self.line(said))?;
        }
        Ok(())
    }
}

fn expectation(expect: &Expect) -> String {
    let place = |pointer: &Option<String>| {
        pointer.as_deref().filter(|pointer| !pointer.is_empty()).unwrap_or("the output").to_owned()
    };
    match expect {
        Expect::Exit(status) => format!("status {status}"),
        Expect::Contains(text) => format!("output that contains `{text}`"),
        Expect::Lacks(text) => format!("output without `{text}`"),
        Expect::Matches(pattern) => format!("output that matches `{pattern}`"),
        Expect::Json { pointer, equals } => {
            format!("{} to be {equals}", place(&Some(pointer.clone())))
        }
        Expect::AtLeast { pointer, number } => format!("{} to be at least {number}", place(pointer)),
        Expect::AtMost { pointer, number } => format!("{} to be at most {number}", place(pointer)),
    }
}
