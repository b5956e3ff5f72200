//! C2SP proofs: a text by which anybody who has the log's public key can check, without the log,
//! that a line is in it.
//!
//! `https://c2sp.org/tlog-proof` is the definition.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, CheckpointError, decimal, hash};
use crate::hash::Hash;
use crate::merkle::{ProofError, verify_inclusion};
use crate::note::Verifier;

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A tree of 2^64 leaves has no longer proofs.
const MOST_HASHES: usize = 64;

/// The proof that a line is in a log.
///
/// `Display` prints the text, and `FromStr` reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProof {
    /// The line, where the proof carries it.
    pub line: Option<Vec<u8>>,
    /// The line's number.
    pub index: u64,
    /// The hashes that lead from it to the root, the lowest first.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint.
    pub note: String,
}

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineProofError {
    /// It has not the form of one.
    #[error("this is no proof: {0}")]
    Malformed(&'static str),
    /// Its checkpoint is none, or nobody who is trusted signed it.
    #[error("the proof's checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// Its checkpoint is of another log.
    #[error("the proof is for the log {found}, not for {expected}")]
    Origin {
        /// The log it should be for.
        expected: String,
        /// The log it is for.
        found: String,
    },
    /// The line is not that of the proof.
    #[error(transparent)]
    Inclusion(#[from] ProofError),
    /// The line is not given, and the proof does not carry it.
    #[error("the proof does not carry the line: give it")]
    NoLine,
    /// The line that is given is not the one that the proof carries.
    #[error("the proof carries another line")]
    OtherLine,
}

impl LineProof {
    /// Checks that a line is in the log `origin`, of which a trusted key signed the checkpoint. Gives
    /// the checkpoint.
    ///
    /// The line is given without its newline; with `None`, it is the one that the proof carries.
    ///
    /// # Errors
    ///
    /// [`LineProofError`] says why it is not proved.
    pub fn verify(
        &self,
        line: Option<&[u8]>,
        origin: &str,
        trusted: &[Verifier],
    ) -> Result<Checkpoint, LineProofError> {
        let line = match (line, self.line.as_deref()) {
            (Some(given), Some(carried)) if given != carried => return Err(LineProofError::OtherLine),
            (Some(line), _) | (None, Some(line)) => line,
            (None, None) => return Err(LineProofError::NoLine),
        };
        let checkpoint = Checkpoint::verify(&self.note, trusted)?;
        if checkpoint.origin != origin {
            return Err(LineProofError::Origin { expected: origin.to_owned(), found: checkpoint.origin });
        }
        let leaf = Hash::of_line(line);
        verify_inclusion(leaf, self.index, checkpoint.size, &self.hashes, &checkpoint.root)?;
        Ok(checkpoint)
    }
}

impl fmt::Display for LineProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(line) = &self.line {
            writeln!(f, "extra {}", STANDARD.encode(line))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash.0)))?;
        write!(f, "\n{}", self.note)
    }
}

impl FromStr for LineProof {
    type Err = LineProofError;

    fn from_str(text: &str) -> Result<Self, LineProofError> {
        let bad = LineProofError::Malformed;
        let (head, note) =
            text.split_once("\n\n").ok_or(bad("no empty line stands before its checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(bad("its first line is not c2sp.org/tlog-proof@v1"));
        }
        let mut carried = None;
        if let Some(extra) = lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            carried = Some(STANDARD.decode(extra).map_err(|_| bad("what it carries is no base64"))?);
            lines.next();
        }
        let index = lines.next().and_then(|line| decimal(line.strip_prefix("index ")?));
        let index = index.ok_or(bad("its index is no decimal number"))?;
        let hashes = lines.map(hash).collect::<Option<Vec<_>>>();
        let hashes = hashes.ok_or(bad("a hash is not the base64 of 32 bytes"))?;
        if hashes.len() > MOST_HASHES {
            return Err(bad("it has too many hashes"));
        }
        Checkpoint::unverified(note)?;
        Ok(Self { line: carried, index, hashes, note: note.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::merkle::{inclusion, root};
    use crate::note::NoteSigner;

    fn made(carries: bool) -> (LineProof, Vec<Verifier>) {
        let lines: Vec<Vec<u8>> = (0..7).map(|line| format!("{{\"line\":{line}}}").into_bytes()).collect();
        let leaves: Vec<Hash> = lines.iter().map(|line| Hash::of_line(line)).collect();
        let signer = NoteSigner::generate("example.org/log").unwrap();
        let root = root(leaves.as_slice(), 7).unwrap();
        let note = Checkpoint { origin: "example.org/log".into(), size: 7, root }.sign(&signer).unwrap();
        let proof = LineProof {
            line: carries.then(|| lines[4].clone()),
            index: 4,
            hashes: inclusion(leaves.as_slice(), 4, 7).unwrap(),
            note,
        };
        (proof, vec![signer.verifier().clone()])
    }

    #[test]
    fn a_proof_is_checked_from_its_text_alone() {
        let (proof, trusted) = made(true);
        let text = proof.to_string();
        let read: LineProof = text.parse().unwrap();
        assert_eq!(read, proof);
        assert_eq!(read.verify(None, "example.org/log", &trusted).unwrap().size, 7);
        assert!(matches!(
            read.verify(None, "example.org/other", &trusted),
            Err(LineProofError::Origin { .. })
        ));
        assert_eq!(
            read.verify(Some(b"{\"line\":5}"), "example.org/log", &trusted),
            Err(LineProofError::OtherLine)
        );
        assert!(matches!(
            read.verify(None, "example.org/log", &[]),
            Err(LineProofError::Checkpoint(CheckpointError::Note(_)))
        ));
    }

    #[test]
    fn a_proof_without_its_line_needs_it() {
        let (proof, trusted) = made(false);
        let read: LineProof = proof.to_string().parse().unwrap();
        assert_eq!(read.verify(None, "example.org/log", &trusted), Err(LineProofError::NoLine));
        read.verify(Some(b"{\"line\":4}"), "example.org/log", &trusted).unwrap();
        assert!(matches!(
            read.verify(Some(b"{\"line\":5}"), "example.org/log", &trusted),
            Err(LineProofError::Inclusion(_))
        ));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let (proof, trusted) = made(true);
        let text = proof.to_string().into_bytes();
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut changed = text.clone();
                changed[at] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(changed) else { continue };
                let verified = changed
                    .parse::<LineProof>()
                    .and_then(|proof| proof.verify(None, "example.org/log", &trusted));
                assert!(verified.is_err(), "byte {at}, bit {bit}: {changed}");
            }
        }
    }

    #[test]
    fn the_example_of_the_specification_has_this_form() {
        let hashes =
            "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\nB95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=";
        let note = "example.com/fancylog\n109482\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\n\u{2014} example.com/fancylog hI2DJwAA\n";
        let text = format!("{HEADER}\nindex 73894\n{hashes}\n\n{note}");
        let proof: LineProof = text.parse().unwrap();
        assert_eq!((proof.index, proof.hashes.len(), proof.note.as_str()), (73_894, 2, note));
        assert_eq!(proof.to_string(), text);
        for (from, to) in
            [("@v1", "@v2"), ("index 7", "index 07"), ("index", "extra !\nindex"), ("lQ=", "lR=")]
        {
            text.replacen(from, to, 1).parse::<LineProof>().unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_proof_or_not(text in "(c2sp.org/tlog-proof@v1\n)?(extra [A-Za-z]{0,5}\n)?(index [0-9]{0,3}\n)?\\PC{0,40}(\n\\PC{0,9}){0,6}") {
            let _ = text.parse::<LineProof>();
        }
    }
}
