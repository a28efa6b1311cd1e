//! Who waits for room in the ring or for a slot, and whether the peer knows.
//!
//! - U1: whoever waits first queues and arms, here, in one step, and then looks once more (A2). Whoever
//!   is woken and goes on waiting does it again.
//! - U2: the receiver, before it sleeps, arms again for those who wait, and then serves whom it can:
//!   the epoch they armed under may have been rung for already, for room that served somebody else.
//! - U3: the word is disarmed only while nobody waits, which is looked at in the same step.

use std::task::Waker;

use crate::config::Lane;
use crate::ring::armed_flag::{Arm, ArmWord};
use crate::slab::wait_queue::{Ticket, WaitQueue};
use crate::sync::orderings;
use crate::sync::{AtomicU32, Mutex, MutexGuard};

/// The waiters of one end of a link, and their armed word.
#[derive(Debug)]
pub(crate) struct Backpressure<W> {
    inner: Mutex<Inner<W>>,
    /// A copy of [`Inner::waiting`], to be glanced at without the lock.
    waiting: AtomicU32,
}

#[derive(Debug)]
struct Inner<W> {
    arm: Arm<W>,
    /// Futures that wait for ring room or for a slot.
    waiting: u32,
    /// Those that wait for ring room, by lane. The slab queues the others.
    ring: [WaitQueue; 2],
}

impl<W: ArmWord> Backpressure<W> {
    pub(crate) fn new(word: W) -> Self {
        Self {
            inner: Mutex::new(Inner {
                arm: Arm::new(word),
                waiting: 0,
                ring: Default::default(),
            }),
            waiting: AtomicU32::new(0),
        }
    }

    /// U1 for a slot: counts one more waiter, if it is `new`, and arms. The caller has queued in the
    /// slab.
    pub(crate) fn wait_for_slot(&self, new: bool) {
        let mut inner = self.lock();
        if new {
            self.count(&mut inner, 1);
        }
        inner.arm.arm();
    }

    /// The counterpart of [`wait_for_slot`](Self::wait_for_slot), once served or given up.
    pub(crate) fn slot_wait_over(&self) {
        self.count(&mut self.lock(), -1);
    }

    /// U1 for ring room: queues, or renews the waker of a place already taken, and arms.
    pub(crate) fn wait_for_room(
        &self,
        lane: Lane,
        ticket: Option<Ticket>,
        waker: &Waker,
    ) -> Ticket {
        let waker = waker.clone();
        let mut inner = self.lock();
        if ticket.is_none() {
            self.count(&mut inner, 1);
        }
        let (ticket, before) = inner.queue(lane).wait(ticket, waker);
        inner.arm.arm();
        drop(inner);
        drop(before); // Q3
        ticket
    }

    /// The counterpart of [`wait_for_room`](Self::wait_for_room).
    pub(crate) fn room_wait_over(&self, lane: Lane, ticket: Ticket) {
        let mut inner = self.lock();
        let waker = inner.queue(lane).leave(ticket);
        self.count(&mut inner, -1);
        drop(inner);
        drop(waker); // Q3
    }

    /// Whether anybody seems to wait. May be a little old.
    pub(crate) fn somebody_waits(&self) -> bool {
        self.waiting.load(orderings::RELAXED) > 0
    }

    /// U2 and U3, before the receiver sleeps. Returns whether anybody waits, to be served then.
    pub(crate) fn arm_for_waiters(&self) -> bool {
        let mut inner = self.lock();
        if inner.waiting == 0 {
            inner.arm.disarm();
            return false;
        }
        inner.arm.arm();
        true
    }

    /// Whether anybody waits for ring room.
    pub(crate) fn waits_for_room(&self, lane: Lane) -> bool {
        !self.lock().queue(lane).is_empty()
    }

    /// The wakers of all who wait for ring room and were not woken yet, in order. All: one that is woken may
    /// be dropped before it publishes, and then nobody would pass its turn on.
    pub(crate) fn room_wakers(&self, lane: Lane) -> Vec<Waker> {
        self.lock().queue(lane).all().collect()
    }

    fn count(&self, inner: &mut Inner<W>, change: i32) {
        inner.waiting = inner.waiting.saturating_add_signed(change);
        self.waiting.store(inner.waiting, orderings::RELAXED);
    }

    fn lock(&self) -> MutexGuard<'_, Inner<W>> {
        self.inner
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<W> Inner<W> {
    fn queue(&mut self, lane: Lane) -> &mut WaitQueue {
        let [data, priority] = &mut self.ring;
        match lane {
            Lane::Data => data,
            Lane::Priority => priority,
        }
    }
}
