//! The system's allocator, which counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts bytes. libFuzzer's own memory, the corpus among it, is not counted.
pub struct Counting;

/// Bytes requested since the start, freed or not.
static REQUESTED: AtomicUsize = AtomicUsize::new(0);

/// Bytes in use.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// Runs `work`, and returns how many bytes it requested in all.
pub fn requested<R>(run: impl FnOnce() -> R) -> (R, usize) {
    let before = REQUESTED.load(Ordering::Relaxed);
    let done = run();
    (done, REQUESTED.load(Ordering::Relaxed) - before)
}

/// How many bytes are in use.
pub fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

fn grown(by: usize) {
    REQUESTED.fetch_add(by, Ordering::Relaxed);
    LIVE.fetch_add(by, Ordering::Relaxed);
}

// SAFETY: every call is forwarded unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: as our caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: as our caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as our caller promised.
        unsafe { System.dealloc(address, layout) }
    }
}
