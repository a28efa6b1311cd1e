//! When something happened, for two processes.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The clock that both processes can read.
pub(crate) fn now() -> Duration {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every Linux has this clock");
    now.into()
}
