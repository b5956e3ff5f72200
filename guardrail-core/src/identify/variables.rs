//! Environment variables that make a program do something else.

use guardrail_schema::Variable;

use crate::glob;
use crate::identify::Identifier;
use crate::identify::call::{Argument, Call, Given};
use crate::lower::{EnvironmentId, Invocation, Lead, Value, Word};

impl<'a, 'k> Identifier<'a, 'k> {
    /// Adds what the variables that the script sets mean to this call's tool, and to any program.
    ///
    /// A variable counts whether or not the script exports it: it may have been exported before.
    pub(super) fn variables(&mut self, call: &mut Call<'a, 'k>, invocation: &Invocation<'a>) {
        if invocation.environment == EnvironmentId::default() {
            return;
        }
        let (tool, knowledge) = (call.tool.map(|known| &known.tool), self.knowledge);
        let variables = || {
            let own =
                tool.into_iter().flat_map(|tool| tool.variables.iter().chain(knowledge.inherited(tool)));
            own.chain(knowledge.environment())
        };
        let speaks = |variable: &Variable, name: &[u8]| glob::matches(variable.name.as_bytes(), name);
        let known = |name: &[u8]| variables().any(|variable| speaks(variable, name));
        self.lowerer.each_binding(invocation, known, |name, value| {
            for variable in variables().filter(|variable| speaks(variable, name)) {
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
        });
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
    glob::is_among(&variable.harmless, text)
        || (words.peek().is_some() && words.all(|word| glob::is_among(&variable.harmless_words, word)))
}
