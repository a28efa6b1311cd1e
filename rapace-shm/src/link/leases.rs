//! The leases on the peer's slots, and how slots are returned.
//!
//! - J3: a received slot keeps this and the object that its bytes lie in alive, and nothing else of the link.
//!   Dropping the link drops the return ring, and with it the other mappings and every descriptor.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::fault::PeerFault;
use crate::link::peer_waker::PeerWaker;
use crate::memory::halves::ReturnsOut;
use crate::ring::descriptor::{CheckedSlot, encode_return};
use crate::ring::return_ring::Returner;
use crate::slab::lease_table::LeaseTable;

/// The peer's slots, as their reader accounts for them.
#[derive(Debug)]
pub(crate) struct Leases {
    /// The slots that we hold (J1).
    table: LeaseTable,
    return_path: Mutex<Option<ReturnPath>>,
}

/// The means to return a slot to the peer.
#[derive(Debug)]
struct ReturnPath {
    returner: Returner<ReturnsOut>,
    peer_waker: Arc<PeerWaker>,
}

impl Leases {
    pub(crate) fn new(
        slots: u32,
        returner: Returner<ReturnsOut>,
        peer_waker: Arc<PeerWaker>,
    ) -> Self {
        Self {
            table: LeaseTable::new(slots),
            return_path: Mutex::new(Some(ReturnPath {
                returner,
                peer_waker,
            })),
        }
    }

    /// Leases one of the peer's slots until [`return_slot`](Self::return_slot) (J1).
    pub(crate) fn hold(&self, slot: CheckedSlot) -> Result<(), PeerFault> {
        let index = slot.slot_ref().index;
        // A checked slot has a flag: the layout counts both.
        if self.table.acquire(index) {
            Ok(())
        } else {
            Err(PeerFault::SlotSentTwice { index })
        }
    }

    /// Returns a leased slot to the peer, unless the link is gone.
    pub(crate) fn return_slot(&self, index: u32, generation: u32) {
        self.table.release(index); // J2
        let mut return_path = self.lock();
        let Some(ReturnPath {
            returner,
            peer_waker,
        }) = &mut *return_path
        else {
            return;
        };
        returner.push(encode_return(index, generation));
        let sleeper = peer_waker
            .must_ring_for_room()
            .then(|| Arc::clone(peer_waker));
        drop(return_path); // H1
        if let Some(peer_waker) = sleeper {
            peer_waker.ring();
        }
    }

    /// Drops the return ring (J3).
    pub(crate) fn link_is_gone(&self) {
        let return_path = self.lock().take();
        drop(return_path);
    }

    fn lock(&self) -> MutexGuard<'_, Option<ReturnPath>> {
        self.return_path
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
