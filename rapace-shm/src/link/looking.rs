//! A receiver's turns of looking for frames instead of sleeping. What is decided is [`Spin`]'s.
//!
//! - G1: while it looks the doorbell is not armed, so a peer that publishes makes no system call.
//! - G2: it only finds. What is there is for whoever takes from it. What is wrong with the ring is told at
//!   once, since looked at again it may be right.
//! - G3: nobody looks while somebody waits for slots or room, which the doorbell stands for as well.

use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::doorbell::spin::{Spin, Step};
use crate::fault::PeerFault;
use crate::link::state::Shared;
use crate::memory::halves::{OwnWord, RingIn};
use crate::ring::armed_flag::Arm;
use crate::ring::spsc::Consumer;

/// How a receiver looks on.
#[derive(Debug, Default)]
pub(crate) struct Looking {
    spin: Spin,
}

/// What came of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    /// There is something in the ring.
    Found,
    /// Nothing yet: the next turn is [`after_others`].
    Paused,
    /// No more turns until frames have come.
    Over,
}

impl Looking {
    /// Frames were taken.
    pub(crate) fn fed(&mut self) {
        self.spin.fed();
    }

    /// A turn, of a receiver that has found nothing.
    pub(crate) fn turn(
        &mut self,
        shared: &Shared,
        ring: &mut Consumer<RingIn>,
        arm: &mut Arm<OwnWord>,
    ) -> Result<Looked, PeerFault> {
        let bound = shared.spin();
        if bound.is_zero() || self.spin.rests() {
            return Ok(Looked::Over);
        }
        if shared.space.somebody_waits() {
            self.spin.rest();
            return Ok(Looked::Over); // G3
        }
        if self.spin.lets_others_first() {
            return Ok(Looked::Paused);
        }
        let now = Instant::now();
        match self.spin.next(now, bound) {
            Step::Look { until } => {
                arm.disarm(); // G1
                self.slice(shared, ring, now, until)
            }
            Step::GiveUp => {
                shared.counters.spin_in_vain();
                Ok(Looked::Over)
            }
        }
    }

    fn slice(
        &mut self,
        shared: &Shared,
        ring: &mut Consumer<RingIn>,
        mut before: Instant,
        until: Instant,
    ) -> Result<Looked, PeerFault> {
        let mut looked = false;
        loop {
            for _ in 0..LOOKS {
                if ring.look()? > 0 {
                    if looked && self.spin.found_after(before.elapsed()) {
                        shared.counters.spin_found();
                    }
                    return Ok(Looked::Found); // G2
                }
                looked = true;
                std::hint::spin_loop();
            }
            before = Instant::now();
            if before >= until {
                return Ok(Looked::Paused);
            }
        }
    }
}

/// Pending, until all other tasks that can run have had their turn.
pub(crate) fn after_others<T>(cx: &mut Context<'_>) -> Poll<T> {
    // The runtime keeps the waker, not the future.
    let _ = pin!(tokio::task::yield_now()).poll(cx);
    Poll::Pending
}

/// Looks between two glances at the clock.
pub(crate) const LOOKS: u32 = 8;

// Miri has no memory objects to map.
#[cfg(all(test, not(miri)))]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::config::SegmentConfig;
    use crate::crash_points::effect::Effect;
    use crate::layout::TAIL;
    use crate::link::endpoint::Link;
    use crate::sync::orderings;

    fn receiver(shared: &Shared) -> (Consumer<RingIn>, Arm<OwnWord>) {
        let ring = RingIn {
            own: Arc::clone(&shared.own),
            peer: Arc::clone(&shared.peer),
        };
        let ring = Consumer::new(ring, shared.layout.ring_capacity);
        (ring, Arm::new(OwnWord::receiver(&shared.own)))
    }

    /// G2
    #[tokio::test]
    async fn a_cursor_that_cannot_be_is_told_by_the_look_that_saw_it() {
        let (a, b) = Link::pair(&SegmentConfig::default()).unwrap();
        let (out, _inbound, _) = a.split();
        let (theirs, _b_in, _) = b.split();
        out.set_spin(Duration::from_millis(1));
        let shared = out.shared();
        let (mut ring, mut arm) = receiver(shared);
        let mut looking = Looking::default();
        looking.fed();
        let mut turn = || looking.turn(shared, &mut ring, &mut arm);
        assert_eq!(turn(), Ok(Looked::Paused));
        let words = &theirs.shared().own.words;
        words.store(Effect::Tail, TAIL, 99_999, orderings::RELAXED);
        let fault = PeerFault::TailRanAhead {
            ahead: 99_999,
            capacity: shared.layout.ring_capacity,
        };
        assert_eq!(turn(), Err(fault));
        assert_eq!(out.stats().spins_found, 0, "it was there before");
    }

    /// G1
    #[tokio::test]
    async fn no_ring_is_asked_for_while_looking() {
        let (a, _b) = Link::pair(&SegmentConfig::default()).unwrap();
        let (out, _inbound, _) = a.split();
        out.set_spin(Duration::from_millis(1));
        let shared = out.shared();
        let (mut ring, mut arm) = receiver(shared);
        let mut looking = Looking::default();
        looking.fed();
        let paused = Ok(Looked::Paused);
        assert_eq!(looking.turn(shared, &mut ring, &mut arm), paused);
        arm.arm();
        assert_eq!(looking.turn(shared, &mut ring, &mut arm), paused);
        assert!(!arm.is_armed());
    }
}
