//! The leases on the peer's slots, and how slots are returned.
//!
//! - J3: a received slot keeps this and the object that its bytes lie in alive, and nothing else of the link.
//!   Dropping the link drops the return ring, and with it the other mappings and every descriptor.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::fault::PeerFault;
use crate::link::peer_waker::Rings;
use crate::memory::halves::ReturnsOut;
use crate::ring::descriptor::{CheckedSlot, encode_return};
use crate::ring::return_ring::Returner;
use crate::slab::lease_table::LeaseTable;

/// The peer's slots, as their reader accounts for them.
#[derive(Debug)]
pub(crate) struct Leases {
    /// The slots that we hold (J1).
    held: LeaseTable,
    back: Mutex<Option<Back>>,
}

/// What returning a slot to the peer needs.
#[derive(Debug)]
struct Back {
    returner: Returner<ReturnsOut>,
    rings: Arc<Rings>,
}

impl Leases {
    pub(crate) fn new(slots: u32, returner: Returner<ReturnsOut>, rings: Arc<Rings>) -> Self {
        Self {
            held: LeaseTable::new(slots),
            back: Mutex::new(Some(Back { returner, rings })),
        }
    }

    /// Leases one of the peer's slots until [`return_slot`](Self::return_slot) (J1).
    pub(crate) fn hold(&self, slot: CheckedSlot) -> Result<(), PeerFault> {
        let index = slot.slot_ref().index;
        // A checked slot has a flag: the layout counts both.
        if self.held.hold(index) {
            Ok(())
        } else {
            Err(PeerFault::SlotSentTwice { index })
        }
    }

    /// Returns a leased slot to the peer, unless the link is gone.
    pub(crate) fn return_slot(&self, index: u32, generation: u32) {
        self.held.release(index); // J2
        let mut back = self.lock();
        let Some(Back { returner, rings }) = &mut *back else {
            return;
        };
        returner.push(encode_return(index, generation));
        let sleeper = rings.must_ring_for_space().then(|| Arc::clone(rings));
        drop(back); // H1
        if let Some(rings) = sleeper {
            rings.ring();
        }
    }

    /// Drops the return ring (J3).
    pub(crate) fn link_is_gone(&self) {
        let back = self.lock().take();
        drop(back);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Back>> {
        self.back.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
