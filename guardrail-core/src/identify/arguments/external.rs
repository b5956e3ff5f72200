//! Subcommands that are programs of their own (`git absorb` is `git-absorb`), and commands that follow each other in
//! one (`mlr head then put ...`).

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
        self.leaves(Word { value: Value::Known(name), ..word }, self.at - usize::from(again));
        true
    }

    /// Takes all behind `word` as another command of the tool, if that is the word between them.
    pub(super) fn chained(&mut self, word: &Word<'a>) -> bool {
        let chain = self.tool.tool.chain.as_ref().map(String::as_bytes);
        if chain.is_none() || word.as_known() != chain {
            return false;
        }
        let Some(name) = self.tool.tool.names.first() else { return false };
        let tool: &'a [u8] = self.call.arguments.bump().alloc_slice_copy(name.as_bytes());
        self.leaves(Word { value: Value::Known(tool), ..*word }, self.at);
        true
    }

    /// Leaves the words from there on to a program.
    fn leaves(&mut self, program: Word<'a>, from: usize) {
        let behind = self.words.get(from..).unwrap_or_default();
        let mut words = BumpVec::with_capacity_in(behind.len() + 1, self.call.arguments.bump());
        words.push(program);
        words.extend_from_slice_copy(behind);
        self.call.external = words.into_bump_slice();
        self.may_be_swallowed();
        self.at = self.words.len();
    }
}
