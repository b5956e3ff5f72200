//! What is inside of a vault: JSON, read without copying any value.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use guardrail_core::plan::Secret;
use guardrail_core::record::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

/// The names that a vault has, with what it keeps of each.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body<'p> {
    #[serde(rename = "guardrail_vault")]
    version: Version,
    #[serde(borrow)]
    secrets: BTreeMap<&'p str, Kept<'p>>,
}

/// The one that this program writes.
#[derive(Deserialize)]
#[serde(try_from = "u32")]
struct Version;

impl TryFrom<u32> for Version {
    type Error = &'static str;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if number == 1 { Ok(Self) } else { Err("another version of this program made it") }
    }
}

/// One secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept<'p> {
    pub(super) set: Timestamp,
    #[serde(borrow)]
    value: Encoded<'p>,
}

/// A value in base64: as it stands in the text, or a new one.
#[derive(Deserialize)]
#[serde(from = "&'p str", bound(deserialize = "'de: 'p"))]
enum Encoded<'p> {
    Kept(&'p str),
    New(Zeroizing<String>),
}

impl<'p> From<&'p str> for Encoded<'p> {
    fn from(text: &'p str) -> Self {
        Self::Kept(text)
    }
}

impl Encoded<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Kept(text) => text,
            Self::New(text) => text,
        }
    }
}

impl<'p> Body<'p> {
    /// A vault without secrets.
    pub(super) const EMPTY: &'static [u8] = br#"{"guardrail_vault":1,"secrets":{}}"#;

    /// Reads it; `None` where it is no vault's.
    pub(super) fn read(plain: &'p [u8]) -> Option<Self> {
        serde_json::from_slice(plain).ok()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Kept<'p>)> {
        self.secrets.iter().map(|(name, kept)| (*name, kept))
    }

    /// `None` where there is none of that name, and `Some(None)` where its text is no value.
    pub(super) fn value(&self, name: &str) -> Option<Option<Secret>> {
        let text = self.secrets.get(name)?.value.text();
        let mut value = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
        let Ok(length) = STANDARD.decode_slice(text, &mut value) else { return Some(None) };
        value.truncate(length);
        Some(Some(Secret::new(std::mem::take(&mut *value))))
    }

    /// Puts a value in, and says whether there was one.
    pub(super) fn with(&mut self, name: &'p str, value: &Secret, set: Timestamp) -> bool {
        let length = base64::encoded_len(value.expose().len(), true).unwrap_or_default();
        let mut text = Zeroizing::new(String::with_capacity(length));
        STANDARD.encode_string(value.expose(), &mut text);
        self.secrets.insert(name, Kept { set, value: Encoded::New(text) }).is_some()
    }

    /// Takes a value out, and says whether there was one.
    pub(super) fn without(&mut self, name: &str) -> bool {
        self.secrets.remove(name).is_some()
    }

    /// All of it, in one buffer that never grew.
    pub(super) fn write(&self) -> Zeroizing<Vec<u8>> {
        #[derive(Serialize)]
        struct Line<'l> {
            set: Timestamp,
            value: &'l str,
        }
        let Version = self.version;
        let room = |(name, kept): (&&str, &Kept<'_>)| name.len() + kept.value.text().len() + 80;
        let mut plain = Zeroizing::new(Vec::with_capacity(
            self.secrets.iter().map(room).sum::<usize>() + Self::EMPTY.len(),
        ));
        let all: BTreeMap<&str, Line<'_>> = self
            .secrets
            .iter()
            .map(|(name, kept)| (*name, Line { set: kept.set, value: kept.value.text() }))
            .collect();
        plain.extend_from_slice(br#"{"guardrail_vault":1,"secrets":"#);
        // A text for a key, a time and a text: there is nothing that fails.
        if serde_json::to_writer(&mut *plain, &all).is_err() {
            plain.zeroize();
        }
        plain.push(b'}');
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_grew() {
        let mut body = Body::read(Body::EMPTY).unwrap();
        let now = Timestamp::UNIX_EPOCH;
        for (name, value) in [("a/b", &b"\x00\xff\n"[..]), ("c", b"correct horse"), ("long", &[7; 30_000])] {
            assert!(!body.with(name, &Secret::new(value.to_vec()), now));
        }
        assert!(body.with("c", &Secret::new(b"battery staple".to_vec()), now));
        let plain = body.write();
        let room = plain.capacity();
        let read = Body::read(&plain).unwrap();
        assert_eq!(read.value("a/b").unwrap().unwrap().expose(), b"\x00\xff\n");
        assert_eq!(read.value("c").unwrap().unwrap().expose(), b"battery staple");
        assert_eq!(read.value("long").unwrap().unwrap().expose(), [7; 30_000]);
        assert!(read.value("d").is_none());
        assert_eq!(*read.write(), *plain);
        assert!(room >= plain.len() && room <= plain.len() + 400, "{room} for {}", plain.len());
    }

    #[test]
    fn whatever_is_no_vault_is_refused() {
        for text in [
            "",
            "{}",
            r#"{"guardrail_vault":2,"secrets":{}}"#,
            r#"{"guardrail_vault":1,"secrets":{},"more":1}"#,
            r#"{"guardrail_vault":1,"secrets":{"a":{"value":"AAAA"}}}"#,
        ] {
            assert!(Body::read(text.as_bytes()).is_none(), "{text}");
        }
        let odd = r#"{"guardrail_vault":1,"secrets":{"a":{"set":"2026-01-26T09:30:00Z","value":"?"}}}"#;
        assert!(Body::read(odd.as_bytes()).unwrap().value("a").unwrap().is_none());
    }
}
