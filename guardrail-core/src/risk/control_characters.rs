//! Characters that make a text look like another one: control and bidi characters, blanks that
//! are none, letters of another script inside a word.

use guardrail_schema::Risk;

use super::{Case, Found};
use crate::lower::SourceId;
use crate::redact;
use crate::shell::Span;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for (index, source) in case.analysis.identified.program.sources.iter().enumerate() {
        let Ok(text) = std::str::from_utf8(source.text) else { continue };
        if let Some((range, class)) = redact::invisible_characters(text).next() {
            let span = Span::new(range.start, range.end);
            found.at(SourceId(index as u32), span, Risk::Medium, false, class.message());
        }
    }
}
