//! C2SP checkpoints: the size and the root of a log, as the text of a signed note.
//!
//! `https://c2sp.org/tlog-checkpoint` is the definition. Extension lines are not written, and read
//! as malformed, since nobody could check them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hash::Hash;
use crate::note::{Note, NoteError, NoteSigner, Verifier};

/// What a log was when it had so many lines.
///
/// `Display` prints the text of a checkpoint's note, and `FromStr` reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many lines it had.
    pub size: u64,
    /// Their Merkle root.
    pub root: Hash,
}

/// Why a text is no checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It has not the form of one.
    #[error("this is no checkpoint: {0}")]
    Malformed(&'static str),
    /// Its note is none, or nobody who is trusted signed it.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Checkpoint {
    /// The checkpoint as a signed note.
    ///
    /// # Errors
    ///
    /// [`NoteError::Malformed`] where the origin cannot stand in a note.
    pub fn sign(&self, signer: &NoteSigner) -> Result<String, NoteError> {
        if self.origin.is_empty() || self.origin.contains('\n') {
            return Err(NoteError::Malformed("the origin is empty, or more than a line"));
        }
        signer.sign(&self.to_string())
    }

    /// The checkpoint of a note that a trusted key signed.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`].
    pub fn verify(note: &str, trusted: &[Verifier]) -> Result<Self, CheckpointError> {
        Note::parse(note)?.verify(trusted)?.parse()
    }

    /// The checkpoint of a note, whoever signed it.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`].
    pub fn unverified(note: &str) -> Result<Self, CheckpointError> {
        Note::parse(note)?.unverified_text().parse()
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, STANDARD.encode(self.root.0))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let bad = CheckpointError::Malformed;
        let text = text.strip_suffix('\n').ok_or(bad("its last line has no end"))?;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(bad("it has not three lines"));
        };
        if origin.is_empty() {
            return Err(bad("its origin is empty"));
        }
        let size = decimal(size).ok_or(bad("its size is no decimal number"))?;
        let root = hash(root).ok_or(bad("its root is not the base64 of 32 bytes"))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

/// A number without leading zeros or a sign.
pub(crate) fn decimal(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    (plain && (digits == "0" || !digits.starts_with('0'))).then(|| digits.parse().ok()).flatten()
}

/// A hash in base64.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok().map(Hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_the_specification_is_read_and_written() {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let checkpoint: Checkpoint = text.parse().unwrap();
        assert_eq!(
            (checkpoint.origin.as_str(), checkpoint.size),
            ("example.com/behind-the-sofa", 20_852_163)
        );
        assert_eq!(checkpoint.to_string(), text);
        let note = format!(
            "{text}\n\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        );
        assert_eq!(Checkpoint::unverified(&note).unwrap(), checkpoint);
    }

    #[test]
    fn other_spellings_are_refused() {
        let good = "o\n10\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        good.parse::<Checkpoint>().unwrap();
        for (from, to) in [
            ("10", "010"),
            ("10", "+10"),
            ("10", ""),
            ("10", "10 "),
            ("10", "18446744073709551616"),
            ("2I=", "2J="),
            ("2I=", "2I"),
            ("2I=", "2I= "),
            ("o\n", "\n"),
            ("=\n", "="),
            ("=\n", "=\nextension\n"),
            ("=\n", "=\n\n"),
            ("\n10", "\r\n10\r"),
        ] {
            assert!(good.contains(from));
            good.replacen(from, to, 1).parse::<Checkpoint>().unwrap_err();
        }
    }

    #[test]
    fn a_signed_checkpoint_comes_back() {
        let signer = NoteSigner::generate("example.org/log").unwrap();
        let checkpoint = Checkpoint { origin: "example.org/log".into(), size: 3, root: Hash([5; 32]) };
        let note = checkpoint.sign(&signer).unwrap();
        let trusted = [signer.verifier().clone()];
        assert_eq!(Checkpoint::verify(&note, &trusted).unwrap(), checkpoint);
        let grown = note.replacen("\n3\n", "\n4\n", 1);
        assert!(matches!(
            Checkpoint::verify(&grown, &trusted),
            Err(CheckpointError::Note(NoteError::BadSignature(_)))
        ));
        assert!(Checkpoint { origin: "a\nb".into(), ..checkpoint }.sign(&signer).is_err());
    }
}
