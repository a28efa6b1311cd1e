//! The idle policy: what a receiver does when the ring is empty (spin, let other tasks run, or sleep). Plain logic: the
//! caller supplies the clock, the ring and the doorbell.
//!
//! A *burst spin* polls for [`BURST_SPIN`] after a burst of frames. Every link has it. An *adaptive spin* goes on
//! polling for a configured bound ([`set_spin`](crate::Sender::set_spin)), in slices, after any frames. In one idle
//! period the burst spin comes first.
//!
//! ```text
//!          frames           burst: yield                 hit
//!  Asleep ───────▶ Taken ───────────────▶ BurstSpin ─────────────▶ Taken
//!    ▲               │ no burst               │ miss, or skipped
//!    │               ▼                        ▼
//!    │◀──────────────────── off, or skipped   │
//!    │               │ pause                  │ pause
//!    │               ▼                        ▼            frames
//!    │             Paused ─────────────▶ AdaptiveSpin ───────────▶ Taken
//!    └─────────────────── the bound has passed ┘
//! ```
//!
//! - IP1: frames come in a burst if [`BURST`] or more were taken since this side last slept. A lone call and its answer
//!   are no burst, so a burst spin never waits for a frame that is a round trip away.
//! - IP2: before any spin, and between two slices of an adaptive one, all other tasks that can run do. After a burst
//!   the receiver *yields*: it is not armed, since it comes back at once. In an adaptive spin it *pauses*: it is
//!   armed as for sleeping, so a peer that publishes rings, and any thread of the runtime may take that event.
//! - IP3: a burst spin takes no longer than a wake-up on another processor, an adaptive spin no longer than its bound,
//!   which is [`MAX_SPIN`] at most and counts from its first slice. So a hostile peer cannot keep the poller spinning
//!   for longer than that for each time that it sends.
//! - IP4: after many misses in a row, the next spins are skipped for a while, longer each time: the two sides may
//!   share a processor. See [`SkipBackoff`].
//! - IP5: an adaptive spin counts as a hit only if an entry appears between two consecutive polls. One that arrives
//!   while the thread is preempted does not: where both sides share a processor, it came because this one was made
//!   to stop spinning.
//! - IP6: an adaptive spin is tried many times before it is skipped, since two sides on one processor are separated by
//!   the scheduler only if some of its ticks find both of them running.
//! - IP7: between two polls there is one `spin_loop` hint and no exponential backoff: that of `crossbeam_utils` pauses
//!   for up to 64 hints, which outlasts a slice.

mod skip_backoff;

use std::time::{Duration, Instant};

use self::skip_backoff::SkipBackoff;

/// The longest adaptive spin: the cost of a wake-up is negligible against it.
pub(crate) const MAX_SPIN: Duration = Duration::from_millis(1);

/// Decides what an idle receiver does.
#[derive(Debug)]
pub(crate) struct IdlePolicy {
    stage: Stage,
    /// Frames since this side last slept, or since a burst spin missed (IP1).
    frames: usize,
    /// Whether an adaptive spin may follow the last frames (IP4).
    adaptive_due: bool,
    burst: SkipBackoff,
    adaptive: SkipBackoff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No reason to spin.
    Asleep,
    /// Frames were just taken. The tasks that they wake have not run yet.
    Taken,
    /// Other tasks have run, after a burst.
    BurstSpin,
    /// Other tasks run, after the last frames.
    Paused,
    AdaptiveSpin {
        since: Instant,
    },
}

/// The next step of a receiver that has found the ring empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Polls the ring, not armed, and reports a [`hit`](IdlePolicy::hit) or a [`miss`](IdlePolicy::miss).
    Spin {
        /// The current time.
        from: Instant,
        until: Instant,
    },
    /// Stops polling.
    Rest(Rest),
}

/// How a receiver stops polling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It is polled again after all other tasks, and is not armed.
    Yield,
    /// It is armed as for sleeping, and polled again after all other tasks.
    Pause,
    /// It is armed, and polled again when the doorbell rings.
    Sleep,
    /// It sleeps, and its adaptive spin counts as a miss.
    GiveUp,
}

impl Default for IdlePolicy {
    fn default() -> Self {
        Self {
            stage: Stage::Asleep,
            frames: 0,
            adaptive_due: false,
            burst: SkipBackoff::new(BURST_PATIENCE, BURST_MIN_SKIP),
            adaptive: SkipBackoff::new(ADAPTIVE_PATIENCE, ADAPTIVE_MIN_SKIP),
        }
    }
}

impl IdlePolicy {
    /// Records that `frames` frames were taken, by whatever poll.
    pub(crate) fn frames_taken(&mut self, frames: usize) {
        self.frames = self.frames.saturating_add(frames);
        self.adaptive_due = self.adaptive.is_due();
        self.stage = Stage::Taken;
    }

    /// Returns the next step for an empty ring. `bound` is the longest adaptive spin: zero if it is off, or if there
    /// are waiters that only the doorbell can serve.
    pub(crate) fn next(&mut self, bound: Duration, now: impl FnOnce() -> Instant) -> Step {
        match self.stage {
            Stage::Asleep => Step::Rest(Rest::Sleep),
            Stage::Taken if self.frames >= BURST => {
                self.stage = Stage::BurstSpin;
                Step::Rest(Rest::Yield) // IP2
            }
            Stage::BurstSpin if self.burst.is_due() => {
                let from = now();
                let until = from + BURST_SPIN;
                Step::Spin { from, until }
            }
            Stage::Taken | Stage::BurstSpin => Step::Rest(self.after_burst(bound)),
            Stage::Paused | Stage::AdaptiveSpin { .. } if bound.is_zero() => {
                Step::Rest(self.sleep())
            }
            Stage::Paused => {
                let since = now();
                self.adaptive_slice(since, since, bound)
            }
            Stage::AdaptiveSpin { since } => self.adaptive_slice(since, now(), bound),
        }
    }

    /// The spin found frames. `gap` is the time since the previous poll, if that found none. Returns whether this
    /// was a hit of an adaptive spin (IP5).
    pub(crate) fn hit(&mut self, gap: impl FnOnce() -> Option<Duration>) -> bool {
        match self.stage {
            Stage::BurstSpin => {
                self.burst.hit();
                false
            }
            _ => {
                let hit = gap().is_some_and(|gap| gap < PREEMPTION);
                if hit {
                    self.adaptive.hit();
                }
                hit
            }
        }
    }

    /// The spin found none.
    pub(crate) fn miss(&mut self, bound: Duration) -> Rest {
        match self.stage {
            Stage::BurstSpin => {
                self.burst.miss();
                self.after_burst(bound)
            }
            // One slice: whether the spin is a miss is decided at its end.
            _ => Rest::Pause,
        }
    }

    /// There was no burst, or no frame came after it.
    fn after_burst(&mut self, bound: Duration) -> Rest {
        self.frames = 0;
        if bound.is_zero() || !self.adaptive_due {
            return self.sleep();
        }
        self.stage = Stage::Paused;
        Rest::Pause // IP2
    }

    fn adaptive_slice(&mut self, since: Instant, now: Instant, bound: Duration) -> Step {
        let end = since + bound.min(MAX_SPIN); // IP3
        if now >= end {
            self.adaptive.miss();
            self.sleep();
            return Step::Rest(Rest::GiveUp);
        }
        self.stage = Stage::AdaptiveSpin { since };
        let until = end.min(now + SLICE);
        Step::Spin { from: now, until }
    }

    fn sleep(&mut self) -> Rest {
        self.stage = Stage::Asleep;
        Rest::Sleep
    }
}

/// Frames between two sleeps that make a burst.
const BURST: usize = 4;

/// Half of a bare round trip over two eventfds, between two virtual processors that had gone idle.
const BURST_SPIN: Duration = Duration::from_micros(20);

/// Misses in a row before burst spins are skipped, and for how many bursts at first: up to 4096 of them later.
const BURST_PATIENCE: u32 = 16;
const BURST_MIN_SKIP: u32 = 64;

/// For how long one slice spins: less than a wake-up takes, so a task waits no longer for this turn to end than for a
/// wake-up.
const SLICE: Duration = Duration::from_micros(2);

/// Less than it takes to switch the processor to another thread and back.
const PREEMPTION: Duration = Duration::from_micros(2);

/// Misses in a row before adaptive spins are skipped: with a bound of 50 µs after some 6 ms, which is more than a
/// scheduler tick (IP6).
const ADAPTIVE_PATIENCE: u32 = 128;

/// For how many arrivals adaptive spins are skipped at first: up to 65536 times later, of which the spins in between
/// take about a hundredth.
const ADAPTIVE_MIN_SKIP: u32 = 1024;

#[cfg(test)]
mod tests;
