//! Which brackets are open, up to a depth that no honest program reaches.

use super::MAX_DEPTH;

/// A stack of kinds of brackets that never allocates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nesting<T> {
    kinds: [Option<T>; MAX_DEPTH],
    depth: usize,
}

impl<T: Copy> Nesting<T> {
    pub(super) const fn new() -> Self {
        Self { kinds: [None; MAX_DEPTH], depth: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.depth == 0
    }

    /// Opens a bracket; `None` when too many are.
    pub(super) fn push(&mut self, kind: T) -> Option<()> {
        *self.kinds.get_mut(self.depth)? = Some(kind);
        self.depth += 1;
        Some(())
    }

    /// Closes the innermost bracket; `None` when none is open.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.depth = self.depth.checked_sub(1)?;
        self.top_at(self.depth)
    }

    /// The innermost open bracket.
    pub(super) fn top(&self) -> Option<T> {
        self.top_at(self.depth.checked_sub(1)?)
    }

    fn top_at(&self, depth: usize) -> Option<T> {
        self.kinds.get(depth).copied().flatten()
    }
}
