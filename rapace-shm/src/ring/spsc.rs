//! A one-producer, one-consumer ring whose other end may be hostile.
//!
//! | word   | written by | read by  | edge                                             |
//! |--------|------------|----------|--------------------------------------------------|
//! | `tail` | producer   | consumer | E1: release store to load and acquire fence; hands over entries |
//! | `head` | consumer   | producer | E2: release store to load and acquire fence; hands back room |
//!
//! - R1: entries in `head..tail` are the consumer's; all others are the producer's.
//! - R2: `tail - head` is at most the capacity. The peer can break this; see [`ahead_of`].
//! - R3: capacity and our own cursor live in private memory and are never read back.
//! - R4: an entry is copied out once, and only the copy is parsed.
//! - R5: the other side's cursor is read again only when its cached copy says "empty" or "full".
//! - R6: the consumer stores its cursor once per batch, not per entry.
//!
//! The ring is generic over its memory: the mapping, loom's atomics and a scripted peer all implement
//! [`ProducerMemory`] and [`ConsumerMemory`].

use crate::fault::PeerFault;
use crate::sync::Ordering;
use crate::sync::orderings;

/// The memory that a producer accesses.
pub(crate) trait ProducerMemory {
    /// The type of an entry.
    type Entry: Copy;
    /// Writes the entry at a place in `0..capacity` that R1 says is ours.
    fn write(&self, place: u32, entry: &Self::Entry);
    /// Stores our cursor.
    fn store_tail(&self, tail: u32, ordering: Ordering);
    /// Loads the peer's cursor, relaxed. Any value may come back.
    fn load_head(&self) -> u32;
}

/// The memory that a consumer accesses.
pub(crate) trait ConsumerMemory {
    /// The type of an entry.
    type Entry: Copy;
    /// Loads the peer's cursor, relaxed. Any value may come back.
    fn load_tail(&self) -> u32;
    /// Copies out the entry at a place in `0..capacity`.
    fn read(&self, place: u32) -> Self::Entry;
    /// Stores our cursor.
    fn store_head(&self, head: u32, ordering: Ordering);
}

/// Returns how far `theirs` is ahead of `ours`, or `Err` with the distance if that is more than `limit`.
pub(crate) fn ahead_of(ours: u32, theirs: u32, limit: u32) -> Result<u32, u32> {
    let ahead = theirs.wrapping_sub(ours);
    if ahead > limit { Err(ahead) } else { Ok(ahead) }
}

/// The publishing end.
#[derive(Debug)]
pub(crate) struct Producer<M> {
    memory: M,
    capacity: u32,
    tail: u32,
    /// The consumer's cursor as last read and validated.
    head: u32,
}

impl<M: ProducerMemory> Producer<M> {
    /// Creates a producer over zeroed memory. `capacity` is a power of two.
    pub(crate) fn new(memory: M, capacity: u32) -> Self {
        debug_assert!(capacity.is_power_of_two());
        Self {
            memory,
            capacity,
            tail: 0,
            head: 0,
        }
    }

    /// Creates a producer that has published `cursor` entries, all of which were consumed.
    #[cfg(test)]
    pub(crate) fn resumed(memory: M, capacity: u32, cursor: u32) -> Self {
        Self {
            tail: cursor,
            head: cursor,
            ..Self::new(memory, capacity)
        }
    }

    /// Returns how many entries may still be published if `keep` are to stay free. Reads the peer's cursor
    /// only when the cached one leaves no room (R5).
    pub(crate) fn room(&mut self, keep: u32) -> Result<u32, PeerFault> {
        let room = self.cached_room(keep);
        if room > 0 {
            return Ok(room);
        }
        self.refresh()?;
        Ok(self.cached_room(keep))
    }

    /// Publishes one entry, or returns `false` if that would leave fewer than `keep` entries free.
    pub(crate) fn push(&mut self, keep: u32, entry: &M::Entry) -> Result<bool, PeerFault> {
        if self.room(keep)? == 0 {
            return Ok(false);
        }
        self.memory.write(self.tail & (self.capacity - 1), entry);
        self.tail = self.tail.wrapping_add(1);
        self.memory.store_tail(self.tail, orderings::publish_tail());
        Ok(true)
    }

    /// Returns the number of entries published and not yet consumed, by the peer's cursor.
    pub(crate) fn depth(&mut self) -> Result<u32, PeerFault> {
        self.refresh()?;
        Ok(self.tail.wrapping_sub(self.head))
    }

    fn cached_room(&self, keep: u32) -> u32 {
        let used = self.tail.wrapping_sub(self.head);
        (self.capacity - used).saturating_sub(keep)
    }

    fn refresh(&mut self) -> Result<(), PeerFault> {
        let head = self.memory.load_head();
        orderings::after_head();
        let published = self.tail.wrapping_sub(self.head);
        match ahead_of(self.head, head, published) {
            Ok(_) => {
                self.head = head;
                Ok(())
            }
            Err(_) => Err(PeerFault::HeadOutsidePublished {
                head,
                tail: self.tail,
            }),
        }
    }
}

/// The consuming end.
#[derive(Debug)]
pub(crate) struct Consumer<M> {
    memory: M,
    capacity: u32,
    head: u32,
    /// The producer's cursor as last read and validated.
    tail: u32,
}

impl<M: ConsumerMemory> Consumer<M> {
    /// Creates a consumer over zeroed memory. `capacity` is a power of two.
    pub(crate) fn new(memory: M, capacity: u32) -> Self {
        debug_assert!(capacity.is_power_of_two());
        Self {
            memory,
            capacity,
            head: 0,
            tail: 0,
        }
    }

    /// Creates a consumer that has consumed all `cursor` entries published so far.
    #[cfg(test)]
    pub(crate) fn resumed(memory: M, capacity: u32, cursor: u32) -> Self {
        Self {
            head: cursor,
            tail: cursor,
            ..Self::new(memory, capacity)
        }
    }

    /// Takes the next entry. An empty ring is `Ok(None)`; an impossible cursor is a fault.
    pub(crate) fn pop(&mut self) -> Result<Option<M::Entry>, PeerFault> {
        if self.head == self.tail && self.refresh_tail()? == 0 {
            return Ok(None);
        }
        let entry = self.memory.read(self.head & (self.capacity - 1));
        self.head = self.head.wrapping_add(1);
        Ok(Some(entry))
    }

    /// Reads the producer's cursor. Returns how many entries are available.
    pub(crate) fn refresh_tail(&mut self) -> Result<u32, PeerFault> {
        let tail = self.memory.load_tail();
        orderings::after_tail();
        // Until R6's store the peer does not know of our progress, so R2 holds for `head` too.
        let ahead =
            ahead_of(self.head, tail, self.capacity).map_err(|ahead| PeerFault::TailRanAhead {
                ahead,
                capacity: self.capacity,
            })?;
        self.tail = tail;
        Ok(ahead)
    }

    /// Returns whether the next [`pop`](Self::pop) will return an entry or a fault.
    pub(crate) fn has_more(&mut self) -> Result<bool, PeerFault> {
        Ok(self.head != self.tail || self.refresh_tail()? > 0)
    }

    /// Returns how many entries were taken so far.
    pub(crate) fn position(&self) -> u32 {
        self.head
    }

    /// Returns the room of all entries taken so far to the producer (R6).
    pub(crate) fn commit(&self) {
        self.memory.store_head(self.head, orderings::publish_head());
    }
}
