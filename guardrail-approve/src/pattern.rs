//! Patterns over the targets of effects: `*` is anything but a slash, `**` is anything.

/// Whether a whole text is of a pattern. A text with `..` between slashes is of none, since it
/// leads elsewhere than it reads.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    if text.split('/').any(|part| part == "..") {
        return false;
    }
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    // Where to go on after a mismatch: the latest star of either kind with how far it reached.
    let (mut at, mut in_text) = (0, 0);
    let mut single: Option<(usize, usize)> = None;
    let mut double = None;
    loop {
        match (pattern.get(at), text.get(in_text)) {
            (Some(b'*'), _) if pattern.get(at + 1) == Some(&b'*') => {
                at += 2;
                (single, double) = (None, Some((at, in_text)));
            }
            (Some(b'*'), _) => {
                at += 1;
                single = Some((at, in_text));
            }
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == found => (at, in_text) = (at + 1, in_text + 1),
            _ => match (single, double) {
                (Some((behind, reached)), _) if text.get(reached).is_some_and(|byte| *byte != b'/') => {
                    single = Some((behind, reached + 1));
                    (at, in_text) = (behind, reached + 1);
                }
                (_, Some((behind, reached))) if reached < text.len() => {
                    (single, double) = (None, Some((behind, reached + 1)));
                    (at, in_text) = (behind, reached + 1);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars() {
        for (pattern, text) in [
            ("a", "a"),
            ("*", "abc"),
            ("/srv/*", "/srv/a"),
            ("/srv/**", "/srv/a/b"),
            ("/srv/*/x", "/srv/a/x"),
            ("/srv/**/x", "/srv/a/b/x"),
            ("**x*y", "a/x/xby"),
            ("*a*b", "xaxbab"),
            ("", ""),
            ("**", ""),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("a", "ab"),
            ("a", ""),
            ("*", "a/b"),
            ("/srv/*", "/srv/a/b"),
            ("/srv/**", "/srv/../etc/passwd"),
            ("/srv/**", "/srvx"),
            ("/srv/**", "/srv"),
            ("*a*b", "xbxa"),
            ("", "a"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_cost_little() {
        let pattern = "*a".repeat(2_000);
        assert!(!matches(&pattern, &"a".repeat(1_999)));
        assert!(!matches(&"**a".repeat(500), &format!("{}b", "a/".repeat(2_000))));
    }
}
