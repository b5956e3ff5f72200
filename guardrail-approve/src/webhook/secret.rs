//! The secret that callbacks are signed with, and the signature: that of Slack's requests.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::hex;

/// The shortest secret, in bytes.
const SHORTEST: usize = 16;

/// A secret, which is not shown and is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// A secret that is too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret has 16 bytes at least")]
pub struct SecretError;

impl Secret {
    /// A secret of at least 16 bytes.
    ///
    /// # Errors
    ///
    /// [`SecretError`] where it is shorter.
    pub fn new(secret: impl Into<Vec<u8>>) -> Result<Self, SecretError> {
        let secret = Zeroizing::new(secret.into());
        if secret.len() < SHORTEST { Err(SecretError) } else { Ok(Self(secret)) }
    }

    fn mac(&self, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
        // Any length is a key, so this is never `None`.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in [b"v0:", timestamp.as_bytes(), b":", body] {
            mac.update(part);
        }
        Some(mac)
    }

    /// Whether a signature is over this time and body; the time it takes says nothing of it.
    pub(super) fn has_signed(&self, timestamp: &str, signature: &str, body: &[u8]) -> bool {
        let signature = signature.strip_prefix("v0=").and_then(hex::decode::<32>);
        match (signature, self.mac(timestamp, body)) {
            (Some(signature), Some(mac)) => mac.verify_slice(&signature).is_ok(),
            _ => false,
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The signature over a body at a time (seconds since 1970, in decimal digits), for relays of your
/// own. It is that of Slack: HMAC-SHA256 over `v0:TIME:BODY`, in hexadecimal digits behind `v0=`.
///
/// ```
/// use guardrail_approve::webhook::{Secret, sign};
///
/// // The example of Slack's documentation.
/// let secret = Secret::new("8f742231b10e8888abcd99yyyzzz85a5")?;
/// let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
/// &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
/// &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J\
/// %2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
/// let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
/// assert_eq!(sign(&secret, "1531420618", body), signature);
/// # Ok::<(), guardrail_approve::webhook::SecretError>(())
/// ```
#[must_use]
pub fn sign(secret: &Secret, timestamp: &str, body: &[u8]) -> String {
    let code = secret.mac(timestamp, body).map(|mac| mac.finalize().into_bytes()).unwrap_or_default();
    format!("v0={}", hex::encode(&code))
}
