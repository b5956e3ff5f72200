//! What a manual page says of the value of a flag, and whether that is how the flag is declared.
//!
//! A switch that is read as a flag with a value swallows the word behind it, and a flag with a value that
//! is read as a switch leaves its value behind as an operand: either way the command is another one than
//! the one that runs.

use guardrail_schema::ValueKind;

/// Stands before each word that a page prints with a line below it: the name of a value.
pub(crate) const UNDERLINED: char = '\u{1}';

/// Whether a flag takes a value, as a page has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Takes {
    /// The page does not say, or contradicts itself.
    #[default]
    Untold,
    /// None: `--all`.
    Nothing,
    /// One, attached or the next word: `--file=FILE`, `-f FILE`.
    Value,
    /// One that may be left out, so that only what is attached can be it: `--color[=WHEN]`.
    Attached,
}

impl Takes {
    /// Whether a flag that is declared as `kind` is read as the page says. `clusters` says that letters
    /// attached to it are further flags, unless they are its value.
    #[must_use]
    pub fn agrees(self, clusters: bool, kind: ValueKind) -> bool {
        match self {
            Takes::Untold => true,
            // `--all` takes no other word either way, but `-ab` would lose its second letter.
            Takes::Nothing => kind == ValueKind::None || (!clusters && kind == ValueKind::Optional),
            Takes::Value => matches!(kind, ValueKind::Required | ValueKind::Terminated),
            Takes::Attached => kind == ValueKind::Optional,
        }
    }

    /// In a clause: what the page says.
    #[must_use]
    pub fn says(self) -> &'static str {
        match self {
            Takes::Untold => "may take a value",
            Takes::Nothing => "takes no value",
            Takes::Value => "takes a value",
            Takes::Attached => "takes a value only where it is attached",
        }
    }

    /// What two places of a page say together.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Takes::Untold, told) | (told, Takes::Untold) => told,
            (one, another) if one == another => one,
            _ => Takes::Untold,
        }
    }

    /// What a list of flags (`self`) and the synopsis (`other`) say together: the list tells more of
    /// what it explains, but it may leave away the value that the synopsis shows.
    #[must_use]
    pub(crate) fn beside(self, other: Self) -> Self {
        match (self, other) {
            (Takes::Value | Takes::Attached, Takes::Nothing) => self,
            _ => self.and(other),
        }
    }
}

/// How `kind` is declared, in a clause.
#[must_use]
pub fn declared(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::None => "a switch",
        ValueKind::Required | ValueKind::Terminated => "one with a value",
        ValueKind::Optional => "one with a value that may be attached",
    }
}

/// What `text`, which stands behind the flag `name` up to the next one, shows of its value.
pub(crate) fn shown(name: &str, text: &str) -> Takes {
    let short = name.chars().count() == 2;
    let mut letters = text.chars();
    match letters.next() {
        Some('[') => match letters.next() {
            Some('=') if flips(letters.as_str()) => Takes::Nothing,
            Some('=') if letters.as_str().starts_with(']') => Takes::Value,
            Some('=') => Takes::Attached,
            // `-v[v]` is said again.
            Some(letter) if short && !name.ends_with(letter) => Takes::Attached,
            _ => Takes::Untold,
        },
        Some('=') => {
            let value = letters.as_str();
            if flips(value) {
                Takes::Nothing
            } else if value.starts_with("[]") {
                // A list that is empty where it is left out.
                Takes::Value
            } else if value.starts_with('[') && value.trim_end().ends_with(']') {
                Takes::Untold
            } else {
                Takes::Value
            }
        }
        Some(UNDERLINED) if text.contains("\u{1}[") => shown(name, letters.as_str()),
        Some(UNDERLINED | '<' | '{' | '\'' | '"') => Takes::Value,
        Some(' ') if letters.as_str().trim_start().starts_with('<') => Takes::Value,
        Some(' ') if !letters.as_str().starts_with(' ') => word(letters.as_str()),
        Some(':') if letters.next().is_some_and(char::is_alphanumeric) => Takes::Untold,
        _ => Takes::Nothing,
    }
}

/// What a word behind a blank is: a value, or the beginning of something else.
fn word(text: &str) -> Takes {
    // Behind two blanks begins the text.
    let term = text.split("  ").next().unwrap_or(text).trim_end_matches([' ', ',', '|', '/', '(', '[']);
    let mut words = term.split_whitespace();
    let Some(first) = words.next() else { return Takes::Nothing };
    let behind = words.clone().count();
    let named = first.trim_start_matches(['=', '+']);
    if first.starts_with('(') || ["or", "and", "|", "/", ",", ":", "–", "—"].contains(&first) {
        return Takes::Nothing;
    }
    if first.starts_with('[') {
        return Takes::Untold;
    }
    if first.starts_with('=') || named.starts_with([UNDERLINED, '<', '{', '"', '\'', '$']) {
        return Takes::Value;
    }
    let letter =
        |accepts: fn(&char) -> bool| named.chars().filter(|c| c.is_alphabetic()).all(|c| accepts(&c));
    let capitals = letter(|c| c.is_ascii_uppercase()) && named.chars().any(|c| c.is_alphanumeric());
    let prose = ["A", "I"].contains(&first) && behind > 0;
    let small = named.chars().next().is_some_and(|c| c.is_lowercase());
    let sentence = term.ends_with('.') && !term.ends_with("...");
    if (capitals && !prose) || named.contains('|') || (small && behind < 2 && !sentence) {
        Takes::Value
    } else {
        Takes::Untold
    }
}

/// Whether `value` says nothing but whether it is on.
fn flips(value: &str) -> bool {
    let value = value.trim_start_matches([UNDERLINED, '"', '{', '(']);
    let word = value.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    matches!(word, "true" | "false")
}

/// What the flags of one term take, by what each of them shows: `-f, --file=FILE` shows it once for both.
pub(crate) fn together(mut term: Vec<(String, Takes)>) -> Vec<(String, Takes)> {
    let any = |wanted: Takes| term.iter().any(|(_, takes)| *takes == wanted);
    let (value, attached) = (any(Takes::Value), any(Takes::Attached));
    for (name, takes) in &mut term {
        if *takes == Takes::Nothing && (value || attached) {
            let negated = name.trim_start_matches('-').starts_with("no");
            *takes = if value && !attached && !negated { Takes::Value } else { Takes::Untold };
        }
    }
    term
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_flag() {
        use Takes::{Attached, Nothing, Untold, Value};
        for (name, text, wanted) in [
            ("--all", "", Nothing),
            ("--all", "   All of it.", Nothing),
            ("-1", " (the digit one)", Nothing),
            ("-a", ", ", Nothing),
            ("-e", " or ", Nothing),
            ("--file", "=FILE", Value),
            ("--file", " FILE", Value),
            ("-f", " file   Its name.", Value),
            ("-f", "\u{1}file", Value),
            ("-f", " \u{1}file is read", Value),
            ("-f", "<file>", Value),
            ("--format", " {a|b}", Value),
            ("-k", "  <keytab>", Value),
            ("--label", "\u{1}[=LABEL]", Attached),
            ("--lines", "=[-]NUM", Value),
            ("--since", "=", Value),
            ("--all", "=false", Nothing),
            ("--all", "[=false]      All of it.", Nothing),
            ("--set", "=[]      These.", Value),
            ("--when", "[=WHEN]", Attached),
            ("--charset", "[=]charset", Value),
            ("-i", "[SUFFIX]", Attached),
            ("-v", "[v]", Untold),
            ("--on", "=[yes|no]", Untold),
            ("--to", " [FILE]", Untold),
            ("-s", " Suppress what it would say", Untold),
            ("-s", " suppress what it would say", Untold),
            ("-q", " A list", Untold),
        ] {
            assert_eq!(shown(name, text), wanted, "{name}{text}");
        }
    }

    #[test]
    fn a_term_shows_the_value_once() {
        use Takes::{Attached, Nothing, Untold, Value};
        let term = |list: &[(&str, Takes)]| {
            let list = list.iter().map(|(name, takes)| ((*name).to_owned(), *takes)).collect();
            together(list).into_iter().map(|(_, takes)| takes).collect::<Vec<_>>()
        };
        assert_eq!(term(&[("-f", Nothing), ("--file", Value)]), [Value, Value]);
        assert_eq!(term(&[("-a", Nothing), ("--all", Nothing)]), [Nothing, Nothing]);
        assert_eq!(term(&[("-F", Nothing), ("--classify", Attached)]), [Untold, Attached]);
        assert_eq!(term(&[("--pager", Value), ("--no-pager", Nothing)]), [Value, Untold]);
    }

    #[test]
    fn what_two_places_say() {
        use Takes::{Attached, Nothing, Untold, Value};
        assert_eq!(Untold.and(Value), Value);
        assert_eq!(Nothing.and(Value), Untold);
        assert_eq!(Value.beside(Nothing), Value);
        assert_eq!(Nothing.beside(Value), Untold);
        assert_eq!(Attached.beside(Value), Untold);
    }

    #[test]
    fn what_agrees() {
        for (takes, agrees) in [
            (Takes::Nothing, [true, false, false, false]),
            (Takes::Value, [false, true, true, false]),
            (Takes::Attached, [false, false, false, true]),
            (Takes::Untold, [true, true, true, true]),
        ] {
            let kinds = [ValueKind::None, ValueKind::Required, ValueKind::Terminated, ValueKind::Optional];
            assert_eq!(kinds.map(|kind| takes.agrees(true, kind)), agrees, "{takes:?}");
        }
        assert!(Takes::Nothing.agrees(false, ValueKind::Optional));
        assert!(!Takes::Nothing.agrees(false, ValueKind::Required));
    }
}
