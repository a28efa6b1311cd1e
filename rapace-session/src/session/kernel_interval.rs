//! A periodic timer that costs nothing between two expirations.
//!
//! - KI1: the kernel keeps the time, not the runtime. A runtime with a pending timer of its own arms one in the kernel
//!   each time it goes to sleep and disarms it each time it wakes, which would be part of every call's latency.
//! - KI2: missed expirations are reported as one.

use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

/// A periodic timer, backed by a timerfd. Runs until it is dropped.
#[derive(Debug)]
pub(super) struct KernelInterval(AsyncFd<OwnedFd>);

impl KernelInterval {
    /// Starts a timer that expires every `period`, for the first time after one period. `None` if the period is zero, the
    /// process can have no more descriptors, the kernel refuses timers, or there is no current tokio runtime with I/O.
    pub(super) fn every(period: Duration) -> Option<Self> {
        if period.is_zero() {
            // To the kernel that would disarm the timer.
            return None;
        }
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags).ok()?;
        let period = Expiration::Interval(TimeSpec::from(period));
        timer.set(period, TimerSetTimeFlags::empty()).ok()?;
        register(timer.into()).map(Self)
    }

    /// Waits for the next expiration, or returns at once if there were some since it was last asked (KI2). Waits for ever
    /// once the runtime shuts down.
    ///
    /// # Cancel safety
    /// Dropping the future loses no expiration.
    pub(super) async fn tick(&mut self) {
        loop {
            let Ok(mut readable) = self.0.readable().await else {
                return std::future::pending().await;
            };
            let mut expirations = [0; 8];
            let read = readable.try_io(|timer| {
                nix::unistd::read(timer.get_ref(), &mut expirations).map_err(io::Error::from)
            });
            if let Ok(Ok(_)) = read {
                return;
            }
        }
    }
}

/// Registers with the current runtime. tokio panics where that has no I/O, and cannot be asked before.
fn register(timer: OwnedFd) -> Option<AsyncFd<OwnedFd>> {
    Handle::try_current().ok()?;
    #[expect(
        deprecated,
        reason = "what replaces it is unsafe, for descriptors that are closed while they are registered; this one is owned"
    )]
    let register = || AsyncFd::try_with_interest(timer, Interest::READABLE);
    catch_unwind(AssertUnwindSafe(register)).ok()?.ok()
}

#[cfg(all(test, not(miri)))]
mod tests {
    use std::time::Instant;

    use futures_util::FutureExt;
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    const PERIOD: Duration = Duration::from_millis(20);

    fn runtime() -> Runtime {
        Builder::new_current_thread()
            .enable_io()
            .build()
            .expect("a runtime")
    }

    /// KI2
    #[test]
    fn expirations_come_one_period_apart_and_late_ones_together() {
        runtime().block_on(async {
            let start = Instant::now();
            let mut interval = KernelInterval::every(PERIOD).expect("a timer");
            for nth in 1..=3 {
                interval.tick().await;
                assert!(start.elapsed() >= nth * PERIOD);
            }
            // Several are due when the timer is polled again, and then none is left.
            while start.elapsed() < 13 * PERIOD / 2 {
                std::thread::yield_now();
            }
            interval.tick().await;
            let next = interval.tick().now_or_never();
            let late = start.elapsed() >= 7 * PERIOD;
            assert!(next.is_none() || late, "one of several was left over");
        });
    }

    #[test]
    fn there_is_none_without_a_period_a_runtime_or_its_io() {
        assert!(KernelInterval::every(PERIOD).is_none());
        runtime().block_on(async { assert!(KernelInterval::every(Duration::ZERO).is_none()) });
        let without_io = Builder::new_current_thread().build().expect("a runtime");
        without_io.block_on(async { assert!(KernelInterval::every(PERIOD).is_none()) });
    }
}
