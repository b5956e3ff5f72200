//! Paths to documents, compared by their texts: links are nobody's to see here.

use bumpalo::Bump;

use crate::glob;
use crate::lower::{Lead, Value, Word};

/// A path, its `.` and `..` resolved by its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path<'p> {
    /// Whether its beginning is known; else it may lie anywhere.
    pub(super) rooted: bool,
    pub(super) parts: Vec<&'p [u8]>,
    /// Whether it begins at the root of the file system.
    absolute: bool,
    /// Whether the last part is a pattern.
    pub(super) pattern: bool,
}

impl<'p> Path<'p> {
    pub(super) fn of(cwd: Option<&'p [u8]>, directory: &Word<'p>, word: &Word<'p>) -> Self {
        let pattern = word.pattern.is_some();
        let mut path = Self { rooted: true, parts: Vec::new(), absolute: false, pattern };
        if let Some(cwd) = cwd {
            path.absolute = true;
            path.push(cwd);
        }
        for word in [directory, word] {
            match (word.pattern.or(word.as_known()), word.value) {
                (Some(text), _) => {
                    if text.first() == Some(&b'/') {
                        path.parts.clear();
                        path.rooted = true;
                        path.absolute = true;
                    }
                    path.push(text);
                }
                (None, Value::Partial { suffix, .. }) => {
                    path.parts.clear();
                    path.rooted = false;
                    // What stands before its first slash is the end of something.
                    let whole = match word.lead {
                        Lead::Text => suffix.iter().position(|byte| *byte == b'/'),
                        _ => Some(0),
                    };
                    path.push(whole.and_then(|at| suffix.get(at..)).unwrap_or_default());
                }
                (None, _) => {
                    path.parts.clear();
                    path.rooted = false;
                }
            }
        }
        path
    }

    pub(super) fn push(&mut self, text: &'p [u8]) {
        for part in text.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    // Above where the request stands, if nobody says where that is.
                    if self.parts.last().is_none_or(|last| *last == b"..") && !self.absolute {
                        self.parts.push(part);
                    } else {
                        self.parts.pop();
                    }
                }
                part => self.parts.push(part),
            }
        }
    }

    /// Whether it may name `file`, or a directory that holds it.
    pub(super) fn may_hold(&self, file: &Self) -> bool {
        let length = self.parts.len();
        if self.rooted {
            file.parts.get(..length).is_some_and(|head| self.fits(head))
        } else {
            file.parts.windows(length.max(1)).any(|window| length == 0 || self.fits(window))
        }
    }

    /// Whether all that is known of its end is the end of `file`, so that it may be that very file.
    pub(super) fn may_end(&self, file: &Self) -> bool {
        let length = self.parts.len();
        let end = file.parts.len().checked_sub(length).and_then(|at| file.parts.get(at..));
        let whole = !self.rooted || file.parts.len() == length;
        length > 0 && whole && end.is_some_and(|end| self.fits(end))
    }

    fn fits(&self, other: &[&[u8]]) -> bool {
        let same = |(own, other): (&&[u8], &&[u8])| own == other || (self.pattern && matches(own, other));
        self.parts.len() == other.len() && self.parts.iter().zip(other).all(same)
    }
}

/// Whether a piece of a shell's pattern may be that name: everything in it that is not plain text may be
/// any.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let mut loose = Vec::with_capacity(pattern.len());
    let mut bytes = pattern.iter();
    while let Some(&byte) = bytes.next() {
        let close = match byte {
            b'?' | b'*' | b'+' | b'@' | b'!' | b'\\' => {
                loose.push(b'*');
                continue;
            }
            b'[' => b']',
            b'(' => b')',
            byte => {
                loose.push(byte);
                continue;
            }
        };
        loose.push(b'*');
        // Up to the last one: what stands in between may hold others.
        if let Some(end) = bytes.as_slice().iter().rposition(|byte| *byte == close) {
            bytes = bytes.as_slice().get(end + 1..).unwrap_or_default().iter();
        }
    }
    glob::matches(&loose, name)
}

/// The path that a word is in a directory, from where the request stands, for whoever opens it.
/// `None` where a piece of it cannot be known, or where it is a pattern.
pub(super) fn spelled<'a>(arena: &'a Bump, directory: &Word<'a>, word: &Word<'a>) -> Option<&'a str> {
    let known = |word: &Word<'a>| word.as_known().filter(|_| word.pattern.is_none());
    let text = known(word).filter(|text| !text.is_empty())?;
    let path = match (text.first(), known(directory)?) {
        (Some(b'/'), _) | (_, b"") => text.to_vec(),
        (_, directory) => [directory, text].join(&b'/'),
    };
    let path = String::from_utf8(path).ok().filter(|path| !path.contains('\0'))?;
    Some(arena.alloc_str(&path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::Span;

    fn path<'p>(directory: &'p str, text: &'p str) -> Path<'p> {
        let word = |text: &'p str| Word::known(text.as_bytes(), Span::default());
        Path::of(Some(b"/srv/app"), &word(directory), &word(text))
    }

    #[test]
    fn patterns_may_be_what_they_match() {
        for (pattern, name) in [
            ("r?ac.yaml", "rbac.yaml"),
            ("[qr]bac.y*ml", "rbac.yaml"),
            ("[!a]bac.yaml", "rbac.yaml"),
            ("@(rbac|web).yaml", "rbac.yaml"),
            ("[[:alpha:]]bac.yaml", "rbac.yaml"),
            ("*", "x"),
        ] {
            assert!(matches(pattern.as_bytes(), name.as_bytes()), "{pattern}");
        }
        assert!(!matches(b"web?.yaml", b"rbac.yaml"));
    }

    #[test]
    fn paths_meet_where_they_name_the_same() {
        let file = path("", "k8s/web.yaml");
        for (directory, text) in [
            ("", "k8s/web.yaml"),
            ("k8s", "./web.yaml"),
            ("", "/srv/app/k8s/../k8s/web.yaml"),
            ("", "k8s"),
            ("", "."),
            ("/tmp", "/srv/app/k8s/"),
        ] {
            assert!(path(directory, text).may_hold(&file), "{directory} {text}");
        }
        for (directory, text) in [("", "web.yaml"), ("", "k8s/web"), ("/tmp", "k8s/web.yaml"), ("", "/k8s")] {
            assert!(!path(directory, text).may_hold(&file), "{directory} {text}");
        }
        let unknown = Word::unknown(Span::default());
        assert!(Path::of(None, &Word::known(b"", Span::default()), &unknown).may_hold(&file));
    }
}
