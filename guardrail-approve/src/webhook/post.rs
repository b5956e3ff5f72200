//! Who posts, and how a post goes about.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::card::Style;
use super::secret::{Secret, sign};
use crate::wait::{before, job, now};

/// How long one post may take.
const LONGEST: Duration = Duration::from_secs(15);

/// Posts a body to an address. With the feature `http` there is one with TLS; a host that has an HTTP
/// client wraps it in a few lines.
pub trait Post: Send + Sync {
    /// Posts, and gives the status. It is called on a thread that may wait, and must return
    /// `within` so much time. Redirections are not followed: they lead to where nobody said.
    ///
    /// # Errors
    ///
    /// A sentence, where no status came.
    fn post(
        &self,
        address: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        within: Duration,
    ) -> Result<u16, String>;
}

/// An address that nothing is posted to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address of a webhook is `https://...`, or `http://` and this machine; it holds no blanks")]
pub struct WebhookError;

/// An address, which is a secret: who knows Slack's may post there.
#[derive(Clone)]
pub(crate) struct Address(String);

impl Address {
    pub(crate) fn new(address: &str) -> Result<Self, WebhookError> {
        let clean = !address.chars().any(|c| c.is_whitespace() || c.is_control());
        let local = address.strip_prefix("http://").is_some_and(|rest| {
            let host = rest.split('/').next().unwrap_or_default();
            let name = match host.strip_prefix("[::1]") {
                Some("") => return true,
                Some(port) => return port.starts_with(':') && is_port(port.trim_start_matches(':')),
                None => host.split_once(':'),
            };
            let (name, port) = name.unwrap_or((host, "80"));
            matches!(name, "127.0.0.1" | "localhost") && is_port(port)
        });
        let remote = address.strip_prefix("https://").is_some_and(|rest| !rest.is_empty());
        if clean && (local || remote) { Ok(Self(address.to_owned())) } else { Err(WebhookError) }
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

/// A post that did not arrive.
pub(crate) struct Failed {
    pub(crate) reason: String,
    /// Whether another try may help.
    pub(crate) again: bool,
}

/// Posts once, on a thread of its own.
pub(crate) async fn deliver(
    post: &Arc<dyn Post>,
    address: &Address,
    body: &Arc<Vec<u8>>,
    signed: Option<&Secret>,
    deadline: Instant,
) -> Result<(), Failed> {
    let left = deadline.saturating_duration_since(Instant::now()).min(LONGEST);
    let timestamp = now().timestamp().to_string();
    let signature = signed.map(|secret| sign(secret, &timestamp, body));
    let (post, address, body) = (Arc::clone(post), address.clone(), Arc::clone(body));
    let work = job("webhook", move |_| {
        let (time, name) = Style::Json.headers();
        let mut headers = vec![("Content-Type", "application/json; charset=utf-8")];
        if let Some(signature) = &signature {
            headers.extend([(time, timestamp.as_str()), (name, signature.as_str())]);
        }
        // An error of a client may quote the address.
        let posted = post.post(&address.0, &headers, &body, left);
        posted.map_err(|reason| reason.replace(&address.0, "the address"))
    });
    let failed = |reason: String, again: bool| Err(Failed { reason, again });
    let work = match work {
        Ok(work) => work,
        Err(reason) => return failed(reason, true),
    };
    // A client that does not keep its time is left to itself.
    match before(Instant::now() + left + Duration::from_secs(2), work).await {
        Some(Some(Ok(200..=299))) => Ok(()),
        Some(Some(Ok(status))) => failed(format!("it answered {status}"), status == 429 || status >= 500),
        Some(Some(Err(reason))) => failed(reason, true),
        Some(None) => failed("the client panicked".to_owned(), false),
        None => failed("it took too long".to_owned(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_posted_is_secret_on_its_way() {
        for good in [
            "https://hooks.slack.com/services/T/B/x",
            "http://127.0.0.1:8080/x",
            "http://localhost/x",
            "http://[::1]:80/",
            "http://[::1]/",
        ] {
            assert!(Address::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "https://",
            "ftp://x",
            "http://example.com/",
            "http://localhost.example.com/",
            "http://127.0.0.1@example.com/",
            "http://localhost:80@example.com/",
            "http://[::1].example.com/",
            "http://localhost?@example.com/",
            "https://x y",
            "https://x\r\nHost: y",
        ] {
            assert!(Address::new(bad).is_err(), "{bad}");
        }
    }
}
