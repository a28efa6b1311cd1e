//! The tasks that wait for ring room or for a slot, and the armed word that tells the peer so.
//!
//! - U1: a waiter queues and arms, here, in one step, and then checks once more (A2). A waiter that is
//!   woken and goes on waiting does the same again.
//! - U2: before the receiver sleeps it arms again for the waiters, and then serves those it can: the
//!   epoch they armed under may have been rung for already, for room that went to another waiter.
//! - U3: the word is disarmed only while there is no waiter, which is checked in the same step.

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
    /// A copy of [`Inner::waiting`], readable without the lock.
    waiting: AtomicU32,
}

#[derive(Debug)]
struct Inner<W> {
    arm: Arm<W>,
    /// Futures that wait for ring room or for a slot.
    waiting: u32,
    /// Waiters for ring room, by lane. The slab queues the others.
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

    /// Applies U1 to a slot: counts one more waiter, if it is `new`, and arms. The caller has queued in the
    /// slab.
    pub(crate) fn wait_for_slot(&self, new: bool) {
        let mut inner = self.lock();
        if new {
            self.count(&mut inner, 1);
        }
        inner.arm.arm();
    }

    /// Undoes [`wait_for_slot`](Self::wait_for_slot), once served or cancelled.
    pub(crate) fn slot_wait_over(&self) {
        self.count(&mut self.lock(), -1);
    }

    /// Applies U1 to ring room: queues, or replaces the waker of a ticket already held, and arms.
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

    /// Undoes [`wait_for_room`](Self::wait_for_room).
    pub(crate) fn room_wait_over(&self, lane: Lane, ticket: Ticket) {
        let mut inner = self.lock();
        let waker = inner.queue(lane).leave(ticket);
        self.count(&mut inner, -1);
        drop(inner);
        drop(waker); // Q3
    }

    /// Returns whether there seem to be waiters. The answer may be slightly stale.
    pub(crate) fn has_waiters(&self) -> bool {
        self.waiting.load(orderings::RELAXED) > 0
    }

    /// Applies U2 and U3, before the receiver sleeps. Returns whether there are waiters, to be served then.
    pub(crate) fn arm_for_waiters(&self) -> bool {
        let mut inner = self.lock();
        if inner.waiting == 0 {
            inner.arm.disarm();
            return false;
        }
        inner.arm.arm();
        true
    }

    /// Returns whether there are waiters for ring room.
    pub(crate) fn has_room_waiters(&self, lane: Lane) -> bool {
        !self.lock().queue(lane).is_empty()
    }

    /// Returns the wakers of all waiters for ring room that were not woken yet, in order. All of them, because a
    /// woken task may be dropped before it publishes, and then none would pass its turn on.
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
