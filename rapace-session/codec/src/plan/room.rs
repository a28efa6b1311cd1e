//! Memory for values that are still to be moved to where they will stay.
//!
//! - R1: dropping room frees memory and drops no value. The code that filled it drops the values.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::mem::MaybeUninit;
use std::num::NonZero;
use std::ptr::NonNull;

use super::memory::Slot;

/// Room for one value that is moved elsewhere once it is complete. Dropping it drops no value.
pub(super) struct Scratch {
    near: MaybeUninit<Near>,
    far: Option<Row>,
}

/// Small values stay on the stack. The size trades allocations against the stack that a level of nesting takes.
#[repr(align(16))]
struct Near {
    _room: [u8; 96],
}

impl Scratch {
    #[inline]
    pub(super) fn new(layout: Layout) -> Self {
        let fits = layout.size() <= size_of::<Near>() && layout.align() <= align_of::<Near>();
        let far = (!fits).then(|| Row::with_capacity(layout, 1));
        Self {
            near: MaybeUninit::uninit(),
            far,
        }
    }

    #[inline]
    pub(super) fn slot(&mut self) -> Slot {
        match &mut self.far {
            None => Slot::of(&mut self.near),
            Some(row) => row.slot(0),
        }
    }
}

/// Memory for a row of values of one layout. Dropping it frees the memory and drops no value.
pub(super) struct Row {
    start: NonNull<u8>,
    element: Layout,
    capacity: usize,
}

impl Row {
    /// `element` is the layout of a type, so its size is a multiple of its alignment.
    pub(super) fn with_capacity(element: Layout, capacity: usize) -> Self {
        let dangling = NonNull::without_provenance(
            NonZero::new(element.align()).expect("alignments are not zero"),
        );
        let mut row = Self {
            start: dangling,
            element,
            capacity: 0,
        };
        row.grow(capacity);
        row
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Makes room for `capacity` elements. Slots that were handed out before are stale.
    pub(super) fn grow(&mut self, capacity: usize) {
        let (old, new) = (self.memory(self.capacity), self.memory(capacity));
        self.capacity = self.capacity.max(capacity);
        if new.size() <= old.size() {
            return;
        }
        let start = if old.size() == 0 {
            // SAFETY: the size is not zero.
            unsafe { alloc(new) }
        } else {
            // SAFETY: `start` was allocated with `old`, and the new size is a layout's.
            unsafe { realloc(self.start.as_ptr(), old, new.size()) }
        };
        self.start = NonNull::new(start).unwrap_or_else(|| handle_alloc_error(new));
    }

    /// # Panics
    /// If there is no such element.
    #[inline]
    pub(super) fn slot(&mut self, index: usize) -> Slot {
        assert!(
            index < self.capacity,
            "element {index} of {}",
            self.capacity
        );
        // SAFETY: inside the allocation; for elements without size, the same address.
        let start = unsafe { self.start.as_ptr().add(index * self.element.size()) };
        // SAFETY: M2, `self` is borrowed for the slot to be made, and owns the memory.
        unsafe { Slot::from_raw(start) }
    }

    pub(super) fn raw(&mut self) -> *mut u8 {
        self.start.as_ptr()
    }

    fn memory(&self, count: usize) -> Layout {
        let size = self.element.size().checked_mul(count);
        let layout = size.and_then(|size| Layout::from_size_align(size, self.element.align()).ok());
        layout.expect("the memory was charged, so it is far below the address space")
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        let memory = self.memory(self.capacity);
        if memory.size() > 0 {
            // SAFETY: allocated with this layout.
            unsafe { dealloc(self.start.as_ptr(), memory) };
        }
    }
}

/// Frees memory that facet allocated for one value, after the value was moved out.
///
/// # Safety
/// `start` must have been allocated with `layout` from the global allocator, and is not used again.
pub(super) unsafe fn free(start: *mut u8, layout: Layout) {
    if layout.size() > 0 {
        // SAFETY: as the caller vouches.
        unsafe { dealloc(start, layout) };
    }
}
