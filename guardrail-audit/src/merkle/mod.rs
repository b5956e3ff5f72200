//! The Merkle tree of RFC 6962 over the lines of a log.
//!
//! A leaf is [`Hash::of_line`]. Roots are built while lines pass by ([`Frontier`], [`Range`]); proofs
//! are made from stored hashes ([`Nodes`], [`TreeFiles`]) and checked without any.

mod files;
mod proof;
mod range;

use sha2::compress256;

use crate::hash::Hash;

pub use files::{TreeError, TreeFiles};
pub use proof::{
    Nodes, NotStored, ProofError, consistency, inclusion, root, verify_consistency, verify_inclusion,
};
pub use range::{BadFrontier, Frontier, Range};

/// The state that SHA-256 begins with.
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The message of a node, its children left out, padded to two blocks: it is always 65 bytes long. Each
/// line costs a node, and this costs three quarters of what a hasher for any length does.
const NODE: [u8; 128] = {
    let mut bytes = [0; 128];
    bytes[0] = 1;
    bytes[65] = 0x80;
    [bytes[126], bytes[127]] = (65_u16 * 8).to_be_bytes();
    bytes
};

/// The hash of an inner node: SHA-256 over a byte of value 1 and both children.
#[must_use]
pub fn node(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = NODE;
    let (_, rest) = bytes.split_at_mut(1);
    for (place, child) in rest.as_chunks_mut().0.iter_mut().zip([left, right]) {
        *place = child.0;
    }
    let (blocks, _) = bytes.as_chunks::<64>();
    let mut state = START;
    for block in blocks {
        compress256(&mut state, &[(*block).into()]);
    }
    let mut hash = [0; 32];
    for (to, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *to = word.to_be_bytes();
    }
    Hash(hash)
}

/// The root of a tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Hash::of(b"")
}

/// The root of a perfect tree; the number of its leaves is a power of two. The slice is used up.
pub(crate) fn perfect(leaves: &mut [Hash]) -> Hash {
    let mut width = leaves.len();
    while width > 1 {
        width /= 2;
        for at in 0..width {
            if let (Some(left), Some(right)) = (leaves.get(2 * at), leaves.get(2 * at + 1)) {
                let parent = node(left, right);
                if let Some(slot) = leaves.get_mut(at) {
                    *slot = parent;
                }
            }
        }
    }
    leaves.first().copied().unwrap_or_else(empty_root)
}

#[cfg(test)]
pub(crate) mod reference {
    //! The tree of eight leaves that the implementations of certificate transparency test with, and
    //! the recursive definitions of RFC 6962, section 2.1, word by word.

    use super::*;

    pub(crate) const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    pub(crate) const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    pub(crate) fn hash(hex: &str) -> Hash {
        Hash::from_hex(hex.as_bytes()).unwrap()
    }

    pub(crate) fn leaves() -> Vec<Hash> {
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        LEAVES
            .iter()
            .map(|hex| Hash::of_line(&hex.as_bytes().chunks(2).map(byte).collect::<Vec<_>>()))
            .collect()
    }

    pub(crate) fn some_leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|leaf| Hash::of_line(&leaf.to_le_bytes())).collect()
    }

    /// The largest power of two that is smaller.
    fn split(count: usize) -> usize {
        count.next_power_of_two() / 2
    }

    /// `MTH`.
    pub(crate) fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len()));
                let mut bytes = vec![1];
                bytes.extend(mth(left).0);
                bytes.extend(mth(right).0);
                Hash::of(&bytes)
            }
        }
    }

    /// `PATH`.
    pub(crate) fn path(leaf: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let (left, right) = leaves.split_at(split(leaves.len()));
        let (mut path, sibling) = if leaf < left.len() {
            (self::path(leaf, left), mth(right))
        } else {
            (self::path(leaf - left.len(), right), mth(left))
        };
        path.push(sibling);
        path
    }

    /// `SUBPROOF`.
    pub(crate) fn subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
        if old == leaves.len() {
            return if whole { Vec::new() } else { vec![mth(leaves)] };
        }
        let (left, right) = leaves.split_at(split(leaves.len()));
        let (mut proof, sibling) = if old <= left.len() {
            (subproof(old, left, whole), mth(right))
        } else {
            (subproof(old - left.len(), right, false), mth(left))
        };
        proof.push(sibling);
        proof
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_tree_has_its_roots() {
        let leaves = reference::leaves();
        assert_eq!(
            empty_root().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (index, root) in reference::ROOTS.iter().enumerate() {
            assert_eq!(reference::mth(&leaves[..=index]), reference::hash(root));
        }
        assert_eq!(perfect(&mut leaves.clone()), reference::hash(reference::ROOTS[7]));
        assert_eq!(perfect(&mut leaves[..1].to_vec()), leaves[0]);
    }
}
