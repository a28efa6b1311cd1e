//! When a receiver that finds nothing looks on for a while instead of sleeping. Plain logic: the clock
//! is the caller's.
//!
//! ```text
//!           frames       others first        first slice            frames
//!  Resting ───────▶ Fed ─────────────▶ Ready ───────────▶ Looking ───────▶ Fed
//!     ▲                                                      │ the bound has passed
//!     └──────────────────────────────────────────────────────┘
//! ```
//!
//! - S1: nobody looks on unless that was asked for, nor for longer. That counts from the first look, so
//!   that it does not matter how long it took to deal with the last frames.
//! - S2: looking is cut into slices. Before the first, and between two, all other tasks that can run have
//!   their turn. Meanwhile the doorbell is armed as it is for sleeping: a peer that publishes then rings,
//!   and any thread of the runtime may hear it.
//! - S3: looking that finds nothing many times in a row is left out for a while, longer each time. It was
//!   worth while when a look finds something that came since the look before. What came while this
//!   thread did not run proves nothing: where both sides share a processor, it came because this one was
//!   made to stop looking.
//! - S4: it is tried many times before it is left out, since two sides on one processor are separated by
//!   the scheduler only if some of its ticks find both of them running.

use std::time::{Duration, Instant};

/// Longer than this nobody looks: what a wake-up costs is lost in it.
pub(crate) const MOST: Duration = Duration::from_millis(1);

/// Looks on or rests.
#[derive(Debug, Default)]
pub(crate) struct Spin {
    state: State,
    /// How often looking found nothing, in a row.
    in_vain: u32,
    /// How often frames must come before it is tried again (S3).
    skip: u32,
    /// How often it was left out, less what was made up for.
    left_out: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Resting,
    /// Frames were just taken. Whoever is woken by them has not had a turn yet.
    Fed,
    /// They have had one.
    Ready,
    Looking {
        since: Instant,
    },
}

/// What a receiver does that has found nothing, and that others have let run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It sleeps, having looked in vain.
    GiveUp,
    /// It looks until then, lets others run, and is asked again.
    Look {
        /// The end of the slice.
        until: Instant,
    },
}

impl Spin {
    /// Whether there is nothing to be decided: it sleeps.
    pub(crate) fn rests(&self) -> bool {
        self.state == State::Resting
    }

    /// Frames were taken, however they were found.
    pub(crate) fn fed(&mut self) {
        self.state = match self.skip {
            0 => State::Fed,
            _ => State::Resting,
        };
        self.skip = self.skip.saturating_sub(1);
    }

    /// Nothing is there. Whether others must run before it looks, once (S2).
    pub(crate) fn lets_others_first(&mut self) -> bool {
        let fed = self.state == State::Fed;
        if fed {
            self.state = State::Ready;
        }
        fed
    }

    /// Nothing is there, and looking is allowed for `bound`. Not to be asked at rest.
    pub(crate) fn next(&mut self, now: Instant, bound: Duration) -> Step {
        let since = match self.state {
            State::Looking { since } => since,
            _ => now,
        };
        self.state = State::Looking { since };
        let end = since + bound.min(MOST);
        if now < end {
            let until = end.min(now + SLICE);
            return Step::Look { until };
        }
        self.in_vain += 1;
        if self.in_vain == PATIENCE {
            self.in_vain = 0;
            self.skip = FEWEST << self.left_out; // S3
            self.left_out = (self.left_out + 1).min(DOUBLINGS);
        }
        self.rest();
        Step::GiveUp // S1
    }

    /// A look found what the one before, this long ago, had not. Whether that was worth while (S3).
    pub(crate) fn found_after(&mut self, gap: Duration) -> bool {
        let paid = gap < SWITCH;
        if paid {
            self.in_vain = 0;
            self.left_out /= 2;
        }
        paid
    }

    /// There is more to wait for than frames.
    pub(crate) fn rest(&mut self) {
        self.state = State::Resting;
    }
}

/// For how long one turn looks: less than being woken takes, so nobody waits longer for this turn to
/// end than for that.
const SLICE: Duration = Duration::from_micros(2);

/// Less than it takes to hand the processor to somebody else and back.
const SWITCH: Duration = Duration::from_micros(2);

/// In vain so often in a row, it is left out: with 50 µs after some 6 ms, which is more than a tick (S4).
const PATIENCE: u32 = 128;

/// For so many times that frames come it is left out at first, and this often that doubles: up to 65536
/// times, of which the looking that follows takes some hundredth.
const FEWEST: u32 = 1024;
const DOUBLINGS: u32 = 6;

// Safe code that keeps nothing in memory: Miri would count for minutes and could find nothing.
#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_micros(50);

    /// Looks from `now` until it is given up, and returns when that is.
    fn look_in_vain(spin: &mut Spin, mut now: Instant) -> Instant {
        assert!(spin.lets_others_first());
        while let Step::Look { until } = spin.next(now, BOUND) {
            assert!(!spin.lets_others_first());
            assert!(until > now && until <= now + SLICE);
            now = until;
        }
        now
    }

    /// How often it is fed until it looks again.
    fn fed_until_it_looks(spin: &mut Spin) -> u32 {
        for fed in 1.. {
            spin.fed();
            if !spin.rests() {
                return fed;
            }
        }
        unreachable!("it looks again at some time")
    }

    #[test]
    fn looking_ends_when_the_bound_has_passed() {
        let (mut spin, start) = (Spin::default(), Instant::now());
        assert!(spin.rests());
        spin.fed();
        assert_eq!(look_in_vain(&mut spin, start), start + BOUND);
        assert!(spin.rests());
    }

    #[test]
    fn frames_let_it_look_for_all_of_the_bound_again() {
        let (mut spin, start) = (Spin::default(), Instant::now());
        spin.fed();
        assert!(spin.lets_others_first());
        spin.next(start, BOUND);
        let late = start + BOUND - Duration::from_nanos(1);
        let end = start + BOUND;
        assert_eq!(spin.next(late, BOUND), Step::Look { until: end });
        spin.fed();
        assert_eq!(look_in_vain(&mut spin, late), late + BOUND);
    }

    #[test]
    fn no_bound_is_longer_than_the_longest() {
        let (mut spin, start) = (Spin::default(), Instant::now());
        spin.fed();
        spin.next(start, Duration::MAX);
        assert_eq!(spin.next(start + MOST, Duration::MAX), Step::GiveUp);
    }

    /// Looks in vain until it is left out, and returns for how long.
    fn left_out(spin: &mut Spin) -> u32 {
        let start = Instant::now();
        for _ in 0..PATIENCE {
            assert!(!spin.rests());
            look_in_vain(spin, start);
            let fed = fed_until_it_looks(spin);
            if fed > 1 {
                return fed - 1;
            }
        }
        panic!("never left out")
    }

    #[test]
    fn what_is_in_vain_again_and_again_is_left_out_longer_and_longer() {
        let mut spin = Spin::default();
        spin.fed();
        let times = [(); 9].map(|()| left_out(&mut spin));
        let doubled = [1024, 2048, 4096, 8192, 16384, 32768, 65536, 65536, 65536];
        assert_eq!(times, doubled);
    }

    #[test]
    fn a_look_that_pays_makes_up_for_those_that_did_not() {
        let (mut spin, start) = (Spin::default(), Instant::now());
        spin.fed();
        for _ in 0..9 {
            left_out(&mut spin);
        }
        look_in_vain(&mut spin, start);
        spin.fed();
        assert!(spin.found_after(Duration::from_nanos(300)));
        assert_eq!(left_out(&mut spin), 1024 << 3);
    }

    #[test]
    fn what_came_while_the_thread_did_not_run_proves_nothing() {
        let mut spin = Spin::default();
        spin.fed();
        left_out(&mut spin);
        assert!(!spin.found_after(SWITCH));
        assert_eq!(left_out(&mut spin), 2048);
    }
}
