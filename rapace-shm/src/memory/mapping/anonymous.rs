//! Mappings without an object, for tests that need no kernel: our side uses one end, and the test acts as
//! the peer.

use memmap2::MmapOptions;

use super::{Mapping, OwnMap, PeerMap, at, word_at};
use crate::sync::Ordering;
use std::sync::atomic::{AtomicU32, AtomicU64};

impl OwnMap {
    pub(crate) fn anonymous(len: usize) -> Self {
        Self {
            map: anonymous(len),
        }
    }

    /// Loads one of our words as the other process would.
    pub(crate) fn peek(&self, offset: usize, ordering: Ordering) -> u32 {
        word(&self.map, offset).load(ordering)
    }

    /// Loads eight of our bytes as the other process would.
    pub(crate) fn peek_wide(&self, offset: usize) -> u64 {
        wide(&self.map, offset).load(Ordering::Relaxed)
    }
}

impl PeerMap {
    pub(crate) fn anonymous(len: usize) -> Self {
        Self {
            map: anonymous(len),
        }
    }

    /// Stores a word as the other process would.
    pub(crate) fn poke(&self, offset: usize, value: u32, ordering: Ordering) {
        word(&self.map, offset).store(value, ordering);
    }

    /// Stores eight bytes as the other process would.
    pub(crate) fn poke_wide(&self, offset: usize, value: u64) {
        wide(&self.map, offset).store(value, Ordering::Relaxed);
    }

    /// Writes a payload as the other process would: with plain stores, while nobody reads it.
    pub(crate) fn fill(&self, offset: usize, bytes: &[u8]) {
        let address = at(&self.map, offset, bytes.len());
        // SAFETY: in bounds and mapped by `at`; `bytes` lies elsewhere.
        unsafe { address.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }
}

fn anonymous(len: usize) -> Mapping {
    let map = MmapOptions::new().len(len).map_anon();
    Mapping::new(map.expect("memory for a test").into())
}

fn word(map: &Mapping, offset: usize) -> &AtomicU32 {
    let address = word_at(map, offset);
    // SAFETY: aligned, in bounds and mapped by `word_at`; these bytes are reached through atomics only.
    unsafe { AtomicU32::from_ptr(address) }
}

fn wide(map: &Mapping, offset: usize) -> &AtomicU64 {
    let address = word_at(map, offset);
    // SAFETY: as in `word`.
    unsafe { AtomicU64::from_ptr(address) }
}
