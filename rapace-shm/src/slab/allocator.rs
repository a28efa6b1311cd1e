//! The allocator of our own slots: allocating, waiting, freeing, and collecting from the return ring.
//!
//! - B1: free lists and generations are private memory. The peer can neither read nor corrupt them.
//! - B2: a slot's generation changes each time it becomes free.
//! - B3: a return is accepted if that slot is in flight under that generation. Anything else is a
//!   fault, and changes nothing.
//! - B4: when a class is exhausted, an allocation may take a slot of the next configured class up, never of one
//!   further up, and never ahead of a waiter there.
//! - B5: requests of one class and lane are served in FIFO order; a newcomer does not overtake.
//! - B6: wakers are cloned, called and dropped outside the lock.
//! - B7: returned slots are collected before colder or unused ones are taken: always for a large slot,
//!   where warm caches are worth more than the read of the cursor, and at every eighth small one.
//! - B8: when the link is over, returns stop, and all slots are reclaimed. From then on none is handed
//!   out or emptied, since a peer that hung up and lives may still be reading them. When the link is
//!   dropped, only handles on slots keep this slab alive, and it keeps none of the peer's memory.
//! - B9: the class of fragment slots lends to no other class and borrows from none.

use std::ops::Range;
use std::sync::{Arc, PoisonError};
use std::task::Waker;

use crate::config::{Lane, MAX_CLASSES};
use crate::fault::PeerFault;
use crate::layout::{Layout, SlotPlace};
use crate::ring::descriptor::parse_return;
use crate::ring::spsc::{Consumer, ConsumerMemory};
use crate::slab::class_stats::ClassStats;
use crate::slab::free_lists::FreeLists;
use crate::slab::slot_state::{SlotState, SlotUse};
use crate::slab::wait_queue::{Ticket, WaitQueue};
use crate::sync::{Mutex, MutexGuard};

/// All slots of one half, from their owner's side.
#[derive(Debug)]
pub(crate) struct Slab<M> {
    layout: Arc<Layout>,
    states: Box<[SlotState]>,
    inner: Mutex<Inner<M>>,
}

/// A slot taken from the free list, with its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

#[derive(Debug)]
struct Inner<M> {
    lists: FreeLists,
    generations: Box<[u32]>,
    /// The return ring; `None` once the link is dropped (B8).
    returns: Option<Consumer<M>>,
    /// Whether the link is over (B8).
    over: bool,
    /// For each class, one queue per lane.
    queues: Box<[[WaitQueue; 2]]>,
    /// Slots taken since returns were last collected.
    uncollected: u32,
    /// Classes that got a slot back, or lost a waiter, since wakers were last gathered: one bit each.
    touched: u32,
    /// The class of fragment slots, the last (B9).
    fragments: usize,
    /// For each class, how many payloads were sent in fragments.
    fragmented: Box<[u64]>,
}

impl<M: ConsumerMemory<Entry = u64>> Slab<M> {
    pub(crate) fn new(layout: Arc<Layout>, returns: M) -> Self {
        let slots = layout.slots;
        let inner = Inner {
            lists: FreeLists::new(&layout),
            generations: vec![0; slots as usize].into(),
            returns: Some(Consumer::new(returns, layout.returns_capacity)),
            over: false,
            queues: layout.classes.iter().map(|_| Default::default()).collect(),
            uncollected: 0,
            touched: 0,
            fragments: layout.fragments(),
            fragmented: vec![0; layout.classes.len()].into(),
        };
        Self {
            states: (0..slots).map(|_| SlotState::free()).collect(),
            inner: Mutex::new(inner),
            layout,
        }
    }

    /// Takes a slot of `class` for `len` bytes, or of the next class up (B4), unless another waiter is
    /// first (B5).
    pub(crate) fn take(
        &self,
        class: usize,
        lane: Lane,
        len: u32,
        ticket: Option<Ticket>,
    ) -> Result<Option<Taken>, PeerFault> {
        let mut inner = self.lock();
        let taken = inner.take_or_collect(&self.layout, &self.states, class, lane, len, ticket);
        let mut served = None;
        if let Ok(Some(taken)) = taken {
            inner.uncollected += 1;
            self.state(taken.index).begin_writing();
            served = ticket.and_then(|ticket| inner.leave(class, lane, ticket));
        }
        wake_without_lock(inner);
        drop(served); // B6
        taken
    }

    /// Waits in the queue of a class, or replaces the waker there.
    pub(crate) fn wait(
        &self,
        class: usize,
        lane: Lane,
        ticket: Option<Ticket>,
        waker: &Waker,
    ) -> Option<Ticket> {
        let waker = waker.clone();
        let mut inner = self.lock();
        let (ticket, before) = inner.queue(class, lane)?.wait(ticket, waker);
        drop(inner);
        drop(before); // B6
        Some(ticket)
    }

    /// Stops waiting, and passes the turn on to the next waiter.
    pub(crate) fn leave(&self, class: usize, lane: Lane, ticket: Ticket) {
        let mut inner = self.lock();
        let waker = inner.leave(class, lane, ticket);
        wake_without_lock(inner);
        drop(waker); // B6
    }

    /// Frees a slot whose word is 0 (S4).
    pub(crate) fn free(&self, index: u32) {
        let mut inner = self.lock();
        inner.free(&self.layout, index);
        wake_without_lock(inner);
    }

    /// Collects all slots that the peer has returned, and wakes their waiters.
    pub(crate) fn collect(&self) -> Result<(), PeerFault> {
        let mut inner = self.lock();
        let collected = inner.collect(&self.layout, &self.states);
        wake_without_lock(inner);
        collected
    }

    /// Reclaims all slots that the peer has, returned or not (B8). Nothing may be sent any more.
    pub(crate) fn reclaim(&self) {
        let mut inner = self.lock();
        inner.over = true;
        for (index, state) in (0..).zip(&self.states) {
            if let Ok(true) = state.returned() {
                inner.free(&self.layout, index);
            }
        }
        wake_without_lock(inner);
    }

    /// Drops the return ring, which lies in the peer's memory (B8).
    pub(crate) fn link_is_gone(&self) {
        let mut inner = self.lock();
        inner.over = true;
        let returns = inner.returns.take();
        drop(inner);
        drop(returns);
    }

    /// Returns the state word of one of our slots.
    pub(crate) fn state(&self, index: u32) -> &SlotState {
        self.states
            .get(index as usize)
            .expect("slot handles carry indices that the free lists gave out")
    }

    /// Wakes all waiters.
    pub(crate) fn wake_all(&self) {
        let mut inner = self.lock();
        let wakers: Vec<Waker> = inner
            .queues
            .iter_mut()
            .flatten()
            .flat_map(WaitQueue::all)
            .collect();
        drop(inner);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Starts a new period, and calls `punch` for pages of slots that were idle since the last call, at most
    /// `budget` bytes. `punch` gets the slot's place and the range in it, and runs without the lock.
    /// Returns how many bytes were given back to the system.
    pub(crate) fn trim(&self, budget: u32, mut punch: impl FnMut(SlotPlace, Range<u32>)) -> u32 {
        let mut emptied = 0;
        let mut inner = self.lock();
        for class in 0..inner.lists.class_count() {
            while !inner.over
                && emptied < budget
                && let Some(idle) = inner.lists.take_idle(class, budget - emptied)
            {
                drop(inner);
                if let Some(place) = self.layout.slot(idle.index) {
                    punch(place, idle.kept..idle.kept + idle.emptied);
                }
                emptied += idle.emptied;
                inner = self.lock();
                inner.lists.emptied(class, idle);
                inner.touch(class);
            }
        }
        inner.lists.begin_period();
        wake_without_lock(inner);
        emptied
    }

    /// Records that a payload of this class was sent in fragments. True if it is the first one.
    pub(crate) fn sent_in_fragments(&self, class: usize) -> bool {
        let mut inner = self.lock();
        let Some(count) = inner.fragmented.get_mut(class) else {
            return false;
        };
        *count += 1;
        *count == 1
    }

    /// Counts the slots of each class by their use; those of the fragment slots come last.
    pub(crate) fn stats(&self) -> Vec<ClassStats> {
        let inner = self.lock();
        let mut states = self.states.iter();
        let classes = self.layout.classes.iter().enumerate();
        classes
            .map(|(nth, place)| {
                let mut stats = ClassStats {
                    slot_size: place.class.slot_size,
                    total: place.class.slots,
                    free: inner.lists.free(nth) as u32,
                    reserved: place.class.reserve(),
                    fragmented: inner.fragmented[nth],
                    ..ClassStats::default()
                };
                for state in states.by_ref().take(place.class.slots as usize) {
                    match state.usage() {
                        SlotUse::Free => {}
                        SlotUse::Writing => stats.writing += 1,
                        SlotUse::Held => stats.held += 1,
                        SlotUse::InFlight => stats.in_flight += 1,
                    }
                }
                stats
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner<M>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: ConsumerMemory<Entry = u64>> Inner<M> {
    /// Allocates, collecting returns first where B7 says so. A fault found on the way allocates nothing.
    fn take_or_collect(
        &mut self,
        layout: &Layout,
        states: &[SlotState],
        class: usize,
        lane: Lane,
        len: u32,
        ticket: Option<Ticket>,
    ) -> Result<Option<Taken>, PeerFault> {
        if len >= LARGE || self.uncollected >= COLLECT_EVERY {
            self.collect(layout, states)?;
        }
        if let Some(taken) = self.take(class, lane, len, ticket) {
            return Ok(Some(taken));
        }
        self.collect(layout, states)?;
        Ok(self.take(class, lane, len, ticket))
    }

    fn take(
        &mut self,
        class: usize,
        lane: Lane,
        len: u32,
        ticket: Option<Ticket>,
    ) -> Option<Taken> {
        if self.over || !self.queue(class, lane)?.is_next(ticket) {
            return None;
        }
        let mut index = self.lists.take(class, lane, len);
        let above = class + 1;
        if index.is_none() && above != self.fragments && self.queue(above, lane)?.is_empty() {
            index = self.lists.take(above, lane, len);
        }
        let index = index?;
        let generation = *self.generations.get(index as usize)?;
        Some(Taken { index, generation })
    }

    fn collect(&mut self, layout: &Layout, states: &[SlotState]) -> Result<(), PeerFault> {
        self.uncollected = 0;
        if self.over {
            return Ok(());
        }
        // Bounded: each accepted entry takes a slot out of flight, and any other ends the loop.
        while let Some(entry) = self.next_return()? {
            let (index, returned) = parse_return(entry);
            let known = states
                .get(index as usize)
                .zip(self.generations.get(index as usize));
            let Some((state, &sent)) = known else {
                return Err(PeerFault::ReturnedUnknownSlot {
                    index,
                    slots: layout.slots,
                });
            };
            if !state.is_in_flight() {
                return Err(PeerFault::ReturnedNotHeld { index });
            }
            if sent != returned {
                return Err(PeerFault::ReturnedWrongGeneration {
                    index,
                    sent,
                    returned,
                });
            }
            match state.returned() {
                Ok(true) => self.free(layout, index),
                Ok(false) => {}
                Err(_) => return Err(PeerFault::ReturnedNotHeld { index }),
            }
        }
        Ok(())
    }

    fn next_return(&mut self) -> Result<Option<u64>, PeerFault> {
        let Some(returns) = &mut self.returns else {
            return Ok(None);
        };
        returns.pop().map_err(of_return_ring)
    }

    fn free(&mut self, layout: &Layout, index: u32) {
        if let (Some(class), Some(generation)) = (
            layout.class_of(index),
            self.generations.get_mut(index as usize),
        ) {
            *generation = generation.wrapping_add(1); // B2
            self.lists.put_back(class, index);
            self.touch(class);
        }
    }

    /// Leaves a queue. Returns the waker, to be dropped outside the lock (B6).
    fn leave(&mut self, class: usize, lane: Lane, ticket: Ticket) -> Option<Waker> {
        let waker = self.queue(class, lane)?.leave(ticket);
        self.touch(class);
        waker
    }

    fn queue(&mut self, class: usize, lane: Lane) -> Option<&mut WaitQueue> {
        let [data, priority] = self.queues.get_mut(class)?;
        Some(match lane {
            Lane::Data => data,
            Lane::Priority => priority,
        })
    }

    fn touch(&mut self, class: usize) {
        self.touched |= 1 << class;
    }

    /// Returns the wakers that may now be served: the first in each queue of a touched class, and of the class
    /// below it, which may borrow from it (B4, B9).
    fn wakers(&mut self) -> Vec<Waker> {
        let touched = std::mem::take(&mut self.touched);
        if touched == 0 {
            return Vec::new();
        }
        let lenders = touched & !(1 << self.fragments);
        let concerned = touched | lenders >> 1;
        let queues = self.queues.iter_mut().enumerate();
        queues
            .filter(|(class, _)| concerned >> class & 1 == 1)
            .flat_map(|(_, lanes)| lanes.iter_mut().filter_map(WaitQueue::first))
            .collect()
    }
}

/// Wakes waiters after unlocking (B6).
fn wake_without_lock<M: ConsumerMemory<Entry = u64>>(mut inner: MutexGuard<'_, Inner<M>>) {
    let wakers = inner.wakers();
    drop(inner);
    wakers.into_iter().for_each(Waker::wake);
}

fn of_return_ring(fault: PeerFault) -> PeerFault {
    match fault {
        PeerFault::TailRanAhead { ahead, capacity } => {
            PeerFault::ReturnsRanAhead { ahead, capacity }
        }
        other => other,
    }
}

/// From this length on, in bytes, a slot that is hot in the caches is worth a read of the return cursor.
const LARGE: u32 = 16 << 10;
/// Small slots taken between two collections.
const COLLECT_EVERY: u32 = 8;

/// [`Inner::touched`] has a bit for each configured class and one for the fragment slots.
const _: () = assert!(MAX_CLASSES < u32::BITS as usize);
