//! One line of source text as columns on a screen: what is dangerous to print made visible,
//! secrets hidden, and the middle of a very long line left out.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use super::paint::Paint;
use super::{Style, veil::Veil};

/// A line of up to this many bytes is shown whole.
const WHOLE: usize = 160;
/// How much of a long line is shown before a place that matters, and behind its ends.
const BEFORE: usize = 24;
const AFTER: usize = 48;
/// A gap of fewer bytes than its own announcement is not worth a gap.
const GAP: usize = 24;

/// A line ready to be printed, with the columns its bytes ended up in.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// What to print.
    pub(super) text: String,
    /// Whether part of the line was left out.
    pub(super) cut: bool,
    /// The byte each printed cell starts at, with its column; ascending.
    stops: Vec<(usize, usize)>,
    width: usize,
}

impl Row {
    /// Lays out the bytes `line` of `text`; of a long line only what is around `places`.
    pub(super) fn new(text: &str, line: Range<usize>, places: &[usize], veil: &Veil, style: Style) -> Self {
        let mut row = Self::default();
        let mut at = line.start;
        for keep in kept(&line, places) {
            if keep.start > at {
                row.gap(at..keep.start, style);
            }
            at = row.show(text, keep, veil, style).max(at);
        }
        if line.end > at {
            row.gap(at..line.end, style);
        }
        row.stops.push((line.end, row.width));
        row
    }

    /// The column at which the cell of this byte begins.
    pub(super) fn column(&self, byte: usize) -> usize {
        let after = self.stops.partition_point(|&(start, _)| start <= byte);
        after.checked_sub(1).and_then(|i| self.stops.get(i)).map_or(0, |&(_, column)| column)
    }

    /// The columns of a range of bytes, at least one wide.
    pub(super) fn columns(&self, bytes: Range<usize>) -> Range<usize> {
        let start = self.column(bytes.start);
        // The last byte's cell counts whole: a hidden secret or a gap is marked as one.
        let end = self.stops.get(self.stops.partition_point(|&(first, _)| first < bytes.end));
        let end = end.map_or(self.width, |&(_, column)| column);
        start..end.max(start + 1)
    }

    /// Appends the characters of `range`, and tells how far it got: a secret that starts in the
    /// range is one cell, wherever it ends.
    fn show(&mut self, text: &str, range: Range<usize>, veil: &Veil, style: Style) -> usize {
        let mut at = boundary(text, range.start);
        while at < range.end {
            if let Some((end, replacement)) = veil.at(at) {
                self.cell(at, replacement.width(), format_args!("{}", Paint::Stand.on(style, replacement)));
                at = end.max(at + 1);
                continue;
            }
            let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
            let next = at + character.len_utf8();
            match character {
                ' '..='~' => self.cell(at, 1, format_args!("{character}")),
                '\t' => self.cell(at, 4, format_args!("    ")),
                // What is printed for other characters begins with this bracket.
                '⟨' => self.cell(at, 8, format_args!("⟨U+27E8⟩")),
                _ => {
                    let shown = text.get(at..next).unwrap_or_default();
                    self.cell(at, shown.width(), format_args!("{shown}"));
                }
            }
            at = next;
        }
        at
    }

    fn gap(&mut self, range: Range<usize>, style: Style) {
        let note = format!("[.. {} bytes ..]", range.len());
        self.cut = true;
        self.cell(range.start, note.len(), format_args!("{}", Paint::Stand.on(style, &note)));
    }

    fn cell(&mut self, byte: usize, width: usize, shown: std::fmt::Arguments<'_>) {
        self.stops.push((byte, self.width));
        self.width += width;
        // Writing to a string cannot fail.
        let _ = std::fmt::Write::write_fmt(&mut self.text, shown);
    }
}

/// The last boundary between characters that is not behind `at`.
pub(super) fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// The parts of a line to show, ascending and apart.
fn kept(line: &Range<usize>, places: &[usize]) -> Vec<Range<usize>> {
    if line.len() <= WHOLE {
        return vec![line.clone()];
    }
    let mut wanted: Vec<_> = places
        .iter()
        .filter(|place| (line.start..=line.end).contains(place))
        .map(|&place| place.saturating_sub(BEFORE).max(line.start)..(place + AFTER).min(line.end))
        .collect();
    // How the line begins tells what it is.
    wanted.push(line.start..line.start + if wanted.is_empty() { WHOLE } else { AFTER });
    wanted.sort_by_key(|range| range.start);
    let mut kept: Vec<Range<usize>> = Vec::with_capacity(wanted.len());
    for range in wanted {
        match kept.last_mut() {
            Some(last) if range.start <= last.end + GAP => last.end = last.end.max(range.end),
            _ => kept.push(range),
        }
    }
    if let Some(last) = kept.last_mut().filter(|last| line.end <= last.end + GAP) {
        last.end = line.end;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str, places: &[usize]) -> Row {
        Row::new(text, 0..text.len(), places, &Veil::default(), Style::Plain)
    }

    #[test]
    fn a_short_line_is_shown_whole() {
        let row = row("ls -la", &[]);
        assert_eq!((row.text.as_str(), row.cut), ("ls -la", false));
        assert_eq!(row.columns(3..6), 3..6);
    }

    #[test]
    fn a_wide_character_takes_its_columns() {
        let text = "rm 猫 x";
        let row = row(text, &[]);
        assert_eq!(row.columns(3..6), 3..5);
        assert_eq!(row.columns(7..8), 6..7);
    }

    #[test]
    fn spans_off_the_boundaries_still_have_columns() {
        let row = row("é", &[]);
        assert_eq!(row.columns(1..1), 0..1);
        assert_eq!(row.columns(1..2), 0..1);
        assert_eq!(row.columns(99..100), 1..2);
    }

    #[test]
    fn a_long_line_is_cut_around_the_places() {
        let text = format!("{} rm {}", "a".repeat(1_000_000), "b".repeat(1_000_000));
        let row = row(&text, &[1_000_001, 1_000_003]);
        assert!(row.cut && row.text.len() < 250, "{}", row.text);
        let columns = row.columns(1_000_001..1_000_003);
        assert_eq!(row.text.get(columns), Some("rm"));
    }
}
