//! The roots of the perfect subtrees over the lines so far.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::hash::Hash;

/// What is needed of the lines so far to know their root, and to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

impl Frontier {
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn push(&mut self, leaf: Hash) {
        let mut root = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                root = node(&left, &root);
            }
        }
        self.hashes.push(root);
        self.size += 1;
    }

    pub(crate) fn root(&self) -> Hash {
        let mut hashes = self.hashes.iter().rev();
        let Some(&last) = hashes.next() else { return Hash::of(b"") };
        hashes.fold(last, |right, left| node(left, &right))
    }
}
