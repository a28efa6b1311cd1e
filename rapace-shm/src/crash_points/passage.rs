//! Hitting crash points: each is hit on both sides, and counted with the feature `crash-points`.

#[cfg(feature = "crash-points")]
use crate::crash_points::crash::{When, hit};
use crate::crash_points::point::CrashPoint;

impl CrashPoint {
    /// Runs the step between two hits.
    #[inline(always)]
    pub(crate) fn around<T>(self, step: impl FnOnce() -> T) -> T {
        self.begins();
        let done = step();
        self.ended();
        done
    }

    /// Hits the point just before the step. For a step that ends after the calling function returns.
    #[inline(always)]
    pub(crate) fn begins(self) {
        #[cfg(feature = "crash-points")]
        hit(self, When::Before);
    }

    /// Hits the point just after the step; see [`begins`](Self::begins).
    #[inline(always)]
    pub(crate) fn ended(self) {
        #[cfg(feature = "crash-points")]
        hit(self, When::After);
    }
}
