//! What one word of an argument list may be, as a rule and as a regular expression of JavaScript.
//!
//! A word that is let through is one that no shell changes and no program takes for a flag: letters,
//! digits and `_./:,@%+=-`, of which only some may begin it. So it does not matter whether the
//! matcher saw the words before or after a shell expanded them.

use std::collections::BTreeSet;

/// What a word begins with.
pub(super) const FIRST: &str = "[A-Za-z0-9_./:]";
/// What it goes on with.
pub(super) const NEXT: &str = "[A-Za-z0-9_./:,@%+=-]";

/// Names that stand for a revision in most repositories, and for no secret in any.
const REVISIONS: &[&str] = &["HEAD", "ORIG_HEAD", "FETCH_HEAD", "main", "master", "develop", "trunk"];

/// Words that are let through.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word {
    kind: Kind,
    refused: BTreeSet<Refused>,
}

/// Which words there are before any is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// All that no shell changes.
    #[default]
    Plain,
    /// `HEAD`, `main`, digests; with `~1` and `^` behind them, or two with `..` between.
    Revision,
}

/// Words that are not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Refused {
    /// Those that match a glob.
    Whole { glob: String, any_case: bool },
    /// `key=...` or `key`, where the key matches a glob; letters of either case alike.
    Key(String),
    /// Those that begin so.
    Start(String),
    /// Those in which it stands.
    Holds(String),
}

impl Word {
    /// Words that can only be revisions, and no paths that hold secrets.
    pub(super) fn revision() -> Self {
        Self { kind: Kind::Revision, refused: BTreeSet::new() }
    }

    /// Refuses what matches a glob. Returns whether anything may be left.
    pub(super) fn refuse(&mut self, glob: &str, any_case: bool) -> bool {
        self.refused.insert(Refused::Whole { glob: glob.to_owned(), any_case });
        !glob.chars().all(|c| c == '*')
    }

    /// Refuses `key=value` for keys that match a glob. Returns whether anything may be left.
    pub(super) fn refuse_key(&mut self, glob: &str) -> bool {
        self.refused.insert(Refused::Key(glob.to_owned()));
        !glob.chars().all(|c| c == '*')
    }

    /// Refuses what begins with a text; with `*` before it, what holds it anywhere. Returns whether
    /// anything may be left.
    pub(super) fn refuse_start(&mut self, start: &str) -> bool {
        let rest = start.trim_start_matches('*');
        self.refused.insert(if rest.len() < start.len() {
            Refused::Holds(rest.to_owned())
        } else {
            Refused::Start(start.to_owned())
        });
        !rest.is_empty()
    }

    /// Whether a word is let through. Of revisions, only names are known here.
    pub(super) fn admits(&self, text: &str) -> bool {
        let first = |c: char| c.is_ascii_alphanumeric() || "_./:".contains(c);
        let next = |c: char| c.is_ascii_alphanumeric() || "_./:,@%+=-".contains(c);
        let inside = match self.kind {
            Kind::Plain => text.starts_with(first) && text.chars().all(next),
            // Only ever asked of samples.
            Kind::Revision => REVISIONS.contains(&text),
        };
        inside
            && !self.refused.iter().any(|refused| match refused {
                Refused::Whole { glob, any_case } => matches(glob, text, *any_case),
                Refused::Key(glob) => matches(glob, text.split('=').next().unwrap_or(text), true),
                Refused::Start(start) => text.starts_with(start.as_str()),
                Refused::Holds(inside) => text.contains(inside.as_str()),
            })
    }

    /// The regular expression of the word alone; the zero byte that ends it comes behind.
    pub(super) fn regex(&self) -> String {
        let mut out = String::new();
        for any_case in [false, true] {
            let globs: Vec<_> = self
                .refused
                .iter()
                .filter_map(|refused| match refused {
                    Refused::Whole { glob, any_case: case } if *case == any_case => Some(glob),
                    _ => None,
                })
                .map(|glob| glob_regex(glob, any_case, "[^\0]*"))
                .collect();
            if !globs.is_empty() {
                out.push_str(&format!("(?!{}\0)", any_of(globs)));
            }
        }
        let others = self.refused.iter().filter_map(|refused| match refused {
            Refused::Whole { .. } => None,
            Refused::Key(glob) => Some(format!("{}[=\0]", glob_regex(glob, true, "[^\0=]*"))),
            Refused::Start(start) => Some(escaped(start)),
            Refused::Holds(inside) => Some(format!("[^\0]*{}", escaped(inside))),
        });
        let others: Vec<_> = others.collect();
        if !others.is_empty() {
            out.push_str(&format!("(?!{})", others.join("|")));
        }
        match self.kind {
            Kind::Plain => out + FIRST + NEXT + "*",
            Kind::Revision => {
                let one = format!("(?:{}|[0-9a-f]{{7,40}})(?:[~^][0-9]*)*", REVISIONS.join("|"));
                out + &format!("{one}(?:[.][.][.]?{one})?")
            }
        }
    }
}

/// `(?:a|b)`, or `a` where there is one.
pub(super) fn any_of(mut texts: Vec<String>) -> String {
    match texts.len() {
        1 => texts.pop().unwrap_or_default(),
        _ => format!("(?:{})", texts.join("|")),
    }
}

/// A glob as a regular expression, with `star` for its stars.
pub(super) fn glob_regex(glob: &str, any_case: bool, star: &str) -> String {
    let mut out = String::new();
    for c in glob.chars() {
        match c {
            '*' => out.push_str(star),
            c if any_case && c.is_ascii_alphabetic() => {
                out.extend(['[', c.to_ascii_lowercase(), c.to_ascii_uppercase(), ']']);
            }
            c => out.push_str(&escaped(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out
}

/// A text as a regular expression.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\^$.|?*+()[]{}".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Whether a text matches a glob, whose `*` is any run of characters.
pub(super) fn matches(glob: &str, text: &str, any_case: bool) -> bool {
    let same = |a: char, b: char| a == b || (any_case && a.eq_ignore_ascii_case(&b));
    // Which places of the text the glob may have come to.
    let text: Vec<char> = text.chars().collect();
    let mut at: Vec<bool> = std::iter::once(true).chain(text.iter().map(|_| false)).collect();
    for g in glob.chars() {
        let mut next = vec![false; at.len()];
        let mut reached = false;
        for (place, (here, slot)) in at.iter().zip(next.iter_mut()).enumerate() {
            if g == '*' {
                reached |= *here;
                *slot = reached;
            } else if let Some(before) = place.checked_sub(1) {
                *slot = at.get(before).is_some_and(|b| *b) && text.get(before).is_some_and(|c| same(g, *c));
            }
        }
        at = next;
    }
    at.last().is_some_and(|end| *end)
}

/// Whether some word could match both globs: what is fixed at their ends must agree.
pub(super) fn overlap(a: &str, b: &str) -> bool {
    match (a.contains('*'), b.contains('*')) {
        (false, _) => matches(b, a, false),
        (_, false) => matches(a, b, false),
        (true, true) => {
            let start = |glob: &str| glob.split('*').next().unwrap_or("").to_owned();
            let end = |glob: &str| glob.rsplit('*').next().unwrap_or("").to_owned();
            let (a_start, b_start) = (start(a), start(b));
            let (a_end, b_end) = (end(a), end(b));
            (a_start.starts_with(&b_start) || b_start.starts_with(&a_start))
                && (a_end.ends_with(&b_end) || b_end.ends_with(&a_end))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (glob, text, any_case, wanted) in [
            ("*", "", false, true),
            ("a*c", "abc", false, true),
            ("a*c", "abcd", false, false),
            ("*secret*", "mySECRETs", true, true),
            ("*secret*", "mySECRETs", false, false),
            ("secret/*", "secret/", true, true),
            ("a", "", false, false),
        ] {
            assert_eq!(matches(glob, text, any_case), wanted, "{glob} {text}");
            let regex = format!("^{}$", glob_regex(glob, any_case, "[^\0]*"));
            assert_eq!(regress::Regex::new(&regex).unwrap().find(text).is_some(), wanted, "{regex} {text}");
        }
        assert!(overlap("describe-*", "*-policy"));
        assert!(overlap("get-*", "get-secret-value"));
        assert!(!overlap("get-*", "put-*"));
        assert!(!overlap("ec2", "s3"));
    }

    #[test]
    fn revisions_are_no_paths() {
        let regex = regress::Regex::new(&format!("^{}\0$", Word::revision().regex())).unwrap();
        for (text, wanted) in [
            ("HEAD", true),
            ("HEAD~1", true),
            ("HEAD^^", true),
            ("main..HEAD~2", true),
            ("0123abc", true),
            ("0123abc...main", true),
            ("HEAD:.env", false),
            ("id_rsa", false),
            ("main/x", false),
            ("..", false),
            ("HEAD^{tree}", false),
            ("--output", false),
            ("abc", false),
        ] {
            assert_eq!(regex.find(&format!("{text}\0")).is_some(), wanted, "{text:?}");
        }
    }

    #[test]
    fn the_regular_expression_is_the_rule() {
        let mut word = Word::default();
        assert!(word.refuse("secret*", true));
        assert!(word.refuse("dump", false));
        assert!(word.refuse_key("file"));
        assert!(word.refuse_start("file://"));
        assert!(word.refuse_start("*@"));
        let regex = regress::Regex::new(&format!("^{}\0$", word.regex())).unwrap();
        for (text, wanted) in [
            ("pods", true),
            ("Secrets", false),
            ("dump", false),
            ("Dump", true),
            ("FILE=x", false),
            ("files=x", true),
            ("file", false),
            ("file:x", true),
            ("file://x", false),
            ("a@b", false),
            ("-x", false),
            ("=x", false),
            ("", false),
            ("a b", false),
            ("a\nb", false),
            ("a*", false),
            ("$x", false),
            ("a\u{e9}", false),
        ] {
            assert_eq!(word.admits(text), wanted, "{text:?}");
            assert_eq!(regex.find(&format!("{text}\0")).is_some(), wanted, "{text:?}");
        }
    }
}
