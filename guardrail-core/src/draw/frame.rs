//! One source text with its marks: line numbers, underlines and brackets.

use std::fmt::Write as _;
use std::ops::Range;

use super::paint::Paint;
use super::row::Row;
use super::{Style, veil::Veil};

/// A line between two shown ones is shown too if no more than this many are missing.
const BRIDGE: usize = 1;
/// Lines of a marked range that are shown at its beginning; its last one always is.
const HEAD: usize = 4;
/// Lines shown of a text that has no marks.
const UNMARKED: usize = 8;
/// Brackets that can stand beside each other.
const BRACKETS: usize = 4;

/// A range of bytes with something to say about it.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) bytes: Range<usize>,
    pub(super) paint: Paint,
    /// Already safe to print.
    pub(super) label: String,
    /// Lines to put below it, already drawn; each without its newline.
    pub(super) below: Vec<String>,
}

/// What to draw it from.
#[derive(Debug)]
pub(super) struct Frame<'t> {
    text: &'t str,
    veil: &'t Veil,
    style: Style,
    /// Where each line starts.
    starts: Vec<usize>,
    /// Columns of a line number.
    digits: usize,
    lines: Vec<String>,
    cut: bool,
}

/// The lines a mark covers, and the bracket beside them if they are several.
#[derive(Debug)]
struct Placed<'m> {
    mark: &'m Mark,
    lines: Range<usize>,
    bracket: Option<usize>,
}

impl Placed<'_> {
    const fn first(&self) -> usize {
        self.lines.start
    }

    const fn last(&self) -> usize {
        self.lines.end
    }
}

/// The drawn lines, and whether something of the text was left out.
pub(super) fn draw(text: &str, veil: &Veil, marks: &[Mark], style: Style) -> (Vec<String>, bool) {
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    let mut starts: Vec<_> = starts.collect();
    if text.ends_with('\n') {
        starts.pop();
    }
    let mut frame = Frame { text, veil, style, starts, digits: 1, lines: Vec::new(), cut: false };
    let placed = frame.place(marks);
    let shown = frame.shown(&placed);
    frame.digits = shown.last().map_or(1, |last| (last + 1).to_string().len());
    frame.draw(&placed, &shown);
    (frame.lines, frame.cut)
}

impl Frame<'_> {
    /// Finds the lines of each mark, in the order of the text, and deals out the brackets.
    fn place<'m>(&self, marks: &'m [Mark]) -> Vec<Placed<'m>> {
        let mut placed: Vec<_> = marks
            .iter()
            .map(|mark| {
                let start = mark.bytes.start.min(self.text.len());
                let last = self.line_of(mark.bytes.end.min(self.text.len()).saturating_sub(1).max(start));
                Placed { mark, lines: self.line_of(start)..last, bracket: None }
            })
            .collect();
        // Outer marks before inner ones: they get the outer brackets.
        placed.sort_by_key(|p| (p.mark.bytes.start, std::cmp::Reverse(p.mark.bytes.end)));
        let mut taken_to = [None; BRACKETS];
        for p in placed.iter_mut().filter(|p| p.lines.start < p.lines.end) {
            let free = taken_to.iter().position(|to| to.is_none_or(|to| to < p.lines.start));
            if let Some(slot) = free.and_then(|free| taken_to.get_mut(free)) {
                *slot = Some(p.lines.end);
                p.bracket = free;
            }
        }
        placed
    }

    fn line_of(&self, byte: usize) -> usize {
        self.starts.partition_point(|&start| start <= byte).saturating_sub(1)
    }

    /// The bytes of a line without its newline.
    fn bytes(&self, line: usize) -> Range<usize> {
        let start = self.starts.get(line).copied().unwrap_or(self.text.len());
        let end = self.starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let text = self.text.get(start..end).unwrap_or_default();
        start..start + text.strip_suffix('\n').unwrap_or(text).len()
    }

    /// The lines to show, ascending.
    fn shown(&self, placed: &[Placed<'_>]) -> Vec<usize> {
        let count = self.starts.len();
        if placed.is_empty() {
            return (0..count.min(UNMARKED)).collect();
        }
        let mut shown: Vec<_> = placed
            .iter()
            .flat_map(|p| (p.first()..(p.first() + HEAD).min(p.last())).chain([p.first(), p.last()]))
            .collect();
        shown.sort_unstable();
        shown.dedup();
        let mut bridged: Vec<usize> = Vec::with_capacity(shown.len() * 2);
        for line in shown {
            let next = bridged.last().map_or(0, |last| last + 1);
            if line - next <= BRIDGE {
                bridged.extend(next..line);
            }
            bridged.push(line);
        }
        if bridged.last().is_some_and(|last| last + 1 + BRIDGE == count) {
            bridged.push(count - 1);
        }
        bridged
    }

    fn draw(&mut self, placed: &[Placed<'_>], shown: &[usize]) {
        let brackets = placed.iter().filter_map(|p| p.bracket).max().map_or(0, |last| last + 1);
        let mut next = 0;
        for &line in shown {
            if line > next {
                self.left_out(placed, brackets, next);
            }
            self.line(placed, brackets, line);
            next = line + 1;
        }
        if next < self.starts.len() {
            self.left_out(placed, brackets, next);
        }
    }

    /// The row that stands for lines which are not shown, the first of which is `line`.
    fn left_out(&mut self, placed: &[Placed<'_>], brackets: usize, line: usize) {
        self.cut = true;
        let beside = self.beside(placed, brackets, |p| p.first() < line && line <= p.last());
        let dots =
            Paint::Frame.on(self.style, format_args!("{:.<width$}", "", width = self.digits + 2)).to_string();
        self.lines.push(format!("{dots}{beside}").trim_end().to_owned());
    }

    /// A line of the text and all rows below it.
    fn line(&mut self, placed: &[Placed<'_>], brackets: usize, line: usize) {
        let here = |p: &&Placed<'_>| p.first() == line || p.last() == line;
        let places: Vec<_> =
            placed.iter().filter(here).flat_map(|p| [p.mark.bytes.start, p.mark.bytes.end]).collect();
        let bytes = self.bytes(line);
        let row = Row::new(self.text, bytes.clone(), &places, self.veil, self.style);
        self.cut |= row.cut;
        let blank = |byte: usize| {
            self.text.get(bytes.start..byte).is_some_and(|before| before.trim_ascii().is_empty())
        };
        let at_start = |p: &Placed<'_>| p.bracket.is_some() && p.first() == line && blank(p.mark.bytes.start);
        let mut beside = String::new();
        for slot in 0..brackets {
            let of = placed.iter().find(|p| p.bracket == Some(slot) && p.first() <= line && line <= p.last());
            match of {
                Some(p) if p.first() < line => self.bar(&mut beside, p, '|'),
                Some(p) if at_start(p) => self.bar(&mut beside, p, '/'),
                _ => beside.push_str("  "),
            }
        }
        let number = Paint::Frame
            .on(self.style, format_args!("{:>width$} |", line + 1, width = self.digits))
            .to_string();
        self.lines.push(format!("{number} {beside}{}", row.text).trim_end().to_owned());

        for p in placed.iter().filter(|p| p.bracket.is_none() && p.first() == line) {
            // A range that found no free bracket is underlined to the end of its first line.
            let end = p.mark.bytes.end.min(bytes.end.max(p.mark.bytes.start + 1));
            let columns = row.columns(p.mark.bytes.start..end);
            let open =
                |q: &Placed<'_>| q.first() <= line && line <= q.last() && (q.first() < line || at_start(q));
            let beside = self.beside(placed, brackets, open);
            self.underline(&beside, columns, p.mark);
        }
        let starting = placed.iter().filter(|p| p.bracket.is_some() && p.first() == line && !at_start(p));
        for p in starting {
            let open = |q: &Placed<'_>| q.first() < line && line <= q.last() || at_start(q);
            self.corner(placed, brackets, p, row.column(p.mark.bytes.start), open, false);
        }
        let ending = placed.iter().filter(|p| p.bracket.is_some() && p.last() == line);
        for p in ending {
            // Ranges that end here and were drawn before this one are closed.
            let open = |q: &Placed<'_>| {
                q.first() <= line && (q.last() > line || q.last() == line && q.bracket >= p.bracket)
            };
            let last = p.mark.bytes.end.saturating_sub(1).max(bytes.start);
            self.corner(placed, brackets, p, row.columns(last..last + 1).end - 1, open, true);
        }
    }

    /// The gutter of brackets for a row below a line.
    fn beside(&self, placed: &[Placed<'_>], brackets: usize, open: impl Fn(&Placed<'_>) -> bool) -> String {
        let mut beside = String::new();
        for slot in 0..brackets {
            match placed.iter().find(|p| p.bracket == Some(slot) && open(p)) {
                Some(p) => self.bar(&mut beside, p, '|'),
                None => beside.push_str("  "),
            }
        }
        beside
    }

    fn bar(&self, beside: &mut String, of: &Placed<'_>, bar: char) {
        let _ = write!(beside, "{} ", of.mark.paint.on(self.style, bar));
    }

    fn underline(&mut self, beside: &str, columns: Range<usize>, mark: &Mark) {
        let strokes: String = std::iter::repeat_n(mark.paint.stroke(), columns.len()).collect();
        let drawn = mark.paint.on(self.style, format_args!("{strokes} {}", mark.label)).to_string();
        self.below(format_args!("{beside}{:indent$}{drawn}", "", indent = columns.start));
        self.nested(beside, mark);
    }

    /// The row where a bracket begins or ends inside a line.
    fn corner(
        &mut self,
        placed: &[Placed<'_>],
        brackets: usize,
        of: &Placed<'_>,
        column: usize,
        open: impl Fn(&Placed<'_>) -> bool,
        ends: bool,
    ) {
        let slot = of.bracket.unwrap_or(0);
        let mut beside = String::new();
        for outer in 0..slot {
            match placed.iter().find(|p| p.bracket == Some(outer) && open(p)) {
                Some(p) => self.bar(&mut beside, p, '|'),
                None => beside.push_str("  "),
            }
        }
        let mark = of.mark;
        let lead = if ends { "|" } else { " " };
        let line = "_".repeat((brackets - slot) * 2 - 1 + column);
        let label = if ends { format!(" {}", mark.label) } else { String::new() };
        let stroke = mark.paint.stroke();
        let drawn = mark.paint.on(self.style, format_args!("{lead}{line}{stroke}{label}")).to_string();
        self.below(format_args!("{beside}{drawn}"));
        if ends {
            self.nested("", mark);
        }
    }

    fn nested(&mut self, beside: &str, mark: &Mark) {
        for line in &mark.below {
            let drawn = if line.is_empty() { beside.to_owned() } else { format!("{beside}  {line}") };
            self.below(format_args!("{drawn}"));
        }
    }

    /// A row without a line number.
    fn below(&mut self, row: std::fmt::Arguments<'_>) {
        let frame =
            Paint::Frame.on(self.style, format_args!("{:width$} |", "", width = self.digits)).to_string();
        self.lines.push(format!("{frame} {row}").trim_end().to_owned());
    }
}
