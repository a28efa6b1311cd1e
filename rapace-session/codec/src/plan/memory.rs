//! Places in memory: values that are read, slots that are written.
//!
//! - M1: a [`Value`] points to a live value and is valid for `'v`.
//! - M2: a [`Slot`] points to memory that is writable, aligned and large enough for the value that is to come, and
//!   that nothing else refers to meanwhile.
//!
//! The code that runs the plan guarantees that the type is right.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

use facet::{PtrConst, PtrMut, PtrUninit};

/// A live value (M1).
#[derive(Clone, Copy)]
pub(super) struct Value<'v> {
    start: *const u8,
    live: PhantomData<&'v u8>,
}

impl<'v> Value<'v> {
    pub(super) fn of<T>(value: &'v T) -> Self {
        Self {
            start: ptr::from_ref(value).cast(),
            live: PhantomData,
        }
    }

    /// # Safety
    /// M1 must hold.
    pub(super) unsafe fn from_raw(start: *const u8) -> Self {
        Self {
            start,
            live: PhantomData,
        }
    }

    /// # Safety
    /// A value must lie `at` bytes into this one.
    #[inline]
    pub(super) unsafe fn part(self, at: usize) -> Self {
        // SAFETY: inside the value, as the caller vouches.
        let start = unsafe { self.start.add(at) };
        Self {
            start,
            live: PhantomData,
        }
    }

    /// # Safety
    /// A `T` must lie `at` bytes into this value.
    #[inline]
    pub(super) unsafe fn get<T>(self, at: usize) -> &'v T {
        // SAFETY: inside the value, as the caller vouches.
        let start = unsafe { self.start.add(at) };
        // SAFETY: a live `T` lies there, by M1 for `'v`.
        unsafe { &*start.cast::<T>() }
    }

    /// # Safety
    /// `len` bytes without padding must lie `at` bytes into this value.
    #[inline]
    pub(super) unsafe fn bytes(self, at: usize, len: usize) -> &'v [u8] {
        // SAFETY: inside the value, as the caller vouches.
        let start = unsafe { self.start.add(at) };
        // SAFETY: they are initialised, and live for `'v` by M1.
        unsafe { std::slice::from_raw_parts(start, len) }
    }

    #[inline]
    pub(super) fn ptr(self) -> PtrConst {
        PtrConst::new_sized(self.start)
    }
}

/// A place for a value (M2).
#[derive(Clone, Copy)]
pub(super) struct Slot {
    start: *mut u8,
}

impl Slot {
    pub(super) fn of<T>(place: &mut MaybeUninit<T>) -> Self {
        Self {
            start: place.as_mut_ptr().cast(),
        }
    }

    /// # Safety
    /// M2 must hold for as long as the slot is used.
    #[inline]
    pub(super) unsafe fn from_raw(start: *mut u8) -> Self {
        Self { start }
    }

    /// # Safety
    /// `at` must be inside the place or at its end.
    #[inline]
    pub(super) unsafe fn part(self, at: usize) -> Self {
        // SAFETY: as the caller vouches.
        let start = unsafe { self.start.add(at) };
        Self { start }
    }

    /// # Safety
    /// There must be a place for a `T` at `at` bytes.
    #[inline]
    pub(super) unsafe fn put<T>(self, at: usize, value: T) {
        // SAFETY: inside the place, as the caller vouches.
        let start = unsafe { self.start.add(at) };
        // SAFETY: writable and aligned by M2.
        unsafe { start.cast::<T>().write(value) };
    }

    /// # Safety
    /// There must be place for the bytes at `at`, and any bytes must be valid there.
    #[inline]
    pub(super) unsafe fn copy_in(self, at: usize, bytes: &[u8]) {
        // SAFETY: inside the place, as the caller vouches.
        let start = unsafe { self.start.add(at) };
        // SAFETY: writable by M2; nothing else refers to it, so they do not overlap.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len()) };
    }

    /// Moves a value here as it lies.
    ///
    /// # Safety
    /// The value must have `len` bytes, and there must be place for them. It counts as moved.
    pub(super) unsafe fn move_in(self, value: Value<'_>, len: usize) {
        // SAFETY: writable by M2; nothing else refers to it, so they do not overlap.
        unsafe { ptr::copy_nonoverlapping(value.start, self.start, len) };
    }

    /// # Safety
    /// A `T` must have been written at `at`; it counts as gone afterwards.
    pub(super) unsafe fn drop_part<T>(self, at: usize) {
        // SAFETY: inside the place, as the caller vouches.
        let start = unsafe { self.start.add(at) };
        // SAFETY: a `T` was written there, and nothing uses it after this.
        unsafe { start.cast::<T>().drop_in_place() };
    }

    #[inline]
    pub(super) fn raw(self) -> *mut u8 {
        self.start
    }

    #[inline]
    pub(super) fn uninit(self) -> PtrUninit {
        PtrUninit::new_sized(self.start)
    }

    /// The pointer type that facet expects after the value was written.
    #[inline]
    pub(super) fn init(self) -> PtrMut {
        PtrMut::new_sized(self.start)
    }
}
