//! Which start is carried out when, without a clock or a thread.
//!
//! - Q1: one start at a time, in the order in which they were asked for: two at once get in each other's way in the
//!   kernel.
//! - Q2: one that takes too long hangs: `exec` reads the program, and a network file system may not answer. It holds up
//!   nobody else.
//! - Q3: only so many may hang at once, since each has a thread.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a start is waited for by the next one. It takes a fraction of a millisecond, on a busy machine some.
const TOO_LONG: Duration = Duration::from_millis(250);
/// Q3
const MOST: usize = 32;

/// Starts that were asked for, and those that are being carried out.
#[derive(Debug)]
pub(super) struct Starts<J> {
    asked: VecDeque<J>,
    running: Vec<(u64, Instant)>,
    numbered: u64,
}

/// What a thread that has nothing to do is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<J> {
    /// This, and then say that [it is done](Starts::done).
    Begin(J, u64),
    /// Look again then, or when something has changed.
    Wait(Option<Instant>),
}

impl<J> Default for Starts<J> {
    fn default() -> Self {
        Self {
            asked: VecDeque::new(),
            running: Vec::new(),
            numbered: 0,
        }
    }
}

impl<J> Starts<J> {
    pub(super) fn ask(&mut self, job: J) {
        self.asked.push_back(job);
    }

    /// Takes back what was asked for last.
    pub(super) fn take_back(&mut self) -> Option<J> {
        self.asked.pop_back()
    }

    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    pub(super) fn next(&mut self, now: Instant) -> Next<J> {
        if self.asked.is_empty() || self.running.len() >= MOST {
            return Next::Wait(None);
        }
        // Q2: until the youngest of them hangs as well.
        let free = self.running.iter().map(|(_, since)| *since + TOO_LONG);
        match (free.max(), self.asked.pop_front()) {
            (Some(at), Some(job)) if at > now => {
                self.asked.push_front(job);
                Next::Wait(Some(at))
            }
            (_, Some(job)) => {
                self.numbered += 1;
                self.running.push((self.numbered, now));
                Next::Begin(job, self.numbered)
            }
            (_, None) => Next::Wait(None),
        }
    }

    pub(super) fn done(&mut self, number: u64) {
        self.running.retain(|(running, _)| *running != number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_start_follows_the_other_and_none_waits_for_one_that_hangs() {
        let mut starts = Starts::default();
        let now = Instant::now();
        assert_eq!(starts.next(now), Next::Wait(None));
        for job in ["first", "second", "third"] {
            starts.ask(job);
        }
        assert_eq!(starts.next(now), Next::Begin("first", 1));
        assert_eq!(starts.next(now), Next::Wait(Some(now + TOO_LONG)));
        starts.done(1);
        assert_eq!(starts.next(now), Next::Begin("second", 2));
        let later = now + TOO_LONG;
        assert_eq!(starts.next(later), Next::Begin("third", 3));
        starts.ask("fourth");
        // The third may still be quick.
        assert_eq!(starts.next(later), Next::Wait(Some(later + TOO_LONG)));
        starts.done(3);
        assert_eq!(starts.next(later), Next::Begin("fourth", 4));
        assert_eq!(starts.running(), 2);
    }

    #[test]
    fn hanging_starts_are_bounded() {
        let mut starts = Starts::default();
        let mut now = Instant::now();
        for job in 0..=MOST {
            starts.ask(job);
        }
        for job in 0..MOST {
            assert!(matches!(starts.next(now), Next::Begin(it, _) if it == job));
            now += TOO_LONG;
        }
        assert_eq!(starts.next(now), Next::Wait(None));
        starts.done(1);
        assert!(matches!(starts.next(now), Next::Begin(MOST, _)));
    }
}
