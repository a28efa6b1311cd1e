//! A periodic timer that costs nothing between two expirations.
//!
//! - IV1: the kernel keeps the time, not the runtime. A runtime with a pending timer of its own arms one in the kernel
//!   each time it goes to sleep and disarms it each time it wakes, which would be part of every call's latency.
//! - IV2: missed expirations are reported as one.

use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::kernel::needs::TIMERFD;
use crate::kernel::register;

/// A periodic timer, backed by a timerfd. Runs until it is dropped.
#[derive(Debug)]
pub struct Interval(AsyncFd<OwnedFd>);

impl Interval {
    /// Starts a timer that expires every `period`, for the first time after one period.
    ///
    /// # Errors
    /// If this process can have no more descriptors, there is no current tokio runtime with I/O enabled, or `period` is
    /// zero.
    pub fn every(period: Duration) -> io::Result<Self> {
        if period.is_zero() {
            // To the kernel that would disarm the timer.
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)
            .map_err(|errno| TIMERFD.refused(errno))?;
        let period = Expiration::Interval(TimeSpec::from(period));
        timer.set(period, TimerSetTimeFlags::empty())?;
        Ok(Self(register(timer.into(), Interest::READABLE)?))
    }

    /// Ready once for each expiration, or for several together (IV2). Pending for ever once the runtime shuts down.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let Ok(mut readable) = ready!(self.0.poll_read_ready(cx)) else {
                return Poll::Pending;
            };
            let mut expirations = [0; 8];
            match nix::unistd::read(readable.get_inner(), &mut expirations) {
                Ok(_) => return Poll::Ready(()),
                Err(_) => readable.clear_ready(),
            }
        }
    }
}

#[cfg(all(test, not(miri)))]
mod tests {
    use std::future::poll_fn;
    use std::time::Instant;

    use super::*;

    const PERIOD: Duration = Duration::from_millis(20);

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_io().build().expect("a runtime")
    }

    #[test]
    fn expirations_come_one_period_apart_and_late_ones_together() {
        runtime().block_on(async {
            let start = Instant::now();
            let mut interval = Interval::every(PERIOD).expect("a timer");
            for nth in 1..=3 {
                poll_fn(|cx| interval.poll_tick(cx)).await;
                assert!(start.elapsed() >= nth * PERIOD);
            }
            // IV2: several are due when the timer is polled again, and then none is left.
            while start.elapsed() < 13 * PERIOD / 2 {
                std::thread::yield_now();
            }
            poll_fn(|cx| interval.poll_tick(cx)).await;
            let next = poll_fn(|cx| Poll::Ready(interval.poll_tick(cx))).await;
            let late = start.elapsed() >= 7 * PERIOD;
            assert!(next.is_pending() || late, "one of several was left over");
        });
    }

    #[test]
    fn a_period_of_zero_is_refused() {
        let refused = runtime().block_on(async { Interval::every(Duration::ZERO) });
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
