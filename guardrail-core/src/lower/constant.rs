//! What a command prints, where that is a constant: `echo`, `printf`, `cat` of a here-document.

use bumpalo::Bump;

use crate::lower::ansi_c::{self, Dialect};
use crate::lower::{ChannelId, Input, Invocation, InvocationId, Lowerer, Resolution};

/// Texts that one stream is looked through for.
const MOST_TEXTS: usize = 16;

impl<'a> Lowerer<'a> {
    /// The one invocation that writes to a channel, if it does so once: a loop around it is around
    /// the channel as well.
    pub(crate) fn only_writer(&self, channel: ChannelId) -> Option<(InvocationId, &Invocation<'a>)> {
        let opened_in = *self.program.channels.get(channel.0 as usize)?;
        let invocations = self.program.invocations.iter().enumerate();
        let mut writers = invocations.filter(|(_, writer)| writer.stdout == Some(channel));
        let (id, writer) = writers.next().filter(|(_, writer)| writer.context.in_loop == opened_in)?;
        writers.next().is_none().then_some((InvocationId(id as u32), writer))
    }

    /// The constants that may come through a channel: of those who write to it, and of those
    /// whose output they are given, since what stands between may let it pass.
    #[must_use]
    pub fn channel_constants(&self, channel: ChannelId) -> Vec<&'a [u8]> {
        let mut channels = vec![channel];
        let mut texts = Vec::new();
        let mut next = 0;
        while let Some(&channel) = channels.get(next) {
            next += 1;
            for writer in self.program.invocations.iter().filter(|writer| writer.stdout == Some(channel)) {
                if texts.len() >= MOST_TEXTS || channels.len() >= MOST_TEXTS {
                    return texts;
                }
                if let Some(text) = printed(self.arena, writer) {
                    if !texts.contains(&text) {
                        texts.push(text);
                    }
                    continue;
                }
                match writer.stdin {
                    Input::Text(text) => texts.extend(text.as_known()),
                    Input::Channel(channel) if !channels.contains(&channel) => channels.push(channel),
                    _ => {}
                }
            }
        }
        texts
    }
}

/// What an invocation writes where its output goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output<'a> {
    /// Constants that it may be.
    pub(crate) texts: Vec<&'a [u8]>,
    /// Whether there is no other.
    pub(crate) exact: bool,
}

impl<'a> Lowerer<'a> {
    /// What an invocation prints, whatever files that is directed to.
    pub(crate) fn output_of(&self, writer: &Invocation<'a>) -> Output<'a> {
        let plain = Invocation { redirects: &[], ..*writer };
        let silent = match writer.words.first().map(super::Word::as_known) {
            None => writer.resolution == Resolution::Nothing && !reads_file(writer),
            Some(name) => writer.resolution == Resolution::Builtin && matches!(name, Some(b":" | b"true")),
        };
        if silent {
            return Output { texts: vec![b""], exact: true };
        }
        if let Some(text) = raw(self.arena, &plain) {
            return Output { texts: vec![text], exact: true };
        }
        let copies = matches!(
            writer.words.first().and_then(super::Word::as_known),
            Some(b"cat" | b"/bin/cat" | b"/usr/bin/cat")
        ) && writer.words.len() == 1
            && writer.resolution == Resolution::Program;
        match writer.stdin {
            Input::Text(text) => {
                let known = text.as_known().into_iter().chain(text.maybe.iter().copied());
                Output { texts: known.collect(), exact: copies && text.as_known().is_some() }
            }
            Input::Channel(channel) => Output { texts: self.channel_constants(channel), exact: false },
            _ => Output { texts: printed(self.arena, writer).into_iter().collect(), exact: false },
        }
    }
}

impl Invocation<'_> {
    /// Whether the shell itself runs this, reads nothing and prints at most a line break.
    pub(crate) fn says_nothing(&self) -> bool {
        match (self.resolution, self.words) {
            (Resolution::Nothing, []) => true,
            (Resolution::Builtin, [name]) => matches!(name.as_known(), Some(b":" | b"true" | b"echo")),
            _ => false,
        }
    }
}

/// `< file` without a command.
fn reads_file(invocation: &Invocation<'_>) -> bool {
    matches!(invocation.stdin, Input::File(_))
}

/// What an invocation may print: a constant of its own, or of what it is a wrapper around.
pub(super) fn printed<'a>(arena: &'a Bump, writer: &Invocation<'a>) -> Option<&'a [u8]> {
    let plain = Invocation { redirects: &[], ..*writer };
    raw(arena, &plain).or_else(|| {
        let at = writer.words.iter().position(|word| {
            let name = word.as_known().and_then(|text| text.rsplit(|byte| *byte == b'/').next());
            matches!(name, Some(b"echo" | b"printf"))
        })?;
        let words = writer.words.get(at..)?;
        let name = words.first()?.as_known()?.rsplit(|byte| *byte == b'/').next()?;
        let mut inner = words.to_vec();
        *inner.first_mut()? = super::Word::known(name, words.first()?.span);
        let words = arena.alloc_slice_copy(&inner);
        raw(arena, &Invocation { words, resolution: Resolution::Builtin, ..plain })
    })
}

/// The exact output of an invocation, where it is known. Output with zero bytes is not what a
/// substitution holds.
pub(super) fn output<'a>(arena: &'a Bump, invocation: &Invocation<'a>) -> Option<&'a [u8]> {
    raw(arena, invocation).filter(|text| !text.contains(&0))
}

pub(super) fn raw<'a>(arena: &'a Bump, invocation: &Invocation<'a>) -> Option<&'a [u8]> {
    let (first, arguments) = invocation.words.split_first()?;
    let builtin = invocation.resolution == Resolution::Builtin;
    if invocation.words.iter().any(|word| word.splits || word.as_known().is_none()) {
        return None;
    }
    let mut words = arguments.iter().filter_map(super::Word::as_known);
    match first.as_known()? {
        b"echo" if builtin && invocation.redirects.is_empty() => echo(arena, words.collect()),
        b"printf" if builtin && invocation.redirects.is_empty() => {
            let format = words.next()?;
            if format.first() == Some(&b'-') {
                return None;
            }
            let arguments: Vec<&[u8]> = words.collect();
            print(format, &arguments).map(|text| -> &'a [u8] { arena.alloc_slice_copy(&text) })
        }
        b"cat" | b"/bin/cat" | b"/usr/bin/cat"
            if arguments.is_empty()
                && invocation.redirects.len() == 1
                && invocation.resolution == Resolution::Program =>
        {
            match invocation.stdin {
                Input::Text(text) => text.as_known(),
                _ => None,
            }
        }
        _ => None,
    }
}

fn echo<'a>(arena: &'a Bump, words: Vec<&'a [u8]>) -> Option<&'a [u8]> {
    let mut newline = true;
    let mut escapes = false;
    let mut at = 0;
    while let Some([b'-', flags @ ..]) = words.get(at).copied() {
        if flags.is_empty() || !flags.iter().all(|flag| matches!(flag, b'n' | b'e' | b'E')) {
            break;
        }
        for flag in flags {
            match flag {
                b'n' => newline = false,
                flag => escapes = *flag == b'e',
            }
        }
        at += 1;
    }
    let words = words.get(at..).unwrap_or_default();
    if let ([word], false) = (words, escapes) {
        // Whoever takes the output strips its newlines, or reads a program where one more says nothing.
        if !newline {
            return Some(word);
        }
    }
    let mut text = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            text.push(b' ');
        }
        if !escapes {
            text.extend_from_slice(word);
        } else if !ansi_c::decode(word, Dialect::Echo, &mut text) {
            newline = false;
            break;
        }
    }
    if newline {
        text.push(b'\n');
    }
    Some(arena.alloc_slice_copy(&text))
}

/// What `printf` makes of a format that holds `%s`, `%b`, `%d` of a plain number, and `%%`.
pub(super) fn print(format: &[u8], arguments: &[&[u8]]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut arguments = arguments;
    loop {
        let before = arguments.len();
        let mut rest = format;
        while !rest.is_empty() {
            let percent = rest.iter().position(|&byte| byte == b'%').unwrap_or(rest.len());
            let (literal, tail) = rest.split_at(percent);
            ansi_c::decode(literal, Dialect::Format, &mut text);
            rest = tail;
            let [b'%', conversion, tail @ ..] = rest else {
                if rest.is_empty() {
                    break;
                }
                return None;
            };
            rest = tail;
            if *conversion == b'%' {
                text.push(b'%');
                continue;
            }
            let argument = match arguments.split_first() {
                Some((first, more)) => {
                    arguments = more;
                    *first
                }
                None => b"",
            };
            match conversion {
                b's' => text.extend_from_slice(argument),
                b'b' => {
                    if !ansi_c::decode(argument, Dialect::Echo, &mut text) {
                        return Some(text);
                    }
                }
                b'd' if super::scope::is_integer(argument) && !argument.starts_with(b"0") => {
                    text.extend_from_slice(argument);
                }
                _ => return None,
            }
            if text.len() > super::lowerer::MAX_CONSTANT {
                return None;
            }
        }
        if arguments.is_empty() || arguments.len() == before {
            break;
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        assert_eq!(print(b"%s\\n", &[b"a", b"b"]).as_deref(), Some(&b"a\nb\n"[..]));
        assert_eq!(print(b"\\x72%s", &[b"m"]).as_deref(), Some(&b"rm"[..]));
        assert_eq!(print(b"100%%", &[]).as_deref(), Some(&b"100%"[..]));
        assert_eq!(print(b"%5s", &[b"a"]), None);
        assert_eq!(print(b"%", &[]), None);
    }
}
