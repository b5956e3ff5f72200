//! Colours: what a part of the drawing means, and the ANSI sequence that shows it.

use std::fmt::{self, Display};

use guardrail_schema::Risk;

use super::Style;

/// What a piece of the drawing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// Text that is worth a risk.
    Risk(Risk),
    /// Text the parser could not accept.
    Problem,
    /// Line numbers, bars and other furniture.
    Frame,
    /// The word in front of a note or a help line.
    Word,
    /// A replacement for text that is not shown.
    Stand,
}

impl Paint {
    const fn sequence(self) -> &'static str {
        match self {
            Self::Risk(Risk::Low) => "\x1b[36m",
            Self::Risk(Risk::Medium) => "\x1b[1;33m",
            Self::Risk(Risk::High) => "\x1b[1;35m",
            Self::Risk(Risk::Critical) => "\x1b[1;31m",
            Self::Problem => "\x1b[1;31m",
            Self::Frame => "\x1b[34m",
            Self::Word => "\x1b[1m",
            Self::Stand => "\x1b[2m",
        }
    }

    /// The character that underlines such text; a reader without colours sees the worst first.
    pub(super) const fn stroke(self) -> char {
        match self {
            Self::Risk(Risk::High | Risk::Critical) | Self::Problem => '^',
            Self::Risk(Risk::Medium) => '~',
            _ => '-',
        }
    }

    /// The text in this paint, if the style has colours.
    pub(super) fn on<T: Display>(self, style: Style, text: T) -> Painted<T> {
        Painted { paint: self, style, text }
    }
}

/// Text with its paint.
#[derive(Debug)]
pub(super) struct Painted<T> {
    paint: Paint,
    style: Style,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.style {
            Style::Plain => self.text.fmt(f),
            Style::Colour => {
                f.write_str(self.paint.sequence())?;
                self.text.fmt(f)?;
                f.write_str("\x1b[0m")
            }
        }
    }
}
