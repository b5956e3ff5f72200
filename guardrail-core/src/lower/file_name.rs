//! The name of a file as far as a script tells it, so that two mentions of one file are seen to
//! be one: relative to one place, without `.` and `..`, with a hole for each unknown piece. A hole
//! says what flowed into it, so `"$d/x"` is one file wherever it is written.

use crate::glob;
use crate::lower::{Lead, Origin, Value, Word};

/// The name of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileName(Vec<u8>);

/// Holes stand between these two; no path holds a zero byte.
const OPEN: u8 = 0;
const CLOSE: u8 = 1;

/// Where the names of a request start from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Roots<'r> {
    pub(crate) cwd: Option<&'r [u8]>,
    pub(crate) home: Option<&'r [u8]>,
}

impl FileName {
    /// A piece of a name that cannot be known.
    pub(crate) const HOLE: &'static [u8] = &[OPEN, CLOSE];

    /// The file that `word` names from `directory`, a path from the request's own.
    pub(crate) fn of(word: &Word<'_>, directory: &Word<'_>, roots: Roots<'_>) -> Self {
        let mut name = Self(Vec::with_capacity(word.prefix().len() + 2));
        if !name.start(word, roots) {
            if !name.start(directory, roots) {
                name.0.push(b'.');
                if let Some(cwd) = roots.cwd {
                    name.0.clear();
                    name.push(cwd);
                }
                name.push(&text_of(directory));
            }
            name.push(&text_of(word));
        }
        name.through_proc(roots);
        name
    }

    /// Takes the word where it leads to a place of its own; else nothing.
    fn start(&mut self, word: &Word<'_>, roots: Roots<'_>) -> bool {
        let text = text_of(word);
        match (word.lead, roots.home) {
            (Lead::Home, Some(home)) => self.push(home),
            (Lead::Home, None) => self.0.push(b'~'),
            (Lead::OtherHome, _) => self.0.extend_from_slice(b"~~"),
            _ if text.first() == Some(&b'/') => {}
            // What begins with something unknown may begin with a slash.
            _ if text.first() == Some(&OPEN) && word.pattern.is_none() && word.lead == Lead::Text => {
                self.0.push(b'?');
            }
            _ => return false,
        }
        self.push(&text);
        true
    }

    fn push(&mut self, path: &[u8]) {
        for part in path.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    let last = self.0.iter().rposition(|byte| *byte == b'/');
                    match last.filter(|&at| self.0.get(at + 1..) != Some(b"..")) {
                        Some(at) => self.0.truncate(at),
                        // `/..` is `/`.
                        None if self.0.is_empty() => {}
                        None => self.0.extend_from_slice(b"/.."),
                    }
                }
                part => {
                    self.0.push(b'/');
                    self.0.extend_from_slice(part);
                }
            }
        }
    }

    /// `/proc/self/cwd/x` is `x`, and `/proc/self/root/x` is `/x`.
    fn through_proc(&mut self, roots: Roots<'_>) {
        if !self.0.starts_with(b"/proc/") {
            return;
        }
        let text = std::mem::take(&mut self.0);
        let mut parts = text.split(|byte| *byte == b'/').skip(3);
        let rest: Vec<&[u8]> = match parts.next() {
            Some(b"root") => parts.collect(),
            Some(b"cwd") => {
                match roots.cwd {
                    Some(cwd) => self.push(cwd),
                    None => self.0.push(b'.'),
                }
                parts.collect()
            }
            _ => {
                self.0 = text;
                return;
            }
        };
        rest.iter().for_each(|part| self.push(part));
    }

    /// A file directly in this directory.
    pub(crate) fn join(&self, name: &[u8]) -> Self {
        let mut joined = self.clone();
        joined.push(name);
        joined
    }

    /// The file of that name in a directory that [`Self::above`] gave.
    pub(crate) fn below(directory: &[u8], name: &[u8]) -> Self {
        Self(directory.to_vec()).join(name)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether all of it is known.
    pub(crate) fn is_exact(&self) -> bool {
        !self.0.contains(&OPEN)
    }

    /// Whether nothing of it is known.
    pub(crate) fn is_nothing(&self) -> bool {
        let [b'?', b'/', OPEN, rest @ ..] = self.as_bytes() else { return false };
        rest.iter().position(|byte| *byte == CLOSE).is_some_and(|end| end + 1 == rest.len())
    }

    /// The last piece.
    pub(crate) fn leaf(&self) -> &[u8] {
        self.0.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
    }

    /// The directories above it, nearest first.
    pub(crate) fn above(&self) -> impl Iterator<Item = &[u8]> {
        let slashes = self.0.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
        slashes.filter_map(|(at, _)| self.0.get(..at))
    }

    /// Whether two names may be those of one file. Where nothing is known of one, it is the other
    /// only if the same flowed into both.
    pub(crate) fn may_be(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        if self.is_nothing() || other.is_nothing() {
            return false;
        }
        match (self.is_exact(), other.is_exact()) {
            (true, true) => false,
            (true, false) => glob::matches(&other.glob(), &self.0),
            (false, true) => glob::matches(&self.glob(), &other.0),
            (false, false) => {
                let (a, b) = (self.glob(), other.glob());
                let ends = |text: &[u8]| text.rsplit(|byte| *byte == b'*').next().map(<[u8]>::len);
                let starts = |text: &[u8]| text.split(|byte| *byte == b'*').next().map(<[u8]>::len);
                let end = ends(&a).min(ends(&b)).unwrap_or_default();
                let start = starts(&a).min(starts(&b)).unwrap_or_default();
                a.get(..start) == b.get(..start)
                    && a.get(a.len() - end.min(a.len())..) == b.get(b.len() - end.min(b.len())..)
            }
        }
    }

    /// A glob of the names that it may be.
    fn glob(&self) -> Vec<u8> {
        let mut glob = Vec::with_capacity(self.0.len());
        let mut hole = false;
        let text = self.0.strip_prefix(b"?/").unwrap_or(&self.0);
        for &byte in text {
            match byte {
                OPEN => {
                    hole = true;
                    glob.push(b'*');
                }
                CLOSE => hole = false,
                byte if !hole => glob.push(byte),
                _ => {}
            }
        }
        glob
    }
}

/// The text of a word, with a hole for each unknown piece.
fn text_of(word: &Word<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    if let Some(pattern) = word.pattern {
        let mut bytes = pattern.iter();
        while let Some(&byte) = bytes.next() {
            match byte {
                b'*' | b'?' => text.extend_from_slice(&[OPEN, CLOSE]),
                b'[' if bytes.as_slice().contains(&b']') => {
                    text.extend_from_slice(&[OPEN, CLOSE]);
                    bytes.by_ref().find(|byte| **byte == b']');
                }
                b'\\' => text.extend(bytes.next()),
                byte => text.push(byte),
            }
        }
        return text;
    }
    match word.value {
        Value::Known(known) => text.extend_from_slice(known),
        Value::Partial { suffix, .. } if word.lead != Lead::Text => text.extend_from_slice(suffix),
        Value::Partial { prefix, suffix } => {
            text.extend_from_slice(prefix);
            hole(&mut text, word.from);
            text.extend_from_slice(suffix);
        }
        Value::Unknown => hole(&mut text, word.from),
    }
    text
}

fn hole(text: &mut Vec<u8>, from: &[Origin<'_>]) {
    text.push(OPEN);
    for origin in from {
        match origin {
            Origin::Channel(channel) => {
                text.push(b'c');
                text.extend_from_slice(channel.0.to_string().as_bytes());
            }
            Origin::Variable(name) => {
                text.push(b'v');
                text.extend_from_slice(name);
            }
            Origin::Input => text.push(b'i'),
            Origin::Files(..) => text.push(b'f'),
        }
        text.push(b',');
    }
    text.push(CLOSE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower::ChannelId;
    use crate::shell::Span;

    fn known(text: &str) -> Word<'_> {
        Word::known(text.as_bytes(), Span::default())
    }

    fn name(word: &str, directory: &str) -> String {
        let name = FileName::of(&known(word), &known(directory), Roots::default());
        String::from_utf8(name.0).unwrap()
    }

    #[test]
    fn one_file_has_one_name() {
        assert_eq!(name("x", ""), "./x");
        assert_eq!(name("./a/../x", ""), "./x");
        assert_eq!(name("x", "d"), name("d/x", ""));
        assert_eq!(name("../x", "d"), "./x");
        assert_eq!(name("../x", ""), "./../x");
        assert_eq!(name("../../x", ""), "./../../x");
        assert_eq!(name("/tmp//a/.", "d"), "/tmp/a");
        assert_eq!(name("/../a", ""), "/a");
        assert_eq!(name("/proc/self/cwd/x", ""), "./x");
        assert_eq!(name("/proc/1/root/x", ""), "/x");
        let roots = Roots { cwd: Some(b"/srv"), home: Some(b"/home/u") };
        let of = |word: &Word<'_>, at: &str| FileName::of(word, &known(at), roots).0;
        assert_eq!(of(&known("x"), "d"), b"/srv/d/x");
        let home =
            Word { value: Value::Partial { prefix: b"", suffix: b"/x" }, lead: Lead::Home, ..known("") };
        assert_eq!(of(&home, ""), b"/home/u/x");
        assert_eq!(FileName::of(&home, &known(""), Roots::default()).0, b"~/x");
    }

    #[test]
    fn unknown_pieces_are_what_flowed_into_them() {
        let from = |channel| -> &'static [Origin<'static>] {
            if channel == 1 { &[Origin::Channel(ChannelId(1))] } else { &[Origin::Channel(ChannelId(2))] }
        };
        let hole = |prefix, suffix, channel| Word {
            value: Value::Partial { prefix, suffix },
            from: from(channel),
            ..Word::unknown(Span::default())
        };
        let of = |word: &Word<'_>| FileName::of(word, &known(""), Roots::default());
        let a = of(&hole(b"", b"/x", 1));
        assert_eq!(a, of(&hole(b"", b"/x", 1)));
        assert!(a.may_be(&of(&hole(b"", b"/x", 2))));
        assert!(!a.may_be(&of(&hole(b"", b"/y", 1))));
        assert!(a.may_be(&of(&known("d/x"))));
        assert!(!a.may_be(&of(&known("d/y"))));
        let nothing = of(&Word { from: from(1), ..Word::unknown(Span::default()) });
        assert!(nothing.is_nothing());
        assert!(!nothing.may_be(&of(&known("x"))));
        assert!(nothing.may_be(&nothing.clone()));
        let glob = Word { pattern: Some(b"*.sh"), ..Word::unknown(Span::default()) };
        assert!(of(&glob).may_be(&of(&known("a.sh"))));
        assert!(!of(&glob).may_be(&of(&known("a.py"))));
    }

    #[test]
    fn directories_above() {
        let name = FileName::of(&known("d/e/x"), &known(""), Roots::default());
        assert_eq!(name.above().collect::<Vec<_>>(), [&b"./d/e"[..], b"./d", b"."]);
        assert_eq!(name.leaf(), b"x");
    }
}
