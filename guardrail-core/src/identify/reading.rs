//! What is read of an argument vector beside the call itself.

use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::{Command, Operand};

use crate::lower::Word;

/// What was read beside what stands in the call.
pub(super) struct Read<'a, 'k> {
    pub(super) command: &'k Command,
    pub(super) operands: BumpVec<'a, Word<'a>>,
    /// The words of the command it wraps, behind its operands.
    pub(super) rest: &'a [Word<'a>],
    pub(super) slots: &'k [Operand],
    /// Some word could have been a flag, or several words.
    pub(super) uncertain: bool,
    /// Some word could have been a flag.
    pub(super) hidden_flags: bool,
    /// A flag may have taken another word for its value than it seems.
    pub(super) shifts: bool,
    /// The names behind `--no-`.
    pub(super) negated: BumpVec<'a, &'a [u8]>,
    /// A lowering flag may be the value of another one, or be switched off by the word behind it.
    pub(super) doubted: bool,
    /// Where a word stands that cannot be known, in the place of a subcommand.
    pub(super) unsettled: Option<usize>,
    /// Where an unlisted flag stands that may take the word behind it, which decides what this does.
    pub(super) swallows: Option<usize>,
    /// Where values of flags stand that may come to nothing.
    pub(super) vanishing: BumpVec<'a, usize>,
    /// All it does is print help.
    pub(super) helps: bool,
}
