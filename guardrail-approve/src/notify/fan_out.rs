//! News to several at once.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use guardrail_core::plan::{Notice, Notifier, NotifyError};

/// Tells all of its notifiers at once. One that fails keeps no other from being told.
///
/// ```
/// use std::sync::Arc;
///
/// use guardrail_approve::{FanOut, LinesNotifier};
///
/// let news = FanOut::default().and(Arc::new(LinesNotifier::to("/var/log/guardrail/news.jsonl")));
/// # drop(news);
/// ```
#[derive(Clone, Default)]
pub struct FanOut {
    notifiers: Vec<Arc<dyn Notifier>>,
}

impl FanOut {
    /// Tells another one as well.
    #[must_use]
    pub fn and(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifiers.push(notifier);
        self
    }
}

impl std::fmt::Debug for FanOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FanOut").field("notifiers", &self.notifiers.len()).finish()
    }
}

type Telling<'n> = Pin<Box<dyn Future<Output = Result<(), NotifyError>> + Send + 'n>>;

#[async_trait]
impl Notifier for FanOut {
    /// # Errors
    ///
    /// [`NotifyError`] with the reasons of all that failed.
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        let mut waiting: Vec<Telling<'_>> =
            self.notifiers.iter().map(|notifier| notifier.notify(notice)).collect();
        let mut reasons = Vec::new();
        std::future::poll_fn(|context| {
            waiting.retain_mut(|telling| match telling.as_mut().poll(context) {
                Poll::Pending => true,
                Poll::Ready(told) => {
                    reasons.extend(told.err().map(|error| error.reason));
                    false
                }
            });
            if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        if reasons.is_empty() { Ok(()) } else { Err(NotifyError { reason: reasons.join("; ") }) }
    }
}
