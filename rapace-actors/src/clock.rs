//! The current time on tokio's clock, which tests can pause.

use std::time::{Duration, Instant};

/// Returns the current time on tokio's clock.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Returns the deadline of a timeout that starts now; `None` if it is past what a clock can represent.
pub(crate) fn after(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}
