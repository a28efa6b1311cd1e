//! Shared by both fuzz targets: an allocator that ends a run which allocates without bound.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, with a count. libFuzzer's own memory, including the corpus, is not counted.
pub struct Bounded;

/// Bytes in use. One run's needs are below 4 MiB: two copies of each payload of the peer's slab, the
/// host's own tables, and tokio.
static LIVE: AtomicUsize = AtomicUsize::new(0);
const MOST: usize = 16 << 20;

impl Bounded {
    fn grow(by: usize) {
        let live = LIVE.fetch_add(by, Ordering::Relaxed) + by;
        if live > MOST {
            LIVE.store(0, Ordering::Relaxed); // The report needs some, too.
            eprintln!("{live} bytes are in use, and {MOST} were allowed");
            std::process::abort();
        }
    }
}

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::grow(layout.size());
        // SAFETY: as our caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::grow(layout.size());
        // SAFETY: as our caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as our caller promised.
        unsafe { System.dealloc(address, layout) }
    }
}
