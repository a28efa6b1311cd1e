//! A clock that strikes at equal intervals, and costs nothing in between.
//!
//! - IV1: the kernel keeps the time, not the runtime. A runtime with a timer of its own sets one in the kernel each
//!   time it goes to sleep and takes it back each time it wakes, which would be part of every call.
//! - IV2: strikes that nobody came for are one.

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

/// Strikes at equal intervals, for as long as it is there.
#[derive(Debug)]
pub struct Interval(AsyncFd<OwnedFd>);

impl Interval {
    /// Strikes every `period`, the first time after one.
    ///
    /// # Errors
    /// If there are no descriptors left, no tokio runtime with I/O enabled is here, or `period` is zero.
    pub fn every(period: Duration) -> io::Result<Self> {
        if period.is_zero() {
            // To the kernel that would be no timer at all.
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)
            .map_err(|errno| TIMERFD.refused(errno))?;
        let period = Expiration::Interval(TimeSpec::from(period));
        timer.set(period, TimerSetTimeFlags::empty())?;
        Ok(Self(register(timer.into(), Interest::READABLE)?))
    }

    /// Ready once for each strike, or for several together (IV2). A runtime that shuts down hears none.
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
    fn strikes_come_one_period_apart_and_late_ones_together() {
        runtime().block_on(async {
            let start = Instant::now();
            let mut interval = Interval::every(PERIOD).expect("a timer");
            for nth in 1..=3 {
                poll_fn(|cx| interval.poll_tick(cx)).await;
                assert!(start.elapsed() >= nth * PERIOD);
            }
            // IV2: more than one is due when it is asked again, and the next one is not.
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
    fn a_clock_that_never_strikes_is_refused() {
        let refused = runtime().block_on(async { Interval::every(Duration::ZERO) });
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
