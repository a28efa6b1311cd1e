//! Where crash points are hit: each on both sides, and with the feature `crash-points` counted.

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

    /// Just before. For a step that is not over when a function returns.
    #[inline(always)]
    pub(crate) fn begins(self) {
        #[cfg(feature = "crash-points")]
        hit(self, When::Before);
    }

    /// Just after, as [`begins`](Self::begins).
    #[inline(always)]
    pub(crate) fn ended(self) {
        #[cfg(feature = "crash-points")]
        hit(self, When::After);
    }
}
