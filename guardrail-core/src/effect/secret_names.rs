//! Names of secrets that one command prints and another reads: `cat $(ls /etc/shadow)`.

use std::cell::OnceCell;

use guardrail_schema::{Language, Prints, Role};

use crate::effect::place::locate;
use crate::effect::{Area, Location, View};
use crate::identify::{Call, Given, Identified, Standing};
use crate::lower::{ChannelId, Input, Invocation, Lead, Origin, Value, Word};
use crate::shell::Span;

/// The channels through which names of secrets may come, found when first asked for.
#[derive(Clone, Copy)]
pub(super) struct SecretNames<'c, 'a, 'k> {
    pub(super) identified: &'c Identified<'a, 'k>,
    pub(super) channels: &'c OnceCell<Vec<bool>>,
}

impl SecretNames<'_, '_, '_> {
    /// Whether a word that cannot be known may be one of them.
    pub(super) fn reach(&self, word: &Word<'_>, view: &View<'_>) -> bool {
        if word.as_known().is_some() || word.is_pipe() {
            return false;
        }
        word.from.iter().any(|origin| match origin {
            Origin::Channel(channel) => {
                let channels = self.channels.get_or_init(|| self.find(view));
                channels.get(channel.0 as usize).copied().unwrap_or(false)
            }
            _ => false,
        })
    }

    fn find(&self, view: &View<'_>) -> Vec<bool> {
        let program = &self.identified.program;
        let mut channels = vec![Names::default(); program.channels.len()];
        // A number is no name.
        let writers: Vec<_> = (self.identified.calls.iter())
            .filter(|call| call.prints != Some(Prints::Number))
            .filter_map(|call| {
                let invocation = program.invocation(call.invocation)?;
                Some(Writer {
                    out: invocation.stdout?,
                    own: own_names(call, invocation, view),
                    call,
                    invocation,
                })
            })
            .collect();
        // What wraps a command stands before it, and what reads from it may stand between.
        let mut settled = false;
        for round in 0..MOST_ROUNDS {
            // Both ways: pipes lead on, and substitutions back.
            let order: &mut dyn Iterator<Item = &Writer<'_, '_, '_>> =
                if round % 2 == 0 { &mut writers.iter() } else { &mut writers.iter().rev() };
            let mut grown = false;
            for writer in order {
                let printed = writer.printed(&channels);
                if let Some(slot) = channels.get_mut(writer.out.0 as usize) {
                    let before = std::mem::replace(slot, slot.and(printed));
                    grown |= before != *slot;
                }
            }
            if !grown {
                settled = true;
                break;
            }
        }
        // What goes to and fro more often may be anything.
        channels.into_iter().map(|names| names.secret || !settled).collect()
    }
}

/// How often names are passed on from command to command.
const MOST_ROUNDS: usize = 32;

/// A command whose output others read.
struct Writer<'c, 'a, 'k> {
    call: &'c Call<'a, 'k>,
    invocation: &'c Invocation<'a>,
    out: ChannelId,
    /// What it prints whatever it is given.
    own: Names,
}

/// What may come through a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Names {
    /// The name of a secret.
    secret: bool,
    /// The name of a file that lies beside one.
    near: bool,
    /// A text of the script's own.
    written: bool,
}

impl Names {
    const fn and(self, other: Self) -> Self {
        Self {
            secret: self.secret || other.secret,
            near: self.near || other.near,
            written: self.written || other.written,
        }
    }
}

impl Writer<'_, '_, '_> {
    /// What it may print of names.
    fn printed(&self, channels: &[Names]) -> Names {
        let Self { call, invocation, .. } = self;
        let of = |channel: ChannelId| channels.get(channel.0 as usize).copied().unwrap_or_default();
        let mut given = match invocation.stdin {
            Input::Channel(channel) => of(channel),
            Input::Text(word) => Names { written: is_written(&word), ..Names::default() },
            _ => Names::default(),
        };
        for origin in invocation.words.iter().flat_map(|word| word.from) {
            if let Origin::Channel(channel) = origin {
                given = given.and(of(*channel));
            }
        }
        // What wraps a command passes on what that prints, and code is read and not printed.
        let wraps =
            call.arguments.iter().any(|argument| matches!(argument.role, Role::Argv | Role::Words(_)))
                || call.command.is_some_and(|command| command.appends_input.is_some())
                || !call.feeds.is_empty();
        let cuts = matches!(call.prints, None | Some(Prints::Pieces | Prints::Firsts | Prints::Rows));
        let as_it_stands = wraps || !cuts || call.standing == Standing::Nothing;
        if as_it_stands {
            let says = call.prints == Some(Prints::Operands) && invocation.words.iter().skip(1).any(is_said);
            given.written |= says;
        } else {
            // Of a name, or of a text of the script's, it may make any other.
            given = Names { secret: given.secret || given.near || given.written, ..Names::default() };
        }
        given.and(self.own)
    }
}

/// What a call prints of names whatever it is given.
fn own_names(call: &Call<'_, '_>, invocation: &Invocation<'_>, view: &View<'_>) -> Names {
    // What an encoding hides may be the name of one, and so may be what a program puts together.
    let secret = call.has_facet("decode")
        || puts_together(call, invocation)
        || spells(call, invocation, view)
        || names_secret(call, invocation, view);
    Names { secret, near: names_near(call, invocation, view), written: false }
}

/// Whether a program of another language than the shell's prints what it makes of nothing but its own text: it is
/// given no names, and has letters of its own to write some.
fn puts_together(call: &Call<'_, '_>, invocation: &Invocation<'_>) -> bool {
    const FEW_DIGITS: usize = 2;
    let given = matches!(invocation.stdin, Input::Channel(_) | Input::File(_))
        || call.arguments.iter().any(|argument| *argument.role == Role::Read);
    let writes = |word: &Word<'_>| {
        word.as_known().is_none_or(|text| {
            text.iter().any(|byte| matches!(byte, b'"' | b'\'' | b'`'))
                || text.iter().filter(|byte| byte.is_ascii_digit()).count() > FEW_DIGITS
        })
    };
    !given
        && call.arguments.iter().any(|argument| match argument.role {
            Role::Code(language) => is_other(*language) && writes(&argument.word),
            _ => false,
        })
}

/// Whether the name of a secret stands in a program of another language, or the beginning of one: `s|^|/etc/|`.
fn spells(call: &Call<'_, '_>, invocation: &Invocation<'_>, view: &View<'_>) -> bool {
    const MOST: usize = 64;
    // What begins with fewer letters is as likely to be anything else: `s/rs$/toml/`.
    const FEWEST: usize = 4;
    let path = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-');
    let secret = |text: &[u8]| {
        let begun = [text, b"*"].concat();
        let word = Word { pattern: Some(&begun), ..Word::unknown(call.named) };
        locate(&Word::known(text, call.named), &invocation.directory, view).secret
            || (text.len() > FEWEST && locate(&word, &invocation.directory, view).secret)
            // What separates the parts of a program may be taken for a directory's; this one is none.
            || text == b"/etc/"
    };
    let mut programs = call.arguments.iter().filter_map(|argument| match argument.role {
        Role::Code(language) if is_other(*language) => argument.word.as_known(),
        _ => None,
    });
    programs.any(|text| {
        let plain: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'\\').collect();
        let starts = plain.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        starts.take(MOST).any(|at| {
            let rest = plain.get(at..).unwrap_or_default();
            let end = rest.iter().position(|byte| !path(byte)).unwrap_or(rest.len());
            end > 1 && secret(rest.get(..end).unwrap_or_default())
        })
    })
}

/// Whether a program in it is seen as a text alone: not the shell's, whose commands are, and no question to a
/// database.
const fn is_other(language: Language) -> bool {
    !(language.is_sql() || matches!(language, Language::Shell | Language::Mongo))
}

/// Whether a word holds a text of the script's that can be seen.
fn is_written(word: &Word<'_>) -> bool {
    word.as_known().is_some_and(|text| !text.trim_ascii().is_empty()) || !word.maybe.is_empty()
}

/// The same, of a word that is printed: of a format that says only how, nothing is left.
fn is_said(word: &Word<'_>) -> bool {
    word.as_known().is_some_and(says_something) || !word.maybe.is_empty()
}

/// Whether anything is left of a text without its `%s` and `\\n`.
fn says_something(text: &[u8]) -> bool {
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                bytes.find(|byte| !matches!(byte, b'-' | b'.' | b'0'..=b'9'));
            }
            b'\\' => {
                bytes.next();
            }
            byte if byte.is_ascii_whitespace() => {}
            _ => return true,
        }
    }
    false
}

/// Whether secrets are among what lies there: of a home's own files the visible ones are none.
fn holds_secrets(location: &Location) -> bool {
    location.secret || (location.hoard && location.area == Area::System)
}

/// Whether what a call finds lies beside a secret, so that another name is enough to reach it.
fn names_near(call: &Call<'_, '_>, invocation: &Invocation<'_>, view: &View<'_>) -> bool {
    let beside = |lead: Lead, path: &[u8]| {
        let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
        let all = [path.get(..end).unwrap_or_default(), b"*"].concat();
        let value = match lead {
            Lead::Text => Value::Unknown,
            _ => Value::Partial { prefix: b"", suffix: &all },
        };
        let word = Word { value, lead, pattern: Some(&all), ..Word::unknown(call.named) };
        holds_secrets(&locate(&word, &invocation.directory, view))
    };
    let text = |word: &Word<'_>| match (word.pattern, word.value) {
        (Some(pattern), _) => Some((word.lead, pattern.to_vec())),
        (None, Value::Known(text)) => Some((word.lead, text.to_vec())),
        (None, Value::Partial { suffix, .. }) if word.lead != Lead::Text => {
            Some((word.lead, suffix.to_vec()))
        }
        _ => None,
    };
    let globbed = |word: &&Word<'_>| word.pattern.is_some();
    let words = invocation.words.iter().skip(1).filter(globbed);
    if words.filter_map(text).any(|(lead, path)| beside(lead, &path)) {
        return true;
    }
    let found = call.lists.iter().filter_map(|origin| match origin {
        Origin::Files(lead, paths) => Some((*lead, *paths)),
        _ => None,
    });
    let mut found =
        found.flat_map(|(lead, paths)| paths.split(|b| *b == b'\n').map(move |path| (lead, path)));
    if found.any(|(lead, path)| beside(lead, path)) {
        return true;
    }
    let walked = |word: Word<'_>| !call.lists.is_empty() && locate(&word, &invocation.directory, view).hoard;
    if call.arguments.iter().any(|argument| *argument.role == Role::Read && walked(argument.word)) {
        return true;
    }
    let operands = call.arguments.iter().filter(|argument| argument.given == Given::Operand);
    let named = operands.filter(|argument| matches!(argument.role, Role::Name | Role::Directory));
    named.map(|argument| argument.word).any(|word| {
        locate(&word, &invocation.directory, view).hoard
            || text(&word).is_some_and(|(lead, path)| beside(lead, &path))
    })
}

/// Whether a secret is among the paths of a call, or among the names that it looks for there.
fn names_secret(call: &Call<'_, '_>, invocation: &Invocation<'_>, view: &View<'_>) -> bool {
    // A name that is a pattern to the tool alone (`find -name '.ss*'`) is one here as well.
    let secret = |word: &Word<'_>| {
        let wild = |text: &[u8]| text.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['));
        let text = match word.value {
            Value::Known(text) => Some(text),
            Value::Partial { suffix, .. } if word.lead != Lead::Text => Some(suffix),
            _ => None,
        };
        let pattern = word.pattern.or_else(|| text.filter(|text| wild(text)));
        locate(&Word { pattern, ..*word }, &invocation.directory, view).secret
    };
    // Whatever prints it: a glob is made into names by the shell.
    let globbed = |word: &&Word<'_>| {
        word.pattern.is_some() || word.from.iter().any(|origin| matches!(origin, Origin::Files(..)))
    };
    if invocation.words.iter().skip(1).filter(globbed).any(secret) {
        return true;
    }
    if !call.lists.is_empty() && secret(&Word { from: call.lists, ..Word::unknown(call.named) }) {
        return true;
    }
    let operands = || call.arguments.iter().filter(|argument| argument.given == Given::Operand);
    // What it completes, it completes to names that begin so.
    let begins = |word: &Word<'_>| {
        let text = match word.value {
            Value::Known(text) => Some(text),
            Value::Partial { prefix: b"", suffix } if word.lead != Lead::Text => Some(suffix),
            _ => None,
        };
        text.is_some_and(|text| {
            let pattern = [text, b"*"].concat();
            secret(&Word { pattern: Some(&pattern), ..*word })
        })
    };
    if call.has_facet("completes") && operands().any(|argument| begins(&argument.word)) {
        return true;
    }
    let paths = || {
        let is_path = |role: &Role| matches!(role, Role::Name | Role::Read | Role::Directory);
        operands().filter(move |argument| is_path(argument.role)).map(|argument| argument.word)
    };
    let flags = || call.flags.iter().filter(|used| used.flag.role.is_none()).filter_map(|used| used.value);
    let patterns =
        || operands().filter(|argument| *argument.role == Role::Text).map(|argument| argument.word);
    // `locate id_rsa`: with nowhere to look it looks everywhere.
    let looks = !matches!(invocation.stdin, Input::Channel(_)) && paths().next().is_none();
    if looks && patterns().any(|word| secret(&word)) {
        return true;
    }
    paths().chain(flags()).any(|word| secret(&word))
        || flags().chain(patterns()).filter_map(|word| word.as_known()).any(|name| {
            paths().filter_map(|path| path.as_known()).any(|path| {
                let below: &[&[u8]] = if path == b"/" { &[b"/", b"/etc/", b"/root/"] } else { &[b"/"] };
                below.iter().any(|between| {
                    let joined = [path, between, name].concat();
                    secret(&Word::known(&joined, Span::default()))
                })
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_says_nothing_by_itself() {
        for text in [&b"%s\\n"[..], b"%-10s %d\\t", b" ", b""] {
            assert!(!says_something(text), "{}", String::from_utf8_lossy(text));
        }
        for text in [&b"a"[..], b"%s/x", b"\\x2f", b"\\057", b"%.0sx"] {
            assert!(says_something(text), "{}", String::from_utf8_lossy(text));
        }
    }
}
