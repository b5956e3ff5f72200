//! Words that may become several (`-n $(cat x)`): those behind the first are flags, operands, a subcommand, or the
//! command that is wrapped.

use guardrail_schema::Role;

use super::Arguments;
use crate::identify::call::Unknown;
use crate::lower::{Origin, Word};

impl<'a> Arguments<'_, 'a, '_> {
    /// Notes what the value of a flag may become.
    pub(super) fn note_value(&mut self, word: Word<'a>) {
        self.note_several(&word);
        self.note_uncertain(word);
    }

    /// Notes that the value of a flag, or an operand in front of a command, may be more than that.
    pub(super) fn note_several(&mut self, word: &Word<'a>) {
        // What the caller's own variables hold nobody has put there.
        let own =
            !word.from.is_empty() && word.from.iter().all(|origin| matches!(origin, Origin::Variable(_)));
        if !word.splits || word.is_tame() || own || word.as_known().is_some() {
            return;
        }
        let slots = self.replaced.unwrap_or(&self.command.operands);
        let runs = |role: &Role| {
            matches!(role, Role::Argv | Role::Words(_) | Role::Code(_) | Role::Script(_) | Role::Program)
        };
        let decides =
            (self.subcommands && self.operands.is_empty()) || slots.iter().any(|slot| runs(&slot.role));
        let unknown = if decides { Unknown::Several } else { Unknown::MaybeFlag };
        self.call.unknown.push((unknown, word.span));
    }
}
