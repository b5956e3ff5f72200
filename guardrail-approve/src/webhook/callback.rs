//! What comes back: whether it is signed, fresh, and what it says. Pure, for any web framework.

use chrono::TimeDelta;
use guardrail_core::plan::{Digest, Say};
use guardrail_core::record::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::card::{APPROVE, REJECT, Style};
use super::secret::Secret;
use crate::inbox::NotTaken;

/// The largest callback, in bytes.
pub(super) const LARGEST: usize = 256 * 1024;
/// How far its time may be from the time of now.
pub(super) const WINDOW: TimeDelta = TimeDelta::minutes(5);

/// Why a callback was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallbackError {
    /// There is no secret that it could be signed with.
    #[error("no callbacks are expected here")]
    NotExpected,
    /// It is larger than 256 KiB.
    #[error("it is too large")]
    TooLarge,
    /// Its time is missing, or more than five minutes off.
    #[error("its time is not of now")]
    Stale,
    /// Its signature is missing or wrong.
    #[error("its signature is wrong")]
    WrongSignature,
    /// It was taken before.
    #[error("it was taken before")]
    Replayed,
    /// More callbacks came than are remembered.
    #[error("too many callbacks came")]
    TooMany,
    /// It is signed, and is no answer.
    #[error("it is no answer: {0}")]
    Malformed(String),
    /// It comes from an account that is no reviewer's.
    #[error("its account is no reviewer's")]
    Stranger,
    /// It answers a question that is not open, or another revision.
    #[error("there is no such question, or it is over")]
    NoSuchQuestion,
    /// It cannot count.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
}

impl CallbackError {
    /// The HTTP status to answer with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::NotExpected => 404,
            Self::TooLarge => 413,
            Self::Stale | Self::WrongSignature => 401,
            Self::Replayed | Self::NotTaken(_) => 409,
            Self::TooMany => 429,
            Self::Malformed(_) => 400,
            Self::Stranger => 403,
            Self::NoSuchQuestion => 410,
        }
    }
}

/// What a callback says, before anybody has looked whether it may.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The question.
    pub question: Uuid,
    /// The digest of the revision.
    pub digest: Digest,
    /// The digest of the text that was shown.
    pub shown: Digest,
    /// What was said.
    pub say: Say,
    /// By whom, as the service names them: `slack:TEAM/USER`, or as a relay of your own does.
    pub account: String,
}

pub(super) fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    (now - at).abs() <= WINDOW
}

/// Whether a callback was signed with the secret, and not long ago. The body is looked at only as
/// bytes.
///
/// # Errors
///
/// [`CallbackError::TooLarge`], [`CallbackError::Stale`] or [`CallbackError::WrongSignature`].
pub fn verify(
    secret: &Secret,
    timestamp: &str,
    signature: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), CallbackError> {
    if body.len() > LARGEST {
        return Err(CallbackError::TooLarge);
    }
    let digits = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = timestamp.parse().ok().filter(|_| digits);
    let at = seconds.and_then(|seconds| Timestamp::from_timestamp(seconds, 0)).ok_or(CallbackError::Stale)?;
    if !is_fresh(at, now) {
        return Err(CallbackError::Stale);
    }
    if secret.has_signed(timestamp, signature, body) { Ok(()) } else { Err(CallbackError::WrongSignature) }
}

/// What the body of a callback says. It believes nothing: [`verify`] comes first.
///
/// # Errors
///
/// [`CallbackError::Malformed`] where it is no answer.
pub fn parse(style: Style, body: &[u8]) -> Result<Answer, CallbackError> {
    match style {
        Style::Json => serde_json::from_slice(body).map_err(|error| malformed(&error)),
        Style::Slack => slack(body),
    }
}

fn malformed(error: &dyn std::fmt::Display) -> CallbackError {
    CallbackError::Malformed(error.to_string())
}

/// The parts of Slack's `block_actions` that are read. Slack adds others as it likes.
#[derive(Deserialize)]
struct Interaction {
    #[serde(rename = "type")]
    kind: String,
    user: User,
    #[serde(default)]
    team: Option<Team>,
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct User {
    id: String,
    #[serde(default)]
    team_id: Option<String>,
}

#[derive(Deserialize)]
struct Team {
    id: String,
}

#[derive(Deserialize)]
struct Action {
    action_id: String,
    value: String,
}

fn slack(body: &[u8]) -> Result<Answer, CallbackError> {
    let text = std::str::from_utf8(body).map_err(|error| malformed(&error))?;
    let payload = text.strip_prefix("payload=").filter(|rest| !rest.contains('&'));
    let payload = payload.and_then(unescape).ok_or_else(|| malformed(&"there is no payload"))?;
    let interaction: Interaction = serde_json::from_slice(&payload).map_err(|error| malformed(&error))?;
    let [action] = interaction.actions.as_slice() else {
        return Err(malformed(&"it is not one press of one button"));
    };
    let say = match (interaction.kind.as_str(), action.action_id.as_str()) {
        ("block_actions", APPROVE) => Say::Approve(None),
        ("block_actions", REJECT) => Say::Reject(None),
        _ => return Err(malformed(&"it is no press of a button of ours")),
    };
    let mut parts = action.value.split(':');
    let (Some(question), Some(digest), Some(shown), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed(&"the button's value is not ours"));
    };
    let team = interaction.user.team_id.or(interaction.team.map(|team| team.id)).unwrap_or_default();
    Ok(Answer {
        question: question.parse().map_err(|error: uuid::Error| malformed(&error))?,
        digest: digest.parse().map_err(|error| malformed(&error))?,
        shown: shown.parse().map_err(|error| malformed(&error))?,
        say,
        account: format!("slack:{team}/{}", interaction.user.id),
    })
}

/// The bytes of a value of a form; `None` where an escape is none.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                u8::try_from(digit(bytes.next())? * 16 + digit(bytes.next())?).ok()?
            }
            byte => byte,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::sign;
    use proptest::prelude::*;

    fn secret() -> Secret {
        Secret::new("0123456789abcdef").unwrap()
    }

    #[test]
    fn only_what_is_signed_now_is_believed() {
        let now = Timestamp::from_timestamp(1_800_000_000, 0).unwrap();
        let good = sign(&secret(), "1800000000", b"body");
        assert_eq!(verify(&secret(), "1800000000", &good, b"body", now), Ok(()));
        for (timestamp, signature, body, why) in [
            ("1800000000", good.as_str(), &b"bod"[..], CallbackError::WrongSignature),
            ("1800000001", &good, b"body", CallbackError::WrongSignature),
            ("1800000000", good.trim_start_matches("v0="), b"body", CallbackError::WrongSignature),
            ("1800000000", &good.to_uppercase(), b"body", CallbackError::WrongSignature),
            ("1800000000", "", b"body", CallbackError::WrongSignature),
            ("", &good, b"body", CallbackError::Stale),
            ("+1800000000", &good, b"body", CallbackError::Stale),
            ("99999999999999999999", &good, b"body", CallbackError::Stale),
        ] {
            assert_eq!(
                verify(&secret(), timestamp, signature, body, now),
                Err(why),
                "{timestamp} {signature}"
            );
        }
        for off in [-301, 301] {
            let timestamp = (1_800_000_000 + off).to_string();
            let signature = sign(&secret(), &timestamp, b"body");
            assert_eq!(verify(&secret(), &timestamp, &signature, b"body", now), Err(CallbackError::Stale));
        }
        let large = vec![b' '; LARGEST + 1];
        let signature = sign(&secret(), "1800000000", &large);
        assert_eq!(verify(&secret(), "1800000000", &signature, &large, now), Err(CallbackError::TooLarge));
    }

    #[test]
    fn slack_s_buttons_are_read() {
        let id = Uuid::from_u128(7);
        let digest = Digest::of_content(b"d");
        let body = |action: &str, value: &str| {
            let json = serde_json::json!({
                "type": "block_actions",
                "user": { "id": "U1", "username": "anna", "team_id": "T1" },
                "team": { "id": "T1", "domain": "x" },
                "actions": [{ "action_id": action, "value": value, "type": "button" }],
            });
            let escaped: String = json.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
            format!("payload={escaped}").into_bytes()
        };
        let value = format!("{id}:{digest}:{digest}");
        let answer = parse(Style::Slack, &body(APPROVE, &value)).unwrap();
        let expected = Answer {
            question: id,
            digest,
            shown: digest,
            say: Say::Approve(None),
            account: "slack:T1/U1".into(),
        };
        assert_eq!(answer, expected);
        assert_eq!(parse(Style::Slack, &body(REJECT, &value)).unwrap().say, Say::Reject(None));
        for (action, value) in [("approve", value.as_str()), (APPROVE, "x"), (APPROVE, &format!("{value}:x"))]
        {
            assert!(parse(Style::Slack, &body(action, value)).is_err());
        }
        for bad in [&b"payload=%7"[..], b"payload=%zz", b"payload=&payload=", b"{}", b"\xff", b""] {
            assert!(parse(Style::Slack, bad).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in any::<Vec<u8>>(), text in "payload=[%a-f0-9+{}\":]*") {
            let _ = parse(Style::Slack, &bytes);
            let _ = parse(Style::Json, &bytes);
            let _ = parse(Style::Slack, text.as_bytes());
        }
    }
}
