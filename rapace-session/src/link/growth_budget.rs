//! The sum by which the windows of a session may grow.
//!
//! - GB1: the windows of streams and channels together are never larger than the budget and what
//!   each of them has at first.
//! - GB2: one window takes at most half of what is left, so those that grow later find something.
//! - GB3: what a window has taken returns when its stream or channel ends.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is left of the bytes by which the windows of a session may grow.
#[derive(Debug)]
pub(crate) struct GrowthBudget {
    left: AtomicU64,
}

impl GrowthBudget {
    pub(crate) fn new(bytes: u64) -> Self {
        Self {
            left: AtomicU64::new(bytes),
        }
    }

    /// Takes up to `wanted` bytes, and at most half of what is left (GB2). Returns how many.
    pub(crate) fn take(&self, wanted: u32) -> u32 {
        let part = |left: u64| u32::try_from(left / 2).unwrap_or(u32::MAX).min(wanted);
        let mut left = self.left.load(Ordering::Relaxed);
        loop {
            let taken = part(left);
            let rest = left - u64::from(taken);
            let (relaxed, left_now) = (Ordering::Relaxed, &self.left);
            match left_now.compare_exchange_weak(left, rest, relaxed, relaxed) {
                Ok(_) => return taken,
                Err(changed) => left = changed,
            }
        }
    }

    pub(crate) fn give_back(&self, bytes: u64) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GB1, GB2
    #[test]
    fn a_window_takes_what_it_wants_up_to_half_of_what_is_left() {
        let budget = GrowthBudget::new(100);
        assert_eq!(budget.take(10), 10);
        assert_eq!([90; 4].map(|wanted| budget.take(wanted)), [45, 22, 11, 6]);
        assert_eq!([90; 5].map(|wanted| budget.take(wanted)), [3, 1, 1, 0, 0]);
        budget.give_back(10);
        assert_eq!(budget.take(90), 5);
        assert_eq!(GrowthBudget::new(u64::MAX).take(u32::MAX), u32::MAX);
    }

    /// GB1
    #[test]
    fn threads_together_never_take_more_than_the_budget() {
        let budget = GrowthBudget::new(1000);
        let grow = || {
            let mut taken = Vec::new();
            for wanted in 0..200 {
                taken.push(budget.take(wanted));
                assert!(taken.iter().sum::<u32>() <= 1000);
                if wanted % 3 == 0 {
                    let back = taken.swap_remove(taken.len() / 2);
                    budget.give_back(back.into());
                }
            }
            taken.into_iter().map(u64::from).sum::<u64>()
        };
        let taken = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(grow));
            threads.map(|thread| thread.join().unwrap())
        });
        let left = budget.left.load(Ordering::Relaxed);
        assert_eq!(taken.iter().sum::<u64>() + left, 1000);
    }
}
