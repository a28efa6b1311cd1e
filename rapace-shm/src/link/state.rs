//! The state that the handles of one end of a link share.
//!
//! - H1: locks are taken one at a time. None is held while another is taken, a waker is called, cloned or
//!   dropped, or the kernel is entered.
//! - H2: sending ends once, with the first reason.
//! - H3: the first fault found is stored, and from then on it is the only one. It ends the link even
//!   if sending has ended before: the receiver reports it, and slots come back.
//! - H4: once the link is over, and not only sending, the slots in flight are reclaimed before
//!   the end is reported.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

use crossbeam_utils::CachePadded;

use crate::config::{Lane, SegmentConfig};
use crate::doorbell::idle_policy::MAX_SPIN;
use crate::doorbell::notify::Notifier;
use crate::fault::PeerFault;
use crate::layout::{Layout, Object};
use crate::link::error::Closed;
use crate::link::leases::Leases;
use crate::link::objects::{OwnObject, PeerObject};
use crate::link::peer_waker::PeerWaker;
use crate::link::stats::Counters;
use crate::memory::halves::{OwnHalf, OwnWord, PeerHalf, ReturnsIn, ReturnsOut, RingOut};
use crate::memory::mapping::{OwnMap, PeerMap};
use crate::ring::return_ring::Returner;
use crate::ring::spsc::Producer;
use crate::slab::allocator::Slab;
use crate::slab::backpressure::Backpressure;
use crate::sync::orderings;

/// The shared state of one end of a link.
#[derive(Debug)]
pub(crate) struct LinkState {
    pub(crate) config: SegmentConfig,
    pub(crate) layout: Arc<Layout>,
    pub(crate) own: Arc<OwnHalf>,
    pub(crate) peer: Arc<PeerHalf>,
    /// Whether received payloads are copied before they are handed out.
    pub(crate) copy_out: bool,
    pub(crate) slab: Arc<Slab<ReturnsIn>>,
    /// Written by the receiver. The next field is written by each sender, so it lies on another cache line.
    pub(crate) counters: CachePadded<Counters>,
    producer: CachePadded<Mutex<Publishing>>,
    /// The waiters for room or slots.
    pub(crate) waiters: Backpressure<OwnWord>,
    /// The slots of the peer's that we hold.
    pub(crate) leases: Arc<Leases>,
    pub(crate) peer_waker: Arc<PeerWaker>,
    /// The objects that handles on our slots and received slots keep: control region, then large-slot region.
    own_objects: [Arc<OwnObject>; 2],
    peer_objects: [Arc<PeerObject>; 2],
    ended: OnceLock<Closed>,
    /// The first rule that the peer broke (H3).
    fault: OnceLock<PeerFault>,
    /// The task in `recv`, for events that do not come through the doorbell.
    receiver: Mutex<Option<Waker>>,
    /// Set if the peer was reported dead.
    peer_died: OnceLock<()>,
    /// Nanoseconds for which the receiver spins before it sleeps.
    spin: AtomicU32,
}

/// The publishing end of the ring, with its counters.
#[derive(Debug)]
pub(crate) struct Publishing {
    pub(crate) ring: Producer<RingOut>,
    pub(crate) descriptors: u64,
    pub(crate) bytes: u64,
}

impl LinkState {
    pub(crate) fn new(
        config: SegmentConfig,
        own: OwnHalf,
        peer: PeerHalf,
        notifier: Notifier,
        copy_out: bool,
    ) -> Self {
        let layout = Arc::clone(&own.layout);
        let own = Arc::new(own);
        let peer = Arc::new(peer);
        let ring = RingOut {
            own: Arc::clone(&own),
            peer: Arc::clone(&peer),
        };
        let producer_armed = OwnWord::producer(&own);
        let peer_waker = Arc::new(PeerWaker::new(&peer, notifier));
        let returner = Returner::new(ReturnsOut(Arc::clone(&own)), layout.returns_capacity);
        let leases = Leases::new(layout.slots, returner, Arc::clone(&peer_waker));
        let leases = Arc::new(leases);
        let returns = ReturnsIn(Arc::clone(&peer));
        let slab = Arc::new(Slab::new(Arc::clone(&layout), returns));
        let own_object = |map: &OwnMap| {
            Arc::new(OwnObject {
                map: map.clone(),
                slab: Arc::clone(&slab),
            })
        };
        let peer_object = |map: &PeerMap| {
            Arc::new(PeerObject {
                map: map.clone(),
                leases: Arc::clone(&leases),
            })
        };
        Self {
            own_objects: [own_object(&own.control), own_object(&own.large_slots)],
            peer_objects: [peer_object(&peer.control), peer_object(&peer.large_slots)],
            slab,
            counters: CachePadded::default(),
            producer: CachePadded::new(Mutex::new(Publishing {
                ring: Producer::new(ring, layout.ring_capacity),
                descriptors: 0,
                bytes: 0,
            })),
            waiters: Backpressure::new(producer_armed),
            leases,
            peer_waker,
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

    /// Returns how sending ended, if it has.
    pub(crate) fn check_open(&self) -> Result<(), Closed> {
        match self.ended.get() {
            None => Ok(()),
            Some(&closed) => Err(closed),
        }
    }

    /// Returns the rule that the peer broke, if it has broken one (H3).
    pub(crate) fn fault(&self) -> Option<PeerFault> {
        self.fault.get().copied()
    }

    /// Ends sending (H2). The peer goes on returning slots.
    pub(crate) fn close(&self) {
        if self.ended.set(Closed::ByUs).is_ok() {
            self.wake_all();
        }
    }

    /// Ends the link: nothing is sent or returned any more (H4).
    pub(crate) fn end(&self, closed: Closed) {
        // The first reason stays.
        let _ = self.ended.set(closed);
        self.reclaim();
        self.wake_all();
    }

    /// Ends the link because of a fault (H3). Returns how sending has ended, which may be an earlier reason.
    pub(crate) fn fail(&self, fault: PeerFault) -> Closed {
        let first = Closed::PeerFault(*self.fault.get_or_init(|| fault));
        self.end(first);
        self.ended.get().copied().unwrap_or(first)
    }

    /// Wakes all tasks of this process that wait on the link.
    fn wake_all(&self) {
        self.slab.wake_all();
        for lane in LANES {
            let wakers = self.waiters.room_wakers(lane);
            wakers.into_iter().for_each(Waker::wake);
        }
        self.wake_receiver();
    }

    /// Reports the peer dead, so that the receiver need not wait for the kernel.
    pub(crate) fn peer_died(&self) {
        if self.peer_died.set(()).is_ok() {
            self.wake_receiver();
        }
    }

    /// Wakes the receiver, which registers again if it goes on waiting.
    fn wake_receiver(&self) {
        let receiver = lock(&self.receiver).take();
        if let Some(receiver) = receiver {
            receiver.wake();
        }
    }

    /// Returns whether the peer was reported dead.
    pub(crate) fn is_peer_dead(&self) -> bool {
        self.peer_died.get().is_some()
    }

    /// Reclaims the slots that the peer has. Its returns are no longer collected.
    fn reclaim(&self) {
        // A publication under way has ended then, and a later one finds sending ended (P3).
        drop(self.producer());
        self.slab.reclaim();
    }

    /// Locks the publishing end of the ring, for one publication.
    pub(crate) fn producer(&self) -> MutexGuard<'_, Publishing> {
        lock(&self.producer)
    }

    /// Returns whether the ring has room for a lane.
    pub(crate) fn has_room(&self, lane: Lane) -> Result<bool, PeerFault> {
        let keep = self.config.ring_reserve(lane);
        Ok(lock(&self.producer).ring.room(keep)? > 0)
    }

    /// Returns the object that a handle on one of our slots keeps.
    pub(crate) fn own_object(&self, object: Object) -> &Arc<OwnObject> {
        let [control, large_slots] = &self.own_objects;
        match object {
            Object::Control => control,
            Object::LargeSlots => large_slots,
        }
    }

    /// Returns the object that a handle on one of the peer's slots keeps.
    pub(crate) fn peer_object(&self, object: Object) -> &Arc<PeerObject> {
        let [control, large_slots] = &self.peer_objects;
        match object {
            Object::Control => control,
            Object::LargeSlots => large_slots,
        }
    }

    /// Collects returned slots and room, and wakes the waiters that they serve.
    pub(crate) fn serve_waiters(&self) -> Result<(), PeerFault> {
        self.slab.collect()?;
        for lane in LANES {
            if self.waiters.has_room_waiters(lane) && self.has_room(lane)? {
                let wakers = self.waiters.room_wakers(lane);
                wakers.into_iter().for_each(Waker::wake);
            }
        }
        Ok(())
    }

    /// Returns for how long the receiver spins before it sleeps.
    pub(crate) fn spin(&self) -> Duration {
        Duration::from_nanos(self.spin.load(orderings::RELAXED).into())
    }

    pub(crate) fn set_spin(&self, bound: Duration) {
        let nanos = bound.min(MAX_SPIN).subsec_nanos();
        self.spin.store(nanos, orderings::RELAXED);
    }

    /// Stores the waker of the receiver.
    pub(crate) fn set_receiver(&self, waker: &Waker) {
        let known =
            |known: &Option<Waker>| known.as_ref().is_some_and(|known| known.will_wake(waker));
        if known(&lock(&self.receiver)) {
            return;
        }
        // H1: cloning and dropping a waker runs code that we do not know.
        let new = Some(waker.clone());
        let before = std::mem::replace(&mut *lock(&self.receiver), new);
        drop(before);
    }
}

impl Drop for LinkState {
    /// Drops what handles on slots do not need, since they may live on (OB1).
    fn drop(&mut self) {
        self.leases.link_is_gone();
        self.slab.link_is_gone();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const LANES: [Lane; 2] = [Lane::Priority, Lane::Data];
