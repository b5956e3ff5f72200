//! C2SP signed notes: a text with the signatures of those who vouch for it, by Ed25519.
//!
//! `https://c2sp.org/signed-note` is the definition.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The type byte of Ed25519 keys.
const ED25519: u8 = 1;
/// The most signatures that are read of one note.
const MOST_SIGNATURES: usize = 64;
/// The most bytes of a note.
const MOST_BYTES: usize = 1 << 20;
const DASH: &str = "\u{2014} ";
const SECRET: &str = "PRIVATE+KEY+";

/// Why a note was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// It is not a signed note.
    #[error("this is no signed note: {0}")]
    Malformed(&'static str),
    /// A key that is trusted did not sign it, although it says so.
    #[error("the signature of key {0} is wrong")]
    BadSignature(String),
    /// No key that is trusted signed it.
    #[error("no trusted key signed this")]
    Unsigned,
    /// A key cannot be read.
    #[error("this is no {what} key: {why}")]
    BadKey {
        /// What was expected.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Whether a name may stand in a note: not empty, no spaces, no plus sign, no control characters.
#[must_use]
pub fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// The public half of a key, by which a signature is checked.
///
/// Written as `<name>+<id>+<base64>`, which is what `Display` prints and `FromStr` reads.
///
/// ```
/// use guardrail_audit::note::Verifier;
///
/// let key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
/// assert_eq!(key.parse::<Verifier>()?.name(), "sum.golang.org");
/// # Ok::<(), guardrail_audit::note::NoteError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl Verifier {
    fn new(name: &str, key: VerifyingKey) -> Self {
        let digest =
            Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(key.as_bytes());
        let [a, b, c, d, ..] = <[u8; 32]>::from(digest.finalize());
        Self { name: name.to_owned(), id: [a, b, c, d], key }
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id, in hexadecimal.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id))
    }

    fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519];
        key.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, self.id(), STANDARD.encode(key))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({self})")
    }
}

impl FromStr for Verifier {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let bad = |why| NoteError::BadKey { what: "verifier", why };
        let (name, id, key) = key_parts(text).ok_or(bad("it is not <name>+<id>+<base64>"))?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| bad("it is no point of the curve"))?;
        if key.is_weak() {
            return Err(bad("it is a weak point of the curve"));
        }
        let verifier = Self::new(name, key);
        if verifier.id() != id {
            return Err(bad("its id does not fit it"));
        }
        Ok(verifier)
    }
}

/// The name, the id's digits and the bytes of an encoded Ed25519 key.
fn key_parts(text: &str) -> Option<(&str, &str, Zeroizing<[u8; 32]>)> {
    let (name, rest) = text.split_once('+')?;
    let (id, key) = rest.split_once('+')?;
    let key = Zeroizing::new(STANDARD.decode(key).ok()?);
    let bytes = Zeroizing::new(<[u8; 32]>::try_from(key.strip_prefix(&[ED25519])?).ok()?);
    is_key_name(name).then_some((name, id, bytes))
}

/// A key that signs. It is never shown, and its memory is overwritten when it is dropped.
#[derive(Clone)]
pub struct NoteSigner {
    verifier: Verifier,
    key: SigningKey,
}

impl NoteSigner {
    /// Makes a key from the randomness of the operating system.
    ///
    /// # Errors
    ///
    /// [`KeyError`] where the name may not stand in a note, or there is no randomness.
    pub fn generate(name: &str) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            let why = "its name is empty, or has a space or a plus sign";
            return Err(NoteError::BadKey { what: "signing", why }.into());
        }
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(|_| KeyError::NoRandomness)?;
        Ok(Self::of_seed(name, &seed))
    }

    fn of_seed(name: &str, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        Self { verifier: Verifier::new(name, key.verifying_key()), key }
    }

    /// Reads a key in the form in which [`save`](Self::save) writes it, which is that of Go's
    /// `sumdb/note`: `PRIVATE+KEY+<name>+<id>+<base64>`.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadKey`], without the text.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let bad = |why| NoteError::BadKey { what: "signing", why };
        let text = text.strip_prefix(SECRET).ok_or(bad("it does not begin with PRIVATE+KEY+"))?;
        let (name, id, seed) = key_parts(text).ok_or(bad("it is not <name>+<id>+<base64>"))?;
        let signer = Self::of_seed(name, &seed);
        if signer.verifier.id() != id {
            return Err(bad("its id does not fit it"));
        }
        Ok(signer)
    }

    /// Reads a key file. Others than its owner must not be able to read it.
    ///
    /// # Errors
    ///
    /// [`KeyError`], which names the file.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let failed = |error| KeyError::Io { path: path.to_owned(), error };
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
            .open(path)
            .map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.to_owned(), mode });
        }
        // Large enough that it does not grow, which would leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(4_096));
        file.take(4_096).read_to_string(&mut text).map_err(failed)?;
        Ok(Self::parse(text.strip_suffix('\n').unwrap_or(&text))?)
    }

    /// Writes a new key file, which only its owner can read. A file that is there is kept, and an
    /// error.
    ///
    /// # Errors
    ///
    /// [`KeyError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let failed = |error| KeyError::Io { path: path.to_owned(), error };
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        let mut key = Zeroizing::new([ED25519; 33]);
        for (to, from) in key.iter_mut().skip(1).zip(self.key.as_bytes()) {
            *to = *from;
        }
        let key = Zeroizing::new(STANDARD.encode(key.as_slice()));
        let (name, id) = (&self.verifier.name, self.verifier.id());
        let text = Zeroizing::new([SECRET, name, "+", &id, "+", &key, "\n"].concat());
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// The public half.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Signs a text.
    ///
    /// # Errors
    ///
    /// [`NoteError::Malformed`] where it cannot be that of a note.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        check_text(text)?;
        let mut signature = self.verifier.id.to_vec();
        signature.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        Ok(format!("{text}\n{DASH}{} {}\n", self.verifier.name, STANDARD.encode(signature)))
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner({}, ..)", self.verifier)
    }
}

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It could not be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
    /// Others can read it.
    #[error(
        "{path} has mode {mode:03o}, so that others may have read the key: make another key, or `chmod 600` if nobody did"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds something else.
    #[error(transparent)]
    Invalid(#[from] NoteError),
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    NoRandomness,
}

/// A signed note, read and not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'n> {
    text: &'n str,
    signatures: Vec<Line<'n>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line<'n> {
    name: &'n str,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl<'n> Note<'n> {
    /// Reads a note.
    ///
    /// # Errors
    ///
    /// [`NoteError::Malformed`].
    pub fn parse(note: &'n str) -> Result<Self, NoteError> {
        let bad = NoteError::Malformed;
        if note.len() > MOST_BYTES {
            return Err(bad("it is longer than a mebibyte"));
        }
        let end = note.rfind("\n\n").ok_or(bad("no empty line stands before its signatures"))?;
        let (text, rest) = note.split_at_checked(end + 1).ok_or(bad("it has no text"))?;
        check_text(text)?;
        let rest = rest.strip_prefix('\n').unwrap_or_default();
        let rest = rest.strip_suffix('\n').ok_or(bad("its last line has no end"))?;
        let mut signatures = Vec::new();
        for line in rest.split('\n') {
            if signatures.len() == MOST_SIGNATURES {
                return Err(bad("it has too many signatures"));
            }
            let line = line.strip_prefix(DASH).ok_or(bad("a signature does not begin with a dash"))?;
            let (name, signature) = line.split_once(' ').ok_or(bad("a signature has no name"))?;
            if !is_key_name(name) {
                return Err(bad("a key's name may not be that"));
            }
            let signature = STANDARD.decode(signature).map_err(|_| bad("a signature is no base64"))?;
            match signature.split_first_chunk::<4>() {
                Some((id, rest)) if !rest.is_empty() => {
                    signatures.push(Line { name, id: *id, signature: rest.to_vec() });
                }
                _ => return Err(bad("a signature is too short")),
            }
        }
        Ok(Self { text, signatures })
    }

    /// The text, with its last newline. Nothing says yet that anybody vouches for it.
    #[must_use]
    pub const fn unverified_text(&self) -> &'n str {
        self.text
    }

    /// The text, if a key that is trusted signed it. Signatures of other keys do not matter.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadSignature`] where a signature of a trusted key is wrong, and
    /// [`NoteError::Unsigned`] where there is none.
    pub fn verify(&self, trusted: &[Verifier]) -> Result<&'n str, NoteError> {
        let mut signed = false;
        for line in &self.signatures {
            let known = trusted.iter().find(|key| key.name == line.name && key.id == line.id);
            if let Some(key) = known {
                if !key.verifies(self.text, &line.signature) {
                    return Err(NoteError::BadSignature(format!("{}+{}", key.name, key.id())));
                }
                signed = true;
            }
        }
        if signed { Ok(self.text) } else { Err(NoteError::Unsigned) }
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Malformed("its text does not end with a newline"));
    }
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(NoteError::Malformed("its text has a control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // The example of Go's `golang.org/x/mod/sumdb/note`.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn signer(name: &str) -> NoteSigner {
        NoteSigner::of_seed(name, &[7; 32])
    }

    #[test]
    fn the_published_note_is_verified() {
        let key: Verifier = KEY.parse().unwrap();
        assert_eq!(
            (key.name(), key.id().as_str(), key.to_string().as_str()),
            ("PeterNeumann", "c74f20a3", KEY)
        );
        let note = Note::parse(NOTE).unwrap();
        assert!(note.verify(std::slice::from_ref(&key)).unwrap().ends_with("your problem is.\n"));
        assert_eq!(note.verify(&[]), Err(NoteError::Unsigned));
        let changed = NOTE.replace("answer", "anwser");
        let wrong = Note::parse(&changed).unwrap().verify(&[key]);
        assert_eq!(wrong, Err(NoteError::BadSignature("PeterNeumann+c74f20a3".into())));
    }

    #[test]
    fn the_note_of_the_specification_is_read() {
        let note = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
            \u{2014} quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
        assert!(Note::parse(note).unwrap().unverified_text().ends_with(":\n\ned è subito sera.\n"));
    }

    #[test]
    fn signatures_of_others_do_not_matter() {
        let (mine, other) = (signer("a/log"), signer("b/log"));
        let first = mine.sign("x\n").unwrap();
        let second = other.sign("x\n").unwrap();
        let both = format!("{first}{}", second.strip_prefix("x\n\n").unwrap());
        for key in [&mine, &other] {
            Note::parse(&both).unwrap().verify(&[key.verifier().clone()]).unwrap();
        }
        // The id of one with the name of the other is a key that nobody knows.
        let renamed = first.replace("a/log", "b/log");
        assert_eq!(
            Note::parse(&renamed).unwrap().verify(&[other.verifier().clone()]),
            Err(NoteError::Unsigned)
        );
        assert!(!format!("{mine:?}").contains(&STANDARD.encode([7; 32])));
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let good = signer("a").sign("text\n").unwrap();
        Note::parse(&good).unwrap();
        for (from, to) in [
            ("text\n\n", "text\n"),
            ("text\n\n", "\n"),
            ("text", "te\u{1}xt"),
            ("\u{2014} a", "- a"),
            (" a ", " a+b "),
            (" a ", "  "),
            ("=\n", "\n"),
            ("=\n", "="),
            ("=\n", "=\n\n"),
            ("=\n", "=\nx\n"),
        ] {
            assert!(good.contains(from), "{from:?}");
            assert!(Note::parse(&good.replacen(from, to, 1)).is_err(), "{from:?} -> {to:?}");
        }
        assert!(signer("a").sign("no newline").is_err());
        assert!(signer("a").sign("a tab\t\n").is_err());
        for bad in [
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq",
            "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "",
        ] {
            bad.parse::<Verifier>().unwrap_err();
        }
    }

    #[test]
    fn a_key_file_is_for_its_owner() {
        let path = std::env::temp_dir().join(format!("guardrail-key-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let signer = NoteSigner::generate("example.org/log").unwrap();
        signer.save(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(NoteSigner::load(&path).unwrap().sign("x\n"), signer.sign("x\n"));
        assert!(matches!(signer.save(&path), Err(KeyError::Io { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(NoteSigner::load(&path), Err(KeyError::Exposed { mode: 0o640, .. })));
        std::fs::remove_file(&path).unwrap();
        NoteSigner::generate("two words").unwrap_err();
        NoteSigner::parse(KEY).unwrap_err();
    }

    proptest! {
        #[test]
        fn what_is_signed_is_verified(text in "[^\u{0}-\u{1f}]{0,40}(\n[^\u{0}-\u{1f}]{0,40}){0,3}\n") {
            let signer = signer("a");
            let note = signer.sign(&text).unwrap();
            prop_assert_eq!(Note::parse(&note).unwrap().verify(&[signer.verifier().clone()]).unwrap(), text);
        }

        #[test]
        fn any_text_is_a_note_or_not(text in "\\PC*(\n|\u{2014}|\\PC){0,20}") {
            let _ = Note::parse(&text);
            let _ = text.parse::<Verifier>();
            let _ = NoteSigner::parse(&text);
        }
    }
}
