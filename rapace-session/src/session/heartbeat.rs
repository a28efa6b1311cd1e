//! When this side says that its executor runs.

use std::future::poll_fn;
use std::time::Duration;

use rapace_shm::Ticks;
use tokio::time::{Interval, MissedTickBehavior};

use crate::transport::Transport;

/// Strikes at equal intervals; what was missed is left out.
pub(super) enum Heartbeat {
    Kernel(Ticks),
    /// Where the transport has none of its own, or there are no descriptors left.
    Runtime(Interval),
}

impl Heartbeat {
    pub(super) fn new(transport: &dyn Transport, period: Duration) -> Self {
        let period = period.max(SHORTEST);
        transport.ticks(period).map_or_else(
            || {
                let mut interval = tokio::time::interval(period);
                interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
                Self::Runtime(interval)
            },
            Self::Kernel,
        )
    }

    /// Waits for the next strike.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(super) async fn tick(&mut self) {
        match self {
            Self::Kernel(ticks) => poll_fn(|cx| ticks.poll_tick(cx)).await,
            Self::Runtime(interval) => {
                interval.tick().await;
            }
        }
    }
}

/// A heartbeat more often than this tells nobody more.
pub(super) const SHORTEST: Duration = Duration::from_millis(1);
