//! Carries out the decisions of [`IdlePolicy`] for an idle receiver: on its ring and its armed word.
//!
//! - LI1: while it spins the doorbell is not armed, so a peer that publishes makes no system call.
//! - LI2: a poll takes nothing. A fault that it reads is reported at once, since a second read may find a valid
//!   cursor.
//! - LI3: an adaptive spin ends while there are waiters for slots or room, which the doorbell announces as well, and
//!   so does a burst spin that has begun.

use std::pin::pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::doorbell::idle_policy::{IdlePolicy, Rest, Step};
use crate::fault::PeerFault;
use crate::link::state::LinkState;
use crate::memory::halves::{OwnWord, RingIn};
use crate::ring::armed_flag::Arm;
use crate::ring::spsc::Consumer;

/// An idle receiver.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    policy: IdlePolicy,
}

/// The outcome of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idled {
    /// The ring has entries.
    Found,
    /// The ring is empty. All other tasks run, and the receiver is polled again at once, not armed.
    Yield,
    /// The ring is empty. The receiver arms, and is polled again [after the other tasks](after_others).
    Pause,
    /// The ring is empty. The receiver arms and sleeps.
    Sleep,
}

impl Idle {
    /// Records that `frames` frames were taken.
    pub(crate) fn frames_taken(&mut self, frames: usize) {
        self.policy.frames_taken(frames);
    }

    /// Runs one turn of a receiver that has found the ring empty.
    pub(crate) fn turn(
        &mut self,
        link_state: &LinkState,
        ring: &mut Consumer<RingIn>,
        arm: &mut Arm<OwnWord>,
    ) -> Result<Idled, PeerFault> {
        let bound = match link_state.waiters.has_waiters() {
            true => Duration::ZERO, // LI3
            false => link_state.spin(),
        };
        let rest = match self.policy.next(bound, Instant::now) {
            Step::Rest(rest) => rest,
            Step::Spin { from, until } => {
                arm.disarm(); // LI1
                match spin(link_state, ring, from, until)? {
                    Some(seen) => {
                        if self.policy.hit(|| seen.gap()) {
                            link_state.counters.spin_hit();
                        }
                        return Ok(Idled::Found); // LI2
                    }
                    None => self.policy.miss(bound),
                }
            }
        };
        Ok(match rest {
            Rest::Yield => Idled::Yield,
            Rest::Pause => Idled::Pause,
            Rest::Sleep => Idled::Sleep,
            Rest::GiveUp => {
                link_state.counters.spin_missed();
                Idled::Sleep
            }
        })
    }
}

/// A hit of a spin.
struct Seen {
    /// Whether an earlier poll of this spin found nothing.
    polled: bool,
    /// When it last read the clock.
    before: Instant,
}

impl Seen {
    fn gap(&self) -> Option<Duration> {
        self.polled.then(|| self.before.elapsed())
    }
}

/// Polls until then, if there are no waiters.
fn spin(
    link_state: &LinkState,
    ring: &mut Consumer<RingIn>,
    from: Instant,
    until: Instant,
) -> Result<Option<Seen>, PeerFault> {
    let mut before = from;
    let mut polled = false;
    loop {
        for _ in 0..POLLS {
            if ring.refresh_tail()? > 0 {
                return Ok(Some(Seen { polled, before }));
            }
            polled = true;
            std::hint::spin_loop();
        }
        before = Instant::now();
        if before >= until || link_state.waiters.has_waiters() {
            return Ok(None);
        }
    }
}

/// Pending, until all other tasks that can run have had their turn.
pub(crate) fn after_others<T>(cx: &mut Context<'_>) -> Poll<T> {
    // The runtime keeps the waker, not the future.
    let _ = pin!(tokio::task::yield_now()).poll(cx);
    Poll::Pending
}

/// Polls between two reads of the clock.
const POLLS: u32 = 8;

// Miri has no memory objects to map.
#[cfg(all(test, not(miri)))]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::config::SegmentConfig;
    use crate::crash_points::point::CrashPoint;
    use crate::layout::TAIL;
    use crate::link::endpoint::Link;
    use crate::sync::orderings;

    fn receiver(link_state: &LinkState) -> (Consumer<RingIn>, Arm<OwnWord>) {
        let ring = RingIn {
            own: Arc::clone(&link_state.own),
            peer: Arc::clone(&link_state.peer),
        };
        let ring = Consumer::new(ring, link_state.layout.ring_capacity);
        (ring, Arm::new(OwnWord::receiver(&link_state.own)))
    }

    /// LI2
    #[tokio::test]
    async fn an_impossible_cursor_is_reported_by_the_poll_that_read_it() {
        let (a, b) = Link::pair(&SegmentConfig::default()).unwrap();
        let (out, _inbound, _) = a.split();
        let (theirs, _b_in, _) = b.split();
        out.set_spin(Duration::from_millis(1));
        let link_state = out.link_state();
        let (mut ring, mut arm) = receiver(link_state);
        // After a lone frame the other tasks run first, after a burst as well.
        for (frames, first) in [(1, Idled::Pause), (100, Idled::Yield)] {
            let control = &theirs.link_state().own.control;
            control.store(CrashPoint::Tail, TAIL, 0, orderings::RELAXED);
            let mut idle = Idle::default();
            idle.frames_taken(frames);
            let mut turn = || idle.turn(link_state, &mut ring, &mut arm);
            assert_eq!(turn(), Ok(first));
            control.store(CrashPoint::Tail, TAIL, 99_999, orderings::RELAXED);
            let fault = PeerFault::TailRanAhead {
                ahead: 99_999,
                capacity: link_state.layout.ring_capacity,
            };
            assert_eq!(turn(), Err(fault));
        }
        assert_eq!(out.stats().spin_hits, 0, "it was there before");
    }

    /// LI1
    #[tokio::test]
    async fn no_ring_is_asked_for_while_spinning() {
        let (a, _b) = Link::pair(&SegmentConfig::default()).unwrap();
        let (out, _inbound, _) = a.split();
        out.set_spin(Duration::from_millis(1));
        let link_state = out.link_state();
        let (mut ring, mut arm) = receiver(link_state);
        let mut idle = Idle::default();
        idle.frames_taken(1);
        let paused = Ok(Idled::Pause);
        assert_eq!(idle.turn(link_state, &mut ring, &mut arm), paused);
        arm.arm();
        assert_eq!(idle.turn(link_state, &mut ring, &mut arm), paused);
        assert!(!arm.is_armed());
    }
}
