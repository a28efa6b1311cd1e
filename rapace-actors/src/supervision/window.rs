//! The restart limit: a sliding window over restarts.
//!
//! - W1: at most `limit` restarts lie in any period of length `within`. A count that only a quiet period
//!   resets, like kameo's, gives up a plugin that fails once a minute for an hour.
//! - W2: a refused restart is not counted.
//! - W3: memory is bounded by `limit`, and allocated as restarts happen.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

/// A sliding window over the restarts of one plugin.
#[derive(Clone, Debug)]
pub struct RestartWindow {
    limit: usize,
    within: Duration,
    recent: VecDeque<Instant>,
}

/// The window is full: one more restart would be too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitReached {
    /// How many restarts are allowed.
    pub limit: usize,
    /// The length of the window.
    pub within: Duration,
}

impl RestartWindow {
    /// Allows `limit` restarts in any period of length `within`. A limit of zero allows none.
    #[must_use]
    pub fn new(limit: usize, within: Duration) -> Self {
        Self {
            limit,
            within,
            recent: VecDeque::new(),
        }
    }

    /// Counts a restart at `now`, if it is allowed. Instants must not go backwards.
    ///
    /// # Errors
    /// [`LimitReached`]; nothing is counted then.
    pub fn admit(&mut self, now: Instant) -> Result<(), LimitReached> {
        while self
            .recent
            .front()
            .is_some_and(|then| now.duration_since(*then) >= self.within)
        {
            self.recent.pop_front();
        }
        if self.recent.len() >= self.limit {
            return Err(LimitReached {
                limit: self.limit,
                within: self.within,
            });
        }
        self.recent.push_back(now);
        Ok(())
    }

    /// Forgets all restarts so far.
    pub fn clear(&mut self) {
        self.recent.clear();
    }
}

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, within } = self;
        match limit {
            1 => write!(f, "1 restart within {within:?} was not enough"),
            _ => write!(f, "{limit} restarts within {within:?} were not enough"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn one_more_than_the_limit_is_refused_and_not_counted() {
        let start = Instant::now();
        let mut window = RestartWindow::new(2, 10 * SECOND);
        assert_eq!(window.admit(start), Ok(()));
        assert_eq!(window.admit(start + 9 * SECOND), Ok(()));
        let refused = Err(LimitReached {
            limit: 2,
            within: 10 * SECOND,
        });
        assert_eq!(window.admit(start + 9 * SECOND), refused);
        assert_eq!(
            window.admit(start + 10 * SECOND - Duration::from_nanos(1)),
            refused
        );
        // The first has left the window; had the refused ones been counted, this would be refused too.
        assert_eq!(window.admit(start + 10 * SECOND), Ok(()));
        assert_eq!(window.admit(start + 18 * SECOND), refused);
        assert_eq!(window.admit(start + 19 * SECOND), Ok(()));
    }

    #[test]
    fn slow_steady_failures_are_never_too_many() {
        let start = Instant::now();
        let mut window = RestartWindow::new(3, 60 * SECOND);
        for minute in 0..1000 {
            assert_eq!(
                window.admit(start + minute * 30 * SECOND),
                Ok(()),
                "{minute}"
            );
        }
    }

    #[test]
    fn a_limit_of_zero_allows_none() {
        let mut window = RestartWindow::new(0, SECOND);
        assert!(window.admit(Instant::now()).is_err());
    }

    /// W1, against the definition, on irregular instants.
    #[test]
    fn no_stretch_of_time_holds_more_than_the_limit() {
        let (limit, within) = (4, Duration::from_millis(100));
        let mut window = RestartWindow::new(limit, within);
        let mut now = Instant::now();
        let mut admitted: Vec<Instant> = Vec::new();
        let mut state = 7_u32;
        for _ in 0..5_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            now += Duration::from_millis(u64::from(state >> 27));
            let in_window = admitted
                .iter()
                .filter(|then| now.duration_since(**then) < within)
                .count();
            let allowed = window.admit(now).is_ok();
            assert_eq!(allowed, in_window < limit);
            if allowed {
                admitted.push(now);
            }
        }
        assert!(admitted.len() > 100, "the limit was never the question");
        assert!(admitted.len() < 4_000, "the limit was never reached");
    }
}
