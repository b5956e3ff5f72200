//! Characters that make a text look like another one: control and bidi characters, blanks that
//! are none, letters of another script inside a word.

use guardrail_schema::Risk;

use super::{Case, Found};
use crate::lower::SourceId;
use crate::redact::{self, InvisibleClass};
use crate::shell::Span;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for (index, source) in case.analysis.identified.program.sources.iter().enumerate() {
        let Ok(text) = std::str::from_utf8(source.text) else { continue };
        if let Some((range, class)) = redact::invisible_characters(text).next() {
            let span = Span::new(range.start, range.end);
            found.at(SourceId(index as u32), span, Risk::Medium, false, message(class));
        }
    }
}

const fn message(class: InvisibleClass) -> &'static str {
    match class {
        InvisibleClass::Control => "holds a control character, which can hide what stands beside it",
        InvisibleClass::Bidi => "holds a character that reorders the text as it is shown",
        InvisibleClass::ZeroWidth => "holds a character that takes no room",
        InvisibleClass::Filler => "holds a character that looks like a blank and is none",
        InvisibleClass::Confusable => "holds a letter that looks like another one",
    }
}
