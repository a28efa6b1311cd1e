//! Running a plan over bytes: a value, built in place.
//!
//! - D1: whatever fails, each part that was complete is dropped once, and nothing else is (P3). A
//!   struct that was not completed never existed: its complete fields are dropped, its own `Drop`
//!   does not run. A part whose `Drop` panics does not keep the others from being dropped.
//! - D2: memory for elements grows with the elements that are there, not with the number that is
//!   claimed.
//! - D3: code of the user's that runs meanwhile is called where its panic is caught (U1), so no place that was
//!   written is ever left behind by an unwinding stack.

mod gathered;
mod keys;
mod list;
mod scalars;
mod undo;
mod wrapper;

use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::sync::Arc;

use facet::{EnumRepr, Facet, Shape};

use self::undo::{drop_node, drop_steps};
use super::cache::plan_of;
use super::memory::Slot;
use super::{EnumForm, Form, Node, NodeId, Plan, Step, What};
use crate::error::{DecodeError, DecodeFault};
use crate::guard::guarded;
use crate::input::Input;
use crate::kind::Owner;

type Decoded = Result<(), DecodeError>;

/// Decodes one value.
///
/// # Errors
/// If the type cannot cross, or the bytes are not a value of it within the limits.
#[inline]
pub(crate) fn value<T: Facet<'static>>(input: &mut Input<'_>) -> Result<T, DecodeError> {
    let plan = match plan_of(T::SHAPE) {
        Ok(plan) => plan,
        Err(refused) => return Err(input.fault(DecodeFault::Refused(refused.clone()))),
    };
    let mut place = MaybeUninit::<T>::uninit();
    let mut run = Run { plan, input };
    // SAFETY: P2, the root of the plan for `T` is the node of `T`, and the slot is a place for one.
    unsafe { run.node(Plan::ROOT, Slot::of(&mut place), 0) }?;
    // SAFETY: the node wrote a complete value.
    Ok(unsafe { place.assume_init() })
}

struct Run<'r, 'a> {
    plan: &'static Plan,
    input: &'r mut Input<'a>,
}

impl Run<'_, '_> {
    /// Writes a complete value, or fails and leaves none.
    ///
    /// # Safety
    /// `slot` must be a place for a value of the node's type.
    unsafe fn node(&mut self, id: NodeId, slot: Slot, depth: u32) -> Decoded {
        let node = self.plan.node(id);
        if let Form::Steps(steps) = &node.form {
            // SAFETY: the steps were made for this type.
            unsafe { self.steps(steps, slot, depth) }?;
        } else {
            let depth = self.input.deeper(depth)?;
            // SAFETY: as the caller vouches.
            unsafe { self.form(node, slot, depth) }?;
        }
        if node.checked {
            // SAFETY: the value is complete.
            unsafe { self.check(id, slot) }?;
        }
        Ok(())
    }

    /// # Safety
    /// `slot` must be a place for a value of the node's type.
    unsafe fn form(&mut self, node: &'static Node, slot: Slot, depth: u32) -> Decoded {
        match &node.form {
            Form::Steps(steps) => {
                // SAFETY: the steps were made for this type.
                unsafe { self.steps(steps, slot, depth) }
            }
            Form::Enum(form) => {
                // SAFETY: the place is for this enum.
                unsafe { self.enumeration(node.shape, form, slot, depth) }
            }
            Form::Option { calls, some } => {
                // SAFETY: the place is for this option.
                unsafe { self.option(calls, *some, slot, depth) }
            }
            Form::Result { calls, ok, err } => {
                // SAFETY: the place is for this result.
                unsafe { self.result(calls, *ok, *err, slot, depth) }
            }
            Form::Pointer { def, pointee } => {
                // SAFETY: the place is for this pointer.
                unsafe { self.pointer(def, *pointee, slot, depth) }
            }
            Form::List { calls, items } => {
                // SAFETY: the place is for this list.
                unsafe { self.list(node.shape, calls, *items, slot, depth) }
            }
            Form::Queue { calls, element } => {
                // SAFETY: the place is for this list.
                unsafe { self.queue(calls, *element, slot, depth) }
            }
            Form::Array { len, element } => {
                // SAFETY: the place is for so many elements.
                unsafe { self.array(*len, *element, slot, depth) }
            }
            Form::Map(form) => {
                // SAFETY: the place is for this map.
                unsafe { self.map(form, slot, depth) }
            }
            Form::Set(form) => {
                // SAFETY: the place is for this set.
                unsafe { self.set(form, slot, depth) }
            }
            Form::Slice { def, items, .. } => {
                // SAFETY: the place is for this pointer to a slice.
                unsafe { self.slice(node, def, *items, slot, depth) }
            }
        }
    }

    /// Calls the type's own `invariants` (U1).
    ///
    /// # Safety
    /// `slot` must hold a complete value of the node's type; it is dropped if it does not pass.
    unsafe fn check(&mut self, id: NodeId, slot: Slot) -> Decoded {
        let shape = self.plan.node(id).shape;
        // SAFETY: as the caller vouches.
        let verdict = guarded(|| unsafe { shape.call_invariants(slot.init().as_const()) });
        let type_name = shape.type_identifier;
        let fault = match verdict {
            Ok(None | Some(Ok(()))) => return Ok(()),
            Ok(Some(Err(message))) => DecodeFault::Invariant { type_name, message },
            Err(message) => DecodeFault::Panicked {
                type_name,
                function: "invariants",
                message,
            },
        };
        // SAFETY: as the caller vouches; nobody uses it after this.
        unsafe { drop_node(self.plan, id, slot) };
        Err(self.input.fault(fault))
    }

    /// # Safety
    /// `slot` must be a place for a value of the type that the steps were made for.
    unsafe fn steps(&mut self, steps: &'static [Step], slot: Slot, depth: u32) -> Decoded {
        for (done, step) in steps.iter().enumerate() {
            // SAFETY: P1.
            if let Err(error) = unsafe { self.step(step, slot, depth) } {
                // SAFETY: exactly these were written.
                unsafe { drop_steps(self.plan, &steps[..done], slot) };
                return Err(error);
            }
        }
        Ok(())
    }

    /// # Safety
    /// `slot` must be a place for a value of the type that the step was made for.
    #[inline(always)]
    unsafe fn step(&mut self, step: &'static Step, slot: Slot, depth: u32) -> Decoded {
        let at = step.at;
        macro_rules! store {
            ($value:expr) => {{
                let value = $value;
                // SAFETY: P1, there is a place for a value of this type.
                unsafe { slot.put(at, value) };
            }};
        }
        match step.what {
            What::Copy(len) => {
                let bytes = self.input.take(len)?;
                // SAFETY: P1, there is place for as many bytes and floats.
                unsafe { slot.copy_in(at, bytes) };
            }
            What::Scalar(scalar) => {
                // SAFETY: P1, inside the value.
                let part = unsafe { slot.part(at) };
                // SAFETY: P1, there is a place for a value of the scalar's type.
                unsafe { self.scalars(scalar, part, 1) }?;
            }
            What::NonZero(scalar, size) => {
                // SAFETY: P1, inside the value.
                let part = unsafe { slot.part(at) };
                // SAFETY: P1; a `NonZero` is laid out as its integer.
                unsafe { self.non_zero(scalar, size, part) }?;
            }
            What::String => store!(self.input.text()?),
            What::Text(Owner::Box) => store!(self.input.text()?.into_boxed_str()),
            What::Text(Owner::Arc) => store!(Arc::<str>::from(self.input.text()?)),
            What::Bytes(Owner::Box) => store!(Box::<[u8]>::from(self.input.octets()?)),
            What::Bytes(Owner::Arc) => store!(Arc::<[u8]>::from(self.input.octets()?)),
            What::Duration => store!(self.duration()?),
            What::Time => store!(self.time()?),
            What::Path => store!(PathBuf::from(self.input.text()?)),
            What::Blob => store!(self.input.blob()?),
            What::Node(id) => {
                // SAFETY: P1, inside the value.
                let part = unsafe { slot.part(at) };
                // SAFETY: P1, there is a place for a value of the node's type.
                unsafe { self.node(id, part, depth) }?;
            }
        }
        Ok(())
    }

    /// # Safety
    /// `slot` must be a place for a value of the enum.
    unsafe fn enumeration(
        &mut self,
        shape: &'static Shape,
        form: &'static EnumForm,
        slot: Slot,
        depth: u32,
    ) -> Decoded {
        let index: u32 = self.input.varint()?;
        let Some(variant) = form.variants.get(index as usize) else {
            return Err(self.input.fault(DecodeFault::UnknownVariant {
                type_name: shape.type_identifier,
                index,
                variants: form.variants.len() as u32,
            }));
        };
        // SAFETY: this is one of its discriminants.
        unsafe { put_discriminant(form.repr, variant.discriminant, slot) };
        // SAFETY: the offsets of a variant's fields are those within the whole enum.
        unsafe { self.steps(&variant.steps, slot, depth) }
    }
}

/// # Safety
/// `slot` must be a place for an enum with that representation and discriminant.
#[inline]
unsafe fn put_discriminant(repr: EnumRepr, discriminant: i64, slot: Slot) {
    macro_rules! store {
        ($type:ty) => {
            // SAFETY: such an enum starts with its discriminant.
            unsafe { slot.put(0, discriminant as $type) }
        };
    }
    match repr {
        EnumRepr::U8 => store!(u8),
        EnumRepr::U16 => store!(u16),
        EnumRepr::U32 => store!(u32),
        EnumRepr::U64 => store!(u64),
        EnumRepr::USize => store!(usize),
        EnumRepr::I8 => store!(i8),
        EnumRepr::I16 => store!(i16),
        EnumRepr::I32 => store!(i32),
        EnumRepr::I64 => store!(i64),
        EnumRepr::ISize => store!(isize),
        EnumRepr::Rust | EnumRepr::RustNPO => unreachable!("kind_of refuses these"),
    }
}
