//! Lists and arrays: elements built one after the other where they will stay.

use facet::Shape;

use super::undo::{drop_list, drop_row};
use super::{Decoded, Run};
use crate::error::DecodeError;
use crate::plan::memory::Slot;
use crate::plan::{Elements, Items, ListCalls, NodeId};

impl Run<'_, '_> {
    /// # Safety
    /// `slot` must be a place for a list of that shape.
    pub(super) unsafe fn list(
        &mut self,
        shape: &'static Shape,
        calls: &'static ListCalls,
        items: Items,
        slot: Slot,
        depth: u32,
    ) -> Decoded {
        let (len, room) = self.len_of(items)?;
        let size = self.plan.node(items.node).layout.size();
        self.input.charge(room.saturating_mul(size))?;
        // SAFETY: as the caller vouches.
        unsafe { (calls.with_capacity)(slot.uninit(), room) };
        let mut done = 0;
        let mut result = Ok(());
        while done < len && result.is_ok() {
            // SAFETY: the slot holds a list, of which so many elements are complete.
            result = unsafe { self.extend(calls, items, len, slot, &mut done, depth) };
        }
        if result.is_err() {
            // SAFETY: so many elements are complete.
            unsafe { drop_list(self.plan, shape, calls, items.node, slot, done) };
            return result;
        }
        // SAFETY: all elements are complete.
        unsafe { (calls.set_len)(slot.init(), done) };
        Ok(())
    }

    /// Fills what room the list has, or makes more (D2).
    ///
    /// # Safety
    /// `slot` must hold a list whose first `done` elements are complete.
    unsafe fn extend(
        &mut self,
        calls: &'static ListCalls,
        items: Items,
        len: usize,
        slot: Slot,
        done: &mut usize,
        depth: u32,
    ) -> Decoded {
        let size = self.plan.node(items.node).layout.size();
        // SAFETY: the slot holds a list.
        let capacity = unsafe { (calls.capacity)(slot.init().as_const()) };
        if capacity == *done {
            let more = (*done).max(4).min(len - *done);
            self.input.charge(more.saturating_mul(size))?;
            // SAFETY: so many are complete.
            unsafe { (calls.set_len)(slot.init(), *done) };
            // SAFETY: the slot holds a list.
            unsafe { (calls.reserve)(slot.init(), more) };
            return Ok(());
        }
        // SAFETY: the slot holds a list.
        let first = unsafe { (calls.as_mut_ptr)(slot.init()) };
        // SAFETY: the list's own memory, which nothing else refers to.
        let first = unsafe { Slot::from_raw(first) };
        // SAFETY: inside its capacity.
        let free = unsafe { first.part(*done * size) };
        let batch = (capacity - *done).min(len - *done);
        // SAFETY: there is room for so many.
        unsafe { self.elements(items, free, batch, done, depth) }
    }

    /// # Safety
    /// `slot` must be a place for an array of so many elements.
    pub(super) unsafe fn array(
        &mut self,
        len: usize,
        element: NodeId,
        slot: Slot,
        depth: u32,
    ) -> Decoded {
        let mut done = 0;
        // SAFETY: the place is for all of them.
        let result = unsafe { self.nodes(element, slot, len, &mut done, depth) };
        if result.is_err() {
            // SAFETY: exactly these were written.
            unsafe { drop_row(self.plan, element, slot, done) };
        }
        result
    }

    /// Reads how many elements follow, and says for how many to make room at first (D2).
    pub(super) fn len_of(&mut self, items: Items) -> Result<(usize, usize), DecodeError> {
        let node = self.plan.node(items.node);
        let size = node.layout.size();
        match items.elements {
            Elements::Copied => {
                let len = self.input.len()?;
                // Each takes as many bytes as in memory; if there are fewer, taking them fails.
                Ok((len, len.min(self.input.left() / size)))
            }
            Elements::Scalars(_) => {
                let len = self.input.len()?;
                Ok((len, len))
            }
            Elements::Nodes if node.never_empty => {
                let len = self.input.len()?;
                Ok((len, self.input.room(len, size)))
            }
            Elements::Nodes => {
                let len = self.input.empty_len()?;
                Ok((len, if size == 0 { len } else { len.min(1) }))
            }
        }
    }

    /// # Safety
    /// There must be places for `len` values of the items' type from `first` on.
    unsafe fn elements(
        &mut self,
        items: Items,
        first: Slot,
        len: usize,
        done: &mut usize,
        depth: u32,
    ) -> Decoded {
        match items.elements {
            Elements::Copied => {
                let size = self.plan.node(items.node).layout.size();
                let bytes = self.input.take(len.saturating_mul(size))?;
                // SAFETY: any bytes are values of a type that is copied.
                unsafe { first.copy_in(0, bytes) };
            }
            Elements::Scalars(scalar) => {
                // SAFETY: the places are for that scalar.
                unsafe { self.scalars(scalar, first, len) }?;
            }
            Elements::Nodes => {
                // SAFETY: as the caller vouches.
                return unsafe { self.nodes(items.node, first, len, done, depth) };
            }
        }
        *done += len;
        Ok(())
    }

    /// Builds values one after the other, and counts them in `done` as they are completed.
    ///
    /// # Safety
    /// There must be places for `len` values of the node's type from `first` on.
    unsafe fn nodes(
        &mut self,
        id: NodeId,
        first: Slot,
        len: usize,
        done: &mut usize,
        depth: u32,
    ) -> Decoded {
        let size = self.plan.node(id).layout.size();
        for index in 0..len {
            // SAFETY: one of the `len` places.
            let slot = unsafe { first.part(index * size) };
            // SAFETY: it is for the node's type.
            unsafe { self.node(id, slot, depth) }?;
            *done += 1;
        }
        Ok(())
    }
}
