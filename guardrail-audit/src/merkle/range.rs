//! Roots that are built while leaves pass by, keeping a few dozen hashes.

use serde::{Deserialize, Serialize};

use super::{empty_root, node};
use crate::hash::Hash;

/// What is needed of the first so many leaves to go on: the roots of the perfect subtrees that the
/// binary digits of their number give, the largest first.
///
/// ```
/// use guardrail_audit::Hash;
/// use guardrail_audit::merkle::{Frontier, node};
///
/// let (a, b) = (Hash::of_line(b"a"), Hash::of_line(b"b"));
/// let mut frontier = Frontier::default();
/// frontier.push(a);
/// frontier.push(b);
/// assert_eq!(frontier.root(), node(&a, &b));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

/// A number of hashes that does not belong to the number of leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frontier of {size} leaves has {} hashes, not {hashes}", size.count_ones())]
pub struct BadFrontier {
    /// The number of leaves.
    pub size: u64,
    /// How many hashes were given.
    pub hashes: usize,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    size: u64,
    hashes: Vec<Hash>,
}

impl TryFrom<Stored> for Frontier {
    type Error = BadFrontier;

    fn try_from(stored: Stored) -> Result<Self, BadFrontier> {
        Self::from_hashes(stored.size, stored.hashes)
    }
}

impl From<Frontier> for Stored {
    fn from(frontier: Frontier) -> Self {
        Self { size: frontier.size, hashes: frontier.hashes }
    }
}

impl Frontier {
    /// The frontier of so many leaves, from its hashes, the largest subtree's first.
    ///
    /// # Errors
    ///
    /// [`BadFrontier`] where it has not one hash for each one-bit of the size.
    pub fn from_hashes(size: u64, hashes: Vec<Hash>) -> Result<Self, BadFrontier> {
        if usize::try_from(size.count_ones()) == Ok(hashes.len()) {
            return Ok(Self { size, hashes });
        }
        Err(BadFrontier { size, hashes: hashes.len() })
    }

    /// The number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hashes, the largest subtree's first.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.push_subtree(0, leaf);
    }

    /// Appends a perfect subtree of 2^level leaves. The number of leaves before it must be a
    /// multiple of that.
    fn push_subtree(&mut self, level: u32, root: Hash) {
        let mut root = root;
        for _ in 0..(self.size >> level).trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                root = node(&left, &root);
            }
        }
        self.hashes.push(root);
        self.size += 1 << level;
    }

    /// Appends the leaves of a range that begins where this ends; `false`, and nothing is changed,
    /// where it does not.
    #[must_use]
    pub fn extend(&mut self, range: &Range) -> bool {
        if range.begin != self.size {
            return false;
        }
        for (level, root) in &range.nodes {
            self.push_subtree(*level, *root);
        }
        true
    }

    /// The root of the leaves so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut hashes = self.hashes.iter().rev();
        let Some(&last) = hashes.next() else { return empty_root() };
        hashes.fold(last, |right, left| node(left, &right))
    }
}

/// What is needed of leaves from any place on, so that the parts of a log can be hashed apart from
/// each other and put together afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    begin: u64,
    end: u64,
    nodes: Vec<(u32, Hash)>,
}

impl Range {
    /// A range without leaves that begins at a leaf.
    #[must_use]
    pub const fn new(begin: u64) -> Self {
        Self { begin, end: begin, nodes: Vec::new() }
    }

    /// The first leaf.
    #[must_use]
    pub const fn begin(&self) -> u64 {
        self.begin
    }

    /// The leaf behind the last.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.end = self.end.wrapping_add(1);
        let (mut level, mut root) = (0, leaf);
        // Where the end is a multiple of 2^(level+1), the subtree of that level is a right child.
        while self.end & (1 << level) == 0 && level < 63 {
            match self.nodes.last() {
                Some((left_level, left)) if *left_level == level => root = node(left, &root),
                _ => break,
            }
            self.nodes.pop();
            level += 1;
        }
        self.nodes.push((level, root));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::reference::{ROOTS, hash, leaves, mth, some_leaves};
    use super::*;

    fn frontier(leaves: &[Hash]) -> Frontier {
        let mut frontier = Frontier::default();
        leaves.iter().for_each(|leaf| frontier.push(*leaf));
        frontier
    }

    #[test]
    fn the_reference_tree_grows() {
        let mut frontier = Frontier::default();
        assert_eq!(frontier.root(), empty_root());
        for (leaf, root) in leaves().into_iter().zip(ROOTS) {
            frontier.push(leaf);
            assert_eq!(frontier.root(), hash(root));
        }
    }

    #[test]
    fn a_frontier_goes_on_from_what_was_stored() {
        let leaves = some_leaves(300);
        for cut in 0..=leaves.len() {
            let text = serde_json::to_string(&frontier(&leaves[..cut])).unwrap();
            let mut stored: Frontier = serde_json::from_str(&text).unwrap();
            leaves[cut..].iter().for_each(|leaf| stored.push(*leaf));
            assert_eq!(stored, frontier(&leaves));
        }
        let bad = serde_json::from_str::<Frontier>(r#"{"size":3,"hashes":[]}"#).unwrap_err();
        assert!(bad.to_string().contains("3 leaves has 2 hashes, not 0"), "{bad}");
    }

    #[test]
    fn every_pair_of_cuts_gives_the_same_root() {
        let leaves = some_leaves(70);
        let whole = frontier(&leaves);
        for first in 0..=leaves.len() {
            for second in first..=leaves.len() {
                let mut joined = frontier(&leaves[..first]);
                for (begin, end) in [(first, second), (second, leaves.len())] {
                    let mut range = Range::new(begin as u64);
                    leaves[begin..end].iter().for_each(|leaf| range.push(*leaf));
                    assert_eq!((range.begin(), range.end()), (begin as u64, end as u64));
                    assert!(joined.extend(&range));
                    assert_eq!(joined, frontier(&leaves[..end]));
                }
                assert_eq!(joined, whole);
            }
        }
        assert!(!frontier(&leaves).extend(&Range::new(3)));
    }

    proptest! {
        #[test]
        fn a_frontier_has_the_root_of_the_definition(count in 0_usize..700) {
            let leaves = some_leaves(count);
            prop_assert_eq!(frontier(&leaves).root(), mth(&leaves));
        }

        #[test]
        fn a_range_may_begin_anywhere(begin: u64, count in 0_usize..100) {
            let mut range = Range::new(begin);
            some_leaves(count).into_iter().for_each(|leaf| range.push(leaf));
            prop_assert_eq!(range.end(), begin.wrapping_add(count as u64));
        }
    }
}
