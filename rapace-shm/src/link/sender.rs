//! The sender: slots, descriptors, start markers, heartbeat.
//!
//! - P1: slots are marked as in flight before their descriptor is published, all of them or none, so that
//!   a return can never arrive for a slot that is not marked.
//! - P2: the producer's cursor moves under one lock, held for one publication.
//! - P3: under that lock the link is checked to be open, so nothing is sent after its end.
//! - P4: a fragment is never longer than a fragment slot, and gets no slot of another class (B9).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{FRAGMENT_SIZE, Lane, SegmentConfig};
use crate::link::attachments::names;
use crate::link::error::{AllocateError, Closed, OutOfRange, PublishError};
use crate::link::futures::{Allocate, Writable};
use crate::link::slot::{Slot, SlotMut};
use crate::link::state::LinkState;
use crate::link::stats::LinkStats;
use crate::ring::descriptor::{Header, INLINE_MAX, Location, encode, with_table};
use crate::ring::start_markers;
use crate::slab::class_stats::ClassStats;

/// The payload of a descriptor to be published.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// No payload.
    Empty,
    /// At most [`INLINE_MAX`] bytes, carried inside the descriptor.
    Inline(&'a [u8]),
    /// A slot of this link, in flight once it is published.
    Slot(&'a Slot),
}

/// The sending end of a link. Clones are handles on the same end, for use from any thread.
///
/// The futures [`allocate`](Self::allocate), [`allocate_fragment`](Self::allocate_fragment) and
/// [`writable`](Self::writable) are woken by the task that polls the link's [`Receiver`](crate::Receiver), so some task
/// must be receiving.
#[derive(Clone)]
pub struct Sender {
    link_state: Arc<LinkState>,
}

impl Sender {
    pub(crate) fn new(link_state: Arc<LinkState>) -> Self {
        Self { link_state }
    }

    pub(crate) fn link_state(&self) -> &Arc<LinkState> {
        &self.link_state
    }

    /// Allocates a slot of at least `len` bytes, without waiting and without overtaking waiters.
    ///
    /// # Errors
    /// [`AllocateError::Exhausted`] if there is none for this lane now; otherwise why there will
    /// never be one.
    pub fn try_allocate(&self, len: usize, lane: Lane) -> Result<SlotMut, AllocateError> {
        SlotMut::take(&self.link_state, self.class_for(len)?, len, lane, None)?
            .ok_or(AllocateError::Exhausted)
    }

    /// Allocates a slot of at least `len` bytes, and waits for one if need be. Waiters for the same size
    /// class and lane are served in FIFO order.
    ///
    /// # Cancel safety
    /// Dropping the future allocates nothing and gives up the place in the queue.
    ///
    /// # Errors
    /// [`AllocateError::TooLarge`] at once; [`AllocateError::Closed`] as soon as the link ends.
    pub async fn allocate(&self, len: usize, lane: Lane) -> Result<SlotMut, AllocateError> {
        Allocate::new(&self.link_state, self.class_for(len)?, len, lane).await
    }

    /// Allocates a fragment slot for `len` bytes, without waiting and without overtaking waiters.
    ///
    /// Fragment slots carry a payload in parts when no slot is free for all of it. There are
    /// [`FRAGMENT_SLOTS`](crate::FRAGMENT_SLOTS) of them, and no other function allocates one, so payloads that
    /// are kept do not exhaust them. Send a fragment soon, and drop it; a receiver copies it out in its next turn and
    /// drops it. A fragment is published like any other slot.
    ///
    /// # Errors
    /// [`AllocateError::TooLarge`] if `len` is more than [`max_fragment`](Self::max_fragment);
    /// [`AllocateError::Exhausted`] if there is none for this lane now, whatever slots of other classes are free;
    /// [`AllocateError::Closed`] if the link has ended.
    pub fn try_allocate_fragment(&self, len: usize, lane: Lane) -> Result<SlotMut, AllocateError> {
        let class = self.fragments_for(len)?;
        SlotMut::take(&self.link_state, class, len, lane, None)?.ok_or(AllocateError::Exhausted)
    }

    /// Allocates a fragment slot like [`try_allocate_fragment`](Self::try_allocate_fragment), and waits for one if
    /// need be. Waiters of the same lane are served in FIFO order.
    ///
    /// # Cancel safety
    /// Dropping the future allocates nothing and gives up the place in the queue.
    ///
    /// # Errors
    /// [`AllocateError::TooLarge`] at once; [`AllocateError::Closed`] as soon as the link ends.
    pub async fn allocate_fragment(
        &self,
        len: usize,
        lane: Lane,
    ) -> Result<SlotMut, AllocateError> {
        Allocate::new(&self.link_state, self.fragments_for(len)?, len, lane).await
    }

    /// Publishes a descriptor. `attachments` are further slots of this link, in flight from then
    /// on too. If there are any, the payload begins with their [table](crate::attachment_table), in this
    /// order; the receiver has them in [`Received::attachments`](crate::Received::attachments).
    ///
    /// Costs no system call unless the peer sleeps.
    ///
    /// # Errors
    /// [`PublishError::Full`] if the ring has no room for this lane; otherwise what is wrong with the
    /// request, or how the link ended. In all cases nothing was sent.
    pub fn try_publish(
        &self,
        header: &Header,
        payload: Payload<'_>,
        attachments: &[Slot],
        lane: Lane,
    ) -> Result<(), PublishError> {
        self.try_publish_unflushed(header, payload, attachments, lane)?;
        self.flush();
        Ok(())
    }

    /// Publishes like [`try_publish`](Self::try_publish), but does not wake a peer that sleeps. Call
    /// [`flush`](Self::flush) after the last of several descriptors, and before waiting for anything: until
    /// then the peer may not see them. So it is woken once for all of them.
    ///
    /// # Errors
    /// As for [`try_publish`](Self::try_publish).
    pub fn try_publish_unflushed(
        &self,
        header: &Header,
        payload: Payload<'_>,
        attachments: &[Slot],
        lane: Lane,
    ) -> Result<(), PublishError> {
        let link_state = &self.link_state;
        // The end of the link takes precedence over other errors.
        link_state.check_open()?;
        let (location, slot, mut bytes) = self.locate(payload)?;
        if !attachments.iter().all(|slot| slot.is_of(link_state)) {
            return Err(PublishError::ForeignSlot);
        }
        let keep = link_state.config.ring_reserve(lane);
        let mut entry = encode(header, location);
        if !attachments.is_empty() {
            if !names(bytes_of(payload), attachments.iter().map(Slot::slot_ref)) {
                return Err(PublishError::NotNamed); // AT2
            }
            entry = with_table(entry);
            bytes += attachments.iter().map(|slot| slot.len()).sum::<usize>();
        }

        let mut producer = link_state.producer();
        link_state.check_open()?; // P3
        let pushed = match producer.ring.room(keep) {
            Ok(0) => return Err(PublishError::Full),
            Ok(_) => {
                Self::mark_sent(slot, attachments)?; // P1
                producer.ring.push(keep, &entry)
            }
            Err(fault) => Err(fault),
        };
        producer.descriptors += 1;
        producer.bytes += bytes as u64;
        drop(producer);
        if let Err(fault) = pushed {
            return Err(link_state.fail(fault).into());
        }
        Ok(())
    }

    /// Wakes the peer's receiver if it sleeps; see [`try_publish_unflushed`](Self::try_publish_unflushed).
    pub fn flush(&self) {
        self.link_state.peer_waker.published();
    }

    /// Waits until the ring may have room for this lane; then try to publish again. Another task may
    /// be faster.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    /// As soon as the link ends.
    pub async fn writable(&self, lane: Lane) -> Result<(), Closed> {
        Writable::new(&self.link_state, lane).await
    }

    /// Returns the generation that the peer last marked as begun in entry `call` of our call table, or 0 if
    /// none. `None` if there is no such entry. Stays readable after the peer's death.
    #[must_use]
    pub fn started_generation(&self, call: u32) -> Option<u32> {
        let known = call < self.link_state.layout.call_table;
        known.then(|| start_markers::marked(&*self.link_state.peer, call))
    }

    /// Marks a call of the peer's as begun. To be called before its handler starts: from this store on,
    /// the call counts as begun for the peer, even if this process dies.
    ///
    /// # Errors
    /// If the peer's call table has no such entry, which an honest peer never names.
    pub fn mark_started(&self, call: u32, generation: u32) -> Result<(), OutOfRange> {
        let entries = self.link_state.layout.call_table;
        if call >= entries {
            return Err(OutOfRange { call, entries });
        }
        start_markers::mark(&*self.link_state.own, call, generation);
        Ok(())
    }

    /// Shows the peer that this executor is alive, and gives back the pages of large slots that were
    /// idle since the last heartbeat, like [`trim`](Self::trim). To be called a few times a second: a session does so every 250 ms by default.
    pub fn heartbeat(&self) {
        self.link_state.own.heartbeat();
        self.trim();
    }

    /// Reports, on behalf of a caller that knows better, that no thread of the peer's runs any more. The receiver
    /// then drains the ring and ends with [`PeerGone`](crate::RecvError::PeerGone), without waiting until the kernel
    /// has torn the peer down and reports it.
    pub fn peer_died(&self) {
        self.link_state.peer_died();
    }

    /// Sets for how long this end's [`Receiver`](crate::Receiver) polls for frames after the last ones
    /// before it sleeps (an adaptive spin). A peer that sends the next frame within `bound` need not wake it, and the
    /// wake-up is most of a round trip's latency. With zero, the default, the receiver sleeps at once; more than a
    /// millisecond counts as one.
    ///
    /// Spinning costs a processor for as long. Other tasks of the runtime run first and in between. After several
    /// misses in a row, spins are skipped for a while, longer each time.
    pub fn set_spin(&self, bound: Duration) {
        self.link_state.set_spin(bound);
    }

    /// Returns the peer's heartbeat. If it does not change while there is work, the peer's executor is unresponsive; a
    /// death is reported by [`PeerWatch`](crate::PeerWatch).
    #[must_use]
    pub fn peer_heartbeat(&self) -> u32 {
        self.link_state.peer.heartbeat()
    }

    /// Collects the slots that the peer has returned, at once instead of at the next allocation or receive.
    ///
    /// A return that breaks a rule ends the link, as it does wherever it is found.
    pub fn collect(&self) {
        if let Err(fault) = self.link_state.slab.collect() {
            self.link_state.fail(fault);
        }
    }

    /// Gives back pages of slots of 1 MiB and more that stayed free since the last call. One slot of
    /// each class keeps its pages, and one call empties at most 8 MiB, a few milliseconds of work, so
    /// that it does not delay a heartbeat. Returns how many bytes were given back.
    ///
    /// Does nothing on the creating side if the peer is [`Untrusted`](crate::Trust::Untrusted): the
    /// seal that keeps the peer from writing these slots also forbids punching holes.
    pub fn trim(&self) -> u32 {
        let own = &self.link_state.own;
        if own.reclaim.is_none() {
            return 0;
        }
        let slab = &self.link_state.slab;
        // A side that no longer allocates would not collect otherwise.
        if let Err(fault) = slab.collect() {
            self.link_state.fail(fault);
            return 0;
        }
        slab.trim(TRIM_BUDGET, |place, range| own.punch(place, range))
    }

    /// Records that a payload of `len` bytes was sent in fragments, in the [statistics](ClassStats::fragmented) of its class. Returns those
    /// statistics if it is the first payload of its class.
    pub fn sent_in_fragments(&self, len: usize) -> Option<ClassStats> {
        let class = self.class_for(len).ok()?;
        let slab = &self.link_state.slab;
        let first = slab.sent_in_fragments(class);
        first
            .then(|| slab.stats())
            .and_then(|all| all.get(class).copied())
    }

    /// Returns the counters of this end of the link. Inspects all slots, so not for hot paths.
    #[must_use]
    pub fn stats(&self) -> LinkStats {
        let link_state = &self.link_state;
        let collected = link_state.slab.collect();
        let mut producer = link_state.producer();
        let depth = producer.ring.depth();
        let (descriptors_sent, bytes_sent) = (producer.descriptors, producer.bytes);
        drop(producer);
        if let Err(fault) = collected.and(depth) {
            link_state.fail(fault);
        }
        let mut classes = link_state.slab.stats();
        let fragments = classes.pop().unwrap_or_default();
        let mut stats = LinkStats {
            ring_depth: depth.unwrap_or(0),
            ring_capacity: link_state.config.ring_capacity,
            classes,
            fragments,
            rings: link_state.peer_waker.rung(),
            descriptors_sent,
            bytes_sent,
            ..LinkStats::default()
        };
        link_state.counters.read_into(&mut stats);
        stats
    }

    /// Ends sending: every pending future of this end resolves with [`Closed::ByUs`], and so does
    /// every later call, even if the link ends for another reason. Receiving goes on, so that what the peer has
    /// published can be drained, and returned slots are collected; a rule that the peer breaks now is reported
    /// by the receiver. The peer is informed when the [`Receiver`](crate::Receiver) is dropped.
    pub fn close(&self) {
        self.link_state.close();
    }

    /// Returns the geometry of the segment.
    #[must_use]
    pub fn config(&self) -> &SegmentConfig {
        &self.link_state.config
    }

    /// Returns the size of the largest configured slot in bytes: the length of the longest payload in one slot.
    #[must_use]
    pub fn max_payload(&self) -> usize {
        self.link_state.config.max_payload()
    }

    /// Returns the size of a fragment slot in bytes: [`FRAGMENT_SIZE`](crate::FRAGMENT_SIZE).
    #[must_use]
    pub fn max_fragment(&self) -> usize {
        FRAGMENT_SIZE as usize
    }

    fn class_for(&self, len: usize) -> Result<usize, AllocateError> {
        let max = self.max_payload();
        let class = self.link_state.layout.class_for(len);
        class.ok_or(AllocateError::TooLarge { len, max })
    }

    /// Returns the class of the fragment slots, if they hold `len` bytes (P4).
    fn fragments_for(&self, len: usize) -> Result<usize, AllocateError> {
        let max = self.max_fragment();
        if len > max {
            return Err(AllocateError::TooLarge { len, max });
        }
        Ok(self.link_state.layout.fragments())
    }

    fn locate<'a>(
        &self,
        payload: Payload<'a>,
    ) -> Result<(Location, Option<&'a Slot>, usize), PublishError> {
        match payload {
            Payload::Empty => Ok((Location::Empty, None, 0)),
            Payload::Inline(bytes) => {
                let mut inline = [0; INLINE_MAX];
                let place = inline.get_mut(..bytes.len());
                place
                    .ok_or(PublishError::InlineTooLong { len: bytes.len() })?
                    .copy_from_slice(bytes);
                let len = bytes.len() as u8;
                let location = Location::Inline { len, bytes: inline };
                Ok((location, None, bytes.len()))
            }
            Payload::Slot(slot) if !slot.is_of(&self.link_state) => Err(PublishError::ForeignSlot),
            Payload::Slot(slot) => Ok((Location::Slot(slot.slot_ref()), Some(slot), slot.len())),
        }
    }

    /// Marks all slots as in flight, or none (P1).
    fn mark_sent(payload: Option<&Slot>, attachments: &[Slot]) -> Result<(), PublishError> {
        let slots = || payload.into_iter().chain(attachments);
        for (marked, slot) in slots().enumerate() {
            if slot.mark_sent().is_err() {
                slots().take(marked).for_each(Slot::cancel_send);
                return Err(PublishError::AlreadyInFlight);
            }
        }
        Ok(())
    }
}

impl Slot {
    /// Returns whether the slot lies in the slab that `sender` sends from, so that it can be sent there
    /// without a copy.
    #[must_use]
    pub fn belongs_to(&self, sender: &Sender) -> bool {
        self.is_of(sender.link_state())
    }
}

fn bytes_of(payload: Payload<'_>) -> &[u8] {
    match payload {
        Payload::Empty => &[],
        Payload::Inline(bytes) => bytes,
        Payload::Slot(slot) => slot,
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("open", &self.link_state.check_open())
            .finish_non_exhaustive()
    }
}

/// Most bytes that one call of [`Sender::trim`] gives back: 0.2 to 0.5 ms of work for each MiB.
const TRIM_BUDGET: u32 = 8 << 20;
