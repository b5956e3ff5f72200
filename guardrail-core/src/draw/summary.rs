//! What stands around the frames: the verdict, the reasons in full, the effects, the notes.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use guardrail_schema::{EffectKind, Scope, Undo};

use super::paint::Paint;
use super::row::boundary;
use super::{Style, veil};
use crate::evaluation::{Approval, Decision, Effect, Evaluation, Finding};
use crate::redact::Redactor;
use crate::request::Fact;

/// Findings listed in full, the worst first.
const FINDINGS: usize = 24;
/// Kinds of effects listed, and targets for each.
const EFFECTS: usize = 24;
const TARGETS: usize = 6;
/// Characters of one target or sentence.
const LENGTH: usize = 160;

/// The first line: how bad it is and what follows from that.
pub(super) fn verdict(f: &mut Formatter<'_>, evaluation: &Evaluation, style: Style) -> fmt::Result {
    let risk = Paint::Risk(evaluation.risk).on(style, evaluation.risk);
    let unknown = if evaluation.unknown { "; what matters here cannot be known" } else { "" };
    match &evaluation.decision {
        Decision::Allow => writeln!(f, "{risk}: allowed{unknown}"),
        Decision::Ask(approval) => writeln!(f, "{risk}: needs {}{unknown}", Needs(approval)),
        Decision::Deny => writeln!(f, "{risk}: denied{unknown}"),
    }
}

/// The rules and settings that decided, and what the policy has to say of itself.
pub(super) fn ruling(
    f: &mut Formatter<'_>,
    evaluation: &Evaluation,
    style: Style,
    redactor: &Redactor,
) -> fmt::Result {
    for reason in &evaluation.ruling.reasons {
        let name =
            Paint::Word.on(style, format_args!("{}[{}]", reason.says, veil::line(&reason.rule))).to_string();
        write!(f, "{name} ({} policy)", veil::line(&reason.layer))?;
        if reason.unknown {
            f.write_str(", since it may be meant")?;
        }
        match &reason.reason {
            Some(why) => writeln!(f, ": {}", sentence(why, redactor))?,
            None => writeln!(f)?,
        }
        if let Some(instead) = &reason.instead {
            writeln!(f, "  {} {}", Paint::Word.on(style, "instead:"), sentence(instead, redactor))?;
        }
    }
    for warning in &evaluation.ruling.warnings {
        writeln!(f, "{} {}", Paint::Problem.on(style, "warning:"), sentence(warning, redactor))?;
    }
    Ok(())
}

/// An approval as a list of what it takes.
struct Needs<'e>(&'e Approval);

impl Display for Needs<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(approval) = self;
        match approval.approvers {
            1 => f.write_str("one approval")?,
            count => write!(f, "{count} approvals")?,
        }
        for (index, role) in approval.roles.iter().enumerate() {
            let before = if index == 0 { " (" } else { ", " };
            write!(f, "{before}{}", veil::line(role))?;
        }
        if !approval.roles.is_empty() {
            f.write_str(")")?;
        }
        let also = [
            (approval.rollback, "a way back"),
            (approval.impact, "an impact analysis"),
            (approval.dry_run, "a dry run"),
        ];
        let mut also = also.iter().filter(|(needed, _)| *needed).map(|(_, name)| *name).peekable();
        while let Some(name) = also.next() {
            f.write_str(if also.peek().is_some() { ", " } else { " and " })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// Every reason once, with its help. Tells whether all of them are listed.
pub(super) fn findings(
    f: &mut Formatter<'_>,
    evaluation: &Evaluation,
    style: Style,
    redactor: &Redactor,
) -> Result<bool, fmt::Error> {
    let mut distinct: Vec<(&Finding, usize)> = Vec::new();
    let mut more = 0_usize;
    for finding in &evaluation.findings {
        let same = |other: &Finding| {
            (other.risk, &other.rule, &other.message, &other.instead)
                == (finding.risk, &finding.rule, &finding.message, &finding.instead)
        };
        let room = distinct.len() < FINDINGS;
        match distinct.iter_mut().find(|(other, _)| same(other)) {
            Some((_, places)) => *places += 1,
            None if room => distinct.push((finding, 1)),
            None => more += 1,
        }
    }
    if !distinct.is_empty() {
        writeln!(f)?;
    }
    for (finding, places) in distinct {
        let name = Paint::Risk(finding.risk)
            .on(style, format_args!("{}[{}]", finding.risk, veil::line(&finding.rule)))
            .to_string();
        write!(f, "{name}: {}", sentence(&finding.message, redactor))?;
        if places > 1 {
            write!(f, " ({places} places)")?;
        }
        writeln!(f)?;
        if let Some(instead) = &finding.instead {
            writeln!(f, "  {} {}", Paint::Word.on(style, "instead:"), sentence(instead, redactor))?;
        }
    }
    if more > 0 {
        writeln!(f, "and {more} more findings")?;
    }
    Ok(more == 0)
}

/// What it would do to the world, one line for each kind. Tells whether all of it is listed.
pub(super) fn effects(
    f: &mut Formatter<'_>,
    evaluation: &Evaluation,
    style: Style,
    redactor: &Redactor,
) -> Result<bool, fmt::Error> {
    type Key = (EffectKind, Scope, Undo);
    let key = |effect: &Effect| -> Key { (effect.kind, effect.scope, effect.undo) };
    let mut kinds: Vec<(Key, Vec<&str>, usize)> = Vec::new();
    let mut complete = true;
    for effect in &evaluation.effects {
        let kind = match kinds.iter_mut().position(|(k, ..)| *k == key(effect)) {
            Some(at) => kinds.get_mut(at),
            None if kinds.len() < EFFECTS => {
                kinds.push((key(effect), Vec::new(), 0));
                kinds.last_mut()
            }
            None => None,
        };
        let Some((_, targets, more)) = kind else {
            complete = false;
            continue;
        };
        match effect.target.as_deref() {
            Some(target) if targets.contains(&target) => {}
            Some(target) if targets.len() < TARGETS => targets.push(target),
            Some(_) => *more += 1,
            None => {}
        }
    }
    if kinds.is_empty() {
        return Ok(complete);
    }
    writeln!(f, "\n{}", Paint::Word.on(style, "effects:"))?;
    let width = kinds.iter().map(|((kind, ..), ..)| kind.as_str().len()).max().unwrap_or(0);
    for ((kind, scope, undo), targets, more) in kinds {
        let shown: Vec<_> = targets.iter().map(|target| sentence(target, redactor)).collect();
        let mut what = shown.join(", ");
        if more > 0 {
            complete = false;
            what.push_str(&format!(" and {more} more"));
        }
        let gap = if what.is_empty() { "" } else { "  " };
        let undone = match undo {
            Undo::Easy => "",
            Undo::Hard => ", hard to undo",
            Undo::Never => ", never undone",
        };
        let place = Paint::Stand.on(style, format_args!("({scope}{undone})")).to_string();
        writeln!(f, "  {kind:width$}  {what}{gap}{place}")?;
    }
    Ok(complete)
}

/// How far the documents reach, one line for each group of objects. Tells whether all are listed.
pub(super) fn blast_radius(
    f: &mut Formatter<'_>,
    evaluation: &Evaluation,
    style: Style,
    redactor: &Redactor,
) -> Result<bool, fmt::Error> {
    let radius = &evaluation.blast_radius;
    if radius.is_empty() {
        return Ok(true);
    }
    let objects = if radius.objects == 1 { "object" } else { "objects" };
    let more = if radius.incomplete { ", and what cannot be told" } else { "" };
    writeln!(f, "\n{} {} {objects}{more}", Paint::Word.on(style, "blast radius:"), radius.objects)?;
    for touched in radius.touched.iter().take(EFFECTS) {
        writeln!(f, "  {}", sentence(&touched.to_string(), redactor))?;
    }
    Ok(radius.touched.len() <= EFFECTS)
}

/// What could not be read, and what would have been good to know.
pub(super) fn notes(
    f: &mut Formatter<'_>,
    evaluation: &Evaluation,
    style: Style,
    redactor: &Redactor,
) -> fmt::Result {
    let problems = evaluation.problems.len();
    if problems > 0 || !evaluation.wanted.is_empty() {
        writeln!(f)?;
    }
    if let Some(problem) = evaluation.problems.first() {
        let others = if problems > 1 { format!(" (and {} more)", problems - 1) } else { String::new() };
        let word = Paint::Problem.on(style, "problem:");
        writeln!(
            f,
            "{word} {}{others}; what could not be read may hide more",
            sentence(&problem.message, redactor)
        )?;
    }
    if !evaluation.wanted.is_empty() {
        let wanted: Vec<_> = evaluation.wanted.iter().copied().map(known_as).collect();
        writeln!(f, "{} {} would say more", Paint::Word.on(style, "note: knowing"), wanted.join(", "))?;
    }
    Ok(())
}

/// The last line of a drawing that does not show everything.
pub(super) fn shortened(f: &mut Formatter<'_>, style: Style) -> fmt::Result {
    writeln!(f, "\n{} this drawing is shortened; it does not show everything", Paint::Word.on(style, "note:"))
}

const fn known_as(fact: Fact) -> &'static str {
    match fact {
        Fact::Workspace => "the workspace",
        Fact::Home => "the home directory",
        Fact::Environment => "the environment (production, staging, development, test)",
        Fact::GitBranch => "the git branch",
        Fact::RepositoryConfigNeutralised => "whether the repository's own configuration is neutralised",
    }
}

fn sentence(text: &str, redactor: &Redactor) -> String {
    cut(&veil::safe(text, redactor)).into_owned()
}

/// The beginning and the end of a text that is too long for a line.
fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= LENGTH {
        return Cow::Borrowed(text);
    }
    let head = text.get(..boundary(text, LENGTH * 2 / 3)).unwrap_or_default();
    let tail = text.get(boundary(text, text.len() - LENGTH / 4)..).unwrap_or_default();
    let left_out = text.len() - head.len() - tail.len();
    Cow::Owned(format!("{head}[.. {left_out} bytes ..]{tail}"))
}
