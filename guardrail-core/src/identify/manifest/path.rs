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
        let same = |own: &[&[u8]], other: &[&[u8]]| {
            own.len() == other.len()
                && own.iter().zip(other).all(|(a, b)| a == b || (self.pattern && glob::matches(a, b)))
        };
        let length = self.parts.len();
        if self.rooted {
            file.parts.get(..length).is_some_and(|head| same(&self.parts, head))
        } else {
            file.parts.windows(length.max(1)).any(|window| length == 0 || same(&self.parts, window))
        }
    }
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
