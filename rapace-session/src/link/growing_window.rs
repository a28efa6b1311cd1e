//! The window in bytes of one stream's direction, or of one channel, as its receiver grants it.
//!
//! - GW1: a window grows when its receiver has taken half of it. So what nobody reads stays at its first
//!   size.
//! - GW2: it grows at once as far as it may, and the [budget](GrowthBudget) gives. So a sender of
//!   large payloads waits once.
//! - GW3: it grows before its sender is told, in the credit that is sent anyway. It never shrinks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::link::growth_budget::GrowthBudget;

/// How many bytes may be in flight at first, and how many at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteLimits {
    pub(crate) first: u32,
    pub(crate) most: u32,
}

impl ByteLimits {
    /// Makes the limits that two numbers of a hello stand for.
    pub(crate) fn new(first: u32, most: u32) -> Self {
        let first = first.min(most);
        Self { first, most }
    }
}

/// A window in bytes.
#[derive(Debug)]
pub(crate) struct GrowingWindow {
    size: AtomicU32,
    most: u32,
    budget: Arc<GrowthBudget>,
    /// What it has of the budget.
    taken: AtomicU64,
}

impl GrowingWindow {
    pub(crate) fn new(limits: ByteLimits, budget: &Arc<GrowthBudget>) -> Self {
        Self {
            size: AtomicU32::new(limits.first),
            most: limits.most,
            budget: Arc::clone(budget),
            taken: AtomicU64::new(0),
        }
    }

    pub(crate) fn size(&self) -> u32 {
        self.size.load(Ordering::Acquire)
    }

    /// Grows as far as possible (GW2). Returns by how much. The sender must be told.
    pub(crate) fn grow(&self) -> u32 {
        let size = self.size();
        if size == self.most {
            return 0;
        }
        let more = self.budget.take(self.most - size);
        let (acquires, relaxed) = (Ordering::AcqRel, Ordering::Relaxed);
        let grown = self
            .size
            .compare_exchange(size, size + more, acquires, relaxed);
        if grown.is_err() {
            // Another thread lets it grow.
            self.budget.give_back(more.into());
            return 0;
        }
        self.taken.fetch_add(more.into(), Ordering::AcqRel);
        more
    }

    /// Returns to the budget what the window has taken, since nothing waits for its receiver any more
    /// (GB3).
    pub(crate) fn end(&self) {
        let taken = self.taken.swap(0, Ordering::AcqRel);
        if taken > 0 {
            self.budget.give_back(taken);
        }
    }
}

impl Drop for GrowingWindow {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ByteLimits = ByteLimits {
        first: 10,
        most: 50,
    };

    /// GW2
    #[test]
    fn a_window_grows_at_once_as_far_as_it_may() {
        let budget = Arc::new(GrowthBudget::new(100));
        let window = GrowingWindow::new(LIMITS, &budget);
        assert_eq!((window.grow(), window.size()), (40, 50));
        assert_eq!((window.grow(), window.size()), (0, 50));
        assert_eq!(ByteLimits::new(9, 7), ByteLimits { first: 7, most: 7 });
    }

    #[test]
    fn threads_together_grow_a_window_no_further_than_it_may() {
        let budget = Arc::new(GrowthBudget::new(1 << 20));
        let limits = ByteLimits::new(10, 1000);
        for _ in 0..200 {
            let window = GrowingWindow::new(limits, &budget);
            let grown = std::thread::scope(|scope| {
                let threads = [(); 3].map(|()| scope.spawn(|| window.grow()));
                threads.map(|thread| thread.join().unwrap())
            });
            assert_eq!((grown.iter().sum::<u32>(), window.size()), (990, 1000));
        }
        assert_eq!(budget.take(u32::MAX), 1 << 19, "all of it is back");
    }

    /// GB3
    #[test]
    fn a_window_that_ends_leaves_its_growth_to_others() {
        let budget = Arc::new(GrowthBudget::new(40));
        let window = || GrowingWindow::new(LIMITS, &budget);
        let windows = [window(), window(), window()];
        assert_eq!(windows.each_ref().map(GrowingWindow::grow), [20, 10, 5]);
        windows[0].end();
        assert_eq!((windows[0].size(), windows[1].grow()), (30, 12), "GW3");
        drop(windows);
        assert_eq!(budget.take(100), 20, "all of it is back, once");
    }
}
