//! What a line that a reviewer typed means. Only a line that is nothing but a yes is one.

use guardrail_core::plan::Say;
use serde_json::Value;

/// The longest line that is read, in bytes.
pub(crate) const LONGEST: usize = 4096;

/// What a line means; `None` where that cannot be told.
///
/// | line | is |
/// |---|---|
/// | `yes`, `approve` | a yes; a word more, and it is not understood |
/// | `no`, `cancel`, `reject`, with or without a reason behind it | a no |
/// | `explain`, `explain step 2`, `why step 2` | a question |
/// | `use 5 replicas instead of 3`, `use 5 for replicas`, `set replicas = 5` | a parameter with another value |
/// | `change ...`, or `use` and more than a value and a name | a change in these words |
/// | `show` | a wish to see all of it |
/// | `stop`, with or without a reason | a stop |
///
/// Words of commands may be in capitals; letters that look like Latin ones are others.
///
/// ```
/// use guardrail_approve::understand;
/// use guardrail_core::plan::Say;
///
/// assert_eq!(understand("Yes"), Some(Say::Approve(None)));
/// assert_eq!(understand("yes but with 3 replicas"), None);
/// assert_eq!(understand("explain step 2"), Some(Say::Explain(Some(2))));
/// let change = Say::Change { parameter: "replicas".into(), value: 5.into() };
/// assert_eq!(understand("use 5 replicas instead of 3"), Some(change));
/// ```
#[must_use]
pub fn understand(line: &str) -> Option<Say> {
    if line.len() > LONGEST {
        return None;
    }
    let line = line.trim_matches(|c: char| c.is_ascii_whitespace());
    if line.chars().any(char::is_control) {
        return None;
    }
    let (first, rest) = match line.find(|c: char| !c.is_ascii_alphabetic()) {
        Some(end) => line.split_at_checked(end)?,
        None => (line, ""),
    };
    let rest = rest.trim_matches(|c: char| c.is_ascii_whitespace());
    let reason = || {
        let text = rest.trim_start_matches([',', ':', '-', '.', ' ']);
        (!text.is_empty()).then(|| text.to_owned())
    };
    match first.to_ascii_lowercase().as_str() {
        "yes" | "approve" if rest.is_empty() => Some(Say::Approve(None)),
        "no" | "cancel" | "reject" => Some(Say::Reject(reason())),
        "stop" => Some(Say::Stop(reason())),
        "show" if rest.is_empty() => Some(Say::Show),
        "explain" | "why" => explain(rest),
        "use" => wanted(rest).or_else(|| Some(Say::Revise(line.to_owned()))).filter(|_| !rest.is_empty()),
        "set" => set(rest),
        "change" | "revise" if !rest.is_empty() => Some(Say::Revise(line.to_owned())),
        _ => None,
    }
}

fn explain(rest: &str) -> Option<Say> {
    let words: Vec<String> = rest.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
    let words: Vec<&str> = words.iter().map(|word| word.trim_end_matches('?')).collect();
    match words.as_slice() {
        [] | [""] => Some(Say::Explain(None)),
        ["step", number] | [number] => {
            Some(Say::Explain(Some(number.parse().ok().filter(|number| *number > 0)?)))
        }
        _ => None,
    }
}

/// `5 replicas`, `5 replicas instead of 3`, `5 for replicas`.
fn wanted(rest: &str) -> Option<Say> {
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let (wanted, name) = match words.as_slice() {
        [wanted, name] | [wanted, "for", name] | [wanted, name, "instead", "of", _] => (wanted, name),
        _ => return None,
    };
    change(name, wanted)
}

/// `replicas = 5`, `replicas 5`, `replicas to 5`.
fn set(rest: &str) -> Option<Say> {
    let (name, wanted) = match rest.split_once('=') {
        Some((name, wanted)) => (name.trim(), wanted.trim()),
        None => match rest.split_ascii_whitespace().collect::<Vec<_>>().as_slice() {
            [name, wanted] | [name, "to", wanted] => (*name, *wanted),
            _ => return None,
        },
    };
    change(name, wanted)
}

fn change(name: &str, wanted: &str) -> Option<Say> {
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    (is_name && !wanted.is_empty()).then(|| Say::Change { parameter: name.to_owned(), value: value(wanted) })
}

/// A number or a truth value where it reads as one, and a text where not.
fn value(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::String(_))) => value,
        _ => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        for line in ["yes", " YES \r\n", "approve", "Approve"] {
            assert_eq!(understand(line), Some(Say::Approve(None)), "{line:?}");
        }
        for line in [
            "",
            "y",
            "ok",
            "yes.",
            "yes!",
            "yes no",
            "yes, but use 3",
            "approve step 1",
            "yesyes",
            "ye s",
            "not yes",
            "\u{443}es",
            "y\u{435}s",
            "\u{ff59}es",
            "yes\u{200b}",
            "yes\u{a0}",
            "yes\u{1b}[2K",
            "no\nyes",
            "yes\0",
            "si",
        ] {
            assert_ne!(understand(line), Some(Say::Approve(None)), "{line:?}");
        }
    }

    #[test]
    fn a_no_may_say_more() {
        assert_eq!(understand("no"), Some(Say::Reject(None)));
        assert_eq!(understand("No, not on a Friday"), Some(Say::Reject(Some("not on a Friday".into()))));
        assert_eq!(understand("cancel"), Some(Say::Reject(None)));
        assert_eq!(understand("stop: wrong cluster"), Some(Say::Stop(Some("wrong cluster".into()))));
        assert_eq!(understand("nope"), None);
    }

    #[test]
    fn questions_and_changes() {
        assert_eq!(understand("explain"), Some(Say::Explain(None)));
        assert_eq!(understand("why step 3?"), Some(Say::Explain(Some(3))));
        assert_eq!(understand("explain step 0"), None);
        assert_eq!(understand("explain everything"), None);
        assert_eq!(understand("show"), Some(Say::Show));
        let change = |parameter: &str, value: Value| Some(Say::Change { parameter: parameter.into(), value });
        assert_eq!(understand("use 5 replicas instead of 3"), change("replicas", 5.into()));
        assert_eq!(understand("use v1.2 for tag"), change("tag", "v1.2".into()));
        assert_eq!(understand("set enabled = true"), change("enabled", true.into()));
        assert_eq!(understand("set note = a b"), change("note", "a b".into()));
        assert_eq!(understand("set tag to 7"), change("tag", 7.into()));
        assert_eq!(understand("set Tag to 7"), None);
        let words = "use a rolling restart for the second step";
        assert_eq!(understand(words), Some(Say::Revise(words.into())));
        assert_eq!(understand("use"), None);
    }

    proptest! {
        #[test]
        fn no_line_panics_and_nothing_but_a_yes_agrees(line in any::<String>()) {
            let plain = line.trim_matches(|c: char| c.is_ascii_whitespace()).to_ascii_lowercase();
            if matches!(understand(&line), Some(Say::Approve(_))) {
                prop_assert!(plain == "yes" || plain == "approve");
            }
        }
    }
}
