//! What a command of a tool does when it is called plainly: the guard asked, with an operand of
//! its kind in each place. So pages and tables say what an evaluation would say.

use guardrail_core::{EffectKind, Guard, Request, Risk};
use guardrail_schema::{Command, Count, Role};

/// What one command does.
#[derive(Debug)]
pub struct Plain {
    /// The kinds of its effects, in their order, each once.
    pub kinds: Vec<EffectKind>,
    /// How bad it is.
    pub risk: Risk,
    /// Whether it was understood: not so where it has no meaning without what is left out here.
    pub known: bool,
}

/// Asks what `tool` does, called as `command` with plain operands and no flags.
#[must_use]
pub fn plain(guard: &Guard, tool: &str, command: &Command) -> Plain {
    let mut words = vec![tool.to_owned()];
    words.extend(command.path.iter().map(|word| word.replace('*', "x")));
    for operand in &command.operands {
        if operand.count == Count::Optional {
            continue;
        }
        match &operand.role {
            Role::Argv | Role::Program => words.push("true".into()),
            Role::Words(_) | Role::Code(_) => {}
            Role::Read | Role::Upload | Role::Write | Role::Delete | Role::Script(_) => {
                words.push(format!("./{}", operand.name));
            }
            Role::Directory => words.push(".".into()),
            Role::Url => words.push("https://example.com/".into()),
            Role::Host => words.push("example.com".into()),
            Role::Assignment => words.push("NAME=value".into()),
            _ => words.push(operand.name.clone()),
        }
    }
    let evaluation = guard.evaluate(&Request::argv(words));
    let mut kinds: Vec<EffectKind> = evaluation.effects.iter().map(|effect| effect.kind).collect();
    kinds.sort();
    kinds.dedup();
    Plain { kinds, risk: evaluation.risk, known: !evaluation.unknown }
}
