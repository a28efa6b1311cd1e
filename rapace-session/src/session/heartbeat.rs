//! The timer for the heartbeats of this side.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::session::kernel_interval::KernelInterval;
use crate::transport::Transport;

/// A periodic timer that skips missed expirations.
pub(super) enum Heartbeat {
    Kernel(KernelInterval),
    /// For transports that do not wake by the kernel, and when the process has no descriptors left.
    Runtime(tokio::time::Interval),
}

impl Heartbeat {
    pub(super) fn new(transport: &dyn Transport, period: Duration) -> Self {
        let period = period.max(SHORTEST);
        let kernels = transport.wakes_by_kernel();
        let interval = kernels.then(|| KernelInterval::every(period)).flatten();
        interval.map_or_else(
            || {
                let mut interval = tokio::time::interval(period);
                interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
                Self::Runtime(interval)
            },
            Self::Kernel,
        )
    }

    /// Waits for the next expiration.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(super) async fn tick(&mut self) {
        match self {
            Self::Kernel(interval) => interval.tick().await,
            Self::Runtime(interval) => {
                interval.tick().await;
            }
        }
    }
}

/// The shortest period. More frequent heartbeats would carry no more information.
pub(super) const SHORTEST: Duration = Duration::from_millis(1);
