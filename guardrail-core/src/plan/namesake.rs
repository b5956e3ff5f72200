//! Whether two names could be taken for one another: by a person who reads them, or by a directory
//! that does not tell them apart.

use unicode_security::skeleton;

use crate::redact::{InvisibleClass, invisible_characters};

/// Whether two names are one to a reader or a directory: case, white space, what cannot be seen,
/// and letters that look alike aside (`аnna` with a Cyrillic letter, `ANNA`, `anna1` and `annal`).
pub(super) fn are_alike(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (one, other) = (seen(one), seen(other));
    // A capital I is an i to a directory and an l to a reader: each gets its turn.
    by_directory(&one) == by_directory(&other) || by_reader(&one) == by_reader(&other)
}

/// Whether nothing of a name can be seen.
pub(super) fn is_blank(name: &str) -> bool {
    seen(name).is_empty()
}

/// What can be seen of a name, without the space between.
fn seen(name: &str) -> String {
    let mut rest = name;
    let mut kept = String::with_capacity(name.len());
    let mut at = 0;
    for (range, class) in invisible_characters(name) {
        if class != InvisibleClass::Confusable {
            kept.push_str(name.get(at..range.start).unwrap_or_default());
            at = range.end;
            rest = name.get(at..).unwrap_or_default();
        }
    }
    kept.push_str(rest);
    // Joiners and variants stand honestly in some words, and change no name.
    kept.retain(|c| {
        !c.is_whitespace()
            && !matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
    });
    kept
}

fn by_directory(name: &str) -> String {
    skeleton(&name.to_lowercase()).collect()
}

fn by_reader(name: &str) -> String {
    by_directory(&skeleton(name).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_are_one() {
        for other in [
            "anna",
            " Anna ",
            "ANNA",
            "an na",
            "an\u{a0}na",
            "anna\u{200b}",
            "an\u{200d}na",
            "\u{202e}anna",
            "\u{430}nna",
            "\u{ff41}nna",
            "ann\u{251}",
            "anna\u{ad}",
        ] {
            assert!(are_alike("anna", other), "{other:?}");
            assert!(are_alike(other, "anna"), "{other:?}");
        }
        for (one, other) in [
            ("paul1", "paull"),
            ("PAUL1", "paull"),
            ("Ivan", "lvan"),
            ("Ivan", "ivan"),
            ("MIke", "mlke"),
            ("tom", "torn"),
            ("TOM", "torn"),
            ("b0b", "bOb"),
            ("b0b", "bob"),
            ("stra\u{df}e", "STRA\u{1e9e}E"),
        ] {
            assert!(are_alike(one, other), "{one} {other}");
        }
    }

    #[test]
    fn other_people_are_others() {
        for (one, other) in [
            ("anna", "anne"),
            ("anna@a.example", "anna@b.example"),
            ("ian", "lan"),
            ("renée", "renee"),
            ("\u{430}\u{43d}\u{43d}\u{430}", "anna"),
            ("张伟", "张为"),
            ("anna", ""),
        ] {
            assert!(!are_alike(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_name_of_nothing_is_blank() {
        assert!(is_blank("") && is_blank(" \t") && is_blank("\u{200b}\u{3164}\u{2800}"));
        assert!(!is_blank("."));
    }
}
