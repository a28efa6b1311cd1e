//! The present, on tokio's clock, which tests can pause.

use std::time::{Duration, Instant};

/// The present on tokio's clock, which tests can pause.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The deadline that a timeout stands for, from now; `None` if it is past what a clock can show.
pub(crate) fn after(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}
