//! Environment variables that make a program do something else.

use guardrail_schema::Variable;

use crate::glob;
use crate::identify::Identifier;
use crate::identify::call::{Argument, Call, Given};
use crate::lower::{EnvironmentId, Invocation, Word};

impl<'a, 'k> Identifier<'a, 'k> {
    /// Adds what the variables that the script sets mean to this call's tool, and to any program.
    ///
    /// A variable counts whether or not the script exports it: it may have been exported before.
    pub(super) fn variables(&mut self, call: &mut Call<'a, 'k>, invocation: &Invocation<'a>) {
        if invocation.environment == EnvironmentId::default() {
            return;
        }
        let own: &'k [Variable] = call.tool.map_or(&[], |tool| &tool.tool.variables);
        let variables = || own.iter().chain(self.knowledge.environment());
        let speaks = |variable: &Variable, name: &[u8]| glob::matches(variable.name.as_bytes(), name);
        let known = |name: &[u8]| variables().any(|variable| speaks(variable, name));
        self.lowerer.each_binding(invocation, known, |name, value| {
            for variable in variables().filter(|variable| speaks(variable, name)) {
                if value
                    .as_known()
                    .is_some_and(|v| variable.harmless.iter().any(|known| glob::matches(known.as_bytes(), v)))
                {
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
