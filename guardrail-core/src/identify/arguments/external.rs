//! Subcommands that are programs of their own: `git absorb` is `git-absorb`.

use bumpalo::collections::Vec as BumpVec;

use crate::identify::arguments::Arguments;
use crate::lower::{Value, Word};

impl<'a> Arguments<'_, 'a, '_> {
    /// Takes `word` and all behind it as another program's, if that is known as one of the tool's subcommands.
    pub(super) fn external(&mut self, text: &'a [u8], word: Word<'a>) -> bool {
        let Some(externals) = self.tool.tool.externals.as_ref().filter(|_| self.path_len == 0) else {
            return false;
        };
        let arena = self.call.arguments.bump();
        let name: &'a [u8] = arena.alloc_slice_copy(&[externals.prefix.as_bytes(), text].concat());
        let tools = self.knowledge.named(name);
        let Some(tool) = tools.iter().flatten().next() else { return false };
        // Where its file has no such subcommand, it looks behind its own name.
        let again = externals.again && tool.subcommand(&[text]).is_some();
        let first = Word { value: Value::Known(name), ..word };
        let behind = self.words.get(self.at - usize::from(again)..).unwrap_or_default();
        let mut words = BumpVec::with_capacity_in(behind.len() + 1, arena);
        words.push(first);
        words.extend_from_slice_copy(behind);
        self.call.external = words.into_bump_slice();
        self.may_be_swallowed();
        self.at = self.words.len();
        true
    }
}
