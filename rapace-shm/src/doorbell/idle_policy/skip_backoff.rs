//! Skips spins that miss again and again, for longer each time.
//!
//! - SB1: after `patience` misses in a row, `min_skip` occasions are skipped.
//! - SB2: each time that this happens again, the number doubles, up to [`MAX_DOUBLINGS`] times.
//! - SB3: a hit resets the misses, and takes back half of the doublings.

/// Counts hits and misses of one kind of spin.
#[derive(Debug)]
pub(super) struct SkipBackoff {
    patience: u32,
    min_skip: u32,
    /// Misses in a row.
    misses: u32,
    /// Occasions that are still to be skipped.
    skip: u32,
    doublings: u32,
}

impl SkipBackoff {
    pub(super) const fn new(patience: u32, min_skip: u32) -> Self {
        Self {
            patience,
            min_skip,
            misses: 0,
            skip: 0,
            doublings: 0,
        }
    }

    /// Counts an occasion. Returns whether to spin at it.
    pub(super) fn is_due(&mut self) -> bool {
        match self.skip.checked_sub(1) {
            None => true,
            Some(left) => {
                self.skip = left;
                false
            }
        }
    }

    pub(super) fn hit(&mut self) {
        self.misses = 0;
        self.doublings /= 2; // SB3
    }

    pub(super) fn miss(&mut self) {
        self.misses += 1;
        if self.misses == self.patience {
            self.misses = 0;
            self.skip = self.min_skip << self.doublings; // SB1
            self.doublings = (self.doublings + 1).min(MAX_DOUBLINGS); // SB2
        }
    }
}

const MAX_DOUBLINGS: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    /// Misses until an occasion is skipped. Returns how many are.
    fn skipped(backoff: &mut SkipBackoff) -> u32 {
        for _ in 0..3 {
            assert!(backoff.is_due());
            backoff.miss();
        }
        let mut skipped = 0;
        while !backoff.is_due() {
            skipped += 1;
        }
        skipped
    }

    /// SB1, SB2
    #[test]
    fn repeated_misses_are_skipped_for_longer_each_time() {
        let mut backoff = SkipBackoff::new(3, 10);
        let times = [(); 9].map(|()| skipped(&mut backoff));
        assert_eq!(times, [10, 20, 40, 80, 160, 320, 640, 640, 640]);
    }

    /// SB3
    #[test]
    fn a_hit_begins_a_new_row_and_halves_the_doublings() {
        let mut backoff = SkipBackoff::new(3, 10);
        for _ in 0..4 {
            skipped(&mut backoff);
        }
        backoff.miss();
        backoff.miss();
        backoff.hit();
        assert_eq!(skipped(&mut backoff), 10 << 2);
    }
}
