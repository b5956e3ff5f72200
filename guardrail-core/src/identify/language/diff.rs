//! Diffs: which files they change. What else they say is for who applies them.

use std::borrow::Cow;

use super::{Act, Found};

/// The files that a diff names, or the commands of an ed script in its place.
pub(super) fn read(text: &[u8]) -> Vec<Found<'_>> {
    let mut found: Vec<Found<'_>> = Vec::new();
    let mut old: Option<&[u8]> = None;
    let mut start = 0;
    let mut named = false;
    for line in text.split(|byte| *byte == b'\n') {
        let at = start..start + line.len();
        start += line.len() + 1;
        let act = if let Some(path) = line.strip_prefix(b"--- ") {
            old = path_of(path);
            named = true;
            continue;
        } else if let Some(path) = line.strip_prefix(b"+++ ") {
            named = true;
            match (path_of(path), old.take()) {
                (Some(path), _) => Act::Write(Some(Cow::Borrowed(path))),
                (None, Some(old)) => Act::Delete(Some(Cow::Borrowed(old))),
                (None, None) => continue,
            }
        } else {
            let says = [&b"rename to "[..], b"copy to ", b"Index: ", b"*** "];
            match says.iter().find_map(|says| line.strip_prefix(*says)).and_then(path_of) {
                // `*** 1,5 ****` is a place in the file.
                Some(path) if !path.ends_with(b"****") => Act::Write(Some(Cow::Borrowed(path))),
                _ => continue,
            }
        };
        named = true;
        if found.len() < MOST && !found.iter().any(|one| one.act == act) {
            found.push(Found { act, at });
        }
    }
    if !named {
        commands(text, &mut found);
    }
    found
}

/// Files of one diff that are told apart.
const MOST: usize = 256;

/// What an ed script hands to a shell.
fn commands<'t>(text: &'t [u8], found: &mut Vec<Found<'t>>) {
    let mut start = 0;
    for line in text.split(|byte| *byte == b'\n') {
        let at = start..start + line.len();
        start += line.len() + 1;
        if let Some(command) = line.trim_ascii_start().strip_prefix(b"!")
            && found.len() < MOST
        {
            found.push(Found { act: Act::Shell(Some(Cow::Borrowed(command))), at });
        }
    }
}

/// The path of a header: without the time behind it, and without git's first letter.
fn path_of(header: &[u8]) -> Option<&[u8]> {
    let path = header.split(|byte| *byte == b'\t').next()?.trim_ascii();
    if path.is_empty() || path == b"/dev/null" {
        return None;
    }
    Some(path.strip_prefix(b"a/").or_else(|| path.strip_prefix(b"b/")).unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use guardrail_schema::Language::Diff;

    use super::super::testing::check;

    #[test]
    fn files_of_a_diff_are_found() {
        check(
            Diff,
            &[
                ("", &[]),
                ("--- a/src/x.rs\n+++ b/src/x.rs\n@@ -1 +1 @@\n-a\n+b\n", &["write:src/x.rs"]),
                ("--- /etc/passwd\t2020-01-01\n+++ /etc/passwd\t2020-01-01\n", &["write:/etc/passwd"]),
                ("--- a/x\n+++ /dev/null\n", &["delete:x"]),
                ("--- /dev/null\n+++ b/../../x\n", &["write:../../x"]),
                ("diff --git a/x b/y\nrename from x\nrename to .git/hooks/y\n", &["write:.git/hooks/y"]),
                ("*** x\n--- x\n*** 1,5 ****\n", &["write:x"]),
                ("1d\n!rm -rf /\nw\n", &["shell:rm -rf /"]),
            ],
        );
    }
}
