//! Dropping what was complete when decoding failed.
//!
//! A value's own `Drop` may panic. So each part that has one is dropped by itself (U1), and what lies beside it is
//! dropped all the same. facet's own functions for options, arrays and tuples are not used for that: that of an option
//! has the C interface, where a panic ends the process, and the others leave what comes after the part that panicked.

use std::path::PathBuf;
use std::sync::Arc;

use facet::{OptionVTable, Shape, StructKind, Type, UserType};

use crate::Blob;
use crate::guard::guarded;
use crate::kind::Owner;
use crate::plan::memory::Slot;
use crate::plan::{Form, ListCalls, Node, NodeId, Plan, Step, What};

/// # Safety
/// `slot` must hold a complete value of the node's type; it counts as gone afterwards.
#[cold]
pub(super) unsafe fn drop_node(plan: &'static Plan, id: NodeId, slot: Slot) {
    let node = plan.node(id);
    match &node.form {
        Form::Option { calls, some } => {
            // SAFETY: the value is such an option.
            if let Some(inner) = unsafe { inside(calls, slot) } {
                // SAFETY: the value inside is complete, and gone with the option.
                unsafe { drop_node(plan, *some, inner) };
            }
        }
        Form::Array { len, element } => {
            // SAFETY: an array is its elements, one after the other.
            unsafe { drop_row(plan, *element, slot, *len) };
        }
        Form::Steps(steps) if is_tuple(node) => {
            // SAFETY: the steps of a tuple are all of its fields.
            unsafe { drop_steps(plan, steps, slot) };
        }
        Form::List { calls, items } => {
            // SAFETY: the value is such a list.
            let len = unsafe { (calls.len)(slot.init().as_const()) };
            // SAFETY: all of its elements are complete.
            unsafe { drop_list(plan, node.shape, calls, items.node, slot, len) };
        }
        _ => {
            // SAFETY: as the caller vouches.
            unsafe { drop_whole(node.shape, slot) };
        }
    }
}

/// # Safety
/// `len` complete values of the node's type must lie from `first` on; they count as gone afterwards.
#[cold]
pub(super) unsafe fn drop_row(plan: &'static Plan, id: NodeId, first: Slot, len: usize) {
    let size = plan.node(id).layout.size();
    for index in 0..len {
        // SAFETY: one of the `len` values.
        let slot = unsafe { first.part(index * size) };
        // SAFETY: as the caller vouches.
        unsafe { drop_node(plan, id, slot) };
    }
}

/// # Safety
/// `slot` must hold a list of that shape whose first `done` elements are complete; it counts as gone afterwards.
#[cold]
pub(super) unsafe fn drop_list(
    plan: &'static Plan,
    shape: &'static Shape,
    calls: &'static ListCalls,
    element: NodeId,
    slot: Slot,
    done: usize,
) {
    // SAFETY: the slot holds a list. None of its elements is the list's any more.
    unsafe { (calls.set_len)(slot.init(), 0) };
    // SAFETY: the slot holds a list.
    let first = unsafe { (calls.as_mut_ptr)(slot.init()) };
    // SAFETY: the list's own memory, which nothing else refers to.
    let first = unsafe { Slot::from_raw(first) };
    // SAFETY: so many are complete.
    unsafe { drop_row(plan, element, first, done) };
    // SAFETY: the list is empty.
    unsafe { drop_whole(shape, slot) };
}

/// # Safety
/// Exactly the parts that the steps name must have been written; they count as gone afterwards.
#[cold]
pub(super) unsafe fn drop_steps(plan: &'static Plan, steps: &[Step], slot: Slot) {
    for step in steps {
        macro_rules! drop_as {
            ($type:ty) => {
                // SAFETY: as the caller vouches, and P1.
                unsafe { slot.drop_part::<$type>(step.at) }
            };
        }
        match step.what {
            What::Copy(_) | What::Scalar(_) | What::NonZero(..) | What::Duration | What::Time => {}
            What::String => drop_as!(String),
            What::Text(Owner::Box) => drop_as!(Box<str>),
            What::Text(Owner::Arc) => drop_as!(Arc<str>),
            What::Bytes(Owner::Box) => drop_as!(Box<[u8]>),
            What::Bytes(Owner::Arc) => drop_as!(Arc<[u8]>),
            What::Path => drop_as!(PathBuf),
            What::Blob => drop_as!(Blob),
            What::Node(id) => {
                // SAFETY: inside the value.
                let part = unsafe { slot.part(step.at) };
                // SAFETY: as the caller vouches, and P1.
                unsafe { drop_node(plan, id, part) };
            }
        }
    }
}

/// Drops a value by the function of its shape. If it panics the value is gone as well: what the compiler makes drops
/// the fields behind the one that panicked.
///
/// # Safety
/// `slot` must hold a complete value of `shape`; it counts as gone afterwards.
unsafe fn drop_whole(shape: &'static Shape, slot: Slot) {
    // SAFETY: as the caller vouches. A shape without the function has nothing to drop.
    let _ = guarded(|| unsafe { shape.call_drop_in_place(slot.init()) });
}

/// The place of an option's value, if it has one.
///
/// # Safety
/// `slot` must hold such an option.
unsafe fn inside(calls: &'static OptionVTable, slot: Slot) -> Option<Slot> {
    // SAFETY: as the caller vouches.
    let inner = unsafe { (calls.get_value)(slot.init().as_const()) };
    if inner.is_null() {
        return None;
    }
    let at = inner.addr() - slot.raw().addr();
    // SAFETY: the value lies inside the option. By its distance, since facet's pointer is one to read through.
    Some(unsafe { slot.part(at) })
}

fn is_tuple(node: &Node) -> bool {
    matches!(
        &node.shape.ty,
        Type::User(UserType::Struct(def)) if def.kind == StructKind::Tuple
    )
}
