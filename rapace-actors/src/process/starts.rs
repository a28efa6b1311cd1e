//! Which start is carried out when, without a clock or a thread.
//!
//! - Q1: one start at a time, in the order in which they were asked for: two at once get in each other's way in the
//!   kernel.
//! - Q2: one that takes too long hangs: `exec` reads the program, and a network file system may not answer. However many
//!   hang, each of the others is held up once: it begins when the first was found to hang and it has itself waited as
//!   long.
//! - Q3: only so many may hang at once, since each has a thread; and of one kind only a few, so that what hangs at one
//!   place leaves room for what lies elsewhere. Those of that kind that are left wait, and are passed by.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a start is waited for by the next one. It takes a fraction of a millisecond, on a busy machine some.
pub(super) const TOO_LONG: Duration = Duration::from_millis(250);
/// Q3
const MOST: usize = 32;
/// Q3: of one kind.
const FEW: usize = 4;

/// Starts that were asked for, and those that are being carried out. `K` is what those have in common that hang together.
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
    /// Since when it waits, or is being carried out.
    since: Instant,
}

/// What a thread that has nothing to do is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<J> {
    /// This, and then say that [it is done](Starts::done).
    Begin(J, u64),
    /// Look again then, or when something has changed.
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
    /// Gives it the number that is returned.
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

    /// Takes back what was asked for, unless it has begun.
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

    /// What has taken too long, the oldest first.
    pub(super) fn hanging(&self, now: Instant) -> impl Iterator<Item = &K> {
        let hangs = move |start: &&Start<K>| start.since + TOO_LONG <= now;
        self.running.iter().filter(hangs).map(|start| &start.kind)
    }

    pub(super) fn next(&mut self, now: Instant) -> Next<J> {
        if self.running.len() >= MOST {
            return Next::Wait(None);
        }
        let may_begin = |kind: &K| {
            let alike = self.running.iter().filter(|running| running.kind == *kind);
            alike.count() < FEW
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

    /// Q2: when all hang that were begun, or the first does and this one has waited as long. `None` is at once.
    fn begins(&self, place: usize) -> Option<Instant> {
        let oldest = self.running.first()?.since;
        let youngest = self.running.last()?.since;
        let asked = self.asked.get(place)?.0.since;
        Some(youngest.min(oldest.max(asked)) + TOO_LONG)
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
        assert_eq!(starts.next(now), Next::Wait(Some(now + TOO_LONG)));
        starts.done(1);
        assert_eq!(starts.next(now), Next::Begin("second", 2));
        assert_eq!(starts.hanging(now).count(), 0);
        let later = now + TOO_LONG;
        assert_eq!(starts.next(later), Next::Begin("third", 3));
        assert_eq!(starts.hanging(later).collect::<Vec<_>>(), [&"second"]);
        starts.ask("fourth", "fourth", later);
        // The third may still be quick.
        assert_eq!(starts.next(later), Next::Wait(Some(later + TOO_LONG)));
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
        assert_eq!(starts.next(now), Next::Wait(Some(now + TOO_LONG)));
        let found = now + TOO_LONG;
        for job in 1..20 {
            assert_eq!(starts.next(found), Next::Begin(job, job + 1));
        }
        // Whoever comes now has not waited yet, and the youngest may be quick.
        starts.ask(20, 20, found);
        assert_eq!(starts.next(found), Next::Wait(Some(found + TOO_LONG)));
        // All of them hang.
        let later = found + TOO_LONG;
        starts.ask(21, 21, later);
        assert_eq!(starts.next(later), Next::Begin(20, 21));
    }

    /// Q1: a queue that is merely long is no reason.
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
            now += TOO_LONG / 10;
            assert!(matches!(starts.next(now), Next::Wait(_)));
            starts.done(job + 1);
        }
    }

    /// Q3
    #[test]
    fn hanging_starts_are_bounded() {
        let mut starts = Starts::default();
        let mut now = Instant::now();
        for job in 0..=MOST {
            starts.ask(job, job, now);
        }
        for job in 0..MOST {
            assert!(matches!(starts.next(now), Next::Begin(it, _) if it == job));
            now += TOO_LONG;
        }
        assert_eq!(starts.next(now), Next::Wait(None));
        starts.done(1);
        assert!(matches!(starts.next(now), Next::Begin(MOST, _)));
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
        for number in 1..=FEW as u64 {
            assert_eq!(starts.next(now), Next::Begin("remote", number));
            now = asked + TOO_LONG;
        }
        assert_eq!(starts.next(now), Next::Begin("local", local));
        assert_eq!(starts.next(now), Next::Wait(None));
        // Those that nobody waits for any more are gone.
        assert_eq!(starts.take_back(5), Some("remote"));
        assert_eq!(starts.take_back(1), None);
        starts.done(1);
        assert_eq!(starts.next(now + TOO_LONG), Next::Begin("remote", 6));
    }
}
