//! The state of a slot: one private word for each slot of our own slab.
//!
//! - S1: the word is 0 as long as the slot is in a free list, or taken out of it to be emptied (F3).
//! - S2: a slot being written has one user, and nobody else may read it.
//! - S3: a slot is in flight at most once: sending sets the bit, the return clears it.
//! - S4: whichever takes the word to 0, the last local user or the return, frees the slot. Exactly one
//!   of them does, and every use of the slot happens before that (E6).
//! - S5: a return is read after the sending that it answers (E1, E4), so a slot that an honest peer
//!   returns is always found in flight.
//!
//! Only E6 needs an ordering on this word. Freezing and sending order nothing: the bytes go from thread to
//! thread with the handle, and to the peer with the descriptor.

use crate::sync::AtomicU32;
use crate::sync::orderings;

const IN_FLIGHT: u32 = 1 << 31;
const WRITING: u32 = 1 << 30;
const USERS: u32 = WRITING - 1;
/// The writer alone.
const WRITER: u32 = WRITING | 1;

/// One slot's word: two flags and a count of local users.
#[derive(Debug)]
pub(crate) struct SlotState(AtomicU32);

/// The use of a slot, for statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotUse {
    Free,
    Writing,
    Held,
    InFlight,
}

/// The slot is in flight already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AlreadyInFlight;

/// The slot is not in flight, so it cannot be returned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotInFlight;

impl SlotState {
    pub(crate) fn free() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Free → writing. The caller took the slot from the free list (S1).
    pub(crate) fn begin_writing(&self) {
        self.0.store(WRITER, orderings::RELAXED);
    }

    /// Writing → frozen, with one local user, still the only one.
    pub(crate) fn freeze(&self) {
        self.0.fetch_and(!WRITING, orderings::RELAXED);
    }

    /// Adds a local user.
    pub(crate) fn retain(&self) {
        let before = self.0.fetch_add(1, orderings::RELAXED);
        if before & USERS > USERS / 2 {
            // Only leaked handles get here. Going on would free memory in use.
            std::process::abort();
        }
    }

    /// Removes a local user or the writer. `true`: the caller must free the slot (S4).
    #[must_use]
    pub(crate) fn release(&self) -> bool {
        match self.0.fetch_sub(1, orderings::slot_release()) {
            1 => true,
            WRITER => {
                // The writer was alone (S2), so nothing happens in between.
                self.0.store(0, orderings::RELAXED);
                true
            }
            _ => false,
        }
    }

    /// Frozen → in flight (S3).
    pub(crate) fn send(&self) -> Result<(), AlreadyInFlight> {
        let before = self.0.fetch_or(IN_FLIGHT, orderings::RELAXED);
        if before & IN_FLIGHT == 0 {
            Ok(())
        } else {
            Err(AlreadyInFlight)
        }
    }

    /// Undoes a [`send`](Self::send) whose descriptor was not published. The caller is a local user of the
    /// slot, so this never frees it.
    pub(crate) fn cancel_send(&self) {
        self.0.fetch_and(!IN_FLIGHT, orderings::RELAXED);
    }

    /// The peer returned the slot. `Ok(true)`: the caller must free it (S4).
    pub(crate) fn returned(&self) -> Result<bool, NotInFlight> {
        let before = self.0.fetch_and(!IN_FLIGHT, orderings::slot_returned());
        if before & IN_FLIGHT == 0 {
            Err(NotInFlight)
        } else {
            Ok(before == IN_FLIGHT)
        }
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        self.0.load(orderings::RELAXED) & IN_FLIGHT != 0
    }

    pub(crate) fn usage(&self) -> SlotUse {
        match self.0.load(orderings::RELAXED) {
            0 => SlotUse::Free,
            word if word & IN_FLIGHT != 0 => SlotUse::InFlight,
            word if word & WRITING != 0 => SlotUse::Writing,
            _ => SlotUse::Held,
        }
    }
}
