//! Waiting with a timeout (E1).

use std::time::{Duration, Instant};

use crate::violation::{Outcome, Violation};

/// The timeout of every wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for `work`; `what` describes it.
pub(crate) async fn in_time<T>(what: &str, work: impl IntoFuture<Output = T>) -> Outcome<T> {
    let waited = tokio::time::timeout(PATIENCE, work.into_future()).await;
    waited.map_err(|_| Violation::new(format!("{what}: nothing after {PATIENCE:?}")))
}

/// Polls until there is a result, where nothing can be awaited; returns `None` on timeout.
pub(crate) async fn look_for<T>(
    patience: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> Option<T> {
    let until = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= until {
            return None;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

const POLL_INTERVAL: Duration = Duration::from_millis(5);
