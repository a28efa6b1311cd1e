//! Counts the allocations of each thread.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static LIVE: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
    /// The most bytes that were allocated at once.
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn note(count: isize, bytes: usize) {
    // Not available while the thread ends, when nobody counts any more.
    let _ = LIVE.try_with(|live| {
        let (allocations, size) = live.get();
        let size = size + count * bytes as isize;
        live.set((allocations + count, size));
        PEAK.set(PEAK.get().max(size));
    });
}

// SAFETY: all of it is done by the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size());
        // SAFETY: as the caller vouches.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        note(-1, layout.size());
        // SAFETY: as the caller vouches.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The allocations and bytes that `run` leaves allocated.
pub(crate) fn left_behind(run: impl FnOnce()) -> (isize, isize) {
    let before = LIVE.get();
    run();
    let after = LIVE.get();
    (after.0 - before.0, after.1 - before.1)
}

/// The most that `run` has allocated at once, in bytes.
pub(crate) fn peak_of(run: impl FnOnce()) -> isize {
    let before = LIVE.get().1;
    PEAK.set(before);
    run();
    PEAK.get() - before
}
