//! What both ends of one link's API share inside this process.
//!
//! - H1: locks are taken one at a time. None is held while another is taken, a waker is called, or
//!   the kernel is entered.
//! - H2: sending ends once, with the first reason.
//! - H3: a fault is kept by whoever sees it first, and from then on it is the only one. It ends the link also
//!   if sending has ended before: the receiver is told of it, and slots come back.
//! - H4: once the link is over, and not only sending, the slots that the peer has are taken back before
//!   anybody is told.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

use crate::arm::Ringer;
use crate::bell::BellRope;
use crate::config::{Lane, SegmentConfig};
use crate::descriptor::{CheckedSlot, encode_return};
use crate::error::Closed;
use crate::fault::PeerFault;
use crate::half::{OwnHalf, OwnWord, PeerHalf, PeerWord, ReturnsIn, ReturnsOut, RingOut};
use crate::held::Held;
use crate::layout::{Layout, RECV_ARMED, SPACE_ARMED};
use crate::order;
use crate::returns::Returner;
use crate::ring::Producer;
use crate::slab::Slab;
use crate::space::Space;
use crate::spin;
use crate::stats::Counters;

/// One end of a link, inside.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: SegmentConfig,
    pub(crate) layout: Arc<Layout>,
    pub(crate) own: Arc<OwnHalf>,
    pub(crate) peer: Arc<PeerHalf>,
    /// Whether received payloads are copied before anybody sees them.
    pub(crate) copy_out: bool,
    pub(crate) slab: Slab<ReturnsIn>,
    pub(crate) counters: Counters,
    producer: Mutex<Publishing>,
    /// Who waits for room or slots.
    pub(crate) space: Space<OwnWord>,
    /// Which slots of the peer's we hold (J1).
    held: Held,
    returner: Mutex<Returner<ReturnsOut>>,
    /// Rings a peer that waits for descriptors.
    entries_ringer: Ringer<PeerWord>,
    /// Rings a peer that waits for room or slots.
    space_ringer: Ringer<PeerWord>,
    rope: BellRope,
    ended: OnceLock<Closed>,
    /// The first rule that the peer broke (H3).
    fault: OnceLock<PeerFault>,
    /// The task in `recv`, for news that does not come over the doorbell.
    receiver: Mutex<Option<Waker>>,
    /// Whether somebody has said that the peer is dead.
    peer_died: OnceLock<()>,
    /// Nanoseconds that the receiver looks on before it sleeps.
    spin: AtomicU32,
}

/// The publishing end of the ring, and what went through it.
#[derive(Debug)]
pub(crate) struct Publishing {
    pub(crate) ring: Producer<RingOut>,
    pub(crate) descriptors: u64,
    pub(crate) bytes: u64,
}

impl Shared {
    pub(crate) fn new(
        config: SegmentConfig,
        own: OwnHalf,
        peer: PeerHalf,
        rope: BellRope,
        copy_out: bool,
    ) -> Self {
        let layout = Arc::clone(&own.layout);
        let own = Arc::new(own);
        let peer = Arc::new(peer);
        let ring = RingOut {
            own: Arc::clone(&own),
            peer: Arc::clone(&peer),
        };
        let ringer = |offset| {
            Ringer::new(PeerWord {
                half: Arc::clone(&peer),
                offset,
            })
        };
        let space_armed = OwnWord::space(&own);
        Self {
            slab: Slab::new(Arc::clone(&layout), ReturnsIn(Arc::clone(&peer))),
            counters: Counters::default(),
            producer: Mutex::new(Publishing {
                ring: Producer::new(ring, layout.ring_capacity),
                descriptors: 0,
                bytes: 0,
            }),
            space: Space::new(space_armed),
            held: Held::new(layout.slots),
            returner: Mutex::new(Returner::new(
                ReturnsOut(Arc::clone(&own)),
                layout.returns_capacity,
            )),
            entries_ringer: ringer(RECV_ARMED),
            space_ringer: ringer(SPACE_ARMED),
            rope,
            ended: OnceLock::new(),
            fault: OnceLock::new(),
            receiver: Mutex::new(None),
            peer_died: OnceLock::new(),
            spin: AtomicU32::new(0),
            config,
            layout,
            own,
            peer,
            copy_out,
        }
    }

    /// How sending ended, if it has.
    pub(crate) fn check_open(&self) -> Result<(), Closed> {
        match self.ended.get() {
            None => Ok(()),
            Some(&closed) => Err(closed),
        }
    }

    /// The rule that the peer broke, if it has broken one (H3).
    pub(crate) fn fault(&self) -> Option<PeerFault> {
        self.fault.get().copied()
    }

    /// Ends sending (H2). The peer goes on returning what it has.
    pub(crate) fn close(&self) {
        if self.ended.set(Closed::ByUs).is_ok() {
            self.wake_everybody();
        }
    }

    /// Ends the link: nothing is sent or returned any more (H4).
    pub(crate) fn end(&self, closed: Closed) {
        // Whoever is second finds an older reason.
        let _ = self.ended.set(closed);
        self.reclaim();
        self.wake_everybody();
    }

    /// Ends the link because of a fault (H3). Returns how sending has ended, which may be older news.
    pub(crate) fn fail(&self, fault: PeerFault) -> Closed {
        let first = Closed::PeerFault(*self.fault.get_or_init(|| fault));
        self.end(first);
        self.ended.get().copied().unwrap_or(first)
    }

    /// Wakes everybody who waits in this process.
    fn wake_everybody(&self) {
        self.slab.wake_all();
        for lane in LANES {
            let wakers = self.space.room_wakers(lane);
            wakers.into_iter().for_each(Waker::wake);
        }
        let receiver = lock(&self.receiver).take();
        if let Some(receiver) = receiver {
            receiver.wake();
        }
    }

    /// Somebody else knows that the peer is dead: the receiver need not wait for the kernel's word.
    pub(crate) fn peer_died(&self) {
        if self.peer_died.set(()).is_err() {
            return;
        }
        // Woken without the lock, which whoever is woken may want.
        let receiver = lock(&self.receiver).clone();
        if let Some(receiver) = receiver {
            receiver.wake();
        }
    }

    /// Whether somebody has said so.
    pub(crate) fn is_peer_dead(&self) -> bool {
        self.peer_died.get().is_some()
    }

    /// Takes back the slots that the peer has. Its returns are collected no more.
    fn reclaim(&self) {
        // Whoever is publishing is done then, and whoever comes later finds sending ended (P3).
        drop(self.producer());
        self.slab.reclaim();
    }

    /// The publishing end of the ring, to be held for one publication.
    pub(crate) fn producer(&self) -> MutexGuard<'_, Publishing> {
        lock(&self.producer)
    }

    /// Whether the ring has room for a lane.
    pub(crate) fn has_room(&self, lane: Lane) -> Result<bool, PeerFault> {
        let keep = self.config.ring_reserve(lane);
        Ok(lock(&self.producer).ring.room(keep)? > 0)
    }

    /// After publishing: wakes a peer that sleeps.
    pub(crate) fn published(&self) {
        if self.entries_ringer.must_ring() {
            self.ring();
        }
    }

    /// After consuming or returning: wakes a peer that waits for room.
    pub(crate) fn made_space(&self) {
        if self.space_ringer.must_ring() {
            self.ring();
        }
    }

    fn ring(&self) {
        self.counters.rang();
        self.rope.ring();
    }

    /// Collects returned slots and room, and wakes those they serve.
    pub(crate) fn serve_waiters(&self) -> Result<(), PeerFault> {
        self.slab.collect()?;
        for lane in LANES {
            let wakers = self.space.room_wakers(lane);
            if !wakers.is_empty() && self.has_room(lane)? {
                wakers.into_iter().for_each(Waker::wake);
            }
        }
        Ok(())
    }

    /// Marks a slot of the peer's as ours until [`give_back`](Self::give_back) (J1).
    pub(crate) fn hold(&self, slot: CheckedSlot) -> Result<(), PeerFault> {
        let index = slot.slot_ref().index;
        // A checked slot has a flag: both are counted by the layout.
        if self.held.hold(index) {
            Ok(())
        } else {
            Err(PeerFault::SlotSentTwice { index })
        }
    }

    /// Returns a held slot to the peer.
    pub(crate) fn give_back(&self, index: u32, generation: u32) {
        self.held.let_go(index); // J2
        lock(&self.returner).push(encode_return(index, generation));
        self.made_space();
    }

    /// How long the receiver looks on before it sleeps.
    pub(crate) fn spin(&self) -> Duration {
        Duration::from_nanos(self.spin.load(order::RELAXED).into())
    }

    pub(crate) fn set_spin(&self, bound: Duration) {
        let nanos = bound.min(spin::MOST).subsec_nanos();
        self.spin.store(nanos, order::RELAXED);
    }

    /// Leaves word where to find the receiver.
    pub(crate) fn set_receiver(&self, waker: &Waker) {
        let mut receiver = lock(&self.receiver);
        match &mut *receiver {
            Some(known) => known.clone_from(waker),
            None => *receiver = Some(waker.clone()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const LANES: [Lane; 2] = [Lane::Priority, Lane::Data];
