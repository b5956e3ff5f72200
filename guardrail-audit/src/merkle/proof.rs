//! Proofs that a line is in a log, and that a log only grew: made from stored hashes, checked
//! without any.

use super::{empty_root, node};
use crate::hash::Hash;

/// Where the roots of perfect subtrees are had from.
pub trait Nodes {
    /// Why a root could not be had.
    type Error: From<NotStored>;

    /// The root of the perfect subtree of 2^level leaves that begins at leaf index * 2^level.
    ///
    /// # Errors
    ///
    /// Where it is not there.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// A leaf was asked for that is not there, or there is no such proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("leaf {leaf} is not in the tree")]
pub struct NotStored {
    /// The first leaf of what was asked for.
    pub leaf: u64,
}

/// The hashes of all leaves, in memory.
impl Nodes for [Hash] {
    type Error = NotStored;

    fn node(&self, level: u32, index: u64) -> Result<Hash, NotStored> {
        let leaf = index.checked_shl(level).unwrap_or(u64::MAX);
        let leaves = usize::try_from(leaf).ok().and_then(|begin| {
            let end = begin.checked_add(1_usize.checked_shl(level)?)?;
            self.get(begin..end)
        });
        Ok(super::perfect(&mut leaves.ok_or(NotStored { leaf })?.to_vec()))
    }
}

/// The largest power of two that is smaller than a number above 1.
const fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// The root of the leaves from `begin` on, which is a multiple of a power of two that is not smaller
/// than their number.
fn subtree<N: Nodes + ?Sized>(nodes: &N, begin: u64, count: u64) -> Result<Hash, N::Error> {
    let mut end = begin + count;
    let mut root = None;
    // The perfect subtrees, the smallest first, which stands furthest to the right.
    while end > begin {
        let level = (end - begin).trailing_zeros();
        end -= 1 << level;
        let left = nodes.node(level, end >> level)?;
        root = Some(root.map_or(left, |right| node(&left, &right)));
    }
    Ok(root.unwrap_or_else(empty_root))
}

/// The root of the first `size` leaves.
///
/// # Errors
///
/// Where a node is not there.
pub fn root<N: Nodes + ?Sized>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    subtree(nodes, 0, size)
}

/// The hashes that lead from a leaf to the root of the first `size` leaves, the lowest first: `PATH`
/// of RFC 6962, section 2.1.1.
///
/// # Errors
///
/// [`NotStored`] where the leaf is not among them; or where a node is not there.
pub fn inclusion<N: Nodes + ?Sized>(nodes: &N, leaf: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    if leaf >= size {
        return Err(NotStored { leaf }.into());
    }
    let (mut begin, mut count) = (0, size);
    let mut proof = Vec::new();
    while count > 1 {
        let left = split(count);
        if leaf < begin + left {
            proof.push(subtree(nodes, begin + left, count - left)?);
            count = left;
        } else {
            proof.push(subtree(nodes, begin, left)?);
            begin += left;
            count -= left;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The hashes that show that the tree of `old` leaves is the beginning of that of `new` ones:
/// `PROOF` of RFC 6962, section 2.1.2. Empty where the sizes are equal, or `old` is 0.
///
/// # Errors
///
/// [`NotStored`] where `old` is the larger; or where a node is not there.
pub fn consistency<N: Nodes + ?Sized>(nodes: &N, old: u64, new: u64) -> Result<Vec<Hash>, N::Error> {
    if old > new {
        return Err(NotStored { leaf: old }.into());
    }
    let mut proof = Vec::new();
    if old == 0 || old == new {
        return Ok(proof);
    }
    let (mut begin, mut count) = (0, new);
    while begin + count > old {
        let left = split(count);
        if old <= begin + left {
            proof.push(subtree(nodes, begin + left, count - left)?);
            count = left;
        } else {
            proof.push(subtree(nodes, begin, left)?);
            begin += left;
            count -= left;
        }
    }
    // What is left ends with the old tree. It is known to whoever knows the old root if it is all of it.
    if begin > 0 {
        proof.push(subtree(nodes, begin, count)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The numbers cannot be: a leaf outside of its tree, or a tree that shrank.
    #[error("{inner} is not within a tree of {size} leaves")]
    OutOfRange {
        /// The leaf, or the size of the older tree.
        inner: u64,
        /// The size of the tree.
        size: u64,
    },
    /// A proof between these numbers has another number of hashes.
    #[error("the proof has {found} hashes, which does not fit these sizes")]
    Length {
        /// How many there are.
        found: usize,
    },
    /// It leads to another root.
    #[error("the proof leads to the root {found}, not to {expected}")]
    Root {
        /// What was to be proved.
        expected: Hash,
        /// What it leads to.
        found: Hash,
    },
}

/// Checks that a leaf is in the tree of a size and a root: RFC 9162, section 2.1.3.2.
///
/// # Errors
///
/// [`ProofError`] says why it is not proved.
pub fn verify_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { inner: index, size });
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length { found: proof.len() });
        }
        if at & 1 == 1 || at == last {
            hash = node(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length { found: proof.len() });
    }
    expect(hash, root)
}

/// Checks that a tree is the beginning of another one: RFC 9162, section 2.1.4.2.
///
/// # Errors
///
/// [`ProofError`] says why it is not proved.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::OutOfRange { inner: old, size: new });
    }
    if old == 0 || old == new {
        if !proof.is_empty() {
            return Err(ProofError::Length { found: proof.len() });
        }
        let known = if old == 0 { empty_root() } else { *new_root };
        return expect(*old_root, &known);
    }
    let (mut at, mut last) = (old - 1, new - 1);
    let shift = at.trailing_ones();
    at >>= shift;
    last >>= shift;
    let mut hashes = proof.iter();
    // A tree that is perfect is its own first node.
    let first = if old.is_power_of_two() { Some(old_root) } else { hashes.next() };
    let Some(&first) = first else { return Err(ProofError::Length { found: 0 }) };
    let (mut older, mut newer) = (first, first);
    for sibling in hashes {
        if last == 0 {
            return Err(ProofError::Length { found: proof.len() });
        }
        if at & 1 == 1 || at == last {
            older = node(sibling, &older);
            newer = node(sibling, &newer);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            newer = node(&newer, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length { found: proof.len() });
    }
    expect(older, old_root)?;
    expect(newer, new_root)
}

fn expect(found: Hash, expected: &Hash) -> Result<(), ProofError> {
    if found == *expected {
        return Ok(());
    }
    Err(ProofError::Root { expected: *expected, found })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::reference::{ROOTS, hash, leaves, mth, path, some_leaves, subproof};
    use super::*;

    const A: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
    const B: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
    const C: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
    const D: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
    const E: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
    const F: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";

    #[test]
    fn the_published_inclusion_proofs() {
        let leaves = leaves();
        let published: &[(u64, u64, &[&str])] = &[
            (0, 1, &[]),
            (0, 8, &[A, B, C]),
            (5, 8, &[D, E, ROOTS[3]]),
            (2, 3, &[ROOTS[1]]),
            (1, 5, &[ROOTS[0], B, D]),
        ];
        for (leaf, size, proof) in published {
            let proof: Vec<Hash> = proof.iter().map(|hex| hash(hex)).collect();
            assert_eq!(inclusion(leaves.as_slice(), *leaf, *size).unwrap(), proof, "{leaf} in {size}");
            let root = hash(ROOTS[*size as usize - 1]);
            verify_inclusion(leaves[*leaf as usize], *leaf, *size, &proof, &root).unwrap();
        }
    }

    #[test]
    fn the_published_consistency_proofs() {
        let leaves = leaves();
        let published: &[(u64, u64, &[&str])] =
            &[(1, 1, &[]), (1, 8, &[A, B, C]), (6, 8, &[F, E, ROOTS[3]]), (2, 5, &[B, D])];
        for (old, new, proof) in published {
            let proof: Vec<Hash> = proof.iter().map(|hex| hash(hex)).collect();
            assert_eq!(consistency(leaves.as_slice(), *old, *new).unwrap(), proof, "{old} to {new}");
            let (before, after) = (hash(ROOTS[*old as usize - 1]), hash(ROOTS[*new as usize - 1]));
            verify_consistency(*old, &before, *new, &after, &proof).unwrap();
        }
    }

    #[test]
    fn every_proof_of_small_trees_is_that_of_the_definition() {
        let all = some_leaves(40);
        for size in 1..=all.len() {
            let tree = &all[..size];
            let root = mth(tree);
            assert_eq!(super::root(all.as_slice(), size as u64).unwrap(), root);
            for leaf in 0..size {
                let proof = inclusion(all.as_slice(), leaf as u64, size as u64).unwrap();
                assert_eq!(proof, path(leaf, tree));
                verify_inclusion(all[leaf], leaf as u64, size as u64, &proof, &root).unwrap();
            }
            for old in 1..=size {
                let proof = consistency(all.as_slice(), old as u64, size as u64).unwrap();
                assert_eq!(proof, subproof(old, tree, true), "{old} to {size}");
                verify_consistency(old as u64, &mth(&all[..old]), size as u64, &root, &proof).unwrap();
            }
        }
        assert_eq!(inclusion(all.as_slice(), 40, 40), Err(NotStored { leaf: 40 }));
        assert_eq!(inclusion(all.as_slice(), 0, 41), Err(NotStored { leaf: 40 }));
        assert_eq!(consistency(all.as_slice(), 5, 4), Err(NotStored { leaf: 5 }));
    }

    #[test]
    fn no_other_leaf_place_size_or_proof_passes() {
        let all = some_leaves(21);
        for size in 1..=21_u64 {
            let root = mth(&all[..size as usize]);
            for index in 0..size {
                let proof = inclusion(all.as_slice(), index, size).unwrap();
                let leaf = all[index as usize];
                for other in (0..24).filter(|other| *other != index) {
                    verify_inclusion(leaf, other, size, &proof, &root).unwrap_err();
                }
                verify_inclusion(Hash::of(b"x"), index, size, &proof, &root).unwrap_err();
                for at in 0..proof.len() {
                    let mut wrong = proof.clone();
                    wrong[at].0[7] ^= 1;
                    verify_inclusion(leaf, index, size, &wrong, &root).unwrap_err();
                    wrong.remove(at);
                    verify_inclusion(leaf, index, size, &wrong, &root).unwrap_err();
                }
                let mut longer = proof.clone();
                longer.push(root);
                verify_inclusion(leaf, index, size, &longer, &root).unwrap_err();
            }
            for old in 0..=size {
                let before = mth(&all[..old as usize]);
                let proof = consistency(all.as_slice(), old, size).unwrap();
                verify_consistency(old, &before, size, &root, &proof).unwrap();
                verify_consistency(old, &Hash::of(b"x"), size, &root, &proof).unwrap_err();
                if old > 0 {
                    verify_consistency(old, &before, size, &Hash::of(b"x"), &proof).unwrap_err();
                }
                for at in 0..proof.len() {
                    let mut wrong = proof.clone();
                    wrong[at].0[7] ^= 1;
                    verify_consistency(old, &before, size, &root, &wrong).unwrap_err();
                    wrong.remove(at);
                    verify_consistency(old, &before, size, &root, &wrong).unwrap_err();
                }
                let mut longer = proof.clone();
                longer.push(root);
                verify_consistency(old, &before, size, &root, &longer).unwrap_err();
            }
        }
        assert!(matches!(
            verify_consistency(3, &hash(ROOTS[2]), 2, &hash(ROOTS[1]), &[]),
            Err(ProofError::OutOfRange { inner: 3, size: 2 })
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn proofs_of_larger_trees(size in 1_usize..1500, leaf: prop::sample::Index, old: prop::sample::Index) {
            let leaves = some_leaves(size);
            let (leaf, old) = (leaf.index(size), old.index(size) + 1);
            let proof = inclusion(leaves.as_slice(), leaf as u64, size as u64).unwrap();
            prop_assert_eq!(&proof, &path(leaf, &leaves));
            verify_inclusion(leaves[leaf], leaf as u64, size as u64, &proof, &mth(&leaves)).unwrap();
            let proof = consistency(leaves.as_slice(), old as u64, size as u64).unwrap();
            prop_assert_eq!(&proof, &subproof(old, &leaves, true));
        }

    }

    proptest! {
        #[test]
        fn any_proof_is_checked_or_refused(index: u64, size: u64, old: u64, hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70)) {
            let hashes: Vec<Hash> = hashes.into_iter().map(Hash).collect();
            let root = Hash([0; 32]);
            prop_assert!(verify_inclusion(root, index, size, &hashes, &root).is_err() || size == 1);
            let _ = verify_consistency(old, &root, size, &root, &hashes);
        }
    }
}
