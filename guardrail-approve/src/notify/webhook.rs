//! News posted to an address.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use guardrail_core::plan::{Notice, Notifier, NotifyError};

use crate::webhook::post::{Address, Post, WebhookError, deliver};
use crate::webhook::{Secret, Style, card};

/// How long news may take.
const LONGEST: Duration = Duration::from_secs(15);

/// Posts each notice to an address, once: news that do not arrive are not sent again.
///
/// As [`Style::Slack`] it is a message, as [`Style::Json`] the notice as JSON, signed where there is
/// a secret.
pub struct WebhookNotifier {
    address: Address,
    post: Arc<dyn Post>,
    style: Style,
    secret: Option<Secret>,
}

impl WebhookNotifier {
    /// Posts to an address: `https`, or `http` to this machine.
    ///
    /// # Errors
    ///
    /// [`WebhookError`] for any other address.
    pub fn to(address: &str, post: Arc<dyn Post>, style: Style) -> Result<Self, WebhookError> {
        Ok(Self { address: Address::new(address)?, post, style, secret: None })
    }

    /// Signs what is posted as [`Style::Json`], by [`sign`](crate::webhook::sign).
    #[must_use]
    pub fn signed_with(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }
}

impl std::fmt::Debug for WebhookNotifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookNotifier").field("style", &self.style).finish_non_exhaustive()
    }
}

#[async_trait]
impl Notifier for WebhookNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        let body = Arc::new(card::news(self.style, notice));
        let signed = self.secret.as_ref().filter(|_| self.style == Style::Json);
        deliver(&self.post, &self.address, &body, signed, Instant::now() + LONGEST)
            .await
            .map_err(|failed| NotifyError { reason: failed.reason })
    }
}
