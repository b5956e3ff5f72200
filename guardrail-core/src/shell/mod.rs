//! Shell text to [`Script`]: bash as agents write it, and POSIX sh. Knows nothing of what any
//! program does, and never fails: what it could not read is a [`Problem`] beside the rest.

mod command;
mod compound;
mod conditional;
mod cursor;
mod expansion;
mod heredoc;
mod keyword;
mod list;
mod outline;
mod print;
mod problem;
mod redirect;
mod script;
mod span;
mod word;

use std::borrow::Cow;

pub use outline::outline;
pub use print::print;
pub use problem::{Problem, ProblemKind};
pub use script::*;
pub use span::Span;

use crate::Limits;

/// Reads `text` as a program.
///
/// This never fails. What could not be read is a [`Problem`], and the commands before it (also
/// inside of a construct that was not complete) are in the script. Nothing recurses deeper than
/// [`Limits::depth`], and the time is bounded by [`Limits::steps_per_byte`].
#[must_use]
pub fn parse<'s>(text: &'s [u8], limits: &Limits) -> Script<'s> {
    let mut parser = cursor::Parser::new(text, limits);
    parser.note_zero_bytes();
    let body = parser.program();
    let mut script: Script<'s> = parser.finish(body);
    script.text = Cow::Borrowed(text);
    script
}

/// Reads `text` as the body of an unquoted here-document: for what the shell expands later, such
/// as subscripts given as strings, prompts and arithmetic. The script's own body is empty; the
/// word's parts belong to the script.
#[must_use]
pub fn parse_template<'s>(text: &'s [u8], limits: &Limits) -> (Script<'s>, Word) {
    let mut parser = cursor::Parser::new(text, limits);
    parser.note_zero_bytes();
    let parts = parser.template();
    let mut script: Script<'s> = parser.finish(Slice::EMPTY);
    script.text = Cow::Borrowed(text);
    (script, Word { parts, span: Span::new(0, text.len().min(u32::MAX as usize)) })
}
