//! Answers with a signature: what a reviewer's own program makes, and what an approver reads.

use ed25519_dalek::{Signature, Signer as _, SigningKey};
use guardrail_core::plan::{Digest, Question, Reply, Say, Shown};
use guardrail_core::record::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::hex;
use crate::reviewers::{Reviewers, fingerprint};

/// What is signed begins with this, so that a signature over anything else is none over an answer.
const DOMAIN: &str = "guardrail signed answer 1\n";

/// What a signature is over. It names the question, the revision and the text, so that it says yes
/// to nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    question: Uuid,
    digest: Digest,
    shown: Digest,
    say: Say,
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    /// The very bytes that were signed.
    payload: String,
    key: String,
    signature: String,
}

/// Why somebody cannot sign an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The text of the question is not the one that its digest says: it was tampered with.
    #[error("the text of the question is not the one that its digest says")]
    Tampered,
    /// The text is not the whole plan.
    #[error("the text of the question is not the whole plan, and nobody can say yes to a part")]
    Cut,
}

/// Why an answer is not taken. Whatever it says, nothing of it was believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotSigned {
    /// It is not of the form of a signed answer.
    #[error("it is no signed answer: {0}")]
    Malformed(String),
    /// The key is no reviewer's, or no longer.
    #[error("its key is no reviewer's")]
    UnknownKey,
    /// The signature is not by that key over these bytes.
    #[error("its signature is wrong")]
    WrongSignature,
    /// It is an answer to another question, or to another revision.
    #[error("it answers another question")]
    AnotherQuestion,
}

/// A reviewer's answer to a question, signed: the content of the file that a
/// [`FileDrop`](crate::FileDrop) waits for, and its name.
///
/// This runs on the reviewer's side, with the reviewer's key, and shows nothing: whoever calls it
/// has shown [`Question::text`] whole. `at` is the time of the answer.
///
/// # Errors
///
/// [`SignError`] where the question was tampered with, or a yes would be to a part of the plan.
pub fn sign_answer(
    question: &Question,
    say: Say,
    key: &SigningKey,
    at: Timestamp,
) -> Result<(String, Vec<u8>), SignError> {
    if Shown::digest_of(&question.text) != question.shown {
        return Err(SignError::Tampered);
    }
    if !question.complete && matches!(say, Say::Approve(_)) {
        return Err(SignError::Cut);
    }
    let Question { id, digest, shown, .. } = *question;
    let key_name = fingerprint(&key.verifying_key());
    let file = file_name(id, &key_name);
    // Nothing in these fails to serialise: all keys are texts.
    let payload =
        serde_json::to_string(&Payload { question: id, digest, shown, say, at }).unwrap_or_default();
    let signature = hex::encode(&key.sign(signed(&payload).as_bytes()).to_bytes());
    let envelope = serde_json::to_vec(&Envelope { payload, key: key_name, signature });
    Ok((file, envelope.unwrap_or_default()))
}

/// How the file with the answer of one key to one question is called.
pub(crate) fn file_name(question: Uuid, fingerprint: &str) -> String {
    format!("{question}.{fingerprint}.json")
}

fn signed(payload: &str) -> String {
    format!("{DOMAIN}{payload}")
}

/// The reply that a signed answer is, of the reviewer whose key signed it. `ids` are the questions
/// that were put about this text of this revision.
pub(crate) fn read_answer(
    bytes: &[u8],
    question: &Question,
    ids: &[Uuid],
    reviewers: &Reviewers,
    now: Timestamp,
) -> Result<Reply, NotSigned> {
    let malformed = |error: serde_json::Error| NotSigned::Malformed(error.to_string());
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(malformed)?;
    let (key, known) = reviewers.by_key(&envelope.key).ok_or(NotSigned::UnknownKey)?;
    let signature = hex::decode(&envelope.signature).ok_or(NotSigned::WrongSignature)?;
    // Nothing of the payload is looked at before it is known whose it is.
    key.verify_strict(signed(&envelope.payload).as_bytes(), &Signature::from_bytes(&signature))
        .map_err(|_| NotSigned::WrongSignature)?;
    let payload: Payload = serde_json::from_str(&envelope.payload).map_err(malformed)?;
    if !ids.contains(&payload.question) || payload.digest != question.digest {
        return Err(NotSigned::AnotherQuestion);
    }
    Ok(Reply {
        // It may have been put under another id: the revision and the text are the same.
        question: question.id,
        principal: known.principal,
        roles: known.roles,
        say: payload.say,
        shown: payload.shown,
        at: now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::question;
    use crate::reviewers::Reviewer;
    use guardrail_core::plan::Principal;
    use proptest::prelude::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn reviewers() -> Reviewers {
        Reviewers::new([Reviewer {
            principal: Principal::person("anna"),
            roles: vec!["dba".into()],
            key: Some(hex::encode(key().verifying_key().as_bytes())),
            account: None,
        }])
        .unwrap()
    }

    fn read(bytes: &[u8], question: &Question) -> Result<Reply, NotSigned> {
        read_answer(bytes, question, &[question.id], &reviewers(), question.asked_at)
    }

    #[test]
    fn an_answer_is_of_who_signed_it() {
        let question = question();
        let (name, bytes) = sign_answer(&question, Say::Approve(None), &key(), question.asked_at).unwrap();
        assert!(name.starts_with(&question.id.to_string()));
        let reply = read(&bytes, &question).unwrap();
        assert_eq!((reply.principal, reply.roles), (Principal::person("anna"), vec!["dba".to_owned()]));
        assert_eq!((reply.say, reply.shown), (Say::Approve(None), question.shown));
    }

    #[test]
    fn nobody_signs_what_was_tampered_with_or_cut() {
        let mut cut = question();
        cut.complete = false;
        assert_eq!(sign_answer(&cut, Say::Approve(None), &key(), cut.asked_at), Err(SignError::Cut));
        assert!(sign_answer(&cut, Say::Reject(None), &key(), cut.asked_at).is_ok());
        let mut other = question();
        other.text.push('x');
        assert_eq!(sign_answer(&other, Say::Reject(None), &key(), other.asked_at), Err(SignError::Tampered));
    }

    #[test]
    fn what_is_not_signed_for_this_question_is_not_taken() {
        let question = question();
        let (_, bytes) = sign_answer(&question, Say::Approve(None), &key(), question.asked_at).unwrap();
        let mut other = question.clone();
        other.id = Uuid::from_u128(5);
        assert_eq!(read(&bytes, &other), Err(NotSigned::AnotherQuestion));
        let mut other = question.clone();
        other.digest = Digest::of_content(b"x");
        assert_eq!(read(&bytes, &other), Err(NotSigned::AnotherQuestion));
        let stranger = SigningKey::from_bytes(&[8; 32]);
        let (_, theirs) = sign_answer(&question, Say::Approve(None), &stranger, question.asked_at).unwrap();
        assert_eq!(read(&theirs, &question), Err(NotSigned::UnknownKey));
        let text = String::from_utf8(theirs).unwrap();
        let named =
            text.replace(&fingerprint(&stranger.verifying_key()), &fingerprint(&key().verifying_key()));
        assert_eq!(read(named.as_bytes(), &question), Err(NotSigned::WrongSignature));
        let no = String::from_utf8(bytes).unwrap().replace("approve", "reject");
        assert_eq!(read(no.as_bytes(), &question), Err(NotSigned::WrongSignature));
        assert!(matches!(read(b"yes", &question), Err(NotSigned::Malformed(_))));
    }

    proptest! {
        #[test]
        fn no_changed_byte_is_believed(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let question = question();
            let (_, mut bytes) = sign_answer(&question, Say::Approve(None), &key(), question.asked_at).unwrap();
            let place = at.index(bytes.len());
            bytes[place] ^= 1 << bit;
            prop_assert!(read(&bytes, &question).is_err());
        }
    }
}
