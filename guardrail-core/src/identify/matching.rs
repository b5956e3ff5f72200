//! Whether a value is what a condition of a case asks for.

use guardrail_schema::EXACT;

use crate::glob;
use crate::identify::template;
use crate::lower::{Form, Lead, Value, Word};

/// What stands before the fields of a template, in a condition.
const ONLY: &str = "only ";

/// What stands before what awk does with some lines.
const LINES: &str = "lines ";

/// Whether a text matches one of the globs, and none behind `not `; behind `only ` stand the fields that a template may
/// print, behind `exact ` what counts in its own case alone.
pub(super) fn matches_any(globs: &[String], text: &[u8]) -> bool {
    let matches = |glob: &str| {
        if let Some(fields) = glob.strip_prefix(ONLY) {
            template::prints_only(text, fields)
        } else if let Some(action) = glob.strip_prefix(LINES) {
            template::acts_on_lines(text, action)
        } else if let Some(spelled) = glob.strip_prefix(EXACT) {
            spelled.as_bytes() == text
        } else {
            glob::matches_any_case(glob.as_bytes(), text)
        }
    };
    let (mut wanted, mut refused) = (false, false);
    for glob in globs {
        match glob.strip_prefix("not ") {
            Some(glob) => refused |= matches(glob),
            None => wanted |= matches(glob),
        }
    }
    wanted && !refused
}

/// Whether a word that is not wholly known could match a glob: its known beginning must agree
/// with the glob's own.
pub(super) fn may_match(glob: &[u8], word: Word<'_>) -> bool {
    if word.lead != Lead::Text {
        // A home or working directory: a path.
        if let (Value::Partial { suffix, .. }, true) = (word.value, word.from.is_empty()) {
            // All of it but the directory's own path is known.
            let mut path = b"/-".to_vec();
            path.extend_from_slice(suffix);
            return glob::matches_any_case(glob, &path) || matches!(glob.first(), Some(b'/' | b'~'));
        }
        return matches!(glob.first(), Some(b'/' | b'~' | b'*'));
    }
    if [ONLY, LINES, EXACT].iter().any(|mark| glob.starts_with(mark.as_bytes())) {
        return true;
    }
    // The caller's own address is what it should be; what is put behind it counts.
    if word.begins_with_own_address() {
        return glob.first() == Some(&b'*') && glob::matches_any_case(glob, word.suffix());
    }
    if is_of_ids(&word) {
        let found = glob_finds_ids(glob);
        // Behind its own beginning, only what it splits into.
        if word.prefix().is_empty() || (found && word.splits) {
            return found;
        }
    }
    let literal = glob.iter().position(|&b| b == b'*').and_then(|star| glob.get(..star)).unwrap_or(glob);
    let known = word.prefix();
    let shared = literal.len().min(known.len());
    match (literal.get(..shared), known.get(..shared)) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => true,
    }
}

/// Whether a word, and each of the words that it may become, is in the form of [`Form::Ids`], behind text that
/// begins no flag and names nothing but a key (`Start=$(date +%F),End=...`).
pub(super) fn is_of_ids(word: &Word<'_>) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let named = |byte: &u8| plain(byte) || b"=,".contains(byte);
    let prefix = word.prefix();
    let key = prefix.first().is_some_and(u8::is_ascii_alphanumeric) && prefix.iter().all(named);
    word.form >= Form::Ids
        && ((prefix.is_empty() && word.suffix().iter().all(plain))
            || (key && word.suffix().iter().all(named)))
}

/// Whether a glob could match something in the form of [`Form::Ids`].
fn glob_finds_ids(glob: &[u8]) -> bool {
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"*._~^-/:@".contains(byte);
    let piece =
        |piece: &[u8]| piece.first().is_some_and(|first| first.is_ascii_alphanumeric() || *first == b'*');
    glob.iter().all(known) && glob.split(|byte| b"/:@".contains(byte)).all(piece)
}
