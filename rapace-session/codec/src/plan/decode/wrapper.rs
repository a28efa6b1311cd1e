//! Options, results and pointers: a value is built beside them and then moved in.
//!
//! facet tells how to make an option from a value, not where in the option the value lies.

use facet::{OptionVTable, PointerDef, PtrMut, PtrUninit, ResultVTable};

use super::{Decoded, Run};
use crate::error::DecodeFault;
use crate::plan::NodeId;
use crate::plan::memory::Slot;
use crate::plan::room::Scratch;

type MoveIn = unsafe extern "C" fn(PtrUninit, PtrMut) -> PtrMut;

impl Run<'_, '_> {
    /// # Safety
    /// `slot` must be a place for that option.
    pub(super) unsafe fn option(
        &mut self,
        calls: &'static OptionVTable,
        some: NodeId,
        slot: Slot,
        depth: u32,
    ) -> Decoded {
        match self.input.byte()? {
            0 => {
                // SAFETY: as the caller vouches.
                unsafe { (calls.init_none)(slot.uninit()) };
                Ok(())
            }
            1 => {
                // SAFETY: as the caller vouches; the node is that of the value inside.
                unsafe { self.wrap(calls.init_some, some, slot, depth) }
            }
            other => Err(self.input.fault(DecodeFault::OptionTag(other))),
        }
    }

    /// # Safety
    /// `slot` must be a place for that result.
    pub(super) unsafe fn result(
        &mut self,
        calls: &'static ResultVTable,
        ok: NodeId,
        err: NodeId,
        slot: Slot,
        depth: u32,
    ) -> Decoded {
        let (move_in, inner) = match self.input.varint()? {
            0_u32 => (calls.init_ok, ok),
            1 => (calls.init_err, err),
            index => {
                let type_name = "Result";
                let fault = DecodeFault::UnknownVariant {
                    type_name,
                    index,
                    variants: 2,
                };
                return Err(self.input.fault(fault));
            }
        };
        // SAFETY: as the caller vouches; the node is that of the value inside.
        unsafe { self.wrap(move_in, inner, slot, depth) }
    }

    /// # Safety
    /// `slot` must be a place for that pointer.
    pub(super) unsafe fn pointer(
        &mut self,
        def: &'static PointerDef,
        pointee: NodeId,
        slot: Slot,
        depth: u32,
    ) -> Decoded {
        let move_in = def
            .vtable
            .new_into_fn
            .expect("kind_of refuses pointers without it");
        self.input.charge(self.plan.node(pointee).layout.size())?;
        // SAFETY: as the caller vouches; the node is that of the value inside.
        unsafe { self.wrap(move_in, pointee, slot, depth) }
    }

    /// # Safety
    /// `slot` must be a place for what `move_in` makes from a value of the node's type.
    unsafe fn wrap(&mut self, move_in: MoveIn, inner: NodeId, slot: Slot, depth: u32) -> Decoded {
        let mut scratch = Scratch::new(self.plan.node(inner).layout);
        let beside = scratch.slot();
        // SAFETY: the scratch has the layout of the inner type.
        unsafe { self.node(inner, beside, depth) }?;
        // SAFETY: the inner value is complete, and is not touched again (P4).
        unsafe { move_in(slot.uninit(), beside.init()) };
        Ok(())
    }
}
