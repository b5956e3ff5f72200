//! A SHA-256 digest, and the two that tie a log together.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// A SHA-256 digest. Prints as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of a line without its newline, which is the RFC 6962 hash of a leaf: SHA-256 over
    /// a zero byte and the line. The next line quotes it, and it is the line's leaf in the tree.
    #[must_use]
    pub fn of_line(line: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(line).finalize().into())
    }

    /// What the first line of a log quotes, since there is nothing before it.
    #[must_use]
    pub fn of_origin(origin: &str) -> Self {
        Self(Sha256::new().chain_update("guardrail-audit/v1\n").chain_update(origin).finalize().into())
    }

    /// The digest of whole contents.
    #[must_use]
    pub fn of(contents: &[u8]) -> Self {
        Self(Sha256::digest(contents).into())
    }

    /// The digits, as the log has them.
    #[must_use]
    pub fn hex(&self) -> [u8; 64] {
        // Without a branch or a table, which the compiler turns into one step for many bytes.
        let digit = |half: u8| half + b'0' + u8::from(half > 9) * (b'a' - b'0' - 10);
        let mut digits = [0; 64];
        for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(self.0) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        digits
    }

    /// The digest of 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        let mut hash = [0; 32];
        let (pairs, []) = digits.as_chunks() else { return None };
        if pairs.len() != hash.len() {
            return None;
        }
        let mut wrong = 0;
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            let (high, low) = (value(*high), value(*low));
            wrong |= high | low;
            *byte = high << 4 | low;
        }
        (wrong & NO_DIGIT == 0).then_some(Self(hash))
    }
}

/// What is beyond any digit's value.
const NO_DIGIT: u8 = 0xf0;

/// The value of a lower-case hexadecimal digit. Of all bytes alike it takes the same few steps.
const fn value(digit: u8) -> u8 {
    let (decimal, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
    if decimal < 10 {
        decimal
    } else if letter < 6 {
        letter + 10
    } else {
        NO_DIGIT
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl serde::Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::from_hex(digits.as_bytes())
            .ok_or_else(|| serde::de::Error::custom("64 lower-case hexadecimal digits are expected"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_is_that_of_rfc_6962() {
        // The hash of the empty leaf, from the reference implementation of RFC 6962.
        assert_eq!(
            Hash::of_line(b"").to_string(),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
    }

    #[test]
    fn digits_come_back() {
        let hash = Hash::of(b"x");
        assert_eq!(Hash::from_hex(&hash.hex()), Some(hash));
        assert_eq!(hash.hex().as_slice(), hash.to_string().as_bytes());
        assert_eq!(Hash::from_hex(&hash.to_string().to_uppercase().into_bytes()), None);
        for length in [0, 1, 62, 63, 65, 66, 128] {
            assert_eq!(Hash::from_hex(&vec![b'0'; length]), None);
        }
    }

    #[test]
    fn other_bytes_are_no_digits() {
        for byte in 0..=u8::MAX {
            for at in [0, 31, 32, 63] {
                let mut digits = [b'7'; 64];
                digits[at] = byte;
                let is_digit = byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                let found = Hash::from_hex(&digits);
                assert_eq!(found.map(|hash| hash.hex()), is_digit.then_some(digits));
            }
        }
    }
}
