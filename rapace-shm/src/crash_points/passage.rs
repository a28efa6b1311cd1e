//! Where effects happen: each is passed on both sides, and with the feature `crash-points` counted.

#[cfg(feature = "crash-points")]
use crate::crash_points::crash::{When, pass};
use crate::crash_points::effect::Effect;

impl Effect {
    /// Has it happen, and counts it on both sides.
    #[inline(always)]
    pub(crate) fn around<T>(self, effect: impl FnOnce() -> T) -> T {
        self.begins();
        let done = effect();
        self.ended();
        done
    }

    /// Just before. For an effect that is not over when a function returns.
    #[inline(always)]
    pub(crate) fn begins(self) {
        #[cfg(feature = "crash-points")]
        pass(self, When::Before);
    }

    /// Just after, as [`begins`](Self::begins).
    #[inline(always)]
    pub(crate) fn ended(self) {
        #[cfg(feature = "crash-points")]
        pass(self, When::After);
    }
}
