//! Maps, sets, queues, and slices behind pointers: all entries are gathered first, and the collection is
//! made from them.

use std::alloc::Layout;

use facet::PointerDef;

use super::undo::drop_node;
use super::{Decoded, Run};
use crate::error::DecodeError;
use crate::plan::memory::{Slot, Value};
use crate::plan::room::{Row, free};
use crate::plan::{Elements, Items, MapForm, Node, NodeId, Plan, QueueCalls, SetForm};

/// The parts of an entry and their offsets: a key, and in a map its value.
type Parts = [Option<(usize, NodeId)>; 2];

/// Complete entries in a row. Dropping it drops them, unless they were moved into a collection.
pub(super) struct Gathered {
    plan: &'static Plan,
    row: Row,
    layout: Layout,
    done: usize,
    parts: Parts,
}

impl Gathered {
    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.done
    }

    /// The node of the keys.
    pub(super) fn key(&self) -> NodeId {
        let [key, _] = self.parts;
        key.map_or(Plan::ROOT, |(_, node)| node)
    }

    /// The key of an entry.
    ///
    /// # Panics
    /// If there is no such entry.
    pub(super) fn key_of(&mut self, index: usize) -> Value<'_> {
        assert!(index < self.done, "entry {index} of {}", self.done);
        let [key, _] = self.parts;
        let at = key.map_or(0, |(at, _)| at);
        // SAFETY: inside the entry.
        let part = unsafe { self.row.slot(index).part(at) };
        // SAFETY: M1, the entry is complete and stays while it is borrowed.
        unsafe { Value::from_raw(part.raw()) }
    }

    /// Bytes of an entry.
    pub(super) fn entry_size(&self) -> usize {
        self.layout.size()
    }

    /// Keeps the entries of these indexes, in that order, and drops the others. Each may be named once.
    pub(super) fn keep(&mut self, kept: &[usize]) {
        let mut left: Vec<bool> = vec![true; self.done];
        let mut row = Row::with_capacity(self.layout, kept.len());
        for (to, &from) in kept.iter().enumerate() {
            assert!(std::mem::take(&mut left[from]), "entry {from} named twice");
            // SAFETY: M1, the entry is complete.
            let entry = unsafe { Value::from_raw(self.row.slot(from).raw()) };
            // SAFETY: moved as it is, its padding included, to a place of the same layout (P4).
            unsafe { row.slot(to).move_in(entry, self.layout.size()) };
        }
        self.done = 0;
        for index in (0..left.len()).filter(|index| left[*index]) {
            // SAFETY: complete, and not among those that were moved.
            unsafe { self.drop_entry(index) };
        }
        self.row = row;
        self.done = kept.len();
    }

    /// The memory of the entries, which the caller moves out of it. They are no longer owned by this value (P4).
    fn give_up(&mut self) -> *mut u8 {
        self.done = 0;
        self.row.raw()
    }

    /// # Safety
    /// The entry must be complete; it counts as gone afterwards.
    unsafe fn drop_entry(&mut self, index: usize) {
        for (at, node) in self.parts.into_iter().flatten() {
            // SAFETY: inside the entry.
            let part = unsafe { self.row.slot(index).part(at) };
            // SAFETY: as the caller vouches.
            unsafe { drop_node(self.plan, node, part) };
        }
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        for index in 0..self.done {
            // SAFETY: the entry is complete, and dropped only here.
            unsafe { self.drop_entry(index) };
        }
    }
}

impl Run<'_, '_> {
    /// Builds `len` entries with `one`, which must write a complete entry or fail and leave none.
    fn gather(
        &mut self,
        (len, room): (usize, usize),
        layout: Layout,
        parts: Parts,
        mut one: impl FnMut(&mut Self, Slot) -> Decoded,
    ) -> Result<Gathered, DecodeError> {
        self.input.charge(room.saturating_mul(layout.size()))?;
        let row = Row::with_capacity(layout, room);
        let mut gathered = Gathered {
            plan: self.plan,
            row,
            layout,
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
            Some((form.key_at, form.key)),
            Some((form.value_at, form.value)),
        ];
        let room = len.min(16);
        let mut gathered = self.gather((len, room), form.pair, parts, |run, pair| {
            // SAFETY: the row's slots have the layout of a pair.
            unsafe { run.pair(form, pair, depth) }
        })?;
        self.settle(form.entries, &mut gathered)?;
        let len = gathered.len();
        // SAFETY: `len` pairs are complete, and are moved here (P4). Nothing panics in there (K1).
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
            unsafe { drop_node(self.plan, form.key, key_slot) };
        }
        result
    }

    /// # Safety
    /// `slot` must be a place for that set.
    pub(super) unsafe fn set(&mut self, form: &'static SetForm, slot: Slot, depth: u32) -> Decoded {
        let lengths = self.len_of(Items {
            node: form.element,
            elements: Elements::Nodes,
        })?;
        let mut gathered = self.values(form.element, lengths, depth)?;
        self.settle(form.entries, &mut gathered)?;
        let len = gathered.len();
        // SAFETY: so many elements are complete, and are moved here (P4). Nothing panics in there (K1).
        unsafe { (form.from_slice)(slot.uninit(), gathered.give_up(), len) };
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
        self.gather(lengths, node.layout, [Some((0, id)), None], |run, slot| {
            // SAFETY: the row's slots have the layout of the node's type.
            unsafe { run.node(id, slot, depth) }
        })
    }
}
