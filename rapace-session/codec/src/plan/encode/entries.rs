//! The entries of a map or a set.

use facet::{IterItem, IterVTable, PtrConst, PtrMut};

/// An iterator of facet's, freed when dropped.
pub(super) struct Entries<T: IterItem + 'static> {
    calls: &'static IterVTable<T>,
    state: PtrMut,
}

impl<T: IterItem> Entries<T> {
    /// # Safety
    /// `collection` must be of the type that the calls were made for, and live and unchanged for as
    /// long as the iterator is used.
    pub(super) unsafe fn of(calls: &'static IterVTable<T>, collection: PtrConst) -> Self {
        let start = calls
            .init_with_value
            .expect("kind_of refuses collections without it");
        // SAFETY: as the caller vouches.
        let state = unsafe { start(collection) };
        Self { calls, state }
    }

    pub(super) fn next(&mut self) -> Option<T::Item> {
        // SAFETY: `state` was made by the same calls.
        unsafe { (self.calls.next)(self.state) }
    }
}

impl<T: IterItem> Drop for Entries<T> {
    fn drop(&mut self) {
        // SAFETY: `state` was made by the same calls, and is not used again.
        unsafe { (self.calls.dealloc)(self.state) };
    }
}
