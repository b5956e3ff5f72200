//! What is wrong with a policy, drawn where it says so.

use std::fmt;
use std::sync::Arc;

use super::frame::{self, Mark};
use super::paint::Paint;
use super::{Style, veil};
use crate::policy::{PolicyError, PolicyProblem, Severity};
use crate::redact::Redactor;

/// Problems drawn in one go.
const PROBLEMS: usize = 24;

/// A drawing of what is wrong with a policy; it is made when it is displayed.
#[derive(Clone, Debug)]
#[must_use = "a drawing is made by displaying it"]
pub struct ProblemDrawing<'p> {
    problems: &'p [PolicyProblem],
    style: Style,
}

impl PolicyError {
    /// Draws everything that is wrong for a person.
    pub fn draw(&self, style: Style) -> ProblemDrawing<'_> {
        PolicyProblem::draw_all(self.problems(), style)
    }
}

impl PolicyProblem {
    /// Draws some problems for a person: each with the words of the file that it is about.
    pub fn draw_all(problems: &[Self], style: Style) -> ProblemDrawing<'_> {
        ProblemDrawing { problems, style }
    }
}

impl fmt::Display for ProblemDrawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redactor = Redactor::new();
        let mut veiled: Option<(Arc<str>, veil::Veil)> = None;
        for problem in self.problems.iter().take(PROBLEMS) {
            let paint = match problem.severity {
                Severity::Error => Paint::Problem,
                Severity::Warning => Paint::Word,
            };
            let head = format!("{} in the {} policy", problem.severity.as_str(), problem.layer.as_str());
            write!(f, "{}", paint.on(self.style, head))?;
            if !problem.place.is_empty() {
                write!(f, ", {}", veil::safe(&problem.place, &redactor))?;
            }
            let message = veil::safe(&problem.message, &redactor);
            let Some(span) = &problem.span else {
                writeln!(f, ": {message}")?;
                self.help(f, problem, &redactor)?;
                continue;
            };
            writeln!(f, ":")?;
            if veiled.as_ref().is_none_or(|(text, _)| !Arc::ptr_eq(text, &problem.text)) {
                veiled = Some((Arc::clone(&problem.text), veil::Veil::new(&problem.text, &redactor)));
            }
            let Some((text, veil)) = &veiled else { continue };
            let mark = Mark { bytes: span.clone(), paint, label: message, below: Vec::new() };
            let (lines, _) = frame::draw(text, veil, &[mark], self.style);
            for line in lines {
                writeln!(f, "{line}")?;
            }
            self.help(f, problem, &redactor)?;
        }
        match self.problems.len().checked_sub(PROBLEMS) {
            Some(more) if more > 0 => writeln!(f, "and {more} more"),
            _ => Ok(()),
        }
    }
}

impl ProblemDrawing<'_> {
    fn help(&self, f: &mut fmt::Formatter<'_>, problem: &PolicyProblem, redactor: &Redactor) -> fmt::Result {
        match &problem.help {
            Some(help) => {
                writeln!(f, "  {} {}", Paint::Word.on(self.style, "help:"), veil::safe(help, redactor))
            }
            None => Ok(()),
        }
    }
}
