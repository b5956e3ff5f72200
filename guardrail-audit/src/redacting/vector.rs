//! Argument vectors read as the command they are: a secret may be one only because of the word
//! before it, as in `["--password", "hunter2"]`.

use serde_json::Value;

use super::Redacting;
use super::rules::Rule;
use super::write::Piece;

/// The most bytes of words that are looked at together.
const MOST: usize = 64 * 1024;

/// What is secret in elements because of the words around them, or because of their own names,
/// with their places. Nothing where the array cannot be an argument vector: that has two words at
/// least, and nothing but texts.
pub(super) fn secrets(redacting: &Redacting, elements: &[Value]) -> Vec<(usize, Piece)> {
    let mut found = Vec::new();
    if elements.len() < 2 || !elements.iter().all(Value::is_string) {
        return found;
    }
    let words = || elements.iter().map(|element| element.as_str().unwrap_or_default());
    // What a flag says about the next word, and `name=value` about the rest of its own.
    let mut flag = Rule::Allow;
    for (index, word) in words().enumerate() {
        if let Rule::Replace(kind) = std::mem::replace(&mut flag, Rule::Allow)
            && !word.is_empty()
            && !word.starts_with(['-', '$'])
        {
            found.push((index, (0..word.len(), kind)));
            continue;
        }
        let name = word.trim_start_matches('-');
        let dashes = word.len() - name.len();
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        };
        let pair = name.split_once('=').or_else(|| name.split_once(": "));
        match pair {
            Some((name, value)) if is_name(name) && !value.is_empty() && !value.starts_with('$') => {
                if let Rule::Replace(kind) = redacting.rules.of_name(name) {
                    found.push((index, (word.len() - value.len()..word.len(), kind)));
                }
            }
            None if (dashes == 2 || dashes == 1 && name.len() > 2)
                && is_name(name)
                && !takes_no_value(name) =>
            {
                flag = redacting.rules.of_name(name);
            }
            _ => {}
        }
    }
    joined(redacting, words, &mut found);
    found
}

/// Flags that are named after a secret and do not take one.
fn takes_no_value(name: &str) -> bool {
    ["no-", "ask-", "prompt-", "generate-", "show-", "reset-"].iter().any(|start| name.starts_with(start))
}

/// What the redactor sees in the words written one after the other, with a space before each.
fn joined<'w, W: Iterator<Item = &'w str>>(
    redacting: &Redacting,
    words: impl Fn() -> W,
    found: &mut Vec<(usize, Piece)>,
) {
    let length = words().map(|word| word.len() + 1).sum::<usize>();
    if length > MOST {
        return;
    }
    let mut line = String::with_capacity(length);
    for word in words() {
        line.push(' ');
        // A word is one word, whatever is in it: what would end it for a shell does not here.
        // Each byte keeps its place.
        if word.bytes().any(ends_a_word) {
            line.extend(word.chars().map(|c| match u8::try_from(c) {
                Ok(byte) if ends_a_word(byte) => '_',
                _ => c,
            }));
        } else {
            line.push_str(word);
        }
    }
    let secrets = redacting.redactor.secrets(&line);
    if secrets.is_empty() {
        return;
    }
    let mut start = 0;
    for (index, word) in words().enumerate() {
        start += 1;
        let end = start + word.len();
        for (range, kind) in &secrets {
            if range.start >= end || range.end <= start {
                continue;
            }
            // A value that begins with the word is all of it.
            let from = range.start.saturating_sub(start);
            let to = if from == 0 { word.len() } else { range.end.min(end) - start };
            found.push((index, (from..to, kind.name())));
        }
        start = end;
    }
}

/// Whether a shell would end a word here. The signs are the bits of a number.
const fn ends_a_word(byte: u8) -> bool {
    const ENDS: u128 = {
        let mut ends = 0;
        let mut rest: &[u8] = b" \t\n\r\x0c\"'`;|&<>()\\";
        while let [first, more @ ..] = rest {
            ends |= 1 << *first;
            rest = more;
        }
        ends
    };
    byte < 128 && ENDS >> byte & 1 == 1
}

#[cfg(test)]
mod tests {
    use guardrail_core::redact::Redactor;

    use super::super::write::join;
    use super::super::{FieldRules, Redacting};
    use super::*;

    fn shown(words: &[&str]) -> Vec<String> {
        let redactor = Redactor::builder().secret("correct horse battery").unwrap().build().unwrap();
        let redacting = Redacting::new(redactor, FieldRules::standard().field("ssn"), None);
        let elements: Vec<Value> = words.iter().map(|word| Value::from(*word)).collect();
        let found = secrets(&redacting, &elements);
        let show = |(index, word): (usize, &&str)| {
            let pieces = found.iter().filter(|(at, _)| *at == index).map(|(_, piece)| piece.clone());
            let mut shown = (*word).to_owned();
            for (range, _) in join(pieces.collect()).into_iter().rev() {
                shown.replace_range(range, "***");
            }
            shown
        };
        words.iter().enumerate().map(show).collect()
    }

    #[test]
    fn the_word_before_says_what_it_is() {
        for (words, expected) in [
            (&["login", "--password", "hunter2"][..], &["login", "--password", "***"][..]),
            (&["login", "--password", "it's a; secret"], &["login", "--password", "***"]),
            (&["login", "--password", "plain"], &["login", "--password", "***"]),
            (&["curl", "-u", "me:s3cr3t", "https://x"], &["curl", "-u", "me:***", "https://x"]),
            (&["x", "--ssn", "12"], &["x", "--ssn", "***"]),
            (&["x", "--ssn=12", "b"], &["x", "--ssn=***", "b"]),
            (&["SSN=12", "x"], &["SSN=***", "x"]),
            (&["curl", "-H", "X-Api-Key: a b"], &["curl", "-H", "X-Api-Key: ***"]),
            (&["say", "correct", "horse", "battery", "staple"], &["say", "***", "***", "***", "staple"]),
        ] {
            assert_eq!(shown(words), expected);
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for words in [
            &["psql", "--password", "-h", "db"][..],
            &["login", "--password", "$PASSWORD"],
            &["kubectl", "get", "secret", "db"],
            &["git", "log", "--author", "me"],
            &["", "", "a"],
            &["x", "--no-password", "y"],
        ] {
            assert_eq!(shown(words), words);
        }
    }
}
