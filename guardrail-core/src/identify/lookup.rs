//! What a word is to a command of a tool: its flags by their spelling, and what depends on it.

use guardrail_schema::{Command, Flag, Operand, Tool};

use crate::lower::{Lead, Value, Word};

/// The flag of `command` that is spelled so.
pub(super) fn exact<'k>(command: &'k Command, spelling: &[u8]) -> Option<&'k Flag> {
    // Spellings differ within a few bytes: comparing these one by one beats a call.
    let order = |(known, _): &(String, u16)| known.as_bytes().iter().cmp(spelling);
    let place = command.spellings.binary_search_by(order).ok()?;
    let (_, place) = command.spellings.get(place)?;
    command.flags.get(usize::from(*place))
}

/// The one flag of `commands` whose spelling begins with `name`, if there is exactly one, behind
/// `words` words of a subcommand.
pub(super) fn begun<'k>(
    commands: impl Iterator<Item = &'k Command>,
    words: usize,
    name: &[u8],
) -> Option<&'k Flag> {
    let mut only: Option<&'k Flag> = None;
    for command in commands {
        let from = command.spellings.partition_point(|(spelling, _)| spelling.as_bytes() < name);
        let candidates = command.spellings.get(from..).unwrap_or_default();
        for (spelling, place) in
            candidates.iter().take_while(|(spelling, _)| spelling.as_bytes().starts_with(name))
        {
            let flag = command.flags.get(usize::from(*place))?;
            if !counts(words, command, spelling.as_bytes(), flag) {
                continue;
            }
            match only {
                Some(other) if !std::ptr::eq(other, flag) => return None,
                _ => only = Some(flag),
            }
        }
    }
    only
}

/// Whether `command` is met through a glob that does not continue the path of `from`.
pub(super) fn strays(command: &Command, from: &Command) -> bool {
    command.path.iter().any(|word| word.contains('*'))
        && command.path.split_last().is_some_and(|(_, before)| before != from.path)
}

/// Whether `spelling` names `flag` of `command` behind `words` words of a subcommand. A tool's own
/// `--version` prints one and does nothing else, but behind a subcommand it is that one's:
/// `gem install x -v 1.0`, `doctl kubernetes cluster create x --version 1.31`.
pub(super) fn counts(words: usize, command: &Command, spelling: &[u8], flag: &Flag) -> bool {
    let inherited = words > 0 && command.path.is_empty() && flag.sets.is_some();
    !inherited || !asks_version(spelling)
}

/// Whether a flag is spelled as those are that ask for a version.
pub(super) fn asks_version(spelling: &[u8]) -> bool {
    matches!(spelling, b"-v" | b"-V" | b"--version" | b"-version" | b"-Version")
}

/// Whether a flag of these commands could end as `word` ends: where values stand in words of their own,
/// `*.json` is none.
pub(super) fn may_spell_flag<'k>(
    tool: &Tool,
    mut commands: impl Iterator<Item = &'k Command> + Clone,
    word: &Word<'_>,
) -> bool {
    let ending = match word.value {
        Value::Partial { suffix, .. } if !word.splits => suffix,
        _ => b"",
    };
    if tool.attached_values || tool.abbreviations || ending.is_empty() {
        return true;
    }
    let short = |letter: &u8| commands.clone().any(|command| exact(command, &[b'-', *letter]).is_some());
    let cluster = ending.iter().all(short);
    let ends = |(spelling, _): &(String, u16)| spelling.as_bytes().ends_with(ending);
    cluster || commands.any(|command| command.spellings.iter().any(ends))
}

/// Whether a word is spelled as a flag is, and no negative number.
pub(super) fn begins_with_dash(word: &Word<'_>) -> bool {
    matches!(word.prefix(), [b'-', second, ..] if !second.is_ascii_digit())
}

/// Whether nothing is known of a word, nor what it is a pattern of.
pub(super) fn is_blank(word: &Word<'_>) -> bool {
    word.as_known().is_none()
        && word.pattern.is_none()
        && word.prefix().is_empty()
        && word.suffix().is_empty()
}

/// Whether such a word may be none at all.
pub(super) fn may_vanish(word: &Word<'_>) -> bool {
    is_blank(word) && word.splits && word.lead == Lead::Text
}

/// Whether a case of `command` looks at what stands in `slot`.
pub(super) fn decides(command: &Command, slot: &Operand) -> bool {
    command.cases.iter().flat_map(|case| &case.when).any(|condition| condition.facet == slot.name)
}

/// Whether a command is there only because deeper ones are, and by a glob.
pub(super) fn is_open_group(command: &Command) -> bool {
    !command.runs && command.path.iter().any(|word| word.contains('*'))
}

/// What turns a switch on where it is given a value (`--help=true`).
pub(super) fn is_true(text: &[u8]) -> bool {
    text == b"1" || [&b"true"[..], b"t"].iter().any(|on| text.eq_ignore_ascii_case(on))
}

/// Whether a word is `NAME=value`, as far as it is known.
pub(super) fn is_assignment(word: &Word<'_>) -> bool {
    let prefix = word.prefix();
    match prefix.iter().position(|&b| b == b'=') {
        Some(equals) => {
            let name = prefix.get(..equals).unwrap_or_default();
            name.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        }
        None => false,
    }
}
