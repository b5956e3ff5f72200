//! Names of secrets that one command prints and another reads: `cat $(ls /etc/shadow)`.

use std::cell::OnceCell;

use guardrail_schema::Role;

use crate::effect::View;
use crate::effect::place::locate;
use crate::identify::{Call, Given, Identified};
use crate::lower::{Input, Invocation, Lead, Origin, Value, Word};
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
        if word.as_known().is_some() {
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
        let mut channels = vec![false; program.channels.len()];
        for call in &self.identified.calls {
            let Some(invocation) = program.invocation(call.invocation) else { continue };
            let Some(out) = invocation.stdout else { continue };
            // What stands between lets names pass.
            let passes = match invocation.stdin {
                Input::Channel(channel) => channels.get(channel.0 as usize).copied().unwrap_or(false),
                _ => false,
            };
            // What an encoding hides may be the name of one.
            let hides = || call.has_facet("decode");
            if (passes || hides() || names_secret(call, invocation, view))
                && let Some(slot) = channels.get_mut(out.0 as usize)
            {
                *slot = true;
            }
        }
        channels
    }
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
