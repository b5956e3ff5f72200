//! Glob patterns against known text: what `${x#p}`, `${x%p}` and `${x/p/r}` need.

/// Whether the whole text matches. Linear in text times pattern: one star is remembered, never two.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
            continue;
        }
        if let Some(next) = one(pattern, p, text.get(t).copied().unwrap_or(0)) {
            p = next;
            t += 1;
            continue;
        }
        let Some((star_p, star_t)) = star else { return false };
        star = Some((star_p, star_t + 1));
        p = star_p + 1;
        t = star_t + 1;
    }
    while pattern.get(p) == Some(&b'*') {
        p += 1;
    }
    p >= pattern.len()
}

/// Matches one byte against the pattern element at `p`; the place of the next element.
fn one(pattern: &[u8], p: usize, byte: u8) -> Option<usize> {
    match *pattern.get(p)? {
        b'?' => Some(p + 1),
        b'\\' => match pattern.get(p + 1) {
            Some(&next) => (next == byte).then_some(p + 2),
            None => (byte == b'\\').then_some(p + 1),
        },
        b'[' => bracket(pattern, p, byte).unwrap_or_else(|| (byte == b'[').then_some(p + 1)),
        other => (other == byte).then_some(p + 1),
    }
}

/// A bracket expression: `None` where it is not closed; else where it ends if `byte` is in it.
fn bracket(pattern: &[u8], p: usize, byte: u8) -> Option<Option<usize>> {
    let mut at = p + 1;
    let negated = matches!(pattern.get(at), Some(b'!' | b'^'));
    at += usize::from(negated);
    let first = at;
    let mut inside = false;
    loop {
        let mut low = *pattern.get(at)?;
        if low == b']' && at > first {
            return Some((inside != negated).then_some(at + 1));
        }
        if low == b'\\' {
            at += 1;
            low = *pattern.get(at)?;
        }
        if pattern.get(at + 1) == Some(&b'-') && pattern.get(at + 2).is_some_and(|&b| b != b']') {
            let high = *pattern.get(at + 2)?;
            inside |= (low..=high).contains(&byte);
            at += 3;
        } else {
            inside |= low == byte;
            at += 1;
        }
    }
}

/// Whether a bracket expression names a class (`[[:alpha:]]`), which this matcher does not read.
pub(super) fn has_class(pattern: &[u8]) -> bool {
    pattern.windows(2).any(|pair| matches!(pair, b"[:" | b"[." | b"[="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        assert!(matches(b"*.tar.gz", b"a.b.tar.gz"));
        assert!(matches(b"a?c", b"abc"));
        assert!(matches(b"[a-c]x[!y]", b"bxz"));
        assert!(!matches(b"[a-c]", b"d"));
        assert!(matches(b"\\*", b"*"));
        assert!(!matches(b"\\*", b"x"));
        assert!(matches(b"[", b"["));
        assert!(matches(b"**", b""));
    }
}
