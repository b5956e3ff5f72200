//! Globs of knowledge files: `*` is any run of characters, everything else itself.

/// Whether `text` matches `glob`. Linear in both for one star, never worse than their product.
pub(crate) fn matches(glob: &[u8], text: &[u8]) -> bool {
    compare(glob, text, |a, b| a == b)
}

/// The same, letters of either case alike.
pub(crate) fn matches_any_case(glob: &[u8], text: &[u8]) -> bool {
    compare(glob, text, |a, b| a.eq_ignore_ascii_case(&b))
}

/// Whether one of `globs` matches a value that it declares harmless. A star is no way out of the
/// directory in front of it.
pub(crate) fn is_among(globs: &[String], value: &[u8]) -> bool {
    let climbs = value.split(|&byte| byte == b'/').any(|name| name == b"..");
    let mut globs = globs.iter().filter(|glob| !climbs || !glob.contains('*'));
    globs.any(|glob| matches(glob.as_bytes(), value))
}

#[inline]
fn compare(glob: &[u8], text: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    // Their first or last bytes tell nearly all apart.
    let differ = |a: Option<&u8>, b: Option<&u8>| match (a, b) {
        (Some(&a), Some(&b)) => a != b'*' && !same(a, b),
        (a, _) => a.is_some_and(|a| *a != b'*'),
    };
    if differ(glob.first(), text.first()) || differ(glob.last(), text.last()) {
        return false;
    }
    let (mut g, mut t) = (0, 0);
    // The last star seen, and the text it has to swallow up to now.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match (glob.get(g), text.get(t)) {
            (Some(b'*'), _) => {
                retry = Some((g + 1, t));
                g += 1;
            }
            (Some(&a), Some(&b)) if same(a, b) => {
                g += 1;
                t += 1;
            }
            _ => match retry.as_mut() {
                Some((after, from)) => {
                    *from += 1;
                    // On to where the text goes on as the glob does behind the star.
                    if let (Some(&next), Some(rest)) = (glob.get(*after), text.get(*from..))
                        && next != b'*'
                    {
                        *from += rest.iter().position(|&b| same(next, b)).unwrap_or(rest.len());
                    }
                    (g, t) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    glob.get(g..).is_some_and(|rest| rest.iter().all(|&b| b == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_leads_nowhere_else() {
        let globs = ["/usr/lib/jvm/*".to_owned(), "../x".to_owned()];
        for (value, among) in [
            ("/usr/lib/jvm/17", true),
            ("/usr/lib/jvm/../x", false),
            ("/usr/lib/jvm/a/..", false),
            ("../x", true),
        ] {
            assert_eq!(is_among(&globs, value.as_bytes()), among, "{value}");
        }
    }

    #[test]
    fn stars_match_runs() {
        for (glob, text, expected) in [
            ("describe-*", "describe-instances", true),
            ("describe-*", "describe", false),
            ("*", "", true),
            ("a*b*c", "axxbyybzzc", true),
            ("a*b*c", "axxbyybzz", false),
            ("", "", true),
            ("", "x", false),
            ("abc", "abc", true),
        ] {
            assert_eq!(matches(glob.as_bytes(), text.as_bytes()), expected, "{glob} {text}");
        }
        assert!(matches_any_case(b"namespace*", b"Namespaces"));
    }
}
