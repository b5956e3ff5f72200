//! The sources of an evaluation as a tree of frames: each below the word it came from.

use super::frame::{self, Mark};
use super::paint::Paint;
use super::{Style, veil};
use crate::evaluation::{Evaluation, Source};
use crate::redact::Redactor;
use crate::shell::Span;

/// Marks drawn in one source, the worst first; the list of findings has the others too.
const MARKS: usize = 24;
/// Frames inside frames; deeper ones stand beside the request.
const DEPTH: usize = 6;
/// Sources drawn in all.
const SOURCES: usize = 32;

/// The drawn lines, and whether something was left out.
pub(super) fn draw(evaluation: &Evaluation, style: Style, redactor: &Redactor) -> (Vec<String>, bool) {
    let mut tree = Tree::new(evaluation, style, redactor);
    let mut lines = Vec::new();
    for root in tree.roots.clone() {
        if root > 0 {
            let Some(source) = evaluation.sources.get(root) else { continue };
            lines.push(Paint::Word.on(style, tree.inside(source)).to_string());
        }
        lines.extend(tree.draw(root));
    }
    (lines, tree.cut)
}

struct Tree<'e> {
    evaluation: &'e Evaluation,
    style: Style,
    redactor: &'e Redactor,
    /// Sources that are drawn on their own, in order.
    roots: Vec<usize>,
    /// For each source those that are drawn below one of its words.
    children: Vec<Vec<usize>>,
    /// What there is to underline in each source.
    marks: Vec<Vec<Mark>>,
    cut: bool,
}

impl<'e> Tree<'e> {
    fn new(evaluation: &'e Evaluation, style: Style, redactor: &'e Redactor) -> Self {
        let count = evaluation.sources.len();
        let mut tree = Self {
            evaluation,
            style,
            redactor,
            roots: Vec::new(),
            children: std::iter::repeat_with(Vec::new).take(count).collect(),
            marks: std::iter::repeat_with(Vec::new).take(count).collect(),
            cut: false,
        };
        tree.underline();
        tree.grow();
        tree
    }

    /// Deals out the findings and problems to their sources, one mark for each place.
    fn underline(&mut self) {
        let findings = self.evaluation.findings.iter().map(|finding| {
            let unknown = if finding.unknown && finding.rule != "unknown" { ", unknown" } else { "" };
            let label = format!("{}: {}{unknown}", finding.risk, veil::line(&finding.rule));
            (finding.source, finding.span, Paint::Risk(finding.risk), label)
        });
        let problems = self.evaluation.problems.iter().map(|problem| {
            let label = format!("cannot be read: {}", veil::line(&problem.message));
            (problem.source, problem.span, Paint::Problem, label)
        });
        for (source, span, paint, label) in findings.chain(problems) {
            let Some(marks) = self.marks.get_mut(source as usize) else { continue };
            let bytes = span.start as usize..span.end.max(span.start) as usize;
            let room = marks.len() < MARKS;
            match marks.iter_mut().find(|mark| mark.bytes == bytes) {
                Some(mark) if mark.label.split("; ").any(|part| part == label) => {}
                Some(mark) => {
                    mark.label.push_str("; ");
                    mark.label.push_str(&label);
                }
                None if room => marks.push(Mark { bytes, paint, label, below: Vec::new() }),
                None => self.cut = true,
            }
        }
    }

    /// Hangs every source with marks, and every source on the way to one, below its parent.
    fn grow(&mut self) {
        let evaluation = self.evaluation;
        let mut wanted: Vec<bool> = self.marks.iter().map(|marks| !marks.is_empty()).collect();
        if let Some(request) = wanted.first_mut() {
            *request = true;
        }
        // A source comes after the one it stands in, so one pass from the end finds all.
        for (at, source) in evaluation.sources.iter().enumerate().rev() {
            let parent = self.parent(at, source).filter(|_| wanted.get(at) == Some(&true));
            if let Some(wanted) = parent.and_then(|(parent, _)| wanted.get_mut(parent)) {
                *wanted = true;
            }
        }
        let mut depths = vec![0_usize; evaluation.sources.len()];
        let drawn = evaluation.sources.iter().enumerate().filter(|&(at, _)| wanted.get(at) == Some(&true));
        for (count, (at, source)) in drawn.enumerate() {
            if count == SOURCES {
                self.cut = true;
                break;
            }
            let parent = self.parent(at, source).map(|(parent, _)| parent);
            let depth = parent.and_then(|parent| depths.get(parent)).map_or(0, |depth| depth + 1);
            match parent.and_then(|parent| self.children.get_mut(parent)) {
                Some(siblings) if depth < DEPTH => {
                    siblings.push(at);
                    if let Some(slot) = depths.get_mut(at) {
                        *slot = depth;
                    }
                }
                _ => self.roots.push(at),
            }
        }
    }

    /// The source that holds the word this one came from. Only an earlier one can: whatever
    /// an evaluation that was made by hand says, the tree has no circles.
    fn parent(&self, at: usize, source: &Source) -> Option<(usize, Span)> {
        let (invocation, span) = source.parent?;
        let parent = self.evaluation.invocations.get(invocation as usize)?.source as usize;
        (parent < at).then_some((parent, span))
    }

    /// Draws one source and those inside it.
    fn draw(&mut self, at: usize) -> Vec<String> {
        let evaluation = self.evaluation;
        let Some(source) = evaluation.sources.get(at) else { return Vec::new() };
        let mut marks = self.marks.get_mut(at).map(std::mem::take).unwrap_or_default();
        for child in self.children.get_mut(at).map(std::mem::take).unwrap_or_default() {
            let Some(source) = evaluation.sources.get(child) else { continue };
            let Some((_, span)) = self.parent(child, source) else { continue };
            let bytes = span.start as usize..span.end.max(span.start) as usize;
            let label = format!("{}:", self.inside(source));
            let mut below = self.draw(child);
            below.insert(0, String::new());
            marks.push(Mark { bytes, paint: Paint::Frame, label, below });
        }
        let (lines, cut) =
            frame::draw(&source.text, &veil::Veil::new(&source.text, self.redactor), &marks, self.style);
        self.cut |= cut;
        lines
    }

    /// Who runs the source: "inside `bash -c`".
    fn inside(&self, source: &Source) -> String {
        let invocation = source.parent.and_then(|(at, _)| self.evaluation.invocations.get(at as usize));
        let words = invocation.map(|invocation| invocation.argv.as_slice()).unwrap_or_default();
        let before = words.iter().map_while(|word| word.as_deref()).take_while(|word| {
            word.len() <= 24 && !word.contains(char::is_whitespace) && *word != source.text
        });
        let mut name = String::new();
        for word in before.take(4) {
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(&veil::safe(word, self.redactor));
        }
        if name.is_empty() { "inside".into() } else { format!("inside `{name}`") }
    }
}
