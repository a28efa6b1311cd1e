//! Mapped memory. Together with the slot bytes in [`crate::link::slot`] and [`crate::link::received`], the only
//! place that accesses the segment.
//!
//! - W1: a word that is handed out is aligned, inside the mapping, and mapped for as long as it is borrowed: every
//!   holder of a mapping's address also keeps the mapping alive.
//! - W2: this process accesses shared words, ring entries, return entries and the bytes that it copies out of an
//!   untrusted peer's slots through atomics only. So the one kind of reference to memory that the peer
//!   may be writing is a reference to an atomic, which promises nothing about the value; and a store by the
//!   peer, whatever the instruction, can only change the value that is loaded.
//! - W3: [`OwnMap`] is mapped writable and [`PeerMap`] read-only, so there is no method that stores into the
//!   peer's half, and such a store would fault.
//! - W4: the object of a mapping cannot shrink: it is sealed, by us or checked on joining.
//! - W5: offsets come from our own layout (L2). One outside the mapping is a bug of ours, and panics.
//! - W6: in a [`PeerMap`] all loads are relaxed and of at most eight bytes: on memory that is mapped
//!   read-only no others are defined. Fences order them.
//! - W7: references to plain bytes are borrows of a slot's payload, and the caller promises that nobody
//!   writes it meanwhile. Why no process does is O1 and O2 for our slots and V4 for the peer's.
//! - W8: a forked child does not inherit the mapping (W1 is for the process that made it). An access there
//!   faults.

#[cfg(test)]
mod anonymous;

use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

use memmap2::{Advice, MmapOptions, MmapRaw};

use crate::crash_points::point::CrashPoint;
use crate::kernel::address_space;
use crate::kernel::needs::{DONT_DUMP, DONT_FORK};
use crate::sync::Ordering;
use crate::sync::orderings;

/// A mapped object of our own half. Clones share the mapping.
#[derive(Clone, Debug)]
pub(crate) struct OwnMap {
    map: Mapping,
}

/// A mapped object of the peer's half. Clones share the mapping.
#[derive(Clone, Debug)]
pub(crate) struct PeerMap {
    map: Mapping,
}

/// A mapping and its address, so that an access reads nothing else first.
#[derive(Clone, Debug)]
struct Mapping {
    start: *mut u8,
    len: usize,
    map: Arc<MmapRaw>,
}

impl Mapping {
    fn new(map: MmapRaw) -> Self {
        Self {
            start: map.as_mut_ptr(),
            len: map.len(),
            map: Arc::new(map),
        }
    }
}

// SAFETY: the address is that of `map` (W1), which is `Send`, and whose address is the same in every thread.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl OwnMap {
    /// Maps `len` bytes for reading and writing.
    pub(crate) fn new(object: &OwnedFd, len: usize) -> io::Result<Self> {
        let map = MmapOptions::new().len(len).map_raw(object);
        let map = map.map_err(|error| address_space::explain(len, error))?;
        keep_out_of_forks_and_dumps(&map)?;
        Ok(Self {
            map: Mapping::new(map),
        })
    }

    /// Stores one of our words.
    pub(crate) fn store(&self, point: CrashPoint, offset: usize, value: u32, ordering: Ordering) {
        let address = word_at(&self.map, offset);
        // SAFETY: W1 and W4 by `word_at`; W2 rules out plain accesses.
        let word = unsafe { AtomicU32::from_ptr(address) };
        point.around(|| word.store(value, ordering));
    }

    /// Stores `N` words of eight bytes of ours, relaxed, one after the other.
    pub(crate) fn store_wide<const N: usize>(
        &self,
        point: CrashPoint,
        offset: usize,
        values: &[u64; N],
    ) {
        let address = word_at::<[AtomicU64; N]>(&self.map, offset);
        // SAFETY: W1 and W4 by `word_at`, for all of them; W2 rules out plain accesses.
        let words = unsafe { &*address };
        for (word, value) in words.iter().zip(values) {
            point.around(|| word.store(*value, orderings::RELAXED));
        }
    }

    /// Borrows bytes of one of our slots, for reading.
    ///
    /// # Safety
    /// Nobody writes these bytes as long as the borrow lives.
    pub(crate) unsafe fn bytes(&self, offset: usize, len: usize) -> &[u8] {
        let address = at(&self.map, offset, len);
        // SAFETY: in bounds and mapped by W1, W4 and W5; not written by the caller's promise (W7).
        unsafe { std::slice::from_raw_parts(address, len) }
    }

    /// Borrows bytes of one of our slots, for writing. Hits the beginning of the crash point; the caller marks its
    /// end.
    ///
    /// # Safety
    /// Nobody else reads or writes these bytes as long as the borrow lives.
    #[expect(
        clippy::mut_from_ref,
        reason = "the slab hands each slot to one writer"
    )]
    pub(crate) unsafe fn bytes_mut(
        &self,
        point: CrashPoint,
        offset: usize,
        len: usize,
    ) -> &mut [u8] {
        point.begins();
        let address = at(&self.map, offset, len);
        // SAFETY: in bounds and mapped by W1, W4 and W5; exclusive by the caller's promise (W7).
        unsafe { std::slice::from_raw_parts_mut(address, len) }
    }

    /// Commits the pages of a range and enters them in our page table. An optimisation: if the kernel
    /// refuses, page faults happen later.
    pub(crate) fn populate(&self, offset: usize, len: usize) {
        populate(&self.map, Advice::PopulateWrite, offset, len);
    }

    #[cfg(all(test, not(miri)))]
    pub(crate) fn address_range(&self) -> Range<usize> {
        let start = self.map.start.addr();
        start..start + self.map.len
    }
}

impl PeerMap {
    /// Maps `len` bytes for reading.
    pub(crate) fn new(object: &OwnedFd, len: usize) -> io::Result<Self> {
        let map = MmapOptions::new().len(len).map_raw_read_only(object);
        let map = map.map_err(|error| address_space::explain(len, error))?;
        keep_out_of_forks_and_dumps(&map)?;
        Ok(Self {
            map: Mapping::new(map),
        })
    }

    /// Loads one of the peer's words, relaxed (W6).
    pub(crate) fn load(&self, offset: usize) -> u32 {
        let address = word_at::<AtomicU32>(&self.map, offset);
        // SAFETY: W1 and W4 by `word_at`; W2 rules out plain accesses. Not `from_ptr`, which requires
        // writable memory.
        let word = unsafe { &*address };
        before_load();
        word.load(orderings::RELAXED)
    }

    /// Loads `N` words of eight bytes of the peer's, which may be torn from each other.
    pub(crate) fn load_wide<const N: usize>(&self, offset: usize) -> [u64; N] {
        let address = word_at::<[AtomicU64; N]>(&self.map, offset);
        // SAFETY: W1 and W4 by `word_at`, for all of them; W2 rules out plain accesses.
        let words = unsafe { &*address };
        std::array::from_fn(|nth| {
            before_load();
            words
                .get(nth)
                .map_or(0, |word| word.load(orderings::RELAXED))
        })
    }

    /// Appends bytes to `copy` while the peer may be writing them (W2). They may be torn anywhere.
    /// Copies word by word, except for up to seven bytes at either end.
    pub(crate) fn copy_out(&self, offset: usize, len: usize, copy: &mut Vec<u8>) {
        copy.reserve(len);
        let end = offset + len;
        let aligned = offset.next_multiple_of(8).min(end);
        self.copy_bytes(offset..aligned, copy);
        let mut at = aligned;
        while end - at >= 64 {
            let words: [u64; 8] = self.load_wide(at);
            let mut line = [0; 64];
            for (place, word) in line.chunks_exact_mut(8).zip(words) {
                place.copy_from_slice(&word.to_ne_bytes());
            }
            copy.extend_from_slice(&line);
            at += 64;
        }
        while end - at >= 8 {
            let [word] = self.load_wide(at);
            copy.extend_from_slice(&word.to_ne_bytes());
            at += 8;
        }
        self.copy_bytes(at..end, copy);
    }

    fn copy_bytes(&self, range: Range<usize>, copy: &mut Vec<u8>) {
        for at in range {
            before_load();
            copy.push(self.load_byte(at));
        }
    }

    /// Borrows bytes of one of the peer's slots in place.
    ///
    /// # Safety
    /// The peer is trusted not to write these bytes as long as the borrow lives.
    pub(crate) unsafe fn bytes(&self, offset: usize, len: usize) -> &[u8] {
        let address = at(&self.map, offset, len);
        // SAFETY: in bounds and mapped by W1, W4 and W5; not written by the caller's promise (W7).
        unsafe { std::slice::from_raw_parts(address, len) }
    }

    /// Enters the pages of a range in our page table, like [`OwnMap::populate`].
    pub(crate) fn populate(&self, offset: usize, len: usize) {
        populate(&self.map, Advice::PopulateRead, offset, len);
    }

    #[cfg(all(any(test, fuzzing), not(miri)))]
    pub(crate) fn address_range(&self) -> Range<usize> {
        let start = self.map.start.addr();
        start..start + self.map.len
    }

    fn load_byte(&self, offset: usize) -> u8 {
        let address = word_at::<AtomicU8>(&self.map, offset);
        // SAFETY: as in `load`.
        let byte = unsafe { &*address };
        byte.load(orderings::RELAXED)
    }
}

/// Lets tests run steps of the peer between two of our loads.
#[cfg(all(any(test, fuzzing), not(miri)))]
use crate::memory::interleave::before_load;
#[cfg(any(miri, not(any(test, fuzzing))))]
#[inline(always)]
fn before_load() {}

/// Returns the address of `len` bytes at `offset` (W1, W5).
fn at(map: &Mapping, offset: usize, len: usize) -> *mut u8 {
    assert!(
        offset.checked_add(len).is_some_and(|end| end <= map.len),
        "{len} bytes at offset {offset} do not fit a mapping of {} bytes",
        map.len
    );
    map.start.wrapping_add(offset)
}

/// Returns the address of a `T` at `offset`. A mapping starts on a page, so the offset decides the alignment.
fn word_at<T>(map: &Mapping, offset: usize) -> *mut T {
    assert!(
        offset.is_multiple_of(align_of::<T>()),
        "offset {offset} is not aligned for a word"
    );
    at(map, offset, size_of::<T>()).cast()
}

fn populate(map: &Mapping, advice: Advice, offset: usize, len: usize) {
    if let Err(error) = map.map.advise_range(advice, offset, len) {
        tracing::debug!(%error, offset, len, "pages were not populated in advance");
    }
}

/// Excludes the mapping from forks, which would copy page tables in vain, and from core dumps: dumping a large slab
/// delays the report of a death.
fn keep_out_of_forks_and_dumps(map: &MmapRaw) -> io::Result<()> {
    map.advise(Advice::DontFork)
        .map_err(|error| DONT_FORK.refused(error))?;
    map.advise(Advice::DontDump)
        .map_err(|error| DONT_DUMP.refused(error))
}
