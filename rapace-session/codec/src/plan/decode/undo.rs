//! Dropping what was complete when decoding failed.

use std::path::PathBuf;
use std::sync::Arc;

use facet::Shape;

use crate::Blob;
use crate::kind::Owner;
use crate::plan::memory::Slot;
use crate::plan::{Node, Plan, Step, What};

/// # Safety
/// `slot` must hold a complete value of `shape`; it counts as gone afterwards.
pub(super) unsafe fn drop_value(shape: &'static Shape, slot: Slot) {
    // SAFETY: as the caller vouches. A shape without the function has nothing to drop.
    unsafe { shape.call_drop_in_place(slot.init()) };
}

/// # Safety
/// `len` complete values of the node's type must lie from `first` on; they count as gone afterwards.
#[cold]
pub(super) unsafe fn drop_row(node: &'static Node, first: Slot, len: usize) {
    for index in 0..len {
        // SAFETY: one of the `len` values.
        let slot = unsafe { first.part(index * node.layout.size()) };
        // SAFETY: as the caller vouches.
        unsafe { drop_value(node.shape, slot) };
    }
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
                unsafe { drop_value(plan.node(id).shape, part) };
            }
        }
    }
}
