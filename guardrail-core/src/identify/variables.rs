//! Environment variables that make a program do something else.

use guardrail_schema::{Prints, Tool, Variable};

use crate::identify::Identifier;
use crate::identify::call::{Argument, Call, Given};
use crate::identify::unwrap::Inner;
use crate::lower::{EnvironmentId, Input, Invocation, Lead, Note, NoteKind, Value, Word, is_secret};
use crate::{glob, host};

/// The names of variables that mean something to a tool, of those that were compared.
#[derive(Default)]
pub(super) struct Names<'a> {
    compared: usize,
    meant: Vec<&'a [u8]>,
}

impl<'a, 'k> Identifier<'a, 'k> {
    /// Adds what the variables that the script sets mean to this call's tool, and to any program.
    ///
    /// A variable counts whether or not the script exports it: it may have been exported before.
    pub(super) fn variables(&mut self, call: &mut Call<'a, 'k>, invocation: &Invocation<'a>) {
        if invocation.environment == EnvironmentId::default() {
            return;
        }
        let (tool, knowledge) = (call.tool.map(|known| &known.tool), self.knowledge);
        let names = self.names_of(tool, invocation);
        let variables = || {
            let own =
                tool.into_iter().flat_map(|tool| tool.variables.iter().chain(knowledge.inherited(tool)));
            own.chain(knowledge.environment())
        };
        let speaks = |variable: &Variable, name: &[u8]| {
            let says = variable.role.is_some() || !variable.effects.is_empty();
            says && glob::matches(variable.name.as_bytes(), name)
        };
        for (name, value) in self.lowerer.bindings(invocation, &names) {
            for variable in variables().filter(|variable| speaks(variable, name)) {
                call.influenced = true;
                if is_harmless(variable, &value) {
                    continue;
                }
                // The binding may stand in another source; then the command itself is pointed at.
                let prefix = invocation.assignments.iter().find(|assignment| assignment.name == name);
                let span = prefix.map_or(call.named, |assignment| assignment.span);
                let word = Word { span, ..value };
                if let Some(role) = &variable.role {
                    call.arguments.push(Argument {
                        name: &variable.name,
                        role,
                        word,
                        given: Given::Variable,
                    });
                }
                call.effects.extend(variable.effects.iter().map(|effect| (effect, span)));
            }
        }
    }

    /// What prints its input with the values of variables in it prints those of the secrets that a constant names.
    pub(super) fn expanded(&mut self, call: &Call<'a, 'k>, invocation: &Invocation<'a>) {
        if call.prints != Some(Prints::Expanded) {
            return;
        }
        let texts = match invocation.stdin {
            Input::Text(word) => word.as_known().into_iter().chain(word.maybe.iter().copied()).collect(),
            Input::Channel(channel) => self.lowerer.channel_constants(channel),
            _ => Vec::new(),
        };
        let named = |text: &[u8]| {
            text.split(|byte| *byte == b'$').skip(1).any(|behind| {
                let name = behind.strip_prefix(b"{").unwrap_or(behind);
                let end = name.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
                is_secret(name.get(..end.unwrap_or(name.len())).unwrap_or_default())
            })
        };
        if texts.iter().any(|text| named(text)) {
            self.lowerer.program.notes.push(Note {
                kind: NoteKind::SecretVariable,
                source: invocation.source,
                span: call.named,
                invocation: Some(call.invocation),
                channel: None,
            });
        }
    }

    /// The surroundings of what a variable names: a pager is not started through itself.
    pub(super) fn once(
        &mut self,
        inner: Inner<'a>,
        argument: &Argument<'a, 'k>,
        invocation: &Invocation<'a>,
    ) -> Inner<'a> {
        let at = Invocation { environment: inner.environment, ..*invocation };
        let named = |name: &&&'a [u8]| glob::matches(argument.name.as_bytes(), name);
        let all = self.lowerer.bound_names();
        let (steps, names) = (all.len() / 16, all.iter().filter(named).copied().collect::<Vec<_>>());
        if !self.lowerer.spend(steps as u32, at.source, at.span) {
            return inner;
        }
        let empty = Word::known(b"", argument.word.span);
        self.lowerer.bindings(&at, &names).into_iter().fold(inner, |inner, (name, _)| Inner {
            environment: self.lowerer.bind(inner.environment, name, empty, true),
            ..inner
        })
    }

    /// The names of the script's variables that mean something to a tool. Each is compared once for each tool.
    fn names_of(&mut self, tool: Option<&'k Tool>, at: &Invocation<'a>) -> Vec<&'a [u8]> {
        let names = self.lowerer.bound_names();
        if names.is_empty() {
            return Vec::new();
        }
        let about = self.names.entry(tool.map(std::ptr::from_ref)).or_default();
        let knowledge = self.knowledge;
        let own = || tool.into_iter().flat_map(|tool| tool.variables.iter().chain(knowledge.inherited(tool)));
        let new = names.get(about.compared..).unwrap_or_default();
        about.meant.extend(new.iter().copied().filter(|name| {
            own().chain(knowledge.environment()).any(|variable| glob::matches(variable.name.as_bytes(), name))
        }));
        about.compared = names.len();
        let (meant, steps) = (about.meant.clone(), new.len() / 4);
        self.lowerer.spend(steps as u32, at.source, at.span);
        meant
    }
}

/// Whether setting a variable to `value` provably changes nothing that matters.
fn is_harmless(variable: &Variable, value: &Word<'_>) -> bool {
    let home;
    let text = match value.value {
        Value::Known(text) => text,
        // A path below the home directory, as files of knowledge spell it.
        Value::Partial { prefix: b"", suffix } if value.lead == Lead::Home && value.from.is_empty() => {
            home = [b"~", suffix].concat();
            &home
        }
        _ => return false,
    };
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).peekable();
    is_spared(&variable.harmless, text)
        || host::spares(&variable.harmless, text)
        || (words.peek().is_some() && words.all(|word| is_spared(&variable.harmless_words, word)))
}

/// Whether one of `globs` spares a value. Scripts that start a program may evaluate what they hand
/// on, so nothing that a shell would change is covered by a star.
fn is_spared(globs: &[String], value: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-/:=,+@%~".contains(byte);
    if value.iter().all(plain) {
        return glob::is_among(globs, value);
    }
    globs.iter().any(|glob| !glob.contains('*') && glob.as_bytes() == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_covers_nothing_that_a_shell_would_change() {
        let globs = ["-Xmx*".to_owned(), "/usr/lib/jvm/*".to_owned(), "+ ${LINENO}: ".to_owned()];
        for (value, spared) in [
            ("-Xmx2g", true),
            ("-Xmx2g;id", false),
            ("-Xmx$(id)", false),
            ("-Xmx`id`", false),
            ("/usr/lib/jvm/17", true),
            ("/usr/lib/jvm/../x", false),
            ("+ ${LINENO}: ", true),
            ("+ $(id): ", false),
        ] {
            assert_eq!(is_spared(&globs, value.as_bytes()), spared, "{value}");
        }
    }
}
