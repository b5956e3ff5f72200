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
        let digit = |half: u8| half + if half > 9 { b'a' - 10 } else { b'0' };
        let mut digits = [b'0'; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            if let [high, low] = pair {
                (*high, *low) = (digit(byte >> 4), digit(byte & 15));
            }
        }
        digits
    }

    /// The digest of 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        let half = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let mut hash = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let &[high, low] = pair else { return None };
            *byte = half(high)? << 4 | half(low)?;
        }
        Some(Self(hash))
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
    }
}
