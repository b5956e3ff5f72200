//! The lines of a crontab: each command is shell source, which runs again and again.

use std::borrow::Cow;

use super::{Act, Found};

/// Settings that change which shell runs the commands, or what it finds.
const SETTINGS: &[&[u8]] = &[b"SHELL", b"PATH", b"BASH_ENV", b"ENV", b"LD_PRELOAD", b"LD_LIBRARY_PATH"];

/// What the commands of a crontab are; the system's own names whom each runs as.
pub(super) fn read(text: &[u8], system: bool) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split(|byte| *byte == b'\n') {
        let at = start..start + line.len();
        start += line.len() + 1;
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let act = match (setting(line), command(line, system)) {
            (Some(name), _) if !SETTINGS.contains(&name) => continue,
            (Some(_), _) | (None, None) => Act::Opaque,
            (None, Some(command)) => Act::Shell(Some(Cow::Borrowed(command))),
        };
        found.push(Found { act, at });
    }
    found
}

/// The name in `NAME = value`.
fn setting(line: &[u8]) -> Option<&[u8]> {
    let equals = line.iter().position(|byte| *byte == b'=')?;
    let name = line.get(..equals)?.trim_ascii();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    (!name.is_empty() && !name.first()?.is_ascii_digit() && name.iter().all(is_name)).then_some(name)
}

/// The command behind five fields or `@daily`; behind an unescaped `%` stands what it reads.
fn command(line: &[u8], system: bool) -> Option<&[u8]> {
    let fields = if line.starts_with(b"@") { 1 } else { 5 } + usize::from(system);
    let mut rest = line;
    for _ in 0..fields {
        let end = rest.iter().position(|byte| matches!(byte, b' ' | b'\t'))?;
        rest = rest.get(end..)?.trim_ascii_start();
    }
    let mut end = rest.len();
    for (at, byte) in rest.iter().enumerate() {
        if *byte == b'%' && at.checked_sub(1).and_then(|before| rest.get(before)) != Some(&b'\\') {
            end = at;
            break;
        }
    }
    rest.get(..end).filter(|command| !command.is_empty())
}

#[cfg(test)]
mod tests {
    use guardrail_schema::Language::{Cron, SystemCron};

    use super::super::testing::check;

    #[test]
    fn commands_of_lines_are_found() {
        check(
            Cron,
            &[
                ("", &[]),
                ("# x\n\nMAILTO=ops\n", &[]),
                ("* * * * * rm -rf /", &["shell:rm -rf /"]),
                ("*/5 1-3 * jan mon\tls\n@reboot /tmp/x a\n", &["shell:ls", "shell:/tmp/x a"]),
                ("@daily a%stdin", &["shell:a"]),
                ("@daily date +\\%Y", &["shell:date +\\%Y"]),
                ("SHELL = /tmp/x\n", &["opaque"]),
                ("* * * nonsense", &["opaque"]),
            ],
        );
        check(
            SystemCron,
            &[("* * * * * root rm -rf /", &["shell:rm -rf /"]), ("@reboot root /tmp/x", &["shell:/tmp/x"])],
        );
    }
}
