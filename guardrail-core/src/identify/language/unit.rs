//! The text of systemd units: what their `Exec` lines start, again and again and unseen.

use std::borrow::Cow;

use super::{Act, Found};

/// What the unit's lines are.
pub(super) fn read(text: &[u8]) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (length, line) = logical(rest);
        let at = start..start + length;
        start = (at.end + 1).min(text.len());
        rest = text.get(start..).unwrap_or_default();
        let line = match &line {
            Cow::Borrowed(line) => Cow::Borrowed(line.trim_ascii()),
            Cow::Owned(line) => Cow::Owned(line.trim_ascii().to_vec()),
        };
        if line.is_empty() || matches!(line.first(), Some(b'#' | b';' | b'[')) {
            continue;
        }
        let act = match setting(&line) {
            None => Act::Opaque,
            Some((name, value)) if name.starts_with(b"Exec") => {
                // What stands before the program says how it is started.
                let skipped = value
                    .iter()
                    .take_while(|byte| matches!(byte, b'@' | b'-' | b':' | b'+' | b'!' | b'|' | b' '))
                    .count();
                let command = value.get(skipped..).unwrap_or_default();
                if command.is_empty() {
                    continue;
                }
                Act::Shell(Some(Cow::Owned(command.to_vec())))
            }
            Some(_) => continue,
        };
        found.push(Found { act, at });
    }
    found
}

/// A line with those that continue it, and how many bytes that is without the last end of line.
fn logical(text: &[u8]) -> (usize, Cow<'_, [u8]>) {
    let mut length = 0;
    let mut joined: Vec<u8> = Vec::new();
    loop {
        let rest = text.get(length..).unwrap_or_default();
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        length += line.len();
        match line.strip_suffix(b"\\") {
            Some(line) if length < text.len() => {
                joined.extend_from_slice(line);
                joined.push(b' ');
                length += 1;
            }
            _ if joined.is_empty() => return (length, Cow::Borrowed(line)),
            _ => {
                joined.extend_from_slice(line);
                return (length, Cow::Owned(joined));
            }
        }
    }
}

/// `Name=value`
fn setting(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = line.iter().position(|byte| *byte == b'=')?;
    let (name, value) = line.split_at(equals);
    Some((name.trim_ascii(), value.get(1..)?.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use guardrail_schema::Language::Unit;

    use super::super::testing::check;

    #[test]
    fn what_units_start_is_found() {
        check(
            Unit,
            &[
                ("", &[]),
                ("[Unit]\nDescription=rm -rf /\n# ExecStart=/bin/x\n", &[]),
                ("[Service]\nExecStart=/bin/rm -rf /\n", &["shell:/bin/rm -rf /"]),
                ("ExecStartPre = -+/bin/a\nExecStop=\n", &["shell:/bin/a"]),
                ("ExecStart=/bin/a \\\n  --b\nUser=root", &["shell:/bin/a    --b"]),
                ("ExecStart=/bin/a\\", &["shell:/bin/a\\"]),
                ("nonsense", &["opaque"]),
            ],
        );
    }

    #[test]
    fn a_long_text_is_read_once() {
        let text = "ExecStart=/bin/a \\\n".repeat(50_000);
        assert_eq!(super::read(text.as_bytes()).len(), 1);
    }
}
