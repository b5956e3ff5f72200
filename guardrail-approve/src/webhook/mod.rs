//! Questions posted to an address, and signed answers that come back.
//!
//! ```text
//!  ask ── card ──▶ Post ──▶ Slack, or a service of your own
//!                              │ a person presses a button
//!  Asked ◀── inbox ◀── callback ◀── your web framework, or the Listener
//!                       signature, time, replay, reviewer, question, text
//! ```

mod callback;
pub(crate) mod card;
#[cfg(feature = "http")]
mod http;
mod listener;
pub(crate) mod post;
mod secret;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use guardrail_core::plan::{Approver, Asked, Question, Reply};
use guardrail_core::record::Timestamp;

pub use self::callback::{Answer, CallbackError, parse, verify};
pub use self::card::Style;
#[cfg(feature = "http")]
pub use self::http::Http;
pub use self::listener::{Listener, ListenerError};
pub use self::post::{Post, WebhookError};
pub use self::secret::{Secret, SecretError, sign};
pub use crate::notify::webhook::WebhookNotifier;

use self::post::{Address, deliver};
use crate::admit::{beforehand, may_speak};
use crate::inbox::Inbox;
use crate::reviewers::Reviewers;
use crate::wait::{lock, moment, now, until};

/// How many callbacks are remembered, so that none counts twice.
const MOST_SEEN: usize = 100_000;
/// How often a question is posted before it counts as undeliverable.
const TRIES: u32 = 3;

/// Posts questions to an address, and waits for signed callbacks.
///
/// A callback counts if it is signed with the secret, is a few minutes old at most, was not taken
/// before, comes from an account that is listed among the reviewers, and names the question, the
/// revision and the text. Who it is from says the service that signed it: Slack, or a relay of
/// your own that authenticates people and holds the secret.
///
/// Where a card cannot hold the whole text, it says so and has no button for a yes; one that comes
/// nevertheless does not count.
///
/// **How would an agent get past it?** It would need the secret, with which it could sign a callback
/// in anybody's name: keep it from the agent's account, in a file or a vault that only the host
/// reads. It would need the account of a reviewer, or of the service. That it can reach the
/// [`Listener`] does not help it.
///
/// ```
/// use std::sync::Arc;
///
/// use guardrail_approve::Reviewers;
/// use guardrail_approve::webhook::{Secret, Style, Webhook};
///
/// # struct Client;
/// # impl guardrail_approve::webhook::Post for Client {
/// #     fn post(&self, _: &str, _: &[(&str, &str)], _: &[u8], _: std::time::Duration) -> Result<u16, String> {
/// #         Ok(200)
/// #     }
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let reviewers = Arc::new(Reviewers::default());
/// let webhook = Webhook::to("https://hooks.slack.com/services/T0/B0/x", Arc::new(Client), reviewers)?
///     .as_style(Style::Slack)
///     .answered_with(Secret::new("8f742231b10e8888abcd99yyyzzz85a5")?)
///     .named("slack");
/// # drop(webhook);
/// # Ok(())
/// # }
/// ```
pub struct Webhook {
    inbox: Inbox,
    name: String,
    address: Address,
    post: Arc<dyn Post>,
    reviewers: Arc<Reviewers>,
    style: Style,
    secret: Option<Secret>,
    seen: Mutex<BTreeMap<[u8; 32], Timestamp>>,
}

impl Webhook {
    /// Posts to an address: `https`, or `http` to this machine.
    ///
    /// # Errors
    ///
    /// [`WebhookError`] for any other address.
    pub fn to(address: &str, post: Arc<dyn Post>, reviewers: Arc<Reviewers>) -> Result<Self, WebhookError> {
        Ok(Self {
            inbox: Inbox::new("webhook"),
            name: "webhook".to_owned(),
            address: Address::new(address)?,
            post,
            reviewers,
            style: Style::Json,
            secret: None,
            seen: Mutex::default(),
        })
    }

    /// The same in another style.
    #[must_use]
    pub const fn as_style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// Callbacks are signed with this secret, and so is what is posted in [`Style::Json`]. Without
    /// one no callback is taken, and a question counts as delivered: its answer comes elsewhere.
    #[must_use]
    pub fn answered_with(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// The same under another name, by which policies know it as a channel.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The style of its cards and callbacks.
    pub(crate) const fn style(&self) -> Style {
        self.style
    }

    /// Takes a callback: for a handler of any web framework. `timestamp` and `signature` are the
    /// headers that [`Style::headers`] names, `body` the bytes as they came.
    ///
    /// # Errors
    ///
    /// [`CallbackError`] says why it was not taken; [`CallbackError::status`] is the answer to send.
    pub fn callback(
        &self,
        timestamp: &str,
        signature: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), CallbackError> {
        let secret = self.secret.as_ref().ok_or(CallbackError::NotExpected)?;
        verify(secret, timestamp, signature, body, now)?;
        self.once(signature, now)?;
        let Answer { question: id, digest, shown, say, account } = parse(self.style, body)?;
        let known = self.reviewers.by_account(&account).ok_or(CallbackError::Stranger)?;
        let question = self.inbox.question(id).ok_or(CallbackError::NoSuchQuestion)?;
        if digest != question.digest {
            return Err(CallbackError::NoSuchQuestion);
        }
        let reply =
            Reply { question: id, principal: known.principal, roles: known.roles, say, shown, at: now };
        Ok(self.inbox.answer(reply)?)
    }

    /// Remembers a signature, for as long as its time would let it come again.
    fn once(&self, signature: &str, now: Timestamp) -> Result<(), CallbackError> {
        let mut seen = lock(&self.seen);
        seen.retain(|_, at| callback::is_fresh(*at, now));
        let id = *guardrail_core::plan::Digest::of_text("guardrail callback", signature).as_bytes();
        if seen.contains_key(&id) {
            return Err(CallbackError::Replayed);
        }
        if seen.len() >= MOST_SEEN {
            return Err(CallbackError::TooMany);
        }
        // Remembered from the end of its time on: a callback may be from the near future.
        seen.insert(id, now + callback::WINDOW);
        Ok(())
    }

    /// Posts a question until it arrives.
    async fn put(&self, question: &Question, body: Vec<u8>) -> Result<(), String> {
        let deadline = moment(question.answer_by);
        let body = Arc::new(body);
        let mut tried = 0;
        loop {
            tried += 1;
            let signed = self.secret.as_ref().filter(|_| self.style == Style::Json);
            let failed = match deliver(&self.post, &self.address, &body, signed, deadline).await {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            let pause = Instant::now() + Duration::from_secs(1 << tried.min(4));
            if !failed.again || tried >= TRIES || pause >= deadline {
                return Err(failed.reason);
            }
            until(pause).await;
        }
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither the address nor the secret: who knows Slack's address may post there.
        f.debug_struct("Webhook")
            .field("name", &self.name)
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Approver for Webhook {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ask(&self, question: &Question) -> Asked {
        if let Some(asked) = beforehand(question, &self.name, now()) {
            return asked;
        }
        if !self.reviewers.principals().iter().any(|reviewer| may_speak(question, reviewer).is_ok()) {
            return Asked::NoChannel(format!("`{}` has no reviewer who may answer", self.name));
        }
        let (body, whole) = card::card(self.style, question, self.secret.is_some());
        let mut put = question.clone();
        // What the card has no room for nobody has seen.
        put.complete &= whole;
        if self.inbox.enter(&put)
            && let Err(reason) = self.put(question, body).await
        {
            self.inbox.close(&put);
            return Asked::NoChannel(format!("`{}` could not deliver it: {reason}", self.name));
        }
        if self.secret.is_none() {
            return Asked::Delivered;
        }
        self.inbox.wait(&put).await
    }
}
