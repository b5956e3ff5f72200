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

pub use bumpalo::Bump;
pub use outline::outline;
pub use print::print;
pub use problem::{Problem, ProblemKind};
pub use script::*;
pub use span::Span;

use crate::Limits;

/// Reads `text` as a program, which then lives in `arena`.
///
/// This never fails. What could not be read is a [`Problem`], and the commands before it (also
/// inside of a construct that was not complete) are in the script. Nothing recurses deeper than
/// [`Limits::depth`], and the time is bounded by [`Limits::steps_per_byte`].
#[must_use]
pub fn parse<'s>(arena: &'s Bump, text: &'s [u8], limits: &Limits) -> Script<'s> {
    let mut parser = cursor::Parser::new(arena, text, limits);
    parser.note_zero_bytes();
    let body = parser.program();
    parser.finish(body)
}

/// Reads `text` as the body of an unquoted here-document: for what the shell expands later, such
/// as subscripts given as strings, prompts and arithmetic. The script's own body is empty; the
/// word's parts belong to the script.
#[must_use]
pub fn parse_template<'s>(arena: &'s Bump, text: &'s [u8], limits: &Limits) -> (Script<'s>, Word) {
    let mut parser = cursor::Parser::new(arena, text, limits);
    parser.note_zero_bytes();
    let parts = parser.template();
    (parser.finish(Slice::EMPTY), Word { parts, span: Span::new(0, text.len().min(u32::MAX as usize)) })
}

#[cfg(test)]
fn parsed(text: &str) -> Script<'_> {
    // As long as the test: it is handed out like a constant.
    parse(Box::leak(Box::new(Bump::new())), text.as_bytes(), &Limits::STANDARD)
}

#[cfg(test)]
fn outlined(text: &str) -> String {
    outline(&parsed(text))
}

#[cfg(test)]
mod tests {
    use super::{Bump, Limits, Part, ProblemKind, parse, parse_template, parsed};

    #[test]
    fn a_template_is_text_with_expansions() {
        let text = br#"a "$x" '$(b)' \$c `d`"#;
        let arena = Bump::new();
        let (script, word) = parse_template(&arena, text, &Limits::STANDARD);
        assert!(script.body().is_empty());
        let parts = script.parts(word.parts);
        assert!(matches!(
            parts,
            [
                Part::Literal(_),
                Part::Parameter(_),
                Part::Literal(_),
                Part::CommandSubstitution { .. },
                Part::Literal(_),
                Part::Escaped(_),
                Part::Literal(_),
                Part::CommandSubstitution { .. },
            ]
        ));
        let (script, _) = parse_template(&arena, b"$(a", &Limits::STANDARD);
        assert_eq!(script.problems().len(), 1);
    }

    #[test]
    fn zero_bytes_and_split_names_are_problems() {
        assert_eq!(parsed("a \0 b").problems()[0].kind, ProblemKind::ZeroByte);
        assert_eq!(parsed("PA\\\nTH=/x a").problems()[0].kind, ProblemKind::SplitName);
        assert_eq!(parsed("$x\\\ny").problems()[0].kind, ProblemKind::SplitName);
    }

    #[test]
    fn carriage_returns_and_wide_blanks_belong_to_words() {
        for text in ["a\r", "\u{feff}a", "a\u{a0}b", "a\u{200b}b", "a\u{c}b"] {
            let script = parsed(text);
            assert_eq!(script.words.len(), 1, "{text:?}");
            assert_eq!(script.words[0].span.len(), text.len(), "{text:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_kept() {
        let arena = Bump::new();
        let script = parse(&arena, b"a \xff\\\xfe \xc3", &Limits::STANDARD);
        assert_eq!(script.problems(), []);
        assert_eq!(script.words.len(), 3);
    }
}
