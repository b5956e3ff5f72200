//! Whether a command word can be trusted to be the tool it is named after.
//!
//! A bare name is: the executor pins what it resolves to when the action is approved. A name with
//! a slash is only under directories that belong to the system.

/// Where a system keeps its programs.
const DIRECTORIES: &[&[u8]] = &[
    b"/bin",
    b"/sbin",
    b"/usr/bin",
    b"/usr/sbin",
    b"/usr/local/bin",
    b"/usr/local/sbin",
    b"/opt/homebrew/bin",
    b"/opt/homebrew/sbin",
    b"/run/current-system/sw/bin",
    b"/snap/bin",
];

/// A command word, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    /// The last component.
    pub(crate) base: &'a [u8],
    /// Whether it may be allowed as the tool it is named after.
    pub(crate) trusted: bool,
    /// Whether it was given as a path.
    pub(crate) path: bool,
}

impl<'a> Name<'a> {
    pub(crate) fn of(word: &'a [u8]) -> Self {
        match word.iter().rposition(|&b| b == b'/') {
            None => Self { base: word, trusted: true, path: false },
            Some(slash) => {
                let (directory, base) = word.split_at(slash);
                let base = base.get(1..).unwrap_or_default();
                Self { base, trusted: is_trusted_directory(directory), path: true }
            }
        }
    }

    /// `python3.12` is `python3`, then `python`: names a version suffix is taken from.
    pub(crate) fn without_version(base: &'a [u8]) -> Option<&'a [u8]> {
        let end = base.iter().rposition(|b| !b.is_ascii_digit() && *b != b'.' && *b != b'-')? + 1;
        base.get(..end).filter(|stem| stem.len() < base.len())
    }
}

/// Whether programs in `directory` are the system's. It must be spelled plainly: with `..` or
/// doubled slashes in it nobody knows what a link would make of it.
pub(crate) fn is_trusted_directory(directory: &[u8]) -> bool {
    DIRECTORIES.contains(&directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_trusted_only_under_system_directories() {
        for (word, base, trusted) in [
            ("cat", "cat", true),
            ("/bin/cat", "cat", true),
            ("/usr/bin/cat", "cat", true),
            ("/tmp/evil/cat", "cat", false),
            ("./cat", "cat", false),
            ("/usr/bin/../../tmp/cat", "cat", false),
            ("//bin/cat", "cat", false),
            ("/cat", "cat", false),
        ] {
            let name = Name::of(word.as_bytes());
            assert_eq!((name.base, name.trusted), (base.as_bytes(), trusted), "{word}");
        }
    }

    #[test]
    fn version_suffixes_come_off() {
        assert_eq!(Name::without_version(b"python3.12"), Some(&b"python"[..]));
        assert_eq!(Name::without_version(b"gcc-12"), Some(&b"gcc"[..]));
        assert_eq!(Name::without_version(b"cat"), None);
        assert_eq!(Name::without_version(b"7"), None);
    }
}
