//! The queue of starts, without a clock or threads.
//!
//! - Q1: starts run one at a time in FIFO order: two at once slow each other down in the kernel.
//! - Q2: a start that takes too long hangs: `exec` reads the program, and a network file system may not
//!   respond. However many hang, each of the others is delayed once: it begins when the first was found to hang
//!   and it has itself waited as long.
//! - Q3: the number of hanging starts is bounded, since each occupies a thread, and so is the number per kind,
//!   so that hanging starts at one place leave threads for others. Further starts of that kind wait, and others
//!   overtake them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a start delays the next one. It usually takes a fraction of a millisecond, a few on a busy machine.
pub(super) const HANGS_AFTER: Duration = Duration::from_millis(250);
/// The most starts that may hang (Q3).
const MAX_HANGING: usize = 32;
/// The most starts of one kind that may hang (Q3).
const MAX_HANGING_PER_KIND: usize = 4;

/// Queued and running starts. `K` is their kind: starts of the same kind hang together.
#[derive(Debug)]
pub(super) struct Starts<K, J> {
    asked: VecDeque<(Start<K>, J)>,
    running: Vec<Start<K>>,
    numbered: u64,
}

#[derive(Debug)]
struct Start<K> {
    number: u64,
    kind: K,
    /// When it was queued, or begun.
    since: Instant,
}

/// What an idle thread does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<J> {
    /// Run this job, then call [`done`](Starts::done).
    Begin(J, u64),
    /// Check again at this time, or when something has changed.
    Wait(Option<Instant>),
}

impl<K, J> Default for Starts<K, J> {
    fn default() -> Self {
        Self {
            asked: VecDeque::new(),
            running: Vec::new(),
            numbered: 0,
        }
    }
}

impl<K: PartialEq, J> Starts<K, J> {
    /// Queues a start and returns its number.
    pub(super) fn ask(&mut self, kind: K, job: J, now: Instant) -> u64 {
        self.numbered += 1;
        let start = Start {
            number: self.numbered,
            kind,
            since: now,
        };
        self.asked.push_back((start, job));
        self.numbered
    }

    /// Removes a start from the queue, unless it has begun.
    pub(super) fn take_back(&mut self, number: u64) -> Option<J> {
        let place = self.asked.iter().position(|(it, _)| it.number == number)?;
        Some(self.asked.remove(place)?.1)
    }

    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.asked.len()
    }

    /// Returns the starts that hang, oldest first.
    pub(super) fn hanging(&self, now: Instant) -> impl Iterator<Item = &K> {
        let hangs = move |start: &&Start<K>| start.since + HANGS_AFTER <= now;
        self.running.iter().filter(hangs).map(|start| &start.kind)
    }

    pub(super) fn next(&mut self, now: Instant) -> Next<J> {
        if self.running.len() >= MAX_HANGING {
            return Next::Wait(None);
        }
        let may_begin = |kind: &K| {
            let alike = self.running.iter().filter(|running| running.kind == *kind);
            alike.count() < MAX_HANGING_PER_KIND
        };
        let mut asked = self.asked.iter();
        let Some(place) = asked.position(|(start, _)| may_begin(&start.kind)) else {
            return Next::Wait(None);
        };
        match self.begins(place) {
            Some(at) if at > now => Next::Wait(Some(at)),
            _ => match self.asked.remove(place) {
                Some((start, job)) => {
                    let number = start.number;
                    self.running.push(Start {
                        since: now,
                        ..start
                    });
                    Next::Begin(job, number)
                }
                None => Next::Wait(None),
            },
        }
    }

    /// Returns when a queued start may begin (Q2): when all running starts hang, or the first does and this one
    /// has waited as long. `None` means at once.
    fn begins(&self, place: usize) -> Option<Instant> {
        let oldest = self.running.first()?.since;
        let youngest = self.running.last()?.since;
        let asked = self.asked.get(place)?.0.since;
        Some(youngest.min(oldest.max(asked)) + HANGS_AFTER)
    }

    pub(super) fn done(&mut self, number: u64) {
        self.running.retain(|start| start.number != number);
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
            starts.ask(job, job, now);
        }
        assert_eq!(starts.next(now), Next::Begin("first", 1));
        assert_eq!(starts.next(now), Next::Wait(Some(now + HANGS_AFTER)));
        starts.done(1);
        assert_eq!(starts.next(now), Next::Begin("second", 2));
        assert_eq!(starts.hanging(now).count(), 0);
        let later = now + HANGS_AFTER;
        assert_eq!(starts.next(later), Next::Begin("third", 3));
        assert_eq!(starts.hanging(later).collect::<Vec<_>>(), [&"second"]);
        starts.ask("fourth", "fourth", later);
        // The third may still be fast.
        assert_eq!(starts.next(later), Next::Wait(Some(later + HANGS_AFTER)));
        starts.done(3);
        assert_eq!(starts.next(later), Next::Begin("fourth", 4));
        assert_eq!(starts.running(), 2);
    }

    /// Q2
    #[test]
    fn what_waits_behind_many_that_hang_waits_once() {
        let mut starts = Starts::default();
        let now = Instant::now();
        for job in 0..20 {
            starts.ask(job, job, now);
        }
        assert_eq!(starts.next(now), Next::Begin(0, 1));
        assert_eq!(starts.next(now), Next::Wait(Some(now + HANGS_AFTER)));
        let found = now + HANGS_AFTER;
        for job in 1..20 {
            assert_eq!(starts.next(found), Next::Begin(job, job + 1));
        }
        // A new start has not waited yet, and the youngest running one may be fast.
        starts.ask(20, 20, found);
        assert_eq!(starts.next(found), Next::Wait(Some(found + HANGS_AFTER)));
        // All of them hang.
        let later = found + HANGS_AFTER;
        starts.ask(21, 21, later);
        assert_eq!(starts.next(later), Next::Begin(20, 21));
    }

    /// Q1: a long queue alone starts nothing earlier.
    #[test]
    fn many_that_are_quick_follow_each_other_however_long_the_last_waits() {
        let mut starts = Starts::default();
        let asked = Instant::now();
        for job in 0..100 {
            starts.ask(job, job, asked);
        }
        let mut now = asked;
        for job in 0..100 {
            assert_eq!(starts.next(now), Next::Begin(job, job + 1));
            now += HANGS_AFTER / 10;
            assert!(matches!(starts.next(now), Next::Wait(_)));
            starts.done(job + 1);
        }
    }

    /// Q3
    #[test]
    fn hanging_starts_are_bounded() {
        let mut starts = Starts::default();
        let mut now = Instant::now();
        for job in 0..=MAX_HANGING {
            starts.ask(job, job, now);
        }
        for job in 0..MAX_HANGING {
            assert!(matches!(starts.next(now), Next::Begin(it, _) if it == job));
            now += HANGS_AFTER;
        }
        assert_eq!(starts.next(now), Next::Wait(None));
        starts.done(1);
        assert!(matches!(starts.next(now), Next::Begin(MAX_HANGING, _)));
    }

    /// Q3
    #[test]
    fn those_of_a_kind_that_hangs_are_passed_by() {
        let mut starts = Starts::default();
        let asked = Instant::now();
        for _ in 0..40 {
            starts.ask("remote", "remote", asked);
        }
        let local = starts.ask("local", "local", asked);
        let mut now = asked;
        for number in 1..=MAX_HANGING_PER_KIND as u64 {
            assert_eq!(starts.next(now), Next::Begin("remote", number));
            now = asked + HANGS_AFTER;
        }
        assert_eq!(starts.next(now), Next::Begin("local", local));
        assert_eq!(starts.next(now), Next::Wait(None));
        // Cancelled starts are gone.
        assert_eq!(starts.take_back(5), Some("remote"));
        assert_eq!(starts.take_back(1), None);
        starts.done(1);
        assert_eq!(starts.next(now + HANGS_AFTER), Next::Begin("remote", 6));
    }
}
