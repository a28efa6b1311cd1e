//! Maps, sets, queues, and slices behind pointers: all entries are gathered first, and the collection is
//! made from them.

use std::alloc::Layout;

use facet::{PointerDef, SetDef, Shape};

use super::undo::drop_value;
use super::{Decoded, Run};
use crate::error::DecodeError;
use crate::plan::memory::{Slot, Value};
use crate::plan::room::{Row, free};
use crate::plan::{Elements, Items, MapForm, Node, NodeId, QueueCalls};

/// Complete entries in a row. Dropping it drops them, unless they were moved into a collection.
struct Gathered {
    row: Row,
    done: usize,
    /// What an entry consists of, and where.
    parts: [Option<(usize, &'static Shape)>; 2],
}

impl Gathered {
    /// Where the entries lie, to be moved from there. They do not count as ours any more (P4).
    fn give_up(&mut self) -> *mut u8 {
        self.done = 0;
        self.row.raw()
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        for index in 0..self.done {
            for (at, shape) in self.parts.into_iter().flatten() {
                // SAFETY: inside the entry.
                let part = unsafe { self.row.slot(index).part(at) };
                // SAFETY: the entry is complete, and dropped only here.
                unsafe { drop_value(shape, part) };
            }
        }
    }
}

impl Run<'_, '_> {
    /// Builds `len` entries with `one`, which must write a complete entry or fail and leave none.
    fn gather(
        &mut self,
        (len, room): (usize, usize),
        layout: Layout,
        parts: [Option<(usize, &'static Shape)>; 2],
        mut one: impl FnMut(&mut Self, Slot) -> Decoded,
    ) -> Result<Gathered, DecodeError> {
        self.input.charge(room.saturating_mul(layout.size()))?;
        let row = Row::with_capacity(layout, room);
        let mut gathered = Gathered {
            row,
            done: 0,
            parts,
        };
        while gathered.done < len {
            if gathered.done == gathered.row.capacity() {
                let more = gathered.done.max(4).min(len - gathered.done);
                self.input.charge(more.saturating_mul(layout.size()))?;
                gathered.row.grow(gathered.done + more);
            }
            one(self, gathered.row.slot(gathered.done))?;
            gathered.done += 1;
        }
        Ok(gathered)
    }

    /// # Safety
    /// `slot` must be a place for that map.
    pub(super) unsafe fn map(&mut self, form: &'static MapForm, slot: Slot, depth: u32) -> Decoded {
        let (key, value) = (self.plan.node(form.key), self.plan.node(form.value));
        let never_empty = key.never_empty || value.never_empty;
        let len = if never_empty {
            self.input.len()
        } else {
            self.input.empty_len()
        }?;
        let parts = [
            Some((form.key_at, key.shape)),
            Some((form.value_at, value.shape)),
        ];
        let room = len.min(16);
        let mut gathered = self.gather((len, room), form.pair, parts, |run, pair| {
            // SAFETY: the row's slots have the layout of a pair.
            unsafe { run.pair(form, pair, depth) }
        })?;
        // SAFETY: `len` pairs are complete, and are moved here (P4).
        unsafe { (form.from_pairs)(slot.uninit(), gathered.give_up(), len) };
        Ok(())
    }

    /// # Safety
    /// `slot` must be a place for a pair of the map's types.
    unsafe fn pair(&mut self, form: &'static MapForm, slot: Slot, depth: u32) -> Decoded {
        // SAFETY: inside the pair.
        let key_slot = unsafe { slot.part(form.key_at) };
        // SAFETY: inside the pair.
        let value_slot = unsafe { slot.part(form.value_at) };
        // SAFETY: a place for a key.
        unsafe { self.node(form.key, key_slot, depth) }?;
        // SAFETY: a place for a value.
        let result = unsafe { self.node(form.value, value_slot, depth) };
        if result.is_err() {
            // SAFETY: the key is complete.
            unsafe { drop_value(self.plan.node(form.key).shape, key_slot) };
        }
        result
    }

    /// # Safety
    /// `slot` must be a place for that set.
    pub(super) unsafe fn set(
        &mut self,
        def: &'static SetDef,
        element: NodeId,
        slot: Slot,
        depth: u32,
    ) -> Decoded {
        let from_slice = def
            .vtable
            .from_slice
            .expect("kind_of refuses sets without it");
        let lengths = self.len_of(Items {
            node: element,
            elements: Elements::Nodes,
        })?;
        let mut gathered = self.values(element, lengths, depth)?;
        // SAFETY: so many elements are complete, and are moved here (P4).
        unsafe { from_slice(slot.uninit(), gathered.give_up(), lengths.0) };
        Ok(())
    }

    /// # Safety
    /// `slot` must be a place for that list.
    pub(super) unsafe fn queue(
        &mut self,
        calls: &'static QueueCalls,
        element: NodeId,
        slot: Slot,
        depth: u32,
    ) -> Decoded {
        let lengths = self.len_of(Items {
            node: element,
            elements: Elements::Nodes,
        })?;
        let mut gathered = self.values(element, lengths, depth)?;
        // SAFETY: as the caller vouches.
        unsafe { (calls.with_capacity)(slot.uninit(), lengths.0) };
        gathered.give_up();
        for index in 0..lengths.0 {
            // SAFETY: each element is complete, and moved once (P4).
            unsafe { (calls.push)(slot.init(), gathered.row.slot(index).init()) };
        }
        Ok(())
    }

    /// # Safety
    /// `slot` must be a place for that pointer, of the node's type.
    pub(super) unsafe fn slice(
        &mut self,
        node: &'static Node,
        def: &'static PointerDef,
        items: Items,
        slot: Slot,
        depth: u32,
    ) -> Decoded {
        let calls = def
            .vtable
            .slice_builder_vtable
            .expect("kind_of refuses slices without it");
        let lengths = self.len_of(items)?;
        let mut gathered = self.values(items.node, lengths, depth)?;
        let builder = (calls.new_fn)();
        gathered.give_up();
        for index in 0..lengths.0 {
            // SAFETY: each element is complete, and moved once (P4).
            unsafe { (calls.push_fn)(builder, gathered.row.slot(index).init()) };
        }
        // SAFETY: the builder is not used again.
        let built = unsafe { (calls.convert_fn)(builder) };
        // SAFETY: facet put the pointer into memory of its own.
        let pointer = unsafe { Value::from_raw(built.raw_ptr()) };
        // SAFETY: as many bytes as a pointer of this type has; it has no padding.
        let bytes = unsafe { pointer.bytes(0, node.layout.size()) };
        // SAFETY: the place is for such a pointer, which is moved (P4).
        unsafe { slot.copy_in(0, bytes) };
        // SAFETY: facet allocated it with the pointer's layout, and it is not used again.
        unsafe { free(built.raw_ptr().cast_mut(), node.layout) };
        Ok(())
    }

    fn values(
        &mut self,
        id: NodeId,
        lengths: (usize, usize),
        depth: u32,
    ) -> Result<Gathered, DecodeError> {
        let node = self.plan.node(id);
        self.gather(
            lengths,
            node.layout,
            [Some((0, node.shape)), None],
            |run, slot| {
                // SAFETY: the row's slots have the layout of the node's type.
                unsafe { run.node(id, slot, depth) }
            },
        )
    }
}
